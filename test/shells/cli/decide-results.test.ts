import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Outcome } from '../../../src/model/generated/types.ts'
import { writeBundle } from '../../../src/policy/bundle/index.ts'
import { bundleOf } from '../../app/support.ts'
import { runCli } from './run.ts'

const cwd = mkdtempSync(join(tmpdir(), 'countersign-results-'))
afterAll(() => rmSync(cwd, { recursive: true, force: true }))

beforeAll(async () => {
  const rules = `apiVersion: countersign/v1\nkind: Guardrails\nrules:\n  - { id: r/mask, on: { phase: result }, pattern: { path: result.card, matches: '[0-9]{16}', if_missing: pass }, then: redact, redact: [result.card] }\n  - { id: r/size, on: { phase: result }, output: { in: result, items_max: 2 }, then: deny }\n`
  const bundle = await bundleOf({ 'policies/guardrails/results.yaml': rules })
  writeFileSync(join(cwd, 'shop.bundle'), writeBundle(bundle))
})

const decide = (action: object, ...more: string[]) =>
  runCli(
    ['decide', JSON.stringify(action), '--bundle', 'shop.bundle', '--format', 'json', ...more],
    { cwd },
  )
const read = { agent: 'clerk', service: 'shop', action: 'read_order' }
const result = (value: unknown) => ({ ...read, phase: 'result', result: value })

test.for([
  {
    name: 'a result that is fine',
    value: { a: 1 },
    code: 0,
    want: { verdict: 'allow', result: { a: 1 } },
  },
  { name: 'null', value: null, code: 0, want: { verdict: 'allow', result: null } },
  {
    name: 'a result with a card',
    value: { card: '4111111111111111' },
    code: 0,
    want: { verdict: 'redact', result: { card: '[redacted]' } },
  },
  { name: 'too much', value: [1, 2, 3], code: 1, want: { verdict: 'deny' } },
])('$name exits $code', async ({ value, code, want }) => {
  const ran = await decide(result(value))
  expect(ran.code).toBe(code)
  expect(ran.json).toMatchObject(want)
  expect(Object.hasOwn(ran.json as object, 'result')).toBe(code === 0)
  expect(ran.json).not.toHaveProperty('payload')
})

test('--call names the decision that allowed the call', async () => {
  const { decision } = (await decide(read)).json as Outcome
  expect((await decide(result(1), '--call', decision)).code).toBe(0)
  const other = await decide({ ...result(1), action: 'mail' }, '--call', decision)
  expect(other.code).toBe(1)
  expect(other.json).toMatchObject({ findings: [{ code: 'CALL_MISMATCH' }] })
})
