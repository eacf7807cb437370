import { describe, expect, test } from 'vitest'
import { loadPolicy } from '../../../src/decide/evaluate/index.ts'
import type { RegoCompiler } from '../../../src/model/ports.ts'
import type { MutantResult } from '../../../src/model/results.ts'
import { runCase } from '../../../src/policy/analyse/decision-tests.ts'
import { mutate } from '../../../src/policy/analyse/mutation.ts'
import { writingIn } from '../../../src/policy/analyse/rule-writing.ts'
import { casesOf } from '../../../src/policy/analyse/test-cases.ts'
import { compile, parseDocuments } from '../../../src/policy/compile/index.ts'
import { ROUTES } from './load.ts'

const noRego = new Proxy({}, { get: () => () => Promise.reject(new Error('no Rego here')) })

const BASE = `apiVersion: countersign/v1
kind: Project
project: p
defaults: { low: allow, medium: allow, high: allow, critical: allow }
---
apiVersion: countersign/v1
kind: Agent
agent: a
scopes:
  - tools: [s.read, s.write, s.write_all]
  - { tools: [s.wipe], roles: [admin] }
---
apiVersion: countersign/v1
kind: Tools
service: s
tools:
  read: { effect: read }
  write: { effect: write }
  write_all: { effect: write }
  wipe: { effect: irreversible }
---
apiVersion: countersign/v1
kind: Tools
service: t
tools: { peek: { effect: read } }
---
${ROUTES}`

type Outcome = MutantResult['outcome']

async function mutants(
  rules: string,
  tests: readonly string[],
  base: string = BASE,
): Promise<MutantResult[]> {
  const head = 'apiVersion: countersign/v1\nkind: '
  const files = new Map([
    ['countersign.yaml', base],
    ['policies/rules.yaml', `${head}Guardrails\nrules:\n${rules}`],
    [
      'tests/t.yaml',
      `${head}DecisionTest\ndefaults: { agent: a, service: s, role: admin }\ntests:\n${tests.join('')}`,
    ],
  ])
  const { bundle, diagnostics } = await compile(files, { rego: noRego as RegoCompiler })
  if (bundle === null) throw new Error(JSON.stringify(diagnostics))
  const { documents } = parseDocuments(files)
  const cases = casesOf(documents.tests, 'p')
  const policy = loadPolicy(bundle)
  const results = cases.map((one) => runCase(policy, one))
  expect(
    results.flatMap(({ name, differences }) => differences.map((one) => `${name}: ${one}`)),
  ).toEqual([])
  const writing = writingIn(documents)
  const work = mutate({ bundle, cases, results, rego: null, writing })
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
  }
}

const shown = (list: readonly MutantResult[], outcome: Outcome) =>
  list
    .filter((one) => one.outcome === outcome)
    .map(({ rule, operator, change }) => `${operator} ${rule}: ${change}`)

const RULES = `  - id: s/never
    on: { service: s, action: wipe }
    then: deny
  - id: s/large
    on: { service: s, action: write* }
    pattern: { path: payload.amount, above: 100, if_missing: pass }
    then: hold
    route: board
    redact: [payload.card, payload.note]
  - id: s/often
    on: { service: s, action: write }
    velocity: { limit: 2, per: 1m }
    then: deny
  - id: s/night
    on: { service: s, action: [read, write] }
    when: [{ path: context.night, equals: true, if_missing: pass }]
    then: deny
  - id: s/after
    on: { service: s, action: read }
    flow: { after: { action: [write, write_all] }, within: 1h }
    then: deny
  - id: s/only
    on: { agent: a }
    scope: { tools: [s.*] }
    then: deny
  - id: s/leak
    on: { service: s, action: read, phase: result }
    pattern: { path: result, longer_than: 3 }
    then: deny
  - id: s/mask
    on: { service: s, action: read }
    pattern: { path: payload.size, below: 0.5, if_missing: pass }
    then: redact
    redact: [payload.text]
`

