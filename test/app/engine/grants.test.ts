import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { reviewRequest } from '../../../src/app/approvals/review.ts'
import { openJudge } from '../../../src/app/engine/judge.ts'
import { findReceipt, listReceipts, verifyLogFolder } from '../../../src/app/receipts/receipts.ts'
import { fromUtf8 } from '../../../src/base/digest.ts'
import type { ExecutionReceipt, Outcome } from '../../../src/model/generated/types.ts'
import { writeBundle } from '../../../src/policy/bundle/index.ts'
import { openGrant, verifyGrant } from '../../../src/trust/verify/grant.ts'
import { createMemoryLedger } from '../../../src/trust/verify/grant-ledger.ts'
import { bundleOf, type Opened, openTest, signerOf, temporaryFolder } from '../support.ts'

// Grants of a real engine: made, checked by a tool, redeemed, reported on, and their receipts verified.

const HEAD = 'apiVersion: countersign/v1\nkind: '
const PROJECT = {
  'countersign.yaml': `${HEAD}Project\nproject: shop\ndefaults: { low: allow, medium: allow, high: hold, critical: deny }\ngrants: { lifetime: 60s }\n`,
}
const bundle = await bundleOf(PROJECT)
const START = Date.parse('2026-03-01T10:00:00Z')

const mail = {
  agent: 'clerk',
  service: 'shop',
  action: 'mail',
  payload: { text: 'card 4111111111111111', to: 'u-1' },
} as const
const refund = {
  agent: 'clerk',
  service: 'shop',
  action: 'refund',
  payload: { amount: 50, to: 'u-1' },
} as const

async function openWith(options: Parameters<typeof openTest>[0] = {}) {
  let now = START
  const opened = await openTest({ bundle, clock: () => now, ...options })
  return {
    ...opened,
    wait: (ms: number) => {
      now += ms
    },
    now: () => now,
  }
}

async function receiptOf({ parts }: Opened, index: number): Promise<ExecutionReceipt> {
  const [bytes] = await parts.store.receipts(index, 1)
  return JSON.parse(fromUtf8(bytes ?? new Uint8Array())) as ExecutionReceipt
}

function checkLog({ folder }: Opened) {
  const report = verifyLogFolder(join(folder, 'log'))
  expect(report.problems).toEqual([])
  return report
}

const forbidden = (code: string) => expect.objectContaining({ code })

