import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { minimalPolicy } from './policies.ts'
import { type Ran, runCli } from './run.ts'

const cwd = mkdtempSync(join(tmpdir(), 'countersign-eval-'))
afterAll(() => rmSync(cwd, { recursive: true, force: true }))

for (const [name, text] of Object.entries({
  'rules/guard.rego': `package guard

default allow := false

allow if {
	input.user == "ann"
	input.n > limits.least
}

limits := {"least": 3}

many contains x if some x in input.xs

broken := to_number(input.user)
`,
  'rules/in/conf.json': '{"conf": {"big": 9007199254740993}}',
  'input.json': '{"user": "ann", "n": 1, "xs": [1, 2]}',
  'input.yaml': 'user: ann\nn: 5',
  'broken.json': '{',
})) {
  mkdirSync(dirname(join(cwd, name)), { recursive: true })
  writeFileSync(join(cwd, name), text)
}

const evaluate = (argv: readonly string[], stdin = ''): Promise<Ran> =>
  runCli(['eval', ...argv], { cwd, stdin })

const RULES = ['-d', 'rules']

// Each starts a compiler of its own, so each shows several things at once.
describe('prints what `opa eval` prints', () => {
  test('pretty: a value with the input from YAML; -d before the query', async () => {
    const ran = await evaluate([...RULES, 'data.guard.allow', '-i', 'input.yaml'])
    expect(ran).toEqual({ code: 0, stdout: 'true\n', stderr: '', json: true })
  })

  test('json: bindings, expressions, every digit; the query from standard input', async () => {
    const argv = [...RULES, '--stdin', '-i', 'input.json', '-f', 'json']
    const { code, stdout, stderr } = await evaluate(
      argv,
      'x := data.guard.many[_]; data.in.conf.big > x; y := data.in.conf.big',
    )
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('"y": 9007199254740993')
    expect(JSON.parse(stdout)).toMatchObject({
      result: [
        {
          expressions: [
            { value: true, text: 'x := data.guard.many[_]', location: { row: 1, col: 1 } },
            { value: true, text: 'data.in.conf.big > x', location: { row: 1, col: 26 } },
            {},
          ],
          bindings: { x: 1 },
        },
        { bindings: { x: 2 } },
      ],
    })
  })

  test.for([
    { format: 'values', want: '[\n  1,\n  "a"\n]\n[\n  2,\n  "a"\n]\n' },
    { format: 'bindings', want: '{\n  "i": 0\n}\n{\n  "i": 1\n}\n' },
    { format: 'raw', want: '1 a\n2 a\n' },
    { format: 'discard', want: '{\n  "result": "discarded"\n}\n' },
    { format: 'pretty', want: 'i  [1, 2][i]  "a"\n0  1          "a"\n1  2          "a"\n' },
  ])('$format: a document or a line for each result', async ({ format, want }) => {
    const ran = await evaluate(['[1, 2][i]; "a"', '--format', format])
    expect(ran).toMatchObject({ code: 0, stdout: want, stderr: '' })
  })

  test.for([
    { format: 'json', want: '{}\n' },
    { format: 'pretty', want: 'undefined\n' },
  ])('$format where it is undefined: exit 1 with --fail', async ({ format, want }) => {
    const ran = await evaluate(['false; true', '--format', format, '--fail'])
    expect(ran).toMatchObject({ code: 1, stdout: want, stderr: '' })
  })

  test('exit 1 with --fail-defined, for false too; 0 with --fail', async () => {
    expect(await evaluate(['false', '--fail-defined'])).toMatchObject({
      code: 1,
      stdout: 'false\n',
    })
    expect(await evaluate(['false', '--fail'])).toMatchObject({ code: 0, stdout: 'false\n' })
  })
})

