import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { LIBRARY, libraryRules, THREATS } from '../scripts/owasp.ts'
import { KINDS } from '../src/decide/evaluate/kinds/index.ts'
import { readPolicyFiles } from '../src/host/policy-files.ts'
import { parseDocuments } from '../src/policy/compile/index.ts'
import { runCli } from './shells/cli/run.ts'

// The rules that we ship: each has a reason, tests that notice when it is weakened, and a threat that it answers.

const SETTING = ['profiles', 'setting']
const categories = readdirSync(LIBRARY, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !SETTING.includes(entry.name))
  .map(({ name }) => name)
const folders = categories.flatMap((category) =>
  readdirSync(join(LIBRARY, category)).map((name) => `${category}/${name}`),
)
const FILES = ['README.md', 'guardrail.yaml', 'tests.yaml']
const REGO_FILES = ['README.md', 'rule.rego', 'rule_test.rego', 'tests.yaml']
const rules = await libraryRules()

test('check finds nothing, not even a warning', async () => {
  const { code, json } = await library('check', '--fail-level', 'warning', '--format', 'json')
  expect(json).toMatchObject({ ok: true, diagnostics: [] })
  expect(code).toBe(0)
})

test('all files are formatted', async () => {
  expect(await library('fmt', '--check')).toMatchObject({ code: 0, stdout: '' })
})

test('all tests pass', async () => {
  const { code, json } = await library('test', '--format', 'json')
  expect(json).toMatchObject({ failed: 0, skipped: 0 })
  expect(code).toBe(0)
})

test('whatever is weakened, a test notices', async () => {
  const { code, json } = await library('test', '--mutate', '--format', 'json')
  expect(json).toMatchObject({ survived: 0 })
  expect(code).toBe(0)
}, 60_000)

test('every kind that a test can give all it needs has a rule', async () => {
  const { documents } = parseDocuments(await readPolicyFiles(LIBRARY))
  const used = new Set(documents.rules.flatMap(({ value }) => Object.keys(value)))
  // What is no rule at all when left out, and what needs a score that no decision test can give.
  const without = ['every', 'markov', 'sequence_entropy']
  expect([...KINDS.keys()].filter((kind) => !used.has(kind)).sort()).toEqual(without)
  expect(rules.filter(({ file }) => file.endsWith('.rego'))).not.toEqual([])
})

test('every category is read', async () => {
  const project = readFileSync(join(LIBRARY, 'countersign.yaml'), 'utf8')
  const [, listed = ''] = /^folders: \[(.*)\]$/m.exec(project) ?? []
  expect(listed.split(', ').sort()).toEqual([...categories, 'setting'].sort())
})

describe.for(folders)('policies/%s', (name) => {
  const rule = rules.find(({ id }) => id === name)

  test('is a rule with a reason, tests and a threat', () => {
    expect(rule?.about).toMatch(/\w/)
    expect(rule?.threats).not.toEqual([])
    expect(rule?.proofs).not.toEqual([])
    const files = readdirSync(join(LIBRARY, name)).sort()
    expect([FILES, REGO_FILES]).toContainEqual(files)
    expect(readFileSync(join(LIBRARY, name, 'README.md'), 'utf8')).toMatch(
      new RegExp(`^# ${name}\n\n\\S`),
    )
  })
})

test.for(Object.entries(THREATS))('%s %s is answered by rules with tests', ([threat]) => {
  const answers = rules.filter(({ threats }) => threats.includes(threat))
  expect(answers.length).toBeGreaterThan(0)
  for (const { proofs } of answers) expect(proofs).not.toEqual([])
})

function library(...argv: string[]) {
  return runCli(argv, { cwd: LIBRARY })
}
