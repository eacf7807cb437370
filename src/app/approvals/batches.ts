import { canonicalize } from '../../base/canonical-json.ts'
import { parseDuration } from '../../base/duration.ts'
import { encodeHex } from '../../base/encoding.ts'
import type { JsonValue } from '../../base/json-value.ts'
import { BATCH_MEMBERS_MAX } from '../../base/limits.ts'
import type { AskedRoute, Finding, Request } from '../../model/generated/types.ts'
import type { RequestRecord } from '../../model/ports.ts'
import { batchRoot } from '../../trust/receipt/batch.ts'
import type { Parts } from '../engine/parts.ts'
import { isoTime, newId } from '../engine/record.ts'
import { fitFields } from '../engine/request.ts'

/**
 * Whether a request's pull request may be a batch's: then where it stands is settled in the store before anything is
 * opened. One that another version of the policy held counts too, since an engine with that version may gather it.
 */
export function mayShare(parts: Parts, request: Request): boolean {
  if (request.members !== undefined || request.ratifies !== undefined) return false
  return request.policy !== parts.judge.bundle.digest || limitsOf(parts, request) !== null
}

/** Until when a request that is not on the forge yet waits for like ones, in Unix milliseconds; null when it does not. */
export function gathersUntil(parts: Parts, found: RequestRecord): number | null {
  const { request, pull, resolution, batch } = found
  if (pull !== null || resolution !== null || batch !== undefined) return null
  const limits = limitsOf(parts, request)
  if (limits === null) return null
  const until = endOf(request, limits)
  return parts.clock() < until ? until : null
}

/** Why a request is not on the forge yet, for whoever waits for it; null when it does not wait for like ones. */
export function gatheringNote(parts: Parts, found: RequestRecord): string | null {
  const until = gathersUntil(parts, found)
  if (until === null) return null
  return `it waits until ${isoTime(until)} for like requests to share a pull request with`
}

/**
 * Puts like requests into batches, each in one unit of work: as many as their routes let one review cover, or as there
 * are when the oldest has waited long enough. A single one is left alone.
 */
export async function formBatches(parts: Parts): Promise<void> {
  if (!parts.judge.bundle.policy.routes.some(({ batch }) => batch !== undefined)) return
  const now = parts.clock()
  const open = (await parts.store.ungathered()).filter(
    ({ request }) => limitsOf(parts, request) !== null && now < Date.parse(request.expires_at),
  )
  for (const alike of Map.groupBy(open, ({ request }) => likeness(request)).values()) {
    for (const members of partsOf(parts, alike, now)) {
      const [first] = members
      if (first === undefined || members.length < 2) continue
      const batch = newBatch(parts, members, now)
      // When another process was quicker with one of them, the next round sees what is left.
      await parts.store.transact((tx) => tx.putBatch(batch, first.heldAt))
    }
  }
}

type Limits = { readonly max: number; readonly withinMs: number }

/** The least of what the asked routes allow; null where one of them allows none, or the policy was another. */
function limitsOf(parts: Parts, request: Request): Limits | null {
  const { digest, policy } = parts.judge.bundle
  if (request.members !== undefined || request.ratifies !== undefined) return null
  if (request.policy !== digest) return null
  let limits: Limits = { max: BATCH_MEMBERS_MAX, withinMs: Number.POSITIVE_INFINITY }
  for (const asked of request.routes) {
    const batch = policy.routes.find(({ id }) => id === asked.id)?.batch
    if (batch === undefined) return null
    limits = {
      max: Math.min(limits.max, batch.max),
      withinMs: Math.min(limits.withinMs, parseDuration(batch.within)),
    }
  }
  return limits
}

function endOf({ created_at, expires_at }: Request, { withinMs }: Limits): number {
  return Math.min(Date.parse(created_at) + withinMs, Date.parse(expires_at))
}

