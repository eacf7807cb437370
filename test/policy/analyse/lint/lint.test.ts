import { describe, expect, test } from 'vitest'
import type { Parts } from './repository.ts'
import { ANA, BO, createLinter, DEFAULT_ROUTE, filesOf, HELPER } from './repository.ts'

const { diagnose, found } = createLinter()

type Case = Parts & { readonly name: string; readonly want: readonly string[] }

const table = (cases: readonly Case[]) =>
  test.for(cases)('$name -> $want', async ({ want, ...parts }) => {
    expect(await found(parts)).toEqual(want)
  })

const key = (letter: string, more = '') =>
  `keys: [{ fingerprint: SHA256:${letter.repeat(43)}${more} }]`

test('a sound repository has nothing to note', async () => {
  expect(await found({})).toEqual([])
})

describe('rules that can never matter: their selector', () => {
  table([
    {
      name: 'tools that no agent has in a scope',
      tools: 'tools:\n  read: { effect: read }\n  drop: { effect: write }',
      agents: ['agent: helper\nscopes: [{ tools: [notes.read] }]'],
      rules: ['- { id: a/b, on: { service: notes, action: drop }, then: deny }'],
      want: ['rules.yaml:4:20 RULE_UNREACHABLE'],
    },
    {
      name: 'the tool of another agent',
      agents: [HELPER, 'agent: other\nscopes: [{ tools: [notes.read] }]'],
      rules: ['- { id: a/b, on: { agent: other, action: write }, then: deny }'],
      want: ['rules.yaml:4:20 RULE_UNREACHABLE'],
    },
    {
      name: 'a role in which nobody has the tool',
      rules: ['- { id: a/b, on: { action: archive, role: agent }, then: deny }'],
      want: ['rules.yaml:4:20 RULE_UNREACHABLE'],
    },
    {
      name: 'a priority that the tool never has',
      rules: ['- { id: a/b, on: { action: archive, priority: [low, medium] }, then: deny }'],
      want: ['rules.yaml:4:20 RULE_UNREACHABLE'],
    },
    {
      name: 'a flow that waits for what never comes',
      rules: [
        '- { id: a/b, on: { action: write }, flow: { after: { action: archive, role: no }, within: 1h }, then: deny }',
      ],
      want: ['rules.yaml:4:54 RULE_UNREACHABLE'],
    },
    {
      name: 'near miss: one of several tools in a scope',
      rules: ['- { id: a/b, on: { service: notes, action: [w*, other] }, then: deny }'],
      want: [],
    },
    {
      name: 'near miss: the very role',
      rules: ['- { id: a/b, on: { action: archive, role: keep* }, then: deny }'],
      want: [],
    },
    {
      name: 'near miss: a priority above that of the tool',
      rules: ['- { id: a/b, on: { action: archive, priority: critical }, then: deny }'],
      want: [],
    },
    {
      name: 'near miss: results',
      rules: ['- { id: a/b, on: { action: read, phase: result }, then: deny }'],
      want: [],
    },
    {
      name: 'near miss: people may let an unknown tool through',
      project: 'unknown_tools: hold',
      agents: ['agent: helper\nscopes: [{ tools: [notes.read, other.*] }]'],
      rules: ['- { id: a/b, on: { action: [write, x] }, then: deny }'],
      want: [],
    },
    {
      name: 'a name that nothing bears is no finding of ours',
      rules: ['- { id: a/b, on: { service: nots }, then: deny }'],
      want: [],
    },
  ])
})

