import { afterAll, expect, test } from 'vitest'
import type { JsonObject, JsonValue } from '../../../../src/base/json-value.ts'
import { loadPlan } from '../../../../src/decide/rego/engine/program.ts'
import { BACK_ENDS, compiler, planOf, programOfSource } from './support.ts'

afterAll(() => compiler.close())

type Case = {
  readonly name: string
  readonly source: string
  readonly input?: JsonObject
  readonly data?: JsonObject
  readonly want: JsonValue | undefined
}

const CASES: readonly Case[] = [
  { name: 'a rule without a body', source: 'p := 1', want: 1 },
  {
    name: 'a rule whose body is false',
    source: 'p := 1 if input.x == 2',
    input: { x: 1 },
    want: undefined,
  },
  {
    name: 'a default where no body holds',
    source: 'default p := "no"\np := "yes" if input.x',
    input: {},
    want: 'no',
  },
  { name: 'false is no reason', source: 'p if input.x', input: { x: false }, want: undefined },
  { name: 'null is one', source: 'p if input.x == null', input: { x: null }, want: true },
  { name: 'a constant that is null', source: 'n := null\np := [n]', want: [null] },
  {
    name: 'else after a body that fails',
    source: 'p := 1 if input.x > 5\nelse := 2 if input.x > 3\nelse := 3',
    input: { x: 4 },
    want: 2,
  },
  {
    name: 'the last else',
    source: 'p := 1 if input.x > 5\nelse := 2 if input.x > 3\nelse := 3',
    input: { x: 1 },
    want: 3,
  },
  {
    name: 'a partial set, sorted',
    source: 'p contains x if some x in input.xs',
    input: { xs: ['b', 'a', 'b', 2] },
    want: ['a', 'b', 2],
  },
  {
    name: 'a partial object',
    source: 'p[k] := v if some k, v in input.o',
    input: { o: { a: 1, b: 2 } },
    want: { a: 1, b: 2 },
  },
  {
    name: 'rules with longer names',
    source: 'p.a[x] := 1 if some x in input.xs\np.b := 2',
    input: { xs: ['y'] },
    want: { a: { y: 1 }, b: 2 },
  },
  {
    name: 'a function of two arguments',
    source: 'f(x, y) := x + y\np := f(2, input.y)',
    input: { y: 3 },
    want: 5,
  },
  {
    name: 'a function with several bodies',
    source: 'f(x) := "neg" if x < 0\nf(x) := "pos" if x >= 0\np := [f(y) | some y in input.xs]',
    input: { xs: [-1, 0] },
    want: ['neg', 'pos'],
  },
  { name: 'a function undefined for its argument', source: 'f(1) := 2\np if not f(3)', want: true },
  {
    name: 'every',
    source: 'p if every x in input.xs { x > 1 }',
    input: { xs: [2, 3] },
    want: true,
  },
  {
    name: 'every that fails',
    source: 'p if every x in input.xs { x > 2 }',
    input: { xs: [2, 3] },
    want: undefined,
  },
  {
    name: 'not of something undefined',
    source: 'p if not input.a.b.c',
    input: { a: 1 },
    want: true,
  },
  {
    name: 'comprehensions',
    source:
      'p := {"a": [x | some x in input.xs; x > 1], "o": {k: v | some x in input.xs; k := x; v := x * x}}',
    input: { xs: [1, 2] },
    want: { a: [2], o: { 1: 1, 2: 4 } },
  },
  {
    name: 'nested scans that break',
    source: 'p if { some x in input.a; some y in input.b; x == y }',
    input: { a: [1, 2], b: [3, 2] },
    want: true,
  },
  {
    name: 'a reference with variables',
    source: 'q := {"x": {"k": 1}, "y": {"k": 2}}\np contains n if q[n].k == 2',
    want: ['y'],
  },
  {
    name: 'data below rules',
    source: 'p := data.cfg.limit + 1',
    data: { cfg: { limit: 4 } },
    want: 5,
  },
  {
    name: 'a member of a set by itself',
    source: 's := {1, [2]}\np := [s[1], s[[2]]]',
    want: [1, [2]],
  },
  {
    name: 'sets are equal whatever their order',
    source: 'p if {1, 2, "a"} == {"a", 2, 1}',
    want: true,
  },
  {
    name: 'objects are equal whatever their order',
    source: 'p if input.a == {"y": 2, "x": 1}',
    input: { a: { x: 1, y: 2 } },
    want: true,
  },
  {
    name: 'unification of a pattern',
    source: 'p := y if [1, {"k": y}] = input.v',
    input: { v: [1, { k: 'z' }] },
    want: 'z',
  },
  {
    name: 'with an input of its own',
    source: 'q := input.x\np := [q, y] if y := q with input.x as 9',
    input: { x: 1 },
    want: [1, 9],
  },
  {
    name: 'with data of its own',
    source: 'q := data.cfg.n\np := [q, y, z] if { y := q with data.cfg.n as 2; z := q }',
    data: { cfg: { n: 1 } },
    want: [1, 2, 1],
  },
  {
    name: 'with in what is not',
    source: 'q if input.x == 1\np if not q with input.x as 2',
    input: { x: 1 },
    want: true,
  },
  {
    name: 'with a function replaced',
    source: 'f(x) := x\ng(x) := x * 10\nq := f(2)\np := y if y := q with f as g',
    want: 20,
  },
  {
    name: 'a dynamic reference',
    source: 'p := data.t.q[input.name]\nq.a := 1 if input.ok\nq.b := 2',
    input: { name: 'a', ok: true },
    want: 1,
  },
  {
    name: 'whole numbers of any length',
    source: 'p := (9007199254740993 * 3) - 27021597764222000',
    want: 979,
  },
  {
    name: 'walk',
    source: 'p := [path | walk(input.v, [path, 3])]',
    input: { v: { a: [1, 3], b: 3 } },
    want: [['a', 1], ['b']],
  },
  {
    name: 'objects have keys of any type',
    source: 'q := {[1, 2]: "a", {3}: "b", 4: "c"}\np := [q[[1, 2]], object.get(q, {3}, 0), q[4]]',
    want: ['a', 'b', 'c'],
  },
  {
    name: 'template strings',
    source: 'p := $"{input.n} of {input.m}"',
    input: { n: 1 },
    want: '1 of <undefined>',
  },
]

