import { PolicyError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json-value.ts'
import type {
  InboxReviewer,
  IntendedReview,
  OpenedRequest,
  WaitingRequest,
} from '../../model/inbox.ts'
import type { AnySigner, RequestRecord } from '../../model/ports.ts'
import { nothingToPatchInBatch } from '../../trust/verify/review.ts'
import type { Parts } from '../engine/parts.ts'
import { makePatch } from '../engine/patch.ts'
import { openDecision } from '../engine/record.ts'
import { findRequest, settle } from '../engine/resolve.ts'
import { lookAtRequests } from './request-list.ts'
import { reviewRequest } from './review.ts'
import { shownTo } from './reviewer.ts'

/** What one person sees of the requests that wait, and does about them. */
export type Inbox = {
  /** Who signs, by the roster at the start; null for whoever has nothing to sign with, or is not on it. */
  readonly reviewer: InboxReviewer | null
  /**
   * The requests that wait, after one round of the sweeper.
   *
   * @param wanted - ids of those whose missing reviews should be known; the forge is asked only about what changed
   */
  look(wanted: readonly string[]): Promise<readonly WaitingRequest[]>
  /** @throws {PolicyError} REQUEST_UNKNOWN, REQUEST_TAMPERED */
  open(id: string): Promise<OpenedRequest>
  /** Why a payload could not be signed as a patch, in words; null when it could. */
  check(id: string, payload: JsonObject): Promise<string | null>
  /**
   * @param root - the digest that the person was shown
   * @throws {PolicyError} REQUEST_TAMPERED when the request has another digest by now; as `reviewRequest`
   */
  review(id: string, review: IntendedReview, root: string): Promise<RequestRecord>
}

/** @param signer - null for whoever only looks */
export async function openInbox(parts: Parts, signer: AnySigner | null): Promise<Inbox> {
  const counts = openCounts(parts)
  return {
    reviewer: await reviewerOf(parts, signer),
    look: async (wanted) => {
      const found = await lookAtRequests(parts, 'waiting')
      counts.keep(new Set(found.map(({ request }) => request.id)))
      await counts.refresh(found.filter(({ request }) => wanted.includes(request.id)))
      return found.map((one) => ({
        found: one,
        where: one.pull === null ? null : parts.forge.where(one.pull),
        missing: counts.known(one.request.id)?.missing ?? null,
        obstacle:
          parts.sweeper.note(one.request.id) ?? counts.known(one.request.id)?.obstacle ?? '',
      }))
    },
    open: async (id) => {
      const opened = await openFor(parts, id, signer)
      const { request, pull } = opened.found
      await counts.refresh([opened.found])
      return {
        ...opened,
        where: pull === null ? null : parts.forge.where(pull),
        reviews: counts.known(request.id)?.reviews ?? [],
      }
    },
    check: async (id, payload) => {
      const { request } = await findRequest(parts, id)
      if (request.members !== undefined) return nothingToPatchInBatch(id).message
      try {
        makePatch((await openDecision(parts.store, request.decision)).inputs, payload)
        return null
      } catch (error) {
        if (error instanceof PolicyError && error.code.startsWith('PATCH_')) return error.message
        throw error
      }
    },
    review: async (id, review, root) => {
      if (signer === null) {
        const message = 'name your SSH key with --key, or sign in with --sigstore, to review'
        throw new PolicyError('FILE_UNREADABLE', message)
      }
      const asked = await findRequest(parts, id)
      // One that was put into a batch meanwhile is reviewed with all of it, which nobody has seen.
      const { request } = asked.batch === undefined ? asked : await findRequest(parts, asked.batch)
      if (request.root === root) return reviewRequest(parts, id, review, signer)
      const message = `the digest of ${id} is not the one that you were shown; do not sign`
      throw new PolicyError('REQUEST_TAMPERED', message)
    },
  }
}

async function reviewerOf(parts: Parts, signer: AnySigner | null): Promise<InboxReviewer | null> {
  if (signer === null) return null
  const { people } = parts.judge.bundle.policy
  if (signer.kind === 'sigstore') {
    const { issuer, subject } = await signer.identity()
    const person = people.find(({ identities = [] }) =>
      identities.some((one) => one.issuer === issuer && one.subject === subject),
    )
    return person === undefined ? null : { person: person.id, proof: `${subject} of ${issuer}` }
  }
  const { fingerprint } = signer
  const person = people.find(({ keys }) => keys.some((key) => key.fingerprint === fingerprint))
  return person === undefined ? null : { person: person.id, proof: fingerprint }
}

type Opened = Pick<OpenedRequest, 'found' | 'clear' | 'masked' | 'members'>

/** A request, or the batch that it is in, as this person may see it. */
async function openFor(parts: Parts, id: string, signer: AnySigner | null): Promise<Opened> {
  const { found } = await shownTo(parts, id, null)
  const hidden = (masked: string): Opened => ({
    ...{ found, masked, clear: null },
    members: (found.members ?? []).map((member) => ({ found: member, clear: null })),
  })
  if (signer === null) return hidden('name your SSH key with --key to see the fields in clear')
  try {
    const shown = await shownTo(parts, id, signer)
    const { payload = {}, context = {}, members = [] } = shown
    return {
      ...{ found: shown.found, masked: '', clear: { payload, context } },
      members: members.map(({ found: member, ...clear }) => ({ found: member, clear })),
    }
  } catch (error) {
    if (error instanceof PolicyError && NOT_THEIRS.includes(error.code))
      return hidden(error.message)
    throw error
  }
}

const NOT_THEIRS = ['KEY_NOT_PINNED', 'IDENTITY_NOT_PINNED', 'REVIEWER_NOT_ON_ROUTE']

type Count = {
  /** When the sweeper looked at it last. */
  readonly at: number | null
  readonly missing: WaitingRequest['missing']
  readonly obstacle: string
  readonly reviews: OpenedRequest['reviews']
}

/** How the reviews of requests stand, read again only once the sweeper has seen something new. */
function openCounts(parts: Parts) {
  const counts = new Map<string, Count>()
  const read = async ({ request }: RequestRecord): Promise<void> => {
    const at = (await parts.store.look(request.id))?.at ?? null
    const before = counts.get(request.id)
    if (before !== undefined && before.at === at && at !== null) return
    counts.set(request.id, { at, ...(await countOf(parts, request.id)) })
  }
  return {
    known: (id: string) => counts.get(id),
    /** Forgets all others: an inbox may be open for weeks. */
    keep: (ids: ReadonlySet<string>): void => {
      for (const id of counts.keys()) if (!ids.has(id)) counts.delete(id)
    },
    refresh: async (found: readonly RequestRecord[]): Promise<void> => {
      for (const one of found) if (one.resolution === null && one.pull !== null) await read(one)
    },
  }
}

async function countOf(parts: Parts, id: string): Promise<Omit<Count, 'at'>> {
  try {
    const { seen } = await settle(parts, id)
    if (seen === null) return { missing: [], obstacle: '', reviews: [] }
    const { missing, reason, counted } = seen.counted
    // The reason lists what is missing too; only what stands in the way besides is news.
    const needs = missing.map(({ route, need }) => `${need} more for ${route}`)
    const obstacle = reason
      .split('; ')
      .filter((part) => part !== '' && !needs.includes(part))
      .join('; ')
    const reviews = counted.map(({ reviewer, verdict, comment }) => ({
      ...{ reviewer, verdict },
      ...(comment === undefined ? {} : { comment }),
    }))
    return { missing, obstacle, reviews }
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    return { missing: null, obstacle: `${error.code}: ${error.message}`, reviews: [] }
  }
}
