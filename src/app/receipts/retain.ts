import { parseDuration } from '../../base/duration.ts'
import { RETENTION_EVERY_MS } from '../../base/limits.ts'
import type { ErasureTarget } from '../../model/erasing.ts'
import type { RetentionReport } from '../../model/erasure-report.ts'
import type { CompiledPolicy } from '../../model/generated/types.ts'
import type { Parts } from '../engine/parts.ts'
import { isoTime } from '../engine/record.ts'
import { type ErasingPlace, isNothing, writeErasure } from './erasing.ts'

/**
 * Deletes clear values that were kept as long as the policy says, in rounds, each with its receipt. What a request that
 * waits needs stays until it has ended.
 *
 * @param about.rewrite - whether to write the store anew afterwards, which takes the longer the larger it is
 * @throws {PolicyError} STORE_FAILED (retryable)
 */
export async function retain(
  place: ErasingPlace,
  terms: CompiledPolicy['retention'],
  about: { readonly now: number; readonly dryRun: boolean; readonly rewrite: boolean },
): Promise<RetentionReport> {
  const { now, dryRun, rewrite } = about
  const target = targetOf(terms, now)
  const { inputsBefore, tokensBefore } = target
  const rounds: RetentionReport['rounds'][number][] = []
  if (dryRun) {
    const found = await place.store.transact((tx) => tx.erasable(target))
    const { decisions, through, tokens } = found
    if (!isNothing(found)) rounds.push({ decisions, through, tokens, receipt: null })
  } else if (inputsBefore !== null || tokensBefore !== null) {
    for (;;) {
      const said = { reason: REASON, now, rewrite }
      const made = await place.run((tx) => writeErasure(tx, place, target, said))
      if (made === null) break
      const { id, index, decisions, through, tokens } = made
      rounds.push({ decisions, through, tokens, receipt: { id, index } })
    }
  }
  if (!dryRun) await place.store.scrub()
  const timeOf = (ms: number | null) => (ms === null ? null : isoTime(ms))
  return {
    status: dryRun ? 'would-erase' : 'erased',
    ...{ inputs_before: timeOf(inputsBefore), tokens_before: timeOf(tokensBefore) },
    rounds,
  }
}

const REASON = 'kept as long as the policy says'

/** An engine's own round, now and every hour. @returns what stops it, once a round that is under way has ended */
export function retainRegularly(parts: Parts): () => Promise<void> {
  const place: ErasingPlace = {
    store: parts.store,
    run: (unit) => parts.batcher.run(unit),
    origin: parts.signer.origin,
    entropy: parts.entropy,
  }
  let working: Promise<void> | null = null
  const round = async (): Promise<void> => {
    try {
      const { retention } = parts.judge.bundle.policy
      await retain(place, retention, { now: parts.clock(), dryRun: false, rewrite: false })
    } catch {
      // Such as while another process uses the store, or the disk is full. Nobody waits for this, so it must not end the
      // agent's process; the next round tries again, and `receipts retain` says what is wrong.
    } finally {
      working = null
    }
  }
  const begin = () => {
    working ??= round()
  }
  begin()
  const timer = setInterval(begin, RETENTION_EVERY_MS)
  timer.unref()
  return async () => {
    clearInterval(timer)
    await working
  }
}

function targetOf(
  terms: CompiledPolicy['retention'],
  now: number,
): Extract<ErasureTarget, { scope: 'retention' }> {
  const before = (text: string | null | undefined) =>
    text == null ? null : now - parseDuration(text)
  return {
    scope: 'retention',
    inputsBefore: before(terms?.inputs),
    tokensBefore: before(terms?.tokens),
  }
}
