import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { minimalPolicy } from './policies.ts'
import { runCli } from './run.ts'

const TABLE = `apiVersion: countersign/v1
kind: DecisionTest
defaults: { agent: helper, service: notes, action: write }
fixtures: { note: { payload: { text: hello } } }
tests:
  - name: 'writing {payload.text} -> {verdict}'
    action: note
    expect: { verdict: allow, rules: [] }
    cases:
      - {}
      - { action: { payload: { text: PASSWORD } }, expect: { verdict: deny, rules: [notes/secret-in-note] } }
      - { action: { payload: { text: wrong } }, expect: { verdict: deny } }
`

test('a case that fails is told at its own place, in every format', async () => {
  const cwd = minimalPolicy({ 'tests/table.yaml': TABLE })
  const run = (format: string) => runCli(['test', '--format', format], { cwd })
  expect(await run('pretty')).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('FAIL writing wrong -> deny tests/table.yaml:12:9\n'),
  })
  expect((await run('json')).json).toMatchObject({ ok: false, passed: 6, failed: 1 })
  expect((await run('github')).stdout).toBe(
    '::error file=tests/table.yaml,line=12,col=9,title=decision-test::writing wrong -> deny: expected the verdict deny, got allow\n',
  )
  expect((await run('junit')).stdout).toContain(
    '<testcase classname="tests/table.yaml" name="writing wrong -&gt; deny" file="tests/table.yaml" line="12">',
  )
})

test.for([
  { name: 'the name of a case', argv: ['--run', 'PASSWORD'], code: 0, passed: 1 },
  { name: 'a pattern of several', argv: ['--run', '^writing'], code: 1, passed: 4 },
])('--run with $name', async ({ argv, code, passed }) => {
  const cwd = minimalPolicy({ 'tests/table.yaml': TABLE })
  const ran = await runCli(['test', '--format', 'json', ...argv], { cwd })
  expect(ran).toMatchObject({ code, json: { passed, coverage: null } })
})

test.for([
  { name: 'a pattern that is none', argv: ['--run', '('] },
  { name: 'a pattern of no test', argv: ['--run', 'zebra'] },
  { name: 'a pattern of rules that is none', argv: ['--mutate', '('] },
  { name: 'a share that is none', argv: ['--min-coverage', '101'] },
  { name: 'coverage of some tests', argv: ['--run', 'a', '--min-coverage', '80'] },
  { name: 'mutants of some tests', argv: ['--run', 'a', '--mutate'] },
  { name: 'watching for a program', argv: ['--watch'] },
  { name: 'a flag that is gone', argv: ['--filter', 'a'] },
])('$name -> USAGE_INVALID', async ({ argv }) => {
  const ran = await runCli(['test', '--format', 'json', ...argv], { cwd: minimalPolicy() })
  expect(ran).toMatchObject({ code: 2, json: { error: { code: 'USAGE_INVALID' } } })
})

const MORE_RULES = `apiVersion: countersign/v1
kind: Guardrails
rules:
  - { id: notes/untested, on: { action: read }, when: [{ path: payload.x, equals: 1, if_missing: pass }], then: deny }
`

test('coverage counts rules and tools, and a threshold fails below it', async () => {
  const cwd = minimalPolicy({ 'policies/more.yaml': MORE_RULES })
  const json = await runCli(['test', '--format', 'json'], { cwd })
  expect(json).toMatchObject({
    code: 0,
    json: {
      ok: true,
      coverage: {
        rules: {
          percent: 50,
          rules: [
            { rule: 'notes/secret-in-note', found: 2, quiet: 0 },
            { rule: 'notes/untested', file: 'policies/more.yaml', line: 4, found: 0, quiet: 1 },
          ],
          tools: [
            { tool: 'notes.delete', tests: 1 },
            { tool: 'notes.read' },
            { tool: 'notes.write', tests: 2 },
          ],
        },
        rego: null,
      },
    },
  })
  const detailed = await runCli(['test', '--coverage'], { cwd })
  expect(detailed.stdout).toContain(
    '  rule notes/untested: a finding in 0, none in 1  policies/more.yaml:4\n',
  )
  expect(await runCli(['test', '--min-coverage', '50'], { cwd })).toMatchObject({ code: 0 })
  expect(
    await runCli(['test', '--min-coverage', '50.1', '--format', 'json'], { cwd }),
  ).toMatchObject({
    code: 1,
    json: { ok: false },
    stderr: 'the coverage of rules or of Rego is below 50.1%\n',
  })
})

