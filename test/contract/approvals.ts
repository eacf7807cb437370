import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { PolicyError } from '../../src/base/errors.ts'
import type { Forge } from '../../src/model/ports.ts'
import type { Opened } from '../app/support.ts'
import {
  type ApprovalsWorld,
  auditLog,
  call,
  openScene,
  type Person,
  post,
  review,
  type Scene,
  type Tool,
} from './approvals-world.ts'

const PATCH = { verdict: 'patch', payload: { amount: 20 } } as const
const REJECT = { verdict: 'reject', comment: 'no' } as const

/** What people and agents see of approvals, whatever forge they happen on. */
export function testApprovals(name: string, make: () => Promise<ApprovalsWorld>): void {
  describe(name, () => {
    let world: ApprovalsWorld
    let scene: Scene
    beforeEach(async () => {
      world = await make()
      scene = await openScene(world)
    })
    afterEach(async () => {
      await world.close()
    })
    testDecisions(() => scene)
    testTime(() => scene)
    testOutages(() => scene)
    testCrashes(() => scene)
    testRaces(() => scene)
    testGlass(() => scene)
    testBatches(() => scene)
  })
}

function testDecisions(scene: () => Scene): void {
  test('a held action is PENDING, and its request is open on the forge', async () => {
    const opened = await scene().engine()
    const answer = await opened.engine.defer(call('refund'))
    expect(answer).toMatchObject({ status: 'PENDING', where: expect.stringMatching(/1/) })
    expect(answer.note).toBeUndefined()
    const pull = await opened.parts.forge.pull(1)
    expect(pull).toMatchObject({ state: 'open' })
    expect(pull.requestText).toContain(answer.request)
    expect(scene().told).toMatchObject([
      { kind: 'held', where: answer.where, people: ['ana', 'bo'] },
    ])
  })

  test.for([
    { what: { verdict: 'approve' }, status: 'APPROVED', payload: { amount: 50 }, state: 'merged' },
    { what: REJECT, status: 'REJECTED', payload: undefined, state: 'closed' },
    {
      what: PATCH,
      status: 'APPROVED_WITH_MODIFICATIONS',
      payload: { amount: 20 },
      state: 'merged',
    },
  ] as const)(
    '$what.verdict by a person elsewhere -> the agent that waits gets $status',
    async ({ what, status, payload, state }) => {
      const opened = await scene().engine()
      const pending = await opened.engine.defer(call('refund'))
      const waiting = opened.engine.wait(String(pending.resume))
      await post(opened, pending, 'ana', what)
      const answer = await waiting
      expect(answer).toMatchObject({ status, request: pending.request })
      expect(answer.payload).toEqual(payload)
      await opened.engine.sweep() // The agent does not wait for the merge.
      expect(await opened.parts.forge.pull(1)).toMatchObject({ state })
      expect(auditLog(scene().folder)).toMatchObject({ hold: 1, [status]: 1 })
      expect(scene().told.map(({ kind }) => kind)).toEqual(['held', 'resolved'])
      expect(await opened.parts.store.unfinished()).toEqual([])
    },
  )

  test.for<{ tool: Tool; first: Person; second: Person; third: Person | null }>([
    { tool: 'pair', first: 'ana', second: 'ana', third: 'bo' },
    { tool: 'groups', first: 'bo', second: 'cy', third: 'ana' },
  ])(
    '$tool: $first and $second do not suffice, $third does',
    async ({ tool, first, second, third }) => {
      const opened = await scene().engine()
      const pending = await opened.engine.defer(call(tool))
      for (const person of [first, second]) {
        await post(opened, pending, person)
        expect(await opened.engine.status(String(pending.request))).toMatchObject({
          status: 'PENDING',
        })
      }
      await post(opened, pending, third ?? first)
      expect(await opened.engine.status(String(pending.request))).toMatchObject({
        status: 'APPROVED',
      })
      auditLog(scene().folder)
    },
  )
}

