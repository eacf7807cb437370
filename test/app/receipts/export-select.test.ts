import { describe, expect, test } from 'vitest'
import { entriesOf, selectReceipts } from '../../../src/app/receipts/export-select.ts'
import type { ExecutionFields } from '../../../src/trust/receipt/statement.ts'
import { executionReceipt } from '../../../src/trust/receipt/statement.ts'
import { newExportChecker } from '../../../src/trust/verify/export.ts'
import { exportOf } from '../../report/export-case.ts'
import {
  genesis,
  hold,
  ORIGIN,
  POLICY,
  resolution,
  trustOf,
  verdict,
} from '../../trust/verify/log-case.ts'

// Which receipts come along with those of a period, and that what is chosen verifies.

const at = (hour: number) => ({
  issuedAt: `2026-11-21T${String(hour).padStart(2, '0')}:00:00.000Z`,
})
const hours = (from: number, to: number) => ({ from: at(from).issuedAt, to: at(to).issuedAt })

function execution(hour: number, changes: Partial<ExecutionFields> = {}): Uint8Array {
  return executionReceipt({
    ...{ stage: 'redeemed', id: `exe_${'0'.repeat(26)}`, grant: `grt_${'0'.repeat(26)}` },
    ...{ decision: 'dec_9', decidedAt: 2, request: 'req_b', audience: 'billing' },
    ...{ policyDigest: { sha256: POLICY }, issuerId: ORIGIN, ...at(hour) },
    call: { agent: 'billing-agent', service: 'billing', action: 'refund_card', _sd: ['x'] },
    ...changes,
  })
}

const reported = {
  stage: 'reported',
  redeemedAt: 4,
  reportRoot: `sha256:${'1'.repeat(64)}`,
} as const

/** 0 genesis, 1 a hold, 2 its approval, 3 something else, 4 that it ran, 5 what came of it, 6 something else. */
const LOG = [
  genesis(),
  hold('b', at(10)),
  resolution('b', 1, { fields: at(11) }),
  verdict('c', { ...at(12), action: { agent: 'other', service: 's', action: 't' } }),
  execution(13),
  execution(14, reported),
  verdict('d', at(15)),
]

async function chosen(question: Parameters<typeof selectReceipts>[2], log = LOG) {
  const store = { receipts: async (from: number, limit: number) => log.slice(from, from + limit) }
  return selectReceipts(entriesOf(store), log.length, question, () => undefined)
}

function problemsOf(...made: Parameters<typeof exportOf>) {
  const checker = newExportChecker(trustOf(), { file: 'e', format: 'jsonl' })
  for (const line of exportOf(...made)
    .text.split('\n')
    .slice(0, -1))
    checker.line(line)
  return checker.report().problems
}

describe('a choice comes with all that it refers to, and verifies', () => {
  test.for([
    {
      name: 'everything',
      question: { period: {}, filters: {} },
      want: [0, 1, 2, 3, 4, 5, 6],
      context: [],
    },
    {
      name: 'an approval',
      question: { period: hours(11, 12), filters: {} },
      want: [1, 2, 3],
      context: [1, 3],
    },
    {
      name: 'an execution, with what let it run and what held that',
      question: { period: hours(13, 14), filters: {} },
      ...{ want: [1, 2, 3, 4, 5], context: [1, 2, 3, 5] },
    },
    {
      name: 'a report, with all of that too',
      question: { period: hours(14, 15), filters: {} },
      ...{ want: [1, 2, 4, 5, 6], context: [1, 2, 4, 6] },
    },
    {
      name: 'the end of the log, whose neighbour after it is the checkpoint',
      question: { period: { from: at(15).issuedAt }, filters: {} },
      // The neighbour before it is a report, which comes with all that it refers to.
      ...{ want: [1, 2, 4, 5, 6], context: [1, 2, 4, 5] },
    },
    {
      name: 'the beginning',
      question: { period: { to: at(10).issuedAt }, filters: {} },
      ...{ want: [0, 1], context: [1] },
    },
    {
      name: 'one agent',
      question: { period: {}, filters: { agent: 'billing-agent' } },
      ...{ want: [1, 2, 4, 5, 6], context: [] },
    },
    {
      name: 'one agent in a period',
      question: { period: hours(14, 16), filters: { agent: 'billing-agent' } },
      ...{ want: [1, 2, 4, 5, 6], context: [1, 2, 4] },
    },
  ])('$name', async ({ question, want, context }) => {
    const selection = await chosen(question)
    expect(selection.indexes).toEqual(want)
    expect([...selection.context].sort()).toEqual(context)
    const { first, last } = selection
    expect(problemsOf(LOG, { lines: want, context, header: { ...question, first, last } })).toEqual(
      [],
    )
  })

  test('times that overtake each other leave nothing out', async () => {
    const log = [
      genesis(),
      verdict('a', at(10)),
      verdict('b', at(12)),
      verdict('c', at(11)),
      verdict('d', at(13)),
    ]
    const { first, last, indexes } = await chosen({ period: hours(11, 12), filters: {} }, log)
    expect([first, last]).toEqual([3, 3])
    expect(indexes).toEqual([2, 3, 4])
    const header = { period: hours(11, 12), first, last }
    expect(problemsOf(log, { lines: indexes, context: [2, 4], header })).toEqual([])
  })

  test.for([
    {
      name: 'a period before the log',
      question: { period: { to: '2020-01-01T00:00:00.000Z' }, filters: {} },
    },
    { name: 'a project that there is not', question: { period: {}, filters: { project: 'x' } } },
  ])('$name is empty', async ({ question }) => {
    await expect(chosen(question)).rejects.toMatchObject({ code: 'EXPORT_EMPTY' })
  })
})