describe('rules that can never matter: their tests', () => {
  const when = (tests: string, on = '{ action: write }') =>
    `- { id: a/b, on: ${on}, when: [${tests}], then: deny }`
  const first = 'rules.yaml:4:46 RULE_UNREACHABLE'
  const at = (column: number) => [first.replace('46', String(column))]
  table([
    {
      name: 'two values of one field',
      rules: [
        when(
          '{ path: payload.a, equals: 1, if_missing: pass }, { path: payload.a, equals: 2, if_missing: pass }',
        ),
      ],
      want: at(96),
    },
    {
      name: 'above and below that do not meet',
      rules: [
        when(
          '{ path: payload.a, above: 10, if_missing: pass }, { path: payload.a, below: 5, if_missing: pass }',
        ),
      ],
      want: at(96),
    },
    {
      name: 'in one list and in none of it',
      rules: [
        when(
          '{ path: payload.a, one_of: [x, y], if_missing: pass }, { path: payload.a, none_of: [x, y, z] }',
        ),
      ],
      want: at(101),
    },
    {
      name: 'a value and a pattern that it does not match',
      rules: [
        when(
          "{ path: payload.a, equals: x, if_missing: pass }, { path: payload.a, matches: '^y', if_missing: pass }",
        ),
      ],
      want: at(96),
    },
    {
      name: 'an action that the rule does not select',
      rules: [when('{ path: action, equals: read }')],
      want: at(46),
    },
    {
      name: 'a priority that the rule does not select',
      rules: [when('{ path: priority, equals: low }', '{ action: write, priority: high }')],
      want: at(62),
    },
    {
      name: 'a phase that the rule does not select',
      rules: [when('{ path: phase, equals: result }')],
      want: at(46),
    },
    {
      name: 'the pattern of the rule',
      rules: [
        '- { id: a/b, on: { action: write }, when: [{ path: payload.a, equals: x, if_missing: pass }], pattern: { path: payload.a, equals: y, if_missing: pass }, then: deny }',
      ],
      want: at(106),
    },
    {
      name: 'null and not null, of a field that is there',
      rules: [
        when(
          '{ path: payload.a, equals: null, if_missing: pass }, { path: payload.a, not_equals: null }',
        ),
      ],
      want: at(99),
    },
    {
      name: 'near miss: null and not null, of a field that may be missing',
      rules: [when('{ path: payload.a, equals: null }, { path: payload.a, not_equals: null }')],
      want: [],
    },
    {
      name: 'near miss: a missing field meets both',
      rules: [when('{ path: payload.a, equals: 1 }, { path: payload.a, equals: 2 }')],
      want: [],
    },
    {
      name: 'near miss: a value of another type meets both',
      rules: [
        when('{ path: payload.a, above: 10 }, { path: payload.a, equals: x, if_missing: pass }'),
      ],
      want: [],
    },
    {
      name: 'near miss: numbers between',
      rules: [
        when(
          '{ path: payload.a, above: 5, if_missing: pass }, { path: payload.a, below: 5.5, if_missing: pass }',
        ),
      ],
      want: [],
    },
    {
      name: 'near miss: another field',
      rules: [
        when(
          '{ path: payload.a, equals: 1, if_missing: pass }, { path: payload.b, equals: 2, if_missing: pass }',
        ),
      ],
      want: [],
    },
    {
      name: 'near miss: several values at one path',
      rules: [
        when(
          "{ path: 'payload.a[]', equals: 1, if_missing: pass }, { path: 'payload.a[]', equals: 2, if_missing: pass }",
        ),
      ],
      want: [],
    },
    {
      name: 'near miss: patterns that may both match',
      rules: [
        when(
          "{ path: payload.a, matches: '^a', if_missing: pass }, { path: payload.a, not_matches: 'b$', if_missing: pass }, { path: payload.a, longer_than: 3, if_missing: pass }",
        ),
      ],
      want: [],
    },
    {
      name: 'near miss: an action that a glob selects',
      rules: [when('{ path: action, equals: write }', "{ action: 'w*' }")],
      want: [],
    },
  ])
})

