import { afterAll, expect, test } from 'vitest'
import type { JsonObject } from '../../../../src/base/json-value.ts'
import { loadPlan } from '../../../../src/decide/rego/engine/program.ts'
import { parseValue } from '../../../../src/decide/rego/values/json.ts'
import { BACK_ENDS, compiler, planOf, programOfSource } from './support.ts'

afterAll(() => compiler.close())

/** What `run` gives while every object seems to have members that nobody gave it. */
function polluted<T>(run: () => T): T {
  const spots = [Object.prototype, Array.prototype, String.prototype, Number.prototype]
  const names = ['role', 'admin', 'k', '0']
  const added = spots.flatMap((spot) =>
    names.filter((name) => !Object.hasOwn(spot, name)).map((name) => ({ spot, name })),
  )
  for (const { spot, name } of added) {
    const value = 'admin'
    Object.defineProperty(spot, name, { value, configurable: true, writable: true })
  }
  try {
    return run()
  } finally {
    for (const { spot, name } of added) Reflect.deleteProperty(spot, name)
  }
}

test.for(BACK_ENDS)('%s: a polluted prototype changes nothing', async (backEnd) => {
  const source = `
p contains "role" if input.user.role == "admin"
p contains "dynamic" if input.user[input.name]
p contains "array" if input.list.role
p contains "text" if input.name.role
p contains "data" if data.cfg.admin
p contains "made" if { o := {"a": input.name}; o[input.name] }
p contains "get" if object.get(input.user, "role", null) == "admin"
p contains "scan" if { some k, _ in input.user; k != "id" }
p contains "index" if input.list[0] == "admin"
`
  const program = await programOfSource(source, { backEnd, data: { cfg: {} } })
  const input = { user: { id: 1 }, name: 'role', list: [] }
  const before = program.evaluate('t/p', input)
  expect(polluted(() => program.evaluate('t/p', input))).toEqual(before)
  expect(before).toEqual({ value: [] })
})

test.for(BACK_ENDS)('%s: __proto__ and its kin are keys like others', async (backEnd) => {
  const source = `
p := {
	"read": input.o["__proto__"],
	"made": {k: v | some k, v in input.o},
	"get": object.get(input.o, "constructor", "none"),
	"absent": object.get(input.e, "constructor", "none"),
	"union": object.union({"__proto__": 1}, {"toString": 2}),
}`
  const program = await programOfSource(source, { backEnd })
  const o = JSON.parse('{"__proto__": {"x": 1}, "constructor": 2}') as JsonObject
  const outcome = program.evaluate('t/p', { o, e: {} })
  if (!('value' in outcome)) throw new Error(JSON.stringify(outcome))
  expect(JSON.stringify(outcome.value)).toBe(
    '{"absent":"none","get":2,"made":{"__proto__":{"x":1},"constructor":2},"read":{"x":1},"union":{"__proto__":1,"toString":2}}',
  )
  expect(Object.getPrototypeOf({})).not.toHaveProperty('x')
})

test.for(
  BACK_ENDS.flatMap((backEnd) => [
    { backEnd, name: 'NaN', input: { x: Number.NaN } },
    { backEnd, name: 'an infinity', input: { x: [Number.POSITIVE_INFINITY] } },
    { backEnd, name: 'a lone surrogate', input: { x: 'a\ud800' } },
    { backEnd, name: 'a lone surrogate in a key', input: { '\udc00': 1 } },
    { backEnd, name: 'undefined', input: { x: undefined } as unknown as JsonObject },
    { backEnd, name: 'a class instance', input: { x: new Date(0) } as unknown as JsonObject },
    { backEnd, name: 'a function', input: { x: () => 1 } as unknown as JsonObject },
  ]),
)('$backEnd: $name in an input fails the evaluation', async ({ backEnd, input }) => {
  const program = await programOfSource('p := 1', { backEnd })
  expect(program.evaluate('t/p', input)).toMatchObject({ failed: 'REGO_ABORTED' })
})

test.for(BACK_ENDS)('%s: and in data refuses the program', async (backEnd) => {
  const plan = await planOf('p := data.x', ['p'])
  for (const x of [Number.NaN, '\ud800', Number.NEGATIVE_INFINITY]) {
    expect(() => loadPlan({ plan, data: { x } }, { backEnd })).toThrow(
      expect.objectContaining({ code: 'VALUE_NOT_JSON' }),
    )
  }
})

test.for(BACK_ENDS)('%s: numbers keep their value', async (backEnd) => {
  const source = `
p contains "minus zero" if { input.zero == 0; json.marshal(input.zero) == "0" }
p contains "member" if 0 in {input.zero}
p contains "huge" if input.huge == 1e20
p contains "text" if json.marshal(input.huge) == "100000000000000000000"
p contains "beyond doubles" if 1e400 > 1e399
p contains "exact" if 9007199254740993 != 9007199254740992
p contains "fraction" if 0.1 + 0.2 == 0.3
`
  const program = await programOfSource(source, { backEnd })
  expect(program.evaluate('t/p', { zero: -0, huge: 1e20 })).toEqual({
    value: ['beyond doubles', 'exact', 'fraction', 'huge', 'member', 'minus zero', 'text'],
  })
})

test.for(BACK_ENDS)('%s: a number that no double holds is no result', async (backEnd) => {
  for (const source of ['p := 1e400', 'p := 9007199254740993', 'p := {1e400: 1}']) {
    const program = await programOfSource(source, { backEnd })
    expect(program.evaluate('t/p', {})).toMatchObject({ failed: 'REGO_ABORTED' })
  }
})

test.for([
  { name: 'of a repeated key the last counts', text: '{"a": 1, "a": 2}', want: { a: 2 } },
  {
    name: 'a repeated __proto__',
    text: '{"__proto__": 1, "__proto__": 2}',
    want: JSON.parse('{"__proto__": 2}'),
  },
  { name: 'minus zero is zero', text: '[-0, -0.0, -0e5]', want: [0, 0, 0] },
  {
    name: 'a long whole number is exact',
    text: '[9007199254740993, 12e20]',
    want: [9007199254740993n, 1200000000000000000000n],
  },
])('JSON text: $name', ({ text, want }) => {
  expect(parseValue(text)).toEqual(want)
})

test.for([
  '{"a": }',
  '"\\ud800"',
  '{"\\udc00": 1}',
  '1e99999',
  `${'['.repeat(600)}${']'.repeat(600)}`,
  'NaN',
  '',
])('JSON text that is refused: %s', (text) => {
  expect(() => parseValue(text)).toThrow(expect.objectContaining({ name: 'PolicyError' }))
})
