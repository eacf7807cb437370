import { describe, expect, test } from 'vitest'
import { canonicalize } from '../../../src/base/canonical-json.ts'
import { fromUtf8, utf8 } from '../../../src/base/digest.ts'
import { parseVerifierKey } from '../../../src/trust/receipt/checkpoint.ts'
import type { ExecutionFields } from '../../../src/trust/receipt/statement.ts'
import {
  executionReceipt,
  isExecution,
  parseReceipt,
} from '../../../src/trust/receipt/statement.ts'
import { verifyLog } from '../../../src/trust/verify/log.ts'
import { checkReceipts } from '../../../src/trust/verify/log-receipts.ts'
import {
  filesOf,
  genesis,
  hold,
  logSigner,
  ORIGIN,
  POLICY,
  resolution,
  verdict,
} from './log-case.ts'

const CALL = { agent: 'billing-agent', service: 'billing', action: 'refund_card', _sd: ['x'] }
const ROOT = `sha256:${'1'.repeat(64)}` as const

function execution(changes: Partial<ExecutionFields> = {}): Uint8Array {
  return executionReceipt({
    stage: 'redeemed',
    id: `exe_${'0'.repeat(26)}`,
    grant: `grt_${'0'.repeat(26)}`,
    decision: 'a',
    decidedAt: 1,
    audience: 'billing',
    policyDigest: { sha256: POLICY },
    issuedAt: '2026-11-21T09:00:02Z',
    issuerId: ORIGIN,
    call: CALL,
    ...changes,
  })
}

const reported = (changes: Partial<ExecutionFields> = {}) =>
  execution({ stage: 'reported', redeemedAt: 2, reportRoot: ROOT, ...changes })

function codesOf(...entries: readonly Uint8Array[]): string[] {
  const { problems } = checkReceipts([genesis(), ...entries], {
    origin: ORIGIN,
    keys: [parseVerifierKey(logSigner().verifierKey)],
    trust: undefined,
  })
  return problems.map(({ code }) => code)
}

test('a receipt of an execution is read back and is its own RFC 8785 text', () => {
  const receipt = parseReceipt(execution())
  expect(isExecution(receipt)).toBe(true)
  expect(canonicalize(receipt as never)).toBe(fromUtf8(execution()))
})

test.for<{ name: string; entries: readonly Uint8Array[] }>([
  { name: 'after an allow', entries: [verdict('a'), execution()] },
  { name: 'after a redact', entries: [verdict('a', { decision: 'redact' }), execution()] },
  {
    name: 'after an approval',
    entries: [
      hold('b'),
      resolution('b', 1),
      execution({ decision: 'dec_9', decidedAt: 2, request: 'req_b' }),
    ],
  },
  { name: 'reported on later', entries: [verdict('a'), execution(), reported()] },
  { name: 'with a report at once', entries: [verdict('a'), execution({ reportRoot: ROOT })] },
])('an execution $name -> no problem', ({ entries }) => {
  expect(codesOf(...entries)).toEqual([])
})

test('an execution with another payload is no problem that a log can show, and the report says so', () => {
  const entries = [genesis(), verdict('a'), execution({ call: { ...CALL, _sd: ['z'] } })]
  const { problems, proven, not_proven } = verifyLog(filesOf(entries))
  expect(problems).toEqual([])
  expect(proven.join('; ')).toContain('a call of the same agent and tool')
  expect(not_proven.join('; ')).toContain('that executions had the payloads that were decided on')
})

