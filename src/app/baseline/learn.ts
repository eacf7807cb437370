import { digestOf } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import { compareText } from '../../base/position.ts'
import type { Side } from '../../decide/behaviour/compare.ts'
import { edgeFacts, edgeName, movement } from '../../decide/behaviour/compare.ts'
import type { ObservedSession, Snapshot } from '../../decide/behaviour/index.ts'
import { advance, BEGIN, END, learn, merge } from '../../decide/behaviour/index.ts'
import { SAMPLE_MAX } from '../../decide/behaviour/limits.ts'
import { trailOf } from '../../decide/behaviour/session.ts'
import { settlingOf } from '../../decide/behaviour/settle.ts'
import { EMPTY_SNAPSHOT } from '../../decide/behaviour/snapshot.ts'
import type { BaselineDocument } from '../../decide/behaviour/text.ts'
import { formatBaseline } from '../../decide/behaviour/text.ts'
import type { BaselineProposal, LeftOut } from '../../model/baseline-report.ts'
import type { LearnedVersion } from '../../model/generated/types.ts'
import type { BaselineOwner, FoundBaseline } from './files.ts'
import { rateOf } from './files.ts'
import type { Observed, ObservedRun, Transition } from './observed.ts'

/** What the owner asks for, where it is not to stay as it is. */
export type LearnSettings = {
  readonly rate?: number
  readonly halfLife?: number
}

/** A version that was made out of another. */
export type NextVersion = {
  readonly document: BaselineDocument
  readonly text: string
  /** What the sessions did, rejected transitions included: none of it when the version only changes settings. */
  readonly delta: Snapshot
  readonly sessions: readonly ObservedSession[]
  readonly leftOut: LeftOut
  readonly leftOutEdges: BaselineProposal['leftOutEdges']
}

/** Nothing to learn, and what was looked at. */
export type NothingLearned = Pick<NextVersion, 'leftOut' | 'leftOutEdges'>

/**
 * The next version of a baseline: the current one, aged by the sessions that are learned, with what they did and what
 * people said. A session that makes a transition which people rejected and the baseline never saw is not learned.
 *
 * @param current - null for a first version
 * @param elsewhere - transitions that people rejected in other baselines of the agent: those that this one has no row for
 *   are rejected here too, so that a rejection does not end at a fingerprint
 * @returns what was left out alone when there is nothing to learn
 * @throws {PolicyError} BASELINE_TOO_LARGE; SESSION_INVALID when sessions were learned before and it cannot be told which
 */
export function nextVersion(given: {
  readonly owner: BaselineOwner
  readonly current: FoundBaseline | null
  readonly elsewhere: readonly Transition[]
  readonly observed: Observed
  readonly settings: LearnSettings
}): NextVersion | NothingLearned {
  const { owner, current, elsewhere, observed, settings } = given
  const before = current?.document ?? null
  const base = withElsewhere(before?.snapshot ?? EMPTY_SNAPSHOT, elsewhere)
  const { runs, known } =
    observed.read === null ? withoutKnown(base, observed.runs) : fresh(observed)
  const { kept, leftOutEdges } = withoutRejected(base, observed, runs)
  const leftOut: LeftOut = {
    ...observed.leftOut,
    known: observed.leftOut.known + known,
    rejected: runs.length - kept.length,
  }
  const changes = settingsOf(before, settings)
  const isSame =
    before === null || (changes.rate === before.rate && changes.half_life === before.half_life)
  const hasNews = kept.length > 0 || observed.rejections.length > 0
  if (!hasNews && isSame) return { leftOut, leftOutEdges }
  const sessions = kept.map(({ session }) => session)
  const approvals = kept.flatMap((run) => run.approvals)
  const delta = merge(learn(sessions), feedbackOf(approvals, observed.rejections))
  const halfLife = changes.half_life ?? null
  const snapshot = advance(base, delta, halfLife)
  const moved = movement(
    { snapshot: base, halfLife: before?.half_life ?? null },
    { snapshot, halfLife },
  )
  const learned: LearnedVersion = {
    version: (before?.version ?? 0) + 1,
    ...provenanceOf(observed, kept),
    sessions: kept.length,
    digest: digestOfLearned(sessions, delta),
    movement_ppm: moved,
  }
  const document = versionAfter(current, owner, { snapshot, learned, ...changes })
  const text = formatBaseline(document)
  return { document, text, delta, sessions, leftOut, leftOutEdges }
}

