import { execFileSync } from 'node:child_process'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { JsonObject, JsonValue } from '../../../../src/base/json-value.ts'
import { BUILTINS } from '../../../../src/decide/rego/builtins/index.ts'
import { buildClosures } from '../../../../src/decide/rego/engine/closures.ts'
import type { Machine, RegoBudget } from '../../../../src/decide/rego/engine/evaluation.ts'
import {
  BUDGET,
  Evaluation,
  EvaluationError,
} from '../../../../src/decide/rego/engine/evaluation.ts'
import { buildGenerated } from '../../../../src/decide/rego/engine/machine.ts'
import { analysePlan } from '../../../../src/decide/rego/plan/analyse.ts'
import type { Block, Plan, Statement } from '../../../../src/decide/rego/plan/plan.ts'
import { readPlan } from '../../../../src/decide/rego/plan/read-plan.ts'
import { fromJson } from '../../../../src/decide/rego/values/json.ts'
import { valueText } from '../../../../src/decide/rego/values/text.ts'
import { compiler } from './support.ts'

afterAll(() => compiler.close())

type Policy = {
  readonly name: string
  readonly source: string
  readonly inputs: readonly JsonObject[]
  readonly data?: JsonObject
}

/** Together they have every statement there is. */
const POLICIES: readonly Policy[] = [
  {
    name: 'comparisons, defaults and else',
    source: `
      default p := "none"
      p := "big" if input.x > 10
      else := "mid" if input.x > 5
      else := "null" if input.x == null
      else := "two" if { input.x != "a"; input.x == 2.0 }`,
    inputs: [{ x: 11 }, { x: 6 }, { x: null }, { x: 2 }, { x: 'a' }, {}],
  },
  {
    name: 'functions, builtins of one to three operands, a rule asked twice',
    source: `
      double(x) := y if y := x * 2
      pick(a, b, c) := object.get(a, b, c)
      n := count(input.xs)
      p := [n, n, double(n), pick({"k": 1}, "k", 2), pick({}, "k", 2), abs(0 - n)]`,
    inputs: [{ xs: [1, 2] }, { xs: [] }, { xs: 1 }, {}],
  },
  {
    name: 'scans of arrays, objects and sets, comprehensions, every and not',
    source: `
      s contains x if some x in input.xs
      o[k] := v if some k, v in input.o
      evens := {x | some x in input.xs; x % 2 == 0}
      index := {k: i | some i, k in input.xs}
      p contains [evens, index, [y | some y in s], o] if {
        not 9 in s
        every x in input.xs { x < 100 }
      }
      p contains "nine" if 9 in s`,
    inputs: [
      { xs: [3, 1, 2], o: { b: 1, a: { c: 2 } } },
      { xs: [9], o: {} },
      { xs: [1, 1], o: [] },
      { xs: [1000] },
    ],
  },
  {
    name: 'with on input, on data and on a function',
    source: `
      n := input.a.b
      d := data.extra.v
      f(x) := x + 1
      mock(x) := x * 100
      p := [a, b, c, e] if {
        a := n with input.a.b as 7
        b := d with data.extra.v as "w"
        c := f(1) with f as mock
        e := n
      }`,
    inputs: [{ a: { b: 1 } }, { a: 1 }, {}],
    data: { extra: { v: 'x', w: [1] } },
  },
  {
    name: 'rules by their names, objects that grow together',
    source: `
      roles.admin := {"can": {"read": true}}
      roles.user := {"can": {"read": input.read}}
      roles[name].extra := 1 if some name in input.extra
      p := [roles[input.role], roles]`,
    inputs: [
      { role: 'admin', read: false, extra: [] },
      { role: 'user', read: true, extra: ['user'] },
      { role: 'nobody', extra: ['x', 'y'] },
      { role: 3, read: [] },
    ],
  },
  {
    name: 'rules that are found by a name of the input',
    source: `
      r.a := 1
      r.b := input.x
      r.c[x] := 1 if some x in input.xs
      p := data.t.r[input.role]`,
    inputs: [
      { role: 'a' },
      { role: 'b', x: 2 },
      { role: 'b' },
      { role: 'c', xs: ['y'] },
      { role: 'd' },
      { role: 1 },
    ],
  },
  {
    name: 'objects that grow within an object, and values that stand in their place',
    source: `
      p[k] := v if some k, v in input.first
      p[k][l] := v if some [k, l, v] in input.triples
      p[k] := v if some k, v in input.values`,
    inputs: [
      {
        triples: [
          ['a', 'x', 1],
          ['a', 'y', 2],
          ['b', 'x', 1],
        ],
      },
      { triples: [['a', 'x', 1]], values: { b: 2 } },
      { triples: [['a', 'x', 1]], values: { a: { x: 1 } } },
      {
        triples: [
          ['a', 'x', 1],
          ['a', 'x', 2],
        ],
      },
      { values: { a: 1 } },
      { first: { a: { x: 1 } }, triples: [['a', 'y', 1]] },
      { first: { a: 1 }, triples: [['a', 'x', 1]] },
      { first: { b: 1 }, triples: [['a', 'x', 1]] },
    ],
  },
  {
    name: 'documents and rules of one name',
    source: 'r.a := 1 if input.x\nr.o := {"y": 2}\np := data.t.r',
    inputs: [{ x: true }, {}],
    data: { t: { r: { base: 1, o: { x: 1 } } } },
  },
  {
    name: 'conflicts of values',
    source: `
      c := 1 if input.a
      c := 2 if input.b
      o := {k: v | some v, k in input.xs}
      p := [c, o]`,
    inputs: [
      { a: true, xs: [1] },
      { a: true, b: true, xs: [1] },
      { b: true, xs: [1, 1] },
    ],
  },
  {
    name: 'errors of builtins',
    source: `
      p := 10 / input.x if input.x != "s"
      p := to_number(input.x) if input.x == "s"`,
    inputs: [{ x: 5 }, { x: 0 }, { x: 's' }, { x: [] }],
  },
  {
    name: 'rules by index',
    source: Array.from(
      { length: 24 },
      (_, at) =>
        `p contains "${at}" if {\n  input.service == "s${at % 12}"\n  input.action == "a${at % 2}"\n  input.amount > ${at}\n}`,
    ).join('\n'),
    inputs: [
      { service: 's3', action: 'a1', amount: 99 },
      { service: 's3', action: 'a0', amount: 99 },
      { service: 's11', action: 'a1', amount: 11 },
      { service: ['s3'], action: 'a1', amount: 99 },
      {},
    ],
  },
  {
    name: 'a rule whose value is null, asked more than once',
    source: `
      n := input.n
      c := null
      p if { n == null; c == null; x := [n, c]; x[0] == x[1] }`,
    inputs: [{ n: null }, { n: 0 }, {}],
  },
  {
    name: 'numbers beyond doubles, types and lengths',
    source: `
      p := [12345678901234567890, 0.1, x] if {
        x := input.x
        is_object(x)
        {"a": y} = x
        [_, second] = y
        second == "é"
      }`,
    inputs: [{ x: { a: [1, 'é'] } }, { x: { a: [1, 'é'], b: 2 } }, { x: { a: [1] } }, { x: [1] }],
  },
]

