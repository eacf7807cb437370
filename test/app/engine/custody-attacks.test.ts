import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { reviewRequest } from '../../../src/app/approvals/review.ts'
import { checkNext } from '../../../src/app/engine/custody-rules.ts'
import { openJudge } from '../../../src/app/engine/judge.ts'
import { eraseInputs } from '../../../src/app/receipts/erase.ts'
import { verifyLogFolder } from '../../../src/app/receipts/receipts.ts'
import { utf8 } from '../../../src/base/digest.ts'
import type { DeliveryState } from '../../../src/model/custody.ts'
import type { NoticeEvent, StoreTransaction } from '../../../src/model/ports.ts'
import { bundleOf, signerOf } from '../support.ts'
import {
  accepted,
  allowed,
  checkLog,
  code,
  DELIVERY,
  escrowed,
  FILES,
  HOUR,
  keySigner,
  OTHER,
  openScene,
  type Scene,
  START,
} from './custody-support.ts'

// What strangers, accidents and newer policies do to deliveries of a real engine.

const CARRIERS = 'policies/agents/carrier.yaml'
const PROJECT = 'countersign.yaml'

async function arm({ parts }: Scene, changes: Readonly<Record<string, string>>): Promise<void> {
  await parts.arm(openJudge(await bundleOf({ ...FILES, ...changes }), parts.evidenceKey))
}

/** An outcome by the carrier, signed. */
async function signed(scene: Scene, outcome: 'fulfilled' | 'disputed') {
  const { step, statement } = await scene.engine.draftStep({
    ...{ type: 'outcome', delivery: DELIVERY, agent: 'carrier', outcome },
  })
  const signature = await (await keySigner()).sign(utf8(statement), 'countersign-custody')
  return { step, signature }
}

describe('an agent of another project, whose name is the same', () => {
  const inLog = (project: string) =>
    bundleOf({
      ...FILES,
      [PROJECT]: `${FILES[PROJECT]?.replace('project: shop', `project: ${project}`)}log: { origin: log.test/all }\n`,
    })
  type Pair = { readonly ours: Scene; readonly theirs: Scene }
  test.for<{ name: string; want: string; act: (pair: Pair) => Promise<unknown> }>([
    {
      name: 'accepts a delivery',
      want: 'DELIVERY_UNKNOWN',
      act: async ({ ours, theirs }) => {
        const decision = await allowed(ours, 'clerk', 'payer')
        await ours.engine.handoff({ decision, to: 'payer', delivery: OTHER })
        const input = { type: 'accept', delivery: OTHER, agent: 'payer' } as const
        const { step } = await ours.engine.draftStep(input)
        await theirs.engine.submitStep({ ...step, project: 'other' })
      },
    },
    {
      name: 'drafts a step of a delivery',
      want: 'DELIVERY_UNKNOWN',
      act: ({ theirs }) =>
        theirs.engine.draftStep({ type: 'accept', delivery: DELIVERY, agent: 'payer' }),
    },
    {
      name: 'hands on under a decision',
      want: 'CUSTODY_UNBOUND',
      act: async ({ ours, theirs }) =>
        theirs.engine.handoff({ decision: await allowed(ours), to: 'carrier' }),
    },
    {
      name: 'holds a decision in escrow',
      want: 'CUSTODY_UNBOUND',
      act: async ({ ours, theirs }) => {
        const escrow = [await escrowed(ours)]
        await theirs.engine.handoff({ decision: await allowed(theirs), to: 'carrier', escrow })
      },
    },
    {
      name: 'looks at a delivery',
      want: 'DELIVERY_UNKNOWN',
      act: async ({ theirs }) => {
        expect(await theirs.engine.deliveries()).toEqual([])
        await theirs.engine.delivery(DELIVERY)
      },
    },
    {
      name: 'claims what was released',
      want: 'ESCROW_INVALID',
      act: async ({ ours, theirs }) => {
        const held = await escrowed(ours)
        const decision = await allowed(ours, 'clerk', 'payer')
        await ours.engine.handoff({ decision, to: 'payer', delivery: OTHER, escrow: [held] })
        await ours.engine.acceptHandoff({ delivery: OTHER, agent: 'payer' })
        const outcome = 'fulfilled'
        await ours.engine.recordOutcome({ delivery: OTHER, agent: 'payer', outcome })
        await theirs.engine.claim(held)
      },
    },
    {
      name: 'proves a decision',
      want: 'RECEIPT_UNKNOWN',
      act: async ({ ours, theirs }) =>
        theirs.engine.proveDecision(await allowed(ours), { audience: 'x', show: ['payload.to'] }),
    },
  ])('$name -> $want', async ({ act, want }) => {
    const ours = await openScene({ bundle: await inLog('shop') })
    await accepted(ours)
    const credential = { project: 'other', agents: ['*'], role: 'agent' }
    const bundle = await inLog('other')
    const theirs = await openScene({ folder: ours.folder, credential, bundle })
    await expect(act({ ours, theirs })).rejects.toThrow(code(want))
    expect(verifyLogFolder(join(ours.folder, 'log')).problems).toEqual([])
  })

  test('does not put what is overdue to its own people', async () => {
    const ours = await openScene({ bundle: await inLog('shop') })
    await accepted(ours, { escrow: [await escrowed(ours)], deadlineMs: HOUR })
    const credential = { project: 'other', agents: ['*'], role: 'agent' }
    const bundle = await inLog('other')
    const theirs = await openScene({ folder: ours.folder, credential, bundle })
    theirs.wait(HOUR)
    await theirs.engine.sweep()
    expect(await ours.engine.delivery(DELIVERY)).toMatchObject({ state: 'accepted' })
  })
})

