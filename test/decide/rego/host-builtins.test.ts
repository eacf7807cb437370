import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { PolicyError } from '../../../src/base/errors.ts'
import {
  BuiltinFailure,
  HOST_BUILTIN_NAMES,
  HOST_BUILTINS,
} from '../../../src/decide/rego/host-builtins.ts'
import { readTerm, writeTerm } from '../../../src/decide/rego/terms.ts'

type Row = [builtin: string, operands: string, want: string | null]

const vectors = JSON.parse(
  readFileSync(new URL('../../vectors/rego/host-builtins.json', import.meta.url), 'utf8'),
) as { cases: Row[] }

/** The answer as JSON text, null where the built-in refuses. */
function answer(name: string, operands: string): string | null {
  const list = readTerm(operands)
  if (list === null || typeof list !== 'object' || list.kind !== 'array') throw new Error(operands)
  try {
    return writeTerm(HOST_BUILTINS[name]!(...list.items))
  } catch (cause) {
    if (cause instanceof PolicyError && cause.code === 'REGO_BUILTIN_ERROR') return null
    throw cause
  }
}

test.for(HOST_BUILTIN_NAMES)('%s answers as OPA does', (name) => {
  const rows = vectors.cases.filter(([builtin]) => builtin === name)
  expect(rows.length).toBeGreaterThan(4)
  const differences = rows
    .map(([, operands, want]) => ({ operands, want, got: answer(name, operands) }))
    .filter(({ want, got }) => !same(want, got))
  expect(differences).toEqual([])
})

/** Go writes <, > and & as escapes. */
function same(want: string | null, got: string | null): boolean {
  if (want === null || got === null) return want === got
  return unescaped(want) === unescaped(got)
}

function unescaped(text: string): string {
  return text.startsWith('"') ? (JSON.parse(text) as string) : text
}

test.for([
  ['time.clock', '[[0, "Local"]]', 'a zone that differs from machine to machine'],
  ['time.clock', '[[0, "+01:00"]]', 'a zone that is an offset'],
  ['urlquery.decode', '["%ff"]', 'bytes that are no UTF-8'],
  ['units.parse', '["1e999999"]', 'a number of a million digits'],
  ['sprintf', '["%x", [1.5]]', 'a fraction in hexadecimal'],
  ['sprintf', '["%p", [123456789012345678901234567890]]', 'an address'],
  ['sprintf', '["%5000000d", [1]]', 'a width beyond the bound'],
  ['sprintf', '["%.5000000f", [1.5]]', 'a precision beyond the bound'],
  ['sprintf', '["%d", 5]', 'an operand of another type'],
  ['regex.replace', '["x", "(?=x)", "y"]', 'a pattern outside of RE2'],
])('%s %s is refused: %s', ([name, operands]) => {
  expect(answer(name!, operands!)).toBe(null)
})

test('a text that grows beyond its bound is refused, in linear time', () => {
  const many = 'a'.repeat(100_000)
  expect(answer('regex.replace', `["${many}", "a", "${'b'.repeat(100)}"]`)).toBe(null)
  expect(answer('regex.replace', `["${many}!", "(a+)+$", "b"]`)).toBe(`"${many}!"`)
  expect(
    answer('sprintf', `["${'%1000d'.repeat(2_000)}", [${Array(2_000).fill(1).join(', ')}]]`),
  ).toBe(null)
})

test('countersign.fail never returns', () => {
  const fail = HOST_BUILTINS['countersign.fail']!
  expect(() => fail('countersign.sprintf', 'a.rego:1:2')).toThrow(
    expect.objectContaining({ builtin: 'sprintf', site: 'a.rego:1:2' }),
  )
  expect(() => fail(null)).toThrow(BuiltinFailure)
})
