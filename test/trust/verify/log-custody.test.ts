import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalize } from '../../../src/base/canonical-json.ts'
import { digestOf, fromUtf8, utf8 } from '../../../src/base/digest.ts'
import type { JsonObject } from '../../../src/base/json-value.ts'
import type { CustodyStep, Trust } from '../../../src/model/generated/types.ts'
import { parseVerifierKey } from '../../../src/trust/receipt/checkpoint.ts'
import type { CustodyFields } from '../../../src/trust/receipt/custody.ts'
import { custodyId, custodyStatement, isEngineStep } from '../../../src/trust/receipt/custody.ts'
import { encodeLeafHash } from '../../../src/trust/receipt/index.ts'
import {
  custodyReceipt,
  executionReceipt,
  parseReceipt,
} from '../../../src/trust/receipt/statement.ts'
import { custodyClaims } from '../../../src/trust/verify/log-custody.ts'
import { checkReceipts } from '../../../src/trust/verify/log-receipts.ts'
import {
  fingerprintOf,
  genesis,
  hold,
  logSigner,
  ORIGIN,
  POLICY,
  resolution,
  sshSign,
  verdict,
  verdictFields,
} from './log-case.ts'

// Logs of deliveries made by hand: the giver is `a`, the taker `b`, who signs with key 5.

const DELIVERY = '3f2b8a10-5c7d-4e9f-8a1b-2c3d4e5f6071'
const KEY_OF_B = 5
const actionOf = (agent: string, id: string) => ({
  agent,
  project: 'acme',
  service: 'x',
  action: 'y',
  id,
})
const rootOf = (action: object) => digestOf(canonicalize(action as JsonObject))

/** A decision that lets `agent` run something. */
const permit = (id: string, agent = 'a') => verdict(id, { action: actionOf(agent, id) })

type Edit = Partial<CustodyStep> & {
  readonly at?: string
  readonly seed?: number
  readonly vouched?: string
}

/** A log that grows: each step is put after the last one unless it is told otherwise. */
class Log {
  readonly entries: Uint8Array[] = [genesis()]
  private last: { leaf: string; at: number; step: number } | null = null
  first: CustodyStep | null = null

  add(entry: Uint8Array): number {
    this.entries.push(entry)
    return this.entries.length - 1
  }

  step(type: CustodyStep['type'], { at, seed, vouched, ...edit }: Edit = {}): this {
    const { last } = this
    const place =
      last === null
        ? { step: 1 }
        : { step: last.step + 1, previous: last.leaf, previousAt: last.at }
    const mandates = this.first?.mandates
    const step = clean({
      ...{ type, log: ORIGIN, project: 'acme', delivery: DELIVERY, ...place },
      ...(mandates === undefined ? {} : { mandates }),
      ...edit,
    })
    const entry = custodyReceipt({
      ...{ id: custodyId(step), policyDigest: { sha256: POLICY }, issuerId: ORIGIN, step },
      issuedAt: at ?? '2026-11-21T09:10:00Z',
      ...proofOf(step, seed, vouched),
    })
    const index = this.add(entry)
    this.first ??= step
    this.last = { leaf: encodeLeafHash(entry), at: index, step: step.step }
    return this
  }

  codes(trust?: Trust): string[] {
    const { problems } = this.check(trust)
    return problems.map(({ code }) => code)
  }

  check(trust?: Trust) {
    const keys = [parseVerifierKey(logSigner().verifierKey)]
    return checkReceipts(this.entries, { origin: ORIGIN, keys, trust })
  }
}

function clean(step: object): CustodyStep {
  return Object.fromEntries(
    Object.entries(step).filter(([, value]) => value !== undefined),
  ) as CustodyStep
}

function proofOf(
  step: CustodyStep,
  seed: number | undefined,
  vouched: string | undefined,
): Pick<CustodyFields, 'signed' | 'vouched'> {
  if (isEngineStep(step)) return {}
  const signs = seed ?? (step.agent === 'b' ? KEY_OF_B : undefined)
  if (signs === undefined || vouched !== undefined) {
    return { vouched: { agents: [vouched ?? step.agent ?? ''], role: 'agent' } }
  }
  const signature = sshSign(signs, custodyStatement(step), 'countersign-custody')
  return { signed: { fingerprint: fingerprintOf(signs), signature } }
}

