import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { digestOf } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import { edgeFacts, movement } from '../../decide/behaviour/compare.ts'
import { merge } from '../../decide/behaviour/index.ts'
import { formatBaseline } from '../../decide/behaviour/text.ts'
import { makeFolder, readBytes, writeAtomically } from '../../host/files.ts'
import type { Git } from '../../host/git.ts'
import {
  fileAt,
  headBranch,
  indexedBlob,
  isOurs,
  pushCommit,
  refTarget,
  stageBlob,
  worktreesOf,
} from '../../host/git-branches.ts'
import type { BaselineProposal } from '../../model/baseline-report.ts'
import type { ProposedPull } from '../../model/ports.ts'
import { proposalMarkdown } from '../../report/baseline-markdown.ts'
import { baselineMessage } from '../../report/baseline-text.ts'
import { openChanges } from '../changes/open-changes.ts'
import { countFlips } from '../policy/count-flips.ts'
import type { BaselineOwner, FoundBaseline, PolicyWithBaselines } from './files.ts'
import { openPolicyFiles, ownerName, requireBaseline, sideOf } from './files.ts'
import type { LearnSettings, NextVersion, NothingLearned } from './learn.ts'
import { feedbackOf, versionAfter } from './learn.ts'
import { selfMergeObstacles } from './self-merge.ts'
import type { PolicyRepository, PreparedVersion, SessionSource } from './version.ts'
import {
  openPolicyRepository,
  openRevision,
  pathInGit,
  prepareVersion,
  proposalOf,
  versionsOf,
} from './version.ts'

/** Where a proposal goes. */
export type ProposeTarget = {
  /** Absolute: the policy repository's folder. */
  readonly folder: string
  readonly owner: BaselineOwner
  /** The branch to propose to; null for the one that is checked out. */
  readonly base: string | null
  /** A remote to push to; null to leave it here. */
  readonly push: string | null
  /** Opens a pull request on the policy's forge, whose credentials these hold; null to leave that to people. */
  readonly pull: Readonly<Record<string, string | undefined>> | null
  /** Puts the proposal in the place of an earlier one that nobody else has added to. */
  readonly replace: boolean
  /** Unix milliseconds. */
  readonly now: number
  /** Opens the repository. Default: with git. */
  readonly open?: (gitDir: string) => Git
}

export type Proposed =
  | ({ readonly state: 'nothing' } & NothingLearned)
  | {
      /** `proposed`: on a branch of its own, for people; `merged`: on the base branch. */
      readonly state: 'proposed' | 'merged'
      readonly proposal: BaselineProposal
      /** `refs/heads/…` that has the new version. */
      readonly ref: string
      readonly commit: string
      /** Why people must look at it though it was to be merged without them; empty when it was, or was not to be. */
      readonly obstacles: readonly string[]
      /** Where people review it; null when no pull request was asked for. */
      readonly pull: ProposedPull | null
    }

/**
 * Learns, and puts the next version of a baseline on a branch of the policy repository: one commit, whose message says what
 * changes. With `merge` it goes to the base branch itself where a route allows that. Policy and current version are the
 * base branch's; no work tree is touched, but that which has the base branch checked out and gets the merged file.
 *
 * @throws {PolicyError} what `prepareVersion` throws; FORGE_CONFLICT (retryable) when the branch moved meanwhile; FILE_EXISTS
 *   when the branch for the proposal holds another one; GIT_FAILED
 */
