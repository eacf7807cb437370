import { describe, expect, test } from 'vitest'
import { reviewChange } from '../../../src/app/changes/review-change.ts'
import { KEYS } from '../../fakes/review-case.ts'
import type { Files } from './change-case.ts'
import {
  baseFiles,
  CHANGES,
  changed,
  gitIn,
  keysOf,
  limit,
  NOW,
  openRepository,
  PEOPLE,
  rosterOf,
  routes,
  rules,
  STRANGER,
  tests,
} from './change-case.ts'

describe('what a change needs', () => {
  const base = baseFiles()
  test.for<{ name: string; files: Files; want: string; needs: readonly string[] }>([
    { name: 'nothing but words', files: { 'README.md': 'Hello\n' }, want: 'open', needs: [] },
    { name: 'a lower limit', files: limit('limit: 3'), want: 'open', needs: [] },
    {
      name: 'a lower limit, and a test that says so',
      files: { ...limit('limit: 3'), ...tests('verdict: allow', 'verdict: hold') },
      want: 'open',
      needs: [],
    },
    { name: 'a test more', files: { 'tests/more.yaml': moreTests() }, want: 'open', needs: [] },
    { name: 'a higher limit', files: limit('limit: 50'), want: 'closed', needs: ['security'] },
    {
      name: 'a rule in shadow',
      files: rules('then: deny', 'then: deny\n    mode: shadow'),
      want: 'closed',
      needs: ['security'],
    },
    {
      name: 'a rule taken away',
      files: { 'policies/rules.yaml': rulesWithout() },
      want: 'closed',
      needs: ['security'],
    },
    {
      name: 'a lower quorum',
      files: routes('quorum: 2', 'quorum: 1'),
      want: 'closed',
      needs: ['security'],
    },
    {
      name: 'a reviewer more',
      files: routes('[bo, cy]', '[bo, cy, dee]'),
      want: 'closed',
      needs: ['security'],
    },
    {
      name: 'a person more',
      files: { 'policies/roster.yaml': rosterOf({ ...PEOPLE, eve: keysOf(STRANGER) }) },
      want: 'closed',
      needs: ['owners'],
    },
    {
      name: 'another key of a person',
      files: { 'policies/roster.yaml': rosterOf({ ...PEOPLE, cy: keysOf(STRANGER) }) },
      want: 'closed',
      needs: ['owners'],
    },
    {
      name: 'a default that allows more',
      files: {
        'countersign.yaml': (base['countersign.yaml'] ?? '').replace('high: deny', 'high: hold'),
      },
      want: 'closed',
      needs: ['owners'],
    },
    {
      name: 'who reviews changes',
      files: {
        'countersign.yaml': (base['countersign.yaml'] ?? '').replace('security', 'default'),
      },
      want: 'closed',
      needs: ['owners'],
    },
    {
      name: 'all tests taken away',
      files: { 'tests/notes.yaml': null },
      want: 'closed',
      needs: ['security'],
    },
    {
      name: 'a test that expects less',
      files: tests('verdict: deny', 'verdict: hold'),
      want: 'closed',
      needs: ['security'],
    },
    {
      name: 'a test about something else',
      files: tests('text: password', 'text: nothing'),
      want: 'closed',
      needs: ['security'],
    },
    {
      name: 'a workflow',
      files: { '.github/workflows/gate.yml': 'on: push\n' },
      want: 'closed',
      needs: ['owners'],
    },
    {
      name: 'a workflow in capitals',
      files: { '.GitHub/workflows/gate.yml': 'on: push\n' },
      want: 'closed',
      needs: ['owners'],
    },
    { name: 'code owners', files: { CODEOWNERS: '* @eve\n' }, want: 'closed', needs: ['owners'] },
    {
      name: 'a rule and a person',
      files: {
        ...limit('limit: 50'),
        'policies/roster.yaml': rosterOf({ ...PEOPLE, eve: keysOf(STRANGER) }),
      },
      want: 'closed',
      needs: ['owners', 'security'],
    },
  ])('$name -> $want, needs $needs', async ({ files, want, needs }) => {
    const { judge } = await changed(files)
    const report = await judge()
    expect(report.routes.map(({ id }) => id)).toEqual(needs)
    expect(report.problems).toEqual([])
    expect(report.verdict).toBe(want)
  })

  test.for<{ name: string; project: string; files: Files; want: string; needs: readonly string[] }>(
    [
      {
        name: 'nothing said, weaker',
        project: '',
        files: limit('limit: 9'),
        want: 'closed',
        needs: ['default'],
      },
      {
        name: 'nothing said, stronger',
        project: '',
        files: limit('limit: 2'),
        want: 'open',
        needs: [],
      },
      {
        name: 'a route for every change, stronger',
        project: 'changes: { route: default, weaker: security }\n',
        files: limit('limit: 2'),
        want: 'closed',
        needs: ['default'],
      },
      {
        name: 'a route for every change, weaker',
        project: 'changes: { route: default, weaker: security }\n',
        files: limit('limit: 9'),
        want: 'closed',
        needs: ['default', 'security'],
      },
      {
        name: 'another kind only',
        project: 'changes: { weaker: { roster: owners } }\n',
        files: limit('limit: 9'),
        want: 'closed',
        needs: ['default'],
      },
    ],
  )('$name -> $want, needs $needs', async ({ project, files, want, needs }) => {
    const { judge } = await changed(files, {}, baseFiles(project))
    const report = await judge()
    expect(report.verdict).toBe(want)
    expect(report.routes.map(({ id }) => id)).toEqual(needs)
  })

  test('the head names easier rules for itself -> the base counts', async () => {
    const text = (base['countersign.yaml'] ?? '').replace(CHANGES, 'changes: { weaker: default }\n')
    const { judge } = await changed({ ...limit('limit: 50'), 'countersign.yaml': text })
    expect((await judge()).routes.map(({ id }) => id)).toEqual(['owners', 'security'])
  })

  test('the head does not compile -> closed, with the place', async () => {
    const { judge } = await changed(rules('then: deny', 'then: denied'))
    expect(await judge()).toMatchObject({
      verdict: 'closed',
      request: null,
      problems: [{ code: 'VALUE_INVALID', place: { file: 'policies/rules.yaml', line: 7 } }],
    })
  })

  test('the change conflicts with the base -> closed', async () => {
    const { commit, judge } = await changed(limit('limit: 3'))
    await commit(limit('limit: 4'), { branch: 'main' })
    expect((await judge()).problems).toMatchObject([{ code: 'CHANGE_CONFLICT' }])
  })

  test('the base no longer compiles -> its error', async () => {
    const { commit, judge } = await changed(limit('limit: 3'))
    await commit({ 'policies/agents.yaml': 'kind: Agent\n' }, { branch: 'main' })
    await expect(judge()).rejects.toMatchObject({ code: 'KEY_MISSING' })
  })

  test('without a forge the base is a commit -> USAGE_INVALID', async () => {
    const { git, judge } = await changed(limit('limit: 3'))
    const base = git('rev-parse', 'main').trim()
    await expect(judge({ base })).rejects.toMatchObject({ code: 'USAGE_INVALID' })
  })
})

