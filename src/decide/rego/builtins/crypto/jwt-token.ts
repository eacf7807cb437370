import type { AnyObject, Value } from '../../values/value.ts'
import { isArray, isObject, objectEntries, objectGet } from '../../values/value.ts'
import type { Call } from '../builtin.ts'
import { BuiltinError, stringOperand } from '../builtin.ts'
import { JSON_TEXT } from '../json-text.ts'
import { bytesOf, textOf } from './bytes.ts'
import { explained } from './explain.ts'
import { decodeLooseUrl } from './go-base64.ts'

/** The three parts of a compact JWS (RFC 7515 section 7.1), still encoded. */
export type Token = {
  readonly header: string
  readonly payload: string
  readonly signature: string
}

/** What a token's header says that OPA heeds. */
export type TokenHeader = {
  readonly alg: string
  readonly kid: string
  readonly cty: string
  /** Whether it calls a parameter critical that is not known. RFC 7515 section 4.1.11. */
  readonly demandsUnknown: boolean
}

/** @throws {BuiltinError} */
export function splitToken(call: Call, value: Value | undefined): Token {
  const text = stringOperand(value, 1)
  call.work(text.length / 2)
  const parts = text.split('.', PARTS_COUNTED)
  const [header, payload, signature] = parts
  if (payload === undefined) throw new BuiltinError('encoded JWT had no period separators')
  if (header === undefined || signature === undefined || parts.length !== 3) {
    throw new BuiltinError(`encoded JWT must have 3 sections, found ${parts.length}`)
  }
  return { header, payload, signature }
}

/** What the signature is made over. */
export function signedPart({ header, payload }: Token): Uint8Array {
  return bytesOf(`${header}.${payload}`)
}

/** @throws {BuiltinError} */
export function decodeSignature({ signature }: Token): Uint8Array {
  return explained('JWT signature had invalid encoding', () => decodeLooseUrl(signature))
}

/** @throws {BuiltinError} also for a token that is encrypted (RFC 7516) */
export function decodeHeader(call: Call, { header }: Token): AnyObject {
  const text = textOf(explained('JWT header had invalid encoding', () => decodeLooseUrl(header)))
  const object = explained('bad JWT header', () => readObject(call, text))
  if (objectGet(object, 'enc') !== undefined) {
    throw new BuiltinError('JWT is a JWE object, which is not supported')
  }
  return object
}

/** @throws {BuiltinError} */
export function decodePayload({ payload }: Token): string {
  return textOf(explained('JWT payload had invalid encoding', () => decodeLooseUrl(payload)))
}

/** @throws {BuiltinError} */
export function readObject(call: Call, text: string): AnyObject {
  const value = explained('invalid JSON', () => JSON_TEXT['json.unmarshal']?.(call, text))
  if (!isObject(value)) throw new BuiltinError('decoded JSON type was not an Object')
  return value
}

/** @throws {BuiltinError} for a parameter of another type than it must have */
export function readHeader(object: AnyObject): TokenHeader {
  const text = (name: string) => {
    const value = objectGet(object, name)
    if (value === undefined) return ''
    if (typeof value !== 'string') throw new BuiltinError(`${name}: must be a string`)
    return value
  }
  text('typ')
  const critical = readCritical(objectGet(object, 'crit'))
  const demandsUnknown = objectEntries(object).some(
    ([name]) => typeof name === 'string' && !KNOWN.has(name) && critical.has(name),
  )
  return { alg: text('alg'), kid: text('kid'), cty: text('cty'), demandsUnknown }
}

const PARTS_COUNTED = 1000
const KNOWN = new Set(['alg', 'kid', 'typ', 'cty', 'crit'])

function readCritical(value: Value | undefined): ReadonlySet<string> {
  const names = new Set<string>()
  if (value === undefined) return names
  if (!isArray(value)) throw new BuiltinError('crit: must be a list')
  for (const name of value) {
    // As in OPA, names after one that is no text are not seen.
    if (typeof name !== 'string') break
    names.add(name)
  }
  if (names.size === 0) throw new BuiltinError('crit: must be a nonempty list')
  return names
}
