import { describe, expect, test } from 'vitest'
import { discloseReceipt } from '../../../src/app/receipts/disclose.ts'
import { fromUtf8, hmacSha256 } from '../../../src/base/digest.ts'
import { encodeBase64url } from '../../../src/base/encoding.ts'
import type { GenesisReceipt } from '../../../src/model/generated/types.ts'
import { verifyDisclosed } from '../../../src/trust/verify/index.ts'
import type { Opened } from '../support.ts'
import { act, ended, erase, eraseScene, MARK, refund } from './erase-scene.ts'

const HEAD = 'apiVersion: countersign/v1\nkind: '
const GRANTS = {
  'countersign.yaml': `${HEAD}Project\nproject: shop\ndefaults: { low: allow, medium: allow, high: hold, critical: deny }\ngrants: {}\n`,
  'policies/guardrails/cost.yaml': `${HEAD}Guardrails\nrules:\n  - { id: cost/day, on: { action: read_order }, cost: { limit_usd: 1000, per: 24h, amount: payload.amount }, then: deny }\n`,
}

const order = {
  amount: 5,
  items: [
    { id: 'i-1', note: 'x' },
    { id: 'i-2', note: 'y' },
  ],
  'a,b': 1,
}

async function verified({ folder, parts }: Opened, receipt: string | number, ...show: string[]) {
  const { text, shown } = await discloseReceipt({ data: folder, receipt: String(receipt), show })
  const [genesis] = await parts.store.receipts(0, 1)
  const { predicate } = JSON.parse(fromUtf8(genesis ?? new Uint8Array())) as GenesisReceipt
  return { ...verifyDisclosed(text, predicate.verifierKey), shown, text }
}

const valuesOf = (found: { readonly fields: readonly { pointer: string; value: unknown }[] }) =>
  Object.fromEntries(found.fields.map(({ pointer, value }) => [pointer, value]))

describe('of a verdict', () => {
  test.for([
    { name: 'one field', show: ['payload.amount'], want: { '/payload/amount': 5 } },
    {
      name: 'a field of each element',
      show: ['payload.items[].id'],
      want: { '/payload/items/0/id': 'i-1', '/payload/items/1/id': 'i-2' },
    },
    {
      name: 'all of one element',
      show: ['payload.items[1]'],
      want: { '/payload/items/1/id': 'i-2', '/payload/items/1/note': 'y' },
    },
    { name: 'a private field', show: ['principal'], want: { '/principal': 'u-9' } },
    { name: 'a name with a comma', show: ['payload["a,b"]'], want: { '/payload/a,b': 1 } },
    {
      name: 'two fields',
      show: ['payload.amount', 'principal'],
      want: { '/payload/amount': 5, '/principal': 'u-9' },
    },
  ])('$name is shown, and nothing else', async ({ show, want }) => {
    const scene = await eraseScene()
    await scene.engine.decide(act('read_order', order, 'u-9'))
    const found = await verified(scene, 1, ...show)
    expect(valuesOf(found)).toEqual(want)
    expect(found.index).toBe(1)
    expect(found.text.endsWith('\n')).toBe(true)
  })

  test.for([
    { name: 'a field that is not there', show: 'payload.missing', code: 'FIELD_UNKNOWN' },
    { name: 'a field that is clear', show: 'service', code: 'FIELD_UNKNOWN' },
    { name: 'no path', show: 'payload..x', code: 'PATH_INVALID' },
    { name: 'a patched action', show: 'patched.payload.amount', code: 'FIELD_UNKNOWN' },
    { name: 'a report', show: 'report.result', code: 'FIELD_UNKNOWN' },
  ])('$name -> $code', async ({ show, code }) => {
    const scene = await eraseScene()
    await scene.engine.decide(act('read_order', order))
    await expect(verified(scene, 1, show)).rejects.toMatchObject({ code })
  })

  test('a result that was judged', async () => {
    const scene = await eraseScene()
    const call = await scene.engine.decide(act('read_order', order))
    await scene.engine.result(
      act('read_order', order),
      { ok: 1, to: MARK },
      { call: call.decision },
    )
    expect(valuesOf(await verified(scene, 2, 'result.ok'))).toEqual({ '/result/ok': 1 })
  })
})

