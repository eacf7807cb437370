import { readFileSync } from 'node:fs'
import type { CompiledNoticeTarget } from '../../model/generated/types.ts'
import type { NoticeEvent } from '../../model/ports.ts'
import { NoticeFailure, systemCode } from './failure.ts'
import { isLoopback } from './webhook.ts'
import { noticeWords } from './words.ts'

export type MailServer = NonNullable<CompiledNoticeTarget['smtp']>

/** Both, or neither for a server that wants no login. */
export type MailCredentials = { readonly user: string; readonly password: string }

/**
 * Sends one notice to people, each in a message of their own, so that nobody learns the others' addresses.
 *
 * TLS is required (STARTTLS, or from the first byte on port 465) and its certificate verified; only a server on the
 * loopback address may do without.
 *
 * @param to - addresses that were not told yet; each one is taken out once the server has its message
 * @throws {NoticeFailure} when some were not taken; none of its words is the server's
 */
export async function sendMail(
  server: MailServer,
  credentials: MailCredentials | null,
  event: NoticeEvent,
  to: Set<string>,
): Promise<void> {
  // Loading it takes longer than many commands need in all.
  const { createTransport } = await import('nodemailer')
  const transport = createTransport(connectionOf(server, credentials))
  const { title, facts, where } = noticeWords(event)
  const lines = [title, '', ...facts.map(([name, value]) => `${name}: ${value}`)]
  if (where !== null) lines.push(`Review: ${where}`)
  try {
    let refused: NoticeFailure | undefined
    for (const address of [...to]) {
      try {
        await transport.sendMail({
          from: server.from,
          to: address,
          subject: title,
          text: `${lines.join('\n')}\n`,
          headers: { 'Auto-Submitted': 'auto-generated' }, // RFC 3834: no out-of-office replies.
          disableFileAccess: true,
          disableUrlAccess: true,
        })
        to.delete(address)
      } catch (error) {
        const failure = failureOf(error)
        if (failure.retryable) throw failure
        // One address that the server does not know must not keep the others from being told.
        to.delete(address)
        refused = failure
      }
    }
    if (refused !== undefined) throw refused
  } finally {
    transport.close()
  }
}

function connectionOf(server: MailServer, credentials: MailCredentials | null): object {
  const { host, port, ca_file: caFile } = server
  const secure = port === IMPLICIT_TLS_PORT
  const plain = isLoopback(host) && caFile === null && !secure
  return {
    host,
    port,
    secure,
    requireTLS: !plain,
    ignoreTLS: plain,
    ...(credentials === null
      ? {}
      : { auth: { user: credentials.user, pass: credentials.password } }),
    ...(caFile === null ? {} : { tls: { ca: readCertificates(caFile) } }),
    ...{ connectionTimeout: CONNECT_MS_MAX, greetingTimeout: CONNECT_MS_MAX },
    ...{ socketTimeout: ANSWER_MS_MAX, dnsTimeout: CONNECT_MS_MAX },
  }
}

const IMPLICIT_TLS_PORT = 465 // RFC 8314.
const CONNECT_MS_MAX = 10_000
const ANSWER_MS_MAX = 30_000

function readCertificates(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    throw new NoticeFailure('its ca_file cannot be read', { retryable: false })
  }
}

/** RFC 5321 section 4.2.1: 4yz may succeed later, 5yz will not. */
function failureOf(error: unknown): NoticeFailure {
  const { responseCode, code } = error as { responseCode?: unknown; code?: unknown }
  if (code === 'ETLS') return new NoticeFailure('it speaks no TLS to trust', { retryable: false })
  if (typeof responseCode === 'number') {
    const retryable = responseCode >= 400 && responseCode < 500
    return new NoticeFailure(`it answered ${responseCode}`, { retryable })
  }
  if (code === 'EAUTH') return new NoticeFailure('it refused the login', { retryable: false })
  return new NoticeFailure(`it could not be reached (${systemCode(error)})`, { retryable: true })
}