describe('rules that another one always outweighs', () => {
  const deny = (id: string, on: string) => `- { id: ${id}, on: ${on}, then: deny }`
  table([
    {
      name: 'a hold under a denial of more',
      rules: [
        deny('a/wide', '{ service: notes }'),
        '- { id: a/narrow, on: { service: notes, action: write }, then: hold }',
      ],
      want: ['rules.yaml:5:11 RULE_SHADOWED'],
    },
    {
      name: 'a hold by an equal hold: the later one',
      rules: [
        '- { id: b/one, on: { action: write }, then: hold }',
        '- { id: a/two, on: { action: write }, then: hold, route: default }',
      ],
      want: ['rules.yaml:5:11 RULE_SHADOWED'],
    },
    {
      name: 'a kind under a denial of a glob',
      rules: [
        deny('a/wide', "{ service: notes, action: 'w*' }"),
        '- { id: a/narrow, on: { service: notes, action: write }, velocity: { limit: 5, per: 1h }, then: deny }',
      ],
      want: ['rules.yaml:5:11 RULE_SHADOWED'],
    },
    {
      name: 'a redaction of the same fields',
      rules: [
        '- { id: a/wide, on: { action: write }, then: redact, redact: [payload.a, payload.b] }',
        "- { id: a/narrow, on: { action: write, role: 'x*' }, then: redact, redact: [payload.a] }",
      ],
      want: ['rules.yaml:5:11 RULE_SHADOWED'],
    },
    {
      name: 'near miss: the other has a further test',
      rules: [
        '- { id: a/wide, on: { action: write }, when: [{ path: payload.a, equals: 1 }], then: deny }',
        '- { id: a/narrow, on: { action: write }, then: hold }',
      ],
      want: [],
    },
    {
      name: 'near miss: the other is in shadow mode',
      rules: [
        '- { id: a/wide, on: { action: write }, then: deny, mode: shadow, shadow_until: 2026-12-01T00:00:00Z }',
        '- { id: a/narrow, on: { action: write }, then: hold }',
      ],
      want: [],
    },
    {
      name: 'near miss: a denial under a hold',
      rules: [
        '- { id: a/wide, on: { service: notes }, then: hold }',
        '- { id: a/narrow, on: { service: notes, action: write }, then: deny }',
      ],
      want: [],
    },
    {
      name: 'near miss: another route',
      routes: [DEFAULT_ROUTE, '- { id: second, roles: [lead], time_out: 1h }'],
      rules: [
        '- { id: a/wide, on: { action: write }, then: hold }',
        '- { id: a/narrow, on: { action: write }, then: hold, route: second }',
      ],
      want: [],
    },
    {
      name: 'near miss: fields that the other leaves alone',
      rules: [
        '- { id: a/wide, on: { action: write }, then: hold, redact: [payload.a] }',
        '- { id: a/narrow, on: { action: write }, then: redact, redact: [payload.b] }',
      ],
      want: [],
    },
    {
      name: 'near miss: a redaction that denies where its field is missing',
      rules: [
        '- { id: a/wide, on: { action: write }, then: redact, redact: [payload.a] }',
        '- { id: a/narrow, on: { action: write }, pattern: { path: payload.a, matches: x }, then: redact, redact: [payload.a] }',
      ],
      want: [],
    },
    {
      name: 'near miss: a redaction with a further test of its field',
      rules: [
        '- { id: a/wide, on: { action: write }, then: redact, redact: [payload.a] }',
        '- { id: a/narrow, on: { action: write }, when: [{ path: payload.a, matches: x }], then: redact, redact: [payload.a] }',
      ],
      want: [],
    },
    {
      name: 'near miss: a redaction that finds fields beside those that it names',
      rules: [
        '- { id: a/wide, on: { action: write }, then: hold, redact: [payload.a] }',
        '- { id: a/narrow, on: { action: write }, pii: { in: [payload], detect: [email] }, then: redact, redact: [payload.a] }',
      ],
      want: [],
    },
    {
      name: 'near miss: a wider selector',
      rules: [deny('a/wide', '{ action: write }'), deny('a/narrow', "{ action: 'w*' }")],
      // The second covers the first instead.
      want: ['rules.yaml:4:11 RULE_SHADOWED'],
    },
    {
      name: 'near miss: selectors that overlap',
      rules: [
        deny('a/one', '{ service: notes, role: a }'),
        deny('a/two', '{ service: notes, action: write }'),
      ],
      want: [],
    },
    {
      name: 'near miss: a rule that names its tools switches their default off',
      rules: [
        '- { id: a/wide, on: { effect: write }, then: hold }',
        '- { id: a/narrow, on: { action: write, effect: write }, then: hold }',
      ],
      want: [],
    },
    {
      name: 'near miss: another phase',
      rules: [
        deny('a/wide', '{ service: notes, phase: result }'),
        deny('a/narrow', '{ service: notes, action: write }'),
      ],
      want: [],
    },
  ])
})