describe('who opens the gate', () => {
  const weaker = limit('limit: 50')
  test('a quorum of two, one by one -> closed, then open', async () => {
    const files = { 'policies/roster.yaml': rosterOf({ ...PEOPLE, eve: keysOf(STRANGER) }) }
    const { query } = await changed(files)
    const first = await reviewChange(query(), { verdict: 'approve' }, KEYS.ana)
    expect(first.report).toMatchObject({ verdict: 'closed', routes: [{ missing: 1 }] })
    const again = await reviewChange(query(), { verdict: 'approve', comment: 'again' }, KEYS.ana)
    expect(again.report).toMatchObject({ verdict: 'closed', routes: [{ missing: 1 }] })
    const second = await reviewChange(query(), { verdict: 'approve' }, KEYS.cy)
    expect(second.report.verdict).toBe('open')
  })

  test('approved, then rejected by the other -> closed', async () => {
    const { query } = await changed(weaker)
    await reviewChange(query(), { verdict: 'approve' }, KEYS.cy)
    const { report } = await reviewChange(query(), { verdict: 'reject', comment: 'no' }, KEYS.bo)
    expect(report).toMatchObject({ verdict: 'closed', reason: 'rejected by bo: no' })
  })

  test.for([
    { name: 'a person of another route', by: KEYS.ana, want: 'REVIEWER_NOT_ON_ROUTE' },
    { name: 'a key of nobody', by: STRANGER, want: 'KEY_NOT_PINNED' },
    { name: 'the author by name', by: KEYS.cy, who: { name: 'cy' }, want: 'REVIEW_SELF' },
    {
      name: 'the author by mail',
      by: KEYS.cy,
      who: { email: 'Cy@example.com' },
      want: 'REVIEW_SELF',
    },
    { name: 'who signed the commit', by: KEYS.cy, who: { signer: KEYS.cy }, want: 'REVIEW_SELF' },
    { name: 'too late', by: KEYS.cy, who: { at: NOW - 15 * 86_400_000 }, want: 'REVIEW_EXPIRED' },
    {
      name: 'a commit of tomorrow',
      by: KEYS.cy,
      who: { at: NOW + 86_400_000 },
      want: 'REVIEW_UNBOUND',
    },
  ])('$name -> $want', async ({ by, who = {}, want }) => {
    const { query, judge } = await changed(weaker, who)
    const reviewing = reviewChange(query(), { verdict: 'approve' }, by)
    await expect(reviewing).rejects.toMatchObject({ code: want })
    expect((await judge()).verdict).toBe('closed')
  })

  test('a reviewer who has left the base since -> closed', async () => {
    const { query, judge, commit } = await changed(weaker)
    await reviewChange(query(), { verdict: 'approve' }, KEYS.cy)
    const { cy: _, ...rest } = PEOPLE
    await commit(
      {
        'policies/roster.yaml': rosterOf(rest),
        'policies/routes.yaml': (baseFiles()['policies/routes.yaml'] ?? '')
          .replace('[bo, cy]', '[bo]')
          .replace('[ana, cy], quorum: 2', '[ana]'),
      },
      { branch: 'main' },
    )
    expect(await judge()).toMatchObject({
      verdict: 'closed',
      refused: [{ code: 'REVIEWER_UNKNOWN' }],
    })
  })

  test('the base moves elsewhere -> a review stands', async () => {
    const { query, judge, commit } = await changed(weaker)
    await reviewChange(query(), { verdict: 'approve' }, KEYS.cy)
    await commit({ 'README.md': 'Hello\n' }, { branch: 'main' })
    expect((await judge()).verdict).toBe('open')
  })

  test('the base grows stricter where the change is weaker -> a review does not stand', async () => {
    const { query, judge, commit } = await changed({ 'policies/z.yaml': looser() })
    await reviewChange(query(), { verdict: 'approve' }, KEYS.cy)
    expect((await judge()).verdict).toBe('open')
    await commit(
      {
        'countersign.yaml':
          baseFiles(CHANGES.replace('rules: security', 'rules: owners'))['countersign.yaml'] ?? '',
      },
      { branch: 'main' },
    )
    expect(await judge()).toMatchObject({
      verdict: 'closed',
      refused: [{ code: 'REVIEW_UNBOUND' }],
    })
  })

  test('a review of another change with the same files -> it is not found', async () => {
    const { query, judge, git, commit } = await changed(weaker)
    await reviewChange(query(), { verdict: 'approve' }, KEYS.cy)
    const head = await commit(weaker, {
      message: 'Another',
      branch: 'other',
      from: 'refs/heads/main^0',
    })
    const from = git('rev-parse', 'change').trim()
    git('update-ref', `refs/countersign/changes/${head}`, `refs/countersign/changes/${from}`)
    const report = await judge({ head: 'other' })
    expect(report).toMatchObject({ verdict: 'closed', refused: [{ code: 'REVIEW_UNBOUND' }] })
  })

  test('another number -> the review is about something else', async () => {
    const { query, judge } = await changed(weaker)
    await reviewChange(query(), { verdict: 'approve' }, KEYS.cy)
    expect(await judge({ pull: 2 })).toMatchObject({
      verdict: 'closed',
      refused: [{ code: 'REVIEW_UNBOUND' }],
    })
  })

  test.for<{ name: string; edit: (review: Record<string, string>) => object; code: string }>([
    {
      name: 'the verdict turned',
      edit: ({ body = '' }) => ({
        body: body.replace('"verdict":"approve"', '"verdict":"reject"'),
      }),
      code: 'SIGNATURE_WRONG',
    },
    { name: 'the state turned', edit: () => ({ state: 'rejected' }), code: 'REVIEW_UNBOUND' },
    {
      name: 'the blocks cut off',
      edit: ({ body = '' }) => ({ body: body.slice(0, body.indexOf('-----BEGIN')) }),
      code: 'REVIEW_MALFORMED',
    },
  ])('an edited review, $name -> $code', async ({ edit, code }) => {
    const { query, judge, git, commit } = await changed(weaker)
    await reviewChange(query(), { verdict: 'approve' }, KEYS.cy)
    const ref = `refs/countersign/changes/${git('rev-parse', 'change').trim()}`
    const value = JSON.parse(git('show', `${ref}:reviews/0001.json`)) as Record<string, string>
    const text = JSON.stringify({ ...value, ...edit(value) })
    const edited = await commit(
      { 'reviews/0001.json': text },
      { branch: 'edited', from: `${ref}^0` },
    )
    git('update-ref', ref, edited)
    expect(await judge()).toMatchObject({ verdict: 'closed', refused: [{ code }] })
  })
})

