import { describe, expect, test } from 'vitest'
import { standingRequest } from '../../../src/trust/approve/routes.ts'
import { tally } from '../../../src/trust/approve/tally.ts'
import { hardwareKey } from '../../fakes/hardware-key.ts'
import type { People } from '../../fakes/review-case.ts'
import {
  CREATED,
  freshSigner,
  KEYS,
  NOW,
  PAYMENTS,
  personOf,
  requestOf,
} from '../../fakes/review-case.ts'
import type { Name, Row } from '../../fakes/review-rules.ts'
import {
  ACCOUNTS,
  CONTEXT,
  ON_GITHUB,
  onRoster,
  posted,
  ROSTER,
  refuses,
  settle,
} from '../../fakes/review-rules.ts'

describe('rule 5: who never counts', () => {
  const asked = (change: Parameters<typeof requestOf>[0]) => ({ request: requestOf(change) })
  test.for<Row>([
    {
      name: 'who opened the pull request',
      context: { pull: { ...ON_GITHUB, author: ACCOUNTS.ana } },
      want: 'REVIEW_SELF',
    },
    {
      name: 'who pushed to it',
      context: { pull: { ...ON_GITHUB, pushers: ['9000', ACCOUNTS.ana] } },
      want: 'REVIEW_SELF',
    },
    { name: "the agent's owner", context: { owner: 'ana' }, want: 'REVIEW_SELF' },
    { name: 'the owner in other letters', context: { owner: 'Ana' }, want: 'REVIEW_SELF' },
    {
      name: 'on whose behalf it is asked',
      context: asked({ principal: 'ana' }),
      want: 'REVIEW_SELF',
    },
    { name: 'the agent', context: asked({ agent: 'ana' }), want: 'REVIEW_SELF' },
    {
      name: "a bot, with ana's envelope",
      ana: { on: { posterKind: 'bot', poster: '5000' } },
      want: 'REVIEW_POSTER',
      field: 'a bot',
    },
    {
      name: "a bot that goes by ana's number",
      ana: { on: { posterKind: 'bot' } },
      want: 'REVIEW_POSTER',
      field: 'a bot',
    },
    {
      name: 'a deleted account',
      ana: { on: { posterKind: 'gone', poster: null } },
      want: 'REVIEW_POSTER',
      field: 'deleted',
    },
    {
      name: 'a deleted account that goes by a number',
      ana: { on: { posterKind: 'gone' } },
      want: 'REVIEW_POSTER',
      field: 'deleted',
    },
    { name: 'nobody', ana: { on: { poster: null } }, want: 'REVIEW_POSTER' },
    { name: 'an empty account', ana: { on: { poster: '' } }, want: 'REVIEW_POSTER' },
    {
      name: 'a forge that does not say who',
      ana: { on: { posterKind: 'none', poster: null } },
      want: 'REVIEW_POSTER',
    },
    {
      name: 'a forge that does not say of what kind',
      ana: { on: { posterKind: 'none' } },
      want: 'REVIEW_POSTER',
    },
    {
      name: 'a plain approval by a bot',
      ana: { editBody: () => 'LGTM', on: { posterKind: 'bot' } },
      want: 'REVIEW_POSTER',
    },
  ])('$name -> $want', refuses)
})

describe('rules 6, 8 and 12: the roster, by account, key and person', () => {
  const roster = (...people: People) => ({ people: [...people, onRoster('bo'), onRoster('cy')] })
  const bare = { ...personOf('ana') }
  test.for<Row>([
    {
      name: 'an outsider on no route',
      ana: { words: { reviewer: 'dee', routes: ['payments'] }, on: { poster: ACCOUNTS.dee } },
      want: 'REVIEWER_NOT_ON_ROUTE',
    },
    {
      name: 'an outsider on no roster',
      ana: { words: { reviewer: 'eve', routes: ['payments'] }, on: { poster: '6666' } },
      want: 'REVIEWER_UNKNOWN',
    },
    { name: 'removed from the roster', context: roster(), want: 'REVIEWER_UNKNOWN' },
    {
      name: "another person's account, ana's envelope",
      ana: { on: { poster: ACCOUNTS.cy } },
      want: 'REVIEW_POSTER',
      field: 'another account',
    },
    {
      name: 'an account on no roster',
      ana: { on: { poster: '6666' } },
      want: 'REVIEW_POSTER',
      field: 'no roster entry',
    },
    {
      name: "a login, not the account's number",
      ana: { on: { poster: 'ana' } },
      want: 'REVIEW_POSTER',
    },
    { name: 'no account in the entry', context: roster(bare), want: 'REVIEW_POSTER' },
    {
      name: 'an account on another kind of forge',
      context: roster({ ...bare, accounts: { gitea: ACCOUNTS.ana } }),
      want: 'REVIEW_POSTER',
    },
    {
      name: 'another account in the entry by now',
      context: roster({ ...bare, accounts: { github: '1009' } }),
      want: 'REVIEW_POSTER',
    },
    {
      name: 'an account in two entries',
      context: roster(onRoster('ana'), { ...onRoster('dee'), accounts: { github: ACCOUNTS.ana } }),
      want: 'REVIEW_POSTER',
      field: 'more than one',
    },
    {
      name: "cy signs in ana's name, from ana's account",
      ana: { signer: KEYS.cy },
      want: 'KEY_NOT_PINNED',
    },
    {
      name: "cy signs in cy's name, from ana's account",
      ana: { words: { reviewer: 'cy' } },
      want: 'REVIEW_POSTER',
    },
  ])('$name -> $want', refuses)

  test('taken off the route since it was asked -> waiting', async () => {
    const { verified } = await settle({})
    const left = { ...PAYMENTS, time_out: '1h', show: [], file: '', line: 1, column: 1 }
    const routes = [{ ...left, reviewers: ['bo', 'cy'] }]
    const policy = { routes, people: ROSTER, agents: [] }
    const request = standingRequest(CONTEXT.request, policy, NOW)
    const result = tally({ request, reviews: verified, refused: [], people: ROSTER, now: NOW })
    expect(result).toMatchObject({ state: 'waiting', missing: [{ route: 'payments', need: 1 }] })
  })

  test('a prototype with the account changes nothing', async () => {
    const people = [bare, onRoster('bo')]
    Object.defineProperty(Object.prototype, 'github', { value: ACCOUNTS.ana, configurable: true })
    try {
      const { refused } = await settle({
        context: { people: people.map((one) => ({ accounts: {}, ...one })) },
      })
      expect(refused).toMatchObject([{ review: 'r-ana', code: 'REVIEW_POSTER' }])
    } finally {
      delete (Object.prototype as { github?: unknown }).github
    }
  })
})

