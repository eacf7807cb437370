import { expect, test } from 'vitest'
import type { JsonObject } from '../../../src/base/json-value.ts'
import { applyObligations } from '../../../src/decide/evaluate/obligations.ts'

function redact(...paths: string[]) {
  return { kind: 'redact' as const, paths, rule: 'a/b' }
}

const MASKED = '[redacted]'

test.for<{ name: string; payload: JsonObject; paths: string[]; want: JsonObject }>([
  { name: 'a member', payload: { a: 1, b: 2 }, paths: ['payload.a'], want: { a: MASKED, b: 2 } },
  {
    name: 'an object as a whole',
    payload: { a: { b: 1 } },
    paths: ['payload.a'],
    want: { a: MASKED },
  },
  {
    name: 'each element',
    payload: { a: [{ n: 1 }, {}, { n: null }] },
    paths: ['payload.a[].n'],
    want: { a: [{ n: MASKED }, {}, { n: MASKED }] },
  },
  { name: 'nothing there', payload: { a: 1 }, paths: ['payload.b.c'], want: { a: 1 } },
  {
    name: 'parent and child',
    payload: { a: { b: 1 } },
    paths: ['payload.a', 'payload.a.b'],
    want: { a: MASKED },
  },
  { name: 'an inherited name', payload: {}, paths: ['payload.constructor'], want: {} },
])('$name', ({ payload, paths, want }) => {
  const before = structuredClone(payload)
  expect(applyObligations(payload, [redact(...paths)])).toEqual(want)
  expect(payload).toEqual(before)
})

test('several obligations all apply', () => {
  const payload = { a: 1, b: 2, c: 3 }
  expect(applyObligations(payload, [redact('payload.a'), redact('payload.b')])).toEqual({
    a: MASKED,
    b: MASKED,
    c: 3,
  })
})

test.for(['payload', 'context.a', 'agent', 'payload[]', '', 'payload..a', '["pay"]'])(
  'the path %j -> PATH_INVALID, never an unredacted payload',
  (path) => {
    expect(() => applyObligations({ a: 1 }, [redact(path)])).toThrow(
      expect.objectContaining({ code: 'PATH_INVALID' }),
    )
  },
)

test('an obligation of another kind -> VALUE_INVALID', () => {
  const other = { kind: 'drop' as 'redact', paths: ['payload.a'], rule: 'a/b' }
  expect(() => applyObligations({ a: 1 }, [other])).toThrow(
    expect.objectContaining({ code: 'VALUE_INVALID' }),
  )
})
