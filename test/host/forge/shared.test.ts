import { describe, expect, test } from 'vitest'
import { authorsOf } from '../../../src/host/forge/answer.ts'
import { keep } from '../../../src/host/forge/keep.ts'
import { openLogins } from '../../../src/host/forge/logins.ts'
import { isPosted } from '../../../src/host/forge/posting.ts'
import { retryWith } from '../../../src/host/forge/retry.ts'
import type { ForgeReview } from '../../../src/model/ports.ts'

const HEAD = 'a'.repeat(40)

describe('a review is posted already', () => {
  const review: ForgeReview = {
    ...{ id: '1', commit: HEAD, poster: '7', posterKind: 'person' },
    ...{ state: 'approved', body: 'signed', submittedAt: 0 },
  }
  test.for<{ name: string; review?: Partial<ForgeReview>; self?: string | null; want: boolean }>([
    { name: 'the same', want: true },
    { name: 'the same, of an account that the forge does not name', self: null, want: true },
    { name: "another account's copy", review: { poster: '8' }, want: false },
    { name: "a deleted account's", review: { poster: null }, want: false },
    { name: 'another text', review: { body: 'signed, too' }, want: false },
    { name: 'the same on another commit', review: { commit: 'b'.repeat(40) }, want: false },
    { name: 'dismissed', review: { state: 'dismissed' }, want: false },
  ])('$name -> $want', ({ review: other, self = '7', want }) => {
    expect(isPosted([{ ...review, ...other }], { self, commit: HEAD, body: 'signed' })).toBe(want)
  })
})

test.for<{ name: string; commit: unknown; want: number[] }>([
  { name: 'two accounts', commit: { author: { id: 7 }, committer: { id: 8 } }, want: [7, 8] },
  { name: 'one in both roles', commit: { author: { id: 7 }, committer: { id: 7 } }, want: [7] },
  { name: 'a committer alone', commit: { author: null, committer: { id: 8 } }, want: [8] },
  { name: 'an id that is no number', commit: { author: { id: '7' } }, want: [] },
  { name: 'nobody', commit: {}, want: [] },
])('authors of a commit: $name -> $want', ({ commit, want }) => {
  expect(authorsOf(commit)).toEqual(want)
})

test.for([
  { name: 'a login within its time', id: '7', asked: 1 },
  { name: 'a login after its time', id: '8', asked: 2 },
  { name: 'no id', id: '-1', asked: 0 },
])('$name, asked for twice -> asks $asked times', async ({ id, asked }) => {
  const reads: string[] = []
  const read = async (one: string): Promise<string> => {
    reads.push(one)
    return `login-${one}`
  }
  const login = openLogins(read, (found) => (found === 'login-7' ? 60_000 : 0))
  expect(await login(id)).toBe(await login(id))
  expect(reads).toHaveLength(asked)
})

test('a full map keeps the newest', () => {
  const map = new Map<string, number>()
  for (const [i, key] of ['a', 'b', 'c'].entries()) keep(map, 2, key, i)
  expect([...map]).toEqual([
    ['b', 1],
    ['c', 2],
  ])
})

test.for([
  {
    name: 'a place',
    place: { place: 'refs/x' },
    want: 'too many others write to refs/x; try again',
  },
  { name: 'none', place: {}, want: 'too many others write to the forge; try again' },
])('others win every time, with $name -> "$want"', async ({ place, want }) => {
  const pauses: number[] = []
  const pauseMs = (tries: number): number => {
    pauses.push(tries)
    return 0
  }
  const run = retryWith({ tries: 3, pauseMs, ...place }, async () => null)
  await expect(run).rejects.toMatchObject({
    ...{ code: 'FORGE_UNREACHABLE', message: want, retryable: true },
  })
  expect(pauses).toEqual([1, 2, 3])
})
