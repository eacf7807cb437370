import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../../src/base/json-value.ts'
import { CONTENT_CHARACTERS_MAX } from '../../../../src/base/limits.ts'
import { SECRET_KINDS } from '../../../../src/decide/detect/index.ts'
import { applyObligations } from '../../../../src/decide/evaluate/index.ts'
import type { CompiledRule } from '../../../../src/model/generated/types.ts'
import type { JudgedAction } from '../../../../src/model/nouns.ts'
import { BASE62, body, checksummed, HEX, mixed, pem } from '../../detect/secret-samples.ts'
import { judgeOne, load, type RuleChanges, rule } from '../fixtures.ts'
import type { Label } from './labels.ts'
import { missingLabels } from './labels.ts'

const kind = 'secret'
const TOKEN = checksummed('ghp_', 5)
const OTHER = checksummed('ghp_', 6)
const RANDOM = mixed(BASE62, 30, 4)

function spec(changes: CompiledRule['spec'] = {}): CompiledRule['spec'] {
  const detect = SECRET_KINDS.filter((one) => one !== 'generic_secret')
  return {
    detect,
    in: ['payload', 'result'],
    entropy: true,
    min: 1,
    if_missing: 'find',
    ...changes,
  }
}

type Case = {
  readonly label: Label
  readonly name: string
  readonly payload?: JsonObject
  readonly action?: Partial<JudgedAction>
  readonly spec?: CompiledRule['spec']
  readonly rule?: RuleChanges
  readonly want: string
}

const CASES: readonly Case[] = [
  { label: 'allow', name: 'nothing in it', payload: { note: 'charged twice' }, want: 'allow' },
  {
    label: 'allow',
    name: 'a credential in a field that is not looked at',
    payload: { note: 'x', log: TOKEN },
    spec: { in: ['payload.note'] },
    want: 'allow',
  },
  {
    label: 'allow',
    name: 'a credential of another kind',
    payload: { note: TOKEN },
    spec: { detect: ['jwt'], entropy: false },
    want: 'allow',
  },
  {
    label: 'allow',
    name: 'random text where only formats count',
    payload: { note: `token ${RANDOM}` },
    spec: { entropy: false },
    want: 'allow',
  },
  {
    label: 'hold',
    name: 'a token',
    payload: { note: TOKEN },
    rule: { verdict: 'hold' },
    want: 'hold',
  },
  {
    label: 'hold',
    name: 'a password that is masked where it runs after an approval',
    payload: { user: { password: 'hunter2' } },
    rule: { verdict: 'hold' },
    want: 'hold',
  },
  {
    label: 'deny',
    name: 'a token deep inside',
    payload: { a: [{ b: [`x ${TOKEN}`] }] },
    want: 'deny',
  },
  {
    label: 'deny',
    name: 'a private key',
    payload: { f: pem(`EC ${'PRIVATE'} KEY`) },
    want: 'deny',
  },
  {
    label: 'deny',
    name: 'random text near a word',
    payload: { note: `token ${RANDOM}` },
    want: 'deny',
  },
  { label: 'deny', name: 'random text in a member', payload: { apiKey: RANDOM }, want: 'deny' },
  {
    label: 'deny',
    name: 'a number as a password',
    payload: { password: 73_194_650 },
    want: 'deny',
  },
  { label: 'deny', name: "a token as a member's name", payload: { [TOKEN]: 1 }, want: 'deny' },
  {
    label: 'deny',
    name: 'in the context, where the rule says so',
    action: { context: { thought: TOKEN } },
    spec: { in: ['context'] },
    want: 'deny',
  },
  {
    label: 'deny',
    name: 'in a result',
    action: { phase: 'result', result: { rows: [TOKEN] } },
    rule: { on: { phase: 'result' } },
    want: 'deny',
  },
  {
    label: 'shadow',
    name: 'a token in shadow',
    payload: { note: TOKEN },
    rule: { mode: 'shadow' },
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'one where two are needed',
    payload: { note: TOKEN },
    spec: { min: 2 },
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'two where two are needed',
    payload: { note: TOKEN, log: OTHER },
    spec: { min: 2 },
    want: 'deny',
  },
  {
    label: 'boundary',
    name: 'as much text as is looked through',
    payload: { note: ' '.repeat(CONTENT_CHARACTERS_MAX - 'note'.length) },
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'one character more',
    payload: { note: ' '.repeat(CONTENT_CHARACTERS_MAX - 'note'.length + 1) },
    want: 'deny',
  },
  {
    label: 'boundary',
    name: 'a token that lacks a character',
    payload: { note: TOKEN.slice(0, -1) },
    want: 'allow',
  },
  {
    label: 'bad-input',
    name: 'a field that is missing',
    payload: {},
    spec: { in: ['payload.note'] },
    want: 'deny',
  },
  {
    label: 'bad-input',
    name: 'a field that may be missing',
    payload: {},
    spec: { in: ['payload.note'], if_missing: 'pass' },
    want: 'allow',
  },
  {
    label: 'bad-input',
    name: 'of another type',
    payload: { note: null, flag: true, list: [[], {}] },
    want: 'allow',
  },
  {
    label: 'bad-input',
    name: 'half a surrogate pair around it',
    payload: { note: `\ud800 ${TOKEN} \udc00` },
    want: 'deny',
  },
  {
    label: 'bad-input',
    name: "a name of the language's own",
    payload: { constructor: TOKEN, toString: 'x' } as JsonObject,
    want: 'deny',
  },
  {
    label: 'bad-input',
    name: 'a mask before the token',
    payload: { note: `[redacted:github_token]${TOKEN}` },
    want: 'deny',
  },
]

