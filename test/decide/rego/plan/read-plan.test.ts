import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PolicyError } from '../../../../src/base/errors.ts'
import type { JsonObject, JsonValue } from '../../../../src/base/json-value.ts'
import type { Plan } from '../../../../src/decide/rego/plan/plan.ts'
import { readPlan } from '../../../../src/decide/rego/plan/read-plan.ts'
import { functionOf, local, planOf, planWith, statement, text } from './plans.ts'
import { faultsOf } from './sound.ts'

const { stringify } = JSON

function statementsOf(plan: Plan): Plan['functions'][number]['blocks'][number] {
  return plan.functions[0]!.blocks[0]!
}

function refusalOf(json: JsonValue): string {
  try {
    readPlan(json)
  } catch (error) {
    if (error instanceof PolicyError) return `${error.code} ${error.message}`
    throw error
  }
  return 'read'
}

describe('a plan of the compiler', () => {
  test.for(['rules', 'statements', 'reads'])('%s is read and sound', (name) => {
    const plan = readPlan(planOf(name))
    expect(faultsOf(plan)).toEqual([])
    expect([...plan.entrypoints.keys()].every((path) => path.startsWith(`${name}/`))).toBe(true)
  })

  test('places, paths and built-ins are what the source has', () => {
    const plan = readPlan(planOf('rules'))
    const deny = plan.functions.find(({ name }) => name === 'g0.data.rules.deny')!
    expect(deny.path).toEqual(['g0', 'rules', 'deny'])
    const dot = deny.blocks[1]![1]!
    expect(plan.sites[dot.site]).toEqual({
      file: 'rules.rego',
      row: 4,
      column: 2,
      endRow: 4,
      endColumn: 36,
    })
    expect(plan.builtins).toEqual(['count', 'gt', 'internal.member_2', 'lt', 'mul', 'plus'])
    expect(plan.sites[0]?.row).toBe(0)
  })

  test('lax asks with the path below data, also for what a `with` plans once more', () => {
    const asked: string[] = []
    const plan = readPlan(planOf('statements'), {
      lax: (path) => {
        asked.push(path.join('.'))
        return path.at(-1) === 'due'
      },
    })
    expect(plan.functions.filter(({ lax }) => lax).map(({ name }) => name)).toEqual([
      'g0.data.statements.due',
      'g1.data.statements.due',
      'g3.data.statements.due',
    ])
    expect(asked).toContain('statements.parts.main.value')
  })

  test('a dynamic call names the rules that its path may lead to', () => {
    const plan = readPlan(planOf('statements'))
    const all = stringify(plan.functions, (_, value) =>
      typeof value === 'bigint' ? String(value) : value,
    )
    const [, list] = /"candidates":\[([0-9,]+)\]/.exec(all)!
    expect(list!.split(',').map((at) => plan.functions[Number(at)]?.name)).toEqual([
      'g0.data.statements.parts.main.value',
      'g0.data.statements.parts.other.value',
    ])
  })

  test('numbers are exact, in their one form', () => {
    const plan = readPlan(planOf('statements'))
    const numbers = plan.functions.find(({ name }) => name.endsWith('.numbers'))!
    const constants = numbers.blocks[0]!.flatMap((one) =>
      one.op === 'constant' ? [one.value] : [],
    )
    expect(constants).toEqual([0, -3, 1.5, 12345678901234567890n, 10n ** 100n])
  })

  test('the local of `not { ... }` is cleared before each round', () => {
    const plan = readPlan(planOf('statements'))
    const quiet = plan.functions.find(({ name }) => name.endsWith('.quiet'))!
    const scan = quiet.blocks[1]!.find(({ op }) => op === 'scan')!
    const not = 'block' in scan ? scan.block.find(({ op }) => op === 'not')! : scan
    const [first, ...rest] = 'block' in not ? not.block : []
    const last = rest.at(-1)
    expect(first?.op).toBe('reset')
    expect(last?.op === 'defined' && first?.op === 'reset' && last.source === first.target).toBe(
      true,
    )
  })
})