function testTime(scene: () => Scene): void {
  test.for<{ tool: Tool; status: string }>([
    { tool: 'refund', status: 'EXPIRED' },
    { tool: 'strict', status: 'REJECTED' },
  ])('$tool that nobody answers -> $status, by nobody', async ({ tool, status }) => {
    const opened = await scene().engine()
    const pending = await opened.engine.defer(call(tool))
    scene().pass(61)
    await opened.engine.sweep()
    const found = await opened.parts.store.request(String(pending.request))
    expect(found?.resolution).toMatchObject({ decision: status, by: [] })
    expect(await opened.engine.status(String(pending.request))).toMatchObject({ status })
    expect(await opened.parts.forge.pull(1)).toMatchObject({ state: 'closed' })
    auditLog(scene().folder)
  })

  test('an expired request cannot be approved, nor by a review from before', async () => {
    const opened = await scene().engine()
    const pending = await opened.engine.defer(call('refund'))
    const other = await opened.engine.defer(call('refund', { amount: 51 }))
    await post(opened, pending, 'ana')
    scene().pass(61)
    await expect(review(opened, other, 'ana')).rejects.toMatchObject({ code: 'REQUEST_EXPIRED' })
    await opened.engine.sweep()
    for (const { request } of [pending, other]) {
      const answer = await opened.engine.status(String(request))
      expect(answer).toMatchObject({ status: 'EXPIRED' })
      expect(answer.payload).toBeUndefined()
    }
  })

  test('people are reminded once, and others come in once it escalates', async () => {
    const opened = await scene().engine()
    const pending = await opened.engine.defer(call('urgent'))
    const said = () => scene().world.said(1)
    await opened.engine.sweep()
    expect(await said()).toEqual([])
    await expect(review(opened, pending, 'bo')).rejects.toMatchObject({
      code: 'REVIEWER_NOT_ON_ROUTE',
    })
    scene().pass(11)
    await opened.engine.sweep()
    await opened.engine.sweep()
    expect(await said()).toEqual([expect.stringContaining('still waits')])
    scene().pass(5)
    await opened.engine.sweep()
    const again = await scene().engine() // Another process knows what was said.
    await again.engine.sweep()
    expect(await said()).toEqual([
      expect.stringContaining('still waits'),
      expect.stringContaining('may review it too'),
    ])
    expect(scene().told.map(({ kind, people }) => [kind, people])).toEqual([
      ['held', ['ana']],
      ['reminded', ['ana']],
      ['escalated', ['bo']],
    ])
    await review(opened, pending, 'bo')
    expect(await opened.engine.status(String(pending.request))).toMatchObject({
      status: 'APPROVED',
      reason: expect.stringContaining('bo'),
    })
    auditLog(scene().folder)
  })
}

