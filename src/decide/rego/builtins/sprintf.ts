import { isPlain } from '../go-quote.ts'
import { Decimal } from '../values/number.ts'
import { numberText, valueText } from '../values/text.ts'
import type { Value } from '../values/value.ts'
import { isArray, isObject, isSet, objectGet, objectKeys } from '../values/value.ts'
import { chargeLong } from './arithmetic.ts'
import type { BuiltinFamily, Call } from './builtin.ts'
import { mismatch, stringOperand } from './builtin.ts'
import { weigh } from './objects-weight.ts'
import type { Argument, Flags } from './sprintf-verbs.ts'
import { formatArgument } from './sprintf-verbs.ts'

/** https://www.openpolicyagent.org/docs/policy-reference/builtins/strings#builtin-strings-sprintf */
export const SPRINTF: BuiltinFamily = {
  sprintf: (call, format, values) =>
    sprintf(
      call,
      stringOperand(format, 1),
      isArray(values) ? values : mismatch(values, 2, 'array'),
    ),
}

/**
 * Go's fmt.Sprintf over numbers (int64, float64, big.Int) and strings; every other value is the string that OPA
 * prints. Mistakes print as Go prints them: `%!d(string=x)`, `%!s(MISSING)`, `%!(EXTRA int64=1)`.
 * https://pkg.go.dev/fmt
 *
 * @throws {BuiltinError} for a verb whose output would be an address (`%p` and `%w` on big integers)
 */
export function sprintf(call: Call, format: string, values: readonly Value[]): string {
  const state: State = {
    call,
    format,
    values,
    at: 0,
    next: 0,
    afterIndex: false,
    indexGood: true,
    reordered: false,
    out: '',
  }
  while (state.at < format.length) {
    const percent = format.indexOf('%', state.at)
    const end = percent < 0 ? format.length : percent
    if (end > state.at) state.out += format.slice(state.at, end)
    state.at = end + 1
    if (percent >= 0 && !printPlain(state)) printDirective(state)
  }
  printExtra(state)
  return state.out
}

/** Go's fmt takes a width, precision or index above this for a mistake (`tooLarge`). */
const NUMBER_MAX = 1_000_000

type State = {
  readonly call: Call
  readonly format: string
  readonly values: readonly Value[]
  at: number
  /** The argument that the next verb takes, from 0. */
  next: number
  /** The last thing read was an index such as `[3]`. */
  afterIndex: boolean
  indexGood: boolean
  reordered: boolean
  out: string
}

/** The directives that most formats consist of: `%s` of a string, `%d` of a small whole number, `%v` of either. */
function printPlain(state: State): boolean {
  const verb = state.format.charAt(state.at)
  if (verb !== 's' && verb !== 'd' && verb !== 'v') return false
  const value = state.values[state.next]
  if (typeof value === 'string' ? verb === 'd' : verb === 's' || !Number.isSafeInteger(value)) {
    return false
  }
  state.at += 1
  state.next += 1
  emit(state, String(value))
  return true
}

function argumentOf(call: Call, value: Value): Argument {
  if (typeof value === 'string') return { type: 'string', value }
  if (typeof value === 'number' && !Number.isInteger(value)) return { type: 'float64', value }
  if (typeof value === 'number') return { type: 'int64', value: BigInt(value) }
  if (typeof value === 'bigint') {
    chargeLong(call, value)
    return { type: BigInt.asIntN(64, value) === value ? 'int64' : '*big.Int', value }
  }
  if (value instanceof Decimal) {
    const { nearest } = value
    // OPA hands on the text of a number that no float64 holds.
    return Number.isFinite(nearest)
      ? { type: 'float64', value: nearest }
      : { type: 'string', value: numberText(value) }
  }
  // First of all within bounds: a part may stand in a value many times over.
  weigh(call, value)
  chargeText(call, value)
  return { type: 'string', value: valueText(value) }
}

/** Charges the text of a value that has been weighed. */
function chargeText(call: Call, value: Value): void {
  if (typeof value === 'string') {
    call.output(value.length)
    if (!isPlain(value)) call.work(value.length * ESCAPE_WORK)
    return
  }
  if (isArray(value)) for (const member of value) chargeText(call, member)
  else if (isSet(value)) for (const member of value.values()) chargeText(call, member)
  else if (isObject(value)) {
    for (const key of objectKeys(value)) {
      chargeText(call, key)
      chargeText(call, objectGet(value, key) as Value)
    }
  } else if (typeof value === 'bigint' || value instanceof Decimal) chargeLong(call, value)
}

function printDirective(state: State): void {
  const flags = readFlags(state)
  state.indexGood = true
  state.afterIndex = false
  readIndex(state)
  readWidth(state, flags)
  readPrecision(state, flags)
  if (!state.afterIndex) readIndex(state)
  const code = state.format.codePointAt(state.at)
  if (code === undefined) {
    emit(state, '%!(NOVERB)')
    return
  }
  const verb = String.fromCodePoint(code)
  state.at += verb.length
  if (verb === '%') emit(state, '%')
  else if (!state.indexGood) emit(state, `%!${verb}(BADINDEX)`)
  else printArgument(state, verb, flags)
}

