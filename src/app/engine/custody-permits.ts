import { canonicalize } from '../../base/canonical-json.ts'
import { digestOf, fromUtf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json-value.ts'
import type { DecisionReceipt } from '../../model/generated/types.ts'
import type { StoreTransaction } from '../../model/ports.ts'
import { isDecision, parseReceipt } from '../../trust/receipt/statement.ts'
import { isApproval } from './conclude.ts'

/** A decision that lets a call run. */
export type CustodyPermit = {
  /** As it was asked for. */
  readonly asked: string
  /** What lets it run: the same, or the record that ended its request. */
  readonly decision: string
  readonly decidedAt: number
  readonly predicate: DecisionReceipt['predicate']
  /** Of the action as people left it. */
  readonly root: string
}

type Past = Pick<StoreTransaction, 'decision' | 'request' | 'requestOfDecision'>

/**
 * The decision that lets a call of the project run, by its own id, that of the decision that held it, of its request, or of
 * the record that ended that.
 *
 * @throws {PolicyError} CUSTODY_UNBOUND when there is none, or it lets nothing run
 */
export async function findPermit(tx: Past, id: string, project: string): Promise<CustodyPermit> {
  const ended = (await tx.request(id))?.resolution?.record
  const stored = await tx.decision(ended ?? id)
  const receipt = stored === null ? null : parseReceipt(stored.receipt)
  if (stored === null || receipt === null || !isDecision(receipt)) throw unbound(`decision ${id}`)
  const { predicate } = receipt
  if (predicate.action['project'] !== project) throw unbound(`decision ${id}`)
  if (predicate.action['phase'] === 'result') throw unbound('a decision on a call')
  if (predicate.decision === 'hold') {
    const resolution = (await tx.requestOfDecision(id))?.resolution
    if (resolution == null || !isApproval(resolution.decision)) throw unbound('an approval of it')
    return findPermit(tx, resolution.record, project)
  }
  const { resolution } = predicate
  const runs = RUNS.has(predicate.decision) && resolution?.ratifies === undefined
  if (!runs) throw unbound('a decision that lets the call run')
  const request = resolution === undefined ? null : await tx.request(predicate.request ?? '')
  const root = resolution?.patchedRoot ?? digestOf(canonicalize(predicate.action as JsonObject))
  const asked = request?.request.decision ?? id
  return { asked, decision: stored.id, decidedAt: stored.index, predicate, root }
}

const RUNS: ReadonlySet<string> = new Set([
  ...['allow', 'redact', 'APPROVED', 'APPROVED_WITH_MODIFICATIONS'],
])

/** The step that a receipt in the store is of. */
export function storedStep(receipt: Uint8Array): JsonObject {
  return (JSON.parse(fromUtf8(receipt)) as { predicate: { step: JsonObject } }).predicate.step
}

function unbound(expected: string): PolicyError {
  return new PolicyError('CUSTODY_UNBOUND', `expected ${expected}, in this store and project`)
}
