import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalize } from '../../src/base/canonical-json.ts'
import type { Change } from '../../src/base/diff.ts'
import { diffJson, formatDiff } from '../../src/base/diff.ts'
import type { JsonValue } from '../../src/base/json-value.ts'

test.for<{ name: string; before: JsonValue; after: JsonValue; want: Change[] }>([
  {
    name: 'equal',
    before: { a: [1, { b: null }], c: 0 },
    after: { c: -0, a: [1, { b: null }] },
    want: [],
  },
  {
    name: 'a member changed',
    before: { a: { b: 1 } },
    after: { a: { b: 2 } },
    want: [{ pointer: '/a/b', kind: 'changed', before: 1, after: 2 }],
  },
  {
    name: 'members added and removed, in key order',
    before: { z: 1, b: 1 },
    after: { a: null, b: 1 },
    want: [
      { pointer: '/a', kind: 'added', after: null },
      { pointer: '/z', kind: 'removed', before: 1 },
    ],
  },
  {
    name: 'an array grown',
    before: [1],
    after: [1, [2]],
    want: [{ pointer: '/1', kind: 'added', after: [2] }],
  },
  {
    name: 'an array cut',
    before: { a: [1, 2, 3] },
    after: { a: [1] },
    want: [
      { pointer: '/a/1', kind: 'removed', before: 2 },
      { pointer: '/a/2', kind: 'removed', before: 3 },
    ],
  },
  {
    name: 'another type',
    before: { a: [] },
    after: { a: {} },
    want: [{ pointer: '/a', kind: 'changed', before: [], after: {} }],
  },
  {
    name: 'null is a value',
    before: { a: null },
    after: { a: {} },
    want: [{ pointer: '/a', kind: 'changed', before: null, after: {} }],
  },
  {
    name: 'the top',
    before: 1,
    after: '1',
    want: [{ pointer: '', kind: 'changed', before: 1, after: '1' }],
  },
  {
    name: 'odd keys',
    before: {},
    after: { 'a/b~': 1, constructor: 2 },
    want: [
      { pointer: '/a~1b~0', kind: 'added', after: 1 },
      { pointer: '/constructor', kind: 'added', after: 2 },
    ],
  },
])('$name', ({ before, after, want }) => {
  expect(diffJson(before, after)).toEqual(want)
})

describe('formatDiff', () => {
  test('one line a change', () => {
    const changes = diffJson(
      { amount: 10, old: [1], top: true },
      { amount: 20, new: { b: 1, a: 'x' }, top: true },
    )
    expect(formatDiff(changes)).toBe('~ /amount: 10 -> 20\n+ /new: {"a":"x","b":1}\n- /old: [1]\n')
    expect(formatDiff(diffJson(1, 2))).toBe('~ (top): 1 -> 2\n')
    expect(formatDiff([])).toBe('')
  })

  test('neither a key nor a value forges a line or hides a character', () => {
    expect(formatDiff(diffJson({ a: 'b' }, { a: 'b\ufe01\u{e0041}\u034f' }))).toBe(
      '~ /a: "b" -> "b\\ufe01\\udb40\\udc41\\u034f"\n',
    )
    const text = formatDiff(diffJson({}, { 'a: 1\n+ /b': 'x\n- /c: 2\u202e\u009b\u200b\ufeff' }))
    expect(text).toBe('+ "/a: 1\\n+ ~1b": "x\\n- /c: 2\\u202e\\u009b\\u200b\\ufeff"\n')
  })
})

test('a diff leads from one value to the other', () => {
  const json = fc.jsonValue({ maxDepth: 3 })
  fc.assert(
    fc.property(json, json, (a, b) => {
      const [before, after] = [a as JsonValue, b as JsonValue]
      const changes = diffJson(before, after)
      expect(changes.length === 0).toBe(canonicalize(before) === canonicalize(after))
      expect(canonicalize(apply(before, changes))).toBe(canonicalize(after))
      expect(diffJson(after, before)).toHaveLength(changes.length)
    }),
    { numRuns: 500 },
  )
})

/** Removals go last to first, so that array indexes stay right. */
function apply(before: JsonValue, changes: readonly Change[]): JsonValue {
  const holder = { top: structuredClone(before) } as Record<string, JsonValue>
  const order = [
    ...changes.filter(({ kind }) => kind !== 'removed'),
    ...changes.filter(({ kind }) => kind === 'removed').reverse(),
  ]
  for (const change of order) {
    const names = `/top${change.pointer}`.split('/').slice(1)
    const keys = names.map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))
    const last = keys.pop() as string
    const parent = keys.reduce<Record<string, JsonValue>>(
      (at, key) => at[key] as Record<string, JsonValue>,
      holder,
    )
    if (change.kind !== 'removed')
      Object.defineProperty(parent, last, {
        value: change.after,
        writable: true,
        enumerable: true,
        configurable: true,
      })
    else if (Array.isArray(parent)) parent.splice(Number(last), 1)
    else delete parent[last]
  }
  return holder['top'] as JsonValue
}
