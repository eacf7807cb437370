import { createHash } from 'node:crypto'
import { parseJsonBytes } from '../../base/json-parse.ts'
import type { Resolution } from '../../model/nouns.ts'
import type { ForgeReview, PullClosing } from '../../model/ports.ts'
import { textAt } from './answer.ts'
import { plainLine } from './plain.ts'

/** Git's id of these bytes as a file. */
export function blobOid(bytes: Uint8Array): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
}

/** What people decided, beside the decision; the newest where there are many. */
export function reviewFiles(
  folder: string,
  reviews: readonly ForgeReview[],
): { readonly path: string; readonly text: string }[] {
  return reviews
    .filter(({ state }) => state !== 'commented')
    .slice(-REVIEW_FILES_MAX)
    .flatMap(({ id, body, submittedAt, ...facts }) => {
      const { commit, poster, state } = facts
      const about = { commit, poster, state, submitted_at: new Date(submittedAt).toISOString() }
      return [
        { path: `${folder}/reviews/${id}.json`, text: `${JSON.stringify(about, null, 2)}\n` },
        { path: `${folder}/reviews/${id}.md`, text: body },
      ]
    })
}

const REVIEW_FILES_MAX = 100

/**
 * What `git log` says of it: ids, digests and names from the roster. Words that an agent or a reviewer chose stay out,
 * since forges notify people and close issues by what it finds in messages.
 */
export function outcomeMessage(
  head: { readonly request: string; readonly requestText: string },
  number: number,
  { decision, by }: PullClosing,
): string {
  const asked = parseJsonBytes(new TextEncoder().encode(head.requestText))
  const lines = [
    `${VERBS[decision]} ${head.request}`,
    '',
    `Decision: ${decision}`,
    ...by.map((name) => `Reviewed-by: ${harmless(name)}`),
    `Pull-request: ${number}`,
    `Policy: ${harmless(textAt(asked, 'policy'))}`,
    `Action-digest: ${harmless(textAt(asked, 'root'))}`,
    '',
  ]
  return lines.join('\n')
}

function harmless(text: string): string {
  return plainLine(text, 128).replaceAll(/[^\w.: -]/g, '_')
}

const VERBS: Readonly<Record<Resolution, string>> = {
  APPROVED: 'Approve',
  APPROVED_WITH_MODIFICATIONS: 'Approve with changes',
  REJECTED: 'Reject',
  EXPIRED: 'Expire',
}
