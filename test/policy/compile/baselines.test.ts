import { describe, expect, test } from 'vitest'
import { fromUtf8, utf8 } from '../../../src/base/digest.ts'
import { learn } from '../../../src/decide/behaviour/snapshot.ts'
import type { BaselineDocument } from '../../../src/decide/behaviour/text.ts'
import { formatBaseline } from '../../../src/decide/behaviour/text.ts'
import { loadPolicy } from '../../../src/decide/evaluate/index.ts'
import type { RegoCompiler } from '../../../src/model/ports.ts'
import { makeBundle, readBundle, writeBundle } from '../../../src/policy/bundle/index.ts'
import { compile } from '../../../src/policy/compile/index.ts'
import { action } from '../../decide/evaluate/fixtures.ts'
import { cpuMs } from '../../support/cpu.ts'

const rego = new Proxy({}, { get: () => () => Promise.reject(new Error('no Rego here')) })
const HEAD = 'apiVersion: countersign/v1\nkind: '
const DIGEST = `sha256:${'a'.repeat(64)}`

const FILES = {
  'countersign.yaml': `${HEAD}Project\nproject: p\ndefaults: { low: allow, medium: allow, high: allow, critical: deny }\n`,
  'policies/bot.yaml': `${HEAD}Agent\nagent: bot\nfingerprints: [one, two]\nscopes: []\n`,
  'policies/other.yaml': `${HEAD}Agent\nagent: other\nscopes: []\n`,
  'policies/routes.yaml': `${HEAD}Routes\nroutes:\n  - { id: default, reviewers: [ana], time_out: 1h }\n`,
  'policies/people.yaml': `${HEAD}Roster\npeople:\n  - { id: ana, keys: [{ fingerprint: 'SHA256:${'a'.repeat(43)}' }] }\n`,
}

/** So many sessions that do the same. */
function sessions(count: number, name = 'pay') {
  return learn(
    Array.from({ length: count }, (_, i) => ({
      id: `${i}`,
      group: `${i}`,
      ended: true,
      calls: ['shop.find', `shop.${name}`].map((node) => ({ node, args: null })),
    })),
  )
}

function baseline(more: Partial<BaselineDocument> = {}): string {
  return formatBaseline({
    apiVersion: 'countersign/v1',
    kind: 'Baseline',
    agent: 'bot',
    version: 1,
    snapshot: sessions(60),
    ...more,
  })
}

async function compiled(texts: readonly string[]) {
  const files = new Map<string, string>(Object.entries(FILES))
  for (const [i, text] of texts.entries()) files.set(`policies/baselines/${i}.yaml`, text)
  const { bundle, diagnostics } = await compile(files, { rego: rego as RegoCompiler })
  const found = diagnostics.map(
    ({ file, line, column, severity, code }) =>
      `${file.replace('policies/baselines/', '')}:${line}:${column} ${severity} ${code}`,
  )
  return { bundle, found }
}

async function bundleOf(...texts: readonly string[]) {
  const { bundle, found } = await compiled(texts)
  if (bundle === null) throw new Error(found.join('\n'))
  return bundle
}

