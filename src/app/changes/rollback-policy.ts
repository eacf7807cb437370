import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { PolicyError } from '../../base/errors.ts'
import type { Git } from '../../host/git.ts'
import { isOid } from '../../host/git.ts'
import { headBranch, refTarget } from '../../host/git-branches.ts'
import type { PathEntry } from '../../host/git-trees.ts'
import { entriesAt, treeWith, writeCommit } from '../../host/git-trees.ts'
import { PROJECT_FILE, policyFolders } from '../../host/policy-files.ts'
import { commitOf, readPolicyRevision } from '../../host/policy-revision.ts'
import type { PolicyDiff } from '../../model/policy-diff.ts'
import type { ProposedPull, RegoCompiler } from '../../model/ports.ts'
import { comparePolicies } from '../../policy/analyse/diff.ts'
import { diffMarkdown } from '../../report/diff-markdown.ts'
import { changeSum } from '../../report/diff-text.ts'
import { assertReplaceable, changeRef, nameOfBranch, pushTo } from '../baseline/propose.ts'
import { openPolicyRepository, type PolicyRepository, pathInGit } from '../baseline/version.ts'
import { openJudge } from '../engine/judge.ts'
import { selfTest } from '../engine/self-test.ts'
import { withRegoCompiler } from '../policy/compile-policy.ts'
import { countFlips, type Recorded } from '../policy/count-flips.ts'
import { compiled, type Opened, sideOf } from '../policy/diff-policy.ts'
import { findEarlierPolicy } from './earlier-policy.ts'
import { openChanges } from './open-changes.ts'

/** Where a return to an earlier policy goes. */
export type PolicyRollbackTarget = {
  /** Absolute: the policy repository's folder. */
  readonly folder: string
  /** A bundle's digest, a Git revision, or `previous`. */
  readonly to: string
  /** The branch to propose to; null for the one that is checked out. */
  readonly base: string | null
  /** A remote to push to; null to leave it here. */
  readonly push: string | null
  /** Opens a pull request on the policy's forge, whose credentials these hold; null to leave that to people. */
  readonly pull: Readonly<Record<string, string | undefined>> | null
  /** Puts it in the place of an earlier proposal that nobody else has added to. */
  readonly replace: boolean
  /** Says what it would do, and writes nothing. */
  readonly dryRun: boolean
  /** Recorded decisions to judge by both policies; null for none. */
  readonly recorded: Recorded | null
  /** Flips to keep of each rule. */
  readonly examples: number
  /** Unix milliseconds. */
  readonly now: number
  readonly onProgress?: (policies: number) => void
}

export type PolicyRollback = {
  /** From the base branch's policy to the one that it returns to. */
  readonly diff: PolicyDiff
  /** The commit whose policy it is. */
  readonly source: string
  /** Null when nothing was written. */
  readonly proposed: { readonly ref: string; readonly commit: string } | null
  /** Where people review it; null when no pull request was asked for. */
  readonly pull: ProposedPull | null
}

/**
 * Proposes to return to an earlier policy: one commit on a branch of its own that has the policy's files as they were,
 * and everything else as it is. What it compiles to is checked before anybody sees it. No work tree is touched.
 *
 * @throws {PolicyError} ROLLBACK_UNKNOWN, ROLLBACK_UNCHANGED; BUNDLE_EXPIRED and BUNDLE_SELF_TEST for a policy that must not
 *   come back; FILE_EXISTS for changes that are not committed, and for another proposal; GIT_FAILED in a clone without its
 *   history; FORGE_CONFLICT (retryable) when the branch moved meanwhile
 */
export async function rollBackPolicy(target: PolicyRollbackTarget): Promise<PolicyRollback> {
  const repository = await openPolicyRepository(target.folder)
  const based = await openBase(repository, target)
  return withRegoCompiler(async (rego) => {
    const files = await readPolicyRevision(repository.git, based.commit, repository.prefix)
    const before = await compiled(based.name, files, rego)
    const around = { git: repository.git, prefix: repository.prefix, rego }
    const { commit: source, opened: after } = await findEarlierPolicy(around, {
      ...{ tip: based.commit, current: before, to: target.to },
      ...(target.onProgress === undefined ? {} : { onProgress: target.onProgress }),
    })
    await assertTakeable(before, after, target.now)
    const folders = foldersOf(before, after)
    await assertClean(repository, target.folder, folders)
    const diff = await diffOf(
      target,
      { name: based.name, opened: before },
      { name: source, opened: after },
    )
    const found: Found = { based, source, before, after, folders, diff }
    if (target.dryRun) return { diff, source, proposed: null, pull: null }
    return propose(target, { repository, rego }, found)
  })
}

