import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { judgeCall } from '../../../src/app/engine/decide.ts'
import { engineOf } from '../../../src/app/engine/engine.ts'
import { PolicyError } from '../../../src/base/errors.ts'
import { REQUESTS_WAITING_MAX } from '../../../src/base/limits.ts'
import type { Action } from '../../../src/model/generated/types.ts'
import type { JudgedAction } from '../../../src/model/nouns.ts'
import { openMemoryForge } from '../../fakes/memory-forge.ts'
import { ask, batchPolicy, review } from '../approvals/batch-scene.ts'
import { bundleOf, type Opened, openTest } from '../support.ts'
import { rederiveAll, withInputs, withReceipt } from './rederive-scene.ts'

const HEAD = 'apiVersion: countersign/v1\nkind: '
const read = { agent: 'clerk', service: 'shop', action: 'read_order' } as const
const mail = { ...read, action: 'mail', principal: 'u-1' } as const
const refund = (amount: number) => ({ ...read, action: 'refund', payload: { amount } })

const PLAIN = {
  'countersign.yaml': `${HEAD}Project\nproject: shop\ndefaults: { low: allow, medium: allow, high: hold, critical: deny }\nforge: { kind: local, poll: 100ms }\n`,
}

/** An engine with a forge in memory, whose clock can be put forward. */
async function scene(changes: Readonly<Record<string, string>> = {}) {
  const bundle = await bundleOf({ ...PLAIN, ...changes })
  let ahead = 0
  const clock = () => Date.now() + ahead
  const opened = await openTest({ bundle, forge: openMemoryForge(), clock })
  const pass = (seconds: number) => {
    ahead += seconds * 1000
  }
  return { ...opened, bundle, pass }
}

async function asked({ engine }: Opened, amount: number): Promise<string> {
  return String((await engine.defer(refund(amount))).request)
}

const whole = (report: Awaited<ReturnType<typeof rederiveAll>>) => {
  expect(report.differing).toEqual([])
  expect(report.underived).toEqual([])
  expect(report.status).toBe('rederived')
}

test('verdicts of every kind re-derive', async () => {
  const { engine, parts, bundle } = await scene()
  const call = await engine.decide(read)
  await engine.decide({ ...read, action: 'delete' })
  await engine.decide({ ...read, action: 'wipe' })
  await engine.decide({ ...mail, payload: { text: 'card 4111111111111111', to: 'x' } })
  await engine.decide(refund(5))
  await engine.decide({ ...read, agent: 'boss' })
  await engine.decide({ ...read, role: 'host' })
  await engine.decide({ ...read, phase: 'result', result: { ok: 1 } }, { call: call.decision })
  await engine.decide({ ...read, phase: 'result', result: { ok: 1 } }, { call: 'dec_none' })
  const report = await rederiveAll(parts, { bundles: [bundle] })
  whole(report)
  expect(report.counts).toEqual({ rederived: 9, differs: 0, cannot: 0, not_decisions: 1 })
})

test('endings of every kind re-derive: approved, rejected, patched, expired, and a patch denied', async () => {
  const opened = await scene({
    'policies/guardrails/most.yaml': `${HEAD}Guardrails\nrules:\n  - { id: most/amount, on: { action: refund }, pattern: { path: payload.amount, above: 9000 }, then: deny }\n`,
  })
  const { engine, parts, bundle, pass } = opened
  await review(opened, await asked(opened, 5))
  await review(opened, await asked(opened, 6), { verdict: 'reject', comment: 'no order' })
  await review(opened, await asked(opened, 7), { verdict: 'patch', payload: { amount: 2 } })
  await review(opened, await asked(opened, 8), { verdict: 'patch', payload: { amount: 9999 } })
  // Needs the route `board` by now: asked anew.
  await review(opened, await asked(opened, 9), { verdict: 'patch', payload: { amount: 2000 } })
  const late = await asked(opened, 10)
  pass(4000)
  expect((await engine.status(late)).status).toBe('EXPIRED')
  const report = await rederiveAll(parts, { bundles: [bundle] })
  whole(report)
  expect(report.counts.rederived).toBe(13)
})

