import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openInbox } from '../../../src/app/approvals/inbox.ts'
import { shownTo } from '../../../src/app/approvals/reviewer.ts'
import { canonicalize } from '../../../src/base/canonical-json.ts'
import { fromUtf8 } from '../../../src/base/digest.ts'
import { openLocalForge } from '../../../src/host/forge-local.ts'
import type { Forge } from '../../../src/model/ports.ts'
import { bundleOf, signerOf, temporaryFolder } from '../support.ts'
import { ask, openBatchScene, postReview, refund, review, states } from './batch-scene.ts'

const REJECT = { verdict: 'reject', comment: 'one by one, please' } as const
const ONE = ', batch: { max: 3, within: 10s }'

describe('gathering', () => {
  test('as many as the route allows are one pull request at once', async () => {
    const scene = await openBatchScene()
    const ids = await ask(scene, [1, 2, 3, 4, 5, 6])
    expect(scene.forge.pulls).toHaveLength(1)
    const [batch] = await scene.batches()
    expect(batch?.request.members?.map(({ request }) => request)).toEqual(ids.slice(0, 5))
    expect(scene.forge.calls['open']).toBe(1)
  })

  test('fewer wait until the oldest has waited long enough, also over a restart', async () => {
    const scene = await openBatchScene()
    const [first = '', second = ''] = await ask(scene, [1, 2])
    scene.pass(20)
    const [third = ''] = await ask(scene, [3])
    await scene.engine.sweep()
    expect(scene.forge.pulls).toEqual([])
    expect(await scene.engine.status(third)).toMatchObject({
      status: 'PENDING',
      note: expect.stringMatching(/for like requests/),
    })
    scene.pass(11)
    const later = await scene.again()
    await later.engine.sweep()
    const [batch] = await scene.batches()
    expect(batch?.request.members?.map(({ request }) => request)).toEqual([first, second, third])
    expect(await later.engine.status(second)).toMatchObject({ where: 'memory 1' })
    expect(scene.forge.pulls).toHaveLength(1)
  })

  test('a single one that is left over is opened as itself', async () => {
    const scene = await openBatchScene()
    const [id = ''] = await ask(scene, [1])
    expect(scene.told).toEqual([])
    scene.pass(31)
    await scene.engine.sweep()
    expect(scene.forge.pulls.map(({ request }) => request)).toEqual([id])
    expect(scene.told).toMatchObject([{ kind: 'held', where: 'memory 1' }])
    await review(scene, id)
    expect(await states(scene, [id])).toEqual(['APPROVED'])
    expect(await scene.batches()).toEqual([])
  })

  test('people are told of a batch once', async () => {
    const scene = await openBatchScene({ payments: ONE })
    const [id = ''] = await ask(scene, [1, 2, 3])
    await review(scene, id)
    expect(scene.told.map(({ kind, request }) => [kind, request.members?.length])).toEqual([
      ['held', 3],
      ['resolved', 3],
    ])
  })

  test.for([
    { name: 'one on behalf of somebody else', more: { principal: 'u-1' } },
    { name: 'another set of rules and routes', more: { payload: { amount: 2_000 } } },
  ])('$name is not gathered with the others', async ({ more }) => {
    const scene = await openBatchScene({ payments: ONE, board: ONE })
    await ask(scene, [1, 2])
    await scene.engine.defer(refund(3, more))
    expect(scene.forge.pulls).toEqual([])
    scene.pass(11)
    await scene.engine.sweep()
    const [batch, ...others] = await scene.batches()
    expect(batch?.request.members).toHaveLength(2)
    expect(others).toEqual([])
    expect(scene.forge.pulls).toHaveLength(2)
  })

  test.for([
    { name: 'the least of its routes', board: ', batch: { max: 2, within: 1h }', batches: 1 },
    { name: 'none where one route allows none', board: '', batches: 0 },
  ])('a request on two routes has the limits of $name', async ({ board, batches }) => {
    const scene = await openBatchScene({ board })
    await ask(scene, [2_000, 2_001])
    expect(await scene.batches()).toHaveLength(batches)
    expect(scene.forge.pulls).toHaveLength(batches === 1 ? 1 : 2)
  })

  test('another version of the policy is no like request, and ends the gathering', async () => {
    const scene = await openBatchScene({ payments: ONE })
    await ask(scene, [1, 2])
    const other = await scene.again({ bundle: await bundleOf() })
    await other.engine.sweep()
    expect(scene.forge.pulls).toHaveLength(2)
    scene.pass(11)
    await scene.engine.sweep()
    expect(await scene.batches()).toEqual([])
    expect(scene.forge.pulls).toHaveLength(2)
  })

  test('a review before its time is over opens that request alone', async () => {
    const scene = await openBatchScene({ payments: ONE })
    const [first = '', ...rest] = await ask(scene, [1, 2])
    await review(scene, first)
    await ask(scene, [3, 4])
    const [batch] = await scene.batches()
    expect(batch?.request.members?.map(({ request }) => request)).not.toContain(first)
    expect(await states(scene, [first, ...rest])).toEqual(['APPROVED', 'PENDING'])
  })

  test('a request stands in one batch, whoever puts it into another', async () => {
    const scene = await openBatchScene({ payments: ONE })
    await ask(scene, [1, 2, 3])
    const [batch] = await scene.batches()
    const { request } = batch ?? {}
    if (request === undefined) throw new Error('no batch')
    const again = { ...request, id: `req_${'9'.repeat(26)}`, decision: 'd', nonce: 'e'.repeat(32) }
    expect(await scene.parts.store.transact((tx) => tx.putBatch(again, 1))).toBe(false)
    expect(await scene.batches()).toHaveLength(1)
  })

  test('1,000 requests of an agent may wait, and batches do not count', async () => {
    const scene = await openBatchScene({ payments: ONE })
    await ask(scene, [1, 2, 3, 4])
    const waiting = await scene.parts.store.transact((tx) => tx.waitingRequests('clerk'))
    expect(waiting).toBe(4)
  })
})

