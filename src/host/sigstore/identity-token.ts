import { decodeJwt } from 'jose'
import { fromUtf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import { IDENTITY_TOKEN_LENGTH_MAX } from '../../base/limits.ts'
import { readBytes } from '../files.ts'
import { deviceToken } from './device-flow.ts'
import { ask, refused, textOf } from './http.ts'

/** Gives an OpenID Connect identity token, anew at each call. */
export type TokenProvider = () => Promise<string>

/**
 * An identity token after a look at what it says of itself; whether it is sound is for Fulcio to say.
 *
 * @param asked.now - Unix milliseconds
 * @throws {PolicyError} IDENTITY_TOKEN_INVALID; the message holds nothing of the token but its end
 */
export function readIdentityToken(
  text: string,
  asked: { readonly audience: string; readonly now: number },
): string {
  const token = text.trim()
  if (token.length > IDENTITY_TOKEN_LENGTH_MAX) throw invalid('one of at most 16,384 characters')
  let claims: ReturnType<typeof decodeJwt>
  try {
    claims = decodeJwt(token)
  } catch {
    throw invalid('a JWT') // The cause might quote it.
  }
  const { aud, exp } = claims
  if (![aud].flat().includes(asked.audience))
    throw invalid(`one for the audience ${asked.audience}`)
  if (typeof exp !== 'number' || !(exp * 1000 > asked.now)) {
    throw invalid('one that has not expired; ask the issuer for another')
  }
  return token
}

/**
 * The token that a workload's surroundings give: `SIGSTORE_ID_TOKEN`, or GitHub Actions where the job has the permission
 * `id-token: write`. Null where there is neither.
 *
 * @throws {PolicyError} by the provider: SIGSTORE_UNREACHABLE (retryable), SIGSTORE_REFUSED
 */
export function ambientToken(
  environment: Readonly<Record<string, string | undefined>>,
  asked: { readonly audience: string; readonly timeoutMs: number },
): TokenProvider | null {
  const own = (name: string): string | undefined => environment[name] || undefined
  const given = own('SIGSTORE_ID_TOKEN')
  if (given !== undefined) return async () => given
  const url = own('ACTIONS_ID_TOKEN_REQUEST_URL')
  const token = own('ACTIONS_ID_TOKEN_REQUEST_TOKEN')
  if (url === undefined || token === undefined) return null
  return async () => {
    const address = addressOf(url)
    address.searchParams.set('audience', asked.audience)
    const who = "GitHub Actions' issuer"
    const init = { headers: { authorization: `Bearer ${token}`, accept: 'application/json' } }
    const { status, body } = await ask(who, address.href, init, asked.timeoutMs)
    const value = textOf(body, 'value')
    if (status !== 200 || value === undefined) throw refused(who, status)
    return value
  }
}

export type TokenSource = {
  /** Absolute path of a file that holds a token; null for none. */
  readonly file: string | null
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly issuer: string
  readonly clientId: string
  /** Shows a person where to sign in; null where nobody is there to read it. */
  readonly say: ((text: string) => void) | null
}

/**
 * Where a token comes from, in this order: a file that was named, the surroundings of a workload, a person who signs in.
 *
 * @throws {PolicyError} by the provider: FILE_UNREADABLE, IDENTITY_TOKEN_MISSING, and as {@link ambientToken} and `deviceToken`
 */
export function tokenFrom(source: TokenSource): TokenProvider {
  const { file, environment, issuer, clientId, say } = source
  if (file !== null) return async () => fromUtf8(await readBytes(file))
  const ambient = ambientToken(environment, { audience: clientId, timeoutMs: TIMEOUT_MS })
  if (ambient !== null) return ambient
  if (say !== null) return deviceToken({ issuer, clientId, say, timeoutMs: TIMEOUT_MS })
  return async () => {
    const advice =
      environment['GITHUB_ACTIONS'] === 'true'
        ? 'give the job the permission id-token: write'
        : 'set SIGSTORE_ID_TOKEN, or name one with --identity-token FILE'
    throw new PolicyError('IDENTITY_TOKEN_MISSING', `no identity token; ${advice}`)
  }
}

const TIMEOUT_MS = 20_000

function addressOf(text: string): URL {
  try {
    return new URL(text)
  } catch {
    throw new PolicyError('IDENTITY_TOKEN_MISSING', 'ACTIONS_ID_TOKEN_REQUEST_URL is no address')
  }
}

function invalid(expected: string): PolicyError {
  return new PolicyError('IDENTITY_TOKEN_INVALID', `the identity token: expected ${expected}`)
}
