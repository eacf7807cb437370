import { describe, expect, test } from 'vitest'
import { reviewRequest } from '../../../src/app/approvals/review.ts'
import type { CustodyStep } from '../../../src/model/generated/types.ts'
import { signerOf } from '../support.ts'
import {
  accepted,
  allowed,
  CARRIER,
  checkLog,
  code,
  DELIVERY,
  escrowed,
  HOUR,
  keySigner,
  OTHER,
  openScene,
  STRANGER,
} from './custody-support.ts'

// Deliveries of a real engine, on a real store, their log verified.

describe('a delivery', () => {
  test('goes from hand to hand, each step signed by the agent or vouched for', async () => {
    const scene = await openScene()
    const { engine } = scene
    await accepted(scene)
    const signer = await keySigner()
    const on = await allowed(scene, 'carrier', 'payer')
    await engine.handoff({ decision: on, to: 'payer', delivery: DELIVERY, signer })
    await engine.acceptHandoff({ delivery: DELIVERY, agent: 'payer' })
    const end = await engine.recordOutcome({
      delivery: DELIVERY,
      agent: 'payer',
      outcome: 'fulfilled',
    })
    expect(end).toMatchObject({ step: 5, state: 'ended', outcome: 'fulfilled', requests: [] })
    const { chain, ...summary } = await engine.delivery(DELIVERY)
    expect(summary).toMatchObject({ state: 'ended', giver: 'clerk', holder: 'payer', steps: 5 })
    expect(chain.map(({ step, by }) => [step.type, step.agent, by])).toEqual([
      ['handoff', 'clerk', 'engine'],
      ['accept', 'carrier', CARRIER.fingerprint],
      ['handoff', 'carrier', CARRIER.fingerprint],
      ['accept', 'payer', 'engine'],
      ['outcome', 'payer', 'engine'],
    ])
    for (const [at, { step, receipt }] of chain.entries()) {
      const before = chain[at - 1]?.receipt
      expect([step.previous, step.previousAt]).toEqual([before?.leaf_hash, before?.index])
      expect(receipt.index).toBeGreaterThan(0)
    }
    const report = await checkLog(scene)
    expect(report.receipts).toMatchObject({
      'custody handoff': 2,
      'custody accept': 2,
      'custody outcome': 1,
    })
    expect(report.proven.join('\n')).toContain('each of 1 deliveries is one unbroken chain')
    expect(report.not_proven.join('\n')).toContain('that 3 custody steps were the agents')
  })

  test('is disputed, and then ends otherwise, where it holds nothing', async () => {
    const scene = await openScene()
    await accepted(scene)
    const signer = await keySigner()
    const say = (agent: string, outcome: 'disputed' | 'fulfilled' | 'failed') =>
      scene.engine.recordOutcome({
        ...{ delivery: DELIVERY, agent, outcome },
        ...(agent === 'carrier' ? { signer } : {}),
      })
    expect(await say('clerk', 'disputed')).toMatchObject({ state: 'disputed' })
    await expect(say('clerk', 'disputed')).rejects.toThrow(code('CUSTODY_REPEATED'))
    expect(await say('carrier', 'fulfilled')).toMatchObject({ state: 'ended' })
    await checkLog(scene)
  })

  test('under an approval of people binds what they left', async () => {
    const scene = await openScene()
    const { engine, parts } = scene
    const payload = { to: 'carrier', parcel: 'p-1' }
    const held = await engine.decide({
      agent: 'clerk',
      service: 'handoff',
      action: 'review',
      payload,
    })
    const begin = () =>
      engine.handoff({ decision: held.decision, to: 'carrier', delivery: DELIVERY })
    await expect(begin()).rejects.toThrow(code('CUSTODY_UNBOUND'))
    const patch = { verdict: 'patch', payload: { to: 'carrier', parcel: 'p-2' } } as const
    await reviewRequest(parts, String(held.request?.id), patch, await signerOf('ana'))
    const taken = await begin()
    expect(taken).toMatchObject({ step: 1, state: 'handed' })
    const { chain } = await engine.delivery(DELIVERY)
    expect(chain[0]?.step.root).not.toBe(held.root)
    await checkLog(scene)
  })
})

