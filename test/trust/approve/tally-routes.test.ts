import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AskedRoute, VerifiedReview } from '../../../src/trust/approve/review.ts'
import { placesOf, tally } from '../../../src/trust/approve/tally.ts'
import { EXPIRES, NOW, PAYMENTS, PEOPLE, requestOf } from '../../fakes/review-case.ts'

const GLASS = { quorum: 1, reviewers: ['dee'], review_within: '24h' }
const ROUTE: AskedRoute = { ...PAYMENTS, signature: 'signed', break_glass: GLASS }

function reviewOf(reviewer: string, more: object = {}): VerifiedReview {
  return {
    ...{ kind: 'review', assurance: 'ssh', reviewer, verdict: 'approve', route: ['payments'] },
    ...{
      fingerprint: `SHA256:${reviewer}`,
      statement: JSON.stringify([reviewer, more]),
      signature: '',
    },
    issuedAt: new Date(NOW).toISOString(),
    ...more,
  } as VerifiedReview
}

const unsigned = { assurance: 'none', account: '1', review: 'r1' }
const keyless = {
  assurance: 'sigstore',
  identity: { issuer: 'https://i', subject: 's' },
  bundle: '{}',
}
const broken = (reviewer: string, more: object = {}) =>
  reviewOf(reviewer, { breakGlass: true, comment: 'the till is on fire', ...more })

const count = (reviews: readonly VerifiedReview[], route: AskedRoute = ROUTE, now = NOW) =>
  tally({ request: requestOf({ routes: [route] }), reviews, refused: [], people: PEOPLE, now })

describe('breaking the glass', () => {
  test.for<{ name: string; reviews: VerifiedReview[]; route?: AskedRoute; want: string }>([
    { name: 'one who may, alone', reviews: [broken('dee')], want: 'approved' },
    { name: 'one who may not', reviews: [broken('ana')], want: 'waiting' },
    { name: 'one who may, approving as others do', reviews: [reviewOf('dee')], want: 'waiting' },
    {
      name: 'beside one of two: neither counts for the other',
      reviews: [broken('ana'), reviewOf('bo')],
      want: 'waiting',
    },
    {
      name: 'without a signature',
      reviews: [broken('dee', unsigned)],
      route: { ...ROUTE, signature: 'none' },
      want: 'waiting',
    },
    {
      name: 'with another signature than the route wants',
      reviews: [broken('dee', keyless)],
      route: { ...ROUTE, signature: 'ssh' },
      want: 'waiting',
    },
    {
      name: 'one of two who must',
      reviews: [broken('dee')],
      route: { ...ROUTE, break_glass: { ...GLASS, quorum: 2 } },
      want: 'waiting',
    },
    {
      name: 'one person twice of two',
      reviews: [broken('dee'), broken('dee', { fingerprint: 'SHA256:2' })],
      route: { ...ROUTE, break_glass: { ...GLASS, quorum: 2 } },
      want: 'waiting',
    },
    {
      name: 'where the route has none',
      reviews: [broken('dee')],
      route: { ...PAYMENTS, signature: 'signed' },
      want: 'waiting',
    },
    {
      name: 'against a rejection',
      reviews: [broken('dee'), reviewOf('ana', { verdict: 'reject' })],
      want: 'rejected',
    },
    {
      name: 'somebody off the roster',
      reviews: [broken('eve')],
      route: { ...ROUTE, break_glass: { ...GLASS, reviewers: ['eve'] } },
      want: 'waiting',
    },
  ])('$name -> $want', ({ reviews, route, want }) => {
    expect(count(reviews, route).state).toBe(want)
  })

  test('it says so, and where; nobody has a place there', () => {
    const result = count([broken('dee')])
    expect(result).toMatchObject({ glass: ['payments'], seats: [], by: ['dee'] })
    expect(result.reason).toMatch(/glass broken on payments by dee: the till is on fire/)
    expect(result.asked).toEqual([
      { id: 'payments', quorum: 2, signature: 'signed', breakGlass: 1 },
    ])
    expect(placesOf(broken('dee'), result)).toEqual({ breakGlass: true })
  })

  test('nobody is said to have broken it where the quorum is there anyway', () => {
    const result = count([reviewOf('ana'), reviewOf('bo'), broken('dee')])
    expect(result).toMatchObject({ state: 'approved', glass: [] })
    expect(placesOf(reviewOf('ana'), result)).toEqual({ seats: [{ route: 'payments' }] })
  })
})