describe('rules without a test', () => {
  const rule = '- { id: a/b, on: { action: write }, then: deny }'
  table([
    {
      name: 'none expects it',
      rules: [rule],
      expects: [],
      want: ['rules.yaml:4:11 RULE_UNTESTED'],
    },
    {
      name: 'one expects it to be quiet',
      rules: [rule],
      expects: [],
      more: {
        'more.yaml':
          'apiVersion: countersign/v1\nkind: DecisionTest\ntests:\n  - { name: u, action: { action: read }, expect: { verdict: allow, quiet: [a/b] } }\n',
      },
      want: ['rules.yaml:4:11 RULE_UNTESTED'],
    },
    {
      name: 'near miss: a row of a table expects its finding',
      rules: [rule],
      expects: [],
      more: {
        'more.yaml':
          'apiVersion: countersign/v1\nkind: DecisionTest\ntests:\n  - name: u\n    action: { action: read }\n    cases:\n      - { expect: { verdict: deny, findings: [{ rule: a/b }] } }\n',
      },
      want: [],
    },
  ])

  test('no test at all -> one warning for all rules, at the project', async () => {
    const files = new Map(filesOf({ rules: [rule, rule.replace('a/b', 'a/c')] }))
    files.delete('tests.yaml')
    const diagnostics = (await diagnose(files)).filter(({ code }) => code === 'RULE_UNTESTED')
    expect(diagnostics).toMatchObject([{ file: 'countersign.yaml', line: 3, column: 10 }])
    expect(diagnostics[0]?.message).toContain('2 rules')
  })
})

describe('tools that cannot be undone', () => {
  const purge = 'on: { action: purge }'
  const at = ['tools.yaml:8:3 TOOL_WITHOUT_HOLD']
  const open = 'defaults: { low: allow, medium: allow, high: allow, critical: deny }'
  table([
    { name: 'the default allows it', project: open, want: at },
    {
      name: 'a rule that only counts replaces the default',
      rules: [`- { id: a/b, ${purge}, velocity: { limit: 5, per: 1h }, then: deny }`],
      want: at,
    },
    {
      name: 'a rule that only redacts replaces the default',
      rules: [`- { id: a/b, ${purge}, then: redact, redact: [payload.a] }`],
      want: at,
    },
    {
      name: 'a hold at one priority alone',
      project: open,
      rules: ['- { id: a/b, on: { action: purge, priority: critical }, then: hold }'],
      want: at,
    },
    {
      name: 'a hold for another agent',
      project: open,
      agents: [HELPER, HELPER.replace('helper', 'other')],
      rules: ['- { id: a/b, on: { action: purge, agent: other }, then: hold }'],
      want: at,
    },
    {
      name: 'a rule about everything that tests something',
      project: open,
      rules: ['- { id: a/b, pattern: { path: payload.a, matches: x }, then: deny }'],
      want: at,
    },
    {
      name: 'a hold in shadow mode',
      project: open,
      rules: [
        `- { id: a/b, ${purge}, then: hold, mode: shadow, shadow_until: 2026-12-01T00:00:00Z }`,
      ],
      want: at,
    },
    {
      name: 'near miss: a hold',
      project: open,
      rules: [`- { id: a/b, ${purge}, then: hold }`],
      want: [],
    },
    {
      name: 'near miss: a hold of everything irreversible',
      project: open,
      rules: ['- { id: a/b, on: { effect: irreversible }, then: hold }'],
      want: [],
    },
    {
      name: 'near miss: a denial under a condition about the tool',
      project: open,
      rules: [`- { id: a/b, ${purge}, pattern: { path: payload.a, above: 5 }, then: deny }`],
      want: [],
    },
    {
      name: 'near miss: no agent has it in a scope',
      project: open,
      agents: ['agent: helper\nscopes: [{ tools: [notes.read] }]'],
      want: [],
    },
    {
      name: 'near miss: it is never automated',
      project: open,
      tools:
        'tools:\n  read: { effect: read }\n  write: { effect: write }\n  archive: { effect: write }\n  purge: { effect: irreversible, automate: never }',
      want: [],
    },
    {
      name: 'near miss: a Rego package about it',
      project: open,
      more: {
        'p.rego':
          '# METADATA\n# custom:\n#   on: { action: purge }\npackage countersign.p\n\nhold contains {"msg": "m"} if input.action.effect\n',
        'p_test.rego':
          'package countersign.p_test\n\nimport data.countersign.p\n\ntest_p if count(p.hold) == 0 with input as {}\n',
      },
      want: [],
    },
  ])
})

