import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { reviewRequest } from '../../../src/app/approvals/review.ts'
import { openJudge } from '../../../src/app/engine/judge.ts'
import { openDecision } from '../../../src/app/engine/record.ts'
import { previewRollback } from '../../../src/app/engine/rollback.ts'
import { listReceipts, verifyLogFolder } from '../../../src/app/receipts/receipts.ts'
import { rederiveAll } from '../receipts/rederive-scene.ts'
import { policyFiles, signerOf } from '../support.ts'
import { openScene, RULES, rollbackBundle, type Scene, TOOLS } from './rollback-scene.ts'

// Calls that are taken back: by the engine, from what really ran, once.

const refusal = (code: string) => expect.objectContaining({ code })

async function approve({ parts }: Scene, request: string, person: 'ana' | 'bo' = 'ana') {
  await reviewRequest(parts, request, { verdict: 'approve' }, await signerOf(person))
}

/** Everything verifies and is derived again. */
async function checkAll(scene: Scene): Promise<void> {
  const report = verifyLogFolder(join(scene.folder, 'log'))
  expect(report.problems).toEqual([])
  const again = await rederiveAll(scene.parts, { bundles: [scene.bundle] })
  expect(again).toMatchObject({ status: 'rederived', differing: [], underived: [] })
}

