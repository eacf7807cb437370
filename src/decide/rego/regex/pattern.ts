import type { NativePattern } from './native.ts'
import { NATIVE_TEXT_LENGTH_MAX, nativePattern } from './native.ts'
import { parseRegex } from './parse.ts'
import type { Program } from './program.ts'
import { compileProgram } from './program.ts'
import type { Recognizer } from './recognizer.ts'
import { newRecognizer, recognizerBytes, recognizes } from './recognizer.ts'
import type { Search } from './search.ts'
import { find, newSearch, searchLength } from './search.ts'
import type { Meter, RegexSyntax } from './syntax.ts'

/** A pattern of Go's package regexp, ready to match in time that is linear in the text. */
export type Pattern = {
  /** Names of the groups by number; the empty text for group 0 and for those without a name. */
  readonly groups: readonly string[]
  readonly program: Program
  /** Undefined where JavaScript's own engine might not be linear. */
  readonly native: NativePattern | undefined
  /** Made when it is first asked for. */
  recognizer: Recognizer | undefined
  /** By number of slots, searches of other texts that are ready for the next. */
  readonly searches: Map<number, Search>
}

/** One match: bounds in UTF-16 code units, and texts of the groups, undefined where one has no part in it. */
export type Match = {
  readonly start: number
  readonly end: number
  /** Group 0 alone unless all were asked for. */
  readonly groups: readonly (string | undefined)[]
}

/** @throws {RegexError} for what is no pattern, or unfolds to more than a program may have */
export function compilePattern(source: string, meter: Meter): Pattern {
  return compileSyntax(parseRegex(source, meter), source, meter)
}

/**
 * The same for what is parsed already, from whatever syntax.
 *
 * @param source - what errors name
 * @throws {RegexError}
 */
export function compileSyntax(syntax: RegexSyntax, source: string, meter: Meter): Pattern {
  meter.work(COMPILE_WORK)
  const program = compileProgram(syntax, source, meter)
  const { anchored, assertions } = program
  const native = nativePattern(syntax, { anchored, assertions, meter })
  return { groups: syntax.groups, program, native, recognizer: undefined, searches: new Map() }
}

/** About how many bytes a pattern takes, with all that it makes for the texts it meets. */
export function patternBytes({ program, native }: Pattern): number {
  const { classes, size, slots } = program
  const tables = classes.rows.length + 6 * classes.starts.length + 8 * classes.single.length
  const recognizer = native === undefined ? recognizerBytes(program) : 0
  return 2000 + tables + 40 * size + recognizer + 16 * Math.min(KEPT_LENGTH_MAX, slots * size)
}

/** Whether a pattern matches somewhere in a text. */
export function isMatch(pattern: Pattern, text: string, meter: Meter): boolean {
  const { native } = pattern
  if (native !== undefined && text.length <= NATIVE_TEXT_LENGTH_MAX) {
    meter.work(1 + Math.floor(native.cost * text.length))
    native.test.lastIndex = 0
    return native.test.test(text)
  }
  pattern.recognizer ??= newRecognizer(pattern.program)
  return recognizes(pattern.recognizer, text, meter)
}

/**
 * Visits the matches that lie one behind the other, as Go's `FindAll`: an empty one right behind another does not
 * count.
 */
export function eachMatch(
  pattern: Pattern,
  text: string,
  options: {
    readonly meter: Meter
    /** Below 0 for all. */
    readonly limit: number
    readonly groups: boolean
  },
  visit: (match: Match) => void,
): void {
  const { limit } = options
  if (limit === 0) return
  const next = matcher(pattern, text, options)
  let last = -1
  for (let at = 0, count = 0; at <= text.length && count !== limit; ) {
    const match = next(at)
    if (match === undefined) return
    const { start, end } = match
    if (end > at || start !== last) {
      visit(match)
      count += 1
    }
    last = end
    at = end > at ? end : at + ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1)
  }
}

/** What the smallest pattern takes, native code included. */
const COMPILE_WORK = 100

/** What a match takes beside the search for it. */
const MATCH_WORK = 4

/** Gives the first match from a place on. */
function matcher(
  pattern: Pattern,
  text: string,
  { meter, groups }: { readonly meter: Meter; readonly groups: boolean },
): (from: number) => Match | undefined {
  const { native, program } = pattern
  if (native?.search !== undefined && text.length <= NATIVE_TEXT_LENGTH_MAX) {
    const { search, cost } = native
    // All attempts together: the proof is for the whole text, whatever number of matches it holds.
    meter.work(1 + Math.floor(cost * text.length))
    return (from) => {
      meter.work(MATCH_WORK)
      search.lastIndex = from
      const found = search.exec(text)
      if (found === null) return undefined
      const texts = groups ? Array.from<string | undefined>(found) : [found[0]]
      return { start: found.index, end: found.index + found[0].length, groups: texts }
    }
  }
  const search = searchOf(pattern, groups ? program.slots : 2, meter)
  return (from) => {
    meter.work(MATCH_WORK)
    const bounds = find(search, text, { from, meter })
    if (bounds === undefined) return undefined
    const texts: (string | undefined)[] = []
    for (let slot = 0; slot < bounds.length; slot += 2) {
      const start = bounds[slot] ?? -1
      texts.push(start < 0 ? undefined : text.slice(start, bounds[slot + 1]))
    }
    return { start: bounds[0] ?? 0, end: bounds[1] ?? 0, groups: texts }
  }
}

/** Entries of a search that is kept: 64 KiB in two lists. */
const KEPT_LENGTH_MAX = 8192

function searchOf({ program, searches }: Pattern, slots: number, meter: Meter): Search {
  const kept = searches.get(slots)
  const search = kept ?? newSearch(program, slots)
  const length = searchLength(search)
  const small = length <= KEPT_LENGTH_MAX
  // What is made anew for each text is charged; what is kept is not, so that it never matters who came first.
  meter.work(4 + (small ? 0 : length >>> 4))
  if (small) searches.set(slots, search)
  return search
}