/** Like requests in the order of asking, cut into what is due as a batch. */
function* partsOf(
  parts: Parts,
  alike: readonly RequestRecord[],
  now: number,
): Generator<readonly RequestRecord[]> {
  for (let from = 0; from < alike.length; ) {
    const [first] = alike.slice(from)
    const limits = first === undefined ? null : limitsOf(parts, first.request)
    if (first === undefined || limits === null) return
    const members = alike.slice(from, from + limits.max)
    if (members.length < limits.max && now < endOf(first.request, limits)) return
    yield members
    from += limits.max
  }
}

/** Equal for requests that one review may cover: all that decides who may review them, why, and what would run. */
function likeness(request: Request): string {
  const { policy, project, agent, role, principal = null } = request
  const { service, action, priority, obligations } = request
  const rules = request.findings
    .filter(({ mode, verdict }) => mode === 'enforce' && verdict === 'hold')
    .map(({ rule }) => rule)
  return canonicalize([
    ...[policy, project, agent, role, principal, service, action, priority],
    [...new Set(rules)].sort(),
    obligations as unknown as JsonValue,
    request.routes.map(withoutTimes) as unknown as JsonValue,
  ])
}

function withoutTimes({ expires_at: _end, reminders: _times, escalation, ...route }: AskedRoute) {
  return { ...route, ...(escalation === undefined ? {} : { later: escalation.reviewers }) }
}

function newBatch(parts: Parts, members: readonly RequestRecord[], now: number): Request {
  const requests = members.map(({ request }) => request)
  const [first] = requests as [Request, ...Request[]]
  const { session, ...common } = first
  const listed = requests.map(({ id, decision, root, nonce, expires_at, fields }) => ({
    ...{ request: id, decision, root, nonce, expires_at },
    fields: fitFields(fields, requests.length),
  }))
  const root = batchRoot(listed)
  return {
    ...common,
    ...(session !== undefined && requests.every((one) => one.session === session)
      ? { session }
      : {}),
    id: newId(parts, 'req'),
    decision: root,
    root,
    routes: first.routes.map((route) => jointRoute(route, requests)) as Request['routes'],
    findings: commonFindings(requests),
    fields: [],
    members: listed as NonNullable<Request['members']>,
    nonce: encodeHex(parts.entropy(16)),
    created_at: isoTime(now),
    expires_at: earliest(requests.map(({ expires_at }) => expires_at)),
  }
}

/** A route as all of them ask for it: it ends with the first, and nobody comes in before they may for each of them. */
function jointRoute(route: AskedRoute, requests: readonly Request[]): AskedRoute {
  const same = requests.flatMap(({ routes }) => routes.filter(({ id }) => id === route.id))
  const { escalation } = route
  const times = same.flatMap((one) => one.escalation?.at ?? [])
  return {
    ...route,
    expires_at: earliest(same.map(({ expires_at }) => expires_at)),
    ...(escalation === undefined
      ? {}
      : { escalation: { ...escalation, at: times.sort().at(-1) ?? escalation.at } }),
  }
}

/** All times are written alike, so that their texts sort as they do. */
function earliest(times: readonly string[]): string {
  return [...times].sort()[0] ?? ''
}

/** What the same rule says of each of them; what differs is left to `requests show`. */
function commonFindings(requests: readonly Request[]): Finding[] {
  const [first, ...others] = requests
  return (first?.findings ?? []).flatMap((finding) => {
    const same = others.map(({ findings }) => findings.find((one) => isSameRule(one, finding)))
    if (same.includes(undefined)) return []
    const isAlike = (pick: (one: Finding) => unknown) =>
      same.every(
        (one) =>
          one !== undefined &&
          canonicalize(pick(one) as JsonValue) === canonicalize(pick(finding) as JsonValue),
      )
    return [
      {
        ...finding,
        message: isAlike(({ message }) => message) ? finding.message : DIFFERS,
        evidence: isAlike(({ evidence }) => evidence) ? finding.evidence : {},
      },
    ]
  })
}

const DIFFERS = 'it says something else of each of them; `requests show` has it'

function isSameRule(one: Finding, other: Finding): boolean {
  const keyOf = ({ rule, kind, verdict, mode, code }: Finding) =>
    canonicalize([rule, kind, verdict, mode, code ?? null])
  return keyOf(one) === keyOf(other)
}
