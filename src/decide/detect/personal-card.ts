import type { Detector, Span } from './detector.ts'
import type { DigitChain } from './personal-digits.ts'
import { digitChains, digitsOf, separatorsOf } from './personal-digits.ts'
import type { PlainText } from './personal-text.ts'
import { isDigitAt, isWordAt, plainText } from './personal-text.ts'

/**
 * Numbers of payment cards: 12 to 19 digits with an issuer's prefix and length and a right Luhn digit
 * (ISO/IEC 7812-1, annex B), alone, in one of the groupings that are printed on cards, or in any other grouping of
 * which nothing is left over.
 */
export const paymentCard: Detector = {
  kind: 'payment_card',
  find(original) {
    const plain = plainText(original)
    const spans: Span[] = []
    for (const chain of digitChains(plain.text, ' -')) findInChain(plain, chain, spans)
    return spans
  },
}

function findInChain(plain: PlainText, chain: DigitChain, spans: Span[]): void {
  for (let from = 0; from < chain.length; ) {
    const groups = cardAt(plain.text, chain, from)
    if (groups === null) {
      from++
      continue
    }
    const [first] = groups
    const last = groups.at(-1)
    if (first !== undefined && last !== undefined) {
      spans.push(plain.span('payment_card', first.start, last.end))
    }
    from += groups.length
  }
}

function cardAt(text: string, chain: DigitChain, from: number): DigitChain | null {
  const [first] = chain.slice(from, from + 1)
  if (first === undefined) return null
  const single = [first]
  if (isCard(digitsOf(text, single)) && !isPartOfName(text, first)) return single
  for (const count of GROUP_COUNTS) {
    const groups = chain.slice(from, from + count)
    if (groups.length === count && isGrouped(text, groups) && isCard(digitsOf(text, groups))) {
      return groups
    }
  }
  // Whoever writes a number digit by digit writes it alone.
  const whole = from === 0 && chain.length <= DIGITS_MAX && chain.length > 1
  return whole && isUniform(text, chain) && isCard(digitsOf(text, chain)) ? chain : null
}

/** Longest first: 19 digits may begin with 16 that are right too. */
const GROUP_COUNTS = [5, 4, 3, 2]
const GROUPINGS: ReadonlySet<string> = new Set([
  '4,4,4,4',
  '4,4,4,4,1',
  '4,4,4,4,2',
  '4,4,4,4,3',
  '4,4,4,3',
  '4,4,4,2',
  '4,4,4,1',
  '4,4,4',
  '4,6,5',
  '4,6,4',
  '6,10',
  '6,13',
  '8,8',
])

function isGrouped(text: string, groups: DigitChain): boolean {
  const lengths = groups.map(({ start, end }) => end - start).join(',')
  return GROUPINGS.has(lengths) && isUniform(text, groups)
}

function isUniform(text: string, groups: DigitChain): boolean {
  return new Set(separatorsOf(text, groups)).size === 1
}

/** `9f1c-4111111111111111` and `4111111111111111-9f1c` are names of something else, such as the end of a UUID. */
function isPartOfName(
  text: string,
  { start, end }: { readonly start: number; readonly end: number },
): boolean {
  const before = text[start - 1] === '-' && isWordAt(text, start - 2) && !isDigitAt(text, start - 2)
  const after = text[end] === '-' && isWordAt(text, end + 1) && !isDigitAt(text, end + 1)
  return before || after
}

const DIGITS_MAX = 19

/** Whether digits are those of a card: prefix, length, check digit. */
export function isCard(digits: string): boolean {
  return hasIssuer(digits) && isLuhn(digits)
}

/** Whether the last digit is right by Luhn's formula: ISO/IEC 7812-1, annex B. */
export function isLuhn(digits: string): boolean {
  let sum = 0
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - 48
    const doubled = i % 2 === 0 ? digit : digit * 2
    sum += doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0
}

function hasIssuer(digits: string): boolean {
  const { length } = digits
  if (length < 12 || length > DIGITS_MAX) return false
  const prefix = Number(digits.slice(0, 6))
  return ISSUERS.some(
    ({ from, to, lengths }) => prefix >= from && prefix <= to && lengths.includes(length),
  )
}

const LONG = [16, 17, 18, 19]

/** Ranges of the first six digits, from the networks' public documents. */
const ISSUERS: readonly {
  readonly from: number
  readonly to: number
  readonly lengths: readonly number[]
}[] = [
  { from: 400000, to: 499999, lengths: [13, 16, 19] }, // Visa.
  { from: 510000, to: 559999, lengths: [16] }, // Mastercard.
  { from: 222100, to: 272099, lengths: [16] },
  { from: 340000, to: 349999, lengths: [15] }, // American Express.
  { from: 370000, to: 379999, lengths: [15] },
  { from: 300000, to: 305999, lengths: [14, 16] }, // Diners Club.
  { from: 309500, to: 309599, lengths: [14, 16] },
  { from: 360000, to: 369999, lengths: [14, 16, 19] },
  { from: 380000, to: 399999, lengths: [14, 16] },
  { from: 601100, to: 601199, lengths: LONG }, // Discover.
  { from: 644000, to: 659999, lengths: LONG },
  { from: 352800, to: 358999, lengths: LONG }, // JCB.
  { from: 180000, to: 180099, lengths: [15] },
  { from: 213100, to: 213199, lengths: [15] },
  { from: 620000, to: 629999, lengths: LONG }, // UnionPay.
  { from: 810000, to: 817199, lengths: LONG },
  { from: 220000, to: 220499, lengths: LONG }, // Mir.
  { from: 500000, to: 509999, lengths: [12, 13, 14, 15, ...LONG] }, // Maestro, Elo, Verve.
  { from: 560000, to: 589999, lengths: [12, 13, 14, 15, ...LONG] },
  { from: 630000, to: 639999, lengths: [12, 13, 14, 15, ...LONG] },
  { from: 670000, to: 679999, lengths: [12, 13, 14, 15, ...LONG] },
  { from: 606200, to: 606299, lengths: [16] }, // Hipercard.
  { from: 600000, to: 609999, lengths: [16] }, // RuPay.
  { from: 820000, to: 829999, lengths: [16] },
  { from: 979200, to: 979299, lengths: [16] }, // Troy.
]
