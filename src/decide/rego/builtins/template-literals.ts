import { templateError } from './template-lex.ts'

/**
 * What a string between double quotes or backquotes stands for (Go's strconv.Unquote).
 *
 * @throws {BuiltinError} for a wrong escape, and for one that makes a byte that is no character by itself
 */
export function unquote(literal: string): string {
  const inner = literal.slice(1, -1)
  if (literal.startsWith('`')) return inner.replaceAll('\r', '')
  return inner.replace(ESCAPES, (sequence) => unescaped(sequence, '"'))
}

/**
 * A whole number: decimal, binary, octal or hexadecimal, with underscores between digits, or a character in quotes.
 *
 * @throws {BuiltinError} for another number, or one beyond 53 bits
 */
export function readNumber(literal: string): number {
  if (literal.startsWith("'")) {
    const [character = '', ...more] = literal
      .slice(1, -1)
      .replace(ESCAPES, (sequence) => unescaped(sequence, "'"))
    if (character === '' || more.length > 0) throw templateError('malformed character constant')
    return character.codePointAt(0) ?? 0
  }
  const [, sign = '', digits = ''] = /^([+-]?)(.*)$/s.exec(literal) ?? []
  if (!INTEGER.test(digits)) throw templateError('expected a whole number')
  const plain = digits.replaceAll('_', '')
  const value = Number(/^0[0-7]+$/.test(plain) ? `0o${plain.slice(1)}` : plain)
  if (!Number.isSafeInteger(value)) throw templateError('expected a number of at most 53 bits')
  return sign === '-' && value !== 0 ? -value : value
}

const INTEGER =
  /^(?:0|[1-9](?:_?[0-9])*|0(?:_?[0-7])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|0[xX](?:_?[0-9A-Fa-f])+)$/

const ESCAPES = /\\(?:[0-7]{3}|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.|$)/gsu

function unescaped(sequence: string, quote: string): string {
  const letter = sequence.charAt(1)
  const control = CONTROLS.get(letter)
  if (control !== undefined) return control
  if (letter === '\\' || letter === quote) return letter
  const hexadecimal = letter === 'x' || letter === 'u' || letter === 'U'
  if (sequence.length < 4) throw templateError('invalid escape in a string')
  const point = hexadecimal
    ? Number.parseInt(sequence.slice(2), 16)
    : Number.parseInt(sequence.slice(1), 8)
  const byte = letter !== 'u' && letter !== 'U'
  const surrogate = point >= 0xd800 && point < 0xe000
  if ((byte && point > 0x7f) || surrogate || point > 0x10ffff) {
    throw templateError('invalid escape in a string')
  }
  return String.fromCodePoint(point)
}

const CONTROLS: ReadonlyMap<string, string> = new Map([
  ['a', '\u0007'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
])
