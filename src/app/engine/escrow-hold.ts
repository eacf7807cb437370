import type { CompiledPolicy, Finding, Obligation } from '../../model/generated/types.ts'
import type { Evaluation } from '../../model/nouns.ts'
import type { Predicate } from './record.ts'

// What people are asked about something in escrow, without the store: the engine asks with it, and so does who derives a
// receipt again.

/** Why people are asked, and how; kept with the decision that holds the action for them. */
export type KeptEscrow = {
  readonly delivery: string
  readonly because: 'disputed' | 'overdue'
  readonly obligations: readonly Obligation[]
  readonly route: readonly string[]
}

/** The hold that asks people whether what a delivery holds may run. */
export function escrowHold({ delivery, because, obligations, route }: KeptEscrow): Evaluation {
  const why = because === 'disputed' ? 'is disputed' : 'has not ended by its deadline'
  const finding: Finding = {
    rule: `engine/escrow-${because}`,
    kind: 'engine',
    verdict: 'hold',
    mode: 'enforce',
    message: `the delivery ${delivery} ${why}: approve to let run what it holds, reject to void it`,
    code: 'ESCROW_HELD',
    evidence: {},
    file: '',
    line: 0,
    column: 0,
  }
  return {
    ...{ verdict: 'hold', findings: [finding], state: {} },
    ...{ obligations: [...obligations], route: [...route] },
  }
}

/** Who is asked: those who let it run, else the route `default`; nobody where the policy has none. */
export function escrowRoute({ route }: Predicate, policy: CompiledPolicy): readonly string[] {
  const known = new Set(policy.routes.map(({ id }) => id))
  const own = route.filter((id) => known.has(id))
  if (own.length > 0) return own
  return known.has('default') ? ['default'] : []
}
