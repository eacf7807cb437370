import { PolicyError } from '../../base/errors.ts'
import { compareText } from '../../base/position.ts'
import type { Git } from '../../host/git.ts'
import { openGit } from '../../host/git.ts'
import { mergeBaseOf, mergedTree } from '../../host/git-changes.ts'
import { findGitFolder } from '../../host/git-folder.ts'
import { PROJECT_FILE } from '../../host/policy-files.ts'
import { commitOf, readPolicyRevision } from '../../host/policy-revision.ts'
import type { GateCounts, PolicyGate } from '../../model/gate.ts'
import type { CompiledChanges, Project } from '../../model/generated/types.ts'
import type { ChangeProblem, ChangeReport, Weakening } from '../../model/policy-change.ts'
import type { FlipReport, PolicyDiff } from '../../model/policy-diff.ts'
import { mayWeaken } from '../../model/policy-diff.ts'
import type { Clock, RegoCompiler } from '../../model/ports.ts'
import type { CheckResult, TestReport } from '../../model/results.ts'
import { routesNeeded } from '../../policy/analyse/change-needs.ts'
import { comparePolicies } from '../../policy/analyse/diff.ts'
import type { PolicyFiles } from '../../policy/compile/index.ts'
import { CHANGES_DEFAULT, compile, parseDocuments } from '../../policy/compile/index.ts'
import { countSeverities, plural } from '../../report/check-text.ts'
import { isCovered } from '../../report/coverage-text.ts'
import {
  changedFiles,
  compareTrees,
  openTrees,
  type PolicyTree,
  type PolicyTrees,
} from '../changes/compare-change.ts'
import { judgeChange, problemOf } from '../changes/judge-change.ts'
import { judgeMergeGroup } from '../changes/judge-merge-group.ts'
import { checkCompiled, checkOutcome } from '../policy/check-policy.ts'
import { type CompiledFolder, withRegoCompiler } from '../policy/compile-policy.ts'
import { countFlips, type Recorded } from '../policy/count-flips.ts'
import { compiled, sideOf } from '../policy/diff-policy.ts'
import { testCompiled } from '../policy/test-policy.ts'

export type PolicyGateQuery = {
  /** Absolute: the policy repository's folder, in a clone that has both commits. */
  readonly folder: string
  /** Revisions: the base branch, and the head of the change. */
  readonly base: string
  readonly head: string
  /** Whose reviews count: a pull request, or the head of a merge queue with those that it merges, if it says so. */
  readonly reviewed: { readonly pull: number } | { readonly pulls: readonly number[] | null } | null
  /** Recorded actions to judge by both policies; null for none. */
  readonly recorded: Recorded | null
  /** Flips to keep of each rule. */
  readonly examples: number
  /** The least coverage of rules and of Rego, in percent; null where none is asked for. */
  readonly minCoverage: number | null
  readonly clock: Clock
  readonly environment: Readonly<Record<string, string | undefined>>
}

/**
 * Judges a change of a policy repository as a whole: what merging would make of it must be sound and pass its tests, and
 * what it weakens must be approved as the base branch asks. Everything is read from Git's objects; the head's Rego and
 * tests run in our own bounded evaluators alone, and nothing else of the head is run or believed.
 *
 * @throws {PolicyError} what is wrong with the base, the clone or the forge, as `judgeChange`; SESSION_INVALID,
 *   STORE_FAILED for recorded actions
 */
