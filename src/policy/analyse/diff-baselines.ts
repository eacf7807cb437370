import type { CompiledBaseline } from '../../decide/behaviour/baseline.ts'
import { compareBaselines } from '../../decide/behaviour/compare.ts'
import { nodeOf } from '../../decide/behaviour/node.ts'
import { isEnforced } from '../../decide/behaviour/published.ts'
import type { TableName } from '../../decide/behaviour/snapshot.ts'
import { TABLES } from '../../decide/behaviour/snapshot.ts'
import {
  loosened,
  RISE_MILLIBITS_MIN,
  riseOf,
  toleranceOf,
} from '../../decide/behaviour/tolerance.ts'
import { compiledBaseline } from '../../decide/evaluate/load-policy.ts'
import type { BaselineComparison, EdgeChange } from '../../model/baseline-report.ts'
import type { CompiledBaselineEntry } from '../../model/generated/types.ts'
import type { Direction, PolicyChange } from '../../model/policy-diff.ts'
import type { Bundle } from '../bundle/index.ts'
import type { Draft, FieldComparator } from './diff-fields.ts'
import { compareFields, higherIsStronger, listed, neutral } from './diff-fields.ts'
import type { DiffSide, Sides } from './diff-parts.ts'
import { changeOf, isNamedInRego, pairsOf, placeOf, whole } from './diff-parts.ts'

/** Baselines that came, went, or take other things for normal. */
export function compareBaselineLists(sides: Sides): PolicyChange[] {
  const [before, after] = [sides.before.policy.baselines ?? [], sides.after.policy.baselines ?? []]
  const weigh = weightOf(sides)
  return pairsOf(before, after, baselineName).flatMap(({ id, before: old, after: now }) => {
    const part = 'baseline' as const
    const places = { before: placeOf(old), after: placeOf(now) }
    if (old === null && now !== null) {
      const drafts = weigh([cameOrWent(now, before, 'weaker')])
      return [changeOf(sides, { part, id, change: 'added', drafts, ...places })]
    }
    if (now === null) {
      const drafts = old === null ? [] : weigh([cameOrWent(old, after, 'stronger')])
      return [changeOf(sides, { part, id, change: 'removed', drafts, ...places })]
    }
    const drafts = old === null ? [] : weigh(compareBaseline(sides, id, [old, now]))
    if (drafts.length === 0) return []
    return [changeOf(sides, { part, id, change: 'changed', drafts, ...places })]
  })
}

/** What a baseline is called: its agent, and the fingerprint where it has one of its own. */
export function baselineName({
  agent,
  fingerprint,
}: {
  readonly agent: string
  readonly fingerprint?: string | null | undefined
}): string {
  return fingerprint === null || fingerprint === undefined ? agent : `${agent} ${fingerprint}`
}

/** What a bundle takes for normal, by `baselineName`. @throws {PolicyError} BUNDLE_CORRUPT, BASELINE_INVALID */
export function baselinesOf(bundle: Bundle): ReadonlyMap<string, CompiledBaseline> {
  const entries = bundle.policy.baselines ?? []
  return new Map(entries.map((entry) => [baselineName(entry), compiledBaseline(bundle, entry)]))
}

/** Only what asks for a behaviour score depends on a baseline. */
function weightOf(sides: Sides): (drafts: readonly Draft[]) => readonly Draft[] {
  const asked = [sides.before, sides.after].some(({ policy }) =>
    policy.rules.some(({ kind }) => kind === 'markov' || kind === 'sequence_entropy'),
  )
  if (asked) return (drafts) => drafts
  const otherwise: Direction = isNamedInRego(sides, 'behaviour') ? 'unclear' : 'neutral'
  return (drafts) =>
    drafts.map((draft) =>
      draft.direction === 'neutral' ? draft : { ...draft, direction: otherwise },
    )
}

/** Without any baseline each call that a rule wants scored is a finding; with another one it may be scored by that. */
function cameOrWent(
  one: CompiledBaselineEntry,
  others: readonly CompiledBaselineEntry[],
  direction: Direction,
): Draft {
  const alone = !others.some(({ agent }) => agent === one.agent)
  const state = isEnforced(one) ? 'enforced' : 'in shadow'
  const what = `version ${one.version}, ${one.sessions} sessions, ${state}`
  return whole(alone ? direction : 'unclear', `${alone ? 'the only' : 'a'} baseline, ${what}`)
}

type Pair = readonly [CompiledBaselineEntry, CompiledBaselineEntry]

function compareBaseline(sides: Sides, id: string, [before, after]: Pair): Draft[] {
  const [old, now] = [settingsOf(before), settingsOf(after)]
  const [was, is] = [isEnforced(before), isEnforced(after)]
  const enforcement: Draft[] =
    was === is
      ? []
      : [
          {
            field: 'mode',
            pointer: '/mode',
            direction: is ? 'stronger' : 'weaker',
            message: is ? 'enforced now' : 'in shadow now: it decides nothing',
          },
        ]
  const [left, right] = [sides.before.baselines.get(id), sides.after.baselines.get(id)]
  return [
    ...enforcement,
    ...compareFields(old, now, SETTINGS),
    ...(left === undefined || right === undefined ? [] : compareCounts(sides.after, left, right)),
  ]
}

