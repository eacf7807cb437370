import { resolve } from 'node:path'
import { PolicyError } from '../../base/errors.ts'
import type { BaselineDocument } from '../../decide/behaviour/text.ts'
import type { Git } from '../../host/git.ts'
import { openGit } from '../../host/git.ts'
import { fileHistory } from '../../host/git-branches.ts'
import { findGitFolder } from '../../host/git-folder.ts'
import { readPolicyFiles } from '../../host/policy-files.ts'
import { commitOf, readPolicyRevision } from '../../host/policy-revision.ts'
import type { BaselineProposal } from '../../model/baseline-report.ts'
import { effectOf, nameOf } from './effect.ts'
import type { BaselineOwner, FoundBaseline, PolicyWithBaselines } from './files.ts'
import {
  baselineFile,
  coverageOf,
  findBaseline,
  openPolicyFiles,
  ownerOf,
  readBaselineText,
} from './files.ts'
import type { LearnSettings, NextVersion, NothingLearned } from './learn.ts'
import { nextVersion, rejectedOnly } from './learn.ts'
import type { Observed } from './observed.ts'
import { observeStore } from './store.ts'
import { observeTraces } from './traces.ts'

/** Where sessions come from: recorded ones, or the decisions in an engine's folder. Absolute paths. */
export type SessionSource =
  | { readonly traces: readonly string[] }
  | {
      readonly data: string
      readonly idleMs: number
      readonly onProgress?: (receipts: number) => void
    }

/** The policy repository in Git. */
export type PolicyRepository = {
  readonly git: Git
  readonly gitDir: string
  /** The policy's folder below the top, with forward slashes; empty for the top. */
  readonly prefix: string
}

/** @throws {PolicyError} FILE_UNREADABLE when the folder lies in no Git repository */
export async function openPolicyRepository(
  folder: string,
  open: (gitDir: string) => Git = openGit,
): Promise<PolicyRepository> {
  const { gitDir, prefix } = await findGitFolder(folder)
  return { git: open(resolve(gitDir)), gitDir: resolve(gitDir), prefix }
}

/** A file's path from the top of the repository. */
export function pathInGit({ prefix }: Pick<PolicyRepository, 'prefix'>, file: string): string {
  return prefix === '' ? file : `${prefix}/${file}`
}

/** The policy as a revision has it. @throws {PolicyError} FILE_UNREADABLE, or what is wrong with it */
export async function openRevision(
  repository: PolicyRepository,
  revision: string,
): Promise<PolicyWithBaselines & { readonly commit: string }> {
  const commit = await commitOf(repository.git, revision)
  const files = await readPolicyRevision(repository.git, commit, repository.prefix)
  return { ...(await openPolicyFiles(files)), commit }
}

/** The policy as its files are now. */
export async function openWorkFolder(folder: string): Promise<PolicyWithBaselines> {
  return openPolicyFiles(await readPolicyFiles(folder))
}

/** Commits of a baseline's file that are looked at. */
const HISTORY_COMMITS_MAX = 200

/**
 * The versions of a baseline that led to a commit, oldest first, each number once. What cannot be read any more is left
 * out.
 */
export async function versionsOf(
  repository: PolicyRepository,
  {
    commit,
    file,
    owner,
  }: { readonly commit: string; readonly file: string; readonly owner: BaselineOwner },
): Promise<readonly FoundBaseline[]> {
  const path = pathInGit(repository, file)
  const texts = await fileHistory(repository.git, { commit, path, limit: HISTORY_COMMITS_MAX })
  const found = new Map<number, FoundBaseline>()
  for (const text of texts) {
    const version = readOrNull(file, text)
    if (version === null || !isOf(version.document, owner)) continue
    // The newest text of a number: a person may have changed the others.
    if (!found.has(version.document.version)) found.set(version.document.version, version)
  }
  return [...found.values()].sort((a, b) => a.document.version - b.document.version)
}

/** The versions in the history of a work folder's head; none where it lies in no repository. */
export async function versionsOfFolder(
  folder: string,
  file: string,
  owner: BaselineOwner,
): Promise<readonly FoundBaseline[]> {
  let repository: PolicyRepository
  let commit: string
  try {
    repository = await openPolicyRepository(folder)
    commit = await commitOf(repository.git, 'HEAD')
  } catch (error) {
    if (error instanceof PolicyError && error.code !== 'GIT_FAILED') return []
    throw error
  }
  return versionsOf(repository, { commit, file, owner })
}

