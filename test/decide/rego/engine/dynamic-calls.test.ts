import { afterAll, expect, test } from 'vitest'
import type { JsonValue } from '../../../../src/base/json-value.ts'
import { loadPlan } from '../../../../src/decide/rego/engine/program.ts'
import { BACK_ENDS, compiler } from './support.ts'

afterAll(() => compiler.close())

const FILES = {
  't.rego': `package t

p := count([1 | some i in numbers.range(1, 1000); x := [input.name, i][i - i]; data.q[x].r == 1])`,
  'x.rego': 'package q.x\n\nr := 1',
  'y.rego': 'package q.y\n\nr := 2',
}

test.for(
  BACK_ENDS.flatMap((backEnd) => [
    { backEnd, name: 'x', want: { value: 1000 } },
    { backEnd, name: 'y', want: { value: 0 } },
    { backEnd, name: 'none', want: { value: 0 } },
    // Half a megabyte is made a key a thousand times.
    {
      backEnd,
      name: 'x'.repeat(500_000),
      want: { failed: 'REGO_BUDGET_EXCEEDED', file: 't.rego', line: 3 },
    },
  ]),
)('$backEnd: a rule found by a name of the input -> $want', async ({ backEnd, name, want }) => {
  const built = await compiler.build(FILES, ['t/p'])
  if ('diagnostics' in built) throw new Error(JSON.stringify(built.diagnostics))
  const plan = JSON.parse(built.plan) as JsonValue
  expect(built.plan).toContain('CallDynamicStmt')
  const program = loadPlan({ plan, data: {} }, { backEnd })
  expect(program.evaluate('t/p', { name })).toMatchObject(want)
})