function testOutages(scene: () => Scene): void {
  test('a forge that is down for a while: nothing fails, all is opened in order, once', async () => {
    const { world } = scene()
    const opened = await scene().engine()
    await world.down()
    const answers = []
    for (const amount of [1, 2, 3]) {
      answers.push(await opened.engine.ask(call('refund', { amount }), { timeoutMs: 1 }))
    }
    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 'PENDING', note: expect.stringMatching(/./) })
    }
    const outcome = await opened.engine.decide(call('refund', { amount: 4 }))
    expect(outcome).toMatchObject({
      verdict: 'hold',
      request: { note: expect.stringMatching(/./) },
    })
    const waiting = opened.engine.wait(String(answers[1]?.resume))
    await opened.parts.sleep(6 * 100)
    expect(await opened.engine.status(String(answers[0]?.request))).toMatchObject({
      status: 'PENDING',
      note: expect.stringMatching(/./),
    })
    await world.up()
    await opened.engine.sweep()
    const found = await opened.parts.store.requests({ state: 'waiting' })
    expect(found.map(({ pull }) => pull)).toEqual([1, 2, 3, 4])
    expect(found.map(({ request }) => request.id)).toEqual([
      ...answers.map(({ request }) => request),
      outcome.request?.id,
    ])
    expect(await opened.parts.forge.openPulls('all')).toHaveLength(4)
    await post(opened, answers[1] ?? {}, 'ana')
    const answer = await waiting
    expect(answer).toMatchObject({ status: 'APPROVED', payload: { amount: 2 } })
    expect(answer.note).toBeUndefined()
    // Each of them once, and first of all that it could not be reviewed yet.
    expect(
      scene()
        .told.filter(({ kind }) => kind === 'held')
        .map(({ where }) => where),
    ).toEqual([...[null, null, null, null]])
  })

  test('an outage between approval and merge: the agent goes on, the forge is told later, once', async () => {
    const { world } = scene()
    const opened = await scene().engine(mutable(world.open(), 'settle', gone))
    const pending = await opened.engine.defer(call('refund'))
    await post(opened, pending, 'ana')
    expect(await opened.engine.status(String(pending.request))).toMatchObject({
      status: 'APPROVED',
      payload: { amount: 50 },
      note: expect.stringContaining('FORGE_UNREACHABLE'),
    })
    expect(await opened.parts.forge.pull(1)).toMatchObject({ state: 'open' })
    const later = await scene().engine()
    expect(await later.parts.forge.pull(1)).toMatchObject({ state: 'merged' })
    expect(auditLog(scene().folder)).toMatchObject({ APPROVED: 1 })
  })

  test.for([
    { name: 'refuses', code: 'FORGE_REFUSED' },
    { name: 'takes no credentials', code: 'FORGE_UNAUTHORIZED' },
  ] as const)('a forge that $name -> PENDING with $code, and denials go on', async ({ code }) => {
    const no = async (): Promise<never> => {
      throw new PolicyError(code, 'not for you')
    }
    const opened = await scene().engine(mutable(scene().world.open(), 'open', no))
    const note = `not for you (${code})`
    expect(await opened.engine.defer(call('refund'))).toMatchObject({ status: 'PENDING', note })
    expect(await opened.engine.ask(call('refund'), { timeoutMs: 1 })).toMatchObject({ note })
    await opened.engine.sweep()
    const later = await scene().engine()
    expect((await later.parts.store.requests({ state: 'all' })).map(({ pull }) => pull)).toEqual([
      1, 2,
    ])
  })
}

function testCrashes(scene: () => Scene): void {
  test('a restart in the middle: the token goes on, and finds what people said meanwhile', async () => {
    const first = await scene().engine()
    const pending = await first.engine.ask(call('refund'), { timeoutMs: 1 })
    await first.engine.close()
    const second = await scene().engine()
    const waiting = second.engine.wait(String(pending.resume))
    await post(second, pending, 'ana')
    expect(await waiting).toMatchObject({ status: 'APPROVED', payload: { amount: 50 } })
    auditLog(scene().folder)
  })

  test.for([
    { name: 'before the forge was asked', done: false },
    { name: 'before its answer came', done: true },
  ])('killed while opening, $name: opened once', async ({ done }) => {
    const forge = scene().world.open()
    const dying: Forge['open'] = async (...given) => {
      if (done) await forge.open(...given)
      throw new PolicyError('FORGE_UNREACHABLE', 'killed', { retryable: true })
    }
    const first = await scene().engine({ ...forge, open: dying })
    const pending = await first.engine.defer(call('refund'))
    expect((await first.parts.store.request(String(pending.request)))?.pull).toBe(null)
    const second = await scene().engine()
    expect((await second.parts.store.request(String(pending.request)))?.pull).toBe(1)
    expect(await second.parts.forge.openPulls('all')).toHaveLength(1)
    await review(second, pending, 'ana')
    expect(await second.engine.wait(String(pending.resume))).toMatchObject({ status: 'APPROVED' })
  })

  test('killed after merging, before its answer came: nothing is done twice', async () => {
    const forge = scene().world.open()
    const dying: Forge['settle'] = async (...given) => {
      await forge.settle(...given)
      throw new PolicyError('FORGE_UNREACHABLE', 'killed', { retryable: true })
    }
    const first = await scene().engine({ ...forge, settle: dying })
    const pending = await first.engine.defer(call('refund'))
    await expect(review(first, pending, 'ana')).rejects.toThrow('killed')
    const second = await scene().engine()
    expect(await second.parts.store.request(String(pending.request))).toMatchObject({
      published: true,
    })
    expect(await second.engine.wait(String(pending.resume))).toMatchObject({ status: 'APPROVED' })
    expect(auditLog(scene().folder)).toMatchObject({ APPROVED: 1 })
    expect(scene().told.map(({ kind }) => kind)).toEqual(['held', 'resolved'])
  })
}

