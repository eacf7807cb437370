import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { AnnotationProperties } from '@actions/core'
import * as core from '@actions/core'
import type { CheckRun, Posted } from '../src/host/github/actions-api.ts'
import type { GateVerdict } from '../src/model/gate.ts'
import { ERROR_HELP } from '../src/model/generated/error-help.ts'
import { githubAnnotations } from '../src/report/github.ts'
import { visibleLine } from '../src/report/paint.ts'
import { assertPlain } from './clone.ts'
import type { Failure } from './failure.ts'
import type { Inputs } from './inputs.ts'
import type { Judged } from './judged.ts'

/** How a verdict ends the job, and the check run. */
export type Ending = {
  readonly exit: 0 | 1
  readonly conclusion: 'success' | 'neutral' | 'failure'
}

export function endingOf(verdict: GateVerdict, onHold: Inputs['onHold']): Ending {
  if (verdict === 'allow') return { exit: 0, conclusion: 'success' }
  const isNeutral = verdict === 'hold' && onHold === 'neutral'
  return isNeutral ? { exit: 0, conclusion: 'neutral' } : { exit: 1, conclusion: 'failure' }
}

/** Writes the job's log, its annotations and its summary. */
export async function show(name: string, judged: Judged, { annotate }: { annotate: boolean }) {
  const { verdict, reason, annotations, summary } = judged
  say(`${name}: ${verdict}: ${reason}`)
  if (annotate) process.stdout.write(githubAnnotations(annotations))
  core.summary.addRaw(cut(summary), true)
  await core.summary.write()
}

/** What stands in the check run of a verdict. Annotations of the job itself are not repeated there. */
export function checkOf(
  judged: Judged,
  { conclusion }: Ending,
  { annotated }: { readonly annotated: boolean },
): Omit<CheckRun, 'name' | 'sha'> {
  const { verdict, reason, summary, annotations } = judged
  return {
    ...{
      conclusion,
      title: `${verdict}: ${visibleLine(reason)}`.slice(0, TITLE_LENGTH_MAX),
      summary,
    },
    annotations: annotated ? [] : annotations,
  }
}

/** Says that something could not be posted: with a fork's token that is as it should be. */
export function sayPosted(what: string, posted: Posted): void {
  if (!posted.posted) core.notice(`No ${what}: ${visibleLine(posted.why)}`)
}

/** Writes files and outputs of all that was judged: the strictest verdict speaks for it. */
export function writeOutputs(all: readonly Judged[], inputs: Inputs): void {
  const worst = ['deny', 'hold', 'allow'].map((word) => all.find((one) => one.verdict === word))
  const one = worst.find((found) => found !== undefined)
  if (one === undefined) return
  core.setOutput('verdict', one.verdict)
  core.setOutput('reason', one.reason)
  core.setOutput('digest', one.digest ?? '')
  core.setOutput('base-digest', one.baseDigest ?? '')
  core.setOutput('counts', JSON.stringify(one.counts))
  core.setOutput('subjects', JSON.stringify(one.subjects ?? {}))
  core.setOutput('attestation', one.attestation ?? '')
  if (one.sarif !== null) {
    writeBelow(inputs, inputs.sarif, `${JSON.stringify(one.sarif, null, 2)}\n`)
    core.setOutput('sarif', inputs.sarif)
  }
  if (one.junit === null) return
  writeBelow(inputs, inputs.junit, one.junit)
  core.setOutput('junit', inputs.junit)
}

/** Says why the gate could not judge. @returns the exit code */
export function sayFailure(failure: Failure): number {
  const { code, message, file, line, column, exit, documentation_url: url, retryable } = failure
  const help = Object.hasOwn(ERROR_HELP, code) ? (ERROR_HELP[code] ?? '') : ''
  const again = retryable ? ' Running the job again may succeed.' : ''
  const advice = `${help.split('\n\n', 1)[0] ?? ''}${again}`
  const text = `${code}: ${message}\n${advice}\nSee ${url}`
  if (file === undefined) core.setFailed(text)
  else core.error(text, { file, title: code, ...placeOf(line, column) })
  return exit
}

function placeOf(line: number | undefined, column: number | undefined): AnnotationProperties {
  if (line === undefined) return {}
  return { startLine: line, ...(column === undefined ? {} : { startColumn: column }) }
}

const TITLE_LENGTH_MAX = 250
const SUMMARY_LENGTH_MAX = 250_000 // The runner takes 1 MiB of a step, and a character has up to four bytes.

function cut(text: string): string {
  return text.length <= SUMMARY_LENGTH_MAX ? text : `${text.slice(0, SUMMARY_LENGTH_MAX)}\n\n… cut`
}

/** One line of the log, which the runner cannot take for a command. */
function say(text: string): void {
  core.info(visibleLine(text).replaceAll('::', ': :').replaceAll('##[', '# #['))
}

/** The head may have put a link there. */
function writeBelow({ workspace }: Inputs, path: string, text: string): void {
  assertPlain(workspace, dirname(path))
  mkdirSync(dirname(path), { recursive: true })
  rmSync(path, { force: true })
  writeFileSync(path, text, { flag: 'wx' })
}
