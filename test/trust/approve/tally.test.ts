import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { digestOf } from '../../../src/base/digest.ts'
import { REVIEW_SKEW_MS } from '../../../src/base/limits.ts'
import type { VerifiedReview } from '../../../src/trust/approve/review.ts'
import type { TallyInput } from '../../../src/trust/approve/tally.ts'
import { tally } from '../../../src/trust/approve/tally.ts'
import {
  EXPIRES,
  LEGAL,
  NOW,
  PAYMENTS,
  PEOPLE,
  personOf,
  requestOf,
} from '../../fakes/review-case.ts'

type Verdict = VerifiedReview['verdict']

/** A verified review; `at` is in milliseconds after NOW. */
function reviewOf(
  reviewer: string,
  verdict: Verdict = 'approve',
  more: { route?: string[]; patch?: unknown; at?: number } = {},
): VerifiedReview {
  const { route = ['payments'], patch, at = 0 } = more
  return {
    ...{ kind: 'review', assurance: 'ssh', reviewer, verdict, route },
    fingerprint: `SHA256:${reviewer}`,
    ...(patch === undefined ? {} : { patch: sealedPatch(patch) }),
    statement: `${reviewer} ${verdict} ${route} ${at} ${JSON.stringify(patch ?? null)}`,
    signature: '',
    issuedAt: new Date(NOW + at).toISOString(),
  }
}

/** A payload as a review names it. */
function sealedPatch(payload: unknown): NonNullable<VerifiedReview['patch']> {
  return { root: digestOf(JSON.stringify(payload)), sealed: new Uint8Array() }
}

const approve = (reviewer: string, at = 0) => reviewOf(reviewer, 'approve', { at })
const reject = (reviewer: string, at = 0) => reviewOf(reviewer, 'reject', { at })
const patch = (reviewer: string, amount: number) =>
  reviewOf(reviewer, 'patch', { patch: { amount } })

function inputOf(row: Partial<TallyInput>): TallyInput {
  return { request: requestOf(), reviews: [], refused: [], people: PEOPLE, now: NOW, ...row }
}

const BOTH = requestOf({ routes: [LEGAL, PAYMENTS] })
const ALL = ['legal', 'payments']
const SECOND_KEY = {
  assurance: 'ssh',
  fingerprint: 'SHA256:other',
  statement: '',
  signature: '',
} as const
const REFUSED = [{ review: '9', code: 'SIGNATURE_WRONG', message: '' }]

type Row = Partial<TallyInput> & { name: string; want: string; by?: string[] }