function testRaces(scene: () => Scene): void {
  test('two reviewers race on two engines: one outcome, one receipt, one answer for all', async () => {
    const [one, two] = [await scene().engine(), await scene().engine()]
    const pending = await one.engine.defer(call('refund'))
    const waiting = [one, two].map(({ engine }) => engine.wait(String(pending.resume)))
    await Promise.allSettled([
      review(one, pending, 'ana'),
      review(two, pending, 'bo', REJECT),
      one.engine.sweep(),
      two.engine.nudge(1),
    ])
    const answers = await Promise.all(waiting)
    expect(answers[0]).toEqual(answers[1])
    const { status = '' } = answers[0] ?? {}
    expect(['APPROVED', 'REJECTED']).toContain(status)
    const receipts = auditLog(scene().folder)
    expect(receipts).toMatchObject({ hold: 1, [status]: 1 })
    expect((receipts['APPROVED'] ?? 0) + (receipts['REJECTED'] ?? 0)).toBe(1)
    const found = await one.parts.store.request(String(pending.request))
    expect(found?.published).toBe(true)
    const state = status === 'APPROVED' ? 'merged' : 'closed'
    expect(await one.parts.forge.pull(1)).toMatchObject({ state })
  })
}

function testGlass(scene: () => Scene): void {
  const GLASS = { verdict: 'approve', comment: 'the shop is on fire', breakGlass: true } as const
  /** Breaks the glass. @returns the request that asks people to look at it */
  async function broken(opened: Opened, amount: number) {
    const pending = await opened.engine.defer(call('glass', { amount }))
    await post(opened, pending, 'cy', GLASS)
    const answer = await opened.engine.status(String(pending.request))
    expect(answer).toMatchObject({ status: 'APPROVED', payload: { amount } })
    const all = await opened.parts.store.ratifications('clerk')
    const asked = all.filter(({ request }) => request.ratifies === pending.request)
    expect(asked).toHaveLength(1)
    return { request: String(asked[0]?.request.id) }
  }

  test('glass that is broken runs, loudly, and is ratified afterwards', async () => {
    const opened = await scene().engine()
    const asked = await broken(opened, 1)
    expect(await scene().world.said(1)).toEqual([expect.stringContaining('glass was broken')])
    expect(scene().told.map(({ kind }) => kind)).toContain('break-glass')
    expect(await opened.engine.status(asked.request)).toMatchObject({ status: 'PENDING' })
    await expect(review(opened, asked, 'ana', PATCH)).rejects.toMatchObject({
      code: 'PATCH_INVALID',
    })
    await expect(review(opened, asked, 'cy')).rejects.toMatchObject({
      code: 'REVIEWER_NOT_ON_ROUTE',
    })
    await review(opened, asked, 'ana')
    const answer = await opened.engine.wait(asked.request)
    expect(answer).toMatchObject({ status: 'APPROVED' })
    expect(answer.payload).toBeUndefined()
    expect(answer.grant).toBeUndefined()
    await broken(opened, 2) // Ratified: it may be broken again.
    auditLog(scene().folder)
  })

  test.for([{ how: 'disavowed' }, { how: 'not looked at in time' }])(
    'glass whose breaking was $how stays whole from then on',
    async ({ how }) => {
      const opened = await scene().engine()
      const asked = await broken(opened, 1)
      if (how === 'disavowed') await review(opened, asked, 'bo', REJECT)
      else scene().pass(25 * 60)
      const next = await opened.engine.defer(call('glass', { amount: 2 }))
      await expect(review(opened, next, 'cy', GLASS)).rejects.toMatchObject({
        code: 'BREAK_GLASS_SPENT',
      })
      // The others decide as ever.
      await review(opened, next, 'ana')
      expect(await opened.engine.status(String(next.request))).toMatchObject({ status: 'APPROVED' })
      auditLog(scene().folder)
    },
  )

  test.for([
    {
      name: 'without a word why',
      what: { verdict: 'approve', breakGlass: true },
      code: 'USAGE_INVALID',
      who: 'cy',
    },
    { name: 'by who may not', what: GLASS, code: 'REVIEWER_NOT_ON_ROUTE', who: 'ana' },
    {
      name: 'with a rejection',
      what: { ...GLASS, verdict: 'reject' },
      code: 'USAGE_INVALID',
      who: 'cy',
    },
  ] as const)('glass that is broken $name -> $code', async ({ what, code, who }) => {
    const opened = await scene().engine()
    const pending = await opened.engine.defer(call('glass'))
    await expect(review(opened, pending, who, what)).rejects.toMatchObject({ code })
    expect(await opened.engine.status(String(pending.request))).toMatchObject({ status: 'PENDING' })
  })
}