describe('a rollback', () => {
  test('of an allowed call is judged, linked, and runs with what the call ran with', async () => {
    const scene = await openScene()
    const { decision, index } = await scene.call(
      'mail',
      { to: 'u-1', text: 'card 4111111111111111' },
      { session: 's-7', principal: 'u-1', priority: 'medium' },
    )
    const answer = await scene.engine.rollback(index, { reason: 'wrong address' })
    expect(answer).toMatchObject({
      status: 'ALLOWED',
      payload: { to: 'u-1', text: '[redacted]', loud: false },
      undoes: { index, id: decision },
    })
    const { predicate } = await scene.last()
    expect(predicate).toMatchObject({
      stage: 'verdict',
      decision: 'allow',
      undoes: { index, id: decision },
      action: { agent: 'clerk', service: 'shop', action: 'recall', priority: 'medium' },
    })
    const { action } = (await openDecision(scene.parts.store, answer.decision)).inputs
    expect(action).toMatchObject({
      session: 's-7',
      principal: 'u-1',
      context: { rollback: { receipt: index, id: decision, reason: 'wrong address' } },
    })
    expect(JSON.stringify(predicate)).not.toMatch(/wrong address|u-1/)
    const rows = []
    for await (const row of listReceipts(scene.parts.store)) rows.push(row)
    expect(rows.map(({ undoes }) => undoes)).toEqual([undefined, undefined, index])
    expect(verifyLogFolder(join(scene.folder, 'log')).proven).toContain(
      'each rollback names an earlier call that was let run, and is the only one of it',
    )
    await checkAll(scene)
  })

  test.for(['index', 'decision', 'request', 'resolution'] as const)(
    'of an approved call, named by its %s, waits for the same people, and both of its receipts say so',
    async (by) => {
      const scene = await openScene()
      const { decision, request, index } = await scene.call('pay', { amount: 5 })
      await approve(scene, request)
      const resolved = (await scene.parts.store.size()) - 1
      const name = { index, decision, request, resolution: resolved }[by]
      const undoes = { index: resolved, id: request }
      const answer = await scene.engine.rollback(name)
      expect(answer).toMatchObject({ status: 'PENDING', undoes })
      expect((await scene.last()).predicate).toMatchObject({
        decision: 'hold',
        route: ['payments'],
        undoes,
        findings: [
          {
            rule: 'engine/undo',
            message: `It takes back the call of receipt ${resolved} (${request}), which people let run.`,
          },
        ],
      })
      await approve(scene, String(answer.request))
      expect((await scene.last()).predicate).toMatchObject({ decision: 'APPROVED', undoes })
      expect(await scene.engine.status(String(answer.request))).toMatchObject({
        status: 'APPROVED',
        payload: { amount: 5 },
      })
      await checkAll(scene)
    },
  )

  test('of a call that people patched takes back what they left', async () => {
    const scene = await openScene()
    const { request } = await scene.call('pay', { amount: 500 })
    const patch = { verdict: 'patch', payload: { amount: 20 } } as const
    await reviewRequest(scene.parts, request, patch, await signerOf('ana'))
    const { decision } = await scene.engine.rollback(request)
    const { action } = (await openDecision(scene.parts.store, decision)).inputs
    expect(action.payload).toEqual({ amount: 20 })
    await checkAll(scene)
  })

  test('of which the policy wants more takes both routes', async () => {
    const rules = RULES.replace('action: unask', 'action: [unask, unpay]')
    const scene = await openScene({ files: { 'policies/guardrails/refunds.yaml': rules } })
    const { request } = await scene.call('pay', { amount: 5 })
    await approve(scene, request)
    await scene.engine.rollback(request)
    expect((await scene.last()).predicate.route).toEqual(['board', 'payments'])
    await checkAll(scene)
  })

  test('takes fields from the result as the agent saw it', async () => {
    const rules = `${RULES}  - { id: order/card, on: { action: order, phase: result }, pattern: { path: result.card, matches: '.', if_missing: pass }, then: redact, redact: [result.card] }\n`
    const scene = await openScene({ files: { 'policies/guardrails/refunds.yaml': rules } })
    const { decision, index } = await scene.call('order')
    const order = { agent: 'clerk', service: 'shop', action: 'order' }
    await scene.engine.result(order, { id: 'o-9', card: '4111' }, { call: decision })
    await scene.engine.result(order, { id: 'o-10' }, { call: decision })
    expect(await scene.engine.rollback(index)).toMatchObject({ payload: { id: 'o-9' } })
    await checkAll(scene)
  })

  test('that the policy denies is denied, and may be tried again', async () => {
    const scene = await openScene({
      files: { 'policies/agents/clerk.yaml': AGENT_WITHOUT_RECALL },
    })
    const { index } = await scene.call('mail', { to: 'a', text: 'b' })
    expect(await scene.engine.rollback(index)).toMatchObject({ status: 'DENIED' })
    expect((await scene.last()).predicate).toMatchObject({ decision: 'deny', undoes: { index } })
    expect(await scene.engine.rollback(index)).toMatchObject({ status: 'DENIED' })
    await checkAll(scene)
  })

  test('that people rejected may be tried again', async () => {
    const scene = await openScene()
    const { index } = await scene.call('ask')
    const first = await scene.engine.rollback(index)
    const request = String(first.request)
    await reviewRequest(scene.parts, request, { verdict: 'reject' }, await signerOf('bo'))
    const second = await scene.engine.rollback(index)
    expect(second.status).toBe('PENDING')
    await approve(scene, String(second.request), 'bo')
    await expect(scene.engine.rollback(index)).rejects.toThrow(refusal('UNDO_DONE'))
    await checkAll(scene)
  })

  test('of a rollback whose tool has an undo takes that back', async () => {
    const scene = await openScene()
    const { index } = await scene.call('open', { door: 3 })
    await scene.engine.rollback(index)
    const answer = await scene.engine.rollback(index + 1)
    expect(answer).toMatchObject({ status: 'ALLOWED', payload: { door: 3 } })
    expect((await scene.last()).predicate.action['action']).toBe('open')
    await checkAll(scene)
  })

  test('where grants are on takes the execution, and has a grant of its own', async () => {
    const scene = await openScene({ files: { 'countersign.yaml': GRANTS } })
    const { index, grant } = await scene.call('mail', { to: 'a', text: 'b' })
    await expect(scene.engine.rollback(index)).rejects.toThrow(refusal('UNDO_NOT_RUN'))
    const { execution } = await scene.engine.redeem(grant)
    const answer = await scene.engine.rollback(execution)
    expect(answer).toMatchObject({ status: 'ALLOWED', undoes: { index } })
    await scene.engine.redeem(answer.grant ?? '')
    await checkAll(scene)
  })

  test.for(['waits', 'may run'] as const)(
    'that %s keeps a grant that is made later from running the call',
    async (state) => {
      const scene = await openScene()
      const { request } = await scene.call('pay', { amount: 5 })
      await approve(scene, request)
      const { request: back = '' } = await scene.engine.rollback(request)
      if (state === 'may run') await approve(scene, back)
      const granting = await rollbackBundle({ 'countersign.yaml': GRANTS })
      await scene.parts.arm(openJudge(granting, scene.parts.evidenceKey))
      const { grant = '' } = await scene.engine.status(request)
      await expect(scene.engine.redeem(grant)).rejects.toThrow(refusal('UNDO_DONE'))
    },
  )

  test('that approved people must be asked anew for stays a rollback', async () => {
    const scene = await openScene()
    const { request } = await scene.call('pay', { amount: 5 })
    await approve(scene, request)
    const { request: asked } = await scene.engine.rollback(request)
    const rules = RULES.replace('action: unask', 'action: [unask, unpay]')
    const next = await rollbackBundle({ 'policies/guardrails/refunds.yaml': rules })
    await scene.parts.arm(openJudge(next, scene.parts.evidenceKey))
    await approve(scene, String(asked))
    const ended = (await scene.parts.store.request(String(asked)))?.resolution
    expect(ended).toMatchObject({ decision: 'REJECTED', next: expect.stringMatching(/^req_/) })
    await expect(scene.engine.rollback(request)).rejects.toThrow(String(ended?.next))
    const report = verifyLogFolder(join(scene.folder, 'log'))
    expect(report.problems).toEqual([])
    const again = await rederiveAll(scene.parts, { bundles: [scene.bundle, next] })
    expect(again).toMatchObject({ status: 'rederived', differing: [] })
  })
})

