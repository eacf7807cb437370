import { describe, expect, test, vi } from 'vitest'
import { canonicalize } from '../../../src/base/canonical-json.ts'
import { REVIEW_SKEW_MS } from '../../../src/base/limits.ts'
import type { ReviewStatement } from '../../../src/model/generated/types.ts'
import { parseReviewBody } from '../../../src/trust/verify/review-body.ts'
import {
  identified,
  KEYLESS_CONTEXT,
  keyless,
  SIGSTORE,
  throughSigstore,
} from '../../fakes/keyless-case.ts'
import { BOUND } from '../../fakes/review-bound.ts'
import { CREATED, EXPIRES, KEYS, NOW, PAYMENTS, requestOf } from '../../fakes/review-case.ts'
import type { Row } from '../../fakes/review-rules.ts'
import {
  ACCOUNTS,
  GITHUB,
  ON_GITHUB,
  onRoster,
  plain,
  posted,
  ROSTER,
  refuses,
  settle,
} from '../../fakes/review-rules.ts'
import type { Signing } from '../../fakes/sigstore/fake-sigstore.ts'
import { fakeSigstore, ISSUER } from '../../fakes/sigstore/fake-sigstore.ts'

// The rules of review-rules.test.ts, for a review that ana signs through Sigstore.

type Keyless = Row & { readonly signing?: Signing }

const refusesKeyless = ({ signing, ...row }: Keyless) =>
  refuses({ ...row, ...throughSigstore(row, signing) })

test('the control: nothing broken -> approved by ana and bo, with nothing fetched', async () => {
  const fetched = vi.spyOn(globalThis, 'fetch').mockImplementation(() => {
    throw new Error('no network here')
  })
  try {
    const { state, verified, refused } = await settle(throughSigstore({}))
    expect({ state, refused }).toEqual({ state: 'approved', refused: [] })
    expect(verified[0]).toMatchObject({
      reviewer: 'ana',
      assurance: 'sigstore',
      identity: { issuer: ISSUER, subject: 'ana@example.com' },
    })
    expect(fetched).not.toHaveBeenCalled()
  } finally {
    fetched.mockRestore()
  }
})

test.for<{ signature: 'none' | 'signed' | 'ssh' | 'sigstore'; want: string }>([
  { signature: 'none', want: 'approved' },
  { signature: 'signed', want: 'approved' },
  { signature: 'sigstore', want: 'waiting' }, // Bo's is by a key.
  { signature: 'ssh', want: 'waiting' },
])('on a route that wants $signature -> $want', async ({ signature, want }) => {
  const request = requestOf({ routes: [{ ...PAYMENTS, signature }] })
  expect((await settle(throughSigstore({ context: { request } }))).state).toBe(want)
})

describe('rule 1: what the statement binds', () => {
  test.for(BOUND)('signed for another $name -> $field', ({ name, edit, field, want }) => {
    const pinned = want === 'KEY_NOT_PINNED' ? 'IDENTITY_NOT_PINNED' : want
    return refusesKeyless({ name, ana: { edit }, want: pinned ?? 'REVIEW_UNBOUND', field })
  })

  test.for(BOUND)('another $name written into the body -> SIGNATURE_WRONG', async (row) => {
    const editBody = (body: string) => {
      const { statement = '' } = parseReviewBody(body) ?? {}
      const edited = row.edit(JSON.parse(statement) as ReviewStatement)
      return body.replace(statement, () => canonicalize(edited as never))
    }
    await refusesKeyless({ name: row.name, ana: { editBody }, want: 'SIGNATURE_WRONG' })
  })

  test.for<Keyless>([
    {
      name: 'signed as something else than a statement',
      signing: { payloadType: 'application/octet-stream' },
      want: 'SIGNATURE_WRONG',
    },
  ])('$name -> $want', refusesKeyless)
})

