import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { chooseRules } from '../../../src/app/policy/rule-library.ts'
import { temporaryFolder } from '../../shells/cli/policies.ts'
import { runCli } from '../../shells/cli/run.ts'

const ROOT = join(import.meta.dirname, '../../..')

/** Rules whose findings need tools, or an earlier call that was let through; and Rego, which has tests of its own. */
const WITHOUT_DECISION_TESTS = [
  'injection/recipient-nobody-named',
  'peers/pass-it-on',
  'people/personal-data-abroad',
  'rogue/send-after-secret-read',
]

const everything = await chooseRules(['all', 'profiles'])

test('the package ships the library', () => {
  const { files } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  expect(files).toContain('policies')
})

test.for([
  { words: ['cascade/too-fast'], rules: ['cascade/too-fast'] },
  {
    words: ['code', 'cascade/too-fast', 'code/encoded-command'],
    rules: [
      'cascade/too-fast',
      'code/command-in-pieces',
      'code/destructive-command',
      'code/encoded-command',
    ],
  },
  { words: ['gdpr'], rules: ['profiles/gdpr'] },
  { words: ['profiles/pci'], rules: ['profiles/pci'] },
  {
    words: ['profiles'],
    rules: ['profiles/gdpr', 'profiles/hipaa', 'profiles/pci', 'profiles/soc2'],
  },
  { words: [], rules: [] },
])('$words -> $rules', async ({ words, rules }) => {
  const chosen = await chooseRules(words)
  expect(chosen.rules).toEqual(rules)
  for (const path of chosen.files.keys()) {
    expect(rules.some((rule) => path.startsWith(`policies/library/${rule}/`))).toBe(true)
  }
})

test('all is every rule and no profile', async () => {
  const { rules } = await chooseRules(['all'])
  const folders = readdirSync(join(ROOT, 'policies'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !['setting', 'profiles'].includes(entry.name))
    .flatMap(({ name }) =>
      readdirSync(join(ROOT, 'policies', name)).map((rule) => `${name}/${rule}`),
    )
  expect(rules).toEqual(folders.sort())
})

test.for([
  {
    name: 'a word that is nowhere',
    words: ['nothing-like-it'],
    says: /no rule, category or profile "nothing-like-it"$/,
  },
  { name: 'a slip of the finger', words: ['all', 'casade'], says: /did you mean "cascade"/ },
  { name: 'the setting of the tests', words: ['setting'], says: /no rule, category or profile/ },
  { name: 'a path to elsewhere', words: ['../src'], says: /no rule, category or profile/ },
  { name: 'an empty word', words: [''], says: /no rule, category or profile ""/ },
])('$name -> USAGE_INVALID', async ({ words, says }) => {
  await expect(chooseRules(words)).rejects.toMatchObject({
    code: 'USAGE_INVALID',
    message: expect.stringMatching(says),
  })
})

describe.for(everything.rules)('%s', (rule) => {
  const copy = (name: string) => everything.files.get(`policies/library/${rule}/${name}`)

  test('is copied as it is, with a page that says where it comes from', () => {
    for (const name of readdirSync(join(ROOT, 'policies', rule))) {
      const original = readFileSync(join(ROOT, 'policies', rule, name), 'utf8')
      if (name === 'README.md') expect(copy(name)).toContain(`${original}\n---\n`)
      else if (name !== 'tests.yaml') expect(copy(name)).toBe(original)
    }
  })

  test('has decision tests by an agent that no policy has, where they can tell', () => {
    const tests = copy('tests.yaml')
    expect(tests === undefined).toBe(WITHOUT_DECISION_TESTS.includes(rule))
    if (tests === undefined) return
    expect(tests).toContain('agent: nobody-of-the-library')
    expect(tests).not.toContain('agent: worker')
    expect(tests).toContain('findings:')
  })
})

describe('a new repository with the whole library', () => {
  const cwd = mkdtempSync(join(tmpdir(), 'countersign-library-'))
  afterAll(() => rmSync(cwd, { recursive: true, force: true }))
  const run = (...argv: string[]) => runCli([...argv, '--policy', 'x'], { cwd })

  test('says what was copied', async () => {
    const argv = ['init', 'x', '--library', 'all, profiles', '--format', 'json']
    const made = await runCli(argv, { cwd })
    expect(made).toMatchObject({ code: 0, json: { library: everything.rules } })
    for (const path of everything.files.keys()) expect(existsSync(join(cwd, 'x', path))).toBe(true)
  })

  test('has no error, and warns of what it must name and of what lacks a test', async () => {
    const { code, json } = await run('check', '--format', 'json')
    const { diagnostics } = json as { diagnostics: { code: string; message: string }[] }
    expect(code).toBe(0)
    expect(new Set(diagnostics.map((one) => one.code))).toEqual(
      new Set(['REFERENCE_UNKNOWN', 'RULE_UNTESTED']),
    )
    const untested = diagnostics.filter((one) => one.code === 'RULE_UNTESTED')
    expect(untested).toHaveLength(WITHOUT_DECISION_TESTS.length - 1) // Rego has its own.
  })

  test('is formatted, and its tests pass', async () => {
    expect(await run('fmt', '--check')).toMatchObject({ code: 0, stdout: '' })
    const { code, json } = await run('test', '--format', 'json')
    expect(json).toMatchObject({ failed: 0, skipped: 0 })
    expect(code).toBe(0)
  })

  test('fails its tests once a copied rule says less', async () => {
    const file = join(cwd, 'x/policies/library/code/destructive-command/guardrail.yaml')
    writeFileSync(file, readFileSync(file, 'utf8').replace('then: deny', 'then: hold'))
    const { code, json } = await run('test', '--run', '^rm', '--format', 'json')
    expect(code).toBe(1)
    expect((json as { failed: number }).failed).toBeGreaterThan(0)
  })
})

test('init with a word that the library lacks writes nothing', async () => {
  const cwd = temporaryFolder()
  const ran = await runCli(['init', 'x', '--library', 'casade', '--format', 'json'], { cwd })
  expect(ran).toMatchObject({ code: 2, json: { error: { code: 'USAGE_INVALID' } } })
  expect(existsSync(join(cwd, 'x'))).toBe(false)
})

test('init without the option copies nothing', async () => {
  const cwd = temporaryFolder()
  const { json } = await runCli(['init', 'x', '--format', 'json'], { cwd })
  expect(json).toMatchObject({ library: [] })
  expect(existsSync(join(cwd, 'x/policies/library'))).toBe(false)
})