/** Entry 1 allows the handoff, entry 2 what is held; the handoff is entry 3. */
function begun(edit: Edit = {}, before = (log: Log) => log): Log {
  const log = new Log()
  log.add(permit('d1'))
  log.add(permit('d2'))
  before(log)
  const handed = {
    agent: 'a',
    to: 'b',
    decision: 'd1',
    decidedAt: 1,
    root: rootOf(actionOf('a', 'd1')),
  }
  return log.step('handoff', { ...handed, outcomeBy: 'receiver', ...edit })
}

const HELD = [{ decision: 'd2', decidedAt: 2 }]
const ESCROW: Edit = { held: HELD, deadline: '2026-11-21T10:00:00Z' }
const LATE = '2026-11-21T10:00:01Z'
const accepted = (edit: Edit = {}) => begun(edit).step('accept', { agent: 'b' })

function execution(decision: string, decidedAt: number): Uint8Array {
  return executionReceipt({
    ...{ stage: 'redeemed', id: `exe_${'0'.repeat(26)}`, grant: `grt_${'0'.repeat(26)}` },
    ...{ decision, decidedAt, audience: 'x', policyDigest: { sha256: POLICY } },
    ...{ issuedAt: '2026-11-21T09:20:00Z', issuerId: ORIGIN, call: actionOf('a', decision) },
  })
}

/** The same, put to people: their request is `req_q`, held and ended over the same action. */
function disputed(
  ending?: 'APPROVED' | 'REJECTED',
  edit: Edit = {},
  end: 'release' | 'refund' = ending === 'APPROVED' ? 'release' : 'refund',
): Log {
  const log = accepted(ESCROW).step('outcome', { agent: 'a', outcome: 'disputed' })
  const action = actionOf('a', 'd2')
  const heldAt = log.add(hold('q', { action }))
  const asked = { held: HELD, request: 'req_q' }
  log.step('escalate', { ...asked, because: 'disputed', heldAt, ...edit })
  if (ending === undefined) return log
  const fields = {
    ...verdictFields('q', { action }),
    decision: ending,
    stage: 'resolution' as const,
  }
  const approvals = ending === 'APPROVED' ? {} : { approvals: [] }
  const resolvedAt = log.add(
    resolution('q', heldAt, {
      fields: { ...fields, id: 'req_q', request: 'req_q' },
      resolution: approvals,
      review: {
        statement: (statement) => {
          const [subject] = statement.subject
          if (subject !== undefined) subject.digest.sha256 = rootOf(action).slice('sha256:'.length)
        },
      },
    }),
  )
  return log.step(end, { ...asked, resolvedAt })
}

const mandate = (sha: string, nonce?: string) =>
  ({
    kind: 'x402',
    sha256: sha.repeat(64),
    ...(nonce === undefined ? {} : { nonce: nonce.repeat(64) }),
  }) as const

describe('a chain that holds', () => {
  test.for<{ name: string; log: Log }>([
    { name: 'handed and accepted', log: accepted() },
    { name: 'fulfilled', log: accepted().step('outcome', { agent: 'b', outcome: 'fulfilled' }) },
    {
      name: 'disputed, then failed',
      log: accepted()
        .step('outcome', { agent: 'a', outcome: 'disputed' })
        .step('outcome', { agent: 'b', outcome: 'failed' }),
    },
    {
      name: 'confirmed by the giver',
      log: accepted({ outcomeBy: 'giver' }).step('outcome', { agent: 'a', outcome: 'fulfilled' }),
    },
    {
      name: 'released',
      log: accepted(ESCROW)
        .step('outcome', { agent: 'b', outcome: 'fulfilled' })
        .step('release', { held: HELD }),
    },
    {
      name: 'refunded',
      log: accepted(ESCROW)
        .step('outcome', { agent: 'b', outcome: 'failed' })
        .step('refund', { held: HELD }),
    },
    { name: 'released by people', log: disputed('APPROVED') },
    { name: 'refunded by people', log: disputed('REJECTED') },
    { name: 'under a mandate', log: accepted({ mandates: [mandate('1', '2')] }) },
  ])('$name -> no problem', ({ log }) => {
    const check = log.check()
    expect(check.problems).toEqual([])
    expect(check.custody.deliveries).toBe(1)
  })

  test('what was released runs, and what people released runs by their decision', () => {
    const released = accepted(ESCROW)
      .step('outcome', { agent: 'b', outcome: 'fulfilled' })
      .step('release', { held: HELD })
    released.add(execution('d2', 2))
    expect(released.codes()).toEqual([])
  })
})

