import type { FloatFormat } from '../go-float.ts'
import { formatFloat } from '../go-float.ts'
import { isPrintable } from '../go-printable.ts'
import { quote, quoteRune, runeText } from '../go-quote.ts'
import { BuiltinError } from './builtin.ts'

/** What OPA hands to Go's fmt. */
export type Argument =
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'float64'; readonly value: number }
  | { readonly type: 'int64' | '*big.Int'; readonly value: bigint }

export type Flags = {
  sharp?: boolean
  zero?: boolean
  plus?: boolean
  minus?: boolean
  space?: boolean
  width?: number
  precision?: number
}

/** One argument under one verb, as Go's fmt prints it (`printArg`). */
export function formatArgument(argument: Argument, verb: string, flags: Flags): string {
  if (verb === 'T') return pad(truncate(argument.type, flags), flags)
  // Go reads `#` and `+` on %v (and %w) as %#v and %+v, which are other things than %#d and %+d.
  const general = verb === 'v' || verb === 'w'
  const goSyntax = general && flags.sharp === true
  const plain = general ? { ...flags, sharp: false, plus: false } : flags
  switch (argument.type) {
    case 'string':
      if (verb === 'w' && goSyntax) {
        return `%!w(string=${quoted(truncate(argument.value, plain), plain)})`
      }
      return formatString(argument, goSyntax ? 'q' : verb, plain)
    case 'float64':
      return formatDouble(argument, verb, plain)
    case 'int64':
      return formatInteger(argument, verb, plain)
    case '*big.Int':
      // big.Int formats itself and does see the flags.
      return formatBigInteger(argument.value, verb, flags)
  }
}

function bad(argument: Argument, verb: string, flags: Flags): string {
  // `%v` prints what `%d` could not; its flags stay as they are.
  const shown =
    argument.type === 'string'
      ? pad(truncate(argument.value, flags), flags)
      : argument.type === 'float64'
        ? formatDouble(argument, 'v', flags)
        : formatInteger(argument, 'v', flags)
  return `%!${verb}(${argument.type}=${shown})`
}

function formatString(argument: Argument & { type: 'string' }, verb: string, flags: Flags): string {
  const text = argument.value
  switch (verb) {
    case 'v':
    case 's':
      return pad(truncate(text, flags), flags)
    case 'x':
      return hexOf(text, flags, false)
    case 'X':
      return hexOf(text, flags, true)
    case 'q':
      return quoted(truncate(text, flags), flags)
    default:
      return bad(argument, verb, flags)
  }
}

function quoted(text: string, flags: Flags): string {
  if (flags.sharp && !UNFIT_FOR_BACKQUOTES.test(text)) return pad(`\`${text}\``, flags)
  return pad(quote(text, { ascii: flags.plus ?? false }), flags)
}

