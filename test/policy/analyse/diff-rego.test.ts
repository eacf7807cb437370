import { expect, test } from 'vitest'
import type { CompiledPackage, CompiledPolicy } from '../../../src/model/generated/types.ts'
import { changeWord } from '../../../src/model/policy-diff.ts'
import { comparePolicies } from '../../../src/policy/analyse/diff.ts'
import type { DiffSide } from '../../../src/policy/analyse/diff-parts.ts'
import { compareRego } from '../../../src/policy/analyse/diff-rego.ts'
import { changedRules, isOnlyComments } from '../../../src/policy/analyse/rego-rules.ts'
import { FILES, sideOf } from './sides.ts'

const FILE = 'policies/rego/refunds.rego'
const SOURCE = `# METADATA
# custom: { on: { service: shop } }
package countersign.refunds

import data.countersign.lib

default limit := 10

deny contains {"msg": "too much"} if {
	input.action.payload.amount > limit
}

hold contains {"msg": "ask"} if not known

known if input.action.payload.user in {"a", "b"}
`

const PLACE = { file: FILE, line: 3, column: 1 }
const PACKAGE: CompiledPackage = {
  package: 'countersign.refunds',
  on: { service: 'shop', action: 'refund' },
  mode: 'enforce',
  route: null,
  counters: [],
  rules: (['deny', 'hold'] as const).map((name) => ({
    name,
    entrypoint: `countersign/refunds/${name}`,
    ...PLACE,
  })),
  ...PLACE,
}

const base = await sideOf(FILES)

function sideWith(
  one: CompiledPackage | null,
  more: { source?: string; strict?: boolean; plan?: string } = {},
): DiffSide {
  const { source = SOURCE, strict = true, plan = null } = more
  const policy: CompiledPolicy = {
    ...base.policy,
    rego: one === null ? [] : [one],
    rego_packages: one === null ? [] : [{ package: one.package, strict_builtin_errors: strict }],
  }
  return { ...base, policy, planDigest: plan, rego: new Map(one === null ? [] : [[FILE, source]]) }
}

const changed = (changes: Partial<CompiledPackage>): CompiledPackage => ({ ...PACKAGE, ...changes })
const rulesOf = (...names: readonly string[]) =>
  PACKAGE.rules.filter(({ name }) => names.includes(name))

test.for([
  {
    name: 'a package removed',
    after: sideWith(null),
    want: [
      'removed',
      'weaker judges no longer',
      `unclear ${FILE}: - deny, - hold, - known, - limit`,
    ],
  },
  {
    name: 'a package in shadow',
    after: sideWith(changed({ mode: 'shadow' })),
    want: ['weakened', 'weaker mode: enforce -> shadow'],
  },
  {
    name: 'a package that no longer denies',
    after: sideWith(changed({ rules: rulesOf('hold') })),
    want: ['weakened', 'weaker rules: no longer deny'],
  },
  {
    name: 'a selector narrowed',
    after: sideWith(changed({ on: { service: 'shop', action: 'refund', effect: 'read' } })),
    want: ['weakened', 'weaker effect: no longer write, irreversible'],
  },
  {
    name: 'another route, and counters',
    after: sideWith(
      changed({ route: 'payments', counters: [{ name: 'n', per: '1h', by: ['agent'] }] }),
    ),
    want: [
      'changed',
      'unclear counters: [] -> [{"by":["agent"],"name":"n","per":"1h"}]',
      'unclear route: none -> payments',
    ],
  },
  {
    name: 'built-in errors ignored',
    after: sideWith(PACKAGE, { strict: false }),
    want: ['weakened', 'weaker strict_builtin_errors: true -> false'],
  },
  {
    name: 'a rule that says something else',
    after: sideWith(PACKAGE, { source: SOURCE.replace('{"a", "b"}', '{"a", "b", "c"}') }),
    want: ['changed', `unclear ${FILE}: ~ known`],
  },
  {
    name: 'comments alone',
    after: sideWith(PACKAGE, { source: `# About refunds.\n${SOURCE.replace('\t', '  ')}` }),
    want: ['changed', `neutral ${FILE}: only comments or layout`],
  },
  {
    name: 'the same plan of OPA',
    before: sideWith(PACKAGE, { plan: 'p' }),
    after: sideWith(PACKAGE, { plan: 'p', source: SOURCE.replaceAll('known', 'is_known') }),
    want: ['changed', `neutral ${FILE}: means the same to OPA`],
  },
])('$name -> $want', ({ before = sideWith(PACKAGE), after, want }) => {
  const [change, ...others] = compareRego({ before, after })
  expect(others).toEqual([])
  expect([
    change && changeWord(change),
    ...(change?.differences ?? []).map(({ direction, message }) => `${direction} ${message}`),
  ]).toEqual(want)
})