describe('a chain that does not', () => {
  const other = { delivery: '3f2b8a10-5c7d-4e9f-8a1b-2c3d4e5f6072' }
  const ended = () => accepted().step('outcome', { agent: 'b', outcome: 'fulfilled' })
  const ran = (log: Log) => {
    log.add(execution('d2', 2))
    return log
  }
  const undone = (log: Log) => {
    log.add(verdict('r', { action: actionOf('a', 'r'), undoes: { index: 2, id: 'd2' } }))
    return log
  }
  const second = (edit: Edit) => {
    const log = accepted({ mandates: [mandate('1', '2')] })
    const decidedAt = log.add(permit('d3'))
    const handed = {
      agent: 'a',
      to: 'b',
      decision: 'd3',
      decidedAt,
      root: rootOf(actionOf('a', 'd3')),
    }
    const first = { step: 1, previous: undefined, previousAt: undefined } as unknown as Edit
    return log.step('handoff', { ...other, ...handed, outcomeBy: 'receiver', ...first, ...edit })
  }
  test.for<{ name: string; log: Log; want: string }>([
    {
      name: 'an acceptance first',
      log: new Log().step('accept', { agent: 'b' }),
      want: 'CUSTODY_OUT_OF_ORDER',
    },
    {
      name: 'an outcome before the acceptance',
      log: begun().step('outcome', { agent: 'a', outcome: 'disputed' }),
      want: 'CUSTODY_OUT_OF_ORDER',
    },
    {
      name: 'two acceptances',
      log: accepted().step('accept', { agent: 'b' }),
      want: 'CUSTODY_OUT_OF_ORDER',
    },
    {
      name: 'two outcomes',
      log: ended().step('outcome', { agent: 'b', outcome: 'failed' }),
      want: 'CUSTODY_ENDED',
    },
    {
      name: 'a step skipped',
      log: begun().step('accept', { agent: 'b', step: 3 }),
      want: 'CUSTODY_OUT_OF_ORDER',
    },
    {
      name: 'another previous hash',
      log: begun().step('accept', { agent: 'b', previous: 'f'.repeat(64) }),
      want: 'CUSTODY_UNLINKED',
    },
    {
      name: 'another previous index',
      log: begun().step('accept', { agent: 'b', previousAt: 1 }),
      want: 'CUSTODY_UNLINKED',
    },
    {
      name: 'an acceptance by a third',
      log: begun().step('accept', { agent: 'c' }),
      want: 'CUSTODY_WRONG_AGENT',
    },
    {
      name: 'an outcome by a third',
      log: accepted().step('outcome', { agent: 'c', outcome: 'disputed' }),
      want: 'CUSTODY_WRONG_AGENT',
    },
    {
      name: '`fulfilled` by the giver',
      log: accepted().step('outcome', { agent: 'a', outcome: 'fulfilled' }),
      want: 'CUSTODY_WRONG_AGENT',
    },
    {
      name: '`fulfilled` by who has it, where the giver confirms',
      log: accepted({ outcomeBy: 'giver' }).step('outcome', { agent: 'b', outcome: 'fulfilled' }),
      want: 'CUSTODY_WRONG_AGENT',
    },
    {
      name: 'a credential of another agent',
      log: begun().step('accept', { agent: 'b', vouched: 'c' }),
      want: 'CUSTODY_WRONG_AGENT',
    },
    {
      name: 'one key for two agents',
      log: accepted().step('outcome', { agent: 'a', outcome: 'disputed', seed: KEY_OF_B }),
      want: 'KEY_NOT_PINNED',
    },
    { name: 'a handoff to itself', log: begun({ to: 'a' }), want: 'CUSTODY_WRONG_AGENT' },
    { name: 'a handoff under no decision', log: begun({ decidedAt: 9 }), want: 'CUSTODY_UNBOUND' },
    {
      name: 'a handoff under another decision',
      log: begun({ decision: 'd2' }),
      want: 'CUSTODY_UNBOUND',
    },
    {
      name: 'a handoff of another root',
      log: begun({ root: rootOf({}) }),
      want: 'CUSTODY_UNBOUND',
    },
    {
      name: 'a handoff under a decision of another agent',
      log: begun({ agent: 'c' }),
      want: 'CUSTODY_UNBOUND',
    },
    {
      name: 'a handoff of another project',
      log: begun({ project: 'other' }),
      want: 'CUSTODY_UNBOUND',
    },
    {
      name: 'an acceptance in another project',
      log: begun().step('accept', { agent: 'b', project: 'other' }),
      want: 'CUSTODY_UNBOUND',
    },
    {
      name: 'an outcome in another project',
      log: accepted(ESCROW).step('outcome', { agent: 'b', outcome: 'fulfilled', project: 'other' }),
      want: 'CUSTODY_UNBOUND',
    },
    {
      name: 'two handoffs under one decision',
      log: accepted().step('handoff', {
        agent: 'b',
        to: 'a',
        decision: 'd1',
        decidedAt: 1,
        root: rootOf(actionOf('a', 'd1')),
      }),
      want: 'CUSTODY_UNBOUND',
    },
    {
      name: 'what is held is the handoff itself',
      log: begun({ ...ESCROW, held: [{ decision: 'd1', decidedAt: 1 }] }),
      want: 'ESCROW_INVALID',
    },
    {
      name: 'what is held under no decision',
      log: begun({ ...ESCROW, held: [{ decision: 'd9', decidedAt: 9 }] }),
      want: 'CUSTODY_UNBOUND',
    },
    {
      name: 'a deadline that has passed',
      log: begun({ ...ESCROW, at: LATE }),
      want: 'ESCROW_INVALID',
    },
    {
      name: 'a release without an outcome',
      log: accepted(ESCROW).step('release', { held: HELD }),
      want: 'ESCROW_HELD',
    },
    {
      name: 'a release after `failed`',
      log: accepted(ESCROW)
        .step('outcome', { agent: 'b', outcome: 'failed' })
        .step('release', { held: HELD }),
      want: 'ESCROW_HELD',
    },
    {
      name: 'a refund after `fulfilled`',
      log: accepted(ESCROW)
        .step('outcome', { agent: 'b', outcome: 'fulfilled' })
        .step('refund', { held: HELD }),
      want: 'ESCROW_HELD',
    },
    {
      name: 'a release of something else',
      log: accepted(ESCROW)
        .step('outcome', { agent: 'b', outcome: 'fulfilled' })
        .step('release', { held: [{ decision: 'd1', decidedAt: 1 }] }),
      want: 'CUSTODY_UNBOUND',
    },
    {
      name: 'an outcome after the deadline',
      log: accepted(ESCROW).step('outcome', { agent: 'b', outcome: 'fulfilled', at: LATE }),
      want: 'CUSTODY_OUT_OF_ORDER',
    },
    {
      name: 'a release by people who were not asked',
      log: accepted(ESCROW).step('release', { held: HELD, request: 'req_q', resolvedAt: 1 }),
      want: 'ESCROW_INVALID',
    },
    {
      name: 'a release that people have not ended',
      log: disputed().step('release', { held: HELD, request: 'req_q', resolvedAt: 1 }),
      want: 'CUSTODY_UNBOUND',
    },
    {
      name: 'people asked for no reason',
      log: accepted(ESCROW).step('escalate', {
        held: HELD,
        request: 'req_q',
        because: 'overdue',
        heldAt: 1,
      }),
      want: 'CUSTODY_OUT_OF_ORDER',
    },
    {
      name: 'people asked by another receipt',
      log: disputed(undefined, { heldAt: 1 }),
      want: 'CUSTODY_UNBOUND',
    },
    {
      name: 'a release that people rejected',
      log: disputed('REJECTED', {}, 'release'),
      want: 'ESCROW_HELD',
    },
    {
      name: 'a refund that people did not ask for',
      log: disputed('APPROVED', {}, 'refund'),
      want: 'ESCROW_HELD',
    },
    {
      name: 'an outcome while people decide',
      log: disputed().step('outcome', { agent: 'b', outcome: 'fulfilled' }),
      want: 'CUSTODY_OUT_OF_ORDER',
    },
    { name: 'an execution while it is held', log: ran(accepted(ESCROW)), want: 'ESCROW_HELD' },
    {
      name: 'an execution after the refund',
      log: ran(
        accepted(ESCROW)
          .step('outcome', { agent: 'b', outcome: 'failed' })
          .step('refund', { held: HELD }),
      ),
      want: 'ESCROW_VOID',
    },
    {
      name: 'a rollback of what it holds',
      log: undone(accepted(ESCROW)),
      want: 'ESCROW_HELD',
    },
    {
      name: 'a rollback of what was refunded',
      log: undone(
        accepted(ESCROW)
          .step('outcome', { agent: 'b', outcome: 'failed' })
          .step('refund', { held: HELD }),
      ),
      want: 'ESCROW_VOID',
    },
    {
      name: 'what is held was rolled back',
      log: begun(ESCROW, undone),
      want: 'ESCROW_INVALID',
    },
    {
      name: 'an execution by the first decision after people decided',
      log: ran(disputed('APPROVED')),
      want: 'ESCROW_VOID',
    },
    {
      name: 'another mandate later',
      log: begun({ mandates: [mandate('1')] }).step('accept', {
        agent: 'b',
        mandates: [mandate('3')],
      }),
      want: 'MANDATE_CHANGED',
    },
    {
      name: 'no mandate later',
      log: begun({ mandates: [mandate('1')] }).step('accept', {
        agent: 'b',
        mandates: undefined,
      } as unknown as Edit),
      want: 'MANDATE_CHANGED',
    },
    {
      name: 'one mandate in two deliveries',
      log: second({ mandates: [mandate('1')] }),
      want: 'MANDATE_REPLAYED',
    },
    {
      name: 'one nonce in two deliveries',
      log: second({ mandates: [mandate('3', '2')] }),
      want: 'MANDATE_REPLAYED',
    },
  ])('$name -> $want', ({ log, want }) => {
    expect(log.codes()).toEqual([want])
  })

  test('two successors of one step -> CUSTODY_FORKED', () => {
    const log = accepted()
    const first = log.entries.length - 1
    const previous = encodeLeafHash(log.entries[first] ?? new Uint8Array())
    log.step('outcome', { agent: 'a', outcome: 'disputed' })
    log.step('outcome', { agent: 'b', outcome: 'failed', step: 3, previous, previousAt: first })
    expect(log.codes()).toEqual(['CUSTODY_FORKED'])
  })

  test('a second beginning -> CUSTODY_REPEATED', () => {
    const log = accepted()
    const decidedAt = log.add(permit('d3'))
    const first = { step: 1, previous: undefined, previousAt: undefined } as unknown as Edit
    log.step('handoff', {
      ...first,
      agent: 'a',
      to: 'b',
      decision: 'd3',
      decidedAt,
      root: rootOf(actionOf('a', 'd3')),
      outcomeBy: 'receiver',
    })
    expect(log.codes()).toEqual(['CUSTODY_REPEATED'])
  })

  test('a signature over another step -> SIGNATURE_WRONG', () => {
    const log = accepted()
    const value = JSON.parse(fromUtf8(log.entries.at(-1) ?? new Uint8Array()))
    const { signature } = JSON.parse(
      fromUtf8(accepted({ at: LATE, outcomeBy: 'giver' }).entries.at(-1) ?? new Uint8Array()),
    ).predicate.signed
    value.predicate.signed.signature = signature
    log.entries[log.entries.length - 1] = utf8(canonicalize(value))
    expect(log.codes()).toEqual(['SIGNATURE_WRONG'])
  })

  test('under a trust file, an unsigned step of a pinned agent, and another key, are refused', () => {
    const logs = [{ origin: ORIGIN, keys: [logSigner().verifierKey] }]
    const pin = (agent: string, seed: number): Trust =>
      ({
        apiVersion: 'countersign/v1',
        kind: 'Trust',
        logs,
        agents: [{ agent, fingerprints: [fingerprintOf(seed)] }],
      }) as Trust
    expect(accepted().codes(pin('b', KEY_OF_B))).toEqual([])
    expect(accepted().codes(pin('b', 6))).toEqual(['KEY_NOT_PINNED'])
    expect(accepted().codes(pin('c', 6))).toEqual(['KEY_NOT_PINNED'])
    expect(accepted().codes(pin('a', 6))[0]).toBe('CUSTODY_UNSIGNED')
  })
})