describe('a grant', () => {
  test('of an allowed action is for the payload after obligations, and a tool takes it once', async () => {
    const { engine, now } = await openWith()
    const outcome = await engine.decide(mail)
    expect(outcome.payload).toEqual({ text: '[redacted]', to: 'u-1' })
    const context = {
      jwks: engine.jwks(),
      audience: 'shop',
      tool: { service: 'shop', action: 'mail' },
      ledger: createMemoryLedger(),
      now: now(),
    }
    const grant = outcome.grant ?? ''
    expect(() => verifyGrant(grant, { ...context, payload: mail.payload })).toThrow(
      forbidden('GRANT_UNBOUND'),
    )
    const payload = outcome.payload as typeof mail.payload
    const claims = verifyGrant(grant, { ...context, payload })
    expect(claims).toMatchObject({
      iss: 'countersign.local/shop',
      sub: 'clerk',
      decision: outcome.decision,
      exp: START / 1000 + 60,
    })
    expect(() => verifyGrant(grant, { ...context, payload })).toThrow(forbidden('GRANT_REPLAYED'))
    expect(JSON.stringify(claims)).not.toContain('u-1')
  })

  test.for([
    { name: 'a denied action', action: { ...refund, action: 'delete' } },
    { name: 'a held action', action: refund },
  ])('$name has none', async ({ action }) => {
    const { engine } = await openWith()
    expect((await engine.decide(action)).grant).toBeUndefined()
  })

  test('nor has a result, or any action of a project that makes none', async () => {
    const { engine } = await openWith()
    const result = { ...mail, phase: 'result', result: 'sent' } as const
    expect(await engine.decide(result)).not.toHaveProperty('grant')
    const plain = await openTest()
    expect(await plain.engine.decide(mail)).not.toHaveProperty('grant')
  })

  test('of an approved and patched action is for what people left', async () => {
    const opened = await openWith()
    const { engine, parts } = opened
    const { request } = await engine.defer(refund)
    expect(await engine.status(String(request))).not.toHaveProperty('grant')
    const patched = { amount: 20, to: 'u-1' }
    await reviewRequest(
      parts,
      String(request),
      { verdict: 'patch', payload: patched },
      await signerOf('ana'),
    )
    opened.wait(600_000)
    const answer = await engine.status(String(request))
    const claims = openGrant(answer.grant ?? '', engine.jwks())
    // Its time begins with the answer, not with the approval.
    expect(claims).toMatchObject({ request, iat: START / 1000 + 600 })
    const executed = await engine.redeem(answer.grant ?? '', { payload: patched })
    const receipt = await receiptOf(opened, executed.receipt.index)
    expect(receipt.predicate).toMatchObject({ request, grant: claims.jti, stage: 'redeemed' })
    expect(checkLog(opened).receipts).toMatchObject({
      APPROVED_WITH_MODIFICATIONS: 1,
      'execution redeemed': 1,
    })
  })

  test('of an approved action that is asked for twice at once is the same', async () => {
    const { engine, parts } = await openWith()
    const { request } = await engine.defer(refund)
    await reviewRequest(parts, String(request), { verdict: 'approve' }, await signerOf('ana'))
    const answers = await Promise.all([1, 2, 3].map(() => engine.status(String(request))))
    expect(new Set(answers.map(({ grant }) => grant)).size).toBe(1)
    expect(answers[0]?.grant).toBeDefined()
  })

  test('of a rejected request there is none', async () => {
    const { engine, parts } = await openWith()
    const { request } = await engine.defer(refund)
    await reviewRequest(parts, String(request), { verdict: 'reject' }, await signerOf('ana'))
    expect(await engine.status(String(request))).not.toHaveProperty('grant')
  })

  test('is one for each decision: asked again it is the same, and does not begin anew', async () => {
    const { engine, wait } = await openWith()
    const ask = async () => (await engine.decide(mail, { idempotencyKey: 'one' })).grant
    const first = await ask()
    wait(30_000)
    expect(await ask()).toBe(first)
    wait(30_000)
    expect(await ask()).toBeUndefined()
    const { engine: other } = await openWith()
    const used = await other.decide(mail, { idempotencyKey: 'one' })
    await other.redeem(used.grant ?? '')
    expect(await other.decide(mail, { idempotencyKey: 'one' })).not.toHaveProperty('grant')
  })

  test('is for the clear values that a tool gets in the place of tokens, which it tells nobody', async () => {
    const tools = `${HEAD}Tools\nservice: shop\ntools:\n  mail: { effect: write, detokenise: [payload.text] }\n  refund: { effect: write }\n`
    const rules = `${HEAD}Guardrails\nrules:\n  - id: mail/tokens\n    on: { action: mail }\n    then: tokenise\n    tokenise: [payload.text]\n`
    const own = await bundleOf({
      ...PROJECT,
      'policies/tools/shop.yaml': tools,
      'policies/guardrails/refunds.yaml': rules,
    })
    const opened = await openWith({ bundle: own })
    const { grant = '', payload } = await opened.engine.decide(mail)
    expect(payload).toEqual(mail.payload)
    const { receipt } = await opened.engine.redeem(grant, { payload: mail.payload })
    const text = JSON.stringify(await receiptOf(opened, receipt.index))
    expect(text + JSON.stringify(openGrant(grant, opened.engine.jwks()))).not.toContain('4111')
  })

  test('has the audience of its tool', async () => {
    const tools = `${HEAD}Tools\nservice: shop\naudience: https://shop.test\ntools:\n  read_order: { effect: read }\n  refund: { effect: irreversible, priority: high }\n  delete: { effect: irreversible, priority: critical }\n  mail: { effect: write, audience: https://mail.test }\n`
    const own = await bundleOf({ ...PROJECT, 'policies/tools/shop.yaml': tools })
    const { engine } = await openWith({ bundle: own })
    const audienceOf = async (action: string) =>
      openGrant((await engine.decide({ ...mail, action })).grant ?? '', engine.jwks()).aud
    expect(await audienceOf('mail')).toBe('https://mail.test')
    expect(await audienceOf('read_order')).toBe('https://shop.test')
  })
})

