import { diffJson } from '../../base/diff.ts'
import { PolicyError } from '../../base/errors.ts'
import { WAIT_MS_DEFAULT, WAIT_MS_MAX } from '../../base/limits.ts'
import type { RequestRecord } from '../../model/ports.ts'
import type { Answer, WaitOptions } from '../engine/engine.ts'
import type { Parts } from '../engine/parts.ts'
import { openDecision } from '../engine/record.ts'
import { findRequest } from '../engine/resolve.ts'
import { isResumeToken, requestOfToken, resumeToken } from '../engine/resume.ts'
import { changed } from '../engine/tokens.ts'
import { gatheringNote } from './batches.ts'
import { forgeTrouble } from './forge-trouble.ts'

/**
 * The request that a credential's agents may hear of, by its id or a resume token. An answer holds the clear payload.
 *
 * @throws {PolicyError} REQUEST_UNKNOWN, whatever is wrong with it
 */
export async function ownedRequest(parts: Parts, name: string): Promise<string> {
  const id = isResumeToken(name) ? requestOfToken(parts, name) : name
  const request = id === null ? undefined : (await parts.store.request(id))?.request
  const { project, agents } = parts.credential
  const owned = request !== undefined && (agents.includes(request.agent) || agents.includes('*'))
  // A batch is for people: the agent hears of each of its requests.
  if (owned && request.project === project && request.members === undefined) return request.id
  const what = isResumeToken(name) ? 'this resume token stands for' : `${name} is`
  throw new PolicyError('REQUEST_UNKNOWN', `${what} no request of this credential's agents`)
}

/** How a request stands after one look at the forge, or as the store has it when the forge cannot be used. */
export async function statusOf(parts: Parts, id: string): Promise<Answer> {
  try {
    return await answerOf(parts, await parts.sweeper.look(id))
  } catch (error) {
    const note = forgeTrouble(error)
    if (note === null) throw error
    return answerOf(parts, await findRequest(parts, id), note)
  }
}

/** How long a caller waits, in milliseconds. What is no number is no time. */
export function waitMs(timeoutMs = WAIT_MS_DEFAULT): number {
  return timeoutMs > 0 ? Math.min(timeoutMs, WAIT_MS_MAX) : 0
}

/** A request's answer once it has ended, or a PENDING one when the time is over. Follows one that is asked anew. */
export async function waitFor(
  parts: Parts,
  request: string,
  { timeoutMs, signal }: WaitOptions = {},
): Promise<Answer> {
  const deadline = performance.now() + waitMs(timeoutMs)
  for (let id = request; ; ) {
    signal?.throwIfAborted()
    const found = await findRequest(parts, id)
    if (found.resolution?.next) {
      id = found.resolution.next
      continue
    }
    const left = deadline - performance.now()
    if (found.resolution !== null && left > 0 && (await awaitsAttestation(parts, found))) {
      await parts.attestor.wait(found.resolution.receiptIndex, left, signal)
      return answerOf(parts, await findRequest(parts, id))
    }
    if (found.resolution !== null || left <= 0) return answerOf(parts, found)
    await parts.sweeper.wait(id, left, signal)
  }
}

/** How a request stands. @param note - what keeps it from the forge. Default: what the sweeper knows */
export async function answerOf(
  parts: Parts,
  found: RequestRecord,
  note: string | null = parts.sweeper.note(found.batch ?? found.request.id) ??
    gatheringNote(parts, found),
): Promise<Answer> {
  const { request, resolution, pull } = found
  const common = {
    decision: request.decision,
    request: request.id,
    changes: [],
    ...(pull === null ? {} : { where: parts.forge.where(pull) }),
    ...(note === null ? {} : { note }),
  }
  if (resolution === null) {
    const resume = resumeToken(parts, request.id)
    return { ...common, status: 'PENDING', reason: 'people have not decided yet', resume }
  }
  const { decision, reason } = resolution
  if (!lets(found)) return { ...common, status: decision, reason }
  if (await awaitsAttestation(parts, found)) {
    const resume = resumeToken(parts, request.id)
    const waits = { note: 'waiting for attestation', reason: 'approved, and not attested yet' }
    return { ...common, ...waits, status: 'PENDING', resume }
  }
  const asked = (await openDecision(parts.store, request.decision)).inputs.action.payload
  const approved = await openDecision(parts.store, resolution.record)
  // The obligations are those of the evaluation that confirmed the approval, under the bundle of that moment.
  const { action } = approved.inputs
  const { payload } = changed(parts, action, approved.predicate.obligations)
  return { ...common, status: decision, payload, changes: diffJson(asked, payload), reason }
}

/** Whether a request ended so that its action may run. */
function lets({ request, resolution }: RequestRecord): boolean {
  // What people looked at afterwards has run: it never runs again.
  return resolution?.decision.startsWith('APPROVED') === true && request.ratifies === undefined
}

/** Whether an approval gives nothing away yet, since the policy wants others to have vouched for it first. */
async function awaitsAttestation(parts: Parts, found: RequestRecord): Promise<boolean> {
  const { resolution } = found
  if (resolution === null || !lets(found)) return false
  return parts.attestor.holdsBack(resolution.receiptIndex)
}
