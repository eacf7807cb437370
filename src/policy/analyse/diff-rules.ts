import type { CompiledRoute, CompiledRule } from '../../model/generated/types.ts'
import type { PolicyChange } from '../../model/policy-diff.ts'
import type { DefaultWatch } from './diff-defaults.ts'
import { watchDefaults } from './diff-defaults.ts'
import { compareConditions } from './diff-field-test.ts'
import type { Draft, FieldComparator } from './diff-fields.ts'
import { arrow, compareFields, inOrder, isSame, isSamePart, neutral, shown } from './diff-fields.ts'
import { kindComparator } from './diff-kinds.ts'
import type { PartPair, Sides } from './diff-parts.ts'
import { changeOf, pairsOf, placeOf, whole } from './diff-parts.ts'
import { compareRoutes } from './diff-routes.ts'
import { compareSelectors } from './diff-selector.ts'

/** Rules that were added, removed or changed. */
export function compareRuleLists(sides: Sides): PolicyChange[] {
  const [before, after] = [sides.before.policy, sides.after.policy]
  const defaults = watchDefaults(before, after)
  return pairsOf(before.rules, after.rules, ({ id }) => id).flatMap((pair) => {
    const change = pair.before === null ? 'added' : pair.after === null ? 'removed' : 'changed'
    const drafts = ruleDrafts(sides, pair, defaults)
    if (change === 'changed' && drafts.length === 0) return []
    const places = { before: placeOf(pair.before), after: placeOf(pair.after) }
    return [changeOf(sides, { part: 'rule', id: pair.id, change, drafts, ...places })]
  })
}

/** Modes, the weaker one first. */
export const MODES: FieldComparator = inOrder(['shadow', 'enforce'])

function ruleDrafts(
  sides: Sides,
  { before, after }: PartPair<CompiledRule>,
  defaults: DefaultWatch,
): Draft[] {
  if (before === null && after === null) return []
  if (before === null && after !== null) {
    const message = `${after.kind} rule, then ${thenOf(after)}`
    return after.mode === 'shadow'
      ? [whole('neutral', `${message}, in shadow`)]
      : [whole('stronger', message), ...defaults.switchedOff(after)]
  }
  if (after === null && before !== null) {
    const message = `${before.kind} rule, then ${thenOf(before)}`
    return [
      before.mode === 'shadow'
        ? whole('neutral', `${message}, in shadow`)
        : whole('weaker', message),
    ]
  }
  return before === null || after === null ? [] : compareRules(sides, before, after, defaults)
}

function thenOf({ then, change }: CompiledRule): string {
  return change ?? then
}

function compareRules(
  sides: Sides,
  before: CompiledRule,
  after: CompiledRule,
  defaults: DefaultWatch,
): Draft[] {
  if (isSamePart(before, after)) return []
  const { on: oldOn, when: oldWhen, spec: oldSpec, obligations: _, route: __, ...old } = before
  const { on, when, spec, obligations: ___, route: ____, ...now } = after
  const comparator = kindComparator(after.kind)
  const more = comparator.monotone ? 'stronger' : 'unclear'
  const selectors = compareSelectors(oldOn, on, more, '/on')
  const drafts = [
    ...compareFields(withoutPlace(old), withoutPlace(now), RULE_FIELDS),
    ...selectors,
    ...compareConditions(oldWhen, when, comparator.monotone && !losesDenial(before, after)),
    ...(before.kind === after.kind ? comparator.compare(oldSpec, spec) : []),
    ...compareObligations(before, after),
    ...compareRuleRoutes(sides, before, after),
  ]
  if (before.mode === 'shadow' && after.mode === 'shadow') {
    return drafts.map((draft) => ({ ...draft, direction: 'neutral' as const }))
  }
  const speaksAnew = before.mode !== after.mode || selectors.length > 0
  return [...drafts, ...(speaksAnew ? defaults.switchedOff(after) : [])]
}

