// Evaluates what it reads from standard input, and prints the outcomes. Started with Node's
// --disallow-code-generation-from-strings by no-code-generation.test.ts.
import { readFileSync } from 'node:fs'
import { loadPlan } from '../../../../src/decide/rego/engine/program.ts'
import type { Families } from './families.ts'

const { plan, data, entrypoints, inputs } = JSON.parse(readFileSync(0, 'utf8')) as Families
const program = loadPlan({ plan, data })
const outcomes = inputs.map((input) => program.evaluateAll(entrypoints, input))

process.stdout.write(
  JSON.stringify({
    outcomes,
    eval: nameOfError(() => new Function('return 1')()),
    generated: nameOfError(() => loadPlan({ plan, data }, { backEnd: 'generated' })),
  }),
)

function nameOfError(work: () => unknown): string | null {
  try {
    work()
    return null
  } catch (error) {
    return (error as Error).name
  }
}
