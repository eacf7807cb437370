import { afterAll, expect, test } from 'vitest'
import { RUNAWAYS } from './runaway-policies.ts'
import { BACK_ENDS, compiler, programOfSource } from './support.ts'

afterAll(() => compiler.close())

test.for(BACK_ENDS.flatMap((backEnd) => RUNAWAYS.map((one) => ({ backEnd, ...one }))))(
  '$backEnd: $name ends in an error with its place',
  async ({ backEnd, source, input }) => {
    const program = await programOfSource(source, { backEnd })
    const outcome = program.evaluate('t/p', input ?? {})
    expect(outcome).toMatchObject({
      failed: expect.stringMatching(/^REGO_(BUDGET_EXCEEDED|BUILTIN_ERROR)$/),
      file: 't.rego',
      line: expect.any(Number),
      column: expect.any(Number),
    })
    // What ends it is what it spent, so it ends alike a second time.
    expect(program.evaluate('t/p', input ?? {})).toEqual(outcome)
  },
)
