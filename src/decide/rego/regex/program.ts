import type { CharacterClasses } from './character-classes.ts'
import { characterClasses } from './character-classes.ts'
import type { Ranges } from './ranges.ts'
import { normalizeRanges } from './ranges.ts'
import type { Meter, RegexNode, RegexSyntax, RepeatNode } from './syntax.ts'
import { ASSERTION, RegexError } from './syntax.ts'

/**
 * A pattern as instructions for a machine that is in many places at once (Thompson 1968; Pike's form, as in
 * https://swtch.com/~rsc/regexp/regexp2.html). Where one instruction leads to two, the first has precedence.
 */
export type Program = {
  /** What it was compiled from. */
  readonly pattern: string
  readonly ops: Uint8Array
  /** Where each instruction leads. */
  readonly outs: Int32Array
  /** The other way of SPLIT; the set of CHARACTER; the bit of ASSERT; the slot of CAPTURE. */
  readonly args: Int32Array
  readonly start: number
  readonly size: number
  /** Two for each group, 0 included. */
  readonly slots: number
  readonly classes: CharacterClasses
  /** Bits of the assertions that occur. */
  readonly assertions: number
  /** Whether it can match at the start of the text alone. */
  readonly anchored: boolean
}

export const OP = { match: 0, character: 1, split: 2, assert: 3, capture: 4 } as const

/** Instructions of one program. Compiled in some 5 ms; Go takes more, which no policy of people has. */
export const PROGRAM_SIZE_MAX = 20_000

/**
 * Compiles a pattern as Go's package regexp does: counts unfold, and ways are tried in the same order.
 *
 * @throws {RegexError} where it takes more than PROGRAM_SIZE_MAX instructions
 */
export function compileProgram(syntax: RegexSyntax, pattern: string, meter: Meter): Program {
  const compiler: Compiler = {
    pattern,
    meter,
    ops: [],
    outs: [],
    args: [],
    sets: [],
    setsByRanges: new Map(),
    setsByText: new Map(),
    assertions: 0,
  }
  const end = emit(compiler, OP.match, 0, 0)
  const last = emit(compiler, OP.capture, end, 1)
  const body = compile(compiler, syntax.node, last)
  const start = emit(compiler, OP.capture, body, 0)
  const { assertions } = compiler
  return {
    pattern,
    ops: Uint8Array.from(compiler.ops),
    outs: Int32Array.from(compiler.outs),
    args: Int32Array.from(compiler.args),
    start,
    size: compiler.ops.length,
    slots: 2 * syntax.groups.length,
    classes: characterClasses(compiler.sets, { assertions, meter, pattern }),
    assertions,
    anchored: isAnchored(syntax.node),
  }
}

type Compiler = {
  readonly pattern: string
  readonly meter: Meter
  readonly ops: number[]
  readonly outs: number[]
  readonly args: number[]
  /** Sets of code points that CHARACTER instructions take. */
  readonly sets: Ranges[]
  readonly setsByRanges: Map<Ranges, number>
  readonly setsByText: Map<string, number>
  assertions: number
}

function emit(compiler: Compiler, op: number, out: number, arg: number): number {
  const at = compiler.ops.length
  if (at >= PROGRAM_SIZE_MAX) throw new RegexError('expression too large', compiler.pattern)
  compiler.meter.work(4)
  compiler.ops.push(op)
  compiler.outs.push(out)
  compiler.args.push(arg)
  return at
}

/** Instructions that match the node and go on at `next`; gives the first of them. */
function compile(compiler: Compiler, node: RegexNode, next: number): number {
  switch (node.kind) {
    case 'empty':
      return next
    case 'class':
      return emit(compiler, OP.character, next, setOf(compiler, node.ranges))
    case 'assertion':
      compiler.assertions |= node.assertion
      return emit(compiler, OP.assert, next, node.assertion)
    case 'concat':
      return node.parts.reduceRight((after, part) => compile(compiler, part, after), next)
    case 'alternation':
      return compileAlternation(compiler, node.parts, next)
    case 'group': {
      const close = emit(compiler, OP.capture, next, 2 * node.index + 1)
      const body = compile(compiler, node.body, close)
      return emit(compiler, OP.capture, body, 2 * node.index)
    }
    case 'repeat':
      return compileRepeat(compiler, node, next)
  }
}

