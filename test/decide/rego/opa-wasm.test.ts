import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { JsonObject, JsonValue } from '../../../src/base/json-value.ts'
import { BUILTIN_NAMES } from '../../../src/decide/rego/builtins/index.ts'
import { loadOpaWasm } from '../../../src/decide/rego/wasm/opa-wasm.ts'
import { createRegoCompiler } from '../../../src/host/rego-compiler/compiler.ts'

const SOURCE = `package countersign.t
import rego.v1

deny contains {"msg": sprintf("%q over %v", [input.name, {3, 1, 2}])} if input.limit < 10
echo := input.value
present contains x if some x in input.values
nested := {"s": {"b", "a", "c"}, "l": ["b", "a"]}
keys := {1: "x", "1": "y"}
division := 1 / input.zero
inverse if not 1 / input.zero > 5
number := to_number(input.text)
instant := time.parse_rfc3339_ns(input.at)
later if time.parse_rfc3339_ns(input.at) > 1763697600000000000
next_day := sprintf("%d", [time.add_date(time.parse_rfc3339_ns(input.at), 0, 0, 1)])
wide := sprintf(input.format, [1])
not_wide if not sprintf(input.format, [1]) == "x"
replaced := regex.replace(input.text, input.pattern, "_")
runaway := count([x | some a in numbers.range(0, 4000); some b in numbers.range(0, 4000); x := [a, b]])
conflict := 1 if input.a
conflict := 2 if input.b
pair := [x, y] if { x := input.big + 0; y := input.big * 2 }
matches contains w if { some w in input.values; regex.match("^a+b?$", w) }
`
const ENTRYPOINTS = [...SOURCE.matchAll(/^([a-z_]+)(?: :=| contains| if)/gm)].map(
  ([, name]) => `countersign/t/${name}`,
)

const compiler = createRegoCompiler({ hostBuiltins: BUILTIN_NAMES })
const built = await compiler.build({ 'policies/rego/t.rego': SOURCE }, [...new Set(ENTRYPOINTS)])
await compiler.close()
if (!('wasm' in built)) throw new Error(JSON.stringify(built))
const { wasm } = built
const program = loadOpaWasm({ wasm, data: {} })
const ask = (name: string, input: JsonObject) => program.evaluate(`countersign/t/${name}`, input)

test('the entry points are listed sorted', () => {
  expect(program.entrypoints).toEqual([...new Set(ENTRYPOINTS)].sort())
})

test.for([
  {
    name: 'a set comes sorted by canonical text',
    ask: 'present',
    input: { values: ['b', 'a', 10, 9, { z: 1 }, null] },
    want: ['a', 'b', 10, 9, null, { z: 1 }],
  },
  {
    name: 'a nested set is sorted, an array is not',
    ask: 'nested',
    input: {},
    want: { s: ['a', 'b', 'c'], l: ['b', 'a'] },
  },
  {
    name: 'sprintf is ours: %q and sets',
    ask: 'deny',
    input: { name: 'a"b', limit: 1 },
    want: [{ msg: '"a\\"b" over {1, 2, 3}' }],
  },
  { name: 'an empty set', ask: 'deny', input: { name: 'x', limit: 99 }, want: [] },
  { name: 'false is a value', ask: 'echo', input: { value: false }, want: false },
  { name: 'null is a value', ask: 'echo', input: { value: null }, want: null },
  { name: 'an empty text is a value', ask: 'echo', input: { value: '' }, want: '' },
  {
    name: 'NUL survives',
    ask: 'echo',
    input: { value: 'a\u0000b', rest: '\u0000' },
    want: 'a\u0000b',
  },
  {
    name: 'texts that differ behind a NUL differ',
    ask: 'present',
    input: { values: ['a\u0000b', 'a\u0000c'] },
    want: ['a\u0000b', 'a\u0000c'],
  },
  {
    name: 'astral text survives',
    ask: 'echo',
    input: { value: '😀\u2028\ufeff' },
    want: '😀\u2028\ufeff',
  },
  { name: 'minus zero is zero', ask: 'echo', input: { value: -0 }, want: 0 },
  {
    name: 'large and small doubles survive',
    ask: 'echo',
    input: { value: [1e308, 5e-324, 1e21, 0.1] },
    want: [1e308, 5e-324, 1e21, 0.1],
  },
  {
    name: 'nanoseconds keep their digits inside the module',
    ask: 'next_day',
    input: { at: '2026-11-21T04:00:00.123456789Z' },
    want: '1795320000123456789',
  },
  { name: 'nanoseconds compare', ask: 'later', input: { at: '2026-11-21T04:00:00Z' }, want: true },
  {
    name: 'whole milliseconds fit a double here',
    ask: 'instant',
    input: { at: '2026-11-21T04:00:00Z' },
    want: 1795233600000000000,
  },
] satisfies { name: string; ask: string; input: JsonObject; want: JsonValue }[])('$name', (row) => {
  expect(ask(row.ask, row.input)).toEqual({ value: row.want })
})

