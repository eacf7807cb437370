import { bytesEqual } from '../../../../base/digest.ts'
import { PolicyError } from '../../../../base/errors.ts'
import { parseValue } from '../../values/json.ts'
import type { AnyObject, Value } from '../../values/value.ts'
import { isArray, isObject, objectGet } from '../../values/value.ts'
import type { Call } from '../builtin.ts'
import { BuiltinError } from '../builtin.ts'
import { bitLength, wholeOf } from './bytes.ts'
import { parseCertificate } from './certificate.ts'
import { EDWARDS_KEY_BYTES, ed25519KeyPair } from './edwards.ts'
import type { CurveName } from './elliptic.ts'
import { fieldBytes, publicKeyOf } from './elliptic.ts'
import { decodeAnyBase64, decodeGoBase64 } from './go-base64.ts'
import type { PrivateKey } from './private-keys.ts'
import type { PublicKey } from './public-keys.ts'

/** A key of a set: what may verify or sign with it, and how it is named. RFC 7517. */
export type Jwk = {
  readonly kid: string
  /** '' where the key does not say. */
  readonly alg: string
  readonly material: KeyMaterial
}

export type KeyMaterial =
  | PublicKey
  | SymmetricKey
  | PrivateMaterial
  /** A key that no signature is made with. */
  | { readonly kind: 'other' }

export type SymmetricKey = { readonly kind: 'oct'; readonly secret: Uint8Array }

/** A private key as it stands in a JWK: whether its parts belong together is checked when it is used. */
export type PrivateMaterial =
  | {
      readonly kind: 'rsa-private'
      readonly n: bigint
      readonly e: bigint
      readonly d: bigint
      readonly p: bigint
      readonly q: bigint
      /** Undefined where one of the values for the Chinese remainder theorem is missing. */
      readonly crt:
        | { readonly dp: bigint; readonly dq: bigint; readonly qInverse: bigint }
        | undefined
    }
  | {
      readonly kind: 'ec-private'
      readonly key: Extract<PrivateKey, { kind: 'ec' }>
    }
  | {
      readonly kind: 'ed25519-private'
      readonly key: Extract<PrivateKey, { kind: 'ed25519' }>
    }

/**
 * Reads a JWK or a set of them by the rules of the library that OPA uses (lestrrat-go/jwx 3): every key must be sound.
 *
 * @throws {BuiltinError}
 */
export function parseJwks(text: string): readonly Jwk[] {
  let value: Value
  try {
    value = parseValue(text)
  } catch (cause) {
    if (cause instanceof PolicyError) throw refuse('no JSON')
    throw cause
  }
  if (!isObject(value)) throw refuse('no object')
  const list = objectGet(value, 'keys')
  if (list === undefined) return [readJwk(value)]
  if (!isArray(list)) throw refuse('"keys" is no array')
  if (list.length > KEYS_MAX) throw refuse(`too many keys in "keys" array: max ${KEYS_MAX}`)
  return list.map((key) => (isObject(key) ? readJwk(key) : fail('a key is no object')))
}

/**
 * Checks what costs more than reading: that the halves of Ed25519 key pairs belong together.
 *
 * @throws {BuiltinError}
 */
export function checkPairs(call: Call, keys: readonly Jwk[]): void {
  for (const { material } of keys) {
    if (material.kind !== 'ed25519-private') continue
    const { seed, x } = material.key
    if (!bytesEqual(ed25519KeyPair(call, seed).x, x)) throw refuse('invalid x value given d value')
  }
}

const KEYS_MAX = 1000
const CHAIN_MAX = 10
const CERTIFICATE_BYTES_MAX = 256 * 1024

const CURVES: Readonly<Record<string, CurveName>> = {
  'P-256': 'P-256',
  'P-384': 'P-384',
  'P-521': 'P-521',
}

/** Every name that a JWK may have as its algorithm; those that sign are the business of whoever verifies. */
const ALGORITHMS = new Set(
  (
    'none EdDSA Ed25519 ES256 ES256K ES384 ES512 HS256 HS384 HS512 PS256 PS384 PS512 RS256 RS384 RS512 ' +
    'A128CBC-HS256 A192CBC-HS384 A256CBC-HS512 A128GCM A192GCM A256GCM A128GCMKW A192GCMKW A256GCMKW ' +
    'A128KW A192KW A256KW dir ECDH-ES ECDH-ES+A128KW ECDH-ES+A192KW ECDH-ES+A256KW ' +
    'PBES2-HS256+A128KW PBES2-HS384+A192KW PBES2-HS512+A256KW ' +
    'RSA1_5 RSA-OAEP RSA-OAEP-256 RSA-OAEP-384 RSA-OAEP-512'
  ).split(' '),
)

function readJwk(key: AnyObject): Jwk {
  for (const name of ['use', 'x5t', 'x5t#S256', 'x5u']) text(key, name)
  checkOperations(objectGet(key, 'key_ops'))
  checkChain(objectGet(key, 'x5c'))
  const alg = text(key, 'alg')
  if (alg !== undefined && !ALGORITHMS.has(alg)) throw refuse('invalid key value of "alg"')
  return { kid: text(key, 'kid') ?? '', alg: alg ?? '', material: materialOf(key) }
}

