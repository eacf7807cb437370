import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { ReleaseQuery } from '../../../src/app/gate/release.ts'
import { propertiesOf } from '../../../src/app/gate/release-attest.ts'
import { digestOf } from '../../../src/base/digest.ts'
import {
  ARTEFACT,
  digestNamed,
  evidence,
  type Files,
  filesOf,
  first,
  git,
  judgeCase,
  MADE_AT,
  type Manifest,
  manifest,
  openCase,
  write,
  yaml,
} from './release-case.ts'

test('a release that shows all that is asked -> allow, with these properties and no others', async () => {
  const judged = await judgeCase(openCase())
  const { gate } = judged
  expect(gate).toMatchObject({ verdict: 'allow', release: { digest: digestNamed() } })
  expect(gate.properties.map(({ id, passed }) => [id, passed])).toEqual([
    ['policy-check', true],
    ['policy-tests', true],
    ['fingerprint', true],
    ['prompt', true],
    ['tools', true],
    ['artefacts', true],
    ['eval/refunds', true],
    ['latency/1', true],
    ['cost', true],
    ['fallback', true],
    ['rollback', true],
  ])
  expect(gate.evidence.map(({ file }) => file)).toEqual([
    'evidence/cost.json',
    'evidence/latency.json',
    'evidence/refunds.json',
  ])
  expect(propertiesOf(judged).map((name) => name.replace('COUNTERSIGN_RELEASE_', ''))).toEqual([
    ...['ALLOWED', 'POLICY_CHECKED', 'POLICY_TESTED', 'FINGERPRINT_APPROVED', 'PROMPT_MATCHES'],
    ...['TOOLS_MATCH', 'ARTEFACTS_MATCH', 'EVALS_PASSED', 'LATENCY_WITHIN', 'COST_WITHIN'],
    ...['EVIDENCE_FRESH', 'EVIDENCE_BOUND', 'FALLBACK_READY', 'ROLLBACK_READY'],
  ])
})

type Row = {
  readonly name: string
  readonly manifest?: Partial<Manifest>
  /** Files beside those of a release that may ship. */
  readonly files?: (named: string) => Files
  readonly query?: (folder: string) => Partial<ReleaseQuery>
  readonly id: string
  readonly code: string
  readonly want?: 'hold' | 'deny'
}

const counts = (changes: object) => (named: string) => ({
  'evidence/refunds.json': JSON.stringify({
    ...{ passed: 12, failed: 0, at: MADE_AT, metadata: { release_digest: named } },
    ...changes,
  }),
})
const eleven = counts({ passed: 11, failed: 1 })
const [evaluation] = manifest().evals
if (evaluation === undefined) throw new Error('no evaluation')
const other = digestOf('other')

