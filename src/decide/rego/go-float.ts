import { bitsOf, divideRounded, rationalOf } from './values/rational.ts'

/** How Go's strconv.FormatFloat writes a double. */
export type FloatFormat = 'b' | 'e' | 'E' | 'f' | 'g' | 'G' | 'x' | 'X'

/**
 * A finite double as Go's strconv.FormatFloat(value, format, precision, 64) writes it: digits rounded half to even on
 * the exact value. Precision -1 is the fewest digits that read back alike.
 */
export function formatFloat(value: number, format: FloatFormat, precision: number): string {
  const sign = value < 0 || Object.is(value, -0) ? '-' : ''
  const magnitude = Math.abs(value)
  switch (format) {
    case 'b':
      return sign + binary(magnitude)
    case 'x':
    case 'X': {
      const text = hexadecimal(magnitude, precision)
      return sign + (format === 'x' ? text : text.toUpperCase())
    }
    case 'f':
      return sign + fixed(magnitude, precision)
    case 'e':
    case 'E':
      return sign + exponential(digitsFor(magnitude, precision + 1), precision, format)
    case 'g':
    case 'G':
      return sign + general(magnitude, precision, format === 'g' ? 'e' : 'E')
  }
}

/** The mantissa as a whole number and the power of two. */
function binary(value: number): string {
  const { mantissa, power } = bitsOf(value)
  return `${mantissa}p${power < 0 ? '-' : '+'}${Math.abs(power)}`
}

/** A mantissa of one hexadecimal digit, its fraction, and the power of two; ties go to even. */
function hexadecimal(value: number, precision: number): string {
  const { mantissa, power } = bitsOf(value)
  const length = value === 0 ? 1 : mantissa.toString(2).length
  // Thirteen digits hold the fraction of a mantissa with its first bit in front.
  let digits = mantissa << BigInt(53 - length)
  let exponent = value === 0 ? 0 : power + length - 1
  if (precision >= 0 && precision < HEX_PLACES) {
    const dropped = 1n << BigInt(4 * (HEX_PLACES - precision))
    digits = divideRounded(digits, dropped, 'even') * dropped
    if (digits >> 53n === 1n) {
      digits >>= 1n
      exponent += 1
    }
  }
  const all = (digits & FRACTION_BITS).toString(16).padStart(HEX_PLACES, '0')
  const fraction = precision < 0 ? all.replace(/0+$/, '') : all.padEnd(precision, '0')
  const shown = precision < 0 ? fraction : fraction.slice(0, precision)
  const size = String(Math.abs(exponent)).padStart(2, '0')
  const point = shown === '' ? '' : `.${shown}`
  return `0x${digits >> 52n}${point}p${exponent < 0 ? '-' : '+'}${size}`
}

const HEX_PLACES = 13
const FRACTION_BITS = (1n << 52n) - 1n

/** A double has at most 1,074 decimals; what follows is zeros. */
const PLACES_MAX = 1_100

/** 0.digits x 10^point, without trailing zeros. */
type Digits = { readonly digits: string; readonly point: number }

function fixed(value: number, precision: number): string {
  if (precision < 0) return plain(shortest(value), -1)
  const scaledValue = value * 10 ** Math.min(precision, PLACES_SHORT)
  // JavaScript rounds the exact value too, but halves up. Below 2^51 a half is still seen as one.
  if (precision <= PLACES_SHORT && scaledValue < HALVES_BELOW && scaledValue % 1 !== 0.5) {
    return value.toFixed(precision)
  }
  if (precision > PLACES_MAX) return fixed(value, PLACES_MAX) + '0'.repeat(precision - PLACES_MAX)
  const { numerator, denominator } = rationalOf(value)
  const scaled = divideRounded(numerator * 10n ** BigInt(precision), denominator, 'even').toString()
  if (precision === 0) return scaled
  const padded = scaled.padStart(precision + 1, '0')
  return `${padded.slice(0, -precision)}.${padded.slice(-precision)}`
}

const PLACES_SHORT = 15
const HALVES_BELOW = 2 ** 51

function general(value: number, precision: number, letter: 'e' | 'E'): string {
  // Between these JavaScript writes the same.
  if (precision < 0 && value >= 1e-4 && value < 1e6) return String(value)
  const wanted = precision === 0 ? 1 : precision
  const found = digitsFor(value, wanted)
  const count = found.digits.length
  let threshold = wanted
  if (threshold > count && count >= found.point) threshold = count
  if (precision < 0) threshold = 6 // What strconv takes for the shortest form.
  const power = found.point - 1
  if (power < -4 || power >= threshold) {
    return exponential(found, Math.min(wanted < 0 ? count : wanted, count) - 1, letter)
  }
  return plain(found, Math.max(count - found.point, 0))
}

function exponential(found: Digits, precision: number, letter: 'e' | 'E'): string {
  const places = precision < 0 ? Math.max(found.digits.length - 1, 0) : precision
  const digits = found.digits.padEnd(places + 1, '0')
  const power = found.digits === '' ? 0 : found.point - 1
  const fraction = places > 0 ? `.${digits.slice(1, places + 1)}` : ''
  const exponent = String(Math.abs(power)).padStart(2, '0')
  return `${digits[0] ?? '0'}${fraction}${letter}${power < 0 ? '-' : '+'}${exponent}`
}

function plain(found: Digits, places: number): string {
  const { digits, point } = found
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, '0') : '0'
  const rest = point > 0 ? digits.slice(point) : '0'.repeat(-point) + digits
  const fraction = places < 0 ? rest : rest.padEnd(places, '0').slice(0, places)
  return fraction === '' ? whole : `${whole}.${fraction}`
}

function digitsFor(value: number, count: number): Digits {
  return count <= 0 ? shortest(value) : rounded(value, Math.min(count, PLACES_MAX))
}

function shortest(value: number): Digits {
  if (value === 0) return { digits: '', point: 0 }
  const [mantissa = '', power = '0'] = value.toExponential().split('e')
  return { digits: mantissa.replace('.', '').replace(/0+$/, ''), point: Number(power) + 1 }
}

function rounded(value: number, count: number): Digits {
  if (value === 0) return { digits: '', point: 0 }
  const { numerator, denominator } = rationalOf(value)
  const point = exactPoint(value)
  const shift = count - point
  const scaled =
    shift >= 0
      ? divideRounded(numerator * 10n ** BigInt(shift), denominator, 'even')
      : divideRounded(numerator, denominator * 10n ** BigInt(-shift), 'even')
  const text = scaled.toString()
  // Rounding up may add a digit: 9.99 to 10.0.
  return { digits: text.replace(/0+$/, ''), point: text.length - shift }
}

/** The shortest form of 99999999999999991611392 is 1e+23: one digit more than there are. */
function exactPoint(value: number): number {
  const { numerator, denominator } = rationalOf(value)
  const point = shortest(value).point
  const power = point - 1
  const below =
    power >= 0
      ? numerator < denominator * 10n ** BigInt(power)
      : numerator * 10n ** BigInt(-power) < denominator
  return below ? point - 1 : point
}
