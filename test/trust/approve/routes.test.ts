import { expect, test } from 'vitest'
import type { CompiledPolicy } from '../../../src/model/generated/types.ts'
import { askedRoutes, standingRequest } from '../../../src/trust/approve/routes.ts'
import { routesOf } from '../../../src/trust/approve/statement.ts'
import { LEGAL, NOW, PAYMENTS, PEOPLE, requestOf } from '../../fakes/review-case.ts'

const place = { file: 'policies/routes/all.yaml', line: 1, column: 1 }
const POLICY: Pick<CompiledPolicy, 'routes' | 'people' | 'agents'> = {
  people: PEOPLE,
  agents: [],
  routes: [
    {
      ...{ id: 'payments', reviewers: ['cy', 'ana', 'bo', 'ana'], quorum: 2, signature: 'ssh' },
      ...{ time_out: '30m', show: [], ...place },
    },
    {
      ...{ id: 'legal', reviewers: ['dee'], quorum: 1, signature: 'ssh' },
      ...{ time_out: '1h30m', show: [], ...place },
    },
  ],
}

test('routes come sorted, each once, with sorted reviewers and the end of their time', () => {
  expect(askedRoutes(POLICY, ['payments', 'legal', 'payments'], NOW)).toEqual([
    {
      ...{ id: 'legal', quorum: 1, reviewers: ['dee'], signature: 'ssh' },
      expires_at: '2026-11-21T10:35:00.000Z',
    },
    {
      ...{ id: 'payments', quorum: 2, reviewers: ['ana', 'bo', 'cy'], signature: 'ssh' },
      expires_at: '2026-11-21T09:35:00.000Z',
    },
  ])
})

test.for([
  { name: 'no route named', ids: [] },
  { name: 'an unknown route', ids: ['payments', 'treasury'] },
  { name: 'a name of the prototype', ids: ['constructor'] },
])('$name -> ROUTE_MISSING', ({ ids }) => {
  expect(() => askedRoutes(POLICY, ids, NOW)).toThrow(
    expect.objectContaining({ code: 'ROUTE_MISSING' }),
  )
})

test("a reviewer's routes are those that list the person", () => {
  const request = requestOf({ routes: [PAYMENTS, LEGAL] })
  expect(routesOf(request, 'bo')).toEqual(['legal', 'payments'])
  expect(routesOf(request, 'eve')).toEqual([])
})

test.for([
  { name: 'the same route', now: {}, quorum: 1, reviewers: ['ana', 'bo'] },
  { name: 'a reviewer less', now: { reviewers: ['bo'] }, quorum: 1, reviewers: ['bo'] },
  { name: 'a higher quorum', now: { quorum: 2 }, quorum: 2, reviewers: ['ana', 'bo'] },
  { name: 'others altogether', now: { reviewers: ['dee'] }, quorum: 1, reviewers: [] },
  {
    name: 'more reviewers: they were not asked',
    now: { reviewers: ['ana', 'bo', 'eve'] },
    quorum: 1,
    reviewers: ['ana', 'bo'],
  },
  { name: 'another id: as it was asked', now: { id: 'x' }, quorum: 1, reviewers: ['ana', 'bo'] },
])('a request whose route is now $name', ({ now, quorum, reviewers }) => {
  const asked = { ...PAYMENTS, quorum: 1, reviewers: ['ana', 'bo'] }
  const current = POLICY.routes.map((route) => ({ ...route, ...asked, quorum: 0, ...now }))
  const standing = standingRequest(
    requestOf({ routes: [asked] }),
    { ...POLICY, routes: current },
    NOW,
  )
  expect(standing.routes).toEqual([{ ...asked, quorum, reviewers }])
})
