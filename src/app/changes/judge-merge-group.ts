import { PolicyError } from '../../base/errors.ts'
import { IDENTITY } from '../../host/git.ts'
import { commitsOf, mergedTree } from '../../host/git-changes.ts'
import { commitOf } from '../../host/policy-revision.ts'
import type { CompiledPolicy } from '../../model/generated/types.ts'
import type { ChangeProblem, ChangeReport } from '../../model/policy-change.ts'
import { changedFiles, compareTrees, weakenWords } from './compare-change.ts'
import type { Bench, ChangeQuery } from './judge-change.ts'
import { judgeOn, withBench } from './judge-change.ts'

export type MergeGroupQuery = Omit<ChangeQuery, 'pull'> & {
  /** The queued pull requests, in the order in which the queue merges them. Default: those that its commits name. */
  readonly pulls?: readonly number[]
}

export type MergeGroupReport = {
  readonly verdict: 'open' | 'closed'
  readonly reason: string
  readonly head: string
  /** What the gate says of each, at its own head. */
  readonly changes: readonly ChangeReport[]
  readonly problems: readonly ChangeProblem[]
  /** The policy of the base branch, which judged, and its digest. */
  readonly policy: CompiledPolicy
  readonly digest: string
}

/**
 * Whether the head of a merge queue may be merged: each queued pull request passes at its own head, the group's tree is
 * exactly what merging them in order makes, and together they weaken nothing that none of them weakens alone. The
 * commits' own words say only where to look.
 *
 * @throws {PolicyError} as judgeChange; MERGE_GROUP_DIFFERS when no pull request is named
 */
export async function judgeMergeGroup(query: MergeGroupQuery): Promise<MergeGroupReport> {
  return withBench(query, async (bench, head) => {
    const pulls = query.pulls ?? (await pullsNamed(bench, head))
    if (pulls.length === 0) throw differs(`${head} names no pull request; name them in order`)
    const changes: ChangeReport[] = []
    for (const number of pulls) {
      const { headSha } = await bench.forge.change(number)
      // What the clone lacks cannot be judged: it says so rather than leave it out.
      await commitOf(bench.git, headSha)
      changes.push((await judgeOn(bench, { number, head: headSha })).report)
    }
    const closed = changes.filter(({ verdict }) => verdict === 'closed')
    const problems = [...closed.map(problemOf), ...(await differences(bench, head, changes))]
    const [first] = problems
    return {
      verdict: first === undefined ? 'open' : 'closed',
      reason:
        first === undefined ? 'every queued change passes' : `${first.code}: ${first.message}`,
      head,
      changes,
      problems,
      policy: bench.policy,
      digest: bench.base.bundle.digest,
    }
  })
}

/** `Merge pull request #12 from …`, or `… (#12)` at the end of a commit's subject; null for none. */
export function pullNamedIn(subject: string): number | null {
  const match =
    /^Merge pull request #([1-9]\d{0,8}) /.exec(subject) ?? /\(#([1-9]\d{0,8})\)$/.exec(subject)
  return match === null ? null : Number(match[1])
}

async function pullsNamed({ git, tip }: Bench, head: string): Promise<readonly number[]> {
  const format = ['log', '--first-parent', '--reverse', '--no-show-signature', '--format=%s']
  const subjects = (await git.run([...format, head, `^${tip}`, '--'])).split('\n')
  return [...new Set(subjects.map(pullNamedIn))].filter((number) => number !== null)
}

async function differences(
  bench: Bench,
  head: string,
  changes: readonly ChangeReport[],
): Promise<ChangeProblem[]> {
  const { git, tip, trees, base, rules, folder } = bench
  await commitsOf(git, tip, head) // A group may be no larger than a change.
  let commit = tip
  for (const { pull } of changes) {
    try {
      const tree = await mergedTree(git, commit, pull.headSha)
      commit = await commitTree(bench, tree, [commit, pull.headSha])
    } catch (error) {
      if (error instanceof PolicyError && error.code === 'CHANGE_CONFLICT') return [failure(error)]
      throw error
    }
  }
  const [made, found] = [await treeOf(bench, commit), await treeOf(bench, head)]
  if (made !== found) {
    return [failure(differs(`the tree of ${head} is not what merging its pull requests makes`))]
  }
  const after = await trees.at('the merge group', found).catch((error: unknown) => {
    if (error instanceof PolicyError) return error
    throw error
  })
  if (after instanceof PolicyError) return [failure(after)]
  const texts = [base.files, after.files]
  const files = await changedFiles(git, { before: tip, after: found }, { folder, texts })
  const together = compareTrees(base, after, { files, changes: rules, folder })
  const alone = new Set(changes.flatMap(({ weakenings }) => weakenWords(weakenings)))
  const more = together.find((one) => weakenWords([one]).some((words) => !alone.has(words)))
  if (more === undefined) return []
  const what = `${more.part} ${more.id}: ${more.message}`
  return [failure(differs(`together the changes weaken what none of them weakens alone: ${what}`))]
}

/** A commit that no ref names: Git merges commits, not trees. */
async function commitTree(
  { git }: Bench,
  tree: string,
  parents: readonly string[],
): Promise<string> {
  const header = [
    `tree ${tree}`,
    ...parents.map((parent) => `parent ${parent}`),
    `author ${IDENTITY} 0 +0000`,
    `committer ${IDENTITY} 0 +0000`,
  ]
  const text = `${header.join('\n')}\n\nMerge group\n`
  return (await git.run(['hash-object', '-t', 'commit', '-w', '--stdin'], text)).trim()
}

async function treeOf({ git }: Bench, commit: string): Promise<string> {
  return (await git.run(['rev-parse', '--verify', `${commit}^{tree}`])).trim()
}

function problemOf({ pull, reason }: ChangeReport): ChangeProblem {
  return {
    code: 'MERGE_GROUP_DIFFERS',
    message: `pull request ${pull.number} is not approved: ${reason}`,
    about: String(pull.number),
  }
}

function failure({ code, message }: PolicyError): ChangeProblem {
  return { code, message }
}

function differs(message: string): PolicyError {
  return new PolicyError('MERGE_GROUP_DIFFERS', message)
}