type Machines = {
  readonly plan: Plan
  readonly generated: Machine
  readonly closures: Machine
}

/** One compilation of all policies, each a package of its own. */
const files = POLICIES.map(({ source }, at) => {
  const named = source.replaceAll('data.t.', `data.t${at}.`)
  return [`t${at}.rego`, `package t${at}\n\n${named}`] as const
})

let plan: JsonValue

beforeAll(async () => {
  const entrypoints = POLICIES.map((_, at) => `t${at}/p`)
  const built = await compiler.build(Object.fromEntries(files), entrypoints)
  if ('diagnostics' in built) throw new Error(JSON.stringify(built.diagnostics, null, 2))
  plan = JSON.parse(built.plan) as JsonValue
})

const made = new Map<boolean, Machines>()

function machinesOf(lax = false): Machines {
  const known = made.get(lax)
  if (known !== undefined) return known
  const machines = build(lax)
  made.set(lax, machines)
  return machines
}

function build(lax: boolean): Machines {
  const read = readPlan(plan, { lax: () => lax })
  const analysis = analysePlan(read)
  return {
    plan: read,
    generated: buildGenerated(read, analysis, BUILTINS),
    closures: buildClosures(read, analysis, BUILTINS),
  }
}

type Run = { readonly policy: Policy; readonly input: JsonObject; readonly budget?: RegoBudget }