test('a __proto__ key stays an own key', () => {
  const value = JSON.parse('{"value": {"__proto__": {"admin": true}, "a": 1}}') as JsonObject
  const outcome = ask('echo', value)
  const echoed = 'value' in outcome ? (outcome.value as JsonObject) : {}
  expect(Object.keys(echoed).sort()).toEqual(['__proto__', 'a'])
  expect(Object.hasOwn(echoed, 'admin')).toBe(false)
  expect('admin' in echoed).toBe(false)
})

test.for([
  { name: 'an unknown entry point', ask: 'nothing', input: {}, want: 'REGO_UNDEFINED' },
  {
    name: 'an entry point named as a method of objects',
    ask: '../../constructor',
    input: {},
    want: 'REGO_UNDEFINED',
  },
  { name: 'an undefined result', ask: 'echo', input: {}, want: 'REGO_UNDEFINED' },
  {
    name: 'division by zero',
    ask: 'division',
    input: { zero: 0 },
    want: 'REGO_BUILTIN_ERROR',
    line: 9,
  },
  {
    name: 'division by zero behind not',
    ask: 'inverse',
    input: { zero: 0 },
    want: 'REGO_BUILTIN_ERROR',
    line: 10,
  },
  {
    name: 'a text that is no number',
    ask: 'number',
    input: { text: 'x' },
    want: 'REGO_BUILTIN_ERROR',
    line: 11,
  },
  {
    name: 'a time that is none',
    ask: 'later',
    input: { at: 'yesterday' },
    want: 'REGO_BUILTIN_ERROR',
    line: 13,
  },
  {
    name: 'a width beyond any bound',
    ask: 'wide',
    input: { format: '%9999999d' },
    want: 'REGO_BUDGET_EXCEEDED',
  },
  {
    name: 'a width beyond any bound behind not',
    ask: 'not_wide',
    input: { format: '%9999999d' },
    want: 'REGO_BUDGET_EXCEEDED',
  },
  {
    name: 'a pattern that backtracks only',
    ask: 'replaced',
    input: { text: 'x', pattern: '(x)\\1' },
    want: 'REGO_BUILTIN_ERROR',
    line: 17,
  },
  {
    name: 'two values of one rule',
    ask: 'conflict',
    input: { a: true, b: true },
    want: 'REGO_ABORTED',
    line: 20,
  },
  { name: 'a runaway comprehension', ask: 'runaway', input: {}, want: 'REGO_MEMORY_EXCEEDED' },
  { name: 'two keys that become one', ask: 'keys', input: {}, want: 'REGO_ABORTED' },
  {
    name: 'an integer that no double holds',
    ask: 'instant',
    input: { at: '2026-11-21T04:00:00.123456789Z' },
    want: 'REGO_ABORTED',
  },
  {
    name: 'a sum that no double holds',
    ask: 'pair',
    input: { big: 2 ** 53 - 1, x: 0.5 },
    want: undefined,
  },
  { name: 'a lone surrogate', ask: 'echo', input: { value: 'a\ud800b' }, want: 'REGO_ABORTED' },
  {
    name: 'a lone surrogate as a key',
    ask: 'echo',
    input: { value: { '\udc00': 1 } },
    want: 'REGO_ABORTED',
  },
  {
    name: 'a number that is not finite',
    ask: 'echo',
    input: { value: Number.POSITIVE_INFINITY },
    want: 'REGO_ABORTED',
  },
  { name: 'an input without end', ask: 'echo', input: { value: deep(2000) }, want: 'REGO_ABORTED' },
  {
    name: 'a text larger than the memory',
    ask: 'echo',
    input: { value: 'x'.repeat(40_000_000) },
    want: 'REGO_MEMORY_EXCEEDED',
  },
])('$name -> $want, and the next evaluation is right', (row) => {
  const outcome = ask(row.ask, row.input as JsonObject)
  expect('failed' in outcome ? outcome.failed : undefined).toBe(row.want)
  if (row.line !== undefined) {
    expect(outcome).toMatchObject({
      file: 'policies/rego/t.rego',
      line: row.line,
      column: expect.any(Number),
    })
  }
  expect(ask('echo', { value: 7 })).toEqual({ value: 7 })
})

test('values that are no JSON are refused', () => {
  for (const value of [undefined, 1n, () => 1, new Date(0), new Uint8Array(2), new Array(1)]) {
    expect(ask('echo', { value } as unknown as JsonObject)).toMatchObject({
      failed: 'REGO_ABORTED',
    })
  }
})

