import { compareText } from '../../base/position.ts'
import type { CompiledPackage } from '../../model/generated/types.ts'
import type { PolicyChange, SourceChange } from '../../model/policy-diff.ts'
import type { DefaultWatch } from './diff-defaults.ts'
import { watchDefaults } from './diff-defaults.ts'
import type { Draft, FieldComparator } from './diff-fields.ts'
import { compareFields, inOrder, isSamePart, listed, neutral, unclear } from './diff-fields.ts'
import type { PartPair, Sides } from './diff-parts.ts'
import { changeOf, pairsOf, placeOf, whole } from './diff-parts.ts'
import { MODES } from './diff-rules.ts'
import { compareSelectors } from './diff-selector.ts'
import { changedRules, isOnlyComments, packageOf } from './rego-rules.ts'

/**
 * Rego packages that were added, removed or changed: how they are asked, and what their files say. What a change of Rego
 * text means cannot be told, unless only comments changed or OPA makes the same plan of both.
 */
export function compareRego(sides: Sides): PolicyChange[] {
  const [before, after] = [sides.before.policy, sides.after.policy]
  const defaults = watchDefaults(before, after)
  const sources = sourcesByPackage(sides)
  const packages = pairsOf(before.rego, after.rego, (one) => one.package)
  const lax = pairsOf(before.rego_packages, after.rego_packages, (one) => one.package)
  const names = new Set([
    ...packages.map(({ id }) => id),
    ...lax.map(({ id }) => id),
    ...sources.keys(),
  ])
  return [...names].sort(compareText).flatMap((id) => {
    const judged = packages.find((one) => one.id === id) ?? { id, before: null, after: null }
    const strict = lax.find((one) => one.id === id) ?? { id, before: null, after: null }
    const files = sources.get(id) ?? []
    const drafts = [
      ...packageDrafts(judged, defaults),
      ...strictDrafts(strict),
      ...sourceDrafts(sides, files),
    ]
    if (drafts.length === 0) return []
    const change = changeWordOf(judged, strict)
    const places = { before: placeOf(judged.before), after: placeOf(judged.after) }
    return [changeOf(sides, { part: 'rego', id, change, drafts, sources: files, ...places })]
  })
}

type Strictness = { readonly package: string; readonly strict_builtin_errors: boolean }

function changeWordOf(
  judged: PartPair<CompiledPackage>,
  known: PartPair<Strictness>,
): PolicyChange['change'] {
  const [before, after] = [judged.before ?? known.before, judged.after ?? known.after]
  if (before === null && after !== null) return 'added'
  return after === null && before !== null ? 'removed' : 'changed'
}

function packageDrafts(
  { before, after }: PartPair<CompiledPackage>,
  defaults: DefaultWatch,
): Draft[] {
  if (before === null && after === null) return []
  if (before === null && after !== null) {
    const message = `judges by ${rulesOf(after)}`
    if (after.mode === 'shadow') return [whole('neutral', `${message}, in shadow`)]
    return [whole('stronger', message), ...defaults.switchedOff(after)]
  }
  if (after === null) {
    const inShadow = before?.mode === 'shadow'
    return [whole(inShadow ? 'neutral' : 'weaker', 'judges no longer')]
  }
  return before === null || isSamePart(before, after)
    ? []
    : comparePackages(before, after, defaults)
}

function rulesOf({ rules }: CompiledPackage): string {
  return listed(rules.map(({ name }) => name))
}

function comparePackages(
  before: CompiledPackage,
  after: CompiledPackage,
  defaults: DefaultWatch,
): Draft[] {
  const { on: oldOn, package: _, file: _f, line: _l, column: _c, ...old } = before
  const { on, package: __, file: __f, line: __l, column: __c, ...now } = after
  // Counters count what the package is asked about, and what it makes of them is not known.
  const more = after.counters.length === 0 ? 'stronger' : 'unclear'
  const selectors = compareSelectors(oldOn, on, more, '/on')
  const drafts = [...compareFields(old, now, PACKAGE_FIELDS), ...selectors]
  if (before.mode === 'shadow' && after.mode === 'shadow') {
    return drafts.map((draft) => ({ ...draft, direction: 'neutral' as const }))
  }
  const speaksAnew = before.mode !== after.mode || selectors.length > 0
  return [...drafts, ...(speaksAnew ? defaults.switchedOff(after) : [])]
}

const PACKAGE_FIELDS: Readonly<Record<string, FieldComparator>> = {
  mode: MODES,
  shadow_until: neutral,
  route: unclear,
  counters: unclear,
  rules: (before, after, field) => {
    const names = (value: unknown) =>
      Array.isArray(value) ? value.map((one) => String((one as { name: unknown }).name)) : []
    const removed = names(before).filter((one) => !names(after).includes(one))
    const added = names(after).filter((one) => !names(before).includes(one))
    return [
      ...removed.map((name) => ({
        direction: name === 'warn' ? ('neutral' as const) : ('weaker' as const),
        message: `${field}: no longer ${name}`,
      })),
      ...added.map((name) => ({
        direction: name === 'warn' ? ('neutral' as const) : ('stronger' as const),
        message: `${field}: now also ${name}`,
      })),
    ]
  },
}

const STRICTNESS = inOrder(['false', 'true'])

function strictDrafts({ before, after }: PartPair<Strictness>): Draft[] {
  if (before === null || after === null) return []
  const [old, now] = [before.strict_builtin_errors, after.strict_builtin_errors]
  if (old === now) return []
  return STRICTNESS(old, now, 'strict_builtin_errors').map((outcome) => ({
    ...outcome,
    field: 'strict_builtin_errors',
    pointer: '',
  }))
}

/** Files that differ, by the package that they belong to. */
function sourcesByPackage({ before, after }: Sides): ReadonlyMap<string, readonly SourceChange[]> {
  const files = [...new Set([...before.rego.keys(), ...after.rego.keys()])].sort(compareText)
  const changed = files
    .map((file) => ({
      file,
      before: before.rego.get(file) ?? '',
      after: after.rego.get(file) ?? '',
    }))
    .filter((source) => source.before !== source.after)
  return Map.groupBy(changed, (source) => packageOf(source.after || source.before))
}

function sourceDrafts({ before, after }: Sides, files: readonly SourceChange[]): Draft[] {
  const samePlan = before.planDigest !== null && before.planDigest === after.planDigest
  return files.map((source): Draft => {
    const field = 'source'
    if (samePlan || isOnlyComments(source)) {
      const why = samePlan ? 'means the same to OPA' : 'only comments or layout'
      return { field, pointer: '', direction: 'neutral', message: `${source.file}: ${why}` }
    }
    const rules = changedRules(source)
    const what = rules.length === 0 ? 'changed' : rules.join(', ')
    return { field, pointer: '', direction: 'unclear', message: `${source.file}: ${what}` }
  })
}