describe('what is refused', () => {
  test.for<{ name: string; entries: readonly Uint8Array[]; want?: string }>([
    { name: 'before its decision', entries: [execution(), verdict('a')] },
    { name: 'after a deny', entries: [verdict('a', { decision: 'deny' }), execution()] },
    { name: 'after a hold that waits', entries: [hold('a'), execution({ request: 'req_a' })] },
    {
      name: 'after a result',
      entries: [verdict('a', { action: { ...CALL, phase: 'result' } }), execution()],
    },
    { name: 'of another decision', entries: [verdict('b'), execution()] },
    {
      name: 'of another policy',
      entries: [verdict('a'), execution({ policyDigest: { sha256: '0'.repeat(64) } })],
    },
    {
      name: 'of another tool',
      entries: [verdict('a'), execution({ call: { ...CALL, action: 'pay' } })],
    },
    {
      name: 'of another agent',
      entries: [verdict('a'), execution({ call: { ...CALL, agent: 'x' } })],
    },
    {
      name: 'of a request that there is none of',
      entries: [verdict('a'), execution({ request: 'req_a' })],
    },
    { name: 'of another log', entries: [verdict('a'), execution({ issuerId: 'other.test/log' })] },
    {
      name: 'twice of one decision',
      entries: [verdict('a'), execution(), execution({ grant: `grt_${'1'.repeat(26)}` })],
      want: 'GRANT_REPLAYED',
    },
    {
      name: 'twice by one grant',
      entries: [
        verdict('a'),
        verdict('b'),
        execution(),
        execution({ decision: 'b', decidedAt: 2 }),
      ],
      want: 'GRANT_REPLAYED',
    },
    {
      name: 'of a decision that stands in the log twice',
      entries: [verdict('a'), verdict('a'), execution()],
    },
    {
      name: 'after its rollback',
      entries: [
        verdict('a'),
        verdict('r', { action: CALL, undoes: { index: 1, id: 'a' } }),
        execution(),
      ],
    },
    { name: 'reported before it was redeemed', entries: [verdict('a'), reported()] },
    {
      name: 'reported under another grant',
      entries: [verdict('a'), execution(), reported({ grant: `grt_${'1'.repeat(26)}` })],
    },
    {
      name: 'reported of another call',
      entries: [verdict('a'), execution(), reported({ call: { ...CALL, _sd: ['y'] } })],
    },
    {
      name: 'reported for another audience',
      entries: [verdict('a'), execution(), reported({ audience: 'bank' })],
    },
    {
      name: 'reported under another decision',
      entries: [
        hold('b'),
        resolution('b', 1),
        execution({ decision: 'dec_9', decidedAt: 2, request: 'req_b' }),
        reported({ decision: 'dec_8', decidedAt: 2, redeemedAt: 3, request: 'req_b' }),
      ],
    },
    {
      name: 'reported twice',
      entries: [verdict('a'), execution(), reported(), reported()],
      want: 'GRANT_REPLAYED',
    },
    {
      name: 'reported after a report at once',
      entries: [verdict('a'), execution({ reportRoot: ROOT }), reported()],
      want: 'GRANT_REPLAYED',
    },
  ])('an execution $name', ({ entries, want }) => {
    expect(codesOf(...entries)).toEqual([want ?? 'RECEIPT_INVALID'])
  })

  type Edit = (receipt: { predicate: Record<string, unknown>; subject: unknown[] }) => void
  test.for<{ name: string; edit: Edit }>([
    {
      name: 'another call than its subject',
      edit: ({ predicate }) => Object.assign(predicate, { call: {} }),
    },
    { name: 'no subject', edit: (receipt) => Object.assign(receipt, { subject: [] }) },
    {
      name: 'the subject of an action',
      edit: ({ subject }) => Object.assign(subject[0] as object, { name: 'action' }),
    },
    { name: 'another stage', edit: ({ predicate }) => Object.assign(predicate, { stage: 'done' }) },
    {
      name: 'a report without `redeemedAt`',
      edit: ({ predicate }) => Object.assign(predicate, { stage: 'reported', reportRoot: ROOT }),
    },
    {
      name: 'a redemption with `redeemedAt`',
      edit: ({ predicate }) => Object.assign(predicate, { redeemedAt: 1 }),
    },
    {
      name: 'a report of nothing',
      edit: ({ predicate }) => Object.assign(predicate, { stage: 'reported', redeemedAt: 1 }),
    },
    { name: 'a seed', edit: ({ predicate }) => Object.assign(predicate, { seed: 'x' }) },
  ])('a receipt with $name -> RECEIPT_INVALID', ({ edit }) => {
    const value = JSON.parse(fromUtf8(execution()))
    edit(value)
    expect(() => parseReceipt(utf8(canonicalize(value)))).toThrow(
      expect.objectContaining({ code: 'RECEIPT_INVALID' }),
    )
  })
})
