import { describe, expect, test } from 'vitest'
import type { Request } from '../../src/model/generated/types.ts'
import type { Forge, PullClosing } from '../../src/model/ports.ts'
import { reviewStatement } from '../../src/trust/approve/statement.ts'
import { collectReviews } from '../../src/trust/verify/review.ts'
import { NOW, PEOPLE, type People, requestOf, signedReview } from '../fakes/review-case.ts'

export type ForgeUnderTest = {
  readonly forge: Forge
  /** The same repository through a second object, as another process has it. */
  readonly again: () => Forge
  /** The roster with the forge's accounts. Default: {@link PEOPLE}. */
  readonly people?: People
}

/** A request of its own for each number. */
export function numbered(number: number, changes: Partial<Request> = {}): Request {
  return requestOf({ id: `req_${String(number).padStart(20, '0')}`, ...changes })
}

export function closingOf(changes: Partial<PullClosing> = {}): PullClosing {
  const receipt = Buffer.from('{"receipt":1}')
  return {
    decision: 'APPROVED',
    reason: 'approved by ana, bo',
    by: ['ana', 'bo'],
    receipt,
    ...changes,
  }
}

export const TEXT = { title: 'a title', body: 'a body\n' }

/** Posts a sound review as `requests approve` does. */
export async function post(
  forge: Forge,
  number: number,
  request: Request,
  reviewer: 'ana' | 'bo' | 'cy',
  verdict: 'approve' | 'reject' = 'approve',
): Promise<void> {
  const subject = { request, pull: await forge.pull(number), forge: await forge.identity() }
  const words = { reviewer, verdict, issuedAt: NOW }
  const { body } = await signedReview({ ...subject, words })
  const statement = reviewStatement(subject, words)
  await forge.postReview(number, { statement, body, submittedAt: NOW })
}

