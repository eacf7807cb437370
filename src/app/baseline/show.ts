import { dirname, join } from 'node:path'
import { canonicalize } from '../../base/canonical-json.ts'
import { PolicyError } from '../../base/errors.ts'
import { compareBaselines } from '../../decide/behaviour/compare.ts'
import { graphOf } from '../../decide/behaviour/graph.ts'
import type { BaselineDocument } from '../../decide/behaviour/text.ts'
import { makeFolder, writeAtomically } from '../../host/files.ts'
import { readPolicyFiles } from '../../host/policy-files.ts'
import { commitOf, readPolicyRevision } from '../../host/policy-revision.ts'
import type {
  AlarmRates,
  BaselineComparison,
  BaselineGraph,
  BaselineName,
  BaselineProgress,
  BaselineProposal,
  SettingChange,
} from '../../model/baseline-report.ts'
import type { LearnedVersion } from '../../model/generated/types.ts'
import { loosenedChannels, nameOf, progress, readyToScore, thresholdMillibits } from './effect.ts'
import type { BaselineOwner, FoundBaseline } from './files.ts'
import { ownerName, ownerOf, readBaselineFiles, requireBaseline, sideOf } from './files.ts'
import type { LearnSettings, NothingLearned } from './learn.ts'
import { LEARNED_MAX } from './learn.ts'
import type { SessionSource } from './version.ts'
import {
  openPolicyRepository,
  openWorkFolder,
  prepareVersion,
  versionsOfFolder,
} from './version.ts'

export type LearnedFile = {
  readonly proposal: BaselineProposal
  /** Absolute. */
  readonly file: string
}

/**
 * Learns, and writes the next version of a baseline to its file, for people to look at and commit.
 *
 * @param out - absolute; null for the baseline's own place in the policy repository
 * @throws {PolicyError} what `prepareVersion` throws; FILE_UNREADABLE
 */
export async function learnToFile(asked: {
  /** Absolute: the policy repository's folder. */
  readonly folder: string
  readonly owner: BaselineOwner
  readonly source: SessionSource
  readonly settings: LearnSettings
  readonly out: string | null
}): Promise<LearnedFile | NothingLearned> {
  const { folder, owner, out } = asked
  const policy = await openWorkFolder(folder)
  const history = (file: string) => versionsOfFolder(folder, file, owner)
  const prepared = await prepareVersion({ ...asked, policy, history })
  if (!('document' in prepared)) return prepared
  const file = out ?? join(folder, prepared.file)
  await makeFolder(dirname(file))
  await writeAtomically(file, prepared.text)
  return { proposal: prepared.proposal, file }
}

export type ShownBaseline = {
  readonly name: BaselineName
  readonly progress: BaselineProgress
  readonly graph: BaselineGraph
}

/**
 * A baseline as a graph, with trends against the version before.
 *
 * @param against - a revision or a version's number to show trends against; null for the version before, if the history
 *   has it
 * @throws {PolicyError} BASELINE_MISSING
 */
export async function showBaseline(asked: {
  readonly folder: string
  readonly owner: BaselineOwner
  readonly against: string | null
}): Promise<ShownBaseline> {
  const { folder, owner, against } = asked
  const found = requireBaseline(readBaselineFiles(await readPolicyFiles(folder)), owner)
  const { document, file } = found
  const other =
    against === null
      ? (await versionsOfFolder(folder, file, owner)).findLast(
          (one) => one.document.version < document.version,
        )
      : await namedVersion(folder, found, against)
  return {
    name: nameOf(found),
    progress: progress(document),
    graph: graphOf(sideOf(document), other === undefined ? null : sideOf(other.document)),
  }
}

export type BaselineDiff = {
  readonly before: BaselineName
  readonly after: BaselineName
  readonly comparison: BaselineComparison
  readonly settings: readonly SettingChange[]
  readonly alarms: Pick<AlarmRates, 'thresholdMillibits' | 'loosened'>
  /** Whether the newer one tells otherwise what the older one and those before it learned. */
  readonly rewritten: boolean
}

/**
 * What differs between two versions of a baseline.
 *
 * @param before - a revision, or the number of a version in the history
 * @param after - likewise; null for the file as it is now
 * @throws {PolicyError} BASELINE_MISSING, FILE_UNREADABLE
 */
export async function diffBaselines(asked: {
  readonly folder: string
  readonly owner: BaselineOwner
  readonly before: string
  readonly after: string | null
}): Promise<BaselineDiff> {
  const { folder, owner, before, after } = asked
  const policy = readBaselineFiles(await readPolicyFiles(folder))
  const current = requireBaseline(policy, owner)
  const old = await namedVersion(folder, current, before)
  const now = after === null ? current : await namedVersion(folder, current, after)
  const sides = { before: sideOf(old.document), after: sideOf(now.document) }
  return {
    before: nameOf(old),
    after: nameOf(now),
    comparison: compareBaselines(sides, policy.leadsToHarm),
    settings: settingChanges(old.document, now.document),
    alarms: alarmsOf(old.document, now.document),
    rewritten: isRewritten(old.document, now.document),
  }
}

function settingChanges(old: BaselineDocument, now: BaselineDocument): readonly SettingChange[] {
  const names = ['mode', 'rate', 'half_life', 'unreviewed_movement_ppm'] as const
  return names.flatMap((name): SettingChange[] => {
    const [before, after] = [old[name] ?? null, now[name] ?? null]
    return before === after ? [] : [{ name, before, after }]
  })
}

function alarmsOf(old: BaselineDocument, now: BaselineDocument): BaselineDiff['alarms'] {
  const [before, after] = [readyToScore(old), readyToScore(now)]
  return {
    thresholdMillibits: { before: thresholdMillibits(before), after: thresholdMillibits(after) },
    loosened: loosenedChannels(before, after),
  }
}

/** Learning only adds an entry, and forgets the oldest of too many. */
function isRewritten(one: BaselineDocument, other: BaselineDocument): boolean {
  const [old, now] = one.version <= other.version ? [one, other] : [other, one]
  const kept = (now.learned ?? []).filter(({ version }) => version <= old.version)
  const known = (old.learned ?? []).map(textOfEntry)
  const dropped = known.length - kept.length
  const isFull = (now.learned ?? []).length === LEARNED_MAX
  if (dropped < 0 || (dropped > 0 && !isFull)) return true
  return kept.some((entry, i) => textOfEntry(entry) !== known[dropped + i])
}

function textOfEntry(entry: LearnedVersion): string {
  return canonicalize({ ...entry })
}

/** A version by its number, or as a revision has it. */
async function namedVersion(
  folder: string,
  current: FoundBaseline,
  name: string,
): Promise<FoundBaseline> {
  const owner = ownerOf(current.document)
  if (!VERSION.test(name)) {
    const { git, prefix } = await openPolicyRepository(folder)
    const files = await readPolicyRevision(git, await commitOf(git, name), prefix)
    return requireBaseline(readBaselineFiles(files), owner)
  }
  if (current.document.version === Number(name)) return current
  const history = await versionsOfFolder(folder, current.file, owner)
  const found = history.find(({ document }) => document.version === Number(name))
  if (found !== undefined) return found
  const known = history.map(({ document }) => document.version).join(', ')
  throw new PolicyError(
    'BASELINE_MISSING',
    `no version ${name} of ${ownerName(owner)}; the history has ${known === '' ? 'none' : known}`,
  )
}

const VERSION = /^[1-9][0-9]{0,4}$/ // An abbreviated commit of five digits would have to be written longer.
