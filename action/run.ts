import * as core from '@actions/core'
import { PolicyError } from '../src/base/errors.ts'
import { isOid } from '../src/host/git.ts'
import { openClone } from './clone.ts'
import { readSubject } from './event.ts'
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
  /** All that is open, on an event that is about none of it: verdicts are shown at the changes. */
  readonly isSweep: boolean
}

async function runChanges(inputs: Inputs, environment: NodeJS.ProcessEnv): Promise<number> {
  const subject = readSubject(inputs, environment)
  const github = openGithub(environment)
  const sha = 'headSha' in subject ? subject.headSha : null
  let targets: readonly Target[]
  try {
    const clone = await openClone(inputs, environment)
    targets = await targetsOf(subject, inputs, { clone, pulls: github.pulls })
  } catch (error) {
    return refuse(failureOf(error, environment), { inputs, github, sha })
  }
  if (targets.length === 0) core.notice('No pull request is open: there is nothing to judge.')
  const judge = (inputs.mode === 'policy' ? policyMode : approvalsMode)(inputs, environment)
  const isSweep = subject.kind === 'open' && subject.number === null
  const run = { inputs, environment, github, isSweep }
  const all: Judged[] = []
  let code = 0
  for (const target of targets) {
    const done = await judgeAndShow(target, judge, run)
    if (done.judged !== null) all.push(done.judged)
    code = Math.max(code, done.code)
  }
  writeOutputs(all, inputs)
  return code
}

async function runRelease(inputs: Inputs, environment: NodeJS.ProcessEnv): Promise<number> {
  const github = openGithub(environment)
  const { GITHUB_SHA: sha = '' } = environment
  const [base, head] = [inputs.base ?? 'HEAD', inputs.head ?? 'HEAD']
  const target: Target = {
    ...{ name: `release ${inputs.release}`, base, head, sha: isOid(sha) ? sha : null },
    ...{ reviewed: null, refresh: async () => undefined },
  }
  const run = { inputs, environment, github, isSweep: false }
  const { judged, code } = await judgeAndShow(target, releaseMode(inputs, environment), run)
  writeOutputs(judged === null ? [] : [judged], inputs)
  return code
}

type Done = { readonly judged: Judged | null; readonly code: number }

async function judgeAndShow(target: Target, judge: JudgeTarget, run: Run): Promise<Done> {
  const { inputs, environment, github, isSweep } = run
  try {
    const judged = await judgeNow(target, judge)
    const ending = endingOf(judged.verdict, inputs.onHold)
    await show(target.name, judged, { annotate: !isSweep })
    const check = checkOf(judged, ending, { annotated: !isSweep })
    const isShown = await post(target, run, { sha: judged.sha, check, comment: judged.comment })
    // Nobody would look at a sweep's own job for a change that waits; where nothing else says so, it must.
    return { judged, code: isSweep && isShown ? 0 : ending.exit }
  } catch (error) {
    const about = { inputs, github, sha: target.sha }
    return { judged: null, code: await refuse(failureOf(error, environment), about) }
  }
}

/**
 * Says why a change could not be judged.
 *
 * @param about.sha - its head; null where that is not known
 * @returns the exit code
 */
async function refuse(
  failure: Failure,
  { inputs, github, sha }: Pick<Run, 'inputs' | 'github'> & { readonly sha: string | null },
): Promise<number> {
  // INVARIANT: a verdict of an earlier run does not stand on when this one could not judge.
  if (inputs.checkRun !== null && sha !== null) {
    const summary = `${failure.code}. The log of the job says more.`
    const about = { conclusion: 'failure', title: `not judged: ${failure.code}`, summary } as const
    const posted = await github.checkRun({ ...about, name: inputs.checkRun, sha, annotations: [] })
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
  { reviewed }: Target,
  { inputs, github }: Run,
  about: Pick<Judged, 'sha' | 'comment'> & { readonly check: ReturnType<typeof checkOf> },
): Promise<boolean> {
  const { sha, comment, check } = about
  let isShown = false
  if (inputs.checkRun !== null && sha !== null) {
    const posted = await github.checkRun({ ...check, name: inputs.checkRun, sha })
    sayPosted('check run', posted)
    isShown = posted.posted
  }
  if (inputs.comment && comment !== null && reviewed !== null && 'pull' in reviewed) {
    sayPosted('comment', await github.stickyComment({ number: reviewed.pull, ...comment }))
  }
  return isShown
}
