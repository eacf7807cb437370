import { canonicalize } from '../../base/canonical-json.ts'
import { sha256Text, utf8 } from '../../base/digest.ts'
import { decodeBase64url, encodeBase64url } from '../../base/encoding.ts'
import type { ErrorCode } from '../../base/errors.ts'
import { PolicyError } from '../../base/errors.ts'
import { parseJsonBytes } from '../../base/json-parse.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../base/json-value.ts'
import { JWKS_KEYS_MAX } from '../../base/limits.ts'
import type { Jwks } from '../../model/ports.ts'
import { verifyEd25519 } from './ed25519.ts'

/** One kind of token: what its header must say, and the codes of what is wrong with one. */
export type TokenKind = {
  /** In messages: `a grant`. */
  readonly name: string
  /** The header's `typ`: a token of another kind is none here. */
  readonly type: string
  readonly lengthMax: number
  readonly depthMax: number
  readonly malformed: ErrorCode
  readonly untrusted: ErrorCode
}

/**
 * The claims of a JWS in the compact form (RFC 7515), its header and signature checked and nothing else. EdDSA alone, by a
 * key of the document that is given; a header that says more than `alg`, `typ` and `kid` is refused.
 *
 * @throws {PolicyError} the kind's codes; SIGNATURE_WRONG; JWKS_INVALID
 */
export function openToken(token: string, jwks: Jwks, kind: TokenKind): JsonObject {
  if (typeof token !== 'string' || token.length > kind.lengthMax) {
    throw malformed(kind, `text of at most ${kind.lengthMax} characters`)
  }
  const [header = '', body = '', signature = '', ...more] = token.split('.')
  if (signature === '' || more.length > 0) throw malformed(kind, 'a JWS in the compact form')
  const kid = kidOf(objectOf(header, kind), kind)
  const key = keysOf(jwks).get(kid)
  if (key === undefined) {
    throw new PolicyError(kind.untrusted, 'expected the signature of a key in the JWKS document')
  }
  const signed = utf8(`${header}.${body}`)
  if (!verifyEd25519(decodeBase64url(key), signed, bytesOf(signature, kind))) {
    throw new PolicyError('SIGNATURE_WRONG', `expected the key's signature of ${kind.name}`)
  }
  return objectOf(body, kind)
}

function kidOf(header: JsonObject, kind: TokenKind): string {
  const { alg, typ, kid } = header
  if (alg !== 'EdDSA') throw malformed(kind, 'the algorithm EdDSA')
  if (typ !== kind.type) throw malformed(kind, `the type ${kind.type}`)
  if (typeof kid !== 'string') throw malformed(kind, 'a key id')
  // A key, or a place of one, inside a token is chosen by whoever made the token.
  if (Object.keys(header).length !== 3) throw malformed(kind, 'a header of alg, typ and kid alone')
  return kid
}

/** The public keys of a JWKS document (RFC 7517) by their thumbprints. */
function keysOf(jwks: Jwks): ReadonlyMap<string, string> {
  const keys: unknown = jwks?.keys
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > JWKS_KEYS_MAX) {
    throw jwksInvalid(`from 1 to ${JWKS_KEYS_MAX} keys`)
  }
  return new Map(keys.map((key: unknown) => publicKeyOf(key)))
}

function publicKeyOf(value: unknown): readonly [kid: string, x: string] {
  if (typeof value !== 'object' || value === null) throw jwksInvalid('keys that are objects')
  const own = (name: string): unknown =>
    Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined
  if (own('kty') !== 'OKP' || own('crv') !== 'Ed25519') throw jwksInvalid('Ed25519 keys')
  if (own('d') !== undefined) throw jwksInvalid('public keys alone; a private one must be replaced')
  if (![undefined, 'EdDSA'].includes(own('alg') as string)) throw jwksInvalid('keys for EdDSA')
  if (![undefined, 'sig'].includes(own('use') as string)) throw jwksInvalid('keys for signatures')
  const x = own('x')
  if (typeof x !== 'string' || !isKeyText(x)) throw jwksInvalid('32 bytes in base64url as x')
  const kid = thumbprint(x)
  if (own('kid') !== kid) throw jwksInvalid('the RFC 7638 thumbprint as kid')
  return [kid, x]
}

function isKeyText(x: string): boolean {
  try {
    return decodeBase64url(x).length === 32
  } catch {
    return false
  }
}

/** RFC 7638 with SHA-256, of an Ed25519 key (RFC 8037 appendix A.3). */
function thumbprint(x: string): string {
  return encodeBase64url(sha256Text(canonicalize({ crv: 'Ed25519', kty: 'OKP', x })))
}

function objectOf(part: string, kind: TokenKind): JsonObject {
  let value: JsonValue
  try {
    const { lengthMax: bytesMax, depthMax } = kind
    value = parseJsonBytes(decodeBase64url(part), { bytesMax, depthMax })
  } catch (cause) {
    throw new PolicyError(kind.malformed, 'expected base64url of strict JSON', { cause })
  }
  if (isJsonObject(value)) return value
  throw malformed(kind, 'JSON objects')
}

function bytesOf(signature: string, kind: TokenKind): Uint8Array {
  try {
    return decodeBase64url(signature)
  } catch (cause) {
    throw new PolicyError(kind.malformed, 'expected base64url', { cause })
  }
}

function malformed({ name, malformed: code }: TokenKind, expected: string): PolicyError {
  return new PolicyError(code, `expected ${name}: ${expected}`)
}

function jwksInvalid(what: string): PolicyError {
  return new PolicyError('JWKS_INVALID', `expected a JWKS document with ${what}`)
}
