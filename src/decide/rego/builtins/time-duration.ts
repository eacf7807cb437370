import { formatFloat } from '../go-float.ts'
import { BuiltinError } from './builtin.ts'

/**
 * Nanoseconds of a duration such as `1h30m`, by Go's time.ParseDuration with OPA's units d (24 h), w (7 d) and
 * y (365 d), in 64 bits.
 *
 * @throws {BuiltinError}
 */
export function parseDuration(text: string): bigint {
  const found = /[dwy]/.test(text) ? inHours(text) : text
  if (/^[+-]?0$/.test(found)) return 0n
  const parts = found.replace(/^[+-]/, '')
  if (parts === '') throw malformed()
  let total = 0n
  let end = 0
  for (const [part, digits = '', unit = ''] of parts.matchAll(PART)) {
    const size = UNITS.get(unit)
    if (size === undefined) throw malformed()
    end += part.length
    total += partOf(digits, size)
    if (total > LIMIT) throw outOfRange()
  }
  if (end !== parts.length) throw malformed()
  if (found.startsWith('-')) return -total
  if (total === LIMIT) throw outOfRange()
  return total
}

/** One more than the largest int64, which is the size of the smallest. */
const LIMIT = 2n ** 63n
const DIGITS_MAX = 20 // An int64 holds no more.
const PART = /([0-9]*(?:\.[0-9]*)?)([^0-9.]+)/gy
const SECOND = 1_000_000_000n
const UNITS: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  ['\u00b5s', 1_000n], // The micro sign,
  ['\u03bcs', 1_000n], // and the Greek letter.
  ['ms', 1_000_000n],
  ['s', SECOND],
  ['m', 60n * SECOND],
  ['h', 3_600n * SECOND],
])
const HOURS: ReadonlyMap<string, number> = new Map([
  ['d', 24],
  ['w', 7 * 24],
  ['y', 365 * 24],
])

/** OPA's own units become a decimal number of hours first, reckoned in doubles. */
function inHours(text: string): string {
  if (!/^[+-]?(?:[0-9.]+(?:ms|us|\u00b5s|ns|[a-z]))+$/.test(text)) throw malformed()
  return text.replaceAll(
    /([0-9.]+)(ms|us|\u00b5s|ns|[a-z])/g,
    (part, digits: string, unit: string) => {
      const hours = HOURS.get(unit)
      if (hours === undefined) return part
      if (!/^(?:[0-9]+\.?[0-9]*|\.[0-9]+)$/.test(digits)) throw malformed()
      const value = Number(digits) * hours
      if (!Number.isFinite(value)) throw outOfRange()
      return `${formatFloat(value, 'f', -1)}h`
    },
  )
}

function partOf(digits: string, size: bigint): bigint {
  const [whole = '', fraction = ''] = digits.split('.')
  if (whole === '' && fraction === '') throw malformed()
  const significant = whole.replace(/^0+/, '')
  if (significant.length > 19) throw outOfRange()
  const value = BigInt(significant === '' ? '0' : significant)
  if (value > LIMIT / size) throw outOfRange()
  const sum = value * size + fractionOf(fraction, size)
  if (sum > LIMIT) throw outOfRange()
  return sum
}

/** Go takes as many digits as an int64 holds, and multiplies in doubles, cut to whole nanoseconds. */
function fractionOf(digits: string, size: bigint): bigint {
  let scale = 1
  const zeros = /^0*/.exec(digits)?.[0].length ?? 0
  for (let at = 0; at < zeros; at++) scale *= 10
  let value = 0n
  for (const digit of digits.slice(zeros, zeros + DIGITS_MAX)) {
    const next = value * 10n + BigInt(digit)
    if (value > (LIMIT - 1n) / 10n || next > LIMIT) break
    value = next
    scale *= 10
  }
  return value === 0n ? 0n : BigInt(Math.trunc(Number(value) * (Number(size) / scale)))
}

function malformed(): BuiltinError {
  return new BuiltinError('operand 1 is no duration')
}

function outOfRange(): BuiltinError {
  return new BuiltinError('the duration is out of range')
}