export async function proposeBaseline(
  target: ProposeTarget,
  asked: {
    readonly source: SessionSource
    readonly settings: LearnSettings
    readonly merge: boolean
    /** Flips to keep of each rule; null to judge no recorded decisions. */
    readonly examples: number | null
  },
): Promise<Proposed> {
  const based = await openBase(target)
  const { policy, repository } = based
  const { owner } = target
  const { commit } = policy
  const history = (file: string) => versionsOf(repository, { commit, file, owner })
  const prepared = await prepareVersion({ ...asked, policy, owner, history })
  if (!('document' in prepared)) return { state: 'nothing', ...prepared }
  const { source, examples } = asked
  const flips = examples === null ? null : await flipsOf(policy, prepared, { source, examples })
  const proposal = { ...prepared.proposal, flips }
  const made: Made = { ...prepared, proposal }
  if (!asked.merge) return propose(target, based, made, [])
  const past = await history(prepared.file)
  const obstacles = [
    ...selfMergeObstacles({
      routes: policy.bundle.policy.routes,
      before: prepared.current?.document ?? null,
      after: prepared.document,
      delta: prepared.delta,
      sessions: prepared.sessions,
      effect: proposal,
      reviewed: past.findLast(isReviewed)?.document ?? null,
      leadsToHarm: policy.leadsToHarm,
    }),
    ...(based.ref === null ? ['no branch is checked out, and none was named as the base'] : []),
  ]
  if (obstacles.length > 0 || based.ref === null) return propose(target, based, made, obstacles)
  return mergeIntoBase(target, { ...based, ref: based.ref }, made)
}

/**
 * Makes the next version of a baseline out of an earlier one, and proposes it. What people rejected since stays rejected,
 * and what was learned since is not learned again.
 *
 * @throws {PolicyError} BASELINE_MISSING when the history has no such version; what `proposeBaseline` throws
 */
export async function rollBackBaseline(
  target: ProposeTarget,
  { to }: { readonly to: number },
): Promise<Proposed> {
  const based = await openBase(target)
  const { policy, repository } = based
  const { owner } = target
  const current = requireBaseline(policy, owner)
  const { file } = current
  const history = await versionsOf(repository, { commit: policy.commit, file, owner })
  const found = history.find(({ document }) => document.version === to)
  if (found === undefined || to >= current.document.version) {
    const known = history.map(({ document }) => document.version).join(', ')
    throw new PolicyError(
      'BASELINE_MISSING',
      `no version ${to} of ${ownerName(owner)} before the current one; the history has ${known}`,
    )
  }
  const next = backTo(owner, current, found)
  const proposal = proposalOf({ policy, file, current, history, next, rolledBackTo: to })
  return propose(target, based, { ...next, file, current, proposal }, [])
}

type Made = Pick<PreparedVersion, 'document' | 'text' | 'file' | 'current' | 'proposal'>

type Based = {
  readonly repository: PolicyRepository
  readonly policy: PolicyWithBaselines & { readonly commit: string }
  /** `refs/heads/…`; null when the base is no branch. */
  readonly ref: string | null
}

async function openBase({ folder, base, open }: ProposeTarget): Promise<Based> {
  const repository = await openPolicyRepository(folder, open)
  const { git } = repository
  const ref = base === null ? await headBranch(git) : `refs/heads/${base}`
  const known = ref === null ? null : await refTarget(git, ref)
  if (base !== null && known === null) {
    throw new PolicyError('USAGE_INVALID', `no branch ${base} here; name a local one with --base`)
  }
  const policy = await openRevision(repository, known ?? 'HEAD')
  return { repository, policy, ref: known === null ? null : ref }
}

/** Judges what was learned by the policy with the old version and with the new one. */
async function flipsOf(
  policy: PolicyWithBaselines,
  { file, text }: PreparedVersion,
  { source, examples }: { readonly source: SessionSource; readonly examples: number },
): Promise<BaselineProposal['flips']> {
  const after = await openPolicyFiles(new Map([...policy.files, [file, text]]))
  const recorded =
    'traces' in source ? { traces: source.traces, carry: false } : { data: source.data }
  return countFlips({ before: policy.bundle, after: after.bundle, recorded, examples })
}

function isReviewed({ document }: FoundBaseline): boolean {
  return (document.unreviewed_movement_ppm ?? 0) === 0
}

function backTo(
  owner: BaselineOwner,
  current: FoundBaseline,
  found: FoundBaseline,
): Omit<NextVersion, 'delta'> {
  const before = current.document
  const snapshot = withRejections(found.document.snapshot, before.snapshot)
  const { rate, half_life } = found.document
  const side = { snapshot, halfLife: half_life ?? null }
  const learned = {
    version: before.version + 1,
    sessions: 0,
    digest: digestOf(found.text),
    movement_ppm: movement(sideOf(before), side),
  }
  const document = versionAfter(current, owner, { snapshot, learned, rate, half_life })
  const leftOut = { open: 0, refused: 0, rejected: 0, erased: 0, known: 0 }
  return { document, text: formatBaseline(document), sessions: [], leftOut, leftOutEdges: [] }
}