describe('what baselines refer to', () => {
  test.for([
    { name: 'one is sound', texts: [baseline()], want: [] },
    {
      name: 'one for all and one for a fingerprint are sound',
      texts: [baseline(), baseline({ fingerprint: 'one' }), baseline({ agent: 'other' })],
      want: [],
    },
    {
      name: 'an unknown agent',
      texts: [baseline({ agent: 'bott' })],
      want: ['0.yaml:3:8 error REFERENCE_UNKNOWN'],
    },
    {
      name: 'two of one agent',
      texts: [baseline(), baseline()],
      want: ['1.yaml:3:8 error ID_DUPLICATE'],
    },
    {
      name: 'two of one agent and fingerprint',
      texts: [baseline({ fingerprint: 'one' }), baseline({ fingerprint: 'one' })],
      want: ['1.yaml:3:8 error ID_DUPLICATE'],
    },
    {
      name: 'a fingerprint that the agent does not approve',
      texts: [baseline({ fingerprint: 'three' })],
      want: ['0.yaml:4:14 warning REFERENCE_UNKNOWN'],
    },
    {
      name: 'any fingerprint, where the agent approves none',
      texts: [baseline({ agent: 'other', fingerprint: 'three' })],
      want: [],
    },
    {
      name: 'a past before version 1',
      texts: [baseline({ previous: DIGEST })],
      want: ['0.yaml:5:11 error BASELINE_INVALID'],
    },
    {
      name: 'version 2 without a past',
      texts: [baseline({ version: 2 })],
      want: ['0.yaml:4:10 error BASELINE_INVALID'],
    },
    {
      name: 'version 2 with its past',
      texts: [baseline({ version: 2, previous: DIGEST })],
      want: [],
    },
    {
      name: 'a past that is no digest',
      texts: [baseline({ version: 2, previous: 'sha256:abc' })],
      want: ['0.yaml:5:11 error VALUE_INVALID'],
    },
    {
      name: 'provenance out of order',
      texts: [
        baseline({
          version: 3,
          previous: DIGEST,
          learned: [3, 2, 4].map((version) => {
            return { version, sessions: 1, digest: DIGEST, movement_ppm: 0 }
          }),
        }),
      ],
      want: ['0.yaml:8:16 error BASELINE_INVALID', '0.yaml:9:16 error BASELINE_INVALID'],
    },
    {
      name: 'a rate that no sample can keep',
      texts: [baseline({ rate: 0.001 })],
      want: ['0.yaml:5:7 error VALUE_INVALID'],
    },
    {
      name: 'a mode that nobody knows',
      texts: [baseline().replace('version: 1', 'version: 1\nmode: warn')],
      want: ['0.yaml:5:7 error VALUE_INVALID'],
    },
  ])('$name', async ({ texts, want }) => {
    expect((await compiled(texts)).found).toEqual(want)
  })
})

describe('the bundle', () => {
  test('without a baseline has no key and no file of one', async () => {
    const { policy, files } = await bundleOf()
    expect(Object.hasOwn(policy, 'baselines')).toBe(false)
    expect([...files.keys()]).toEqual(['countersign/policy.json', 'data.json'])
  })

  test('lists them by agent and fingerprint, whatever their files are called', async () => {
    const { policy, files } = await bundleOf(
      baseline({ agent: 'other', mode: 'shadow', rate: 0.05, half_life: 100 }),
      baseline({ fingerprint: 'two', mode: 'enforce', snapshot: sessions(3) }),
      baseline(),
    )
    expect(policy.baselines).toEqual([
      {
        path: 'countersign/baselines/0.json',
        agent: 'bot',
        fingerprint: null,
        version: 1,
        mode: 'auto',
        rate: 0.02,
        half_life: null,
        sessions: 60,
        sessions_needed: 0,
        entropy_millibits: 0,
        entropy_range_ppm: 0,
        novelty_ppm: 0,
        settled: true,
        file: 'policies/baselines/2.yaml',
        line: 3,
        column: 8,
      },
      expect.objectContaining({
        path: 'countersign/baselines/1.json',
        agent: 'bot',
        fingerprint: 'two',
        mode: 'enforce',
        sessions: 3,
        sessions_needed: 46,
        entropy_range_ppm: null,
        novelty_ppm: null,
        settled: false,
      }),
      expect.objectContaining({
        path: 'countersign/baselines/2.json',
        agent: 'other',
        mode: 'shadow',
        rate: 0.05,
        half_life: 100,
      }),
    ])
    expect([...files.keys()].filter((path) => path.includes('baselines'))).toHaveLength(3)
  })

  test('is the same for the same counts, however a person laid the file out', async () => {
    const text = baseline()
    const other = text.replaceAll(/^ {2}/gm, '    ').replace('edges: |', 'edges: | # seen')
    expect((await bundleOf(other)).digest).toBe((await bundleOf(text)).digest)
  })

  test('survives writing and reading', async () => {
    const bundle = await bundleOf(baseline())
    expect(readBundle(writeBundle(bundle))).toEqual(bundle)
  })

  test.for([
    {
      name: 'a baseline missing',
      change: (files: Map<string, Uint8Array>) => files.delete('countersign/baselines/0.json'),
    },
    {
      name: 'one that nobody lists',
      change: (files: Map<string, Uint8Array>) =>
        files.set('countersign/baselines/1.json', utf8('{}')),
    },
    {
      name: 'one listed twice',
      change: (files: Map<string, Uint8Array>) => {
        const policy = fromUtf8(files.get('countersign/policy.json') ?? new Uint8Array())
        const twice = policy.replace(/"baselines":\[(\{.*?\})\]/, '"baselines":[$1,$1]')
        expect(twice).not.toBe(policy)
        files.set('countersign/policy.json', utf8(twice))
      },
    },
  ])('with $name is corrupt', async ({ change }) => {
    const bundle = await bundleOf(baseline())
    const files = new Map(bundle.files)
    change(files)
    expect(() => makeBundle(files, 'p')).toThrow(
      expect.objectContaining({ code: 'BUNDLE_CORRUPT' }),
    )
  })
})