describe('the state', () => {
  test.for<Row>([
    { name: 'no review', want: 'waiting' },
    { name: 'one of two', reviews: [approve('ana')], want: 'waiting' },
    {
      name: 'two of two',
      reviews: [approve('ana'), approve('bo')],
      want: 'approved',
      by: ['ana', 'bo'],
    },
    {
      name: 'three of two',
      reviews: [approve('cy'), approve('ana'), approve('bo')],
      want: 'approved',
      by: ['ana', 'bo', 'cy'],
    },
    { name: 'one person twice', reviews: [approve('ana'), approve('ana', 9)], want: 'waiting' },
    {
      name: 'one person with two keys',
      reviews: [approve('ana'), { ...approve('ana', 9), ...SECOND_KEY }],
      want: 'waiting',
    },
    { name: 'someone off the route', reviews: [approve('ana'), approve('dee')], want: 'waiting' },
    {
      name: 'someone off the roster',
      reviews: [approve('ana'), approve('bo')],
      people: [personOf('ana')],
      want: 'waiting',
    },
    {
      name: 'someone for another route',
      reviews: [approve('ana'), reviewOf('bo', 'approve', { route: ['legal'] })],
      want: 'waiting',
    },
    { name: 'one rejection', reviews: [reject('ana')], want: 'rejected', by: ['ana'] },
    {
      name: 'a rejection beside a quorum',
      reviews: [approve('ana'), approve('bo'), reject('cy')],
      want: 'rejected',
      by: ['cy'],
    },
    {
      name: 'a rejection from off the route',
      reviews: [approve('ana'), approve('bo'), reject('dee')],
      want: 'approved',
    },
    {
      name: 'a rejection taken back',
      reviews: [reject('ana'), approve('ana', REVIEW_SKEW_MS + 1), approve('bo')],
      want: 'approved',
    },
    {
      name: 'a rejection whose approval may be from before, by a clock that is ahead',
      reviews: [approve('ana', REVIEW_SKEW_MS), approve('bo'), reject('ana')],
      want: 'rejected',
      by: ['ana'],
    },
    {
      name: 'an approval taken back',
      reviews: [approve('ana'), approve('bo'), reject('bo', 1)],
      want: 'rejected',
      by: ['bo'],
    },
    {
      name: 'an old approval posted again after the rejection',
      reviews: [reject('bo', 1), approve('ana'), approve('bo')],
      want: 'rejected',
    },
    {
      name: 'approval and rejection at one moment',
      reviews: [approve('ana'), approve('bo'), reject('bo')],
      want: 'rejected',
    },
    {
      name: 'two routes, one satisfied',
      request: BOTH,
      reviews: [approve('ana'), approve('bo')],
      want: 'waiting',
    },
    {
      name: 'two routes, one person on both',
      request: BOTH,
      reviews: [approve('ana'), reviewOf('bo', 'approve', { route: ALL })],
      want: 'approved',
    },
    {
      name: 'a review that does not verify',
      reviews: [approve('ana'), approve('bo')],
      refused: REFUSED,
      want: 'waiting',
    },
    {
      name: 'the same beside a rejection',
      reviews: [reject('ana')],
      refused: REFUSED,
      want: 'rejected',
    },
    {
      name: 'the last moment',
      reviews: [approve('ana'), approve('bo')],
      now: EXPIRES - 1,
      want: 'approved',
    },
    {
      name: 'the end',
      reviews: [approve('ana'), approve('bo')],
      now: EXPIRES,
      want: 'expired',
      by: [],
    },
    { name: 'the end after a rejection', reviews: [reject('ana')], now: EXPIRES, want: 'rejected' },
    {
      name: 'a clock that is none',
      reviews: [approve('ana'), approve('bo')],
      now: Number.NaN,
      want: 'expired',
    },
    {
      name: 'a quorum of none',
      request: requestOf({ routes: [{ ...PAYMENTS, quorum: 0 }] }),
      want: 'waiting',
    },
    {
      name: 'a quorum that is no number',
      request: requestOf({ routes: [{ ...PAYMENTS, quorum: Number.NaN }] }),
      reviews: [approve('ana'), approve('bo')],
      want: 'waiting',
    },
    {
      name: 'no routes',
      request: requestOf({ routes: [] }),
      reviews: [approve('ana')],
      want: 'waiting',
    },
  ])('$name -> $want', ({ name: _, want, by, ...row }) => {
    const result = tally(inputOf(row))
    expect(result.state).toBe(want)
    if (by !== undefined) expect(result.by).toEqual(by)
  })
})

describe('patches', () => {
  test('two equal ones -> approved with the patch', () => {
    const reviews = [
      reviewOf('ana', 'patch', { patch: { amount: 5, note: 'x' } }),
      reviewOf('bo', 'patch', { patch: { amount: 5, note: 'x' } }),
    ]
    const result = tally(inputOf({ reviews }))
    expect(result).toMatchObject({
      state: 'approved',
      patch: sealedPatch({ amount: 5, note: 'x' }),
    })
  })

  test('an approval of the payload as it is carries no patch', () => {
    expect(tally(inputOf({ reviews: [approve('ana'), approve('bo')] }))).not.toHaveProperty('patch')
  })

  const one = requestOf({ routes: [{ ...PAYMENTS, quorum: 1 }] })
  test.for<Row>([
    { name: 'two different ones', reviews: [patch('ana', 5), patch('bo', 6)], want: 'waiting' },
    { name: 'one and an approval', reviews: [patch('ana', 5), approve('bo')], want: 'waiting' },
    {
      name: 'two for the payload as it is, one patch',
      reviews: [patch('ana', 5), approve('bo'), approve('cy')],
      want: 'approved',
      by: ['bo', 'cy'],
    },
    {
      name: 'two payloads with a quorum each',
      request: one,
      reviews: [patch('ana', 5), approve('bo')],
      want: 'waiting',
    },
    {
      name: 'an empty patch and an approval',
      reviews: [reviewOf('ana', 'patch', { patch: {} }), approve('bo')],
      want: 'waiting',
    },
  ])('$name -> $want', ({ name: _, want, by, ...row }) => {
    const result = tally(inputOf(row))
    expect(result.state).toBe(want)
    if (by !== undefined) expect(result.by).toEqual(by)
  })

  test('a conflict says so', () => {
    const result = tally(inputOf({ reviews: [patch('ana', 5), approve('bo')] }))
    expect(result.reason).toBe('approvals are for different payloads; 1 more for payments')
  })
})

