import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import type { Observed } from '../../../src/app/baseline/observed.ts'
import { observeStore } from '../../../src/app/baseline/store.ts'
import { settleRequest } from '../../../src/app/engine/resolve.ts'
import type { LearnedVersion } from '../../../src/model/generated/types.ts'
import { policyFiles } from '../support.ts'
import { call, letEnd, MINUTE, openShop, review, type Shop, session } from './support.ts'

async function observe(
  shop: Shop,
  learned: readonly LearnedVersion[] = [],
  covers: (fingerprint: string | null) => boolean = () => true,
): Promise<Observed> {
  const request = { data: shop.folder, idleMs: 30 * MINUTE, learned }
  return observeStore(request, { agent: 'clerk', covers })
}

/** The nodes of what may be learned, without the service; a call that repeats an earlier one is marked. */
function trails({ runs }: Observed): string[] {
  return runs.map(({ session: { calls } }) => {
    const seen = new Set<string>()
    return calls
      .map(({ node, args }) => {
        const repeats = seen.has(`${node} ${args}`)
        seen.add(`${node} ${args}`)
        return `${node.replace('shop.', '')}${repeats ? '*' : ''}`
      })
      .join(' ')
  })
}

/** What a version that learned all of this writes down. */
function learnedOf({ read }: Observed, version = 1): LearnedVersion {
  const digest = `sha256:${'0'.repeat(64)}`
  const { log = '', through = 0, idle = '' } = read ?? {}
  return { version, sessions: 1, digest, movement_ppm: 0, log, through, idle }
}

describe('calls of a session', () => {
  test.for([
    { name: 'allowed', words: ['read_order:1', 'mail:2'], want: ['read_order mail'] },
    { name: 'repeated with equal arguments', words: ['mail:1', 'mail:1'], want: ['mail mail*'] },
    { name: 'repeated with others', words: ['mail:1', 'mail:2'], want: ['mail mail'] },
    { name: 'denied at the end', words: ['read_order:1', 'delete:1'], want: [] },
    { name: 'unknown', words: ['read_order:1', 'dance:1'], want: [] },
  ])('that were $name -> $want', async ({ words, want }) => {
    const shop = await openShop()
    await session(shop, 's', ...words)
    await letEnd(shop)
    const seen = await observe(shop)
    expect(trails(seen)).toEqual(want)
    expect(seen.leftOut).toMatchObject({ open: 1, refused: want.length === 0 ? 1 : 0 })
    expect(seen.runs.every(({ session: { ended } }) => ended)).toBe(true)
  })

  test('one that was redacted ran, results are none, another agent’s are not looked at', async () => {
    const shop = await openShop()
    await call(shop, 's', 'mail', { payload: { text: '1234123412341234' } })
    await call(shop, 's', 'read_order', { phase: 'result', result: { ok: true } })
    await call(shop, 's', 'read_order')
    await letEnd(shop)
    expect(trails(await observe(shop))).toEqual(['mail read_order'])
    const request = { data: shop.folder, idleMs: MINUTE, learned: [] }
    const others = await observeStore(request, { agent: 'other', covers: () => true })
    expect(others).toMatchObject({ runs: [], rejections: [] })
  })
})