test.for([
  { name: 'holds something', log: accepted(ESCROW), want: 1 },
  { name: 'holds nothing', log: accepted(), want: 0 },
])('of a delivery that $name, so much is not proven about what ran: $want', ({ log, want }) => {
  const { open } = custodyClaims(log.check().custody, undefined)
  expect(open.filter((claim) => claim.includes('without a receipt of its execution')).length).toBe(
    want,
  )
})

test('in any order but its own, the steps of a delivery are refused', () => {
  const log = disputed('APPROVED')
  const steps = log.entries.flatMap((entry, at) =>
    fromUtf8(entry).includes('/custody/') ? [at] : [],
  )
  expect(steps.length).toBe(5)
  const keys = [parseVerifierKey(logSigner().verifierKey)]
  fc.assert(
    fc.property(fc.shuffledSubarray(steps, { minLength: steps.length }), (order) => {
      const entries = [...log.entries]
      for (const [nth, at] of steps.entries()) {
        entries[at] = log.entries[order[nth] ?? 0] ?? new Uint8Array()
      }
      const { problems } = checkReceipts(entries, { origin: ORIGIN, keys, trust: undefined })
      const isOwn = order.every((at, nth) => at === steps[nth])
      expect(problems.length === 0).toBe(isOwn)
    }),
    { numRuns: 120 },
  )
})

