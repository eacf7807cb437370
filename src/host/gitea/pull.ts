import { fromUtf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import type { Pull } from '../../model/ports.ts'
import { authorsOf, idAt, listAt, textAt, valueAt } from '../forge/answer.ts'
import { keep } from '../forge/keep.ts'
import {
  checkNumber,
  isOid,
  oidAt,
  requestOfBranch,
  requestOfPath,
  tampered,
} from '../forge/names.ts'
import type { GiteaAnswer } from './client.ts'
import type { Context, Head } from './context.ts'

/** A pull request as Gitea shows it, checked to be of this repository. */
export type Shown = Omit<Pull, 'baseSha' | 'requestText' | 'pushers'> & {
  /** From its branch's name. */
  readonly request: string
  /** Ids of the accounts that are asked for a review, or have given one: asking them again would be a new turn. */
  readonly asked: readonly string[]
}

/** @throws {PolicyError} REQUEST_UNKNOWN, REQUEST_TAMPERED when it is not of this repository or no request's */
export async function showPull(context: Context, number: number): Promise<Shown> {
  checkNumber(number)
  const answer = await context.client.ask(`GET /pulls/${number}`, { statuses: [404] })
  return readShown(context, await foundOf(context, number, answer))
}

/** What was answered of a pull request. @throws {PolicyError} REQUEST_UNKNOWN when there is none */
export async function foundOf(
  context: Context,
  number: number,
  answer: GiteaAnswer,
): Promise<unknown> {
  if (answer.done) return answer.value
  await context.repository() // Says so when it is the repository that cannot be seen.
  throw new PolicyError('REQUEST_UNKNOWN', `the forge has no pull request ${number}`)
}

/** @param value - a pull request, whole or from a list */
export async function readShown(context: Context, value: unknown): Promise<Shown> {
  const number = idAt(value, 'number')
  const repository = await context.repository()
  // A name can go to another repository, and a head can lie in a fork, where others push.
  for (const side of ['base', 'head']) {
    if (String(valueAt(value, [side, 'repo_id'])) === repository) continue
    throw tampered(`the ${side} of pull request ${number} is in another repository`)
  }
  const request = requestOfBranch(textAt(value, 'head', 'label'))
  if (request === null) throw tampered(`the branch of pull request ${number}`)
  const state = stateOf(value)
  const author = valueAt(value, ['user', 'id'])
  return {
    ...{ number, request, state, baseRef: textAt(value, 'base', 'ref') },
    headSha: state === 'open' ? oidAt(value, 'head', 'sha') : await lastHead(context, number),
    author: typeof author === 'number' && author > 0 ? String(author) : '',
    asked: usersAt(value, 'requested_reviewers'),
  }
}

function usersAt(value: unknown, name: string): string[] {
  const users = valueAt(value, [name])
  return Array.isArray(users) ? users.map((user) => String(valueAt(user, ['id']))) : []
}

function stateOf(value: unknown): Pull['state'] {
  if (textAt(value, 'state') === 'open') return 'open'
  return valueAt(value, ['merged']) === true ? 'merged' : 'closed'
}

/** The head that a pull request ended with: its branch may be gone, or made anew with something else in it. */
async function lastHead({ client }: Context, number: number): Promise<string> {
  const name = `pull/${number}/head`
  const refs = listAt(await client.get(`GET /git/refs/${name}`))
  const found = refs.find((one) => valueAt(one, ['ref']) === `refs/${name}`)
  return oidAt(found, 'object', 'sha')
}

export async function readPull(context: Context, number: number): Promise<Pull> {
  const { request, asked: _asked, ...shown } = await showPull(context, number)
  const head = await readHead(context, shown.headSha)
  if (head.request !== request) throw tampered(`pull request ${number} asks for another request`)
  return { ...shown, baseSha: head.parent, pushers: head.accounts, requestText: head.requestText }
}

/**
 * Reads a head commit. Gitea's own `base.sha` moves; the head's parent does not.
 *
 * Gitea's list of a commit's files leaves out a file that became a link or a submodule, so that list shows nothing: the
 * whole difference to the parent must be, to the letter, that of adding the request. It is asked for by the commit's
 * id where Gitea takes nothing else for it: elsewhere a branch that bears the id as its name goes first.
 *
 * @throws {PolicyError} REQUEST_TAMPERED when it is not one commit that adds one request's file
 */
export async function readHead(context: Context, sha: string): Promise<Head> {
  const known = context.heads.get(sha)
  if (known !== undefined) return known
  const { client, heads } = context
  const query = { stat: 'false', verification: 'false', files: 'false' }
  const commit = await client.get(`GET /git/commits/${sha}`, { query })
  const parents = listAt(commit, 'parents')
  const added = additionOf(await client.get(`GET /git/commits/${sha}.diff`, { raw: true }))
  if (textAt(commit, 'sha') !== sha || parents.length !== 1 || added === null) {
    throw tampered(`the commit ${sha} does more than add one request`)
  }
  const head: Head = {
    ...{ ...added, parent: oidAt(parents[0], 'sha'), accounts: authorsOf(commit).map(String) },
    message: textAt(commit, 'commit', 'message'),
    at: Date.parse(textAt(commit, 'commit', 'committer', 'date')) || 0,
  }
  keep(heads, HEADS_MAX, sha, head)
  return head
}

/** Heads kept in memory: a commit never changes. */
const HEADS_MAX = 1000

type Addition = Pick<Head, 'request' | 'requestText'>

/**
 * The request that a difference (`git diff`) adds as a new plain file; null when it does anything else, or when its
 * text is none that we write.
 */
function additionOf(bytes: unknown): Addition | null {
  let difference: string
  try {
    difference = fromUtf8(bytes as Uint8Array)
  } catch {
    return null
  }
  const [first = '', , index = '', , , hunk = '', ...body] = difference.split('\n')
  const path = /^diff --git a\/(\S+) b\//.exec(first)?.[1] ?? ''
  const request = requestOfPath(path)
  const size = /^@@ -0,0 \+1(?:,([0-9]+))? @@$/.exec(hunk)
  if (request === null || size === null || !/^index 0+\.\.[0-9a-f]+$/.test(index)) return null
  const lines = body.slice(0, Number(size[1] ?? 1)).map((line) => line.slice(1))
  const expected = [
    `diff --git a/${path} b/${path}`,
    'new file mode 100644',
    index,
    '--- /dev/null',
    `+++ b/${path}`,
    hunk,
    ...lines.map((line) => `+${line}`),
    '',
  ]
  if (difference !== expected.join('\n')) return null
  return { request, requestText: `${lines.join('\n')}\n` }
}

/**
 * Whether `ancestor` is reachable from the base branch. Gitea's comparison is not asked: there a branch that bears the
 * commit's id as its name would answer for it.
 */
export async function isOnBase(context: Context, ancestor: string): Promise<boolean> {
  if (!isOid(ancestor)) return false
  const tip = await readTip(context)
  const few = { limit: 1, stat: 'false', verification: 'false', files: 'false' }
  const asking = { query: { ...few, sha: ancestor, not: tip }, statuses: [404] }
  const answer = await context.client.ask('GET /commits', asking)
  if (!answer.done) {
    await context.repository()
    return false
  }
  // What it has that the base has not.
  return listAt(answer.value).length === 0 && answer.total === 0
}

/** The base branch's newest commit. @throws {PolicyError} GIT_FAILED when there is no such branch */
export async function readTip({ client, base, repository }: Context): Promise<string> {
  const route = `GET /branches/${encodeURIComponent(base)}`
  const answer = await client.ask(route, { statuses: [404] })
  if (answer.done) return oidAt(answer.value, 'commit', 'id')
  await repository()
  throw new PolicyError('GIT_FAILED', `the forge has no branch '${base}'; see forge.base`)
}
