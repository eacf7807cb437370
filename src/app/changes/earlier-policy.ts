import { canonicalize } from '../../base/canonical-json.ts'
import { sha256Hex } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import { ROLLBACK_COMMITS_MAX, ROLLBACK_POLICIES_MAX } from '../../base/limits.ts'
import type { Git } from '../../host/git.ts'
import { isOid } from '../../host/git.ts'
import { commitOf, readPolicyRevision } from '../../host/policy-revision.ts'
import type { RegoCompiler } from '../../model/ports.ts'
import type { PolicyFiles } from '../../policy/compile/index.ts'
import { compiled, type Opened } from '../policy/diff-policy.ts'

/** A policy of a base branch's history. */
export type EarlierPolicy = { readonly commit: string; readonly opened: Opened }

export type History = {
  readonly git: Git
  /** The policy's folder below the top, with forward slashes; empty for the top. */
  readonly prefix: string
  readonly rego: RegoCompiler
}

export type Searched = {
  /** The base branch's commit. */
  readonly tip: string
  readonly current: Opened
  /** A bundle's digest, a Git revision, or `previous`: the last one that was another. */
  readonly to: string
  readonly onProgress?: (policies: number) => void
}

/**
 * Finds an earlier policy in the first-parent history of a base branch: what it said at some time, never what a branch
 * proposed.
 *
 * @throws {PolicyError} ROLLBACK_UNKNOWN; ROLLBACK_UNCHANGED; what is wrong with the policy of a revision that was named
 */
export async function findEarlierPolicy(
  history: History,
  searched: Searched,
): Promise<EarlierPolicy> {
  const { current, to } = searched
  const digest = DIGEST.exec(to)?.[1]
  const found =
    digest === undefined && to !== 'previous'
      ? await ofRevision(history, searched)
      : await ofDigest(history, searched, digest === undefined ? null : `sha256:${digest}`)
  if (found.opened.bundle.digest !== current.bundle.digest) return found
  const message = `the base branch has the policy ${current.bundle.digest} already`
  throw new PolicyError('ROLLBACK_UNCHANGED', message)
}

const DIGEST = /^(?:sha256:)?([0-9a-f]{64})$/

async function ofRevision(history: History, { tip, to }: Searched): Promise<EarlierPolicy> {
  const { git, prefix, rego } = history
  const commit = await commitOf(git, to).catch((cause) => {
    if (!(cause instanceof PolicyError) || cause.code !== 'FILE_UNREADABLE') throw cause
    const message = `${to} is neither a policy's digest, nor a Git revision, nor "previous"`
    throw new PolicyError('ROLLBACK_UNKNOWN', message, { cause })
  })
  const listed = await git.run([...FIRST_PARENTS, tip])
  if (!listed.split('\n').includes(commit)) {
    const message = `${to} is none of the base branch's own last ${ROLLBACK_COMMITS_MAX} commits (first parents)`
    throw new PolicyError('ROLLBACK_UNKNOWN', message)
  }
  const files = await readPolicyRevision(git, commit, prefix)
  return { commit, opened: await compiled(to, files, rego) }
}

const FIRST_PARENTS = ['rev-list', '--first-parent', `--max-count=${ROLLBACK_COMMITS_MAX}`]

/** @param digest - null for the last one that is another than the current */
async function ofDigest(
  history: History,
  { tip, current, onProgress }: Searched,
  digest: string | null,
): Promise<EarlierPolicy> {
  if (digest === current.bundle.digest) return { commit: tip, opened: current }
  const known = new Set<string>()
  for (const commit of await changedCommits(history, tip)) {
    const files = await filesOf(history, commit)
    if (files === null) continue
    const text = sha256Hex(canonicalize(Object.fromEntries(files)))
    if (known.has(text)) continue
    if (known.size >= ROLLBACK_POLICIES_MAX) break
    known.add(text)
    onProgress?.(known.size)
    const opened = await compiledOrNull(history, commit, files)
    const found = opened?.bundle.digest
    if (opened === null) continue
    if (digest === null ? found !== current.bundle.digest : found === digest)
      return { commit, opened }
  }
  const what = digest === null ? 'another policy' : `the policy ${digest}`
  const message = `${what} is not among the ${known.size} that were looked at in the base branch's history; name its commit, or compile it with the version that made it`
  throw new PolicyError('ROLLBACK_UNKNOWN', message)
}

/** Commits of the base branch that changed something in the policy's folder, newest first. */
async function changedCommits({ git, prefix }: History, tip: string): Promise<readonly string[]> {
  const within = prefix === '' ? [] : ['--', `:(top,literal)${prefix}`]
  const listed = await git.run([...FIRST_PARENTS, tip, ...within])
  return listed.split('\n').filter(isOid)
}

/** Null for a commit without a policy that can be read. */
async function filesOf({ git, prefix }: History, commit: string): Promise<PolicyFiles | null> {
  try {
    return await readPolicyRevision(git, commit, prefix)
  } catch (error) {
    return skipped(error)
  }
}

async function compiledOrNull(
  { rego }: History,
  commit: string,
  files: PolicyFiles,
): Promise<Opened | null> {
  try {
    return await compiled(commit, files, rego)
  } catch (error) {
    return skipped(error)
  }
}

/** A policy that does not compile was never in force; a machine that fails must not pass for one. */
function skipped(error: unknown): null {
  if (!(error instanceof PolicyError) || FATAL.has(error.code)) throw error
  return null
}

const FATAL: ReadonlySet<string> = new Set([
  'GIT_FAILED',
  'FORGE_UNREACHABLE',
  'ENGINE_FAILED',
  'REGO_COMPILER_FAILED',
])
