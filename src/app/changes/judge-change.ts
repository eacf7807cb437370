import type { Digest } from '../../base/digest.ts'
import { parseDuration } from '../../base/duration.ts'
import { PolicyError } from '../../base/errors.ts'
import type { Git } from '../../host/git.ts'
import { openGit } from '../../host/git.ts'
import { commitsOf, mergeBaseOf, mergedTree } from '../../host/git-changes.ts'
import { findGitFolder } from '../../host/git-folder.ts'
import { commitOf } from '../../host/policy-revision.ts'
import type { CompiledChanges, CompiledPolicy, Request } from '../../model/generated/types.ts'
import type {
  ChangedFile,
  ChangeProblem,
  ChangeReport,
  Weakening,
} from '../../model/policy-change.ts'
import type { Change, ChangeForge, Clock, ForgeIdentity, Pull } from '../../model/ports.ts'
import { routesNeeded } from '../../policy/analyse/change-needs.ts'
import { CHANGES_DEFAULT } from '../../policy/compile/index.ts'
import { changeRequest } from '../../trust/approve/change-request.ts'
import { withRegoCompiler } from '../policy/compile-policy.ts'
import { type CheckedCommits, checkCommits } from './change-commits.ts'
import { accountsOf, authorsOf, type ChangeReviews, judgeReviews } from './change-reviews.ts'
import type { PolicyTree, PolicyTrees } from './compare-change.ts'
import { changedFiles, compareTrees, digestAt, openTrees, weakenWords } from './compare-change.ts'
import { openChanges } from './open-changes.ts'

export type ChangeQuery = {
  /** Absolute: the policy repository's folder, in a clone that has both commits. */
  readonly folder: string
  /** Revisions: the base branch, and the head of the change. */
  readonly base: string
  readonly head: string
  /** The pull request. */
  readonly pull: number
  readonly clock: Clock
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Trees of this repository and folder that somebody has open. Default: opens them anew */
  readonly trees?: PolicyTrees
}

/** A repository whose base branch judges: all that is trusted comes from there. */
export type Bench = {
  readonly git: Git
  readonly gitDir: string
  /** The policy's folder, from the repository's top. */
  readonly folder: string
  readonly trees: PolicyTrees
  /** The base branch's tip. */
  readonly tip: string
  readonly base: PolicyTree
  readonly policy: CompiledPolicy
  readonly rules: CompiledChanges
  readonly forge: ChangeForge
  readonly identity: ForgeIdentity
  readonly clock: Clock
}

/** A change with what the gate says of it, and what its reviewers sign; null where nobody can. */
export type JudgedChange = {
  readonly report: ChangeReport
  readonly signing: ChangeSigning | null
  /** The policy of the base branch, which judged. */
  readonly policy: CompiledPolicy
}

export type ChangeSigning = {
  readonly request: Request
  readonly pull: Pull
  readonly change: Change
}

/**
 * Whether a change of the policy may be merged, by the policy of its base branch alone: the head's files are read,
 * compiled and compared, and nothing of them is run or believed.
 *
 * What weakens the policy needs the routes that the base names, each satisfied by reviews of exactly this head; commits
 * must be signed as the base asks. A policy that does not compile, a conflict or an unsigned commit closes the gate.
 *
 * @throws {PolicyError} what is wrong with the base, the clone or the forge: FILE_UNREADABLE, GIT_FAILED,
 *   CHANGE_BASE_STALE, FORGE_*, REQUEST_UNKNOWN, ROUTE_MISSING, and the first complaint about the base's policy
 */
export async function judgeChange(query: ChangeQuery): Promise<JudgedChange> {
  return withBench(query, (bench, head) => judgeOn(bench, { number: query.pull, head }))
}

/** Opens the base of a query and runs work on it. */
export async function withBench<T>(
  query: Omit<ChangeQuery, 'pull'>,
  work: (bench: Bench, head: string) => Promise<T>,
): Promise<T> {
  const { folder, clock, environment } = query
  const { gitDir, prefix } = await findGitFolder(folder)
  const git = openGit(gitDir)
  const tip = await commitOf(git, query.base)
  const head = await commitOf(git, query.head)
  const judge = async (trees: PolicyTrees): Promise<T> => {
    const base = await trees.at(query.base, tip)
    const { policy } = base.bundle
    const forge = await openChanges(policy, { git, base: query.base, head, environment })
    const identity = await forge.identity()
    const rules = policy.changes ?? CHANGES_DEFAULT
    const at = { git, gitDir, folder: prefix, trees, tip, base, policy, rules }
    return work({ ...at, forge, identity, clock }, head)
  }
  if (query.trees !== undefined) return judge(query.trees)
  return withRegoCompiler((rego) => judge(openTrees(git, prefix, rego)))
}

