import { afterAll, describe, expect, test } from 'vitest'
import type { RegoTestRun } from '../../../src/app/policy/rego-tests.ts'
import { runRegoTests } from '../../../src/app/policy/rego-tests.ts'
import { BUILTIN_NAMES } from '../../../src/decide/rego/builtins/index.ts'
import { createRegoCompiler } from '../../../src/host/rego-compiler/compiler.ts'
import type { RegoCompiler } from '../../../src/model/ports.ts'
import { compile } from '../../../src/policy/compile/index.ts'

const compiler = createRegoCompiler({ hostBuiltins: BUILTIN_NAMES })
afterAll(() => compiler.close())

const PROJECT = 'apiVersion: countersign/v1\nkind: Project\nproject: p\n'
const ROUTES = `apiVersion: countersign/v1
kind: Routes
routes: [{ id: default, reviewers: [ana], time_out: 1h }]
---
apiVersion: countersign/v1
kind: Roster
people:
  - { id: ana, keys: [{ fingerprint: SHA256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa }] }
`
const POLICY = `package countersign.amounts

deny contains {"msg": "too much"} if not small

small if to_number(input.action.payload.amount) <= 10

known := data.countersign.project.name == "p"
`

async function run(
  tests: string,
  options: { rego?: RegoCompiler; selects?: (name: string) => boolean } = {},
): Promise<RegoTestRun> {
  const files = new Map([
    ['countersign.yaml', PROJECT],
    ['policies/routes.yaml', ROUTES],
    ['policies/amounts.rego', POLICY],
    [
      'policies/amounts_test.rego',
      `package countersign.amounts_test\n\nimport data.countersign.amounts\n\nused := amounts.known\n\n${tests}\n`,
    ],
  ])
  const { bundle, diagnostics } = await compile(files, { rego: compiler })
  if (bundle === null) throw new Error(JSON.stringify(diagnostics))
  const rego = new Map([...files].filter(([path]) => path.endsWith('.rego')))
  const { rego: with_ = compiler, selects = () => true } = options
  const ran = await runRegoTests(with_, rego, bundle, selects)
  if ('diagnostics' in ran) throw new Error(JSON.stringify(ran.diagnostics))
  return ran
}

const of = (amount: string) => `with input as {"action": {"payload": {"amount": ${amount}}}}`

describe('the three evaluators agree', () => {
  test.for<{ name: string; rego: string; want: readonly string[] }>([
    { name: 'a test that holds', rego: `test_a if amounts.small ${of('"5"')}`, want: ['pass'] },
    { name: 'one that does not', rego: `test_a if amounts.small ${of('"50"')}`, want: ['fail'] },
    { name: 'one that is undefined', rego: 'test_a if amounts.small', want: ['fail'] },
    { name: 'one that is false', rego: 'test_a := false', want: ['fail'] },
    { name: 'one that is no boolean', rego: 'test_a := 1', want: ['fail'] },
    { name: 'a set', rego: 'test_a contains 1 if true', want: ['fail'] },
    { name: 'a built-in error', rego: `test_a if amounts.small ${of('"x"')}`, want: ['error'] },
    { name: 'one that is to do', rego: 'todo_test_a if false', want: ['skip'] },
    { name: 'compiled documents', rego: 'test_a if amounts.known', want: ['pass'] },
    { name: 'two bodies', rego: 'test_a if false\ntest_a if true', want: ['fail', 'pass'] },
    {
      name: 'cases that all hold',
      rego: 'test_a[n] if {\n\tsome n, v in {"one": 1, "two": 2}\n\tv > 0\n}',
      want: ['pass'],
    },
    {
      name: 'cases of which one does not',
      rego: 'test_a[n] if {\n\tsome n, v in {"one": 1, "two": 2}\n\tv > 1\n}',
      want: ['fail'],
    },
    {
      name: 'a built-in that is replaced',
      rego: `test_a if amounts.small ${of('"50"')} with to_number as 3`,
      want: ['pass'],
    },
    {
      name: 'data that are replaced',
      rego: 'test_a if not amounts.known with data.countersign.project.name as "q"',
      want: ['pass'],
    },
    { name: 'print', rego: 'test_a if print("seen")', want: ['pass'] },
  ])('$name -> $want', async ({ rego, want }) => {
    const { results } = await run(rego)
    expect(results.map(({ outcome }) => outcome)).toEqual(want)
    expect(results.map(({ message }) => message ?? '').join()).not.toContain('please report')
  })
})

test('tests in the file of the rules run too, and coverage leaves tests and library out', async () => {
  const { results, coverage } = await run(`test_a if amounts.small ${of('"5"')}`)
  expect(results).toMatchObject([{ package: 'countersign.amounts_test', name: 'test_a', line: 7 }])
  expect(Object.keys(coverage?.files ?? {})).toEqual(['policies/amounts.rego'])
})

test('only what is selected runs', async () => {
  const selects = (name: string) => name.endsWith('.test_b')
  const { results } = await run('test_a if false\n\ntest_b if true', { selects })
  expect(results.map(({ name, outcome }) => [name, outcome])).toEqual([['test_b', 'pass']])
})

describe('a disagreement fails', () => {
  /** A compiler whose plan and module say something else than the sources. */
  const lying = (other: string): RegoCompiler => ({
    ...compiler,
    build: (files, entrypoints, options) => {
      const lied = Object.entries(files).map(([path, text]) => [
        path,
        path.endsWith('_test.rego') ? text.replace(/^test_a.*$/m, other) : text,
      ])
      return compiler.build(Object.fromEntries(lied), entrypoints, options)
    },
  })

  test.for([
    { name: 'theirs holds, ours does not', told: 'test_a if true', other: 'test_a if false' },
    { name: 'theirs does not hold, ours does', told: 'test_a if false', other: 'test_a if true' },
    { name: 'ours fails', told: 'test_a if true', other: 'test_a if to_number("x") == 1' },
    { name: 'theirs fails', told: 'test_a if to_number("x") == 1', other: 'test_a if true' },
  ])('$name -> error', async ({ told, other }) => {
    const { results } = await run(told, { rego: lying(other) })
    expect(results).toMatchObject([
      { outcome: 'error', message: expect.stringMatching(/top-down .* our evaluator .*report it/) },
    ])
  })

  test('one of two evaluators alone differs -> error that names it', async () => {
    const half: RegoCompiler = {
      ...compiler,
      build: async (...of) => {
        const [honest, lied] = [
          await compiler.build(...of),
          await lying('test_a if false').build(...of),
        ]
        if ('diagnostics' in honest || 'diagnostics' in lied) throw new Error('does not build')
        return { plan: honest.plan, wasm: lied.wasm }
      },
    }
    const { results } = await run('test_a if true', { rego: half })
    expect(results[0]?.message).toBe(
      "OPA's top-down evaluator says true, our evaluator true, OPA's WebAssembly not true: please report it",
    )
  })

  test('tests that cannot be built for the others -> error', async () => {
    const refusing: RegoCompiler = {
      ...compiler,
      build: async () => ({
        diagnostics: [
          {
            ...{ code: 'REGO_INVALID', severity: 'error', file: 'x', line: 1, column: 1 },
            message: 'too odd',
          },
        ],
      }),
    }
    const { results } = await run('test_a if true', { rego: refusing })
    expect(results).toMatchObject([{ outcome: 'error' }])
  })
})
