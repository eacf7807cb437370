import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openDecision } from '../../../src/app/engine/record.ts'
import { findReceipt, verifyLogFolder } from '../../../src/app/receipts/receipts.ts'
import type { DecisionReceipt } from '../../../src/model/generated/types.ts'
import { bundleOf, openTest, policyFiles } from '../support.ts'

const head = 'apiVersion: countersign/v1\nkind: '
const order = { agent: 'clerk', service: 'shop', action: 'read_order' } as const

/** The rules of the other tests, and these about results. */
const about = (rules: string) =>
  bundleOf({ 'policies/guardrails/results.yaml': `${head}Guardrails\nrules:\n${rules}` })

const masked = `  - id: results/card
    on: { phase: result }
    pattern: { path: result.card, matches: '[0-9]{16}', if_missing: pass }
    then: redact
    redact: [result.card]
  - id: results/too-many
    on: { phase: result, action: read_order }
    output: { in: result, items_max: 3 }
    then: deny
`
const CARD = '4111111111111111'

describe('result', () => {
  test.for([
    {
      name: 'a result that is fine',
      result: { id: 1 },
      want: { status: 'ALLOWED', result: { id: 1 }, changes: [] },
    },
    {
      name: 'a result with a card',
      result: { card: CARD },
      want: { status: 'ALLOWED', result: { card: '[redacted]' } },
    },
    { name: 'nothing', result: undefined, want: { status: 'ALLOWED', result: null } },
    { name: 'too much', result: [1, 2, 3, 4], want: { status: 'DENIED' } },
  ])('$name', async ({ result, want }) => {
    const { engine } = await openTest({ bundle: await about(masked) })
    const answer = await engine.result(order, result)
    expect(answer).toMatchObject(want)
    expect('result' in answer).toBe(want.status === 'ALLOWED')
  })

  test.for([
    { name: 'a result that is no JSON', call: order, result: new Map(), code: 'VALUE_NOT_JSON' },
    {
      name: 'a result with a reserved key',
      call: order,
      result: { _sd: [] },
      code: 'ACTION_AMBIGUOUS',
    },
    { name: 'a result too large', call: order, result: 'x'.repeat(5e6), code: 'ACTION_TOO_LARGE' },
    {
      name: 'a call that is a result',
      call: { ...order, phase: 'result', result: 1 } as const,
      result: 1,
      code: 'ACTION_INVALID',
    },
    { name: 'a call that is none', call: '{}', result: 1, code: 'ACTION_INVALID' },
  ])('$name -> $code, and nothing is written', async ({ call, result, code }) => {
    const { engine, parts } = await openTest({ bundle: await about(masked) })
    await expect(engine.result(call, result)).rejects.toMatchObject({ code })
    expect(await parts.store.size()).toBe(1)
  })

  test('the credential is asked for a result too', async () => {
    const { engine } = await openTest({ bundle: await about(masked) })
    const answer = await engine.result({ ...order, agent: 'boss' }, 1)
    expect(answer).toMatchObject({ status: 'DENIED', reason: expect.stringContaining('not own') })
  })

  test('a result that would be held is denied', async () => {
    const { engine } = await openTest({ bundle: await about(masked) })
    const bundle = await bundleOf({
      'policies/guardrails/results.yaml': `${head}Guardrails\nrules:\n${masked}`,
      'policies/agents/clerk.yaml': `${head}Agent\nagent: clerk\nfingerprints: [f1]\nscopes: [{ tools: ['shop.read_*'] }]\n`,
    })
    const other = await openTest({ bundle })
    expect((await engine.result(order, 1)).status).toBe('ALLOWED')
    expect(await other.engine.result(order, 1)).toMatchObject({ status: 'DENIED' })
    expect(await other.parts.store.requests({ state: 'all' })).toEqual([])
  })

  test('neither ask nor defer takes a result', async () => {
    const { engine } = await openTest({ bundle: await about(masked) })
    const action = { ...order, phase: 'result' as const, result: 1 }
    for (const attempt of [engine.ask(action), engine.defer(action)]) {
      await expect(attempt).rejects.toMatchObject({ code: 'ACTION_INVALID' })
    }
    expect(await engine.decide(action)).toMatchObject({ verdict: 'allow', result: 1 })
  })

  test('a result within the bounds of the action is judged by Rego-free rules about both phases', async () => {
    const rules = `  - { id: both/rule, on: { phase: [call, result] }, pattern: { path: phase, equals: result }, then: deny }\n`
    const { engine } = await openTest({ bundle: await about(rules) })
    expect(await engine.decide(order)).toMatchObject({ verdict: 'allow' })
    expect(await engine.result(order, 1)).toMatchObject({ status: 'DENIED' })
  })
})

