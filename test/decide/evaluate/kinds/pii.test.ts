import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../../src/base/json-value.ts'
import { CONTENT_CHARACTERS_MAX } from '../../../../src/base/limits.ts'
import { namesIn } from '../../../../src/decide/evaluate/obligations.ts'
import type { JudgedAction } from '../../../../src/model/nouns.ts'
import { judgeOne, load, policyOf, type RuleChanges, rule } from '../fixtures.ts'
import type { Label } from './labels.ts'
import { missingLabels } from './labels.ts'

const spec = (settings: JsonObject = {}): JsonObject => ({
  detect: ['email', 'payment_card'],
  in: ['payload', 'result'],
  min: 1,
  if_missing: 'find',
  ...settings,
})
const pii = (changes: RuleChanges = {}, settings: JsonObject = {}) =>
  rule({ kind: 'pii', spec: spec(settings), verdict: 'hold', ...changes })

const MAIL = { note: 'write to ana@example.com' }
const CARD = { card: 4111111111111111 }
const LONG = { text: 'x '.repeat(CONTENT_CHARACTERS_MAX / 2 + 1) }
const deny: RuleChanges = { verdict: 'deny' }
const redact: RuleChanges = { verdict: 'redact' }
const shadow: RuleChanges = { mode: 'shadow' }

type Case = {
  readonly label: Label
  readonly name: string
  readonly action: Partial<JudgedAction>
  readonly rule?: RuleChanges
  readonly spec?: JsonObject
  readonly want: string
  readonly says?: RegExp
}

const CASES: readonly Case[] = [
  { label: 'allow', name: 'an empty payload', action: {}, want: 'allow' },
  {
    label: 'allow',
    name: 'no personal data',
    action: { payload: { note: 'hello', n: 42 } },
    want: 'allow',
  },
  {
    label: 'allow',
    name: 'a kind that is not asked for',
    action: { payload: { ip: '192.0.2.7' } },
    want: 'allow',
  },
  {
    label: 'allow',
    name: 'personal data elsewhere',
    action: { context: MAIL, principal: 'ana@example.com' },
    want: 'allow',
  },
  {
    label: 'allow',
    name: 'the payload of a result',
    action: { payload: MAIL, phase: 'result', result: 1 },
    rule: { on: { phase: 'result' }, ...deny },
    want: 'allow',
  },
  {
    label: 'hold',
    name: 'a text',
    action: { payload: MAIL },
    want: 'hold',
    says: /personal data: email/,
  },
  {
    label: 'hold',
    name: 'a number',
    action: { payload: CARD },
    want: 'hold',
    says: /payment_card/,
  },
  {
    label: 'hold',
    name: 'a name of a member',
    action: { payload: { 'ana@example.com': 1 } },
    want: 'hold',
    says: /email/,
  },
  { label: 'hold', name: 'deep down', action: { payload: { a: [{ b: [MAIL] }] } }, want: 'hold' },
  { label: 'deny', name: 'a text', action: { payload: MAIL }, rule: deny, want: 'deny' },
  {
    label: 'deny',
    name: 'a result',
    action: { phase: 'result', result: [MAIL] },
    rule: { on: { phase: 'result' }, ...deny },
    want: 'deny',
  },
  {
    label: 'deny',
    name: 'the context, where a rule looks there',
    action: { context: MAIL },
    rule: deny,
    spec: { in: ['context'] },
    want: 'deny',
  },
  {
    label: 'allow',
    name: 'the agent redacted it already',
    action: { payload: { note: 'write to [redacted:email]' } },
    want: 'allow',
  },
  {
    label: 'shadow',
    name: 'a text',
    action: { payload: MAIL },
    rule: shadow,
    want: 'allow',
    says: /email/,
  },
  {
    label: 'shadow',
    name: 'a missing field',
    action: {},
    rule: shadow,
    spec: { in: ['payload.note'] },
    want: 'allow',
    says: /missing/,
  },
  {
    label: 'boundary',
    name: 'fewer than min',
    action: { payload: MAIL },
    spec: { min: 2 },
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'exactly min',
    action: { payload: { ...MAIL, ...CARD } },
    spec: { min: 2 },
    want: 'hold',
  },
  {
    label: 'boundary',
    name: 'as much text as is looked through',
    action: { payload: { t: LONG.text.slice(0, CONTENT_CHARACTERS_MAX - 1) } },
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'more text than is looked through',
    action: { payload: LONG },
    want: 'hold',
    says: /more text/,
  },
  {
    label: 'boundary',
    name: 'more text, however few are few',
    action: { payload: LONG },
    spec: { min: 1000 },
    want: 'hold',
  },
  {
    label: 'bad-input',
    name: 'a field is missing',
    action: {},
    spec: { in: ['payload.note'] },
    want: 'hold',
    says: /missing/,
  },
  {
    label: 'bad-input',
    name: 'a field is missing in one element',
    action: { payload: { list: [{ note: 'x' }, {}] } },
    spec: { in: ['payload.list[].note'] },
    want: 'hold',
  },
  {
    label: 'bad-input',
    name: 'a missing field may pass',
    action: {},
    spec: { in: ['payload.note'], if_missing: 'pass' },
    want: 'allow',
  },
  {
    label: 'bad-input',
    name: 'a field of another type',
    action: { payload: { note: { text: 'ana@example.com' } } },
    spec: { in: ['payload.note'] },
    want: 'hold',
    says: /email/,
  },
  {
    label: 'bad-input',
    name: 'a lone surrogate beside',
    action: { payload: { note: 'ana@example.com \ud800' } },
    want: 'hold',
  },
  {
    label: 'bad-input',
    name: 'split by characters without width',
    action: { payload: { note: 'ana@exa\u200bmple.com' } },
    want: 'hold',
  },
  {
    label: 'bad-input',
    name: 'a name of a prototype',
    action: { payload: JSON.parse('{"constructor":{"toString":"ana@example.com"}}') },
    want: 'hold',
  },
]

