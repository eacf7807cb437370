import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { lookAtRequests } from '../../../src/app/approvals/request-list.ts'
import { reviewRequest } from '../../../src/app/approvals/review.ts'
import { openLoop } from '../../../src/app/approvals/rounds.ts'
import { PolicyError } from '../../../src/base/errors.ts'
import type { Forge, NoticeEvent, OpenPull } from '../../../src/model/ports.ts'
import { openMemoryForge } from '../../fakes/memory-forge.ts'
import {
  bundleOf,
  type Opened,
  openTest,
  policyFiles,
  signerOf,
  temporaryFolder,
} from '../support.ts'
import { ask, openBatchScene, states } from './batch-scene.ts'

const PROJECT = String(policyFiles().get('countersign.yaml'))
const refund = (amount: number) => ({
  ...{ agent: 'clerk', service: 'shop', action: 'refund', payload: { amount } },
})
const read = { agent: 'clerk', service: 'shop', action: 'read_order', payload: {} }

/** One folder and one forge in memory for several engines, and a clock that is moved by hand. */
async function openScene(settings = 'poll: 100ms', files: Readonly<Record<string, string>> = {}) {
  const memory = openMemoryForge()
  const folder = temporaryFolder()
  let ahead = 0
  const told: NoticeEvent[] = []
  const project = `${PROJECT}forge: { kind: local, ${settings} }\n`
  const bundle = await bundleOf({ 'countersign.yaml': project, ...files })
  return {
    memory,
    told,
    pass: (ms: number) => {
      ahead += ms
    },
    engine: (
      changes: Partial<Forge> = {},
      options: { readonly opensPulls?: boolean } = {},
    ): Promise<Opened> =>
      openTest({
        ...options,
        ...{ folder, bundle, clock: () => Date.now() + ahead },
        forge: { ...memory, openPulls: () => memory.openPulls('all'), ...changes },
        notifier: { notify: async (event) => void told.push(event) },
      }),
  }
}

async function hold({ engine }: Opened, amount = 1): Promise<string> {
  return String((await engine.defer(refund(amount))).request)
}

/** Posts a review that the engine has yet to notice. */
async function post(
  { parts }: Opened,
  id: string,
  verdict: 'approve' | 'reject' = 'approve',
): Promise<void> {
  const blind = { ...parts, forge: { ...parts.forge, reviews: async () => [] } }
  await reviewRequest(blind, id, { verdict }, await signerOf('ana'))
}

const HOUR = 3_600_000

describe('the lock of the store', () => {
  test.for(['pull', 'reviews', 'identity'] as const)(
    'is not held while the forge is asked for %s',
    async (method) => {
      const scene = await openScene()
      let isLocked = false
      let during = 0
      const opened = await scene.engine({
        [method]: async (number: number) => {
          if (isLocked) during += 1
          return (scene.memory[method] as (n: number) => Promise<unknown>)(number)
        },
      })
      const id = await hold(opened)
      await post(opened, id)
      const { batcher } = opened.parts
      const parts = Object.create(opened.parts, {
        batcher: {
          value: {
            ...batcher,
            run: (unit: Parameters<typeof batcher.run>[0]) =>
              batcher.run(async (tx) => {
                isLocked = true
                try {
                  return await unit(tx)
                } finally {
                  isLocked = false
                }
              }),
          },
        },
      })
      const { settleRequest } = await import('../../../src/app/engine/resolve.ts')
      expect((await settleRequest(parts, id)).resolution?.decision).toBe('APPROVED')
      expect(during).toBe(0)
    },
  )

  test('a review that is taken back before the lock was had counts no longer', async () => {
    const scene = await openScene()
    const opened = await scene.engine()
    const id = await hold(opened)
    await post(opened, id)
    const { batcher } = opened.parts
    let runs = 0
    const parts = Object.create(opened.parts, {
      batcher: {
        value: {
          ...batcher,
          // Another process has the lock for long, while ana thinks better of it.
          run: async (unit: Parameters<typeof batcher.run>[0]) => {
            runs += 1
            if (runs === 1) {
              scene.memory.pulls[0]?.reviews.splice(0)
              await sleep(2_500)
            }
            return batcher.run(unit)
          },
        },
      },
    })
    const { settleRequest } = await import('../../../src/app/engine/resolve.ts')
    expect((await settleRequest(parts, id)).resolution).toBe(null)
  })
})

