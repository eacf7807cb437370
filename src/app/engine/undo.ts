import { compareText } from '../../base/position.ts'
import { DEFAULT_ROUTE } from '../../decide/evaluate/fold.ts'
import type { CompiledPolicy, Finding } from '../../model/generated/types.ts'
import type { Evaluation } from '../../model/nouns.ts'
import type { StoreTransaction } from '../../model/ports.ts'
import type { KeptUndo, OpenedDecision, Undoes } from './record.ts'
import { deniedInstead } from './verdict.ts'

/** That an action takes back a call which ran. */
export type Undo = { readonly undoes: Undoes; readonly kept: KeptUndo }

/** What an action that was decided on takes back, or null. */
export function undoOf({ predicate, inputs }: Pick<OpenedDecision, 'predicate' | 'inputs'>) {
  const { undoes } = predicate
  const kept = inputs.beside?.undo
  return undoes === undefined || kept === undefined ? null : { undoes, kept }
}

/**
 * The verdict on an action that takes a call back: what the policy says of it, and never less than that call took. Where
 * people let the call run, people on the same routes look at this one; `default` stands in for a route that is gone.
 */
export function asUndo(
  evaluation: Evaluation,
  { undoes, kept }: Undo,
  { routes }: Pick<CompiledPolicy, 'routes'>,
): Evaluation {
  if (evaluation.verdict === 'deny') return evaluation
  const known = new Set(routes.map(({ id }) => id))
  const needed = kept.routes.map((route) => (known.has(route) ? route : DEFAULT_ROUTE))
  const missing = needed.find((route) => !known.has(route))
  if (missing !== undefined) {
    const message = `the call that it takes back was held for ${kept.routes.join(', ')}, and the policy has neither that route nor ${missing}`
    return deniedInstead(evaluation, { code: 'ROUTE_MISSING', message })
  }
  const findings = [...evaluation.findings, undoFinding(undoes, needed)]
  findings.sort((a, b) => compareText(a.rule, b.rule))
  if (needed.length === 0) return { ...evaluation, findings }
  const route = [...new Set([...evaluation.route, ...needed])].sort(compareText)
  return { ...evaluation, verdict: 'hold', findings, route }
}

/** Remembers the latest rollback of a receipt, in the transaction that writes its verdict. */
export async function noteUndo(
  tx: Pick<StoreTransaction, 'putIdempotency'>,
  { undoes }: Undo,
  decision: string,
): Promise<void> {
  await tx.putIdempotency(keyOf(undoes), { actionDigest: undoes.id, decision })
}

/** The latest rollback of a receipt: its decision's id. */
export async function latestUndo(
  tx: Pick<StoreTransaction, 'idempotency'>,
  undoes: Undoes,
): Promise<string | null> {
  return (await tx.idempotency(keyOf(undoes)))?.decision ?? null
}

/** No key of a caller is like it: those are hexadecimal. */
function keyOf({ index }: Undoes): string {
  return `undo/${index}`
}

function undoFinding({ index, id }: Undoes, needed: readonly string[]): Finding {
  const people = needed.length === 0 ? '' : ', which people let run'
  return {
    rule: 'engine/undo',
    kind: 'engine',
    verdict: needed.length === 0 ? 'allow' : 'hold',
    mode: 'enforce',
    message: `It takes back the call of receipt ${index} (${id})${people}.`,
    evidence: {},
    file: '',
    line: 0,
    column: 0,
  }
}
