import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { BUILTIN_NAMES } from '../../../../src/decide/rego/builtins/index.ts'
import { loadPlan } from '../../../../src/decide/rego/engine/program.ts'
import type { RegoOutcome } from '../../../../src/decide/rego/types.ts'
import { type Families, planFamilies } from './families.ts'
import { compiler } from './support.ts'

afterAll(() => compiler.close())

type Said = {
  readonly outcomes: readonly (readonly RegoOutcome[])[]
  readonly eval: string | null
  readonly generated: string | null
}

let families: Families
let forbidden: Said

beforeAll(async () => {
  families = await planFamilies(compiler)
  forbidden = inChild(['--disallow-code-generation-from-strings'])
}, 60_000)

function inChild(flags: readonly string[]): Said {
  const child = join(import.meta.dirname, 'no-code-generation-child.ts')
  const text = execFileSync(process.execPath, [...flags, child], {
    input: JSON.stringify(families),
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  return JSON.parse(text) as Said
}

test('where strings may not become code, closures give the outcomes of generated code', () => {
  const { plan, data, entrypoints, inputs } = families
  const program = loadPlan({ plan, data }, { backEnd: 'generated' })
  const outcomes = inputs.map((input) => program.evaluateAll(entrypoints, input))
  expect(forbidden.outcomes).toEqual(JSON.parse(JSON.stringify(outcomes)))
  const failures = outcomes[0]?.filter((outcome) => 'failed' in outcome)
  expect(failures, 'two rules are meant to have no value').toEqual([
    expect.objectContaining({ failed: 'REGO_BUILTIN_ERROR', file: 'families.rego' }),
    expect.objectContaining({ failed: 'REGO_UNDEFINED' }),
  ])
})

test('there it is forbidden: new Function and the generated back end throw EvalError', () => {
  expect(forbidden).toMatchObject({ eval: 'EvalError', generated: 'EvalError' })
})

test('without the flag both work', () => {
  expect(inChild([])).toMatchObject({
    eval: null,
    generated: null,
    outcomes: forbidden.outcomes,
  })
})

test('the policy calls built-ins of every namespace', () => {
  const { builtins } = loadPlan(families).plan
  const namespaces = (names: readonly string[]) =>
    new Set(names.flatMap((name) => name.split('.').slice(0, -1)))
  expect(namespaces(builtins)).toEqual(namespaces(BUILTIN_NAMES))
})