/**
 * The document after another one: its number, what it was made out of, and that people are to look at it.
 *
 * @param made - what differs; `learned` says where it came from
 */
export function versionAfter(
  current: FoundBaseline | null,
  { agent, fingerprint }: BaselineOwner,
  made: {
    readonly snapshot: Snapshot
    readonly learned: LearnedVersion
    readonly rate: number | undefined
    readonly half_life: number | undefined
  },
): BaselineDocument {
  const { learned, snapshot, rate, half_life } = made
  const earlier = current?.document.learned ?? []
  const mode = current?.document.mode
  const { settled } = settlingOf(
    { snapshot, learned: [...earlier] },
    rateOf(rate === undefined ? {} : { rate }),
  )
  const entry = settled ? { ...learned, settled } : learned
  return {
    apiVersion: 'countersign/v1',
    kind: 'Baseline',
    agent,
    ...(fingerprint === null ? {} : { fingerprint }),
    version: learned.version,
    ...(current === null ? {} : { previous: digestOf(current.text) }),
    ...(mode === undefined ? {} : { mode }),
    ...(rate === undefined ? {} : { rate }),
    ...(half_life === undefined ? {} : { half_life }),
    unreviewed_movement_ppm: 0,
    learned: [...earlier, entry].slice(-LEARNED_MAX),
    snapshot,
  }
}

/** Versions that a file tells of: `schemas/baseline.schema.json` takes as many. */
export const LEARNED_MAX = 100

/** A snapshot of nothing but people's words: one row for each transition. */
export function feedbackOf(
  approvals: readonly Transition[],
  rejections: readonly Transition[],
): Snapshot {
  const words = new Map<string, { edge: Transition; approvals: number; rejections: number }>()
  const count = (edge: Transition, what: 'approvals' | 'rejections'): void => {
    const name = edgeName(edge)
    const known = words.get(name) ?? { edge, approvals: 0, rejections: 0 }
    words.set(name, { ...known, [what]: known[what] + 1 })
  }
  for (const edge of approvals) count(edge, 'approvals')
  for (const edge of rejections) count(edge, 'rejections')
  const all = [...words.values()]
  const nodes = [...new Set(all.flatMap(({ edge: { from, to } }) => [from, to]))]
    .filter((node) => node !== BEGIN && node !== END)
    .sort(compareText)
  const ids = new Map([BEGIN, END, ...nodes].map((node, id) => [node, id]))
  const rows = all
    .map(({ edge: { from, to }, ...said }) => [
      ...[ids.get(from) ?? 0, ids.get(to) ?? 0],
      ...[0, said.approvals, said.rejections],
    ])
    .sort(([a = 0, b = 0], [c = 0, d = 0]) => a - c || b - d)
  return { ...EMPTY_SNAPSHOT, nodes, edges: rows.flat() }
}

/** Transitions that people rejected and no session of the baseline made. */
export function rejectedOnly(snapshot: Snapshot): readonly Transition[] {
  return [...edgeFacts(snapshot).values()]
    .filter(({ rejections, count }) => rejections > 0 && count === 0)
    .map(({ from, to }) => ({ from, to }))
}

/** The transitions of a session, its end included, each once. */
export function transitionsOf({ calls, ended }: ObservedSession): readonly Transition[] {
  const nodes = [BEGIN, ...calls.map(({ node }) => node), ...(ended ? [END] : [])]
  const made = nodes.slice(1).map((to, i) => ({ from: nodes[i] ?? BEGIN, to }))
  return [...new Map(made.map((one) => [edgeName(one), one])).values()]
}

/** A version as it counts, before anything was learned. */
export const NOTHING_LEARNED: Side = { snapshot: EMPTY_SNAPSHOT, halfLife: null }

function fresh({ runs }: Observed): { runs: readonly ObservedRun[]; known: number } {
  return { runs, known: 0 }
}

