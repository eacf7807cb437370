import { expect, test } from 'vitest'
import type { Builtin } from '../../../../src/decide/rego/builtins/builtin.ts'
import { BUILTIN_NAMES, BUILTINS } from '../../../../src/decide/rego/builtins/index.ts'
import { bindBuiltin } from '../../../../src/decide/rego/engine/builtin-calls.ts'
import {
  BUDGET,
  Evaluation,
  EvaluationError,
} from '../../../../src/decide/rego/engine/evaluation.ts'
import { decimal } from '../../../../src/decide/rego/values/number.ts'
import type { Value } from '../../../../src/decide/rego/values/value.ts'
import { objectOf, setOf } from '../../../../src/decide/rego/values/value.ts'

const TEXT_LENGTH = 8 * 1024
const MEMBERS = 1000
const DIGITS = 2000
const LEVELS = 500
const DOUBLINGS = 40
const LONG_NUMBER = 10n ** BigInt(DIGITS) + 7n

/** Each is made anew for each call, since engines and values remember what they found out about one. */
const HOSTILE: Readonly<Record<string, () => Value>> = {
  'one letter over and over': () => 'a'.repeat(TEXT_LENGTH),
  'line breaks': () => '\n'.repeat(TEXT_LENGTH),
  digits: () => '7'.repeat(TEXT_LENGTH),
  'brackets that open': () => '['.repeat(TEXT_LENGTH),
  'objects that open': () => '{"a":'.repeat(TEXT_LENGTH / 5),
  'groups of a pattern': () => '(a|b)*'.repeat(TEXT_LENGTH / 6),
  'directives and escapes': () => '%d%41{{.}}&a=b;'.repeat(TEXT_LENGTH / 16),
  'surrogate pairs': () => 'é😀'.repeat(TEXT_LENGTH / 3),
  'headers of PEM': () => '-----BEGIN CERTIFICATE-----\n'.repeat(TEXT_LENGTH / 28),
  'a long number': () => LONG_NUMBER,
  'a long fraction': () => decimal(LONG_NUMBER, -1500),
  'many numbers': () => Array.from({ length: MEMBERS }, (_, at) => (at * 7919) % 100_003),
  'many long numbers': () => Array.from({ length: 50 }, (_, at) => LONG_NUMBER + BigInt(at)),
  'many texts': () => Array.from({ length: MEMBERS }, (_, at) => `k${(at * 7919) % 100_003}`),
  'a set of texts': () => setOf(Array.from({ length: MEMBERS }, (_, at) => `k${at}`)),
  'a set of arrays': () => setOf(Array.from({ length: MEMBERS }, (_, at) => [at])),
  'many members': () => objectOf(Array.from({ length: MEMBERS }, (_, at) => [`k${at}`, `k${at}`])),
  'keys that are arrays': () => objectOf(Array.from({ length: MEMBERS }, (_, at) => [[at], at])),
  'nested arrays': () => nested((inner) => [inner]),
  'nested objects': () => nested((inner) => ({ a: inner })),
  'shared arrays': () => doubled((part) => [part, part]),
  'shared objects': () => doubled((part) => ({ a: part, b: part })),
  'a set beside shared arrays': () => [doubled((part) => [part, part]), setOf([1])],
}

test.for(BUILTIN_NAMES)('%s ends whatever its operands are', (name) => {
  const { length } = BUILTINS.get(name) as Builtin
  const arity = Math.max(1, length - 1)
  for (const [shape, make] of Object.entries(HOSTILE)) {
    for (const operands of arrangements(make, arity)) {
      const { end } = run(name, operands)
      expect(end, `${name} of ${shape}`).toMatch(
        /^(value|REGO_BUILTIN_ERROR|REGO_BUDGET_EXCEEDED)$/,
      )
    }
  }
})

const PARTS = (): Value => doubled((part) => [part, part])
const TREE = (): Value => doubled((part) => ({ a: part, b: part }))

test.for(['and', 'or', 'minus'])('%s of two large sets is charged for each member', (name) => {
  const large = (from: number): Value =>
    setOf(Array.from({ length: MEMBERS }, (_, at) => [from + at]))
  expect(run(name, [large(0), large(1)]).steps).toBeGreaterThan(5 * MEMBERS)
})

