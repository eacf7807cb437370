import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Request } from '../../src/model/generated/types.ts'
import type { Forge, OpenPull, PullClosing } from '../../src/model/ports.ts'
import { reviewStatement } from '../../src/trust/approve/statement.ts'
import { collectReviews } from '../../src/trust/verify/review.ts'
import { NOW, PEOPLE, type People, requestOf, signedReview } from '../fakes/review-case.ts'

export type ForgeUnderTest = {
  readonly forge: Forge
  /** The same repository through a second object, as another process has it. */
  readonly again: () => Forge
  /** The roster with the forge's accounts. Default: {@link PEOPLE}. */
  readonly people?: People
  /** What was said on a pull request, oldest first. */
  readonly said?: (number: number) => Promise<readonly string[]>
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

export const TEXT = { title: 'a title', body: 'a body\n', reviewers: [] }

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
  await forge.postReview(number, { statement, body, submittedAt: NOW, account: null })
}

/** Lists until nothing is new any more: a forge's clock may need its time to tell. */
export async function quiet(forge: Forge): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if ((await forge.openPulls('changed')).length === 0) return
    await sleep(100)
  }
  throw new Error('the list never comes to rest')
}

const numbersOf = (pulls: readonly OpenPull[]) => pulls.map(({ number }) => number)

