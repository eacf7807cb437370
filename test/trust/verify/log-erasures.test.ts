import { describe, expect, test } from 'vitest'
import { canonicalize } from '../../../src/base/canonical-json.ts'
import { fromUtf8, sha256Hex, utf8 } from '../../../src/base/digest.ts'
import type { ErasureReceipt } from '../../../src/model/generated/types.ts'
import { parseVerifierKey } from '../../../src/trust/receipt/checkpoint.ts'
import {
  type ErasureFields,
  erasureReceipt,
  isErasure,
  parseReceipt,
} from '../../../src/trust/receipt/statement.ts'
import { verifyLog } from '../../../src/trust/verify/index.ts'
import { checkReceipts } from '../../../src/trust/verify/log-receipts.ts'
import {
  filesOf,
  genesis,
  hold,
  logSigner,
  ORIGIN,
  resolution,
  trustOf,
  verdict,
} from './log-case.ts'

const FIELDS: ErasureFields = {
  id: `era_${'0'.repeat(26)}`,
  scope: 'subject',
  subject: 'a'.repeat(64),
  reason: 'asked for it',
  decisions: 1,
  tokens: 0,
  through: 1,
  issuedAt: '2026-11-21T09:00:02Z',
  issuerId: ORIGIN,
}

const erasure = (changes: Partial<ErasureFields> = {}) => erasureReceipt({ ...FIELDS, ...changes })

function codesOf(...entries: readonly Uint8Array[]): string[] {
  const { problems } = checkReceipts([genesis(), ...entries], {
    origin: ORIGIN,
    keys: [parseVerifierKey(logSigner().verifierKey)],
    trust: undefined,
  })
  return problems.map(({ code }) => code)
}

/** Changes that make it one of what was kept long enough. */
const RETENTION = {
  scope: 'retention',
  subject: undefined,
  before: '2026-11-20T09:00:00Z',
} as const

test('a retention of what is old is read back', () => {
  const { subject: _subject, ...fields } = FIELDS
  const { subject: _none, ...changes } = RETENTION
  const more = { tokens: 1, tokensBefore: changes.before }
  expect(isErasure(parseReceipt(erasureReceipt({ ...fields, ...changes, ...more })))).toBe(true)
})

test('is read back, is its own RFC 8785 text, and its subject is the digest of what it says', () => {
  const receipt = parseReceipt(erasure())
  expect(isErasure(receipt)).toBe(true)
  expect(canonicalize(receipt as never)).toBe(fromUtf8(erasure()))
  expect(receipt.subject).toEqual([
    { name: 'erasure', digest: { sha256: sha256Hex(canonicalize(FIELDS as never)) } },
  ])
})

test('a log with one verifies, whatever policies and reviewers the trust file pins, and counts it', () => {
  const log = [genesis(), hold('b'), resolution('b', 1), erasure({ through: 2, decisions: 2 })]
  const report = verifyLog(filesOf(log), { trust: trustOf() })
  expect(report.problems).toEqual([])
  expect(report.receipts).toMatchObject({ erasure: 1, APPROVED: 1 })
})

describe('what is refused in a log', () => {
  const late = { id: `era_${'1'.repeat(26)}` }
  test.for<{ name: string; entries: readonly Uint8Array[]; want: readonly string[] }>([
    { name: 'none: after its decision', entries: [verdict('a'), erasure()], want: [] },
    {
      name: 'none: twice, by two receipts',
      entries: [verdict('a'), erasure(), erasure(late)],
      want: [],
    },
    { name: 'before its decision', entries: [erasure(), verdict('a')], want: ['RECEIPT_INVALID'] },
    {
      name: 'told twice',
      entries: [verdict('a'), erasure(), erasure()],
      want: ['RECEIPT_INVALID'],
    },
    {
      name: 'of another log',
      entries: [verdict('a'), erasure({ issuerId: 'other' })],
      want: ['RECEIPT_INVALID'],
    },
  ])('$name', ({ entries, want }) => {
    expect(codesOf(...entries)).toEqual(want)
  })
})

test.for<{ name: string; changes: Partial<Record<keyof ErasureFields, unknown>> }>([
  { name: 'a subject that is no pseudonym', changes: { subject: 'ana' } },
  { name: 'no subject', changes: { subject: undefined } },
  { name: 'a decision beside the subject', changes: { decision: 'dec_1' } },
  { name: 'one decision with a subject', changes: { scope: 'decision', decision: 'dec_1' } },
  { name: 'one decision without its id', changes: { scope: 'decision', subject: undefined } },
  {
    name: 'one decision before a time',
    changes: { scope: 'decision', subject: undefined, decision: 'd', before: FIELDS.issuedAt },
  },
  { name: 'a time for tokens alone', changes: { tokensBefore: FIELDS.issuedAt } },
  { name: 'decisions and no highest index', changes: { through: undefined } },
  { name: 'a highest index of nothing', changes: { decisions: 0 } },
  {
    name: 'a retention of nothing',
    changes: { scope: 'retention', subject: undefined, decisions: 0, through: undefined },
  },
  { name: 'more decisions than there can be', changes: { decisions: 2 } },
  {
    name: 'a retention of decisions however new',
    changes: { scope: 'retention', subject: undefined },
  },
  {
    name: 'a retention of decisions yet to come',
    changes: { scope: 'retention', subject: undefined, before: FIELDS.issuedAt },
  },
  {
    name: 'a retention of tokens however new',
    changes: { ...RETENTION, tokens: 1 },
  },
  {
    name: 'a retention of tokens yet to come',
    changes: { ...RETENTION, tokens: 1, tokensBefore: FIELDS.issuedAt },
  },
  { name: 'no reason', changes: { reason: '' } },
  { name: 'a long reason', changes: { reason: 'x'.repeat(513) } },
  { name: 'another scope', changes: { scope: 'all' } },
  { name: 'another id', changes: { id: 'dec_1' } },
  { name: 'a member more', changes: { name: 'ana' } as never },
])('an erasure with $name is neither written nor read', ({ changes }) => {
  const fields = JSON.parse(JSON.stringify({ ...FIELDS, ...changes }))
  const refused = expect.objectContaining({ code: 'RECEIPT_INVALID' }) as Error
  expect(() => erasureReceipt(fields)).toThrow(refused)
  const receipt = JSON.parse(fromUtf8(erasure())) as ErasureReceipt
  receipt.predicate = fields
  const subject = receipt.subject[0]
  if (subject !== undefined) subject.digest.sha256 = sha256Hex(canonicalize(fields))
  expect(() => parseReceipt(utf8(canonicalize(receipt as never)))).toThrow(refused)
})

test('an erasure whose subject is another digest is refused', () => {
  const receipt = JSON.parse(fromUtf8(erasure())) as ErasureReceipt
  receipt.predicate.reason = 'another'
  expect(() => parseReceipt(utf8(canonicalize(receipt as never)))).toThrow(
    expect.objectContaining({ code: 'RECEIPT_INVALID' }) as Error,
  )
})