test('requests of a batch re-derive, each with its proof', async () => {
  const bundle = await bundleOf(batchPolicy())
  const opened = await openTest({ bundle, forge: openMemoryForge() })
  const [first = ''] = await ask(opened, [1, 2, 3, 4, 5])
  await review(opened, first)
  const report = await rederiveAll(opened.parts, { bundles: [bundle] })
  whole(report)
  expect(report.counts.rederived).toBe(10)
})

test('what a newer policy says when a request ends is derived under that policy', async () => {
  const opened = await scene()
  const id = await asked(opened, 5)
  const newer = await bundleOf({
    ...PLAIN,
    'policies/guardrails/none.yaml': `${HEAD}Guardrails\nrules:\n  - { id: none/refund, on: { action: refund }, pattern: { path: payload.amount, above: 1 }, then: deny }\n`,
  })
  const second = await openTest({
    folder: opened.folder,
    bundle: newer,
    forge: opened.parts.forge,
  })
  expect((await review(second, id)).resolution?.decision).toBe('REJECTED')
  whole(await rederiveAll(second.parts, { bundles: [opened.bundle, newer] }))
  const alone = await rederiveAll(second.parts, { bundles: [newer] })
  expect(alone.cannot).toEqual({ 'bundle-missing': 1 })
  expect(alone.status).toBe('incomplete')
})

test('a request too many is denied again', async () => {
  const opened = await scene()
  const { parts, engine, bundle } = opened
  const waiting = REQUESTS_WAITING_MAX
  const transact: typeof parts.batcher.run = (work) =>
    parts.batcher.run((tx) => work({ ...tx, waitingRequests: async () => waiting }))
  const full = { ...parts, batcher: { ...parts.batcher, run: transact } }
  const outcome = await engineOf(full, async () => undefined).decide(refund(5))
  expect(outcome.findings[0]?.code).toBe('REQUESTS_TOO_MANY')
  await engine.decide(read)
  whole(await rederiveAll(parts, { bundles: [bundle] }))
})

test('a call with a token that nobody keeps is denied again', async () => {
  const tools = `${HEAD}Tools\nservice: shop\ntools:\n  read_order: { effect: read }\n  refund: { effect: irreversible, priority: high }\n  delete: { effect: irreversible, priority: critical }\n  mail: { effect: write, detokenise: [payload.to] }\n`
  const { parts, engine, bundle } = await scene({ 'policies/tools/shop.yaml': tools })
  const to = `tok_email_${'0'.repeat(32)}`
  const outcome = await engine.decide({ ...mail, payload: { to } })
  expect(outcome.findings[0]?.code).toBe('TOKEN_UNKNOWN')
  whole(await rederiveAll(parts, { bundles: [bundle] }))
})

test('broken glass re-derives, and so does what people say of it afterwards', async () => {
  const glass = ', break_glass: { reviewers: [bo], review_within: 24h }'
  const opened = await scene({
    'policies/routes/routes.yaml': `${HEAD}Routes\nroutes:\n  - { id: default, reviewers: [ana, bo], time_out: 1h }\n  - { id: payments, reviewers: [ana, bo], quorum: 2, time_out: 1h${glass} }\n  - { id: board, reviewers: [bo], time_out: 1h }\n`,
  })
  const { parts, bundle } = opened
  const id = await asked(opened, 5)
  await review(opened, id, { verdict: 'approve', comment: 'a fire', breakGlass: true }, 'bo')
  const [ratifying] = await parts.store.ratifications('clerk')
  await review(opened, String(ratifying?.request.id), { verdict: 'approve' })
  const report = await rederiveAll(parts, { bundles: [bundle] })
  whole(report)
  expect(report.counts.rederived).toBeGreaterThanOrEqual(2)
})

test('a hold that no receipt can hold is denied again, in the same words', async () => {
  const rules = Array.from(
    { length: 60 },
    (_, i) =>
      `  - { id: refunds/r${i}, about: ${'x'.repeat(900)}, on: { action: refund }, pattern: { path: payload.amount, above: 1 }, then: hold }\n`,
  )
  const { parts, engine, bundle } = await scene({
    'policies/guardrails/many.yaml': `${HEAD}Guardrails\nrules:\n${rules.join('')}`,
  })
  const outcome = await engine.decide(refund(5))
  expect(outcome.findings[0]?.code).toBe('RECEIPT_TOO_LARGE')
  whole(await rederiveAll(parts, { bundles: [bundle] }))
})

