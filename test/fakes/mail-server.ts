import { mkdtempSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'

/** A self-signed certificate for localhost, 127.0.0.1 and 127.0.0.2, until 2126; its key guards nothing. */
export const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBojCCAUegAwIBAgIUKNQXciLKAB2sAGGWBkwlVlD+PjcwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbWFpbC50ZXN0MCAXDTI2MTEyMTE2MzExOVoYDzIxMjYxMDI4
MTYzMTE5WjAUMRIwEAYDVQQDDAltYWlsLnRlc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAS0GTPc/nR+54+c/TupdNiAqN6raZiy9HA4OVRt1OKAbrq87wH2x5zg
IKSGkijwNinjaygAmajUbUxUKRNS0fOMo3UwczAdBgNVHQ4EFgQUTyrRRbCmxXYi
SICJZREoMCmmvy8wHwYDVR0jBBgwFoAUTyrRRbCmxXYiSICJZREoMCmmvy8wDwYD
VR0TAQH/BAUwAwEB/zAgBgNVHREEGTAXgglsb2NhbGhvc3SHBH8AAAGHBH8AAAIw
CgYIKoZIzj0EAwIDSQAwRgIhANPjvv08z6K1ZcPKGfquMBy8BZ7pRl+LiasK5660
ffjQAiEAu4snMlstvchWbHXquavp4/rjBAPmcO29LTc/0QuuZGc=
-----END CERTIFICATE-----`

const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg2/p6E5i/goQ3IX/2
j9jLWeNZlLHAkovO1YsGppPF/lahRANCAAS0GTPc/nR+54+c/TupdNiAqN6raZiy
9HA4OVRt1OKAbrq87wH2x5zgIKSGkijwNinjaygAmajUbUxUKRNS0fOM
-----END PRIVATE KEY-----`

export type Mail = {
  readonly to: string
  /** Header lines as they came, unfolded. */
  readonly headers: readonly string[]
  readonly body: string
  readonly secure: boolean
  readonly user: string | null
}

export type MailServerFake = {
  readonly port: number
  readonly mails: Mail[]
  /** A file with the certificate that the server shows. */
  readonly caFile: string
  close(): Promise<void>
}

/** A real SMTP server (the package `smtp-server`) on all loopback addresses that keeps what it is sent. */
export async function startMailServer(options: SMTPServerOptions = {}): Promise<MailServerFake> {
  const mails: Mail[] = []
  const server = new SMTPServer({
    cert: CERTIFICATE,
    key: KEY,
    authOptional: true,
    logger: false,
    onAuth: ({ username, password }, _session, done) => {
      if (username === 'bot' && password === 'right') done(null, { user: username })
      else done(new Error('wrong'))
    },
    onData: (stream, session, done) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8')
        const [head = '', ...rest] = text.split('\r\n\r\n')
        mails.push({
          to: session.envelope.rcptTo.map(({ address }) => address).join(','),
          headers: head.replaceAll(/\r\n[ \t]+/g, ' ').split('\r\n'),
          body: rest.join('\r\n\r\n'),
          secure: session.secure,
          user: session.user === undefined ? null : String(session.user),
        })
        done()
      })
    },
    ...options,
  })
  // What a client that trusts nobody makes of the handshake is the client's test, not the server's.
  server.on('error', () => undefined)
  await new Promise<void>((ready) => {
    server.listen(0, '0.0.0.0', ready)
  })
  const caFile = join(mkdtempSync(join(tmpdir(), 'countersign-test-ca-')), 'ca.pem')
  writeFileSync(caFile, CERTIFICATE)
  return {
    port: (server.server.address() as AddressInfo).port,
    mails,
    caFile,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed())
      }),
  }
}
