import { type ChildProcess, spawn } from 'node:child_process'
import {
  createHash,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  X509Certificate,
} from 'node:crypto'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, createServer as createSocket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { exportJWK, SignJWT } from 'jose'
import { goTool } from '../../../scripts/tools.ts'
import type { JsonObject } from '../../../src/base/json-value.ts'
import {
  certificateLog,
  certificateTimestamp,
  pem,
  rootAuthority,
  spki,
  withoutPoison,
} from '../../fakes/sigstore/certificates.ts'

// A private Sigstore on loopback: Fulcio, Rekor v2 and the time stamp authority as they are released, before an issuer of
// OpenID Connect tokens and a certificate log that only signs.

export type Claims = Readonly<Record<string, unknown>> & { readonly email?: string }

export type SigstoreStack = {
  readonly issuer: string
  readonly fulcioUrl: string
  readonly rekorUrl: string
  readonly tsaUrl: string
  /** `trusted_root.json`. */
  readonly root: JsonObject
  /** A token of the issuer for an e-mail address. */
  token(email: string, claims?: Claims): Promise<string>
  /** What a person would do in a browser after `deviceToken` asked: sign in, or refuse. */
  readonly device: { answer: 'pending' | 'refuse' | { readonly email: string }; asked: number }
  /** Ends some parts, by their process ids; by default all. */
  stop(...names: readonly ('fulcio' | 'rekor' | 'tsa')[]): Promise<void>
  /** Starts Fulcio again, with the keys that it had. */
  restartFulcio(): Promise<void>
}

/**
 * Starts all of it.
 *
 * @param folder - for keys, logs and the log's tiles
 * @param workflows - the issuer of tokens of GitHub's workflows. Default: there is none
 */
export async function startSigstore(folder: string, workflows?: string): Promise<SigstoreStack> {
  mkdirSync(folder, { recursive: true })
  const issuer = await startIssuer()
  const certificates = await startCertificateLog()
  const ports = await freePorts(7)
  const [fulcioPort, fulcioGrpc, fulcioMetrics, rekorPort, rekorGrpc, rekorMetrics, tsaPort] = ports
  const at = (port: number | undefined): string => `http://127.0.0.1:${port}`
  const ca = fulcioAuthority(folder)
  const rekor = generateKeyPairSync('ed25519')
  write(folder, 'rekor.pem', rekor.privateKey.export({ type: 'pkcs8', format: 'pem' }))
  const startFulcio = () =>
    start(folder, 'fulcio', [
      ...['serve', '--ca=fileca', '--fileca-watch=false', '--host=127.0.0.1'],
      `--fileca-cert=${join(folder, 'fulcio.pem')}`,
      `--fileca-key=${join(folder, 'fulcio.key')}`,
      `--fileca-key-passwd=${ca.password}`,
      `--ct-log-url=${certificates.url}`,
      `--config-path=${fulcioConfig(folder, issuer.url, workflows)}`,
      ...[`--port=${fulcioPort}`, '--grpc-host=127.0.0.1', `--grpc-port=${fulcioGrpc}`],
      `--metrics-port=${fulcioMetrics}`,
      `--legacy-unix-domain-socket=${join(folder, 'fulcio.sock')}`,
    ])
  const parts = {
    fulcio: startFulcio(),
    rekor: start(folder, 'posix', [
      ...['serve', '--http-address=127.0.0.1', `--http-port=${rekorPort}`],
      ...['--grpc-address=127.0.0.1', `--grpc-port=${rekorGrpc}`],
      ...[`--http-metrics-port=${rekorMetrics}`, `--hostname=${ORIGIN}`],
      `--storage-dir=${join(folder, 'rekor')}`,
      `--signer-filepath=${join(folder, 'rekor.pem')}`,
      ...['--checkpoint-interval=1s', '--batch-max-age=50ms'],
    ]),
    tsa: start(folder, 'timestamp-server', [
      ...['serve', '--host=127.0.0.1', `--port=${tsaPort}`],
      ...['--timestamp-signer=memory', '--disable-ntp-monitoring'],
    ]),
  }
  await Promise.all([
    answers(`${at(fulcioPort)}/healthz`),
    answers(`${at(rekorPort)}/healthz`),
    answers(`${at(tsaPort)}/ping`),
  ])
  const chain = await (await fetch(`${at(tsaPort)}/api/v1/timestamp/certchain`)).text()
  return {
    issuer: issuer.url,
    fulcioUrl: at(fulcioPort),
    rekorUrl: at(rekorPort),
    tsaUrl: at(tsaPort),
    root: trustedRoot({ ca: ca.certificate, ct: certificates, rekor, chain }),
    token: issuer.token,
    device: issuer.device,
    restartFulcio: async () => {
      rmSync(join(folder, 'fulcio.sock'), { force: true }) // A stale one keeps it from starting.
      parts.fulcio = startFulcio()
      await answers(`${at(fulcioPort)}/healthz`)
    },
    stop: async (...names) => {
      await Promise.all((names.length === 0 ? ALL : names).map((name) => ended(parts[name])))
      if (names.length > 0) return
      issuer.server.closeAllConnections()
      issuer.server.close()
      certificates.server.closeAllConnections()
      certificates.server.close()
    },
  }
}