test('what limits count re-derives: sums of money, and attempts that are left out of their own ending', async () => {
  const opened = await scene({
    'policies/guardrails/day.yaml': `${HEAD}Guardrails\nrules:\n  - { id: day/sum, on: { action: refund }, cost: { amount: payload.amount, limit_usd: 100, per: 1d }, then: deny }\n  - { id: day/often, on: { action: refund }, velocity: { limit: 4, per: 1d }, then: deny }\n`,
  })
  const { parts, bundle, engine } = opened
  const first = await asked(opened, 60)
  await asked(opened, 40)
  const third = await asked(opened, 0)
  expect((await engine.decide(refund(1))).verdict).toBe('deny')
  expect((await review(opened, first)).resolution?.decision).toBe('APPROVED')
  const patch = { verdict: 'patch', payload: { amount: 1 } } as const
  expect((await review(opened, third, patch)).resolution?.decision).toBe('REJECTED')
  const report = await rederiveAll(parts, { bundles: [bundle] })
  whole(report)
  expect(report.counts.rederived).toBe(6)
})

describe('what cannot be derived again', () => {
  test('a receipt that the clock ended', async () => {
    const { parts, bundle } = await scene()
    const evaluate = () => Promise.reject(new PolicyError('ENGINE_TIMEOUT', 'too slow'))
    const slow = { ...parts, judge: { ...parts.judge, evaluate } }
    await engineOf(slow, async () => undefined).decide(read)
    const report = await rederiveAll(parts, { bundles: [bundle] })
    expect(report).toMatchObject({ status: 'incomplete', cannot: { 'of-the-machine': 1 } })
  })

  test('a key that is gone, of which no receipt tells', async () => {
    const { parts, engine, bundle } = await scene()
    await engine.decide(read)
    const store = { ...parts.store, subjectKey: async () => null }
    const report = await rederiveAll(parts, { bundles: [bundle], store })
    expect(report.underived).toMatchObject([{ index: 1, reason: 'inputs-unreadable' }])
  })

  test('inputs that another key sealed', async () => {
    const { parts, engine, bundle } = await scene()
    await engine.decide(read)
    const store = { ...parts.store, subjectKey: async () => new Uint8Array(32) }
    const report = await rederiveAll(parts, { bundles: [bundle], store })
    expect(report.cannot).toEqual({ 'inputs-unreadable': 1 })
  })

  test('what an older version did not keep', async () => {
    const opened = await scene()
    const { parts, engine, bundle } = opened
    const ended = await review(opened, await asked(opened, 5))
    const denied = await engine.decide({ ...read, agent: 'boss' })
    const strip = ({ beside: _, ...rest }: object & { beside?: unknown }) => rest
    const first = withInputs(parts.store, String(ended.resolution?.record), strip)
    const store = withInputs(first, denied.decision, strip)
    const report = await rederiveAll(parts, { bundles: [bundle], store })
    expect(report.counts).toMatchObject({ rederived: 1, differs: 0 })
    expect(report.cannot).toEqual({ 'not-kept': 2 })
  })
})