/** The decisions in an engine's folder; null where there are none. @param data - absolute */
export function recordedIn(data: string, onProgress: (decisions: number) => void): Recorded | null {
  return existsSync(join(data, 'store.sqlite')) ? { data, onProgress } : null
}

type Based = {
  readonly commit: string
  /** `refs/heads/…`; null when the base is no branch. */
  readonly ref: string | null
  readonly name: string
}

type Found = {
  readonly based: Based
  readonly source: string
  readonly before: Opened
  readonly after: Opened
  /** Of both policies, below the policy's folder. */
  readonly folders: readonly string[]
  readonly diff: PolicyDiff
}

async function openBase({ git }: PolicyRepository, { base }: PolicyRollbackTarget): Promise<Based> {
  const shallow = (await git.run(['rev-parse', '--is-shallow-repository'])).trim()
  if (shallow !== 'false') {
    const message = 'this clone lacks a part of its history; fetch it with: git fetch --unshallow'
    throw new PolicyError('GIT_FAILED', message)
  }
  const ref = base === null ? await headBranch(git) : `refs/heads/${base}`
  const known = ref === null ? null : await refTarget(git, ref)
  if (base !== null && known === null) {
    throw new PolicyError('USAGE_INVALID', `no branch ${base} here; name a local one with --base`)
  }
  const commit = known ?? (await commitOf(git, 'HEAD'))
  const name = known === null || ref === null ? commit : nameOfBranch(ref)
  return { commit, ref: known === null ? null : ref, name }
}

/** @throws {PolicyError} BUNDLE_EXPIRED; BUNDLE_SELF_TEST for the first action that the present policy forbids for ever */
async function assertTakeable(before: Opened, after: Opened, now: number): Promise<void> {
  const { digest, policy } = after.bundle
  const { valid_until: until } = policy
  // Negated: a time that cannot be compared has passed.
  if (until !== null && !(now < Date.parse(until))) {
    const message = `the policy ${digest} was valid until ${until}; it would deny everything`
    throw new PolicyError('BUNDLE_EXPIRED', message)
  }
  const judge = openJudge(after.bundle, new Uint8Array(32))
  try {
    await selfTest(judge, before.bundle.policy.self_test, now)
  } finally {
    await judge.close()
  }
}

function foldersOf(...policies: readonly Opened[]): readonly string[] {
  const named = policies.flatMap(({ files }) => policyFolders(files?.get(PROJECT_FILE) ?? null))
  return [...new Set(named)].sort()
}

/**
 * What people are working on there must not be lost sight of.
 *
 * @throws {PolicyError} FILE_EXISTS
 */
async function assertClean(
  repository: PolicyRepository,
  folder: string,
  folders: readonly string[],
): Promise<void> {
  const { git, prefix } = repository
  if ((await git.run(['rev-parse', '--is-bare-repository'])).trim() === 'true') return
  const top = join(
    folder,
    ...prefix
      .split('/')
      .filter((name) => name !== '')
      .map(() => '..'),
  )
  const paths = [PROJECT_FILE, ...folders].map(
    (path) => `:(top,literal)${pathInGit(repository, path)}`,
  )
  const options = ['--no-optional-locks', `--work-tree=${top}`]
  const status = await git.run([...options, 'status', '--porcelain', '-z', '--', ...paths])
  const [first] = status.split('\0').filter((line) => line !== '')
  if (first === undefined) return
  const file = first.slice(3)
  const message = `${file} has changes that are not committed; commit or discard them, then propose again`
  throw new PolicyError('FILE_EXISTS', message, { file })
}

type Side = { readonly name: string; readonly opened: Opened }

async function diffOf(
  { recorded, examples }: PolicyRollbackTarget,
  before: Side,
  after: Side,
): Promise<PolicyDiff> {
  const [old, now] = [before.opened, after.opened]
  const judged = { before: old.bundle, after: now.bundle, examples }
  return {
    before: { name: before.name, policy: old.bundle.digest },
    after: { name: after.name.slice(0, SHORT), policy: now.bundle.digest },
    changes: comparePolicies({ before: sideOf(old, now), after: sideOf(now, old) }),
    flips: recorded === null ? null : await countFlips({ ...judged, recorded }),
  }
}