describe('redeeming', () => {
  test('writes a receipt of the execution, once, and holds no clear value', async () => {
    const opened = await openWith()
    const { grant = '', decision, receipt } = await opened.engine.decide(mail)
    const executed = await opened.engine.redeem(grant, { result: { id: 'm-77' } })
    expect(executed).toMatchObject({ decision, execution: expect.stringMatching(/^exe_/) })
    const { predicate, subject } = await receiptOf(opened, executed.receipt.index)
    expect(predicate).toMatchObject({ stage: 'redeemed', decision, decidedAt: receipt.index })
    expect(predicate.reportRoot).toMatch(/^sha256:/)
    expect(`sha256:${subject[0]?.digest.sha256}`).toBe(openGrant(grant, opened.engine.jwks()).root)
    expect(JSON.stringify(predicate)).not.toMatch(/m-77|u-1|redacted/)
    await expect(opened.engine.redeem(grant)).rejects.toThrow(forbidden('GRANT_REPLAYED'))
    expect(checkLog(opened).receipts).toMatchObject({ 'execution redeemed': 1 })
  })

  test('of two at once one is taken', async () => {
    const { engine } = await openWith()
    const { grant = '' } = await engine.decide(mail)
    const ends = await Promise.allSettled([engine.redeem(grant), engine.redeem(grant)])
    expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  })

  test.for<{
    name: string
    code: string
    redeem: (opened: Awaited<ReturnType<typeof openWith>>, grant: string) => Promise<unknown>
  }>([
    {
      name: 'after its end',
      code: 'GRANT_EXPIRED',
      redeem: async ({ engine, wait }, grant) => {
        wait(65_000)
        return engine.redeem(grant)
      },
    },
    {
      name: 'for another payload',
      code: 'GRANT_UNBOUND',
      redeem: ({ engine }, grant) => engine.redeem(grant, { payload: mail.payload }),
    },
    {
      name: 'made by another engine',
      code: 'GRANT_UNTRUSTED',
      redeem: async (_opened, grant) => (await openWith()).engine.redeem(grant),
    },
    {
      name: 'of another agent',
      code: 'GRANT_UNBOUND',
      redeem: async ({ folder, now }, grant) => {
        const credential = { project: 'shop', agents: ['other'], role: 'agent' }
        const { engine } = await openTest({ bundle, folder, credential, clock: now })
        return engine.redeem(grant)
      },
    },
    {
      name: 'with one letter changed',
      code: 'SIGNATURE_WRONG',
      redeem: ({ engine }, grant) => {
        const [header, body = '', signature] = grant.split('.')
        const claims = fromUtf8(Buffer.from(body, 'base64url')).replace('"mail"', '"read"')
        return engine.redeem(`${header}.${Buffer.from(claims).toString('base64url')}.${signature}`)
      },
    },
    {
      name: 'that is none',
      code: 'GRANT_MALFORMED',
      redeem: ({ engine }) => engine.redeem('grant'),
    },
    {
      name: 'with a cost by no limit',
      code: 'VALUE_INVALID',
      redeem: ({ engine }, grant) => engine.redeem(grant, { cost: { 'payload.amount': 1 } }),
    },
    {
      name: 'with a result that is no JSON',
      code: 'VALUE_NOT_JSON',
      redeem: ({ engine }, grant) => engine.redeem(grant, { result: Number.NaN }),
    },
  ])('a grant $name -> $code, and nothing is written', async ({ code, redeem }) => {
    const opened = await openWith()
    const { grant = '' } = await opened.engine.decide(mail)
    const before = await opened.parts.store.size()
    await expect(redeem(opened, grant)).rejects.toThrow(forbidden(code))
    expect(await opened.parts.store.size()).toBe(before)
  })

  test('what came of it may be told later, once', async () => {
    const opened = await openWith()
    const { engine } = opened
    const { grant = '' } = await engine.decide(mail)
    await expect(engine.report(grant, { result: 1 })).rejects.toThrow(
      forbidden('EXECUTION_UNKNOWN'),
    )
    const redeemed = await engine.redeem(grant)
    opened.wait(3_600_000)
    await expect(engine.report(grant, {})).rejects.toThrow(forbidden('VALUE_INVALID'))
    const told = await engine.report(grant, { result: { id: 'm-77' } })
    expect((await receiptOf(opened, told.receipt.index)).predicate).toMatchObject({
      stage: 'reported',
      redeemedAt: redeemed.receipt.index,
    })
    await expect(engine.report(grant, { result: 2 })).rejects.toThrow(
      forbidden('EXECUTION_UNKNOWN'),
    )
    expect(checkLog(opened).receipts).toMatchObject({ 'execution reported': 1 })
  })

  test('receipts ls and show know executions', async () => {
    const opened = await openWith()
    const { grant = '' } = await opened.engine.decide(mail)
    const { execution } = await opened.engine.redeem(grant)
    const rows = []
    for await (const row of listReceipts(opened.parts.store)) rows.push(row)
    expect(rows.at(-1)).toMatchObject({
      id: execution,
      stage: 'execution',
      decision: 'redeemed',
      tool: 'shop.mail',
    })
    expect((await findReceipt(opened.parts.store, execution)).index).toBe(rows.length - 1)
  })

  test('what has run does not get a second grant by the same key under another policy', async () => {
    const { engine, parts } = await openWith()
    const ask = () => engine.decide(mail, { idempotencyKey: 'one' })
    const { decision, grant = '' } = await ask()
    await engine.redeem(grant)
    const next = await bundleOf({
      'countersign.yaml': PROJECT['countersign.yaml'].replace('60s', '90s'),
    })
    expect(next.digest).not.toBe(parts.judge.bundle.digest)
    await parts.arm(openJudge(next, parts.evidenceKey))
    const again = await ask()
    expect(again.decision).toBe(decision)
    expect(again).not.toHaveProperty('grant')
  })

  test('a guarded tool redeems by itself, and does not run twice for one decision', async () => {
    const opened = await openWith()
    const ran: unknown[] = []
    const { payload: _payload, ...about } = mail
    const tool = opened.engine.guard((payload: { text: string }) => ran.push(payload), {
      ...about,
      idempotencyKey: () => 'one',
    })
    await tool({ text: 'hello' })
    await expect(tool({ text: 'hello' })).rejects.toThrow(forbidden('GRANT_EXPIRED'))
    expect(ran).toEqual([{ text: 'hello' }])
    expect(checkLog(opened).receipts).toMatchObject({ 'execution redeemed': 1 })
  })
})