describe('one change makes it differ, and the report says where', () => {
  const RULES = `${HEAD}Guardrails\nrules:\n  - { id: reads/often, on: { action: read_order }, velocity: { limit: 2, per: 1h }, then: deny }\n  - { id: reads/again, on: { action: read_order }, loop: { repeats: 9 }, then: deny }\n`
  const changed = RULES.replace('limit: 2', 'limit: 3')
  const files = { 'policies/guardrails/reads.yaml': RULES }

  /** Three reads, of which the third is denied. */
  async function reads() {
    const opened = await scene(files)
    for (const _ of [1, 2]) await opened.engine.decide({ ...read, payload: { order: 'o-1' } })
    const third = await opened.engine.decide({ ...read, payload: { order: 'o-1' } })
    expect(third.verdict).toBe('deny')
    const { index } = third.receipt
    whole(await rederiveAll(opened.parts, { bundles: [opened.bundle] }))
    return { ...opened, id: third.decision, only: { from: index, to: index } }
  }

  test('one rule', async () => {
    const { parts, bundle, only } = await reads()
    const under = await bundleOf({ ...PLAIN, 'policies/guardrails/reads.yaml': changed })
    const report = await rederiveAll(parts, { bundles: [bundle], under, only })
    expect(report.status).toBe('differs')
    expect(report.differing[0]?.changes).toContainEqual({
      pointer: '/decision',
      before: 'deny',
      after: 'allow',
    })
  })

  test.for([
    {
      name: 'one state value',
      change: (inputs: { state: Record<string, { until: number }> }) => {
        const [key = ''] = Object.keys(inputs.state)
        const entry = inputs.state[key]
        return { ...inputs, state: { ...inputs.state, [key]: { ...entry, until: 1 } } }
      },
      pointers: ['/stateDigest/sha256'],
    },
    {
      name: 'state that is gone',
      change: (inputs: object) => ({ ...inputs, state: {} }),
      pointers: ['/stateDigest/sha256', '/decision'],
    },
    {
      name: 'state that nobody asks for',
      change: (inputs: { state: object }) => ({
        ...inputs,
        state: { ...inputs.state, 'v/other': { value: 1, until: 2 } },
      }),
      pointers: ['/inputs/state/v~1other', '/stateDigest/sha256'],
    },
    {
      name: 'one input',
      change: (inputs: { action: object }) => ({
        ...inputs,
        action: { ...inputs.action, payload: { order: 'o-2' } },
      }),
      pointers: ['/action/_sd/'],
    },
    {
      name: 'the agent',
      change: (inputs: { action: object }) => ({
        ...inputs,
        action: { ...inputs.action, agent: 'other' },
      }),
      pointers: ['/action/agent', '/inputs/subject'],
    },
    {
      name: 'the salts',
      change: (inputs: object) => ({ ...inputs, seed: '00'.repeat(32) }),
      pointers: ['/action/_sd/'],
    },
    {
      name: '`now`',
      change: (inputs: { now: number }) => ({ ...inputs, now: inputs.now + 7_200_000 }),
      pointers: ['/issuedAt', '/decision'],
    },
    {
      name: 'an attempt that is left out',
      change: (inputs: { state: Record<string, { value: unknown }>; now: number }) => ({
        ...inputs,
        attempt: firstTime(inputs.state) ?? inputs.now,
      }),
      pointers: ['/decision'],
    },
    {
      name: 'what was set aside',
      change: (inputs: object) => ({ ...inputs, reserved: [] }),
      pointers: ['/inputs/reserved'],
    },
  ])('$name', async ({ change, pointers }) => {
    const { parts, bundle, only, id } = await reads()
    const store = withInputs(parts.store, id, change as never)
    const report = await rederiveAll(parts, { bundles: [bundle], store, only })
    expect(report).toMatchObject({ status: 'differs', counts: { differs: 1, rederived: 0 } })
    const found = report.differing[0]?.changes.map(({ pointer }) => pointer)
    for (const pointer of pointers) {
      expect(
        found?.some((one) => one.startsWith(pointer)),
        pointer,
      ).toBe(true)
    }
    expect(JSON.stringify(report)).not.toContain('o-1')
    expect(JSON.stringify(report)).not.toContain('o-2')
  })

  test('another bundle', async () => {
    const { parts, bundle, only } = await reads()
    const under = await bundleOf({ ...PLAIN, ...files, 'policies/guardrails/refunds.yaml': '' })
    const report = await rederiveAll(parts, { bundles: [bundle], under, only })
    expect(report.differing[0]?.changes.map(({ pointer }) => pointer)).toEqual([
      '/policyDigest/sha256',
    ])
  })

  test('another key', async () => {
    const { parts, bundle, only } = await reads()
    const key = new Uint8Array(32).fill(7)
    const report = await rederiveAll(parts, { bundles: [bundle], key, only })
    const found = report.differing[0]?.changes.map(({ pointer }) => pointer)
    expect(found).toEqual(expect.arrayContaining(['/inputs/subject', '/decision']))
  })

  test.for([
    { name: 'the verdict', change: { decision: 'allow' }, pointer: '/decision' },
    { name: 'the findings', change: { findings: [] }, pointer: '/findings/0' },
    { name: 'a route', change: { route: ['board'] }, pointer: '/route/0' },
    { name: 'an issuer', change: { issuerId: 'else' }, pointer: '/issuerId' },
    { name: 'a call', change: { call: 'dec_none' }, pointer: '/call' },
  ])('a receipt that says otherwise: $name', async ({ change, pointer }) => {
    const { parts, bundle, only } = await reads()
    const store = withReceipt(parts.store, only.from, ({ predicate, ...rest }) => ({
      ...rest,
      predicate: { ...predicate, ...change },
    }))
    const report = await rederiveAll(parts, { bundles: [bundle], store, only })
    expect(report.differing[0]?.changes.map((one) => one.pointer)).toContain(pointer)
  })
})