test.for<readonly [name: string, make: () => readonly Value[]]>([
  ['equal', () => [PARTS(), PARTS()]],
  ['neq', () => [PARTS(), PARTS()]],
  ['lt', () => [PARTS(), PARTS()]],
  ['lte', () => [TREE(), TREE()]],
  ['gt', () => [TREE(), TREE()]],
  ['gte', () => [PARTS(), PARTS()]],
  ['sort', () => [[PARTS(), PARTS()]]],
  ['max', () => [[PARTS(), PARTS()]]],
  ['min', () => [[TREE(), TREE()]]],
  ['internal.member_2', () => [PARTS(), [PARTS()]]],
  ['internal.member_2', () => [PARTS(), setOf([1])]],
  ['internal.member_3', () => [PARTS(), 1, setOf([1])]],
  ['internal.member_3', () => [0, PARTS(), [PARTS()]]],
  ['object.get', () => [objectOf([['a', 1]]), [PARTS()], null]],
  ['object.remove', () => [{ a: 1 }, [PARTS()]]],
  ['object.filter', () => [{ a: 1 }, [PARTS()]]],
  ['object.union', () => [TREE(), TREE()]],
  ['object.union_n', () => [[TREE(), TREE()]]],
  ['object.subset', () => [TREE(), TREE()]],
  ['object.subset', () => [[PARTS()], [PARTS()]]],
  ['graph.reachable', () => [{ a: [PARTS()] }, ['a']]],
  ['graph.reachable_paths', () => [{ a: [PARTS()] }, ['a']]],
  ['walk', () => [PARTS()]],
  ['json.marshal', () => [PARTS()]],
  ['json.patch', () => [{ a: PARTS() }, [{ op: 'test', path: '/a', value: PARTS() }]]],
  ['yaml.marshal', () => [TREE()]],
  ['sprintf', () => ['%v', [PARTS()]]],
  ['json.match_schema', () => [TREE(), { enum: [TREE()] }]],
])('%s of values that share their parts forty levels deep ends with the budget', ([name, make]) => {
  expect(run(name, make()).end).toBe('REGO_BUDGET_EXCEEDED')
})

test.for<readonly [name: string, make: () => readonly Value[], units: number]>([
  ['contains', () => [`${'a'.repeat(20_000)}`, `b${'a'.repeat(9_000)}`], 29_000 / 4],
  ['lower', () => ['Ω'.repeat(TEXT_LENGTH)], TEXT_LENGTH],
  ['upper', () => ['Ω'.repeat(TEXT_LENGTH)], TEXT_LENGTH],
  ['glob.quote_meta', () => ['*'.repeat(TEXT_LENGTH)], TEXT_LENGTH / 2],
  ['base64.decode', () => ['QUJD'.repeat(TEXT_LENGTH / 4)], TEXT_LENGTH / 2],
  ['and', () => [setOf([LONG_NUMBER, 1]), setOf([LONG_NUMBER, 2])], 500],
  ['minus', () => [setOf([LONG_NUMBER, 1]), setOf([LONG_NUMBER, 2])], 500],
  ['internal.member_2', () => [LONG_NUMBER, setOf([1])], 500],
  ['object.get', () => [objectOf([['a', 1]]), LONG_NUMBER, null], 500],
  ['object.filter', () => [objectOf([['a', 1]]), [LONG_NUMBER]], 500],
  ['sort', () => [Array.from({ length: MEMBERS }, (_, at) => -at)], MEMBERS * 10],
  ['gt', () => [decimal(LONG_NUMBER, -1500), decimal(LONG_NUMBER, -1501)], 500],
])('%s is charged for what it takes beyond its surface', ([name, make, units]) => {
  expect(run(name, make()).steps).toBeGreaterThanOrEqual(units)
})

/** How a call ended, and the units of work it was charged. */
function run(name: string, operands: readonly Value[]): { end: string; steps: number } {
  const builtin = BUILTINS.get(name) as Builtin
  const bound = bindBuiltin(builtin, { name, arity: operands.length, lax: false })
  const evaluation = new Evaluation(BUDGET, new Map(), 1)
  try {
    bound(evaluation, ...operands)
    return { end: 'value', steps: BUDGET.steps - evaluation.steps }
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error
    return { end: error.code, steps: BUDGET.steps - evaluation.steps }
  }
}

/** The value everywhere, and in each place beside operands that most built-ins take. */
function arrangements(make: () => Value, arity: number): Value[][] {
  const everywhere = Array.from({ length: arity }, make)
  if (arity === 1) return [everywhere]
  const small = (): Value[] => Array.from({ length: arity }, (_, at) => (at < 2 ? 'a' : 1))
  return [everywhere, ...[0, 1].map((place) => small().with(place, make()))]
}

function nested(wrap: (inner: Value) => Value): Value {
  let value: Value = 1
  for (let level = 0; level < LEVELS; level++) value = wrap(value)
  return value
}

function doubled(pair: (part: Value) => Value): Value {
  let value: Value = pair('x')
  for (let level = 0; level < DOUBLINGS; level++) value = pair(value)
  return value
}