/** A snapshot that knows what people rejected in another one. */
function withRejections(
  snapshot: FoundBaseline['document']['snapshot'],
  other: FoundBaseline['document']['snapshot'],
): FoundBaseline['document']['snapshot'] {
  const known = edgeFacts(snapshot)
  const more = [...edgeFacts(other)].flatMap(([name, { from, to, rejections }]) => {
    const missing = rejections - (known.get(name)?.rejections ?? 0)
    return Array.from({ length: Math.max(0, missing) }, () => ({ from, to }))
  })
  return more.length === 0 ? snapshot : merge(snapshot, feedbackOf([], more))
}

/** One commit on a branch of its own. Proposing the same again finds it there. */
async function propose(
  target: ProposeTarget,
  based: Based,
  made: Made,
  obstacles: readonly string[],
): Promise<Proposed> {
  const { repository, policy } = based
  const { git } = repository
  const ref = `refs/heads/${branchOf(target.owner, made)}`
  const path = committable(pathInGit(repository, made.file))
  const known = await refTarget(git, ref)
  const isSame = known !== null && (await fileAt(git, known, path)) === made.text
  const commit = isSame
    ? known
    : await commitFile(git, { parent: policy.commit, path, made, now: target.now })
  if (!isSame) {
    if (known !== null) await assertReplaceable(git, target, { ref, known })
    await changeRef(git, { ref, from: known, to: commit })
  }
  await pushTo(target, repository, { commit, ref, replaces: isSame ? null : known })
  const pull = await openPull(target, based, { ref, commit, proposal: made.proposal })
  return { state: 'proposed', proposal: made.proposal, ref, commit, obstacles, pull }
}

async function openPull(
  target: ProposeTarget,
  { repository, policy, ref: baseRef }: Based,
  { ref, commit, proposal }: { ref: string; commit: string; proposal: BaselineProposal },
): Promise<ProposedPull | null> {
  if (target.pull === null) return null
  if (baseRef === null) {
    throw new PolicyError('USAGE_INVALID', 'a pull request needs a base branch; name it')
  }
  const base = nameOfBranch(baseRef)
  const around = { git: repository.git, base, head: commit, environment: target.pull }
  const changes = await openChanges(policy.bundle.policy, around)
  const [title = ''] = baselineMessage(proposal).split('\n')
  const words = { title, body: proposalMarkdown(proposal) }
  const pull = await changes.propose({ name: nameOfBranch(ref), baseRef: base }, words)
  if (pull !== null) return pull
  throw new PolicyError('USAGE_INVALID', 'the policy names no forge that has pull requests')
}