export async function judgePolicy(query: PolicyGateQuery): Promise<PolicyGate> {
  return withRegoCompiler(async (rego) => {
    rego.warm()
    const { gitDir, prefix } = await findGitFolder(query.folder)
    const git = openGit(gitDir)
    const place = { git, folder: prefix }
    const base = { name: query.base, sha: await commitOf(git, query.base) }
    const head = { name: query.head, sha: await commitOf(git, query.head) }
    const now = query.clock()
    const trees = openTrees(git, prefix, rego)
    const [before, merged] = await Promise.all([
      baseAt(place, base.sha, { trees, rego }),
      mergedOf(place, base.sha, head.sha),
    ])
    const about = {
      ...{ folder: prefix, base: { ...base, policy: before?.bundle.digest ?? null } },
      head: { ...head, policy: null },
    }
    if (merged instanceof PolicyError) {
      const nothing = { check: null, tests: null, diff: null, weakenings: [], routes: [] }
      const stopped = problemOf(merged)
      return conclude(query, { ...about, ...nothing, approvals: null }, { stopped })
    }
    const { tree, files } = merged
    const after = { files, ...(await compile(files, { rego, now })) }
    const made = openedOf(after)
    const sides = before === null || made === null ? null : { before, after: made }
    if (made !== null) await trees.put(tree, made)
    // Tests keep the compiler busy, and reviews the network.
    const [{ check, tests }, approvals] = await Promise.all([
      checkAndTest(after, rego, { before, now }),
      before === null ? null : approvalsOf(query, { base, head, trees }),
    ])
    const needs =
      sides === null ? null : await needsOf(place, { base: base.sha, merged: tree }, sides)
    const found = {
      ...{ ...about, check, tests, head: { ...head, policy: made?.bundle.digest ?? null } },
      diff: sides === null ? null : await diffOf(query, sides),
      ...{ weakenings: needs?.weakenings ?? [], routes: needs?.routes ?? [] },
      approvals,
    }
    return conclude(query, found, { signed: before?.bundle.policy.changes?.signed_commits })
  })
}

type Place = { readonly git: Git; readonly folder: string }

type Sides = { readonly before: PolicyTree; readonly after: PolicyTree }

type Merged = { readonly tree: string; readonly files: PolicyFiles }

/** What merging makes, a commit or a tree, with its policy's files; or what is wrong with the change, so that it cannot. */
async function mergedOf(
  { git, folder }: Place,
  base: string,
  head: string,
): Promise<Merged | PolicyError> {
  try {
    const from = await mergeBaseOf(git, base, head)
    // Where the base has not moved since, merging makes the head.
    const tree = from === base ? head : await mergedTree(git, base, head)
    return { tree, files: await readPolicyRevision(git, tree, folder) }
  } catch (error) {
    if (error instanceof PolicyError && CHANGE_FAULTS.includes(error.code)) return error
    throw error
  }
}

const CHANGE_FAULTS: readonly string[] = [
  'CHANGE_CONFLICT',
  'FILE_UNREADABLE',
  'DOCUMENT_TOO_LARGE',
]

/** The policy that judges; null where the base branch has none yet. @throws {PolicyError} the first complaint about it */
async function baseAt(
  { git, folder }: Place,
  sha: string,
  { trees, rego }: { readonly trees: PolicyTrees; readonly rego: RegoCompiler },
): Promise<PolicyTree | null> {
  const files = await readPolicyRevision(git, sha, folder)
  if (!files.has(PROJECT_FILE)) return null
  const { bundle } = await compiled('the base branch', files, rego)
  await trees.put(sha, { bundle, files })
  return { bundle, files }
}

function openedOf({ bundle, files }: CompiledFolder): PolicyTree | null {
  return bundle === null ? null : { bundle, files }
}

/** What is wrong with the merged policy, tests that do not compile included, and how its tests went. */
async function checkAndTest(
  compiled: CompiledFolder,
  rego: RegoCompiler,
  { before, now }: { readonly before: PolicyTree | null; readonly now: number },
): Promise<{ readonly check: CheckResult; readonly tests: TestReport | null }> {
  const level = before === null ? undefined : projectOf(before)?.check?.fail_level
  // The change's own project may ask for more, and never for less.
  const check = checkCompiled(compiled, {
    now,
    ...(level === 'warning' ? { failLevel: level } : {}),
  })
  if (compiled.bundle === null) return { check, tests: null }
  const run = await testCompiled(compiled, rego)
  if ('report' in run) return { check, tests: run.report }
  const known = new Set(check.diagnostics.map((one) => JSON.stringify(one)))
  const more = run.diagnostics.filter((one) => !known.has(JSON.stringify(one)))
  return { check: { ...check, diagnostics: [...check.diagnostics, ...more] }, tests: null }
}

