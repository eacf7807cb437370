import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/base/json-value.ts'
import { REVIEW_SKEW_MS } from '../../../src/base/limits.ts'
import type { Request } from '../../../src/model/generated/types.ts'
import type { ForgeReview } from '../../../src/model/ports.ts'
import { REVIEW_NAMESPACE } from '../../../src/model/ports.ts'
import type { ReviewContext } from '../../../src/trust/verify/review.ts'
import { collectReviews, verifyReview } from '../../../src/trust/verify/review.ts'
import { parseReviewBody } from '../../../src/trust/verify/review-body.ts'
import type { Predicate, Row } from '../../fakes/review-case.ts'
import {
  CONTEXT,
  CREATED,
  EXPIRES,
  FORGE,
  freshSigner,
  judge,
  KEYS,
  LEGAL,
  NOW,
  PATCH_ROOT,
  PAYMENTS,
  PULL,
  personOf,
  predicate,
  requestOf,
  signedReview,
} from '../../fakes/review-case.ts'

describe('a sound review', () => {
  test('approve -> every part, and the signed bytes as they were', async () => {
    const review = await signedReview({ words: { comment: 'fine by me' } })
    const verified = verifyReview({ ...CONTEXT, review })
    expect(verified).toMatchObject({
      kind: 'review',
      reviewer: 'ana',
      verdict: 'approve',
      route: ['payments'],
      comment: 'fine by me',
      fingerprint: KEYS.ana.fingerprint,
      issuedAt: new Date(NOW).toISOString(),
    })
    const blocks = parseReviewBody(review.body)
    const { statement, signature } = blocks?.kind === 'ssh' ? blocks : {}
    expect(verified).toMatchObject({ statement, signature })
    expect('patch' in verified).toBe(false)
  })

  test.for<Row>([
    { name: 'reject', words: { verdict: 'reject' }, want: 'review' },
    { name: 'patch', words: { verdict: 'patch', patchRoot: PATCH_ROOT }, want: 'review' },
    { name: 'CRLF line ends', editBody: (body) => body.replaceAll('\n', '\r\n'), want: 'review' },
    {
      name: 'other words around it',
      editBody: (body) => `LGTM\n\n${body}\n\nThanks`,
      want: 'review',
    },
    { name: 'the account is the reviewer', on: { poster: 'ana' }, want: 'review' },
    {
      name: 'signed as early as clocks may differ',
      words: { issuedAt: CREATED - REVIEW_SKEW_MS },
      want: 'review',
    },
    {
      name: 'signed as late as clocks may differ',
      words: { issuedAt: NOW + REVIEW_SKEW_MS },
      want: 'review',
    },
    {
      name: 'one of two asked routes',
      request: requestOf({ routes: [LEGAL, PAYMENTS] }),
      words: { reviewer: 'bo', routes: ['legal'] },
      context: { request: requestOf({ routes: [LEGAL, PAYMENTS] }) },
      want: 'review',
    },
  ])('$name -> $want', async (row) => {
    expect(await judge(row)).toBe(row.want)
  })
})

describe('a review that takes no part', () => {
  test.for<Row>([
    { name: 'no signed block', editBody: () => 'LGTM', want: 'none' },
    { name: 'an empty body', editBody: () => '', want: 'none' },
    { name: 'a comment, signed or not', on: { state: 'commented' }, want: 'none' },
    { name: 'dismissed', on: { state: 'dismissed' }, want: 'none' },
    { name: 'a quoted block', editBody: (body) => body.replace(/^/gm, '> '), want: 'none' },
  ])('$name -> $want', async (row) => {
    expect(await judge(row)).toBe(row.want)
  })
})

