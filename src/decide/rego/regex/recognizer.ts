import { classOf } from './character-classes.ts'
import type { Program } from './program.ts'
import { OP } from './program.ts'
import type { Meter } from './syntax.ts'
import { ASSERTION } from './syntax.ts'

/**
 * A program as an automaton that is in one state at a time, made as texts need it: whether a text holds a match, in
 * one table look-up for each character. States that do not fit any more are thrown away, and made again.
 *
 * What it charges follows from program and text alone, never from which states earlier texts have left behind: a
 * transition is charged when a text takes it for the first time, made anew or not.
 */
export type Recognizer = {
  readonly program: Program
  /** Entries of a state's row: one for each class of characters, and one for the end of the text. */
  readonly width: number
  readonly statesMax: number
  /** By row and class, the state that follows. */
  next: Int32Array
  /** By row and class, the last text that went there. */
  seen: Int32Array
  /** By row and class, what it takes to find the state. */
  costs: Uint16Array
  /** By state, the instructions before the next character: those that the last one led to, as sorted code units. */
  readonly kernels: string[]
  /** By state, what is known of the character before. */
  readonly before: number[]
  readonly ids: Map<string, number>
  text: number
  readonly scratch: Scratch
}

export function newRecognizer(program: Program): Recognizer {
  const width = program.classes.count + 1
  const statesMax = Math.max(STATES_LEAST, Math.floor(CELLS / width))
  const recognizer: Recognizer = {
    program,
    width,
    statesMax,
    next: new Int32Array(STATES_FIRST * width),
    seen: new Int32Array(STATES_FIRST * width),
    costs: new Uint16Array(STATES_FIRST * width),
    kernels: [],
    before: [],
    ids: new Map(),
    text: 0,
    scratch: {
      reached: new Int32Array(program.size),
      added: new Int32Array(program.size),
      stack: new Int32Array(2 * program.size + 2),
      kernel: new Uint16Array(program.size + 1),
      round: 0,
      visited: 0,
    },
  }
  clear(recognizer)
  return recognizer
}

/** About how many bytes a recognizer takes at most. */
export function recognizerBytes(program: Program): number {
  return 20 * CELLS + 10 * STATES_LEAST * program.classes.count
}

/**
 * Whether the pattern matches somewhere in the text. Charges a quarter of a unit for each character, and for each
 * new way what it takes to find.
 */
export function recognizes(recognizer: Recognizer, text: string, meter: Meter): boolean {
  meter.work(1 + (text.length >>> 2))
  const bill: Bill = { meter, due: 0, paid: 0 }
  for (;;) {
    const fresh = recognizer.kernels.length === FIRST_FREE
    const outcome = run(recognizer, text, bill, fresh)
    if (outcome !== undefined) return outcome
    // Out of room among states of other texts: from the start with none, as if there had been none.
    clear(recognizer)
    bill.due = 0
  }
}

type Scratch = {
  /** By instruction, the last round that reached it; that added it to the kernel. */
  readonly reached: Int32Array
  readonly added: Int32Array
  readonly stack: Int32Array
  readonly kernel: Uint16Array
  round: number
  /** What the last look at a kernel took. */
  visited: number
}

/** What a text owes for the ways it went, and what of it is paid. */
type Bill = { readonly meter: Meter; due: number; paid: number }

/** Entries of a table, of ten bytes each. */
const CELLS = 4096
const STATES_LEAST = 16
const STATES_FIRST = 8

const DEAD = 0
const MATCHED = 1
const START = 2
const FIRST_FREE = 3

const AT_START = 1
const BEHIND_LINE_END = 2
const BEHIND_WORD = 4