test('20,000 evaluations keep memory and answers the same', () => {
  const sizes = memorySizes(() => {
    const watched = loadOpaWasm({ wasm, data: { some: 'data' } })
    const evaluate = (i: number) =>
      JSON.stringify(watched.evaluate('countersign/t/matches', { values: ['aab', 'b', 'a'], i }))
    const first = evaluate(0)
    expect(first).toBe('{"value":["a","aab"]}')
    for (let i = 1; i < 20_000; i++) {
      if (evaluate(i) !== first) throw new Error(`evaluation ${i} differs`)
    }
  })
  expect(sizes).toEqual(Array(5).fill(sizes[0]))
})

test.for([
  { name: 'a failed evaluation', ask: 'division', input: { zero: 0 }, instances: 2 },
  { name: 'an abort', ask: 'conflict', input: { a: true, b: true }, instances: 2 },
  { name: 'a grown memory', ask: 'echo', input: { value: 'x'.repeat(5_000_000) }, instances: 2 },
  { name: 'an undefined result', ask: 'echo', input: {}, instances: 1 },
])('after $name there are $instances instances', (row) => {
  const sizes = memorySizes(() => {
    const watched = loadOpaWasm({ wasm, data: {} })
    watched.evaluate(`countersign/t/${row.ask}`, row.input as JsonObject)
    watched.evaluate('countersign/t/echo', { value: 1 })
  })
  expect(sizes.length).toBe(row.instances)
})

test.for([
  { at: 'yesterday', want: { failed: 'REGO_BUILTIN_ERROR' } },
  { at: '2026-11-21T04:00:00Z', want: { failed: 'REGO_UNDEFINED' } },
])('a module without checks: a refusal behind `not` never allows: $at', ({ at, want }) => {
  // Made from unchecked.rego by `opa build -t wasm -e unchecked/allow` of OPA 1.22.0.
  const path = new URL('../../vectors/rego/unchecked.wasm', import.meta.url)
  const unchecked = loadOpaWasm({ wasm: readFileSync(path), data: {} })
  expect(unchecked.evaluate('unchecked/allow', { at })).toMatchObject(want)
})

type MemoryConstructor = new (limits: object) => { buffer: ArrayBuffer }

/** Final sizes in bytes of all memories made meanwhile. */
function memorySizes(work: () => void): number[] {
  const host = globalThis as unknown as { WebAssembly: { Memory: MemoryConstructor } }
  const original = host.WebAssembly.Memory
  const memories: { buffer: ArrayBuffer }[] = []
  host.WebAssembly.Memory = class extends original {
    constructor(limits: object) {
      super(limits)
      memories.push(this)
    }
  }
  try {
    work()
  } finally {
    host.WebAssembly.Memory = original
  }
  return memories.map(({ buffer }) => buffer.byteLength)
}

test('a page bound below what the module needs is refused', () => {
  expect(() => loadOpaWasm({ wasm, data: {} }, { memoryPagesMax: 4 })).toThrow(
    expect.objectContaining({ code: 'REGO_MEMORY_EXCEEDED' }),
  )
  const pages = Math.ceil(wasm.length / 65_536) + 9
  expect(() =>
    loadOpaWasm({ wasm, data: { big: 'x'.repeat(2_000_000) } }, { memoryPagesMax: pages }),
  ).toThrow(expect.objectContaining({ code: 'REGO_MEMORY_EXCEEDED' }))
})

test.for([
  { name: 'no bytes', bytes: new Uint8Array() },
  { name: 'text', bytes: new TextEncoder().encode('package a') },
  { name: 'a module that is empty', bytes: Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0) },
  { name: 'a cut module', bytes: wasm.slice(0, wasm.length / 2) },
  {
    name: 'a module with another built-in',
    bytes: renamed(wasm, 'countersign.sprintf', 'countersign.sprantf'),
  },
])('$name is no module', ({ bytes }) => {
  expect(() => loadOpaWasm({ wasm: bytes, data: {} })).toThrow(
    expect.objectContaining({ code: 'REGO_MODULE_INVALID' }),
  )
})

/** The same module with every occurrence of one name changed to another of its length. */
function renamed(bytes: Uint8Array, from: string, to: string): Uint8Array {
  const text = Buffer.from(bytes).toString('latin1')
  expect(text).toContain(from)
  return Uint8Array.from(Buffer.from(text.replaceAll(from, to), 'latin1'))
}

function deep(levels: number): JsonValue {
  let value: JsonValue = 1
  for (let i = 0; i < levels; i++) value = [value]
  return value
}
