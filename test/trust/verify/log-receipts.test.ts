import { expect, test } from 'vitest'
import { canonicalize } from '../../../src/base/canonical-json.ts'
import { digestOf, fromUtf8, sha256Hex, utf8 } from '../../../src/base/digest.ts'
import type { JsonValue } from '../../../src/base/json-value.ts'
import type { ReviewStatement, Trust } from '../../../src/model/generated/types.ts'
import { verifyLog } from '../../../src/trust/verify/log.ts'
import type { ReviewChanges } from './log-case.ts'
import {
  approvalOf,
  filesOf,
  fingerprintOf,
  genesis,
  hold,
  logSigner,
  nonceOf,
  PULL,
  resolution,
  trustOf,
  verdict,
} from './log-case.ts'

type Row = { name: string; entries: readonly Uint8Array[]; code: string; trust?: Trust }

/** An entry as a broken or hostile log would have it: past the checks of our own maker. */
function edited(entry: Uint8Array, edit: (receipt: never) => void): Uint8Array {
  const value = JSON.parse(fromUtf8(entry))
  edit(value as never)
  return utf8(canonicalize(value as JsonValue))
}

type Edit = {
  predicate: Record<string, unknown>
  subject: { name: string; digest: { sha256: string } }[]
}

const INVALID = 'RECEIPT_INVALID'
const OTHER_POLICY = { sha256: sha256Hex('another policy') }