/** Whether it matches; undefined where it ran out of room that other texts took. */
function run(
  recognizer: Recognizer,
  text: string,
  bill: Bill,
  fresh: boolean,
): boolean | undefined {
  const { width, program } = recognizer
  const { classes } = program
  const { latin } = classes
  recognizer.text = nextText(recognizer)
  let { next, seen } = recognizer
  let mark = recognizer.text
  let state = START
  for (let at = 0; ; at++) {
    let kind = width - 1
    if (at < text.length) {
      const unit = text.charCodeAt(at)
      if (unit < 256) kind = latin[unit] ?? 0
      else {
        const point = text.codePointAt(at) ?? 0
        if (point > 0xffff) at++
        kind = classOf(classes, point)
      }
    }
    let cell = state * width + kind
    if (seen[cell] !== mark) {
      if (!explore(recognizer, state, kind, bill)) {
        if (!fresh) return undefined
        state = startOver(recognizer, state)
        pay(bill, (recognizer.statesMax * width) >>> 6)
        mark = recognizer.text
        cell = state * width + kind
        explore(recognizer, state, kind, bill)
      }
      // Tables that grew are others.
      next = recognizer.next
      seen = recognizer.seen
      seen[cell] = mark
    }
    state = next[cell] ?? DEAD
    if (state <= MATCHED) return state === MATCHED
  }
}

function pay(bill: Bill, units: number): void {
  bill.due += units
  if (bill.due <= bill.paid) return
  bill.meter.work(bill.due - bill.paid)
  bill.paid = bill.due
}

function nextText(recognizer: Recognizer): number {
  if (recognizer.text < 0x7fffffff) return recognizer.text + 1
  recognizer.seen.fill(0)
  return 1
}

function clear(recognizer: Recognizer): void {
  const { program, kernels, before, ids, seen } = recognizer
  seen.fill(0)
  recognizer.text = 1
  ids.clear()
  kernels.length = 0
  before.length = 0
  for (let state = DEAD; state < START; state++) {
    kernels.push('')
    before.push(0)
  }
  const asksForStart = (program.assertions & (ASSERTION.beginText | ASSERTION.beginLine)) !== 0
  add(recognizer, String.fromCharCode(program.start), asksForStart ? AT_START : 0)
}

/** Throws all states away but the one the text is in. */
function startOver(recognizer: Recognizer, state: number): number {
  const [kernel = '', before = 0] = [recognizer.kernels[state], recognizer.before[state]]
  clear(recognizer)
  return add(recognizer, kernel, before)
}

/** The state with that kernel; -1 where there is no room for one more. */
function add(recognizer: Recognizer, kernel: string, before: number): number {
  const key = String.fromCharCode(before) + kernel
  const known = recognizer.ids.get(key)
  if (known !== undefined) return known
  const state = recognizer.kernels.length
  if (state >= recognizer.statesMax) return -1
  recognizer.ids.set(key, state)
  recognizer.kernels.push(kernel)
  recognizer.before.push(before)
  // What an earlier state of this number knew is void.
  const from = state * recognizer.width
  if (from === recognizer.next.length) grow(recognizer)
  recognizer.next.fill(-1, from, from + recognizer.width)
  return state
}

function grow(recognizer: Recognizer): void {
  const { next, seen, costs, width, statesMax } = recognizer
  const length = Math.min(2 * next.length, statesMax * width)
  recognizer.next = new Int32Array(length)
  recognizer.next.set(next)
  recognizer.seen = new Int32Array(length)
  recognizer.seen.set(seen)
  recognizer.costs = new Uint16Array(length)
  recognizer.costs.set(costs)
}

const KEY_PART = 4096 // As many arguments as every engine takes.

function kernelText(kernel: Uint16Array): string {
  if (kernel.length > 1) kernel.sort()
  let text = ''
  for (let at = 0; at < kernel.length; at += KEY_PART) {
    text += Reflect.apply(String.fromCharCode, null, kernel.subarray(at, at + KEY_PART))
  }
  return text
}

