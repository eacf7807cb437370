import { PATTERN_POSITIONS_MAX, PATTERN_STEPS_MAX } from '../../base/limits.ts'
import type { Ranges } from '../../decide/rego/regex/ranges.ts'
import { rangesOverlap } from '../../decide/rego/regex/ranges.ts'
import type { RegexNode, RepeatNode } from '../../decide/rego/regex/syntax.ts'

/** A repetition that can match the same text in exponentially many ways, by its span in the pattern. */
export type Ambiguity =
  | { readonly kind: 'repeat'; readonly start: number; readonly end: number }
  | { readonly kind: 'too large' }

/**
 * The innermost repetition that a backtracking engine could spend exponential time on, or null when there is none.
 *
 * A pattern has such a repetition exactly when its position automaton (Glushkov) has exponential degree of
 * ambiguity: a state with two different loops over one text (Weber and Seidl 1991; Weideman et al. 2016 carry this
 * over to backtracking). Whether it matters to the rest of the pattern is not asked, so a harmless pattern may be
 * named; a dangerous one is not missed, save that word boundaries count as empty and that counts from
 * {@link COUNT_UNBOUNDED} on are taken for any number. The bounds are steps, not time: one answer everywhere.
 */
export function findAmbiguity(node: RegexNode): Ambiguity | null {
  const search: Search = { steps: 0 }
  try {
    return searchNode(search, node)
  } catch (error) {
    if (error instanceof TooLarge) return { kind: 'too large' }
    throw error
  }
}

/** From this count on a repetition is taken for an unbounded one: 2^8 ways are where it starts to be felt. */
const COUNT_UNBOUNDED = 8

class TooLarge extends Error {}

type Search = { steps: number }

function searchNode(search: Search, node: RegexNode): Ambiguity | null {
  if (node.kind === 'group') return searchNode(search, node.body)
  if (node.kind === 'empty' || node.kind === 'assertion' || node.kind === 'class') return null
  if (node.kind !== 'repeat') {
    for (const part of node.parts) {
      const found = searchNode(search, part)
      if (found !== null) return found
    }
    return null
  }
  const inner = searchNode(search, node.body)
  if (inner !== null) return inner
  if (node.most < COUNT_UNBOUNDED || ungrouped(node.body).kind === 'class') return null
  if (isFixed(node) && isPlain(node.body)) return null
  const automaton: Automaton = { classes: [], follow: [] }
  const whole = { ...node, least: 1, most: Number.POSITIVE_INFINITY }
  const { nullable } = fragment(search, automaton, whole)
  // An unbounded loop stops at an empty turn; a counted one goes on, and may leave out any of its turns.
  const skips = nullable > 0 && Number.isFinite(node.most)
  if (!skips && !isAmbiguous(search, automaton)) return null
  return { kind: 'repeat', start: node.start, end: node.end }
}

/** The node in the parentheses, if any. */
function ungrouped(node: RegexNode): RegexNode {
  return node.kind === 'group' ? ungrouped(node.body) : node
}

function isFixed(node: RegexNode): boolean {
  return node.kind === 'repeat' && node.least === node.most
}

/** Whether a node matches in one way only, whatever the text: characters and fixed counts of them. */
function isPlain(node: RegexNode): boolean {
  if (node.kind === 'class') return true
  if (node.kind === 'group') return isPlain(node.body)
  if (node.kind === 'concat') return node.parts.length > 0 && node.parts.every(isPlain)
  return node.kind === 'repeat' && isFixed(node) && node.least > 0 && isPlain(node.body)
}

/** How often each position can be met: counts stop at 2, because more says no more. */
type Counts = Map<number, number>

type Automaton = {
  /** The class of each position. */
  readonly classes: Ranges[]
  /** For each position, those that may come next, and in how many ways. */
  readonly follow: Counts[]
}

type Fragment = { readonly nullable: number; readonly first: Counts; readonly last: Counts }