const rows: Row[] = [
  { name: 'no genesis', entries: [verdict('a')], code: INVALID },
  { name: 'a second genesis', entries: [genesis(), genesis()], code: INVALID },
  { name: "another log's genesis", entries: [genesis(logSigner(1, 'b.test'))], code: INVALID },
  {
    name: 'a genesis of another key',
    entries: [genesis(logSigner(9))],
    code: 'CHECKPOINT_UNTRUSTED',
  },
  {
    name: "another log's receipt",
    entries: [genesis(), verdict('a', { issuerId: 'b.test' })],
    code: INVALID,
  },
  { name: 'an entry that is no JSON', entries: [genesis(), utf8('hello')], code: INVALID },
  { name: 'an empty entry', entries: [genesis(), new Uint8Array()], code: INVALID },
  {
    name: 'an entry with white space',
    entries: [genesis(), utf8(`${fromUtf8(verdict('a'))}\n`)],
    code: INVALID,
  },
  {
    name: 'an unknown key',
    entries: [
      genesis(),
      edited(verdict('a'), ({ predicate }: Edit) => {
        predicate['extra'] = 1
      }),
    ],
    code: INVALID,
  },
  {
    name: "a subject that is not the action's digest",
    entries: [
      genesis(),
      edited(verdict('a'), ({ predicate }: Edit) => {
        predicate['action'] = { agent: 'other' }
      }),
    ],
    code: INVALID,
  },
  {
    name: 'a verdict that says APPROVED',
    entries: [
      genesis(),
      edited(verdict('a'), ({ predicate }: Edit) => {
        predicate['decision'] = 'APPROVED'
      }),
    ],
    code: INVALID,
  },
  { name: 'a resolution of nothing', entries: [genesis(), resolution('b', 0)], code: INVALID },
  {
    name: 'a resolution of a later hold',
    entries: [genesis(), resolution('b', 2), hold('b')],
    code: INVALID,
  },
  { name: 'a resolution of itself', entries: [genesis(), resolution('b', 1)], code: INVALID },
  {
    name: 'a resolution of an allow',
    entries: [genesis(), verdict('b'), resolution('b', 1)],
    code: INVALID,
  },
  {
    name: "a resolution of another request's hold",
    entries: [genesis(), hold('a'), hold('b'), resolution('b', 1)],
    code: INVALID,
  },
  {
    name: 'a resolution of another action',
    entries: [genesis(), hold('b', { action: { agent: 'other' } }), resolution('b', 1)],
    code: INVALID,
  },
  {
    name: 'a resolution under another held policy',
    entries: [
      genesis(),
      hold('b'),
      resolution('b', 1, { resolution: { heldPolicyDigest: OTHER_POLICY } }),
    ],
    code: INVALID,
  },
  {
    name: 'a request resolved twice',
    entries: [genesis(), hold('b'), resolution('b', 1), resolution('b', 1)],
    code: 'REVIEW_REPLAYED',
  },
  {
    name: 'a request resolved again under a fresh nonce',
    entries: [
      genesis(),
      hold('b'),
      resolution('b', 1),
      resolution('b', 1, {
        resolution: { nonce: nonceOf('fresh') },
        review: {
          statement: ({ predicate }) => {
            predicate.nonce = nonceOf('fresh')
          },
        },
      }),
    ],
    code: 'REVIEW_REPLAYED',
  },
  {
    name: 'a nonce used twice',
    entries: [
      genesis(),
      hold('a'),
      hold('b'),
      resolution('a', 1),
      resolution('b', 2, {
        resolution: { nonce: nonceOf('a') },
        review: {
          statement: ({ predicate }) => {
            predicate.nonce = nonceOf('a')
          },
        },
      }),
    ],
    code: 'REVIEW_REPLAYED',
  },
  {
    name: 'an approval by nobody',
    entries: resolved({ resolution: { approvals: [] } }),
    code: INVALID,
  },
  {
    name: 'an approval with a rejection inside',
    entries: reviewed({
      statement: ({ predicate }) => {
        predicate.verdict = 'reject'
      },
      approval: { verdict: 'reject' },
    }),
    code: INVALID,
  },
  {
    name: 'one reviewer counted twice',
    entries: resolved({
      resolution: { approvals: [approvalOf('b'), approvalOf('b', { seed: 3 })] },
    }),
    code: 'REVIEW_REPLAYED',
    trust: trustOf({
      reviewers: [{ id: 'ana', fingerprints: [fingerprintOf(2), fingerprintOf(3)] }],
    }),
  },
  {
    name: 'a route that nobody approved',
    entries: [genesis(), hold('b', { route: ['legal', 'payments'] }), resolution('b', 1)],
    code: INVALID,
  },
  {
    name: 'a review signed by another key than it says',
    entries: reviewed({ seed: 3, approval: { fingerprint: fingerprintOf(2) } }),
    code: 'REVIEW_UNBOUND',
  },
  {
    name: 'a review for another purpose',
    entries: reviewed({ namespace: 'git' }),
    code: 'SIGNATURE_NAMESPACE',
  },
  {
    name: 'a review whose text was changed after signing',
    entries: reviewed({ approval: { statement: approvalOf('c').statement ?? '' } }),
    code: 'SIGNATURE_WRONG',
  },
  {
    name: 'no armour',
    entries: reviewed({ approval: { signature: '' } }),
    code: 'SIGNATURE_MALFORMED',
  },
  { name: 'a key that is not pinned', entries: reviewed({ seed: 3 }), code: 'KEY_NOT_PINNED' },
  {
    name: 'a reviewer that nobody pinned',
    entries: reviewed({
      statement: ({ predicate }) => {
        predicate.reviewer = 'eve'
      },
      approval: { reviewer: 'eve' },
    }),
    code: 'REVIEWER_UNKNOWN',
  },
  {
    name: 'a policy that is not listed',
    entries: [genesis(), verdict('a', { policyDigest: OTHER_POLICY })],
    code: INVALID,
  },
]

const PLAIN = {
  ...{ reviewer: 'ana', verdict: 'approve', route: ['payments'] },
  seats: [{ route: 'payments' }],
} as const
const UNSIGNED = { ...PLAIN, route: [...PLAIN.route], account: '1001', review: '77' }

/** An approval as a hostile log would have it. */
function approvedBy(...approvals: object[]): Uint8Array[] {
  return [
    genesis(),
    hold('b'),
    edited(resolution('b', 1), ({ predicate }: Edit) => {
      const asked = [{ id: 'payments', quorum: 1, signature: 'none' }]
      Object.assign(predicate['resolution'] as object, { approvals, asked })
    }),
  ]
}