test.for(BACK_ENDS.flatMap((backEnd) => CASES.map((one) => ({ backEnd, ...one }))))(
  '$backEnd: $name',
  async ({ backEnd, source, input, data, want }) => {
    const program = await programOfSource(source, { backEnd, ...(data && { data }) })
    const outcome = program.evaluate('t/p', input ?? {})
    if (want === undefined) expect(outcome).toMatchObject({ failed: 'REGO_UNDEFINED' })
    else expect(outcome).toEqual({ value: want })
  },
)

const FAILURES = [
  {
    name: 'a built-in error',
    source: 'p if to_number(input.x) > 1',
    input: { x: 'one' },
    failed: 'REGO_BUILTIN_ERROR',
    line: 3,
    column: 6,
  },
  {
    name: 'division by zero, far down',
    source: 'q := 1 / input.x\np if {\n\tinput.y\n\tnot q\n}',
    input: { x: 0, y: 1 },
    failed: 'REGO_BUILTIN_ERROR',
    line: 3,
    column: 6,
  },
  {
    name: 'two values of a complete rule',
    source: 'p := 1 if input.x\np := 2 if input.y',
    input: { x: 1, y: 1 },
    failed: 'REGO_CONFLICT',
    line: 4,
    column: 1,
  },
  {
    name: 'two values of one key',
    source: 'p[k] := v if some v, k in input.o',
    input: { o: { a: 1, b: 1 } },
    failed: 'REGO_CONFLICT',
    line: 3,
    column: 1,
  },
] as const

test.for(BACK_ENDS.flatMap((backEnd) => FAILURES.map((one) => ({ backEnd, ...one }))))(
  '$backEnd: $name is reported with its place',
  async ({ backEnd, source, input, failed, line, column }) => {
    const program = await programOfSource(source, { backEnd })
    expect(program.evaluate('t/p', input)).toMatchObject({ failed, file: 't.rego', line, column })
  },
)

