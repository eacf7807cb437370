import { describe, expect, test } from 'vitest'
import { canonicalize } from '../../../src/base/canonical-json.ts'
import type { ReviewStatement } from '../../../src/model/generated/types.ts'
import type { ForgeReview } from '../../../src/model/ports.ts'
import { parseReviewBody } from '../../../src/trust/verify/review-body.ts'
import { BOUND } from '../../fakes/review-bound.ts'
import { KEYS, NOW, PATCH_ROOT, requestOf } from '../../fakes/review-case.ts'
import type { Row } from '../../fakes/review-rules.ts'
import { GITHUB, ON_GITHUB, plain, posted, refuses, settle } from '../../fakes/review-rules.ts'

test('the control: nothing broken -> approved by ana and bo', async () => {
  expect(await settle({})).toMatchObject({ state: 'approved', refused: [], ignored: [] })
})

describe('rule 1: what the statement binds', () => {
  test.for(BOUND)('signed for another $name -> $field', ({ name, edit, field, want }) =>
    refuses({ name, ana: { edit }, want: want ?? 'REVIEW_UNBOUND', field }),
  )

  test.for(BOUND)('another $name written into the signed body -> SIGNATURE_WRONG', async (row) => {
    const editBody = (body: string) => {
      const { statement = '' } = parseReviewBody(body) ?? {}
      const edited = row.edit(JSON.parse(statement) as ReviewStatement)
      return body.replace(statement, () => canonicalize(edited as never))
    }
    await refuses({ name: row.name, ana: { editBody }, want: 'SIGNATURE_WRONG' })
  })

  test.for<Row>([
    {
      name: 'a signature for Git',
      ana: { signer: { ...KEYS.ana, sign: (bytes) => KEYS.ana.sign(bytes, 'git') } },
      want: 'SIGNATURE_NAMESPACE',
    },
    {
      name: 'a signature for bundles',
      ana: { signer: { ...KEYS.ana, sign: (bytes) => KEYS.ana.sign(bytes, 'countersign-bundle') } },
      want: 'SIGNATURE_NAMESPACE',
    },
    {
      name: 'for another patch than bo approves',
      ana: { words: { verdict: 'patch', patchRoot: PATCH_ROOT } },
      want: 'waiting',
    },
  ])('$name -> $want', refuses)
})

describe('rule 2: the pull request of this moment', () => {
  const moved = { ...ON_GITHUB, headSha: 'e'.repeat(40) }
  test.for<Row>([
    {
      name: 'a second push',
      context: { pull: moved },
      want: 'REVIEW_UNBOUND',
      field: 'pull.headSha',
    },
    {
      name: 'a second push, posted anew on the new head',
      ana: { on: { commit: moved.headSha } },
      context: { pull: moved },
      want: 'REVIEW_UNBOUND',
      field: 'pull.headSha',
    },
    {
      name: 'posted on another commit than was signed',
      ana: { on: { commit: 'e'.repeat(40) } },
      want: 'REVIEW_UNBOUND',
      field: 'the commit that was reviewed',
    },
    {
      name: 'the base has moved',
      context: { pull: { ...ON_GITHUB, baseSha: 'e'.repeat(40) } },
      want: 'REVIEW_UNBOUND',
      field: 'pull.baseSha',
    },
    {
      name: 'retargeted',
      context: { pull: { ...ON_GITHUB, baseRef: 'next' } },
      want: 'REVIEW_UNBOUND',
      field: 'pull.baseRef',
    },
    {
      name: 'closed',
      context: { pull: { ...ON_GITHUB, state: 'closed' } },
      want: 'REQUEST_RESOLVED',
    },
    {
      name: 'merged',
      context: { pull: { ...ON_GITHUB, state: 'merged' } },
      want: 'REQUEST_RESOLVED',
    },
    {
      name: 'another repository under the same name',
      context: { forge: { ...GITHUB, repository: '736252' } },
      want: 'REVIEW_UNBOUND',
      field: 'forge.repository',
    },
    {
      name: 'copied into another pull request',
      context: { pull: { ...ON_GITHUB, number: 8 } },
      want: 'REVIEW_UNBOUND',
      field: 'pull.number',
    },
    {
      name: "copied into the next request's",
      context: { request: requestOf({ id: 'req_00000000000000000002' }) },
      want: 'REVIEW_UNBOUND',
      field: 'subject.name',
    },
    {
      name: 'copied into the same action, asked for again',
      context: { request: requestOf({ nonce: 'd'.repeat(32) }) },
      want: 'REVIEW_UNBOUND',
      field: 'nonce',
    },
  ])('$name -> $want', refuses)
})

