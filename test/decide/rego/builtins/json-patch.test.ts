import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { JSON_PATCH } from '../../../../src/decide/rego/builtins/json-patch.ts'
import { JSON_PATHS } from '../../../../src/decide/rego/builtins/json-paths.ts'
import { valueText } from '../../../../src/decide/rego/values/text.ts'
import type { Value } from '../../../../src/decide/rego/values/value.ts'
import { setOf } from '../../../../src/decide/rego/values/value.ts'
import { caller, newCall, readOracleCases } from './tagged-values.ts'

const call = caller({ ...JSON_PATCH, ...JSON_PATHS })
const cases = readOracleCases('json.json')

const patch = (document: Value, ...operations: Value[]): string =>
  valueText(call('json.patch', document, operations) as Value)

test.for(['json.filter', 'json.remove', 'json.patch'])(
  '%s answers what OPA 1.22.0 answers',
  (name) => {
    const mine = cases.filter(({ f }) => f === name)
    expect(mine.length).toBeGreaterThan(50)
    for (const { operands, value, error } of mine) {
      const before = operands.map(valueText)
      const shown = `${name}(${before.join(', ')})`
      if (error === undefined) {
        const got = call(name, ...operands)
        expect(valueText(got as Value), shown).toBe(valueText(value as Value))
      } else {
        expect(() => call(name, ...operands), shown).toThrow(
          expect.objectContaining({ name: 'BuiltinError', code: error.code }),
        )
      }
      expect(operands.map(valueText), 'operands stay as they are').toEqual(before)
    }
  },
)

// RFC 6902, appendix A. https://www.rfc-editor.org/rfc/rfc6902#appendix-A
test.for([
  {
    name: 'A.1 adds a member',
    doc: { foo: 'bar' },
    ops: [{ op: 'add', path: '/baz', value: 'qux' }],
    want: { baz: 'qux', foo: 'bar' },
  },
  {
    name: 'A.2 adds an element',
    doc: { foo: ['bar', 'baz'] },
    ops: [{ op: 'add', path: '/foo/1', value: 'qux' }],
    want: { foo: ['bar', 'qux', 'baz'] },
  },
  {
    name: 'A.3 removes a member',
    doc: { baz: 'qux', foo: 'bar' },
    ops: [{ op: 'remove', path: '/baz' }],
    want: { foo: 'bar' },
  },
  {
    name: 'A.4 removes an element',
    doc: { foo: ['bar', 'qux', 'baz'] },
    ops: [{ op: 'remove', path: '/foo/1' }],
    want: { foo: ['bar', 'baz'] },
  },
  {
    name: 'A.5 replaces a value',
    doc: { baz: 'qux', foo: 'bar' },
    ops: [{ op: 'replace', path: '/baz', value: 'boo' }],
    want: { baz: 'boo', foo: 'bar' },
  },
  {
    name: 'A.6 moves a value',
    doc: { foo: { bar: 'baz', waldo: 'fred' }, qux: { corge: 'grault' } },
    ops: [{ op: 'move', from: '/foo/waldo', path: '/qux/thud' }],
    want: { foo: { bar: 'baz' }, qux: { corge: 'grault', thud: 'fred' } },
  },
  {
    name: 'A.7 moves an element',
    doc: { foo: ['all', 'grass', 'cows', 'eat'] },
    ops: [{ op: 'move', from: '/foo/1', path: '/foo/3' }],
    want: { foo: ['all', 'cows', 'eat', 'grass'] },
  },
  {
    name: 'A.8 tests with success',
    doc: { baz: 'qux', foo: ['a', 2, 'c'] },
    ops: [
      { op: 'test', path: '/baz', value: 'qux' },
      { op: 'test', path: '/foo/1', value: 2 },
    ],
    want: { baz: 'qux', foo: ['a', 2, 'c'] },
  },
  {
    name: 'A.9 tests in vain',
    doc: { baz: 'qux' },
    ops: [{ op: 'test', path: '/baz', value: 'bar' }],
    want: 'a test found another value',
  },
  {
    name: 'A.10 adds a nested member',
    doc: { foo: 'bar' },
    ops: [{ op: 'add', path: '/child', value: { grandchild: {} } }],
    want: { child: { grandchild: {} }, foo: 'bar' },
  },
  {
    name: 'A.11 ignores what it does not know',
    doc: { foo: 'bar' },
    ops: [{ op: 'add', path: '/baz', value: 'qux', xyz: 123 }],
    want: { baz: 'qux', foo: 'bar' },
  },
  {
    name: 'A.12 adds to nothing',
    doc: { foo: 'bar' },
    ops: [{ op: 'add', path: '/baz/bat', value: 'qux' }],
    want: 'a path does not exist',
  },
  {
    name: 'A.14 escapes',
    doc: { '/': 9, '~1': 10 },
    ops: [{ op: 'test', path: '/~01', value: 10 }],
    want: { '/': 9, '~1': 10 },
  },
  {
    name: 'A.15 tells text from a number',
    doc: { '/': 9, '~1': 10 },
    ops: [{ op: 'test', path: '/~01', value: '10' }],
    want: 'a test found another value',
  },
  {
    name: 'A.16 adds an array',
    doc: { foo: ['bar'] },
    ops: [{ op: 'add', path: '/foo/-', value: ['abc', 'def'] }],
    want: { foo: ['bar', ['abc', 'def']] },
  },
])('RFC 6902, $name', ({ doc, ops, want }) => {
  if (typeof want === 'string') expect(() => patch(doc, ...ops)).toThrow(want)
  else expect(patch(doc, ...ops)).toBe(valueText(want))
})