/** All that can be told of an evaluation: what it yields, what it spent, and how it ended. */
function told(machines: Machines, backEnd: 'generated' | 'closures', run: Run): string {
  const { policy, input, budget = BUDGET } = run
  const at = POLICIES.indexOf(policy)
  const evaluation = new Evaluation(budget, new Map(), machines.plan.functions.length)
  const data = fromJson({ ...policy.data, [`t${at}`]: policy.data?.['t'] ?? {} })
  let end = 'done'
  try {
    machines[backEnd].prepare(data)
    machines[backEnd].prepare(data)
    machines[backEnd].run(evaluation, `t${at}/p`, fromJson(input), data)
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error
    end = `${error.code} ${error.detail} ${error.message} at ${error.site}`
  }
  const { results, steps, bytes, ignored, overridden } = evaluation
  const found = results.map(valueText).join(' ')
  return `${found} | ${steps} steps, ${bytes} bytes, ${overridden} | ${JSON.stringify(ignored)} | ${end}`
}

describe('closures do what generated code does', () => {
  test.for(POLICIES)('$name: results, charges and errors', (policy) => {
    for (const lax of [false, true]) {
      const machines = machinesOf(lax)
      for (const input of policy.inputs) {
        const run = { policy, input }
        const wanted = told(machines, 'generated', run)
        expect(told(machines, 'closures', run), JSON.stringify(input)).toBe(wanted)
        expect(told(machines, 'closures', run), 'a second time').toBe(wanted)
      }
    }
  })

  test.for(POLICIES)('$name: at whatever step and byte the budget ends', (policy) => {
    const machines = machinesOf()
    for (const input of policy.inputs) {
      for (let left = 0; left < 60; left++) {
        const budgets = [
          { steps: left, outputBytes: BUDGET.outputBytes },
          { steps: BUDGET.steps, outputBytes: left * 16 },
        ]
        for (const budget of budgets) {
          const run = { policy, input, budget }
          expect(told(machines, 'closures', run)).toBe(told(machines, 'generated', run))
        }
      }
    }
  })

  test('the policies have every statement, and end in every way', () => {
    const machines = machinesOf()
    const found = new Set<string>()
    const visit = (block: Block): void => {
      for (const statement of block) {
        found.add(statement.op)
        if ('nest' in statement) found.add(`${statement.op} with nest`)
        for (const inner of innerBlocks(statement)) visit(inner)
      }
    }
    const { functions, entrypoints } = machines.plan
    for (const { blocks } of [...functions, ...entrypoints.values()]) blocks.forEach(visit)
    expect(ALL_OPS.filter((op) => !found.has(op))).toEqual([])
    expect(found).toContain('insert with nest')
    expect(found).toContain('dot with nest')

    const ends = POLICIES.flatMap((policy) =>
      policy.inputs.map((input) => told(machines, 'closures', { policy, input })),
    ).join('\n')
    expect(ends).toContain('REGO_CONFLICT')
    expect(ends).toContain('REGO_BUILTIN_ERROR eval_builtin_error div: divide by zero')
    expect(ends).toContain('{"result": true} |')
  })
})

