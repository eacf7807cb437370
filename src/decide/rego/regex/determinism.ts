import { isNullable } from './program.ts'
import type { Ranges } from './ranges.ts'
import { rangesOverlap } from './ranges.ts'
import type { Meter, RegexNode, RepeatNode } from './syntax.ts'

/** Why a search that backtracks is linear, and how far it goes wrong at most. */
export type Proof = {
  /** Characters that one attempt takes, at most, beyond the last place where it could end with a match. */
  readonly waste: number
  /** Ways that stand open at one place, at most. */
  readonly ways: number
}

/**
 * Proves that a search for a pattern that tries one way after the other takes linear time, or gives null.
 *
 * The position automaton (Glushkov) must be deterministic, and no place be left or reached in two ways over nothing
 * (so no body of a repetition is empty): then an attempt has one way to go at each character, and whatever is tried
 * again afterwards fails at the next. What is left are attempts from many starts. They are few where the pattern is
 * bound to the start of the text; otherwise each must come to a match, or to its end, within a bounded number of
 * characters: no loop runs through places where the pattern may not end.
 */
export function proveLinear(node: RegexNode, anchored: boolean, meter: Meter): Proof | null {
  const automaton: Automaton = { positions: [], follow: [], counted: new Set(), loops: [], meter }
  const whole = fragment(automaton, node, 1)
  if (whole === null) return null
  let ways = whole.first.length
  if (ways > WAYS_MAX || !isDisjoint(automaton, whole.first)) return null
  for (const next of automaton.follow) {
    ways = Math.max(ways, next.length)
    if (ways > WAYS_MAX || !isDisjoint(automaton, next)) return null
  }
  if (anchored) return { waste: 0, ways }
  let waste = 0
  automaton.positions.forEach(({ times }, at) => {
    if (whole.last.get(at) !== true) waste += times
  })
  for (const { times } of automaton.loops) waste += times
  if (waste > WASTE_MAX || loopsOutside(automaton, whole.last)) return null
  return { waste, ways }
}

/** Characters or ways beyond which the automaton that never goes wrong is the faster one. */
const POSITIONS_MAX = 200
const WAYS_MAX = 40
const WASTE_MAX = 64

type Automaton = {
  /** What each position takes, and how often counts let one attempt come by. */
  readonly positions: { readonly ranges: Ranges; readonly times: number }[]
  readonly follow: number[][]
  /** Ways back to the start of a loop that a count ends, as {@link edge}. */
  readonly counted: Set<number>
  /** Loops of two turns at least, which may end after the last of them only. */
  readonly loops: { readonly times: number }[]
  readonly meter: Meter
}

type Fragment = {
  /** Whether it may be empty; `free` if it may be so wherever it stands. */
  readonly empty: 'no' | 'if' | 'free'
  readonly first: readonly number[]
  /** Positions that may be the last, and whether it may end there wherever that is. */
  readonly last: ReadonlyMap<number, boolean>
}

function fragment(automaton: Automaton, node: RegexNode, times: number): Fragment | null {
  switch (node.kind) {
    case 'empty':
      return { empty: 'free', first: [], last: new Map() }
    case 'assertion':
      return { empty: 'if', first: [], last: new Map() }
    case 'class': {
      const at = automaton.positions.length
      if (at >= POSITIONS_MAX) return null
      automaton.positions.push({ ranges: node.ranges, times })
      automaton.follow.push([])
      return { empty: 'no', first: [at], last: new Map([[at, true]]) }
    }
    case 'group':
      return fragment(automaton, node.body, times)
    case 'concat': {
      let all: Fragment | null = { empty: 'free', first: [], last: new Map() }
      for (const part of node.parts) {
        const next: Fragment | null = fragment(automaton, part, times)
        if (all === null || next === null) return null
        all = join(automaton, all, next)
      }
      return all
    }
    case 'alternation':
      return alternatives(automaton, node.parts, times)
    case 'repeat':
      return repetition(automaton, node, times)
  }
}

function join(automaton: Automaton, a: Fragment, b: Fragment): Fragment | null {
  if (!link(automaton, a.last.keys(), b.first)) return null
  const last = new Map(b.last)
  if (b.empty !== 'no') {
    for (const [at, free] of a.last) last.set(at, free && b.empty === 'free')
  }
  const conditional = a.empty === 'if' || b.empty === 'if'
  const possible = a.empty !== 'no' && b.empty !== 'no'
  return {
    empty: !possible ? 'no' : conditional ? 'if' : 'free',
    first: a.empty === 'no' ? a.first : [...a.first, ...b.first],
    last,
  }
}

function alternatives(
  automaton: Automaton,
  parts: readonly RegexNode[],
  times: number,
): Fragment | null {
  let empty: Fragment['empty'] = 'no'
  const first: number[] = []
  const last = new Map<number, boolean>()
  for (const part of parts) {
    const next = fragment(automaton, part, times)
    // Two ways to take nothing are two ways.
    if (next === null || (empty !== 'no' && next.empty !== 'no')) return null
    if (next.empty !== 'no') empty = next.empty
    first.push(...next.first)
    for (const [at, free] of next.last) last.set(at, free)
  }
  return { empty, first, last }
}

function repetition(automaton: Automaton, node: RepeatNode, times: number): Fragment | null {
  const { body, least, most } = node
  if (most === 0) return { empty: 'free', first: [], last: new Map() }
  if (isNullable(body)) return null
  const from = automaton.positions.length
  const once = fragment(automaton, body, most === Infinity ? times : times * most)
  if (once === null) return null
  if (most > 1 && !link(automaton, once.last.keys(), once.first)) return null
  if (most > 1 && most !== Infinity) {
    for (const p of once.last.keys()) for (const q of once.first) automaton.counted.add(edge(p, q))
  }
  let { last } = once
  if (least > 1) {
    if (most === Infinity) {
      const turn = automaton.positions.slice(from).reduce((sum, place) => sum + place.times, 0)
      automaton.loops.push({ times: turn * least })
    } else {
      last = new Map([...last.keys()].map((at) => [at, false]))
    }
  }
  return { empty: least === 0 ? 'free' : 'no', first: once.first, last }
}

function link(automaton: Automaton, from: Iterable<number>, to: readonly number[]): boolean {
  for (const p of from) {
    const follow = automaton.follow[p] ?? []
    automaton.meter.work(1 + to.length)
    for (const q of to) {
      if (follow.includes(q)) return false
      follow.push(q)
    }
    if (follow.length > WAYS_MAX) return false
  }
  return true
}

function isDisjoint({ positions, meter }: Automaton, at: readonly number[]): boolean {
  return at.every((p, i) => {
    const mine = positions[p]?.ranges ?? []
    return at.slice(i + 1).every((q) => {
      const other = positions[q]?.ranges ?? []
      meter.work(1 + ((mine.length + other.length) >> 3))
      return !rangesOverlap(mine, other)
    })
  })
}

function edge(from: number, to: number): number {
  return from * POSITIONS_MAX + to
}

/** Whether a text can lead round and round without a place where the pattern may end. */
function loopsOutside(automaton: Automaton, last: ReadonlyMap<number, boolean>): boolean {
  const { follow, counted } = automaton
  const state = new Uint8Array(follow.length)
  const inside = (at: number): boolean => {
    if (last.get(at) === true || state[at] === 2) return false
    if (state[at] === 1) return true
    state[at] = 1
    // A counted loop ends by itself; its turns are in the waste.
    const found = (follow[at] ?? []).some((next) => !counted.has(edge(at, next)) && inside(next))
    state[at] = 2
    return found
  }
  return follow.some((_, at) => inside(at))
}