test('more than a hundred requests are listed while the forge still has to answer', async () => {
  const rules = String(policyFiles().get('policies/guardrails/refunds.yaml'))
  const scene = await openScene('poll: 1h', {
    'policies/guardrails/refunds.yaml': rules.replace('limit: 100,', 'limit: 200,'),
  })
  const stuck = Promise.withResolvers<readonly OpenPull[]>()
  const opened = await scene.engine({ openPulls: () => stuck.promise })
  for (let i = 1; i <= 101; i++) await hold(opened, i)
  expect(await lookAtRequests(opened.parts, 'waiting')).toHaveLength(101)
  stuck.resolve([])
})

describe('a process with the credentials of a reviewer', () => {
  const accounts = { kind: 'github', host: 'github.test', repository: '1' }

  test.for([
    { name: 'a forge with accounts', identity: async () => accounts, opens: false },
    { name: 'one without', identity: undefined, opens: true },
    {
      name: 'one that is away',
      identity: async () => {
        throw new PolicyError('FORGE_UNREACHABLE', 'away', { retryable: true })
      },
      opens: false,
    },
  ])('on $name opens pull requests: $opens', async ({ identity, opens }) => {
    const scene = await openScene('poll: 1h')
    const stopped = await scene.engine({
      open: async () => {
        throw new PolicyError('FORGE_UNREACHABLE', 'away', { retryable: true })
      },
    })
    const id = await hold(stopped)
    await stopped.engine.close()
    const changes = identity === undefined ? {} : { identity }
    const reviewer = await scene.engine(changes, { opensPulls: false })
    await reviewer.parts.sweeper.sweep()
    expect(scene.memory.pulls).toHaveLength(opens ? 1 : 0)
    if (opens || identity === undefined) return
    const code = /^(?:REQUEST_UNOPENED|FORGE_UNREACHABLE)$/
    const posting = reviewRequest(reviewer.parts, id, { verdict: 'approve' }, await signerOf('ana'))
    await expect(posting).rejects.toMatchObject({ code: expect.stringMatching(code) })
    expect(scene.memory.pulls).toHaveLength(0)
  })
})

describe('the queue', () => {
  test('many that the forge refuses for ever do not keep the next from being opened', async () => {
    const scene = await openScene('poll: 1h')
    const bad = new Set<string>()
    const opened = await scene.engine({
      open: async (request, text) => {
        if (bad.has(request.id)) throw new PolicyError('FORGE_REFUSED', 'no')
        return scene.memory.open(request, text)
      },
    })
    const away = await scene.engine({
      open: async () => {
        throw new PolicyError('FORGE_UNREACHABLE', 'away', { retryable: true })
      },
    })
    for (let i = 1; i <= 12; i++) bad.add(await hold(away, i))
    const good = await hold(away, 50)
    for (let i = 0; i < 6; i++) await opened.engine.sweep()
    expect((await opened.parts.store.request(good))?.pull).toBe(1)
  })
})

describe('a long queue', () => {
  /** An engine with so many requests that the forge has not heard of. */
  async function backlog(count: number) {
    const scene = await openScene()
    const away = await scene.engine({
      open: async () => {
        throw new PolicyError('FORGE_UNREACHABLE', 'away', { retryable: true })
      },
    })
    for (let i = 1; i <= count; i++) await hold(away, i)
    await away.engine.close()
    return scene
  }

  test('does not keep an engine from being opened', async () => {
    const scene = await backlog(1)
    const stuck = Promise.withResolvers<never>()
    const began = performance.now()
    const opened = await scene.engine({ open: () => stuck.promise })
    expect(performance.now() - began).toBeLessThan(6_000)
    expect(await opened.engine.decide(read)).toMatchObject({ verdict: 'allow' })
    stuck.reject(new PolicyError('FORGE_UNREACHABLE', 'away', { retryable: true }))
  })

  test('does not keep an engine from being closed', async () => {
    const scene = await backlog(40)
    let isSlow = false
    const forge: Partial<Forge> = {
      open: async (request, text) => {
        if (!isSlow) throw new PolicyError('FORGE_UNREACHABLE', 'away', { retryable: true })
        await sleep(200)
        return scene.memory.open(request, text)
      },
    }
    const opened = await scene.engine(forge)
    isSlow = true
    const sweep = opened.engine.sweep()
    await sleep(50)
    const began = performance.now()
    await opened.engine.close()
    expect(performance.now() - began).toBeLessThan(2_000)
    await sweep
  })
})