describe('one change of how a request ended makes it differ', () => {
  async function ended() {
    const opened = await scene()
    const found = await review(opened, await asked(opened, 5))
    const resolution = found.resolution
    if (resolution === null) throw new Error('it waits')
    const only = { from: resolution.receiptIndex, to: resolution.receiptIndex }
    return { ...opened, id: resolution.record, only, request: found.request.id }
  }
  type Kept = { beside: { ending: { reviews: { review: object }[]; state: object } } }
  const edit = (change: (ending: Kept['beside']['ending']) => object) => (inputs: Kept) => ({
    ...inputs,
    beside: {
      ...inputs.beside,
      ending: { ...inputs.beside.ending, ...change(inputs.beside.ending) },
    },
  })

  test.for([
    { name: 'no reviews', change: edit(() => ({ reviews: [] })), pointer: '/decision' },
    {
      name: 'a review that rejects',
      change: edit(({ reviews }) => ({
        reviews: reviews.map((one) => ({ ...one, review: { ...one.review, verdict: 'reject' } })),
      })),
      pointer: '/decision',
    },
    {
      name: 'somebody who is on no route',
      change: edit(({ reviews }) => ({
        reviews: reviews.map((one) => ({ ...one, review: { ...one.review, reviewer: 'eve' } })),
      })),
      pointer: '/decision',
    },
    {
      name: 'another signature',
      change: edit(({ reviews }) => ({
        reviews: reviews.map((one) => ({ ...one, review: { ...one.review, signature: 'x' } })),
      })),
      pointer: '/resolution/approvals/0/signature',
    },
    {
      name: 'a review that does not stand',
      change: edit(() => ({ refused: [{ review: '1', code: 'SIGNATURE_WRONG' }] })),
      pointer: '/decision',
    },
    { name: 'no state', change: edit(() => ({ state: undefined })), pointer: '/inputs/state' },
    {
      name: 'another action',
      change: (inputs: { action: object }) => ({
        ...inputs,
        action: { ...inputs.action, payload: { amount: 6 } },
      }),
      pointer: '/inputs/action',
    },
  ])('$name', async ({ change, pointer }) => {
    const { parts, bundle, id, only } = await ended()
    whole(await rederiveAll(parts, { bundles: [bundle], only }))
    const store = withInputs(parts.store, id, change as never)
    const report = await rederiveAll(parts, { bundles: [bundle], store, only })
    expect(report.differing[0]?.changes.map((one) => one.pointer)).toContain(pointer)
  })

  test('a route that asks for more people', async () => {
    const { parts, bundle, only } = await ended()
    const routes = `${HEAD}Routes\nroutes:\n  - { id: default, reviewers: [ana, bo], time_out: 1h }\n  - { id: payments, reviewers: [ana, bo], quorum: 2, time_out: 1h, show: [payload.amount] }\n  - { id: board, reviewers: [bo], time_out: 1h }\n`
    const under = await bundleOf({ ...PLAIN, 'policies/routes/routes.yaml': routes })
    const report = await rederiveAll(parts, { bundles: [bundle], under, only })
    expect(report.differing[0]?.changes).toContainEqual({
      ...{ pointer: '/decision', before: 'APPROVED', after: 'EXPIRED' },
    })
  })

  test('a request of which the store says that others were asked', async () => {
    const { parts, bundle, request } = await ended()
    const store = {
      ...parts.store,
      request: async (id: string) => {
        const found = await parts.store.request(id)
        if (found === null || id !== request) return found
        const routes = found.request.routes.map((route) => ({ ...route, reviewers: ['ana'] }))
        return { ...found, request: { ...found.request, routes } }
      },
    }
    const report = await rederiveAll(parts, { bundles: [bundle], store })
    expect(report.differing[0]?.changes).toEqual([
      { pointer: '/request/routes/0/reviewers/1', after: 'bo' },
    ])
  })
})

