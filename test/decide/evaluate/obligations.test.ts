import { expect, test } from 'vitest'
import type { JsonObject } from '../../../src/base/json-value.ts'
import { applyObligations } from '../../../src/decide/evaluate/obligations.ts'
import type { Obligation } from '../../../src/model/generated/types.ts'

function applied(payload: JsonObject, obligations: readonly Obligation[]): JsonObject {
  return applyObligations({ payload }, obligations, token).payload
}

function token(text: string, kind: string): string {
  return `<${kind} ${text.replaceAll('@', ' at ')}>`
}

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
  expect(applied(payload, [redact(...paths)])).toEqual(want)
  expect(payload).toEqual(before)
})

test('several obligations all apply', () => {
  const payload = { a: 1, b: 2, c: 3 }
  expect(applied(payload, [redact('payload.a'), redact('payload.b')])).toEqual({
    a: MASKED,
    b: MASKED,
    c: 3,
  })
})

test.for(['payload', 'context.a', 'agent', 'payload[]', '', 'payload..a', '["pay"]'])(
  'the path %j -> PATH_INVALID, never an unredacted payload',
  (path) => {
    expect(() => applied({ a: 1 }, [redact(path)])).toThrow(
      expect.objectContaining({ code: 'PATH_INVALID' }),
    )
  },
)

test('an obligation of another kind -> VALUE_INVALID', () => {
  const other = { kind: 'hide' as 'redact', paths: ['payload.a'], rule: 'a/b' }
  expect(() => applied({ a: 1 }, [other])).toThrow(
    expect.objectContaining({ code: 'VALUE_INVALID' }),
  )
})

test.for<{ name: string; kind: Obligation['kind']; paths: string[]; want: object }>([
  { name: 'a token for a text', kind: 'tokenise', paths: ['payload.a'], want: { a: '<value x>' } },
  { name: 'for a number', kind: 'tokenise', paths: ['payload.n'], want: { n: '<value 1>' } },
  {
    name: 'for an object as a whole',
    kind: 'tokenise',
    paths: ['payload.o'],
    want: { o: '<value {"k":[1,2]}>' },
  },
  { name: 'a dropped member', kind: 'drop', paths: ['payload.a'], want: { a: undefined } },
  { name: 'a dropped element', kind: 'drop', paths: ['payload.o.k[0]'], want: { o: { k: [2] } } },
])('$name', ({ kind, paths, want }) => {
  const payload = { a: 'x', n: 1, o: { k: [1, 2] } }
  const after = applied(payload, [{ kind, paths, rule: 'a/b' }])
  expect(after).toEqual({ ...payload, ...want })
})

test.for<{ kind: Obligation['kind']; path: string; want: unknown }>([
  { kind: 'redact', path: 'result', want: MASKED },
  { kind: 'tokenise', path: 'result', want: '<value {"rows":[{"mail":"m"}]}>' },
  { kind: 'drop', path: 'result', want: null },
  { kind: 'drop', path: 'result.rows', want: {} },
  { kind: 'redact', path: 'result.rows[].mail', want: { rows: [{ mail: MASKED }] } },
])('$kind of $path changes what came back', ({ kind, path, want }) => {
  const result = { rows: [{ mail: 'm' }] }
  const obligation = { kind, paths: [path], rule: 'a/b' }
  expect(applyObligations({ payload: {}, result }, [obligation], token)).toEqual({
    payload: {},
    result: want,
  })
})

test.for<{ name: string; obligations: Obligation[]; want: JsonObject }>([
  {
    name: 'two elements dropped by one rule',
    obligations: [{ kind: 'drop', paths: ['payload.a[0]', 'payload.a[1]'], rule: 'a/b' }],
    want: { a: ['public'] },
  },
  {
    name: 'one dropped, the next masked by another rule',
    obligations: [{ kind: 'drop', paths: ['payload.a[0]'], rule: 'a/b' }, redact('payload.a[1]')],
    want: { a: [MASKED, 'public'] },
  },
  {
    name: 'one dropped, pieces of the next masked',
    obligations: [
      { kind: 'drop', paths: ['payload.a[0]'], rule: 'a/b' },
      { kind: 'redact', paths: ['payload.a[1]'], detect: ['email'], rule: 'a/c' },
    ],
    want: { a: ['[redacted:email]', 'public'] },
  },
  {
    name: 'one masked and dropped',
    obligations: [{ kind: 'drop', paths: ['payload.a[0]'], rule: 'z/z' }, redact('payload.a[0]')],
    want: { a: ['bo@example.com', 'public'] },
  },
  {
    name: 'a list that gets a token, after an element of it is masked',
    obligations: [
      { kind: 'tokenise', paths: ['payload.a'], rule: 'a/a' },
      redact('payload.a[0]', 'payload.a[1]'),
    ],
    want: { a: '<value ["[redacted]","[redacted]","public"]>' },
  },
])('nothing moves out of the way: $name', ({ obligations, want }) => {
  const payload = { a: ['ana@example.com', 'bo@example.com', 'public'] }
  expect(applied(payload, obligations)).toEqual(want)
  expect(applied(payload, obligations.toReversed())).toEqual(want)
})

