import { setTimeout as sleep } from 'node:timers/promises'
import { PolicyError } from '../../base/errors.ts'
import type { PullClosing } from '../../model/ports.ts'
import { valueAt } from '../forge/answer.ts'
import { branchOf, folderOf, headDiffers } from '../forge/names.ts'
import { blobOid, outcomeMessage, reviewFiles } from '../forge/outcome.ts'
import type { Context, Head } from './context.ts'
import { isOvertaken, retry } from './context.ts'
import type { Shown } from './pull.ts'
import { readHead, readTip, showPull } from './pull.ts'
import { readReviews } from './reviews.ts'

type Settling = {
  readonly number: number
  readonly headSha: string
  readonly closing: PullClosing
}

/**
 * Ends a pull request: merge or close, then the outcome on the base branch, then the branch goes. Each step looks first,
 * so that a second call finishes what a crash left.
 */
export async function settlePull(context: Context, settling: Settling): Promise<void> {
  const { number, headSha, closing } = settling
  const shown = await showPull(context, number)
  if (shown.headSha !== headSha) throw headDiffers(number)
  const head = await readHead(context, headSha)
  const message = outcomeMessage(head, number, closing)
  if (shown.state === 'open') {
    if (closing.decision.startsWith('APPROVED')) await merge(context, settling, message)
    else await close(context, number)
  }
  await commitOutcome(context, { shown, head, closing, message })
  const branch = encodeURIComponent(branchOf(shown.request))
  // Gone already, or kept by a rule of the repository: it has no effect any more.
  await context.client.ask(`DELETE /branches/${branch}`, { statuses: [403, 404, 409, 422] })
}

async function close(context: Context, number: number): Promise<void> {
  const asking = { body: { state: 'closed' }, statuses: [409, 412, 422] }
  const answer = await context.client.ask(`PATCH /pulls/${number}`, asking)
  if (answer.done || (await showPull(context, number)).state !== 'open') return
  throw new PolicyError(
    'FORGE_REFUSED',
    `Gitea does not close pull request ${number} (${answer.status}: ${answer.message})`,
  )
}

async function merge(
  context: Context,
  { number, headSha }: Settling,
  message: string,
): Promise<void> {
  const [title = '', ...rest] = message.split('\n')
  const body = {
    ...{ Do: 'merge', head_commit_id: headSha },
    ...{ MergeTitleField: title, MergeMessageField: rest.join('\n').trim() },
  }
  const asking = { body, statuses: [404, 405, 409, 422, 500] }
  const until = performance.now() + context.client.mergeMs
  for (;;) {
    const answer = await context.client.ask(`POST /pulls/${number}/merge`, asking)
    if (answer.done) return
    // An answer that was lost, or another process: it may be merged by now.
    const now = await showPull(context, number)
    if (now.headSha !== headSha) throw headDiffers(number)
    if (now.state !== 'open') return // Closed by hand, meanwhile: the outcome still goes to the base.
    // Gitea says so of a conflict too, and while it still works out whether there is one: after the base has moved, it
    // looks at every open pull request again, one after another.
    const passing = isOvertaken(answer) || /try again|^$/i.test(answer.message)
    if (!passing || performance.now() > until) {
      throw new PolicyError(
        'FORGE_REFUSED',
        `Gitea does not merge pull request ${number} (${answer.status}: ${answer.message}); allow merge commits, and let the engine's account pass the rules of ${context.base}`,
      )
    }
    await sleep(MERGE_PAUSE_MS * (0.5 + Math.random()))
  }
}

const MERGE_PAUSE_MS = 300

type Outcome = {
  readonly shown: Shown
  readonly head: Head
  readonly closing: PullClosing
  readonly message: string
}

/**
 * Puts the outcome on the base branch. One that is there, byte for byte, is left. Gitea commits on the tip and pushes
 * that, so whoever else pushes meanwhile wins and this is tried again on top.
 */
async function commitOutcome(context: Context, outcome: Outcome): Promise<void> {
  const { client, base } = context
  const { shown, head, closing, message } = outcome
  const folder = folderOf(shown.request)
  const path = `${folder}/decision.json`
  const oid = blobOid(closing.receipt)
  let files: readonly object[] | null = null
  await retry(context, async () => {
    const asking = { query: { ref: base }, statuses: [404] }
    const there = await client.ask(`GET /contents/${path}`, asking)
    // Who may push may have put another outcome there: ours goes on top.
    if (there.done && valueAt(there.value, ['sha']) === oid) return true
    files ??= [
      { path: `${folder}/request.json`, text: head.requestText },
      { path, text: closing.receipt },
      ...reviewFiles(folder, await readReviews(context, shown.number)),
    ].map((file) => ({
      ...{ operation: 'upload', path: file.path },
      content: Buffer.from(file.text).toString('base64'),
    }))
    const made = await client.ask('POST /contents', {
      body: { branch: base, message, files },
      statuses: [403, 404, 409, 422, 500],
    })
    if (made.done) return true
    if (isOvertaken(made)) return null
    await readTip(context) // Says so when it is the base that is missing.
    throw new PolicyError(
      'FORGE_REFUSED',
      `Gitea does not take the outcome on ${base} (${made.status}: ${made.message}); let the engine's account pass its rules`,
    )
  })
}
