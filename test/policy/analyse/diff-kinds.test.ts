import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hmacKey } from '../../../src/base/digest.ts'
import { compileGlob } from '../../../src/base/glob.ts'
import type { JsonValue } from '../../../src/base/json-value.ts'
import { factsOf } from '../../../src/decide/evaluate/facts.ts'
import { compileTest } from '../../../src/decide/evaluate/field-test.ts'
import { KINDS } from '../../../src/decide/evaluate/kinds/index.ts'
import { parseAction } from '../../../src/model/action.ts'
import type { Direction } from '../../../src/model/policy-diff.ts'
import { compareFieldTests } from '../../../src/policy/analyse/diff-field-test.ts'
import { kindComparator } from '../../../src/policy/analyse/diff-kinds.ts'
import { compareSelectors, covers, coversTool } from '../../../src/policy/analyse/diff-selector.ts'

type Row = {
  readonly kind: string
  readonly before: object
  readonly after: object
  readonly want: readonly Direction[]
}

test.for<Row>([
  { kind: 'scope', before: { tools: ['a.b'] }, after: { tools: ['a.*'] }, want: ['weaker'] },
  { kind: 'scope', before: { tools: ['a.*'] }, after: { tools: ['a.b'] }, want: ['stronger'] },
  { kind: 'scope', before: { tools: ['a.b', 'a.*'] }, after: { tools: ['a.*'] }, want: [] },
  { kind: 'scope', before: { tools: ['a.b'] }, after: { tools: 7 }, want: ['unclear'] },
  { kind: 'loop', before: { repeats: 4 }, after: { repeats: 5 }, want: ['weaker'] },
  { kind: 'loop', before: { period_max: 1 }, after: { period_max: 3 }, want: ['stronger'] },
  { kind: 'loop', before: { compare: 'tool' }, after: { compare: 'arguments' }, want: ['weaker'] },
  { kind: 'loop', before: { by: ['agent'] }, after: { by: ['session'] }, want: ['unclear'] },
  { kind: 'flow', before: { within: '1h' }, after: { within: '2h' }, want: ['stronger'] },
  {
    kind: 'flow',
    before: { after: { service: 'a', action: 'x' } },
    after: { after: { service: 'a' } },
    want: ['stronger'],
  },
  {
    kind: 'flow',
    before: { after: { service: ['a', 'b'] } },
    after: { after: { service: 'b' } },
    want: ['weaker'],
  },
  { kind: 'velocity', before: { limit: 5 }, after: { limit: '5' }, want: ['unclear'] },
  { kind: 'velocity', before: { limit: 5 }, after: {}, want: ['unclear'] },
  {
    kind: 'cost',
    before: { limit: { amount: '9.50', currency: 'EUR' } },
    after: { limit: { amount: '10', currency: 'EUR' } },
    want: ['weaker'],
  },
  {
    kind: 'cost',
    before: { limit: { amount: '9.50', currency: 'EUR' } },
    after: { limit: { amount: '1', currency: 'USD' } },
    want: ['unclear'],
  },
  { kind: 'cost', before: { settle: 'raise' }, after: { settle: 'exact' }, want: ['weaker'] },
  { kind: 'pii', before: { detect: ['email', 'ip'] }, after: { detect: ['ip'] }, want: ['weaker'] },
  { kind: 'secret', before: { entropy: true }, after: { entropy: false }, want: ['weaker'] },
  { kind: 'media', before: { bytes_max: 10 }, after: {}, want: ['weaker'] },
  { kind: 'media', before: { types: ['image/*'] }, after: {}, want: ['weaker'] },
  {
    kind: 'media',
    before: { types: ['image/*'] },
    after: { types: ['image/png'] },
    want: ['stronger'],
  },
  {
    kind: 'confidence',
    before: { below: { low: 0.5, high: 0.9 } },
    after: { below: { low: 0.6, high: 0.8 } },
    want: ['weaker', 'stronger'],
  },
  {
    kind: 'principal',
    before: { allow: ['a'] },
    after: { groups: ['g'] },
    want: ['unclear', 'unclear'],
  },
  {
    kind: 'residency',
    before: { regions: ['eu-*'] },
    after: { regions: ['*'] },
    want: ['weaker', 'stronger'].slice(0, 1) as Direction[],
  },
  { kind: 'nobody-knows-it', before: { limit: 5 }, after: { limit: 4 }, want: ['unclear'] },
])('$kind $before -> $after is $want', ({ kind, before, after, want }) => {
  const found = kindComparator(kind).compare(before, after)
  expect(found.map(({ direction }) => direction)).toEqual(want)
})

test('every kind: a setting that nobody knows is unclear, and so is a wider selector of an unknown kind', () => {
  for (const kind of [...KINDS.keys(), 'nobody-knows-it']) {
    const comparator = kindComparator(kind)
    const outcomes = comparator.compare(
      { invented: 1, path: 'payload.a', above: 1 },
      { path: 'payload.a', above: 1 },
    )
    expect(
      outcomes.map(({ direction }) => direction),
      kind,
    ).toContain('unclear')
  }
  expect(kindComparator('nobody-knows-it').monotone).toBe(false)
})