/** A version that was made, and what it means. */
export type PreparedVersion = NextVersion & {
  readonly file: string
  readonly current: FoundBaseline | null
  readonly proposal: BaselineProposal
}

/**
 * Learns what is new since the current version of a baseline.
 *
 * @param history - earlier versions, oldest first
 * @throws {PolicyError} what `observeStore`, `observeTraces` and `nextVersion` throw
 */
export async function prepareVersion(given: {
  readonly policy: PolicyWithBaselines
  readonly owner: BaselineOwner
  readonly source: SessionSource
  readonly settings: LearnSettings
  readonly history: (file: string) => Promise<readonly FoundBaseline[]>
}): Promise<PreparedVersion | NothingLearned> {
  const { policy, owner, source, settings } = given
  checkAgent(policy, owner)
  const current = findBaseline(policy, owner)
  const file = current?.file ?? baselineFile(owner, (path) => policy.files.has(path))
  const observed = await observe(policy, owner, source, current)
  const elsewhere = policy.baselines
    .filter(({ document }) => document.agent === owner.agent)
    .flatMap(({ document }) => rejectedOnly(document.snapshot))
  const next = nextVersion({ owner, current, elsewhere, observed, settings })
  if (!('document' in next)) return next
  const history = await given.history(file)
  return {
    ...next,
    file,
    current,
    proposal: proposalOf({ policy, file, current, history, next, rolledBackTo: null }),
  }
}

/** What a reader of a new version must know; flips are for whoever judges recorded decisions by it. */
export function proposalOf(given: {
  readonly policy: PolicyWithBaselines
  readonly file: string
  readonly current: FoundBaseline | null
  readonly history: readonly FoundBaseline[]
  readonly next: Omit<NextVersion, 'delta' | 'text'>
  readonly rolledBackTo: number | null
}): BaselineProposal {
  const { policy, file, current, history, next, rolledBackTo } = given
  const effect = effectOf({
    before: current?.document ?? null,
    after: next.document,
    history: pastOf(history, current),
    sessions: next.sessions,
    leadsToHarm: policy.leadsToHarm,
  })
  return {
    name: nameOf({ file, document: next.document }),
    previous: current?.document.version ?? null,
    rolledBackTo,
    learned: next.sessions.length,
    leftOut: next.leftOut,
    leftOutEdges: next.leftOutEdges,
    ...effect,
    flips: null,
  }
}

/** Versions below the current one, and that as its file is now. */
function pastOf(
  history: readonly FoundBaseline[],
  current: FoundBaseline | null,
): readonly BaselineDocument[] {
  if (current === null) return []
  const earlier = history.map(({ document }) => document)
  return [...earlier.filter(({ version }) => version < current.document.version), current.document]
}

function checkAgent({ bundle }: PolicyWithBaselines, { agent }: BaselineOwner): void {
  const names = bundle.policy.agents.map((one) => one.agent)
  if (names.includes(agent)) return
  const known = names.length === 0 ? 'the policy has none' : `the policy has ${names.join(', ')}`
  throw new PolicyError('AGENT_UNKNOWN', `no agent ${agent}: ${known}`)
}

async function observe(
  { bundle, baselines }: PolicyWithBaselines,
  owner: BaselineOwner,
  source: SessionSource,
  current: FoundBaseline | null,
): Promise<Observed> {
  const wanted = { agent: owner.agent, covers: coverageOf(baselines, owner) }
  if ('traces' in source) {
    return observeTraces({ files: source.traces, project: bundle.policy.project }, wanted)
  }
  return observeStore({ ...source, learned: current?.document.learned ?? [] }, wanted)
}

function readOrNull(file: string, text: string): FoundBaseline | null {
  try {
    return readBaselineText(file, text)
  } catch (error) {
    if (error instanceof PolicyError) return null
    throw error
  }
}

function isOf(document: BaselineDocument, owner: BaselineOwner): boolean {
  const { agent, fingerprint } = ownerOf(document)
  return agent === owner.agent && fingerprint === owner.fingerprint
}
