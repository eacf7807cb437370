import { bytesToHex } from '@noble/hashes/utils.js'
import { encodeBase64url } from '../../../base/encoding.ts'
import { PolicyError } from '../../../base/errors.ts'
import { parseJson } from '../../../base/json-parse.ts'
import { isJsonObject, type JsonObject } from '../../../base/json-value.ts'
import type { Value } from '../values/value.ts'
import { objectGet, RegoObject } from '../values/value.ts'
import type { Builtin, BuiltinFamily, Call } from './builtin.ts'
import { BuiltinError, mismatch, objectOperand, stringOperand } from './builtin.ts'
import { bytesOf, trimmed } from './crypto/bytes.ts'
import type { HashName } from './crypto/hash.ts'
import { checkPairs, parseJwks } from './crypto/jwk.ts'
import type { JwsAlgorithm } from './crypto/jws.ts'
import {
  JWS_ALGORITHMS,
  signJws,
  verifyJws,
  verifyWithPublicKey,
  verifyWithSecret,
} from './crypto/jws.ts'
import type { Constraints } from './crypto/jwt-constraints.ts'
import { claimsHold, readConstraints } from './crypto/jwt-constraints.ts'
import type { Token } from './crypto/jwt-token.ts'
import {
  decodeHeader,
  decodePayload,
  decodeSignature,
  readHeader,
  readObject,
  signedPart,
  splitToken,
} from './crypto/jwt-token.ts'
import { candidates, verificationKeys } from './crypto/verification-keys.ts'
import { compactJson } from './json-text.ts'

/** JSON Web Tokens, RFC 7519: decoded, verified and signed. No algorithm `none`, and no clock. */
export const JWT: BuiltinFamily = {
  'io.jwt.decode': decode,
  'io.jwt.decode_verify': decodeVerify,
  'io.jwt.encode_sign': (call, headers, payload, key) =>
    encodeSign(call, {
      headers: json(call, headers, 1),
      payload: json(call, payload, 2),
      key: json(call, key, 3),
    }),
  'io.jwt.encode_sign_raw': (call, headers, payload, key) =>
    encodeSign(call, {
      key: stringOperand(key, 3),
      headers: stringOperand(headers, 1),
      payload: stringOperand(payload, 2),
    }),
  'io.jwt.verify_rs256': verifier({ family: 'pkcs1', hash: 'sha256' }),
  'io.jwt.verify_rs384': verifier({ family: 'pkcs1', hash: 'sha384' }),
  'io.jwt.verify_rs512': verifier({ family: 'pkcs1', hash: 'sha512' }),
  'io.jwt.verify_ps256': verifier({ family: 'pss', hash: 'sha256' }),
  'io.jwt.verify_ps384': verifier({ family: 'pss', hash: 'sha384' }),
  'io.jwt.verify_ps512': verifier({ family: 'pss', hash: 'sha512' }),
  'io.jwt.verify_es256': verifier({ family: 'ecdsa', hash: 'sha256' }),
  'io.jwt.verify_es384': verifier({ family: 'ecdsa', hash: 'sha384' }),
  'io.jwt.verify_es512': verifier({ family: 'ecdsa', hash: 'sha512' }),
  'io.jwt.verify_eddsa': verifier({ family: 'eddsa' }),
  'io.jwt.verify_hs256': secretVerifier('sha256'),
  'io.jwt.verify_hs384': secretVerifier('sha384'),
  'io.jwt.verify_hs512': secretVerifier('sha512'),
}

/** `[header, payload, signature in hexadecimal]`, of the innermost token where one holds another. */
function decode(call: Call, operand?: Value): Value {
  let value = operand
  for (;;) {
    const token = splitToken(call, value)
    const header = decodeHeader(call, token)
    const payload = decodePayload(token)
    const type = objectGet(header, 'cty')
    if (type !== undefined && typeof type !== 'string') {
      throw new BuiltinError('cty: must be a string')
    }
    if (type !== 'JWT') {
      call.output(2 * token.signature.length)
      return [header, readObject(call, payload), bytesToHex(decodeSignature(token))]
    }
    // A token within a token is often quoted.
    value = trimmed(payload, `"'`)
  }
}

/** `[whether it is valid, header, payload]`, of the innermost token; both empty where it is not. */
function decodeVerify(call: Call, operand?: Value, options?: Value): Value {
  const constraints = readConstraints(call, objectOperand(options, 2))
  let value = operand
  for (;;) {
    const token = splitToken(call, value)
    const object = decodeHeader(call, token)
    const header = readHeader(object)
    if (header.alg === '' || header.demandsUnknown) return unverified()
    if (constraints.alg !== '' && constraints.alg !== header.alg) return unverified()
    if (!isTrusted(call, constraints, token, header)) return unverified()
    const payload = decodePayload(token)
    if (header.cty.toUpperCase() === 'JWT') {
      value = payload
      continue
    }
    const claims = readObject(call, payload)
    return claimsHold(claims, constraints) ? [true, object, claims] : unverified()
  }
}