test('a crash between redeeming and the answer: the grant stays used, and the log is whole', async () => {
  const folder = temporaryFolder()
  const file = join(temporaryFolder(), 'shop.bundle')
  writeFileSync(file, writeBundle(bundle))
  const first = await openTest({ bundle, folder })
  const { grant = '' } = await first.engine.decide(mail)
  await first.engine.close()
  // The child dies when the transaction is on disk: before the log folder has it, and before any answer.
  const child = `
    import { openParts } from ${JSON.stringify(join(import.meta.dirname, '../../../src/app/engine/open-engine.ts'))}
    import { redeem } from ${JSON.stringify(join(import.meta.dirname, '../../../src/app/engine/grants.ts'))}
    const parts = await openParts({ bundle: ${JSON.stringify(file)}, store: ${JSON.stringify(folder)},
      credential: { project: 'shop', agents: ['clerk'], role: 'agent' } })
    parts.store.exclusively = async () => process.kill(process.pid, 'SIGKILL')
    await redeem(parts, ${JSON.stringify(grant)})
  `
  const { signal } = spawnSync(process.execPath, ['--input-type=module', '--eval', child])
  expect(signal).toBe('SIGKILL')
  const second = await openTest({ bundle, folder })
  await expect(second.engine.redeem(grant)).rejects.toThrow(forbidden('GRANT_REPLAYED'))
  expect(checkLog(second).receipts).toMatchObject({ 'execution redeemed': 1 })
})

test('a crash before it was written down: the grant is still good', async () => {
  const { engine, parts } = await openWith()
  const { grant = '' } = await engine.decide(mail)
  const { transact } = parts.store
  Object.assign(parts.store, { transact: () => Promise.reject(new Error('power cut')) })
  await expect(engine.redeem(grant)).rejects.toThrow('power cut')
  Object.assign(parts.store, { transact })
  expect((await engine.redeem(grant)).execution).toMatch(/^exe_/)
})