test('the table has every label', () => {
  expect(missingLabels(CASES)).toEqual([])
})

test.for(CASES)('$label: $name -> $want', ({ action, want, says, ...given }) => {
  const { verdict, findings } = judgeOne(pii(given.rule, given.spec), action)
  expect(verdict).toBe(want)
  expect(findings.length > 0).toBe(want !== 'allow' || says !== undefined)
  if (says !== undefined) expect(findings[0]?.message).toMatch(says)
})

describe('what a finding says', () => {
  const payload = { note: 'ana@example.com, bo@example.com', 'cy@example.com': CARD }

  test('kinds, how many, where, as HMACs; no value', () => {
    const { findings } = judgeOne(pii(), { payload })
    const [finding] = findings
    expect(finding?.evidence).toMatchObject({
      count: 4,
      kinds: { email: 3, payment_card: 1 },
      found: [
        { kind: 'email', pointer: '/payload/note' },
        { kind: 'email', pointer: '/payload/note' },
        { kind: 'email', pointer: '/payload/*' },
        { kind: 'payment_card', pointer: '/payload/*/card' },
      ],
    })
    const text = JSON.stringify(findings)
    for (const clear of ['ana@', 'bo@', 'cy@', '4111']) expect(text).not.toContain(clear)
  })

  test('equal values have equal HMACs', () => {
    const { findings } = judgeOne(pii(), {
      payload: { a: 'ana@example.com', b: 'x ana@example.com' },
    })
    const found = findings[0]?.evidence['found'] as { readonly hmac: string }[]
    expect(new Set(found.map(({ hmac }) => hmac)).size).toBe(1)
  })

  test('many places are counted, not listed', () => {
    const list = Array.from({ length: 40 }, (_, i) => `ana${i}@example.com`)
    const { findings } = judgeOne(pii(), { payload: { list } })
    expect(findings[0]?.evidence).toMatchObject({ count: 40, more: 24 })
  })
})

describe('what a finding asks for', () => {
  test.for(['redact', 'tokenise', 'drop'] as const)('%s the pieces that are found', (change) => {
    const { verdict, obligations } = judgeOne(pii({ ...redact, change }), { payload: MAIL })
    expect(verdict).toBe('redact')
    expect(obligations).toEqual([
      { kind: change, paths: ['payload'], rule: 'test/rule', detect: ['email', 'payment_card'] },
    ])
  })

  test('of a result, in the result', () => {
    const on = { phase: 'result' } as const
    const { obligations } = judgeOne(pii({ ...redact, on }), { phase: 'result', result: MAIL })
    expect(obligations).toMatchObject([{ paths: ['result'] }])
  })

  test('nothing with hold', () => {
    expect(judgeOne(pii(), { payload: MAIL }).obligations).toEqual([])
  })
})

test.for([
  { name: 'no kinds', spec: { detect: [] } },
  { name: 'an unknown kind', spec: { detect: ['emial'] } },
  { name: 'a kind of secret', spec: { detect: ['jwt'] } },
  { name: 'a kind that is no text', spec: { detect: [1] } },
  { name: 'no fields', spec: { in: [] } },
  { name: 'a field that is none', spec: { in: ['agent.name'] } },
  { name: 'no least number', spec: { min: 0 } },
  { name: 'a least number that is none', spec: { min: '1' } },
  { name: 'a word for missing that is none', spec: { if_missing: 'skip' } },
  { name: 'a context that cannot be changed', spec: { in: ['context'] }, rule: redact },
])('a bundle with $name does not load', ({ spec: settings, rule: changes }) => {
  expect(() => load({ rules: [pii(changes, settings as JsonObject)] })).toThrow(/test\/rule/)
})

describe('the names of a rule', () => {
  const listed = pii(redact, { detect: ['person_name'], names: ['Ana Souza'] })

  test('are found, and known to what changes fields', () => {
    expect(judgeOne(listed, { payload: { note: 'ask ana souza' } }).verdict).toBe('redact')
    expect(namesIn(policyOf({ rules: [listed] }))('test/rule')).toEqual(['Ana Souza'])
  })

  test('of a rule without any are none; of no rule, an error', () => {
    expect(namesIn(policyOf({ rules: [pii()] }))('test/rule')).toEqual([])
    expect(() => namesIn(policyOf({ rules: [] }))('test/rule')).toThrow(/not known any more/)
  })
})