test.for(CASES)(
  '$label: $name -> $want',
  ({ payload, action, spec: changes, rule: more, want }) => {
    const one = rule({ kind, spec: spec(changes), ...more })
    expect(judgeOne(one, { payload: payload ?? {}, ...action }).verdict).toBe(want)
  },
)

test('a reference is no credential: the rule has nothing to say of it', () => {
  const payload = { password: 'secret://env/DB', note: 'token secret://vault/a1B2c3D4e5F6#g7H8' }
  const { findings } = judgeOne(rule({ kind, spec: spec() }), { payload })
  expect(findings.map(({ rule: id }) => id)).not.toContain('test/rule')
})

test('the table has every label', () => {
  expect(missingLabels(CASES)).toEqual([])
})

describe('what is told', () => {
  const secretText = `${TOKEN} and ${RANDOM}`
  const judged = judgeOne(rule({ kind, spec: spec(), verdict: 'hold' }), {
    payload: { note: `token ${RANDOM}`, list: [{ log: secretText }], [OTHER]: { a: TOKEN } },
  })

  test('kinds, counts, places and HMACs', () => {
    expect(judged.findings[0]?.evidence).toMatchObject({
      count: 4,
      kinds: { generic_secret: 1, github_token: 3 },
      found: expect.arrayContaining([
        {
          kind: 'generic_secret',
          pointer: '/payload/note',
          hmac: expect.stringMatching(/^[0-9a-f]{16}$/),
        },
        {
          kind: 'github_token',
          pointer: '/payload/list/0/log',
          hmac: expect.stringMatching(/^[0-9a-f]{16}$/),
        },
        {
          kind: 'github_token',
          pointer: '/payload/*',
          hmac: expect.stringMatching(/^[0-9a-f]{16}$/),
        },
      ]),
    })
  })

  test('the same credential has the same HMAC wherever it stands', () => {
    const evidence = judged.findings[0]?.evidence as { found: { pointer: string; hmac: string }[] }
    const at = (pointer: string) => evidence.found.find((one) => one.pointer === pointer)?.hmac
    expect(at('/payload/list/0/log')).toBe(at('/payload/*/a'))
  })

  test('no credential, not even as a name', () => {
    const text = JSON.stringify(judged)
    for (const secret of [TOKEN, OTHER, RANDOM]) expect(text).not.toContain(secret)
  })

  test('at most 16 places, and how many more', () => {
    const list = Array.from({ length: 20 }, (_, i) => checksummed('ghp_', i + 20))
    const { findings } = judgeOne(rule({ kind, spec: spec() }), { payload: { list } })
    expect(findings[0]?.evidence).toMatchObject({ count: 20, more: 4 })
  })
})

