import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { generateSshKey } from '../../../src/host/ssh-key.ts'
import { minimalPolicy, temporaryFolder } from './policies.ts'
import { runCli } from './run.ts'

const BROKEN = 'apiVersion: countersign/v1\nkind: Guardrails\nrules:\n  - id: a/b\n    thn: deny\n'
const NOTED = `apiVersion: countersign/v1
kind: Guardrails
rules:
  - id: a/b
    on: { service: nowhere }
    then: deny
`

test('init makes a policy that passes check and test at once, and the same digest wherever it lies', async () => {
  const cwd = temporaryFolder()
  const made = await runCli(['init', 'x', '--format', 'json'], { cwd })
  expect(made).toMatchObject({
    code: 0,
    json: { project: 'x', reviewer: { id: 'reviewer', made: true } },
  })
  expect(statSync(join(cwd, 'x/.countersign/reviewer_key')).mode & 0o777).toBe(0o600)
  const checked = await runCli(
    ['check', '--policy', 'x', '--fail-level', 'warning', '--format', 'json'],
    { cwd },
  )
  expect(checked).toMatchObject({ code: 0, json: { ok: true, project: 'x', diagnostics: [] } })
  const tested = await runCli(['test', '--policy', 'x', '--format', 'json'], { cwd })
  expect(tested).toMatchObject({
    code: 0,
    json: { failed: 0, skipped: 0, coverage: { rego: { percent: 100 } } },
  })
  expect(await runCli(['fmt', '--policy', 'x', '--check'], { cwd })).toMatchObject({
    code: 0,
    stdout: '',
  })
  const built = await runCli(['build', '--policy', 'x', '-o', 'x.bundle'], { cwd })
  expect(built.stdout).toBe(`${(checked.json as { policy: string }).policy}\n`)
  const inspected = await runCli(['inspect', 'x.bundle', '--format', 'json'], { cwd })
  expect(inspected.json).toMatchObject({
    policy: built.stdout.trim(),
    entrypoints: ['countersign/refunds/deny'],
    agents: ['billing-agent'],
  })
})

test('every YAML file of init names its schema for editors', async () => {
  const cwd = temporaryFolder()
  const { json } = await runCli(['init', 'x', '--format', 'json'], { cwd })
  const yaml = (json as { files: string[] }).files.filter((file) => file.endsWith('.yaml'))
  expect(yaml.length).toBeGreaterThan(5)
  for (const file of yaml) {
    const [first = ''] = readFileSync(join(cwd, 'x', file), 'utf8').split('\n')
    const url =
      /^# yaml-language-server: \$schema=https:\/\/countersign\.dev\/schemas\/v1\/(.+)$/.exec(first)
    expect(existsSync(join(import.meta.dirname, '../../../schemas', url?.[1] ?? 'none'))).toBe(true)
  }
})

test('init takes the key that is named, then one of ~/.ssh', async () => {
  const cwd = temporaryFolder()
  const [named, own] = [generateSshKey('named'), generateSshKey('own')]
  writeFileSync(join(cwd, 'ana.pub'), named.publicKey)
  const home = minimalPolicy({ '.ssh/id_ed25519.pub': own.publicKey })
  const env = { HOME: home }
  const first = await runCli(
    ['init', 'a', '--reviewer', 'ana', '--reviewer-key', 'ana.pub', '--format', 'json'],
    { cwd, env },
  )
  expect(first.json).toMatchObject({
    reviewer: { id: 'ana', fingerprint: named.fingerprint, made: false },
  })
  const second = await runCli(['init', 'b', '--format', 'json'], { cwd, env })
  expect(second.json).toMatchObject({ reviewer: { fingerprint: own.fingerprint, made: false } })
  expect(existsSync(join(cwd, 'b/.countersign'))).toBe(false)
})

test.for([
  { name: 'a file of it exists', argv: ['.'], code: 'FILE_EXISTS' },
  { name: 'the project has no name', argv: ['x', '--project', 'a b'], code: 'USAGE_INVALID' },
  { name: 'the reviewer has no name', argv: ['x', '--reviewer', ''], code: 'USAGE_INVALID' },
  {
    name: 'the key is not there',
    argv: ['x', '--reviewer-key', 'no.pub'],
    code: 'FILE_UNREADABLE',
  },
  { name: 'the key is none', argv: ['x', '--reviewer-key', 'README.md'], code: 'KEY_UNSUPPORTED' },
  { name: 'the folder is a file', argv: ['README.md'], code: 'FILE_UNREADABLE' },
])('init where $name -> $code, nothing written', async ({ argv, code }) => {
  const cwd = minimalPolicy()
  const ran = await runCli(['init', ...argv, '--format', 'json'], { cwd })
  expect(ran).toMatchObject({ code: 2, json: { error: { code } } })
  expect(existsSync(join(cwd, 'x'))).toBe(false)
  expect(existsSync(join(cwd, 'policies/agents'))).toBe(false)
})

