import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { reviewChange } from '../../../src/app/changes/review-change.ts'
import type { PolicyGateQuery } from '../../../src/app/gate/policy.ts'
import type { PolicyGate } from '../../../src/model/gate.ts'
import { annotationsOfGate } from '../../../src/report/gate-annotations.ts'
import { KEYS } from '../../fakes/review-case.ts'
import {
  baseFiles,
  CHANGES,
  changed,
  type Files,
  keysOf,
  limit,
  NOW,
  type Repository,
  rosterOf,
  rules,
  STRANGER,
  tests,
} from '../changes/change-case.ts'
import { type GateForge, openGateForge } from './gate-forge.ts'
import { gate as gateAlone } from './judge-case.ts'

const PULL = { pull: 1 }

const gate = (repository: Pick<Repository, 'folder'>, about: Partial<PolicyGateQuery> = {}) =>
  gateAlone(repository, { reviewed: PULL, ...about })

/** Six notes in a session: the sixth is held, unless the limit is larger. */
function trace(folder: string): PolicyGateQuery['recorded'] {
  const step = { service: 'notes', action: 'write', payload: { text: 'milk' } }
  const session = {
    session: 'monday',
    agent: 'helper',
    steps: Array.from({ length: 6 }, () => step),
  }
  const file = join(folder, 'trace.jsonl')
  writeFileSync(file, `${JSON.stringify(session)}\n`)
  return { traces: [file], carry: false }
}

describe('verdicts', () => {
  test('a stricter rule -> allow, with both digests', async () => {
    const found = await gate(await changed(limit('limit: 3')))
    expect(found).toMatchObject({
      ...{ verdict: 'allow', problems: [], weakenings: [], routes: [] },
      counts: { errors: 0, tests_passed: 2, tests_failed: 0, changes: 1, weakened: 0 },
    })
    expect(found.base.policy).toMatch(/^sha256:/)
    expect(found.head.policy).not.toBe(found.base.policy)
  })

  test('nothing of the policy -> allow', async () => {
    const found = await gate(await changed({ 'README.md': 'Hello\n' }))
    expect(found).toMatchObject({ verdict: 'allow', reason: 'the policy stays the same' })
  })

  test('a weaker rule: hold with its flips, allow when reviewed, hold after a push', async () => {
    const repository = await changed(limit('limit: 50'))
    const about = { recorded: trace(repository.folder) }
    const held = await gate(repository, about)
    expect(held).toMatchObject({
      ...{ verdict: 'hold', problems: [], reason: '1 more for security' },
      counts: { weakened: 1, flips: 1, flips_lenient: 1 },
      approvals: [{ routes: [{ id: 'security', missing: 1 }] }],
    })
    expect(held.diff?.flips?.rules).toMatchObject([
      {
        rule: 'notes/too-many',
        examples: [{ before: { verdict: 'hold' }, after: { verdict: 'allow' } }],
      },
    ])
    const line = (baseFiles()['policies/rules.yaml'] ?? '').split('\n').findIndex((one) => {
      return one.includes('limit: 5')
    })
    expect(annotationsOfGate(held)).toContainEqual(
      expect.objectContaining({
        ...{ id: 'policy weaker', level: 'error', file: 'policies/rules.yaml', line: line + 1 },
      }),
    )
    await reviewChange(repository.query(), { verdict: 'approve' }, KEYS.cy)
    const allowed = await gate(repository, about)
    expect(allowed).toMatchObject({ verdict: 'allow', reason: 'it is sound, and approved' })
    expect(annotationsOfGate(allowed).map(({ level }) => level)).not.toContain('error')
    await repository.commit({ 'README.md': 'Later\n' })
    expect(await gate(repository, about)).toMatchObject({ verdict: 'hold' })
  })

  test.for([
    { name: 'ana, who is not on the route', by: KEYS.ana, code: 'REVIEWER_NOT_ON_ROUTE' },
    { name: 'nobody of the roster', by: STRANGER, code: 'REVIEW_UNKNOWN_KEY' },
  ])('a weaker rule and a review of $name -> hold', async ({ by }) => {
    const repository = await changed(limit('limit: 50'))
    await reviewChange(repository.query(), { verdict: 'approve' }, by).catch(() => undefined)
    expect((await gate(repository)).verdict).toBe('hold')
  })

  test('rejected -> deny, in words of the reviewer', async () => {
    const repository = await changed(limit('limit: 50'))
    await reviewChange(repository.query(), { verdict: 'reject', comment: 'too many' }, KEYS.cy)
    expect(await gate(repository)).toMatchObject({
      ...{ verdict: 'deny', reason: 'rejected by cy: too many', problems: [] },
    })
  })

  test('a weaker rule without a pull request -> hold, and says what to name', async () => {
    const found = await gate(await changed(limit('limit: 50')), { reviewed: null })
    expect(found).toMatchObject({ verdict: 'hold', approvals: null, routes: ['security'] })
    expect(found.reason).toContain('name the pull request')
  })

  test('signed commits are asked for, and no pull request is named -> hold', async () => {
    const base = baseFiles(`${CHANGES}  signed_commits: ssh\n`)
    const found = await gate(await changed(limit('limit: 3'), {}, base), { reviewed: null })
    expect(found).toMatchObject({ verdict: 'hold', routes: [] })
    expect(found.reason).toContain('signed (ssh)')
  })

  test('signed commits are asked for, and this one is not -> deny', async () => {
    const base = baseFiles(`${CHANGES}  signed_commits: ssh\n`)
    const found = await gate(await changed(limit('limit: 3'), {}, base))
    expect(found).toMatchObject({ verdict: 'deny', problems: [{ code: 'COMMIT_UNSIGNED' }] })
  })
})

