import { expect, test } from 'vitest'
import { reviewRequest } from '../../../src/app/approvals/review.ts'
import { bundleOf, signerOf } from '../support.ts'
import {
  accepted,
  checkLog,
  code,
  DELIVERY,
  escrowed,
  FILES,
  keySigner,
  openScene,
} from './custody-support.ts'

// What a delivery holds cannot be taken back until it has run, by whichever decision let it run in the end.

const BUNDLE = await bundleOf({
  ...FILES,
  'policies/tools/shop.yaml': `apiVersion: countersign/v1
kind: Tools
service: shop
tools:
  read_order: { effect: read }
  refund: { effect: irreversible, priority: high }
  delete: { effect: irreversible, priority: critical }
  mail: { effect: write, undo: { action: recall, payload: { amount: { from: payload.amount } } } }
  recall: { effect: write }
`,
})

const outcome = (word: 'fulfilled' | 'failed' | 'disputed') =>
  ({ delivery: DELIVERY, agent: 'carrier', outcome: word }) as const

async function openHeld() {
  const scene = await openScene({ bundle: BUNDLE })
  const held = await escrowed(scene)
  await accepted(scene, { escrow: [held] })
  const notRun = (name: string) =>
    expect(scene.engine.rollback(name)).rejects.toThrow(code('UNDO_NOT_RUN'))
  await notRun(held)
  return { ...scene, scene, held, notRun, signer: await keySigner() }
}

test.for(['fulfilled', 'failed'] as const)('of a delivery that is %s', async (word) => {
  const { scene, engine, held, notRun, signer } = await openHeld()
  await engine.recordOutcome({ ...outcome(word), signer })
  await notRun(held)
  if (word === 'fulfilled') {
    const { grant = '' } = await engine.claim(held)
    await engine.redeem(grant)
    const back = await engine.rollback(held)
    expect(back).toMatchObject({ status: 'ALLOWED', payload: { amount: 5 }, undoes: { id: held } })
  }
  await checkLog(scene)
})

test.for(['approve', 'reject'] as const)('of a delivery about which people %s', async (verdict) => {
  const { scene, engine, parts, held, notRun, signer } = await openHeld()
  await engine.recordOutcome({ ...outcome('disputed'), signer })
  const [waiting] = await parts.store.requests({ state: 'waiting' })
  const id = waiting?.request.id ?? ''
  await notRun(held)
  await notRun(id)
  await reviewRequest(parts, id, { verdict }, await signerOf('ana'))
  await notRun(held)
  await notRun(id)
  if (verdict === 'approve') {
    const { grant = '' } = await engine.status(id)
    await engine.redeem(grant)
    // The first decision ran nothing: people's did.
    await notRun(held)
    const { request = '', undoes } = await engine.rollback(id)
    expect(undoes).toMatchObject({ id })
    await reviewRequest(parts, request, { verdict: 'approve' }, await signerOf('ana'))
    await expect(engine.rollback(id)).rejects.toThrow(code('UNDO_DONE'))
  }
  await checkLog(scene)
})