test.for([
  {
    name: 'a sound policy',
    files: {},
    argv: [],
    code: 0,
    out: /^ok 3 files\nsha256:[0-9a-f]{64}\n$/,
  },
  {
    name: 'an unknown key',
    files: { 'policies/x.yaml': BROKEN },
    argv: [],
    code: 2,
    out: /policies\/x\.yaml:5:5 KEY_UNKNOWN: .*did you mean "then"/,
  },
  {
    name: 'a warning',
    files: { 'policies/x.yaml': NOTED },
    argv: [],
    code: 0,
    out: /warning REFERENCE_UNKNOWN[\s\S]*ok 4 files, 2 warnings/,
  },
  {
    name: 'a warning that fails',
    files: { 'policies/x.yaml': NOTED },
    argv: ['--fail-level', 'warning'],
    code: 1,
    out: /warning REFERENCE_UNKNOWN/,
  },
  {
    name: 'an error as SARIF',
    files: { 'policies/x.yaml': BROKEN },
    argv: ['--format', 'sarif'],
    code: 2,
    out: /"ruleId": "KEY_UNKNOWN"/,
  },
  {
    name: 'an error as JUnit',
    files: { 'policies/x.yaml': BROKEN },
    argv: ['--format', 'junit'],
    code: 2,
    out: /<failure type="KEY_/,
  },
  {
    name: 'an error as annotations',
    files: { 'policies/x.yaml': BROKEN },
    argv: ['--format', 'github'],
    code: 2,
    out: /^::error file=policies\/x\.yaml,line=/,
  },
  {
    name: 'no project file',
    files: { 'countersign.yaml': '' },
    argv: [],
    code: 2,
    out: /PROJECT_MISSING/,
  },
])('check of $name -> exit $code', async ({ files, argv, code, out }) => {
  const ran = await runCli(['check', ...argv], {
    cwd: minimalPolicy(files as Record<string, string>),
  })
  expect(ran.stdout).toMatch(out)
  expect(ran).toMatchObject({ code, stderr: '' })
})

test('check seen from a folder above names files from there', async () => {
  const policy = minimalPolicy({ 'policies/x.yaml': BROKEN })
  const cwd = join(policy, '..')
  const { stdout } = await runCli(['check', '--policy', policy, '--format', 'github'], { cwd })
  expect(stdout).toMatch(/^::error file=countersign-test-[^/]+\/policies\/x\.yaml,/)
})

test.for([{ argv: ['build', '-o', 'x.bundle'] }, { argv: ['test'] }])(
  '$argv of a broken policy -> exit 2, every complaint',
  async ({ argv }) => {
    const cwd = minimalPolicy({ 'policies/x.yaml': BROKEN })
    expect(await runCli(argv, { cwd })).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/KEY_UNKNOWN[\s\S]*KEY_MISSING|KEY_MISSING[\s\S]*KEY_UNKNOWN/),
    })
    const { code, json } = await runCli([...argv, '--format', 'json'], { cwd })
    expect({ code, json }).toMatchObject({
      code: 2,
      json: { error: { code: expect.stringMatching(/^KEY_/) }, errors: 2 },
    })
  },
)

test('a build that fails leaves the older bundle as it was', async () => {
  const cwd = minimalPolicy()
  expect(await runCli(['build', '-o', 'x.bundle'], { cwd })).toMatchObject({ code: 0 })
  const before = readFileSync(join(cwd, 'x.bundle'))
  writeFileSync(join(cwd, 'policies/x.yaml'), BROKEN)
  expect(await runCli(['build', '-o', 'x.bundle'], { cwd })).toMatchObject({ code: 2 })
  expect(readFileSync(join(cwd, 'x.bundle')).equals(before)).toBe(true)
})

test('build to a folder that is not there -> FILE_UNREADABLE', async () => {
  const ran = await runCli(['build', '-o', 'no/x.bundle', '--format', 'json'], {
    cwd: minimalPolicy(),
  })
  expect(ran).toMatchObject({ code: 2, json: { error: { code: 'FILE_UNREADABLE' } } })
})

test.for([
  {
    name: 'a byte in the middle',
    spoil: (bytes: Buffer) => {
      const middle = bytes.length >> 1
      return bytes.fill(bytes.at(middle)! ^ 1, middle, middle + 1)
    },
  },
  { name: 'its second half', spoil: (bytes: Buffer) => bytes.subarray(0, bytes.length / 2) },
])('a bundle without $name as it was -> BUNDLE_CORRUPT', async ({ spoil }) => {
  const cwd = minimalPolicy()
  await runCli(['build', '-o', 'x.bundle'], { cwd })
  const file = join(cwd, 'x.bundle')
  writeFileSync(file, spoil(readFileSync(file)))
  for (const argv of [
    ['inspect', 'x.bundle'],
    ['replay', '--bundle', 'x.bundle', 'traces/sessions.jsonl'],
  ]) {
    expect(await runCli([...argv, '--format', 'json'], { cwd })).toMatchObject({
      code: 2,
      json: { error: { code: 'BUNDLE_CORRUPT' } },
    })
  }
})