/** Charges a transition and makes it where there is none; false where there is no room for its state. */
function explore(recognizer: Recognizer, state: number, kind: number, bill: Bill): boolean {
  const cell = state * recognizer.width + kind
  const { next, costs, kernels, before, program, scratch } = recognizer
  if (next[cell] !== -1) {
    pay(bill, costs[cell] ?? 0)
    return true
  }
  const { classes } = program
  const atEnd = kind === classes.count
  const holds = satisfied(program, { before: before[state] ?? 0, kind, atEnd })
  const found = reach(program, scratch, kernels[state] ?? '', { holds, kind })
  costs[cell] = scratch.visited
  pay(bill, scratch.visited)
  if (found < 0 || atEnd) {
    next[cell] = found < 0 ? MATCHED : DEAD
    return true
  }
  const kernel = kernelText(scratch.kernel.subarray(0, found))
  const behind =
    (classes.lineEnd[kind] === 1 ? BEHIND_LINE_END : 0) |
    (classes.word[kind] === 1 ? BEHIND_WORD : 0)
  const following = found === 0 ? DEAD : add(recognizer, kernel, behind)
  recognizer.next[cell] = following
  return following !== -1
}

/** Bits of the assertions that hold between a character and the next, or the end. */
function satisfied(
  { classes, assertions }: Program,
  {
    before,
    kind,
    atEnd,
  }: { readonly before: number; readonly kind: number; readonly atEnd: boolean },
): number {
  if (assertions === 0) return 0
  const word = !atEnd && classes.word[kind] === 1
  const lineEnd = !atEnd && classes.lineEnd[kind] === 1
  const start = (before & AT_START) !== 0
  return (
    (start ? ASSERTION.beginText : 0) |
    (start || (before & BEHIND_LINE_END) !== 0 ? ASSERTION.beginLine : 0) |
    (atEnd ? ASSERTION.endText : 0) |
    (atEnd || lineEnd ? ASSERTION.endLine : 0) |
    (((before & BEHIND_WORD) !== 0) === word ? ASSERTION.noWordBoundary : ASSERTION.wordBoundary)
  )
}

/**
 * Follows all ways from a kernel over one character into `scratch.kernel`; gives the length of what it wrote there,
 * -1 where a way ends in a match.
 */
function reach(
  program: Program,
  scratch: Scratch,
  from: string,
  { holds, kind }: { readonly holds: number; readonly kind: number },
): number {
  const { ops, outs, args, classes, anchored, start } = program
  const { reached, added, stack, kernel } = scratch
  scratch.round = scratch.round === 0x7fffffff ? restartRounds(scratch) : scratch.round + 1
  const round = scratch.round
  let [found, visited, matched] = [0, 2, false]
  for (let i = 0; i < from.length && !matched; i++) {
    let open = 0
    stack[open++] = from.charCodeAt(i)
    while (open > 0) {
      const pc = stack[--open] ?? 0
      if (reached[pc] === round) continue
      reached[pc] = round
      visited++
      const [op, out, arg] = [ops[pc], outs[pc] ?? 0, args[pc] ?? 0]
      if (op === OP.split) {
        stack[open++] = arg
        stack[open++] = out
      } else if (op === OP.capture) stack[open++] = out
      else if (op === OP.assert) {
        if ((holds & arg) !== 0) stack[open++] = out
      } else if (op === OP.match) {
        matched = true
        break
      } else if (
        kind < classes.count &&
        (classes.single[arg] === kind ||
          ((classes.row[arg] ?? -1) >= 0 && classes.rows[(classes.row[arg] ?? 0) + kind] === 1)) &&
        added[out] !== round
      ) {
        added[out] = round
        kernel[found++] = out
      }
    }
  }
  // More than what a thread of a search costs: a state is sorted, named and looked up.
  scratch.visited = 3 * visited + 16
  if (matched) return -1
  if (!anchored && added[start] !== round) kernel[found++] = start
  return found
}

function restartRounds(scratch: Scratch): number {
  scratch.reached.fill(0)
  scratch.added.fill(0)
  return 1
}
