import { PolicyError } from '../../../base/errors.ts'
import type { Block, Entrypoint, PlanFunction } from './plan.ts'
import { quote } from './reader-fields.ts'
import { CALL_DEPTH_MAX, CALL_WORDS_MAX } from './reader-limits.ts'

/**
 * Refuses functions that reach themselves, and chains of calls that might not fit on the stack: whatever the input,
 * they are bounded before anything runs.
 *
 * @throws {PolicyError} REGO_PLAN_INVALID
 */
export function checkCalls(
  functions: readonly PlanFunction[],
  entrypoints: ReadonlyMap<string, Entrypoint>,
): void {
  const chains: Chain[] = functions.map(() => NO_CHAIN)
  for (const { index, callees } of orderOfCalls(functions)) {
    const fn = functions[index]
    if (fn !== undefined) chains[index] = longest(fn, callees, chains)
  }
  for (const [name, entrypoint] of entrypoints) {
    const chain = longest(entrypoint, [...calledBy(entrypoint.blocks)], chains)
    if (chain.depth > CALL_DEPTH_MAX + 1) {
      throw invalid(name, `expected calls at most ${CALL_DEPTH_MAX} deep`)
    }
    if (chain.words > CALL_WORDS_MAX) {
      throw invalid(name, 'expected calls that need less of the stack: fewer locals, less nesting')
    }
  }
}

/**
 * Functions with those that they may call, each after those. There is no recursion in here: how deep it would go is
 * what nobody knows yet.
 *
 * @throws {PolicyError} REGO_PLAN_INVALID when a function reaches itself
 */
export function orderOfCalls(
  functions: readonly PlanFunction[],
): readonly { readonly index: number; readonly callees: readonly number[] }[] {
  const calls = functions.map(({ blocks }) => [...calledBy(blocks)])
  const order: { readonly index: number; readonly callees: readonly number[] }[] = []
  const states: ('new' | 'open' | 'done')[] = functions.map(() => 'new')
  const stack: { readonly index: number; next: number }[] = []
  for (let start = 0; start < functions.length; start++) {
    if (states[start] === 'new') stack.push({ index: start, next: 0 })
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const { index } = top
      const callees = calls[index] ?? []
      const callee = callees[top.next]
      top.next += 1
      states[index] = 'open'
      if (callee === undefined) {
        states[index] = 'done'
        order.push({ index, callees })
        stack.pop()
      } else if (states[callee] === 'open') {
        throw invalid(functions[index]?.name ?? '', 'expected no recursion')
      } else if (states[callee] === 'new') {
        stack.push({ index: callee, next: 0 })
      }
    }
  }
  return order
}

/** Indexes of the functions that blocks may call. */
export function calledBy(
  blocks: readonly Block[],
  called: Set<number> = new Set(),
): ReadonlySet<number> {
  for (const block of blocks) {
    for (const statement of block) {
      if (statement.op === 'call') called.add(statement.function)
      else if (statement.op === 'call_dynamic') {
        for (const candidate of statement.candidates) called.add(candidate)
      } else if ('blocks' in statement) calledBy(statement.blocks, called)
      else if ('block' in statement) calledBy([statement.block], called)
    }
  }
  return called
}

/** The longest chain of calls that begins somewhere: how many there are, and what they take of the stack, in words. */
type Chain = { readonly depth: number; readonly words: number }

const NO_CHAIN: Chain = { depth: 0, words: 0 }

function longest(
  { blocks, locals }: { readonly blocks: readonly Block[]; readonly locals: number },
  callees: readonly number[],
  chains: readonly Chain[],
): Chain {
  let { depth, words } = NO_CHAIN
  for (const callee of callees) {
    const chain = chains[callee] ?? NO_CHAIN
    depth = Math.max(depth, chain.depth)
    words = Math.max(words, chain.words)
  }
  return { depth: depth + 1, words: words + frameWords(blocks, locals) }
}

/** What one call takes of the stack, in words, as generated code or as closures, whichever is more. */
function frameWords(blocks: readonly Block[], locals: number): number {
  return FRAME_WORDS + locals + nestingOf(blocks) * NESTING_WORDS
}

function nestingOf(blocks: readonly Block[]): number {
  let deepest = 0
  for (const block of blocks) {
    for (const statement of block) {
      if ('blocks' in statement) deepest = Math.max(deepest, nestingOf(statement.blocks))
      else if ('block' in statement) deepest = Math.max(deepest, nestingOf([statement.block]))
    }
  }
  return deepest + 1
}

function invalid(name: string, message: string): PolicyError {
  return new PolicyError('REGO_PLAN_INVALID', `${quote(name)}: ${message}`)
}

/** Registers, arguments, temporaries and the frame of an interpreter's function. */
const FRAME_WORDS = 24
/** Two closures for each block that is open: the block's and the statement's. */
const NESTING_WORDS = 32