describe('where OPA 1.22 loses its place', () => {
  test.for([
    {
      name: 'an element is changed behind one that was added (OPA: [0, [7, 2], [2]])',
      doc: [[1], [2]],
      ops: [
        { op: 'add', path: '/0', value: 0 },
        { op: 'add', path: '/1/0', value: 7 },
      ],
      want: [0, [7, 1], [2]],
    },
    {
      name: 'an element is changed where one was removed (OPA: [[1, 9], [3]])',
      doc: [[1], [2], [3]],
      ops: [
        { op: 'remove', path: '/0' },
        { op: 'add', path: '/0/-', value: 9 },
      ],
      want: [[2, 9], [3]],
    },
    {
      name: 'scalars and arrays are added in turn (OPA crashes)',
      doc: [],
      ops: [
        { op: 'add', path: '/0', value: 1 },
        { op: 'add', path: '/1', value: [2] },
        { op: 'add', path: '/0', value: 0 },
      ],
      want: [0, 1, [2]],
    },
    {
      name: 'the root is replaced, then changed (OPA crashes)',
      doc: { a: 1 },
      ops: [
        { op: 'replace', path: '', value: { b: 2 } },
        { op: 'add', path: '/c', value: 3 },
      ],
      want: { b: 2, c: 3 },
    },
  ])('$name', ({ doc, ops, want }) => {
    expect(patch(doc, ...ops)).toBe(valueText(want))
  })

  test('the whole document is not removed (OPA crashes)', () => {
    expect(() => patch({ a: 1 }, { op: 'remove', path: '' })).toThrow('the whole document')
  })
})

describe('sets', () => {
  test('a member is added, found and removed under itself', () => {
    const doc = { s: setOf([1, [2]]) }
    expect(patch(doc, { op: 'add', path: ['s', 3], value: 3 })).toBe('{"s": {1, 3, [2]}}')
    expect(patch(doc, { op: 'remove', path: ['s', [2]] })).toBe('{"s": {1}}')
    expect(patch(doc, { op: 'add', path: ['s', [2], '-'], value: 3 })).toBe('{"s": {1, [2, 3]}}')
    expect(() => patch(doc, { op: 'add', path: ['s', 3], value: 4 })).toThrow('under itself')
    expect(() => patch(doc, { op: 'remove', path: ['s', 9] })).toThrow('does not exist')
    expect(() => patch(doc, { op: 'replace', path: ['s', [2], 0], value: 3 })).toThrow('of a set')
  })

  test('what was put into a set is not changed from elsewhere', () => {
    const doc = { a: { x: [1] }, s: setOf([]) }
    const got = patch(
      doc,
      { op: 'add', path: '/a/x/-', value: 2 },
      { op: 'copy', from: '/a', path: ['s', { x: [1, 2] }] },
      { op: 'add', path: '/a/x/-', value: 3 },
    )
    expect(got).toBe('{"a": {"x": [1, 2, 3]}, "s": {{"x": [1, 2]}}}')
  })
})

test('a copy and its origin part ways', () => {
  const got = patch(
    { a: { x: [1] } },
    { op: 'add', path: '/a/x/-', value: 2 },
    { op: 'copy', from: '/a', path: '/b' },
    { op: 'add', path: '/a/x/-', value: 3 },
    { op: 'add', path: '/b/x/0', value: 0 },
  )
  expect(got).toBe('{"a": {"x": [1, 2, 3]}, "b": {"x": [0, 1, 2]}}')
})

test('any run of adds, moves, copies and removals does what copying the document each time does', () => {
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom(0, 1, 'a', null),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value'), { maxKeys: 3 }),
    ),
  })).value as fc.Arbitrary<Value>
  const operation = fc.record({
    op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy'),
    path: fc.nat(),
    from: fc.nat(),
    value: json,
  })
  fc.assert(
    fc.property(json, fc.array(operation, { maxLength: 8 }), (document, plan) => {
      let wanted = structuredClone(document)
      const operations: Value[] = []
      for (const { op, path, from, value } of plan) {
        const chosen = { op, path: pick(wanted, path), from: pick(wanted, from), value }
        const next = reference(structuredClone(wanted), chosen)
        if (next === undefined) continue
        operations.push(chosen)
        wanted = next
      }
      expect(patch(document, ...operations)).toBe(valueText(wanted))
    }),
    { numRuns: 300 },
  )
})

