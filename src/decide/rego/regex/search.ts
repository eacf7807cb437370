import { classOf, WORD } from './character-classes.ts'
import type { Program } from './program.ts'
import { OP } from './program.ts'
import { inRanges } from './ranges.ts'
import type { Meter } from './syntax.ts'
import { ASSERTION, RegexError, UNMETERED } from './syntax.ts'

/**
 * A program that is in many places at once, with what each place has captured on its way: where a match lies, and its
 * groups. One pass over the text, of at most as many steps at each character as the program has instructions.
 */
export type Search = {
  readonly program: Program
  /** Slots that are kept: 2 for the match alone, or all. */
  readonly slots: number
  meter: Meter
  /** By class of characters, whether a match can begin with it; undefined where one can be empty. */
  readonly first: Uint8Array | undefined
  /** By instruction, the last round that reached it. */
  readonly reached: Int32Array
  readonly stack: Int32Array
  readonly captured: Int32Array
  now: Threads
  later: Threads
  round: number
  /** Where new threads stand, and bits of the assertions that hold there. */
  at: number
  holds: number
  /** What is done but not charged yet. */
  due: number
}

/**
 * @param slots - 2 for where the match lies; more for as many bounds of groups
 * @throws {RegexError} where groups and places together are too many
 */
export function newSearch(program: Program, slots: number): Search {
  let places = 0
  for (const op of program.ops) if (op === OP.character || op === OP.match) places++
  if (places * slots > CAPTURES_MAX) throw new RegexError('expression too large', program.pattern)
  const threads = (): Threads => ({
    count: 0,
    pcs: new Int32Array(places),
    captures: new Int32Array(places * slots),
  })
  return {
    program,
    slots,
    meter: UNMETERED,
    first: firstKinds(program),
    reached: new Int32Array(program.size),
    stack: new Int32Array(2 * program.size + 4),
    captured: new Int32Array(slots),
    now: threads(),
    later: threads(),
    round: 0,
    at: 0,
    holds: 0,
    due: 0,
  }
}

/**
 * The first match from a place on, and of those that start there the one that a backtracking search finds first:
 * first and last of each group in turn, -1 where a group has no part in it. The array is the search's own.
 */
export function find(
  search: Search,
  text: string,
  { from, meter }: { readonly from: number; readonly meter: Meter },
): Int32Array | undefined {
  search.due = 0
  search.meter = meter
  try {
    const found = run(search, text, from)
    meter.work(search.due)
    return found
  } finally {
    // A kept search must not hold what the meter holds.
    search.meter = UNMETERED
  }
}

/** Entries of what a search works with. */
export function searchLength({ now, program }: Search): number {
  return now.captures.length + program.size
}

/** Classes of the characters that come first, assertions taken to hold; undefined where a match can be empty. */
function firstKinds(program: Program): Uint8Array | undefined {
  const { ops, outs, args, classes } = program
  const kinds = new Uint8Array(classes.count)
  const reached = new Uint8Array(program.size)
  const open = [program.start]
  for (let pc = open.pop(); pc !== undefined; pc = open.pop()) {
    if (reached[pc] === 1) continue
    reached[pc] = 1
    const [op, arg = 0] = [ops[pc], args[pc]]
    if (op === OP.match) return undefined
    if (op !== OP.character) {
      open.push(outs[pc] ?? 0)
      if (op === OP.split) open.push(arg)
      continue
    }
    const only = classes.single[arg] ?? -1
    if (only >= 0) kinds[only] = 1
    const at = classes.row[arg] ?? -1
    for (let kind = 0; at >= 0 && kind < classes.count; kind++) {
      if (classes.rows[at + kind] === 1) kinds[kind] = 1
    }
  }
  return kinds
}

/** Threads in the order of their precedence. */
type Threads = { count: number; readonly pcs: Int32Array; readonly captures: Int32Array }

/** Slots of all places together: 8 MB in both lists. */
const CAPTURES_MAX = 1_000_000

/** How much is done before it is charged. */
const UNCHARGED_MAX = 4096

