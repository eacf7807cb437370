import { describe, expect, test } from 'vitest'
import { PolicyError } from '../../src/base/errors.ts'
import { ACTION_BYTES_MAX } from '../../src/base/limits.ts'
import { ownership, parseAction, parseActionText } from '../../src/model/action.ts'
import type { Credential } from '../../src/model/nouns.ts'

const KEY: Credential = { project: 'billing', agents: ['billing-agent'], role: 'agent' }
const CALL = { agent: 'billing-agent', service: 'billing', action: 'refund' }

function errorOf(work: () => unknown): PolicyError {
  try {
    work()
  } catch (error) {
    if (error instanceof PolicyError) return error
    throw error
  }
  throw new Error('expected a PolicyError')
}

test('what is left out -> filled in, project and role from the credential', () => {
  expect(parseAction(CALL, KEY)).toEqual({
    ...CALL,
    project: 'billing',
    session: 'default',
    principal: null,
    role: 'agent',
    payload: {},
    context: {},
    priority: 'medium',
    fingerprint: null,
  })
})

test('what is given -> kept', () => {
  const given = {
    ...CALL,
    project: 'other',
    session: 's1',
    principal: 'u1',
    role: 'host',
    payload: { amount: 1 },
    context: { channel: 'web' },
    priority: 'high',
    fingerprint: 'f1',
  }
  expect(parseAction(given, KEY)).toEqual(given)
  expect(parseActionText(JSON.stringify(given), KEY)).toEqual(given)
})

test('a polluted prototype -> no part of the action', () => {
  Object.defineProperty(Object.prototype, 'priority', { value: 'low', configurable: true })
  try {
    expect(parseAction(CALL, KEY).priority).toBe('medium')
  } finally {
    Reflect.deleteProperty(Object.prototype, 'priority')
  }
})

describe('refused', () => {
  test.for([
    { name: 'no agent', text: '{"service":"s","action":"a"}', want: 'ACTION_INVALID' },
    {
      name: 'an unknown key',
      text: '{"agent":"a","service":"s","action":"a","actoin":1}',
      want: 'ACTION_INVALID',
    },
    {
      name: 'a payload that is a list',
      text: '{"agent":"a","service":"s","action":"a","payload":[]}',
      want: 'ACTION_INVALID',
    },
    {
      name: 'a priority that is none',
      text: '{"agent":"a","service":"s","action":"a","priority":"urgent"}',
      want: 'ACTION_INVALID',
    },
    { name: 'null', text: 'null', want: 'ACTION_INVALID' },
    { name: 'no JSON', text: '{', want: 'JSON_MALFORMED' },
    { name: 'a key twice', text: '{"agent":"a","agent":"b"}', want: 'ACTION_AMBIGUOUS' },
    {
      name: 'an inexact number',
      text: '{"payload":{"n":9007199254740993}}',
      want: 'ACTION_AMBIGUOUS',
    },
    { name: 'the key _sd', text: '{"payload":{"_sd":[]}}', want: 'ACTION_AMBIGUOUS' },
    { name: 'the key __proto__', text: '{"payload":{"__proto__":{}}}', want: 'ACTION_AMBIGUOUS' },
    {
      name: 'deep nesting',
      text: `{"payload":${'{"a":'.repeat(70)}1${'}'.repeat(71)}`,
      want: 'ACTION_TOO_DEEP',
    },
    {
      name: 'more than the bound',
      text: `{"payload":{"a":"${'x'.repeat(ACTION_BYTES_MAX)}"}}`,
      want: 'ACTION_TOO_LARGE',
    },
  ])('$name -> $want', ({ text, want }) => {
    expect(errorOf(() => parseActionText(text, KEY)).code).toBe(want)
  })

  test.for([
    { name: 'undefined', payload: { a: undefined }, want: 'VALUE_NOT_JSON' },
    { name: 'a date', payload: { a: new Date(0) }, want: 'VALUE_NOT_JSON' },
    { name: 'a key of commitments', payload: { '...': 1 }, want: 'ACTION_AMBIGUOUS' },
  ])('an object that holds $name -> $want', ({ payload, want }) => {
    expect(errorOf(() => parseAction({ ...CALL, payload }, KEY)).code).toBe(want)
  })

  test('many problems -> the first five and a count, never a value', () => {
    const bad = {
      agent: 1,
      service: 2,
      action: 3,
      session: 4,
      principal: 5,
      priority: 'SECRET',
      payload: 'SECRET',
    }
    const { message } = errorOf(() => parseAction(bad, KEY))
    expect(message).toMatch(/^the action does not fit its schema: \/action .*; and 2 more$/)
    expect(message).not.toContain('SECRET')
  })
})

describe('ownership', () => {
  test.for([
    { name: 'its own agent', action: {}, key: KEY, want: null },
    { name: 'every agent of the project', action: {}, key: { ...KEY, agents: ['*'] }, want: null },
    { name: 'another agent', action: { agent: 'other' }, key: KEY, want: 'AGENT_NOT_OWNED' },
    {
      name: 'an agent named like a pattern',
      action: { agent: 'x' },
      key: { ...KEY, agents: ['x*'] },
      want: 'AGENT_NOT_OWNED',
    },
    { name: 'no agent', action: {}, key: { ...KEY, agents: [] }, want: 'AGENT_NOT_OWNED' },
    { name: 'another project', action: { project: 'other' }, key: KEY, want: 'PROJECT_NOT_OWNED' },
    { name: 'another role', action: { role: 'host' }, key: KEY, want: 'ROLE_NOT_OWNED' },
  ])('$name -> $want', ({ action, key, want }) => {
    expect(ownership(parseAction({ ...CALL, ...action }, key), key)?.code ?? null).toBe(want)
  })
})
