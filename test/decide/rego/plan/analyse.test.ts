import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonObject, JsonValue } from '../../../../src/base/json-value.ts'
import { analysePlan } from '../../../../src/decide/rego/plan/analyse.ts'
import { usesOfLocals } from '../../../../src/decide/rego/plan/analyse-locals.ts'
import { readPlan } from '../../../../src/decide/rego/plan/read-plan.ts'
import { readSets, readSetsOfEntrypoints } from '../../../../src/decide/rego/plan/read-sets.ts'
import { valueText } from '../../../../src/decide/rego/values/text.ts'
import type { Value } from '../../../../src/decide/rego/values/value.ts'
import { interpret } from './interpret.ts'
import { local, POLICIES, planOf, planWith, statement, text } from './plans.ts'

const NAMES = ['nested', 'reads', 'rules', 'statements'] as const

describe('analysis of small policies', () => {
  test.for(NAMES)('%s is as in its golden file', (name) => {
    const plan = readPlan(planOf(name))
    const facts = analysePlan(plan).functions
    const reads = readSets(plan)
    const found = Object.fromEntries(
      plan.functions.map((fn, at) => {
        const { only, ...rest } = facts[at]!
        const flags = Object.entries(rest).flatMap(([flag, holds]) => (holds ? [flag] : []))
        const value = only === undefined ? {} : { only: valueText(only) }
        return [fn.name, { flags, ...value, ...reads.get(fn.name) }]
      }),
    )
    const file = join(POLICIES, `${name}.golden.json`)
    if (process.env['UPDATE_GOLDENS']) writeFileSync(file, `${JSON.stringify(found, null, 2)}\n`)
    expect(found).toEqual(JSON.parse(readFileSync(file, 'utf8')))
  })

  test('an entry point reads what its rule reads', () => {
    const plan = readPlan(planOf('reads'))
    const entrypoints = readSetsOfEntrypoints(plan)
    expect(entrypoints.get('reads/over')).toEqual({
      input: ['input.action.payload.amount'],
      data: [],
    })
    expect(entrypoints.get('reads/from_data')).toEqual({ input: [], data: ['data.names'] })
  })
})

describe('nothing that is read is missing', () => {
  /** The input with what lies on a path, or below the end of one, and nothing else. */
  function project(value: JsonValue, paths: readonly (readonly string[])[]): JsonValue {
    if (paths.some((path) => path.length === 0)) return value
    if (typeof value !== 'object' || value === null) return value
    const below = (name: string) =>
      paths.flatMap(([head, ...rest]) => (head === name || head === '*' ? [rest] : []))
    if (Array.isArray(value)) return value.map((item, at) => project(item, below(String(at))))
    return Object.fromEntries(
      Object.entries(value).flatMap(([name, item]) =>
        below(name).length > 0 ? [[name, project(item, below(name))]] : [],
      ),
    )
  }

  const name = fc.constantFrom('a', 'b', 'main', 'other', 'nl')
  const number = fc.constantFrom(1, 3, 4, 5, 11)
  const leaf = fc.constantFrom<JsonValue[]>('leaf', 'a', 'nl', 'main', true, false, 0, 4)
  const tree = fc.dictionary(name, fc.oneof(leaf, fc.dictionary(name, leaf)), { maxKeys: 3 })
  const some = <T>(one: fc.Arbitrary<T>) => fc.array(one, { maxLength: 3 })
  const inputs: Record<(typeof NAMES)[number], fc.Arbitrary<JsonObject>> = {
    nested: fc.record(
      { settings: tree, names: fc.dictionary(name, name), more: leaf },
      { requiredKeys: [] },
    ),
    rules: fc.record(
      {
        action: fc.record(
          {
            service: fc.constantFrom('mail', 'chat'),
            action: leaf,
            payload: fc.record({ amount: number, dry: leaf }),
          },
          { requiredKeys: [] },
        ),
        tags: some(leaf),
        n: number,
        tier: fc.constantFrom<JsonValue[]>('gold', 'low', 3),
        kind: leaf,
      },
      { requiredKeys: [] },
    ),
    statements: fc.record(
      {
        risky: leaf,
        numbers: some(number),
        pair: some(number),
        person: fc.constantFrom({ name: 'a', kind: 'person' }, { name: 'a' }),
        tree,
        people: some(fc.record({ name, id: number, age: number })),
        roles: fc.dictionary(name, some(name)),
        sections: fc.dictionary(name, tree),
        amount: number,
        part: name,
        country: name,
        lists: some(some(number)),
        more: leaf,
      },
      { requiredKeys: [] },
    ),
    reads: fc.record(
      {
        action: fc.record(
          { payload: fc.record({ amount: number, more: leaf }), service: name, more: leaf },
          { requiredKeys: ['service'] },
        ),
        agent: fc.record({ name, more: leaf }),
        items: some(fc.record({ id: number, more: leaf })),
        rows: some(
          fc.record({ cells: some(fc.record({ value: number, more: leaf })), more: leaf }),
        ),
        labels: tree,
        key: name,
        other: tree,
        'a.b': fc.record({ '*': leaf, more: leaf }),
        values: some(number),
        left: leaf,
        right: leaf,
        more: leaf,
      },
      { requiredKeys: [] },
    ),
  }
  const data = {
    limits: { a: { amount: 3, more: 1 }, nl: { amount: 4 } },
    countries: { nl: { code: 31, more: 1 } },
    names: ['x'],
    more: 1,
    statements: { parts: { a: { value: 7 }, main: { more: 1 } } },
  }
  const pathOf = (path: string): readonly string[] => {
    const names = [...path.matchAll(/\.([A-Za-z_0-9]+|\*)|\["((?:[^"])+)"\]/g)]
    return names.map(([, plain, quoted]) => plain ?? quoted!)
  }

  test.for(NAMES)('%s: what it does not read may be left out', (policy) => {
    const plan = readPlan(planOf(policy))
    const reads = readSets(plan)
    const rules = plan.functions.filter(({ parameters }) => parameters.length === 2)
    let smaller = 0
    fc.assert(
      fc.property(inputs[policy], (input) => {
        for (const { name } of rules) {
          const set = reads.get(name)!
          const less = {
            input: project(input, set.input.map(pathOf)) as Value,
            data: project(data, set.data.map(pathOf)) as Value,
          }
          if (JSON.stringify(less.input) !== JSON.stringify(input)) smaller += 1
          const all = interpret(plan, { function: name, input: input as Value, data })
          expect(interpret(plan, { function: name, ...less })).toBe(all)
        }
      }),
      { numRuns: 100 },
    )
    expect(smaller).toBeGreaterThan(20)
  })
})

