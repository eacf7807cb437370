import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { PolicyError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json-value.ts'
import { ask, refused, textOf } from './http.ts'
import type { TokenProvider } from './identity-token.ts'

export type DeviceFlow = {
  /** The issuer, as its tokens name it. */
  readonly issuer: string
  readonly clientId: string
  /** Shows the person where to go and what to enter. */
  readonly say: (text: string) => void
  /** For one question, in milliseconds. */
  readonly timeoutMs: number
  /** How long a second of the issuer's intervals is, in milliseconds. Default: 1000. */
  readonly secondMs?: number
}

/**
 * Signs a person in on any device with a browser while this one waits: the device grant (RFC 8628) with PKCE (RFC 7636),
 * by the issuer's own discovery document. Works over ssh.
 *
 * @throws {PolicyError} by the provider: SIGSTORE_UNREACHABLE (retryable), SIGSTORE_REFUSED, IDENTITY_TOKEN_MISSING when
 *   the person refused, or did nothing in time
 */
export function deviceToken(flow: DeviceFlow): TokenProvider {
  return async () => {
    const endpoints = await discover(flow)
    const verifier = randomBytes(32).toString('base64url')
    const begun = await begin(flow, endpoints.device, verifier)
    const where = begun.complete ?? begun.uri
    flow.say(`to sign in, open ${where} and check that it shows the code ${begun.userCode}`)
    return poll(flow, endpoints.token, begun, verifier)
  }
}

type Endpoints = { readonly device: string; readonly token: string }

async function discover({ issuer, timeoutMs }: DeviceFlow): Promise<Endpoints> {
  const url = `${issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`
  const { status, body } = await ask(WHO, url, { headers: JSON_ONLY }, timeoutMs)
  if (status !== 200) throw refused(WHO, status)
  // Another issuer's document would send the person, and the code, elsewhere (OpenID Connect Discovery 4.3).
  if (textOf(body, 'issuer') !== issuer) throw incomplete('a discovery document of its own')
  const device = textOf(body, 'device_authorization_endpoint')
  const token = textOf(body, 'token_endpoint')
  if (device === undefined || token === undefined) {
    throw incomplete('a device authorization endpoint; use --identity-token FILE')
  }
  return { device: checked(device), token: checked(token) }
}

type Begun = {
  readonly deviceCode: string
  readonly userCode: string
  readonly uri: string
  readonly complete: string | undefined
  readonly seconds: number
  readonly interval: number
}

async function begin(flow: DeviceFlow, endpoint: string, verifier: string): Promise<Begun> {
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  const { status, body } = await post(flow, endpoint, {
    client_id: flow.clientId,
    scope: 'openid email',
    code_challenge: challenge,
    code_challenge_method: 'S256',
  })
  if (status !== 200) throw refused(WHO, status)
  const [deviceCode, userCode] = [textOf(body, 'device_code'), textOf(body, 'user_code')]
  const uri = textOf(body, 'verification_uri')
  if (deviceCode === undefined || userCode === undefined || uri === undefined) {
    throw incomplete('a code and where to enter it')
  }
  const complete = textOf(body, 'verification_uri_complete')
  return {
    deviceCode,
    userCode: shown(userCode),
    uri: shown(checked(uri)),
    complete: complete === undefined ? undefined : shown(checked(complete)),
    seconds: Math.min(numberOf(body, 'expires_in') ?? 300, SECONDS_MAX),
    interval: Math.min(numberOf(body, 'interval') ?? 5, 60),
  }
}

/** However long an issuer would let a person take. */
const SECONDS_MAX = 15 * 60

async function poll(
  flow: DeviceFlow,
  endpoint: string,
  begun: Begun,
  verifier: string,
): Promise<string> {
  const { secondMs = 1000 } = flow
  let pause = Math.max(begun.interval, 1)
  for (let waited = pause; waited <= begun.seconds; waited += pause) {
    await sleep(pause * secondMs)
    const { status, body } = await post(flow, endpoint, {
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      device_code: begun.deviceCode,
      client_id: flow.clientId,
      code_verifier: verifier,
    })
    const token = textOf(body, 'id_token')
    if (status === 200 && token !== undefined) return token
    const error = textOf(body, 'error')
    // RFC 8628 section 3.5.
    if (error === 'slow_down') pause += 5
    else if (error === 'access_denied') throw missing('the sign-in was refused')
    else if (error === 'expired_token') break
    else if (error !== 'authorization_pending') throw refused(WHO, status)
  }
  throw missing('nobody signed in before the code expired')
}

const WHO = 'the OpenID Connect issuer'
const JSON_ONLY = { accept: 'application/json' }

function post(flow: DeviceFlow, endpoint: string, form: Record<string, string>) {
  return ask(
    WHO,
    endpoint,
    { method: 'POST', headers: JSON_ONLY, body: new URLSearchParams(form) },
    flow.timeoutMs,
  )
}

/** An address that the issuer names: over TLS, or on this very machine. */
function checked(text: string): string {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw incomplete('addresses that can be read')
  }
  const local = ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && local)) {
    throw incomplete('https addresses')
  }
  return url.href
}

/** What goes to a terminal must not steer it. */
function shown(text: string): string {
  if (/^[\x21-\x7e]{1,2048}$/.test(text)) return text
  throw incomplete('a code and an address of printable characters')
}

function numberOf(body: JsonObject | null, key: string): number | undefined {
  const value = body !== null && Object.hasOwn(body, key) ? body[key] : undefined
  return typeof value === 'number' && value >= 0 ? value : undefined
}

function incomplete(expected: string): PolicyError {
  return new PolicyError('SIGSTORE_REFUSED', `${WHO} answered without ${expected}`)
}

function missing(why: string): PolicyError {
  return new PolicyError('IDENTITY_TOKEN_MISSING', `no identity token: ${why}`)
}