describe('a step is refused', () => {
  type Row = {
    readonly name: string
    readonly want: string
    /** What is tried; after `accepted` unless it says otherwise. */
    readonly fresh?: true
    readonly act: (scene: Awaited<ReturnType<typeof openScene>>) => Promise<unknown>
  }
  const handoff = async (scene: Parameters<Row['act']>[0], more: object = {}) =>
    scene.engine.handoff({
      decision: await allowed(scene),
      to: 'carrier',
      delivery: OTHER,
      ...more,
    })
  const rows: readonly Row[] = [
    {
      name: 'an acceptance of nothing',
      fresh: true,
      want: 'DELIVERY_UNKNOWN',
      act: ({ engine }) => engine.acceptHandoff({ delivery: OTHER, agent: 'payer' }),
    },
    {
      name: 'a second acceptance',
      want: 'CUSTODY_REPEATED',
      act: async ({ engine }) =>
        engine.acceptHandoff({ delivery: DELIVERY, agent: 'carrier', signer: await keySigner() }),
    },
    {
      name: 'an acceptance when nothing was handed on',
      want: 'CUSTODY_OUT_OF_ORDER',
      act: ({ engine }) => engine.acceptHandoff({ delivery: DELIVERY, agent: 'payer' }),
    },
    {
      name: 'an acceptance by another agent',
      fresh: true,
      want: 'CUSTODY_WRONG_AGENT',
      act: async (scene) => {
        await handoff(scene)
        await scene.engine.acceptHandoff({ delivery: OTHER, agent: 'payer' })
      },
    },
    {
      name: 'an outcome before the acceptance',
      fresh: true,
      want: 'CUSTODY_OUT_OF_ORDER',
      act: async (scene) => {
        await handoff(scene)
        await scene.engine.recordOutcome({ delivery: OTHER, agent: 'clerk', outcome: 'disputed' })
      },
    },
    {
      name: 'an outcome by a third agent',
      want: 'CUSTODY_WRONG_AGENT',
      act: ({ engine }) =>
        engine.recordOutcome({ delivery: DELIVERY, agent: 'payer', outcome: 'disputed' }),
    },
    {
      name: '`fulfilled` by the giver',
      want: 'CUSTODY_WRONG_AGENT',
      act: ({ engine }) =>
        engine.recordOutcome({ delivery: DELIVERY, agent: 'clerk', outcome: 'fulfilled' }),
    },
    {
      name: 'an outcome after the end',
      want: 'CUSTODY_ENDED',
      act: async ({ engine }) => {
        const signer = await keySigner()
        await engine.recordOutcome({
          delivery: DELIVERY,
          agent: 'carrier',
          outcome: 'fulfilled',
          signer,
        })
        await engine.recordOutcome({ delivery: DELIVERY, agent: 'clerk', outcome: 'disputed' })
      },
    },
    {
      name: 'an unsigned step of an agent with a key',
      want: 'CUSTODY_UNSIGNED',
      act: ({ engine }) =>
        engine.recordOutcome({ delivery: DELIVERY, agent: 'carrier', outcome: 'failed' }),
    },
    {
      name: 'a step that a stranger signed',
      want: 'KEY_NOT_PINNED',
      act: async ({ engine }) =>
        engine.recordOutcome({
          delivery: DELIVERY,
          agent: 'carrier',
          outcome: 'failed',
          signer: await keySigner(STRANGER),
        }),
    },
    {
      name: 'a signed step of an agent without a key',
      want: 'KEY_NOT_PINNED',
      act: async ({ engine }) =>
        engine.recordOutcome({
          delivery: DELIVERY,
          agent: 'clerk',
          outcome: 'disputed',
          signer: await keySigner(),
        }),
    },
    {
      name: 'a signature over another step',
      want: 'SIGNATURE_WRONG',
      act: async ({ engine }) => {
        const input = { type: 'outcome', delivery: DELIVERY, agent: 'carrier' } as const
        const failed = await engine.draftStep({ ...input, outcome: 'failed' })
        const { step } = await engine.draftStep({ ...input, outcome: 'fulfilled' })
        const signature = await (await keySigner()).sign(
          new TextEncoder().encode(failed.statement),
          'countersign-custody',
        )
        await engine.submitStep(step, { signature })
      },
    },
    {
      name: 'a signature for another purpose',
      want: 'SIGNATURE_NAMESPACE',
      act: async ({ engine }) => {
        const { step, statement } = await engine.draftStep({
          type: 'outcome',
          delivery: DELIVERY,
          agent: 'carrier',
          outcome: 'failed',
        })
        const signature = await (await keySigner()).sign(new TextEncoder().encode(statement))
        await engine.submitStep(step, { signature })
      },
    },
    {
      name: 'another previous hash',
      want: 'CUSTODY_UNLINKED',
      act: async ({ engine }) => {
        const { step } = await engine.draftStep({
          type: 'outcome',
          delivery: DELIVERY,
          agent: 'clerk',
          outcome: 'disputed',
        })
        await engine.submitStep({ ...step, previous: 'f'.repeat(64) })
      },
    },
    {
      name: 'another previous index',
      want: 'CUSTODY_UNLINKED',
      act: async ({ engine }) => {
        const { step } = await engine.draftStep({
          type: 'outcome',
          delivery: DELIVERY,
          agent: 'clerk',
          outcome: 'disputed',
        })
        await engine.submitStep({ ...step, previousAt: 1 })
      },
    },
    {
      name: 'a later number',
      want: 'CUSTODY_OUT_OF_ORDER',
      act: async ({ engine }) => {
        const { step } = await engine.draftStep({
          type: 'outcome',
          delivery: DELIVERY,
          agent: 'clerk',
          outcome: 'disputed',
        })
        await engine.submitStep({ ...step, step: step.step + 1 })
      },
    },
    {
      name: 'for another log',
      want: 'CUSTODY_UNLINKED',
      act: async ({ engine }) => {
        const { step } = await engine.draftStep({
          type: 'outcome',
          delivery: DELIVERY,
          agent: 'clerk',
          outcome: 'disputed',
        })
        await engine.submitStep({ ...step, log: 'other.test/log' })
      },
    },
    {
      name: 'a second successor of a step',
      want: 'CUSTODY_FORKED',
      act: async ({ engine }) => {
        const input = { type: 'outcome', delivery: DELIVERY, agent: 'clerk' } as const
        const { step } = await engine.draftStep({ ...input, outcome: 'disputed' })
        await engine.submitStep(step)
        await engine.submitStep({ ...step, outcome: 'failed' })
      },
    },
    {
      name: 'the same step again',
      want: 'CUSTODY_REPEATED',
      act: async ({ engine }) => {
        const { step } = await engine.draftStep({
          type: 'outcome',
          delivery: DELIVERY,
          agent: 'clerk',
          outcome: 'disputed',
        })
        await engine.submitStep(step)
        await engine.submitStep(step)
      },
    },
    {
      name: 'one of the engine’s own',
      want: 'CUSTODY_WRONG_AGENT',
      act: async ({ engine }) => {
        const { step } = await engine.draftStep({
          type: 'outcome',
          delivery: DELIVERY,
          agent: 'clerk',
          outcome: 'disputed',
        })
        const { outcome: _outcome, ...rest } = step
        const held = [{ decision: 'dec_1', decidedAt: 1 }]
        await engine.submitStep({ ...rest, type: 'release', held } as CustodyStep)
      },
    },
    {
      name: 'something that is no step',
      want: 'DELIVERY_INVALID',
      act: ({ engine }) => engine.submitStep({ type: 'accept' } as never),
    },
    {
      name: 'an id that is no UUID',
      fresh: true,
      want: 'DELIVERY_INVALID',
      act: (scene) => handoff(scene, { delivery: 'd-1' }),
    },
    {
      name: 'a decision that was used',
      want: 'CUSTODY_REPEATED',
      fresh: true,
      act: async (scene) => {
        const decision = await allowed(scene)
        await scene.engine.handoff({ decision, to: 'carrier', delivery: DELIVERY })
        await scene.engine.handoff({ decision, to: 'carrier', delivery: OTHER })
      },
    },
    {
      name: 'a delivery that has begun, begun again',
      want: 'CUSTODY_REPEATED',
      act: (scene) => handoff(scene, { delivery: DELIVERY, outcomeBy: 'giver' }),
    },
    {
      name: 'a handoff by who does not have it',
      want: 'CUSTODY_WRONG_AGENT',
      act: (scene) => handoff(scene, { delivery: DELIVERY }),
    },
    {
      name: 'a denied handoff',
      fresh: true,
      want: 'CUSTODY_UNBOUND',
      act: async ({ engine }) => {
        const { decision } = await engine.decide({
          agent: 'clerk',
          service: 'handoff',
          action: 'secret',
          payload: { to: 'carrier' },
        })
        await engine.handoff({ decision, to: 'carrier' })
      },
    },
    {
      name: 'a decision that there is none of',
      fresh: true,
      want: 'CUSTODY_UNBOUND',
      act: ({ engine }) => engine.handoff({ decision: 'dec_none', to: 'carrier' }),
    },
    {
      name: 'a step as its decision',
      want: 'CUSTODY_UNBOUND',
      act: ({ engine }) => engine.handoff({ decision: `cus_${DELIVERY}.1`, to: 'carrier' }),
    },
    {
      name: 'another agent than was judged',
      fresh: true,
      want: 'CUSTODY_UNBOUND',
      act: (scene) => handoff(scene, { to: 'payer' }),
    },
    {
      name: 'another delivery than was judged',
      fresh: true,
      want: 'CUSTODY_UNBOUND',
      act: async (scene) => {
        const decision = await allowed(scene, 'clerk', 'carrier', { delivery: DELIVERY })
        await scene.engine.handoff({ decision, to: 'carrier', delivery: OTHER })
      },
    },
    {
      name: 'another root than was judged',
      fresh: true,
      want: 'CUSTODY_UNBOUND',
      act: (scene) => handoff(scene, { root: `sha256:${'0'.repeat(64)}` }),
    },
    {
      name: 'the decision of another agent',
      fresh: true,
      want: 'CUSTODY_UNBOUND',
      act: async (scene) => {
        const { step } = await scene.engine.draftStep({
          type: 'handoff',
          decision: await allowed(scene),
          to: 'carrier',
        })
        await scene.engine.submitStep({ ...step, agent: 'payer' })
      },
    },
    {
      name: 'an agent that the policy does not know',
      fresh: true,
      want: 'AGENT_UNKNOWN',
      act: async (scene) =>
        scene.engine.handoff({ decision: await allowed(scene, 'clerk', 'nobody'), to: 'nobody' }),
    },
    {
      name: 'a handoff to itself',
      fresh: true,
      want: 'CUSTODY_WRONG_AGENT',
      act: async (scene) =>
        scene.engine.handoff({ decision: await allowed(scene, 'clerk', 'clerk'), to: 'clerk' }),
    },
    {
      name: 'what was not put into escrow',
      fresh: true,
      want: 'ESCROW_INVALID',
      act: async (scene) => {
        const { decision } = await scene.engine.decide({
          agent: 'clerk',
          service: 'shop',
          action: 'mail',
          payload: { text: 'x' },
        })
        await handoff(scene, { escrow: [decision] })
      },
    },
    {
      name: 'what another delivery holds',
      fresh: true,
      want: 'ESCROW_INVALID',
      act: async (scene) => {
        const escrow = [await escrowed(scene)]
        await handoff(scene, { escrow })
        await handoff(scene, { escrow, delivery: DELIVERY })
      },
    },
    {
      name: 'a handoff under a decision in escrow',
      fresh: true,
      want: 'ESCROW_HELD',
      act: async ({ engine }) => {
        const action = {
          agent: 'clerk',
          service: 'handoff',
          action: 'payment',
          payload: { to: 'carrier' },
        }
        const { decision } = await engine.decide(action, { escrow: true })
        await engine.handoff({ decision, to: 'carrier' })
      },
    },
    {
      name: 'no time to end',
      fresh: true,
      want: 'ESCROW_INVALID',
      act: async (scene) => handoff(scene, { escrow: [await escrowed(scene)], deadlineMs: 0 }),
    },
  ]
  test.for(rows)('$name -> $want', async ({ act, want, fresh }) => {
    const scene = await openScene()
    if (fresh === undefined) await accepted(scene)
    await expect(act(scene)).rejects.toThrow(code(want))
    await checkLog(scene)
  })

  test('an agent of another credential -> AGENT_NOT_OWNED, and it sees nothing', async () => {
    const scene = await openScene()
    await accepted(scene)
    const credential = { project: 'shop', agents: ['payer'], role: 'agent' }
    const { engine } = await openScene({ folder: scene.folder, credential })
    const forged = { delivery: DELIVERY, agent: 'clerk', outcome: 'disputed' } as const
    await expect(engine.recordOutcome(forged)).rejects.toThrow(code('AGENT_NOT_OWNED'))
    await expect(engine.delivery(DELIVERY)).rejects.toThrow(code('DELIVERY_UNKNOWN'))
    expect(await engine.deliveries()).toEqual([])
  })
})