function projectOf({ files }: PolicyTree): Project | undefined {
  return parseDocuments(files).documents.projects[0]?.value
}

async function diffOf(
  { base, head, recorded, examples }: PolicyGateQuery,
  { before, after }: Sides,
): Promise<PolicyDiff> {
  const flips: FlipReport | null =
    recorded === null
      ? null
      : await countFlips({ before: before.bundle, after: after.bundle, recorded, examples })
  return {
    before: { name: base, policy: before.bundle.digest },
    after: { name: head, policy: after.bundle.digest },
    changes: comparePolicies({ before: sideOf(before, after), after: sideOf(after, before) }),
    flips,
  }
}

/** What the change may weaken, and the routes that the base branch asks for it. */
async function needsOf(
  { git, folder }: Place,
  trees: { readonly base: string; readonly merged: string },
  { before, after }: Sides,
): Promise<{ readonly weakenings: readonly Weakening[]; readonly routes: readonly string[] }> {
  const rules = before.bundle.policy.changes ?? CHANGES_DEFAULT
  const texts = [before.files, after.files]
  const between = { before: trees.base, after: trees.merged }
  const files = await changedFiles(git, between, { folder, texts })
  const weakenings = compareTrees(before, after, { files, changes: rules, folder })
  return { weakenings, routes: [...routesNeeded(weakenings, files, rules)].sort(compareText) }
}

/** What people have said; null where no pull request is named. */
async function approvalsOf(
  query: PolicyGateQuery,
  around: {
    readonly base: { readonly sha: string }
    readonly head: { readonly sha: string }
    readonly trees: PolicyTrees
  },
): Promise<readonly ChangeReport[] | null> {
  const { base, head, trees } = around
  const { reviewed } = query
  const about = { ...query, trees }
  if (reviewed === null) return null
  if ('pull' in reviewed) {
    const { report } = await judgeChange({ ...about, pull: reviewed.pull })
    if (report.pull.tip !== base.sha || report.pull.headSha !== head.sha) throw movedSince()
    return [report]
  }
  const { pulls } = reviewed
  const group = await judgeMergeGroup(pulls === null ? about : { ...about, pulls })
  const isMoved = group.changes.some(({ pull }) => pull.tip !== base.sha)
  if (isMoved || group.head !== head.sha) throw movedSince()
  const [first, ...others] = group.changes
  // What is wrong with the group as a whole closes it, though each of its changes is approved.
  const own = group.problems.filter(({ about: pull }) => pull === undefined)
  if (first === undefined || own.length === 0) return group.changes
  const problems = [...first.problems, ...own]
  return [{ ...first, verdict: 'closed', reason: group.reason, problems }, ...others]
}

/** Names are read twice, by this and by what judges reviews: what was tested must be what was reviewed. */
function movedSince(): PolicyError {
  const message = 'a branch has moved while the change was judged; judge it again'
  return new PolicyError('FORGE_CONFLICT', message, { retryable: true })
}

type Found = Omit<PolicyGate, 'verdict' | 'reason' | 'coverage' | 'problems' | 'counts'>

type Beside = {
  /** What kept the change from being looked at. */
  readonly stopped?: ChangeProblem
  /** The signatures that the base branch asks for. */
  readonly signed?: CompiledChanges['signed_commits'] | undefined
}

function conclude(query: PolicyGateQuery, found: Found, beside: Beside): PolicyGate {
  const { minCoverage: min } = query
  const measured = found.tests?.coverage ?? null
  const coverage =
    min === null ? null : { min, reached: measured !== null && isCovered(measured, min) }
  const { stopped } = beside
  const problems = stopped === undefined ? problemsOf(found, coverage) : [stopped]
  const counts = countsOf(found)
  const rejected = rejectionOf(found)
  const waits = rejected ?? waitingFor(found, beside.signed ?? 'none')
  const [first, ...more] = problems
  const isWrong = first !== undefined || rejected !== null
  const verdict = isWrong ? 'deny' : waits === null ? 'allow' : 'hold'
  const also = more.length === 0 ? '' : ` (and ${more.length} more)`
  const reason = first === undefined ? (waits ?? soundWords(found)) : `${first.message}${also}`
  return { ...found, verdict, reason, coverage, problems, counts }
}