describe('errors', () => {
  test('of the evaluation: exit 2, with the place, in either form', async () => {
    const argv = ['data.guard.broken', ...RULES, '-i', 'input.json', '--strict-builtin-errors']
    const shown = await evaluate(argv)
    expect(shown).toMatchObject({ code: 2, stdout: '' })
    expect(shown.stderr).toContain('rules/guard.rego:14:11 REGO_BUILTIN_ERROR: to_number:')
    expect(shown.stderr).toContain('   14 | broken := to_number(input.user)')
    const document = await evaluate([...argv, '--format', 'json'])
    const location = { file: 'rules/guard.rego', row: 14, col: 11 }
    expect(document).toMatchObject({
      code: 2,
      stderr: '',
      json: { errors: [{ code: 'REGO_BUILTIN_ERROR', location }] },
    })
  })

  test('are undefined with --lax', async () => {
    const ran = await evaluate(['to_number("x")', '--lax', '--format', 'json'])
    expect(ran).toMatchObject({ code: 0, json: {} })
  })

  test('of the query: exit 2, with the place, in either form', async () => {
    const shown = await evaluate(['input.a == '])
    expect(shown).toMatchObject({ code: 2, stdout: '' })
    expect(shown.stderr).toMatch(/^query:1:\d+ REGO_INVALID: [\s\S]*\n {4}1 \| input\.a == \n/)
    const document = await evaluate(['time.now_ns()', '-f', 'json'])
    expect(document).toMatchObject({
      code: 2,
      stderr: '',
      json: {
        errors: [{ code: 'REGO_BUILTIN_REFUSED', location: { file: 'query', row: 1, col: 1 } }],
      },
    })
  })

  test.for([
    { name: 'no query', argv: [], code: 'USAGE_INVALID' },
    { name: 'two queries', argv: ['1', '--stdin'], code: 'USAGE_INVALID' },
    { name: 'standard input twice', argv: ['--stdin', '-I'], code: 'USAGE_INVALID' },
    { name: 'two inputs', argv: ['1', '-I', '-i', 'input.json'], code: 'USAGE_INVALID' },
    {
      name: 'data and a policy',
      argv: ['1', '-d', 'rules', '--policy', '.'],
      code: 'USAGE_INVALID',
    },
    {
      name: 'lax and strict',
      argv: ['1', '--lax', '--strict-builtin-errors'],
      code: 'USAGE_INVALID',
    },
    { name: 'no such format', argv: ['1', '-f', 'source'], code: 'USAGE_INVALID' },
    { name: 'no such input', argv: ['1', '-i', 'no.json'], code: 'FILE_UNREADABLE' },
    { name: 'input that is no JSON', argv: ['1', '-i', 'broken.json'], code: 'JSON_MALFORMED' },
    { name: 'no such data', argv: ['1', '-d', 'no'], code: 'FILE_UNREADABLE' },
    { name: 'data that is no JSON', argv: ['1', '-d', 'broken.json'], code: 'JSON_MALFORMED' },
    { name: 'data, and no policy here', argv: ['data.x'], code: 'PROJECT_MISSING' },
  ])('$name -> $code, exit 2', async ({ argv, code }) => {
    const ran = await evaluate([...argv])
    expect(ran).toMatchObject({ code: 2, stdout: '' })
    expect(ran.stderr).toContain(code)
  })

  test('come as JSON where that was asked for by -f', async () => {
    const ran = await evaluate(['1', '-d', 'no', '-f', 'json'])
    expect(ran).toMatchObject({ code: 2, json: { error: { code: 'FILE_UNREADABLE', file: 'no' } } })
  })
})

describe('tells more', () => {
  const argv = [
    ...RULES,
    'data.guard.allow',
    '-i',
    'input.json',
    '--explain',
    '--coverage',
    '--profile',
  ]

  test('for people: the explanation before the value, times and lines after it', async () => {
    const { code, stdout, stderr } = await evaluate(argv)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const [before = '', value, profile = '', coverage] = stdout.split(/\n\n(?=false|rule|coverage)/)
    expect(before).toBe(`reads input.n, input.user

data.guard.allow is false  rules/guard.rego:5
  - body at line 5
    +   6  input.user == "ann"
    -   7  input.n > limits.least  # input.n is 1, data.guard.limits.least is 3
        data.guard.limits is {"least": 3}  rules/guard.rego:10
  + default at line 3`)
    expect(value).toBe('false')
    expect(profile).toMatch(/^rule +own ms +total ms {2}times {2}at$/m)
    expect(profile).toMatch(/^data\.guard\.allow +[\d.]+ +[\d.]+ +1 {2}rules\/guard\.rego:5$/m)
    expect(coverage).toBe('coverage 100.0% of what the query can reach\n')
  })

  test('for scripts: the value alone on standard output', async () => {
    const { stdout, stderr } = await evaluate([...argv, '--format', 'raw'])
    expect(stdout).toBe('false\n')
    expect(stderr).toMatch(/^reads [\s\S]*\nrule [\s\S]*\ncoverage /)
  })

  test('for programs: members of the one document', async () => {
    const { json } = await evaluate([...argv, '--format', 'json'])
    expect(json).toMatchObject({
      result: [{}],
      explanation: { reads: { input: ['input.n', 'input.user'], data: [] }, cut: false },
      coverage: { percent: 100 },
    })
    const { profile } = json as { readonly profile: readonly { readonly rule: string }[] }
    expect(profile.map(({ rule }) => rule).sort()).toEqual([
      'data.guard.allow',
      'data.guard.limits',
    ])
  })
})

const REGO = `# METADATA
# title: X
# custom:
#   on: { service: notes }
package countersign.x

deny contains {"msg": "m"} if input.x > 1
`

test('without --data it reads the policy repository, or a bundle of it', async () => {
  const folder = minimalPolicy({ 'policies/rego/x.rego': REGO })
  const query = ['data.countersign.x.deny', '-I', '--format', 'raw']
  const here = await runCli(['eval', ...query], { cwd: folder, stdin: '{"x": 2}' })
  expect(here).toMatchObject({ code: 0, stdout: '[{"msg":"m"}]\n' })
  const bundle = join(folder, 'x.bundle')
  expect(await runCli(['build', '--policy', folder, '-o', bundle], { cwd })).toMatchObject({
    code: 0,
  })
  const other = await runCli(['eval', ...query, '--bundle', bundle], { cwd, stdin: '{"x": 1}' })
  expect(other).toMatchObject({ code: 0, stdout: '[]\n' })
})

test('a policy that does not compile is refused with all that is wrong', async () => {
  const folder = minimalPolicy({ 'policies/rego/x.rego': `${REGO}\np if q\np if r\n` })
  const ran = await runCli(['eval', 'data.countersign', '--policy', folder], { cwd })
  expect(ran).toMatchObject({ code: 2, stdout: '' })
  expect(ran.stderr).toMatch(/policies\/rego\/x\.rego:9:6 [\s\S]*policies\/rego\/x\.rego:10:6 /)
})