describe('the deadline', () => {
  test.for([1, 2, 3])('that comes %i looks at the clock after an outcome', async (looks) => {
    const scene = await openScene()
    await accepted(scene, { escrow: [await escrowed(scene)], deadlineMs: HOUR })
    const { step, signature } = await signed(scene, 'fulfilled')
    let left = looks
    const clock = () => START + HOUR - (left-- > 0 ? 1 : 0)
    const late = await openScene({ folder: scene.folder, clock })
    left = looks
    const taking = late.engine.submitStep(step, { signature })
    if (looks === 1) await expect(taking).rejects.toThrow(code('CUSTODY_OUT_OF_ORDER'))
    else expect(await taking).toMatchObject({ state: 'ended' })
    expect(verifyLogFolder(join(scene.folder, 'log')).problems).toEqual([])
  })

  test.for(['9999-01-01T00:00:00Z', '2026-05-30T10:00:00.001Z'])(
    'of a step that an agent wrote, at %s -> ESCROW_INVALID',
    async (deadline) => {
      const scene = await openScene()
      const escrow = [await escrowed(scene)]
      const decision = await allowed(scene)
      const input = { type: 'handoff', decision, to: 'carrier', escrow } as const
      const { step } = await scene.engine.draftStep(input)
      const taking = scene.engine.submitStep({ ...step, deadline })
      await expect(taking).rejects.toThrow(code('ESCROW_INVALID'))
    },
  )
})

describe('a policy that came meanwhile', () => {
  const without = { [CARRIERS]: FILES[CARRIERS]?.replace(/keys:.*\n/, '') ?? '' }

  test('and pins the key no more, refuses a step that waits for the store', async () => {
    const scene = await openScene()
    await accepted(scene)
    const { step, signature } = await signed(scene, 'fulfilled')
    const judge = openJudge(await bundleOf({ ...FILES, ...without }), scene.parts.evidenceKey)
    const gate = Promise.withResolvers<void>()
    const busy = scene.parts.batcher.run(() => gate.promise)
    const armed = scene.parts.arm(judge)
    const taking = scene.engine.submitStep(step, { signature })
    const refused = expect(taking).rejects.toThrow(code('KEY_NOT_PINNED'))
    await setTimeout(50)
    gate.resolve()
    await Promise.all([busy, armed, refused])
  })

  test('and knows the agent no more, takes no step of it, signed or not', async () => {
    const scene = await openScene()
    const held = await escrowed(scene)
    await accepted(scene, { escrow: [held] })
    const { step, signature } = await signed(scene, 'fulfilled')
    await arm(scene, { [CARRIERS]: '' })
    for (const proof of [{}, { signature }]) {
      await expect(scene.engine.submitStep(step, proof)).rejects.toThrow(code('AGENT_UNKNOWN'))
    }
    await expect(scene.engine.claim(held)).rejects.toThrow(code('ESCROW_HELD'))
  })

  test.for([
    { name: 'denies it', rule: 'then: deny', want: 'ESCROW_VOID' },
    { name: 'asks others too', rule: 'then: hold\n    route: board', want: 'ESCROW_VOID' },
    { name: 'says the same', rule: '', want: null },
  ])('and $name, when people release what is disputed -> $want', async ({ rule, want }) => {
    const scene = await openScene()
    const { engine, parts } = scene
    const held = await escrowed(scene)
    await accepted(scene, { escrow: [held] })
    const { step, signature } = await signed(scene, 'disputed')
    const { requests } = await engine.submitStep(step, { signature })
    const head = 'apiVersion: countersign/v1\nkind: Guardrails\nrules:\n'
    const on = `  - id: mail/never\n    on: { action: mail }\n    pattern: { path: payload.amount, above: 1 }\n    ${rule}\n`
    if (rule !== '') await arm(scene, { 'policies/guardrails/mail.yaml': `${head}${on}` })
    await reviewRequest(parts, requests[0] ?? '', { verdict: 'approve' }, await signerOf('ana'))
    if (want === null) expect(await engine.claim(held)).toHaveProperty('grant')
    else await expect(engine.claim(held)).rejects.toThrow(code(want))
    expect(await engine.delivery(DELIVERY)).toMatchObject({ state: 'ended' })
    expect(verifyLogFolder(join(scene.folder, 'log')).problems).toEqual([])
  })
})