test('of two that race, one takes the step', async () => {
  const scene = await openScene()
  await accepted(scene)
  const other = await openScene({ folder: scene.folder })
  const input = { type: 'outcome', delivery: DELIVERY, agent: 'clerk' } as const
  const { step } = await scene.engine.draftStep({ ...input, outcome: 'disputed' })
  const tries = [scene, other, scene, other].map(({ engine }, at) =>
    engine.submitStep(at % 2 === 0 ? step : { ...step, outcome: 'failed' }),
  )
  const ended = await Promise.allSettled(tries)
  const codes = ended.map((one) => (one.status === 'fulfilled' ? 'taken' : one.reason.code))
  expect(codes.filter((one) => one === 'taken').length).toBeLessThanOrEqual(1)
  for (const one of codes)
    expect(['taken', 'CUSTODY_FORKED', 'CUSTODY_REPEATED', 'CUSTODY_WRONG_AGENT']).toContain(one)
  await checkLog(scene)
})

describe('what is held in escrow', () => {
  const outcome = async (
    scene: Awaited<ReturnType<typeof openScene>>,
    said: 'fulfilled' | 'failed' | 'disputed',
  ) =>
    scene.engine.recordOutcome({
      delivery: DELIVERY,
      agent: 'carrier',
      outcome: said,
      signer: await keySigner(),
    })

  test('runs once, after `fulfilled`, and not before', async () => {
    const scene = await openScene()
    const { engine } = scene
    const held = await escrowed(scene)
    await accepted(scene, { escrow: [held] })
    await expect(engine.claim(held)).rejects.toThrow(code('ESCROW_HELD'))
    scene.wait(HOUR)
    expect(await outcome(scene, 'fulfilled')).toMatchObject({ state: 'ended' })
    const answer = await engine.claim(held)
    expect(answer).toMatchObject({ status: 'ALLOWED', payload: { text: 'pay', amount: 5 } })
    await engine.redeem(answer.grant ?? '')
    await expect(engine.redeem(answer.grant ?? '')).rejects.toThrow(code('GRANT_REPLAYED'))
    const report = await checkLog(scene)
    expect(report.receipts).toMatchObject({ 'custody release': 1, 'execution redeemed': 1 })
  })

  test('never runs after `failed`', async () => {
    const scene = await openScene()
    const held = await escrowed(scene)
    await accepted(scene, { escrow: [held] })
    await outcome(scene, 'failed')
    await expect(scene.engine.claim(held)).rejects.toThrow(code('ESCROW_VOID'))
    expect((await checkLog(scene)).receipts).toMatchObject({ 'custody refund': 1 })
  })

  test.for([
    { verdict: 'approve', want: 'APPROVED', receipt: 'custody release' },
    { verdict: 'reject', want: 'REJECTED', receipt: 'custody refund' },
  ] as const)(
    'is put to people when disputed: $verdict -> $receipt',
    async ({ verdict, want, receipt }) => {
      const scene = await openScene()
      const { engine, parts } = scene
      const held = await escrowed(scene)
      await accepted(scene, { escrow: [held] })
      const { requests, state } = await outcome(scene, 'disputed')
      expect([state, requests.length]).toEqual(['asked', 1])
      const pending = await engine.claim(held)
      expect(pending).toMatchObject({ status: 'PENDING', request: requests[0] })
      expect(pending).not.toHaveProperty('payload')
      await expect(outcome(scene, 'fulfilled')).rejects.toThrow(code('CUSTODY_OUT_OF_ORDER'))
      await reviewRequest(parts, requests[0] ?? '', { verdict }, await signerOf('ana'))
      if (verdict === 'approve') {
        const answer = await engine.claim(held)
        expect(answer).toMatchObject({ status: want, payload: { amount: 5 } })
        await engine.redeem(answer.grant ?? '')
      } else await expect(engine.claim(held)).rejects.toThrow(code('ESCROW_VOID'))
      expect(await engine.delivery(DELIVERY)).toMatchObject({ state: 'ended', outcome: 'disputed' })
      expect((await checkLog(scene)).receipts).toMatchObject({
        [receipt]: 1,
        'custody escalate': 1,
      })
    },
  )

  test.for(['sweep', 'outcome'] as const)(
    'is put to people when it is overdue, seen by %s',
    async (how) => {
      const scene = await openScene()
      const held = await escrowed(scene)
      await accepted(scene, { escrow: [held], deadlineMs: HOUR })
      scene.wait(HOUR)
      if (how === 'sweep') await scene.engine.sweep()
      else await expect(outcome(scene, 'fulfilled')).rejects.toThrow(code('CUSTODY_OUT_OF_ORDER'))
      const { state, escrow } = await scene.engine.delivery(DELIVERY)
      expect([state, escrow[0]?.state]).toEqual(['asked', 'asked'])
      await checkLog(scene)
    },
  )

  test('that nobody looks at in time is refunded', async () => {
    const scene = await openScene()
    const held = await escrowed(scene)
    await accepted(scene, { escrow: [held] })
    await outcome(scene, 'disputed')
    scene.wait(2 * HOUR)
    await scene.engine.sweep()
    await expect(scene.engine.claim(held)).rejects.toThrow(code('ESCROW_VOID'))
    await checkLog(scene)
  })

  test('gives a guarded tool nothing to run', async () => {
    const { engine } = await openScene()
    const payload = { text: 'x' }
    const action = { agent: 'clerk', service: 'shop', action: 'mail' } as const
    await engine.decide({ ...action, payload }, { escrow: true, idempotencyKey: 'k' })
    let ran = 0
    const tool = engine.guard(
      () => {
        ran += 1
      },
      { ...action, idempotencyKey: () => 'k' },
    )
    await expect(tool(payload)).rejects.toThrow(code('ESCROW_HELD'))
    const answer = await engine.ask({ ...action, payload }, { idempotencyKey: 'k' })
    expect(answer).toMatchObject({ status: 'ESCROWED' })
    expect([answer.payload, answer.grant, ran]).toEqual([undefined, undefined, 0])
  })

  test('after people approved it, is held back from `status` too', async () => {
    const scene = await openScene()
    const { engine, parts } = scene
    const action = { agent: 'clerk', service: 'shop', action: 'refund', payload: { amount: 50 } }
    const { decision, request } = await engine.decide(action, { escrow: true })
    await reviewRequest(parts, String(request?.id), { verdict: 'approve' }, await signerOf('ana'))
    const answer = await engine.status(String(request?.id))
    expect(answer).toMatchObject({ status: 'ESCROWED' })
    expect([answer.payload, answer.grant]).toEqual([undefined, undefined])
    await accepted(scene, { escrow: [decision] })
    await outcome(scene, 'fulfilled')
    const claimed = await engine.claim(decision)
    expect(claimed).toMatchObject({ status: 'APPROVED', payload: { amount: 50 } })
    await engine.redeem(claimed.grant ?? '')
    await checkLog(scene)
  })

  test('of a key that came without escrow before is refused', async () => {
    const { engine } = await openScene()
    const action = { agent: 'clerk', service: 'shop', action: 'mail', payload: { text: 'x' } }
    await engine.decide(action, { idempotencyKey: 'k' })
    const again = engine.decide(action, { idempotencyKey: 'k', escrow: true })
    await expect(again).rejects.toThrow(code('IDEMPOTENCY_CONFLICT'))
  })
})
