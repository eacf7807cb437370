import { expect, test } from 'vitest'
import type { Approval, Trust } from '../../../src/model/generated/types.ts'
import { verifyLog } from '../../../src/trust/verify/log.ts'
import { parseTrust } from '../../../src/trust/verify/trust.ts'
import type { Signing } from '../../fakes/sigstore/fake-sigstore.ts'
import { fakeSigstore, ISSUER } from '../../fakes/sigstore/fake-sigstore.ts'
import {
  approvalOf,
  filesOf,
  genesis,
  hold,
  type ReviewChanges,
  resolution,
  trustOf,
} from './log-case.ts'

// Resolutions whose approval was signed through Sigstore, read by an auditor.

const AT = Date.parse('2026-11-21T09:30:00Z')
const SIGSTORE = fakeSigstore(AT)
const ANA = { issuer: ISSUER, subject: 'ana@example.com' }

const TRUST: Trust = trustOf({
  reviewers: [{ id: 'ana', identities: [ANA] }],
  sigstore: { trusted_root: SIGSTORE.root },
})

function keylessApproval(signing: Signing, changes: ReviewChanges = {}): Approval {
  const { fingerprint: _f, signature: _s, statement = '', ...rest } = approvalOf('b', changes)
  const bundle = SIGSTORE.sign(new TextEncoder().encode(statement), signing)
  return { ...rest, identity: ANA, bundle }
}

type Row = {
  readonly name: string
  readonly signing?: Signing
  readonly review?: ReviewChanges
  /** Changes what the receipt says. */
  readonly approval?: object
  readonly trust?: Trust | undefined
  readonly want: readonly string[]
}

function codesOf({ signing = {}, review, approval = {}, ...row }: Row) {
  const made = { ...keylessApproval(signing, review), ...approval }
  const known = Object.fromEntries(Object.entries(made).filter(([, value]) => value !== undefined))
  const approvals = [known as unknown as Approval]
  const entries = [genesis(), hold('b'), resolution('b', 1, { resolution: { approvals } })]
  const trust = 'trust' in row ? row.trust : TRUST
  const report = verifyLog(filesOf(entries), trust === undefined ? {} : { trust })
  return { codes: report.problems.map(({ code }) => code), report }
}

const WITHOUT_ROOT = trustOf({ reviewers: [{ id: 'ana', identities: [ANA] }] })
const { reviewers: _, ...ANYBODY } = trustOf()
const approval = approvalOf('b')

test.for<Row>([
  { name: 'pinned identity, pinned root', want: [] },
  { name: 'nothing pinned: it agrees with itself', trust: undefined, want: [] },
  { name: 'no reviewers pinned', trust: ANYBODY, want: [] },
  {
    name: 'no reviewers pinned, another root',
    trust: { ...ANYBODY, sigstore: { trusted_root: fakeSigstore(AT).root } },
    want: ['SIGSTORE_UNTRUSTED'],
  },
  {
    name: 'an identity pinned without a root',
    trust: WITHOUT_ROOT,
    want: ['SIGSTORE_UNCONFIGURED'],
  },
  {
    name: 'another identity pinned',
    trust: { ...TRUST, reviewers: [{ id: 'ana', identities: [{ ...ANA, issuer: 'https://x' }] }] },
    want: ['IDENTITY_NOT_PINNED'],
  },
  {
    name: 'only a key pinned',
    trust: { ...TRUST, reviewers: trustOf().reviewers ?? [] },
    want: ['IDENTITY_NOT_PINNED'],
  },
  {
    name: 'signed by somebody else than the receipt says',
    signing: { subject: 'eve@example.com' },
    want: ['REVIEW_UNBOUND'],
  },
  {
    name: 'signed by somebody else, said so',
    signing: { subject: 'eve@example.com' },
    approval: { identity: { ...ANA, subject: 'eve@example.com' } },
    want: ['IDENTITY_NOT_PINNED'],
  },
  { name: 'another authority', signing: { foreign: 'certificate' }, want: ['SIGSTORE_UNTRUSTED'] },
  { name: 'not stamped', signing: { without: 'stamp' }, want: ['SIGSTORE_UNTRUSTED'] },
  { name: 'stamped an hour later', signing: { at: AT + 3600_000 }, want: ['REVIEW_UNBOUND'] },
  { name: 'as something else', signing: { payloadType: 'text/plain' }, want: ['REVIEW_UNBOUND'] },
  {
    name: 'another request',
    review: { statement: (made) => Object.assign(made.predicate, { nonce: 'd'.repeat(32) }) },
    want: ['REVIEW_UNBOUND'],
  },
  {
    name: 'a key beside it',
    approval: { fingerprint: approval.fingerprint },
    want: ['RECEIPT_INVALID'],
  },
  {
    name: 'an account beside it',
    approval: { account: '7', review: '1' },
    want: ['RECEIPT_INVALID'],
  },
  { name: 'no bundle', approval: { bundle: undefined }, want: ['RECEIPT_INVALID'] },
  { name: 'no identity', approval: { identity: undefined }, want: ['RECEIPT_INVALID'] },
  { name: 'a bundle that is none', approval: { bundle: '{}' }, want: ['SIGSTORE_MALFORMED'] },
])('an approval through Sigstore: $name -> $want', (row) => {
  const { codes, report } = codesOf(row)
  expect(codes).toEqual(row.want)
  if (row.want.length > 0) return
  expect(report.status).toBe(
    row.trust === undefined && 'trust' in row ? 'self-consistent; key not pinned' : 'verified',
  )
})

test.for([
  {
    name: 'an identity for two people',
    trust: trustOf({
      reviewers: [
        { id: 'ana', identities: [ANA] },
        { id: 'bo', identities: [ANA] },
      ],
    }),
  },
  {
    name: 'a person with neither key nor identity',
    trust: trustOf({ reviewers: [{ id: 'ana' }] }),
  },
  { name: 'a root that is none', trust: trustOf({ sigstore: { trusted_root: {} } }) },
])('a trust file with $name is refused', ({ trust }) => {
  expect(() => parseTrust(JSON.stringify(trust))).toThrow(
    expect.objectContaining({ code: 'TRUST_INVALID' }),
  )
})