test('--mutate lists survivors with place and change, and exits with 1', async () => {
  const cwd = minimalPolicy({ 'policies/more.yaml': MORE_RULES })
  const ran = await runCli(['test', '--mutate'], { cwd, terminal: true })
  expect(ran.code).toBe(1)
  expect(ran.stdout).toContain('notes/untested: the rule was removed')
  expect(ran.stderr).toMatch(/mutating: 0 of \d+, /)
  const plain = await runCli(['test', '--mutate', 'untested'], { cwd })
  expect(plain.stdout).toContain(
    'SURVIVED notes/untested: the rule was removed policies/more.yaml:4:5\n',
  )
  const run = (format: string) => runCli(['test', '--mutate', '--format', format], { cwd })
  expect((await run('json')).json).toMatchObject({
    ok: false,
    survived: expect.any(Number),
    mutants: expect.arrayContaining([
      expect.objectContaining({
        ...{ rule: 'notes/untested', operator: 'removed', outcome: 'survived' },
        ...{ file: 'policies/more.yaml', line: 4, column: 5 },
      }),
    ]),
  })
  expect((await run('github')).stdout).toContain(
    '::error file=policies/more.yaml,line=4,col=5,title=mutant-removed::notes/untested: no test notices when the rule was removed\n',
  )
  expect((await run('junit')).stdout).toMatch(
    /<testsuite name="mutants" tests="\d+" failures="[1-9]/,
  )
  expect((await run('sarif')).json).toMatchObject({ version: '2.1.0' })
})

test('--mutate of rules that are tested exits with 0', async () => {
  const ran = await runCli(['test', '--mutate', '^notes/'], { cwd: minimalPolicy() })
  expect(ran).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+ noticed, 0 survived/) })
})

test('--mutate with a test that fails prints the test', async () => {
  const cwd = minimalPolicy({ 'tests/table.yaml': TABLE })
  expect(await runCli(['test', '--mutate'], { cwd })).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('FAIL writing wrong -> deny'),
    stderr: 'the tests must pass before they can notice anything\n',
  })
})

test('--watch runs again after a change, tells of mistakes, and ends with an interrupt', async () => {
  const cwd = minimalPolicy()
  const bin = resolve(import.meta.dirname, '../../../src/shells/cli/bin.ts')
  const child = spawn(process.execPath, [bin, 'test', '--watch'], { cwd })
  let printed = ''
  child.stdout.on('data', (bytes) => (printed += bytes))
  child.stderr.on('data', (bytes) => (printed += bytes))
  const ended = new Promise((done) => child.on('exit', (code, signal) => done({ code, signal })))
  const until = async (pattern: RegExp) => {
    await expect.poll(() => printed, { timeout: 20_000, interval: 20 }).toMatch(pattern)
    const [found = ''] = pattern.exec(printed) ?? []
    printed = printed.slice(printed.indexOf(found) + found.length)
  }
  try {
    await until(/4 passed, 0 failed[\s\S]*waiting for a change/)
    const file = join(cwd, 'tests/notes.yaml')
    const text = readFileSync(file, 'utf8')
    writeFileSync(file, text.replace('verdict: allow', 'verdict: hold'))
    await until(/3 passed, 1 failed[\s\S]*waiting for a change/)
    writeFileSync(file, 'tests: [\n')
    await until(/YAML_MALFORMED[\s\S]*waiting for a change/)
    writeFileSync(join(cwd, 'countersign.yaml.swp'), 'not a policy file')
    writeFileSync(file, text)
    await until(/4 passed, 0 failed[\s\S]*waiting for a change/)
    writeFileSync(file, text)
    await new Promise((later) => setTimeout(later, 1000))
    expect(printed, 'the same text again').not.toMatch(/passed/)
  } finally {
    child.kill('SIGINT')
  }
  expect(await ended).toEqual({ code: 0, signal: null })
})
