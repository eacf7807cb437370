import { afterAll, beforeAll, expect, test } from 'vitest'
import { BUILTIN_NAMES } from '../../../src/decide/rego/builtins/index.ts'
import { createRegoCompiler } from '../../../src/host/rego-compiler/compiler.ts'
import type { Bundle } from '../../../src/policy/bundle/index.ts'
import { compile } from '../../../src/policy/compile/index.ts'
import { openTest, policyFiles } from '../support.ts'

// A bundle with Rego is evaluated in a worker, and nothing that goes wrong there ends in allow.

const REGO = `# METADATA
# custom:
#   on: { service: shop, action: read_* }
package countersign.reads

deny contains {"msg": "too slow"} if {
	input.action.payload.mode == "slow"
	count([1 | some i in numbers.range(1, 4000); some j in numbers.range(1, 4000); i * j == -1]) > 0
}

deny contains {"msg": "divided"} if 1 / input.action.payload.by > 1

hold contains {"msg": "asked to", "route": "board"} if input.action.payload.mode == "hold"

redact contains {"msg": "masked", "paths": ["payload.card"]} if input.action.payload.card

warn contains {"msg": "noted"} if input.action.payload.mode == "warn"
`

const rego = createRegoCompiler({ hostBuiltins: BUILTIN_NAMES })
let bundle: Bundle
let hasty: Bundle
beforeAll(async () => {
  bundle = await bundleWith(5_000)
  // Bounds beyond any patience: the watchdog must end it.
  const bounds = 'evaluation_steps_max: 1000000000\nevaluation_bytes_max: 1073741824\n'
  hasty = await bundleWith(20, bounds)
}, 60_000)

async function bundleWith(evaluationMsMax: number, bounds = ''): Promise<Bundle> {
  const project = `${policyFiles().get('countersign.yaml')}evaluation_ms_max: ${evaluationMsMax}\n${bounds}`
  const files = policyFiles({ 'policies/rego/reads.rego': REGO, 'countersign.yaml': project })
  const made = await compile(files, { rego })
  if (made.bundle === null) throw new Error(JSON.stringify(made.diagnostics))
  return made.bundle
}

afterAll(() => rego.close())

test.for([
  { name: 'nothing wrong', payload: { by: 2 }, want: 'allow', codes: [] },
  { name: 'a warning', payload: { by: 2, mode: 'warn' }, want: 'allow', codes: [] },
  { name: 'a field to mask', payload: { by: 2, card: '4111' }, want: 'redact', codes: [] },
  { name: 'a hold', payload: { by: 2, mode: 'hold' }, want: 'hold', codes: [] },
  { name: 'a division by zero', payload: { by: 0 }, want: 'deny', codes: ['REGO_BUILTIN_ERROR'] },
  {
    name: 'a division by a text',
    payload: { by: 'x' },
    want: 'deny',
    codes: ['REGO_BUILTIN_ERROR'],
  },
  {
    name: 'an evaluation without end',
    payload: { by: 2, mode: 'slow' },
    want: 'deny',
    codes: ['REGO_BUDGET_EXCEEDED'],
  },
])('$name -> $want $codes', async ({ payload, want, codes }) => {
  const { engine } = await openTest({ bundle })
  const outcome = await engine.decide({
    agent: 'clerk',
    service: 'shop',
    action: 'read_order',
    payload,
  })
  expect(outcome.verdict).toBe(want)
  expect([...new Set(outcome.findings.flatMap(({ code }) => code ?? []))]).toEqual(codes)
  if (want === 'redact') expect(outcome.payload).toEqual({ by: 2, card: '[redacted]' })
  // The engine goes on after it.
  const next = await engine.decide({
    agent: 'clerk',
    service: 'shop',
    action: 'read_order',
    payload: { by: 2 },
  })
  expect(next.verdict).toBe('allow')
})

test('an evaluation that takes too long is stopped and denied, and the engine goes on', async () => {
  const { engine } = await openTest({ bundle: hasty })
  const action = { agent: 'clerk', service: 'shop', action: 'read_order' }
  const slow = await engine.decide({ ...action, payload: { by: 2, mode: 'slow' } })
  expect(slow.verdict).toBe('deny')
  expect(slow.findings.map(({ code }) => code)).toEqual(['ENGINE_TIMEOUT'])
  const again = async () => (await engine.decide({ ...action, payload: { by: 2 } })).verdict
  await expect.poll(again, { timeout: 10_000 }).toBe('allow')
})

test('a built-in error names its file and line', async () => {
  const { engine } = await openTest({ bundle })
  const outcome = await engine.decide({
    agent: 'clerk',
    service: 'shop',
    action: 'read_order',
    payload: { by: 0 },
  })
  const finding = outcome.findings.find(({ code }) => code === 'REGO_BUILTIN_ERROR')
  expect(finding).toMatchObject({ rule: 'rego/reads', file: 'policies/rego/reads.rego', line: 11 })
})

test('questions are answered in the order in which they were asked', async () => {
  const { engine, parts } = await openTest({ bundle })
  const outcomes = await Promise.all(
    Array.from({ length: 40 }, (_, n) =>
      engine.decide({
        agent: 'clerk',
        service: 'shop',
        action: 'read_order',
        payload: { by: 2, n },
      }),
    ),
  )
  expect(outcomes.map(({ receipt }) => receipt.index)).toEqual(
    Array.from({ length: 40 }, (_, n) => n + 1),
  )
  expect(await parts.store.size()).toBe(41)
})