function testBatches(scene: () => Scene): void {
  test.for([
    { what: { verdict: 'approve' }, status: 'APPROVED', state: 'merged' },
    { what: REJECT, status: 'REJECTED', state: 'closed' },
  ] as const)(
    'three like requests share a pull request, and one review: $what.verdict -> each is $status',
    async ({ what, status, state }) => {
      const opened = await scene().engine()
      const pending = []
      for (const amount of [1, 2, 3]) {
        pending.push(await opened.engine.defer(call('batch', { amount })))
      }
      expect(await opened.parts.forge.openPulls('all')).toHaveLength(1)
      const waiting = pending.map(({ resume }) => opened.engine.wait(String(resume)))
      await expect(review(opened, pending[1] ?? {}, 'ana', PATCH)).rejects.toMatchObject({
        code: 'BATCH_PATCH',
      })
      await post(opened, pending[1] ?? {}, 'ana', what)
      const answers = await Promise.all(waiting)
      expect(answers.map((answer) => answer.status)).toEqual([status, status, status])
      if (status === 'APPROVED') {
        expect(answers.map(({ payload }) => payload?.['amount'])).toEqual([1, 2, 3])
      }
      await opened.engine.sweep()
      expect(await opened.parts.forge.pull(1)).toMatchObject({ state })
      expect(auditLog(scene().folder)).toMatchObject({ hold: 3, [status]: 3 })
      expect(scene().told.map(({ kind }) => kind)).toEqual(['held', 'resolved'])
      expect(await opened.parts.store.unfinished()).toEqual([])
    },
  )

  test('two that gathered before a restart are opened together after it', async () => {
    const first = await scene().engine()
    for (const amount of [1, 2]) await first.engine.defer(call('batch', { amount }))
    expect(await first.parts.forge.openPulls('all')).toEqual([])
    scene().pass(11)
    const again = await scene().engine()
    await again.engine.sweep()
    expect(await again.parts.forge.openPulls('all')).toHaveLength(1)
    const ids = (await again.parts.store.requests({ state: 'waiting' })).flatMap(
      ({ request, batch }) => (batch === undefined ? [] : [request.id]),
    )
    await review(again, { request: String(ids[0]) }, 'bo')
    for (const id of ids) {
      expect(await again.engine.status(id)).toMatchObject({ status: 'APPROVED' })
    }
    expect(auditLog(scene().folder)).toMatchObject({ APPROVED: 2 })
  })
}

async function gone(): Promise<never> {
  throw new PolicyError('FORGE_UNREACHABLE', 'away', { retryable: true })
}

/** The forge with one of its methods replaced. */
function mutable<K extends 'open' | 'settle'>(forge: Forge, method: K, by: Forge[K]): Forge {
  return { ...forge, [method]: by }
}
