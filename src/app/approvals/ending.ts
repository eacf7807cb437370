import { encodeHex } from '../../base/encoding.ts'
import { PolicyError } from '../../base/errors.ts'
import type { ResolutionBatch } from '../../model/generated/types.ts'
import type { StateSlice } from '../../model/nouns.ts'
import type { RequestRecord, ResolutionRecord, StoreTransaction } from '../../model/ports.ts'
import type { Tally } from '../../trust/approve/tally.ts'
import {
  conclude,
  cutShort,
  type Ending,
  isApproval,
  resolutionPredicate,
  unproven,
} from '../engine/conclude.ts'
import { writeDecision } from '../engine/decide.ts'
import { isInEscrow, settleAsked } from '../engine/escrow.ts'
import type { Parts } from '../engine/parts.ts'
import { type Beside, newId, type OpenedDecision, recommit, record } from '../engine/record.ts'
import { principalsOf } from '../engine/request.ts'
import { giveBack } from '../engine/reservations.ts'
import { keptOf, type Tallied } from '../engine/tallied.ts'
import { changeAndMint, keepTokens, unopenedToken } from '../engine/tokens.ts'
import { undoOf } from '../engine/undo.ts'
import { isUnreceivable } from '../engine/verdict.ts'
import { isGlass, type ReviewPlace } from './look.ts'
import { askToRatify } from './ratify.ts'

/** What ends a request: the reviews of it, or of the batch that it is in. */
export type Deciding = {
  readonly counted: Tally
  /** Null when time ended it, and the forge did not show it: then nobody has reviewed it. */
  readonly place: ReviewPlace | null
  readonly opened: RequestRecord
  readonly held: OpenedDecision
  /** The batch that the reviews are of. */
  readonly batch: ResolutionBatch | null
  /** @throws {PolicyError} FORGE_CONFLICT (retryable) when people have done something since, or the policy is another */
  readonly confirm: () => void
  readonly tallied: Tallied
}

/** Consumes the nonce and writes the resolution's receipt; nothing happens when another process was faster. */
export async function end(tx: StoreTransaction, parts: Parts, seen: Deciding): Promise<void> {
  const { request } = seen.opened
  const current = await tx.request(request.id)
  if (current === null || current.resolution !== null) return
  const now = parts.clock()
  // Whatever comes of it, the attempt itself is over; what an approval sets aside is counted from now on.
  if (request.ratifies === undefined) await giveBack(tx, seen.held.inputs)
  const { ending, state, unopened } = await concludeInTransaction(tx, parts, seen, now)
  seen.confirm()
  const beside: Beside = {
    ending: { ...keptOf(seen.tallied), ...(state === null ? {} : { state }) },
    ...(unopened === null ? {} : { unopened: { code: unopened.code, message: unopened.message } }),
  }
  try {
    await writeEnding(tx, parts, seen, { ending, now, beside })
  } catch (error) {
    if (!isUnreceivable(error)) throw error
    const cut = { ending: cutShort(ending, error), now, beside }
    await writeEnding(tx, parts, { ...seen, counted: unproven(seen.counted) }, cut)
  }
}

/** How it ends, and what the store was asked for that. */
async function concludeInTransaction(
  tx: StoreTransaction,
  parts: Parts,
  { opened: { request }, counted, held }: Deciding,
  now: number,
) {
  const asked: { state: StateSlice | null; unopened: PolicyError | null } = {
    state: null,
    unopened: null,
  }
  const ending = await conclude(
    parts.judge,
    { request, counted, held, now },
    {
      readState: async (keys) => {
        asked.state = await tx.readState(keys)
        return asked.state
      },
      askAnew: async (made) => {
        if (await isInEscrow(tx, request)) return null
        const undo = undoOf(held)
        const anew = await writeDecision(tx, parts, { ...made, ...(undo === null ? {} : { undo }) })
        return anew.request?.id ?? null
      },
      unopened: async (action, obligations) => {
        asked.unopened = await unopenedToken(tx, parts, action, obligations)
        return asked.unopened
      },
    },
  )
  return { ending, ...asked }
}

async function writeEnding(
  tx: StoreTransaction,
  parts: Parts,
  seen: Deciding,
  { ending, now, beside }: { readonly ending: Ending; readonly now: number; beside: Beside },
): Promise<void> {
  const { opened, counted, held } = seen
  const { request } = opened
  const id = newId(parts, 'dec')
  const original = recommit(held.inputs)
  const ran = ending.patch?.committed ?? original
  const action = {
    ...held.inputs.action,
    ...(ending.patch === null ? {} : { payload: ending.patch.payload }),
  }
  const { index } = await record(tx, parts, {
    id,
    root: original.root,
    predicate: resolutionPredicate(parts, seen, {
      ...{ ending, now, remains: original.remains },
      undoes: held.predicate.undoes,
    }),
    inputs: {
      action,
      seed: encodeHex(ran.seed),
      hidden: ran.hidden,
      state: {},
      now,
      ...(ending.evaluation.reserved === undefined ? {} : { reserved: ending.evaluation.reserved }),
      beside,
    },
  })
  await tx.writeState(ending.evaluation.state)
  if (ending.decision === 'APPROVED' || ending.decision === 'APPROVED_WITH_MODIFICATIONS') {
    const { tokens } = changeAndMint(parts, action, ending.evaluation.obligations)
    await keepTokens(tx, parts, action, tokens)
  }
  const resolution: ResolutionRecord = {
    decision: ending.decision,
    reason: ending.reason,
    next: ending.next,
    resolvedAt: now,
    by: [...counted.by].sort(),
    record: id,
    receiptIndex: index,
  }
  if (!(await tx.resolve(request.id, resolution))) {
    throw new PolicyError('REQUEST_RESOLVED', `${request.id} was resolved by another process`)
  }
  await settleAsked(tx, parts, { request: request.id, decision: ending.decision, index, now })
  if (!isApproval(ending.decision) || counted.glass.length === 0) return
  const breakers = counted.counted.flatMap((review) => (isGlass(review) ? [review.reviewer] : []))
  const by = [...breakers, ...principalsOf(parts, held.inputs.action)]
  const broken = { routes: counted.glass, by, decision: id, index, now }
  await askToRatify(tx, parts, request, broken)
}