describe('what is left out or numbered anew', () => {
  test('statements that do nothing are left out', () => {
    const plan = readPlan(
      planWith([statement('NopStmt', {}), statement('BlockStmt', { blocks: null })]),
    )
    expect(statementsOf(plan)).toEqual([{ op: 'blocks', blocks: [], site: 1 }])
  })

  test('locals have no gaps', () => {
    const plan = readPlan(
      planWith([
        statement('DotStmt', { source: local(0), key: text(0), target: 2_000_000_000 }),
        statement('AssignVarStmt', { source: local(2_000_000_000), target: 7 }),
      ]),
    )
    expect(statementsOf(plan).map((one) => 'target' in one && one.target)).toEqual([3, 4])
    expect(plan.functions[0]?.locals).toBe(5)
  })

  test('a place without a row is no place', () => {
    const plan = readPlan(planWith([statement('ResetLocalStmt', { target: 3, row: 0, file: 9 })]))
    expect(statementsOf(plan)[0]?.site).toBe(0)
  })

  test('a plan without anything has nothing', () => {
    const plan = readPlan({ funcs: { funcs: null }, plans: null, static: { strings: null } })
    expect(plan.functions).toEqual([])
    expect(plan.entrypoints.size).toBe(0)
  })
})

const set = (target: JsonValue) => statement('ResetLocalStmt', { target })
const block = (...stmts: JsonValue[]) => ({ stmts })
const nested = (...stmts: JsonValue[]) => statement('BlockStmt', { blocks: [block(...stmts)] })
const leave = (index: JsonValue) => statement('BreakStmt', { index })
const make = (target: number) => statement('MakeArrayStmt', { capacity: 0, target })
const append = (array: number, value: JsonValue) => statement('ArrayAppendStmt', { array, value })
const callOf = (func: string, args: JsonValue) => statement('CallStmt', { func, args, result: 4 })
const dynamic = (fields: JsonObject = {}) =>
  statement('CallDynamicStmt', { args: [0, 1], path: [text(2), text(3)], result: 4, ...fields })

