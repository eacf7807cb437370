import fc from 'fast-check'
import { expect, test } from 'vitest'
import { buildClosures } from '../../../../src/decide/rego/engine/closures.ts'
import type { Machine } from '../../../../src/decide/rego/engine/evaluation.ts'
import { Evaluation, EvaluationError } from '../../../../src/decide/rego/engine/evaluation.ts'
import { buildGenerated } from '../../../../src/decide/rego/engine/machine.ts'
import { analysePlan } from '../../../../src/decide/rego/plan/analyse.ts'
import type { Block, Plan, PlanFunction, Statement } from '../../../../src/decide/rego/plan/plan.ts'
import { valueText } from '../../../../src/decide/rego/values/text.ts'
import type { Value } from '../../../../src/decide/rego/values/value.ts'

/** Locals of a made-up function: the input, the data, its value, which is a trace, and five to work with. */
const LOCALS = 8
const [RESULT, FIRST] = [2, 3]

/** Rules that a dynamic call finds: one has a value, the other has none. */
const KNOWN = 1
const UNKNOWN = 2

/** Takes what the next number says; 0 once there are no more. */
type Tape = { next(below: number): number; readonly left: boolean }

function tapeOf(numbers: readonly number[]): Tape {
  let at = 0
  return {
    next: (below) => (numbers[at++] ?? 0) % below,
    get left() {
      return at < numbers.length
    },
  }
}

/** @param around - how many blocks can be left, the new one among them */
function blockOf(tape: Tape, around: number): Block {
  const block: Statement[] = []
  for (let count = 1 + tape.next(7); count > 0 && tape.left; count--) {
    block.push({ ...statementOf(tape, around), site: 1 + tape.next(9) })
  }
  return block
}

type Bare = Statement extends infer One
  ? One extends Statement
    ? Omit<One, 'site'>
    : never
  : never

function statementOf(tape: Tape, around: number): Bare {
  const local = (): number => FIRST + tape.next(LOCALS - FIRST)
  const operand = () =>
    tape.next(4) === 0 ? { constant: ['a', true, 'b'][tape.next(3)] ?? false } : { local: local() }
  const deep = around < 9
  switch (tape.next(deep ? 17 : 11)) {
    case 0:
      return {
        op: 'constant',
        value: [1, null, 2, 10n ** 20n][tape.next(4)] ?? null,
        target: local(),
      }
    case 1:
      return { op: 'assign', source: { local: tape.next(LOCALS) }, target: local() }
    case 2:
      return { op: 'reset', target: local() }
    case 3:
      return { op: tape.next(2) === 0 ? 'equal' : 'not_equal', a: operand(), b: operand() }
    case 4:
      return { op: tape.next(2) === 0 ? 'defined' : 'undefined', source: local() }
    case 5:
      return { op: 'dot', source: { local: tape.next(LOCALS) }, key: operand(), target: local() }
    case 6:
      return { op: 'break', depth: tape.next(around) }
    case 7:
    case 8:
      // The trace of what runs.
      return { op: 'append', array: RESULT, value: { constant: 'abcdefgh'[tape.next(8)] ?? '' } }
    case 9:
      if (around < 4) return { op: 'length', source: operand(), target: local() }
      return {
        op: 'call_dynamic',
        path: [
          { constant: 'g0' },
          tape.next(2) === 0 ? operand() : { constant: ['a', 'b'][tape.next(2)] ?? 'a' },
        ],
        candidates: [KNOWN, UNKNOWN],
        arguments: [0, 1],
        target: local(),
      }
    case 10:
      return {
        op: 'call',
        function: KNOWN + tape.next(2),
        operands: [{ local: 0 }, { local: 1 }],
        target: local(),
      }
    case 11:
    case 12: {
      const [source, key, value] = [tape.next(LOCALS), local(), local()]
      return { op: 'scan', source, key, value, block: blockOf(tape, around + 2) }
    }
    case 13:
      return { op: 'not', block: blockOf(tape, around + 1) }
    case 14: {
      const path = tape.next(2) === 0 ? [] : ['a']
      const value = operand()
      return { op: 'with', local: tape.next(2), path, value, block: blockOf(tape, around + 1) }
    }
    default: {
      const blocks = [blockOf(tape, around + 1), blockOf(tape, around + 1)]
      return { op: 'blocks', blocks: blocks.slice(tape.next(2)) }
    }
  }
}