const ALL_OPS: readonly Statement['op'][] = [
  ...(['add', 'append', 'assign', 'assign_once', 'blocks', 'break', 'call'] as const),
  ...(['call_builtin', 'call_dynamic', 'constant', 'defined', 'dot', 'equal', 'insert'] as const),
  ...(['insert_once', 'is', 'length', 'make', 'merge', 'not', 'not_equal', 'reset'] as const),
  ...(['result', 'return', 'scan', 'undefined', 'with'] as const),
]

function innerBlocks(statement: Statement): readonly Block[] {
  if ('blocks' in statement) return statement.blocks
  return 'block' in statement ? [statement.block] : []
}

describe('an observer', () => {
  const policy = POLICIES[1] as Policy

  function heard(input: JsonObject): { events: string[]; value: string } {
    const read = readPlan(plan, { lax: () => false })
    const events: string[] = []
    const name = (full: string): string => full.split('.').at(-1) as string
    const rowOf = (site: number): number => read.sites[site]?.row ?? 0
    const machine = buildClosures(read, analysePlan(read), BUILTINS, {
      enter: (called) => events.push(`enter ${name(called.name)}`),
      leave: (called, value) =>
        events.push(`leave ${name(called.name)} ${value === undefined ? '' : valueText(value)}`),
      visit: ({ site }) => rowOf(site) > 0 && events.push(`visit ${rowOf(site)}`),
      fail: ({ site }, locals) => events.push(`fail ${rowOf(site)} ${Array.isArray(locals)}`),
    })
    const evaluation = new Evaluation(BUDGET, new Map(), read.functions.length)
    machine.prepare({})
    machine.run(evaluation, `t${POLICIES.indexOf(policy)}/p`, fromJson(input), {})
    return { events, value: evaluation.results.map(valueText).join() }
  }

  test('hears each rule once and each function each time', () => {
    const { events, value } = heard({ xs: [1, 2] })
    const entered = events.filter((event) => event.startsWith('enter'))
    expect(entered).toEqual(['enter p', 'enter n', 'enter double', 'enter pick', 'enter pick'])
    expect(events).toContain('leave n 2')
    expect(events).toContain('leave double 4')
    expect(value).toContain('[2, 2, 4, 1, 2, 2]')
  })

  test('hears which statement was undefined', () => {
    const { events, value } = heard({})
    // The count of what is not there, in row 6; then all that asks for it.
    expect(events).toContain('fail 6 true')
    expect(events).toContain('leave n ')
    expect(events).toContain('leave p ')
    expect(value).toBe('')
  })
})

describe('hostile surroundings', () => {
  const NAMES = ['0', '2', '3', '5']

  afterEach(() => {
    for (const name of NAMES) Reflect.deleteProperty(Array.prototype, name)
    for (const name of ['memo', 'at']) Reflect.deleteProperty(Object.prototype, name)
  })

  test('polluted prototypes change nothing', () => {
    const machines = machinesOf()
    const all = (): string[] =>
      POLICIES.flatMap((policy) =>
        policy.inputs.map((input) => told(machines, 'closures', { policy, input })),
      )
    const wanted = all()
    for (const name of NAMES) Reflect.set(Array.prototype, name, 'polluted')
    for (const name of ['memo', 'at']) Reflect.set(Object.prototype, name, 'polluted')
    const found = all()
    for (const name of NAMES) Reflect.deleteProperty(Array.prototype, name)
    expect(found).toEqual(wanted)
  })

  test('they run where code generation is forbidden, and nothing has to ask for them', () => {
    const module = new URL('../../../../src/decide/rego/engine/program.ts', import.meta.url)
    const program = `
      const { loadPlan } = await import(${JSON.stringify(module.href)})
      let text = ''
      for await (const part of process.stdin) text += part
      const program = loadPlan({ plan: JSON.parse(text), data: {} })
      process.stdout.write(JSON.stringify(program.evaluate('t0/p', { x: 6 })))`
    const flags = ['--disallow-code-generation-from-strings', '--input-type=module', '-e', program]
    const options = { input: JSON.stringify(plan), encoding: 'utf8' } as const
    expect(JSON.parse(execFileSync(process.execPath, flags, options))).toEqual({ value: 'mid' })
  })
})