describe('a statement that is refused', () => {
  test.for<{ name: string; body: JsonValue[]; want: string }>([
    { name: 'no object', body: [7], want: 'expected an object' },
    { name: 'null', body: [null], want: 'expected an object' },
    { name: 'a list', body: [[]], want: 'expected an object' },
    { name: 'no type', body: [{ stmt: {} }], want: 'expected a string as "type"' },
    { name: 'an unknown type', body: [statement('EvalStmt', {})], want: 'found "EvalStmt"' },
    {
      name: 'a type of the prototype',
      body: [statement('toString', {})],
      want: 'found "toString"',
    },
    { name: 'a field beside the type', body: [{ ...set(3), more: 1 }], want: 'no field "more"' },
    { name: 'no body', body: [{ type: 'NopStmt' }], want: 'expected an object' },
    { name: 'an unknown field', body: [statement('NopStmt', { if: 1 })], want: 'no field "if"' },
    { name: 'no local', body: [statement('ResetLocalStmt', {})], want: 'whole number as "target"' },
    { name: 'a local below zero', body: [set(-1)], want: '"target" from 0 to' },
    { name: 'a local that is no whole number', body: [set(1.5)], want: 'whole number as "target"' },
    { name: 'a local beyond all bounds', body: [set(2 ** 31)], want: '"target" from 0 to' },
    { name: 'a local that is text', body: [set('3')], want: 'whole number as "target"' },
    { name: 'the input as target', body: [set(0)], want: 'expected no parameter' },
    { name: 'the data as target', body: [set(1)], want: 'expected no parameter' },
    {
      name: 'the input as the key of a scan',
      body: [statement('ScanStmt', { source: 1, key: 0, value: 3, block: block() })],
      want: 'expected no parameter',
    },
    {
      name: 'no operand',
      body: [statement('DotStmt', { source: 3, key: text(0), target: 3 })],
      want: 'expected an operand as "source"',
    },
    {
      name: 'an unknown operand',
      body: [statement('LenStmt', { source: { type: 'null', value: 0 }, target: 3 })],
      want: `an operand's type, found "null"`,
    },
    {
      name: 'a field beside an operand',
      body: [statement('LenStmt', { source: { ...local(0), more: 1 }, target: 3 })],
      want: 'no field "more"',
    },
    {
      name: 'a string that is not there',
      body: [statement('LenStmt', { source: text(6), target: 3 })],
      want: 'expected a string, found number 6',
    },
    {
      name: 'a boolean that is none',
      body: [statement('LenStmt', { source: { type: 'bool', value: 1 }, target: 3 })],
      want: 'expected true or false',
    },
    { name: 'no row', body: [statement('NopStmt', { row: null })], want: 'number as "row"' },
    { name: 'a row below zero', body: [statement('NopStmt', { row: -1 })], want: '"row" from 0' },
    { name: 'a file that is not there', body: [statement('NopStmt', { file: 1 })], want: 'a file' },
    { name: 'no block', body: [statement('NotStmt', {})], want: 'expected an object' },
    { name: 'a null block', body: [statement('BlockStmt', { blocks: [null] })], want: 'an object' },
    {
      name: 'blocks that are no list',
      body: [statement('BlockStmt', { blocks: {} })],
      want: 'expected a list as "blocks"',
    },
    { name: 'a break out of the function', body: [leave(1)], want: 'break within 1 blocks' },
    { name: 'a break out of a nested block', body: [nested(leave(2))], want: 'within 2 blocks' },
    { name: 'a break below zero', body: [leave(-1)], want: '"index" from 0' },
    {
      name: 'a break out of a scan and the function',
      body: [statement('ScanStmt', { source: 0, key: 3, value: 4, block: block(leave(3)) })],
      want: 'break within 3 blocks',
    },
    {
      name: 'a break out of a with',
      body: [
        nested(
          statement('WithStmt', { local: 0, path: [], value: local(1), block: block(leave(1)) }),
        ),
      ],
      want: 'break within 1 blocks',
    },
    {
      name: 'a with of a local',
      body: [statement('WithStmt', { local: 3, path: [], value: local(1), block: block() })],
      want: 'input or data as "local"',
    },
    {
      name: 'a with of a path that is no string',
      body: [statement('WithStmt', { local: 0, path: [9], value: local(1), block: block() })],
      want: 'expected a string, found number 9',
    },
    { name: 'a call of nothing', body: [callOf('g0.data.t.g', [])], want: 'found "g0.data.t.g"' },
    {
      name: 'a call of a built-in that is not declared',
      body: [callOf('minus', [])],
      want: '"minus"',
    },
    {
      name: 'a call of a built-in with too few operands',
      body: [callOf('plus', [local(0)])],
      want: 'expected 2 arguments of "plus", found 1',
    },
    {
      name: 'a call of a function with too few operands',
      body: [callOf('g0.data.t.h', [local(0), local(1)])],
      want: 'expected 3 arguments of "g0.data.t.h", found 2',
    },
    {
      name: 'a call of itself',
      body: [callOf('g0.data.t.f', [local(0), local(1)])],
      want: 'expected no recursion',
    },
    {
      name: 'a dynamic call without a path',
      body: [nested(nested(nested(dynamic({ path: [] }))))],
      want: 'expected a path',
    },
    {
      name: 'a dynamic call of other arity',
      body: [nested(nested(nested(dynamic({ args: [0] }))))],
      want: 'input and data as arguments',
    },
    {
      name: 'a dynamic call by a boolean',
      body: [nested(nested(nested(dynamic({ path: [{ type: 'bool', value: true }] }))))],
      want: 'expected strings in the path',
    },
    {
      name: 'a dynamic call with too little around it',
      body: [nested(dynamic())],
      want: 'depth 3',
    },
    {
      name: 'a dynamic call that may reach itself',
      body: [nested(nested(nested(dynamic({ path: [text(2), text(3), local(5)] }))))],
      want: 'expected no recursion',
    },
    {
      name: 'a number that is none',
      body: [statement('MakeNumberRefStmt', { index: 5, target: 3 })],
      want: 'expected a number, found "x1"',
    },
    {
      name: 'a number of two minds',
      body: [statement('MakeNumberRefStmt', { index: 4, Index: 5, target: 3 })],
      want: 'expected one "index"',
    },
    {
      name: 'a number without a text',
      body: [statement('MakeNumberRefStmt', { target: 3 })],
      want: `expected a number's "index"`,
    },
    {
      name: 'a whole number that was rounded',
      body: [statement('MakeNumberIntStmt', { value: 2 ** 53, target: 3 })],
      want: 'expected a whole number as "value"',
    },
    {
      name: 'a return in the middle',
      body: [statement('ReturnLocalStmt', { source: 2 }), set(3)],
      want: 'a return at the very end',
    },
    {
      name: 'a return in a nested block',
      body: [nested(statement('ReturnLocalStmt', { source: 2 }))],
      want: 'a return at the very end',
    },
    {
      name: 'a return of something else',
      body: [statement('ReturnLocalStmt', { source: 3 })],
      want: 'the return of the result',
    },
    {
      name: 'a result in a function',
      body: [statement('ResultSetAddStmt', { value: 3 })],
      want: 'results in entry points only',
    },
  ])('$name', ({ body, want }) => {
    const refusal = refusalOf(planWith(body))
    expect(refusal).toMatch(/^REGO_PLAN_INVALID "g0\.data\.t\.f"/)
    expect(refusal).toContain(want)
  })

  test('the message names function, block and statement', () => {
    expect(refusalOf(planWith([set(3), nested(set(4), leave(5))]))).toBe(
      'REGO_PLAN_INVALID "g0.data.t.f" block 0 statement 1 block 0 statement 1: expected a break within 2 blocks, found depth 5',
    )
  })
})

