import { describe, expect, test } from 'vitest'
import { openBells } from '../../../src/app/approvals/bells.ts'
import { forgeTrouble, openFailures } from '../../../src/app/approvals/forge-trouble.ts'
import { reviewRequest } from '../../../src/app/approvals/review.ts'
import { openLane, openLoop, openRounds, within } from '../../../src/app/approvals/rounds.ts'
import { PolicyError } from '../../../src/base/errors.ts'
import { openMemoryForge } from '../../fakes/memory-forge.ts'
import { bundleOf, type Opened, openTest, policyFiles, signerOf } from '../support.ts'

const refund = (amount: number) => ({
  ...{ agent: 'clerk', service: 'shop', action: 'refund', payload: { amount } },
})

const PROJECT = String(policyFiles().get('countersign.yaml'))

/** An engine on a forge in memory; a poll takes a tenth of a second. */
async function openScene(settings = 'poll: 100ms') {
  const forge = openMemoryForge()
  let ahead = 0
  const project = `${PROJECT}forge: { kind: local, ${settings} }\n`
  const bundle = await bundleOf({ 'countersign.yaml': project })
  const opened = await openTest({ forge, bundle, clock: () => Date.now() + ahead })
  return {
    ...opened,
    forge,
    again: () =>
      openTest({
        ...{ folder: opened.folder, bundle, clock: () => Date.now() + ahead },
        // A process that has not listed before is shown everything.
        forge: { ...forge, openPulls: () => forge.openPulls('all') },
      }),
    pass: (ms: number) => {
      ahead += ms
    },
    /** What the forge is asked by some work. */
    asked: async (work: () => Promise<unknown>) => {
      const before = { ...forge.calls }
      await work()
      return Object.fromEntries(
        Object.entries(forge.calls)
          .map(([name, count]) => [name, count - (before[name] ?? 0)] as const)
          .filter(([name, count]) => count > 0 && name !== 'identity'),
      )
    },
  }
}

async function hold({ engine }: Opened, count: number): Promise<string[]> {
  const ids: string[] = []
  for (let i = 1; i <= count; i++) ids.push(String((await engine.defer(refund(i))).request))
  return ids
}

async function approve({ parts }: Opened, id: string): Promise<void> {
  const blind = { ...parts, forge: { ...parts.forge, reviews: async () => [] } }
  await reviewRequest(blind, id, { verdict: 'approve' }, await signerOf('ana'))
}

describe('a round', () => {
  test('asks for the list once, and looks at nothing when nothing has changed', async () => {
    const scene = await openScene()
    await hold(scene, 8)
    await scene.engine.sweep()
    for (let i = 0; i < 3; i++) {
      expect(await scene.asked(() => scene.engine.sweep())).toEqual({ openPulls: 1 })
    }
  })

  test('looks at the one that changed, also from another process', async () => {
    const scene = await openScene()
    const ids = await hold(scene, 7)
    await scene.engine.sweep()
    scene.forge.touch(4)
    const look = { openPulls: 1, pull: 1, reviews: 1 }
    expect(await scene.asked(() => scene.engine.sweep())).toEqual(look)
    const other = await scene.again()
    expect(await scene.asked(() => other.engine.sweep())).toEqual({ openPulls: 1 })
    await approve(other, String(ids[6]))
    await scene.engine.sweep()
    expect(await scene.parts.store.request(String(ids[6]))).toMatchObject({
      resolution: { decision: 'APPROVED' },
      published: true,
    })
  })

  test('without anything open asks nothing at all', async () => {
    const scene = await openScene()
    expect(await scene.asked(() => scene.engine.sweep())).toEqual({})
  })

  test('looks twice at a change that the forge cannot date, then no more', async () => {
    const scene = await openScene()
    await hold(scene, 1)
    await scene.engine.sweep()
    scene.forge.undated(true)
    expect(await scene.asked(() => scene.engine.sweep())).toMatchObject({ pull: 1 })
    scene.forge.undated(false)
    expect(await scene.asked(() => scene.engine.sweep())).toMatchObject({ pull: 1 })
    expect(await scene.asked(() => scene.engine.sweep())).toEqual({ openPulls: 1 })
  })

  test('looks at what was not looked at for long, though it does not seem to have changed', async () => {
    const scene = await openScene('poll: 1s, look: 60s')
    await hold(scene, 15)
    await scene.engine.sweep()
    scene.pass(61_000)
    const { pull = 0 } = await scene.asked(() => scene.engine.sweep())
    // Ten a second at most on the local forge, some of them owed from the pause before.
    expect(pull).toBeGreaterThan(0)
    expect(pull).toBeLessThan(13)
  })

  test('ends what has expired, and nothing else', async () => {
    const scene = await openScene()
    const [first = ''] = await hold(scene, 1)
    scene.pass(59 * 60_000)
    await hold(scene, 1)
    await scene.engine.sweep()
    scene.pass(2 * 60_000)
    await scene.engine.sweep()
    const resolved = await scene.parts.store.requests({ state: 'resolved' })
    expect(resolved.map(({ request }) => request.id)).toEqual([first])
    expect(resolved[0]?.resolution?.decision).toBe('EXPIRED')
  })
})