describe('read sets of plans that no compiler writes', () => {
  const dot = (target: number, source: number, key: number) =>
    statement('DotStmt', { source: local(source), key: text(key), target })
  const use = (source: number) => statement('LenStmt', { source: local(source), target: 20 })
  const block = (...stmts: JsonValue[]) => ({ stmts })
  const blocks = (...stmts: JsonValue[]) => statement('BlockStmt', { blocks: [block(...stmts)] })
  const scan = (...stmts: JsonValue[]) =>
    statement('ScanStmt', { source: 1, key: 18, value: 19, block: block(...stmts) })
  const fails = statement('EqualStmt', { a: local(18), b: text(0) })
  const assign = (target: number, source: number) =>
    statement('AssignVarStmt', { source: local(source), target })

  test.for<{ name: string; body: JsonValue[]; want: readonly string[] }>([
    {
      name: 'a value that a nested block may replace',
      body: [dot(4, 0, 0), blocks(fails, dot(4, 0, 1)), use(4)],
      want: ['input.a', 'input.b'],
    },
    {
      name: 'a name below a value that a nested block may replace',
      body: [dot(4, 0, 0), blocks(fails, dot(4, 0, 1)), dot(5, 4, 2)],
      want: ['input.a.g0', 'input.b.g0'],
    },
    {
      name: 'a value that a nested block may give',
      body: [blocks(fails, dot(4, 0, 1)), dot(5, 4, 0)],
      want: ['input.b.a'],
    },
    {
      name: 'a value of the round before',
      body: [scan(dot(5, 4, 0), dot(4, 0, 1))],
      want: ['input.b'],
    },
    {
      name: 'a value of the round before, first another',
      body: [dot(4, 0, 0), scan(dot(5, 4, 2), dot(4, 0, 1))],
      want: ['input.a', 'input.b'],
    },
    {
      name: 'a value of the round before, in a block',
      body: [scan(blocks(fails, dot(5, 4, 0)), blocks(fails, dot(4, 0, 1)))],
      want: ['input.b'],
    },
    {
      name: 'a place under another name',
      body: [assign(4, 0), assign(5, 4), dot(6, 5, 0), dot(7, 6, 1)],
      want: ['input.a.b'],
    },
    {
      name: 'the whole, and a part',
      body: [dot(4, 0, 0), dot(5, 4, 1), use(4)],
      want: ['input.a'],
    },
    { name: 'the input itself', body: [dot(4, 0, 0), use(0)], want: ['input'] },
    {
      name: 'a dynamic name',
      body: [statement('DotStmt', { source: local(0), key: local(18), target: 4 }), dot(5, 4, 0)],
      want: ['input.*.a'],
    },
    {
      name: 'a local for each of many rounds',
      body: [scan(scan(dot(4, 0, 0), dot(5, 4, 1)))],
      want: ['input.a.b'],
    },
    {
      name: 'another input',
      body: [
        dot(4, 0, 0),
        statement('WithStmt', { local: 0, path: [], value: local(4), block: block(dot(5, 0, 1)) }),
      ],
      want: ['input.a.b'],
    },
    {
      name: 'a part of another input',
      body: [
        dot(4, 0, 0),
        statement('WithStmt', { local: 0, path: [1], value: local(4), block: block(dot(5, 0, 2)) }),
      ],
      want: ['input.a', 'input.g0'],
    },
  ])('$name', ({ body, want }) => {
    const reads = readSets(readPlan(planWith(body)))
    expect(reads.get('g0.data.t.f')!.input).toEqual(want)
  })

  test('more places than anybody lists are the whole', () => {
    const strings = Array.from({ length: 5_000 }, (_, at) => ({ value: `s${at}` }))
    const body = strings.map((_, at) => dot(4, 0, at))
    const plan = readPlan(planWith(body, { static: { strings, files: [{ value: 'p.rego' }] } }))
    expect(readSets(plan).get('g0.data.t.f')!.input).toEqual(['input'])
  })
})