describe('containers are filled where they were made, before anything else holds them', () => {
  const dot = (target: number, source: number) =>
    statement('DotStmt', { source: local(source), key: text(0), target })
  const assign = (target: number, source: number) =>
    statement('AssignVarStmt', { source: local(source), target })
  const scan = (...stmts: JsonValue[]) =>
    statement('ScanStmt', { source: 0, key: 8, value: 9, block: block(...stmts) })
  const insert = (object: number, value: JsonValue) =>
    statement('ObjectInsertStmt', { object, key: text(0), value })
  const makeObject = (target: number) => statement('MakeObjectStmt', { target })
  const fails = statement('EqualStmt', { a: local(0), b: text(0) })

  test.for<{ name: string; body: JsonValue[] }>([
    { name: 'made and filled', body: [make(4), append(4, text(0))] },
    { name: 'filled in a scan', body: [make(4), scan(append(4, local(9)))] },
    { name: 'made anew in each round', body: [scan(make(4), append(4, local(9)), assign(5, 4))] },
    {
      name: 'made on both ways',
      body: [nested(nested(fails, make(4), leave(1)), make(4)), append(4, text(0))],
    },
  ])('$name -> read', ({ body }) => {
    expect(refusalOf(planWith(body))).toBe('read')
  })

  test.for<{ name: string; body: JsonValue[] }>([
    { name: 'never made', body: [append(4, text(0))] },
    { name: 'a part of the input', body: [dot(4, 0), append(4, text(0))] },
    { name: 'a part of the data', body: [dot(4, 1), insert(4, text(0))] },
    {
      name: 'the result of a call',
      body: [callOf('plus', [local(0), local(1)]), append(4, text(0))],
    },
    { name: 'of another type', body: [make(4), insert(4, text(0))] },
    { name: 'held by another local', body: [make(4), assign(5, 4), append(4, text(0))] },
    { name: 'by its second name', body: [make(4), assign(5, 4), append(5, text(0))] },
    {
      name: 'held by another container',
      body: [make(4), make(5), append(5, local(4)), append(4, text(0))],
    },
    { name: 'into itself, and on', body: [make(4), append(4, local(4)), append(4, text(0))] },
    { name: 'replaced by a part of the input', body: [make(4), dot(4, 0), append(4, text(0))] },
    { name: 'perhaps not made', body: [nested(fails, make(4)), append(4, text(0))] },
    {
      name: 'perhaps replaced',
      body: [make(4), nested(fails, dot(4, 0)), append(4, text(0))],
    },
    {
      name: 'held since the round before',
      body: [make(4), scan(append(4, text(0)), assign(5, 4))],
    },
    { name: 'replaced in a scan', body: [make(4), scan(dot(4, 0)), append(4, text(0))] },
    { name: 'made in a scan that may be empty', body: [scan(make(4)), append(4, text(0))] },
    {
      name: 'passed to a built-in',
      body: [make(4), callOf('plus', [local(4), local(1)]), append(4, text(0))],
    },
    {
      name: 'a part of what was made',
      body: [makeObject(4), insert(4, local(0)), dot(5, 4), insert(5, text(0))],
    },
  ])('$name -> refused', ({ body }) => {
    expect(refusalOf(planWith(body))).toContain('what was made here and is not shared')
  })

  test('rules that fill what another may have put there are marked', () => {
    const marks = (name: string) =>
      stringify(readPlan(planOf(name)), (_, value) =>
        typeof value === 'bigint' ? String(value) : value,
      ).match(/"nest":true/g)?.length
    expect(marks('statements')).toBeUndefined()
    expect(marks('nested')).toBe(2)
  })
})

