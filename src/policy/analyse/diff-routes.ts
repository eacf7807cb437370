import type { CompiledRoute } from '../../model/generated/types.ts'
import type { PolicyChange } from '../../model/policy-diff.ts'
import type { Draft, FieldComparator, Said } from './diff-fields.ts'
import {
  arrow,
  compareFields,
  higherIsStronger,
  higherIsWeaker,
  listed,
  longerIsWeaker,
  membersOf,
  moreIsWeaker,
  ownValue,
  unclear,
} from './diff-fields.ts'
import type { Sides } from './diff-parts.ts'
import { changeOf, pairsOf, placeOf, whole } from './diff-parts.ts'

/** Routes that were added, removed or changed. Nothing waits on a new one but what a rule sends there. */
export function compareRouteLists(sides: Sides): PolicyChange[] {
  const [before, after] = [sides.before.policy.routes, sides.after.policy.routes]
  return pairsOf(before, after, ({ id }) => id).flatMap(({ id, before: old, after: now }) => {
    const part = 'route' as const
    const places = { before: placeOf(old), after: placeOf(now) }
    if (old === null && now !== null) {
      const drafts = [newRoute(sides, now), ...selfMergeOfNew(now)]
      return [changeOf(sides, { part, id, change: 'added', drafts, ...places })]
    }
    if (now === null && old !== null) {
      const drafts = [
        whole('neutral', `${old.quorum} of ${listed(old.reviewers)}`),
        ...selfMergeOfOld(old),
      ]
      return [changeOf(sides, { part, id, change: 'removed', drafts, ...places })]
    }
    const drafts = old === null || now === null ? [] : compareRoutes(old, now)
    return drafts.length === 0
      ? []
      : [changeOf(sides, { part, id, change: 'changed', drafts, ...places })]
  })
}

/** Rego may have asked for a route that was not there, which denied. */
function newRoute({ before }: Sides, { id, quorum, reviewers }: CompiledRoute): Draft {
  const message = `${quorum} of ${listed(reviewers)}`
  const isAskedFor = [...before.rego.values()].some((text) => text.includes(JSON.stringify(id)))
  return isAskedFor
    ? whole('unclear', `${message}; Rego named it before it was there, which denied`)
    : whole('neutral', message)
}

/**
 * Compares two routes. A route that lost a reviewer is weaker: fewer people look. One that gained some is unclear, since
 * somebody new may approve.
 */
export function compareRoutes(before: CompiledRoute, after: CompiledRoute): Draft[] {
  const { id: _, file: _f, line: _l, column: _c, ...old } = before
  const { id: __, file: __f, line: __l, column: __c, ...now } = after
  return compareFields(old, now, ROUTE_FIELDS)
}

const ROUTE_FIELDS: Readonly<Record<string, FieldComparator>> = {
  reviewers: compareReviewers,
  quorum: higherIsStronger,
  signature: compareSignature,
  time_out: longerIsWeaker,
  show: moreIsWeaker,
  baselines: compareSelfMerge,
}

/** From the lowest assurance to the highest. */
const SIGNATURES: readonly Said[] = ['none', 'ssh'] satisfies readonly CompiledRoute['signature'][]

function compareSignature(...[before, after, field]: Parameters<FieldComparator>) {
  const [old, now] = [SIGNATURES.indexOf(before), SIGNATURES.indexOf(after)]
  if (old < 0 || now < 0) return unclear(before, after, field)
  const direction = now < old ? ('weaker' as const) : ('stronger' as const)
  return [{ direction, message: arrow(field, before, after) }]
}

function selfMergeOfNew({ baselines }: CompiledRoute): Draft[] {
  if (baselines === undefined) return []
  const message = `baselines may move by ${baselines.movement_ppm_max} ppm without people`
  return [whole('weaker', message, 'baselines')]
}

/** The least of all routes counts, so that without this one it may be more. */
function selfMergeOfOld({ baselines }: CompiledRoute): Draft[] {
  if (baselines === undefined) return []
  return [whole('unclear', 'baselines that change are bound by other routes now', 'baselines')]
}

/** Changes of baselines that nobody reviews: more of them is weaker, and so is any where there were none. */
function compareSelfMerge(...[before, after]: Parameters<FieldComparator>) {
  // No bound here is no permission, the other way round than elsewhere.
  return higherIsWeaker(movementMax(before), movementMax(after), 'baselines.movement_ppm_max')
}

function movementMax(value: Said): Said {
  return typeof value === 'object' && value !== null ? ownValue(value, 'movement_ppm_max') : 0
}

function compareReviewers(...[before, after, field]: Parameters<FieldComparator>) {
  const [old, now] = [membersOf(before), membersOf(after)]
  if (old === null || now === null) return unclear(before, after, field)
  const removed = [...old].filter((one) => !now.has(one))
  const added = [...now].filter((one) => !old.has(one))
  return [
    ...(removed.length === 0
      ? []
      : [{ direction: 'weaker' as const, message: `no longer reviewed by ${listed(removed)}` }]),
    ...(added.length === 0
      ? []
      : [{ direction: 'unclear' as const, message: `may also be approved by ${listed(added)}` }]),
  ]
}