describe('the receipt of a result', () => {
  const receiptOf = async (parts: Awaited<ReturnType<typeof openTest>>['parts'], id: string) =>
    (await findReceipt(parts.store, id)).receipt as DecisionReceipt

  test('says phase and call; the result stands nowhere in clear, and the log verifies', async () => {
    const { engine, parts, folder } = await openTest({ bundle: await about(masked) })
    const call = await engine.decide(order)
    const answer = await engine.result(order, { card: CARD, note: 'hush' }, { call: call.decision })
    const { predicate } = await receiptOf(parts, answer.decision)
    expect(predicate).toMatchObject({
      decision: 'redact',
      call: call.decision,
      action: { phase: 'result' },
    })
    expect(Object.keys(predicate.action)).not.toContain('result')
    expect(JSON.stringify(predicate)).not.toMatch(/hush|4111/)
    expect((await openDecision(parts.store, answer.decision)).inputs.action.result).toEqual({
      card: CARD,
      note: 'hush',
    })
    expect(verifyLogFolder(join(folder, 'log')).size).toBe(3)
  })

  test('a call has neither', async () => {
    const { engine, parts } = await openTest({ bundle: await about(masked) })
    const { predicate } = await receiptOf(parts, (await engine.decide(order)).decision)
    expect(predicate.call).toBeUndefined()
    expect(predicate.action).not.toHaveProperty('phase')
  })

  const mail = { ...order, action: 'mail' } as const
  test.for([
    { name: 'its own call', of: order, want: 'ALLOWED' },
    { name: 'a call of another action', of: mail, want: 'CALL_MISMATCH' },
    {
      name: 'a call that was denied',
      of: { ...order, action: 'delete' },
      result: { ...order, action: 'delete' },
      want: 'CALL_MISMATCH',
    },
    {
      name: 'a call that waits for people',
      of: { ...order, action: 'refund' },
      result: { ...order, action: 'refund' },
      want: 'CALL_MISMATCH',
    },
    {
      name: 'a result',
      of: { ...order, phase: 'result' as const, result: 1 },
      want: 'CALL_MISMATCH',
    },
    { name: 'a decision that is none', of: 'dec_none', want: 'CALL_MISMATCH' },
    { name: 'the entry of the log itself', of: 'genesis', want: 'CALL_MISMATCH' },
  ])('a result that names $name -> $want', async ({ of, result = order, want }) => {
    const { engine, parts } = await openTest({ bundle: await about(masked) })
    const call = typeof of === 'string' ? of : (await engine.decide(of)).decision
    const answer = await engine.result(result, { id: 1 }, { call })
    expect(answer.status).toBe(want === 'ALLOWED' ? 'ALLOWED' : 'DENIED')
    const { predicate } = await receiptOf(parts, answer.decision)
    expect(predicate.findings.map(({ code }) => code)).toEqual(want === 'ALLOWED' ? [] : [want])
    expect(predicate.call).toBe(want === 'ALLOWED' ? call : undefined)
  })

  test('a call that names a call is denied', async () => {
    const { engine } = await openTest({ bundle: await about(masked) })
    const { decision } = await engine.decide(order)
    const outcome = await engine.decide(order, { call: decision })
    expect(outcome.findings.map(({ code }) => code)).toEqual(['CALL_MISMATCH'])
  })

  test('the same key with another result, or the result of another call, is a conflict', async () => {
    const { engine } = await openTest({ bundle: await about(masked) })
    const { decision: call } = await engine.decide(order)
    const { decision: other } = await engine.decide(order)
    const first = await engine.result(order, 1, { call, idempotencyKey: 'k' })
    expect((await engine.result(order, 1, { call, idempotencyKey: 'k' })).decision).toBe(
      first.decision,
    )
    for (const [result, of] of [
      [2, call],
      [1, other],
    ] as const) {
      await expect(
        engine.result(order, result, { call: of, idempotencyKey: 'k' }),
      ).rejects.toMatchObject({
        code: 'IDEMPOTENCY_CONFLICT',
      })
    }
  })
})

