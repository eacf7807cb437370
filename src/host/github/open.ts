import { PolicyError } from '../../base/errors.ts'
import type { Request } from '../../model/generated/types.ts'
import type { PullOpening, PullText } from '../../model/ports.ts'
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
import { makeCommit, readTip, retry } from './commit.ts'
import type { Context } from './context.ts'
import { askReviews } from './people.ts'
import type { Shown } from './pull.ts'
import { readHead, readShown } from './pull.ts'

/**
 * Opens a request's pull request, or finishes what an earlier call began: a branch without a pull request, or a pull
 * request without reviewers or labels.
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
    await ensureBranch(context, request.id, wanted)
    return createPull(context, branch, opening)
  })
  if (shown.state === 'open') {
    await askReviews(context, shown, opening)
    await label(context, shown, request)
  }
  return shown.number
}

/** The oldest pull request of a branch, whatever became of it. */
async function findPull(context: Context, branch: string): Promise<Shown | null> {
  const { client, base } = context
  const parameters = { head: `${client.owner}:${branch}`, base, state: 'all', per_page: 100 }
  const order = { sort: 'created', direction: 'asc' }
  const values = listAt(await client.get('GET /pulls', { ...parameters, ...order }))
  for (const value of values) {
    // GitHub ignores a filter that it does not understand: each is looked at.
    if (valueAt(value, ['head', 'ref']) !== branch) continue
    const shown = await readShown(context, value)
    if (shown.baseRef === base) return shown
  }
  return null
}

/** Makes the branch with its one commit, unless it is there. */
async function ensureBranch(context: Context, id: string, wanted: string): Promise<void> {
  const { client } = context
  const branch = branchOf(id)
  const there = await client.ask('GET /git/ref/{ref}', { ref: `heads/${branch}` }, [404])
  if (there.done) return checkHead(context, oidAt(there.value, 'object', 'sha'), id, wanted)
  const file = { path: `${folderOf(id)}/request.json`, text: wanted }
  const sha = await makeCommit(client, await readTip(context), `Ask for ${id}\n`, [file])
  const made = await client.ask('POST /git/refs', { ref: `refs/heads/${branch}`, sha }, [422])
  if (made.done) return
  const taken = await client.ask('GET /git/ref/{ref}', { ref: `heads/${branch}` }, [404])
  if (!taken.done) throw refused(`the branch ${branch}`, made.message)
  await checkHead(context, oidAt(taken.value, 'object', 'sha'), id, wanted)
}

async function checkHead(context: Context, sha: string, id: string, wanted: string): Promise<void> {
  const head = await readHead(context, sha)
  if (head.request !== id || head.requestText !== wanted) {
    throw tampered(`the branch ${branchOf(id)} holds another request`)
  }
}

/** @returns null when another process was quicker */
async function createPull(
  context: Context,
  branch: string,
  { title, body }: PullText,
): Promise<Shown | null> {
  const { client, base } = context
  const made = await client.ask(
    'POST /pulls',
    {
      ...{ head: branch, base, maintainer_can_modify: false },
      title: cut(title, TITLE_LENGTH_MAX),
      body: cut(body, BODY_LENGTH_MAX),
    },
    [422],
  )
  if (made.done) return readShown(context, made.value)
  if (/already exists/i.test(made.message)) return null
  throw refused(`the pull request of ${branch}`, made.message)
}

/** Labels help people find it, and decide nothing: a token that may not set them is no reason to fail. */
async function label(context: Context, shown: Shown, request: Request): Promise<void> {
  const wanted = ['countersign', `priority: ${request.priority}`]
  const labels = wanted.filter((name) => !shown.labels.includes(name))
  if (labels.length === 0) return
  const parameters = { issue_number: shown.number, labels }
  await context.client.ask('POST /issues/{issue_number}/labels', parameters, [403, 404, 410, 422])
}

function refused(what: string, message: string): PolicyError {
  return new PolicyError('FORGE_REFUSED', `GitHub refuses ${what} (422: ${message})`)
}
