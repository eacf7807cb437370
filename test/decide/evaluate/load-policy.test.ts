import { expect, test } from 'vitest'
import { canonicalize } from '../../../src/base/canonical-json.ts'
import type { JsonValue } from '../../../src/base/json-value.ts'
import type { Evaluator } from '../../../src/decide/evaluate/index.ts'
import { evaluate, loadPolicy } from '../../../src/decide/evaluate/index.ts'
import type { CompiledPolicy } from '../../../src/model/generated/types.ts'
import type { Bundle } from '../../../src/policy/bundle/bundle.ts'
import { action, KEY, NOON, policyOf, regoRule, rule } from './fixtures.ts'

function bundle(changes: Partial<CompiledPolicy>, files: Record<string, string> = {}): Bundle {
  const encoder = new TextEncoder()
  return {
    digest: `sha256:${'0'.repeat(64)}`,
    manifest: { format: 1, project: 'shop', files: [] },
    policy: policyOf(changes),
    files: new Map(Object.entries(files).map(([path, text]) => [path, encoder.encode(text)])),
  }
}

test('a bundle without Rego loads and judges; the policy that it holds stays as it was', () => {
  const one = bundle({ rules: [rule({ on: { effect: 'write' } })] })
  const before = canonicalize(one.policy as unknown as JsonValue)
  const loaded = loadPolicy(one)
  expect(loaded.policy).toBe(one.policy)
  const input = { action: action(), state: {}, now: NOON, key: KEY }
  expect(evaluate(loaded, input).verdict).toBe('deny')
  expect(canonicalize(one.policy as unknown as JsonValue)).toBe(before)
})

test.for<{ name: string; files: Record<string, string>; code: string; evaluator?: Evaluator }>([
  { name: 'neither plan nor data', files: {}, code: 'BUNDLE_CORRUPT' },
  { name: 'no data', files: { 'plan.json': '{}' }, code: 'BUNDLE_CORRUPT' },
  { name: 'no plan', files: { 'data.json': '{}' }, code: 'BUNDLE_CORRUPT' },
  { name: 'no module', files: { 'data.json': '{}' }, code: 'BUNDLE_CORRUPT', evaluator: 'wasm' },
  {
    name: 'data that is no object',
    files: { 'plan.json': '{}', 'data.json': '[]' },
    code: 'BUNDLE_CORRUPT',
  },
  {
    name: 'data that is no JSON',
    files: { 'plan.json': '{}', 'data.json': '{' },
    code: 'JSON_MALFORMED',
  },
  {
    name: 'a module that is none',
    files: { 'policy.wasm': 'x', 'data.json': '{}' },
    code: 'REGO_MODULE_INVALID',
    evaluator: 'wasm',
  },
  {
    name: 'a plan that is none',
    files: { 'plan.json': '{"plans": []}', 'data.json': '{}' },
    code: 'REGO_PLAN_INVALID',
  },
  {
    name: 'a plan without the entry point',
    files: { 'plan.json': '{}', 'data.json': '{}' },
    code: 'REGO_MODULE_INVALID',
  },
])('a bundle with Rego and $name -> $code', ({ files, code, evaluator = 'plan' }) => {
  expect(() => loadPolicy(bundle({ rego: [regoRule('deny')] }, files), evaluator)).toThrow(
    expect.objectContaining({ code }),
  )
})