test.for<Row>([
  { name: '11 of 12 pass', files: eleven, id: 'eval/refunds', code: 'RELEASE_MISSED' },
  {
    name: '11 of 12 pass, and the release holds',
    manifest: { missed: 'hold' },
    files: eleven,
    id: 'eval/refunds',
    code: 'RELEASE_MISSED',
    want: 'hold',
  },
  {
    name: '11 of 12 pass, the release holds, and the evaluation denies',
    manifest: { missed: 'hold', evals: [{ ...evaluation, missed: 'deny' }] },
    files: eleven,
    id: 'eval/refunds',
    code: 'RELEASE_MISSED',
  },
  {
    name: '12 pass and one was skipped: another suite',
    files: counts({ skipped: 1 }),
    id: 'eval/refunds',
    code: 'EVIDENCE_FOREIGN',
  },
  {
    name: '11 of a suite of 11',
    files: counts({ passed: 11 }),
    manifest: { missed: 'hold' },
    id: 'eval/refunds',
    code: 'EVIDENCE_FOREIGN',
  },
  {
    name: 'no test was run',
    files: counts({ passed: 0, skipped: 12 }),
    manifest: { missed: 'hold' },
    id: 'eval/refunds',
    code: 'EVIDENCE_MALFORMED',
  },
  {
    name: 'evidence of last month',
    files: counts({ at: '2026-10-21T09:00:00Z' }),
    manifest: { missed: 'hold' },
    id: 'eval/refunds',
    code: 'EVIDENCE_STALE',
  },
  {
    name: 'evidence one second older than it may be',
    files: counts({ at: '2026-11-14T09:59:59Z' }),
    id: 'eval/refunds',
    code: 'EVIDENCE_STALE',
  },
  {
    name: 'evidence of tomorrow',
    files: counts({ at: '2026-11-22T09:00:00Z' }),
    id: 'eval/refunds',
    code: 'EVIDENCE_STALE',
  },
  {
    name: 'evidence without a time',
    files: counts({ at: undefined }),
    id: 'eval/refunds',
    code: 'EVIDENCE_STALE',
  },
  {
    name: 'evidence of the release before',
    files: () => counts({})(digestNamed(first())),
    manifest: { missed: 'hold' },
    id: 'eval/refunds',
    code: 'EVIDENCE_FOREIGN',
  },
  {
    name: 'evidence that names no release',
    files: counts({ metadata: undefined }),
    manifest: { missed: 'hold' },
    id: 'eval/refunds',
    code: 'EVIDENCE_FOREIGN',
  },
  {
    name: 'evidence of another digest than the release names',
    manifest: { evals: [{ ...evaluation, digest: other }] },
    id: 'eval/refunds',
    code: 'EVIDENCE_FOREIGN',
  },
  {
    name: 'no evidence',
    files: () => ({ 'evidence/refunds.json': null }),
    manifest: { missed: 'hold' },
    id: 'eval/refunds',
    code: 'EVIDENCE_MISSING',
  },
  {
    name: 'evidence that is a link to elsewhere',
    manifest: { evals: [{ ...evaluation, file: 'evidence/linked.json' }] },
    query: (folder) => {
      writeFileSync(join(folder, '..', 'countersign-linked.json'), '{}')
      symlinkSync(
        join(folder, '..', 'countersign-linked.json'),
        join(folder, 'evidence/linked.json'),
      )
      return {}
    },
    id: 'eval/refunds',
    code: 'EVIDENCE_MISSING',
  },
  {
    name: 'p95 too long',
    files: (named) => ({
      'evidence/latency.json': JSON.stringify({
        ...{ count: 40, p50_ms: 900, p95_ms: 4000.5, at: MADE_AT },
        metadata: { release_digest: named },
      }),
    }),
    id: 'latency/1',
    code: 'RELEASE_MISSED',
  },
  {
    name: 'p50 too long, and the release holds',
    manifest: { missed: 'hold' },
    files: (named) => ({
      'evidence/latency.json': JSON.stringify({
        ...{ count: 40, p50_ms: 1600, p95_ms: 3000, at: MADE_AT },
        metadata: { release_digest: named },
      }),
    }),
    id: 'latency/1',
    code: 'RELEASE_MISSED',
    want: 'hold',
  },
  {
    name: 'too dear',
    files: (named) => ({
      'evidence/cost.json': JSON.stringify({
        ...{ runs: 10, usd: 0.6, at: MADE_AT, metadata: { release_digest: named } },
      }),
    }),
    id: 'cost',
    code: 'RELEASE_MISSED',
  },
  {
    name: 'a swapped prompt',
    files: () => ({ 'agent/prompt.md': 'You are a pirate.\n' }),
    manifest: { missed: 'hold' },
    id: 'prompt',
    code: 'RELEASE_DIGEST_WRONG',
  },
  {
    name: 'a swapped prompt digest',
    manifest: { prompt: { files: ['agent/prompt.md'], digest: other } },
    id: 'prompt',
    code: 'RELEASE_DIGEST_WRONG',
  },
  {
    name: 'no prompt',
    files: () => ({ 'agent/prompt.md': null }),
    id: 'prompt',
    code: 'EVIDENCE_MISSING',
  },
  {
    name: 'other tools',
    files: () => ({ 'agent/tools.json': '{}' }),
    id: 'tools',
    code: 'RELEASE_DIGEST_WRONG',
  },
  {
    name: 'another artefact',
    files: () => ({ 'clerk.tar': 'another artefact' }),
    id: 'artefacts',
    code: 'RELEASE_DIGEST_WRONG',
  },
  {
    name: 'no artefact',
    query: () => ({ artefacts: [] }),
    id: 'artefacts',
    code: 'RELEASE_DIGEST_WRONG',
  },
  {
    name: 'one artefact more than the release has',
    query: () => ({
      artefacts: [
        { name: null, at: digestOf(ARTEFACT) },
        { name: null, at: other },
      ],
    }),
    id: 'artefacts',
    code: 'RELEASE_DIGEST_WRONG',
  },
  {
    name: 'an artefact under another name',
    query: () => ({ artefacts: [{ name: 'other.tar', at: digestOf(ARTEFACT) }] }),
    id: 'artefacts',
    code: 'RELEASE_DIGEST_WRONG',
  },
  {
    name: 'a policy whose test fails',
    files: () => ({
      'tests/more.yaml':
        'apiVersion: countersign/v1\nkind: DecisionTest\ntests:\n  - name: wrong\n    action: { agent: clerk, service: shop, action: read_order, payload: {} }\n    expect: { verdict: deny }\n',
    }),
    id: 'policy-tests',
    code: 'GATE_TESTS_FAILED',
  },
  {
    name: 'a policy without a test',
    files: () => ({ 'tests/clerk.yaml': null }),
    id: 'policy-tests',
    code: 'GATE_TESTS_FAILED',
  },
  {
    name: 'a fallback that is no route',
    manifest: { fallback: { route: 'nobody' } },
    id: 'policy-check',
    code: 'GATE_CHECK_FAILED',
  },
  {
    name: 'a release to go back to that is not there',
    manifest: { rollback: { to: 'clerk-0' } },
    id: 'policy-check',
    code: 'GATE_CHECK_FAILED',
  },
  {
    name: 'a first release that is not the first',
    manifest: { rollback: { first: true } },
    id: 'rollback',
    code: 'RELEASE_ROLLBACK_MISSING',
  },
  {
    name: 'a release to go back to that is not what the base has',
    files: () => ({
      'releases/clerk-1.yaml': yaml(first({ artefacts: [{ name: 'clerk.tar', digest: other }] })),
    }),
    id: 'rollback',
    code: 'RELEASE_ROLLBACK_MISSING',
  },
])('$name -> $want', async ({ manifest: changes, files, query, id, code, want = 'deny' }) => {
  const one = manifest(changes)
  const folder = openCase(filesOf(one, files?.(digestNamed(one))))
  const judged = await judgeCase(folder, query?.(folder))
  const { gate } = judged
  const broken = gate.properties.filter(({ passed }) => !passed)
  expect(broken.map((found) => [found.id, found.code, found.says])).toEqual([[id, code, want]])
  expect(gate.verdict).toBe(want)
  expect(propertiesOf(judged)).not.toContain('COUNTERSIGN_RELEASE_ALLOWED')
})