const TESTS: Readonly<Record<string, string>> = {
  wipe: '{ action: { action: wipe }, expect: { verdict: deny, rules: [s/never] } }',
  'wipe by others':
    '{ action: { action: wipe, role: agent }, expect: { verdict: deny, rules: [s/never, scope/outside-agent-scope] } }',
  'peek elsewhere':
    '{ action: { service: t, action: peek }, expect: { verdict: deny, findings: [{ rule: s/only, verdict: deny }] } }',
  large:
    '{ action: { action: write, payload: { amount: 101 } }, expect: { verdict: hold, rules: [s/large], route: [board] } }',
  'large in all':
    '{ action: { action: write_all, payload: { amount: 900 } }, expect: { verdict: hold } }',
  'what is masked':
    '{ action: { action: write, payload: { amount: 900 } }, expect: { verdict: hold, obligations: [{ paths: [payload.card, payload.note] }] } }',
  quorum:
    '{ action: { action: write, payload: { amount: 900 } }, expect: { verdict: hold, reviews: { board: { quorum: 2 } } } }',
  often:
    '{ given: [{ action: write, times: 2 }], action: { action: write }, expect: { verdict: deny } }',
  'write at night':
    '{ action: { action: write, context: { night: true } }, expect: { verdict: deny } }',
  'read at night':
    '{ action: { action: read, context: { night: true } }, expect: { verdict: deny } }',
  'read by day':
    '{ action: { action: read, context: { night: false } }, expect: { verdict: allow } }',
  'read after write_all':
    '{ given: [{ action: write_all }], action: { action: read }, expect: { verdict: deny, rules: [s/after] } }',
  'read after write':
    '{ given: [{ action: write }], action: { action: read }, expect: { verdict: deny, rules: [s/after] } }',
  'long result':
    '{ action: { action: read, phase: result, result: abcd }, expect: { verdict: deny, rules: [s/leak] } }',
  small:
    '{ action: { action: read, payload: { size: 0.4 } }, expect: { verdict: redact, rules: [s/mask] } }',
}

const testsWithout = (...names: readonly string[]) =>
  Object.entries(TESTS)
    .filter(([name]) => !names.includes(name))
    .map(([name, text]) => `  - { name: ${name}, ${text.slice(1)}\n`)

describe('a policy with tests for all that it says', () => {
  test('leaves no survivor, and says what noticed', async () => {
    const all = await mutants(RULES, testsWithout())
    expect(shown(all, 'survived')).toEqual([])
    expect(all.find(({ rule, operator }) => rule === 's/often' && operator === 'limit')).toEqual({
      ...{ rule: 's/often', operator: 'limit', change: 'velocity.limit: 2 became 3' },
      ...{ file: 'policies/rules.yaml', line: 15, column: 24, outcome: 'noticed', by: 'often' },
    })
  })

  test.for([
    {
      without: ['wipe', 'wipe by others'],
      want: [
        'verdict s/never: then: deny became hold',
        'removed s/never: the rule was removed',
        'scope a: tools: s.read became s.*',
        'scope a: roles: admin became every role',
      ],
    },
    {
      without: ['wipe by others'],
      want: ['scope a: tools: s.read became s.*', 'scope a: roles: admin became every role'],
    },
    {
      without: ['peek elsewhere'],
      want: [
        'verdict s/only: then: deny became hold',
        'removed s/only: the rule was removed',
        'scope s/only: tools: s.* became *.*',
      ],
    },
    { without: ['large'], want: ['limit s/large: above: 100 became 101'] },
    { without: ['large in all'], want: ['selector s/large: on: action: write* became write'] },
    {
      without: ['what is masked'],
      want: [
        'obligation s/large: redact: payload.card was left as it is',
        'obligation s/large: redact: payload.note was left as it is',
      ],
    },
    {
      without: ['read after write'],
      want: ['selector s/after: after: action: write was left out'],
    },
    { without: ['quorum'], want: ['route board: quorum: 2 became 1'] },
    {
      without: ['often'],
      want: [
        'verdict s/often: then: deny became hold',
        'removed s/often: the rule was removed',
        'limit s/often: velocity.limit: 2 became 3',
      ],
    },
    { without: ['write at night'], want: ['selector s/night: on: action: write was left out'] },
    { without: ['read at night'], want: ['selector s/night: on: action: read was left out'] },
    {
      without: ['long result'],
      want: [
        'verdict s/leak: then: deny became redact',
        'removed s/leak: the rule was removed',
        'limit s/leak: longer_than: 3 became 4',
      ],
    },
    {
      without: ['small'],
      want: ['removed s/mask: the rule was removed', 'limit s/mask: below: 0.5 became 0.4'],
    },
  ])('without $without -> exactly these survive: $want', async ({ without, want }) => {
    const survived = shown(await mutants(RULES, testsWithout(...without)), 'survived')
    expect(survived.sort()).toEqual([...want].sort())
  })
})

