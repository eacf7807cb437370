import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { goTool } from '../../scripts/tools.ts'
import { runCli } from '../shells/cli/run.ts'
import { run, temporaryFolder } from './support/host.ts'

// `countersign eval` prints what `opa eval` prints, and ends with the same code.

const cwd = temporaryFolder('opa-eval')
const opa = goTool('opa')

for (const [name, text] of Object.entries({
  'rules/guard.rego': `package guard

default allow := false

allow if {
	input.user == "ann"
	input.n > limits.min
}

limits := {"min": 3, "max": 10}

many contains x if {
	some x in input.xs
	x > data.sub.conf.least
}

object[[x, true]] := 1.5 if some x in input.xs

broken := to_number(input.user)

at := time.parse_rfc3339_ns("2026-01-01T00:00:00.000000001Z")
`,
  'rules/sub/data.json': '{"conf": {"least": 2}}',
  'rules/sub/deep/x.yaml': 'names: [a, yes, 2026-01-01, 0x10, 1e3]',
  'rules/top.json': '{"top": 1}',
  'other.json': '{"top": 2}',
  'broken.json': '{',
  'list.json': '[1]',
  'input.json': '{"user": "ann", "n": 5, "xs": [1, 2, 3, 4]}',
  'input.yaml': 'user: ann\nn: 18446744073709551616\n---\nuser: bo',
})) {
  mkdirSync(dirname(join(cwd, name)), { recursive: true })
  writeFileSync(join(cwd, name), text)
}

type Ended = { readonly code: number; readonly stdout: string }

async function both(
  argv: readonly string[],
): Promise<{ readonly theirs: Ended; readonly ours: Ended }> {
  const theirs = run(opa, ['eval', ...argv], { cwd })
  return { theirs, ours: await runCli(['eval', ...argv], { cwd }) }
}

const lineOf = (argv: readonly string[]) => ({ argv, line: argv.join(' ') })

const RULES = ['-d', 'rules', '-i', 'input.json']
const BINDINGS = 'x := data.guard.many[_]; y := x + 1; data.guard.limits'

test.for([
  lineOf(['data.guard.allow', ...RULES]),
  lineOf([...RULES, 'data.guard.limits']),
  lineOf(['data.guard.at', ...RULES]),
  lineOf(['data.guard.object', ...RULES]),
  lineOf(['data.guard.nothing', ...RULES]),
  lineOf(['data.guard.allow', '-d', 'rules', '-i', 'input.yaml']),
  lineOf(['input', '-i', 'input.yaml']),
  lineOf(['input', '-i', 'list.json']),
  lineOf(['data', '-d', 'rules/top.json', '-d', 'rules/sub']),
  lineOf(['data', '-d', 'rules/sub/deep/x.yaml']),
  lineOf([BINDINGS, ...RULES]),
  lineOf([BINDINGS, ...RULES, '--format', 'values']),
  lineOf([BINDINGS, ...RULES, '--format', 'bindings']),
  lineOf([BINDINGS, ...RULES, '--format', 'raw']),
  lineOf(['data.guard.limits', ...RULES, '--format', 'raw']),
  lineOf(['data.guard.limits', ...RULES, '--format', 'discard']),
  lineOf(['data.guard.nothing', ...RULES, '--format', 'raw']),
  lineOf(['data.guard.nothing', ...RULES, '--format', 'discard']),
  lineOf(['data.guard.limits', ...RULES, '--format', 'pretty']),
  lineOf(['data.guard.nothing', ...RULES, '--format', 'pretty']),
  lineOf(['data.guard.nothing', ...RULES, '--fail']),
  lineOf(['data.guard.limits', ...RULES, '--fail']),
  lineOf(['data.guard.limits', ...RULES, '--fail-defined']),
  lineOf(['data.guard.nothing', ...RULES, '--fail-defined']),
  lineOf(['false', '--fail']),
  lineOf(['false', '--fail-defined']),
  lineOf(['1 == 2; true']),
  lineOf(['[1, 2][i] = v']),
  lineOf(['g.limits.max', '--import', 'data.guard as g', ...RULES, '--strict']),
])('$line', async ({ argv }) => {
  // Ours is meant for people by default.
  const asked = argv.includes('--format') ? argv : [...argv, '--format', 'json']
  const { theirs, ours } = await both(asked)
  expect({ code: ours.code, stdout: ours.stdout }).toEqual({
    code: theirs.code,
    stdout: theirs.stdout,
  })
})

test.for([
  { ...lineOf(['x']), row: 1 },
  { ...lineOf(['true\nx :=']), row: 2 },
  { ...lineOf(['data.guard.broken', ...RULES, '--strict-builtin-errors']), row: 19 },
  { ...lineOf(['data.guard.limits', '-d', 'rules/guard.rego', '--import', '1']), row: 1 },
])('$line -> errors in the form of OPA, at row $row', async ({ argv, row }) => {
  const { theirs, ours } = await both([...argv, '--format', 'json'])
  const places = (text: string) =>
    (JSON.parse(text) as { errors: { location: { row: number } }[] }).errors.map(
      ({ location }) => location.row,
    )
  expect(ours.code).toBe(theirs.code)
  expect(places(ours.stdout)[0]).toBe(row)
  expect(places(theirs.stdout)[0]).toBe(row)
})

test.for([
  lineOf(['1', '-d', 'nowhere']),
  lineOf(['1', '-d', 'broken.json']),
  lineOf(['1', '-d', 'list.json']),
  lineOf(['1', '-i', 'nowhere.json']),
  lineOf(['1', '-i', 'broken.json']),
  lineOf(['1', '-d', 'rules/top.json', '-d', 'other.json']),
])('$line -> refused by both', async ({ argv }) => {
  const { theirs, ours } = await both(argv)
  expect(ours.code).toBe(theirs.code)
  expect(ours.code).toBe(2)
})
