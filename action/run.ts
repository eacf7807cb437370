import * as core from '@actions/core'
import { PolicyError } from '../src/base/errors.ts'
import { isOid } from '../src/host/git.ts'
import { checkNameOn } from '../src/model/gate.ts'
import { openClone } from './clone.ts'
import { assertReleasable, readDefaultBranch, readSubject } from './event.ts'
import { type Failure, failureOf } from './failure.ts'
import { type Github, openGithub } from './github.ts'
import { type Inputs, readInputs } from './inputs.ts'
import type { Judged, JudgeTarget } from './judged.ts'
import { approvalsMode } from './modes/approvals.ts'
import { policyMode } from './modes/policy.ts'
import { releaseMode } from './modes/release.ts'
import { checkOf, endingOf, sayFailure, sayPosted, show, writeOutputs } from './publish.ts'
import { type Target, targetsOf } from './targets.ts'

/**
 * Runs the gate once. Never throws: whatever goes wrong is said, and told by the code.
 *
 * @returns the exit code, as of the command line: 0 open; 1 closed; 2 bad input; 3 the engine failed
 */
export async function runGate(environment: NodeJS.ProcessEnv): Promise<number> {
  try {
    const inputs = readInputs(environment)
    const { token } = inputs
    const given = token === null ? environment : { ...environment, GITHUB_TOKEN: token }
    return inputs.mode === 'release'
      ? await runRelease(inputs, given)
      : await runChanges(inputs, given)
  } catch (error) {
    return sayFailure(failureOf(error, environment))
  }
}

type Run = {
  readonly inputs: Inputs
  readonly environment: NodeJS.ProcessEnv
  readonly github: Github
  readonly defaultBranch: string | null
  /** Whether the job is of another commit, so that what it marks would not be shown at the change. */
  readonly isElsewhere: boolean
  /** All that is open, on an event that is about none of it: verdicts are shown at the changes. */
  readonly isSweep: boolean
}

async function runChanges(inputs: Inputs, environment: NodeJS.ProcessEnv): Promise<number> {
  const subject = readSubject(inputs, environment)
  const github = openGithub(environment)
  const isElsewhere = subject.kind === 'open'
  const run: Run = {
    ...{ inputs, environment, github, defaultBranch: readDefaultBranch(environment) },
    ...{ isElsewhere, isSweep: isElsewhere && subject.number === null },
  }
  let targets: readonly Target[]
  try {
    const clone = await openClone(inputs, environment)
    targets = await targetsOf(subject, inputs, { clone, pulls: github.pulls })
  } catch (error) {
    const at = 'headSha' in subject ? { ...subject, sha: subject.headSha } : NOWHERE
    return refuse(failureOf(error, environment), run, at)
  }
  if (targets.length === 0) core.notice('No pull request is open: there is nothing to judge.')
  const judge = (inputs.mode === 'policy' ? policyMode : approvalsMode)(inputs, environment)
  const all: Judged[] = []
  let code = 0
  for (const target of targets) {
    const done = await judgeAndShow(target, judge, run)
    if (done.judged !== null) all.push(done.judged)
    code = Math.max(code, done.code)
  }
  // What could not be judged must not pass for what the others are.
  if (all.length === targets.length) writeOutputs(all, inputs)
  return code
}

async function runRelease(inputs: Inputs, environment: NodeJS.ProcessEnv): Promise<number> {
  const github = openGithub(environment)
  const { GITHUB_SHA: sha = '' } = environment
  const head = inputs.head ?? 'HEAD'
  const target: Target = {
    ...{ name: `release ${inputs.release}`, base: inputs.base ?? head, head },
    ...{ sha: isOid(sha) ? sha : null, baseRef: null, reviewed: null },
    refresh: async () => assertReleasable(inputs, environment),
  }
  const shown = { defaultBranch: null, isElsewhere: false, isSweep: false }
  const run = { inputs, environment, github, ...shown }
  const { judged, code } = await judgeAndShow(target, releaseMode(inputs, environment), run)
  writeOutputs(judged === null ? [] : [judged], inputs)
  return code
}

type Done = { readonly judged: Judged | null; readonly code: number }

async function judgeAndShow(target: Target, judge: JudgeTarget, run: Run): Promise<Done> {
  const { inputs, environment, isElsewhere, isSweep } = run
  try {
    const judged = await judgeNow(target, judge)
    const ending = endingOf(judged.verdict, inputs.onHold)
    await show(target.name, judged, { annotate: !isElsewhere })
    const check = checkOf(judged, ending, { annotated: !isElsewhere })
    const isShown = await post(target, run, { sha: judged.sha, check, comment: judged.comment })
    // Nobody would look at a sweep's own job for a change that waits; where nothing else says so, it must.
    return { judged, code: isSweep && isShown ? 0 : ending.exit }
  } catch (error) {
    return { judged: null, code: await refuse(failureOf(error, environment), run, target) }
  }
}

/** Where a check run belongs. */
type Place = Pick<Target, 'sha' | 'baseRef'>

const NOWHERE: Place = { sha: null, baseRef: null }

/** Null for none. */
function checkNameOf({ inputs, defaultBranch }: Run, { baseRef }: Place): string | null {
  const { checkRun: name } = inputs
  return name === null || baseRef === null || baseRef === defaultBranch
    ? name
    : checkNameOn(name, baseRef)
}

/** Says why a change could not be judged. @returns the exit code */
async function refuse(failure: Failure, run: Run, at: Place): Promise<number> {
  const { sha } = at
  const name = checkNameOf(run, at)
  // INVARIANT: a verdict of an earlier run does not stand on when this one could not judge.
  if (name !== null && sha !== null) {
    const summary = `${failure.code}. The log of the job says more.`
    const about = { conclusion: 'failure', title: `not judged: ${failure.code}`, summary } as const
    const posted = await run.github.checkRun({ ...about, name, sha, annotations: [] })
    sayPosted('check run', posted)
  }
  return sayFailure(failure)
}

/** Judges both sides as they are now. The base branch may move meanwhile: then it is another question. */
async function judgeNow(target: Target, judge: JudgeTarget): Promise<Judged> {
  for (let tries = 1; ; tries++) {
    await target.refresh()
    try {
      return await judge(target)
    } catch (error) {
      const moved = error instanceof PolicyError && error.code === 'CHANGE_BASE_STALE'
      if (!moved || tries === TRIES_MAX) throw error
    }
  }
}

const TRIES_MAX = 3

/** Posts the check run and the comment where the token may. @returns whether the check run stands */
async function post(
  target: Target,
  run: Run,
  about: Pick<Judged, 'sha' | 'comment'> & { readonly check: ReturnType<typeof checkOf> },
): Promise<boolean> {
  const { sha, comment, check } = about
  const { inputs, github } = run
  const { reviewed } = target
  const name = checkNameOf(run, target)
  let isShown = false
  if (name !== null && sha !== null) {
    const posted = await github.checkRun({ ...check, name, sha })
    sayPosted('check run', posted)
    isShown = posted.posted
  }
  if (inputs.comment && comment !== null && reviewed !== null && 'pull' in reviewed) {
    sayPosted('comment', await github.stickyComment({ number: reviewed.pull, ...comment }))
  }
  return isShown
}