test('fmt formats, says what it changed, and then finds nothing to do', async () => {
  const ugly =
    'apiVersion:   countersign/v1\nkind: Routes\nroutes:\n- {id: r,   reviewers: [ a ], time_out: 1m}\n'
  const cwd = minimalPolicy({ 'policies/r.yaml': ugly })
  const diff = await runCli(['fmt', '--diff'], { cwd })
  expect(diff).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('+  - { id: r, reviewers: [a], time_out: 1m }'),
  })
  expect(await runCli(['fmt', '--check'], { cwd })).toMatchObject({
    code: 1,
    stdout: 'policies/r.yaml\n',
  })
  expect(readFileSync(join(cwd, 'policies/r.yaml'), 'utf8')).toBe(ugly)
  expect(await runCli(['fmt'], { cwd })).toMatchObject({ code: 0, stdout: 'policies/r.yaml\n' })
  expect(await runCli(['fmt', '--check'], { cwd })).toMatchObject({ code: 0, stdout: '' })
})

test('fmt of a file that does not parse writes nothing at all', async () => {
  const cwd = minimalPolicy({ 'policies/a.yaml': 'a:   1\n', 'policies/b.yaml': 'a: [1\n' })
  expect(await runCli(['fmt'], { cwd })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('policies/b.yaml:2:1 YAML_MALFORMED'),
  })
  expect(readFileSync(join(cwd, 'policies/a.yaml'), 'utf8')).toBe('a:   1\n')
})

test('a failing test shows expected, actual, and findings with their places', async () => {
  const cwd = minimalPolicy({
    'tests/more.yaml': `apiVersion: countersign/v1
kind: DecisionTest
tests:
  - name: a password is fine
    action: { agent: helper, service: notes, action: write, payload: { text: password } }
    expect: { verdict: allow }
`,
  })
  const ran = await runCli(['test'], { cwd })
  expect(ran.code).toBe(1)
  expect(ran.stdout).toMatch(
    /FAIL a password is fine tests\/more\.yaml:4:5\n {2}expected the verdict allow, got deny/,
  )
  expect(ran.stdout).toMatch(/deny notes\/secret-in-note: .*policies\/all\.yaml:\d+/)
  expect(ran.stdout).toMatch(/4 passed, 1 failed/)
  const filtered = await runCli(['test', '--run', 'reading', '--format', 'json'], { cwd })
  expect(filtered).toMatchObject({ code: 0, json: { passed: 1, failed: 0 } })
})

test('replay of a repository and of its bundle give the same document', async () => {
  const cwd = minimalPolicy()
  await runCli(['build', '-o', 'x.bundle'], { cwd })
  const trace = 'traces/sessions.jsonl'
  const [one, two] = await Promise.all([
    runCli(['replay', trace, '--format', 'json'], { cwd }),
    runCli(['replay', '--bundle', 'x.bundle', trace, '--format', 'json'], { cwd }),
  ])
  const strip = ({ json }: typeof one) => ({ ...(json as object), actions_per_second: 0 })
  expect(strip(one)).toEqual(strip(two))
  expect(one).toMatchObject({ code: 0, stderr: '', json: { sessions: 1, actions: 3 } })
})

test('replay on a terminal shows its progress and clears it away', async () => {
  const ran = await runCli(['replay', 'traces/sessions.jsonl'], {
    cwd: minimalPolicy(),
    terminal: true,
  })
  expect(ran.stderr).toMatch(/replaying: 1 sessions, 100%/)
  expect(ran.stderr.endsWith('\r\u001b[2K')).toBe(true)
})

test.for([
  { name: 'a line without steps', text: '{"session":"h","agent":"helper","seq":"5 5 22"}\n' },
  { name: 'a line that is cut off', text: '{"session":"h","agent":"helper","ste' },
])('replay of $name -> SESSION_INVALID at line 2', async ({ text }) => {
  const good = '{"session":"g","agent":"helper","steps":[]}\n'
  const cwd = minimalPolicy({ 'traces/bad.jsonl': `${good}${text}` })
  const ran = await runCli(['replay', 'traces/bad.jsonl', '--format', 'json'], { cwd })
  expect(ran).toMatchObject({ code: 2, json: { error: { code: 'SESSION_INVALID', line: 2 } } })
})

test('replay of bytes that are no UTF-8 -> UTF8_INVALID', async () => {
  const cwd = minimalPolicy()
  writeFileSync(join(cwd, 'bad.jsonl'), Buffer.from([0x7b, 0xff, 0x7d, 0x0a]))
  const ran = await runCli(['replay', 'bad.jsonl', '--format', 'json'], { cwd })
  expect(ran).toMatchObject({ code: 2, json: { error: { code: 'UTF8_INVALID', line: 1 } } })
})