/** @param about.head - the commit that the caller takes for the head; the forge must say the same, before and after */
export async function judgeOn(
  bench: Bench,
  about: { readonly number: number; readonly head: string },
): Promise<JudgedChange> {
  const { forge, tip } = bench
  const change = await forge.change(about.number)
  if (change.tip !== tip) {
    const message = `the base branch ${change.baseRef} is at ${change.tip}, not at ${tip}; fetch it and judge again`
    throw new PolicyError('CHANGE_BASE_STALE', message, { retryable: true })
  }
  if (change.headSha !== about.head) throw moved(change, about.head)
  const compared = await compare(bench, change)
  const commits = await checkCommits(bench, compared.commits, bench.rules.signed_commits, {
    people: bench.policy.people,
    now: bench.clock(),
  })
  const signing = await signingOf(bench, change, { compared, commits })
  const reviews =
    signing === null
      ? null
      : judgeReviews(
          { ...signing, forge: bench.identity, policy: bench.policy, now: bench.clock() },
          await forge.reviews(change),
        )
  const after = await forge.change(about.number)
  const same = after.headSha === change.headSha && after.tip === tip
  if (!same || after.state !== change.state || after.baseRef !== change.baseRef) {
    throw moved(after, about.head)
  }
  const report = reportOf(bench, change, { compared, commits, signing, reviews })
  return { signing, report, policy: bench.policy }
}

type Compared = {
  /** Where the change left the base branch; null when there is no such commit. */
  readonly baseSha: string | null
  readonly commits: readonly string[]
  readonly files: readonly ChangedFile[]
  readonly weakenings: readonly Weakening[]
  readonly routes: readonly string[]
  /** The policy's digests there, at the head, and as merging makes it. */
  readonly before: Digest | null
  readonly atHead: Digest | null
  readonly after: Digest | null
  readonly problems: readonly ChangeProblem[]
}

/** What merging would change. It is the merged policy that counts: the base may have moved since the change left it. */
async function compare(bench: Bench, { headSha }: Change): Promise<Compared> {
  const { git, tip, trees, base, rules, folder } = bench
  const nothing = { files: [], weakenings: [], routes: [], before: null, atHead: null, after: null }
  const commits = await commitsOf(git, tip, headSha)
  let baseSha: string
  let merged: string
  try {
    baseSha = await mergeBaseOf(git, tip, headSha)
    // Where the base has not moved since, merging makes the head.
    merged = baseSha === tip ? headSha : await mergedTree(git, tip, headSha)
  } catch (error) {
    if (!(error instanceof PolicyError) || error.code !== 'CHANGE_CONFLICT') throw error
    return { ...nothing, baseSha: null, commits, problems: [problemOf(error)] }
  }
  const before = await digestAt(trees, baseSha, baseSha)
  const atHead = await digestAt(trees, headSha, headSha)
  const after = await digestAt(trees, 'the merged policy', merged)
  const errors = [before.error, atHead.error, after.error].filter((error) => error !== null)
  const digests = { before: before.digest, atHead: atHead.digest, after: after.digest }
  const problems = errors.slice(0, 1).map(problemOf)
  if (after.digest === null) return { ...nothing, ...digests, baseSha, commits, problems }
  const next = await trees.at('the merged policy', merged)
  const texts = [base.files, next.files]
  const files = await changedFiles(git, { before: tip, after: merged }, { folder, texts })
  const weakenings = compareTrees(base, next, { files, changes: rules, folder })
  const routes = routesNeeded(weakenings, files, rules)
  const gone = routes.filter((id) => !base.bundle.policy.routes.some((route) => route.id === id))
  const missing = gone.map((id): ChangeProblem => {
    const message = `the base branch has no route '${id}' for what this change needs; add it there first`
    return { code: 'ROUTE_MISSING', message }
  })
  const all = [...problems, ...missing]
  return { ...digests, baseSha, commits, files, weakenings, routes, problems: all }
}

