import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonValue } from '../../src/base/json-value.ts'
import { dropPath, mapPath, parsePath, readPath, toPointer } from '../../src/base/path.ts'

const ACTION = {
  agent: 'billing-bot',
  payload: {
    user_id: 'u-1',
    'odd key': { 'a/b~c': true },
    items: [{ id: 'i-1', tags: ['x', 'y'] }, { id: 'i-2', tags: [] }, { qty: 3 }],
    matrix: [[1, 2], [3]],
    none: null,
  },
} satisfies JsonValue

test.for<{ path: string; want: [string, JsonValue][] }>([
  { path: 'agent', want: [['/agent', 'billing-bot']] },
  { path: 'payload.user_id', want: [['/payload/user_id', 'u-1']] },
  {
    path: 'payload.items[].id',
    want: [
      ['/payload/items/0/id', 'i-1'],
      ['/payload/items/1/id', 'i-2'],
    ],
  },
  { path: 'payload.items[2].qty', want: [['/payload/items/2/qty', 3]] },
  { path: 'payload["odd key"]["a/b~c"]', want: [['/payload/odd key/a~1b~0c', true]] },
  { path: '["payload"].none', want: [['/payload/none', null]] },
  { path: 'payload["\\u0075ser_id"]', want: [['/payload/user_id', 'u-1']] },
  {
    path: 'payload.matrix[][]',
    want: [
      ['/payload/matrix/0/0', 1],
      ['/payload/matrix/0/1', 2],
      ['/payload/matrix/1/0', 3],
    ],
  },
  { path: 'payload.items[].tags[0]', want: [['/payload/items/0/tags/0', 'x']] },
  { path: 'payload.missing.deeper', want: [] },
  { path: 'payload.items[9]', want: [] },
  { path: 'payload.items.id', want: [] },
  { path: 'payload.items.length', want: [] },
  { path: 'payload.user_id[0]', want: [] },
  { path: 'agent.length', want: [] },
  { path: 'constructor', want: [] },
  { path: 'payload.toString', want: [] },
  { path: 'payload[]', want: [] },
])('$path -> $want', ({ path, want }) => {
  const matches = readPath(ACTION, parsePath(path))
  expect(matches.map(({ pointer, value }) => [pointer, value])).toEqual(want)
})

test.for([
  ['', 'a name', 1],
  ['.a', 'a name', 1],
  ['a.', 'a name after the dot', 3],
  ['a..b', 'a name after the dot', 3],
  ['a b', '.name', 2],
  ['[]', 'a name', 1],
  ['[0]', 'a name', 1],
  ['a[01]', '.name', 2],
  ['a[-1]', '.name', 2],
  ['a[*]', '.name', 2],
  ['a["b"', '.name', 2],
  ["a['b']", '.name', 2],
  ['a["\\x"]', 'a JSON string', 3],
  ['a["\\ud800"]', 'a JSON string', 3],
  ['1a', 'a name', 1],
  ['a.__proto__', 'another name', 3],
  ['$.a', 'a name', 1],
] as const)('path %j -> PATH_INVALID: expected %s at %d', ([text, what, at]) => {
  expect(() => parsePath(text)).toThrow(
    expect.objectContaining({
      code: 'PATH_INVALID',
      message: expect.stringMatching(new RegExp(`expected ${what}.* at ${at}$`)),
    }),
  )
})

test('a path beyond the bounds -> PATH_INVALID', () => {
  for (const text of ['a'.repeat(1025), `a${'[]'.repeat(64)}`]) {
    expect(() => parsePath(text)).toThrow(expect.objectContaining({ code: 'PATH_INVALID' }))
  }
})

describe('mapPath', () => {
  test('replaces every match, leaves the original, shares the rest', () => {
    const before = structuredClone(ACTION)
    const after = mapPath(
      ACTION,
      parsePath('payload.items[].id'),
      (value, pointer) => `${value}@${pointer}`,
    )
    expect(ACTION).toEqual(before)
    expect(readPath(after, parsePath('payload.items[].id')).map(({ value }) => value)).toEqual([
      'i-1@/payload/items/0/id',
      'i-2@/payload/items/1/id',
    ])
    const shared = readPath(after, parsePath('payload.items[2]'))[0]
    expect(shared?.value).toBe(ACTION.payload.items[2])
  })

  test.for(['payload.missing', 'agent', 'payload.items[]'])(
    '%s without a change -> the original',
    (path) => {
      expect(mapPath(ACTION, parsePath(path), (value) => value)).toBe(ACTION)
    },
  )

  test('arrays may take the place of elements', () => {
    expect(mapPath({ a: [1, 2] }, parsePath('a[1]'), () => [3, 4])).toEqual({ a: [1, [3, 4]] })
    expect(mapPath({ a: null }, parsePath('a'), () => null)).toEqual({ a: null })
  })
})

test.for<{ path: string; want: JsonValue }>([
  { path: 'a', want: { b: [[1], [2, 3]] } },
  { path: 'b[0]', want: { a: 1, b: [[2, 3]] } },
  { path: 'b[][0]', want: { a: 1, b: [[], [3]] } },
  { path: 'b[]', want: { a: 1, b: [] } },
  { path: 'c.d', want: { a: 1, b: [[1], [2, 3]] } },
])('dropPath $path', ({ path, want }) => {
  expect(dropPath({ a: 1, b: [[1], [2, 3]] }, parsePath(path))).toEqual(want)
})

/** RFC 6901 section 5: https://www.rfc-editor.org/rfc/rfc6901#section-5 */
test.for([
  [[], ''],
  [['foo'], '/foo'],
  [['foo', 0], '/foo/0'],
  [[''], '/'],
  [['a/b'], '/a~1b'],
  [['c%d'], '/c%d'],
  [['m~n'], '/m~0n'],
  [['~1'], '/~01'],
] as [string[], string][])('RFC 6901: %j -> %s', ([segments, want]) => {
  expect(toPointer(segments)).toBe(want)
})

test('any key, quoted -> its own member', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.nat(9), (key, index) => {
      fc.pre(key !== '__proto__')
      const value = { [key]: Array.from({ length: 10 }, (_, i) => i) }
      const matches = readPath(value, parsePath(`[${JSON.stringify(key)}][${index}]`))
      expect(matches).toEqual([{ pointer: toPointer([key, index]), value: index }])
    }),
  )
})
