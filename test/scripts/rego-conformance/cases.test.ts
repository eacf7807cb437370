import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadCases, parseCases } from '../../../scripts/rego-conformance/cases.ts'
import { Decimal } from '../../../src/decide/rego/values/number.ts'

const folder = join(import.meta.dirname, 'cases')
const NOTHING = {
  modules: [],
  data: {},
  input: undefined,
  inputTerm: undefined,
  wantDefined: undefined,
  wantResult: undefined,
  wantErrorCode: undefined,
  wantError: undefined,
  sortBindings: false,
  ignoreGeneratedVars: false,
  strictError: false,
  experimentalKeywords: false,
  env: {},
}

test('the cases of all files come in the order of paths, with every field', () => {
  const [both, defined, empty, numbers, ...more] = loadCases(folder)
  expect(more).toEqual([])
  expect(both).toEqual({
    ...NOTHING,
    id: 'errors.yaml: errors/both',
    note: 'errors/both',
    file: 'errors.yaml',
    query: 'data.test.p = x',
    modules: ['package test\np := 1 / 0'],
    wantErrorCode: 'eval_builtin_error',
    wantError: 'divide by zero',
    strictError: true,
    inputTerm: '{"a": {1, 2}}',
    env: { HOME: '/nowhere' },
  })
  expect(defined).toEqual({
    ...NOTHING,
    id: 'errors.yaml: errors/defined',
    note: 'errors/defined',
    file: 'errors.yaml',
    query: 'data.test.p',
    wantDefined: false,
    ignoreGeneratedVars: true,
    experimentalKeywords: true,
  })
  expect(empty).toMatchObject({ note: 'errors/empty', wantResult: [] })
  expect(
    parseCases(`cases: [${'{note: a, query: b},'.repeat(3)}]`, 'a.yaml').map(({ id }) => id),
  ).toEqual(['a.yaml: a', 'a.yaml: a (2)', 'a.yaml: a (3)'])
  expect(numbers).toMatchObject({
    note: 'numbers/exact',
    file: 'numbers.yaml',
    modules: ['package test\n\np := [data.big, input.small]\n'],
    input: { small: 1 },
    wantResult: [{ x: [123456789012345678901234567890n, 1] }],
    sortBindings: true,
  })
})

test('numbers are what their texts say, and keys are texts', () => {
  const data = loadCases(folder)[3]?.data
  expect(data).toEqual({
    big: 123456789012345678901234567890n,
    safe: 9007199254740991,
    beyond: 9007199254740993n,
    negative: -18446744073709551615n,
    fraction: new Decimal(1000000000000000000000000001n, -28),
    rounds: 1.5,
    power: 1000,
    nothing: null,
    flags: [true, false],
    texts: ['1', 'true', 'null', '1e999x'],
    ['__proto__']: { polluted: true },
    '1': 'key',
  })
  expect(Object.hasOwn(data ?? {}, '__proto__')).toBe(true)
  expect(Object.getPrototypeOf(data)).toBe(Object.prototype)
})

test.for([
  { name: 'no YAML', text: '{', want: /^a\.yaml: / },
  { name: 'no cases', text: 'tests: []', want: 'a.yaml: expected a list under "cases"' },
  { name: 'a list', text: '[]', want: 'a.yaml: expected a list under "cases"' },
  {
    name: 'an unknown field',
    text: 'cases: [{note: a, query: b, wants: 1}]',
    want: 'unknown field wants',
  },
  { name: 'no note', text: 'cases: [{query: b}]', want: 'a case has no note' },
  { name: 'no query', text: 'cases: [{note: b}]', want: 'a case has no query' },
  { name: 'a case that is a text', text: 'cases: [a]', want: 'expected an object for a case' },
  {
    name: 'modules that are a text',
    text: 'cases: [{note: a, query: b, modules: c}]',
    want: 'expected a list for modules',
  },
  {
    name: 'a module that is a number',
    text: 'cases: [{note: a, query: b, modules: [1]}]',
    want: 'expected a string for modules',
  },
  {
    name: 'data that is a list',
    text: 'cases: [{note: a, query: b, data: []}]',
    want: 'expected an object for data',
  },
  {
    name: 'bindings that are a list',
    text: 'cases: [{note: a, query: b, want_result: [[]]}]',
    want: 'expected an object for want_result',
  },
  {
    name: 'a flag that is a text',
    text: 'cases: [{note: a, query: b, strict_error: "true"}]',
    want: 'expected a boolean for strict_error',
  },
  { name: 'an infinite number', text: 'cases: [{note: a, query: b, input: .inf}]', want: 'finite' },
  {
    name: 'an alias',
    text: 'cases: [{note: &a a, query: *a}]',
    want: 'expected a list, a map or a scalar',
  },
  { name: 'a key twice', text: 'cases: [{note: a, note: b, query: c}]', want: /unique/ },
  {
    name: 'a map as a key',
    text: 'cases: [{note: a, query: b, input: {{a: 1}: 2}}]',
    want: 'expected a scalar for a key',
  },
])('$name -> an error that names the file', ({ text, want }) => {
  expect(() => parseCases(text, 'a.yaml')).toThrow(want)
  expect(() => parseCases(text, 'a.yaml')).toThrow(/^a\.yaml: /)
})