describe('what is changed', () => {
  const mask = rule({ kind, spec: spec({ in: ['payload'] }), verdict: 'redact' })
  const payload = { note: `see ${TOKEN}, ok`, password: 'hunter2', amount: 5, [OTHER]: 1 }
  const judged = judgeOne(mask, { payload })

  test('then: redact names the kinds, so that no more than they find is changed', () => {
    expect(judged.verdict).toBe('redact')
    expect(judged.obligations).toEqual([
      { kind: 'redact', paths: ['payload'], rule: 'test/rule', detect: [...SECRET_KINDS] },
    ])
  })

  test('the credentials go and the rest stays', () => {
    const changed = applyObligations({ payload }, judged.obligations, () => 'x')
    expect(changed.payload).toEqual({
      note: 'see [redacted:github_token], ok',
      password: '[redacted:password]',
      amount: 5,
      '[redacted:github_token]': 1,
    })
  })

  test('what was changed is found no more', () => {
    const changed = applyObligations({ payload }, judged.obligations, () => 'x')
    expect(judgeOne(mask, { payload: changed.payload }).verdict).toBe('allow')
  })

  test.for([
    { name: 'tokenise', change: 'tokenise' as const, want: 'see tok_github_token_1, ok' },
    { name: 'drop', change: 'drop' as const, want: 'see , ok' },
  ])('then: $name -> $want', ({ change, want }) => {
    const one = rule({ kind, spec: spec({ in: ['payload.note'] }), verdict: 'redact', change })
    const { obligations } = judgeOne(one, { payload })
    const changed = applyObligations({ payload }, obligations, (_, what) => `tok_${what}_1`)
    expect(changed.payload['note']).toBe(want)
  })

  test.for([['payload'], ['payload.password["1"]', 'payload.login[0]']])(
    'what members named by numbers hold is found and changed alike, by %j',
    (paths) => {
      const payload = { password: { 1: 'hunter2x' }, login: [{ pass_word: 'hunter2x' }] }
      const looks = spec({ in: [...paths], entropy: false })
      const one = rule({ kind, spec: looks, verdict: 'redact' })
      const { obligations, findings } = judgeOne(one, { payload })
      expect(findings[0]?.evidence).toMatchObject({ count: 2 })
      expect(applyObligations({ payload }, obligations, () => '').payload).toEqual({
        password: { 1: '[redacted:password]' },
        login: [{ pass_word: '[redacted:password]' }],
      })
    },
  )

  test('a hold changes nothing by itself', () => {
    expect(
      judgeOne(rule({ kind, spec: spec(), verdict: 'hold' }), { payload }).obligations,
    ).toEqual([])
  })
})

test.for([
  { name: 'no kinds', spec: spec({ detect: [] }) },
  { name: 'a kind that nobody knows', spec: spec({ detect: ['github_tokens'] }) },
  { name: 'a kind of personal data', spec: spec({ detect: ['email'] }) },
  { name: 'a number as entropy', spec: spec({ entropy: 1 }) },
  { name: 'min 0', spec: spec({ min: 0 }) },
  { name: 'a text as min', spec: spec({ min: '1' }) },
  { name: 'a field that no action has', spec: spec({ in: ['paylod.note'] }) },
  { name: 'no fields', spec: spec({ in: [] }) },
  { name: 'another word for missing', spec: spec({ if_missing: 'skip' }) },
])('a bundle with $name does not load', ({ spec: wrong }) => {
  expect(() => load({ rules: [rule({ kind, spec: wrong })] })).toThrow(/test\/rule/)
})

test('a bundle that would change the context does not load', () => {
  const one = rule({ kind, spec: spec({ in: ['context.note'] }), verdict: 'redact' })
  expect(() => load({ rules: [one] })).toThrow(/alone can be changed/)
})

test('what the hexadecimal sample stands for is no credential by itself', () => {
  expect(judgeOne(rule({ kind, spec: spec() }), { payload: { id: body(HEX, 32) } }).verdict).toBe(
    'allow',
  )
})