describe('a plan that is refused around its statements', () => {
  const plan = planWith([])
  const fn = functionOf('g0.data.t.f', [])
  const funcs = (...list: JsonValue[]) => ({ ...plan, funcs: { funcs: list }, plans: null })
  const tables = (fields: JsonObject) => ({
    ...plan,
    static: { ...(plan['static'] as JsonObject), ...fields },
  })
  const plans = (...list: JsonValue[]) => ({ ...plan, plans: { plans: list } })
  test.for<{ name: string; json: JsonValue; want: string }>([
    { name: 'a hole', json: funcs(fn, ...Array(1)), want: 'without holes' },
    { name: 'null', json: null, want: 'the plan: expected an object' },
    { name: 'a list', json: [], want: 'expected an object' },
    { name: 'text', json: 'plan', want: 'expected an object' },
    { name: 'an unknown part', json: { ...plan, code: 1 }, want: 'no field "code"' },
    { name: 'a part of the prototype', json: JSON.parse('{"__proto__": {}}'), want: '"__proto__"' },
    { name: 'functions that are no object', json: { ...plan, funcs: [] }, want: 'funcs: expected' },
    { name: 'a function that is none', json: funcs(null), want: 'funcs 0: expected an object' },
    {
      name: 'a function without a name',
      json: funcs({ ...fn, name: '' }),
      want: 'expected a name',
    },
    { name: 'a name that is no Unicode', json: funcs({ ...fn, name: '\ud800' }), want: 'Unicode' },
    { name: 'a name twice', json: funcs(fn, { ...fn, path: ['g1'] }), want: '"g0.data.t.f" again' },
    { name: 'a path twice', json: funcs(fn, { ...fn, name: 'g' }), want: 'again' },
    { name: 'a path that is no text', json: funcs({ ...fn, path: [1] }), want: 'string as "path"' },
    { name: 'too few parameters', json: funcs({ ...fn, params: [0] }), want: 'input and data' },
    { name: 'no parameters', json: funcs({ ...fn, params: null }), want: 'input and data' },
    { name: 'a parameter twice', json: funcs({ ...fn, params: [0, 0] }), want: 'parameter once' },
    { name: 'a parameter as result', json: funcs({ ...fn, return: 1 }), want: 'no parameter as' },
    { name: 'no result', json: funcs({ ...fn, return: null }), want: 'number as "return"' },
    { name: 'no blocks', json: funcs({ ...fn, blocks: [] }), want: 'a return at the end' },
    {
      name: 'no return',
      json: funcs({ ...fn, blocks: [block(set(3))] }),
      want: 'a return at the end',
    },
    { name: 'strings that are none', json: tables({ strings: [{ value: 1 }] }), want: 'static: ' },
    { name: 'a file without a name', json: tables({ files: [{}] }), want: 'string as "value"' },
    {
      name: 'a built-in twice',
      json: tables({
        builtin_funcs: [
          { name: 'a', decl: {} },
          { name: 'a', decl: {} },
        ],
      }),
      want: 'each built-in once',
    },
    {
      name: 'a built-in without a type',
      json: tables({ builtin_funcs: [{ name: 'a' }] }),
      want: 'expected an object',
    },
    {
      name: 'an entry point without a name',
      json: plans({ name: '', blocks: [] }),
      want: 'a name',
    },
    {
      name: 'an entry point twice',
      json: plans({ name: 'p', blocks: [] }, { name: 'p', blocks: [] }),
      want: '"p" again',
    },
    {
      name: 'an entry point that returns',
      json: plans({ name: 'p', blocks: [block(statement('ReturnLocalStmt', { source: 2 }))] }),
      want: 'entry point 0 "p" block 0 statement 0: expected the return of the result',
    },
    {
      name: 'an entry point that sets the input',
      json: plans({ name: 'p', blocks: [block(set(0))] }),
      want: 'expected no parameter',
    },
  ])('$name', ({ json, want }) => {
    const refusal = refusalOf(json)
    expect(refusal).toMatch(/^REGO_PLAN_INVALID /)
    expect(refusal).toContain(want)
  })
})