describe('deciding', () => {
  test.for([
    { name: 'approve', what: { verdict: 'approve' } as const, want: 'APPROVED', state: 'merged' },
    { name: 'reject', what: REJECT, want: 'REJECTED', state: 'closed' },
  ])('$name of one request is one of all: each is $want', async ({ what, want, state }) => {
    const scene = await openBatchScene()
    const ids = await ask(scene, [1, 2, 3, 4, 5])
    const waiting = scene.engine.wait(String(ids[4]))
    await scene.parts.sleep(20)
    const found = await review(scene, String(ids[2]), what)
    expect(found.request.members).toHaveLength(5)
    expect(found.resolution).toMatchObject({ decision: want, by: ['ana'] })
    expect(await states(scene, ids)).toEqual(Array(5).fill(want))
    expect(await waiting).toMatchObject({
      status: want,
      ...(want === 'APPROVED' ? { payload: { amount: 5 } } : {}),
    })
    expect(scene.forge.pulls[0]?.pull.state).toBe(state)
    expect(scene.audit()).toMatchObject({ hold: 5, [want]: 5 })
    expect(await scene.parts.store.unfinished()).toEqual([])
  })

  test('a patch is refused before it is signed', async () => {
    const scene = await openBatchScene({ payments: ONE })
    const [id = ''] = await ask(scene, [1, 2, 3])
    const patch = { verdict: 'patch', payload: { amount: 0 } } as const
    await expect(review(scene, id, patch)).rejects.toMatchObject({
      code: 'BATCH_PATCH',
      message: expect.stringMatching(/reject it and say in the comment/),
    })
    expect(scene.forge.pulls[0]?.reviews).toEqual([])
  })

  test('the requests of a batch cost one pull request and one look', async () => {
    const scene = await openBatchScene()
    const ids = await ask(scene, [1, 2, 3, 4, 5])
    await scene.engine.sweep()
    await postReview(scene, String(ids[0]))
    const before = { ...scene.forge.calls }
    await scene.engine.sweep()
    const asked = (name: string) => (scene.forge.calls[name] ?? 0) - (before[name] ?? 0)
    expect(await states(scene, ids)).toEqual(Array(5).fill('APPROVED'))
    // One look, and once more before anything is written.
    expect([asked('pull'), asked('reviews'), asked('settle')]).toEqual([2, 2, 1])
    expect(scene.forge.calls['open']).toBe(1)
  })

  test('a request that the policy now denies is rejected alone', async () => {
    const scene = await openBatchScene({ payments: ONE })
    const ids = await ask(scene, [1, 20, 3])
    await postReview(scene, String(ids[0]))
    const rules = `apiVersion: countersign/v1\nkind: Guardrails\nrules:
  - { id: refunds/any, on: { action: refund }, then: hold, route: payments }
  - { id: refunds/now-denied, on: { action: refund }, pattern: { path: payload.amount, above: 10 }, then: deny }
`
    const bundle = await bundleOf({
      'countersign.yaml': 'apiVersion: countersign/v1\nkind: Project\nproject: shop\n',
      'policies/guardrails/refunds.yaml': rules,
    })
    const strict = await scene.again({ bundle })
    await strict.engine.sweep()
    expect(await states(strict, ids)).toEqual(['APPROVED', 'REJECTED', 'APPROVED'])
    const [batch] = await scene.batches()
    expect(batch?.resolution?.reason).toMatch(/^2 approved, 1 rejected; /)
    expect(scene.forge.pulls[0]?.pull.state).toBe('merged')
    scene.audit()
  })

  test('a batch that nobody answers expires, with each of its requests', async () => {
    const scene = await openBatchScene({ payments: ONE })
    const ids = await ask(scene, [1, 2, 3])
    scene.pass(3_601)
    await scene.engine.sweep()
    expect(await states(scene, ids)).toEqual(Array(3).fill('EXPIRED'))
    expect(scene.forge.pulls[0]?.pull.state).toBe('closed')
    expect(scene.audit()).toMatchObject({ EXPIRED: 3 })
  })

  test('an approval after the end of the oldest is too late for all', async () => {
    const scene = await openBatchScene()
    const ids = await ask(scene, [1])
    scene.pass(29)
    ids.push(...(await ask(scene, [2])))
    scene.pass(3)
    await scene.engine.sweep()
    scene.pass(3_600 - 31)
    await expect(review(scene, String(ids[1]))).rejects.toMatchObject({ code: 'REQUEST_EXPIRED' })
  })

  test('the agent hears of its requests, and of no batch', async () => {
    const scene = await openBatchScene({ payments: ONE })
    const ids = await ask(scene, [1, 2, 3])
    const [batch] = await scene.batches()
    await expect(scene.engine.status(String(batch?.request.id))).rejects.toMatchObject({
      code: 'REQUEST_UNKNOWN',
    })
    await expect(scene.engine.wait(String(batch?.request.id))).rejects.toMatchObject({
      code: 'REQUEST_UNKNOWN',
    })
    expect(await scene.engine.status(String(ids[1]))).toMatchObject({ where: 'memory 1' })
  })

  test('who breaks the glass of a batch is asked about for each of its requests', async () => {
    const glass = ', break_glass: { reviewers: [bo], review_within: 24h }'
    const scene = await openBatchScene({ payments: `${ONE}${glass}` })
    const ids = await ask(scene, [1, 2, 3])
    const what = { verdict: 'approve', breakGlass: true, comment: 'the shop is on fire' } as const
    await review(scene, String(ids[0]), what, 'bo')
    expect(await states(scene, ids)).toEqual(Array(3).fill('APPROVED'))
    const asked = await scene.parts.store.ratifications('clerk')
    expect(asked.map(({ request }) => request.ratifies)).toEqual(ids)
    for (const { request } of asked) await review(scene, request.id)
    expect(await scene.parts.store.unfinished()).toEqual([])
    expect(scene.audit()).toMatchObject({ APPROVED: 6 })
  })

  test('a person on the route sees each request in clear, others none', async () => {
    const scene = await openBatchScene({ payments: ONE })
    const [id = ''] = await ask(scene, [1, 2, 3])
    const shown = await shownTo(scene.parts, id, await signerOf('ana'))
    expect(shown.members?.map(({ payload }) => payload['amount'])).toEqual([1, 2, 3])
    expect((await shownTo(scene.parts, id, null)).members).toBeUndefined()
  })

  test('the inbox shows a batch as one, each request in clear, and offers no patch', async () => {
    const scene = await openBatchScene({ payments: ONE })
    const ids = await ask(scene, [1, 2, 3])
    const inbox = await openInbox(scene.parts, await signerOf('ana'))
    const [item, ...others] = await inbox.look([])
    expect(others).toEqual([])
    const id = String(item?.found.request.id)
    const opened = await inbox.open(id)
    expect(opened.members?.map(({ found }) => found.request.id)).toEqual(ids)
    expect(opened.members?.map(({ clear }) => clear?.payload['amount'])).toEqual([1, 2, 3])
    expect(await inbox.check(id, { amount: 0 })).toMatch(/is a batch/)
    await inbox.review(id, { verdict: 'approve' }, opened.found.request.root)
    expect(await states(scene, ids)).toEqual(Array(3).fill('APPROVED'))
  })

  test('the pull request lists each request with its digest and shown fields', async () => {
    const bodies: string[] = []
    const scene = await openBatchScene({ payments: ONE })
    const forge: Forge = {
      ...scene.forge,
      open: async (request, opening) => {
        bodies.push(`${opening.title}\n${opening.body}`)
        return scene.forge.open(request, opening)
      },
    }
    const ids = await ask(await scene.again({ forge }), [11, 22, 33])
    const [body = ''] = bodies
    expect(body).toContain('shop.refund (3 times) for clerk')
    for (const [index, id] of ids.entries()) {
      const root = (await scene.parts.store.request(id))?.request.root
      const line = body.split('\n').find((one) => one.startsWith('|') && one.includes(id))
      expect(line).toContain(root)
      expect(line).toContain(String((index + 1) * 11))
    }
    expect(body).not.toContain('requests patch')
  })
})

