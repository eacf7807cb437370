import { PolicyError } from '../../../base/errors.ts'

/**
 * A Rego number. Whole numbers are a `number` where that is safe and a `bigint` beyond; a fraction is a `number` where
 * the double's shortest text has its very value, and a Decimal where it has not. So each value has one form, two forms
 * of one type are equal only if they are the same, and nothing is ever rounded on the way in. Never NaN, an infinity
 * or -0.
 */
export type RegoNumber = number | bigint | Decimal

/** A fraction that no double prints: `coefficient` x 10^`exponent`, the exponent below zero, no trailing zeros. */
export class Decimal {
  readonly coefficient: bigint
  readonly exponent: number
  // What comparing needs, kept because a policy may compare one number a million times.
  #nearest: number | undefined
  #whole: bigint | undefined
  #digits: string | undefined

  constructor(coefficient: bigint, exponent: number) {
    this.coefficient = coefficient
    this.exponent = exponent
  }

  /** The nearest double. */
  get nearest(): number {
    this.#nearest ??= Number(`${this.coefficient}e${this.exponent}`)
    return this.#nearest
  }

  /** The number without its fraction: cut towards zero. */
  get whole(): bigint {
    this.#whole ??= this.coefficient / 10n ** BigInt(-this.exponent)
    return this.#whole
  }

  /** The digits of the coefficient, without its sign. */
  get digits(): string {
    this.#digits ??= digitsOf(this.coefficient)
    return this.#digits
  }
}

/** A number by its exact decimal value: `coefficient` x 10^`exponent`. */
export type Parts = { readonly coefficient: bigint; readonly exponent: number }

/** The powers of ten that a double holds exactly. */
export const POWERS_OF_TEN: readonly number[] = Array.from({ length: 23 }, (_, power) =>
  Number(`1e${power}`),
)

/** Digits of a whole number; digits and decimal places of a fraction. A double needs 1,075. */
export const DECIMAL_DIGITS_MAX = 2048

/**
 * Reads a number by the grammar of RFC 8259; a leading `+`, `.5` and `5.` are taken too.
 *
 * @throws {PolicyError} REGO_NUMBER_TOO_LONG beyond DECIMAL_DIGITS_MAX digits or decimal places
 */
export function parseNumber(text: string): RegoNumber | undefined {
  if (SMALL_INTEGER.test(text)) return Number(text) || 0
  const parts = NUMBER.exec(text)
  if (parts === null) return undefined
  const [, sign, whole = '', fraction = '', power = '0'] = parts
  if (whole === '' && fraction === '') return undefined
  const digits = `${whole}${fraction}`.replace(/^0+/, '')
  if (digits === '') return 0
  const exponent = Number(power) - fraction.length
  if (
    digits.length + Math.max(exponent, 0) > DECIMAL_DIGITS_MAX ||
    exponent < -DECIMAL_DIGITS_MAX
  ) {
    throw new PolicyError('REGO_NUMBER_TOO_LONG', 'expected a number of fewer digits')
  }
  const coefficient = BigInt(digits)
  return decimal(sign === '-' ? -coefficient : coefficient, exponent)
}

/** `coefficient` x 10^`exponent` in its one form. */
export function decimal(coefficient: bigint, exponent: number): RegoNumber {
  if (exponent >= 0) return wholeNumber(coefficient * 10n ** BigInt(exponent))
  if (coefficient > -SHORT && coefficient < SHORT && exponent > -EXPONENT_SHORT) {
    // Fifteen digits survive the way to a double and back, and so does whether they are a whole number.
    const scale = POWERS_OF_TEN[-exponent]
    const digits = Number(coefficient)
    return (scale === undefined ? Number(`${digits}e${exponent}`) : digits / scale) || 0
  }
  const text = coefficient.toString()
  let end = text.length
  while (text.charCodeAt(end - 1) === DIGIT_ZERO && text.length - end < -exponent) end -= 1
  const power = exponent + text.length - end
  const shortest = BigInt(text.slice(0, end))
  if (power === 0) return wholeNumber(shortest)
  const double = Number(`${shortest}e${power}`)
  return isShortest(double, shortest, power) ? double : new Decimal(shortest, power)
}

/** A whole number in its one form. */
export function wholeNumber(value: bigint): number | bigint {
  return value >= MIN_SAFE && value <= MAX_SAFE ? Number(value) : value
}

/** Whether a whole number has at most DECIMAL_DIGITS_MAX digits. */
export function isBounded(value: bigint): boolean {
  return value < WHOLE_LIMIT && value > -WHOLE_LIMIT
}

/**
 * A double in the form that Rego numbers have. It stands for its shortest text, as in RFC 8785: 1e23 is ten to the
 * twenty-third, not the 99999999999999991611392 that its bits say.
 *
 * @throws {PolicyError} VALUE_NOT_JSON for NaN and infinities
 */