/** What people set or read; the rest is a place, or follows from the counts. */
function settingsOf(entry: CompiledBaselineEntry): object {
  const { path: _, agent: _a, fingerprint: _f, file: _i, line: _l, column: _c, ...rest } = entry
  const {
    settled: _s,
    sessions_needed: _n,
    entropy_millibits: _e,
    entropy_range_ppm: _r,
    novelty_ppm: _p,
    ...settings
  } = rest
  return settings
}

const SETTINGS: Readonly<Record<string, FieldComparator>> = {
  mode: neutral, // Whether it is enforced is said apart.
  rate: higherIsStronger,
  version: neutral,
  sessions: neutral,
}

function compareCounts(side: DiffSide, old: CompiledBaseline, now: CompiledBaseline): Draft[] {
  const harmful = new Set(
    side.policy.tools
      .filter(({ effect }) => effect === 'irreversible')
      .map(({ service, action }) => nodeOf(service, action)),
  )
  const compared = compareBaselines({ before: sideOf(old), after: sideOf(now) }, (node) =>
    harmful.has(node),
  )
  const { added, gone, judged, movementPpm } = compared
  const cleared = judged.filter(({ rejections: { before, after } }) => before > 0 && after === 0)
  const rejected = judged.filter(({ rejections: { before, after } }) => before === 0 && after > 0)
  const lines: (readonly [field: string, Direction, string, readonly EdgeChange[]])[] = [
    ['paths', 'weaker', 'newly normal', added],
    ['paths', 'stronger', 'no longer normal', gone],
    ['edges', 'weaker', 'no longer rejected', cleared],
    ['edges', 'stronger', 'rejected now', rejected],
  ]
  return [
    ...lines.flatMap(([field, direction, words, edges]): Draft[] => {
      if (edges.length === 0) return []
      // What cannot be undone first: of a long list only a few are said.
      const sorted = edges.toSorted((a, b) => Number(b.irreversible) - Number(a.irreversible))
      const message = `${words}: ${listed(sorted.map(edgeText))}`
      return [{ field, pointer: `/${field}`, direction, message }]
    }),
    ...compareTolerance(old, now),
    ...(movementPpm === 0 && isSame(old.snapshot, now.snapshot) ? [] : [moved(compared, old, now)]),
  ]
}

function moved(
  { movementPpm }: BaselineComparison,
  { snapshot: old }: CompiledBaseline,
  { snapshot: now }: CompiledBaseline,
): Draft {
  const tables = (Object.keys(TABLES) as TableName[]).filter(
    (name) => !isSame(old[name], now[name]),
  )
  const where = tables.length === 0 ? '' : ` in ${tables.join(', ')}`
  const message = `other counts${where}; the chances of the next call moved by ${Math.round(movementPpm / 1000) / 10}%`
  return { field: 'paths', pointer: '/paths', direction: 'unclear', message }
}

/** What the sample makes of it, whatever the rate: an odd sample makes odd sessions ordinary, and moves no chance. */
function compareTolerance(old: CompiledBaseline, now: CompiledBaseline): Draft[] {
  if (isSame(old.calibration, now.calibration)) return []
  const [before, after] = [toleranceOf(old, old.rate), toleranceOf(now, old.rate)]
  const rise = riseOf(before.thresholdMillibits, after.thresholdMillibits)
  const looser = loosened(before, after)
  const draft = (direction: Direction, message: string): Draft => {
    return { field: 'sample', pointer: '/sample', direction, message }
  }
  const bits = (value: number | null): string => (value === null ? 'none' : `${value / 1_000} bits`)
  const threshold = `threshold of the alarm: ${bits(before.thresholdMillibits)} -> ${bits(after.thresholdMillibits)}`
  return [
    ...(isSame(old.snapshot, now.snapshot) ? [draft('unclear', 'other calibration')] : []),
    ...(Math.abs(rise) < RISE_MILLIBITS_MIN
      ? []
      : [draft(rise > 0 ? 'weaker' : 'stronger', threshold)]),
    ...(looser.length === 0
      ? []
      : [draft('weaker', `what is odd is taken for normal more easily in: ${looser.join(', ')}`)]),
  ]
}

function isSame(old: unknown, now: unknown): boolean {
  return JSON.stringify(old) === JSON.stringify(now)
}

function edgeText({ from, to, irreversible }: EdgeChange): string {
  return `${from} -> ${to}${irreversible ? ' (irreversible)' : ''}`
}

function sideOf({ snapshot, half_life: halfLife }: CompiledBaseline) {
  return { snapshot: { ...snapshot, sample: [] }, halfLife }
}
