import type { PullStatus } from '../../model/ports.ts'
import { keep } from './keep.ts'
import { plainLine } from './plain.ts'

/** What the status is called. A branch rule must not require it: who may set statuses could forge it. */
export const STATUS_CONTEXT = 'countersign/approval'

/** A commit status in the forge's words: it knows more states than ours. */
export type Words = { readonly state: string; readonly description: string }

/** A forge's commit statuses, for one commit. */
export type StatusCalls = {
  /** Ours as it stands; null when there is none, undefined when it may not be read. */
  read(): Promise<Words | null | undefined>
  /** @returns false when it may not be set */
  set(status: PullStatus): Promise<boolean>
}

/**
 * Shows where a request stands as a commit status: unlike a check run it may be set by tokens too. The same one is set
 * once, also after a restart. Credentials that may set none are no reason to fail.
 */
export function openStatusDisplay(): (
  headSha: string,
  status: PullStatus,
  calls: StatusCalls,
) => Promise<void> {
  const shown = new Map<string, string>()
  return async (sha, { state, description }, { read, set }) => {
    const status = { state, description: plainLine(description, DESCRIPTION_LENGTH_MAX - 1) }
    if (!shown.has(sha)) {
      const ours = await read()
      if (ours === undefined) return
      if (ours !== null) shown.set(sha, wordsOf(ours))
    }
    if (shown.get(sha) === wordsOf(status)) return
    if (await set(status)) keep(shown, SHOWN_MAX, sha, wordsOf(status))
  }
}

/** GitHub takes so many characters. */
const DESCRIPTION_LENGTH_MAX = 140
const SHOWN_MAX = 10_000

function wordsOf({ state, description }: Words): string {
  return JSON.stringify({ state, description })
}