function printArgument(state: State, verb: string, flags: Flags): void {
  const value = state.values[state.next]
  if (value === undefined) {
    emit(state, `%!${verb}(MISSING)`)
    return
  }
  state.next += 1
  state.call.work(DIRECTIVE_WORK)
  const argument = argumentOf(state.call, value)
  const padding = Math.max(flags.width ?? 0, flags.precision ?? 0)
  const length = argument.type === 'string' ? argument.value.length : 0
  // Charged before the padding and the escapes are made.
  if (padding + length > SHORT) {
    const plain = (verb === 's' || verb === 'v') && flags.sharp !== true
    state.call.output(padding + (plain ? 0 : length * ESCAPE_LENGTH))
    state.call.work((padding + length) / CHARACTERS_PER_UNIT + (plain ? 0 : length * ESCAPE_WORK))
    if (argument.type === 'float64') state.call.work(FLOAT_WORK)
  }
  emit(state, formatArgument(argument, verb, flags))
}

const ESCAPE_LENGTH = 6 // As many characters as %q makes of most, such as \u0001.
const SHORT = 64
const DIRECTIVE_WORK = 10
const ESCAPE_WORK = 3
const CHARACTERS_PER_UNIT = 8
const FLOAT_WORK = 500 // The exact digits of a double, of which there may be a thousand.

function printExtra(state: State): void {
  if (state.reordered || state.next >= state.values.length) return
  emit(state, '%!(EXTRA ')
  state.values.slice(state.next).forEach((value, index) => {
    const argument = argumentOf(state.call, value)
    emit(state, `${index > 0 ? ', ' : ''}${argument.type}=${formatArgument(argument, 'v', {})}`)
  })
  emit(state, ')')
}

function readFlags(state: State): Flags {
  const flags: Flags = {}
  for (; state.at < state.format.length; state.at++) {
    const character = state.format[state.at]
    if (character === '#') flags.sharp = true
    else if (character === '0') flags.zero = true
    else if (character === '+') flags.plus = true
    else if (character === '-') flags.minus = true
    else if (character === ' ') flags.space = true
    else break
  }
  return flags
}

function readWidth(state: State, flags: Flags): void {
  if (state.format[state.at] !== '*') {
    const width = readNumber(state)
    if (width === undefined) return
    flags.width = width
    if (state.afterIndex) state.indexGood = false // `%[3]2d`
    return
  }
  state.at += 1
  const width = takeInteger(state)
  if (width === undefined) emit(state, '%!(BADWIDTH)')
  else flags.width = Math.abs(width)
  if (width !== undefined && width < 0) {
    flags.minus = true
    flags.zero = false
  }
  state.afterIndex = false
}

function readPrecision(state: State, flags: Flags): void {
  // As in Go, a dot that ends the format is no precision.
  if (state.format[state.at] !== '.' || state.at + 1 >= state.format.length) return
  state.at += 1
  if (state.afterIndex) state.indexGood = false // `%[3].2d`
  readIndex(state)
  if (state.format[state.at] !== '*') {
    flags.precision = readNumber(state) ?? 0
    return
  }
  state.at += 1
  const precision = takeInteger(state)
  if (precision === undefined || precision < 0) emit(state, '%!(BADPREC)')
  else flags.precision = precision
  state.afterIndex = false
}

function takeInteger(state: State): number | undefined {
  const value = state.values[state.next]
  if (value === undefined) return undefined
  state.next += 1
  if (typeof value !== 'number' || !Number.isInteger(value)) return undefined
  return Math.abs(value) > NUMBER_MAX ? undefined : value
}

function readIndex(state: State): void {
  state.afterIndex = false
  if (state.format[state.at] !== '[') return
  state.reordered = true
  const close = state.format.indexOf(']', state.at)
  const text = close < 0 ? '' : state.format.slice(state.at + 1, close)
  state.at = close < 0 ? state.at + 1 : close + 1
  const index = /^[0-9]+$/.test(text) ? Number(text) - 1 : undefined
  const parsed = index !== undefined && index < NUMBER_MAX
  if (parsed && index >= 0 && index < state.values.length) {
    state.next = index
    state.afterIndex = true
    return
  }
  state.indexGood = false
  state.afterIndex = parsed
}

function readNumber(state: State): number | undefined {
  const digits = /^[0-9]+/.exec(state.format.slice(state.at, state.at + 32))?.[0]
  if (digits === undefined) return undefined
  // Go looks before it takes the next digit.
  if (Number(digits.slice(0, -1)) > NUMBER_MAX) {
    state.at = state.format.length // Go gives up on the rest of the format.
    return undefined
  }
  state.at += digits.length
  return Number(digits)
}

function emit(state: State, text: string): void {
  if (text.length > SHORT) state.call.output(text.length)
  state.out += text
}