const { reviewers: _, ...NO_PEOPLE } = trustOf()
type PlainRow = { name: string; approvals: object[]; trust?: Trust; want: string; says?: string }

const plainRows: PlainRow[] = [
  { name: 'where no reviewers are pinned', approvals: [UNSIGNED], trust: NO_PEOPLE, want: '' },
  {
    name: 'where they are refused',
    approvals: [UNSIGNED],
    trust: { ...NO_PEOPLE, unsigned_reviews: 'refuse' },
    want: 'REVIEW_UNSIGNED',
  },
  { name: "where reviewers' keys are pinned", approvals: [UNSIGNED], want: 'REVIEW_UNSIGNED' },
  {
    name: 'where keys are pinned, and they are accepted',
    approvals: [UNSIGNED],
    trust: { ...trustOf(), unsigned_reviews: 'accept' },
    want: '',
  },
  {
    name: 'by somebody whom the trust file does not list',
    approvals: [{ ...UNSIGNED, reviewer: 'eve' }],
    trust: { ...trustOf(), unsigned_reviews: 'accept' },
    want: 'REVIEWER_UNKNOWN',
  },
  { name: 'of no account', approvals: [PLAIN], trust: NO_PEOPLE, want: INVALID },
  {
    name: 'with half a signature',
    approvals: [{ ...UNSIGNED, signature: 'x' }],
    trust: NO_PEOPLE,
    want: INVALID,
  },
  {
    name: 'with an account beside a signature',
    approvals: [{ ...approvalOf('b'), account: '1001' }],
    trust: NO_PEOPLE,
    want: INVALID,
  },
  {
    name: 'with a patch',
    approvals: [{ ...UNSIGNED, verdict: 'patch' }],
    trust: NO_PEOPLE,
    want: INVALID,
    says: 'a signature with a patch',
  },
  {
    name: 'twice from one account',
    approvals: [UNSIGNED, { ...UNSIGNED, reviewer: 'bo' }],
    trust: NO_PEOPLE,
    want: 'REVIEW_REPLAYED',
  },
]

test.for(plainRows)('a review without a signature $name -> $want', (row) => {
  const { approvals, trust, want, says = '' } = row
  const report = verifyLog(filesOf(approvedBy(...approvals)), { trust: trust ?? trustOf() })
  expect(report.problems.map(({ code }) => code)).toEqual(want === '' ? [] : [want])
  expect(JSON.stringify(report.problems)).toContain(says)
  const said = 'that 1 reviews without a signature were made at all'
  if (want === '') expect(JSON.stringify(report)).toContain(said)
})

function resolved(changes: Parameters<typeof resolution>[2]): Uint8Array[] {
  return [genesis(), hold('b'), resolution('b', 1, changes)]
}

function reviewed(review: ReviewChanges): Uint8Array[] {
  return resolved({ review })
}

test.for(rows)('a log with $name is refused with $code', ({ entries, code, trust }) => {
  const report = verifyLog(filesOf(entries), { trust: trust ?? trustOf() })
  expect(report.status).toBe('refused')
  expect(report.problems.map((problem) => problem.code)).toContain(code)
  for (const { file, message } of report.problems) {
    expect(file).toBe(`tile/entries/000.p/${entries.length}`)
    expect(message).toMatch(/^entry \d+: /)
  }
})

type Binding = { name: string; edit: (statement: ReviewStatement) => void; code?: string }