test('a path of a result changes nothing in a call', () => {
  const obligation = { kind: 'redact' as const, paths: ['result'], rule: 'a/b' }
  expect(applyObligations({ payload: { a: 1 } }, [obligation], token)).toEqual({
    payload: { a: 1 },
  })
})

const detected = (kind: 'redact' | 'tokenise' | 'drop', paths: string[], detect: string[]) => ({
  kind,
  paths,
  detect,
  rule: 'a/b',
})

test.for<{ name: string; payload: JsonObject; obligations: Obligation[]; want: JsonObject }>([
  {
    name: 'only what is found is changed, in the payload as a whole',
    payload: { note: 'to ana@example.com', n: 4111111111111111, 'bo@example.com': 'bo' },
    obligations: [detected('redact', ['payload'], ['email', 'payment_card'])],
    want: {
      note: 'to [redacted:email]',
      n: '[redacted:payment_card]',
      '[redacted:email]': 'bo',
    },
  },
  {
    name: 'the token is that of the piece and its kind',
    payload: { note: 'to ana@example.com' },
    obligations: [detected('tokenise', ['payload.note'], ['email'])],
    want: { note: 'to <email ana at example.com>' },
  },
  {
    name: 'a credential',
    payload: { note: 'key AKIAQYLPMN5HFIQR7XYA' },
    obligations: [detected('drop', ['payload.note'], ['aws_access_key_id'])],
    want: { note: 'key ' },
  },
  {
    name: 'whole fields first, whatever the order',
    payload: { a: 'ana@example.com', b: 'bo@example.com' },
    obligations: [detected('redact', ['payload'], ['email']), redact('payload.a')],
    want: { a: MASKED, b: '[redacted:email]' },
  },
  {
    name: 'rules about different kinds do not hide from each other',
    payload: { note: 'born ana@example.com 1980-02-29' },
    obligations: [
      detected('redact', ['payload.note'], ['email']),
      detected('redact', ['payload'], ['date_of_birth']),
    ],
    want: { note: 'born [redacted:email] [redacted:date_of_birth]' },
  },
  {
    name: 'a path that leads to nothing',
    payload: { note: 'ana@example.com' },
    obligations: [detected('redact', ['payload.other'], ['email'])],
    want: { note: 'ana@example.com' },
  },
])('detect: $name', ({ payload, obligations, want }) => {
  const after = applied(payload, obligations)
  expect(after).toEqual(want)
  expect(applied(after, obligations)).toEqual(want)
})

test.for([
  {
    name: 'an unknown kind',
    obligation: detected('redact', ['payload'], ['emial']),
    code: 'VALUE_INVALID',
  },
  {
    name: 'a context',
    obligation: detected('redact', ['context'], ['email']),
    code: 'PATH_INVALID',
  },
  {
    name: 'another change',
    obligation: { ...detected('redact', ['payload'], ['email']), kind: 'inject' as 'redact' },
    code: 'VALUE_INVALID',
  },
  {
    name: 'names that are not known',
    obligation: detected('redact', ['payload'], ['person_name']),
    code: 'REFERENCE_UNKNOWN',
  },
])('detect: $name is an error', ({ obligation, code }) => {
  expect(() => applied({ a: 'b' }, [obligation])).toThrow(expect.objectContaining({ code }))
})

test('detect: names are those of the rule that asks', () => {
  const obligation = detected('redact', ['payload'], ['person_name'])
  const names = (rule: string) => (rule === 'a/b' ? ['Ana Souza'] : [])
  const after = applyObligations({ payload: { note: 'ask ana souza' } }, [obligation], token, names)
  expect(after.payload).toEqual({ note: 'ask [redacted:person_name]' })
})

test('detect: a result as a whole', () => {
  const obligation = detected('redact', ['result'], ['email'])
  expect(applyObligations({ payload: {}, result: 'ana@example.com' }, [obligation], token)).toEqual(
    {
      payload: {},
      result: '[redacted:email]',
    },
  )
})
