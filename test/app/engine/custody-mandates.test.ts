import { describe, expect, test } from 'vitest'
import { bindMandates, checkMandates } from '../../../src/app/engine/custody-mandates.ts'
import type { JsonObject } from '../../../src/base/json-value.ts'
import {
  allowed,
  checkLog,
  code,
  DELIVERY,
  keySigner,
  OTHER,
  openScene,
  START,
} from './custody-support.ts'

const FROM = `0x${'A'.repeat(40)}`
const PAYEE = `0x${'b'.repeat(40)}`
const ASSET = `0x${'c'.repeat(40)}`
const PAYMENT = { amount: '1000', asset: ASSET, pay_to: PAYEE, network: 'base' }
const SOON = String(START / 1000 + 600)

/** An x402 payment payload with its requirements, as a facilitator is asked to verify one. */
function x402(authorization: JsonObject = {}, requirements: JsonObject = {}): JsonObject {
  return {
    x402Version: 1,
    paymentPayload: {
      ...{ x402Version: 1, scheme: 'exact', network: 'base' },
      payload: {
        signature: '0x01',
        authorization: {
          ...{ from: FROM, to: PAYEE, value: '1000', validAfter: '0', validBefore: SOON },
          nonce: `0x${'1'.repeat(64)}`,
          ...authorization,
        },
      },
    },
    paymentRequirements: {
      ...{
        scheme: 'exact',
        network: 'base',
        maxAmountRequired: '1000',
        asset: ASSET,
        payTo: PAYEE,
      },
      ...requirements,
    },
  }
}

describe('an x402 mandate', () => {
  test.for<{ name: string; document?: JsonObject; judged?: JsonObject; want: string | null }>([
    { name: 'that the judged payment covers', want: null },
    {
      name: 'in another case of letters',
      document: x402({ to: PAYEE.toUpperCase().replace('0X', '0x') }),
      want: null,
    },
    { name: 'of less', document: x402({ value: '1' }), want: null },
    {
      name: 'that states nothing which can be read',
      document: { scheme: 'upto', payload: { transaction: 'AA' } },
      want: 'MANDATE_INVALID',
    },
    {
      name: 'of requirements alone, in the place of a payment',
      document: { scheme: 'exact', maxAmountRequired: '9000', asset: PAYEE, payTo: FROM },
      want: 'MANDATE_INVALID',
    },
    {
      name: 'of another version, which states its amount elsewhere',
      document: {
        ...{ x402Version: 2, payload: { authorization: { value: '1' } } },
        accepted: { amount: '9000', asset: PAYEE, payTo: FROM },
      },
      want: 'MANDATE_INVALID',
    },
    {
      name: 'with a second payment beside the first',
      document: { ...x402(), payload: { authorization: { value: '9000' } } },
      want: 'MANDATE_INVALID',
    },
    {
      name: 'whose payer is no address',
      document: x402({ from: `${FROM} ` }),
      want: 'MANDATE_INVALID',
    },
    ...['01000', '1e3', '+1', ' 1', '1_000', '１０', '٣', '1\n', '9'.repeat(79), ''].map(
      (value) => ({
        name: `of ${JSON.stringify(value.slice(0, 9))} units`,
        document: x402({ value }),
        want: 'MANDATE_INVALID',
      }),
    ),
    {
      name: 'of more than was judged',
      judged: { payment: { ...PAYMENT, amount: '999' } },
      want: 'MANDATE_EXCEEDED',
    },
    {
      name: 'of more than its requirements',
      document: x402({ value: '1001' }),
      judged: { payment: { ...PAYMENT, amount: '2000' } },
      want: 'MANDATE_EXCEEDED',
    },
    { name: 'of a payment that was not judged', judged: {}, want: 'MANDATE_EXCEEDED' },
    {
      name: 'of another asset',
      judged: { payment: { ...PAYMENT, asset: PAYEE } },
      want: 'MANDATE_EXCEEDED',
    },
    {
      name: 'for another payee',
      judged: { payment: { ...PAYMENT, pay_to: FROM } },
      want: 'MANDATE_EXCEEDED',
    },
    {
      name: 'for another payee than its requirements',
      document: x402({ to: FROM }),
      judged: { payment: { ...PAYMENT, pay_to: FROM } },
      want: 'MANDATE_EXCEEDED',
    },
    {
      name: 'on another network',
      judged: { payment: { ...PAYMENT, network: 'polygon' } },
      want: 'MANDATE_EXCEEDED',
    },
    {
      name: 'that has expired',
      document: x402({ validBefore: String(START / 1000) }),
      want: 'MANDATE_EXPIRED',
    },
    {
      name: 'with two networks',
      document: x402({}, { network: 'polygon' }),
      want: 'MANDATE_INVALID',
    },
    { name: 'of a fraction', document: x402({ value: '1.5' }), want: 'MANDATE_INVALID' },
    { name: 'of less than nothing', document: x402({ value: '-1' }), want: 'MANDATE_INVALID' },
    {
      name: 'with an amount in hexadecimal',
      document: x402({ value: '0x10' }),
      want: 'MANDATE_INVALID',
    },
    {
      name: 'with a time that is none',
      document: x402({ validBefore: 'never' }),
      want: 'MANDATE_INVALID',
    },
    {
      name: 'judged in words',
      judged: { payment: { ...PAYMENT, amount: 'much' } },
      want: 'MANDATE_INVALID',
    },
  ])('$name -> $want', ({ document = x402(), judged = { payment: PAYMENT }, want }) => {
    const check = () => checkMandates([{ kind: 'x402', document }], judged, START)
    if (want === null) check()
    else expect(check).toThrow(code(want))
  })

  test('of the judged amount, beside another one of a unit -> MANDATE_EXCEEDED', () => {
    const both = (value: string) =>
      [x402(), x402({ value, nonce: `0x${'2'.repeat(64)}` })].map(
        (document) => ({ kind: 'x402', document }) as const,
      )
    checkMandates(both('0'), { payment: PAYMENT }, START)
    expect(() => checkMandates(both('1'), { payment: PAYMENT }, START)).toThrow(
      code('MANDATE_EXCEEDED'),
    )
  })

  test('is known by its nonce, whatever stands around it', () => {
    const [one] = bindMandates([{ kind: 'x402', document: x402() }])
    const elsewhere = x402()
    // The payer signs no name of a network.
    for (const name of ['paymentPayload', 'paymentRequirements']) {
      Object.assign(elsewhere[name] as JsonObject, { network: 'eip155:8453' })
    }
    for (const document of [x402({ value: '7' }), elsewhere]) {
      const [other] = bindMandates([{ kind: 'x402', document }])
      expect([one?.nonce, one?.sha256 === other?.sha256]).toEqual([other?.nonce, false])
    }
    expect(() => bindMandates([{ kind: 'x402', document: x402({ nonce: '0x1' }) }])).toThrow(
      code('MANDATE_INVALID'),
    )
    expect(() => bindMandates([{ kind: 'ap2', document: [] as never }])).toThrow(
      code('MANDATE_INVALID'),
    )
    const twice = { kind: 'ap2', document: { intent: 'x' } } as const
    expect(() => bindMandates([twice, twice])).toThrow(code('MANDATE_REPLAYED'))
  })
})