describe('the time of signing, by the word of others', () => {
  const at = (ms: number) => ({ signing: { at: ms }, ana: { words: { issuedAt: ms } } })
  test.for<Keyless>([
    {
      name: 'before the request',
      ...at(CREATED - REVIEW_SKEW_MS - 1000),
      want: 'REVIEW_UNBOUND',
      field: 'issuedAt',
    },
    {
      name: 'stamped before the request, dated within it',
      signing: { at: CREATED - REVIEW_SKEW_MS - 1000 },
      want: 'REVIEW_UNBOUND',
      field: 'the time stamp',
    },
    {
      name: 'stamped after its end, dated within it',
      signing: { at: EXPIRES + 1000 },
      want: 'REVIEW_EXPIRED',
      field: 'the time stamp',
    },
    {
      name: 'stamped in the future',
      signing: { at: NOW + REVIEW_SKEW_MS + 1000 },
      want: 'REVIEW_UNBOUND',
      field: 'the time stamp',
    },
    {
      name: 'stamped well after its date',
      signing: { at: NOW },
      ana: { words: { issuedAt: NOW - REVIEW_SKEW_MS - 1 } },
      want: 'REVIEW_UNBOUND',
      field: 'issuedAt',
    },
  ])('$name -> $want', refusesKeyless)
})

describe('rule 2: the pull request of this moment', () => {
  const moved = { ...ON_GITHUB, headSha: 'e'.repeat(40) }
  test.for<Keyless>([
    { name: 'a second push', context: { pull: moved }, want: 'REVIEW_UNBOUND', field: 'headSha' },
    {
      name: 'posted on another commit than was signed',
      ana: { on: { commit: 'e'.repeat(40) } },
      want: 'REVIEW_UNBOUND',
      field: 'the commit that was reviewed',
    },
    {
      name: 'closed',
      context: { pull: { ...ON_GITHUB, state: 'closed' } },
      want: 'REQUEST_RESOLVED',
    },
    {
      name: 'another repository under the same name',
      context: { forge: { ...GITHUB, repository: '736252' } },
      want: 'REVIEW_UNBOUND',
      field: 'forge.repository',
    },
    {
      name: 'copied into the same action, asked for again',
      context: { request: requestOf({ nonce: 'd'.repeat(32) }) },
      want: 'REVIEW_UNBOUND',
      field: 'nonce',
    },
  ])('$name -> $want', refusesKeyless)
})

describe("rule 3: an account's latest decisive review", () => {
  test.for<Keyless>([
    { name: 'dismissed', ana: { on: { state: 'dismissed' } }, want: 'waiting' },
    { name: 'only a comment', ana: { on: { state: 'commented' } }, want: 'waiting' },
    {
      name: 'rejects later',
      lists: async (ana, bo) => [
        ana,
        bo,
        await posted('ana', {
          signer: keyless('ana'),
          words: { verdict: 'reject', issuedAt: NOW + 1 },
          on: { id: '2' },
        }),
      ],
      want: 'rejected',
    },
    {
      name: 'asks for changes later, unsigned',
      lists: async (ana, bo) => [
        ana,
        bo,
        await plain('ana', { id: '2', state: 'rejected', submittedAt: NOW + 1000 }),
      ],
      want: 'REVIEW_UNSIGNED',
    },
  ])('$name -> $want', refusesKeyless)
})

