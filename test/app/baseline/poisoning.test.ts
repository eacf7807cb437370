import { describe, expect, test } from 'vitest'
import { readPolicyFiles } from '../../../src/host/policy-files.ts'
import { compileFiles, openTest, policyFiles } from '../support.ts'
import {
  baselineAt,
  baselineJson,
  call,
  commitAll,
  copyOf,
  edgeOf,
  FILE,
  git,
  letEnd,
  openShop,
  policyRepository,
  review,
  reviewedBaseline,
  type Shop,
  session,
  write,
} from './support.ts'

// An attacker can run sessions of the agent, as many as they like and named as they like, but approves no pull request.
// A person rejected `read_order -> mail` once, when it went outside; inside nobody holds it, so that it can be run at will.
// Nothing that is learned of such sessions makes that transition normal.

const HEAD = 'apiVersion: countersign/v1\nkind: '

const TOOLS = `${HEAD}Tools\nservice: shop\ntools:\n  read_order: { effect: read }\n  read_list: { effect: read }\n  note: { effect: write }\n  mail: { effect: write }\n  refund: { effect: irreversible, priority: high }\n  delete: { effect: irreversible, priority: critical }\n`
const AGENT = `${HEAD}Agent\nagent: clerk\nscopes: [{ tools: ['shop.read_*', 'shop.refund', 'shop.delete', 'shop.mail', 'shop.note'] }]\n`
const RULES = `${HEAD}Guardrails\nrules:\n  - id: mail/outside\n    on: { action: mail }\n    pattern: { path: payload.what, matches: '^outside$', if_missing: pass }\n    then: hold\n`
/** Judges single transitions, so that its finding can only come of the rejection. */
const ODD = `${HEAD}Guardrails\nrules:\n  - id: behaviour/odd\n    markov: { method: edges, burst: 10 }\n    then: hold\n`

/** The route lets as much merge by itself as a route can. */
const FILES = {
  'policies/tools/shop.yaml': TOOLS,
  'policies/agents/clerk.yaml': AGENT,
  'policies/guardrails/refunds.yaml': RULES,
  'policies/routes/routes.yaml': (policyFiles().get('policies/routes/routes.yaml') ?? '').replace(
    'time_out: 1h }',
    'time_out: 1h, baselines: { movement_ppm_max: 200000 } }',
  ),
}

const NORMAL = { 'read_order note': 50, 'read_order read_list note': 30 }
const [FROM, TO] = ['shop.read_order', 'shop.mail'] as const

/** A reviewed and enforced baseline, and an engine in which a person has rejected the transition. */
async function rejectedOnce(): Promise<{ readonly folder: string; readonly shop: Shop }> {
  const folder = await copyOf('enforced', async () => {
    const made = policyRepository(FILES)
    const enforce = (text: string) => text.replace('version: 1\n', 'version: 1\nmode: enforce\n')
    await reviewedBaseline(made, NORMAL, enforce)
    return made
  })
  const shop = await openShop({ files: FILES })
  await call(shop, 'victim', 'read_order')
  await review(shop, await call(shop, 'victim', 'mail:outside'), { verdict: 'reject' })
  await letEnd(shop)
  return { folder, shop }
}

/** Proposes to merge without people; where that is refused, a person who reads nothing merges the branch. */
async function careless(folder: string, shop: Shop): Promise<string> {
  const found = await baselineJson(folder, 'propose', '--merge', '--data', shop.folder)
  const ref = String(found['ref']).replace('refs/heads/', '')
  // A session that only repeats what is barred leaves nothing to learn.
  if (found['state'] === 'proposed') git(folder, 'merge', '-q', '--ff-only', ref)
  return String(found['state'])
}

/** What the policy of the main branch says of the transition at run time, with a rule about odd behaviour. */
async function judgedNow(folder: string): Promise<{ verdict: string; rejected: boolean }> {
  const files = new Map(await readPolicyFiles(folder))
  files.set('policies/guardrails/odd.yaml', ODD)
  const { bundle, diagnostics } = await compileFiles(files)
  if (bundle === null) throw new Error(JSON.stringify(diagnostics))
  const { engine } = await openTest({ bundle })
  const action = { agent: 'clerk', session: 'judged', service: 'shop', payload: {} }
  const first = await engine.decide({ ...action, action: 'read_order' })
  expect(first.verdict).toBe('allow')
  const { verdict, findings } = await engine.decide({ ...action, action: 'mail' })
  const odd = findings.find(({ rule }) => rule === 'behaviour/odd')
  return { verdict, rejected: odd?.evidence['rejected'] === true }
}

async function expectStillOdd(folder: string): Promise<void> {
  const edge = edgeOf(baselineAt(folder), FROM, TO)
  expect(edge).toMatchObject({ count: 0, sessions: 0 })
  expect(edge.rejections).toBeGreaterThan(0)
  expect(await judgedNow(folder)).toEqual({ verdict: 'hold', rejected: true })
}

type Attack = (shop: Shop, round: number) => Promise<void>

