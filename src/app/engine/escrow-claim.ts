import { diffJson } from '../../base/diff.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JudgedAction } from '../../model/nouns.ts'
import { statusOf } from '../approvals/waiting.ts'
import { askOverdue } from './custody-take.ts'
import type { Answer } from './engine.ts'
import { findEscrow, refusal } from './escrow.ts'
import type { Parts } from './parts.ts'
import { openDecision } from './record.ts'
import { changed } from './tokens.ts'

/**
 * What became of a decision in escrow, and the call that it is about: what was asked, or the request that people look at.
 *
 * @throws {PolicyError} ESCROW_HELD (retryable), ESCROW_VOID, ESCROW_INVALID
 */
export async function claimed(
  parts: Parts,
  decision: string,
): Promise<{ readonly call: JudgedAction | string; readonly told: Answer }> {
  const { delivery } = await findEscrow(parts.store, decision)
  if (delivery !== null) await askOverdue(parts, delivery)
  const escrow = await findEscrow(parts.store, decision)
  const { inputs, predicate } = await openDecision(parts.store, escrow.decision)
  const { action } = inputs
  const { project, agents } = parts.credential
  const isOurs = agents.includes(action.agent) || agents.includes('*')
  if (!isOurs || action.project !== project) {
    throw new PolicyError(
      'ESCROW_INVALID',
      `${decision} is in no escrow of this credential's agents`,
    )
  }
  const { state, request } = escrow
  if ((state === 'asked' || state === 'moved') && request !== null) {
    return { call: request, told: await statusOf(parts, request) }
  }
  if (state !== 'released') throw refusal(escrow)
  const asked = await parts.store.request(predicate.request ?? '')
  if (asked !== null) {
    const { id } = asked.request
    return { call: id, told: await statusOf(parts, id) }
  }
  const { payload } = changed(parts, action, predicate.obligations)
  const told: Answer = {
    ...{ status: 'ALLOWED', payload, changes: diffJson(action.payload, payload) },
    ...{ reason: 'its delivery was fulfilled', decision: escrow.decision },
  }
  return { call: action, told }
}
