import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { reviewRequest } from '../../../src/app/approvals/review.ts'
import { discloseReceipt } from '../../../src/app/receipts/disclose.ts'
import type { ErasingPlace } from '../../../src/app/receipts/erasing.ts'
import { lookAtLog } from '../../../src/app/receipts/follow-log.ts'
import { retain } from '../../../src/app/receipts/retain.ts'
import { readLogFiles } from '../../../src/host/log-folder.ts'
import { verifyDisclosed } from '../../../src/trust/verify/index.ts'
import {
  accepted,
  allowed,
  checkLog,
  DELIVERY,
  escrowed,
  HOUR,
  keySigner,
  openScene,
  type Scene,
  START,
} from '../engine/custody-support.ts'
import { signerOf } from '../support.ts'
import { erase, secretsIn } from './erase-scene.ts'
import { exported, verified } from './export-scene.ts'

const PAYEE = `0x${'b'.repeat(40)}`
const ASSET = `0x${'c'.repeat(40)}`
const MANDATE = {
  x402Version: 1,
  paymentPayload: {
    ...{ x402Version: 1, scheme: 'exact', network: 'base' },
    payload: {
      signature: '0x01',
      authorization: {
        ...{ from: `0x${'a'.repeat(40)}`, to: PAYEE, value: '1000', validAfter: '0' },
        ...{ validBefore: String(START / 1000 + 600), nonce: `0x${'1'.repeat(64)}` },
      },
    },
  },
  paymentRequirements: {
    ...{ scheme: 'exact', network: 'base', maxAmountRequired: '1000', asset: ASSET, payTo: PAYEE },
  },
}

/** A payment in escrow that a delivery under way holds. */
async function inDelivery(
  deadlineMs = HOUR,
): Promise<{ readonly scene: Scene; readonly held: string }> {
  const scene = await openScene()
  const held = await escrowed(scene)
  await accepted(scene, { escrow: [held], deadlineMs })
  return { scene, held }
}

async function end(scene: Scene, outcome: 'fulfilled' | 'disputed'): Promise<void> {
  const signer = await keySigner()
  await scene.engine.recordOutcome({ delivery: DELIVERY, agent: 'carrier', outcome, signer })
}

function retainAll({ parts }: Scene) {
  const place: ErasingPlace = {
    store: parts.store,
    run: (unit) => parts.batcher.run(unit),
    origin: parts.signer.origin,
    entropy: parts.entropy,
  }
  const about = { now: parts.clock(), dryRun: false, rewrite: true }
  return retain(place, { inputs: '1h', tokens: null }, about)
}

describe('what a delivery holds in escrow stays until that is settled', () => {
  test.for([
    { name: 'by its decision', who: (held: string) => ({ decision: held }) },
    { name: 'by its agent', who: () => ({ agent: 'clerk' }) },
  ])('asked for $name: ERASE_PENDING names the delivery', async ({ who }) => {
    const { scene, held } = await inDelivery()
    await expect(erase(scene, { who: who(held) })).rejects.toMatchObject({
      code: 'ERASE_PENDING',
      message: expect.stringContaining(DELIVERY),
    })
    await end(scene, 'fulfilled')
    await checkLog(scene)
    expect((await erase(scene, { who: who(held) })).decisions).toBeGreaterThan(0)
  })

  test('by retention, so that a dispute can still be put to people', async () => {
    const { scene, held } = await inDelivery(4 * HOUR)
    scene.wait(2 * HOUR)
    expect((await retainAll(scene)).rounds).toMatchObject([{ decisions: 1, through: 2 }])
    await end(scene, 'disputed')
    expect(await scene.parts.store.custody.escrow(held)).toMatchObject({ state: 'asked' })
  })

  test('but what no delivery ever took goes with the rest', async () => {
    const scene = await openScene()
    await escrowed(scene)
    scene.wait(2 * HOUR)
    expect((await retainAll(scene)).rounds).toMatchObject([{ decisions: 1 }])
  })
})

test('with a decision goes what people were asked about it in escrow, and how that ended', async () => {
  const { scene, held } = await inDelivery()
  await end(scene, 'disputed')
  const request = String((await scene.parts.store.custody.escrow(held))?.request)
  await expect(erase(scene, { who: { decision: held } })).rejects.toMatchObject({
    code: 'ERASE_PENDING',
    message: expect.stringContaining(request),
  })
  const said = { verdict: 'approve', comment: 'seen' } as const
  await reviewRequest(scene.parts, request, said, await signerOf('ana'))
  expect(await erase(scene, { who: { decision: held } })).toMatchObject({ decisions: 3 })
})

test('with the decision of a handoff go the mandates that it handed over', async () => {
  const scene = await openScene()
  const payment = { ...{ amount: '1000', asset: ASSET, pay_to: PAYEE }, network: 'base' }
  const decision = await allowed(scene, 'clerk', 'carrier', { payment })
  const mandates = [{ kind: 'x402' as const, document: MANDATE }]
  await scene.engine.handoff({ decision, to: 'carrier', delivery: DELIVERY, mandates })
  expect(await erase(scene, { who: { decision } })).toMatchObject({ decisions: 2 })
  expect(secretsIn(scene.folder)).toEqual({ keys: [], inputs: [] })
})

test('a log with deliveries and erasures can be monitored, exported and disclosed from', async () => {
  const { scene, held } = await inDelivery()
  await end(scene, 'fulfilled')
  const { receipt } = await erase(scene, { who: { decision: held } })
  await escrowed(scene)
  const { origin, verifierKey } = scene.parts.signer
  const logs = [{ origin, keys: [verifierKey] }]
  const trust = { apiVersion: 'countersign/v1', kind: 'Trust', logs } as const
  const files = readLogFiles(join(scene.folder, 'log'))
  const reader = { read: async (path: string) => files.get(path) ?? null }
  const seen = await lookAtLog(reader, { trust, seen: null, all: true })
  expect(seen.report.problems).toEqual([])
  for (const format of ['jsonl', 'csv', 'html'] as const) {
    const file = await exported(scene, { format, show: ['payload.amount'] })
    const report = await verified({ trust }, readFileSync(file), format)
    expect(report.problems).toEqual([])
    expect(report.receipts).toMatchObject({ erasure: 1, 'custody outcome': 1 })
  }
  const disclose = (name: string) =>
    discloseReceipt({ data: scene.folder, receipt: name, show: ['payload.amount'] })
  const gone = { code: 'INPUTS_ERASED', message: expect.stringContaining(String(receipt?.index)) }
  await expect(disclose(held)).rejects.toMatchObject(gone)
  await expect(disclose('3')).rejects.toMatchObject({ code: 'FIELD_UNKNOWN' }) // A step.
  const last = await disclose(String((await scene.parts.store.size()) - 1))
  expect(verifyDisclosed(last.text, trust).fields).toEqual([
    { pointer: '/payload/amount', value: 5 },
  ])
})