test.for(BACK_ENDS)('%s: in a lax package a built-in error is undefined', async (backEnd) => {
  const source = 'p if not risky\nrisky if to_number(input.x) > 1'
  const plan = await planOf(source, ['p'])
  const strict = loadPlan({ plan, data: {} }, { backEnd })
  const lax = loadPlan({ plan, data: {} }, { backEnd, packages: [{ path: ['t'], lax: true }] })
  const other = loadPlan(
    { plan, data: {} },
    { backEnd, packages: [{ path: ['other'], lax: true }] },
  )
  expect(strict.evaluate('t/p', { x: 'one' })).toMatchObject({ failed: 'REGO_BUILTIN_ERROR' })
  expect(lax.evaluate('t/p', { x: 'one' })).toEqual({ value: true })
  expect(other.evaluate('t/p', { x: 'one' })).toMatchObject({ failed: 'REGO_BUILTIN_ERROR' })
})

test.for(BACK_ENDS)('%s: entry points share what they found out', async (backEnd) => {
  const source =
    'big := count([1 | some x in input.xs; some y in input.xs])\np := big\nq := big + 1'
  const xs = Array.from({ length: 300 }, (_, at) => at)
  const options = { backEnd, rules: ['p', 'q'], budget: { steps: 100_000, outputBytes: 1e7 } }
  const program = await programOfSource(source, options)
  expect(program.evaluateAll(['t/p', 't/q'], { xs })).toEqual([
    { value: 90_000 },
    { value: 90_001 },
  ])
  expect(program.evaluateAll(['t/p', 't/none'], { xs })[1]).toMatchObject({
    failed: 'REGO_UNDEFINED',
  })
})

test.for(BACK_ENDS)('%s: a failure of one entry point leaves the others', async (backEnd) => {
  const source = 'p := 1 / input.x\nq := 2'
  const program = await programOfSource(source, { backEnd, rules: ['p', 'q'] })
  expect(program.evaluateAll(['t/p', 't/q'], { x: 0 })).toMatchObject([
    { failed: 'REGO_BUILTIN_ERROR' },
    { value: 2 },
  ])
})

test.for(BACK_ENDS)(
  '%s: what a decision may cost does not depend on the ones before',
  async (backEnd) => {
    const source =
      'table := {x: y | some x in numbers.range(1, 200); y := x * 2}\np := table[input.x]'
    const budget = { steps: 900, outputBytes: 1e6 }
    const program = await programOfSource(source, { backEnd, budget })
    const first = program.evaluate('t/p', { x: 3 })
    expect(program.evaluate('t/p', { x: 3 })).toEqual(first)
    expect(program.evaluate('t/p', { x: 4 })).toEqual({ value: 8 })
  },
)

test('a function is evaluated once for each argument, and anew inside a `with`', async () => {
  const source = `
f(x) := [y | some y in input.ys; y != x]
p := [f(1), f("1"), f(input.one), z] if z := f(1) with input.ys as [7]
`
  const entered: string[] = []
  const observer = { enter: ({ name }: { readonly name: string }) => void entered.push(name) }
  const program = await programOfSource(source, { observer })
  const outcome = program.evaluate('t/p', { ys: [1, 2], one: 1 })
  expect(outcome).toEqual({ value: [[2], [1, 2], [2], [7]] })
  expect(entered.filter((name) => name.endsWith('.f'))).toHaveLength(3)
  const generated = await programOfSource(source, { backEnd: 'generated' })
  expect(generated.evaluate('t/p', { ys: [1, 2], one: 1 })).toEqual(outcome)
})

test('a plan that calls what is not supplied is refused', async () => {
  const planned = await compiler.plan({}, { query: 'http.send({})', allBuiltins: true })
  if (!('plan' in planned)) throw new Error('not planned')
  const plan = JSON.parse(planned.plan) as JsonValue
  expect(() => loadPlan({ plan, data: {} })).toThrow(
    expect.objectContaining({
      code: 'REGO_PLAN_INVALID',
      message: expect.stringContaining('http.send'),
    }),
  )
})
