import * as files from 'node:fs'
import { join, relative, resolve } from 'node:path'
import * as core from '@actions/core'
import { parseDuration } from '../src/base/duration.ts'
import { PolicyError } from '../src/base/errors.ts'
import { isOutside } from '../src/host/git-folder.ts'

export type Mode = 'policy' | 'approvals' | 'release'

/** What a workflow asks for. Paths are absolute. */
export type Inputs = {
  readonly mode: Mode
  /** The check-out. */
  readonly workspace: string
  /** The policy's folder, in the workspace. */
  readonly policy: string
  readonly pull: number | null
  readonly base: string | null
  readonly head: string | null
  readonly token: string | null
  readonly traces: readonly string[]
  readonly data: string | null
  readonly minCoverage: number | null
  readonly comment: boolean
  /** Name of the check run for the default branch; null for none. */
  readonly checkRun: string | null
  readonly onHold: 'failure' | 'neutral'
  readonly sarif: string
  readonly junit: string
  readonly release: string | null
  readonly source: string | null
  readonly evidence: string | null
  readonly artefacts: readonly string[]
  /** The attestation of the release to go back to. */
  readonly rollback: string | null
  readonly attest: string | null
  readonly trust: string | null
  /** How long to wait for people about a release that is held, in milliseconds; 0 for not at all. */
  readonly waitMs: number
}

/** Reads the inputs. The token is masked in the log from here on. @throws {PolicyError} USAGE_INVALID */
export function readInputs(environment: NodeJS.ProcessEnv): Inputs {
  const token = text('token')
  if (token !== null) core.setSecret(token)
  const workspace = resolve(environment['GITHUB_WORKSPACE'] ?? process.cwd())
  const temporary = resolve(environment['RUNNER_TEMP'] ?? workspace)
  const at = (name: string): string | null => {
    const value = text(name)
    return value === null ? null : resolve(workspace, value)
  }
  const mode = oneOf('mode', ['policy', 'approvals', 'release'])
  const checkRun = text('check-run') ?? `countersign/${mode}`
  const [traces, data] = [tracesIn(workspace), at('data')]
  if (traces.length > 0 && data !== null) throw wrong('either trace or data', 'both')
  const attest = at('attest')
  if (attest !== null && mode === 'policy') {
    throw wrong('attest with the mode approvals or release', 'it with policy')
  }
  return {
    ...{ mode, workspace, token, traces, data },
    policy: below(workspace, text('policy') ?? '.'),
    pull: numberOf('pull', /^[1-9]\d{0,8}$/),
    base: text('base'),
    head: text('head'),
    minCoverage: numberOf('min-coverage', /^(?:100|\d{1,2}(?:\.\d+)?)$/),
    comment: oneOf('comment', ['true', 'false']) === 'true',
    checkRun: checkRun === 'none' ? null : checkRun,
    onHold: oneOf('on-hold', ['failure', 'neutral']),
    sarif: at('sarif') ?? join(temporary, `countersign-${mode}.sarif`),
    junit: at('junit') ?? join(temporary, `countersign-${mode}.junit.xml`),
    release: text('release'),
    source: at('source'),
    rollback: at('rollback'),
    evidence: at('evidence'),
    artefacts: core.getMultilineInput('artefacts'),
    attest,
    trust: at('trust'),
    waitMs: waitOf(mode, data),
  }
}

function text(name: string): string | null {
  const value = core.getInput(name)
  return value === '' ? null : value
}

/** The first is the default. */
function oneOf<const T extends string>(name: string, words: readonly [T, ...T[]]): T {
  const found = text(name) ?? words[0]
  const word = words.find((one) => one === found)
  if (word === undefined) throw wrong(`${name} to be one of ${words.join(', ')}`, found)
  return word
}

function numberOf(name: string, form: RegExp): number | null {
  const found = text(name)
  if (found === null) return null
  if (!form.test(found)) throw wrong(`${name} to be a number`, found)
  return Number(found)
}

function waitOf(mode: Mode, data: string | null): number {
  const found = text('wait')
  if (found === null) return 0
  if (mode !== 'release' || data === null) throw wrong('wait with mode release and data', found)
  return parseDuration(found)
}

function tracesIn(workspace: string): readonly string[] {
  return core.getMultilineInput('trace').flatMap((pattern) => {
    if (!/[*?[{]/.test(pattern)) return [resolve(workspace, pattern)]
    const found = files.globSync(pattern, { cwd: workspace }).sort()
    if (found.length === 0) throw wrong(`trace to name files`, `none that match ${pattern}`)
    return found.map((file) => resolve(workspace, file))
  })
}

function below(workspace: string, folder: string): string {
  const path = resolve(workspace, folder)
  if (isOutside(relative(workspace, path))) {
    throw wrong('policy to be a folder below the workspace', folder)
  }
  return path
}

function wrong(expected: string, found: string): PolicyError {
  return new PolicyError('USAGE_INVALID', `expected ${expected}, found ${found}`)
}