const NIGHT = `  - id: s/night
    on: { service: s, action: read }
    when: [{ path: context.night, equals: true, if_missing: pass }]
    then: deny
`
const BY_NIGHT =
  '  - { name: night, action: { action: read, context: { night: true } }, expect: { verdict: deny } }\n'
const BY_DAY =
  '  - { name: day, action: { action: read, context: { night: false } }, expect: { verdict: allow } }\n'

test.for([
  { name: 'by night and by day', tests: [BY_NIGHT, BY_DAY], want: [] },
  {
    name: 'by night alone',
    tests: [BY_NIGHT],
    want: ['when s/night: a test of when was left out'],
  },
  {
    name: 'by day alone',
    tests: [BY_DAY],
    want: ['verdict s/night: then: deny became hold', 'removed s/night: the rule was removed'],
  },
])('a further test, tested $name -> $want survive', async ({ tests, want }) => {
  const all = (await mutants(NIGHT, tests)).filter(({ rule }) => rule === 's/night')
  expect(shown(all, 'survived').sort()).toEqual([...want].sort())
  expect(all.map(({ change }) => change)).toContain(
    'a test of when was turned round: equals became not_equals',
  )
})

const NEVER = '  - { id: s/never, on: { service: s, action: wipe }, then: deny }\n'

test.for([
  {
    name: 'a rule in shadow mode',
    rules: '  - { id: s/x, on: { action: read }, then: deny, mode: shadow }\n',
    reason: /shadow mode/,
  },
  {
    name: 'a rule beside one that denies all that it selects',
    rules: `${NEVER}  - { id: s/x, on: { service: s, action: wipe }, pattern: { path: payload.n, above: 1 }, then: deny }\n`,
    reason: /^s\/never says as much/,
  },
  {
    name: 'a hold beside one that denies all that it selects',
    rules: `${NEVER}  - { id: s/x, on: { service: s, action: wipe }, then: hold }\n`,
    reason: /^s\/never says as much/,
  },
  {
    name: 'a change of fields beside one that denies all that it selects',
    rules: `${NEVER}  - { id: s/x, on: { service: s, action: wipe }, then: redact, redact: [payload.a] }\n`,
    reason: /^s\/never denies every action/,
  },
  {
    name: 'a rule about a tool that no agent may use',
    rules: '  - { id: s/x, on: { service: t }, then: deny }\n',
    reason: /no scope of an agent/,
  },
])('$name -> its mutants are equivalent, and it is said why', async ({ rules, reason }) => {
  const all = await mutants(rules, testsWithout(...Object.keys(TESTS)).concat(ONE))
  const own = all.filter(({ rule }) => rule === 's/x')
  expect(own.length).toBeGreaterThan(0)
  for (const mutant of own) {
    expect(mutant).toMatchObject({ outcome: 'equivalent', reason: expect.stringMatching(reason) })
  }
})

const ONE = ['  - { name: n, action: { action: write }, expect: { verdict: allow } }\n']

