import { edgeFacts } from '../../decide/behaviour/compare.ts'
import type { ObservedSession, Snapshot } from '../../decide/behaviour/index.ts'
import type { BaselineDocument } from '../../decide/behaviour/text.ts'
import type { CompiledRoute } from '../../model/generated/types.ts'
import type { BaselineEffect } from './effect.ts'
import { isStopped, readyToScore, thresholdMillibits } from './effect.ts'

/** A version that asks to be merged without people. */
export type SelfMerge = {
  readonly routes: readonly CompiledRoute[]
  readonly before: BaselineDocument | null
  readonly after: BaselineDocument
  /** What the learned sessions did. */
  readonly delta: Snapshot
  readonly sessions: readonly ObservedSession[]
  readonly effect: BaselineEffect
  /** The newest version that people reviewed; null when the history does not have it. */
  readonly reviewed: BaselineDocument | null
  readonly leadsToHarm: (node: string) => boolean
}

/**
 * Why people must look at a version: empty when it may be merged without them. Such a merge adds no transition, touches
 * none that people rejected or that leads to an irreversible tool, keeps what moved since the last review within what a
 * route allows, teaches nothing that the version people last reviewed would have stopped, and neither loosens the alarm
 * nor sends the baseline back into shadow.
 */
export function selfMergeObstacles(asked: SelfMerge): readonly string[] {
  const { before, after, effect } = asked
  const max = movementMax(asked.routes)
  if (max === null) return ['no route says `baselines: { movement_ppm_max: … }`']
  if (before === null) return ['a first version is for people to review']
  const { movementPpm } = effect.comparison
  const moved = (before.unreviewed_movement_ppm ?? 0) + Math.max(1, movementPpm)
  return [
    ...touched(asked),
    ...(moved <= max
      ? []
      : [`${moved} ppm moved since the last review by people; the route allows ${max}`]),
    ...(before.rate === after.rate && before.half_life === after.half_life
      ? []
      : ['it changes settings of the baseline']),
    ...(effect.progress.before?.enforced === true && !effect.progress.after.enforced
      ? ['it would send the baseline back into shadow']
      : []),
    ...alarmObstacles(asked),
    ...effect.poisoning.map(
      ({ from, to, why }) => `${from} -> ${to} (${why}) grew over several versions`,
    ),
  ]
}

/** Thousandths of a bit by which self-merges may raise the threshold above the one that people last saw. */
export const THRESHOLD_RISE_MILLIBITS_MAX = 3_000

/** The least that any route allows: two routes that disagree are no permission. */
export function movementMax(routes: readonly CompiledRoute[]): number | null {
  const allowed = routes.flatMap(({ baselines }) =>
    baselines === undefined ? [] : [baselines.movement_ppm_max],
  )
  return allowed.length === 0 ? null : Math.min(...allowed)
}

function touched({ before, after, delta, effect, leadsToHarm }: SelfMerge): readonly string[] {
  const rejected = new Set(
    [before?.snapshot, after.snapshot, delta].flatMap((snapshot) =>
      snapshot === undefined ? [] : namesOf(snapshot, ({ rejections }) => rejections > 0),
    ),
  )
  const made = namesOf(
    delta,
    ({ count, approvals, rejections }) => count + approvals + rejections > 0,
  )
  const harmful = new Set(namesOf(delta, ({ to }) => leadsToHarm(to)))
  return [
    ...effect.comparison.added.map(({ from, to }) => `it adds ${from} -> ${to}`),
    ...made
      .filter((name) => rejected.has(name))
      .map((name) => `it touches ${arrow(name)}, which people rejected`),
    ...made
      .filter((name) => harmful.has(name) && !rejected.has(name))
      .map((name) => `it touches ${arrow(name)}, which leads to an irreversible tool`),
  ]
}

/**
 * Sessions that were chosen to be odd would make what is odd normal, without moving any chance far: the threshold rises
 * with them, or what they repeat becomes ordinary.
 */
function alarmObstacles({ after, reviewed, sessions }: SelfMerge): readonly string[] {
  if (reviewed === null) return ['the history holds no version that people reviewed']
  const seen = readyToScore(reviewed)
  const stopped = sessions.filter((session) => isStopped(seen, session)).length
  const [old, now] = [thresholdMillibits(seen), thresholdMillibits(readyToScore(after))]
  const isWithin = old === null || (now !== null && now <= old + THRESHOLD_RISE_MILLIBITS_MAX)
  return [
    ...(stopped === 0
      ? []
      : [
          `it teaches sessions (${stopped}) that the version people last reviewed would have stopped`,
        ]),
    ...(isWithin
      ? []
      : ['it raises the threshold of the alarm by more than three bits since the last review']),
  ]
}

function namesOf(
  snapshot: Snapshot,
  isMeant: (
    edge: ReturnType<typeof edgeFacts> extends ReadonlyMap<string, infer E> ? E : never,
  ) => boolean,
): readonly string[] {
  return [...edgeFacts(snapshot)].flatMap(([name, edge]) => (isMeant(edge) ? [name] : []))
}

function arrow(name: string): string {
  return name.replace(' ', ' -> ')
}
