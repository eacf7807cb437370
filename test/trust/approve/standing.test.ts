import { describe, expect, test } from 'vitest'
import type { CompiledPolicy, CompiledRoute } from '../../../src/model/generated/types.ts'
import type { AskedRoute } from '../../../src/trust/approve/review.ts'
import { askedRoutes, ratifyingRoutes, standingRequest } from '../../../src/trust/approve/routes.ts'
import { NOW, PAYMENTS, PEOPLE, requestOf } from '../../fakes/review-case.ts'

const place = { file: 'routes.yaml', line: 1, column: 1 }
const ROUTE: CompiledRoute = {
  ...{ id: 'payments', reviewers: ['ana', 'bo'], quorum: 1, signature: 'signed' },
  ...{ time_out: '30m', show: [], ...place },
}
const LATER = '2026-11-30T00:00:00Z'

type People = CompiledPolicy['people']
type Delegations = NonNullable<People[number]['delegates']>

const policyOf = (route: Partial<CompiledRoute> = {}, ana: Delegations = [], owner = 'oz') => ({
  routes: [{ ...ROUTE, ...route }],
  people: PEOPLE.map((one) =>
    one.id === 'ana' && ana.length > 0 ? { ...one, delegates: ana } : one,
  ),
  agents: [
    { agent: 'billing-agent', owner, fingerprints: [], scopes: [], ...place },
  ] as CompiledPolicy['agents'],
})
const asked = (policy: ReturnType<typeof policyOf>, at = NOW) =>
  askedRoutes(policy, ['payments'], at)[0] as AskedRoute
const standing = (route: AskedRoute, policy: ReturnType<typeof policyOf>, at = NOW) =>
  standingRequest(requestOf({ routes: [route] }), policy, at).routes[0]

describe('what a request asks for', () => {
  test('what a route does not use is absent', () => {
    expect(Object.keys(asked(policyOf())).sort()).toEqual([
      'expires_at',
      'id',
      'quorum',
      'reviewers',
      'signature',
    ])
  })

  test('times run in the open hours: it is 10:05 in Berlin, which closes at 10:15', () => {
    const windows = [{ days: ['sat', 'mon'] as const, from: '09:00', to: '10:15' }]
    const route = asked(
      policyOf({
        hours: {
          zone: 'Europe/Berlin',
          windows: windows.map((one) => ({ ...one, days: [...one.days] })),
          except: [],
        },
        remind: ['5m', '20m'],
        escalate: { after: '15m', reviewers: ['dee'] },
      }),
    )
    expect(route).toMatchObject({
      expires_at: '2026-11-23T08:20:00.000Z',
      reminders: ['2026-11-21T09:10:00.000Z', '2026-11-23T08:10:00.000Z'],
      escalation: { at: '2026-11-23T08:05:00.000Z', reviewers: ['dee'] },
    })
  })

  test('hours that never come: the request ends by the plain clock', () => {
    const windows = [{ days: ['mon' as const], from: '09:00', to: '09:01' }]
    const hours = { zone: 'UTC', windows, except: [] }
    expect(asked(policyOf({ hours, time_out: '10h' })).expires_at).toBe('2026-11-21T19:05:00.000Z')
  })

  test.for<{ name: string; ana: Delegations; want: string[] }>([
    { name: 'now', ana: [{ to: 'dee', until: LATER }], want: ['ana', 'bo', 'dee'] },
    {
      name: 'on this route',
      ana: [{ to: 'dee', until: LATER, routes: ['payments'] }],
      want: ['ana', 'bo', 'dee'],
    },
    {
      name: 'on another route',
      ana: [{ to: 'dee', until: LATER, routes: ['x'] }],
      want: ['ana', 'bo'],
    },
    { name: 'no longer', ana: [{ to: 'dee', until: '2026-11-21T09:05:00Z' }], want: ['ana', 'bo'] },
    {
      name: 'not yet',
      ana: [{ to: 'dee', from: '2026-11-22T00:00:00Z', until: LATER }],
      want: ['ana', 'bo'],
    },
    { name: 'at a time that is none', ana: [{ to: 'dee', until: 'soon' }], want: ['ana', 'bo'] },
    { name: 'who has a seat of their own', ana: [{ to: 'bo', until: LATER }], want: ['ana', 'bo'] },
  ])('somebody stands in $name', ({ ana, want }) => {
    const route = asked(policyOf({}, ana))
    expect(route.reviewers).toEqual(want)
    expect(route.delegates?.map(({ person }) => person)).toEqual(
      want.includes('dee') ? ['dee'] : undefined,
    )
  })
})