describe('people and routes', () => {
  const glass = (asks: string, breaks: string) =>
    `- { id: default, ${asks}, time_out: 1h, break_glass: { ${breaks}, review_within: 24h } }`
  const second = '- { id: second, reviewers: [bo], time_out: 1h }'
  const takes = '- { id: a/b, on: { action: write }, then: hold, route: second }'
  const onGithub = `defaults: { low: allow, medium: allow, high: hold, critical: deny }\nforge: { kind: github, repository: acme/approvals }`
  const ANA_THERE = ANA.replace(' }] }', " }], accounts: { github: '1' } }")
  const BO_THERE = BO.replace(' }] }', " }], accounts: { github: '2' } }")
  const owned = HELPER.replace('agent: helper', 'agent: helper\nowner: ana')
  table([
    {
      name: 'nobody pinned a key',
      people: [ANA, '- { id: bo, roles: [lead] }'],
      want: ['roster.yaml:5:11 PERSON_WITHOUT_KEY'],
    },
    {
      name: 'the only key is revoked',
      people: [
        ANA,
        `- { id: bo, roles: [lead], ${key('b', ', revoked_at: 2026-01-01T00:00:00Z')} }`,
      ],
      want: ['roster.yaml:5:11 PERSON_WITHOUT_KEY'],
    },
    {
      name: 'near miss: a key that will end',
      people: [
        ANA,
        `- { id: bo, roles: [lead], ${key('b', ', valid_until: 2026-07-01T00:00:00Z')} }`,
      ],
      want: [],
    },
    {
      name: 'somebody reviews nothing',
      people: [ANA, BO, `- { id: cleo, roles: [other], ${key('c')} }`],
      want: ['roster.yaml:6:11 PERSON_UNUSED'],
    },
    {
      name: 'near miss: they own an agent',
      agents: [HELPER.replace('agent: helper', 'agent: helper\nowner: cleo')],
      people: [ANA, BO, `- { id: cleo, ${key('c')} }`],
      want: [],
    },
    {
      name: 'a route that nothing takes',
      routes: [DEFAULT_ROUTE, second],
      want: ['routes.yaml:5:11 ROUTE_UNUSED'],
    },
    {
      name: 'near miss: a rule takes it',
      routes: [DEFAULT_ROUTE, second],
      rules: [takes],
      want: [],
    },
    {
      name: 'near miss: a Rego package names it',
      routes: [DEFAULT_ROUTE, second],
      more: {
        'p.rego':
          'package countersign.p\n\nhold contains {"msg": "m", "route": "second"} if input.action.effect == "write"\n',
        'p_test.rego':
          'package countersign.p_test\n\nimport data.countersign.p\n\ntest_p if count(p.hold) == 0 with input as {}\n',
      },
      want: [],
    },
    {
      name: 'only the owner is left to approve',
      agents: [owned],
      people: [ANA, `- { id: bo, roles: [other], ${key('b')} }`],
      routes: [DEFAULT_ROUTE, second],
      rules: [takes],
      want: ['routes.yaml:4:11 ROUTE_NEEDS_OWNER'],
    },
    {
      name: 'the owner is needed for the quorum',
      agents: [owned],
      routes: ['- { id: default, roles: [lead], quorum: 2, time_out: 1h }'],
      want: ['routes.yaml:4:11 ROUTE_NEEDS_OWNER'],
    },
    {
      name: 'who stands in for the owner is no other reviewer',
      agents: [owned],
      people: [
        ANA.replace(/ }$/, ', delegates: [{ to: bo, until: 2027-01-01T00:00:00Z }] }'),
        `- { id: bo, roles: [other], ${key('b')} }`,
      ],
      routes: [DEFAULT_ROUTE],
      want: ['routes.yaml:4:11 ROUTE_NEEDS_OWNER'],
    },
    {
      name: 'the owner is needed in one of the groups',
      agents: [owned],
      routes: [
        '- { id: default, groups: [{ id: a, reviewers: [ana] }, { id: b, reviewers: [ana, bo] }], time_out: 1h }',
      ],
      want: ['routes.yaml:4:11 ROUTE_NEEDS_OWNER'],
    },
    { name: 'near miss: another reviewer is enough', agents: [owned], want: [] },
    {
      name: 'who breaks the glass is needed to look at it',
      routes: [glass('reviewers: [ana, bo], quorum: 2', 'reviewers: [bo]')],
      want: ['routes.yaml:4:11 ROUTE_NEEDS_BREAKER'],
    },
    {
      name: 'one of those who may break the glass is needed in a group',
      routes: [
        glass(
          'groups: [{ id: a, reviewers: [ana] }, { id: b, reviewers: [bo, cleo] }]',
          'reviewers: [bo, ana]',
        ),
      ],
      people: [ANA, BO, `- { id: cleo, ${key('c')} }`],
      want: ['routes.yaml:4:11 ROUTE_NEEDS_BREAKER'],
    },
    {
      name: 'two who break the glass together leave nobody',
      routes: [glass('roles: [lead]', 'roles: [lead], quorum: 2')],
      want: ['routes.yaml:4:11 ROUTE_NEEDS_BREAKER'],
    },
    {
      name: 'near miss: either of two breaks it, and the other looks',
      routes: [glass('roles: [lead]', 'roles: [lead]')],
      want: [],
    },
    {
      name: 'near miss: who breaks it does not review',
      routes: [glass('reviewers: [ana]', 'reviewers: [bo]')],
      want: [],
    },
    {
      name: 'near miss: somebody comes in later',
      routes: [
        glass('reviewers: [bo]', 'reviewers: [bo]').replace(
          'time_out: 1h',
          'time_out: 1h, escalate: { after: 5m, reviewers: [ana] }',
        ),
      ],
      want: [],
    },
    {
      name: 'no account on the forge',
      project: onGithub,
      people: [ANA_THERE, BO_THERE.replace(/, accounts: \{.*?\}/, '')],
      want: ['roster.yaml:5:11 PERSON_WITHOUT_ACCOUNT'],
    },
    {
      name: 'an account on another forge',
      project: onGithub,
      people: [ANA_THERE, BO_THERE.replace('github', 'gitea')],
      want: ['roster.yaml:5:11 PERSON_WITHOUT_ACCOUNT'],
    },
    { name: 'near miss: all have one', project: onGithub, people: [ANA_THERE, BO_THERE], want: [] },
    {
      name: 'no key, where a signature is asked for elsewhere only',
      project: onGithub,
      routes: ['- { id: default, roles: [lead], signature: none, time_out: 1h }'],
      people: [ANA_THERE, "- { id: bo, roles: [lead], accounts: { github: '2' } }"],
      want: ['routes.yaml:4:46 ROUTE_UNSIGNED'],
    },
    {
      name: 'a route without signatures',
      routes: ['- { id: default, roles: [lead], signature: none, time_out: 1h }'],
      want: ['routes.yaml:4:46 ROUTE_UNSIGNED'],
    },
    {
      name: 'near miss: it asks for one',
      routes: ['- { id: default, roles: [lead], signature: ssh, time_out: 1h }'],
      want: [],
    },
    {
      name: 'near miss: the owner reviews only for other agents',
      agents: [owned, HELPER.replace('helper', 'other')],
      routes: [DEFAULT_ROUTE, second.replace('bo', 'ana')],
      rules: [takes.replace('action: write', 'action: write, agent: other')],
      want: [],
    },
  ])
})

