import { expect } from 'vitest'
import type { ForgeIdentity, ForgeReview, Pull } from '../../src/model/ports.ts'
import { tally } from '../../src/trust/approve/tally.ts'
import { collectReviews, type ReviewContext } from '../../src/trust/verify/review.ts'
import type { People, SignedReview } from './review-case.ts'
import { NOW, PULL, personOf, requestOf, signedReview } from './review-case.ts'

// A request that wants two of ana, bo and cy, on a forge with accounts. Bo's review is sound throughout, and ana's but for
// the one thing that its row breaks: what the rule is for must keep the request from being approved.

export type Name = 'ana' | 'bo' | 'cy' | 'dee'

export const GITHUB: ForgeIdentity = {
  kind: 'github',
  host: 'github.example',
  repository: '736251',
}
export const ACCOUNTS: Readonly<Record<Name, string>> = {
  ana: '1001',
  bo: '1002',
  cy: '1003',
  dee: '1004',
}
export const ON_GITHUB: Pull = { ...PULL, author: '9000' }

export function onRoster(id: Name, validity: Parameters<typeof personOf>[1] = {}): People[number] {
  return { ...personOf(id, validity), accounts: { github: ACCOUNTS[id] } }
}

export const ROSTER = [onRoster('ana'), onRoster('bo'), onRoster('cy'), onRoster('dee')]
export const CONTEXT: ReviewContext = {
  request: requestOf(),
  pull: ON_GITHUB,
  forge: GITHUB,
  people: ROSTER,
  owner: 'oz',
  now: NOW,
}

/** A sound review from the reviewer's account, but for what the row changes. */
export function posted(reviewer: Name, row: SignedReview = {}): Promise<ForgeReview> {
  return signedReview({
    forge: GITHUB,
    pull: ON_GITHUB,
    ...row,
    words: { reviewer, ...row.words },
    on: { id: `r-${reviewer}`, poster: ACCOUNTS[reviewer], posterKind: 'person', ...row.on },
  })
}

/** A review in the forge's own words, without a signature. */
export function plain(reviewer: Name, on: Partial<ForgeReview> = {}): Promise<ForgeReview> {
  return posted(reviewer, { editBody: () => 'LGTM', on: { id: `p-${reviewer}`, ...on } })
}

export type Row = {
  readonly name: string
  readonly ana?: SignedReview
  readonly context?: Partial<ReviewContext>
  /** What the forge lists, in place of ana's review and bo's. */
  readonly lists?: (ana: ForgeReview, bo: ForgeReview) => Promise<readonly ForgeReview[]>
  /** The code of the refusal or, where a review just does not count, `waiting`. */
  readonly want: string
  /** Stands in the refusal's message. */
  readonly field?: string
}

export async function settle({ ana, context, lists }: Partial<Row>) {
  const sound = await posted('bo')
  const judged = await posted('ana', ana)
  const input = { ...CONTEXT, ...context }
  const reviews = lists === undefined ? [judged, sound] : await lists(judged, sound)
  const collected = collectReviews({ ...input, reviews })
  const { verified, refused } = collected
  const { request, people, now } = input
  const { state } = tally({ request, reviews: verified, refused, people, now })
  return { ...collected, state }
}

export async function refuses({ want, field = '', ...row }: Row): Promise<void> {
  const { state, refused, ignored } = await settle(row)
  expect(state).toBe(want === 'rejected' ? 'rejected' : 'waiting')
  if (want === 'rejected') return
  if (want === 'waiting') expect(refused).toEqual([])
  else expect([...refused, ...ignored].map(({ code }) => code)).toContain(want)
  expect([...refused, ...ignored].map(({ message }) => message).join('\n')).toContain(field)
}