describe('asking', () => {
  test('the time of opening is part of the time that ask takes', async () => {
    const scene = await openScene()
    const slow = await scene.engine({
      open: async (request, text) => {
        await sleep(2_000)
        return scene.memory.open(request, text)
      },
    })
    const began = performance.now()
    expect(await slow.engine.ask(refund(1), { timeoutMs: 200 })).toMatchObject({
      status: 'PENDING',
      resume: expect.stringMatching(/^rsm_/),
    })
    expect(performance.now() - began).toBeLessThan(1_500)
  })

  test('an abort ends it while the pull request is being opened', async () => {
    const scene = await openScene()
    const slow = await scene.engine({
      open: async (request, text) => {
        await sleep(2_000)
        return scene.memory.open(request, text)
      },
    })
    const ended = new AbortController()
    setTimeout(() => ended.abort(new Error('enough')), 100)
    const began = performance.now()
    await expect(slow.engine.ask(refund(1), { signal: ended.signal })).rejects.toThrow('enough')
    expect(performance.now() - began).toBeLessThan(1_500)
  })

  test.for([refund(1), read])('aborted before it began, $action is not judged', async (action) => {
    const scene = await openScene()
    const opened = await scene.engine()
    const signal = AbortSignal.abort(new Error('enough'))
    const before = await opened.parts.store.size()
    await expect(opened.engine.ask(action, { signal })).rejects.toThrow('enough')
    expect(await opened.parts.store.size()).toBe(before)
  })

  test.for(['rsm_\ud800.x', 'rsm_', 'rsm_.', 'req_\ud800', '', '__proto__', 'rsm_a.b.c'])(
    'waiting for %j -> REQUEST_UNKNOWN',
    async (name) => {
      const opened = await (await openScene()).engine()
      await expect(opened.engine.wait(name)).rejects.toMatchObject({ code: 'REQUEST_UNKNOWN' })
    },
  )
})

describe('the end of a request', () => {
  const away = async (): Promise<never> => {
    throw new PolicyError('FORGE_UNREACHABLE', 'away', { retryable: true })
  }
  const all = {
    open: away,
    openPulls: away,
    pull: away,
    reviews: away,
    settle: away,
    identity: away,
  }

  test.for([
    { name: 'that was never opened', before: all },
    { name: 'that was open', before: {} },
  ])('$name comes while the forge is away, and the forge is told later', async ({ before }) => {
    const scene = await openScene()
    const first = await scene.engine(before)
    const id = await hold(first)
    await first.engine.close()
    const down = await scene.engine(all)
    scene.pass(HOUR + 1_000)
    expect(await down.engine.status(id)).toMatchObject({ status: 'EXPIRED' })
    expect((await down.parts.store.request(id))?.resolution).toMatchObject({
      decision: 'EXPIRED',
      by: [],
    })
    const later = await scene.engine()
    await later.engine.sweep()
    expect(scene.memory.pulls).toMatchObject([{ pull: { state: 'closed' } }])
    expect(await later.parts.store.unfinished()).toEqual([])
  })

  test('comes to each request of a batch while the forge is away, and an auditor takes it', async () => {
    const scene = await openBatchScene()
    const ids = await ask(scene, [1, 2, 3, 4, 5])
    await scene.engine.sweep()
    expect(await scene.batches()).toMatchObject([{ pull: 1 }])
    scene.forge.fail('*')
    scene.pass(3_601)
    await scene.engine.sweep()
    expect(await states(scene, ids)).toEqual(ids.map(() => 'EXPIRED'))
    scene.forge.fail('*', null)
    await scene.engine.sweep()
    expect(scene.forge.pulls).toMatchObject([{ pull: { state: 'closed' } }])
    expect(await scene.parts.store.unfinished()).toEqual([])
    expect(scene.audit()).toMatchObject({ hold: 5, EXPIRED: 5 })
  })

  test('comes to who waits, though the forge is away', async () => {
    const scene = await openScene()
    const opened = await scene.engine(all)
    const id = await hold(opened)
    const waiting = opened.engine.wait(id, { timeoutMs: 5_000 })
    await sleep(50)
    scene.pass(HOUR + 1_000)
    expect(await waiting).toMatchObject({ status: 'EXPIRED' })
  })

  test('comes to one whose pull request was deleted, or carries something else', async () => {
    const scene = await openScene()
    const opened = await scene.engine({
      pull: async (number) => {
        if (number === 1) throw new PolicyError('REQUEST_UNKNOWN', 'no pull 1')
        const pull = await scene.memory.pull(number)
        return number === 2 ? { ...pull, requestText: '{}' } : pull
      },
    })
    const ids = [await hold(opened, 1), await hold(opened, 2), await hold(opened, 3)]
    await post(opened, String(ids[2]))
    await opened.engine.sweep()
    expect(await opened.engine.status(String(ids[2]))).toMatchObject({ status: 'APPROVED' })
    for (const id of ids.slice(0, 2)) {
      expect(await opened.engine.status(id)).toMatchObject({
        status: 'PENDING',
        note: expect.stringMatching(/REQUEST_/),
      })
    }
    scene.pass(HOUR + 1_000)
    for (const id of ids.slice(0, 2)) {
      expect(await opened.engine.status(id)).toMatchObject({ status: 'EXPIRED' })
    }
  })

  test('a rejection that the forge still shows goes before the end of the time', async () => {
    const scene = await openScene()
    const opened = await scene.engine()
    const id = await hold(opened)
    await post(opened, id, 'reject')
    scene.pass(HOUR + 1_000)
    await opened.engine.sweep()
    expect(await opened.engine.status(id)).toMatchObject({ status: 'REJECTED' })
  })

  test('an approval that nobody saw in time approves nothing', async () => {
    const scene = await openScene()
    const opened = await scene.engine()
    const id = await hold(opened)
    await post(opened, id)
    scene.pass(HOUR + 1_000)
    const down = await scene.engine(all)
    expect(await down.engine.status(id)).toMatchObject({ status: 'EXPIRED' })
    const later = await scene.engine()
    await later.engine.sweep()
    expect(await later.engine.status(id)).toMatchObject({ status: 'EXPIRED' })
  })
})