describe('dates', () => {
  const shadow = (more: string) =>
    `- { id: a/b, on: { action: write }, then: deny, mode: shadow${more} }`
  const credential = (day: string): Parts => ({
    project:
      'defaults: { low: allow, medium: allow, high: hold, critical: deny }\nsecrets: { env: { names: [KEY] } }',
    agents: [
      HELPER.replace(
        'agent: helper',
        `agent: helper\ncredentials: [{ secret: secret://env/KEY, tools: [notes.write], rotate_by: '${day}' }]`,
      ),
    ],
  })
  table([
    {
      name: 'a policy whose end has passed',
      project:
        'defaults: { low: allow, medium: allow, high: hold, critical: deny }\nvalid_until: 2026-05-31T23:59:59Z',
      want: ['countersign.yaml:5:14 DATE_EXPIRED'],
    },
    {
      name: 'near miss: one that ends later',
      project:
        'defaults: { low: allow, medium: allow, high: hold, critical: deny }\nvalid_until: 2026-06-01T00:00:01Z',
      want: [],
    },
    {
      name: 'a key whose end has passed, beside another',
      people: [
        ANA,
        `- { id: bo, roles: [lead], keys: [{ fingerprint: SHA256:${'b'.repeat(43)} }, { fingerprint: SHA256:${'c'.repeat(43)}, valid_until: 2026-01-01T00:00:00Z }] }`,
      ],
      want: ['roster.yaml:5:186 DATE_EXPIRED'],
    },
    {
      name: 'a secret that was to be replaced',
      ...credential('2026-05-31'),
      want: ['agents/0.yaml:4:76 DATE_EXPIRED'],
    },
    { name: 'near miss: one to be replaced today', ...credential('2026-06-01'), want: [] },
    {
      name: 'near miss: a revoked key stays',
      people: [
        ANA,
        `- { id: bo, roles: [lead], keys: [{ fingerprint: SHA256:${'b'.repeat(43)} }, { fingerprint: SHA256:${'c'.repeat(43)}, valid_until: 2026-01-01T00:00:00Z, revoked_at: 2025-12-01T00:00:00Z }] }`,
      ],
      want: [],
    },
    {
      name: 'shadow without an end',
      rules: [shadow('')],
      want: ['rules.yaml:4:57 RULE_IN_SHADOW'],
    },
    {
      name: 'shadow whose end has passed',
      rules: [shadow(', shadow_until: 2026-06-01T00:00:00Z')],
      want: ['rules.yaml:4:79 DATE_EXPIRED'],
    },
    {
      name: 'near miss: shadow that ends later',
      rules: [shadow(', shadow_until: 2026-06-02T00:00:00Z')],
      want: [],
    },
  ])

  test('only the end of the policy is an error', async () => {
    const parts: Parts = { project: 'valid_until: 2026-01-01T00:00:00Z', rules: [shadow('')] }
    const severities = (await diagnose(filesOf(parts))).map(({ code, severity }) => [
      code,
      severity,
    ])
    expect(severities).toEqual([
      ['DATE_EXPIRED', 'error'],
      ['RULE_IN_SHADOW', 'warning'],
    ])
  })
})