describe('a delivery under a mandate', () => {
  const mandates = [{ kind: 'x402', document: x402() }] as const
  const more = { payment: PAYMENT }

  test('carries it in every step, and keeps it sealed', async () => {
    const scene = await openScene()
    const decision = await allowed(scene, 'clerk', 'carrier', more)
    await scene.engine.handoff({ decision, to: 'carrier', delivery: DELIVERY, mandates })
    const signer = await keySigner()
    await scene.engine.acceptHandoff({ delivery: DELIVERY, agent: 'carrier', mandates, signer })
    const { chain } = await scene.engine.delivery(DELIVERY)
    expect(chain.map(({ step }) => step.mandates)).toEqual([
      bindMandates(mandates),
      bindMandates(mandates),
    ])
    const receipts = await scene.parts.store.receipts(0, 100)
    expect(Buffer.concat(receipts).toString()).not.toContain('0x1111')
    await checkLog(scene)
  })

  test.for([
    { name: 'another one later', want: 'MANDATE_CHANGED' },
    { name: 'the same in another delivery', want: 'MANDATE_REPLAYED' },
    { name: 'its nonce in another delivery', want: 'MANDATE_REPLAYED' },
    { name: 'more than was judged', want: 'MANDATE_EXCEEDED' },
    { name: 'none of the documents that the step names', want: 'MANDATE_INVALID' },
  ])('$name -> $want', async ({ name, want }) => {
    const scene = await openScene()
    const { engine } = scene
    const begin = async (delivery: string, document: JsonObject, judged: object = more) =>
      engine.handoff({
        ...{
          decision: await allowed(scene, 'clerk', 'carrier', { ...judged }),
          to: 'carrier',
          delivery,
        },
        mandates: [{ kind: 'x402', document }],
      })
    await begin(DELIVERY, x402())
    const tries: Record<string, () => Promise<unknown>> = {
      'another one later': async () =>
        engine.acceptHandoff({
          delivery: DELIVERY,
          agent: 'carrier',
          signer: await keySigner(),
          mandates: [{ kind: 'ap2', document: { a: 1 } }],
        }),
      'the same in another delivery': () => begin(OTHER, x402()),
      'its nonce in another delivery': () => begin(OTHER, x402({ value: '7' })),
      'more than was judged': () =>
        begin(OTHER, x402({ nonce: `0x${'2'.repeat(64)}` }), {
          payment: { ...PAYMENT, amount: '1' },
        }),
      'none of the documents that the step names': async () => {
        const decision = await allowed(scene, 'clerk', 'carrier', more)
        const document = x402({ nonce: `0x${'3'.repeat(64)}` })
        const { step } = await engine.draftStep({
          type: 'handoff',
          decision,
          to: 'carrier',
          mandates: [{ kind: 'x402', document }],
        })
        await engine.submitStep(step)
      },
    }
    await expect(tries[name]?.()).rejects.toThrow(code(want))
    await checkLog(scene)
  })
})
