import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { JsonObject, JsonValue } from '../../../../src/base/json-value.ts'
import { factsOf } from '../../../../src/decide/evaluate/facts.ts'
import { compileTest } from '../../../../src/decide/evaluate/field-test.ts'
import type {
  CompiledPolicy,
  CompiledRule,
  FieldTest,
  Selector,
} from '../../../../src/model/generated/types.ts'
import type { JudgedAction } from '../../../../src/model/nouns.ts'
import { contradictionOf } from '../../../../src/policy/analyse/lint/contradiction.ts'
import { lint } from '../../../../src/policy/analyse/lint/lint.ts'
import type { Documents, Entry } from '../../../../src/policy/compile/documents.ts'
import * as fixtures from '../../../decide/evaluate/fixtures.ts'

// The linter says only what it can prove: what it calls superfluous or impossible must be so for every action.

const PLACE = { id: 't', file: 'f', line: 1, column: 1 }
const SCALAR = fc.constantFrom<JsonValue>(null, true, false, 0, 1, 1.5, 2, 'a', 'ab', 'b', '')
const VALUE = fc.oneof(
  SCALAR,
  fc.constantFrom<JsonValue>([], ['a', 'b'], {}, { a: 'ab' }, -1, 3, 'abc', 'zz'),
)

const operator: fc.Arbitrary<Partial<FieldTest>> = fc.oneof(
  fc.record({ equals: SCALAR }),
  fc.record({ not_equals: SCALAR }),
  fc.record({ one_of: fc.array(SCALAR, { minLength: 1, maxLength: 3 }) }),
  fc.record({ none_of: fc.array(SCALAR, { minLength: 1, maxLength: 3 }) }),
  fc.record({ above: fc.constantFrom(0, 1, 1.5, 2) }),
  fc.record({ below: fc.constantFrom(0, 1, 1.5, 2) }),
  fc.record({ longer_than: fc.constantFrom(0, 1, 2) }),
  fc.record({ matches: fc.constantFrom('a', '^a$', '[0-9]', 'z') }),
  fc.record({ not_matches: fc.constantFrom('a', '^a$', '[0-9]', 'z') }),
) as fc.Arbitrary<Partial<FieldTest>>

const fieldTest = fc
  .tuple(operator, fc.constantFrom('payload.x', 'payload.y', 'action'), fc.boolean())
  .map(
    ([one, path, passes]): FieldTest => ({
      ...one,
      path,
      ...(passes ? { if_missing: 'pass' as const } : {}),
    }),
  )

test('property: tests that some action meets are never called a contradiction', () => {
  const payload = fc.dictionary(fc.constantFrom('x', 'y'), VALUE)
  const tests = fc.array(fieldTest, { minLength: 1, maxLength: 4 })
  const names = fc.constantFrom<Selector>({}, { action: 'a*' }, { action: ['a', 'ab'] })
  let contradictions = 0
  fc.assert(
    fc.property(tests, payload, names, fc.constantFrom('a', 'ab', 'zz'), (some, of, on, name) => {
      const action = fixtures.action({ payload: of as JsonObject, action: name })
      const selects = on.action === undefined || name.startsWith('a')
      const target = { ...fixtureTarget(action), effect: null, phase: 'call' as const }
      const facts = factsOf(action, { target, tool: null }, fixtures.KEY)
      const holds = some.every((one) => compileTest(PLACE, one).holds(facts))
      const found = contradictionOf(some, on)
      if (found !== null) contradictions += 1
      if (selects && holds) expect(found).toBe(null)
    }),
    { numRuns: 3000 },
  )
  expect(contradictions).toBeGreaterThan(50)
})

function fixtureTarget({ service, action, agent, role, priority }: JudgedAction) {
  return { service, action, agent, role, priority }
}

const globs = (names: readonly string[]) => fc.option(fc.constantFrom(...names), { nil: undefined })
const selector: fc.Arbitrary<Selector> = fc
  .record({
    service: globs(['billing', 'b*', '*', 'crm']),
    action: globs(['refund', 'r*', '*', 'read']),
    role: globs(['agent', 'other']),
    effect: fc.option(fc.constantFrom('read' as const, 'irreversible' as const), {
      nil: undefined,
    }),
    priority: fc.option(fc.constantFrom('low' as const, 'high' as const), { nil: undefined }),
  })
  .map((keys) => Object.fromEntries(Object.entries(keys).filter(([, value]) => value)) as Selector)