describe('the signature that a route wants', () => {
  test.for([
    { signature: 'none', ssh: true, sigstore: true, none: true },
    { signature: 'signed', ssh: true, sigstore: true, none: false },
    { signature: 'ssh', ssh: true, sigstore: false, none: false },
    { signature: 'sigstore', ssh: false, sigstore: true, none: false },
  ] as const)('$signature', ({ signature, ...want }) => {
    const route: AskedRoute = { ...PAYMENTS, quorum: 1, signature }
    const counts = (more: object) => count([reviewOf('ana', more)], route).state === 'approved'
    expect({ ssh: counts({}), sigstore: counts(keyless), none: counts(unsigned) }).toEqual(want)
  })
})

test.for([
  { name: 'a key, where an identity is asked for', signature: 'sigstore', more: {} },
  { name: 'an identity, where a key is asked for', signature: 'ssh', more: keyless },
  { name: 'no signature, since one is asked for', signature: 'signed', more: unsigned },
] as const)('a rejection with $name rejects, and takes an approval back', ({ signature, more }) => {
  const fine = signature === 'sigstore' ? keyless : {}
  const later = { verdict: 'reject', issuedAt: new Date(NOW + 9 * 60_000).toISOString(), ...more }
  const route: AskedRoute = { ...PAYMENTS, quorum: 1, signature }
  const result = count([reviewOf('ana', fine), reviewOf('ana', later)], route)
  expect(result).toMatchObject({ state: 'rejected', by: ['ana'] })
})

describe('when the time is over', () => {
  const over = new Date(EXPIRES).toISOString()
  test.for<{ name: string; route: AskedRoute; want: string }>([
    { name: 'a route that expires', route: PAYMENTS, want: 'expired' },
    {
      name: 'a route that rejects',
      route: { ...PAYMENTS, on_time_out: 'reject' },
      want: 'rejected',
    },
    {
      name: 'a route that rejects, and has time',
      route: { ...PAYMENTS, on_time_out: 'reject', expires_at: '2026-11-22T00:00:00Z' },
      want: 'expired',
    },
  ])('$name -> $want, by nobody', ({ route, want }) => {
    const result = count([reviewOf('ana'), reviewOf('bo')], route, EXPIRES)
    expect(result).toMatchObject({ state: want, by: [], counted: [] })
    expect(result.reason).toContain(over)
  })
})

test('where a route has other groups by now, both must be satisfied', () => {
  const legal = { id: 'legal', quorum: 1, reviewers: ['cy'] }
  const routes = [{ ...PAYMENTS, also: { ...PAYMENTS, quorum: 1, groups: [legal] } }]
  const request = { ...requestOf(), routes }
  const state = (...names: string[]) =>
    tally({
      request,
      reviews: names.map((one) => reviewOf(one)),
      refused: [],
      people: PEOPLE,
      now: NOW,
    }).state
  expect([state('ana', 'bo'), state('cy'), state('ana', 'cy')]).toEqual([
    'waiting',
    'waiting',
    'approved',
  ])
})

const NAMES = ['ana', 'bo', 'cy', 'dee'] as const
const group = fc.record({
  quorum: fc.integer({ min: 1, max: 2 }),
  reviewers: fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1 }),
})
const routeOf = fc.array(group, { minLength: 1, maxLength: 2 }).map((list): AskedRoute => {
  const groups = list.map((one, index) => ({ id: `g${index}`, ...one }))
  const reviewers = [...new Set(groups.flatMap((one) => one.reviewers))].sort()
  return { ...ROUTE, quorum: groups.reduce((sum, one) => sum + one.quorum, 0), reviewers, groups }
})
const reviews = fc.uniqueArray(
  fc
    .record({ name: fc.constantFrom(...NAMES), glass: fc.boolean() })
    .map(({ name, glass }) => (glass ? broken(name) : reviewOf(name))),
  { selector: ({ reviewer }) => reviewer },
)

describe('properties', () => {
  test('the order makes no difference', () => {
    fc.assert(
      fc.property(routeOf, reviews, (route, list) => {
        expect(count([...list].reverse(), route)).toEqual(count(list, route))
      }),
    )
  })

  test('one more approval never makes what is approved wait', () => {
    fc.assert(
      fc.property(routeOf, reviews, fc.constantFrom(...NAMES), (route, list, name) => {
        if (list.some(({ reviewer }) => reviewer === name)) return
        if (count(list, route).state !== 'approved') return
        expect(count([...list, reviewOf(name)], route).state).toBe('approved')
      }),
    )
  })

  test('nobody approves with fewer people than the quorum, but by the glass', () => {
    fc.assert(
      fc.property(routeOf, reviews, (route, list) => {
        const { state, glass, by, seats } = count(list, route)
        if (state !== 'approved' || glass.length > 0) return
        expect(by.length).toBeGreaterThanOrEqual(route.quorum)
        expect(new Set(seats.map(({ reviewer }) => reviewer)).size).toBe(route.quorum)
      }),
    )
  })
})
