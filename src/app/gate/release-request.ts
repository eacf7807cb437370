import { canonicalize } from '../../base/canonical-json.ts'
import { sha256Hex } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import { WAIT_MS_MAX } from '../../base/limits.ts'
import type { ReleaseApproval, ReleaseGate } from '../../model/release-gate.ts'
import { type Answer, type Engine, engineOf } from '../engine/engine.ts'
import type { Parts } from '../engine/parts.ts'
import { conclude, type JudgedRelease } from './release.ts'

/** The tool that stands for shipping: a policy whose Tools name it, and that holds it, can be asked. */
export const SHIP = { service: 'release', action: 'ship' } as const

/**
 * Asks people about a release that missed a threshold, through the engine: an action like any other, on the route that the
 * policy holds it on. Asked again about the same release with the same evidence it is the same request, so whoever
 * approved it approved exactly that. Once it is approved the release may ship; a rejected one is denied.
 *
 * @param judged - what to ask about; a release that is not held is given back as it is
 * @param wait - for people: how long, in milliseconds, and what judges anew afterwards, since evidence grows old meanwhile.
 *   Default: not at all
 * @throws {PolicyError} RELEASE_NOT_APPROVED when the policy does not hold the question, or the engine runs another
 *   policy; STORE_FAILED and others as `Engine.defer`
 */
export async function askForRelease(
  parts: Parts,
  judged: JudgedRelease,
  wait: { readonly ms: number; readonly judge: () => Promise<JudgedRelease> } | null = null,
): Promise<JudgedRelease> {
  const { gate, compiled } = judged
  const { release } = gate
  if (gate.verdict !== 'hold' || release === null || compiled === null) return judged
  if (parts.judge.bundle.digest !== gate.policy) {
    throw unasked(`the engine runs the policy ${parts.judge.bundle.digest}; give both the same`)
  }
  const payload = questionOf(gate)
  const action = { ...SHIP, agent: release.agent, payload }
  const idempotencyKey = `release/${sha256Hex(canonicalize(payload))}`
  const engine = engineOf(parts, async () => undefined)
  const first = await engine.defer(action, { idempotencyKey })
  if (first.request === undefined) {
    const status = first.status.toLowerCase()
    throw unasked(
      `the policy lets nobody review ${SHIP.service}.${SHIP.action}: ${status}, ${first.reason}`,
    )
  }
  const answer = wait === null ? first : await answered(engine, first, wait.ms)
  if (wait !== null && answer !== first) return askForRelease(parts, await wait.judge())
  const { request = first.request, status, decision, where, note } = answer
  const asked = { request, decision, status, ...(where === undefined ? {} : { where }) }
  return { ...judged, gate: decided(gate, compiled, asked, note) }
}

/** What people have said, or that they have not when the time is over. */
async function answered(engine: Engine, first: Answer, waitMs: number): Promise<Answer> {
  const deadline = performance.now() + waitMs
  let answer = first
  while (answer.status === 'PENDING' && answer.request !== undefined) {
    const left = deadline - performance.now()
    if (left <= 0) break
    answer = await engine.wait(answer.request, { timeoutMs: Math.min(left, WAIT_MS_MAX) })
  }
  return answer
}

/** What people see and sign: all that the hold is about, and nothing that changes by itself. */
function questionOf({ release, policy, properties, evidence }: ReleaseGate): JsonObject {
  const missed = properties
    .filter(({ says }) => says === 'hold')
    .map(({ id, detail }) => ({ id, detail }))
  return { release, policy, missed, evidence } as unknown as JsonObject & JsonValue
}

function decided(
  gate: ReleaseGate,
  compiled: Parameters<typeof conclude>[0],
  approval: ReleaseApproval,
  note: string | undefined,
): ReleaseGate {
  const { status, request, where } = approval
  if (status === 'PENDING') {
    const asked = `people are ${where === undefined ? 'yet to be asked' : 'asked'}: ${request}`
    const why = note === undefined ? '' : `; ${note}`
    return { ...gate, reason: `${gate.reason}; ${asked}${why}`, approval }
  }
  // A patch would be another release: whoever wants one changes the manifest.
  if (status !== 'APPROVED') {
    const reason = `${gate.reason}; the request ${request} ended as ${status}`
    return { ...gate, verdict: 'deny', reason, approval }
  }
  const properties = gate.properties.map((one) =>
    one.says === 'hold' ? { ...one, says: 'allow' as const } : one,
  )
  const { verdict } = conclude(compiled, properties)
  const reason = `${gate.reason}; people let it pass: ${request}`
  return { ...gate, verdict, reason, properties, approval }
}

function unasked(message: string): PolicyError {
  return new PolicyError('RELEASE_NOT_APPROVED', message)
}