describe('guard', () => {
  test('hands on what is left of the result, and names its call', async () => {
    const { engine, parts } = await openTest({ bundle: await about(masked) })
    const tool = engine.guard(({ id }: { id: string }) => ({ id, card: CARD }), order)
    expect(await tool({ id: 'a' })).toEqual({ id: 'a', card: '[redacted]' })
    const { receipt } = await findReceipt(parts.store, '2')
    const call = (await findReceipt(parts.store, '1')).receipt as DecisionReceipt
    expect((receipt as DecisionReceipt).predicate.call).toBe(call.predicate.id)
  })

  test('throws ACTION_DENIED when the result is kept back, and says that the tool has run', async () => {
    const { engine } = await openTest({ bundle: await about(masked) })
    let ran = 0
    const tool = engine.guard(() => {
      ran += 1
      return [1, 2, 3, 4]
    }, order)
    await expect(tool({})).rejects.toMatchObject({
      code: 'ACTION_DENIED',
      message: expect.stringMatching(/the tool ran.*results\/too-many/),
    })
    expect(ran).toBe(1)
  })

  test('throws VALUE_NOT_JSON for a result that nobody can judge', async () => {
    const { engine } = await openTest({ bundle: await about(masked) })
    await expect(engine.guard(() => new Date(0), order)({})).rejects.toMatchObject({
      code: 'VALUE_NOT_JSON',
    })
  })

  test('judges the result with the payload that ran', async () => {
    const rules = `  - { id: r/mask, on: { action: read_order }, pattern: { path: payload.a, equals: x, if_missing: pass }, then: redact, redact: [payload.a] }\n  - { id: r/saw, on: { phase: result }, pattern: { path: payload.a, equals: '[redacted]' }, then: deny }\n`
    const { engine } = await openTest({ bundle: await about(rules) })
    await expect(engine.guard(() => 'ok', order)({ a: 'x' })).rejects.toMatchObject({
      code: 'ACTION_DENIED',
    })
    expect(await engine.guard(() => 'ok', order)({ a: 'y' })).toBe('ok')
  })

  test('judges the result with the payload that ran, whatever the tool does to it', async () => {
    const rules = `  - { id: r/saw, on: { phase: result }, pattern: { path: payload.a, equals: x, if_missing: pass }, then: deny }\n`
    const { engine } = await openTest({ bundle: await about(rules) })
    const tool = engine.guard((payload: { a?: string }) => {
      delete payload.a
      return 'ok'
    }, order)
    await expect(tool({ a: 'x' })).rejects.toMatchObject({ code: 'ACTION_DENIED' })
  })

  test('without a rule about results it leaves what the tool gave alone, and writes one receipt', async () => {
    const { engine, parts } = await openTest()
    const given = new Date(0)
    expect(await engine.guard(() => given, order)({})).toBe(given)
    expect(await parts.store.size()).toBe(2)
  })

  test('a rule in shadow has the result judged, and changes nothing', async () => {
    const rules = `  - { id: r/shadow, on: { phase: result }, then: deny, mode: shadow }\n`
    const { engine, parts } = await openTest({ bundle: await about(rules) })
    expect(await engine.guard(() => ({ a: 1 }), order)({})).toEqual({ a: 1 })
    expect(await parts.store.size()).toBe(3)
  })
})

test('a tool that is never automated is denied by the engine, and no request is opened', async () => {
  const tools = String(policyFiles().get('policies/tools/shop.yaml')).replace(
    'refund: { effect: irreversible, priority: high }',
    'refund: { effect: irreversible, priority: high, automate: never, draft: shop.mail }',
  )
  const { engine, parts } = await openTest({
    bundle: await bundleOf({ 'policies/tools/shop.yaml': tools }),
  })
  const answer = await engine.ask({ ...order, action: 'refund', payload: { amount: 5 } })
  expect(answer).toMatchObject({ status: 'DENIED', reason: expect.stringContaining('shop.mail') })
  expect(await parts.store.requests({ state: 'all' })).toEqual([])
})