function materialOf(key: AnyObject): KeyMaterial {
  const secret = objectGet(key, 'd') !== undefined
  const kty = text(key, 'kty')
  switch (kty) {
    case 'RSA':
      return rsaMaterial(key, secret)
    case 'EC':
      return ecMaterial(key, secret)
    case 'OKP':
      return edwardsMaterial(key, secret)
    case 'oct':
      return { kind: 'oct', secret: someBytes(key, 'k') }
    default:
      throw refuse('invalid key type from JSON')
  }
}

function rsaMaterial(key: AnyObject, secret: boolean): KeyMaterial {
  const n = wholeOf(someBytes(key, 'n'))
  const e = wholeOf(someBytes(key, 'e'))
  if (n === 0n) throw refuse('missing "n" value')
  if (e % 2n === 0n) throw refuse('invalid rsa public exponent: must be a positive odd integer')
  if (bitLength(e) > 63) throw refuse('rsa public exponent too large')
  if (!secret) return { kind: 'rsa', n, e }
  const whole = (name: string) => {
    const bytes = optionalBytes(key, name)
    return bytes && wholeOf(bytes)
  }
  const [p, q] = [whole('p'), whole('q')]
  const [dp, dq, qInverse] = [whole('dp'), whole('dq'), whole('qi')]
  if (p === undefined || q === undefined) throw refuse('missing "p" or "q" value')
  const complete = dp !== undefined && dq !== undefined && qInverse !== undefined
  const crt = complete ? { dp, dq, qInverse } : undefined
  return { kind: 'rsa-private', n, e, d: wholeOf(someBytes(key, 'd')), p, q, crt }
}

function ecMaterial(key: AnyObject, secret: boolean): KeyMaterial {
  const name = text(key, 'crv') ?? ''
  const curve = Object.hasOwn(CURVES, name) ? CURVES[name] : undefined
  if (curve === undefined) throw refuse('invalid curve algorithm')
  const length = fieldBytes(curve)
  const exact = (member: string) => {
    const bytes = someBytes(key, member)
    return bytes.length === length ? bytes : fail(`invalid "${member}" length`)
  }
  const encoded = new Uint8Array(1 + 2 * length)
  encoded[0] = 4
  encoded.set(exact('x'), 1)
  encoded.set(exact('y'), 1 + length)
  const point = publicKeyOf(curve, encoded)
  if (point === undefined) throw refuse('invalid ECDSA public key')
  if (!secret) return point
  return { kind: 'ec-private', key: { ...point, d: wholeOf(exact('d')) } }
}

function edwardsMaterial(key: AnyObject, secret: boolean): KeyMaterial {
  const curve = text(key, 'crv')
  if (curve !== 'Ed25519' && curve !== 'X25519') throw refuse('invalid curve algorithm')
  const exact = (member: string) => {
    const bytes = someBytes(key, member)
    return bytes.length === EDWARDS_KEY_BYTES ? bytes : fail(`wrong size of "${member}"`)
  }
  const x = exact('x')
  const seed = secret ? exact('d') : undefined
  if (curve === 'X25519') return { kind: 'other' }
  if (seed === undefined) return { kind: 'ed25519', x }
  return { kind: 'ed25519-private', key: { kind: 'ed25519', x, seed } }
}

function checkOperations(value: Value | undefined): void {
  if (value === undefined || value === null) return
  if (!isArray(value)) throw refuse('"key_ops" is no array')
  for (const operation of value) {
    if (operation !== null && typeof operation !== 'string') throw refuse('"key_ops" is none')
  }
}

/** Certificates beside a key are no more than checked to be some. */
function checkChain(value: Value | undefined): void {
  if (value === undefined) return
  if (!isArray(value)) throw refuse('"x5c" is no array')
  if (value.length > CHAIN_MAX) throw refuse(`more than ${CHAIN_MAX} certificates in "x5c"`)
  for (const member of value) {
    if (typeof member !== 'string') throw refuse('"x5c" is no list of texts')
    if (member.length > 2 * CERTIFICATE_BYTES_MAX) throw refuse('"x5c" is too long')
    parseCertificate(decodeGoBase64(member.replace(/[ \t\n\v\f\r]/g, ''), 'standard'))
  }
}

/** A text that may be missing; null counts as ''. */
function text(key: AnyObject, name: string): string | undefined {
  const value = objectGet(key, name)
  if (value === undefined || typeof value === 'string') return value
  return value === null ? '' : fail(`"${name}" is no text`)
}

function optionalBytes(key: AnyObject, name: string): Uint8Array | undefined {
  const encoded = text(key, name)
  return encoded === undefined ? undefined : decodeAnyBase64(encoded)
}

/** Bytes that must be there and be some. */
function someBytes(key: AnyObject, name: string): Uint8Array {
  const bytes = optionalBytes(key, name)
  return bytes === undefined || bytes.length === 0 ? fail(`missing "${name}" value`) : bytes
}

function fail(message: string): never {
  throw refuse(message)
}

function refuse(message: string): BuiltinError {
  return new BuiltinError(message)
}