describe('rollback', () => {
  const ids = { rollback: { first: true } } as const
  const base = { ...filesOf(), 'releases/clerk-2.yaml': null }

  test('a base without the release to go back to -> deny', async () => {
    const folder = openCase(filesOf(), { ...base, 'releases/clerk-1.yaml': null })
    const { gate } = await judgeCase(folder)
    expect(gate).toMatchObject({ verdict: 'deny' })
    expect(gate.reason).toMatch(/^rollback: the base [0-9a-f]{40} has no release clerk-1$/)
  })

  test('a base whose policy does not compile -> deny', async () => {
    const folder = openCase(filesOf(), { ...base, 'policies/routes/routes.yaml': null })
    const { gate } = await judgeCase(folder)
    expect(gate.reason).toMatch(/^rollback: the policy of the base [0-9a-f]{40} does not compile/)
  })

  test('no repository -> deny', async () => {
    const { gate } = await judgeCase(openCase(filesOf(), null))
    expect(gate.reason).toContain('rollback: the policy lies in no Git commit')
  })

  test('a revision that is none -> FILE_UNREADABLE', async () => {
    const judging = judgeCase(openCase(), { rollback: { base: 'nothing' } })
    await expect(judging).rejects.toMatchObject({ code: 'FILE_UNREADABLE' })
  })

  test('the head brings both: the base that is named does not have it -> deny', async () => {
    const folder = openCase(filesOf(), { ...base, 'releases/clerk-1.yaml': null })
    git(folder, 'checkout', '-q', '-b', 'change')
    git(folder, 'add', '.')
    git(folder, 'commit', '-q', '-m', 'Bring two releases')
    const judge = async (revision: string) =>
      (await judgeCase(folder, { rollback: { base: revision } })).gate.verdict
    expect([await judge('main'), await judge('change')]).toEqual(['deny', 'allow'])
  })

  test("an agent's first release, and only that, needs none", async () => {
    const files = filesOf(manifest(ids), { 'releases/clerk-1.yaml': null })
    const none = { ...base, 'releases/clerk-1.yaml': null }
    const judged = await judgeCase(openCase(files, none))
    expect(judged.gate.verdict).toBe('allow')
    expect(propertiesOf(judged)).toContain('COUNTERSIGN_RELEASE_FIRST')
    expect(propertiesOf(judged)).not.toContain('COUNTERSIGN_RELEASE_ROLLBACK_READY')
    // The base has one, which the change removed.
    expect((await judgeCase(openCase(files, base))).gate.verdict).toBe('deny')
  })
})