test('a package added strengthens, and carries its text', () => {
  const [change] = compareRego({ before: sideWith(null), after: sideWith(PACKAGE) })
  expect(change).toMatchObject({ change: 'added', id: 'countersign.refunds', after: PLACE })
  expect(change?.differences[0]).toMatchObject({ direction: 'stronger' })
  expect(change?.sources).toEqual([{ file: FILE, before: '', after: SOURCE }])
})

test('the same Rego -> no change', () => {
  expect(compareRego({ before: sideWith(PACKAGE), after: sideWith(PACKAGE) })).toEqual([])
})

test.for([
  { name: 'a raw string that holds what looks like a comment', text: 'x := `\n# a`\n' },
  { name: 'a reader of comments', text: 'x := rego.metadata.rule()\n' },
])('$name -> no change is taken for comments', ({ text }) => {
  const before = `package a\n${text}`
  expect(isOnlyComments({ file: 'f', before, after: `# More.\n${before}` })).toBe(false)
})

test.for([
  { name: 'a file that is new', before: '', after: 'package a\nx := 1\n', want: ['+ x'] },
  {
    name: 'a body of several',
    before: 'package a\nx if y\nx if z\n',
    after: 'package a\nx if y\n',
    want: ['~ x'],
  },
  {
    name: 'an else',
    before: 'package a\nf(1) := 2 if y\nelse := 3\n',
    after: 'package a\nf(1) := 2 if y\nelse := 4\n',
    want: ['~ f'],
  },
])('rules that differ: $name -> $want', ({ before, after, want }) => {
  expect(changedRules({ file: 'f', before, after })).toEqual(want)
})

test.for([
  { name: 'that Rego named already', text: '"board"', direction: 'unclear' },
  { name: 'that Rego does not name', text: '"boards"', direction: 'neutral' },
])('a new route $name -> $direction', async ({ text, direction }) => {
  const rego = new Map([[FILE, `${SOURCE}\nhold contains {"msg": "x", "route": ${text}}\n`]])
  const before = { ...sideWith(PACKAGE), rego }
  const [route] = before.policy.routes
  if (route === undefined) throw new Error('expected a route')
  const routes = [...before.policy.routes, { ...route, id: 'board' }]
  const after = { ...before, policy: { ...before.policy, routes } }
  expect(comparePolicies({ before, after })).toMatchObject([
    { part: 'route', id: 'board', change: 'added', direction },
  ])
})

test.for([
  { name: 'of which Rego asks', asks: 'data.countersign.agents.clerk.owner', direction: 'unclear' },
  { name: 'of which nobody asks', asks: 'true', direction: 'neutral' },
])('another owner of an agent, $name -> $direction', async ({ asks, direction }) => {
  const rego = new Map([[FILE, `${SOURCE}\nhold contains {"msg": "x"} if ${asks}\n`]])
  const owned = (owner: string): DiffSide => {
    const side = sideWith(PACKAGE)
    const agents = side.policy.agents.map((agent) => ({ ...agent, owner }))
    return { ...side, rego, policy: { ...side.policy, agents } }
  }
  const changes = comparePolicies({ before: owned('ana'), after: owned('bo') })
  expect(changes).toMatchObject([{ part: 'agent', id: 'clerk', direction }])
})