function unverified(): Value {
  return [false, new RegoObject(), new RegoObject()]
}

function isTrusted(
  call: Call,
  { keys, secret }: Constraints,
  token: Token,
  header: { readonly alg: string; readonly kid: string },
): boolean {
  const signed = { message: signedPart(token), signature: decodeSignature(token) }
  if (keys === undefined) {
    const material = { kind: 'oct', secret: bytesOf(secret) } as const
    return verifyJws(call, header.alg, material, signed)
  }
  return candidates(keys, header).some(({ material }) =>
    verifyJws(call, header.alg, material, signed),
  )
}

function verifier(algorithm: Exclude<JwsAlgorithm, { readonly family: 'hmac' }>): Builtin {
  return (call, tokenOperand, keyOperand) => {
    const token = splitToken(call, tokenOperand)
    const keys = verificationKeys(call, stringOperand(keyOperand, 2))
    const signature = decodeSignature(token)
    const header = readHeader(decodeHeader(call, token))
    const signed = { message: signedPart(token), signature }
    return candidates(keys, header).some(({ material }) =>
      verifyWithPublicKey(call, algorithm, material, signed),
    )
  }
}

function secretVerifier(hash: HashName): Builtin {
  return (call, tokenOperand, secretOperand) => {
    stringOperand(tokenOperand, 1)
    const key = bytesOf(stringOperand(secretOperand, 2))
    const token = splitToken(call, tokenOperand)
    const signed = { message: signedPart(token), signature: decodeSignature(token) }
    return verifyWithSecret(call, hash, key, signed)
  }
}

function json(call: Call, value: Value | undefined, position: number): string {
  return value === undefined ? mismatch(value, position, 'object') : compactJson(call, value)
}

/** A token in compact form, signed with the first key of a set. */
function encodeSign(
  call: Call,
  texts: { readonly headers: string; readonly payload: string; readonly key: string },
): Value {
  const { headers, payload } = texts
  call.work(3 * (headers.length + payload.length + texts.key.length))
  const keys = parseJwks(texts.key)
  checkPairs(call, keys.slice(0, 1))
  const [key] = keys
  if (key === undefined) throw new BuiltinError('no keys found in JWK set')
  const { alg, typ } = readNames(headers)
  const algorithm = JWS_ALGORITHMS.get(alg)
  if (algorithm === undefined) throw new BuiltinError(`unknown JWS algorithm: ${alg}`)
  if ((typ === undefined || typ === 'JWT') && !isJson(payload)) {
    throw new BuiltinError('type is JWT but payload is not JSON')
  }
  call.output(2 * (headers.length + payload.length))
  const message = `${encodeBase64url(bytesOf(headers))}.${encodeBase64url(bytesOf(payload))}`
  const signature = signJws(call, algorithm, key.material, bytesOf(message))
  return `${message}.${encodeBase64url(signature)}`
}

/**
 * The algorithm and the type that headers name. A name that stands there twice is refused: RFC 7515 section 4 says it
 * must not, and readers differ in which one counts.
 */
function readNames(headers: string): { readonly alg: string; readonly typ: string | undefined } {
  const json = parseHeaders(headers)
  const alg = Object.hasOwn(json, 'alg') ? json['alg'] : undefined
  const typ = Object.hasOwn(json, 'typ') ? json['typ'] : undefined
  if (alg === undefined) throw missing('jwsbb: header "alg" not found')
  if (typeof alg !== 'string') throw missing("value doesn't contain string")
  return { alg, typ: typeof typ === 'string' ? typ : undefined }
}

function parseHeaders(headers: string): JsonObject {
  if (headers.trim() === '') throw missing('cannot parse JSON: cannot parse empty string')
  // OPA's reader takes these for numbers, which have no members.
  if (/^[-+.0-9eE]+$/.test(headers)) return {}
  try {
    const value = parseJson(headers)
    return isJsonObject(value) ? value : {}
  } catch (cause) {
    if (!(cause instanceof PolicyError)) throw cause
    throw missing(`cannot parse JSON: ${cause.message}`)
  }
}

function missing(message: string): BuiltinError {
  return new BuiltinError(`missing or invalid 'alg' header: ${message}`)
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
