import { parseDuration } from '../../base/duration.ts'
import { PolicyError } from '../../base/errors.ts'
import type { CompiledPolicy, Request } from '../../model/generated/types.ts'
import type { AskedRoute } from './review.ts'

/**
 * The routes that a hold asks for, as its request carries them: who may review, how many, until when. Sorted by id,
 * each once.
 *
 * @param now - Unix milliseconds; each route's time-out runs from here
 * @throws {PolicyError} ROUTE_MISSING when no route is named, or the policy has no such route
 */
export function askedRoutes(
  policy: Pick<CompiledPolicy, 'routes'>,
  routeIds: readonly string[],
  now: number,
): AskedRoute[] {
  if (routeIds.length === 0) throw new PolicyError('ROUTE_MISSING', 'expected at least one route')
  return [...new Set(routeIds)].sort().map((id) => {
    const route = policy.routes.find((candidate) => candidate.id === id)
    if (route === undefined) {
      throw new PolicyError(
        'ROUTE_MISSING',
        `no route '${id}' in the policy; add it to a Routes file`,
      )
    }
    return {
      id,
      quorum: route.quorum,
      reviewers: [...new Set(route.reviewers)].sort(),
      signature: route.signature,
      expires_at: new Date(now + parseDuration(route.time_out)).toISOString(),
    }
  })
}

/**
 * A request as the policy of this moment counts it: who has been taken off a route reviews it no longer, and a quorum
 * or the assurance that has risen since has risen. It widens nothing. A route that the policy no longer has stays as it was asked for:
 * an action that still needs it is denied when it is evaluated again.
 */
export function standingRequest(request: Request, policy: Pick<CompiledPolicy, 'routes'>): Request {
  const routes = request.routes.map((asked) => {
    const current = policy.routes.find(({ id }) => id === asked.id)
    if (current === undefined) return asked
    return {
      ...asked,
      quorum: Math.max(asked.quorum, current.quorum),
      reviewers: asked.reviewers.filter((reviewer) => current.reviewers.includes(reviewer)),
      signature: asked.signature === 'none' ? current.signature : asked.signature,
    }
  })
  return { ...request, routes }
}