export function nameOfBranch(ref: string): string {
  return ref.replace(/^refs\/heads\//, '')
}

/** @throws {PolicyError} FILE_EXISTS when the branch holds what must not be replaced */
export async function assertReplaceable(
  git: Git,
  { replace }: Pick<ProposeTarget, 'replace'>,
  { ref, known }: { readonly ref: string; readonly known: string },
): Promise<void> {
  const branch = ref.slice('refs/heads/'.length)
  if (replace && (await isOurs(git, known))) return
  const how = replace ? 'somebody else has added to it' : 'or replace it with --replace'
  throw new PolicyError(
    'FILE_EXISTS',
    `the branch ${branch} holds another proposal; merge it, delete it, ${how}`,
  )
}

async function mergeIntoBase(
  target: ProposeTarget,
  { repository, policy, ref }: Based & { readonly ref: string },
  made: Made,
): Promise<Proposed> {
  const { git } = repository
  const path = committable(pathInGit(repository, made.file))
  const { current, proposal } = made
  // At least one: a version that nobody looked at is never taken for a reviewed one.
  const unreviewed =
    (current?.document.unreviewed_movement_ppm ?? 0) + Math.max(1, proposal.comparison.movementPpm)
  const document = { ...made.document, unreviewed_movement_ppm: unreviewed }
  const text = formatBaseline(document)
  const workTree = await workTreeOf(target, repository, { ref, path, commit: policy.commit })
  const from = policy.commit
  const commit = await commitFile(git, {
    parent: from,
    path,
    made: { ...made, text },
    now: target.now,
  })
  // First there: when it refuses, nothing has happened here.
  await pushTo(target, repository, { commit, ref })
  await changeRef(git, { ref, from, to: commit })
  if (workTree !== null) {
    const [blob] = await git.read([`${commit}:${path}`])
    await stageBlob(git, path, blob?.oid ?? '')
    await makeFolder(join(workTree, path, '..'))
    await writeAtomically(join(workTree, path), text)
  }
  return { state: 'merged', proposal, ref, commit, obstacles: [], pull: null }
}

async function commitFile(
  git: Git,
  given: {
    readonly parent: string
    readonly path: string
    readonly made: Pick<Made, 'text' | 'proposal'>
    readonly now: number
  },
): Promise<string> {
  const { parent, path, made, now } = given
  const message = baselineMessage(made.proposal)
  const [commit = ''] = await git.commit([
    { parents: [parent], message, at: now, files: { [path]: made.text } },
  ])
  return commit
}

/** @throws {PolicyError} FORGE_CONFLICT (retryable) when the branch moved meanwhile */
export async function changeRef(
  git: Git,
  change: { readonly ref: string; readonly from: string | null; readonly to: string },
): Promise<void> {
  if (await git.changeRefs([change])) return
  throw new PolicyError('FORGE_CONFLICT', `${change.ref} moved meanwhile; propose again`, {
    retryable: true,
  })
}

/** @throws {PolicyError} GIT_FAILED */
export async function pushTo(
  { push }: Pick<ProposeTarget, 'push'>,
  { gitDir }: Pick<PolicyRepository, 'gitDir'>,
  what: { readonly commit: string; readonly ref: string; readonly replaces?: string | null },
): Promise<void> {
  if (push !== null) await pushCommit(gitDir, { remote: push, ...what })
}

/** `baselines/retail-bot-4`. */
function branchOf({ agent }: BaselineOwner, { document, file }: Made): string {
  const name =
    file
      .split('/')
      .at(-1)
      ?.replace(/\.ya?ml$/, '') ?? agent
  return `baselines/${name}-${document.version}`.replaceAll('..', '-')
}

function committable(path: string): string {
  if (/^(?:[A-Za-z0-9_][A-Za-z0-9._-]*\/)*[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(path)) return path
  throw new PolicyError(
    'USAGE_INVALID',
    `expected folders of letters, digits, ".", "_" and "-", found ${path}; propose by hand with \`baseline learn\``,
    { file: path },
  )
}

/**
 * The work tree that has the base branch checked out, which must follow; null when none has.
 *
 * @throws {PolicyError} FILE_EXISTS when it is another one, or has changes of its own in the file
 */
async function workTreeOf(
  { folder }: ProposeTarget,
  { git, prefix }: PolicyRepository,
  { ref, path, commit }: { readonly ref: string; readonly path: string; readonly commit: string },
): Promise<string | null> {
  const trees = await worktreesOf(git, ref)
  if (trees.length === 0) return null
  const top = await topOf(folder, prefix)
  const [tree = ''] = trees
  if (trees.length > 1 || (await realpath(tree)) !== top) {
    throw new PolicyError('FILE_EXISTS', `${ref} is checked out in ${tree}; propose from there`)
  }
  const [committed] = await git.read([`${commit}:${path}`])
  const staged = await indexedBlob(git, path)
  const text = await textOf(join(top, path))
  const isClean =
    staged === (committed?.oid ?? null) && text === (committed?.content.toString('utf8') ?? null)
  if (isClean) return top
  throw new PolicyError(
    'FILE_EXISTS',
    `${path} has changes that are not committed; commit or discard them, then propose again`,
    { file: path },
  )
}

async function topOf(folder: string, prefix: string): Promise<string> {
  const below = prefix === '' ? [] : prefix.split('/').map(() => '..')
  return join(await realpath(folder), ...below)
}

async function textOf(file: string): Promise<string | null> {
  try {
    return Buffer.from(await readBytes(file)).toString('utf8')
  } catch {
    return null
  }
}
