import { fromUtf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import type { PullClosing } from '../../model/ports.ts'
import { valueAt } from '../forge/answer.ts'
import { branchOf, folderOf, headDiffers } from '../forge/names.ts'
import { blobOid, outcomeMessage, reviewFiles } from '../forge/outcome.ts'
import type { CommitFile } from './commit.ts'
import { makeCommit, readTip, retry } from './commit.ts'
import type { Context, Head } from './context.ts'
import type { Shown } from './pull.ts'
import { readHead, readReviews, showPull } from './pull.ts'

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
    else
      await context.client.get('PATCH /pulls/{pull_number}', {
        ...numbered(number),
        state: 'closed',
      })
  }
  await commitOutcome(context, { shown, head, closing, message })
  const ref = `heads/${branchOf(shown.request)}`
  // Gone already, or kept by a rule of the repository: it has no effect any more.
  await context.client.ask('DELETE /git/refs/{ref}', { ref }, [403, 404, 409, 422])
}

function numbered(number: number): { pull_number: number } {
  return { pull_number: number }
}

async function merge(
  context: Context,
  { number, headSha }: Settling,
  message: string,
): Promise<void> {
  const [title = '', ...rest] = message.split('\n')
  let tries = 0
  await retry(context, async () => {
    const answer = await context.client.ask(
      'PUT /pulls/{pull_number}/merge',
      {
        ...{ ...numbered(number), sha: headSha, merge_method: 'merge' },
        ...{ commit_title: title, commit_message: rest.join('\n').trim() },
      },
      [405, 409, 422],
    )
    if (answer.done) return true
    // An answer that was lost, or another process: it may be merged by now.
    const now = await showPull(context, number)
    if (now.headSha !== headSha) throw headDiffers(number)
    if (now.state !== 'open') return true // Closed by hand, meanwhile: the outcome still goes to the base.
    tries += 1
    // GitHub says so too while it still works out whether it can.
    const passing = /base branch was modified|try the merge again|not mergeable/i
    if (tries < MERGE_TRIES_MAX && passing.test(answer.message)) return null
    throw new PolicyError(
      'FORGE_REFUSED',
      `GitHub does not merge pull request ${number} (${answer.status}: ${answer.message}); allow merge commits, and let the engine's account pass the rules of ${context.base}`,
    )
  })
}

const MERGE_TRIES_MAX = 10

type Outcome = {
  readonly shown: Shown
  readonly head: Head
  readonly closing: PullClosing
  readonly message: string
}

/** Puts the outcome on the base branch by compare-and-swap. One that is there, byte for byte, is left. */
async function commitOutcome(context: Context, outcome: Outcome): Promise<void> {
  const { client, base } = context
  const { shown, head, closing, message } = outcome
  const folder = folderOf(shown.request)
  const path = `${folder}/decision.json`
  const oid = blobOid(closing.receipt)
  let files: readonly CommitFile[] | null = null
  await retry(context, async () => {
    const tip = await readTip(context)
    const there = await client.ask('GET /contents/{path}', { path, ref: tip }, [404])
    // Who may push may have put another outcome there: ours goes on top.
    if (there.done && valueAt(there.value, ['sha']) === oid) return true
    files ??= [
      { path: `${folder}/request.json`, blob: head.blob },
      { path, text: fromUtf8(closing.receipt) },
      ...reviewFiles(folder, await readReviews(context, shown.number)),
    ]
    const sha = await makeCommit(client, tip, message, files)
    const parameters = { ref: `heads/${base}`, sha, force: false }
    const moved = await client.ask('PATCH /git/refs/{ref}', parameters, [409, 422])
    if (moved.done) return true
    if (/not a fast.?forward|but expected|cannot lock/i.test(moved.message)) return null
    throw new PolicyError(
      'FORGE_REFUSED',
      `GitHub does not take the outcome on ${base} (${moved.status}: ${moved.message}); let the engine's account pass its rules`,
    )
  })
}