/** A rule that changes a field denies where a test of that field finds it missing; without the test it changes nothing. */
function losesDenial(before: CompiledRule, after: CompiledRule): boolean {
  const changed = new Set(before.obligations.flatMap(({ paths }) => paths))
  return (
    after.then === 'redact' &&
    before.when.some(
      (test) =>
        [test.path ?? [], test.paths ?? []].flat().some((path) => changed.has(path)) &&
        !after.when.some((other) => isSame(other, test)),
    )
  )
}

/** `id` is the same on both sides. Another kind is another rule under the same name: its settings are not compared. */
const RULE_FIELDS: Readonly<Record<string, FieldComparator>> = {
  about: neutral,
  kind: (before, after, field) => [{ direction: 'unclear', message: arrow(field, before, after) }],
  then: inOrder(['redact', 'hold', 'deny']),
  mode: MODES,
}

function withoutPlace({ file: _, line: __, column: ___, ...rest }: Partial<CompiledRule>): object {
  return rest
}

/** Fields that a finding asks to change. */
function compareObligations(before: CompiledRule, after: CompiledRule): Draft[] {
  const namesOf = (rule: CompiledRule) =>
    new Set(rule.obligations.flatMap(({ kind, paths }) => paths.map((path) => `${kind} ${path}`)))
  const [old, now] = [namesOf(before), namesOf(after)]
  const removed = [...old].filter((name) => !now.has(name))
  const added = [...now].filter((name) => !old.has(name))
  // The same field, changed otherwise: neither a mask nor a token is less than the other.
  const pathOf = (name: string) => name.slice(name.indexOf(' ') + 1)
  const isChanged = (name: string, others: readonly string[]) =>
    others.some((other) => pathOf(other) === pathOf(name))
  return [
    ...removed.map((name): Draft => {
      const direction = isChanged(name, added) ? 'unclear' : 'weaker'
      return { field: 'obligations', pointer: '', direction, message: `no longer: ${name}` }
    }),
    ...added
      .filter((name) => !isChanged(name, removed))
      .map(
        (name): Draft => ({
          field: 'obligations',
          pointer: `/${name.slice(0, name.indexOf(' '))}`,
          direction: 'stronger',
          message: `now also: ${name}`,
        }),
      ),
    ...added
      .filter((name) => isChanged(name, removed))
      .map(
        (name): Draft => ({
          field: 'obligations',
          pointer: `/${name.slice(0, name.indexOf(' '))}`,
          direction: 'unclear',
          message: `instead: ${name}`,
        }),
      ),
  ]
}

/** A hold that waits for others: as strong as their routes are. */
function compareRuleRoutes(
  { before, after }: Sides,
  old: CompiledRule,
  now: CompiledRule,
): Draft[] {
  // A hold that names none takes `default`; how routes that add themselves change that, is said of those.
  const taken = ({ then, route }: CompiledRule) => (then === 'hold' ? (route ?? 'default') : route)
  if (taken(old) === taken(now)) return []
  if (now.then !== 'hold' || old.then !== 'hold') return [routeDraft('neutral', old, now)]
  const find = (routes: readonly CompiledRoute[], id: string | null) =>
    routes.find((route) => route.id === id) ?? null
  const [from, to] = [find(before.policy.routes, taken(old)), find(after.policy.routes, taken(now))]
  if (from === null || to === null) return [routeDraft('unclear', old, now)]
  const differences = compareRoutes(from, to)
  return [
    routeDraft(differences.length === 0 ? 'neutral' : 'unclear', old, now),
    ...differences.map((draft) => ({ ...draft, field: `route.${draft.field}`, pointer: '/route' })),
  ]
}

function routeDraft(
  direction: Draft['direction'],
  { route: from }: CompiledRule,
  { route: to }: CompiledRule,
): Draft {
  const message = `route: ${shown(from)} -> ${shown(to)}`
  return { field: 'route', pointer: '/route', direction, message }
}