describe('a held call', () => {
  test.for([
    {
      name: 'approved',
      what: { verdict: 'approve' as const },
      want: ['read_order refund mail'],
      approvals: [{ from: 'shop.read_order', to: 'shop.refund' }],
      rejections: [],
    },
    {
      name: 'rejected',
      what: { verdict: 'reject' as const },
      want: [],
      approvals: [],
      rejections: [{ from: 'shop.read_order', to: 'shop.refund' }],
    },
    {
      name: 'patched',
      what: { verdict: 'patch' as const, payload: { amount: 1, what: 'x' } },
      want: ['read_order refund mail'],
      approvals: [{ from: 'shop.read_order', to: 'shop.refund' }],
      rejections: [],
    },
  ])('that was $name: a step where it was asked, or none', async ({ what, ...want }) => {
    const shop = await openShop()
    await call(shop, 's', 'read_order')
    const request = await call(shop, 's', 'refund')
    await call(shop, 's', 'mail')
    await review(shop, request, what)
    await letEnd(shop)
    const seen = await observe(shop)
    expect(trails(seen)).toEqual(want.want)
    expect(seen.runs.flatMap(({ approvals }) => approvals)).toEqual(want.approvals)
    expect(seen.rejections).toEqual(want.rejections)
  })

  test('that was patched has the arguments that ran', async () => {
    const shop = await openShop()
    const first = await call(shop, 's', 'refund:1')
    await review(shop, first, { verdict: 'patch', payload: { amount: 5, what: '2' } })
    const second = await call(shop, 's', 'refund:2')
    await review(shop, second, { verdict: 'approve' })
    await letEnd(shop)
    expect(trails(await observe(shop))).toEqual(['refund refund*'])
  })

  test('that waits keeps its session open, however long; once expired it refuses it', async () => {
    const shop = await openShop()
    await call(shop, 's', 'read_order')
    const request = await call(shop, 's', 'refund')
    await letEnd(shop)
    expect(await observe(shop)).toMatchObject({ runs: [], leftOut: { open: 2, refused: 0 } })
    shop.wait(2 * 60 * MINUTE)
    await settleRequest(shop.parts, String(request))
    await letEnd(shop)
    expect(await observe(shop)).toMatchObject({ leftOut: { refused: 1 } })
  })

  test('that time rejected refuses its session, and is nobody’s rejection', async () => {
    const routes = String(policyFiles().get('policies/routes/routes.yaml'))
    const strict = routes.replaceAll('time_out: 1h', 'time_out: 1h, on_time_out: reject')
    const shop = await openShop({ files: { 'policies/routes/routes.yaml': strict } })
    await call(shop, 's', 'read_order')
    const request = String(await call(shop, 's', 'refund'))
    shop.wait(2 * 60 * MINUTE)
    const { resolution } = await settleRequest(shop.parts, request)
    expect(resolution).toMatchObject({ decision: 'REJECTED', by: [] })
    await letEnd(shop)
    expect(await observe(shop)).toMatchObject({ rejections: [], leftOut: { refused: 1 } })
  })

  test('that was rejected after a denied call leads there from both the call before and the one that ran', async () => {
    const shop = await openShop()
    await session(shop, 's', 'read_order', 'delete')
    await review(shop, await call(shop, 's', 'refund'), { verdict: 'reject' })
    expect((await observe(shop)).rejections).toEqual([
      { from: 'shop.delete', to: 'shop.refund' },
      { from: 'shop.read_order', to: 'shop.refund' },
    ])
  })
})

