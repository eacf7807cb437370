import { describe, expect, test } from 'vitest'
import { digestOf } from '../../../src/base/digest.ts'
import { comparePolicies } from '../../../src/policy/analyse/diff.ts'
import {
  derivedFingerprint,
  filesDigest,
  releaseDigest,
} from '../../../src/policy/compile/release-digest.ts'
import { compiled, first, type Manifest, manifest, yaml } from '../../app/gate/release-case.ts'
import { bundleOf, compileFiles, policyFiles } from '../../app/support.ts'

const files = (one: Manifest = manifest(), changes: Readonly<Record<string, string>> = {}) => ({
  ...{ 'releases/clerk-1.yaml': yaml(first()), 'releases/clerk-2.yaml': yaml(one) },
  ...changes,
})

const found = async (changes: Readonly<Record<string, string>>) => {
  const { diagnostics } = await compileFiles(policyFiles(changes))
  return diagnostics.map(({ code, file, line, message }) => `${file}:${line} ${code} ${message}`)
}

test('releases stand in the bundle with every default, and its digest covers them', async () => {
  const { policy, digest } = await bundleOf(files())
  expect(policy.releases).toMatchObject([
    { release: 'clerk-1', rollback: null, evidence: 'bound', latency: [{ format: 'summary' }] },
    {
      ...{ release: 'clerk-2', rollback: 'clerk-1', fallback: 'payments' },
      evals: [{ id: 'refunds', max_age: '7d', missed: 'deny' }],
      ...{ file: 'releases/clerk-2.yaml', line: 3 },
    },
  ])
  expect((await bundleOf(files(manifest({ missed: 'hold' })))).digest).not.toBe(digest)
  expect((await bundleOf()).policy).not.toHaveProperty('releases')
})

const [evaluation] = manifest().evals
if (evaluation === undefined) throw new Error('no evaluation')
const agentWith = (fingerprint: string) =>
  (policyFiles().get('policies/agents/clerk.yaml') ?? '').replace(
    'scopes:',
    `fingerprints: ['${fingerprint}']\nscopes:`,
  )

test.for<{ name: string; one?: Partial<Manifest>; more?: Record<string, string>; says: string }>([
  {
    name: 'an agent that is not there',
    one: { agent: 'clark' },
    says: 'REFERENCE_UNKNOWN no agent "clark"; did you mean "clerk"?',
  },
  {
    name: 'a route that is not there',
    one: { fallback: { route: 'payment' } },
    says: 'REFERENCE_UNKNOWN no route "payment"; did you mean "payments"?',
  },
  {
    name: 'a release to go back to that is not there',
    one: { rollback: { to: 'clerk-0' } },
    says: 'REFERENCE_UNKNOWN no release "clerk-0"; did you mean "clerk-1"?',
  },
  {
    name: 'going back to itself',
    one: { rollback: { to: 'clerk-2' } },
    says: 'REFERENCE_UNKNOWN a release cannot take its own place',
  },
  {
    name: 'going round',
    more: { 'releases/clerk-1.yaml': yaml(first({ rollback: { to: 'clerk-2' } })) },
    says: 'REFERENCE_UNKNOWN the release "clerk-1" goes back to this one',
  },
  {
    name: 'a fingerprint that is not approved',
    one: { fingerprint: 'f-1' },
    more: { 'policies/agents/clerk.yaml': agentWith('f-2') },
    says: 'REFERENCE_UNKNOWN the agent "clerk" does not approve this fingerprint',
  },
  {
    name: 'a fingerprint where the agent approves none',
    one: { fingerprint: 'f-1' },
    says: 'REFERENCE_UNKNOWN the agent "clerk" approves no fingerprints',
  },
  {
    name: 'a fingerprint of its own that is not approved',
    more: { 'policies/agents/clerk.yaml': agentWith('f-2') },
    says: 'does not approve the fingerprint of this release, sha256:',
  },
  {
    name: 'the same name twice',
    one: { release: 'clerk-1', rollback: { first: true } },
    says: 'ID_DUPLICATE the release "clerk-1" is at releases/clerk-1.yaml:3:10 already',
  },
  {
    name: 'more passes than tests',
    one: { evals: [{ ...evaluation, need: { passed: 13, of: 12 } }] },
    says: 'VALUE_INVALID expected at most 12 passes',
  },
  {
    name: 'one result for two evaluations',
    one: { evals: [evaluation, { ...evaluation, id: 'other' }] },
    says: 'ID_DUPLICATE the result "evidence/refunds.json" stands here twice',
  },
  {
    name: 'a median above the limit',
    one: { latency: [{ file: 'l.json', p95_ms: 1, p50_ms: 2 }] },
    says: 'VALUE_INVALID expected at most "p95_ms"',
  },
  {
    name: 'an artefact twice',
    one: { artefacts: [...manifest().artefacts, ...manifest().artefacts] },
    says: 'ID_DUPLICATE the artefact "clerk.tar"',
  },
  {
    name: 'a duration that is none',
    one: { evals: [{ ...evaluation, max_age: '0s' }] },
    says: 'DURATION_INVALID',
  },
  {
    name: 'a path that leads out',
    one: { evals: [{ ...evaluation, file: '../refunds.json' }] },
    says: 'VALUE_INVALID',
  },
  {
    name: 'an absolute path',
    one: { evals: [{ ...evaluation, file: '/etc/passwd' }] },
    says: 'VALUE_INVALID',
  },
  { name: 'no evaluation', one: { evals: [] }, says: 'VALUE_INVALID' },
  { name: 'no artefact', one: { artefacts: [] }, says: 'VALUE_INVALID' },
  {
    name: 'a format that is none',
    one: { evals: [{ ...evaluation, format: 'tap' as 'junit' }] },
    says: 'VALUE_INVALID',
  },
])('$name -> $says', async ({ one, more, says }) => {
  const lines = await found(files(manifest(one), more))
  expect(lines.join('\n')).toContain(says)
  expect(lines.join('\n')).toMatch(/releases\/clerk-\d\.yaml:\d+ /)
})