const HEAD = 'apiVersion: countersign/v1\nkind: '
const AGENT_WITHOUT_RECALL = `${HEAD}Agent\nagent: clerk\nscopes: [{ tools: ['shop.mail'] }]\n`
const GRANTS = `${policyFiles().get('countersign.yaml')}grants: { lifetime: 60s }\n`

describe('a rollback on routes that do more:', () => {
  const routes = (payments: string) => ({
    'policies/routes/routes.yaml': `${HEAD}Routes\nroutes:
  - { id: default, reviewers: [ana, bo], time_out: 1h }
  - { id: payments, reviewers: [ana], time_out: 1h, ${payments} }
  - { id: board, reviewers: [bo], time_out: 1h }
`,
  })

  test('calls that were approved in a batch are taken back in a batch', async () => {
    const scene = await openScene({ files: routes('batch: { max: 2, within: 1m }') })
    const batchOf = async (id: string) => (await scene.parts.store.request(id))?.batch ?? ''
    const asked = [await scene.call('pay', { amount: 1 }), await scene.call('pay', { amount: 2 })]
    const [first = '', second = ''] = asked.map(({ request }) => request)
    await approve(scene, await batchOf(first))
    const back = await scene.engine.rollback(first)
    await scene.engine.rollback(second)
    await approve(scene, await batchOf(String(back.request)))
    expect(await scene.engine.status(String(back.request))).toMatchObject({
      status: 'APPROVED',
      payload: { amount: 1 },
    })
    await checkAll(scene)
  })

  test('one that the glass was broken for is ratified as a rollback', async () => {
    const glass = 'break_glass: { reviewers: [bo], review_within: 24h }'
    const scene = await openScene({ files: routes(glass) })
    const { request } = await scene.call('pay', { amount: 1 })
    await approve(scene, request)
    const { request: back = '' } = await scene.engine.rollback(request)
    const broken = { verdict: 'approve', breakGlass: true, comment: 'fire' } as const
    await reviewRequest(scene.parts, back, broken, await signerOf('bo'))
    const waiting = await scene.parts.store.requests({ state: 'waiting' })
    await approve(scene, waiting[0]?.request.id ?? '')
    expect((await scene.last()).predicate).toMatchObject({
      resolution: { ratifies: back },
      undoes: { id: request },
    })
    await checkAll(scene)
  })
})