describe('what is missing', () => {
  test('every route without reviews', () => {
    expect(tally(inputOf({ request: BOTH })).missing).toEqual([
      { route: 'legal', need: 1 },
      { route: 'payments', need: 2 },
    ])
  })

  test('what the reviews leave', () => {
    const reviews = [reviewOf('bo', 'approve', { route: ALL })]
    const result = tally(inputOf({ request: BOTH, reviews }))
    expect(result.missing).toEqual([{ route: 'payments', need: 1 }])
    expect(result.counted).toEqual(reviews)
  })

  test('reviews that do not verify are named', () => {
    const reviews = [approve('ana'), approve('bo')]
    const { reason, missing } = tally(inputOf({ reviews, refused: REFUSED }))
    expect(reason).toBe('reviews that do not verify block it: 9 (SIGNATURE_WRONG)')
    expect(missing).toEqual([])
  })
})

const anyReview = fc
  .record({
    reviewer: fc.constantFrom('ana', 'bo', 'cy', 'dee', 'eve'),
    verdict: fc.constantFrom<Verdict>('approve', 'reject', 'patch'),
    route: fc.constantFrom(['legal'], ['payments'], ALL),
    at: fc.integer({ min: 0, max: 3 }),
    amount: fc.integer({ min: 1, max: 2 }),
  })
  .map(({ reviewer, verdict, route, at, amount }) => {
    const more = verdict === 'patch' ? { route, at, patch: { amount } } : { route, at }
    return reviewOf(reviewer, verdict, more)
  })

test('the order of the reviews and their repetition change nothing', () => {
  const shuffled = fc
    .array(anyReview, { maxLength: 8 })
    .chain((reviews) =>
      fc.tuple(
        fc.constant(reviews),
        fc.shuffledSubarray([...reviews, ...reviews], { minLength: 2 * reviews.length }),
      ),
    )
  fc.assert(
    fc.property(shuffled, ([reviews, again]) => {
      const expected = tally(inputOf({ request: BOTH, reviews }))
      expect(tally(inputOf({ request: BOTH, reviews: again }))).toEqual(expected)
    }),
    { numRuns: 1000 },
  )
})

test('an approval always has its quorum of different people for one payload', () => {
  fc.assert(
    fc.property(fc.array(anyReview, { maxLength: 12 }), (reviews) => {
      const { state, counted } = tally(inputOf({ request: BOTH, reviews }))
      fc.pre(state === 'approved')
      expect(new Set(counted.map((review) => JSON.stringify(review.patch ?? null))).size).toBe(1)
      for (const { id, quorum, reviewers } of BOTH.routes) {
        const able = counted.filter(
          (review) => review.route.includes(id) && reviewers.includes(review.reviewer),
        )
        expect(new Set(able.map((review) => review.reviewer)).size).toBeGreaterThanOrEqual(quorum)
      }
      const rejecting = reviews.some(
        (review) =>
          review.verdict === 'reject' &&
          review.reviewer !== 'eve' &&
          counted.every(({ reviewer }) => reviewer !== review.reviewer) &&
          reviews.every((o) => o.reviewer !== review.reviewer || o.verdict === 'reject') &&
          BOTH.routes.some(
            (route) => review.route.includes(route.id) && route.reviewers.includes(review.reviewer),
          ),
      )
      expect(rejecting).toBe(false)
    }),
    { numRuns: 500 },
  )
})
