import type { CompiledRoute } from '../../model/generated/types.ts'
import { compareConditions } from './diff-field-test.ts'
import type { Draft, FieldComparator, Outcome, Said } from './diff-fields.ts'
import {
  arrow,
  compareFields,
  higherIsStronger,
  higherIsWeaker,
  isSame,
  listed,
  longerIsStronger,
  longerIsWeaker,
  membersOf,
  moreIsStronger,
  moreIsWeaker,
  neutral,
  unclear,
} from './diff-fields.ts'
import { pairsOf, whole } from './diff-parts.ts'
import { compareSelectors } from './diff-selector.ts'

/** Who may review: a reviewer less is weaker, since fewer people look; one more is unclear. */
export function compareReviewers(...[before, after, field]: Parameters<FieldComparator>) {
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

/** A signature less is weaker. Of a key and an identity neither is more than the other. */
export function compareSignature(...[before, after, field]: Parameters<FieldComparator>) {
  const [old, now] = [RANKS.get(before), RANKS.get(after)]
  if (old === undefined || now === undefined || old === now) return unclear(before, after, field)
  const direction = now < old ? ('weaker' as const) : ('stronger' as const)
  return [{ direction, message: arrow(field, before, after) }]
}

const RANKS: ReadonlyMap<Said, number> = new Map([
  ['none', 0],
  ['signed', 1],
  ['ssh', 2],
  ['sigstore', 2],
] satisfies [CompiledRoute['signature'], number][])

/** A no after the time is over is stronger than none. */
export const compareTimeOut: FieldComparator = (before, after, field) => [
  {
    direction: after === 'reject' ? 'stronger' : 'weaker',
    message: arrow(field, before, after),
  },
]

/** Without hours a request ends while nobody is there; with them it waits for people, who look at it. */
export const compareHours: FieldComparator = (before, after, field) => [
  { direction: after === undefined ? 'weaker' : 'unclear', message: arrow(field, before, after) },
]

/** Who comes in later, who may break the glass, what is collected: where there was nothing of it, any is weaker. */
export const compareEscalation = wayPast({ after: longerIsStronger, reviewers: moreIsWeaker })
export const compareBatch = wayPast({ max: higherIsWeaker, within: neutral })

const compareGlass = wayPast({
  quorum: higherIsStronger,
  reviewers: moreIsWeaker,
  review_within: longerIsWeaker,
})

/** Whoever may break the glass anew may do so where it was spent: people disavowed it, or did not look in time. */
export const compareBreakGlass: FieldComparator = (before, after, field) => {
  const outcomes = compareGlass(before, after, field)
  if (!isObject(before) || !isObject(after)) return outcomes
  if (outcomes.some(({ direction }) => direction === 'weaker')) return outcomes
  const message = `${field}: where it was spent it may be broken again`
  return [...outcomes, { direction: 'unclear', message }]
}

function wayPast(table: Readonly<Record<string, FieldComparator>>): FieldComparator {
  return (before, after, field): readonly Outcome[] => {
    if (!isObject(before)) return [{ direction: 'weaker', message: arrow(field, before, after) }]
    if (!isObject(after)) return [{ direction: 'stronger', message: arrow(field, before, after) }]
    return compareFields(before, after, table).map(({ direction, message }) => {
      return { direction, message: `${field}: ${message}` }
    })
  }
}

function isObject(
  value: Said,
): value is Exclude<Said, string | number | boolean | null | undefined> {
  return typeof value === 'object' && value !== null
}

/** A group less, or a smaller quorum of one, is weaker: somebody less must look. */
export function compareGroups(
  before: CompiledRoute['groups'],
  after: CompiledRoute['groups'],
): Draft[] {
  return pairsOf(before ?? [], after ?? [], ({ id }) => id).flatMap((pair): Draft[] => {
    const { id, before: old, after: now } = pair
    const at = { field: `groups.${id}`, pointer: '/groups' }
    if (now === null || old === null) {
      const one = now ?? old
      const who = `${one?.quorum} of ${listed(one?.reviewers ?? [])}`
      if (now === null) return [{ ...at, direction: 'weaker', message: `no longer ${who}` }]
      return [{ ...at, direction: 'stronger', message: `now ${who}` }]
    }
    return compareFields(old, now, GROUP_FIELDS).map((draft) => {
      return { ...draft, field: `groups.${id}.${draft.field}`, pointer: '/groups' }
    })
  })
}

const GROUP_FIELDS: Readonly<Record<string, FieldComparator>> = {
  quorum: higherIsStronger,
  reviewers: compareReviewers,
}

/** A new route, or one that is gone, as far as it adds itself. */
export function addsItself({ on }: CompiledRoute, change: 'added' | 'removed'): Draft[] {
  if (on === undefined) return []
  return change === 'added'
    ? [whole('unclear', ADDED, 'on')]
    : [whole('weaker', 'it adds itself to holds no longer', 'on')]
}

// What names no route takes `default`, unless another adds itself: that one may have other people.
const ADDED = 'it adds itself to holds, and stands in for `default` where nothing names a route'

/**
 * Fewer holds to which a route adds itself are weaker. More of them are unclear: what names no route takes `default` no
 * longer, and this one may have other people.
 */
export function compareAdding(before: CompiledRoute['on'], after: CompiledRoute['on']): Draft[] {
  const at = { field: 'on', pointer: '/on' }
  if (before === undefined || after === undefined) {
    if (before === after) return []
    if (before === undefined) return [{ ...at, direction: 'unclear', message: ADDED }]
    return [{ ...at, direction: 'weaker', message: 'it adds itself to holds no longer' }]
  }
  const { where: oldWhere = [], rules: oldRules, behaviour: oldBehaviour, ...old } = before
  const { where = [], rules, behaviour, ...now } = after
  const conditions = compareConditions(oldWhere, where, true).map((draft) => ({
    ...draft,
    field: `on.${draft.field.replace(/^when/, 'where')}`,
    pointer: '/on',
    message: draft.message.replace(/^when:/, 'where:'),
  }))
  const drafts = [
    ...compareSelectors(old, now, 'stronger', '/on'),
    ...conditions,
    ...compareCondition('rules', oldRules, rules, moreIsStronger),
    ...compareCondition('behaviour', oldBehaviour?.score_min, behaviour?.score_min, higherIsWeaker),
  ]
  return drafts.map((draft) =>
    draft.direction === 'stronger' ? { ...draft, direction: 'unclear' } : draft,
  )
}

/** A condition more makes fewer holds take the route. */
function compareCondition(
  name: string,
  before: Said,
  after: Said,
  comparator: FieldComparator,
): Draft[] {
  if (isSame(before, after)) return []
  const at = { field: `on.${name}`, pointer: `/on/${name}` }
  const message = arrow(name, before, after)
  if (before === undefined) return [{ ...at, direction: 'weaker', message }]
  if (after === undefined) return [{ ...at, direction: 'stronger', message }]
  return comparator(before, after, name).map((outcome) => ({ ...at, ...outcome }))
}
