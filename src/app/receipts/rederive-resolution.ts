import { encodeHex } from '../../base/encoding.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JsonChange } from '../../base/json-changes.ts'
import type { RequestRecord } from '../../model/ports.ts'
import { standingRequest } from '../../trust/approve/routes.ts'
import { type Tally, tally } from '../../trust/approve/tally.ts'
import { decisionReceipt } from '../../trust/receipt/index.ts'
import type { ReviewPlace } from '../approvals/look.ts'
import { listedAs } from '../approvals/members.ts'
import {
  conclude,
  cutShort,
  type Ending,
  type EndingFacts,
  resolutionPredicate,
  unproven,
} from '../engine/conclude.ts'
import type { Judge } from '../engine/judge.ts'
import {
  type Inputs,
  type OpenedDecision,
  type Predicate,
  recommit,
  subjectOf,
} from '../engine/record.ts'
import { talliedOf } from '../engine/tallied.ts'
import { isUnreceivable } from '../engine/verdict.ts'
import {
  NOT_KEPT,
  type Placed,
  type Rederived,
  type Scene,
  sealedChange,
  stateAsked,
  TIMED_OUT,
} from './rederive-verdict.ts'

/** What a resolution was made of. */
export type Resolved = {
  readonly record: RequestRecord
  /** Of a request in a batch: the batch. */
  readonly batch: RequestRecord | null
  readonly opened: OpenedDecision
  /** The decision that people were asked about. */
  readonly held: OpenedDecision
}

/**
 * Derives a resolution's predicate again: the tally of its reviews against the roster and the routes of the bundle that
 * resolved it, and the evaluation under that bundle.
 */
export async function rederiveResolution(
  scene: Scene,
  { predicate: given }: Placed,
  resolved: Resolved,
  judge: Judge,
): Promise<Rederived> {
  const { record, batch, opened, held } = resolved
  const { inputs, stored } = opened
  const kept = inputs.beside?.ending
  if (kept === undefined) return NOT_KEPT
  const { policy } = judge.bundle
  const tallied = talliedOf(kept)
  const request = standingRequest((batch ?? record).request, policy, tallied.now)
  const counted = tally({ request, people: policy.people, ...tallied })
  const unasked: JsonChange[] = []
  let ending: Ending
  try {
    const facts = factsOf(inputs, record, unasked)
    ending = await conclude(
      judge,
      { request: record.request, counted, held, now: inputs.now },
      facts,
    )
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    if (error.code === 'ENGINE_TIMEOUT') return TIMED_OUT
    // The engine would have ended nothing then.
    return { predicate: given, beside: [{ pointer: '/decision', before: given.decision }] }
  }
  const place = (given.resolution?.pull ?? null) as ReviewPlace | null
  const seen = { opened: record, place, batch: batch === null ? null : listedAs(batch, record) }
  const made = predicateAgain(scene, judge, { ...seen, counted, ending, resolved })
  const { subject } = stored.inputs
  const isOfSubject = subjectOf({ evidenceKey: scene.evidenceKey }, inputs.action) === subject
  return {
    predicate: made.predicate,
    beside: [
      ...(isOfSubject ? [] : [{ pointer: '/inputs/subject' }]),
      ...unasked,
      ...placeChanges(place, (batch ?? record).pull),
      ...sealedChanges(inputs, held.inputs, made.ending),
    ],
  }
}

/** What the store answered then. */
function factsOf(
  inputs: Inputs,
  { resolution }: RequestRecord,
  unasked: JsonChange[],
): EndingFacts {
  const state = inputs.beside?.ending?.state
  const unopened = inputs.beside?.unopened
  return {
    readState: async (keys) => {
      const asked = stateAsked(state ?? {}, keys)
      const others = Object.keys(state ?? {}).filter((key) => !Object.hasOwn(asked, key))
      if (state === undefined || others.length > 0) unasked.push({ pointer: '/inputs/state' })
      return asked
    },
    askAnew: async () => resolution?.next ?? null,
    unopened: async () =>
      unopened === undefined ? null : new PolicyError(unopened.code, unopened.message),
  }
}

type Seen = Omit<Parameters<typeof resolutionPredicate>[1], 'counted'> & {
  readonly counted: Tally
  readonly ending: Ending
  readonly resolved: Resolved
}

/** The predicate, and the ending that it says: another where no receipt can hold the first. */
function predicateAgain(
  { origin }: Scene,
  judge: Judge,
  { ending, resolved, ...seen }: Seen,
): { readonly predicate: Predicate; readonly ending: Ending } {
  const parts = { judge, signer: { origin } }
  const { remains } = recommit(resolved.held.inputs)
  const { now } = resolved.opened.inputs
  const { undoes } = resolved.held.predicate
  const predicate = resolutionPredicate(parts, seen, { ending, now, remains, undoes })
  try {
    decisionReceipt(predicate)
    return { predicate, ending }
  } catch (error) {
    if (!isUnreceivable(error)) throw error
    const cut = { ending: cutShort(ending, error), now, remains, undoes }
    const unsaid = { ...seen, counted: unproven(seen.counted) }
    return { predicate: resolutionPredicate(parts, unsaid, cut), ending: cut.ending }
  }
}

function placeChanges(place: ReviewPlace | null, pull: number | null): JsonChange[] {
  if (place === null || place.number === pull) return []
  return [{ pointer: '/resolution/pull/number', before: place.number, after: pull }]
}

/** What runs is sealed with the resolution: the action as people left it, and what it sets aside. */
function sealedChanges(
  { action, seed, hidden, reserved }: Inputs,
  held: Inputs,
  { patch, evaluation }: Ending,
): JsonChange[] {
  const ran = patch?.committed ?? recommit(held)
  const payload = patch?.payload ?? held.action.payload
  return [
    ...sealedChange('action', action, { ...held.action, payload }),
    ...sealedChange('seed', seed, encodeHex(ran.seed)),
    ...sealedChange('hidden', hidden, ran.hidden),
    ...sealedChange('reserved', reserved, evaluation.reserved),
  ]
}