describe('a log that was read before', () => {
  test('is not learned again, and neither are its rejections', async () => {
    const shop = await openShop()
    await session(shop, 's', 'read_order', 'mail')
    await review(shop, await call(shop, 'r', 'refund'), { verdict: 'reject' })
    await letEnd(shop)
    const first = await observe(shop)
    expect(first).toMatchObject({ runs: [{}], rejections: [{}] })
    const again = await observe(shop, [learnedOf(first)])
    expect(again).toMatchObject({
      runs: [],
      rejections: [],
      leftOut: { refused: 0, known: 0, open: 1 },
    })
  })

  test('a session that was open then is learned whole, once', async () => {
    const shop = await openShop()
    await session(shop, 's', 'read_order')
    const first = await observe(shop)
    expect(first).toMatchObject({ runs: [], leftOut: { open: 1 } })
    await session(shop, 's', 'mail')
    await letEnd(shop)
    const second = await observe(shop, [learnedOf(first)])
    expect(trails(second)).toEqual(['read_order mail'])
    const third = await observe(shop, [learnedOf(first), learnedOf(second, 2)])
    expect(trails(third)).toEqual([])
  })

  test('a session that had ended then is learned no more, whatever follows under its name', async () => {
    const shop = await openShop()
    await session(shop, 's', 'read_order')
    await letEnd(shop)
    const first = await observe(shop)
    expect(trails(first)).toEqual(['read_order'])
    await session(shop, 's', 'mail', 'mail:2')
    await letEnd(shop)
    const second = await observe(shop, [learnedOf(first)])
    expect(trails(second).sort()).toEqual(['read_order'])
    expect(second.leftOut.known).toBe(1)
    // Not even when it was active, and so open, at the next reading.
    await session(shop, 's', 'mail:3')
    const third = await observe(shop, [learnedOf(first), learnedOf(second, 2)])
    expect(third.leftOut).toMatchObject({ known: 1, open: 1 })
  })

  test('a rejection of a call that was held before then counts, once', async () => {
    const shop = await openShop()
    const request = await call(shop, 's', 'refund')
    const first = await observe(shop)
    expect(first.rejections).toEqual([])
    await review(shop, request, { verdict: 'reject' })
    const second = await observe(shop, [learnedOf(first)])
    expect(second.rejections).toEqual([{ from: '^', to: 'shop.refund' }])
    const third = await observe(shop, [learnedOf(first), learnedOf(second, 2)])
    expect(third.rejections).toEqual([])
  })

  test('another engine’s log is new, although it is of the same project', async () => {
    const [shop, other] = [await openShop(), await openShop()]
    for (const one of [shop, other]) {
      await session(one, 's', 'read_order')
      await letEnd(one)
    }
    const first = await observe(shop)
    expect(trails(await observe(other, [learnedOf(first)]))).toEqual(['read_order'])
  })

  test('and is shorter now -> LOG_TRUNCATED', async () => {
    const shop = await openShop()
    await session(shop, 's', 'read_order')
    const learned = learnedOf(await observe(shop))
    await expect(observe(shop, [{ ...learned, through: 900 }])).rejects.toMatchObject({
      code: 'LOG_TRUNCATED',
    })
  })

  test('versions that the file forgot: what began before the oldest it knows is not learned', async () => {
    const shop = await openShop()
    await session(shop, 's', 'read_order')
    const first = await observe(shop)
    await session(shop, 's', 'mail')
    await letEnd(shop)
    expect(trails(await observe(shop, [learnedOf(first, 7)]))).toEqual([])
  })
})

test('fingerprints that are another baseline’s are not looked at', async () => {
  const agent = `apiVersion: countersign/v1\nkind: Agent\nagent: clerk\nfingerprints: [m1, m2]\nscopes: [{ tools: ['shop.read_*', 'shop.mail'] }]\n`
  const shop = await openShop({ files: { 'policies/agents/clerk.yaml': agent } })
  await call(shop, 's', 'read_order', { fingerprint: 'm1' })
  await call(shop, 's', 'mail', { fingerprint: 'm2' })
  shop.wait(40 * MINUTE)
  await call(shop, 'later', 'mail', { fingerprint: 'm1' })
  expect(trails(await observe(shop, [], (one) => one === 'm2'))).toEqual(['mail'])
  expect(trails(await observe(shop)).sort()).toEqual(['mail', 'read_order'])
})

test('inputs that were erased: the session is left out, not learned with a hole', async () => {
  const shop = await openShop()
  await call(shop, 's', 'read_order', { principal: 'u-1' })
  await call(shop, 's', 'mail', { principal: 'u-2' })
  await session(shop, 'whole', 'read_order')
  await letEnd(shop)
  const store = new DatabaseSync(join(shop.folder, 'store.sqlite'))
  // As shredding the first call's principal does.
  store.exec(
    'DELETE FROM subject_keys WHERE subject = (SELECT subject FROM decisions WHERE idx = 1)',
  )
  store.close()
  const seen = await observe(shop)
  expect(seen.leftOut.erased).toBe(1)
})
