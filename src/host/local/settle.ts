import type { Resolution } from '../../model/nouns.ts'
import type { PullClosing } from '../../model/ports.ts'
import { folderOf, headDiffers, prettyJson } from '../forge/names.ts'
import { plainLine } from '../forge/plain.ts'
import type { LocalForgeOptions } from '../forge-local.ts'
import type { Git, GitObject, NewCommit, NewFile, RefChange } from '../git.ts'
import {
  baseMissing,
  branchRef,
  headRef,
  metaRef,
  parseMeta,
  parseObject,
  pullUnknown,
  tampered,
} from './meta.ts'
import { retry } from './retry.ts'
import { field, toolOf } from './words.ts'

type Settling = {
  readonly number: number
  readonly headSha: string
  readonly closing: PullClosing
}

/** Ends a pull request, all refs at once. */
export async function settle(
  { base, now }: Pick<LocalForgeOptions, 'base' | 'now'>,
  git: Git,
  { number, headSha, closing }: Settling,
): Promise<void> {
  await retry(async () => {
    const [head, commit, metaJson, folder, tip] = await git.read([
      `${headRef(number)}^{commit}`,
      `${metaRef(number)}^{commit}`,
      `${metaRef(number)}:pull.json`,
      `${metaRef(number)}:reviews`,
      `refs/heads/${base}^{commit}`,
    ])
    if (head == null || commit == null || metaJson == null) throw pullUnknown(number)
    if (tip == null) throw baseMissing(base)
    if (head.oid !== headSha) throw headDiffers(number)
    const meta = parseMeta(metaJson, number)
    const path = folderOf(meta.request)
    const [outcome, request, branch] = await git.read([
      `${tip.oid}:${path}/decision.json`,
      `${head.oid}:${path}/request.json`,
      `${branchRef(meta.request)}^{commit}`,
    ])
    if (request == null) throw tampered(`${headRef(number)} has no request.json`)
    const merged = closing.decision.startsWith('APPROVED')
    const at = now()
    const commits: NewCommit[] = []
    const moved: { ref: string; from: string }[] = []
    // Who may write to the repository may have put another outcome there: ours goes on top.
    if (outcome == null || !outcome.content.equals(closing.receipt)) {
      const files: Record<string, NewFile> = {
        [`${path}/request.json`]: { blob: request.oid },
        [`${path}/decision.json`]: closing.receipt,
        ...(folder == null ? {} : { [`${path}/reviews`]: { tree: folder.oid } }),
      }
      const parents = merged ? [tip.oid, head.oid] : [tip.oid]
      commits.push({ parents, message: outcomeMessage(request, number, closing), at, files })
      moved.push({ ref: `refs/heads/${base}`, from: tip.oid })
    }
    if (meta.state === 'open') {
      const files = { 'pull.json': prettyJson({ ...meta, state: merged ? 'merged' : 'closed' }) }
      const message = `Close pull request ${number}: ${closing.decision}\n`
      commits.push({ parents: [commit.oid], message, at, files })
      moved.push({ ref: metaRef(number), from: commit.oid })
    }
    const written = commits.length === 0 ? [] : await git.commit(commits)
    const changes: RefChange[] = moved.map((move, i) => ({ ...move, to: written[i] ?? '' }))
    if (branch != null) {
      changes.push({ ref: branchRef(meta.request), from: branch.oid, to: null })
    }
    return changes.length === 0 || (await git.changeRefs(changes)) || null
  })
}

/** What `git log` says of it. */
function outcomeMessage(request: GitObject, number: number, closing: PullClosing): string {
  const { decision, reason, by } = closing
  const asked = parseObject(request)
  const lines = [
    `${VERBS[decision]} ${field(asked, 'id')}: ${toolOf(asked)}`,
    '',
    plainLine(reason, 1000),
    '',
    `Decision: ${decision}`,
    ...by.map((name) => `Reviewed-by: ${plainLine(name, 128)}`),
    `Pull-request: ${number}`,
    `Policy: ${field(asked, 'policy')}`,
    `Action-digest: ${field(asked, 'root')}`,
    '',
  ]
  return lines.join('\n')
}

const VERBS: Readonly<Record<Resolution, string>> = {
  APPROVED: 'Approve',
  APPROVED_WITH_MODIFICATIONS: 'Approve with changes',
  REJECTED: 'Reject',
  EXPIRED: 'Expire',
}