describe('what counts by now', () => {
  const stands: Delegations = [{ to: 'dee', until: LATER }]

  test.for<{ name: string; now: ReturnType<typeof policyOf>; at?: number; want: string[] }>([
    { name: 'still', now: policyOf({}, stands), want: ['ana', 'bo', 'dee'] },
    {
      name: 'the time is over',
      now: policyOf({}, stands),
      at: Date.parse(LATER),
      want: ['ana', 'bo'],
    },
    { name: 'taken back', now: policyOf(), want: ['ana', 'bo'] },
    {
      name: 'given to somebody else',
      now: policyOf({}, [{ to: 'cy', until: LATER }]),
      want: ['ana', 'bo'],
    },
    {
      name: 'for who has left the route',
      now: policyOf({ reviewers: ['bo'] }, stands),
      want: ['bo'],
    },
    { name: "for the agent's owner", now: policyOf({}, stands, 'Ana'), want: ['ana', 'bo'] },
  ])('who stands in: $name', ({ now, at = NOW, want }) => {
    expect(standing(asked(policyOf({}, stands)), now, at)?.reviewers).toEqual(want)
  })

  const escalates = { escalate: { after: '15m', reviewers: ['cy', 'dee'] } }
  test.for<{ name: string; now: Partial<CompiledRoute>; after: number; want: string[] }>([
    { name: 'a moment before', now: escalates, after: 15 * 60_000 - 1, want: ['ana', 'bo'] },
    { name: 'then', now: escalates, after: 15 * 60_000, want: ['ana', 'bo', 'cy', 'dee'] },
    {
      name: 'no longer to dee',
      now: { escalate: { after: '15m', reviewers: ['cy'] } },
      after: 16 * 60_000,
      want: ['ana', 'bo', 'cy'],
    },
    { name: 'no longer at all', now: {}, after: 16 * 60_000, want: ['ana', 'bo'] },
    {
      name: 'sooner by now: as it was asked',
      now: { escalate: { after: '1m', reviewers: ['cy'] } },
      after: 2 * 60_000,
      want: ['ana', 'bo'],
    },
  ])('escalation: $name', ({ now, after, want }) => {
    const route = asked(policyOf(escalates))
    expect(standing(route, policyOf(now), NOW + after)?.reviewers).toEqual(want)
  })

  const glass = { quorum: 1, reviewers: ['cy', 'dee'], review_within: '24h' }
  test.for([
    { name: 'as it was', now: glass, want: { quorum: 1, reviewers: ['cy', 'dee'] } },
    {
      name: 'by fewer people',
      now: { ...glass, reviewers: ['dee'] },
      want: { quorum: 1, reviewers: ['dee'] },
    },
    {
      name: 'by more of them',
      now: { ...glass, quorum: 2 },
      want: { quorum: 2, reviewers: ['cy', 'dee'] },
    },
    {
      name: 'by others',
      now: { ...glass, reviewers: ['ana'] },
      want: { quorum: 1, reviewers: [] },
    },
  ])('breaking the glass: $name', ({ now, want }) => {
    const route = asked(policyOf({ break_glass: glass }))
    expect(standing(route, policyOf({ break_glass: now }))?.break_glass).toMatchObject(want)
  })

  test('breaking the glass: no longer', () => {
    expect(standing(asked(policyOf({ break_glass: glass })), policyOf())).not.toHaveProperty(
      'break_glass',
    )
  })

  test.for([
    { asked: 'none', now: 'signed', want: 'signed' },
    { asked: 'signed', now: 'none', want: 'signed' },
    { asked: 'signed', now: 'sigstore', want: 'sigstore' },
    { asked: 'ssh', now: 'signed', want: 'ssh' },
    { asked: 'ssh', now: 'sigstore', want: 'sigstore' },
  ] as const)('signed as $asked, by now $now -> $want', ({ asked: from, now, want }) => {
    expect(
      standing(asked(policyOf({ signature: from })), policyOf({ signature: now }))?.signature,
    ).toBe(want)
  })

  const groups = (legal: string[], quorum = 1) => ({
    ...{ reviewers: [...new Set(['ana', 'bo', ...legal])].sort(), quorum: quorum + 1 },
    groups: [
      { id: 'legal', quorum: 1, reviewers: legal },
      { id: 'pay', quorum, reviewers: ['ana', 'bo'] },
    ],
  })
  test('groups: narrowed one by one, with the higher quorums', () => {
    const route = asked(policyOf(groups(['cy', 'dee'])))
    const now = standing(route, policyOf(groups(['dee'], 2)))
    expect(now?.groups).toEqual([
      { id: 'legal', quorum: 1, reviewers: ['dee'] },
      { id: 'pay', quorum: 2, reviewers: ['ana', 'bo'] },
    ])
    expect(now?.quorum).toBe(3)
    expect(now).not.toHaveProperty('also')
  })

  test('groups where there were none: both must be satisfied', () => {
    const now = standing(asked(policyOf({ quorum: 2 })), policyOf(groups(['ana'])))
    expect(now).toMatchObject({ quorum: 2, reviewers: ['ana', 'bo'] })
    expect(now?.also?.groups).toEqual([
      { id: 'legal', quorum: 1, reviewers: ['ana'] },
      { id: 'pay', quorum: 1, reviewers: ['ana', 'bo'] },
    ])
  })
})

describe('a look at what was let run', () => {
  const glass = { quorum: 1, reviewers: ['dee'], review_within: '24h' }
  test("is the route's people's, without who broke the glass and who stands in for them", () => {
    const policy = policyOf({
      break_glass: glass,
      on_time_out: 'reject',
      reviewers: ['ana', 'bo', 'dee'],
    })
    expect(ratifyingRoutes(policy, ['payments'], { by: ['dee'], now: NOW })).toEqual([
      {
        ...{ id: 'payments', quorum: 1, reviewers: ['ana', 'bo'], signature: 'signed' },
        expires_at: '2026-11-22T09:05:00.000Z',
      },
    ])
  })

  test('of a route without glass -> ROUTE_MISSING', () => {
    const look = () => ratifyingRoutes(policyOf(), ['payments'], { by: [], now: NOW })
    expect(look).toThrow(expect.objectContaining({ code: 'ROUTE_MISSING' }))
  })
})

test('a route that the policy has no longer stays, and escalates as it was asked', () => {
  const route: AskedRoute = {
    ...PAYMENTS,
    escalation: { at: new Date(NOW).toISOString(), reviewers: ['dee'] },
  }
  const policy = { ...policyOf(), routes: [] }
  expect(standingRequest(requestOf({ routes: [route] }), policy, NOW).routes[0]?.reviewers).toEqual(
    ['ana', 'bo', 'cy', 'dee'],
  )
})