test.for(['fallback', 'rollback', 'evals', 'prompt', 'tools', 'artefacts'] as const)(
  'without %s -> KEY_MISSING',
  async (key) => {
    const { [key]: _, ...rest } = manifest()
    expect(
      (await found(files(manifest(), { 'releases/clerk-2.yaml': yaml(rest) }))).join('\n'),
    ).toContain('KEY_MISSING')
  },
)

describe('digests', () => {
  test('of a list of files are those that the documentation describes', () => {
    const text = '[{"digest":"sha256:aa","path":"a"},{"digest":"sha256:bb","path":"b"}]'
    const list = [
      { path: 'b', digest: 'sha256:bb' },
      { path: 'a', digest: 'sha256:aa' },
    ]
    expect(filesDigest(list)).toBe(digestOf(text))
  })

  test('of a release change with what is released, and with nothing else', () => {
    const one = releaseDigest(compiled(manifest()))
    const same: readonly Partial<Manifest>[] = [
      ...[{ missed: 'hold' } as const, { evidence: 'age' } as const, { evals: [] }],
      { rollback: { first: true } },
    ]
    for (const changes of same) expect(releaseDigest(compiled(manifest(changes)))).toBe(one)
    const other: readonly Partial<Manifest>[] = [
      { version: '2.0.1' },
      { agent: 'other' },
      { model: { name: 'example-small' } },
      { prompt: { files: ['x'], digest: digestOf('x') } },
      { artefacts: [{ name: 'clerk.tar', digest: digestOf('x') }] },
      { fingerprint: 'f' },
    ]
    const digests = other.map((changes) => releaseDigest(compiled(manifest(changes))))
    expect(new Set([one, ...digests]).size).toBe(other.length + 1)
    expect(compiled(manifest()).fingerprint).toBe(derivedFingerprint(manifest()))
  })
})