/** What every forge must do, whatever it stores pull requests in. */
export function testForge(name: string, make: () => Promise<ForgeUnderTest>): void {
  describe(`${name}: opening`, () => {
    test('gives numbers from 1 and shows the request at the head', async () => {
      const { forge } = await make()
      expect(await forge.open(numbered(1), TEXT)).toBe(1)
      expect(await forge.open(numbered(2), TEXT)).toBe(2)
      const pull = await forge.pull(2)
      expect(pull).toMatchObject({ number: 2, state: 'open', baseRef: 'main' })
      expect(pull.headSha).toMatch(/^[0-9a-f]{40}$/)
      expect(JSON.parse(pull.requestText)).toEqual(numbered(2))
      expect(await forge.onBase(pull.baseSha)).toBe(true)
      expect(await forge.onBase(pull.headSha)).toBe(false)
    })

    test('twice with one request gives the same number and head', async () => {
      const { forge, again } = await make()
      expect(await forge.open(numbered(1), TEXT)).toBe(1)
      const before = await forge.pull(1)
      expect(await again().open(numbered(1), TEXT)).toBe(1)
      expect(await forge.pull(1)).toEqual(before)
    })

    test('the identity stays', async () => {
      const { forge, again } = await make()
      expect(await again().identity()).toEqual(await forge.identity())
    })

    test.for([0, -1, 1.5, Number.NaN, 2, 1e300])('%d is no pull request', async (number) => {
      const { forge } = await make()
      await forge.open(numbered(1), TEXT)
      for (const call of [() => forge.pull(number), () => forge.reviews(number)]) {
        await expect(call()).rejects.toMatchObject({ code: 'REQUEST_UNKNOWN' })
      }
    })

    test.for(['', 'HEAD', '0'.repeat(40), 'main', '--all'])(
      '%o is not on the base',
      async (sha) => {
        expect(await (await make()).forge.onBase(sha)).toBe(false)
      },
    )
  })

  describe(`${name}: reviews`, () => {
    test('come back in order, whole, and verify', async () => {
      const { forge, again, people = PEOPLE } = await make()
      const request = numbered(1)
      const number = await forge.open(request, TEXT)
      expect(await forge.reviews(number)).toEqual([])
      await post(forge, number, request, 'ana')
      await post(again(), number, request, 'bo', 'reject')
      const reviews = await forge.reviews(number)
      expect(reviews.map(({ state }) => state)).toEqual(['approved', 'rejected'])
      const { verified, refused } = collectReviews({
        ...{ request, reviews, people, owner: null, now: NOW },
        pull: await forge.pull(number),
        forge: await forge.identity(),
      })
      expect(refused).toEqual([])
      expect(verified.map(({ reviewer, verdict }) => [reviewer, verdict])).toEqual([
        ['ana', 'approve'],
        ['bo', 'reject'],
      ])
    })

    test('of one pull request do not verify on another', async () => {
      const { forge, people = PEOPLE } = await make()
      const [one, two] = [numbered(1), numbered(2)]
      await forge.open(one, TEXT)
      await forge.open(two, TEXT)
      await post(forge, 1, one, 'ana')
      const [review] = await forge.reviews(1)
      const pull = await forge.pull(2)
      const moved = { ...review, commit: pull.headSha } as typeof review & { commit: string }
      const { refused } = collectReviews({
        ...{ request: two, pull, people, owner: null, now: NOW },
        forge: await forge.identity(),
        reviews: [moved as never],
      })
      expect(refused).toMatchObject([{ code: 'REVIEW_UNBOUND' }])
    })

    test('on another head -> FORGE_CONFLICT', async () => {
      const { forge } = await make()
      const request = numbered(1)
      const number = await forge.open(request, TEXT)
      const pull = { ...(await forge.pull(number)), headSha: 'f'.repeat(40) }
      const words = { reviewer: 'ana', verdict: 'approve', issuedAt: NOW } as const
      const statement = reviewStatement({ request, pull, forge: await forge.identity() }, words)
      const review = { statement, body: 'x', submittedAt: NOW }
      await expect(forge.postReview(number, review)).rejects.toMatchObject({
        code: 'FORGE_CONFLICT',
      })
    })

    test('on what is settled -> REQUEST_RESOLVED', async () => {
      const { forge } = await make()
      const request = numbered(1)
      const number = await forge.open(request, TEXT)
      await forge.settle(number, (await forge.pull(number)).headSha, closingOf())
      await expect(post(forge, number, request, 'ana')).rejects.toMatchObject({
        code: 'REQUEST_RESOLVED',
      })
    })
  })

  describe(`${name}: settling`, () => {
    test.for([
      { decision: 'APPROVED', state: 'merged', merged: true },
      { decision: 'APPROVED_WITH_MODIFICATIONS', state: 'merged', merged: true },
      { decision: 'REJECTED', state: 'closed', merged: false },
      { decision: 'EXPIRED', state: 'closed', merged: false },
    ] as const)('$decision -> $state', async ({ decision, state, merged }) => {
      const { forge, again } = await make()
      const request = numbered(1)
      const number = await forge.open(request, TEXT)
      await post(forge, number, request, 'ana')
      const { headSha } = await forge.pull(number)
      await forge.settle(number, headSha, closingOf({ decision }))
      const settled = await forge.pull(number)
      expect(settled).toMatchObject({ state, headSha })
      expect(await forge.onBase(headSha)).toBe(merged)
      expect(await forge.reviews(number)).toHaveLength(1)
      // Again, even with another outcome, changes nothing; nor does opening again.
      await again().settle(number, headSha, closingOf({ decision: 'EXPIRED' }))
      expect(await again().open(request, TEXT)).toBe(number)
      expect(await forge.pull(number)).toEqual(settled)
    })

    test('another head -> FORGE_CONFLICT, and nothing happens', async () => {
      const { forge } = await make()
      const number = await forge.open(numbered(1), TEXT)
      const settling = forge.settle(number, 'f'.repeat(40), closingOf())
      await expect(settling).rejects.toMatchObject({ code: 'FORGE_CONFLICT' })
      expect(await forge.pull(number)).toMatchObject({ state: 'open' })
    })

    test('what is not open -> REQUEST_UNKNOWN', async () => {
      const { forge } = await make()
      await expect(forge.settle(1, 'f'.repeat(40), closingOf())).rejects.toMatchObject({
        code: 'REQUEST_UNKNOWN',
      })
    })
  })

  describe(`${name}: two at once`, () => {
    test('ten requests opened by both get ten numbers, the same from both', async () => {
      const { forge, again } = await make()
      const other = again()
      const requests = Array.from({ length: 10 }, (_, i) => numbered(i + 1))
      const [mine, theirs] = await Promise.all(
        [forge, other].map((one) =>
          Promise.all(requests.map((request) => one.open(request, TEXT))),
        ),
      )
      expect(mine).toEqual(theirs)
      expect(mine?.toSorted((a, b) => a - b)).toEqual(requests.map((_, i) => i + 1))
      for (const [i, number] of (mine ?? []).entries()) {
        const text = (await forge.pull(number)).requestText
        expect(JSON.parse(text)).toEqual(requests[i])
      }
    })

    test('reviews posted at once are all kept', async () => {
      const { forge, again } = await make()
      const other = again()
      const request = numbered(1)
      const number = await forge.open(request, TEXT)
      await Promise.all([
        post(forge, number, request, 'ana'),
        post(other, number, request, 'bo'),
        post(forge, number, request, 'cy'),
      ])
      expect(await forge.reviews(number)).toHaveLength(3)
    })

    test('requests settled at once all reach the base', async () => {
      const { forge, again } = await make()
      const other = again()
      const heads: string[] = []
      for (let i = 1; i <= 6; i++) {
        await forge.open(numbered(i), TEXT)
        heads.push((await forge.pull(i)).headSha)
      }
      await Promise.all(
        heads.map((head, i) => (i % 2 === 0 ? forge : other).settle(i + 1, head, closingOf())),
      )
      for (const head of heads) expect(await forge.onBase(head)).toBe(true)
    })
  })
}