describe('the binding', () => {
  const moved = (change: Partial<Request>): Request => requestOf(change)
  test.for<Row>([
    {
      name: "another request's statement",
      request: moved({ id: 'req_00000000000000000002' }),
      want: 'REVIEW_UNBOUND',
    },
    {
      name: 'another root',
      request: moved({ root: `sha256:${'9'.repeat(64)}` }),
      want: 'REVIEW_UNBOUND',
    },
    {
      name: 'another policy',
      request: moved({ policy: `sha256:${'9'.repeat(64)}` }),
      want: 'REVIEW_UNBOUND',
    },
    { name: 'another nonce', request: moved({ nonce: 'd'.repeat(32) }), want: 'REVIEW_UNBOUND' },
    {
      name: 'a longer time',
      request: moved({ expires_at: new Date(EXPIRES + 1).toISOString() }),
      want: 'REVIEW_UNBOUND',
    },
    {
      name: 'another repository',
      forge: { ...FORGE, repository: 'cd'.repeat(16) },
      want: 'REVIEW_UNBOUND',
    },
    { name: 'another host', forge: { ...FORGE, host: 'example.org' }, want: 'REVIEW_UNBOUND' },
    { name: 'another kind of forge', forge: { ...FORGE, kind: 'github' }, want: 'REVIEW_UNBOUND' },
    { name: 'another pull request', pull: { ...PULL, number: 8 }, want: 'REVIEW_UNBOUND' },
    { name: 'another base branch', pull: { ...PULL, baseRef: 'next' }, want: 'REVIEW_UNBOUND' },
    {
      name: 'another base commit',
      pull: { ...PULL, baseSha: 'e'.repeat(40) },
      want: 'REVIEW_UNBOUND',
    },
    {
      name: 'another head, reviewed on this one',
      pull: { ...PULL, headSha: 'e'.repeat(40) },
      on: { commit: PULL.headSha },
      want: 'REVIEW_UNBOUND',
    },
    {
      name: 'this head, reviewed on an older one',
      on: { commit: 'e'.repeat(40) },
      want: 'REVIEW_UNBOUND',
    },
    {
      name: 'an older head throughout',
      context: { pull: { ...PULL, headSha: 'e'.repeat(40) } },
      want: 'REVIEW_UNBOUND',
    },
    {
      name: 'two subjects',
      edit: (made) => ({ ...made, subject: [...made.subject, ...made.subject] }),
      want: 'REVIEW_UNBOUND',
    },
    {
      name: 'another subject name',
      edit: (made) => ({ ...made, subject: [{ ...made.subject[0], name: 'req_x' }] }),
      want: 'REVIEW_UNBOUND',
    },
    {
      name: 'a route that is not asked for',
      words: { reviewer: 'bo', routes: ['legal'] },
      want: 'REVIEW_UNBOUND',
    },
    {
      name: 'reject shown as approved',
      words: { verdict: 'reject' },
      on: { state: 'approved' },
      want: 'REVIEW_UNBOUND',
    },
    { name: 'approve shown as rejected', on: { state: 'rejected' }, want: 'REVIEW_UNBOUND' },
    { name: "posted from another person's account", on: { poster: 'bo' }, want: 'REVIEW_POSTER' },
    {
      name: 'signed in the future',
      words: { issuedAt: NOW + REVIEW_SKEW_MS + 1 },
      want: 'REVIEW_UNBOUND',
    },
    {
      name: 'signed before it was asked',
      words: { issuedAt: CREATED - REVIEW_SKEW_MS - 1 },
      want: 'REVIEW_UNBOUND',
    },
    {
      name: 'a merged pull request',
      context: { pull: { ...PULL, state: 'merged' } },
      want: 'REQUEST_RESOLVED',
    },
    {
      name: 'a closed pull request',
      context: { pull: { ...PULL, state: 'closed' } },
      want: 'REQUEST_RESOLVED',
    },
    { name: 'signed after the end', words: { issuedAt: EXPIRES + 1 }, want: 'REVIEW_EXPIRED' },
    {
      name: 'a time that is none',
      edit: predicate((made) => {
        made.issuedAt = '2026-99-99T00:00:00Z'
      }),
      want: 'REVIEW_EXPIRED',
    },
  ])('$name -> $want', async (row) => {
    expect(await judge(row)).toBe(row.want)
  })
})