describe('limits on cost', () => {
  const rules = `${HEAD}Guardrails\nrules:\n  - id: refunds/day\n    on: { action: refund }\n    cost: { amount: payload.amount, limit_usd: 100, per: 1d }\n    then: deny\n  - id: refunds/any\n    on: { action: refund }\n    then: hold\n    route: payments\n  - id: mail/cost\n    on: { action: mail }\n    cost: { amount: context.cost, limit_usd: 10, per: 1d, settle: exact }\n    then: deny\n`
  const priced = bundleOf({ ...PROJECT, 'policies/guardrails/refunds.yaml': rules })
  const ask = (opened: Opened, amount: number) =>
    opened.engine.decide({ ...refund, payload: { amount, to: 'u-1' } })
  const idOf = (outcome: Outcome) => String(outcome.request?.id)

  test('what waits counts; what is rejected does not any more', async () => {
    const opened = await openWith({ bundle: await priced })
    const held = await ask(opened, 80)
    expect((await ask(opened, 30)).verdict).toBe('deny')
    await reviewRequest(opened.parts, idOf(held), { verdict: 'reject' }, await signerOf('ana'))
    await opened.engine.status(idOf(held))
    expect((await ask(opened, 100)).verdict).toBe('hold')
    expect((await ask(opened, 1)).verdict).toBe('deny')
  })

  test('what expires does not count any more', async () => {
    const opened = await openWith({ bundle: await priced })
    const held = await ask(opened, 80)
    opened.wait(3_600_000)
    expect(await opened.engine.status(idOf(held))).toMatchObject({ status: 'EXPIRED' })
    expect((await ask(opened, 100)).verdict).toBe('hold')
  })

  test('what expires after its window gives nothing back of what was let through since', async () => {
    const opened = await openWith({ bundle: await priced })
    const held = [await ask(opened, 60), await ask(opened, 40)]
    opened.wait(24 * 3_600_000)
    expect((await ask(opened, 100)).verdict).toBe('hold')
    for (const one of held) {
      expect(await opened.engine.status(idOf(one))).toMatchObject({ status: 'EXPIRED' })
    }
    expect((await ask(opened, 1)).verdict).toBe('deny')
  })

  test('what is approved goes on counting, once, from the approval on', async () => {
    const opened = await openWith({ bundle: await priced })
    const held = await ask(opened, 60)
    opened.wait(1_800_000)
    await reviewRequest(opened.parts, idOf(held), { verdict: 'approve' }, await signerOf('ana'))
    expect(await opened.engine.status(idOf(held))).toMatchObject({ status: 'APPROVED' })
    expect((await ask(opened, 41)).verdict).toBe('deny')
    // A day after it was asked for, but not yet a day after it was let through.
    opened.wait(24 * 3_600_000 - 1)
    expect((await ask(opened, 41)).verdict).toBe('deny')
    opened.wait(1)
    expect((await ask(opened, 100)).verdict).toBe('hold')
  })

  test('what people lowered counts as they left it', async () => {
    const opened = await openWith({ bundle: await priced })
    const held = await ask(opened, 90)
    const what = { verdict: 'patch', payload: { amount: 20, to: 'u-1' } } as const
    await reviewRequest(opened.parts, idOf(held), what, await signerOf('ana'))
    expect(await opened.engine.status(idOf(held))).toMatchObject({
      status: 'APPROVED_WITH_MODIFICATIONS',
    })
    expect((await ask(opened, 81)).verdict).toBe('deny')
    expect((await ask(opened, 80)).verdict).toBe('hold')
  })

  test('what people raised beyond the limit is denied after all', async () => {
    const opened = await openWith({ bundle: await priced })
    const held = await ask(opened, 90)
    const what = { verdict: 'patch', payload: { amount: 101, to: 'u-1' } } as const
    await reviewRequest(opened.parts, idOf(held), what, await signerOf('ana'))
    expect(await opened.engine.status(idOf(held))).toMatchObject({ status: 'REJECTED' })
    expect((await ask(opened, 100)).verdict).toBe('hold')
  })

  test('what is held by the rules but cannot wait is denied, and sets nothing aside', async () => {
    const opened = await openWith({ bundle: await priced })
    const { transact } = opened.parts.store
    const full: typeof transact = (work) =>
      transact((tx) => work({ ...tx, waitingRequests: async () => 1_000 }))
    Object.assign(opened.parts.store, { transact: full })
    expect((await ask(opened, 90)).findings[0]?.code).toBe('REQUESTS_TOO_MANY')
    Object.assign(opened.parts.store, { transact })
    expect((await ask(opened, 100)).verdict).toBe('hold')
  })

  test('asking again with the same key sets nothing aside twice', async () => {
    const opened = await openWith({ bundle: await priced })
    const action = { ...refund, payload: { amount: 60, to: 'u-1' } }
    for (let i = 0; i < 3; i++) await opened.engine.decide(action, { idempotencyKey: 'one' })
    expect((await ask(opened, 40)).verdict).toBe('hold')
  })

  test('a reported cost takes the place of the estimate', async () => {
    const opened = await openWith({ bundle: await priced })
    const call = (cost: number) => opened.engine.decide({ ...mail, context: { cost } })
    const { grant = '' } = await call(9)
    expect((await call(2)).verdict).toBe('deny')
    await opened.engine.redeem(grant)
    await opened.engine.report(grant, { cost: { 'context.cost': '0.05' } })
    expect((await call(9)).verdict).toBe('allow')
    expect((await call(1)).verdict).toBe('deny')
    checkLog(opened)
  })

  test('a reported cost counts where the estimate was nothing', async () => {
    const opened = await openWith({ bundle: await priced })
    const call = (cost: number) => opened.engine.decide({ ...mail, context: { cost } })
    const grants = [(await call(0)).grant ?? '', (await call(0)).grant ?? '']
    for (const grant of grants) {
      await opened.engine.redeem(grant)
      await opened.engine.report(grant, { cost: { 'context.cost': 4 } })
    }
    expect((await call(3)).verdict).toBe('deny')
    expect((await call(2)).verdict).toBe('allow')
  })
})