test('what people changed and is then disputed runs once, as they changed it', async () => {
  const scene = await openScene()
  const { engine, parts } = scene
  const action = { agent: 'clerk', service: 'shop', action: 'refund', payload: { amount: 50 } }
  const { decision, request } = await engine.decide(action, { escrow: true })
  const patch = { verdict: 'patch', payload: { amount: 20 } } as const
  await reviewRequest(parts, String(request?.id), patch, await signerOf('ana'))
  await accepted(scene, { escrow: [decision] })
  const { step, signature } = await signed(scene, 'disputed')
  const { requests } = await engine.submitStep(step, { signature })
  await checkLog(scene)
  await reviewRequest(parts, requests[0] ?? '', { verdict: 'approve' }, await signerOf('ana'))
  const answer = await engine.claim(decision)
  expect(answer).toMatchObject({ payload: { amount: 20 } })
  expect(await engine.status(String(request?.id))).not.toHaveProperty('payload')
  await engine.redeem(answer.grant ?? '')
  await checkLog(scene)
})

test.for(['disputed', 'overdue'] as const)('people hear of what is %s', async (why) => {
  const told: string[] = []
  const notifier = {
    notify: async ({ kind, request }: NoticeEvent) => void told.push(`${kind} ${request.id}`),
  }
  const scene = await openScene({ notifier })
  await accepted(scene, { escrow: [await escrowed(scene)], deadlineMs: HOUR })
  if (why === 'disputed') {
    const { step, signature } = await signed(scene, why)
    await scene.engine.submitStep(step, { signature })
  } else {
    scene.wait(HOUR)
    await scene.engine.sweep()
  }
  const { escrow } = await scene.engine.delivery(DELIVERY)
  expect(told).toEqual([`held ${escrow[0]?.request}`])
})

test('what was erased cannot be held, since nobody could decide on it', async () => {
  const scene = await openScene()
  const held = await escrowed(scene)
  const said = { reason: 'asked for', dryRun: false, now: START }
  await eraseInputs({ data: scene.folder, who: { decision: held }, ...said })
  const decision = await allowed(scene)
  const begun = scene.engine.handoff({ decision, to: 'carrier', escrow: [held] })
  await expect(begun).rejects.toThrow(code('STORE_KEY_MISMATCH'))
  expect(await scene.engine.deliveries()).toEqual([])
})

test('of many deliveries, an agent is shown as many of its own as it asks for', async () => {
  const scene = await openScene()
  const { engine } = scene
  await accepted(scene)
  scene.wait(1)
  await engine.handoff({ decision: await allowed(scene, 'payer'), to: 'carrier', delivery: OTHER })
  const credential = { project: 'shop', agents: ['clerk'], role: 'agent' }
  const clerk = await openScene({ folder: scene.folder, credential })
  const list = await clerk.engine.deliveries(1)
  expect(list.map(({ delivery }) => delivery)).toEqual([DELIVERY])
  expect(await engine.deliveries(1)).toMatchObject([{ delivery: OTHER }])
})

test.for([
  { type: 'handoff', step: 193, want: 'DELIVERY_INVALID' },
  { type: 'outcome', step: 193, want: null },
  { type: 'outcome', step: 194, want: null },
] as const)('the $type that would be step $step -> $want', async ({ type, step, want }) => {
  const leaf = 'f'.repeat(64)
  const rows = [{ step: step - 1, index: 9, leaf }]
  const tx = { custody: { deliverySteps: async () => rows } } as unknown as StoreTransaction
  const place = { log: 'l', project: 'shop', delivery: DELIVERY }
  const state: DeliveryState = {
    ...{ ...place, step: step - 1, leaf, index: 9, at: START, giver: 'clerk', holder: 'carrier' },
    ...({ phase: 'accepted', to: null, outcomeBy: 'receiver', outcome: null } as const),
    ...{ held: [], deadline: null, mandates: null },
  }
  const next = { ...place, type, step, previous: leaf, previousAt: 9, agent: 'carrier' }
  const checked = checkNext(tx, state, { ...next, outcome: 'fulfilled' })
  if (want === null) await checked
  else await expect(checked).rejects.toThrow(code(want))
})
