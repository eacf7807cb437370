import { compareNumbers, Decimal, isNumber, numberOf } from '../../values/number.ts'
import { valueText } from '../../values/text.ts'
import type { AnyObject, Value } from '../../values/value.ts'
import { isArray, objectEntries, objectGet, objectSize } from '../../values/value.ts'
import type { Call } from '../builtin.ts'
import { BuiltinError } from '../builtin.ts'
import type { VerificationKey } from './verification-keys.ts'
import { verificationKeys } from './verification-keys.ts'

/** What a token must meet. '' demands nothing. */
export type Constraints = {
  /** Keys to verify with; undefined where the secret is to do so. */
  readonly keys: readonly VerificationKey[] | undefined
  readonly secret: string
  readonly alg: string
  readonly iss: string
  readonly aud: string
  /** In nanoseconds since 1970, a double as in OPA. */
  readonly time: number | undefined
}

/** @throws {BuiltinError} */
export function readConstraints(call: Call, object: AnyObject): Constraints {
  const read: { -readonly [K in keyof Constraints]: Constraints[K] } = {
    keys: undefined,
    secret: '',
    alg: '',
    iss: '',
    aud: '',
    time: undefined,
  }
  call.work(4 * objectSize(object))
  for (const [name, value] of objectEntries(object)) {
    switch (name) {
      case 'cert':
        read.keys = verificationKeys(call, text(name, value))
        break
      case 'secret':
      case 'alg':
      case 'iss':
      case 'aud':
        read[name] = text(name, value)
        break
      case 'time':
        read.time = timeOf(value)
        break
      default:
        throw new BuiltinError(`unknown token validation constraint: ${valueText(name)}`)
    }
  }
  if (read.keys !== undefined && read.secret !== '') {
    throw new BuiltinError('duplicate key constraints')
  }
  if (read.keys === undefined && read.secret === '') throw new BuiltinError('no key constraint')
  return read
}

/**
 * Whether the registered claims of a payload (RFC 7519 section 4.1) meet the constraints.
 *
 * @throws {BuiltinError} for a claim of another type than it must have, and where a time is needed and none is given:
 *   OPA then reads the clock, and a decision has none
 */
export function claimsHold(payload: AnyObject, constraints: Constraints): boolean {
  const { iss, aud } = constraints
  if (iss !== '' && issuerOf(payload) !== iss) return false
  const audience = objectGet(payload, 'aud')
  if (audience === undefined ? aud !== '' : !isFor(audience, aud)) return false
  const expires = claimedTime(payload, 'exp')
  if (expires !== undefined && compareNumbers(secondsOf(constraints), expires) >= 0) return false
  const begins = claimedTime(payload, 'nbf')
  return begins === undefined || compareNumbers(secondsOf(constraints), begins) >= 0
}

function text(name: string, value: Value): string {
  if (typeof value === 'string') return value
  throw new BuiltinError(`${name} constraint: must be a string`)
}

function timeOf(value: Value): number {
  if (!isNumber(value)) throw new BuiltinError('token time constraint: must be a number')
  // OPA rounds, too: the comparison with a claim must come out the same.
  const time =
    value instanceof Decimal ? Number(`${value.coefficient}e${value.exponent}`) : Number(value)
  if (!Number.isFinite(time)) throw new BuiltinError('token time constraint: unvalid float64')
  if (time < 0) throw new BuiltinError('token time constraint: must not be negative')
  return time
}

function issuerOf(payload: AnyObject): string | undefined {
  const issuer = objectGet(payload, 'iss')
  if (issuer === undefined || typeof issuer === 'string') return issuer
  throw new BuiltinError('iss value must be a string')
}

function isFor(audience: Value, wanted: string): boolean {
  return isArray(audience) ? audience.includes(wanted) : audience === wanted
}

function claimedTime(payload: AnyObject, name: 'exp' | 'nbf') {
  const value = objectGet(payload, name)
  if (value === undefined || isNumber(value)) return value
  throw new BuiltinError(`${name} value must be a number`)
}

function secondsOf({ time }: Constraints): number | bigint {
  if (time === undefined) {
    throw new BuiltinError(
      'the token is valid for a time only: pass the moment of the decision as "time", in nanoseconds',
    )
  }
  return numberOf(time / 1_000_000_000)
}
