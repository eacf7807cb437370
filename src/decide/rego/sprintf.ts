import { PolicyError } from '../../base/errors.ts'
import type { Argument, Flags } from './sprintf-verbs.ts'
import { formatArgument, typeOf } from './sprintf-verbs.ts'
import { printTerm } from './term-text.ts'
import type { Term } from './terms.ts'

/**
 * OPA's `sprintf`: Go's fmt.Sprintf over numbers (int64, float64, big.Int) and strings; every other value is the
 * string that OPA prints. Mistakes print as Go prints them: `%!d(string=x)`, `%!s(MISSING)`, `%!(EXTRA int64=1)`.
 *
 * @throws {PolicyError} REGO_BUILTIN_ERROR when the text grows beyond `charactersMax`, or for a verb whose output
 *   would be an address or a binary fraction (`%p` and `%w` on big integers, `%b` and `%x` on fractions)
 */
export function sprintf(
  format: string,
  terms: readonly Term[],
  options: { readonly charactersMax: number },
): string {
  const state: State = {
    format,
    args: terms.map(argumentOf),
    at: 0,
    next: 0,
    afterIndex: false,
    indexGood: true,
    reordered: false,
    out: '',
    left: options.charactersMax,
  }
  while (state.at < format.length) {
    const percent = format.indexOf('%', state.at)
    const end = percent < 0 ? format.length : percent
    emit(state, format.slice(state.at, end))
    state.at = end + 1
    if (percent >= 0) printDirective(state)
  }
  printExtra(state)
  return state.out
}

/** Go's fmt takes a width, precision or index above this for a mistake (`tooLarge`). */
const NUMBER_MAX = 1_000_000

type State = {
  readonly format: string
  readonly args: readonly Argument[]
  at: number
  /** The argument that the next verb takes, from 0. */
  next: number
  /** The last thing read was an index such as `[3]`. */
  afterIndex: boolean
  indexGood: boolean
  reordered: boolean
  out: string
  left: number
}

function argumentOf(term: Term): Argument {
  if (typeof term === 'string') return { type: 'string', value: term }
  if (term === null || typeof term !== 'object' || term.kind !== 'number') {
    return { type: 'string', value: printTerm(term) }
  }
  if (/[.eE]/.test(term.text)) {
    const value = Number(term.text)
    // OPA hands on the text of a number that no float64 holds.
    return Number.isFinite(value)
      ? { type: 'float64', value }
      : { type: 'string', value: term.text }
  }
  const value = BigInt(term.text)
  return { type: BigInt.asIntN(64, value) === value ? 'int64' : '*big.Int', value }
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
  const argument = state.args[state.next]
  if (argument === undefined) {
    emit(state, `%!${verb}(MISSING)`)
    return
  }
  state.next += 1
  const width = Math.max(flags.width ?? 0, flags.precision ?? 0)
  // Checked before the padding is made.
  if (width > state.left) throw tooLong()
  emit(state, formatArgument(argument, verb, flags))
}

function printExtra(state: State): void {
  if (state.reordered || state.next >= state.args.length) return
  const rest = state.args.slice(state.next)
  const shown = rest.map((argument) => `${typeOf(argument)}=${formatArgument(argument, 'v', {})}`)
  emit(state, `%!(EXTRA ${shown.join(', ')})`)
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
  const argument = state.args[state.next]
  if (argument === undefined) return undefined
  state.next += 1
  if (argument.type !== 'int64') return undefined
  const value = Number(argument.value)
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
  if (parsed && index >= 0 && index < state.args.length) {
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
  state.left -= text.length
  if (state.left < 0) throw tooLong()
  state.out += text
}

function tooLong(): PolicyError {
  return new PolicyError('REGO_BUILTIN_ERROR', 'the text grows too long')
}