describe('waiting', () => {
  test('twelve that wait share one look at the list, and only the one in question is woken', async () => {
    const scene = await openScene()
    const ids = await hold(scene, 12)
    await scene.engine.sweep()
    const answers = ids.map((id) => scene.engine.wait(id, { timeoutMs: 800 }))
    const asked = await scene.asked(async () => {
      await approve(scene, String(ids[7]))
      expect(await answers[7]).toMatchObject({ status: 'APPROVED', payload: { amount: 8 } })
    })
    expect(asked['openPulls']).toBeLessThan(10)
    expect(asked['reviews']).toBeLessThan(10)
    const rest = await Promise.all(answers)
    expect(rest.filter(({ status }) => status === 'PENDING')).toHaveLength(11)
  })

  test('a review in the same process wakes at once, whatever the poll interval', async () => {
    const scene = await openScene('poll: 1h')
    const [id = ''] = await hold(scene, 1)
    const waiting = scene.engine.wait(id)
    await scene.parts.sleep(50)
    await reviewRequest(scene.parts, id, { verdict: 'approve' }, await signerOf('ana'))
    expect(await waiting).toMatchObject({ status: 'APPROVED' })
  })

  test('an aborted wait ends at once, and leaves nothing behind', async () => {
    const scene = await openScene()
    const [id = ''] = await hold(scene, 1)
    const ended = new AbortController()
    const waiting = scene.engine.wait(id, { signal: ended.signal })
    setTimeout(() => ended.abort(new Error('enough')), 20)
    await expect(waiting).rejects.toThrow('enough')
  })
})

test('closing the engine ends what waits, so that the process can end', async () => {
  const scene = await openScene()
  const [id = ''] = await hold(scene, 1)
  const waiting = scene.engine.wait(id)
  setTimeout(() => void scene.engine.close(), 20)
  await expect(waiting).rejects.toMatchObject({ code: 'ENGINE_FAILED', retryable: true })
})

describe('a nudge', () => {
  test('ten at once about one pull request are two looks', async () => {
    const scene = await openScene()
    await hold(scene, 2)
    await scene.engine.sweep()
    const nudge = () => Promise.all(Array.from({ length: 10 }, () => scene.engine.nudge(2)))
    expect(await scene.asked(nudge)).toEqual({ pull: 2, reviews: 2 })
  })

  test.for([0, 99, -1, Number.NaN])(
    'about %d, which is no request of ours, asks nothing',
    async (number) => {
      const scene = await openScene()
      await hold(scene, 1)
      expect(await scene.asked(() => scene.engine.nudge(number))).toEqual({})
    },
  )

  test('while the forge is away is no error', async () => {
    const scene = await openScene()
    await hold(scene, 1)
    scene.forge.fail('*')
    await scene.engine.nudge(1)
  })
})

describe('opening', () => {
  test('while the forge rests nothing more is asked, and all is opened in order afterwards', async () => {
    const scene = await openScene('poll: 1s')
    scene.forge.fail('*')
    const asked = await scene.asked(() => hold(scene, 5))
    expect(asked).toEqual({})
    expect(scene.forge.calls['identity']).toBe(1)
    scene.forge.fail('*', null)
    await scene.engine.sweep()
    const found = await scene.parts.store.requests({ state: 'waiting' })
    expect(found.map(({ pull }) => pull)).toEqual([1, 2, 3, 4, 5])
  })

  test('one that is refused does not keep the others back', async () => {
    const scene = await openScene()
    scene.forge.fail('open', 'FORGE_REFUSED')
    await hold(scene, 1)
    scene.forge.fail('open', null)
    const [second = ''] = await hold(scene, 1)
    expect((await scene.parts.store.request(second))?.pull).toBe(1)
    await scene.engine.sweep()
    expect(scene.forge.pulls).toHaveLength(2)
  })

  test('a store that fails is an error, and no note', async () => {
    const scene = await openScene()
    const [id = ''] = await hold(scene, 1)
    const error = new PolicyError('STORE_FAILED', 'broken', { retryable: true })
    const sweeper = { ...scene.parts.sweeper, look: () => Promise.reject(error) }
    const { statusOf } = await import('../../../src/app/approvals/waiting.ts')
    const parts = Object.create(scene.parts, { sweeper: { value: sweeper } })
    await expect(statusOf(parts, id)).rejects.toMatchObject({ code: 'STORE_FAILED' })
  })
})

