import { setTimeout as sleep } from 'node:timers/promises'
import { PolicyError } from '../../base/errors.ts'
import type { Request } from '../../model/generated/types.ts'
import type { PullOpening } from '../../model/ports.ts'
import { listAt, valueAt } from '../forge/answer.ts'
import {
  BODY_LENGTH_MAX,
  branchOf,
  cut,
  folderOf,
  oidAt,
  prettyJson,
  TITLE_LENGTH_MAX,
  tampered,
} from '../forge/names.ts'
import type { Context, Head } from './context.ts'
import { isOvertaken, retry } from './context.ts'
import { askReviews } from './people.ts'
import type { Shown } from './pull.ts'
import { readHead, readShown, readTip } from './pull.ts'

/**
 * Opens a request's pull request, or finishes what an earlier call began: a branch without a pull request, or a pull
 * request that nobody was asked to review.
 */
export async function openPull(
  context: Context,
  request: Request,
  opening: PullOpening,
): Promise<number> {
  const wanted = prettyJson(request)
  const branch = branchOf(request.id)
  const shown = await retry(context, async () => {
    const found = await findPull(context, branch)
    if (found !== null) {
      // Who may push could have been first, with another request under this id.
      await checkHead(context, found.headSha, request.id, wanted)
      return found
    }
    const head = await ensureBranch(context, request.id, wanted)
    if (head === null) return null
    const ours = head.message.includes(context.mark)
    const other = ours ? null : await awaitOther(context, branch, head)
    if (other === null) return createPull(context, branch, opening)
    await checkHead(context, other.headSha, request.id, wanted)
    return other
  })
  if (shown.state === 'open') await askReviews(context, shown, opening.reviewers)
  return shown.number
}

/** The pull request of a branch, whatever became of it. */
async function findPull(context: Context, branch: string): Promise<Shown | null> {
  const { client, base } = context
  const route = `GET /pulls/${encodeURIComponent(base)}/${encodeURIComponent(branch)}`
  const answer = await client.ask(route, { statuses: [404] })
  return answer.done ? readShown(context, answer.value) : null
}

/** Makes the branch with its one commit, unless it is there. @returns its head; null when it must be looked at again */
async function ensureBranch(context: Context, id: string, wanted: string): Promise<Head | null> {
  const { client, base } = context
  const branch = branchOf(id)
  const route = `GET /branches/${encodeURIComponent(branch)}`
  const there = await client.ask(route, { statuses: [404] })
  if (there.done) return checkHead(context, oidAt(there.value, 'commit', 'id'), id, wanted)
  const path = `${folderOf(id)}/request.json`
  const content = Buffer.from(wanted).toString('base64')
  const made = await client.ask('POST /contents', {
    body: {
      ...{ branch: base, new_branch: branch },
      // Two that make it at once make two commits, of which Git takes one.
      message: `Ask for ${id}\n\nOpened-by: ${context.mark}\n`,
      files: [{ operation: 'create', path, content }],
    },
    statuses: [403, 404, 409, 422, 500],
  })
  if (made.done) return checkHead(context, oidAt(made.value, 'commit', 'sha'), id, wanted)
  const taken = await client.ask(route, { statuses: [404] })
  if (taken.done) return checkHead(context, oidAt(taken.value, 'commit', 'id'), id, wanted)
  if (isOvertaken(made)) {
    await dropUnlisted(context, branch)
    return null
  }
  await readTip(context) // Says so when it is the base that is missing.
  throw refused(`the branch ${branch}`, made.status, made.message)
}

/**
 * Takes away a branch that a server made in Git and died before it knew of it: it lists no such branch, and makes none of
 * that name. One that is younger than a call takes at most may be another process's.
 */
async function dropUnlisted(context: Context, branch: string): Promise<void> {
  const { client } = context
  const path = `heads/${branch}`.split('/').map(encodeURIComponent).join('/')
  const answer = await client.ask(`GET /git/refs/${path}`, { statuses: [404] })
  if (!answer.done) return
  const isIt = (one: unknown) => valueAt(one, ['ref']) === `refs/heads/${branch}`
  const found = listAt(answer.value).find(isIt)
  if (found === undefined) return
  const head = await readHead(context, oidAt(found, 'object', 'sha'))
  if (answer.at - head.at <= client.timeoutMs) return
  const route = `GET /branches/${encodeURIComponent(branch)}`
  if ((await client.ask(route, { statuses: [404] })).done) return
  await client.ask(`DELETE /branches/${encodeURIComponent(branch)}`, { statuses: [403, 404] })
}

async function checkHead(context: Context, sha: string, id: string, wanted: string): Promise<Head> {
  const head = await readHead(context, sha)
  if (head.request === id && head.requestText === wanted) return head
  throw tampered(`the branch ${branchOf(id)} holds another request`)
}

/**
 * Gitea makes two pull requests of one branch when it is asked for them at the same moment, so who made the branch
 * makes the pull request, and others wait for it. Once the commit is older than a call takes at most, its maker is taken
 * to have died in between.
 *
 * @returns null when none came
 */
async function awaitOther(context: Context, branch: string, head: Head): Promise<Shown | null> {
  const { timeoutMs } = context.client
  for (let waitedMs = 0; waitedMs <= timeoutMs; waitedMs += OTHERS_LOOK_MS) {
    const found = await findPull(context, branch)
    if (found !== null) return found
    const answer = await context.client.ask('GET ')
    if (answer.done && answer.at - head.at > timeoutMs) return null
    await sleep(OTHERS_LOOK_MS)
  }
  return null
}

const OTHERS_LOOK_MS = 250

/** @returns null when another process was quicker */
async function createPull(
  context: Context,
  branch: string,
  { title, body }: PullOpening,
): Promise<Shown | null> {
  const { client, base } = context
  const made = await client.ask('POST /pulls', {
    body: {
      ...{ head: branch, base, allow_maintainer_edit: false },
      title: cut(title, TITLE_LENGTH_MAX - 1),
      body: cut(body, BODY_LENGTH_MAX),
    },
    statuses: [409, 422, 500],
  })
  if (!made.done && (made.status === 409 || made.status === 500)) return null
  if (!made.done) throw refused(`the pull request of ${branch}`, made.status, made.message)
  const shown = await readShown(context, made.value)
  const first = await findPull(context, branch)
  if (first === null || first.number >= shown.number) return shown
  await client.ask(`PATCH /pulls/${shown.number}`, { body: { state: 'closed' } })
  return first
}

function refused(what: string, status: number, message: string): PolicyError {
  return new PolicyError('FORGE_REFUSED', `Gitea refuses ${what} (${status}: ${message})`)
}