describe('the reviewer and the key', () => {
  const at = (ms: number) => new Date(ms).toISOString()
  const only = (validity: Parameters<typeof personOf>[1]): Partial<ReviewContext> => ({
    people: [personOf('ana', validity)],
  })
  const shared = [personOf('ana'), { ...personOf('bo'), keys: personOf('ana').keys }]
  test.for<Row>([
    {
      name: 'nobody on the roster',
      words: { reviewer: 'eve', routes: ['payments'] },
      want: 'REVIEWER_UNKNOWN',
    },
    { name: 'left the roster', context: { people: [personOf('bo')] }, want: 'REVIEWER_UNKNOWN' },
    {
      name: 'twice on the roster',
      context: { people: [personOf('ana'), personOf('ana')] },
      want: 'REVIEWER_UNKNOWN',
    },
    { name: "a stranger's key under ana's name", signer: KEYS.eve, want: 'KEY_NOT_PINNED' },
    { name: "bo's key under ana's name", signer: KEYS.bo, want: 'KEY_NOT_PINNED' },
    { name: 'a new key of the same person', signer: freshSigner('ana'), want: 'KEY_NOT_PINNED' },
    { name: 'a key in two entries', context: { people: shared }, want: 'KEY_NOT_PINNED' },
    {
      name: 'no key pinned',
      context: { people: [{ ...personOf('ana'), keys: [] }] },
      want: 'KEY_NOT_PINNED',
    },
    { name: 'valid from that moment', context: only({ valid_from: at(NOW) }), want: 'review' },
    {
      name: 'valid a moment later',
      context: only({ valid_from: at(NOW + 1) }),
      want: 'KEY_NOT_VALID_THEN',
    },
    { name: 'valid a moment longer', context: only({ valid_until: at(NOW + 1) }), want: 'review' },
    {
      name: 'valid until that moment',
      context: only({ valid_until: at(NOW) }),
      want: 'KEY_NOT_VALID_THEN',
    },
    { name: 'to be revoked', context: only({ revoked_at: at(NOW + 1) }), want: 'review' },
    {
      name: 'revoked at that moment',
      context: only({ revoked_at: at(NOW) }),
      want: 'KEY_NOT_VALID_THEN',
    },
    {
      name: 'revoked since, by a thief who signs for yesterday',
      words: { issuedAt: CREATED },
      context: only({ revoked_at: at(NOW - 1) }),
      want: 'KEY_NOT_VALID_THEN',
    },
    {
      name: 'one of two entries for the key revoked',
      context: {
        people: [
          {
            ...personOf('ana'),
            keys: [...personOf('ana').keys, ...personOf('ana', { revoked_at: at(CREATED) }).keys],
          },
        ],
      },
      want: 'KEY_NOT_VALID_THEN',
    },
    {
      name: 'not on the route',
      words: { reviewer: 'dee', routes: ['payments'] },
      want: 'REVIEWER_NOT_ON_ROUTE',
    },
    {
      name: 'on one of the two routes signed for',
      request: requestOf({ routes: [LEGAL, PAYMENTS] }),
      words: { reviewer: 'ana', routes: ['legal', 'payments'] },
      context: { request: requestOf({ routes: [LEGAL, PAYMENTS] }) },
      want: 'REVIEWER_NOT_ON_ROUTE',
    },
    {
      name: 'on whose behalf it is asked',
      context: { request: requestOf({ principal: 'ana' }) },
      want: 'REVIEW_SELF',
    },
    {
      name: 'the same in other letters',
      context: { request: requestOf({ principal: 'Ana' }) },
      want: 'REVIEW_SELF',
    },
    {
      name: 'the agent itself',
      context: { request: requestOf({ agent: 'ana' }) },
      want: 'REVIEW_SELF',
    },
    { name: 'who opened it', context: { pull: { ...PULL, author: 'ana' } }, want: 'REVIEW_SELF' },
  ])('$name -> $want', async (row) => {
    expect(await judge(row)).toBe(row.want)
  })

  test('a prototype with the missing field changes nothing', async () => {
    const review = await signedReview({
      edit: predicate((made) => delete (made as Partial<Predicate>).nonce),
    })
    Object.defineProperty(Object.prototype, 'nonce', { value: 'c'.repeat(32), configurable: true })
    try {
      expect(() => verifyReview({ ...CONTEXT, review })).toThrow(
        expect.objectContaining({ code: 'REVIEW_MALFORMED' }),
      )
    } finally {
      delete (Object.prototype as unknown as JsonObject & { nonce?: unknown }).nonce
    }
  })
})

test('the namespace of reviews is part of the format', () => {
  expect(REVIEW_NAMESPACE).toBe('countersign-review')
})

test('collectReviews keeps what stands, names what does not, and leaves comments out', async () => {
  const reviews: ForgeReview[] = [
    await signedReview({ on: { id: '1' } }),
    await signedReview({ on: { id: '2' }, editBody: () => 'LGTM' }),
    await signedReview({ on: { id: '3' }, signer: KEYS.eve }),
    await signedReview({ on: { id: '4' }, words: { reviewer: 'bo' } }),
    await signedReview({
      on: { id: '5' },
      words: { reviewer: 'cy' },
      editBody: (body) => body + body,
    }),
  ]
  const { verified, refused } = collectReviews({ ...CONTEXT, reviews })
  expect(verified.map((review) => review.reviewer)).toEqual(['ana', 'bo'])
  expect(refused.map(({ review, code }) => [review, code])).toEqual([
    ['3', 'KEY_NOT_PINNED'],
    ['5', 'REVIEW_MALFORMED'],
  ])
})
