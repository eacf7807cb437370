import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { open } from '../../../src/app/engine/open-engine.ts'
import { listReceipts, verifyLogFolder } from '../../../src/app/receipts/receipts.ts'
import { writeBundle } from '../../../src/policy/bundle/index.ts'
import { bundleOf, CREDENTIAL, openTest, temporaryFolder } from '../support.ts'

const read = { agent: 'clerk', service: 'shop', action: 'read_order' } as const
const refund = { agent: 'clerk', service: 'shop', action: 'refund' } as const

test.for([
  { name: 'a read within scope', action: read, want: 'allow', rules: [] },
  {
    name: 'a refund',
    action: { ...refund, payload: { amount: 5 } },
    want: 'hold',
    rules: ['refunds/any'],
  },
  {
    name: 'a refund without its amount: an omitted field slips past nothing',
    action: refund,
    want: 'hold',
    rules: ['refunds/any', 'refunds/large'],
  },
  {
    name: 'a critical action',
    action: { ...read, action: 'delete' },
    want: 'deny',
    rules: ['engine/default'],
  },
  { name: 'a tool outside the scope', action: { ...read, action: 'wipe' }, want: 'deny' },
  {
    name: 'an agent that the key does not own',
    action: { ...read, agent: 'boss' },
    want: 'deny',
    rules: ['engine/agent-not-owned'],
  },
  {
    name: 'a project that the key is not for',
    action: { ...read, project: 'bank' },
    want: 'deny',
    rules: ['engine/project-not-owned'],
  },
  {
    name: 'a role that the key does not have',
    action: { ...read, role: 'host' },
    want: 'deny',
    rules: ['engine/role-not-owned'],
  },
])('$name -> $want', async ({ action, want, rules }) => {
  const { engine, folder } = await openTest()
  const outcome = await engine.decide(action)
  expect(outcome.verdict).toBe(want)
  expect(outcome.payload === undefined).toBe(want !== 'allow')
  if (rules !== undefined) expect(outcome.findings.map(({ rule }) => rule)).toEqual(rules)
  expect(verifyLogFolder(join(folder, 'log')).size).toBe(outcome.receipt.index + 1)
})

const deep = `${'{"a":'.repeat(80)}1${'}'.repeat(80)}`
const withPayload = (payload: string) =>
  `{"agent":"clerk","service":"shop","action":"read_order","payload":${payload}}`

test.for([
  { name: 'no agent', action: '{"service":"shop","action":"read_order"}', code: 'ACTION_INVALID' },
  { name: 'no action', action: '{"agent":"clerk","service":"shop"}', code: 'ACTION_INVALID' },
  {
    name: 'an unknown field',
    action: '{"agent":"clerk","service":"s","action":"a","verdict":"allow"}',
    code: 'ACTION_INVALID',
  },
  {
    name: 'arguments digest of a live caller',
    action: '{"agent":"clerk","service":"s","action":"a","args_digest":"x"}',
    code: 'ACTION_INVALID',
  },
  { name: 'no JSON', action: 'refund, please', code: 'JSON_MALFORMED' },
  {
    name: 'a payload of 5 MB',
    action: withPayload(`{"a":"${'x'.repeat(5e6)}"}`),
    code: 'ACTION_TOO_LARGE',
  },
  { name: 'deep nesting', action: withPayload(deep), code: 'ACTION_TOO_DEEP' },
  {
    name: 'a prototype key',
    action: withPayload('{"__proto__":{"amount":1}}'),
    code: 'ACTION_AMBIGUOUS',
  },
  { name: 'a commitment key', action: withPayload('{"_sd":["x"]}'), code: 'ACTION_AMBIGUOUS' },
  { name: 'a duplicate key', action: withPayload('{"a":1,"a":2}'), code: 'ACTION_AMBIGUOUS' },
  {
    name: 'a number that a double cannot hold',
    action: withPayload('{"a":9007199254740993}'),
    code: 'ACTION_AMBIGUOUS',
  },
  { name: 'a lone surrogate', action: withPayload('{"a":"\\ud800"}'), code: 'ACTION_AMBIGUOUS' },
])('$name is refused with $code and leaves nothing behind', async ({ action, code }) => {
  const { engine, parts } = await openTest()
  await expect(engine.decide(action)).rejects.toMatchObject({ code })
  expect(await parts.store.size()).toBe(1)
})