const SHORT = 12 // Hexadecimal digits of a commit or a digest, for people.

async function propose(
  target: PolicyRollbackTarget,
  at: { readonly repository: PolicyRepository; readonly rego: RegoCompiler },
  found: Found,
): Promise<PolicyRollback> {
  const { repository } = at
  const { git } = repository
  const { digest } = found.after.bundle
  const ref = `refs/heads/rollback/policy-${digest.slice('sha256:'.length).slice(0, SHORT)}`
  const tree = await treeOf(repository, found)
  const known = await refTarget(git, ref)
  const isSame = known !== null && (await isThis(git, known, { tree, parent: found.based.commit }))
  const [title, body] = wordsOf(found)
  const made = { tree, parent: found.based.commit, message: `${title}\n\n${body}`, at: target.now }
  const commit = isSame ? known : await writeCommit(git, made)
  await assertDigest(at, commit, digest)
  if (!isSame && known !== null) await assertReplaceable(git, target, { ref, known })
  // First there: when it refuses, nothing has happened here, and it can be asked again.
  await pushTo(target, repository, { commit, ref, replaces: isSame ? null : known })
  if (!isSame) await changeRef(git, { ref, from: known, to: commit })
  const pull = await openPull(target, repository, { found, ref, commit, title })
  return { diff: found.diff, source: found.source, proposed: { ref, commit }, pull }
}

/** The base branch's tree with the policy of the other commit: its files and folders whole, and none that it lacks. */
async function treeOf(repository: PolicyRepository, found: Found): Promise<string> {
  const { git } = repository
  const paths = [PROJECT_FILE, ...found.folders].map((path) => pathInGit(repository, path))
  const entries = await entriesAt(git, found.source, paths)
  const changes = new Map<string, PathEntry | null>(
    paths.map((path) => [path, entries.get(path) ?? null]),
  )
  return treeWith(git, found.based.commit, changes)
}

async function isThis(
  git: Git,
  commit: string,
  made: { readonly tree: string; readonly parent: string },
): Promise<boolean> {
  const named = await git.run(['rev-parse', `${commit}^{tree}`, `${commit}^@`])
  const [tree, ...parents] = named.split('\n').filter(isOid)
  return tree === made.tree && parents.length === 1 && parents[0] === made.parent
}

/** INVARIANT: nobody sees a rollback that is not exactly the policy that was asked for. */
async function assertDigest(
  { repository, rego }: { readonly repository: PolicyRepository; readonly rego: RegoCompiler },
  commit: string,
  digest: string,
): Promise<void> {
  const files = await readPolicyRevision(repository.git, commit, repository.prefix)
  const made = (await compiled(commit, files, rego)).bundle.digest
  if (made === digest) return
  throw new PolicyError('ENGINE_FAILED', `the commit compiles to ${made}, not to ${digest}`)
}

function wordsOf({ source, after, diff }: Found): readonly [string, string] {
  const digest = after.bundle.digest.slice('sha256:'.length).slice(0, SHORT)
  const body = [
    `Its files are those of ${source}.`,
    `Policy: ${diff.before.policy} -> ${diff.after.policy}`,
    `Changes: ${changeSum(diff.changes)}`,
  ]
  return [`Return to the policy ${digest}`, body.join('\n')]
}

async function openPull(
  target: PolicyRollbackTarget,
  { git }: PolicyRepository,
  made: {
    readonly found: Found
    readonly ref: string
    readonly commit: string
    readonly title: string
  },
): Promise<ProposedPull | null> {
  if (target.pull === null) return null
  const { found, ref, commit, title } = made
  if (found.based.ref === null) {
    throw new PolicyError('USAGE_INVALID', 'a pull request needs a base branch; name it')
  }
  const base = nameOfBranch(found.based.ref)
  const around = { git, base, head: commit, environment: target.pull }
  const changes = await openChanges(found.before.bundle.policy, around)
  const words = { title, body: diffMarkdown(found.diff) }
  const pull = await changes.propose({ name: nameOfBranch(ref), baseRef: base }, words)
  if (pull !== null) return pull
  throw new PolicyError('USAGE_INVALID', 'the policy names no forge that has pull requests')
}