test('the repository alone tells how each request of a batch ended', async () => {
  const folder = temporaryFolder()
  const local = openLocalForge({ folder: `${folder}/forge.git`, base: 'main', now: Date.now })
  const receipts: string[] = []
  const forge: Forge = {
    ...local,
    settle: async (number, head, closing) => {
      receipts.push(fromUtf8(closing.receipt))
      await local.settle(number, head, closing)
    },
  }
  const scene = await openBatchScene({ payments: ONE })
  const opened = await scene.again({ forge })
  const ids = await ask(opened, [1, 2, 3])
  await review(opened, String(ids[1]))
  const [text = '[]'] = receipts
  const list = JSON.parse(text)
  expect(canonicalize(list)).toBe(text)
  expect(list.map((one: { predicate: { request: string } }) => one.predicate.request)).toEqual(ids)
  expect((await local.pull(1)).state).toBe('merged')
  scene.audit()
})

describe('after a crash', () => {
  test.for<{ at: keyof Forge; when: 'before' | 'after' }>([
    { at: 'open', when: 'before' },
    { at: 'open', when: 'after' },
    { at: 'settle', when: 'before' },
    { at: 'settle', when: 'after' },
  ])('$when $at: opened once, ended once, told once', async ({ at, when }) => {
    const scene = await openBatchScene({ payments: ONE })
    const killed: Forge = {
      ...scene.forge,
      [at]: async (...given: never[]) => {
        if (when === 'after') await Reflect.apply(scene.forge[at] as never, null, given)
        throw new Error('killed')
      },
    }
    const first = await scene.again({ forge: killed })
    const ids = await ask(first, [1, 2, 3]).catch(() => [])
    if (ids.length > 0 && at === 'settle') await review(first, String(ids[0])).catch(() => null)
    const next = await scene.again()
    await next.engine.sweep()
    const [batch, ...others] = await scene.batches()
    expect(others).toEqual([])
    const all = batch?.request.members?.map(({ request }) => request) ?? []
    if (at === 'open') await review(next, String(all[0]))
    expect(await states(next, all)).toEqual(Array(3).fill('APPROVED'))
    expect(scene.forge.pulls).toHaveLength(1)
    expect(scene.forge.pulls[0]?.pull.state).toBe('merged')
    expect(await next.parts.store.unfinished()).toEqual([])
    expect(scene.audit()).toMatchObject({ APPROVED: 3 })
  })

  test.for([1, 2])('between request %d and the next: the rest goes on', async (done) => {
    const scene = await openBatchScene({ payments: ONE })
    const ids = await ask(scene, [1, 2, 3])
    await postReview(scene, String(ids[0]))
    const { parts } = await scene.again()
    let units = 0
    const dead = {
      ...parts,
      batcher: {
        ...parts.batcher,
        run: async (unit: never) => {
          units += 1
          if (units > done) throw new Error('killed')
          return parts.batcher.run(unit)
        },
      },
    } as typeof parts
    const { settle } = await import('../../../src/app/engine/resolve.ts')
    await expect(settle(dead, String(ids[0]))).rejects.toThrow('killed')
    const half = ids.map((_, index) => (index < done ? 'APPROVED' : 'PENDING'))
    expect(await states(scene, ids)).toEqual(half)
    expect(scene.forge.pulls[0]?.pull.state).toBe('open')
    const next = await scene.again({
      forge: { ...scene.forge, openPulls: () => scene.forge.openPulls('all') },
    })
    await next.engine.sweep()
    expect(await states(scene, ids)).toEqual(Array(3).fill('APPROVED'))
    expect(scene.forge.pulls[0]?.pull.state).toBe('merged')
    expect(scene.audit()).toMatchObject({ APPROVED: 3 })
  })

  test('of a process that ended the last request and not the batch: that is closed', async () => {
    const scene = await openBatchScene({ payments: ONE })
    const settle: Forge['settle'] = () => Promise.reject(new Error('killed'))
    const first = await scene.again({ forge: { ...scene.forge, settle } })
    const ids = await ask(first, [1, 2, 3])
    await review(first, String(ids[0])).catch(() => null)
    const [batch] = await scene.batches()
    const database = new DatabaseSync(join(scene.folder, 'store.sqlite'))
    const reopen = database.prepare('UPDATE requests SET resolution = NULL WHERE id = ?')
    expect(reopen.run(String(batch?.request.id)).changes).toBe(1)
    database.close()
    const next = await scene.again()
    await next.engine.status(String(ids[0]))
    const [closed] = await scene.batches()
    expect(closed).toMatchObject({ resolution: { decision: 'APPROVED' }, published: true })
    expect(scene.forge.pulls[0]?.pull.state).toBe('merged')
  })

  test('two engines that end one batch at the same moment end each request once', async () => {
    const scene = await openBatchScene()
    const ids = await ask(scene, [1, 2, 3, 4, 5])
    await postReview(scene, String(ids[0]))
    const other = await scene.again()
    await Promise.all([scene.engine.sweep(), other.engine.sweep()])
    await scene.engine.sweep()
    expect(await states(scene, ids)).toEqual(Array(5).fill('APPROVED'))
    expect(scene.audit()).toMatchObject({ APPROVED: 5 })
  })
})

