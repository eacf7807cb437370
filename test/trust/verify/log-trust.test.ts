import { expect, test } from 'vitest'
import { parseTrust, trustedKeys } from '../../../src/trust/verify/trust.ts'
import { fingerprintOf, logSigner, ORIGIN, trustOf } from './log-case.ts'

const key = logSigner().verifierKey

test('a trust file in YAML and in JSON reads the same', () => {
  const yaml = [
    'apiVersion: countersign/v1',
    'kind: Trust',
    'logs:',
    `  - origin: ${ORIGIN}`,
    `    keys: ['${key}']`,
    'reviewers:',
    `  - { id: ana, fingerprints: ['${fingerprintOf(2)}'] }`,
    '',
  ].join('\n')
  const { policies: _, ...trust } = trustOf()
  expect(parseTrust(yaml)).toEqual(trust)
  expect(parseTrust(JSON.stringify(trust))).toEqual(trust)
})

test('the keys of a log that the file does not name are none', () => {
  expect(trustedKeys(trustOf(), ORIGIN)).toHaveLength(1)
  expect(trustedKeys(trustOf(), 'elsewhere.test')).toBeNull()
})

test('a trust file without logs is read, and pins no key for any', () => {
  const { logs: _, ...rest } = trustOf()
  expect(trustedKeys(parseTrust(JSON.stringify(rest)), ORIGIN)).toBeNull()
})

const log = { origin: ORIGIN, keys: [key] }
const ana = { id: 'ana', fingerprints: [fingerprintOf(2)] }

test.for([
  { name: 'nothing', text: '' },
  { name: 'a list', text: '[]' },
  { name: 'broken YAML', text: 'logs: [' },
  { name: 'a key twice', text: `${JSON.stringify(trustOf())}`.replace('{', '{"kind":"Trust",') },
  { name: 'another kind', text: JSON.stringify({ ...trustOf(), kind: 'Roster' }) },
  { name: 'an unknown key', text: JSON.stringify({ ...trustOf(), witnesses: [] }) },
  { name: 'no logs', text: JSON.stringify(trustOf({ logs: [] })) },
  { name: 'one log twice', text: JSON.stringify(trustOf({ logs: [log, log] })) },
  { name: 'no keys', text: JSON.stringify(trustOf({ logs: [{ origin: ORIGIN, keys: [] }] })) },
  {
    name: 'a malformed key',
    text: JSON.stringify(trustOf({ logs: [{ origin: ORIGIN, keys: ['x'] }] })),
  },
  {
    name: "another log's key",
    text: JSON.stringify(trustOf({ logs: [{ origin: 'b.test', keys: [key] }] })),
  },
  { name: 'one reviewer twice', text: JSON.stringify(trustOf({ reviewers: [ana, ana] })) },
  {
    name: 'one key for two people',
    text: JSON.stringify(trustOf({ reviewers: [ana, { ...ana, id: 'bo' }] })),
  },
  { name: 'an alias', text: `a: &a 1\n${JSON.stringify(trustOf())}` },
  { name: 'two documents', text: `${JSON.stringify(trustOf())}\n---\n{}` },
])('a trust file with $name is refused', ({ text }) => {
  expect(() => parseTrust(text, 'trust.yaml')).toThrow(
    expect.objectContaining({ code: 'TRUST_INVALID', file: 'trust.yaml' }),
  )
})
