// What a run of the engine is asked: the same list for the same run, in the parent and in its child.

/** The child's orders: its only argument, as JSON. */
export type Orders = {
  /** The engine's data folder. */
  readonly store: string
  /** A built bundle. */
  readonly bundle: string
  readonly run: number
  readonly calls: number
  /** Keyed calls of the run before, whose answers its kill may have cut off: asked again first. */
  readonly again: readonly Call[]
}

export type Call = {
  /** Names the call, as the action's session: a receipt shows it in clear. */
  readonly session: string
  readonly action: 'read_order' | 'mail' | 'delete' | 'refund'
  readonly amount: number
  readonly key: string | null
}

/** An answer of the engine, written by the child once it has it. */
export type Acknowledgement = {
  readonly session: string
  readonly verdict: string
  readonly decision: string
  readonly index: number
  readonly leaf: string
  readonly request: string | null
}

export type ChildLine = { readonly opened: number } | Acknowledgement | { readonly done: number }

/** Each refund is held and opens a pull request, which takes git some time, so they are few. */
export function callsOf(run: number, calls: number): Call[] {
  return Array.from({ length: calls }, (_, i) => ({
    session: `run-${run}-call-${i}`,
    action: i % 67 === 5 ? 'refund' : i % 7 === 3 ? 'delete' : i % 5 === 1 ? 'mail' : 'read_order',
    amount: run * 10_000 + i,
    key: i % 3 === 0 ? `key-${run}-${i}` : null,
  }))
}

/** How many ask at once: one alone, a few, a crowd, in turns. */
export function groupsOf(calls: readonly Call[]): Call[][] {
  const widths = [1, 1, 1, 4, 16, 1, 64]
  const groups: Call[][] = []
  for (let at = 0, turn = 0; at < calls.length; turn++) {
    const width = widths[turn % widths.length] ?? 1
    groups.push(calls.slice(at, at + width))
    at += width
  }
  return groups
}

/** The orders of the child that also reviews. */
export type ReviewOrders = Pick<Orders, 'store' | 'bundle' | 'run'> & {
  /** The reviewer's private key, a file. */
  readonly key: string
  readonly requests: number
}

/** A request that ended, written once the forge has been told too. */
export type Resolved = { readonly request: string; readonly ended: string; readonly index: number }

/** What the reviewer does with a request: told from its id, so that a second try is the same review. */
export function reviewOf(id: string): {
  verdict: 'approve' | 'reject' | 'patch'
  payload?: { amount: number }
} {
  const verdict = (['approve', 'reject', 'patch'] as const)[id.charCodeAt(id.length - 1) % 3]
  if (verdict === 'patch') return { verdict, payload: { amount: 20 } }
  return { verdict: verdict ?? 'reject' }
}