export function numberOf(value: number): number | bigint {
  if (Number.isSafeInteger(value)) return value === 0 ? 0 : value
  if (Number.isInteger(value)) {
    const { coefficient, exponent } = partsOfText(value)
    return coefficient * 10n ** BigInt(exponent)
  }
  if (Number.isFinite(value)) return value
  throw new PolicyError('VALUE_NOT_JSON', 'expected a finite number')
}

export function isNumber(value: unknown): value is RegoNumber {
  return typeof value === 'number' || typeof value === 'bigint' || value instanceof Decimal
}

/** Whether the number has no fraction. */
export function isWhole(value: RegoNumber): value is number | bigint {
  return typeof value === 'number' ? Number.isInteger(value) : typeof value === 'bigint'
}

/** Below, at or above zero, by exact value. */
export function compareNumbers(a: RegoNumber, b: RegoNumber): number {
  if (!(a instanceof Decimal)) {
    if (b instanceof Decimal) return -compareDecimal(b, a)
    // JavaScript compares a double with a bigint by exact value; a double here stands for its shortest text, which a
    // whole number never lies between.
    return a < b ? -1 : a > b ? 1 : 0
  }
  return compareDecimal(a, b)
}

/** The exact decimal value. A fraction's double stands for its shortest text. */
export function partsOf(value: RegoNumber): Parts {
  if (value instanceof Decimal) return value
  if (typeof value === 'bigint') return { coefficient: value, exponent: 0 }
  if (Number.isInteger(value)) return { coefficient: BigInt(value), exponent: 0 }
  const places = shortPlaces(value)
  if (places === 0) return partsOfText(value)
  return {
    coefficient: BigInt(Math.round(value * (POWERS_OF_TEN[places] as number))),
    exponent: -places,
  }
}

/**
 * How many decimal places the shortest text of a fraction has, where these are few and its digits at most fifteen:
 * `Math.round(value * 10 ** places)` are then its digits. Else 0.
 */
export function shortPlaces(value: number): number {
  for (let places = 1; places <= PLACES_SHORT; places++) {
    const scale = POWERS_OF_TEN[places] as number
    const digits = Math.round(value * scale)
    if (digits >= DIGITS_SHORT || digits <= -DIGITS_SHORT) return 0
    // Both are exact and their quotient is rounded once: the double that the text with these digits means. No other
    // text of fifteen digits or fewer means the same one.
    if (digits / scale === value) return places
  }
  return 0
}

const SMALL_INTEGER = /^-?[0-9]{1,15}$/
const NUMBER = /^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?$/
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER)
const MIN_SAFE = -MAX_SAFE
const WHOLE_LIMIT = 10n ** BigInt(DECIMAL_DIGITS_MAX)
const SHORT = 10n ** 15n
const DIGITS_SHORT = 1e15
const PLACES_SHORT = 9
const EXPONENT_SHORT = 290 // Far enough from where doubles lose digits, at 1e-308.
const DIGIT_ZERO = 48
function partsOfText(value: number): Parts {
  const [mantissa = '', power = '0'] = value.toExponential().split('e')
  const [whole = '', fraction = ''] = mantissa.split('.')
  return { coefficient: BigInt(whole + fraction), exponent: Number(power) - fraction.length }
}

function isShortest(double: number, coefficient: bigint, exponent: number): boolean {
  if (!Number.isFinite(double) || double === 0 || Number.isInteger(double)) return false
  const parts = partsOfText(double)
  return parts.coefficient === coefficient && parts.exponent === exponent
}

function compareDecimal(a: Decimal, b: RegoNumber): number {
  if (b instanceof Decimal) return a.nearest - b.nearest || compareDigits(a, b)
  if (typeof b === 'number') {
    // Rounding keeps the order, so that unlike doubles decide.
    if (a.nearest !== b) return a.nearest < b ? -1 : 1
    if (!Number.isInteger(b)) return compareDigits(a, partsOf(b))
  }
  const whole = BigInt(b)
  if (a.coefficient > 0n) return whole > a.whole ? -1 : 1
  return whole < a.whole ? 1 : -1
}

/** Two fractions by their digits. Neither has trailing zeros, so that text of one length order decides. */
function compareDigits(a: Parts, b: Parts): number {
  if (a.coefficient < 0n !== b.coefficient < 0n) return a.coefficient < 0n ? -1 : 1
  const sign = a.coefficient < 0n ? -1 : 1
  const [left, right] = [
    a instanceof Decimal ? a.digits : digitsOf(a.coefficient),
    b instanceof Decimal ? b.digits : digitsOf(b.coefficient),
  ]
  const byPoint = left.length + a.exponent - (right.length + b.exponent)
  if (byPoint !== 0) return byPoint * sign
  return left < right ? -sign : left > right ? sign : 0
}

function digitsOf(coefficient: bigint): string {
  return (coefficient < 0n ? -coefficient : coefficient).toString()
}