/** Control characters but the tab, the backquote itself and the byte order mark. */
const UNFIT_FOR_BACKQUOTES = /(?![\t\u0080-\u009f])[\p{Cc}`\ufeff]/u

function hexOf(text: string, flags: Flags, upper: boolean): string {
  const bytes = new TextEncoder().encode(text).subarray(0, flags.precision)
  const prefix = flags.sharp ? (upper ? '0X' : '0x') : ''
  const pairs = Array.from(bytes, (byte) => {
    const pair = byte.toString(16).padStart(2, '0')
    return upper ? pair.toUpperCase() : pair
  })
  if (pairs.length === 0) return pad('', flags)
  return pad(
    flags.space ? pairs.map((pair) => prefix + pair).join(' ') : prefix + pairs.join(''),
    flags,
  )
}

function formatInteger(
  argument: Argument & { type: 'int64' | '*big.Int' },
  verb: string,
  flags: Flags,
): string {
  const value = argument.value
  switch (verb) {
    case 'v':
    case 'd':
      return integer(value, 10, '', flags)
    case 'b':
      return integer(value, 2, flags.sharp ? '0b' : '', flags)
    case 'o':
      return integer(value, 8, '', flags)
    case 'O':
      return integer(value, 8, '0o', flags)
    case 'x':
      return integer(value, 16, flags.sharp ? '0x' : '', flags)
    case 'X':
      return integer(value, 16, flags.sharp ? '0X' : '', flags).toUpperCase()
    case 'c':
      return pad(runeText(codePointOf(value)), flags)
    case 'q':
      return pad(quoteRune(codePointOf(value), { ascii: flags.plus ?? false }), flags)
    case 'U':
      return unicode(value, flags)
    default:
      return bad(argument, verb, flags)
  }
}

function integer(value: bigint, base: 2 | 8 | 10 | 16, prefix: string, flags: Flags): string {
  const negative = value < 0n
  const magnitude = negative ? -value : value
  const sign = negative ? '-' : flags.plus ? '+' : flags.space ? ' ' : ''
  const blank = { ...flags, zero: false }
  if (flags.precision === 0 && value === 0n) return pad('', blank)
  let least = flags.precision ?? 0
  if (flags.precision === undefined && flags.zero && !flags.minus && flags.width !== undefined) {
    least = flags.width - sign.length
  }
  let digits = magnitude.toString(base).padStart(least, '0')
  if (base === 8 && flags.sharp && !digits.startsWith('0')) digits = `0${digits}`
  return pad(sign + prefix + digits, blank)
}

function formatBigInteger(value: bigint, verb: string, flags: Flags): string {
  const shape = BIG_VERBS.get(verb)
  if (shape === undefined) {
    if (verb === 'p' || verb === 'w') throw unsupported(verb)
    return `%!${verb}(big.Int=${value})`
  }
  const negative = value < 0n
  const sign = negative ? '-' : flags.plus ? '+' : flags.space ? ' ' : ''
  const prefix = verb === 'O' ? '0o' : flags.sharp ? shape.prefix : ''
  const plainDigits = (negative ? -value : value).toString(shape.base)
  let digits = verb === 'X' ? plainDigits.toUpperCase() : plainDigits
  digits = digits.padStart(flags.precision ?? 0, '0')
  const missing = (flags.width ?? 0) - sign.length - prefix.length - digits.length
  if (missing <= 0) return sign + prefix + digits
  if (flags.minus) return sign + prefix + digits + ' '.repeat(missing)
  if (flags.zero && flags.precision === undefined) {
    return sign + prefix + '0'.repeat(missing) + digits
  }
  return ' '.repeat(missing) + sign + prefix + digits
}

const BIG_VERBS = new Map([
  ['b', { base: 2, prefix: '0b' }],
  ['o', { base: 8, prefix: '0' }],
  ['O', { base: 8, prefix: '' }],
  ['d', { base: 10, prefix: '' }],
  ['s', { base: 10, prefix: '' }],
  ['v', { base: 10, prefix: '' }],
  ['x', { base: 16, prefix: '0x' }],
  ['X', { base: 16, prefix: '0X' }],
])

function unicode(value: bigint, flags: Flags): string {
  const unsigned = BigInt.asUintN(64, value)
  const digits = unsigned
    .toString(16)
    .toUpperCase()
    .padStart(Math.max(4, flags.precision ?? 0), '0')
  const character = runeText(codePointOf(value))
  const known = character !== '\ufffd' && isPrintable(codePointOf(value))
  const shown = flags.sharp && known ? ` '${character}'` : ''
  return pad(`U+${digits}${shown}`, { ...flags, zero: false })
}

function codePointOf(value: bigint): number {
  return value >= 0n && value <= 0x10ffffn ? Number(value) : -1
}

function formatDouble(
  argument: Argument & { type: 'float64' },
  verb: string,
  flags: Flags,
): string {
  const shape = FLOAT_VERBS.get(verb)
  if (shape === undefined) return bad(argument, verb, flags)
  const precision = flags.precision ?? shape.precision
  let text = formatFloat(argument.value, shape.format, precision)
  if (!text.startsWith('-')) text = `${flags.space && !flags.plus ? ' ' : '+'}${text}`
  if (flags.sharp && verb !== 'b') text = withPoint(text, verb, precision)
  if (!flags.plus && text.startsWith('+')) return pad(text.slice(1), flags)
  const missing = (flags.width ?? 0) - text.length
  if (flags.zero && !flags.minus && missing > 0) {
    return `${text[0]}${'0'.repeat(missing)}${text.slice(1)}`
  }
  return pad(text, flags)
}

const FLOAT_VERBS = new Map<string, { format: FloatFormat; precision: number }>([
  ['v', { format: 'g', precision: -1 }],
  ['g', { format: 'g', precision: -1 }],
  ['G', { format: 'G', precision: -1 }],
  ['f', { format: 'f', precision: 6 }],
  ['F', { format: 'f', precision: 6 }],
  ['e', { format: 'e', precision: 6 }],
  ['E', { format: 'E', precision: 6 }],
  ['b', { format: 'b', precision: -1 }],
  ['x', { format: 'x', precision: -1 }],
  ['X', { format: 'X', precision: -1 }],
])

/** The flag `#` keeps the point, and for %g and %x the trailing zeros. `text` starts with its sign. */
function withPoint(text: string, verb: string, precision: number): string {
  const isHex = verb === 'x' || verb === 'X'
  const tailAt = text.search(isHex ? /[pP]/ : /[eE]/)
  const mantissa = tailAt < 0 ? text.slice(1) : text.slice(1, tailAt)
  const tail = tailAt < 0 ? '' : text.slice(tailAt)
  let missing = 'vgGx'.includes(verb) ? (precision < 0 ? 6 : precision) : 0
  missing -= mantissa.replace('.', '').replace(/^0+/, '').length
  let pointed = mantissa
  if (!mantissa.includes('.')) {
    if (mantissa === '0') missing -= 1 // Go counts the lone leading zero once.
    pointed += '.'
  }
  return text.charAt(0) + pointed + '0'.repeat(Math.max(missing, 0)) + tail
}

function truncate(text: string, flags: Flags): string {
  if (flags.precision === undefined) return text
  return Array.from(text).slice(0, flags.precision).join('')
}

function pad(text: string, flags: Flags): string {
  if (flags.width === undefined || flags.width === 0) return text
  const missing = Math.max(flags.width - Array.from(text).length, 0)
  if (flags.minus) return text + ' '.repeat(missing)
  return (flags.zero ? '0' : ' ').repeat(missing) + text
}

function unsupported(verb: string): BuiltinError {
  return new BuiltinError(`the verb %${verb} is not supported on a number of more than 64 bits`)
}