function run(search: Search, text: string, from: number): Int32Array | undefined {
  const { program, captured, first } = search
  const { classes, anchored, start, assertions } = program
  let found: Int32Array | undefined
  search.now.count = 0
  search.round += 1
  for (let at = from; ; ) {
    if (search.now.count === 0) {
      if (found !== undefined || (anchored && at > 0)) return found
      if (first !== undefined) {
        const next = skip(search, first, text, at)
        search.due += (next - at) >>> 3
        at = next
      }
    }
    const point = at < text.length ? (text.codePointAt(at) ?? 0) : -1
    const kind = point < 0 ? -1 : classOf(classes, point)
    const starts = first === undefined || first[kind] === 1
    if (starts && found === undefined && (!anchored || at === 0)) {
      captured.fill(-1)
      search.at = at
      search.holds = assertions === 0 ? 0 : holdsAt(text, at)
      addThread(search, search.now, start)
    }
    at += point > 0xffff ? 2 : 1
    search.round += 1
    search.at = at
    search.holds = assertions === 0 || point < 0 ? 0 : holdsAt(text, at)
    found = advance(search, kind) ?? found
    if (search.due >= UNCHARGED_MAX) {
      search.meter.work(search.due)
      search.due = 0
    }
    if (point < 0) return found
    const { now } = search
    search.now = search.later
    search.later = now
  }
}

/** Where the next character lies that a match can begin with. */
function skip({ program }: Search, first: Uint8Array, text: string, from: number): number {
  const { classes } = program
  const { latin } = classes
  let at = from
  while (at < text.length) {
    const unit = text.charCodeAt(at)
    if (unit < 256) {
      if (first[latin[unit] ?? 0] === 1) break
      at++
      continue
    }
    const point = text.codePointAt(at) ?? 0
    if (first[classOf(classes, point)] === 1) break
    at += point > 0xffff ? 2 : 1
  }
  return at
}

/** Moves all threads over one character, to `search.at`; gives the bounds of a match that ends before it. */
function advance(search: Search, kind: number): Int32Array | undefined {
  const { program, slots, now, later, captured } = search
  const { ops, outs, args, classes } = program
  const { single, row, rows } = classes
  const { count, pcs, captures } = now
  later.count = 0
  search.due += 1 + count
  for (let i = 0; i < count; i++) {
    const pc = pcs[i] ?? 0
    const from = i * slots
    // Threads behind a match have less precedence, and end.
    if (ops[pc] === OP.match) return captures.slice(from, from + slots)
    const set = args[pc] ?? 0
    if (single[set] !== kind) {
      const at = row[set] ?? -1
      if (at < 0 || kind < 0 || rows[at + kind] !== 1) continue
    } else if (kind < 0) continue
    for (let slot = 0; slot < slots; slot++) captured[slot] = captures[from + slot] ?? -1
    addThread(search, later, outs[pc] ?? 0)
  }
  return undefined
}

/** Adds the threads that a way leads to, in order, with what `search.captured` holds. */
function addThread(search: Search, threads: Threads, way: number): void {
  const { program, reached, round, stack, captured, slots } = search
  const { ops, outs, args } = program
  let open = 1
  let steps = 0
  stack[0] = way
  while (open > 0) {
    let pc = stack[--open] ?? 0
    if (pc < 0) {
      // Behind a group: what was there before it opened.
      captured[~pc] = stack[--open] ?? -1
      continue
    }
    while (reached[pc] !== round) {
      reached[pc] = round
      steps++
      const op = ops[pc]
      if (op === OP.character || op === OP.match) {
        const to = threads.count * slots
        threads.pcs[threads.count++] = pc
        for (let slot = 0; slot < slots; slot++) threads.captures[to + slot] = captured[slot] ?? -1
        steps += slots >>> 3
        break
      }
      const arg = args[pc] ?? 0
      if (op === OP.assert && (search.holds & arg) === 0) break
      if (op === OP.split) stack[open++] = arg
      else if (op === OP.capture && arg < slots) {
        stack[open++] = captured[arg] ?? -1
        stack[open++] = ~arg
        captured[arg] = search.at
      }
      pc = outs[pc] ?? 0
    }
  }
  search.due += steps
}

/** Bits of the assertions that hold at a place in a text. */
function holdsAt(text: string, at: number): number {
  const [atStart, atEnd] = [at === 0, at >= text.length]
  const word = isWord(text, at - 1) !== isWord(text, at)
  return (
    (atStart ? ASSERTION.beginText : 0) |
    (atStart || text.charCodeAt(at - 1) === LINE_END ? ASSERTION.beginLine : 0) |
    (atEnd ? ASSERTION.endText : 0) |
    (atEnd || text.charCodeAt(at) === LINE_END ? ASSERTION.endLine : 0) |
    (word ? ASSERTION.wordBoundary : ASSERTION.noWordBoundary)
  )
}

const LINE_END = 10

function isWord(text: string, at: number): boolean {
  const unit = text.charCodeAt(at)
  return unit < 128 && inRanges(WORD, unit)
}
