import { describe, expect, test } from 'vitest'
import { authorsOf, judgeReviews } from '../../../src/app/changes/change-reviews.ts'
import type { ForgeIdentity } from '../../../src/model/ports.ts'
import { changeRequest } from '../../../src/trust/approve/change-request.ts'
import {
  FORGE,
  LEGAL,
  NOW,
  PATCH_ROOT,
  PAYMENTS,
  PEOPLE,
  PULL,
  requestOf,
  type SignedReview,
  signedReview,
} from '../../fakes/review-case.ts'

const ONE = { ...PAYMENTS, quorum: 1 }
const request = requestOf({ routes: [ONE] })

async function judged(...rows: readonly SignedReview[]) {
  const reviews = await Promise.all(rows.map((row) => signedReview({ request, ...row })))
  const subject = { request, pull: PULL, forge: FORGE, policy: { people: PEOPLE }, now: NOW }
  return judgeReviews(
    subject,
    reviews.map((review, at) => ({ ...review, id: `r-${at}` })),
  )
}

describe('reviews of a change', () => {
  test('an approval -> approved', async () => {
    expect(await judged({})).toMatchObject({ state: 'approved', refused: [] })
  })

  test('a patch -> it is refused, and blocks an approval beside it', async () => {
    const patch = { words: { reviewer: 'bo', verdict: 'patch' as const, patchRoot: PATCH_ROOT } }
    expect(await judged({}, patch)).toMatchObject({
      state: 'waiting',
      refused: [{ code: 'REVIEW_UNBOUND' }],
    })
    expect((await judged(patch)).state).toBe('waiting')
  })

  test('glass that is broken -> it does not count', async () => {
    const words = { reviewer: 'ana', comment: 'now!', breakGlass: true as const }
    expect((await judged({ words })).state).toBe('waiting')
  })
})

describe('the request of a change', () => {
  const subject = {
    forge: FORGE,
    pull: { number: 7, baseRef: 'main', baseSha: 'a'.repeat(40), headSha: 'b'.repeat(40) },
    before: `sha256:${'1'.repeat(64)}`,
    after: `sha256:${'2'.repeat(64)}`,
    routes: ['payments'],
    weakens: ['rule\nx\nweaker\nlimit: 5 -> 50\npayments'],
    createdAt: NOW,
    timeOutMs: 60_000,
  } as const
  const route = { id: 'payments', time_out: '1m', show: [], file: 'x', line: 1, column: 1 }
  const routes = [
    { ...route, reviewers: ['ana', 'bo'], quorum: 1, signature: 'signed' as const },
    {
      ...route,
      id: 'legal',
      reviewers: [...LEGAL.reviewers],
      quorum: 1,
      signature: 'ssh' as const,
    },
  ]
  const policy = { project: 'acme', routes, people: PEOPLE }
  const rootOf = (change: object): string =>
    changeRequest({ ...subject, ...change }, policy, NOW).root

  test('the same change -> the same request, whoever may review meanwhile', () => {
    const others = [{ ...routes[0], reviewers: ['cy'] }, routes[1]] as typeof routes
    const [one, two] = [policy, { ...policy, routes: others }].map((each) =>
      changeRequest(subject, each, NOW + 5000),
    )
    expect(one?.root).toBe(two?.root)
    expect([one?.id, one?.nonce, one?.expires_at]).toEqual([two?.id, two?.nonce, two?.expires_at])
    expect(one?.id).toMatch(/^req_[0-9a-z]{40}$/)
  })

  test.for<{ name: string; change: object }>([
    { name: 'repository', change: { forge: { ...FORGE, repository: 'cd'.repeat(16) } } },
    { name: 'host', change: { forge: { ...FORGE, host: 'other' } } },
    { name: 'number', change: { pull: { ...subject.pull, number: 8 } } },
    { name: 'base branch', change: { pull: { ...subject.pull, baseRef: 'dev' } } },
    { name: 'base', change: { pull: { ...subject.pull, baseSha: 'c'.repeat(40) } } },
    { name: 'head', change: { pull: { ...subject.pull, headSha: 'c'.repeat(40) } } },
    { name: 'old policy', change: { before: `sha256:${'3'.repeat(64)}` } },
    { name: 'new policy', change: { after: `sha256:${'3'.repeat(64)}` } },
    { name: 'route', change: { routes: ['legal'] } },
    { name: 'weakening', change: { weakens: ['rule\nx\nweaker\nlimit: 5 -> 60\npayments'] } },
  ])('another $name -> another root', ({ change }) => {
    expect(rootOf(change)).not.toBe(rootOf({}))
  })

  test('a route that the base has not -> ROUTE_MISSING', () => {
    expect(() => rootOf({ routes: ['gone'] })).toThrow(
      expect.objectContaining({ code: 'ROUTE_MISSING' }),
    )
  })
})

test('people are found by account on a forge, and by name without one', () => {
  const github: ForgeIdentity = { ...FORGE, kind: 'github' }
  const people = PEOPLE.map((person, at) => ({ ...person, accounts: { github: String(at + 1) } }))
  expect(authorsOf(people, github, ['2', 'ana']).map(({ id }) => id)).toEqual(['bo'])
  expect(authorsOf(people, FORGE, ['2', 'ANA']).map(({ id }) => id)).toEqual(['ana'])
})
