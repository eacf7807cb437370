import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BuiltinError } from '../../../../src/decide/rego/builtins/builtin.ts'
import { GRAPH } from '../../../../src/decide/rego/builtins/graph.ts'
import { TYPES } from '../../../../src/decide/rego/builtins/types.ts'
import { valueText } from '../../../../src/decide/rego/values/text.ts'
import type { RegoSet, Value } from '../../../../src/decide/rego/values/value.ts'
import { objectOf } from '../../../../src/decide/rego/values/value.ts'
import { testOracleAnswers } from './oracle-answers.ts'
import { caller } from './tagged-values.ts'

const FAMILY = { ...GRAPH, ...TYPES }
const call = caller(FAMILY)

testOracleAnswers('graph.json', FAMILY)

const complete = (size: number): Value =>
  objectOf(
    Array.from({ length: size }, (_, from) => [from, Array.from({ length: size }, (_, to) => to)]),
  )

test('what paths lead to is what can be reached', () => {
  const vertex = fc.integer({ min: 0, max: 5 })
  const edges = fc.array(fc.tuple(vertex, fc.array(vertex, { maxLength: 3 })), { maxLength: 6 })
  fc.assert(
    fc.property(edges, vertex, (pairs, start) => {
      const graph = objectOf(pairs)
      const reached = (call('graph.reachable', graph, [start]) as RegoSet).values()
      const paths = (call('graph.reachable_paths', graph, [start]) as RegoSet).values()
      const passed = new Set(paths.flatMap((path) => path as number[]))
      expect([...passed].sort()).toEqual(reached)
    }),
  )
})

describe('what would take too long', () => {
  test('all paths of a dense graph -> refused', () => {
    expect(() => call('graph.reachable_paths', complete(12), [0])).toThrow('no steps left')
  })

  test('a path of 10,000 steps -> refused', () => {
    const chain = objectOf(Array.from({ length: 10_000 }, (_, at) => [at, [at + 1]] as const))
    expect(() => call('graph.reachable_paths', chain, [0])).toThrow()
    expect((call('graph.reachable', chain, [0]) as RegoSet).size).toBe(10_000)
  })

  test('a walk through a value that holds itself many times over -> refused', () => {
    let value: Value = ['x']
    for (let level = 0; level < 40; level++) value = [value, value]
    expect(() => call('walk', value)).toThrow('no steps left')
    expect(() => call('internal.member_2', value, [[value]])).toThrow('no steps left')
  })

  test('a walk through a value that nests without end -> refused', () => {
    let value: Value = []
    for (let level = 0; level < 100_000; level++) value = [value]
    expect(() => call('walk', value)).toThrow(BuiltinError)
  })
})

test('a walk shows keys of prototypes, and none that are inherited', () => {
  const value = JSON.parse('{"__proto__": {"a": 1}}') as Value
  expect(valueText(call('walk', value) as Value)).toBe(
    '[[[], {"__proto__": {"a": 1}}], [["__proto__"], {"a": 1}], [["__proto__", "a"], 1]]',
  )
  expect(call('internal.member_3', 'constructor', {}, {})).toBe(false)
})
