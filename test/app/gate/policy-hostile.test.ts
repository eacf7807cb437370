import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { KEYS } from '../../fakes/review-case.ts'
import {
  baseFiles,
  CHANGES,
  changed,
  type Files,
  keysOf,
  limit,
  rosterOf,
} from '../changes/change-case.ts'
import { gate } from './judge-case.ts'

const below = (folder: string, files: Files): Files =>
  Object.fromEntries(Object.entries(files).map(([path, text]) => [`${folder}/${path}`, text]))

describe('names that a change may have given to something else', () => {
  test('a link in the place of the folder, in the check-out of the head -> no verdict', async () => {
    const base = below('bot', baseFiles())
    const gone = Object.fromEntries(Object.keys(base).map((path) => [path, null]))
    const decoy = below('decoy', { ...baseFiles(), ...limit('limit: 50') })
    const entries = ['M 120000 inline bot\ndata 5\ndecoy\n']
    const repository = await changed({ ...gone, ...decoy }, { entries }, base)
    repository.git('checkout', '-q', '-f', 'change')
    const judging = gate({ folder: join(repository.folder, 'bot') })
    await expect(judging).rejects.toMatchObject({ code: 'FILE_UNREADABLE' })
  })

  test.for([
    { name: 'a tag', base: 'main', ref: 'refs/tags/main' },
    { name: 'a tag like a remote branch', base: 'origin/main', ref: 'refs/tags/origin/main' },
    { name: 'a branch like it', base: 'origin/main', ref: 'refs/heads/origin/main' },
    { name: 'an expression', base: 'origin/main~0', ref: 'refs/tags/origin/main' },
    { name: 'the remote itself', base: 'origin', ref: 'refs/tags/origin' },
  ])('$name by the name of the base -> no verdict', async ({ base, ref }) => {
    const repository = await changed(limit('limit: 50'))
    repository.git('update-ref', 'refs/remotes/origin/main', 'main')
    repository.git('symbolic-ref', 'refs/remotes/origin/HEAD', 'refs/remotes/origin/main')
    expect((await gate(repository, { base })).verdict).toBe('hold')
    repository.git('update-ref', ref, 'change')
    await expect(gate(repository, { base })).rejects.toMatchObject({ code: 'USAGE_INVALID' })
    const inFull = base === 'main' ? 'refs/heads/main' : 'refs/remotes/origin/main'
    expect((await gate(repository, { base: inFull })).verdict).toBe('hold')
  })

  test('a tag in the place of a ref in full that is not here -> no verdict', async () => {
    const repository = await changed(limit('limit: 50'))
    const base = 'refs/remotes/origin/main'
    repository.git('update-ref', `refs/tags/${base}`, 'change')
    await expect(gate(repository, { base })).rejects.toMatchObject({ code: 'USAGE_INVALID' })
  })

  test('a tag by the name of the base at the same commit -> hold', async () => {
    const repository = await changed(limit('limit: 50'))
    repository.git(
      '-c',
      'user.name=a',
      '-c',
      'user.email=a@b',
      'tag',
      '-a',
      '-m',
      'x',
      'main',
      'main',
    )
    expect((await gate(repository)).verdict).toBe('hold')
  })

  test.for([
    { name: 'a link', entry: 'M 120000 inline Bot\ndata 5\ndecoy\n' },
    { name: 'a submodule', entry: `M 160000 ${'1'.repeat(40)} BOT` },
  ])('$name that only case tells from the folder -> deny', async ({ entry }) => {
    const repository = await changed({}, { entries: [entry] }, below('bot', baseFiles()))
    expect(await gate({ folder: join(repository.folder, 'bot') })).toMatchObject({
      ...{ verdict: 'deny', problems: [{ code: 'FILE_UNREADABLE' }] },
    })
  })
})

