import { describe, expect, test } from 'vitest'
import type { JsonObject, JsonValue } from '../../../src/base/json-value.ts'
import type { CompiledPolicy } from '../../../src/model/generated/types.ts'
import { agent, load, run, tool } from './fixtures.ts'

const PLACE = { file: 'policies/agents/billing.yaml', line: 9, column: 5 }
const MAY = [
  { secret: 'secret://env/STRIPE_KEY', tools: ['billing.refund'], rotate_by: null, ...PLACE },
  { secret: 'secret://file/mail/*', tools: ['crm.*'], rotate_by: null, ...PLACE },
]
const SECRETS: NonNullable<CompiledPolicy['secrets']> = {
  env: ['STRIPE_*'],
  file: '/run/s',
  vault: null,
}
const POLICY: Partial<CompiledPolicy> = {
  agents: [agent({ credentials: MAY })],
  secrets: SECRETS,
  tools: [
    tool({ secret_texts: ['payload.headers.authorization', 'payload.urls[]'] }),
    tool({ service: 'crm', action: 'export' }),
  ],
}

function judge(
  payload: JsonObject,
  changes: { policy?: Partial<CompiledPolicy>; action?: object } = {},
) {
  return run(load({ ...POLICY, ...changes.policy })).judge({ payload, ...changes.action })
}

const KEY = 'secret://env/STRIPE_KEY'

describe('a use within the credentials', () => {
  test.for([
    { name: 'as the whole of a field', payload: { key: KEY } },
    { name: 'deep inside, twice', payload: { a: [{ b: KEY }], c: KEY } },
    {
      name: 'within a text that the tool opens',
      payload: { headers: { authorization: `Bearer ${KEY}` } },
    },
    { name: 'within one of several texts', payload: { urls: ['https://x', `https://x?k=${KEY}`] } },
    { name: 'no secret at all', payload: { note: 'secret' } },
  ])('$name -> allow', ({ payload }) => {
    expect(judge(payload)).toMatchObject({ verdict: 'allow', findings: [] })
  })

  test('of a name that a glob stands for -> allow', () => {
    const action = { service: 'crm', action: 'export' }
    expect(judge({ p: 'secret://file/mail/smtp' }, { action }).verdict).toBe('allow')
  })

  test('a result names no secret: nothing is put into it', () => {
    const action = { phase: 'result', result: { key: 'secret://nowhere' } }
    expect(judge({ key: 'secret://env/OTHER' }, { action }).verdict).toBe('allow')
  })

  test('the context names none either', () => {
    expect(judge({}, { action: { context: { key: 'secret://env/OTHER' } } }).verdict).toBe('allow')
  })
})

describe('a use outside of them', () => {
  test.for<{
    name: string
    payload: JsonObject
    action?: object
    policy?: Partial<CompiledPolicy>
  }>([
    { name: 'another secret', payload: { key: 'secret://env/STRIPE_OTHER' } },
    {
      name: 'with another tool',
      payload: { key: KEY },
      action: { service: 'crm', action: 'export' },
    },
    { name: 'one of two', payload: { a: KEY, b: 'secret://file/mail/smtp' } },
    { name: 'an agent without credentials', payload: { key: KEY }, policy: { agents: [agent()] } },
    { name: 'no provider at all', payload: { key: KEY }, policy: { secrets: undefined as never } },
    {
      name: 'a provider that is not set up',
      payload: { key: KEY },
      policy: { secrets: { ...SECRETS, env: null } },
    },
    {
      name: 'a variable that nobody may read',
      payload: { key: KEY },
      policy: { secrets: { ...SECRETS, env: ['OTHER'] } },
    },
    { name: 'in other letters', payload: { key: 'secret://env/stripe_key' } },
  ])('$name -> deny', ({ payload, action, policy }) => {
    const judged = judge(payload, { ...(action && { action }), ...(policy && { policy }) })
    expect(judged.verdict).toBe('deny')
    expect(judged.findings[0]).toMatchObject({
      rule: 'engine/secret-out-of-scope',
      code: 'SECRET_OUT_OF_SCOPE',
      mode: 'enforce',
    })
    expect(JSON.stringify(judged)).not.toMatch(/STRIPE|smtp/)
  })

  test('an unknown agent is denied as such, and for the secret', () => {
    const { findings } = judge({ key: KEY }, { action: { agent: 'stranger' } })
    expect(findings.map(({ code }) => code)).toEqual(['AGENT_UNKNOWN', 'SECRET_OUT_OF_SCOPE'])
  })
})

describe('what is no reference', () => {
  const bad: readonly { name: string; payload: JsonObject }[] = [
    { name: 'the scheme alone', payload: { key: 'secret://' } },
    { name: 'a provider that nobody knows', payload: { key: 'secret://disk/A' } },
    { name: 'a way out of the folder', payload: { key: 'secret://file/../x' } },
    { name: 'a space after it', payload: { key: `${KEY} ` } },
    { name: 'within a text that the tool does not open', payload: { note: `Bearer ${KEY}` } },
    {
      name: 'in the opened field, beside a good one',
      payload: { headers: { authorization: `${KEY} secret://x` } },
    },
    { name: "as a member's name", payload: { [KEY]: 1 } as JsonObject },
    {
      name: 'more than sixteen',
      payload: { keys: Array.from({ length: 17 }, (_, i) => `secret://env/STRIPE_${i}`) },
    },
  ]
  test.for(bad)('$name -> deny', ({ payload }) => {
    const judged = judge(payload)
    expect(judged.verdict).toBe('deny')
    expect(judged.findings[0]).toMatchObject({
      rule: 'engine/secret-reference-invalid',
      code: 'SECRET_REFERENCE_INVALID',
    })
    expect(JSON.stringify(judged)).not.toContain('STRIPE')
  })

  test.for<{ name: string; value: JsonValue }>([
    { name: 'the scheme in capitals', value: 'SECRET://env/A' },
    { name: 'one slash', value: 'secret:/env/A' },
    { name: 'a word', value: 'secret' },
    { name: 'a number', value: 5 },
  ])('$name is a value like any other', ({ value }) => {
    expect(judge({ value }).verdict).toBe('allow')
  })
})

test.for([{ name: 'a tool without a service', wrong: { ...MAY[0], tools: ['refund'] } }])(
  'a bundle with $name in its credentials does not load',
  ({ wrong }) => {
    const credentials = [wrong as (typeof MAY)[number]]
    expect(() => load({ ...POLICY, agents: [agent({ credentials })] })).toThrow(/billing-agent/)
  },
)

test('a payload that cannot be read -> deny, without what the failure says', () => {
  const payload = {
    get key(): string {
      throw new Error('hunter2')
    },
  }
  const judged = judge(payload)
  expect(judged.findings.map(({ code }) => code)).toEqual(['SECRET_REFERENCE_INVALID'])
  expect(JSON.stringify(judged)).not.toContain('hunter2')
})
