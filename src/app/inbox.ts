import { PolicyError } from '../base/errors.ts'
import type { JsonObject } from '../base/json-value.ts'
import type {
  InboxReviewer,
  IntendedReview,
  OpenedRequest,
  WaitingRequest,
} from '../model/inbox.ts'
import type { AnySigner, RequestRecord } from '../model/ports.ts'
import type { Parts } from './parts.ts'
import { makePatch } from './patch.ts'
import { openDecision } from './record.ts'
import { lookAtRequests } from './request-list.ts'
import { findRequest, settle } from './resolve.ts'
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
  /** @throws {PolicyError} as `reviewRequest` */
  review(id: string, review: IntendedReview): Promise<RequestRecord>
}

/** @param signer - null for whoever only looks */
export async function openInbox(parts: Parts, signer: AnySigner | null): Promise<Inbox> {
  const counts = openCounts(parts)
  return {
    reviewer: await reviewerOf(parts, signer),
    look: async (wanted) => {
      const found = await lookAtRequests(parts, 'waiting')
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
      const found = await findRequest(parts, id)
      await counts.refresh([found])
      return {
        found,
        where: found.pull === null ? null : parts.forge.where(found.pull),
        reviews: counts.known(id)?.reviews ?? [],
        ...(await clearFor(parts, id, signer)),
      }
    },
    check: async (id, payload) => {
      const { request } = await findRequest(parts, id)
      try {
        makePatch((await openDecision(parts.store, request.decision)).inputs, payload)
        return null
      } catch (error) {
        if (error instanceof PolicyError && error.code.startsWith('PATCH_')) return error.message
        throw error
      }
    },
    review: (id, review) => {
      if (signer !== null) return reviewRequest(parts, id, review, signer)
      throw new PolicyError(
        'FILE_UNREADABLE',
        'name your SSH key with --key, or sign in with --sigstore, to review',
      )
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

async function clearFor(
  parts: Parts,
  id: string,
  signer: AnySigner | null,
): Promise<Pick<OpenedRequest, 'clear' | 'masked'>> {
  if (signer === null) {
    return { clear: null, masked: 'name your SSH key with --key to see the fields in clear' }
  }
  try {
    const { payload = {}, context = {} } = await shownTo(parts, id, signer)
    return { clear: { payload, context }, masked: '' }
  } catch (error) {
    const code = error instanceof PolicyError ? error.code : ''
    if (!NOT_THEIRS.includes(code)) throw error
    return { clear: null, masked: (error as PolicyError).message }
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