const ATTACKS: readonly {
  readonly name: string
  readonly attack: Attack
  readonly rounds: number
}[] = [
  {
    name: 'many sessions at once',
    rounds: 1,
    attack: async (shop) => {
      for (let i = 0; i < 20; i++) await session(shop, `many-${i}`, 'read_order', 'mail')
    },
  },
  {
    name: 'a few sessions before each of many proposals',
    rounds: 4,
    attack: async (shop, round) => {
      for (let i = 0; i < 2; i++) {
        await session(shop, `slow-${round}-${i}`, 'read_order', 'mail')
        await session(shop, `plain-${round}-${i}`, 'read_order', 'note')
      }
    },
  },
  {
    name: 'sessions that are split before the transition and after it',
    rounds: 1,
    attack: async (shop, round) => {
      for (let i = 0; i < 4; i++) {
        await session(shop, `split-${round}-${i}-a`, 'read_order')
        await session(shop, `split-${round}-${i}-b`, 'mail')
      }
    },
  },
  {
    name: 'one session that goes on under its name after it was learned',
    rounds: 2,
    attack: (shop, round) => session(shop, 'again', ...(round === 0 ? ['read_order'] : ['mail'])),
  },
  {
    name: 'the way round by other calls',
    rounds: 1,
    attack: async (shop, round) => {
      for (let i = 0; i < 4; i++) {
        await session(shop, `round-${round}-${i}`, 'read_order', 'note', 'mail')
        await session(shop, `list-${round}-${i}`, 'read_order', 'read_list', 'mail', 'read_order')
      }
    },
  },
  {
    name: 'the transition deep in a long session, and again and again',
    rounds: 1,
    attack: async (shop, round) => {
      const loop = Array.from({ length: 6 }, () => ['read_order', 'note']).flat()
      await session(shop, `deep-${round}`, ...loop, 'read_order', 'mail', 'read_order', 'mail')
    },
  },
  {
    name: 'another session in between, and results in between',
    rounds: 1,
    attack: async (shop) => {
      for (let i = 0; i < 5; i++) {
        await call(shop, `mixed-${i}`, 'read_order')
        await call(shop, `other-${i}`, 'note')
        await call(shop, `mixed-${i}`, 'read_order', { phase: 'result', result: { ok: true } })
        await call(shop, `mixed-${i}`, 'mail')
      }
    },
  },
  {
    name: 'a call in between that is denied',
    rounds: 1,
    attack: async (shop) => {
      for (let i = 0; i < 5; i++) await session(shop, `deny-${i}`, 'read_order', 'delete', 'mail')
    },
  },
  {
    name: 'names with a dot, a space or a percent sign for the same thing',
    rounds: 1,
    attack: async (shop) => {
      for (const action of ['mail ', 'mail%', 'Mail', 'm\u0430il', 'mail\u200b']) {
        await call(shop, `name-${action}`, 'read_order')
        await call(shop, `name-${action}`, action)
      }
      await call(shop, 'dotted', 'read_order', { service: 'sh.op' })
    },
  },
  {
    name: 'another principal, and a fingerprint that nobody named',
    rounds: 1,
    attack: async (shop) => {
      for (const more of [{ principal: 'mallory' }, { fingerprint: 'model-9' }]) {
        await call(shop, 'more', 'read_order', more)
        await call(shop, 'more', 'mail', more)
      }
    },
  },
]

describe('a transition that people rejected stays odd', () => {
  test('against an attacker who tries all of these, although every proposal is merged', {
    timeout: 60_000,
  }, async () => {
    const { folder, shop } = await rejectedOnce()
    await careless(folder, shop)
    expect(edgeOf(baselineAt(folder), FROM, TO)).toMatchObject({ rejections: 1 })
    for (const { name, attack, rounds } of ATTACKS) {
      for (let round = 0; round < rounds; round++) {
        await attack(shop, round)
        await letEnd(shop)
        await careless(folder, shop)
      }
      expect(edgeOf(baselineAt(folder), FROM, TO), name).toMatchObject({ count: 0, rejections: 1 })
    }
    await expectStillOdd(folder)
  })

  test('against sessions that come before people have heard of the rejection', async () => {
    const { folder, shop } = await rejectedOnce()
    for (let i = 0; i < 4; i++) await session(shop, `early-${i}`, 'read_order', 'mail')
    await letEnd(shop)
    expect(await careless(folder, shop)).toBe('proposed')
    await expectStillOdd(folder)
  })

  test('and nothing of all this is merged without people', { timeout: 60_000 }, async () => {
    const { folder, shop } = await rejectedOnce()
    await careless(folder, shop)
    const before = git(folder, 'show', 'main:policies/baselines/clerk.yaml')
    for (const { attack } of ATTACKS.slice(1, 6)) await attack(shop, 0)
    await letEnd(shop)
    const found = await baselineJson(folder, 'propose', '--merge', '--data', shop.folder)
    expect(found).toMatchObject({ state: 'proposed' })
    expect(found['left_out_edges']).toContainEqual(
      expect.objectContaining({ from: FROM, to: TO, rejections: 1 }),
    )
    expect(git(folder, 'show', 'main:policies/baselines/clerk.yaml')).toBe(before)
  })

  test('through a roll-back to a version that did not know of it', async () => {
    const { folder, shop } = await rejectedOnce()
    await careless(folder, shop)
    const back = await baselineJson(folder, 'rollback', '--to', '1')
    git(folder, 'merge', '-q', '--ff-only', String(back['ref']).replace('refs/heads/', ''))
    expect(baselineAt(folder)).toMatchObject({ version: 3 })
    await expectStillOdd(folder)
  })

  test('until a person sets its rejections to 0: then it is learned as any other', async () => {
    const { folder, shop } = await rejectedOnce()
    await careless(folder, shop)
    await expectStillOdd(folder)
    const text = git(folder, 'show', `main:${FILE}`)
    write(folder, FILE, text.replace(`${FROM} ${TO} 0 0 1`, `${FROM} ${TO} 0 0 0`))
    commitAll(folder, 'Mail after all')
    for (let i = 0; i < 3; i++) await session(shop, `late-${i}`, 'read_order', 'mail')
    await letEnd(shop)
    await careless(folder, shop)
    expect(edgeOf(baselineAt(folder), FROM, TO)).toMatchObject({ count: 3, rejections: 0 })
  })
})