/** What was said against the change by somebody whose review counts. */
function rejectionOf({ approvals }: Found): string | null {
  const isRejected = ({ verdict, reviews }: ChangeReport): boolean =>
    verdict === 'closed' && reviews.some((review) => review.verdict === 'reject')
  return (approvals ?? []).find(isRejected)?.reason ?? null
}

/** What no review can make good. */
function problemsOf(found: Found, coverage: PolicyGate['coverage']): ChangeProblem[] {
  const { check, tests } = found
  const problems: ChangeProblem[] = []
  if (check !== null && checkOutcome(check) !== 'passed') {
    const { errors, warnings } = countSeverities(check.diagnostics)
    const message = `check finds ${plural(errors, 'error')} and ${plural(warnings, 'warning')}`
    problems.push({ code: 'GATE_CHECK_FAILED', message })
  } else if (tests === null) {
    problems.push({ code: 'GATE_TESTS_FAILED', message: 'the tests do not compile' })
  }
  if (tests !== null && tests.failed > 0) {
    const verb = tests.failed === 1 ? 'fails' : 'fail'
    const message = `${plural(tests.failed, 'test')} ${verb}`
    problems.push({ code: 'GATE_TESTS_FAILED', message })
  }
  if (tests !== null && coverage?.reached === false) {
    const message = `the coverage of rules or of Rego is below ${coverage.min}%`
    problems.push({ code: 'GATE_COVERAGE_LOW', message })
  }
  // Reviews are judged of the same policy, so that they find the first complaint again.
  const known = new Set<string>(check?.policy === null ? check.diagnostics.map(codeOf) : [])
  const closed = (found.approvals ?? [])
    .flatMap((report) => report.problems)
    .filter(({ code }) => !known.has(code))
  // A real signature for something else, such as an earlier head: it is for its reviewer to sign anew.
  const refused = (found.approvals ?? [])
    .flatMap((report) => report.refused)
    .filter(({ code }) => code !== 'REVIEW_UNBOUND')
  return [...problems, ...closed, ...refused]
}

function codeOf({ code }: { readonly code: string }): string {
  return code
}

/** What people have yet to do; null when nothing. */
function waitingFor(
  { approvals, routes }: Found,
  signed: CompiledChanges['signed_commits'],
): string | null {
  if (approvals === null) {
    if (routes.length > 0) {
      return `it needs reviews on ${routes.join(', ')}; name the pull request to have them counted`
    }
    if (signed === 'none') return null
    return `its commits must be signed (${signed}); name the pull request to have them verified`
  }
  return approvals.find(({ verdict }) => verdict === 'closed')?.reason ?? null
}

function soundWords({ base, diff, routes }: Found): string {
  if (base.policy === null)
    return 'it is sound; the base branch has no policy yet that could judge it'
  if (diff?.changes.length === 0) return 'the policy stays the same'
  return routes.length === 0
    ? 'it is sound, and weakens nothing that needs a review'
    : 'it is sound, and approved'
}

function countsOf({ check, tests, diff }: Found): GateCounts {
  const { errors, warnings } = countSeverities(check?.diagnostics ?? [])
  return {
    errors,
    warnings,
    tests_passed: tests?.passed ?? 0,
    tests_failed: tests?.failed ?? 0,
    changes: diff?.changes.length ?? 0,
    weakened: diff?.changes.filter(mayWeaken).length ?? 0,
    flips: diff?.flips?.flips ?? 0,
    flips_lenient: diff?.flips?.lenient ?? 0,
  }
}
