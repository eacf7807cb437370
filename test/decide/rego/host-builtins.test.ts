import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { BuiltinError } from '../../../src/decide/rego/builtins/builtin.ts'
import { BUILTIN_NAMES } from '../../../src/decide/rego/builtins/index.ts'
import { BUDGET, Evaluation, EvaluationError } from '../../../src/decide/rego/engine/evaluation.ts'
import { parseValue } from '../../../src/decide/rego/values/json.ts'
import { equalValues, isArray } from '../../../src/decide/rego/values/value.ts'
import { readDump, writeDump } from '../../../src/decide/rego/wasm/dump.ts'
import { BuiltinFailure, importedBuiltin } from '../../../src/decide/rego/wasm/host-builtins.ts'

type Row = [builtin: string, operands: string, want: string | null]

const vectors = JSON.parse(
  readFileSync(new URL('../../vectors/rego/host-builtins.json', import.meta.url), 'utf8'),
) as { cases: Row[] }

/** The answer as the module gets it, null where the built-in refuses or would cost too much. */
function answer(name: string, operands: string): string | null {
  const list = readDump(operands)
  const imported = importedBuiltin(`countersign.${name}`)
  if (!isArray(list) || imported === undefined) throw new Error(`${name} ${operands}`)
  try {
    const value = imported.builtin(new Evaluation(BUDGET, new Map(), 0), ...list)
    return value === undefined ? null : writeDump(value)
  } catch (cause) {
    if (cause instanceof BuiltinError || cause instanceof EvaluationError) return null
    throw cause
  }
}

test.for([...new Set(vectors.cases.map(([builtin]) => builtin))])(
  '%s answers as OPA does',
  (name) => {
    const rows = vectors.cases.filter(([builtin]) => builtin === name)
    expect(rows.length).toBeGreaterThan(4)
    const differences = rows
      .map(([, operands, want]) => ({ operands, want, got: answer(name, operands) }))
      .filter(({ want, got }) => !same(want, got))
    expect(differences).toEqual([])
  },
)

/** By value: Go writes <, > and & as escapes. */
function same(want: string | null, got: string | null): boolean {
  if (want === null || got === null) return want === got
  return equalValues(parseValue(want), parseValue(got))
}

test.for([
  ['time.clock', '[[0, "Local"]]', 'a zone that differs from machine to machine'],
  ['time.clock', '[[0, "+01:00"]]', 'a zone that is an offset'],
  ['urlquery.decode', '["%ff"]', 'bytes that are no UTF-8'],
  ['units.parse', '["1e999999"]', 'a number of a million digits'],
  ['sprintf', '["%p", [123456789012345678901234567890]]', 'an address'],
  ['sprintf', '["%d", 5]', 'an operand of another type'],
  ['regex.replace', '["x", "(?=x)", "y"]', 'a pattern outside of RE2'],
])('%s %s is refused: %s', ([name, operands]) => {
  expect(answer(name!, operands!)).toBe(null)
})

test('a text that grows beyond its bound is refused, in linear time', () => {
  const many = 'a'.repeat(20_000)
  expect(answer('regex.replace', `["${many}", "a", "${'b'.repeat(1_000)}"]`)).toBe(null)
  expect(answer('regex.replace', `["${many}!", "(a+)+$", "b"]`)).toBe(`"${many}!"`)
  const ones = Array(40).fill(1).join(', ')
  expect(answer('sprintf', `["${'%900000d'.repeat(40)}", [${ones}]]`)).toBe(null)
})

test('countersign.fail never returns', () => {
  const call = new Evaluation(BUDGET, new Map(), 0)
  const fail = importedBuiltin('countersign.fail')!.builtin
  expect(() => fail(call, 'countersign.sprintf', 'a.rego:1:2')).toThrow(
    expect.objectContaining({ builtin: 'sprintf', site: 'a.rego:1:2' }),
  )
  expect(() => fail(call, null)).toThrow(BuiltinFailure)
})

test('a name tells whether a refusal ends the evaluation', () => {
  expect(importedBuiltin('sprintf')).toMatchObject({ name: 'sprintf', strict: false })
  expect(importedBuiltin('countersign.sprintf')).toMatchObject({ name: 'sprintf', strict: true })
  for (const name of ['http.send', 'countersign.http.send', 'countersign.', '__proto__']) {
    expect(importedBuiltin(name)).toBe(undefined)
  }
  expect(BUILTIN_NAMES).not.toContain('http.send')
})