describe('bounds', () => {
  const chainOf = (length: number) =>
    Array.from({ length }, (_, at) =>
      functionOf(`f${at}`, at === 0 ? [] : [callOf(`f${at - 1}`, [local(0), local(1)])]),
    ).map((fn, at) => ({ ...fn, path: [`f${at}`] }))
  const entry = (func: string) => [
    { name: 'p', blocks: [block(callOf(func, [local(0), local(1)]))] },
  ]
  const chain = (length: number) => ({
    static: planWith([])['static']!,
    funcs: { funcs: chainOf(length) },
    plans: { plans: entry(`f${length - 1}`) },
  })
  const within = (depth: number): JsonValue => (depth === 0 ? set(3) : nested(within(depth - 1)))

  test.for<{ name: string; json: () => JsonValue; want: string }>([
    { name: '600 calls deep', json: () => chain(600), want: 'read' },
    { name: '1,001 calls deep', json: () => chain(1_001), want: 'calls at most 1000 deep' },
    { name: '20,000 calls deep', json: () => chain(20_000), want: 'calls at most 1000 deep' },
    { name: '199 nested blocks', json: () => planWith([within(198)]), want: 'read' },
    { name: '201 nested blocks', json: () => planWith([within(200)]), want: 'at most 200 nested' },
    {
      name: '40,001 locals',
      json: () => planWith(Array.from({ length: 40_000 }, (_, at) => set(at + 3))),
      want: 'at most 40000 locals',
    },
    {
      name: 'many locals in a chain of calls',
      json: () => {
        const json = chain(10)
        const funcs = json.funcs.funcs.map((fn) => ({
          ...fn,
          blocks: [
            block(...Array.from({ length: 6_000 }, (_, at) => set(at + 9))),
            ...(fn as unknown as { blocks: JsonValue[] }).blocks,
          ],
        }))
        return { ...json, funcs: { funcs } }
      },
      want: 'less of the stack',
    },
    {
      name: 'more than 2,000,000 statements',
      json: () =>
        planWith([statement('BlockStmt', { blocks: [{ stmts: Array(2_000_000).fill(set(3)) }] })]),
      want: 'at most 2000000 statements',
    },
    {
      name: 'a number of more digits than exact arithmetic takes',
      json: () =>
        planWith([statement('MakeNumberRefStmt', { index: 0, target: 3 })], {
          static: { strings: [{ value: '9'.repeat(5_000) }], files: [{ value: 'p.rego' }] },
        }),
      want: 'REGO_NUMBER_TOO_LONG',
    },
  ])('$name -> $want', ({ json, want }) => {
    expect(refusalOf(json())).toContain(want)
  })
})

describe('random changes of a plan', () => {
  const sources = ['rules', 'statements', 'reads', 'nested'].map((name) => stringify(planOf(name)))
  const odd: readonly JsonValue[] = [
    null,
    true,
    -1,
    0,
    1,
    2,
    3,
    5,
    1.5,
    1e9,
    2 ** 53,
    1e308,
    '',
    'local',
    'g0',
    'BreakStmt',
    [],
    {},
    [0],
    [null],
    { type: 'local', value: 4 },
    { stmts: [] },
    { type: 'bool', value: true },
  ]

  /** Replaces, removes, copies or swaps one place of a plan that the numbers choose. */
  function change(json: JsonValue, [at, kind, pick]: readonly [number, number, number]): void {
    const places: { holder: Record<string, JsonValue>; key: string }[] = []
    const visit = (value: JsonValue): void => {
      if (typeof value !== 'object' || value === null) return
      for (const key of Object.keys(value)) {
        places.push({ holder: value as Record<string, JsonValue>, key })
        visit((value as Record<string, JsonValue>)[key]!)
      }
    }
    visit(json)
    const place = places[at % places.length]!
    const other = places[pick % places.length]!
    const value = other.holder[other.key]!
    if (kind === 0) place.holder[place.key] = odd[pick % odd.length]!
    else if (kind === 1) delete place.holder[place.key]
    else if (kind === 2) place.holder[place.key] = JSON.parse(stringify(value ?? null))
    else if (Array.isArray(place.holder)) place.holder.reverse()
    else {
      const number = place.holder[place.key]
      if (typeof number === 'number') place.holder[place.key] = number + (pick % 5) - 2
    }
  }

  test('never throws anything but PolicyError, and what is read is sound', () => {
    const big = fc.nat(1_000_000)
    let read = 0
    fc.assert(
      fc.property(
        fc.constantFrom(...sources),
        fc.array(fc.tuple(big, fc.nat(3), big), { minLength: 1, maxLength: 3 }),
        (source, changes) => {
          const json = JSON.parse(source) as JsonValue
          for (const one of changes) change(json, one)
          let plan: Plan
          try {
            plan = readPlan(json)
          } catch (error) {
            expect(error).toBeInstanceOf(PolicyError)
            return
          }
          read += 1
          expect(faultsOf(plan)).toEqual([])
        },
      ),
      { numRuns: 200 },
    )
    // Some changes leave a plan a plan: the property is about those as well.
    expect(read).toBeGreaterThan(10)
  })
})