test.for<{
  name: string
  edit: (value: { predicate: { step: Record<string, unknown> } & Record<string, unknown> }) => void
}>([
  {
    name: 'another step than its subject',
    edit: ({ predicate }) => Object.assign(predicate.step, { to: 'c' }),
  },
  {
    name: 'another id',
    edit: ({ predicate }) => Object.assign(predicate, { id: `cus_${DELIVERY}.2` }),
  },
  { name: 'no proof of who acts', edit: ({ predicate }) => void delete predicate['vouched'] },
  {
    name: 'a member that is unknown',
    edit: ({ predicate }) => Object.assign(predicate, { payload: {} }),
  },
  {
    name: 'a step for another log',
    edit: ({ predicate }) => Object.assign(predicate, { issuerId: 'x' }),
  },
])('a custody receipt with $name -> RECEIPT_INVALID', ({ edit }) => {
  const value = JSON.parse(fromUtf8(begun().entries[3] ?? new Uint8Array()))
  edit(value)
  const read = () => parseReceipt(utf8(canonicalize(value)))
  expect(read).toThrow(expect.objectContaining({ code: 'RECEIPT_INVALID' }))
})

test.for<{ name: string; type: CustodyStep['type']; edit: Edit }>([
  { name: 'an outcome in an acceptance', type: 'accept', edit: { agent: 'b', outcome: 'failed' } },
  { name: 'no outcome in an outcome', type: 'outcome', edit: { agent: 'b' } },
  {
    name: 'what is held without a deadline',
    type: 'handoff',
    edit: { held: HELD, agent: 'b', to: 'a', decision: 'd', decidedAt: 1, root: rootOf({}) },
  },
  { name: 'an agent in the engine’s own step', type: 'release', edit: { agent: 'b', held: HELD } },
  { name: 'no agent in an acceptance', type: 'accept', edit: {} },
])('a step with $name is not written', ({ type, edit }) => {
  expect(() => begun().step(type, edit)).toThrow(
    expect.objectContaining({ code: 'RECEIPT_INVALID' }),
  )
})
