import { expect, test } from 'vitest'
import { changeWord, mayWeaken } from '../../../src/model/policy-diff.ts'
import { covers } from '../../../src/policy/analyse/diff-selector.ts'
import { changesOf } from './sides.ts'

/** A rule beside the others. */
const rule = (text: string): readonly [string, string] => [
  '  - id: refunds/often',
  `  - { id: x/y, ${text} }\n  - id: refunds/often`,
]

const PAY: readonly [string, string] = [
  'refund: { effect: write }',
  'refund: { effect: write }\n  pay: { effect: write, priority: high }',
]

const HELD: readonly [string, string] = ['project: shop\n', 'project: shop\nunknown_tools: hold\n']

/** A result of which three members are named as the parts of a place are. */
const PLACED =
  'on: { service: shop, action: refund, phase: result }, output: { in: result, schema: { properties: { file: { type: string }, line: { type: integer }, column: { type: integer } } } }, then: deny'

type Row = {
  readonly name: string
  readonly first: readonly (readonly [string, string])[]
  readonly from: string
  readonly to: string
  readonly want: readonly string[]
}

test.for<Row>([
  {
    name: 'a selector of which only an odd character is left',
    first: [rule('on: { action: "*" }, then: deny')],
    from: 'action: "*"',
    to: 'action: "\\ue000"',
    want: ['rule x/y: weakened', 'weaker action: no longer *'],
  },
  {
    name: 'a scope that had an odd character only',
    first: [['shop.read_*, shop.refund', '"shop.\\ue000", shop.refund']],
    from: '"shop.\\ue000", shop.refund',
    to: 'shop.*',
    want: ['agent clerk: weakened', 'weaker may now use shop.*'],
  },
  {
    name: 'a schema whose members are named as a place is',
    first: [rule(PLACED)],
    from: 'file: { type: string }',
    to: 'file: {}',
    want: [
      'rule x/y: changed',
      'unclear schema: {"properties":{"column":{"type":"integer"},"file":{"type":"string"},"line":{"type":"integer"}}} -> {"properties":{"column":{"type":"integer"},"file":{},"line":{"type":"integer"}}}',
    ],
  },
  {
    name: 'a self-test whose payload is named as a place is',
    first: [
      [
        'project: shop\n',
        'project: shop\nself_test: [{ name: a, action: { agent: clerk, service: shop, action: delete, payload: { file: a, line: 1, column: 1 } } }]\n',
      ],
    ],
    from: 'payload: { file: a,',
    to: 'payload: { file: b,',
    want: [
      'project shop: weakened',
      'weaker self_test: no longer asked: a',
      'stronger self_test: now asked: a',
    ],
  },
  {
    name: 'an effect raised, so that a rule takes the place of the default',
    first: [
      PAY,
      rule(
        'on: { service: shop, effect: irreversible }, pattern: { path: payload.x, equals: 1 }, then: deny',
      ),
    ],
    from: 'pay: { effect: write,',
    to: 'pay: { effect: irreversible,',
    want: [
      'tool shop.pay: changed',
      'stronger effect: write -> irreversible',
      "unclear the project's default no longer applies to shop.pay",
    ],
  },
  {
    name: 'a rule that takes the place of a default, beside one about everything, which does not',
    first: [PAY, rule('loop: { repeats: 3 }, then: deny')],
    from: '  - id: refunds/often',
    to: '  - { id: y/z, on: { action: pay }, velocity: { limit: 5, per: 1m }, then: deny }\n  - id: refunds/often',
    want: [
      'rule y/z: added',
      'stronger velocity rule, then deny',
      "unclear the project's default no longer applies to shop.pay",
    ],
  },
  {
    name: 'a redaction that no longer asks for the field that it changes',
    first: [
      rule(
        'on: { action: refund }, when: [{ path: payload.note, longer_than: 3 }], then: redact, redact: [payload.note]',
      ),
    ],
    from: 'when: [{ path: payload.note, longer_than: 3 }], ',
    to: '',
    want: [
      'rule x/y: changed',
      'unclear when: also unless {"if_missing":"find","longer_than":3,"path":"payload.note"}',
    ],
  },
  {
    name: 'a priority raised to one whose default is milder',
    first: [PAY, ['high: hold, critical: deny', 'high: deny, critical: hold']],
    from: 'pay: { effect: write, priority: high',
    to: 'pay: { effect: write, priority: critical',
    want: [
      'tool shop.pay: changed',
      'unclear priority: high -> critical; the default there is milder: hold',
    ],
  },
  {
    name: 'a tool that was never automated and is held as an unknown one',
    first: [HELD, [PAY[0], `${PAY[0]}\n  pay: { effect: write, automate: never }`]],
    from: '\n  pay: { effect: write, automate: never }',
    to: '',
    want: ['tool shop.pay: removed', 'unclear unknown now, which is hold'],
  },
  {
    name: 'a tool of a priority that a rule denies, held as an unknown one',
    first: [HELD, PAY, rule('on: { priority: [high] }, then: deny')],
    from: '\n  pay: { effect: write, priority: high }',
    to: '',
    want: ['tool shop.pay: removed', 'unclear unknown now, which is hold'],
  },
])('$name -> may weaken', async ({ first, from, to, want }) => {
  const changes = await changesOf([[from, to]], first)
  const found = changes.flatMap((change) => [
    `${change.part} ${change.id}: ${changeWord(change)}`,
    ...change.differences.map(({ direction, message }) => `${direction} ${message}`),
  ])
  expect(found).toEqual(want)
  expect(changes.some(mayWeaken)).toBe(true)
})

test.for([
  { wide: '*', narrow: 'a*', want: true },
  { wide: 'a*b', narrow: 'a*b', want: true },
  { wide: 'a*', narrow: '*', want: false },
  { wide: '\n', narrow: '*', want: false },
  { wide: '*\n', narrow: '*', want: false },
  { wide: '\ue000', narrow: '*', want: false },
  { wide: '\n*', narrow: '\n*', want: true },
])('$wide covers $narrow: $want', ({ wide, narrow, want }) => {
  expect(covers(wide, narrow)).toBe(want)
})
