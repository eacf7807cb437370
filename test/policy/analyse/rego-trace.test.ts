import { afterAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/base/json-value.ts'
import type { Trace } from '../../../src/model/results.ts'
import { createTrace } from '../../../src/policy/analyse/rego-trace.ts'
import { painter } from '../../../src/report/paint.ts'
import { traceText } from '../../../src/report/query-trace-text.ts'
import { compiler } from '../../decide/rego/engine/support.ts'
import { planOfQuery, watch } from './watched.ts'

afterAll(() => compiler.close())

type Asked = {
  readonly source: string
  readonly query?: string
  readonly input?: JsonObject
  readonly data?: JsonObject
  readonly fails?: boolean
}

async function traceOf({
  source,
  query = 'data.t.p',
  fails = false,
  ...of
}: Asked): Promise<Trace> {
  const text = `package t\n${source}`
  const plan = await planOfQuery({ 't.rego': text }, query)
  const sources = new Map([
    ['t.rego', text.split('\n')],
    ['query', query.split('\n')],
  ])
  const trace = createTrace(plan, 'eval', sources)
  const work = () => watch(plan, trace.observer, of)
  if (fails) expect(work).toThrow()
  else work()
  return trace.report(fails)
}

/** What people read, without the head that names what is read, and without the rule's place. */
async function told(asked: Asked): Promise<string> {
  const text = traceText(await traceOf(asked), painter(false))
  const [, , ...lines] = text.trimEnd().split('\n')
  return lines.map((line) => `${line.replace(/ {2}t\.rego:\d+$/, '')}\n`).join('')
}

type Case = Asked & { readonly name: string; readonly want: string }

const CASES: readonly Case[] = [
  {
    name: 'a body that holds: each expression once, nothing of its head',
    source: `p if {
  input.a == 1
  x := input.b
  x > 2
}`,
    input: { a: 1, b: 3 },
    want: `
data.t.p is true
  +   3  input.a == 1
  +   4  x := input.b
  +   5  x > 2
`,
  },
  {
    name: 'one that does not: it ends where it failed, with what was looked at',
    source: `p if {
  input.a == 1
  input.b > input.least
  input.c
}`,
    input: { a: 1, b: 3, least: 7 },
    want: `
data.t.p is undefined
  +   3  input.a == 1
  -   4  input.b > input.least  # input.b is 3, input.least is 7
`,
  },
  {
    name: 'a field that is missing: how far the path leads',
    source: 'p if input.action.payload.host == "a"',
    input: { action: {} },
    want: `
data.t.p is undefined
  -   2  input.action.payload.host == "a"  # input.action.payload is undefined
`,
  },
  {
    name: 'bodies are told apart',
    source: `default p := "no"
p := "a" if input.kind == "a"
p := "b" if {
  input.kind == "b"
  input.ok
}`,
    input: { kind: 'b', ok: false },
    want: `
data.t.p is "no"
  - body at line 3
    -   3  input.kind == "a"  # input.kind is "b"
  - body at line 4
    +   5  input.kind == "b"
    -   6  input.ok  # input.ok is false
  + default at line 2
`,
  },
  {
    name: 'an iteration: a round for each key, up to where it failed',
    source: `p if {
  some one in input.list
  one.kind == "k"
  one.size > 1
}`,
    input: { list: [{ kind: 'x' }, { kind: 'k', size: 0 }, { kind: 'k', size: 2 }] },
    want: `
data.t.p is true
  +   3  some one in input.list
      [0] -   4  one.kind == "k"  # input.list[0].kind is "x"
      [1] +   4  one.kind == "k"
          -   5  one.size > 1  # input.list[1].size is 0
      [2] +   4  one.kind == "k"
          +   5  one.size > 1
`,
  },
  {
    name: 'an iteration over nothing',
    source: 'p if {\n  some one in input.list\n  one\n}',
    input: { list: [] },
    want: `
data.t.p is undefined
  -   3  some one in input.list  # input.list is []
`,
  },
  {
    name: 'an iteration within one expression',
    source: 'p if input.name == input.list[_].name',
    input: { name: 'n', list: [{ name: 'x' }, {}] },
    want: `
data.t.p is undefined
  -   2  input.name == input.list[_].name
      [0] -  # input.name is "n", input.list[0].name is "x"
      [1] -  # input.name is "n", input.list[1].name is undefined
`,
  },
  {
    name: 'two iterations: the rounds of the second within those of the first',
    source: 'p if {\n  some a in input.as\n  some b in input.bs\n  a == b\n}',
    input: { as: [1, 2], bs: [2] },
    want: `
data.t.p is true
  +   3  some a in input.as
      [0] +   4  some b in input.bs
              [0] -   5  a == b  # input.as[0] is 1, input.bs[0] is 2
      [1] +   4  some b in input.bs
              [0] +   5  a == b
`,
  },
  {
    name: 'a negation that holds, with why',
    source: 'p if not q\nq if input.x == 1',
    input: { x: 2 },
    want: `
data.t.p is true
  +   2  not q
      data.t.q is undefined
        -   3  input.x == 1  # input.x is 2
`,
  },
  {
    name: 'a negation that does not',
    source: 'p if not input.x == 1',
    input: { x: 1 },
    want: `
data.t.p is undefined
  -   2  not input.x == 1  # input.x is 1
`,
  },
  {
    name: 'every: which rounds failed, and at what',
    source: `p if {
  every item in input.items {
    item.price < 10
    item.count > 0
  }
}`,
    input: { items: [{ price: 5, count: 1 }, { price: 50, count: 1 }, { price: 5 }] },
    want: `
data.t.p is undefined
  -   3  every item in input.items {
      [0] +   4  item.price < 10
          +   5  item.count > 0
      [1] -   4  item.price < 10  # input.items[1].price is 50
      [2] +   4  item.price < 10
          -   5  item.count > 0  # input.items[2].count is undefined
`,
  },
  {
    name: 'a function: its arguments, by their names, and else',
    source: `p := f(input.x, 3)
f(x, least) := "big" if x > least
else := "one" if x == 1`,
    input: { x: 2 },
    want: `
data.t.p is undefined
  -   2  p := f(input.x, 3)  # input.x is 2
      data.t.f(2, 3) is undefined
        - body at line 3
          -   3  x > least  # x is 2, least is 3
        - else at line 4
          -   4  else := "one" if x == 1  # x is 2
`,
  },
  {
    name: 'else after a body that holds is not tried',
    source: 'p := 1 if input.x\nelse := 2 if input.y',
    input: { x: true, y: true },
    want: `
data.t.p is 1
  +   2  input.x
`,
  },
  {
    name: 'a rule that was asked before',
    source: 'p if {\n  n > 1\n  n > 5\n}\nn := count(input.xs)',
    input: { xs: [1, 2] },
    want: `
data.t.p is undefined
  +   3  n > 1
      data.t.n is 2
  -   4  n > 5  # 2 > 5 is false
      data.t.n is 2  (as before)
`,
  },
  {
    name: 'a constant of the policy, when it is asked for',
    source: 'limits := {"most": 3}\nunused := 1 + 1\np if input.n < limits.most',
    input: { n: 9 },
    want: `
data.t.p is undefined
  -   4  input.n < limits.most  # input.n is 9, data.t.limits.most is 3
      data.t.limits is {"most": 3}
`,
  },
  {
    name: 'a comprehension over lines, with what it left out',
    source: `p contains x if {
  names := {n |
    some one in input.list
    one.ok
    n := one.name
  }
  some x in names
}`,
    input: { list: [{ ok: true, name: 'a' }, { ok: false }] },
    want: `
data.t.p is {"a"}
  +   3  names := {n |
      +   4  some one in input.list
          [0] +   5  one.ok
              +   6  n := one.name
          [1] -   5  one.ok  # input.list[1].ok is false
  +   8  some x in names
`,
  },
  {
    name: 'what is compared where nothing has a name',
    source: 'p if count({x | some x in input.xs}) > 2',
    input: { xs: [1, 1] },
    want: `
data.t.p is undefined
  -   2  count({x | some x in input.xs}) > 2  # input.xs is [1, 1], 1 > 2 is false
`,
  },
  {
    name: 'the document of a with',
    source: 'p if q with input.x as 2\nq if input.x == 1',
    input: { x: 1 },
    want: `
data.t.p is undefined
  -   2  q with input.x as 2
      data.t.q is undefined
        -   3  input.x == 1  # input.x is 2
`,
  },
  {
    name: 'two expressions in a line, signs beyond ASCII before them',
    source: 'p if { input["ключ"] == "🔑ü"; input.b == "🔑" }',
    input: { ключ: '🔑ü', b: 'c' },
    want: `
data.t.p is undefined
  +   2  input["ключ"] == "🔑ü"
  -   2  input.b == "🔑"  # input.b is "c"
`,
  },
  {
    name: 'documents beside the rules',
    source: 'p if input.who in data.people[input.team]',
    input: { who: 'ann', team: 't-1' },
    data: { people: { 't-1': ['bo'] } },
    want: `
data.t.p is undefined
  -   2  input.who in data.people[input.team]  # input.who is "ann", input.team is "t-1", data.people["t-1"] is ["bo"]
`,
  },
  {
    name: 'an error: what ran when it came',
    source: 'p if {\n  input.x\n  q > 1\n}\nq := 1 / input.zero',
    input: { x: 1, zero: 0 },
    fails: true,
    want: `
data.t.p ended by an error
  +   3  input.x
  -   4  q > 1
      data.t.q ended by an error
        -   6  q := 1 / input.zero  # input.zero is 0
`,
  },
  {
    name: 'a query of several expressions',
    source: 'q contains x if some x in input.xs',
    query: 'data.t.q[x]; x > input.least',
    input: { xs: [1, 2], least: 1 },
    want: `
+   1  data.t.q[x]
    data.t.q is {1, 2}
      +   2  some x in input.xs
    [1] -   1  x > input.least  # input.least is 1
    [2] +   1  x > input.least
`,
  },
]

test.for(CASES)('$name', async ({ want, name: _, ...asked }) => {
  expect(`\n${await told(asked)}`).toBe(want)
})

test('bodies that an index would leave out are told with the others', async () => {
  const names = Array.from({ length: 40 }, (_, at) => `k${at}`)
  const source = names.map((name) => `p := "${name}" if input.kind == "${name}"`).join('\n')
  const { steps } = await traceOf({ source, input: { kind: 'k39' } })
  const bodies = steps[0]?.rules[0]?.bodies ?? []
  expect(bodies.map(({ held }) => held)).toEqual(names.map((name) => name === 'k39'))
})

test('what the query can read is told, whatever the input', async () => {
  const source = `p if {
  some one in input.list
  one.kind == data.kinds[input.kind]
}
unasked if input.other`
  const { reads } = await traceOf({ source })
  expect(reads).toEqual({ input: ['input.kind', 'input.list.*.kind'], data: ['data.kinds.*'] })
})

describe('bounds', () => {
  const source = 'p contains x if {\n  some x in input.xs\n  x % 2 == 0\n}'

  test('of many rounds the first are told, of those that held and those that did not', async () => {
    const xs = Array.from({ length: 1_000 }, (_, at) => at)
    const { steps, cut } = await traceOf({ source, input: { xs } })
    const [some] = steps[0]?.rules[0]?.bodies[0]?.steps ?? []
    expect(some?.rounds.map(({ keys }) => keys.join())).toEqual([
      '0',
      '1',
      '2',
      '3',
      '4',
      '5',
      '6',
      '7',
      '8',
      '9',
      '999',
    ])
    expect(some).toMatchObject({ held: true, omitted: 989 })
    expect(cut).toBe(false)
  })

  test('more than a trace holds is cut, and that is told', async () => {
    const many =
      'p contains [x, y] if {\n  some x in input.xs\n  some y in input.xs\n  f(x, y)\n}\nf(x, y) if x != y'
    const xs = Array.from({ length: 150 }, (_, at) => at)
    const trace = await traceOf({ source: many, input: { xs } })
    expect(trace.cut).toBe(true)
    expect(traceText(trace, painter(false))).toContain('more happened than is shown')
  })

  test('long values are clipped', async () => {
    const trace = await traceOf({ source: 'p if input.x == 1', input: { x: 'y'.repeat(5_000) } })
    const [read] = trace.steps[0]?.rules[0]?.bodies[0]?.steps[0]?.reads ?? []
    expect(read?.value).toMatch(/^"y{199}…$/)
  })
})