/**
 * Recorded sessions come without a log that says which of them are known. The calibration sample remembers: all sessions
 * while there are few, and then at least that some are known.
 */
function withoutKnown(
  base: Snapshot,
  runs: readonly ObservedRun[],
): { readonly runs: readonly ObservedRun[]; readonly known: number } {
  const digests = new Set(base.sample.map(({ digest }) => digest))
  const seen = new Set<string>()
  const unknown = runs.filter(({ session }) => {
    const { digest } = trailOf(session)
    const isNew = !digests.has(digest) && !seen.has(digest)
    seen.add(digest)
    return isNew
  })
  const known = runs.length - unknown.length
  if (base.sessions > SAMPLE_MAX && [...seen].some((digest) => digests.has(digest))) {
    throw new PolicyError(
      'SESSION_INVALID',
      'some of these sessions were learned before, and the baseline does not remember which; give new ones only',
    )
  }
  return { runs: unknown, known }
}

function withoutRejected(
  base: Snapshot,
  { rejections }: Observed,
  runs: readonly ObservedRun[],
): {
  readonly kept: readonly ObservedRun[]
  readonly leftOutEdges: BaselineProposal['leftOutEdges']
} {
  const facts = edgeFacts(base)
  const now = new Map<string, number>()
  for (const edge of rejections) now.set(edgeName(edge), (now.get(edgeName(edge)) ?? 0) + 1)
  const left = new Map<string, { edge: Transition; rejections: number; sessions: number }>()
  const kept = runs.filter(({ session }) => {
    const barred = transitionsOf(session).filter((edge) => {
      const known = facts.get(edgeName(edge))
      const times = (known?.rejections ?? 0) + (now.get(edgeName(edge)) ?? 0)
      if (times === 0 || (known?.count ?? 0) > 0) return false
      const sessions = (left.get(edgeName(edge))?.sessions ?? 0) + 1
      left.set(edgeName(edge), { edge, rejections: times, sessions })
      return true
    })
    return barred.length === 0
  })
  const leftOutEdges = [...left]
    .sort(([a], [b]) => compareText(a, b))
    .map(([, { edge, ...counts }]) => ({ ...edge, ...counts }))
  return { kept, leftOutEdges }
}

/** A row that is there, whatever it says, is what people decided for this baseline. */
function withElsewhere(base: Snapshot, elsewhere: readonly Transition[]): Snapshot {
  const known = edgeFacts(base)
  const more = new Map(
    elsewhere.flatMap((edge) => (known.has(edgeName(edge)) ? [] : [[edgeName(edge), edge]])),
  )
  return more.size === 0 ? base : merge(base, feedbackOf([], [...more.values()]))
}

function settingsOf(
  before: BaselineDocument | null,
  { rate = before?.rate, halfLife = before?.half_life }: LearnSettings,
): { readonly rate: number | undefined; readonly half_life: number | undefined } {
  return { rate, half_life: halfLife }
}

function provenanceOf(
  { read }: Observed,
  runs: readonly ObservedRun[],
): Pick<LearnedVersion, 'bundle' | 'from' | 'to' | 'log' | 'through' | 'idle'> {
  let [from, to] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const { began, ended } of runs) {
    from = Math.min(from, began ?? from)
    to = Math.max(to, ended ?? to)
  }
  const isTimed = Number.isFinite(from) && Number.isFinite(to)
  return {
    ...(read === null || read.bundle === null ? {} : { bundle: read.bundle }),
    ...(isTimed ? { from: timeOf(from), to: timeOf(to) } : {}),
    ...(read === null ? {} : { log: read.log, through: read.through, idle: read.idle }),
  }
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString()
}

/** The same for the same sessions in any order. */
function digestOfLearned(sessions: readonly ObservedSession[], delta: Snapshot): string {
  const digests = sessions.map((session) => trailOf(session).digest).sort(compareText)
  const words = [...edgeFacts(delta).values()]
    .filter(({ approvals, rejections }) => approvals + rejections > 0)
    .map(({ from, to, approvals, rejections }) => `${from} ${to} ${approvals} ${rejections}`)
    .sort(compareText)
  return digestOf([...digests, ...words].join('\n'))
}