function fragment(search: Search, automaton: Automaton, node: RegexNode): Fragment {
  switch (node.kind) {
    case 'empty':
    case 'assertion':
      // Assertions could only make a pattern less ambiguous.
      return NOTHING
    case 'group':
      return fragment(search, automaton, node.body)
    case 'class': {
      const at = automaton.classes.length
      if (at >= PATTERN_POSITIONS_MAX) throw new TooLarge()
      automaton.classes.push(node.ranges)
      automaton.follow.push(new Map())
      return { nullable: 0, first: new Map([[at, 1]]), last: new Map([[at, 1]]) }
    }
    case 'concat':
      return node.parts
        .map((part) => fragment(search, automaton, part))
        .reduce((a, b) => join(search, automaton, a, b), NOTHING)
    case 'alternation':
      return node.parts
        .map((part) => fragment(search, automaton, part))
        .reduce((a, b) => ({
          nullable: Math.min(2, a.nullable + b.nullable),
          first: sum(a.first, b.first, 1),
          last: sum(a.last, b.last, 1),
        }))
    case 'repeat':
      return repeat(search, automaton, node)
  }
}

const NOTHING: Fragment = { nullable: 1, first: new Map(), last: new Map() }

function repeat(search: Search, automaton: Automaton, node: RepeatNode): Fragment {
  const { least, most, body } = node
  if (most === 0) return NOTHING
  if (most >= COUNT_UNBOUNDED && !(isFixed(node) && isPlain(body))) {
    const once = fragment(search, automaton, body)
    link(search, automaton, once.last, once.first)
    return { ...once, nullable: least === 0 ? 1 : once.nullable }
  }
  // A fixed count of plain characters keeps its shape with two copies; small counts are written out.
  const copies = isFixed(node) && isPlain(body) ? Math.min(most, 2) : most
  const needed = Math.min(least, copies)
  let all = NOTHING
  for (let i = copies; i > 0; i--) {
    const once = fragment(search, automaton, body)
    const joined = join(search, automaton, once, all)
    // Optional copies nest, a(a(a)?)?, so that leaving some out is one way, not many.
    all = i > needed ? { ...joined, nullable: Math.min(2, joined.nullable + 1) } : joined
  }
  return all
}

function join(search: Search, automaton: Automaton, a: Fragment, b: Fragment): Fragment {
  link(search, automaton, a.last, b.first)
  return {
    nullable: Math.min(2, a.nullable * b.nullable),
    first: a.nullable > 0 ? sum(a.first, b.first, a.nullable) : a.first,
    last: b.nullable > 0 ? sum(b.last, a.last, b.nullable) : b.last,
  }
}

function link(search: Search, automaton: Automaton, from: Counts, to: Counts): void {
  for (const [p, ways] of from) {
    const follow = automaton.follow[p]
    for (const [q, more] of to) {
      step(search)
      follow?.set(q, Math.min(2, (follow.get(q) ?? 0) + ways * more))
    }
  }
}

function sum(a: Counts, b: Counts, times: number): Counts {
  const total = new Map(a)
  for (const [at, ways] of b) total.set(at, Math.min(2, (total.get(at) ?? 0) + ways * times))
  return total
}

/**
 * Whether a repetition's automaton has two loops over one text. Every position of a repetition reaches every other,
 * so it is enough to find a way from one position into a pair of different ones and back, or an edge that counts
 * twice.
 */
function isAmbiguous(search: Search, { classes, follow }: Automaton): boolean {
  if (follow.some((next) => [...next.values()].some((ways) => ways > 1))) return true
  const size = classes.length
  const seen = new Set<number>()
  const open: [number, number][] = classes.map((_bits, at) => [at, at])
  for (;;) {
    const pair = open.pop()
    if (pair === undefined) return false
    const [p, q] = pair
    for (const a of follow[p]?.keys() ?? []) {
      for (const b of follow[q]?.keys() ?? []) {
        step(search)
        if (a === b) {
          if (p !== q) return true
          continue
        }
        const id = Math.min(a, b) * size + Math.max(a, b)
        if (seen.has(id) || !overlap(search, classes[a], classes[b])) continue
        seen.add(id)
        open.push([a, b])
      }
    }
  }
}

function overlap(search: Search, a: Ranges | undefined, b: Ranges | undefined): boolean {
  if (a === undefined || b === undefined) return false
  if (a === b) return a.length > 0
  // As many bounds as a step of the search is worth.
  step(search, 1 + ((a.length + b.length) >> 4))
  return rangesOverlap(a, b)
}

function step(search: Search, steps = 1): void {
  search.steps += steps
  if (search.steps > PATTERN_STEPS_MAX) throw new TooLarge()
}