describe('Rego tests that a change makes softer', () => {
  const base = {
    ...baseFiles(),
    'policies/rego/notes.rego':
      'package countersign.notes\n\ndeny contains {"msg": "long"} if count(input.action.payload.text) > 10\n',
    'tests/notes_test.rego':
      'package countersign.notes_test\n\nimport data.countersign.notes\n\ntest_short if count(notes.deny) == 0\n',
  }

  test('another rule of a test in a new file -> hold', async () => {
    const more = 'package countersign.notes_test\n\ntest_short if true\n'
    const found = await gate(await changed({ 'tests/more_test.rego': more }, {}, base))
    expect(found).toMatchObject({
      ...{ verdict: 'hold', routes: ['security'], problems: [] },
      weakenings: [{ part: 'test', id: 'tests/more_test.rego' }],
    })
  })
})

describe('a check that a change makes softer', () => {
  const OTHERS = { ana: keysOf(KEYS.ana), bo: keysOf(KEYS.bo), cy: keysOf(KEYS.cy) }
  const TESTED = `apiVersion: countersign/v1
kind: DecisionTest
defaults: { agent: helper, service: notes }
tests:
  - name: a password is denied
    action: { action: write, payload: { text: password } }
    expect: { verdict: deny, findings: [{ rule: notes/secret-in-note }] }
`
  const IGNORE = '# countersign-ignore: '
  const RULES = (baseFiles()['policies/rules.yaml'] ?? '').replace(
    '  - id: notes/too-many',
    `  ${IGNORE}RULE_UNTESTED later\n  - id: notes/too-many`,
  )
  const ROUTES = (baseFiles()['policies/routes.yaml'] ?? '').replace(
    /^ {2}- \{ id: (?:security|owners)/gm,
    `  ${IGNORE}ROUTE_UNUSED for changes\n$&`,
  )
  const strict = (check: string): Readonly<Record<string, string>> => ({
    ...baseFiles(`${CHANGES}${check}`),
    'policies/rules.yaml': RULES,
    'policies/routes.yaml': ROUTES,
    'policies/roster.yaml': rosterOf(OTHERS),
    'tests/notes.yaml': TESTED,
  })
  const WARNING = 'check: { fail_level: warning }\n'
  const BASE = strict(WARNING)

  test('nothing of the kind -> allow', async () => {
    const found = await gate(await changed({ 'README.md': 'Hello\n' }, {}, BASE))
    expect(found).toMatchObject({ verdict: 'allow', check: { diagnostics: [] } })
  })

  test.for<{ name: string; files: Files; id: string }>([
    {
      name: 'warnings no longer fail',
      files: { 'countersign.yaml': strict('')['countersign.yaml'] ?? '' },
      id: 'check.fail_level',
    },
    {
      name: 'one more comment that asks to ignore a warning',
      files: {
        'policies/rules.yaml': `${RULES}  ${IGNORE}RULE_UNTESTED never\n  - id: notes/more\n    on: { service: notes, action: write }\n    pattern: { path: payload.text, matches: pin }\n    then: deny\n`,
      },
      id: 'RULE_UNTESTED',
    },
  ])('$name -> hold', async ({ files, id }) => {
    const found = await gate(await changed(files, {}, BASE))
    expect(found).toMatchObject({ verdict: 'hold', routes: ['owners'], problems: [] })
    expect(found.weakenings).toMatchObject([{ part: 'check', id }])
  })

  test('a comment that moved with its line -> allow', async () => {
    const files = { 'policies/rules.yaml': null, 'policies/moved.yaml': RULES }
    expect(await gate(await changed(files, {}, BASE))).toMatchObject({ verdict: 'allow' })
  })

  test('a comment, where warnings do not fail -> allow', async () => {
    const base = strict('')
    const files = {
      'policies/roster.yaml': `${rosterOf(OTHERS)}# x\n`,
      'policies/routes.yaml': ROUTES,
    }
    const bare = { ...base, 'policies/routes.yaml': baseFiles()['policies/routes.yaml'] ?? '' }
    expect(await gate(await changed(files, {}, bare))).toMatchObject({ weakenings: [] })
  })
})

describe('what runs for a change', () => {
  test.for(['Jenkinsfile', '.gitlab-ci.yml', '.github/workflows/x.yml', 'docs/CODEOWNERS'])(
    '%s -> hold',
    async (path) => {
      const found = await gate(await changed({ [path]: 'x\n' }))
      expect(found).toMatchObject({ verdict: 'hold', weakenings: [{ part: 'guard', id: path }] })
    },
  )
})