/** What there is to sign: nothing when nobody is needed, or the change cannot be merged whatever people say. */
async function signingOf(
  bench: Bench,
  change: Change,
  { compared, commits }: { readonly compared: Compared; readonly commits: CheckedCommits },
): Promise<ChangeSigning | null> {
  const { baseSha, before, atHead, routes, weakenings } = compared
  const { headAt, signers } = commits
  if (routes.length === 0 || headAt === null) return null
  if (baseSha === null || before === null || atHead === null) return null
  const { forge, identity, policy, rules, clock } = bench
  if (!routes.every((id) => policy.routes.some((route) => route.id === id))) return null
  const { number, baseRef, headSha, state, author } = change
  const signed = policy.people.filter(({ id }) => signers.includes(id))
  const pushers = [...(await forge.pushers(compared.commits)), ...accountsOf(signed, identity)]
  const authors = new Set(authorsOf(policy.people, identity, [author, ...pushers]))
  // Nobody reviews their own change by standing in for somebody, nor through who stands in for them.
  const people = policy.people.map((person) => {
    const { delegates: _, ...rest } = person
    return authors.has(person) ? rest : person
  })
  const pull = { number, baseRef, baseSha, headSha }
  const request = changeRequest(
    {
      ...{ forge: identity, pull, before, after: atHead },
      ...{ routes, weakens: weakenWords(weakenings), createdAt: headAt },
      timeOutMs: parseDuration(rules.time_out),
    },
    { ...policy, people },
    clock(),
  )
  return { request, change, pull: { ...pull, state, author, pushers, requestText: '' } }
}

function reportOf(
  bench: Bench,
  change: Change,
  judged: {
    readonly compared: Compared
    readonly commits: CheckedCommits
    readonly signing: ChangeSigning | null
    readonly reviews: ChangeReviews | null
  },
): ChangeReport {
  const { compared, commits, signing, reviews } = judged
  const asked = bench.rules.signed_commits
  const problems = [...compared.problems, ...commits.problems]
  const approved = compared.routes.length === 0 || reviews?.state === 'approved'
  const open = problems.length === 0 && approved
  const { number, baseRef, headSha } = change
  return {
    verdict: open ? 'open' : 'closed',
    reason: reasonOf(problems, compared, reviews),
    pull: { number, baseRef, tip: bench.tip, baseSha: compared.baseSha ?? '', headSha },
    policy: { before: bench.base.bundle.digest, after: compared.after },
    request:
      signing === null
        ? null
        : {
            id: signing.request.id,
            root: signing.request.root,
            expiresAt: signing.request.expires_at,
          },
    files: compared.files,
    weakenings: compared.weakenings,
    routes: reviews?.routes ?? [],
    reviews: reviews?.counted ?? [],
    refused: reviews?.refused ?? [],
    ignored: reviews?.ignored ?? [],
    commits: { required: asked, count: compared.commits.length, signers: commits.signers },
    problems,
  }
}

function reasonOf(
  problems: readonly ChangeProblem[],
  { routes, files }: Compared,
  reviews: ChangeReviews | null,
): string {
  const [first, ...more] = problems
  if (first !== undefined) {
    return `${first.code}: ${first.message}${more.length === 0 ? '' : ` (and ${more.length} more)`}`
  }
  if (routes.length === 0) {
    return files.length === 0 ? 'nothing changes' : 'nothing is weakened, and nobody is needed'
  }
  return reviews === null ? 'it cannot be reviewed' : reviews.reason
}

/** What is wrong with a change, by the error that said so; its file is from the repository's top. */
export function problemOf({ code, message, file, at }: PolicyError): ChangeProblem {
  if (file === undefined || file === '') return { code, message }
  return { code, message, place: { file, line: at?.line ?? 1, column: at?.column ?? 1 } }
}

function moved({ number, headSha }: Change, head: string): PolicyError {
  const message = `pull request ${number} is at ${headSha} or has changed since; judged was ${head}`
  return new PolicyError('FORGE_CONFLICT', message, { retryable: true })
}