describe('a loaded policy', () => {
  test('finds the baseline of an agent and its fingerprint', async () => {
    const loaded = loadPolicy(
      await bundleOf(
        baseline({ fingerprint: 'one', version: 4, previous: DIGEST }),
        baseline({ agent: 'other', snapshot: sessions(60, 'read') }),
        baseline({ agent: 'other', fingerprint: 'x', mode: 'shadow' }),
      ),
    )
    const of = (agent: string, fingerprint: string | null) => {
      const found = loaded.baselineOf(action({ agent, fingerprint }))
      if (found === null || typeof found === 'string') return found
      const { version, enforced, baseline: ready } = found
      return [found.agent, found.fingerprint, version, enforced, ready.chain.names[3]]
    }
    expect(of('bot', 'one')).toEqual(['bot', 'one', 4, true, 'shop.pay'])
    expect(of('bot', 'two')).toBe('unknown')
    expect(of('bot', null)).toBe('unknown')
    expect(of('other', null)).toEqual(['other', null, 1, true, 'shop.read'])
    expect(of('other', 'y')).toEqual(['other', null, 1, true, 'shop.read'])
    expect(of('other', 'x')).toEqual(['other', 'x', 1, false, 'shop.pay'])
    expect(of('nobody', null)).toBeNull()
    expect(of('__proto__', null)).toBeNull()
  })

  test.for([
    { mode: 'auto' as const, count: 60, want: true },
    { mode: 'auto' as const, count: 30, want: false },
    { mode: 'enforce' as const, count: 30, want: true },
    { mode: 'shadow' as const, count: 60, want: false },
  ])('$mode with $count sessions is enforced: $want', async ({ mode, count, want }) => {
    const loaded = loadPolicy(await bundleOf(baseline({ mode, snapshot: sessions(count) })))
    expect(loaded.baselineOf(action({ agent: 'bot', fingerprint: null }))).toMatchObject({
      enforced: want,
    })
  })

  test('of a damaged baseline does not load', async () => {
    const bundle = await bundleOf(baseline())
    const files = new Map(bundle.files)
    files.set('countersign/baselines/0.json', utf8('{"rate":0.02}'))
    expect(() => loadPolicy(makeBundle(files, 'p'))).toThrow(
      expect.objectContaining({ code: 'BASELINE_INVALID' }),
    )
  })
})

test('1,000 calls and 100,000 paths load in a moment', async () => {
  let seed = 1
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((seed / 2 ** 32) * below)
  }
  const learned = learn(
    Array.from({ length: 1100 }, (_, i) => ({
      id: `${i}`,
      group: `${i}`,
      ended: true,
      calls: Array.from({ length: 100 }, () => ({ node: `s.action_${random(1000)}`, args: null })),
    })),
  )
  // Fewer rows than pairs of calls, as of real agents: the bounds of the text are tested with it.
  const bundle = await bundleOf(baseline({ snapshot: { ...learned, preceding: [] } }))
  expect(learned.paths.length / 5).toBeGreaterThan(100_000)
  loadPolicy(bundle)
  const times = Array.from({ length: 3 }, () => {
    const start = cpuMs()
    loadPolicy(bundle)
    return cpuMs() - start
  })
  // The bench measures less than 200 ms; the bound is for what grows with the square.
  expect(Math.min(...times)).toBeLessThan(2000)
})
