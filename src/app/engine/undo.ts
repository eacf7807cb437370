import { fromUtf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import { compareText } from '../../base/position.ts'
import { DEFAULT_ROUTE } from '../../decide/evaluate/fold.ts'
import type { CompiledPolicy, DecisionReceipt, Finding } from '../../model/generated/types.ts'
import type { Evaluation } from '../../model/nouns.ts'
import type { StoreTransaction } from '../../model/ports.ts'
import { isApproval } from './conclude.ts'
import type { KeptUndo, OpenedDecision, Undoes } from './record.ts'
import { deniedInstead, runs } from './verdict.ts'

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

/**
 * Refuses a call that was taken back, or whose rollback waits for people: only one rollback of a call may run, and no call
 * runs after its rollback.
 *
 * @param receipt - the one that let the call run, by its index
 * @throws {PolicyError} UNDO_DONE, which names the rollback
 */
export async function assertNotUndone(
  tx: Pick<StoreTransaction, 'idempotency' | 'decision' | 'requestOfDecision'>,
  receipt: Pick<Undoes, 'index'>,
): Promise<void> {
  const decision = (await tx.idempotency(keyOf(receipt)))?.decision ?? null
  const stored = decision === null ? null : await tx.decision(decision)
  if (decision === null || stored === null) return
  const { predicate } = JSON.parse(fromUtf8(stored.receipt)) as DecisionReceipt
  const what = `receipt ${receipt.index}`
  if (runs(predicate.decision)) {
    throw done(`${what} was rolled back by receipt ${stored.index} (${decision})`)
  }
  const found = predicate.decision === 'hold' ? await tx.requestOfDecision(decision) : null
  if (found === null) return
  const { request, resolution } = found
  if (resolution === null) throw done(`the rollback of ${what} waits for people as ${request.id}`)
  if (!isApproval(resolution.decision)) return
  throw done(`${what} was rolled back by receipt ${resolution.receiptIndex} (${request.id})`)
}

function done(message: string): PolicyError {
  return new PolicyError('UNDO_DONE', message)
}

/** No key of a caller is like it: those are hexadecimal. */
function keyOf({ index }: Pick<Undoes, 'index'>): string {
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