const bindings: Binding[] = [
  {
    name: 'another request',
    edit: ({ predicate }) => {
      predicate.request = 'req_x'
    },
  },
  {
    name: 'another subject',
    edit: ({ subject }) => {
      subject[0]!.name = 'req_x'
    },
  },
  {
    name: 'another action',
    edit: ({ subject }) => {
      subject[0]!.digest.sha256 = sha256Hex('x')
    },
  },
  {
    name: 'two subjects',
    edit: ({ subject }) => {
      subject.push(subject[0]!)
    },
  },
  {
    name: 'another nonce',
    edit: ({ predicate }) => {
      predicate.nonce = nonceOf('x')
    },
  },
  {
    name: 'another policy',
    edit: ({ predicate }) => {
      predicate.policyDigest = OTHER_POLICY
    },
  },
  {
    name: 'another forge',
    edit: ({ predicate }) => {
      predicate.forge = { ...PULL.forge, host: 'x' }
    },
  },
  {
    name: 'another repository',
    edit: ({ predicate }) => {
      predicate.forge = { ...PULL.forge, repository: 'x' }
    },
  },
  {
    name: 'another pull request',
    edit: ({ predicate }) => {
      predicate.pull.number = 2
    },
  },
  {
    name: 'another head',
    edit: ({ predicate }) => {
      predicate.pull.headSha = 'c'.repeat(40)
    },
  },
  {
    name: 'another reviewer',
    edit: ({ predicate }) => {
      predicate.reviewer = 'bo'
    },
  },
  {
    name: 'another verdict',
    edit: ({ predicate }) => {
      predicate.verdict = 'reject'
    },
  },
  {
    name: 'another route',
    edit: ({ predicate }) => {
      predicate.route = ['legal']
    },
  },
  {
    name: 'a patch that is none',
    edit: ({ predicate }) => {
      predicate.patch = { root: `sha256:${'0'.repeat(64)}` }
    },
  },
  {
    name: 'a time after the expiry',
    edit: ({ predicate }) => {
      predicate.issuedAt = '2026-11-21T10:00:01Z'
    },
    code: 'REVIEW_EXPIRED',
  },
  {
    name: 'an unknown key',
    edit: ({ predicate }) => {
      Object.assign(predicate, { extra: 1 })
    },
    code: 'REVIEW_MALFORMED',
  },
]

test.for(bindings)('a signed review with $name does not count', ({ edit, code }) => {
  const report = verifyLog(filesOf(reviewed({ statement: edit })), { trust: trustOf() })
  expect(report.problems.map((problem) => problem.code)).toEqual([code ?? 'REVIEW_UNBOUND'])
})

test('a review is bound without a trust file too', () => {
  const edit = bindings[0]!.edit
  expect(verifyLog(filesOf(reviewed({}))).problems).toEqual([])
  expect(verifyLog(filesOf(reviewed({ statement: edit }))).status).toBe('refused')
})

test('a patch, a rejection and an expiry are read', () => {
  const patchedAction = { agent: 'billing-agent', payload: { amount: 5 } }
  const patch: ReviewChanges = {
    statement: ({ predicate }) => {
      predicate.verdict = 'patch'
      predicate.patch = { root: digestOf(canonicalize(patchedAction)) }
    },
    approval: { verdict: 'patch' },
  }
  const rejection: ReviewChanges = {
    statement: ({ predicate }) => {
      predicate.verdict = 'reject'
    },
    approval: { verdict: 'reject' },
  }
  const entries = [
    genesis(),
    hold('a'),
    hold('b'),
    hold('c'),
    resolution('a', 1, {
      fields: { decision: 'APPROVED_WITH_MODIFICATIONS' },
      resolution: {
        patchedAction,
        patchedRoot: digestOf(canonicalize(patchedAction)),
        approvals: [approvalOf('a', patch)],
      },
    }),
    resolution('b', 2, { fields: { decision: 'REJECTED' }, review: rejection }),
    resolution('c', 3, { fields: { decision: 'EXPIRED' }, resolution: { approvals: [] } }),
  ]
  const report = verifyLog(filesOf(entries), { trust: trustOf() })
  expect(report.problems).toEqual([])
  expect(report.receipts).toMatchObject({ APPROVED_WITH_MODIFICATIONS: 1, EXPIRED: 1, REJECTED: 1 })
})