describe('refused, and nothing is written:', () => {
  type Row = {
    readonly name: string
    readonly code: string
    readonly words?: string
    readonly files?: Record<string, string>
    readonly prepare: (scene: Scene) => Promise<string | number>
  }
  const having =
    (action: string, payload?: Record<string, string | number>) => async (scene: Scene) =>
      (await scene.call(action, payload)).index
  test.for<Row>([
    { name: 'a call without an undo', code: 'UNDO_NOT_DECLARED', prepare: having('note') },
    { name: 'a read', code: 'UNDO_NOT_DECLARED', prepare: having('read_order') },
    {
      name: 'an irreversible call',
      code: 'UNDO_IRREVERSIBLE',
      prepare: async (scene) => {
        const { request } = await scene.call('refund', { amount: 5 })
        await approve(scene, request)
        return request
      },
    },
    { name: 'a denied call', code: 'UNDO_NOT_RUN', words: 'denied', prepare: having('delete') },
    {
      name: 'a call that waits',
      code: 'UNDO_NOT_RUN',
      words: 'waits',
      prepare: having('pay', { amount: 5 }),
    },
    {
      name: 'a call that people rejected',
      code: 'UNDO_NOT_RUN',
      words: 'REJECTED',
      prepare: async (scene) => {
        const { request } = await scene.call('pay', { amount: 5 })
        await reviewRequest(scene.parts, request, { verdict: 'reject' }, await signerOf('ana'))
        return request
      },
    },
    {
      name: 'a request that expired',
      code: 'UNDO_NOT_RUN',
      words: 'EXPIRED',
      prepare: async (scene) => {
        const { request } = await scene.call('pay', { amount: 5 })
        scene.wait(7_200_000)
        await scene.engine.sweep()
        return request
      },
    },
    {
      name: 'a result',
      code: 'UNDO_NOT_RUN',
      words: 'name the call',
      prepare: async (scene) => {
        await scene.call('mail', { to: 'a', text: 'b' }, { phase: 'result', result: 1 })
        return 1
      },
    },
    {
      name: 'a call whose grant was not redeemed',
      code: 'UNDO_NOT_RUN',
      words: 'not redeemed',
      files: { 'countersign.yaml': GRANTS },
      prepare: having('mail', { to: 'a', text: 'b' }),
    },
    {
      name: 'a call in escrow',
      code: 'UNDO_NOT_RUN',
      words: 'escrow',
      prepare: async (scene) => {
        const mail = { agent: 'clerk', service: 'shop', action: 'mail', payload: { to: 'a' } }
        return (await scene.engine.decide(mail, { escrow: true })).decision
      },
    },
    {
      name: 'a call that was rolled back',
      code: 'UNDO_DONE',
      words: 'rolled back by receipt 2',
      prepare: async (scene) => {
        const { index } = await scene.call('mail', { to: 'a', text: 'b' })
        await scene.engine.rollback(index)
        return index
      },
    },
    {
      name: 'a call whose rollback waits',
      code: 'UNDO_DONE',
      words: 'waits for people as req_',
      prepare: async (scene) => {
        const { index } = await scene.call('ask')
        await scene.engine.rollback(index)
        return index
      },
    },
    {
      name: 'a call longer ago than `within`',
      code: 'UNDO_TOO_LATE',
      words: 'within 24h',
      prepare: async (scene) => {
        const { index, decision } = await scene.call('order')
        const order = { agent: 'clerk', service: 'shop', action: 'order' }
        await scene.engine.result(order, { id: 'o-9' }, { call: decision })
        scene.wait(86_400_001)
        return index
      },
    },
    {
      name: 'a call whose result was never judged',
      code: 'UNDO_RESULT_MISSING',
      prepare: having('order'),
    },
    {
      name: 'a call whose result was kept back',
      code: 'UNDO_RESULT_MISSING',
      files: {
        'policies/guardrails/refunds.yaml': `${RULES}  - { id: order/none, on: { action: order, phase: result }, pattern: { path: result.id, matches: '.' }, then: deny }\n`,
      },
      prepare: async (scene) => {
        const { index, decision } = await scene.call('order')
        const order = { agent: 'clerk', service: 'shop', action: 'order' }
        await scene.engine.result(order, { id: 'o-9' }, { call: decision })
        return index
      },
    },
    {
      name: 'a call without a field that the undo takes',
      code: 'UNDO_FIELD_MISSING',
      prepare: having('mail', { text: 'b' }),
    },
    {
      name: 'a call whose inputs were erased',
      code: 'UNDO_INPUTS_ERASED',
      prepare: async (scene) => {
        const { index } = await scene.call('mail', { to: 'a', text: 'b' })
        const database = new DatabaseSync(join(scene.folder, 'store.sqlite'))
        database.exec('DELETE FROM subject_keys')
        database.close()
        return index
      },
    },
    {
      name: 'a rollback whose tool has no undo',
      code: 'UNDO_OF_UNDO',
      prepare: async (scene) => {
        const { index } = await scene.call('mail', { to: 'a', text: 'b' })
        await scene.engine.rollback(index)
        return index + 1
      },
    },
    { name: 'no receipt', code: 'RECEIPT_UNKNOWN', prepare: async () => 99 },
    { name: 'no id', code: 'RECEIPT_UNKNOWN', prepare: async () => 'dec_none' },
    { name: 'the first entry of the log', code: 'RECEIPT_UNKNOWN', prepare: async () => 0 },
  ])('$name -> $code', async ({ code, words = '', files = {}, prepare }) => {
    const scene = await openScene({ files })
    const name = await prepare(scene)
    const size = await scene.parts.store.size()
    const attempt = scene.engine.rollback(name)
    await expect(attempt).rejects.toThrow(refusal(code))
    await expect(attempt).rejects.toThrow(words)
    await expect(previewRollback(scene.parts, String(name))).rejects.toThrow(refusal(code))
    expect(await scene.parts.store.size()).toBe(size)
  })

  test('a call of an agent that the credential does not own -> RECEIPT_UNKNOWN', async () => {
    const scene = await openScene()
    const { index } = await scene.call('mail', { to: 'a', text: 'b' })
    const other = await openScene({
      folder: scene.folder,
      credential: { project: 'shop', agents: ['stranger'], role: 'agent' },
    })
    await expect(other.engine.rollback(index)).rejects.toThrow(refusal('RECEIPT_UNKNOWN'))
  })
})

