import { canonicalize } from '../../base/canonical-json.ts'
import { encodeHex } from '../../base/encoding.ts'
import type { JsonValue } from '../../base/json-value.ts'
import type { Request } from '../../model/generated/types.ts'
import type { StoreTransaction } from '../../model/ports.ts'
import { ratifyingRoutes } from '../../trust/approve/routes.ts'
import type { Parts } from '../engine/parts.ts'
import { isoTime, newId } from '../engine/record.ts'

/**
 * Asks people to look at what somebody let run by breaking the glass, in the transaction that lets it run. The request
 * runs nothing: approved it is ratified, rejected it is disavowed.
 *
 * @param broken.routes - that were passed so
 * @param broken.by - who broke the glass, and on whose behalf: they do not look at it themselves
 * @param broken.decision - the decision that holds what ran; broken.index is its receipt's
 */
export async function askToRatify(
  tx: StoreTransaction,
  parts: Parts,
  request: Request,
  broken: {
    readonly routes: readonly string[]
    readonly by: readonly string[]
    readonly decision: string
    readonly index: number
    readonly now: number
  },
): Promise<void> {
  const { bundle } = parts.judge
  const { by, now } = broken
  const routes = ratifyingRoutes(bundle.policy, broken.routes, { by, now })
  const asked: Request = {
    ...request,
    id: newId(parts, 'req'),
    decision: broken.decision,
    policy: bundle.digest,
    routes,
    ratifies: request.id,
    nonce: encodeHex(parts.entropy(16)),
    created_at: isoTime(now),
    expires_at: routes.map(({ expires_at }) => expires_at).sort()[0] ?? isoTime(now),
  }
  await tx.putRequest(asked, broken.index)
}

/**
 * Routes on which nobody may break the glass for this agent: somebody did, and people disavowed it or did not look at it
 * in time. It ends when the policy says anew who may: a reviewed change of the route's `break_glass`.
 */
export async function spentRoutes(parts: Parts, { agent }: Request): Promise<ReadonlySet<string>> {
  const spent = new Set<string>()
  const now = parts.clock()
  for (const { request, resolution } of await parts.store.ratifications(agent)) {
    const open = resolution === null && now < Date.parse(request.expires_at)
    if (open || resolution?.decision.startsWith('APPROVED') === true) continue
    const broken = await parts.store.request(request.ratifies ?? '')
    for (const { id } of request.routes) {
      const asked = broken?.request.routes.find((route) => route.id === id)?.break_glass
      const current = parts.judge.bundle.policy.routes.find((route) => route.id === id)?.break_glass
      if (asked === undefined || current === undefined || isSame(asked, current)) spent.add(id)
    }
  }
  return spent
}

function isSame(asked: object, current: object): boolean {
  return canonicalize(asked as JsonValue) === canonicalize(current as JsonValue)
}