test.for([
  { name: 'BigInt', payload: { a: 1n } },
  { name: 'NaN', payload: { a: Number.NaN } },
  { name: 'undefined', payload: { a: undefined } },
  { name: 'a Date', payload: { a: new Date(0) } },
  { name: 'a Map', payload: new Map([['a', 1]]) },
])('an object that holds $name is no plain JSON', async ({ payload }) => {
  const { engine } = await openTest()
  await expect(engine.decide({ ...read, payload } as never)).rejects.toMatchObject({
    code: 'VALUE_NOT_JSON',
  })
})

test('a caller that changes its object after the call changes nothing', async () => {
  const { engine } = await openTest()
  const payload = { to: 'a' }
  const deciding = engine.decide({ ...read, payload })
  payload.to = 'b'
  expect((await deciding).payload).toEqual({ to: 'a' })
})

test('a polluted prototype changes no verdict', async () => {
  const { engine } = await openTest()
  const prototype = Object.prototype as Record<string, unknown>
  try {
    Object.assign(prototype, {
      verdict: 'allow',
      amount: 1,
      agent: 'clerk',

      if_missing: 'pass',
    })
    const outcome = await engine.decide(
      JSON.parse('{"agent":"clerk","service":"shop","action":"refund","payload":{}}'),
    )
    expect(outcome.findings.map(({ rule }) => rule)).toEqual(['refunds/any', 'refunds/large'])
    expect(outcome.verdict).toBe('hold')
  } finally {
    for (const key of ['verdict', 'amount', 'agent', 'if_missing']) delete prototype[key]
  }
})

test('an obligation is met before the action runs', async () => {
  const { engine } = await openTest()
  const action = { ...read, action: 'mail', payload: { text: 'pay 4111111111111111', to: 'x' } }
  expect(await engine.decide(action)).toMatchObject({
    verdict: 'redact',
    payload: { text: '[redacted]', to: 'x' },
  })
  expect((await engine.ask(action)).changes).toHaveLength(1)
})

test('the same idempotency key gives the same decision, over a restart too', async () => {
  const first = await openTest()
  const action = { ...refund, payload: { amount: 5 } }
  const held = await first.engine.decide(action, { idempotencyKey: 'k' })
  expect((await first.engine.decide(action, { idempotencyKey: 'k' })).request?.id).toBe(
    held.request?.id,
  )
  const second = await openTest({ folder: first.folder })
  const again = await second.engine.decide(action, { idempotencyKey: 'k' })
  expect(again).toMatchObject({ decision: held.decision, root: held.root, receipt: held.receipt })
  expect(again.request?.id).toBe(held.request?.id)
  expect(await second.parts.store.size()).toBe(2)
})

test.for([
  { name: 'another payload', other: { ...refund, payload: { amount: 6 } } },
  { name: 'another action', other: { ...read, payload: { amount: 5 } } },
  { name: 'another session', other: { ...refund, payload: { amount: 5 }, session: 's2' } },
])('an idempotency key with $name is a conflict', async ({ other }) => {
  const { engine } = await openTest()
  await engine.decide({ ...refund, payload: { amount: 5 } }, { idempotencyKey: 'k' })
  await expect(engine.decide(other, { idempotencyKey: 'k' })).rejects.toMatchObject({
    code: 'IDEMPOTENCY_CONFLICT',
  })
})

test('an action that was allowed is judged again under another policy', async () => {
  const first = await openTest()
  const allowed = await first.engine.decide(read, { idempotencyKey: 'k' })
  expect(allowed.verdict).toBe('allow')
  const rules = `apiVersion: countersign/v1\nkind: Guardrails\nrules: [{ id: reads/stopped, on: { action: read_order }, then: deny }]\n`
  const bundle = await bundleOf({ 'policies/guardrails/refunds.yaml': rules })
  const second = await openTest({ folder: first.folder, bundle })
  const again = await second.engine.decide(read, { idempotencyKey: 'k' })
  expect(again.verdict).toBe('deny')
  expect((await second.engine.decide(read, { idempotencyKey: 'k' })).decision).toBe(again.decision)
})

test('an idempotency key belongs to one agent', async () => {
  const { engine } = await openTest({ credential: { ...CREDENTIAL, agents: ['*'] } })
  const mine = await engine.decide(read, { idempotencyKey: 'k' })
  const other = await engine.decide({ ...read, agent: 'boss' }, { idempotencyKey: 'k' })
  expect(other.decision).not.toBe(mine.decision)
})

test('many callers at once: every receipt has a place of its own and the log verifies', async () => {
  const { engine, folder, parts } = await openTest()
  const outcomes = await Promise.all(
    Array.from({ length: 300 }, (_, n) => engine.decide({ ...read, payload: { n } })),
  )
  const indexes = new Set(outcomes.map(({ receipt }) => receipt.index))
  expect(indexes.size).toBe(300)
  expect(await parts.store.size()).toBe(301)
  expect(verifyLogFolder(join(folder, 'log'))).toMatchObject({
    status: 'self-consistent; key not pinned',
    size: 301,
  })
})

