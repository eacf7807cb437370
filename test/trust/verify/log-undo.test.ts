import { describe, expect, test } from 'vitest'
import { reviewRequest } from '../../../src/app/approvals/review.ts'
import { canonicalize } from '../../../src/base/canonical-json.ts'
import { fromUtf8, sha256Hex, utf8 } from '../../../src/base/digest.ts'
import type { JsonValue } from '../../../src/base/json-value.ts'
import type { DecisionReceipt } from '../../../src/model/generated/types.ts'
import { parseVerifierKey } from '../../../src/trust/receipt/checkpoint.ts'
import { checkReceipts } from '../../../src/trust/verify/log-receipts.ts'
import { openScene } from '../../app/engine/rollback-scene.ts'
import { signerOf } from '../../app/support.ts'

// Each rule that links a rollback to what it takes back, broken once, in a log that is whole otherwise.

/**
 * 1: a mail, allowed. 2: another, allowed. 3: the first taken back. 4: a denied call. 5: a payment, held; 6: approved.
 * 7: its rollback, held; 8: approved. 9: a call, allowed, whose rollback is held, 10, and rejected, 11.
 */
async function entriesOf(): Promise<{ entries: readonly Uint8Array[]; origin: string }> {
  const scene = await openScene()
  const { engine, parts } = scene
  const review = async (id: string, verdict: 'approve' | 'reject', person: 'ana' | 'bo') =>
    reviewRequest(parts, id, { verdict }, await signerOf(person))
  await scene.call('mail', { to: 'a', text: 'b' })
  await scene.call('mail', { to: 'c', text: 'd' })
  await engine.rollback(1)
  await scene.call('delete')
  const { request } = await scene.call('pay', { amount: 5 })
  await review(request, 'approve', 'ana')
  await review(String((await engine.rollback(request)).request), 'approve', 'ana')
  await scene.call('ask')
  await review(String((await engine.rollback(9)).request), 'reject', 'bo')
  return { entries: await parts.store.receipts(0, 100), origin: parts.signer.origin }
}

const log = await entriesOf()

function receiptAt(index: number): DecisionReceipt {
  return JSON.parse(fromUtf8(log.entries[index] ?? new Uint8Array())) as DecisionReceipt
}

type Change = (receipt: DecisionReceipt) => void

/** What is wrong with the log when some of its receipts are changed; their subjects stay right. */
function problemsOf(changes: Readonly<Record<number, Change>>): readonly string[] {
  const entries = log.entries.map((entry, index) => {
    const change = changes[index]
    if (change === undefined) return entry
    const receipt = receiptAt(index)
    change(receipt)
    const { predicate, subject } = receipt
    const sha256 = sha256Hex(canonicalize(predicate.action as JsonValue))
    const changed = { ...receipt, subject: [{ ...subject[0], digest: { sha256 } }] }
    return utf8(canonicalize(changed as unknown as JsonValue))
  })
  const genesis = JSON.parse(fromUtf8(entries[0] ?? new Uint8Array()))
  const { predicate } = genesis as { predicate: { verifierKey: string } }
  const keys = [parseVerifierKey(predicate.verifierKey)]
  const context = { origin: log.origin, keys, trust: undefined }
  return checkReceipts(entries, context).problems.map(({ message }) => message)
}

const undoes =
  (index: number, id?: string): Change =>
  ({ predicate }) => {
    predicate.undoes = { index, id: id ?? receiptAt(index).predicate.id }
  }
const inAction =
  (field: string, value: string): Change =>
  ({ predicate }) => {
    predicate.action[field] = value
  }

test('as the engine wrote it, all of it holds', () => {
  expect(problemsOf({})).toEqual([])
  expect(receiptAt(8).predicate).toMatchObject({ decision: 'APPROVED', undoes: { index: 6 } })
  expect(receiptAt(11).predicate).toMatchObject({ decision: 'REJECTED', undoes: { index: 9 } })
})

describe('refused:', () => {
  const named = 'entry 3: expected `undoes` at an earlier receipt that lets a call run'
  test.for<{ name: string; changes: Record<number, Change>; want: string }>([
    { name: 'a later receipt', changes: { 3: undoes(9) }, want: named },
    { name: 'itself', changes: { 3: undoes(3) }, want: named },
    { name: 'no receipt', changes: { 3: undoes(99, 'dec_x') }, want: named },
    {
      name: 'a receipt that denied',
      changes: { 7: undoes(4), 8: undoes(4) },
      want: 'entry 7: expected `undoes` at an earlier receipt that lets a call run',
    },
    {
      name: 'a receipt that held',
      changes: { 7: undoes(5), 8: undoes(5) },
      want: 'entry 7: expected `undoes` at an earlier receipt that lets a call run',
    },
    {
      name: 'another id than the receipt has',
      changes: { 3: undoes(1, receiptAt(2).predicate.id) },
      want: 'entry 3: expected the id of the receipt that `undoes` names',
    },
    {
      name: 'a call of another agent',
      changes: { 3: inAction('agent', 'other') },
      want: 'entry 3: expected the agent of the call that is taken back',
    },
    {
      name: 'a call of another project',
      changes: { 3: inAction('project', 'other') },
      want: 'entry 3: expected the project of the call that is taken back',
    },
    {
      name: 'what came back of a call, as what takes one back',
      changes: { 3: inAction('phase', 'result') },
      want: 'entry 3: expected a call as what takes another one back',
    },
    {
      name: 'a second rollback that may run',
      changes: { 2: undoes(1) },
      want: 'entry 3: expected one rollback of receipt 1; receipt 2 let one run',
    },
    {
      name: 'a second rollback that people let run',
      changes: { 3: undoes(1), 7: undoes(1), 8: undoes(1) },
      want: 'entry 8: expected one rollback of receipt 1; receipt 3 let one run',
    },
    {
      name: 'an ending that names nothing, of a hold that does',
      changes: { 8: ({ predicate }) => delete predicate.undoes },
      want: 'entry 8: expected `undoes` as the receipt that people looked at has it',
    },
    {
      name: 'an ending that names another call',
      changes: { 8: undoes(2) },
      want: 'entry 8: expected `undoes` as the receipt that people looked at has it',
    },
    {
      name: 'an ending that names one, of a hold that does not',
      changes: { 6: undoes(1) },
      want: 'entry 6: expected `undoes` as the receipt that people looked at has it',
    },
    {
      name: 'a rollback that ran alone, of what people let run',
      changes: { 9: undoes(6) },
      want: 'entry 9: expected people to look at a rollback of what people let run',
    },
  ])('a rollback of $name', ({ changes, want }) => {
    expect(problemsOf(changes)).toContain(want)
  })
})