test('no value that another bundle would not hide is shown', async () => {
  const { parts, engine, bundle } = await scene()
  await engine.decide({ ...mail, payload: { to: 'x' } })
  const tools = `${HEAD}Tools\nservice: shop\ntools:\n  read_order: { effect: read }\n  refund: { effect: irreversible, priority: high }\n  delete: { effect: irreversible, priority: critical }\n  mail: { effect: write }\n`
  const under = await bundleOf({ ...PLAIN, 'policies/tools/shop.yaml': tools })
  const report = await rederiveAll(parts, { bundles: [bundle], under })
  const changes = report.differing[0]?.changes
  expect(changes).toContainEqual({ pointer: '/action/principal' })
  expect(JSON.stringify(changes)).not.toContain('u-1')
})

const actions: fc.Arbitrary<Action[]> = fc.array(
  fc.record({
    agent: fc.constantFrom('clerk', 'clerk', 'boss'),
    service: fc.constant('shop'),
    action: fc.constantFrom('read_order', 'refund', 'mail', 'wipe'),
    session: fc.constantFrom('s', 't'),
    payload: fc.record(
      {
        amount: fc.oneof(fc.integer({ min: 0, max: 2000 }), fc.string()),
        text: fc.constantFrom('hello', 'card 4111111111111111'),
      },
      { requiredKeys: [] },
    ),
  }),
  { minLength: 1, maxLength: 25 },
) as fc.Arbitrary<Action[]>

test('whatever is asked re-derives', async () => {
  const { parts, engine, bundle } = await scene({
    'policies/guardrails/reads.yaml': `${HEAD}Guardrails\nrules:\n  - { id: reads/often, on: { action: read_order }, velocity: { limit: 20, per: 1h }, then: deny }\n  - { id: mail/often, on: { action: mail }, velocity: { limit: 30, per: 1h }, then: hold }\n`,
  })
  await fc.assert(
    fc.asyncProperty(actions, async (all) => {
      for (const one of all) await engine.decide(one)
    }),
    { numRuns: 15 },
  )
  whole(await rederiveAll(parts, { bundles: [bundle] }))
})

test('decisions that share a unit of work re-derive', async () => {
  const { parts, bundle } = await scene()
  const action = { ...PARSED, payload: { amount: 5 } }
  await Promise.all(Array.from({ length: 20 }, () => judgeCall(parts, action)))
  whole(await rederiveAll(parts, { bundles: [bundle] }))
  const last = await parts.store.size()
  const report = await rederiveAll(parts, { bundles: [bundle], only: { from: 3, to: last - 1 } })
  expect(report.counts.rederived).toBe(last - 3)
  await expect(
    rederiveAll(parts, { bundles: [bundle], only: { from: 3, to: last } }),
  ).rejects.toMatchObject({ code: 'RECEIPT_UNKNOWN' })
})

const PARSED = {
  ...{ project: 'shop', agent: 'clerk', session: 'default', principal: null, role: 'agent' },
  ...{ service: 'shop', action: 'refund', context: {}, priority: 'medium', fingerprint: null },
} as Omit<JudgedAction, 'payload'>

/** The first time that a state's values hold, in Unix milliseconds. */
function firstTime(state: Record<string, { value: unknown }>): number | null {
  const found = /1[0-9]{12}/.exec(JSON.stringify(Object.values(state).map(({ value }) => value)))
  return found === null ? null : Number(found[0])
}