describe('the parts', () => {
  test.for([
    { error: new PolicyError('FORGE_REFUSED', 'no'), want: 'no (FORGE_REFUSED)' },
    { error: new PolicyError('REQUEST_TAMPERED', 'odd'), want: 'odd (REQUEST_TAMPERED)' },
    { error: new TypeError('a secret'), want: 'the forge failed (ENGINE_FAILED)' },
    { error: 'a text', want: 'the forge failed (ENGINE_FAILED)' },
    { error: new PolicyError('STORE_FAILED', 'x'), want: null },
    { error: new PolicyError('RECEIPT_UNKNOWN', 'x'), want: null },
  ])('$error is $want to whoever waits', ({ error, want }) => {
    expect(forgeTrouble(error)).toBe(want)
  })

  test('calls that fail together are one failure; later ones rest longer', async () => {
    const failures = openFailures(() => 20)
    const away = new PolicyError('FORGE_UNREACHABLE', 'away', { retryable: true })
    for (let i = 0; i < 50; i++) expect(failures.add('a', away)).toBe(true)
    expect(failures.restMs()).toBeLessThanOrEqual(20)
    expect(failures.isResting('b')).toBe(true)
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(failures.isResting('b')).toBe(false)
    failures.add('a', away)
    expect(failures.restMs()).toBeGreaterThan(20)
    failures.clear('c')
    expect(failures.note('a')).toBe(null)
    expect(() => failures.add('a', new PolicyError('STORE_FAILED', 'x'))).toThrow('x')
  })

  test('rounds: those who come while one runs share the next', async () => {
    let ran = 0
    const rounds = openRounds(async () => {
      ran += 1
      await new Promise((resolve) => setTimeout(resolve, 10))
    })
    const first = rounds.next()
    await Promise.all([first, rounds.next(), rounds.next(), rounds.join()])
    await rounds.idle()
    expect(ran).toBe(2)
  })

  test('a round that fails does not stop the next', async () => {
    let ran = 0
    const rounds = openRounds(async () => {
      ran += 1
      if (ran === 1) throw new Error('once')
    })
    await expect(Promise.all([rounds.next(), rounds.next()])).rejects.toThrow('once')
    await rounds.idle()
    expect(ran).toBe(2)
  })

  test('the loop runs while it is wanted, and not after it was stopped', async () => {
    let [ran, wanted] = [0, true]
    const loop = openLoop({
      pauseMs: () => 5,
      isWanted: () => wanted,
      run: async () => {
        ran += 1
      },
    })
    const pause = () => new Promise((resolve) => setTimeout(resolve, 60))
    await pause()
    expect(ran).toBe(0)
    loop.wake()
    await pause()
    expect(ran).toBeGreaterThan(1)
    wanted = false
    await pause()
    const before = ran
    await pause()
    expect(ran).toBe(before)
    loop.start()
    await pause()
    expect(ran).toBeGreaterThan(before)
    await loop.stop()
    const last = ran
    await pause()
    expect(ran).toBe(last)
  })

  test('the lane lets no more pass at a time than it is wide, whatever fails', async () => {
    const lane = openLane(3)
    let [running, most] = [0, 0]
    const work = async (fails: boolean) => {
      running += 1
      most = Math.max(most, running)
      await new Promise((resolve) => setTimeout(resolve, 2))
      running -= 1
      if (fails) throw new Error('no')
    }
    await Promise.allSettled(Array.from({ length: 20 }, (_, i) => lane(() => work(i % 2 === 0))))
    expect([running, most]).toEqual([0, 3])
  })

  test('bells: an old one wakes nobody, and those who went are forgotten', async () => {
    const bells = openBells()
    bells.ring('a')
    const one = bells.wait('a', 10_000)
    const other = bells.wait('b', 5)
    expect(bells.size()).toBe(2)
    bells.ringUnless(new Set(['b']))
    await one
    await other
    expect(bells.size()).toBe(0)
  })

  test.for([
    { ms: 5, late: true },
    { ms: 1_000, late: false },
  ])('work of 30 ms within $ms ms is late: $late', async ({ ms, late }) => {
    expect(await within(new Promise((resolve) => setTimeout(resolve, 30)), ms)).toBe(late)
  })
})