function compileAlternation(compiler: Compiler, parts: readonly RegexNode[], next: number): number {
  const merged = mergeClasses(parts)
  const entries = merged.map((part) => compile(compiler, part, next))
  return entries.reduceRight((others, entry) => emit(compiler, OP.split, entry, others))
}

/** One of several single characters is one character of a larger class, which costs one place instead of several. */
function mergeClasses(parts: readonly RegexNode[]): readonly RegexNode[] {
  const merged: RegexNode[] = []
  let pairs: number[] = []
  const flush = (): void => {
    if (pairs.length > 0) merged.push({ kind: 'class', ranges: normalizeRanges(pairs) })
    pairs = []
  }
  for (const part of parts) {
    if (part.kind === 'class') {
      for (const bound of part.ranges) pairs.push(bound)
      // A class of nothing matches nothing, and leaves no trace.
    } else {
      flush()
      merged.push(part)
    }
  }
  flush()
  return merged.length === 0 ? parts.slice(0, 1) : merged
}

function compileRepeat(compiler: Compiler, node: RepeatNode, next: number): number {
  const { body, least, most } = node
  const looped = most === Infinity
  let entry = next
  if (looped) {
    entry = compileLoop(compiler, node, next)
  } else {
    // x{2,4} is xx(x(x)?)?: what is left out is left out from the end, so there is one way for each number.
    for (let copy = least; copy < most; copy++) {
      const taken = compile(compiler, body, entry)
      entry = node.greedy ? split(compiler, taken, next) : split(compiler, next, taken)
    }
  }
  for (let copy = looped ? 1 : 0; copy < least; copy++) entry = compile(compiler, body, entry)
  return entry
}

/** `x*` where `least` is 0, otherwise `x+`. */
function compileLoop(compiler: Compiler, node: RepeatNode, next: number): number {
  const { body, least, greedy } = node
  const loop = emit(compiler, OP.split, next, next)
  const entry = compile(compiler, body, loop)
  if (greedy) compiler.outs[loop] = entry
  else compiler.args[loop] = entry
  if (least > 0) return entry
  if (!isNullable(body)) return loop
  // x* is (x+)? where x may be empty: only so are its ways tried in the order of a backtracking search.
  return greedy ? split(compiler, entry, next) : split(compiler, next, entry)
}

function split(compiler: Compiler, first: number, second: number): number {
  return emit(compiler, OP.split, first, second)
}

function setOf(compiler: Compiler, ranges: Ranges): number {
  const known = compiler.setsByRanges.get(ranges)
  if (known !== undefined) return known
  compiler.meter.work(1 + ranges.length)
  const text = ranges.join()
  let set = compiler.setsByText.get(text)
  if (set === undefined) {
    set = compiler.sets.length
    compiler.sets.push(ranges)
    compiler.setsByText.set(text, set)
  }
  compiler.setsByRanges.set(ranges, set)
  return set
}

/** Whether a node can match the empty text, assertions left aside. */
export function isNullable(node: RegexNode): boolean {
  switch (node.kind) {
    case 'class':
      return false
    case 'concat':
      return node.parts.every(isNullable)
    case 'alternation':
      return node.parts.some(isNullable)
    case 'group':
      return isNullable(node.body)
    case 'repeat':
      return node.least === 0 || isNullable(node.body)
    default:
      return true
  }
}

function isAnchored(node: RegexNode): boolean {
  switch (node.kind) {
    case 'assertion':
      return node.assertion === ASSERTION.beginText
    case 'concat': {
      const first = node.parts.find((part) => part.kind !== 'empty')
      return first !== undefined && isAnchored(first)
    }
    case 'alternation':
      return node.parts.every(isAnchored)
    case 'group':
      return isAnchored(node.body)
    case 'repeat':
      return node.least > 0 && isAnchored(node.body)
    default:
      return false
  }
}