const ALL = ['fulcio', 'rekor', 'tsa'] as const
/** The log's name in its checkpoints. */
const ORIGIN = 'rekor.local'

function start(folder: string, tool: Parameters<typeof goTool>[0], args: string[]): ChildProcess {
  if (tool === 'posix') mkdirSync(join(folder, 'rekor'), { recursive: true })
  const child = spawn(goTool(tool), args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr?.on('data', (chunk) => {
    said = `${said}${chunk}`.slice(-20_000)
  })
  child.once('exit', (code) => {
    if (code !== null && code !== 0) console.error(`${tool} ended with ${code}: ${said}`)
  })
  return child
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL') // By its own process id; nothing of it is kept.
  await gone
}

async function answers(url: string): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    try {
      if ((await fetch(url)).ok) return
    } catch {
      // It is not up yet.
    }
    await sleep(100)
  }
  throw new Error(`${url} does not answer`)
}

async function freePorts(count: number): Promise<number[]> {
  const held = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createSocket()
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      return server
    }),
  )
  const ports = held.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

function fulcioAuthority(folder: string): { certificate: Uint8Array; password: string } {
  const now = Date.now()
  const valid = { from: now - 3600_000, until: now + 10 * 365 * 24 * 3600_000 }
  const { keys, certificate } = rootAuthority('fulcio-local', valid)
  const password = randomBytes(12).toString('hex')
  const key = keys.privateKey.export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: password,
  })
  write(folder, 'fulcio.key', key)
  write(folder, 'fulcio.pem', pem('CERTIFICATE', certificate))
  return { certificate, password }
}

function fulcioConfig(folder: string, issuer: string, workflows: string | undefined): string {
  const entry = (url: string, type: string): string =>
    `  ${url}:\n    issuer-url: ${url}\n    client-id: sigstore\n    type: ${type}\n`
  const second = workflows === undefined ? '' : entry(workflows, 'github-workflow')
  return write(folder, 'fulcio.yaml', `oidc-issuers:\n${entry(issuer, 'email')}${second}`)
}

function write(folder: string, name: string, text: string | Buffer): string {
  const file = join(folder, name)
  writeFileSync(file, text, { mode: 0o600 })
  return file
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text
}