/** One forge with one request, made at the first call, for what leaves it as it is. */
function once(make: () => Promise<ForgeUnderTest>): () => Promise<ForgeUnderTest> {
  let made: Promise<ForgeUnderTest> | undefined
  const open = async (): Promise<ForgeUnderTest> => {
    const under = await make()
    await under.forge.open(numbered(1), TEXT)
    return under
  }
  return () => {
    made ??= open()
    return made
  }
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

    const one = once(make)
    test.for([0, -1, 1.5, Number.NaN, 2, 1e300])('%d is no pull request', async (number) => {
      const { forge } = await one()
      for (const call of [() => forge.pull(number), () => forge.reviews(number)]) {
        await expect(call()).rejects.toMatchObject({ code: 'REQUEST_UNKNOWN' })
      }
    })

    test.for(['', 'HEAD', '0'.repeat(40), 'main', '--all'])(
      '%o is not on the base',
      async (sha) => {
        expect(await (await one()).forge.onBase(sha)).toBe(false)
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
      const review = { statement, body: 'x', submittedAt: NOW, account: null }
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

  describe(`${name}: the list`, () => {
    test('of a forge without requests is empty', async () => {
      const { forge } = await make()
      for (const which of ['changed', 'all', 'changed'] as const) {
        expect(await forge.openPulls(which)).toEqual([])
      }
    })

    test('holds what is open, from every object, and loses what is settled', async () => {
      const { forge, again } = await make()
      for (let i = 1; i <= 4; i++) await forge.open(numbered(i), TEXT)
      await quiet(forge)
      const all = await forge.openPulls('all')
      expect(all.toSorted((a, b) => a.number - b.number)).toMatchObject(
        [1, 2, 3, 4].map((number) => ({ number, request: numbered(number).id })),
      )
      const other = again()
      expect(numbersOf(await other.openPulls('changed')).toSorted()).toEqual([1, 2, 3, 4])
      await forge.settle(2, (await forge.pull(2)).headSha, closingOf())
      const { headSha } = await other.pull(3)
      await other.settle(3, headSha, closingOf({ decision: 'EXPIRED' }))
      for (const one of [forge, other, again()]) {
        expect(numbersOf(await one.openPulls('all')).toSorted()).toEqual([1, 4])
      }
      await quiet(other)
      expect(await other.openPulls('changed')).toEqual([])
    })

    test('of changes holds what was opened, reviewed or spoken of since, and nothing else', async () => {
      const { forge, again } = await make()
      for (let i = 1; i <= 3; i++) await forge.open(numbered(i), TEXT)
      await quiet(forge)
      const before = await forge.openPulls('all')
      expect(before.every(({ mark }) => mark !== null)).toBe(true)
      await forge.pull(1)
      await forge.reviews(2)
      expect(await forge.openPulls('changed')).toEqual([])
      await post(again(), 2, numbered(2), 'ana')
      const changed = await forge.openPulls('changed')
      expect(numbersOf(changed)).toEqual([2])
      expect(changed[0]?.mark).not.toBe(before.find(({ number }) => number === 2)?.mark)
      await quiet(forge)
      await again().open(numbered(4), TEXT)
      expect(numbersOf(await forge.openPulls('changed'))).toEqual([4])
      await quiet(forge)
      await again().notify(1, { key: 'remind-1', text: 'Still waiting.', reviewers: [] })
      expect(numbersOf(await forge.openPulls('changed'))).toEqual([1])
      await quiet(forge)
      await again().open(numbered(1), TEXT)
      expect(await forge.openPulls('changed')).toEqual([])
    })
  })

  describe(`${name}: notices`, () => {
    const notice = (key: string, text = `About ${key}.`) => ({ key, text, reviewers: [] })

    test('are given once a key, whoever asks, and how often', async () => {
      const { forge, again, said } = await make()
      await forge.open(numbered(1), TEXT)
      await forge.open(numbered(2), TEXT)
      await Promise.all([1, 2, 3].map(() => forge.notify(1, notice('remind-1'))))
      await quiet(forge)
      await forge.notify(1, notice('remind-1', 'Other words.'))
      await again().notify(1, notice('remind-1'))
      expect(await forge.openPulls('changed')).toEqual([])
      await again().notify(1, notice('remind-2'))
      expect(numbersOf(await forge.openPulls('changed'))).toEqual([1])
      await forge.notify(2, notice('remind-1'))
      expect(numbersOf(await forge.openPulls('changed'))).toContain(2)
      if (said === undefined) return
      const [one, two, ...rest] = await said(1)
      expect(rest).toEqual([])
      expect(one).toContain('About remind-1.')
      expect(two).toContain('About remind-2.')
      expect(await said(2)).toHaveLength(1)
    })

    test('are given after the end too, and change neither state nor reviews', async () => {
      const { forge, again, said } = await make()
      const number = await forge.open(numbered(1), TEXT)
      await post(forge, number, numbered(1), 'ana')
      await forge.settle(number, (await forge.pull(number)).headSha, closingOf())
      const before = [await forge.pull(number), await forge.reviews(number)]
      await again().notify(number, notice('break-glass'))
      expect([await forge.pull(number), await forge.reviews(number)]).toEqual(before)
      if (said !== undefined) expect(await said(number)).toHaveLength(1)
    })

    const one = once(make)
    test.for(['', 'A', 'a b', '../a', 'a\n', '-->', 'a'.repeat(65), 'remind_1'])(
      'of the key %o -> USAGE_INVALID, and nothing is said',
      async (key) => {
        const { forge, said } = await one()
        await expect(forge.notify(1, notice(key))).rejects.toMatchObject({ code: 'USAGE_INVALID' })
        if (said !== undefined) expect(await said(1)).toEqual([])
      },
    )

    test.for([0, 2, -1, Number.NaN])(
      'on the pull request %d -> REQUEST_UNKNOWN',
      async (number) => {
        const { forge } = await one()
        const giving = forge.notify(number, notice('remind-1'))
        await expect(giving).rejects.toMatchObject({ code: 'REQUEST_UNKNOWN' })
      },
    )
  })

  describe(`${name}: people and display`, () => {
    test('the account stays the same', async () => {
      const { forge, again } = await make()
      const self = await forge.self()
      expect(await again().self()).toBe(self)
      if (self !== null) expect(self).toMatch(/^[1-9][0-9]*$/)
    })

    test.for([['999999999'], ['', 'x', '-1', '1e3', '../user'], ['0', '1', '2', '3']])(
      'nobody to ask among %o: it opens all the same, and says what it says',
      async (reviewers) => {
        const { forge, again } = await make()
        const opening = { ...TEXT, reviewers }
        expect(await forge.open(numbered(1), opening)).toBe(1)
        expect(await again().open(numbered(1), opening)).toBe(1)
        await forge.notify(1, { key: 'escalate-a', text: 'Now you.', reviewers })
        expect(await forge.pull(1)).toMatchObject({ state: 'open' })
      },
    )

    test('a status decides nothing, and one that cannot be set is no failure', async () => {
      const { forge, again } = await make()
      const number = await forge.open(numbered(1), TEXT)
      const before = [await forge.pull(number), await forge.reviews(number)]
      const { headSha } = await forge.pull(number)
      for (const state of ['pending', 'success', 'success', 'failure'] as const) {
        await forge.setStatus(number, headSha, { state, description: 'x'.repeat(300) })
        await again().setStatus(number, headSha, { state, description: '' })
      }
      await forge.setStatus(number, 'f'.repeat(40), { state: 'success', description: 'no' })
      expect([await forge.pull(number), await forge.reviews(number)]).toEqual(before)
    })
  })
}
