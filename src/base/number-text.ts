/**
 * Whether a JSON number's decimal value is the value its double prints, so that RFC 8785 carries it unchanged.
 * Compares decimal values, not texts: `1.0`, `10e-1` and `1` are alike. Linear in the length of the text.
 *
 * @param source - a number by the grammar of RFC 8259
 * @param value - what `Number(source)` gave
 */
export function isExactNumber(source: string, value: number): boolean {
  if (!Number.isFinite(value)) return false
  const written = decimalOf(source)
  const printed = decimalOf(String(value))
  if (written.digits !== printed.digits) return false
  if (written.digits === '') return true // Zero has no sign and no exponent here.
  return written.exponent === printed.exponent && written.negative === printed.negative
}

/** 0.digits x 10^exponent, where digits start and end with another digit than 0; zero has none. */
type Decimal = { negative: boolean; digits: string; exponent: number }

function decimalOf(text: string): Decimal {
  const negative = text.startsWith('-')
  const mark = Math.max(text.indexOf('e'), text.indexOf('E'))
  const mantissa = text.slice(negative ? 1 : 0, mark < 0 ? text.length : mark)
  // A text that a double holds is far too short for an exponent beyond 2^53; one beyond gave 0 or Infinity.
  const power = mark < 0 ? 0 : Number(text.slice(mark + 1))
  const point = mantissa.indexOf('.')
  const whole = point < 0 ? mantissa : mantissa.slice(0, point)
  const all = point < 0 ? mantissa : whole + mantissa.slice(point + 1)
  let start = 0
  while (start < all.length && all[start] === '0') start += 1
  let end = all.length
  while (end > start && all[end - 1] === '0') end -= 1
  return { negative, digits: all.slice(start, end), exponent: whole.length - start + power }
}