/** Discovery, keys, and the device grant of RFC 8628; whoever asks gets the token that the test wants them to. */
async function startIssuer() {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' }
  const device: SigstoreStack['device'] = { answer: 'pending', asked: 0 }
  let url = ''
  const token = (email: string, claims: Claims = {}): Promise<string> =>
    new SignJWT({ email, email_verified: true, ...claims })
      .setProtectedHeader({ alg: 'RS256', kid: 'k1' })
      .setIssuer(url)
      .setAudience(String(claims['aud'] ?? 'sigstore'))
      .setSubject(email)
      .setIssuedAt()
      .setExpirationTime('10m')
      .sign(privateKey)
  let challenge = ''
  const answer = async (request: IncomingMessage): Promise<[number, object]> => {
    const form = new URLSearchParams(await bodyOf(request))
    const path = new URL(request.url ?? '/', url).pathname
    if (path === '/.well-known/openid-configuration') return [200, discovery(url)]
    if (path === '/jwks') return [200, { keys: [jwk] }]
    if (path === '/device/code') {
      challenge = form.get('code_challenge') ?? ''
      const codes = { device_code: 'd-1', user_code: 'WDJB-MJHT', expires_in: 300, interval: 1 }
      return [200, { ...codes, verification_uri: `${url}/device` }]
    }
    if (path !== '/token') return [404, {}]
    device.asked += 1
    const verifier = createHash('sha256').update(form.get('code_verifier') ?? '')
    if (verifier.digest('base64url') !== challenge) return [400, { error: 'invalid_grant' }]
    if (device.answer === 'pending') return [400, { error: 'authorization_pending' }]
    if (device.answer === 'refuse') return [400, { error: 'access_denied' }]
    return [200, { id_token: await token(device.answer.email) }]
  }
  const server = createServer(async (request, response) => {
    const [status, body] = await answer(request)
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  url = await listen(server)
  return { url, server, token, device }
}

function discovery(url: string): object {
  return {
    issuer: url,
    jwks_uri: `${url}/jwks`,
    authorization_endpoint: `${url}/auth`,
    token_endpoint: `${url}/token`,
    device_authorization_endpoint: `${url}/device/code`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
  }
}

/** `add-pre-chain` of RFC 6962: signs that the certificate is logged, and logs nothing. */
async function startCertificateLog() {
  const log = certificateLog()
  const server = createServer(async (request, response) => {
    const { chain } = JSON.parse(await bodyOf(request)) as { chain: string[] }
    const [leaf, issuer] = chain.map((text) => Buffer.from(text, 'base64'))
    if (request.url !== '/ct/v1/add-pre-chain' || leaf === undefined || issuer === undefined) {
      response.writeHead(400).end()
      return
    }
    const ms = Date.now()
    const issuerKey = publicKeyOf(issuer)
    const signature = certificateTimestamp(log, withoutPoison(leaf), { ms, issuer: issuerKey })
    const head = Buffer.alloc(4)
    head.writeUInt16BE(0x0403) // SHA-256 with ECDSA (RFC 5246).
    head.writeUInt16BE(signature.length, 2)
    const made = {
      sct_version: 0,
      id: log.id.toString('base64'),
      timestamp: ms,
      extensions: '',
      signature: Buffer.concat([head, signature]).toString('base64'),
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(made))
  })
  return { ...log, server, url: await listen(server) }
}

function publicKeyOf(certificate: Buffer) {
  return { publicKey: new X509Certificate(certificate).publicKey }
}

function trustedRoot(of: {
  readonly ca: Uint8Array
  readonly ct: { readonly keys: { readonly publicKey: KeyObject }; readonly id: Buffer }
  readonly rekor: { readonly publicKey: KeyObject }
  /** PEM. */
  readonly chain: string
}): JsonObject {
  const validFor = { start: '2024-01-01T00:00:00.000Z' }
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
  const raw = Buffer.from(of.rekor.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')
  // The C2SP key id of the log's key, in full.
  const keyId = createHash('sha256').update(`${ORIGIN}\n`).update(Uint8Array.of(1)).update(raw)
  const stamps = [...of.chain.matchAll(/-----BEGIN CERTIFICATE-----([^-]+)-----END/g)].map(
    ([, text = '']) => ({ rawBytes: text.replaceAll(/\s/g, '') }),
  )
  const authority = (commonName: string, certificates: readonly { rawBytes: string }[]) => ({
    subject: { organization: 'local', commonName },
    uri: 'http://127.0.0.1',
    certChain: { certificates: [...certificates] },
    validFor,
  })
  const log = (baseUrl: string, key: { publicKey: KeyObject }, details: string, id: Buffer) => ({
    baseUrl,
    hashAlgorithm: 'SHA2_256',
    publicKey: { rawBytes: base64(spki(key)), keyDetails: details, validFor },
    logId: { keyId: base64(id) },
  })
  return {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [log(`https://${ORIGIN}`, of.rekor, 'PKIX_ED25519', keyId.digest())],
    certificateAuthorities: [authority('fulcio-local', [{ rawBytes: base64(of.ca) }])],
    ctlogs: [log('http://127.0.0.1', of.ct.keys, 'PKIX_ECDSA_P256_SHA_256', of.ct.id)],
    timestampAuthorities: [authority('tsa', stamps)],
  }
}