describe('what a change of a release weakens', () => {
  const differences = async (before: Record<string, string>, after: Record<string, string>) => {
    const side = async (changes: Record<string, string>) => ({
      ...{ policy: (await bundleOf(changes)).policy, rego: new Map(), planDigest: null },
      ...{ places: { at: () => null }, baselines: new Map() },
    })
    const changes = comparePolicies({ before: await side(before), after: await side(after) })
    return changes.flatMap(({ part, id, change, differences: all }) =>
      all.map(({ direction, message }) => `${part} ${id} ${change} ${direction} ${message}`),
    )
  }

  test.for<{ name: string; to: Partial<Manifest>; says: string }>([
    {
      name: 'fewer passes',
      to: { evals: [{ ...evaluation, need: { passed: 11, of: 12 } }] },
      says: 'weaker evals refunds: need: {"of":12,"passed":12} -> {"of":12,"passed":11}',
    },
    {
      name: 'a smaller suite',
      to: { evals: [{ ...evaluation, need: { passed: 1, of: 1 } }] },
      says: 'weaker evals refunds: need',
    },
    {
      name: 'a share in place of a number',
      to: { evals: [{ ...evaluation, need: { rate: 1 } }] },
      says: 'weaker evals refunds: need',
    },
    {
      name: 'a bigger suite',
      to: { evals: [{ ...evaluation, need: { passed: 20, of: 20 } }] },
      says: 'stronger evals refunds: need',
    },
    {
      name: 'older evidence',
      to: { evals: [{ ...evaluation, max_age: '30d' }] },
      says: 'weaker evals refunds: max_age',
    },
    {
      name: 'people in place of a denial',
      to: { missed: 'hold' },
      says: 'weaker evals refunds: missed: deny -> hold',
    },
    {
      name: 'another evaluation',
      to: { evals: [{ ...evaluation, id: 'other' }] },
      says: 'weaker evals refunds: no longer asked',
    },
    {
      name: 'more time',
      to: { latency: [{ file: 'evidence/latency.json', p95_ms: 9000, p50_ms: 1500 }] },
      says: 'weaker latency 1: p95_ms: 4000 -> 9000',
    },
    {
      name: 'no median',
      to: { latency: [{ file: 'evidence/latency.json', p95_ms: 4000 }] },
      says: 'weaker latency 1: p50_ms',
    },
    {
      name: 'more money',
      to: { cost: { file: 'evidence/cost.json', usd_per_run: 1 } },
      says: 'weaker cost per run: usd_per_run: 0.05 -> 1',
    },
    { name: 'evidence by its age', to: { evidence: 'age' }, says: 'weaker evidence: bound -> age' },
    {
      name: 'another fallback',
      to: { fallback: { route: 'board' } },
      says: 'unclear fallback: payments -> board',
    },
    {
      name: 'another prompt',
      to: { prompt: { files: ['agent/prompt.md'], digest: digestOf('x') } },
      says: 'unclear prompt:',
    },
    {
      name: 'nothing to go back to',
      to: { rollback: { first: true } },
      says: 'weaker rollback: clerk-1 -> none',
    },
  ])('$name -> $says', async ({ to, says }) => {
    const lines = await differences(files(), files(manifest(to)))
    expect(lines.join('\n')).toContain(`release clerk-2 changed ${says}`)
    // The same as a new release: it asks less than the one that is there.
    if (
      says.startsWith('stronger') ||
      says.startsWith('unclear prompt') ||
      says.includes('rollback')
    )
      return
    const { 'releases/clerk-2.yaml': _, ...before } = files()
    const added = await differences(before, files(manifest(to)))
    const [direction, ...rest] = says.split(' ')
    expect(added.join('\n')).toContain(
      `release clerk-2 added ${direction} than clerk-1: ${rest.join(' ')}`,
    )
  })

  test('a new release that asks as much -> neutral; the first of an agent -> unclear; one less -> stronger', async () => {
    const { 'releases/clerk-2.yaml': _, ...before } = files()
    expect(await differences(before, files())).toEqual([
      'release clerk-2 added neutral clerk 2.0.0',
    ])
    expect(await differences({}, before)).toEqual([
      'release clerk-1 added unclear clerk 1.0.0: no release of this agent was there before',
    ])
    expect(await differences(files(), before)).toEqual([
      'release clerk-2 removed stronger clerk 2.0.0 can no longer be released',
    ])
    expect(await differences(files(), files())).toEqual([])
  })
})
