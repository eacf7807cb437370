import { describe, expect, test } from 'vitest'
import { REVIEW_SKEW_MS } from '../../../src/base/limits.ts'
import type { ForgeIdentity, ForgeReview } from '../../../src/model/ports.ts'
import { standingRequest } from '../../../src/trust/approve/routes.ts'
import { tally } from '../../../src/trust/approve/tally.ts'
import { collectReviews } from '../../../src/trust/verify/review.ts'
import {
  CREATED,
  EXPIRES,
  NOW,
  PAYMENTS,
  requestOf,
  signedReview,
} from '../../fakes/review-case.ts'
import type { Row } from '../../fakes/review-rules.ts'
import {
  ACCOUNTS,
  CONTEXT,
  ON_GITHUB,
  plain,
  ROSTER,
  refuses,
  settle,
} from '../../fakes/review-rules.ts'

describe('reviews without a signature', () => {
  const LAX = requestOf({ routes: [{ ...PAYMENTS, signature: 'none' }] })
  const lax = { context: { request: LAX } }
  const both = async () => [await plain('ana'), await plain('bo')]

  test('where the route asks for none -> approved, by account', async () => {
    const { state, verified } = await settle({ ...lax, lists: both })
    expect(state).toBe('approved')
    expect(verified).toMatchObject([
      { reviewer: 'ana', assurance: 'none', account: '1001', review: 'p-ana', route: ['payments'] },
      { reviewer: 'bo', assurance: 'none', account: '1002' },
    ])
  })

  test('beside a signed one -> approved', async () => {
    const lists: Row['lists'] = async (_, bo) => [await plain('ana'), bo]
    expect((await settle({ ...lax, lists })).state).toBe('approved')
  })

  const anaSays = (on: Partial<ForgeReview>) => async (_: ForgeReview, bo: ForgeReview) => [
    await plain('ana', on),
    bo,
  ]
  test.for<Row>([
    { name: 'where the route wants a signature', lists: both, want: 'REVIEW_UNSIGNED' },
    { name: 'a bot', ...lax, lists: anaSays({ posterKind: 'bot' }), want: 'REVIEW_POSTER' },
    {
      name: 'a deleted account',
      ...lax,
      lists: anaSays({ posterKind: 'gone', poster: null }),
      want: 'REVIEW_POSTER',
    },
    { name: 'an outsider', ...lax, lists: anaSays({ poster: '6666' }), want: 'REVIEW_POSTER' },
    {
      name: 'somebody on no route',
      ...lax,
      lists: anaSays({ poster: ACCOUNTS.dee }),
      want: 'REVIEWER_NOT_ON_ROUTE',
    },
    {
      name: 'the owner',
      context: { request: LAX, owner: 'ana' },
      lists: anaSays({}),
      want: 'REVIEW_SELF',
    },
    {
      name: 'the author',
      context: { request: LAX, pull: { ...ON_GITHUB, author: ACCOUNTS.ana } },
      lists: anaSays({}),
      want: 'REVIEW_SELF',
    },
    {
      name: 'on an older head',
      ...lax,
      lists: anaSays({ commit: 'e'.repeat(40) }),
      want: 'REVIEW_UNBOUND',
      field: 'the commit that was reviewed',
    },
    {
      name: 'from before the request',
      ...lax,
      lists: anaSays({ submittedAt: CREATED - REVIEW_SKEW_MS - 1 }),
      want: 'REVIEW_UNBOUND',
      field: 'submittedAt',
    },
    {
      name: 'after the end',
      ...lax,
      lists: anaSays({ submittedAt: EXPIRES + 1 }),
      want: 'REVIEW_EXPIRED',
    },
    {
      name: 'at a time that is none',
      ...lax,
      lists: anaSays({ submittedAt: Number.NaN }),
      want: 'REVIEW_EXPIRED',
    },
    {
      name: 'closed',
      context: { request: LAX, pull: { ...ON_GITHUB, state: 'closed' } },
      lists: both,
      want: 'REQUEST_RESOLVED',
    },
    { name: 'dismissed', ...lax, lists: anaSays({ state: 'dismissed' }), want: 'waiting' },
    {
      name: 'twice by one account',
      ...lax,
      lists: async () => [await plain('ana'), await plain('ana', { id: '2' })],
      want: 'waiting',
    },
    {
      name: 'signed and plain by one person',
      ...lax,
      lists: async (ana) => [ana, await plain('ana')],
      want: 'waiting',
    },
    { name: 'asks for changes', ...lax, lists: anaSays({ state: 'rejected' }), want: 'rejected' },
    {
      name: 'asks for changes on an older head',
      ...lax,
      lists: anaSays({ state: 'rejected', commit: 'e'.repeat(40) }),
      want: 'REVIEW_UNBOUND',
    },
  ])('$name -> $want', refuses)

  test('what does not count and claims nothing does not block', async () => {
    const lists: Row['lists'] = async (ana, bo) => [
      ana,
      bo,
      await plain('dee', { id: '1', posterKind: 'bot' }),
      await plain('dee', { id: '2', poster: '6666', state: 'rejected' }),
    ]
    const { state, refused, ignored } = await settle({ lists })
    expect([state, refused]).toEqual(['approved', []])
    expect(ignored.map(({ code }) => code)).toEqual(['REVIEW_POSTER', 'REVIEW_POSTER'])
  })

  test('a route that wants a signature since it was asked counts them no longer', async () => {
    const { verified } = await settle({ ...lax, lists: both })
    const now = { ...PAYMENTS, time_out: '1h', show: [], file: '', line: 1, column: 1 }
    const request = standingRequest(LAX, { routes: [now], people: ROSTER, agents: [] }, NOW)
    expect(request.routes[0]?.signature).toBe('ssh')
    const result = tally({ request, reviews: verified, refused: [], people: ROSTER, now: NOW })
    expect(result.state).toBe('waiting')
  })

  test('a forge without accounts has none', async () => {
    const forge: ForgeIdentity = { kind: 'local', host: 'localhost', repository: 'ab'.repeat(16) }
    const review = await plain('ana', { poster: null, posterKind: 'none' })
    const context = { ...CONTEXT, request: LAX, forge }
    expect(collectReviews({ ...context, reviews: [review] }).verified).toEqual([])
    const claimed = { poster: ACCOUNTS.ana, posterKind: 'person' } as const
    const given = collectReviews({ ...context, reviews: [{ ...review, ...claimed }] })
    expect(given).toMatchObject({ verified: [], refused: [], ignored: [{ code: 'REVIEW_POSTER' }] })
    const signed = await signedReview({ forge, pull: ON_GITHUB, on: { posterKind: 'person' } })
    const { refused } = collectReviews({ ...context, reviews: [signed] })
    expect(refused).toMatchObject([{ code: 'REVIEW_POSTER' }])
  })
})
