import { PolicyError } from '../../base/errors.ts'
import { REASON_LENGTH_MAX } from '../../base/limits.ts'
import { parseAction } from '../../model/action.ts'
import type { Outcome } from '../../model/generated/types.ts'
import type { Evaluation, JudgedAction } from '../../model/nouns.ts'
import { decideNow, evaluateInTransaction } from './decide.ts'
import type { Parts } from './parts.ts'
import { actionDocument, checkFields, type Undoes } from './record.ts'
import { compensation, declaredUndo, takesResult } from './rollback-plan.ts'
import { findPermit, findResult, notRun, openRan, type Permit } from './rollback-ran.ts'
import { assertNotUndone, asUndo, type Undo } from './undo.ts'

export type RollbackOptions = {
  /** Why. It is sealed with the call that takes the other one back, in its context. */
  readonly reason?: string
}

/** The call that takes another one back, and what it takes back. */
export type RollbackPlan = { readonly action: JudgedAction; readonly undo: Undo }

/** What would be said of a rollback. Nothing was written. */
export type RollbackPreview = Pick<Evaluation, 'verdict' | 'findings' | 'route'> & {
  readonly undoes: Undoes
  readonly action: JudgedAction
}

/**
 * Judges the call that takes back one which ran, and writes its verdict, once for each call: the transaction that writes
 * it looks for another rollback first, over processes too.
 *
 * @param name - a log index, a decision's or an execution's id, or a request's
 * @throws {PolicyError} RECEIPT_UNKNOWN, and the UNDO_ codes of `docs/errors.md`; STORE_FAILED (retryable)
 */
export async function rollBack(
  parts: Parts,
  name: string,
  options: RollbackOptions = {},
): Promise<RollbackPlan & { readonly outcome: Outcome }> {
  const now = parts.clock()
  for (;;) {
    const { judge } = parts
    const plan = await planRollback(parts, name, { ...options, now })
    const outcome = await parts.batcher.run(async (tx) => {
      // Another policy may take it back otherwise.
      if (parts.judge !== judge) return null
      await assertNotUndone(tx, plan.undo.undoes)
      const { action, undo } = plan
      return decideNow(tx, parts, { action, now, call: undefined, undo })
    })
    if (outcome !== null) return { ...plan, outcome }
  }
}

/** What {@link rollBack} would do. @throws {PolicyError} as that */
export async function previewRollback(
  parts: Parts,
  name: string,
  options: RollbackOptions = {},
): Promise<RollbackPreview> {
  const now = parts.clock()
  const { action, undo } = await planRollback(parts, name, { ...options, now })
  const { policy } = parts.judge.bundle
  return parts.batcher.run(async (tx) => {
    await assertNotUndone(tx, undo.undoes)
    const { evaluation } = await evaluateInTransaction(tx, parts, action, now)
    const { verdict, findings, route } = asUndo(evaluation, undo, policy)
    return { verdict, findings, route, undoes: undo.undoes, action }
  })
}

async function planRollback(
  parts: Parts,
  name: string,
  { now, reason }: RollbackOptions & { readonly now: number },
): Promise<RollbackPlan> {
  const { store, judge, credential } = parts
  const permit = await findPermit(store, credential, name)
  await assertReleased(parts, permit)
  await assertAttested(parts, permit)
  await assertRedeemed(parts, permit)
  const ran = await openRan(store, parts, permit)
  const { undoes } = permit
  const undo = declaredUndo(judge.bundle.policy, ran, now)
  const found = takesResult(undo) ? await findResult(store, parts, permit) : null
  const action = compensation({
    ...{ undo, ran, undoes, result: found?.result, role: credential.role },
    reason: reason === undefined ? null : concealed(parts, reason),
  })
  const parsed = parseAction(actionDocument(action), credential)
  checkFields(parsed)
  const result = found === null ? {} : { result: found.decision }
  return { action: parsed, undo: { undoes, kept: { routes: [...ran.routes].sort(), ...result } } }
}

function concealed({ secrets }: Parts, reason: string): string {
  if (reason.length > REASON_LENGTH_MAX) {
    const message = `expected a reason of at most ${REASON_LENGTH_MAX} characters`
    throw new PolicyError('USAGE_INVALID', message)
  }
  return secrets.conceal({ reason }).reason
}

/** What is in escrow has not run, and what was refunded never does. @throws {PolicyError} UNDO_NOT_RUN */
async function assertReleased({ store }: Parts, { calls, undoes }: Permit): Promise<void> {
  for (const decision of calls) {
    const escrow = await store.custody.escrow(decision)
    if (escrow === null || escrow.state === 'released') continue
    const { state, request } = escrow
    if (state === 'moved' && request === undoes.id) continue
    const instead = state === 'moved' && request !== null ? `; people let it run by ${request}` : ''
    throw notRun(`${decision} is in escrow (${state}), so nothing ran by it${instead}`)
  }
}

/** What an approval lets run has not run while that waits for its attestation. @throws {PolicyError} UNDO_NOT_RUN */
async function assertAttested({ attestor }: Parts, { stored, undoes }: Permit): Promise<void> {
  const isApproved = stored.id !== undoes.id
  if (!isApproved || !(await attestor.holdsBack(stored.index))) return
  throw notRun(`${undoes.id} is approved, and not attested yet, so nothing ran by it`)
}

/** Where a project makes grants, a call has run once its grant was redeemed. @throws {PolicyError} UNDO_NOT_RUN */
async function assertRedeemed({ store, judge }: Parts, { stored }: Permit): Promise<void> {
  const grant = await store.grantOfDecision(stored.id)
  if (grant === null && judge.bundle.policy.grants === undefined) return
  if (grant === null) throw notRun(`no grant was made for ${stored.id}, so nothing ran with one`)
  if (grant.redeemedAt === null) {
    throw notRun(`the grant ${grant.id} was not redeemed, so nothing ran with it`)
  }
}