describe('what people are told', () => {
  test('two routes whose long names begin alike escalate each', async () => {
    const names = ['one', 'two'].map(
      (end) => `${'refunds-of-more-than-a-thousand-to-a-new-customer-abroad'}-${end}`,
    )
    const head = 'apiVersion: countersign/v1\nkind: '
    const scene = await openScene('poll: 100ms', {
      'policies/guardrails/refunds.yaml': `${head}Guardrails\nrules:\n${names
        .map(
          (id, i) =>
            `  - { id: refunds/r${i}, on: { action: refund }, then: hold, route: ${id} }\n`,
        )
        .join('')}`,
      'policies/routes/routes.yaml': `${head}Routes\nroutes:\n  - { id: default, reviewers: [ana], time_out: 1h }\n${names
        .map(
          (id) =>
            `  - { id: ${id}, reviewers: [ana], time_out: 1h, escalate: { after: 10m, reviewers: [bo] } }\n`,
        )
        .join('')}`,
    })
    const opened = await scene.engine()
    await hold(opened)
    scene.pass(HOUR / 4)
    await opened.engine.sweep()
    await opened.engine.sweep()
    const keys = scene.memory.pulls[0]?.notices.map(({ key }) => key) ?? []
    expect(new Set(keys).size).toBe(2)
    for (const key of keys) expect(key).toMatch(/^[a-z0-9-]{1,64}$/)
  })
})

describe('clocks and faults', () => {
  test('a pause that has become shorter is not sat out', async () => {
    let [pause, ran] = [10_000, 0]
    const loop = openLoop({
      pauseMs: (since) => pause - since,
      isWanted: () => true,
      run: async () => {
        ran += 1
      },
    })
    loop.wake()
    await sleep(30)
    expect(ran).toBe(1)
    pause = 5
    loop.wake()
    await sleep(50)
    expect(ran).toBeGreaterThan(1)
    await loop.stop()
  })

  test('a clock that jumps back does not stop the regular look', async () => {
    const scene = await openScene('poll: 100ms, look: 1s')
    const opened = await scene.engine({ openPulls: async () => [] })
    const id = await hold(opened)
    scene.pass(HOUR / 2)
    await opened.engine.sweep()
    scene.pass(-HOUR / 3)
    await post(opened, id)
    await opened.engine.sweep()
    expect((await opened.parts.store.request(id))?.resolution?.decision).toBe('APPROVED')
  })

  test('one whose inputs were erased does not keep the others back', async () => {
    const scene = await openScene()
    const opened = await scene.engine()
    const gone = await hold(opened, 1)
    const good = await hold(opened, 2)
    const { decision } = (await opened.parts.store.request(gone))?.request ?? {}
    const store = Object.create(opened.parts.store, {
      decision: {
        value: async (id: string) => {
          if (id === decision) throw new PolicyError('STORE_KEY_MISMATCH', 'erased')
          return opened.parts.store.decision(id)
        },
      },
    })
    const { openSweeper } = await import('../../../src/app/approvals/sweep.ts')
    await post(opened, good)
    scene.memory.touch(1)
    let sweeper = opened.parts.sweeper
    const parts = Object.create(opened.parts, {
      store: { value: store },
      sweeper: { get: () => sweeper },
    })
    sweeper = openSweeper(parts)
    await sweeper.sweep()
    expect((await opened.parts.store.request(good))?.resolution?.decision).toBe('APPROVED')
    expect(sweeper.note(gone)).toContain('STORE_KEY_MISMATCH')
  })
})
