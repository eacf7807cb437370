import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createRegoCompiler } from '../../../../src/host/rego-compiler/compiler.ts'
import { POLICIES, planOf } from './plans.ts'

const compiler = createRegoCompiler({ hostBuiltins: [] })
afterAll(() => compiler.close())

test.for([
  { name: 'nested', rules: 'settings' },
  {
    name: 'reads',
    rules: 'deny over ids nested dynamic replaced partly quoted last constant from_data either',
  },
  { name: 'rules', rules: 'deny allow level limit scored by_kind' },
  {
    name: 'statements',
    rules:
      'calm every_positive pair_sum named walked numbers nothing by_name ids names first_pair role settings due chosen outside whole with_input with_data with_mock with_variable measured quiet',
    beside: 'parts',
  },
])('the plan of $name is what the compiler makes of it', async ({ name, rules, beside }) => {
  const files = [name, ...(beside === undefined ? [] : [beside])].map((one) => `${one}.rego`)
  const sources = files.map((file) => [file, readFileSync(join(POLICIES, file), 'utf8')])
  const built = await compiler.build(
    Object.fromEntries(sources),
    rules.split(' ').map((rule) => `${name}/${rule}`),
  )
  if (!('plan' in built)) throw new Error(JSON.stringify(built.diagnostics))
  if (process.env['UPDATE_GOLDENS']) {
    writeFileSync(join(POLICIES, `${name}.plan.json`), built.plan)
  }
  expect(JSON.parse(built.plan)).toEqual(planOf(name))
})
