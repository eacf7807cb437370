import type { CompiledRoute } from '../../model/generated/types.ts'
import type { PolicyChange } from '../../model/policy-diff.ts'
import type { Draft, FieldComparator, Said } from './diff-fields.ts'
import {
  compareFields,
  higherIsStronger,
  higherIsWeaker,
  listed,
  longerIsWeaker,
  moreIsWeaker,
  neutral,
  ownValue,
} from './diff-fields.ts'
import type { Sides } from './diff-parts.ts'
import { changeOf, pairsOf, placeOf, whole } from './diff-parts.ts'
import {
  addsItself,
  compareAdding,
  compareBatch,
  compareBreakGlass,
  compareEscalation,
  compareGroups,
  compareHours,
  compareReviewers,
  compareSignature,
  compareTimeOut,
} from './diff-route-parts.ts'

/** Routes that were added, removed or changed. Nothing waits on a new one but what a rule sends there. */
export function compareRouteLists(sides: Sides): PolicyChange[] {
  const [before, after] = [sides.before.policy.routes, sides.after.policy.routes]
  return pairsOf(before, after, ({ id }) => id).flatMap(({ id, before: old, after: now }) => {
    const part = 'route' as const
    const places = { before: placeOf(old), after: placeOf(now) }
    if (old === null && now !== null) {
      const drafts = [newRoute(sides, now), ...addsItself(now, 'added'), ...selfMergeOfNew(now)]
      return [changeOf(sides, { part, id, change: 'added', drafts, ...places })]
    }
    if (now === null && old !== null) {
      const drafts = [
        whole('neutral', `${old.quorum} of ${listed(old.reviewers)}`),
        ...addsItself(old, 'removed'),
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
  const { id: _, file: _f, line: _l, column: _c, on: oldOn, groups: oldGroups, ...old } = before
  const { id: __, file: __f, line: __l, column: __c, on, groups, ...now } = after
  return [
    ...compareFields(old, now, ROUTE_FIELDS),
    ...compareGroups(oldGroups, groups),
    ...compareAdding(oldOn, on),
  ]
}

const ROUTE_FIELDS: Readonly<Record<string, FieldComparator>> = {
  reviewers: compareReviewers,
  quorum: higherIsStronger,
  signature: compareSignature,
  time_out: longerIsWeaker,
  show: moreIsWeaker,
  baselines: compareSelfMerge,
  on_time_out: compareTimeOut,
  hours: compareHours,
  remind: neutral,
  escalate: compareEscalation,
  break_glass: compareBreakGlass,
  batch: compareBatch,
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