test('of a resolution: the action as it was held, and as people left it', async () => {
  const scene = await eraseScene()
  await ended(scene, 'patch')
  const found = await verified(scene, 2, 'payload.amount', 'patched.payload.amount')
  expect(valuesOf(found)).toEqual({ '/payload/amount': 50, '/patched/payload/amount': 20 })
  expect(found.text).not.toContain(Buffer.from(MARK).toString('base64url').slice(0, 10))
})

describe('of an execution', () => {
  test('what was told of it: result and cost', async () => {
    const scene = await eraseScene(GRANTS)
    const { engine } = scene
    const answer = await engine.ask(act('read_order', order))
    const { receipt } = await engine.redeem(String(answer.grant), {
      result: { id: 'r-1', to: MARK },
      cost: { 'payload.amount': 5 },
    })
    const found = await verified(scene, receipt.index, 'report.result.id')
    expect(valuesOf(found)).toEqual({ '/report/result/id': 'r-1' })
    expect(found.hidden).toContainEqual({ pointer: '/report', members: 1 })
    const cost = await verified(scene, receipt.index, 'report.cost["payload.amount"]')
    expect(valuesOf(cost)).toEqual({ '/report/cost/payload.amount': 5 })
  })

  test('that nobody reported on -> FIELD_UNKNOWN', async () => {
    const scene = await eraseScene(GRANTS)
    const answer = await scene.engine.ask(act('read_order', order))
    const { receipt } = await scene.engine.redeem(String(answer.grant))
    const asked = verified(scene, receipt.index, 'report.result')
    await expect(asked).rejects.toMatchObject({ code: 'FIELD_UNKNOWN' })
  })
})

test.for([
  { name: 'the genesis', receipt: '0', code: 'FIELD_UNKNOWN' },
  { name: 'no receipt', receipt: '99', code: 'RECEIPT_UNKNOWN' },
  { name: 'erased inputs', receipt: '1', code: 'INPUTS_ERASED' },
  { name: 'erased inputs of a resolution', receipt: '2', code: 'INPUTS_ERASED' },
  { name: 'an erasure', receipt: '3', code: 'FIELD_UNKNOWN' },
])('$name -> $code', async ({ receipt, code }) => {
  const scene = await eraseScene()
  await ended(scene, 'approve', refund())
  await erase(scene)
  const asked = discloseReceipt({ data: scene.folder, receipt, show: ['payload.amount'] })
  await expect(asked).rejects.toMatchObject({ code })
})

test('an execution whose decision was erased can neither be shown nor guessed with the store’s key', async () => {
  const scene = await eraseScene(GRANTS)
  const { engine, parts, folder } = scene
  const answer = await engine.ask(act('read_order', order))
  const { receipt } = await engine.redeem(String(answer.grant), { result: 'yes' })
  await erase(scene, { who: { decision: answer.decision } })
  const asked = discloseReceipt({ data: folder, receipt: String(receipt.index), show: ['report'] })
  await expect(asked).rejects.toMatchObject({ code: 'INPUTS_ERASED' })
  await expect(engine.redeem(String(answer.grant))).rejects.toMatchObject({
    code: 'GRANT_REPLAYED',
  })
  // The seed of the grant's salts followed from what is gone, and not from the folder's own key.
  const [, claims = ''] = String(answer.grant).split('.')
  const { seed, jti } = JSON.parse(Buffer.from(claims, 'base64url').toString())
  expect(seed).not.toBe(encodeBase64url(hmacSha256(parts.evidenceKey, `grant/${jti}`)))
})