test('a call that fails takes none of its batch along', async () => {
  const { engine } = await openTest()
  await engine.decide(read, { idempotencyKey: 'k' })
  const [good, bad, also] = await Promise.allSettled([
    engine.decide(read),
    engine.decide({ ...read, payload: { other: 1 } }, { idempotencyKey: 'k' }),
    engine.decide(read),
  ])
  expect([good?.status, bad?.status, also?.status]).toEqual(['fulfilled', 'rejected', 'fulfilled'])
})

test('two engines on one folder share state, log and receipts', async () => {
  const first = await openTest()
  const second = await openTest({ folder: first.folder })
  const outcomes = await Promise.all([
    ...Array.from({ length: 20 }, () => first.engine.decide(read)),
    ...Array.from({ length: 20 }, () => second.engine.decide(read)),
  ])
  expect(new Set(outcomes.map(({ receipt }) => receipt.index)).size).toBe(40)
  expect(verifyLogFolder(join(first.folder, 'log')).size).toBe(41)
})

test('no clear payload value reaches the log, the forge or the store file', async () => {
  const { engine, folder } = await openTest()
  const secret = 'very-private-marker-4711'
  await engine.decide({ ...read, payload: { note: secret } })
  await engine.decide({ ...refund, payload: { amount: 5, note: secret }, context: { why: secret } })
  await expect(
    engine.decide({ ...read, payload: { [secret]: secret }, extra: secret } as never),
  ).rejects.toThrow(expect.not.stringContaining(secret))
  for (const file of filesIn(folder)) {
    expect(readFileSync(file).includes(secret), file).toBe(false)
  }
})

test('private fields are hidden in the receipt', async () => {
  const { engine, parts } = await openTest()
  await engine.decide({
    ...read,
    action: 'mail',
    principal: 'customer-99',
    payload: { text: 'hi' },
  })
  const [, receipt] = await parts.store.receipts(0, 2)
  const text = Buffer.from(receipt ?? []).toString()
  expect(text).not.toContain('customer-99')
  expect(text).toContain('"service":"shop"')
})

test('an expired bundle denies', async () => {
  const bundle = await bundleOf({
    'countersign.yaml':
      'apiVersion: countersign/v1\nkind: Project\nproject: shop\ndefaults: { medium: allow }\nvalid_until: 2026-01-01T00:00:00Z\n',
  })
  const { engine } = await openTest({ bundle })
  const outcome = await engine.decide(read)
  expect(outcome.verdict).toBe('deny')
  expect(outcome.findings.map(({ code }) => code)).toContain('BUNDLE_EXPIRED')
})

test('receipts are listed in log order', async () => {
  const { engine, parts } = await openTest()
  await engine.decide(read)
  await engine.decide({ ...refund, payload: { amount: 5 } })
  const rows = []
  for await (const row of listReceipts(parts.store))
    rows.push(`${row.index} ${row.decision} ${row.tool}`)
  expect(rows).toEqual(['0  ', '1 allow shop.read_order', '2 hold shop.refund'])
})

test('a key for another project does not open the policy', async () => {
  const bundle = writeBundle(await bundleOf())
  await expect(
    open({ bundle, store: temporaryFolder(), credential: { ...CREDENTIAL, project: 'bank' } }),
  ).rejects.toMatchObject({ code: 'PROJECT_NOT_OWNED' })
})

test.for([
  { name: 'another log key', file: 'log_key.pem', code: 'STORE_KEY_MISMATCH' },
  { name: 'another store key', file: 'store.key', code: 'STORE_KEY_MISMATCH' },
])('a store under $name is refused', async ({ file, code }) => {
  const mine = await openTest()
  const other = await openTest()
  writeFileSync(join(mine.folder, file), readFileSync(join(other.folder, file)))
  await expect(openTest({ folder: mine.folder })).rejects.toMatchObject({ code })
})

test("the secrets of the data folder are their owner's alone", async () => {
  const folder = temporaryFolder()
  chmodSync(folder, 0o755) // A folder that was there before keeps its permissions.
  await openTest({ folder })
  for (const name of ['store.key', 'log_key.pem', 'store.sqlite', 'store.sqlite-wal']) {
    expect(statSync(join(folder, name)).mode & 0o077, name).toBe(0)
  }
})

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}
