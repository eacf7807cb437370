import { afterAll, expect, test } from 'vitest'
import { loadPolicy } from '../../../src/decide/evaluate/index.ts'
import { BUILTIN_NAMES } from '../../../src/decide/rego/builtins/index.ts'
import { createRegoCompiler } from '../../../src/host/rego-compiler/compiler.ts'
import { createBench } from '../../../src/policy/analyse/judging.ts'
import { parseSession } from '../../../src/policy/analyse/recorded-session.ts'
import { createReplay } from '../../../src/policy/analyse/replay.ts'
import { compile } from '../../../src/policy/compile/index.ts'

const rego = createRegoCompiler({ hostBuiltins: BUILTIN_NAMES })
afterAll(() => rego.close())

const head = 'apiVersion: countersign/v1\nkind: '
const REPOSITORY = {
  'countersign.yaml': `${head}Project\nproject: p\ndefaults: { low: allow, medium: allow, high: allow, critical: deny }\n`,
  'a.yaml': `${head}Agent\nagent: a\nscopes: [{ tools: ['s.*'] }]\n`,
  't.yaml': `${head}Tools\nservice: s\ntools: { read: { effect: read } }\n`,
  'g.yaml': `${head}Guardrails\nrules:\n  - { id: r/size, on: { phase: result }, output: { in: result, items_max: 2 }, then: deny }\n`,
}
const PACKAGE = `# METADATA
# custom:
#   on: { service: s, phase: [call, result] }
package countersign.results

redact contains {"msg": "a name came back", "paths": ["result.name"]} if input.action.result.name

deny contains {"msg": "a call that names a result"} if {
	input.action.phase == "call"
	input.action.payload.result
}
`

async function policyOf(more: Record<string, string> = {}) {
  const { bundle, diagnostics } = await compile(
    new Map(Object.entries({ ...REPOSITORY, ...more })),
    { rego },
  )
  if (bundle === null) throw new Error(JSON.stringify(diagnostics))
  return { policy: loadPolicy(bundle), diagnostics }
}

const call = { service: 's', action: 'read' }
const session = (steps: readonly object[]) => JSON.stringify({ session: 'x', agent: 'a', steps })

test('a recorded session may hold results, judged as such', async () => {
  const { policy } = await policyOf()
  const run = createReplay(policy, { carry: false })
  const place = { file: 't.jsonl', line: 1 }
  const steps = [
    call,
    { ...call, phase: 'result', result: [1, 2] },
    { ...call, phase: 'result', result: [1, 2, 3] },
  ]
  run.session(parseSession(session(steps), place), place)
  expect(run.summary()).toMatchObject({
    actions: 3,
    verdicts: { allow: 2, deny: 1 },
    rules: { 'r/size': 1 },
  })
})

test.for([
  { name: 'a phase that is none', step: { ...call, phase: 'reply', result: 1 } },
  { name: 'a result without its phase', step: { ...call, result: 1 } },
  { name: 'the phase without a result', step: { ...call, phase: 'result' } },
])('$name -> SESSION_INVALID', async ({ step }) => {
  const { policy } = await policyOf()
  const run = createReplay(policy, { carry: false })
  const place = { file: 't.jsonl', line: 1 }
  expect(() => run.session(parseSession(session([step]), place), place)).toThrow(
    expect.objectContaining({ code: 'SESSION_INVALID' }),
  )
})

test.for([
  {
    name: 'a result with a name',
    action: { phase: 'result', result: { name: 'Ana' } },
    want: 'redact',
  },
  { name: 'a result without a name', action: { phase: 'result', result: {} }, want: 'allow' },
  { name: 'a result that is text', action: { phase: 'result', result: 'Ana' }, want: 'allow' },
  { name: 'a call', action: { payload: { name: 'Ana' } }, want: 'allow' },
  { name: 'a call with such a payload', action: { payload: { result: 1 } }, want: 'deny' },
] as const)('a package about both phases: $name -> $want', async ({ action, want }) => {
  const { policy } = await policyOf({ 'r.rego': PACKAGE })
  const base = {
    project: 'p',
    agent: 'a',
    session: 's',
    principal: null,
    role: 'agent',
    payload: {},
    context: {},
  }
  const judged = { ...base, ...call, priority: 'medium' as const, fingerprint: null, ...action }
  const { verdict, obligations } = createBench(policy).judge(judged, 0)
  expect(verdict).toBe(want)
  expect(obligations.map(({ paths }) => paths)).toEqual(want === 'redact' ? [['result.name']] : [])
})

test('a package that holds results is warned of, and denies them', async () => {
  const hold = PACKAGE.replace('redact contains', 'hold contains').replace(
    '"paths": ["result.name"]',
    '"route": "default"',
  )
  const { policy, diagnostics } = await policyOf({
    'r.rego': hold,
    'rt.yaml': `${head}Routes\nroutes: [{ id: default, reviewers: [ana], time_out: 1h }]\n`,
    'p.yaml': `${head}Roster\npeople: [{ id: ana, keys: [{ fingerprint: 'SHA256:${'a'.repeat(43)}' }] }]\n`,
  })
  expect(diagnostics.map(({ code, file, severity }) => `${file} ${severity} ${code}`)).toContain(
    'r.rego warning RESULT_HELD',
  )
  const action = {
    project: 'p',
    agent: 'a',
    session: 's',
    principal: null,
    role: 'agent',
    payload: {},
    context: {},
    ...call,
    priority: 'medium' as const,
    fingerprint: null,
    phase: 'result' as const,
    result: { name: 'Ana' },
  }
  expect(createBench(policy).judge(action, 0)).toMatchObject({
    verdict: 'deny',
    findings: [{ code: 'RESULT_HELD' }],
  })
})