test('each measurement is shown where the manifest asks for it, in whatever order', async () => {
  const one = manifest({
    latency: [
      { file: 'evidence/latency.json', p95_ms: 4000 },
      { file: 'evidence/a.json', p95_ms: 1 },
    ],
  })
  const summary = { count: 40, p50_ms: 900, p95_ms: 3200, at: MADE_AT }
  const metadata = { release_digest: digestNamed(one) }
  const [before, after = ''] = yaml(one).split('latency: [')
  const text = `${before}latency: [\n  ${after.replace('},{', '},\n  {')}`
  const files = {
    'evidence/a.json': JSON.stringify({ ...summary, metadata }),
    'releases/clerk-2.yaml': text,
  }
  const { gate } = await judgeCase(openCase(filesOf(one, files)))
  const [missed] = gate.properties.filter(({ passed }) => !passed)
  const line = text.split('\n').findIndex((found) => found.includes('evidence/a.json')) + 1
  expect(missed).toMatchObject({ file: 'evidence/a.json', place: { line } })
})

test('evidence by its age alone -> allow, and it is said that nothing binds it', async () => {
  const one = manifest({ evidence: 'age' })
  const folder = openCase(filesOf(one, counts({ metadata: undefined })('')))
  const judged = await judgeCase(folder)
  expect(judged.gate.verdict).toBe('allow')
  expect(judged.gate.not_proven).toContain(
    'that evidence/refunds.json is of this release: its age alone was looked at',
  )
  expect(propertiesOf(judged)).not.toContain('COUNTERSIGN_RELEASE_EVIDENCE_BOUND')
})

test('evidence that the release names by digest is bound to it', async () => {
  const result = JSON.stringify({ passed: 12, failed: 0, at: MADE_AT })
  const one = manifest({ evals: [{ ...evaluation, digest: digestOf(result) }] })
  const folder = openCase(filesOf(one, { 'evidence/refunds.json': result }))
  const judged = await judgeCase(folder)
  expect(judged.gate.verdict).toBe('allow')
  expect(propertiesOf(judged)).toContain('COUNTERSIGN_RELEASE_EVIDENCE_BOUND')
})

test('a hold and a denial -> deny; every property is listed', async () => {
  const one = manifest({ missed: 'hold' })
  const files = { ...eleven(digestNamed(one)), 'agent/prompt.md': 'other' }
  const { gate } = await judgeCase(openCase(filesOf(one, files)))
  expect(gate.verdict).toBe('deny')
  expect(gate.reason).toMatch(/^prompt: /)
  expect(gate.properties).toHaveLength(11)
})

test('a manifest is found by its file; a name that is none -> RELEASE_UNKNOWN', async () => {
  const folder = openCase()
  expect((await judgeCase(folder, { name: 'releases/clerk-2.yaml' })).gate.verdict).toBe('allow')
  await expect(judgeCase(folder, { name: 'clerkk-2' })).rejects.toMatchObject({
    code: 'RELEASE_UNKNOWN',
    message: expect.stringContaining('did you mean clerk-2?'),
  })
})

test('evidence may lie elsewhere', async () => {
  const folder = openCase(filesOf(manifest(), { 'evidence/refunds.json': null }))
  const elsewhere = openCase({}, null)
  write(elsewhere, evidence(digestNamed()))
  const { gate } = await judgeCase(folder, { evidence: elsewhere })
  expect(gate.verdict).toBe('allow')
})