describe('rules 7 and 12: pinned keys', () => {
  const at = (ms: number) => new Date(ms).toISOString()
  const ana = (validity: Parameters<typeof personOf>[1]) => ({
    people: [onRoster('ana', validity), onRoster('bo'), onRoster('cy')],
  })
  const keysOf = (id: Name, keys: People[number]['keys']): People[number] => ({
    ...onRoster(id),
    keys,
  })
  test.for<Row>([
    { name: 'revoked', context: ana({ revoked_at: at(NOW) }), want: 'KEY_NOT_VALID_THEN' },
    {
      name: 'revoked since it signed',
      ana: { words: { issuedAt: CREATED } },
      context: ana({ revoked_at: at(NOW - 1) }),
      want: 'KEY_NOT_VALID_THEN',
    },
    { name: 'ended', context: ana({ valid_until: at(NOW) }), want: 'KEY_NOT_VALID_THEN' },
    { name: 'not begun', context: ana({ valid_from: at(NOW + 1) }), want: 'KEY_NOT_VALID_THEN' },
    {
      name: 'no longer on the list',
      context: { people: [keysOf('ana', []), onRoster('bo')] },
      want: 'KEY_NOT_PINNED',
    },
    {
      name: 'in another entry as well',
      context: {
        people: [onRoster('ana'), onRoster('bo'), keysOf('cy', personOf('ana').keys)],
      },
      want: 'KEY_NOT_PINNED',
    },
    {
      name: 'in another entry alone',
      context: {
        people: [keysOf('ana', []), onRoster('bo'), keysOf('cy', personOf('ana').keys)],
      },
      want: 'KEY_NOT_PINNED',
    },
    {
      name: 'new, and listed on the forge alone',
      ana: { signer: freshSigner('ana') },
      want: 'KEY_NOT_PINNED',
    },
  ])('$name -> $want', refuses)

  const touch = (flags: number) => {
    const signer = hardwareKey(flags)
    return { signer, context: ana({ fingerprint: signer.fingerprint }) }
  }
  test.for([
    { name: 'touched', flags: 1, want: 'approved' },
    { name: 'not touched', flags: 0, want: 'SIGNATURE_NO_PRESENCE' },
    { name: 'a PIN without a touch', flags: 4, want: 'SIGNATURE_NO_PRESENCE' },
  ])('a hardware key, $name -> $want', async ({ flags, want, name }) => {
    const { signer, context } = touch(flags)
    if (want !== 'approved') return refuses({ name, ana: { signer }, context, want })
    expect((await settle({ ana: { signer }, context })).state).toBe(want)
  })
})

describe('rules 11 and 12: quorum counts people', () => {
  const second = freshSigner('ana')
  const twoKeys: People[number] = {
    ...onRoster('ana'),
    keys: [...personOf('ana').keys, ...personOf('ana', { fingerprint: second.fingerprint }).keys],
  }
  test.for<Row>([
    {
      name: 'the same review twice',
      lists: async (ana) => [ana, { ...ana, id: '2' }],
      want: 'waiting',
    },
    {
      name: 'two reviews of one person',
      lists: async (ana) => [
        ana,
        await posted('ana', { words: { issuedAt: NOW + 1 }, on: { id: '2' } }),
      ],
      want: 'waiting',
    },
    {
      name: 'one person with two keys',
      context: { people: [twoKeys, onRoster('bo')] },
      lists: async (ana) => [ana, await posted('ana', { signer: second, on: { id: '2' } })],
      want: 'waiting',
    },
    {
      name: 'one person with two accounts',
      lists: async (ana) => [ana, await posted('ana', { on: { id: '2', poster: '1009' } })],
      want: 'REVIEW_POSTER',
    },
    {
      name: 'one person in two entries',
      context: { people: [onRoster('ana'), onRoster('ana'), onRoster('bo')] },
      want: 'REVIEWER_UNKNOWN',
    },
    { name: 'a page of reviews is missing', lists: async (ana) => [ana], want: 'waiting' },
  ])('$name -> $want', refuses)

  test('an honest second reviewer is no replay, in any order', async () => {
    const { state } = await settle({ lists: async (ana, bo) => [bo, ana] })
    expect(state).toBe('approved')
  })

  test('a review listed twice: pages have shifted -> FORGE_CONFLICT, retryable', async () => {
    const twice = settle({ lists: async (ana, bo) => [ana, bo, ana] })
    await expect(twice).rejects.toMatchObject({ code: 'FORGE_CONFLICT', retryable: true })
  })
})