describe('rule 4: bodies can be edited', () => {
  const block = /```countersign-sigstore\n.*\n```\n/
  test.for<Keyless>([
    {
      name: 'one character of the statement',
      ana: { editBody: (body) => body.replace('"payments"', '"Payments"') },
      want: 'SIGNATURE_WRONG',
    },
    {
      name: 'one character of the bundle',
      ana: { editBody: (body) => body.replace('"rawBytes":"MI', '"rawBytes":"MJ') },
      want: 'SIGSTORE_MALFORMED',
    },
    {
      name: 'a bundle cut short',
      ana: { editBody: (body) => body.replace('"}]}}\n', '"}]}\n').replace('}}\n```', '}\n```') },
      want: 'SIGSTORE_MALFORMED',
    },
    {
      name: 'a bundle on two lines',
      ana: { editBody: (body) => body.replace('"mediaType":', '"mediaType":\n') },
      want: 'REVIEW_MALFORMED',
    },
    {
      name: 'two bundles',
      ana: { editBody: (body) => body + (block.exec(body)?.[0] ?? '') },
      want: 'REVIEW_MALFORMED',
    },
    {
      name: 'no bundle',
      ana: { editBody: (body) => body.replace(block, '') },
      want: 'REVIEW_MALFORMED',
    },
    {
      name: 'the bundle in the block of a key',
      ana: { editBody: (body) => body.replace('countersign-sigstore', 'countersign-signature') },
      want: 'SIGNATURE_MALFORMED',
    },
    {
      name: 'all blocks taken out',
      ana: { editBody: () => 'LGTM' },
      want: 'REVIEW_UNSIGNED',
    },
  ])('$name -> $want', refusesKeyless)

  test('a signature by a key beside the bundle -> REVIEW_MALFORMED', async () => {
    const { body } = await posted('bo')
    const own = /```countersign-signature\n[^`]*```\n/.exec(body)?.[0] ?? ''
    expect(own).not.toBe('')
    const editBody = (signed: string) => signed + own
    await refusesKeyless({ name: '', ana: { editBody }, want: 'REVIEW_MALFORMED' })
  })
})

describe('rule 5: who never counts', () => {
  test.for<Keyless>([
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
    {
      name: 'a bot with her envelope',
      ana: { on: { posterKind: 'bot', poster: '5000' } },
      want: 'REVIEW_POSTER',
    },
    {
      name: 'a deleted account',
      ana: { on: { posterKind: 'gone', poster: null } },
      want: 'REVIEW_POSTER',
    },
  ])('$name -> $want', refusesKeyless)
})

describe('rules 6, 7, 8 and 12: identity, account and entry are one person', () => {
  const roster = (...people: (typeof ROSTER)[number][]) => ({
    people: [...people, onRoster('bo'), onRoster('cy')],
  })
  test.for<Keyless>([
    {
      name: 'an identity that nobody has',
      signing: { subject: 'eve@example.com' },
      want: 'IDENTITY_NOT_PINNED',
    },
    {
      name: 'the same name at another issuer',
      signing: { issuer: 'https://other.example' },
      want: 'IDENTITY_NOT_PINNED',
    },
    {
      name: 'a name of which hers is the end',
      signing: { subject: 'susana@example.com' },
      want: 'IDENTITY_NOT_PINNED',
    },
    {
      name: 'a name that begins as hers',
      signing: { subject: 'ana@example.com.evil.example' },
      want: 'IDENTITY_NOT_PINNED',
    },
    {
      name: 'a name that her pattern would match',
      signing: { subject: 'ana@exampleXcom' },
      want: 'IDENTITY_NOT_PINNED',
    },
    {
      name: 'a name in other letters',
      signing: { subject: 'Ana@example.com' },
      want: 'IDENTITY_NOT_PINNED',
    },
    {
      name: 'an issuer that begins as hers',
      signing: { issuer: `${ISSUER}/tenant` },
      want: 'IDENTITY_NOT_PINNED',
    },
    {
      name: "cy's identity, in ana's name, from ana's account",
      context: roster(identified('ana'), identified('cy')),
      ana: { signer: keyless('cy') },
      want: 'IDENTITY_NOT_PINNED',
    },
    {
      name: "ana's identity, in cy's name, from cy's account",
      ana: { words: { reviewer: 'cy' }, on: { poster: ACCOUNTS.cy } },
      want: 'IDENTITY_NOT_PINNED',
    },
    {
      name: "ana's envelope, from cy's account",
      ana: { on: { poster: ACCOUNTS.cy } },
      want: 'REVIEW_POSTER',
    },
    {
      name: 'an account on no roster',
      ana: { on: { poster: '6666' } },
      want: 'REVIEW_POSTER',
    },
    {
      name: 'no longer in the entry',
      context: roster({ ...onRoster('ana'), keys: [] }),
      want: 'IDENTITY_NOT_PINNED',
    },
    {
      name: 'in another entry as well',
      context: {
        people: [identified('ana'), onRoster('bo'), identified('cy', ['ana@example.com'])],
      },
      want: 'IDENTITY_NOT_PINNED',
    },
    { name: 'removed from the roster', context: roster(), want: 'REVIEWER_UNKNOWN' },
    {
      name: 'in two entries of one name',
      context: roster(identified('ana'), identified('ana')),
      want: 'REVIEWER_UNKNOWN',
    },
    {
      name: 'on no route',
      context: { people: [...ROSTER.slice(0, 3), identified('dee')] },
      ana: {
        signer: keyless('dee'),
        words: { reviewer: 'dee', routes: ['payments'] },
        on: { poster: ACCOUNTS.dee },
      },
      want: 'REVIEWER_NOT_ON_ROUTE',
    },
  ])('$name -> $want', refusesKeyless)

  test('a prototype with identities changes nothing', async () => {
    const people = [{ ...onRoster('ana'), keys: [] }, onRoster('bo')]
    const value = [{ issuer: ISSUER, subject: 'ana@example.com' }]
    Object.defineProperty(Object.prototype, 'identities', { value, configurable: true })
    try {
      const { state } = await settle(throughSigstore({ context: { people } }))
      expect(state).toBe('waiting')
    } finally {
      delete (Object.prototype as { identities?: unknown }).identities
    }
  })
})

describe('rules 11 and 12: quorum counts people', () => {
  test.for<Keyless>([
    {
      name: 'once by a key and once through Sigstore',
      context: { people: [{ ...identified('ana'), keys: onRoster('ana').keys }, onRoster('bo')] },
      lists: async (ana) => [ana, await posted('ana', { signer: KEYS.ana, on: { id: '2' } })],
      want: 'waiting',
    },
    {
      name: 'with two identities',
      context: {
        people: [identified('ana', ['ana@example.com', 'ana@home.example']), onRoster('bo')],
      },
      lists: async (ana) => [
        ana,
        await posted('ana', {
          signer: keyless('ana', { subject: 'ana@home.example' }),
          on: { id: '2' },
        }),
      ],
      want: 'waiting',
    },
    {
      name: 'the same review twice',
      lists: async (ana) => [ana, { ...ana, id: '2' }],
      want: 'waiting',
    },
  ])('one person $name -> $want', refusesKeyless)
})

describe('what the policy trusts', () => {
  test.for<Keyless>([
    {
      name: 'nothing is set up',
      context: { sigstore: undefined },
      want: 'SIGSTORE_UNCONFIGURED',
    },
    {
      name: 'another root',
      context: { sigstore: { trusted_root: fakeSigstore(NOW).root } },
      want: 'SIGSTORE_UNTRUSTED',
    },
    {
      name: 'a root that is none',
      context: { sigstore: { trusted_root: {} } },
      want: 'SIGSTORE_ROOT_INVALID',
    },
    {
      name: 'a certificate of another authority',
      signing: { foreign: 'certificate' },
      want: 'SIGSTORE_UNTRUSTED',
    },
    {
      name: 'an expired certificate',
      signing: { stampedAt: NOW + 700_000 },
      context: { now: NOW + 710_000 },
      want: 'SIGSTORE_UNTRUSTED',
    },
    { name: 'no time stamp', signing: { without: 'stamp' }, want: 'SIGSTORE_UNTRUSTED' },
    { name: 'no entry in the log', signing: { without: 'log' }, want: 'SIGSTORE_UNTRUSTED' },
  ])('$name -> $want', refusesKeyless)

  test('a patch through Sigstore travels as it does with a key', async () => {
    const { request } = KEYLESS_CONTEXT
    const row = { ana: { words: { verdict: 'patch' as const, patchRoot: request.root as never } } }
    const { verified, refused } = await settle(throughSigstore(row))
    expect(refused).toEqual([])
    expect(verified[0]?.patch?.root).toBe(request.root)
    expect(SIGSTORE.root).toBeDefined()
  })
})