describe('locals that are set on every way', () => {
  const set = (target: number) => statement('ResetLocalStmt', { target })
  const use = (source: number) => statement('AssignVarStmt', { source: local(source), target: 9 })
  const block = (...stmts: JsonValue[]) => ({ stmts })
  const blocks = (...stmts: JsonValue[]) => statement('BlockStmt', { blocks: [block(...stmts)] })
  const fails = statement('EqualStmt', { a: local(0), b: text(0) })
  const leave = (index: number) => statement('BreakStmt', { index })
  const not = (...stmts: JsonValue[]) => statement('NotStmt', { block: block(...stmts) })
  const scan = (...stmts: JsonValue[]) =>
    statement('ScanStmt', { source: 0, key: 5, value: 6, block: block(...stmts) })
  const under = (...stmts: JsonValue[]) =>
    statement('WithStmt', { local: 0, path: [], value: local(1), block: block(...stmts) })

  test.for<{ name: string; body: JsonValue[]; exposed: boolean }>([
    { name: 'set before', body: [set(4), use(4)], exposed: false },
    { name: 'set after', body: [use(4), set(4)], exposed: true },
    { name: 'set in a block that may end', body: [blocks(fails, set(4)), use(4)], exposed: true },
    {
      name: 'set in a block before it may end',
      body: [blocks(set(4), fails), use(4)],
      exposed: false,
    },
    {
      name: 'set on both ways',
      body: [blocks(blocks(fails, set(4), leave(1)), set(4)), use(4)],
      exposed: false,
    },
    {
      name: 'set on one of two ways',
      body: [blocks(blocks(fails, leave(1)), set(4)), use(4)],
      exposed: true,
    },
    { name: 'set in a scan', body: [scan(set(4)), use(4)], exposed: true },
    { name: 'used in a scan, after', body: [scan(set(4), use(4))], exposed: false },
    { name: 'used in a scan, before', body: [scan(use(4), set(4))], exposed: true },
    { name: 'the value of a scan', body: [scan(use(6))], exposed: false },
    { name: 'set in a not', body: [not(set(4), fails), use(4)], exposed: false },
    { name: 'set in a not after it may end', body: [not(fails, set(4)), use(4)], exposed: true },
    { name: 'set under a with', body: [under(fails, set(4)), use(4)], exposed: false },
    { name: 'never reached', body: [leave(0), use(4)], exposed: false },
    { name: 'after a break out', body: [blocks(leave(1)), use(4)], exposed: false },
  ])('$name -> exposed: $exposed', ({ body, exposed }) => {
    const fn = readPlan(planWith(body)).functions[0]!
    const own = usesOfLocals(fn.blocks.slice(0, 1)).exposed
    expect([...own].some((one) => one > fn.result)).toBe(exposed)
  })
})

describe('facts', () => {
  test('a rule that asks the clock is not constant', () => {
    const tables = {
      files: [{ value: 'p.rego' }],
      builtin_funcs: [{ name: 'time.now_ns', decl: {} }],
    }
    const now = statement('CallStmt', { func: 'time.now_ns', args: null, result: 4 })
    const facts = (body: JsonValue[]) =>
      analysePlan(readPlan(planWith(body, { static: { ...tables, strings: [] } }))).functions[0]!
    expect(facts([]).constant).toBe(true)
    expect(facts([now]).constant).toBe(false)
  })

  test.for<{ name: string; values: readonly [JsonValue, JsonValue]; only: Value | undefined }>([
    { name: 'the same', values: [text(0), text(0)], only: 'a' },
    { name: 'two values', values: [text(0), text(1)], only: undefined },
    {
      name: 'a value and another type',
      values: [text(4), { type: 'bool', value: true }],
      only: undefined,
    },
    { name: 'what the input has', values: [text(0), local(0)], only: undefined },
  ])('bodies that give $name', ({ values, only }) => {
    const body = values.map((source) => statement('AssignVarOnceStmt', { source, target: 2 }))
    expect(analysePlan(readPlan(planWith(body))).functions[0]!.only).toBe(only)
  })
})
