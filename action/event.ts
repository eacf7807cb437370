import { readFileSync } from 'node:fs'
import { PolicyError } from '../src/base/errors.ts'
import type { Inputs } from './inputs.ts'

/** What to judge. Branches are named without `refs/heads/`. */
export type Subject =
  | {
      readonly kind: 'pull'
      readonly number: number
      readonly baseRef: string
      readonly headSha: string
    }
  /** The head of a merge queue. */
  | {
      readonly kind: 'group'
      readonly baseRef: string
      readonly headRef: string
      readonly headSha: string
    }
  /** All pull requests that are open, or the one that is named. */
  | { readonly kind: 'open'; readonly number: number | null }
  /** Two revisions, without a pull request; `baseRef` is the branch that was pushed, or as the workflow names the base. */
  | {
      readonly kind: 'revisions'
      readonly base: string
      readonly head: string
      readonly baseRef: string
    }

/** A JSON object from the runner; whatever is read of it is checked. */
type Payload = Readonly<Record<string, unknown>>

/** Reads from the event what to judge. @throws {PolicyError} USAGE_INVALID for an event that names nothing to judge */
export function readSubject(inputs: Inputs, environment: NodeJS.ProcessEnv): Subject {
  const { base, head, pull, mode } = inputs
  if (base !== null && head !== null && pull === null) {
    const baseRef = base.replace(/^(?:refs\/remotes\/)?origin\//, '')
    return { kind: 'revisions', base, head, baseRef }
  }
  const name = environment['GITHUB_EVENT_NAME'] ?? ''
  const event = eventIn(environment['GITHUB_EVENT_PATH'])
  if (pull !== null) return { kind: 'open', number: pull }
  switch (name) {
    case 'pull_request':
    case 'pull_request_target':
    case 'pull_request_review':
      return pullOf(event)
    case 'merge_group':
      return groupOf(event)
    case 'push':
      // Where the base branch moves, every open change is one on another base.
      return mode === 'approvals' ? { kind: 'open', number: null } : pushOf(event)
    case 'schedule':
    case 'workflow_dispatch':
      return { kind: 'open', number: null }
    default:
      throw new PolicyError(
        'USAGE_INVALID',
        `the event '${name}' names nothing to judge; give base and head, or pull`,
      )
  }
}

/**
 * A release is judged by the commit that is checked out, which on a pull request is the one that brings the release: who
 * could say there what their release must show would judge themselves.
 *
 * @throws {PolicyError} USAGE_INVALID on an event of a change, unless `head` names another commit
 */
export function assertReleasable({ head }: Inputs, environment: NodeJS.ProcessEnv): void {
  const name = environment['GITHUB_EVENT_NAME'] ?? ''
  if (head !== null || !OF_CHANGES.includes(name)) return
  throw new PolicyError(
    'USAGE_INVALID',
    `on '${name}' what is checked out would judge itself; name in head the commit whose policy judges, such as origin/main`,
  )
}

const OF_CHANGES: readonly string[] = [
  'pull_request',
  'pull_request_target',
  'pull_request_review',
  'merge_group',
]

function eventIn(path: string | undefined): Payload {
  try {
    const event: unknown = JSON.parse(readFileSync(path ?? '', 'utf8'))
    if (isObject(event)) return event
  } catch (cause) {
    const message = 'the file that GITHUB_EVENT_PATH names holds no event'
    throw new PolicyError('USAGE_INVALID', message, { cause })
  }
  throw new PolicyError('USAGE_INVALID', 'the event is no object')
}

function pullOf(event: Payload): Subject {
  return {
    kind: 'pull',
    number: numberAt(event, 'pull_request', 'number'),
    baseRef: branchAt(event, 'pull_request', 'base', 'ref'),
    headSha: commitAt(event, 'pull_request', 'head', 'sha'),
  }
}

function groupOf(event: Payload): Subject {
  return {
    kind: 'group',
    baseRef: branchAt(event, 'merge_group', 'base_ref'),
    headRef: branchAt(event, 'merge_group', 'head_ref'),
    headSha: commitAt(event, 'merge_group', 'head_sha'),
  }
}

/** What a branch has become: against what it was, and against the default branch when it was not there. */
function pushOf(event: Payload): Subject {
  const before = commitAt(event, 'before')
  const head = commitAt(event, 'after')
  const ref = at(event, ['ref'])
  if (typeof ref !== 'string' || !ref.startsWith('refs/heads/') || NONE.test(head)) {
    const message = 'a tag, or a branch that is deleted, is nothing to judge; give base and head'
    throw new PolicyError('USAGE_INVALID', message)
  }
  const about = { kind: 'revisions', head, baseRef: branchAt(event, 'ref') } as const
  if (!NONE.test(before)) return { ...about, base: before }
  const name = branchAt(event, 'repository', 'default_branch')
  return { ...about, base: `refs/remotes/origin/${name}` }
}

/** What stands in the place of a commit that is not there. */
const NONE = /^0+$/

/** The default branch, as the event says it; null when it does not. */
export function readDefaultBranch(environment: NodeJS.ProcessEnv): string | null {
  const { GITHUB_EVENT_NAME: name, GITHUB_REF: ref = '', GITHUB_EVENT_PATH: path } = environment
  // Its event says nothing of the repository, and it runs for no other branch.
  if (name === 'schedule') return ref.replace(/^refs\/heads\//, '')
  try {
    return branchAt(eventIn(path), 'repository', 'default_branch')
  } catch {
    return null
  }
}

function at(event: Payload, path: readonly string[]): unknown {
  let value: unknown = event
  for (const key of path) {
    value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined
  }
  return value
}

function isObject(value: unknown): value is Payload {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function numberAt(event: Payload, ...path: string[]): number {
  const value = at(event, path)
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value
  throw absent(path)
}

function commitAt(event: Payload, ...path: string[]): string {
  const value = at(event, path)
  if (typeof value === 'string' && /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(value)) return value
  throw absent(path)
}

/** The characters that git-check-ref-format(1) forbids would make a refspec mean something else. */
function branchAt(event: Payload, ...path: string[]): string {
  const value = at(event, path)
  const name = typeof value === 'string' ? value.replace(/^refs\/heads\//, '') : ''
  const isSound = /^[^\p{Cc}\s:*?[\\^~-][^\p{Cc}\s:*?[\\^~]*$/u.test(name) && !name.includes('..')
  if (isSound) return name
  throw absent(path)
}

function absent(path: readonly string[]): PolicyError {
  return new PolicyError('USAGE_INVALID', `the event has no sound ${path.join('.')}`)
}