const rules = fc
  .array(
    fc.record({
      on: selector,
      verdict: fc.constantFrom('redact' as const, 'hold' as const, 'deny' as const),
      route: fc.constantFrom('default', 'payments'),
      paths: fc.subarray(['payload.a', 'payload.b']),
      mode: fc.constantFrom('enforce' as const, 'enforce' as const, 'shadow' as const),
      tested: fc.boolean(),
    }),
    { minLength: 1, maxLength: 5 },
  )
  .map((drafts) =>
    drafts.map(({ on, verdict, route, paths, mode, tested }, n): CompiledRule => {
      const fields = paths.length === 0 && verdict === 'redact' ? ['payload.a'] : paths
      return fixtures.rule({
        ...{
          id: `r/${n}`,
          on,
          verdict,
          mode,
          line: n + 1,
          route: verdict === 'hold' ? route : null,
        },
        when: tested ? [{ path: 'payload.t', equals: 1, if_missing: 'pass' }] : [],
        ...(verdict === 'deny' || fields.length === 0 ? {} : fixtures.masking(fields)),
      })
    }),
  )

const policy = (some: readonly CompiledRule[], defaults: CompiledPolicy['defaults']) =>
  fixtures.load({
    rules: [...some],
    defaults,
    agents: [
      fixtures.agent({
        scopes: [
          { tools: ['billing.refund'], roles: null, ...AT },
          { tools: ['billing.read'], roles: ['agent'], ...AT },
        ],
      }),
    ],
    tools: [
      fixtures.tool({ action: 'refund', effect: 'irreversible', priority: 'medium' }),
      fixtures.tool({ action: 'read', effect: 'read', priority: 'low' }),
      fixtures.tool({ service: 'crm', action: 'read', effect: 'read', priority: 'low' }),
    ],
    routes: [fixtures.route('default'), fixtures.route('payments')],
  })
const AT = { file: 'a', line: 1, column: 1 }

const defaults = fc.constantFrom<CompiledPolicy['defaults']>(
  { low: 'allow', medium: 'allow', high: 'hold', critical: 'deny' },
  { low: 'deny', medium: 'deny', high: 'deny', critical: 'deny' },
  { low: 'allow', medium: 'allow', high: 'allow', critical: 'allow' },
)

/** The rules as documents of which the linter reads places only, and what it found by code and line. */
function lintOf(some: readonly CompiledRule[], loaded: ReturnType<typeof policy>) {
  const entry = (one: CompiledRule): Entry<unknown> => {
    const at = () => ({ file: one.file, line: one.line, column: 5 })
    return { value: { id: one.id, on: one.on, when: one.when, mode: one.mode }, at, keyAt: at }
  }
  const documents = {
    ...{ projects: [], agents: [], tools: [], routes: [], people: [], tests: [] },
    ...{ baselines: [], releases: [] },
    ...{ rules: some.map(entry), rego: new Map(), broken: new Set() },
  } as unknown as Documents
  const found = lint({ documents, loaded, now: null })
  return (code: string) => found.filter((one) => one.code === code).map(({ line }) => line)
}

const actions: readonly Partial<JudgedAction>[] = ['billing', 'crm'].flatMap((service) =>
  ['refund', 'read', 'other'].flatMap((action) =>
    ['agent', 'other', 'third'].flatMap((role) =>
      (['low', 'medium', 'high', 'critical'] as const).flatMap((priority) =>
        [0, 1].map((t) => ({ service, action, role, priority, payload: { t, a: 'x', b: 'y' } })),
      ),
    ),
  ),
)

test('property: a rule that is called shadowed or unreachable changes no verdict', () => {
  let reported = 0
  fc.assert(
    fc.property(rules, defaults, (some, byPriority) => {
      const loaded = policy(some, byPriority)
      const lines = lintOf(some, loaded)
      for (const line of new Set([...lines('RULE_SHADOWED'), ...lines('RULE_UNREACHABLE')])) {
        reported += 1
        const without = policy(
          some.filter((one) => one.line !== line),
          byPriority,
        )
        for (const changes of actions) {
          const [full, less] = [loaded, without].map((one) => {
            const { verdict, route, obligations } = fixtures.run(one).judge(changes)
            const fields = obligations.flatMap(({ kind, paths }) =>
              paths.map((p) => `${kind} ${p}`),
            )
            return { verdict, route, fields: verdict === 'deny' ? [] : [...new Set(fields)].sort() }
          })
          expect(less).toEqual(full)
        }
      }
    }),
    { numRuns: 300 },
  )
  expect(reported).toBeGreaterThan(30)
})

test('property: a tool that is said to be held is never allowed at its first call without a test', () => {
  fc.assert(
    fc.property(rules, defaults, (some, byPriority) => {
      const loaded = policy(
        some.map((one) => ({ ...one, when: [] })),
        byPriority,
      )
      const reported = lintOf(some, loaded)('TOOL_WITHOUT_HOLD').length > 0
      const verdicts = actions
        .filter(({ service, action }) => service === 'billing' && action === 'refund')
        .map((changes) => fixtures.run(loaded).judge(changes).verdict)
      const open = verdicts.some((verdict) => verdict === 'allow' || verdict === 'redact')
      expect(reported).toBe(open)
    }),
    { numRuns: 300 },
  )
})
