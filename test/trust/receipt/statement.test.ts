import { expect, test } from 'vitest'
import { canonicalize } from '../../../src/base/canonical-json.ts'
import { fromUtf8, sha256Hex, utf8 } from '../../../src/base/digest.ts'
import { genesisReceipt, isGenesis, parseReceipt } from '../../../src/trust/receipt/statement.ts'
import {
  genesis,
  hold,
  logSigner,
  ORIGIN,
  resolution,
  verdict,
  verdictFields,
} from '../verify/log-case.ts'

test.for([
  { name: 'a genesis', entry: genesis() },
  { name: 'an allow', entry: verdict('a') },
  { name: 'a hold', entry: hold('b') },
  { name: 'a resolution', entry: resolution('b', 1) },
])('$name is read back and is its own RFC 8785 text', ({ entry }) => {
  const receipt = parseReceipt(entry)
  expect(canonicalize(receipt as never)).toBe(fromUtf8(entry))
  expect(isGenesis(receipt)).toBe(receipt.subject[0]?.name === 'log')
})

test('the subject of a decision is the digest of its action', () => {
  const receipt = parseReceipt(verdict('a'))
  const { action } = verdictFields('a')
  expect(receipt.subject).toEqual([
    { name: 'action', digest: { sha256: sha256Hex(canonicalize(action as never)) } },
  ])
})

type Edit = (
  receipt: Record<string, unknown> & { predicate: Record<string, unknown>; subject: unknown[] },
) => void

const edits: { name: string; edit: Edit }[] = [
  { name: 'another type', edit: (receipt) => Object.assign(receipt, { _type: 'x' }) },
  {
    name: 'another predicate type',
    edit: (receipt) => Object.assign(receipt, { predicateType: 'x' }),
  },
  { name: 'no subject', edit: (receipt) => Object.assign(receipt, { subject: [] }) },
  { name: 'two subjects', edit: ({ subject }) => Object.assign(subject, { 1: subject[0] }) },
  { name: 'an unknown member', edit: (receipt) => Object.assign(receipt, { more: 1 }) },
  { name: 'no action', edit: ({ predicate }) => Object.assign(predicate, { action: null }) },
  { name: 'another action', edit: ({ predicate }) => Object.assign(predicate, { action: {} }) },
  {
    name: 'a time that is none',
    edit: ({ predicate }) => Object.assign(predicate, { issuedAt: 'now' }),
  },
  {
    name: 'another stage',
    edit: ({ predicate }) => Object.assign(predicate, { stage: 'resolution' }),
  },
  {
    name: 'another decision',
    edit: ({ predicate }) => Object.assign(predicate, { decision: 'REJECTED' }),
  },
  {
    name: 'a genesis predicate type',
    edit: (receipt) =>
      Object.assign(receipt, {
        predicateType: 'https://countersign.dev/attestation/log-genesis/v0.1',
      }),
  },
]

test.for(edits)('a receipt with $name is refused', ({ edit }) => {
  const value = JSON.parse(fromUtf8(verdict('a')))
  edit(value)
  expect(() => parseReceipt(utf8(canonicalize(value)))).toThrow(
    expect.objectContaining({ code: 'RECEIPT_INVALID' }),
  )
})

test.for([
  { name: 'white space', edit: (text: string) => ` ${text}` },
  { name: 'an escaped letter', edit: (text: string) => text.replace('billing', '\\u0062illing') },
  { name: 'a key twice', edit: (text: string) => text.replace('{', '{"_type":"x",') },
  { name: 'a byte order mark', edit: (text: string) => `\ufeff${text}` },
  { name: 'its end missing', edit: (text: string) => text.slice(0, -1) },
])('a receipt with $name is refused', ({ edit }) => {
  expect(() => parseReceipt(utf8(edit(fromUtf8(verdict('a')))))).toThrow(
    expect.objectContaining({ code: 'RECEIPT_INVALID' }),
  )
})

test('a receipt is at most 65,535 bytes', () => {
  const spare = 65_535 - verdict('a', { action: { text: '' } }).length
  expect(verdict('a', { action: { text: 'x'.repeat(spare) } }).length).toBe(65_535)
  expect(() => verdict('a', { action: { text: 'x'.repeat(spare + 1) } })).toThrow(
    expect.objectContaining({ code: 'RECEIPT_TOO_LARGE' }),
  )
})

test.for([
  { name: 'a number that is not finite', changes: { action: { amount: Number.NaN } } },
  { name: 'a value that is undefined', changes: { action: { amount: undefined } } },
  { name: 'a decision of the other stage', changes: { decision: 'APPROVED' } },
  { name: 'no id', changes: { id: '' } },
])('no receipt is made with $name', ({ changes }) => {
  expect(() => verdict('a', changes as never)).toThrow(
    expect.objectContaining({ code: 'RECEIPT_INVALID' }),
  )
})

test('no genesis is made whose key is named otherwise than the log', () => {
  const fields = { origin: ORIGIN, project: 'acme', issuedAt: '2026-11-21T09:00:00Z' }
  for (const verifierKey of [logSigner(1, 'b.test').verifierKey, 'hello', '']) {
    expect(() => genesisReceipt({ ...fields, verifierKey })).toThrow(
      expect.objectContaining({ code: 'RECEIPT_INVALID' }),
    )
  }
})