describe("rule 3: an account's latest decisive review", () => {
  const later = (id: string, more: Partial<ForgeReview>) =>
    plain('ana', { id, submittedAt: NOW + 1000, ...more })
  test.for<Row>([
    { name: 'dismissed', ana: { on: { state: 'dismissed' } }, want: 'waiting' },
    { name: 'only a comment', ana: { on: { state: 'commented' } }, want: 'waiting' },
    { name: 'pending', ana: { on: { state: 'pending' as never } }, want: 'waiting' },
    {
      name: 'asks for changes later, unsigned',
      lists: async (ana, bo) => [ana, bo, await later('2', { state: 'rejected' })],
      want: 'REVIEW_UNSIGNED',
    },
    {
      name: 'had a later review dismissed, in the same second',
      lists: async (ana, bo) => [
        ana,
        bo,
        await later('2', { state: 'dismissed', submittedAt: ana.submittedAt }),
      ],
      want: 'waiting',
    },
    {
      name: 'asks for changes later, then has that dismissed',
      lists: async (ana, bo) => [ana, bo, await later('2', { state: 'dismissed' })],
      want: 'waiting',
    },
    {
      name: 'rejects later, signed',
      lists: async (ana, bo) => [
        ana,
        bo,
        await posted('ana', { words: { verdict: 'reject', issuedAt: NOW + 1 }, on: { id: '2' } }),
      ],
      want: 'rejected',
    },
    {
      name: 'a dismissed review that the clock has later, though listed before',
      lists: async (ana, bo) => [await later('0', { state: 'dismissed' }), ana, bo],
      want: 'waiting',
    },
    {
      name: 'an old approval posted again after a signed rejection',
      lists: async (ana, bo) => [
        await posted('ana', {
          words: { verdict: 'reject', issuedAt: NOW + 1 },
          on: { id: '0', submittedAt: NOW - 1 },
        }),
        bo,
        ana,
      ],
      want: 'rejected',
    },
    {
      name: 'another reviewer of the request asks for changes, unsigned',
      lists: async (ana, bo) => [ana, bo, await plain('cy', { state: 'rejected' })],
      want: 'REVIEW_UNSIGNED',
    },
    {
      name: 'a time that is none',
      lists: async (ana, bo) => [
        await plain('ana', { id: '0', state: 'dismissed', submittedAt: Number.NaN }),
        ana,
        bo,
      ],
      want: 'waiting',
    },
  ])('$name -> $want', refuses)

  test.for<{ name: string; lists: NonNullable<Row['lists']> }>([
    {
      name: 'a dismissed review of the same account before',
      lists: async (ana, bo) => [
        await plain('ana', { id: '0', state: 'dismissed', submittedAt: NOW - 1 }),
        ana,
        bo,
      ],
    },
    {
      name: 'changes asked for before, unsigned, and then approved',
      lists: async (ana, bo) => [
        await plain('ana', { id: '0', state: 'rejected', submittedAt: NOW - 1 }),
        bo,
        ana,
      ],
    },
    {
      name: 'changes asked for, unsigned, by somebody who reviews nothing here',
      lists: async (ana, bo) => [ana, bo, await plain('dee', { state: 'rejected' })],
    },
    {
      name: 'a comment later',
      lists: async (ana, bo) => [ana, bo, await later('2', { state: 'commented' })],
    },
  ])('near miss: $name -> approved', async ({ lists }) => {
    expect(await settle({ lists })).toMatchObject({ state: 'approved', refused: [] })
  })
})

describe('rule 4: bodies can be edited', () => {
  test.for<Row>([
    {
      name: 'one character of the statement',
      ana: { editBody: (body) => body.replace('"payments"', '"Payments"') },
      want: 'SIGNATURE_WRONG',
    },
    {
      name: 'the signature cut',
      ana: { editBody: (body) => body.replace(/-----END[^\n]*\n/, '') },
      want: 'SIGNATURE_MALFORMED',
    },
    {
      name: 'a second block put in',
      ana: { editBody: (body) => `${body}\n\`\`\`countersign-statement\n{}\n\`\`\`\n` },
      want: 'REVIEW_MALFORMED',
    },
    {
      name: 'the blocks taken out',
      ana: { editBody: () => 'LGTM' },
      want: 'REVIEW_UNSIGNED',
    },
  ])('$name -> $want', refuses)

  test('an edited body of a third reviewer blocks what has its quorum', () =>
    refuses({
      name: '',
      lists: async (ana, bo) => [
        ana,
        bo,
        await posted('cy', { editBody: (body) => body.replace('"nonce":"c', '"nonce":"d') }),
      ],
      want: 'SIGNATURE_WRONG',
    }))
})