describe('Rego packages', () => {
  const rego = (custom: string) =>
    `# METADATA\n# custom:\n${custom.replaceAll(/^/gm, '#   ')}\npackage countersign.p\n\ndeny contains {"msg": "m"} if input.action.effect == "write"\n`
  const tested =
    'package countersign.p_test\n\nimport data.countersign.p\n\ntest_p if count(p.deny) == 0 with input as {}\n'
  const of = (custom: string, tests?: string) => ({
    more: { 'p.rego': rego(custom), ...(tests === undefined ? {} : { 'p_test.rego': tests }) },
  })
  table([
    {
      name: 'one that nothing tests',
      ...of('on: { action: write }'),
      want: ['p.rego:4:1 RULE_UNTESTED'],
    },
    {
      name: 'one beside tests of another',
      ...of(
        'on: { action: write }',
        tested
          .replaceAll('countersign.p\n', 'countersign.lib\n')
          .replace('count(p.deny) == 0', 'not lib.has(["x"])'),
      ),
      want: ['p.rego:4:1 RULE_UNTESTED'],
    },
    { name: 'near miss: a Rego test', ...of('on: { action: write }', tested), want: [] },
    {
      name: 'near miss: a decision test',
      ...of('on: { action: write }'),
      expects: ['rego/p'],
      want: [],
    },
    {
      name: 'one whose tool has no agent in that role',
      ...of('on: { action: archive, role: agent }', tested),
      want: ['p.rego:4:1 RULE_UNREACHABLE'],
    },
    {
      name: 'one in shadow without an end',
      ...of('mode: shadow', tested),
      want: ['p.rego:4:1 RULE_IN_SHADOW'],
    },
    {
      name: 'one whose time in shadow has passed',
      ...of('mode: shadow\nshadow_until: "2026-01-01T00:00:00Z"', tested),
      want: ['p.rego:5:1 DATE_EXPIRED'],
    },
  ])
})

test('a tool without an effect does not compile at all', async () => {
  const files = filesOf({ tools: 'tools:\n  read: {}' })
  await expect(diagnose(files)).rejects.toThrow(/KEY_MISSING[\s\S]*effect/)
})