test('every request ends exactly once, and as it would alone', async () => {
  const word = fc.constantFrom('approve', 'reject', 'nobody')
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 2_000 }), { minLength: 1, maxLength: 7 }),
      word,
      async (amounts, verdict) => {
        const ends = await Promise.all(
          [ONE, ''].map(async (payments) => {
            const scene = await openBatchScene({ payments, board: payments })
            const ids = await ask(scene, amounts)
            scene.pass(11)
            await scene.engine.sweep()
            const heads = (await scene.parts.store.requests({ state: 'waiting' })).filter(
              ({ batch }) => batch === undefined,
            )
            for (const { request } of heads) {
              if (verdict !== 'nobody') await postReview(scene, request.id, { verdict }, 'bo')
            }
            if (verdict === 'nobody') scene.pass(3_600)
            await scene.engine.sweep()
            const counts = scene.audit()
            return { ends: await states(scene, ids), counts, pulls: scene.forge.pulls.length }
          }),
        )
        const [together, alone] = ends
        expect(together?.ends).toEqual(alone?.ends)
        expect(together?.ends).not.toContain('PENDING')
        expect(together?.counts).toEqual(alone?.counts)
        expect(together?.pulls).toBeLessThanOrEqual(alone?.pulls ?? 0)
      },
    ),
    { numRuns: 4 },
  )
})