describe('what no review makes good', () => {
  test('broken YAML -> deny, with its line', async () => {
    const found = await gate(await changed({ 'policies/more.yaml': 'rules:\n  - [\n' }))
    expect(found).toMatchObject({
      verdict: 'deny',
      head: { policy: null },
      tests: null,
      diff: null,
    })
    expect(found.problems.map(({ code }) => code)).toEqual(['GATE_CHECK_FAILED'])
    expect(annotationsOfGate(found)).toMatchObject([
      { id: 'YAML_MALFORMED', level: 'error', file: 'policies/more.yaml', line: 3 },
    ])
  })

  test('a test that fails -> deny, with its line', async () => {
    const found = await gate(
      await changed(tests('expect: { verdict: allow }', 'expect: { verdict: deny }')),
    )
    expect(found.verdict).toBe('deny')
    expect(found.problems[0]).toMatchObject({ code: 'GATE_TESTS_FAILED', message: '1 test fails' })
    expect(annotationsOfGate(found)).toContainEqual(
      expect.objectContaining({ id: 'decision-test', file: 'tests/notes.yaml', line: 5 }),
    )
  })

  test('Rego tests that do not compile -> deny, with the line', async () => {
    const rego = 'package countersign.notes_test\n\ntest_x if nothing_of_the_kind\n'
    const found = await gate(await changed({ 'tests/notes_test.rego': rego }))
    expect(found).toMatchObject({ verdict: 'deny', tests: null })
    expect(annotationsOfGate(found)).toContainEqual(
      expect.objectContaining({ level: 'error', file: 'tests/notes_test.rego', line: 3 }),
    )
  })

  test('a conflict -> deny', async () => {
    const repository = await changed(limit('limit: 3'))
    await repository.commit(limit('limit: 4'), { branch: 'main' })
    expect(await gate(repository)).toMatchObject({
      ...{ verdict: 'deny', problems: [{ code: 'CHANGE_CONFLICT' }], check: null },
    })
  })

  test.for([
    { least: 50, want: 'allow', codes: [] },
    { least: 51, want: 'deny', codes: ['GATE_COVERAGE_LOW'] },
  ])('one rule of two is covered, $least% asked for -> $want', async ({ least, want, codes }) => {
    const found = await gate(await changed(limit('limit: 3')), { minCoverage: least })
    expect(found.verdict).toBe(want)
    expect(found.problems.map(({ code }) => code)).toEqual(codes)
    const marks = annotationsOfGate(found).filter(({ id }) => id === 'GATE_COVERAGE_LOW')
    expect(marks.length > 0).toBe(want === 'deny')
  })

  test('a warning, where the base fails at warnings and the change would not -> deny', async () => {
    const strict = baseFiles(`${CHANGES}check: { fail_level: warning }\n`)
    const project = strict['countersign.yaml'] ?? ''
    const base = {
      ...strict,
      'policies/roster.yaml': (strict['policies/roster.yaml'] ?? '').replace(
        / {2}- \{ id: dee.*\n/,
        '',
      ),
    }
    const repository = await changed(
      {
        'countersign.yaml': project.replace('fail_level: warning', 'fail_level: error'),
        'policies/roster.yaml': rosterOf({
          ...{ ana: keysOf(KEYS.ana), bo: keysOf(KEYS.bo), cy: keysOf(KEYS.cy) },
          dee: keysOf(KEYS.dee), // A person on no route.
        }),
      },
      {},
      base,
    )
    const found = await gate(repository)
    expect(found.check).toMatchObject({ failLevel: 'warning' })
    expect(found.problems.map(({ code }) => code)).toContain('GATE_CHECK_FAILED')
  })
})

describe('a base branch', () => {
  test('without a policy -> allow what is sound, and say that nothing judged it', async () => {
    const files = baseFiles()
    const found = await gate(await changed(files, {}, { 'README.md': 'Hello\n' }))
    expect(found).toMatchObject({ verdict: 'allow', base: { policy: null }, approvals: null })
    expect(found.reason).toContain('no policy yet')
  })

  test('without a policy, and a head that is broken -> deny', async () => {
    const files = { ...baseFiles(), 'policies/rules.yaml': 'kind: Guardrails\n' }
    const found = await gate(await changed(files, {}, { 'README.md': 'Hello\n' }))
    expect(found.verdict).toBe('deny')
  })

  test('with a policy that does not compile -> refuses to judge', async () => {
    const base = { ...baseFiles(), 'policies/rules.yaml': 'kind: Guardrails\n' }
    const judging = gate(await changed(limit('limit: 3'), {}, base))
    await expect(judging).rejects.toThrow(/of the base branch/)
  })

  test('in a folder below the top -> files from the top', async () => {
    const below = (files: Files): Files =>
      Object.fromEntries(Object.entries(files).map(([path, text]) => [`bot/${path}`, text]))
    const repository = await changed(below(limit('limit: 50')), {}, below(baseFiles()))
    const found = await gate({ folder: join(repository.folder, 'bot') })
    expect(found).toMatchObject({ verdict: 'hold', folder: 'bot' })
    const marks = annotationsOfGate(found)
    expect(marks.every(({ file }) => file.startsWith('bot/'))).toBe(true)
    expect(marks.filter(({ level }) => level === 'error')).toMatchObject([
      { id: 'policy weaker', file: 'bot/policies/rules.yaml', line: 10 },
    ])
  })
})

describe('a hostile head', () => {
  const OID = '1'.repeat(40)
  const OWNER = rosterOf({ eve: keysOf(STRANGER) })

  test.for<{ name: string; files?: Files; entries?: readonly string[]; code: string }>([
    { name: 'a submodule', entries: [`M 160000 ${OID} policies/more`], code: 'FILE_UNREADABLE' },
    {
      name: 'a link to a file elsewhere',
      files: { 'other/eve.yaml': OWNER },
      entries: ['M 120000 inline policies/eve.yaml\ndata 17\n../other/eve.yaml\n'],
      code: 'FILE_UNREADABLE',
    },
    { name: 'a name in capitals', files: { 'Policies/eve.yaml': OWNER }, code: 'FILE_UNREADABLE' },
    {
      name: 'a huge file',
      files: { 'policies/huge.yaml': `# ${'x'.repeat(8_000_000)}\n` },
      code: 'DOCUMENT_TOO_LARGE',
    },
    { name: 'no policy at all', files: { 'countersign.yaml': null }, code: 'GATE_CHECK_FAILED' },
  ])('$name -> deny', async ({ files = {}, entries = [], code }) => {
    const found = await gate(await changed(files, { entries }))
    expect(found.problems.map((problem) => problem.code)).toEqual([code])
    expect(found).toMatchObject({ verdict: 'deny', diff: null })
  })

  test('.gitattributes that name a program for merges -> it does not run, and somebody must look', async () => {
    const repository = await changed({ ...limit('limit: 50'), '.gitattributes': '* merge=evil\n' })
    await repository.commit({ 'README.md': 'Hi\n' }, { branch: 'main' })
    const ran = join(repository.folder, 'ran')
    repository.git('config', 'merge.evil.driver', `touch ${ran}`)
    const found = await gate(repository)
    expect(existsSync(ran)).toBe(false)
    expect(found.weakenings.map(({ part }) => part)).toContain('guard')
    expect(found.verdict).not.toBe('allow')
  })

  test('a roster and a route of its own -> count for nothing', async () => {
    const repository = await changed({
      ...limit('limit: 50'),
      'policies/roster.yaml': rosterOf({
        cy: keysOf(STRANGER),
        ana: keysOf(KEYS.ana),
        bo: keysOf(KEYS.bo),
      }),
    })
    await reviewChange(repository.query(), { verdict: 'approve' }, STRANGER).catch(() => undefined)
    expect((await gate(repository)).verdict).not.toBe('allow')
  })
})

describe('names that move while it is judged', () => {
  test('the head has moved when reviews are judged -> FORGE_CONFLICT, and no verdict', async () => {
    const repository = await changed(limit('limit: 3'))
    let asked = 0
    // The clock is read after the change was compared, and before its reviews are.
    const clock = () => {
      asked += 1
      if (asked === 1) void repository.commit(limit('limit: 50'))
      return NOW
    }
    await expect(gate(repository, { clock })).rejects.toMatchObject({ code: 'FORGE_CONFLICT' })
  })
})

describe('on GitHub', () => {
  let forge: GateForge
  beforeAll(async () => {
    forge = await openGateForge()
  })
  afterAll(() => forge.close())

  const judge = (number: number, head: string): Promise<PolicyGate> =>
    gate(forge, { head, reviewed: { pull: number }, environment: forge.environment })

  test('hold, allow when reviewed, hold after a push', async () => {
    const { number, head, branch } = await forge.propose(limit('limit: 50'))
    expect((await judge(number, head)).verdict).toBe('hold')
    await forge.approve(number, head, 'cy')
    expect((await judge(number, head)).verdict).toBe('allow')
    const later = forge.push(branch, { 'README.md': 'Later\n' })
    expect(await judge(number, later)).toMatchObject({ verdict: 'hold', problems: [] })
  })

  test('an edited review -> not allowed', async () => {
    const { number, head } = await forge.propose(limit('limit: 50'))
    await forge.approve(number, head, 'cy')
    const [review] = forge.github.pull(number).reviews
    if (review !== undefined) review.body = review.body.replace(/[A-Za-z0-9+/]{8}\n/, 'AAAAAAAA\n')
    expect((await judge(number, head)).verdict).not.toBe('allow')
  })

  test('a merge queue of an approved and a stricter change -> allow; with one unapproved -> hold', async () => {
    const one = await forge.propose(limit('limit: 50'))
    const two = await forge.propose(rules('then: deny', 'then: deny\n    about: No secrets.'))
    const files = { ...limit('limit: 50') }
    files['policies/rules.yaml'] = (files['policies/rules.yaml'] ?? '').replace(
      ...(['then: deny', 'then: deny\n    about: No secrets.'] as const),
    )
    const head = forge.queue(files, [one.head, two.head])
    const pulls = [one.number, two.number]
    const about = { head, reviewed: { pulls }, environment: forge.environment }
    const held = await gate(forge, about)
    expect(held).toMatchObject({ verdict: 'hold', problems: [] })
    expect(held.approvals?.length).toBe(2)
    await forge.approve(one.number, one.head, 'cy')
    expect((await gate(forge, about)).verdict).toBe('allow')
  })

  test('a merge queue that holds more than was approved -> deny', async () => {
    const one = await forge.propose(limit('limit: 50'))
    await forge.approve(one.number, one.head, 'cy')
    const head = forge.queue(limit('limit: 60'), [one.head])
    const about = { head, reviewed: { pulls: [one.number] }, environment: forge.environment }
    expect(await gate(forge, about)).toMatchObject({
      ...{ verdict: 'deny', problems: [{ code: 'MERGE_GROUP_DIFFERS' }] },
    })
  })
})