test.for([
  { name: 'an operation is no object', ops: [1] },
  { name: 'op is missing', ops: [{ path: '/a' }] },
  { name: 'op is unknown', ops: [{ op: 'constructor', path: '/a' }] },
  { name: 'path is missing', ops: [{ op: 'remove' }] },
  { name: 'path is a number', ops: [{ op: 'remove', path: 1 }] },
  { name: 'value is missing', ops: [{ op: 'add', path: '/a' }] },
  { name: 'from is missing', ops: [{ op: 'move', path: '/a' }] },
  { name: 'from leads nowhere', ops: [{ op: 'copy', from: '/x', path: '/b' }] },
  {
    name: 'a path goes through a name of Object.prototype',
    ops: [{ op: 'remove', path: '/toString' }],
  },
  { name: 'an index has a leading zero', ops: [{ op: 'remove', path: '/a/00' }] },
  { name: 'an index lies behind the end', ops: [{ op: 'add', path: '/a/9', value: 1 }] },
  { name: 'an index is no number', ops: [{ op: 'add', path: '/a/1e0', value: 1 }] },
  { name: 'a value is moved into itself', ops: [{ op: 'move', from: '/a', path: '/a/0' }] },
])('refused: $name', ({ ops }) => {
  expect(() => patch({ a: [1, 2] }, ...ops)).toThrow(
    expect.objectContaining({ name: 'BuiltinError' }),
  )
})

test('the prototype of a document is out of reach', () => {
  const got = patch({}, { op: 'add', path: '/__proto__', value: { polluted: true } })
  expect(got).toBe('{"__proto__": {"polluted": true}}')
  expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
})

test('many operations on a long array are charged for', () => {
  const ops = Array.from({ length: 20_000 }, () => ({ op: 'add', path: '/0', value: 1 }))
  expect(() => JSON_PATCH['json.patch']?.(newCall(), [], ops)).toThrow('no steps left')
})

/** A path to some place in the document. */
function pick(document: Value, seed: number): string {
  const paths: string[] = ['']
  const visit = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) return
    for (const key of Object.keys(value)) {
      paths.push(`${path}/${key}`)
      visit((value as Record<string, unknown>)[key], `${path}/${key}`)
    }
    paths.push(Array.isArray(value) ? `${path}/-` : `${path}/c`)
  }
  visit(document, '')
  return paths[seed % paths.length] as string
}

type Operation = { op: string; path: string; from: string; value: Value }

/** RFC 6902 on a document that may be changed; undefined where the operation fails. */
function reference(document: Value, { op, path, from, value }: Operation): Value | undefined {
  if (op === 'add') return put(document, path, structuredClone(value))
  if (op === 'remove') return path === '' ? undefined : cut(document, path)?.rest
  if (op === 'replace') {
    const rest = path === '' ? { rest: null } : cut(document, path)
    return rest === undefined ? undefined : put(rest.rest, path, structuredClone(value))
  }
  const found = from === '' ? undefined : cut(structuredClone(document), from)
  if (found === undefined) return undefined
  const base = op === 'move' ? found.rest : document
  return put(base, path, structuredClone(found.value))
}

type Container = Record<string, Value> | Value[]

function parentOf(document: Value, path: string): { parent: Container; key: string } | undefined {
  const steps = path.slice(1).split('/')
  let parent: unknown = document
  for (const step of steps.slice(0, -1)) {
    if (typeof parent !== 'object' || parent === null || !Object.hasOwn(parent, step)) return
    parent = (parent as Record<string, unknown>)[step]
  }
  return typeof parent === 'object' && parent !== null
    ? { parent: parent as Container, key: steps.at(-1) as string }
    : undefined
}

function put(document: Value, path: string, value: Value): Value | undefined {
  if (path === '') return value
  const place = parentOf(document, path)
  if (place === undefined) return undefined
  const { parent, key } = place
  if (!Array.isArray(parent)) parent[key] = value
  else if (key === '-') parent.push(value)
  else if (!/^[0-9]+$/.test(key) || Number(key) > parent.length) return undefined
  else parent.splice(Number(key), 0, value)
  return document
}

function cut(document: Value, path: string): { rest: Value; value: Value } | undefined {
  const place = parentOf(document, path)
  if (place === undefined || !Object.hasOwn(place.parent, place.key)) return undefined
  const { parent, key } = place
  if (Array.isArray(parent)) {
    const [value] = parent.splice(Number(key), 1)
    return { rest: document, value: value as Value }
  }
  const value = parent[key] as Value
  delete parent[key]
  return { rest: document, value }
}