describe('signed commits', () => {
  const base = baseFiles('changes: { weaker: security, signed_commits: signed }\n')
  const stronger = limit('limit: 3')
  test('one of two unsigned -> closed', async () => {
    const { judge, commit } = await changed(stronger, {}, base)
    await commit({ 'README.md': 'Hello\n' }, { signer: KEYS.dee })
    expect(await judge()).toMatchObject({
      verdict: 'closed',
      problems: [{ code: 'COMMIT_UNSIGNED' }],
    })
  })

  test.for([
    { name: 'not yet valid', more: ', valid_from: 2026-11-22T00:00:00Z' },
    { name: 'no longer valid', more: ', valid_until: 2026-11-20T00:00:00Z' },
    { name: 'revoked after the commit', more: ', revoked_at: 2026-11-21T09:04:30Z' },
  ])('a key that is $name -> KEY_NOT_VALID_THEN', async ({ more }) => {
    const roster = rosterOf({ ...PEOPLE, dee: keysOf(KEYS.dee, more) })
    const files = { ...base, 'policies/roster.yaml': roster }
    const { judge } = await changed(stronger, { signer: KEYS.dee }, files)
    expect((await judge()).problems).toMatchObject([{ code: 'KEY_NOT_VALID_THEN' }])
  })

  test('approved, and unsigned -> closed all the same', async () => {
    const { query } = await changed(limit('limit: 50'), {}, base)
    const { report } = await reviewChange(query(), { verdict: 'approve' }, KEYS.cy)
    expect(report).toMatchObject({ verdict: 'closed', routes: [{ missing: 0 }] })
  })

  test('only gpg will do -> COMMIT_SIGNATURE_UNSUPPORTED for ssh', async () => {
    const gpg = baseFiles('changes: { weaker: security, signed_commits: gpg }\n')
    const { judge } = await changed(stronger, { signer: KEYS.dee }, gpg)
    expect((await judge()).problems).toMatchObject([{ code: 'COMMIT_SIGNATURE_UNSUPPORTED' }])
  })
})

