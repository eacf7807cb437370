/**
 * Amounts of money and of other things that are counted, exactly: whole multiples of 10^-12 of a unit. No binary
 * fraction is ever added to another.
 */
export type Amount = bigint

/** Why a value is no amount. */
export type AmountFlaw = 'not-a-number' | 'negative' | 'too-large' | 'not-whole'

/** One unit: a dollar, a token. */
export const AMOUNT_UNIT: Amount = 10n ** 12n

/** The largest amount of one value: 10^15 units, far above any payment. */
export const AMOUNT_MAX: Amount = 10n ** 15n * AMOUNT_UNIT

/**
 * Reads a JSON number, as the decimal that its shortest text says, or decimal text such as `12.50`: no exponent, no
 * white space, no leading zero. What lies below 10^-12 is rounded up, so that a sum is never too low.
 *
 * @param minor - the value counts units of 10^-minor: 2 for cents. Then it must be whole. Default: whole units
 */
export function readAmount(value: unknown, minor: number | null = null): Amount | AmountFlaw {
  const decimal = decimalOf(value)
  if (decimal === null) return 'not-a-number'
  const { negative, digits, power } = decimal
  if (digits === '') return 0n
  if (negative) return 'negative'
  const shift = power + SCALE - (minor ?? 0)
  // Before any arithmetic: a number may have three hundred digits.
  if (digits.length + shift > LENGTH_MAX) return 'too-large'
  if (minor !== null && power < 0) return 'not-whole'
  const amount =
    shift >= 0 ? BigInt(digits) * 10n ** BigInt(shift) : roundUp(BigInt(digits), -shift)
  return amount > AMOUNT_MAX ? 'too-large' : amount
}

/** The product of two amounts, rounded up: an amount in another currency, by the price of one unit of its own. */
export function timesRate(amount: Amount, rate: Amount): Amount {
  return divideUp(amount * rate, AMOUNT_UNIT)
}

/** Decimal text without needless zeros. */
export function formatAmount(amount: Amount): string {
  const fraction = String(amount % AMOUNT_UNIT)
    .padStart(SCALE, '0')
    .replace(/0+$/, '')
  return `${amount / AMOUNT_UNIT}${fraction === '' ? '' : `.${fraction}`}`
}

const SCALE = 12
const LENGTH_MAX = 28 // Digits of AMOUNT_MAX.
const TEXT_LENGTH_MAX = 64

/** digits x 10^power, where digits neither start nor end with 0; zero has none. */
type Decimal = { readonly negative: boolean; readonly digits: string; readonly power: number }

function decimalOf(value: unknown): Decimal | null {
  const match =
    typeof value === 'number' && Number.isFinite(value)
      ? NUMBER.exec(String(value))
      : typeof value === 'string' && value.length <= TEXT_LENGTH_MAX
        ? TEXT.exec(value)
        : null
  if (match === null) return null
  const [, sign, whole = '', fraction = '', exponent = '0'] = match
  const digits = `${whole}${fraction}`.replace(/^0+/, '')
  const trimmed = digits.replace(/0+$/, '')
  const power = Number(exponent) - fraction.length + digits.length - trimmed.length
  return { negative: sign === '-', digits: trimmed, power }
}

const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/
const TEXT = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?$/

function roundUp(value: bigint, digits: number): bigint {
  return divideUp(value, 10n ** BigInt(digits))
}

function divideUp(value: bigint, by: bigint): bigint {
  return (value + by - 1n) / by
}