function ruleOf(name: string, blocks: readonly Block[]): PlanFunction {
  return {
    name: `g0.data.${name}`,
    path: ['g0', name],
    parameters: [0, 1],
    result: RESULT,
    blocks,
    locals: LOCALS,
    lax: false,
  }
}

function randomPlan(numbers: readonly number[]): Plan {
  const tape = tapeOf(numbers)
  const blocks: Block[] = []
  while (tape.left && blocks.length < 4) blocks.push(blockOf(tape, 1))
  return planOf(blocks)
}

function planOf(blocks: readonly Block[]): Plan {
  const ends: Block = [{ op: 'return', source: RESULT, site: 0 }]
  const start: Block = [{ op: 'make', type: 'array', target: RESULT, site: 0 }]
  const functions = [
    ruleOf('p', [start, ...blocks, ends]),
    ruleOf('a', [[{ op: 'constant', value: 7, target: RESULT, site: 0 }], ends]),
    ruleOf('b', [ends]),
  ]
  const query: Block = [
    { op: 'call', function: 0, operands: [{ local: 0 }, { local: 1 }], target: 2, site: 0 },
    { op: 'result', value: 2, site: 0 },
  ]
  return {
    functions,
    entrypoints: new Map([['p', { blocks: [query], locals: 3, lax: false }]]),
    builtins: [],
    sites: Array.from({ length: 10 }, () => ({
      file: 'p',
      row: 1,
      column: 1,
      endRow: 0,
      endColumn: 0,
    })),
  }
}

const DATA: Value = { a: [1], b: 'b' }

function told(machine: Machine, input: Value, steps: number): string {
  const evaluation = new Evaluation({ steps, outputBytes: 100_000 }, new Map(), 3)
  let end = 'done'
  try {
    machine.prepare(DATA)
    machine.run(evaluation, 'p', input, DATA)
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error
    end = `${error.code} at ${error.site}`
  }
  return `${evaluation.results.map(valueText)} ${evaluation.steps} ${evaluation.bytes} ${evaluation.overridden} ${end}`
}

test('any nesting of scans, blocks, negations, breaks and calls ends alike in closures and in generated code', () => {
  const input = { a: { b: [1, 2] }, b: [['a', true], 'b', { a: 1 }], c: null }
  const ends = new Set<string>()
  fc.assert(
    fc.property(fc.array(fc.nat(1_000), { minLength: 40, maxLength: 240 }), (numbers) => {
      const plan = randomPlan(numbers)
      const analysis = analysePlan(plan)
      const generated = buildGenerated(plan, analysis, new Map())
      const closures = buildClosures(plan, analysis, new Map())
      for (const steps of [100_000, 7]) {
        const wanted = told(generated, input, steps)
        ends.add(wanted)
        expect(told(closures, input, steps)).toBe(wanted)
      }
    }),
    { numRuns: 600, seed: 20_261_121 },
  )
  // They do come to different ends.
  expect(ends.size).toBeGreaterThan(200)
})

test.for([
  { name: 'put there to be filled', nest: { nest: true } as const, want: '[] 9999 99776 0 done' },
  { name: 'put there for good', nest: {}, want: ' 9999 99776 0 REGO_CONFLICT at 4' },
])('an object that is looked up to be filled: $name', ({ nest, want }) => {
  const [outer, inner, found] = [FIRST, FIRST + 1, FIRST + 2]
  const plan = planOf([
    [
      { op: 'make', type: 'object', target: outer, site: 1 },
      { op: 'make', type: 'object', target: inner, site: 2 },
      {
        op: 'insert',
        object: outer,
        key: { constant: 'k' },
        value: { local: inner },
        site: 3,
        ...nest,
      },
      {
        op: 'dot',
        source: { local: outer },
        key: { constant: 'k' },
        target: found,
        site: 4,
        nest: true,
      },
    ],
  ])
  const analysis = analysePlan(plan)
  for (const build of [buildGenerated, buildClosures]) {
    expect(told(build(plan, analysis, new Map()), {}, 10_000)).toBe(want)
  }
})