test('trees that name each other, so that a few hold a thousand million files -> closed', async () => {
  const { judge, commit, git, folder } = await changed({ 'deep/file': 'x' })
  let tree = `100644 blob ${git('rev-parse', 'change:deep/file').trim()}`
  for (let depth = 0; depth < 9; depth++) {
    const lines = Array.from({ length: 10 }, (_, at) => `${tree}\t${at}\n`).join('')
    tree = `040000 tree ${gitIn(folder, ['mktree'], lines).trim()}`
  }
  await commit({}, { entries: [`M 040000 ${tree.slice(-40)} deep`] })
  expect(await judge()).toMatchObject({ verdict: 'closed', problems: [{ code: 'GIT_FAILED' }] })
})

test('nothing differs -> open', async () => {
  const repository = openRepository()
  expect(await repository.judge()).toMatchObject({ verdict: 'open', reason: 'nothing changes' })
})

function moreTests(): string {
  return `apiVersion: countersign/v1
kind: DecisionTest
tests:
  - name: nobody else may
    action: { agent: other, service: notes, action: read }
    expect: { verdict: deny }
`
}

function rulesWithout(): string {
  const text = baseFiles()['policies/rules.yaml'] ?? ''
  return text.slice(0, text.indexOf('  - id: notes/too-many'))
}

/** A new rule that switches the project's default off: unclear. */
function looser(): string {
  return `apiVersion: countersign/v1
kind: Tools
service: mail
tools:
  send: { effect: write }
`
}
