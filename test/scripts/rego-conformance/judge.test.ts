import { expect, test } from 'vitest'
import type { CaseOutcome } from '../../../scripts/rego-conformance/evaluate.ts'
import type { Expectation } from '../../../scripts/rego-conformance/judge.ts'
import { judge } from '../../../scripts/rego-conformance/judge.ts'
import { Decimal } from '../../../src/decide/rego/values/number.ts'
import type { Value } from '../../../src/decide/rego/values/value.ts'
import { objectOf, setOf } from '../../../src/decide/rego/values/value.ts'

const NOTHING: Expectation = {
  wantDefined: undefined,
  wantResult: undefined,
  wantErrorCode: undefined,
  wantError: undefined,
  sortBindings: false,
  ignoreGeneratedVars: false,
}

const x = (value: Value): Value => objectOf([['x', value]])

const results = (...found: Value[]): CaseOutcome => ({ results: found })

const CONFLICT: CaseOutcome = {
  code: 'eval_conflict_error',
  message: 'test-0.rego:3: eval_conflict_error: a complete rule has two values',
}

type Row = {
  readonly name: string
  readonly wanted: Partial<Expectation>
  readonly outcome: CaseOutcome
  readonly want: 'passed' | 'failed' | 'refused'
}

test.for<Row>([
  {
    name: 'the bindings that are wanted',
    wanted: { wantResult: [{ x: 1 }] },
    outcome: results(x(1)),
    want: 'passed',
  },
  {
    name: 'another value',
    wanted: { wantResult: [{ x: 1 }] },
    outcome: results(x(2)),
    want: 'failed',
  },
  {
    name: 'a number of another type',
    wanted: { wantResult: [{ x: 1 }] },
    outcome: results(x('1')),
    want: 'failed',
  },
  { name: 'no result', wanted: { wantResult: [{ x: 1 }] }, outcome: results(), want: 'failed' },
  {
    name: 'a result too many',
    wanted: { wantResult: [{ x: 1 }] },
    outcome: results(x(1), x(2)),
    want: 'failed',
  },
  {
    name: 'a variable too many',
    wanted: { wantResult: [{ x: 1 }] },
    outcome: results(
      objectOf([
        ['x', 1],
        ['y', 1],
      ]),
    ),
    want: 'failed',
  },
  {
    name: 'results in another order',
    wanted: { wantResult: [{ x: 1 }, { x: 2 }] },
    outcome: results(x(2), x(1)),
    want: 'passed',
  },
  {
    name: 'a fraction that no double holds',
    wanted: { wantResult: [{ x: new Decimal(10000000000000000000001n, -22) }] },
    outcome: results(x(new Decimal(10000000000000000000001n, -22))),
    want: 'passed',
  },
  {
    name: 'a whole number one off beyond 2^53',
    wanted: { wantResult: [{ x: 9007199254740993n }] },
    outcome: results(x(9007199254740992n)),
    want: 'failed',
  },
  {
    name: 'a set where its sorted array is wanted',
    wanted: { wantResult: [{ x: [1, 2] }] },
    outcome: results(x(setOf([2, 1]))),
    want: 'passed',
  },
  {
    name: 'a key that is a number where its text is wanted',
    wanted: { wantResult: [{ x: { 7: 1 } }] },
    outcome: results(x(objectOf([[7, 1]]))),
    want: 'passed',
  },
  {
    name: 'an array in another order',
    wanted: { wantResult: [{ x: [1, 2] }] },
    outcome: results(x([2, 1])),
    want: 'failed',
  },
  {
    name: 'an array in another order, where its order is open',
    wanted: { wantResult: [{ x: [1, 2] }], sortBindings: true },
    outcome: results(x([2, 1])),
    want: 'passed',
  },
  {
    name: 'a generated variable, where those are left out',
    wanted: { wantResult: [{ x: 1 }], ignoreGeneratedVars: true },
    outcome: results(
      objectOf([
        ['x', 1],
        ['__localq0__', 2],
      ]),
    ),
    want: 'passed',
  },
  {
    name: 'a generated variable',
    wanted: { wantResult: [{ x: 1 }] },
    outcome: results(
      objectOf([
        ['x', 1],
        ['__localq0__', 2],
      ]),
    ),
    want: 'failed',
  },
  {
    name: 'a result, defined',
    wanted: { wantDefined: true },
    outcome: results(x(1)),
    want: 'passed',
  },
  { name: 'none, defined', wanted: { wantDefined: true }, outcome: results(), want: 'failed' },
  { name: 'none, undefined', wanted: { wantDefined: false }, outcome: results(), want: 'passed' },
  {
    name: 'one, undefined',
    wanted: { wantDefined: false },
    outcome: results(x(1)),
    want: 'failed',
  },
  { name: 'a case that wants nothing', wanted: {}, outcome: results(), want: 'failed' },
  {
    name: 'the error that is wanted',
    wanted: { wantErrorCode: 'eval_conflict_error', wantError: 'two values' },
    outcome: CONFLICT,
    want: 'passed',
  },
  {
    name: 'an error with another code',
    wanted: { wantErrorCode: 'eval_type_error' },
    outcome: CONFLICT,
    want: 'failed',
  },
  {
    name: 'an error with other words',
    wanted: { wantErrorCode: 'eval_conflict_error', wantError: 'three values' },
    outcome: CONFLICT,
    want: 'failed',
  },
  {
    name: 'a result where an error is wanted',
    wanted: { wantErrorCode: 'eval_conflict_error', wantResult: [{ x: 1 }] },
    outcome: results(x(1)),
    want: 'failed',
  },
  {
    name: 'an error where undefined is wanted',
    wanted: { wantResult: [] },
    outcome: CONFLICT,
    want: 'failed',
  },
  {
    name: 'a query that does not compile',
    wanted: { wantResult: [] },
    outcome: { broken: 'no such function' },
    want: 'failed',
  },
  {
    name: 'a built-in that is not supplied',
    wanted: { wantResult: [] },
    outcome: { refused: ['http.send'] },
    want: 'refused',
  },
])('$name -> $want', ({ wanted, outcome, want }) => {
  expect(judge({ ...NOTHING, ...wanted }, outcome).verdict).toBe(want)
})

test.for<Omit<Row, 'want'> & { readonly wordsOnly: boolean }>([
  {
    name: 'the error with other words',
    wanted: { wantErrorCode: 'eval_conflict_error', wantError: 'three values' },
    outcome: CONFLICT,
    wordsOnly: true,
  },
  {
    name: 'any error of OPA, where no code is wanted',
    wanted: { wantError: 'three values' },
    outcome: CONFLICT,
    wordsOnly: true,
  },
  {
    name: 'an error of our own, where no code is wanted',
    wanted: { wantError: 'three values' },
    outcome: { code: 'REGO_BUDGET_EXCEEDED', message: 'too many steps' },
    wordsOnly: false,
  },
  {
    name: 'an error with another code',
    wanted: { wantErrorCode: 'eval_type_error', wantError: 'three values' },
    outcome: CONFLICT,
    wordsOnly: false,
  },
  {
    name: 'a result where an error is wanted',
    wanted: { wantError: 'three values' },
    outcome: results(),
    wordsOnly: false,
  },
])('$name -> differs in words alone: $wordsOnly', ({ wanted, outcome, wordsOnly }) => {
  expect(judge({ ...NOTHING, ...wanted }, outcome)).toMatchObject({ verdict: 'failed', wordsOnly })
})
