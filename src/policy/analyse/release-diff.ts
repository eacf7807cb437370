import type { JsonObject } from '../../base/json-value.ts'
import type { CompiledRelease } from '../../model/generated/types.ts'
import type { PolicyChange } from '../../model/policy-diff.ts'
import type { Draft, FieldComparator, Outcome, Said } from './diff-fields.ts'
import {
  arrow,
  compareFields,
  higherIsWeaker,
  inOrder,
  isSame,
  longerIsWeaker,
  neutral,
  ownValue,
  shown,
  unclear,
  upperBound,
} from './diff-fields.ts'
import type { Sides } from './diff-parts.ts'
import { changeOf, pairsOf, placeOf, whole } from './diff-parts.ts'

/**
 * Releases that were added, removed or changed. A new one is held against every release of its agent that was there: what
 * it asks less than one of them is weaker, as it would be if that one had been changed.
 */
export function compareReleaseLists(sides: Sides): PolicyChange[] {
  const [before, after] = [sides.before.policy.releases ?? [], sides.after.policy.releases ?? []]
  return pairsOf(before, after, ({ release }) => release).flatMap(
    ({ id, before: old, after: now }) => {
      const part = 'release' as const
      const places = { before: placeOf(old), after: placeOf(now) }
      if (old === null && now !== null) {
        const drafts = newRelease(now, before)
        return [changeOf(sides, { part, id, change: 'added', drafts, ...places })]
      }
      if (now === null && old !== null) {
        const drafts = [whole('stronger', `${old.agent} ${old.version} can no longer be released`)]
        return [changeOf(sides, { part, id, change: 'removed', drafts, ...places })]
      }
      const drafts = old === null || now === null ? [] : compareReleases(old, now)
      return drafts.length === 0
        ? []
        : [changeOf(sides, { part, id, change: 'changed', drafts, ...places })]
    },
  )
}

/** Whatever is released under a name that was reviewed must stay what it was; what it must show may become more. */
export function compareReleases(before: CompiledRelease, after: CompiledRelease): Draft[] {
  return [...compareFields(contents(before), contents(after), CONTENTS), ...askedOf(before, after)]
}

function newRelease(release: CompiledRelease, before: readonly CompiledRelease[]): Draft[] {
  const { agent, version } = release
  const others = before.filter((other) => other.agent === agent)
  if (others.length === 0) {
    return [whole('unclear', `${agent} ${version}: no release of this agent was there before`)]
  }
  const lower = others.flatMap((other) =>
    askedOf(other, release)
      .filter(({ direction }) => direction === 'weaker' || direction === 'unclear')
      .map((draft) => ({ ...draft, message: `than ${other.release}: ${draft.message}` })),
  )
  return [whole('neutral', `${agent} ${version}`), ...lower]
}

const ASKED: ReadonlySet<string> = new Set(['evals', 'latency', 'cost', 'evidence', 'fallback'])
const PLACE: ReadonlySet<string> = new Set(['file', 'line', 'column'])

/** What is released: everything but what it must show. */
function contents(release: CompiledRelease): JsonObject {
  const entries = Object.entries(release).filter(([key]) => !ASKED.has(key) && !PLACE.has(key))
  return Object.fromEntries(entries) as JsonObject
}

const CONTENTS: Readonly<Record<string, FieldComparator>> = {
  rollback: (before, after, field) => [
    { direction: after === null ? 'weaker' : 'unclear', message: arrow(field, before, after) },
  ],
}

/** What it must show. */
function askedOf(before: CompiledRelease, after: CompiledRelease): Draft[] {
  return [
    ...compareEvidence(evalsOf(before), evalsOf(after), '/evals'),
    ...compareEvidence(latencyOf(before), latencyOf(after), '/latency'),
    ...compareEvidence(costOf(before), costOf(after), '/cost'),
    ...compareFields(
      { evidence: before.evidence, fallback: before.fallback },
      { evidence: after.evidence, fallback: after.fallback },
      { evidence: inOrder(['age', 'bound']), fallback: unclear },
    ),
  ]
}

type Named = ReadonlyMap<string, object>

function evalsOf({ evals }: CompiledRelease): Named {
  return new Map(evals.map((one) => [one.id, one]))
}

/** Measurements have no name but their place: another file at it is the same question. */
function latencyOf({ latency }: CompiledRelease): Named {
  return new Map(latency.map((one, index) => [String(index + 1), one]))
}

function costOf({ cost }: CompiledRelease): Named {
  return new Map(cost === undefined ? [] : [['per run', cost]])
}

function compareEvidence(before: Named, after: Named, at: string): Draft[] {
  const field = at.slice(1)
  const draft = (name: string, pointer: string, outcome: Outcome): Draft => ({
    ...{ field: `${field}.${name}`, pointer, ...outcome },
  })
  const gone = [...before.keys()].filter((name) => !after.has(name))
  const come = [...after.keys()].filter((name) => !before.has(name))
  const both = [...after].flatMap(([name, value]) => {
    const old = before.get(name)
    if (old === undefined) return []
    // The author's order is not the compiled one, so a part of a list has the place of its list.
    return compareFields(old, value, EVIDENCE).map(({ direction, message }) =>
      draft(name, at, { direction, message: `${field} ${name}: ${message}` }),
    )
  })
  return [
    ...gone.map((name) =>
      draft(name, '', { direction: 'weaker', message: `${field} ${name}: no longer asked` }),
    ),
    ...come.map((name) =>
      draft(name, at, { direction: 'stronger', message: `${field} ${name}: now asked` }),
    ),
    ...both,
  ]
}

const EVIDENCE: Readonly<Record<string, FieldComparator>> = {
  id: neutral,
  file: neutral,
  // The digest of a result is that of one run: every run has its own. Without one, the file itself must say it.
  digest: (before, after, field) =>
    after === undefined ? unclear(before, after, field) : neutral(before, after, field),
  format: unclear,
  need: compareNeed,
  max_age: longerIsWeaker,
  missed: inOrder(['hold', 'deny']),
  p50_ms: upperBound,
  p95_ms: higherIsWeaker,
  usd_per_run: higherIsWeaker,
}

/** A smaller share of passes is weaker; so is a smaller suite, which asks less. */
function compareNeed(before: Said, after: Said, field: string): readonly Outcome[] {
  const [old, now] = [needOf(before), needOf(after)]
  if (old === null || now === null || isSame(before, after)) return unclear(before, after, field)
  const message = `${field}: ${shown(before)} -> ${shown(after)}`
  const isLess = now.rate < old.rate || now.of < old.of
  const isMore = now.rate > old.rate || now.of > old.of
  if (isLess) return [{ direction: 'weaker', message }]
  return [{ direction: isMore ? 'stronger' : 'unclear', message }]
}

/** The share that must pass, and the size of the suite; 0 where it is not said. */
function needOf(need: Said): { readonly rate: number; readonly of: number } | null {
  if (typeof need !== 'object' || need === null || Array.isArray(need)) return null
  const [rate, passed, of] = ['rate', 'passed', 'of'].map((name) => ownValue(need, name))
  if (typeof rate === 'number') return { rate, of: 0 }
  if (typeof passed !== 'number' || typeof of !== 'number' || of <= 0) return null
  return { rate: passed / of, of }
}