describe('selectors', () => {
  test.for([
    {
      name: 'a glob instead of a name',
      before: { action: 'refund_one' },
      after: { action: 'refund_*' },
      want: ['stronger'],
    },
    {
      name: 'a name instead of a glob',
      before: { action: 'refund_*' },
      after: { action: 'refund_one' },
      want: ['weaker'],
    },
    {
      name: 'others',
      before: { action: 'a' },
      after: { action: 'b' },
      want: ['stronger', 'weaker'],
    },
    {
      name: 'a key less',
      before: { action: 'a', agent: 'x' },
      after: { action: 'a' },
      want: ['stronger'],
    },
    {
      name: 'all effects named',
      before: {},
      after: { effect: ['read', 'write', 'irreversible'] },
      want: [],
    },
    {
      name: 'an effect less',
      before: { effect: ['write', 'irreversible'] },
      after: { effect: 'irreversible' },
      want: ['weaker'],
    },
    { name: 'results too', before: {}, after: { phase: ['call', 'result'] }, want: ['stronger'] },
    {
      name: 'results instead',
      before: {},
      after: { phase: 'result' },
      want: ['stronger', 'weaker'],
    },
    { name: 'a key that nobody knows', before: {}, after: { moon: 'full' }, want: ['unclear'] },
    { name: 'one star for another', before: { service: '*' }, after: {}, want: [] },
  ])('$name -> $want', ({ before, after, want }) => {
    const found = compareSelectors(before, after, 'stronger', '/on')
    expect(found.map(({ direction }) => direction)).toEqual(want)
  })

  test('no direction is told for what does not simply find more in more', () => {
    const found = compareSelectors({ action: 'a' }, { action: 'b' }, 'unclear', '/on')
    expect(found.map(({ direction }) => direction)).toEqual(['unclear', 'unclear'])
  })

  const glob = fc.string({ unit: fc.constantFrom('a', 'b', '*'), minLength: 1, maxLength: 6 })
  const name = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 })

  test('property: a name that the narrow glob matches is matched by one that covers it', () => {
    fc.assert(
      fc.property(glob, glob, name, (wide, narrow, one) => {
        if (covers(wide, narrow) && compileGlob(narrow)(one))
          expect(compileGlob(wide)(one)).toBe(true)
      }),
      { numRuns: 3000 },
    )
  })

  test('no glob reaches from the service into the action', () => {
    expect(coversTool('a.*', 'a.b*')).toBe(true)
    expect(coversTool('*.b', 'a.b')).toBe(true)
    expect(coversTool('a*.b', 'a.x.b')).toBe(false)
  })
})

describe('field tests', () => {
  const scalar = fc.constantFrom<JsonValue>(null, true, false, 0, 1, 5, '', 'a', 'ab', '5')
  const value = fc.oneof(scalar, fc.array(scalar, { maxLength: 3 }))
  const bound = fc.integer({ min: -2, max: 6 })
  const patterns = fc.uniqueArray(fc.constantFrom('a', 'b', '^$', '[0-9]'), { minLength: 1 })
  const operator = fc.oneof(
    fc.record({ above: bound }),
    fc.record({ below: bound }),
    fc.record({ longer_than: fc.nat(4) }),
    fc.record({ equals: scalar }),
    fc.record({ not_equals: scalar }),
    fc.record({ one_of: fc.uniqueArray(scalar, { minLength: 1, maxLength: 4 }) }),
    fc.record({ none_of: fc.uniqueArray(scalar, { minLength: 1, maxLength: 4 }) }),
    fc.record({ matches: patterns }),
    fc.record({ not_matches: patterns }),
  )
  const field = fc.record({
    paths: fc.uniqueArray(fc.constantFrom('payload.a', 'payload.b'), { minLength: 1 }),
    if_missing: fc.constantFrom('find', 'pass'),
  })
  const fieldTest = fc.tuple(field, operator).map(([rest, one]) => ({ ...rest, ...one }))
  const payload = fc.record({ a: value, b: value }, { requiredKeys: [] })
  const place = { id: 'r/r', file: 'f', line: 1, column: 1 }
  const key = hmacKey(new Uint8Array(32))

  const holds = (one: object, given: object): boolean => {
    const action = parseAction(
      { agent: 'a', service: 's', action: 'x', payload: given },
      { project: 'p', agents: ['*'], role: 'agent' },
    )
    const target = { ...action, effect: null, phase: 'call' as const }
    return compileTest(place, one).holds(factsOf(action, { target, tool: null }, key))
  }

  /** The same operator on both sides, so that most pairs can be told. */
  const pair = fc.oneof(
    fc.tuple(fieldTest, fieldTest),
    fc.tuple(fieldTest, field).map(([one, rest]) => [one, { ...one, ...rest }] as const),
    ...[{ name: 'one_of' }, { name: 'none_of' }].map(({ name }) =>
      fc.tuple(field, fc.array(scalar, { minLength: 1 }), fc.array(scalar, { minLength: 1 })).map(
        ([rest, a, b]) =>
          [
            { ...rest, [name]: a },
            { ...rest, [name]: b },
          ] as const,
      ),
    ),
  )

  test('property: a test that is only stronger holds for all that it held for; only weaker, the reverse', () => {
    let told = 0
    fc.assert(
      fc.property(pair, payload, ([before, after], given) => {
        const found = new Set(
          compareFieldTests(before, after, '/pattern').map(({ direction }) => direction),
        )
        found.delete('neutral')
        if (found.has('unclear')) return
        const [old, now] = [holds(before, given), holds(after, given)]
        told += 1
        if (!found.has('weaker') && old) expect(now).toBe(true)
        if (!found.has('stronger') && now) expect(old).toBe(true)
      }),
      { numRuns: 5000 },
    )
    expect(told).toBeGreaterThan(500)
  })
})
