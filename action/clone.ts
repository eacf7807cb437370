import { execFile } from 'node:child_process'
import { lstatSync } from 'node:fs'
import { basename, relative } from 'node:path'
import { promisify } from 'node:util'
import * as core from '@actions/core'
import { PolicyError } from '../src/base/errors.ts'
import { findGitFolder, isSubmodule, pathsBelow } from '../src/host/git-folder.ts'
import type { Inputs } from './inputs.ts'

/** The check-out that the job made, as Git's objects: its work tree is the head's, and nothing of it is believed. */
export type Clone = {
  /** Fetches all that refspecs name. @throws {PolicyError} GIT_FAILED */
  fetch(refspecs: readonly string[]): Promise<void>
  /** Whether it has a commit. */
  has(revision: string): Promise<boolean>
  /** Subjects of the commits of a branch since a base, the first parents' alone. */
  subjects(base: string, head: string): Promise<readonly string[]>
}

/**
 * Opens the clone that the policy's folder lies in, with its whole history.
 *
 * @throws {PolicyError} FILE_UNREADABLE; USAGE_INVALID; GIT_FAILED
 */
export async function openClone(inputs: Inputs, environment: NodeJS.ProcessEnv): Promise<Clone> {
  assertPlain(inputs.workspace, inputs.policy)
  const { gitDir, isBare } = await findGitFolder(inputs.policy)
  if (isBare) {
    throw new PolicyError('USAGE_INVALID', `${inputs.policy} lies in no check-out`)
  }
  const git = gitIn(gitDir, inputs.token, environment)
  if ((await git(['config', '--get', 'remote.origin.promisor']).catch(() => '')).trim() !== '') {
    throw failed(
      'the check-out is a partial clone; check out without `filter` and `sparse-checkout`',
    )
  }
  return {
    fetch: async (refspecs) => {
      const isShallow = (await git(['rev-parse', '--is-shallow-repository'])).trim() !== 'false'
      if (isShallow) core.notice('The check-out is shallow; `fetch-depth: 0` would be quicker.')
      const options = ['--no-tags', '--no-recurse-submodules', '--no-write-fetch-head', '--quiet']
      const deepen = isShallow ? ['--unshallow'] : []
      await git(['fetch', ...options, ...deepen, '--', 'origin', ...refspecs])
    },
    has: async (revision) => {
      const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`]
      return (await git(args).catch(() => '')) !== ''
    },
    subjects: async (base, head) => {
      const format = ['log', '--first-parent', '--no-show-signature', '--format=%s']
      return (await git([...format, `${base}..${head}`, '--'])).split('\n')
    },
  }
}

/**
 * What is fetched of a branch, and of a pull request, which goes where no branch's name is in its way. Reviews of a
 * repository without a forge are refs.
 */
export function branchSpec(name: string): string {
  return `+refs/heads/${name}:refs/remotes/origin/${name}`
}

export function pullSpec(number: number): string {
  return `+refs/pull/${number}/head:refs/countersign/pulls/${number}`
}

export const REVIEW_SPEC = '+refs/countersign/changes/*:refs/countersign/changes/*'

/**
 * The head can put a link, or a submodule with commits of its own, in the place of what an input names. What lies outside
 * of the workspace is not the head's.
 *
 * @throws {PolicyError} USAGE_INVALID
 */
export function assertPlain(workspace: string, path: string): void {
  for (const at of pathsBelow(workspace, path)) {
    if (!lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink() && !isSubmodule(at)) continue
    const way = relative(workspace, path)
    throw new PolicyError(
      'USAGE_INVALID',
      `${way} leads out of the check-out through ${basename(at)}`,
    )
  }
}

const run = promisify(execFile)

const OUTPUT_BYTES_MAX = 16 * 1024 * 1024
const FETCH_MS_MAX = 600_000

function gitIn(
  gitDir: string,
  token: string | null,
  environment: NodeJS.ProcessEnv,
): (args: readonly string[]) => Promise<string> {
  const options = ['--git-dir', gitDir, ...SETTINGS.flatMap((one) => ['-c', one])]
  const env = {
    ...Object.fromEntries(Object.entries(environment).filter(([name]) => isPassed(name))),
    ...credentialsOf(token, environment),
    ...{ GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' },
  }
  return async (args) => {
    try {
      const limits = { maxBuffer: OUTPUT_BYTES_MAX, timeout: FETCH_MS_MAX }
      // Where PATH names a folder by a relative way, or on Windows, a `git` of the head's would run in its work tree.
      return (await run('git', [...options, ...args], { ...limits, env, cwd: gitDir })).stdout
    } catch (cause) {
      if ((cause as { code?: unknown }).code === 'ENOENT') {
        throw new PolicyError('GIT_FAILED', 'cannot run git; install Git 2.38 or later', { cause })
      }
      const { stderr = '' } = cause as { stderr?: string }
      const said = stderr.trim().split('\n').at(-1) ?? ''
      throw failed(
        `git ${args[0]} failed: ${token === null ? said : said.replaceAll(token, '***')}`,
      )
    }
  }
}

const SETTINGS = [
  'core.hooksPath=/dev/null',
  'safe.directory=*', // A container's check-out belongs to another user.
  'gc.auto=0',
  'maintenance.auto=false',
]

/** Not our inputs, nor what would point Git at another repository. */
function isPassed(name: string): boolean {
  return !/^(?:INPUT_|GIT_|GITHUB_TOKEN$|ACTIONS_)/.test(name)
}

/**
 * The token for this server, as actions/checkout hands it to Git: in the environment, where no list of processes shows it.
 * The empty value first takes away one that the check-out left.
 */
function credentialsOf(
  token: string | null,
  environment: NodeJS.ProcessEnv,
): Readonly<Record<string, string>> {
  if (token === null) return {}
  const key = `http.${environment['GITHUB_SERVER_URL'] ?? 'https://github.com'}/.extraheader`
  const basic = Buffer.from(`x-access-token:${token}`).toString('base64')
  core.setSecret(basic)
  return {
    ...{ GIT_CONFIG_COUNT: '2', GIT_CONFIG_KEY_0: key, GIT_CONFIG_VALUE_0: '' },
    ...{ GIT_CONFIG_KEY_1: key, GIT_CONFIG_VALUE_1: `AUTHORIZATION: basic ${basic}` },
  }
}

function failed(what: string): PolicyError {
  const message = `${what}; the gate needs the whole history of the base and of the change`
  return new PolicyError('GIT_FAILED', message)
}
