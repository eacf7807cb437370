import { fromUtf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import type { LoadedPolicy } from '../../decide/evaluate/index.ts'
import { loadPolicy } from '../../decide/evaluate/index.ts'
import { readLines } from '../../host/files.ts'
import type { Receipt } from '../../model/generated/types.ts'
import type { FlipReport } from '../../model/policy-diff.ts'
import type { Store } from '../../model/ports.ts'
import type { FlipCount } from '../../policy/analyse/flips.ts'
import { createFlipCount } from '../../policy/analyse/flips.ts'
import { parseSession, SESSION_LENGTH_MAX } from '../../policy/analyse/recorded-session.ts'
import type { Bundle } from '../../policy/bundle/index.ts'
import { openStoreForReading } from '../engine/open-engine.ts'
import { openDecision } from '../engine/record.ts'

/** Where recorded actions come from. Absolute paths. */
export type Recorded =
  | {
      /** Traces: one session of JSON a line. */
      readonly traces: readonly string[]
      /** Keeps the state from one session to the next. */
      readonly carry: boolean
      readonly onProgress?: (sessions: number) => void
    }
  | {
      /** An engine's folder: every decision that it has made, in order. */
      readonly data: string
      readonly onProgress?: (decisions: number) => void
    }

/**
 * Judges recorded actions by two policies, and counts what differs. Both start from empty state, at the first session or
 * decision, so that a rule with other limits counts from the start too.
 *
 * @throws {PolicyError} SESSION_INVALID, FILE_UNREADABLE, STORE_FAILED; what `loadPolicy` throws
 */
export async function countFlips(request: {
  readonly before: Bundle
  readonly after: Bundle
  readonly recorded: Recorded
  readonly examples: number
}): Promise<FlipReport> {
  const { before, after, recorded, examples } = request
  const policies: readonly [LoadedPolicy, LoadedPolicy] = [loadPolicy(before), loadPolicy(after)]
  const carry = 'data' in recorded || recorded.carry
  const count = createFlipCount(...policies, { carry, examples })
  if ('data' in recorded) await takeDecisions(recorded, count)
  else await takeTraces(recorded, count)
  return count.report()
}

async function takeTraces(
  { traces, onProgress }: Extract<Recorded, { traces: unknown }>,
  count: FlipCount,
): Promise<void> {
  let sessions = 0
  for (const file of traces) {
    for await (const { text, number } of readLines(file, SESSION_LENGTH_MAX)) {
      if (text.trim() === '') continue
      const place = { file, line: number }
      count.session(parseSession(text, place), place)
      sessions += 1
      onProgress?.(sessions)
    }
  }
}

const PAGE = 1_000

async function takeDecisions(
  { data, onProgress }: Extract<Recorded, { data: string }>,
  count: FlipCount,
): Promise<void> {
  const store = openStoreForReading(data)
  try {
    for (let from = 0; ; from += PAGE) {
      const page = await store.receipts(from, PAGE)
      if (page.length === 0) return
      for (const [at, bytes] of page.entries()) {
        const decision = verdictId(JSON.parse(fromUtf8(bytes)) as Receipt)
        if (decision !== null)
          await takeDecision(store, count, { file: data, index: from + at, decision })
      }
      onProgress?.(from + page.length)
    }
  } finally {
    await store.close()
  }
}

/** The decision that a receipt says a verdict of; null for how a request ended, and for the log's first entry. */
function verdictId({ predicate }: Receipt): string | null {
  return 'stage' in predicate && predicate.stage === 'verdict' ? predicate.id : null
}

async function takeDecision(
  store: Store,
  count: FlipCount,
  where: { readonly file: string; readonly index: number; readonly decision: string },
): Promise<void> {
  try {
    const { inputs } = await openDecision(store, where.decision)
    count.decision({ action: inputs.action, now: inputs.now, ...where })
  } catch (error) {
    if (!(error instanceof PolicyError) || error.code !== 'STORE_KEY_MISMATCH') throw error
    count.erased() // Its subject's key was shredded: what was asked is known to nobody.
  }
}