test('a preview says what would be, and writes nothing', async () => {
  const scene = await openScene()
  const { request } = await scene.call('pay', { amount: 5 })
  await approve(scene, request)
  const size = await scene.parts.store.size()
  expect(await previewRollback(scene.parts, request, { reason: 'why' })).toMatchObject({
    verdict: 'hold',
    route: ['payments'],
    action: { action: 'unpay', payload: { amount: 5 } },
    undoes: { id: request },
  })
  expect(await scene.parts.store.size()).toBe(size)
})

test('two engines on one folder roll a call back once, whoever is first', async () => {
  const scene = await openScene()
  const other = await openScene({ folder: scene.folder })
  for (let round = 0; round < 5; round++) {
    const { index } = await scene.call('mail', { to: 'a', text: `${round}` })
    const engines = [scene.engine, other.engine, scene.engine, other.engine]
    const ended = await Promise.allSettled(engines.map((engine) => engine.rollback(index)))
    const done = ended.filter(({ status }) => status === 'fulfilled')
    const refused = ended.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []))
    expect([done.length, refused]).toEqual([1, ['UNDO_DONE', 'UNDO_DONE', 'UNDO_DONE']])
  }
  await checkAll(scene)
})

test('the undo is that of the policy of now', async () => {
  const scene = await openScene()
  const { index } = await scene.call('mail', { to: 'a', text: 'b' })
  const tools = TOOLS.replace('loud: { value: false }', 'loud: { value: true }')
  const later = await openScene({
    folder: scene.folder,
    files: { 'policies/tools/shop.yaml': tools },
  })
  expect(await later.engine.rollback(index)).toMatchObject({ payload: { loud: true } })
})

test('a route that the policy has no more is replaced by default', async () => {
  const scene = await openScene()
  const { request } = await scene.call('pay', { amount: 5 })
  await approve(scene, request)
  const routes = `${HEAD}Routes\nroutes:\n  - { id: default, reviewers: [bo], time_out: 1h }\n  - { id: board, reviewers: [bo], time_out: 1h }\n`
  const later = await openScene({
    folder: scene.folder,
    files: {
      'policies/routes/routes.yaml': routes,
      'policies/guardrails/refunds.yaml': RULES.replace('route: payments', 'route: board'),
    },
  })
  await later.engine.rollback(request)
  expect((await later.last()).predicate).toMatchObject({ decision: 'hold', route: ['default'] })
  const again = await rederiveAll(later.parts, { bundles: [scene.bundle, later.bundle] })
  expect(again.status).toBe('rederived')
})