test.for([
  {
    name: 'beside a rule in shadow mode that denies the same',
    rules: '  - { id: s/never, on: { service: s, action: wipe }, then: deny, mode: shadow }\n',
  },
  {
    name: 'beside a rule that denies fewer actions',
    rules: '  - { id: s/never, on: { service: s, action: read, agent: b }, then: deny }\n',
  },
  {
    name: 'beside a hold on another route',
    rules: '  - { id: s/never, on: { service: s, action: read }, then: hold, route: board }\n',
    then: 'hold',
  },
  {
    name: 'beside a rule that denies under a condition',
    rules:
      '  - { id: s/never, on: { action: read }, pattern: { path: payload.n, above: 1 }, then: deny }\n',
  },
])('a rule $name -> survives', async ({ rules, then = 'deny' }) => {
  const rule = `  - { id: s/x, on: { service: s, action: read }, then: ${then} }\n`
  const all = await mutants(`${rules}${rule}`, ONE)
  expect(all.find((one) => one.rule === 's/x' && one.operator === 'removed')).toMatchObject({
    outcome: 'survived',
  })
})

test('an expectation of a shadow rule notices that it is gone', async () => {
  const rules = '  - { id: s/x, on: { action: read }, then: deny, mode: shadow }\n'
  const tests =
    '  - { name: n, action: { action: read }, expect: { verdict: allow, rules: [s/x] } }\n'
  const all = await mutants(rules, [tests])
  expect(all.find((one) => one.operator === 'removed')).toMatchObject({ outcome: 'noticed' })
})

test.for([
  { name: 'at its limit', spent: 10.5, want: [] },
  {
    name: 'far above it',
    spent: 99,
    want: ['limit budget/1d-usd: a: cost.limit.amount: 10 became 11'],
  },
])('a budget, tested $name -> $want survive', async ({ spent, want }) => {
  const rules = '  - { id: s/x, on: { action: wipe }, then: deny }\n'
  const tests = `  - { name: n, action: { action: read, context: { usage: { cost_usd: ${spent} } } }, expect: { verdict: deny, rules: [budget/1d-usd] } }\n`
  const budget = 'agent: a\nbudgets: [{ limit_usd: 10, per: 1d }]\n'
  const all = await mutants(rules, [tests], BASE.replace('agent: a\n', budget))
  const own = all.filter(({ rule }) => rule === 'budget/1d-usd')
  expect(own.map(({ operator }) => operator)).toEqual(['verdict', 'removed', 'limit'])
  expect(shown(own, 'survived')).toEqual(want)
})

const OPEN = '  - { id: s/x, on: { service: s, action: wipe }, then: deny }\n'
const READ = '  - { name: r, action: { action: read }, expect: { verdict: allow } }\n'

test.for([
  {
    name: 'a scope whose tools are another for some principals only',
    base: BASE.replace(
      '  - tools: [s.read, s.write, s.write_all]\n',
      '  - tools: [s.read]\n  - { tools: [s.write, s.write_all, s.wipe], principals: [ana] }\n',
    ),
    rule: 'a',
    change: 'tools: s.read became s.*',
  },
  {
    name: 'a scope for some principals',
    base: BASE.replace(
      '  - tools: [s.read, s.write, s.write_all]\n',
      '  - tools: [s.read]\n  - { tools: [s.write], principals: [ana, bo*] }\n',
    ),
    rule: 'a',
    change: 'principals: ana, bo* became anybody',
  },
  {
    name: 'a scope that takes in unknown tools, which are held',
    base: BASE.replace('project: p\n', 'project: p\nunknown_tools: hold\n').replace(
      '[s.read, s.write, s.write_all]',
      '[s.*, t.peek]',
    ),
    rule: 'a',
    change: 'tools: t.peek became t.*',
  },
  {
    name: 'a glob of actions, where unknown tools are held',
    base: BASE.replace('project: p\n', 'project: p\nunknown_tools: hold\n'),
    rules: "  - { id: s/x, on: { service: s, action: 'wip*' }, then: deny }\n",
    rule: 's/x',
    change: 'on: action: wip* became wipe',
  },
  {
    name: 'a glob of roles, where a scope is for every role',
    rules: "  - { id: s/x, on: { service: s, role: 'intern*' }, then: deny }\n",
    rule: 's/x',
    change: 'on: role: intern* became intern',
  },
])('$name -> a mutant that survives', async ({ base, rules = OPEN, rule, change }) => {
  const all = await mutants(rules, [READ], base)
  expect(all.find((one) => one.rule === rule && one.change === change)).toMatchObject({
    outcome: 'survived',
  })
})

test.for([
  {
    name: 'a glob of actions, where unknown tools are denied',
    rules: "  - { id: s/x, on: { service: s, action: 'wip*' }, then: deny }\n",
    reason: 'the policy names only wipe that action wip* selects',
  },
  {
    name: 'a glob of agents, of which unknown ones are denied',
    rules: "  - { id: s/x, on: { service: s, agent: 'a*' }, then: deny }\n",
    reason: 'the policy names only a that agent a* selects',
  },
])('$name -> an equivalent mutant', async ({ rules, reason }) => {
  const all = await mutants(rules, [READ.replace('allow', 'deny').replace('read', 'wipe')])
  expect(all.find((one) => one.rule === 's/x' && one.operator === 'selector')).toMatchObject({
    ...{ outcome: 'equivalent', reason },
  })
})

test('a test on behalf of nobody notices that a scope is for anybody', async () => {
  const base = BASE.replace(
    '  - tools: [s.read, s.write, s.write_all]\n',
    '  - tools: [s.read]\n  - { tools: [s.write], principals: [ana] }\n',
  )
  const nobody =
    '  - { name: nobody, action: { action: write }, expect: { verdict: deny, rules: [scope/principal-not-allowed] } }\n'
  const all = await mutants(OPEN, [nobody], base)
  expect(all.find(({ change }) => change.startsWith('principals: '))).toMatchObject({
    ...{ rule: 'a', operator: 'scope', outcome: 'noticed', by: 'nobody' },
  })
})

test('a hold beside one for every tool, where the default is a denial -> survives', async () => {
  const base = BASE.replace('low: allow', 'low: deny')
  const rules = `  - { id: s/all, on: { service: '*' }, then: hold }
  - { id: s/x, on: { service: s, action: read }, then: hold }
`
  const tests = ['  - { name: n, action: { action: read }, expect: { verdict: hold } }\n']
  const all = await mutants(rules, tests, base)
  expect(all.find((one) => one.rule === 's/x' && one.operator === 'removed')).not.toMatchObject({
    outcome: 'equivalent',
  })
})

describe('a route that adds itself', () => {
  const base = BASE.replace(
    'id: board, reviewers: [ana, bo], quorum: 2,',
    'id: board, reviewers: [ana, bo], quorum: 2, on: { action: [write, wipe], where: [{ path: payload.amount, above: 10 }] },',
  )
  const rules = '  - { id: s/x, on: { service: s }, then: hold }\n'
  const holds = (action: string, amount: number, expected: string) =>
    `  - { name: ${action} ${amount}, action: { action: ${action}, payload: { amount: ${amount} } }, expect: { verdict: hold, ${expected} } }\n`
  const ofRoute = async (tests: string[]) =>
    shown(await mutants(rules, tests, base), 'survived').filter((one) => one.startsWith('route'))

  test('that no test expects -> every mutant survives', async () => {
    expect(await ofRoute([holds('write', 11, 'rules: [s/x]')])).toEqual([
      'route board: quorum: 2 became 1',
      'route board: it adds itself to holds no longer',
      'route board: on: action: write was left out',
      'route board: on: action: wipe was left out',
      'route board: where: above: 10 became 11',
    ])
  })

  test('that is tested at its edges -> none survives', async () => {
    const reviews = 'route: [board], reviews: { board: { quorum: 2 } }'
    expect(await ofRoute([holds('write', 11, reviews), holds('wipe', 90, reviews)])).toEqual([])
  })
})
