import { expect, test } from 'vitest'
import { changeWord, mayWeaken } from '../../../src/model/policy-diff.ts'
import { comparePolicies } from '../../../src/policy/analyse/diff.ts'
import { NO_PLACES } from '../../../src/policy/analyse/diff-parts.ts'
import { changesOf, FILES, sideOf } from './sides.ts'

const EXTRA_RULE = `  - id: wipes/any
    on: { service: shop, action: wipe }
    pattern: { path: payload.reason, equals: none }
    then: hold
`

type Row = {
  readonly name: string
  readonly from: string
  readonly to: string
  /** `part id: word`, and each difference as `direction message`. */
  readonly want: readonly (readonly [what: string, ...differences: string[]])[]
}

test.for<Row>([
  // Rules.
  {
    name: 'a limit raised',
    from: 'limit: 5',
    to: 'limit: 50',
    want: [['rule refunds/often: weakened', 'weaker limit: 5 -> 50']],
  },
  {
    name: 'a limit lowered',
    from: 'limit: 5',
    to: 'limit: 4',
    want: [['rule refunds/often: strengthened', 'stronger limit: 5 -> 4']],
  },
  {
    name: 'a limit raised and its window longer',
    from: 'limit: 5, per: 10m',
    to: 'limit: 6, per: 20m',
    want: [['rule refunds/often: weakened', 'weaker limit: 5 -> 6', 'stronger per: 10m -> 20m']],
  },
  {
    name: 'a window written otherwise',
    from: 'per: 10m',
    to: 'per: 600s',
    want: [['rule refunds/often: changed', 'neutral per: 10m -> 600s']],
  },
  {
    name: 'fewer things counted together',
    from: 'by: [agent, payload.user]',
    to: 'by: [agent, payload.user, session]',
    want: [
      [
        'rule refunds/often: weakened',
        'weaker by: ["agent","payload.user"] -> ["agent","payload.user","session"]',
      ],
    ],
  },
  {
    name: 'a deny that only holds',
    from: 'then: deny',
    to: 'then: hold',
    want: [
      [
        'rule refunds/large: weakened',
        'weaker then: deny -> hold',
        'neutral route: none -> default',
      ],
    ],
  },
  {
    name: 'a hold that denies',
    from: 'then: hold\n    route: payments',
    to: 'then: deny',
    want: [
      [
        'rule refunds/often: strengthened',
        'stronger then: hold -> deny',
        'neutral route: payments -> none',
      ],
    ],
  },
  {
    name: 'a rule put into shadow',
    from: 'then: deny',
    to: 'then: deny\n    mode: shadow',
    want: [['rule refunds/large: weakened', 'weaker mode: enforce -> shadow']],
  },
  {
    name: 'a selector widened',
    from: 'action: [refund, delete]',
    to: 'action: ["*"]',
    want: [
      [
        'rule refunds/large: changed',
        'stronger action: now also *',
        "unclear the project's default no longer applies to shop.wipe",
      ],
    ],
  },
  {
    name: 'a selector narrowed',
    from: 'action: [refund, delete]',
    to: 'action: [delete]',
    want: [['rule refunds/large: weakened', 'weaker action: no longer refund']],
  },
  {
    name: 'a selector that names a role',
    from: 'action: [refund, delete]',
    to: 'action: [refund, delete], role: intern',
    want: [['rule refunds/large: weakened', 'weaker role: only intern now']],
  },
  {
    name: 'a test taken out of `when`',
    from: '    when: [{ path: payload.currency, equals: EUR }]\n',
    to: '',
    want: [
      [
        'rule refunds/large: strengthened',
        'stronger when: also unless {"equals":"EUR","if_missing":"find","path":"payload.currency"}',
      ],
    ],
  },
  {
    name: 'a test more in `when`',
    from: 'equals: EUR }]',
    to: 'equals: EUR }, { path: payload.vip, equals: false }]',
    want: [
      [
        'rule refunds/large: weakened',
        'weaker when: only if also {"equals":false,"if_missing":"find","path":"payload.vip"}',
      ],
    ],
  },
  {
    name: 'a test of `when` that holds for more',
    from: 'equals: EUR }]',
    to: 'one_of: [EUR, USD] }]',
    want: [['rule refunds/large: strengthened', 'stronger one_of: ["EUR"] -> ["EUR","USD"]']],
  },
  {
    name: 'a pattern less',
    from: 'matches: [secret, private]',
    to: 'matches: [secret]',
    want: [['rule notes/private: weakened', 'weaker matches: - private']],
  },
  {
    name: 'a missing field let pass',
    from: 'above: 100',
    to: 'above: 100, if_missing: pass',
    want: [['rule refunds/large: weakened', 'weaker if_missing: find -> pass']],
  },
  {
    name: 'another operator',
    from: 'above: 100',
    to: 'below: 100',
    want: [['rule refunds/large: changed', 'unclear above 100 -> below 100']],
  },
  {
    name: 'a field no longer masked',
    from: 'redact: [payload.note, payload.memo]',
    to: 'redact: [payload.note]',
    want: [['rule notes/private: weakened', 'weaker no longer: redact payload.memo']],
  },
  {
    name: 'a field tokenised instead of masked',
    from: 'redact: [payload.note, payload.memo]',
    to: 'redact: [payload.note]\n    tokenise: [payload.memo]',
    want: [
      [
        'rule notes/private: changed',
        'unclear no longer: redact payload.memo',
        'unclear instead: tokenise payload.memo',
      ],
    ],
  },
  {
    name: 'another kind under the same id',
    from: 'pattern: { path: payload.amount, above: 100 }',
    to: 'velocity: { limit: 1, per: 1m }',
    want: [['rule refunds/large: changed', 'unclear kind: pattern -> velocity']],
  },
  {
    name: 'a hold that waits for fewer people',
    from: 'route: payments',
    to: 'route: default',
    want: [
      [
        'rule refunds/often: weakened',
        'unclear route: payments -> default',
        'weaker quorum: 2 -> 1',
        'weaker no longer reviewed by bo',
        'stronger show: - payload.amount',
      ],
    ],
  },
  {
    name: 'a rule about another text',
    from: '  - id: notes/private\n',
    to: '  - id: notes/private\n    about: Notes stay here.\n',
    want: [['rule notes/private: changed', 'neutral about: none -> Notes stay here.']],
  },
  {
    name: 'a rule removed',
    from:
      FILES['policies/rules.yaml']?.slice(FILES['policies/rules.yaml'].indexOf('  - id: notes')) ??
      '',
    to: '',
    want: [['rule notes/private: removed', 'weaker pattern rule, then redact']],
  },
  {
    name: 'a rule that takes a tool from the default',
    from: '  - id: notes/private\n',
    to: `${EXTRA_RULE}  - id: notes/private\n`,
    want: [
      [
        'rule wipes/any: added',
        'stronger pattern rule, then hold',
        "unclear the project's default no longer applies to shop.wipe",
      ],
    ],
  },
  {
    name: 'a rule more about a tool that rules speak about',
    from: '  - id: notes/private\n',
    to: `${EXTRA_RULE.replace('action: wipe', 'action: refund')}  - id: notes/private\n`,
    want: [['rule wipes/any: added', 'stronger pattern rule, then hold']],
  },
  {
    name: 'a rule more in shadow',
    from: '  - id: notes/private\n',
    to: `${EXTRA_RULE}    mode: shadow\n  - id: notes/private\n`,
    want: [['rule wipes/any: added', 'neutral pattern rule, then hold, in shadow']],
  },
  // Agents.
  {
    name: 'a scope widened',
    from: 'shop.read_*, shop.refund',
    to: 'shop.read_*, shop.re*',
    want: [['agent clerk: weakened', 'weaker may now use shop.re*']],
  },
  {
    name: 'a scope cut otherwise, for the same tools',
    from: '  - tools: [shop.read_*, shop.refund]\n',
    to: '  - tools: [shop.read_*]\n  - tools: [shop.refund]\n',
    want: [],
  },
  {
    name: 'a scope narrowed',
    from: 'shop.read_*, shop.refund',
    to: 'shop.read_order, shop.refund',
    want: [['agent clerk: strengthened', 'stronger may no longer use shop.read_*']],
  },
  {
    name: 'a role taken away from a scope',
    from: '  - tools: [shop.delete]\n    roles: [senior]\n',
    to: '  - tools: [shop.delete]\n',
    want: [['agent clerk: weakened', 'weaker may now use shop.delete']],
  },
  {
    name: 'a role more for a scope',
    from: 'roles: [senior]',
    to: 'roles: [senior, lead]',
    want: [['agent clerk: weakened', 'weaker may now use shop.delete in the role lead']],
  },
  {
    name: 'an approved fingerprint where any would do',
    from: 'agent: clerk\n',
    to: "agent: clerk\nfingerprints: ['sha256:aa']\n",
    want: [['agent clerk: strengthened', 'stronger only sha256:aa may act now']],
  },
  {
    name: 'an agent more',
    from: 'agent: clerk\n',
    to: `agent: trainee\nscopes: [{ tools: [shop.read_order] }]\n---\napiVersion: countersign/v1\nkind: Agent\nagent: clerk\n`,
    want: [['agent trainee: added', 'weaker a new agent, with shop.read_order']],
  },
  // Tools.
  {
    name: 'an effect lowered',
    from: 'refund: { effect: write }',
    to: 'refund: { effect: read }',
    want: [['tool shop.refund: weakened', 'weaker effect: write -> read']],
  },
  {
    name: 'a priority lowered',
    from: 'priority: critical',
    to: 'priority: low',
    want: [['tool shop.delete: weakened', 'weaker priority: critical -> low']],
  },
  {
    name: 'a tool more',
    from: '  wipe: {',
    to: '  shred: { effect: irreversible }\n  wipe: {',
    want: [['tool shop.shred: added', 'weaker no longer unknown, which was deny']],
  },
  // The project.
  {
    name: 'a default weakened and an unknown tool held',
    from: 'critical: deny }',
    to: 'critical: hold }\nunknown_tools: hold',
    want: [
      [
        'project shop: weakened',
        'weaker critical: deny -> hold',
        'weaker unknown_tools: deny -> hold',
      ],
    ],
  },
  {
    name: 'a bound raised',
    from: 'project: shop\n',
    to: 'project: shop\nevaluation_steps_max: 1000000\n',
    want: [['project shop: weakened', 'weaker evaluation_steps_max: 300000 -> 1000000']],
  },
  {
    name: 'a policy that ends',
    from: 'project: shop\n',
    to: 'project: shop\nvalid_until: 2027-01-01T00:00:00Z\n',
    want: [['project shop: strengthened', 'stronger valid_until: none -> 2027-01-01T00:00:00Z']],
  },
  {
    name: 'another forge',
    from: 'project: shop\n',
    to: 'project: shop\nforge: { kind: local, path: other.git }\n',
    want: [
      [
        'project shop: changed',
        'unclear forge: {"base":"main","kind":"local","path":"forge.git"} -> {"base":"main","kind":"local","path":"other.git"}',
      ],
    ],
  },
  // Routes and people.
  {
    name: 'a reviewer dropped and the quorum lowered',
    from: 'reviewers: [ana, bo]\n    quorum: 2',
    to: 'reviewers: [bo]\n    quorum: 1',
    want: [
      ['route payments: weakened', 'weaker quorum: 2 -> 1', 'weaker no longer reviewed by ana'],
    ],
  },
  {
    name: 'a reviewer more, and more to see',
    from: 'reviewers: [ana, bo]\n    quorum: 2\n    time_out: 1h\n    show: [payload.amount]',
    to: 'reviewers: [ana, bo, cleo]\n    quorum: 2\n    time_out: 1h\n    show: [payload.amount, payload.user]',
    want: [
      [
        'route payments: weakened',
        'unclear may also be approved by cleo',
        'weaker show: + payload.user',
      ],
    ],
  },
  {
    name: 'changes of baselines that nobody reviews any more',
    from: 'reviewers: [ana, bo]\n    quorum: 2',
    to: 'reviewers: [ana, bo]\n    baselines: { movement_ppm_max: 20000 }\n    quorum: 2',
    want: [['route payments: weakened', 'weaker baselines.movement_ppm_max: 0 -> 20000']],
  },
  {
    name: 'a key revoked',
    from: `SHA256:${'2'.repeat(42)}A', valid_until`,
    to: `SHA256:${'2'.repeat(42)}A', revoked_at: 2026-02-01T00:00:00Z, valid_until`,
    want: [
      [
        'person cleo: strengthened',
        `stronger SHA256:${'2'.repeat(42)}A: revoked_at: none -> 2026-02-01T00:00:00Z`,
      ],
    ],
  },
  {
    name: 'a key more',
    from: `[{ fingerprint: 'SHA256:${'2'.repeat(42)}A'`,
    to: `[{ fingerprint: 'SHA256:${'3'.repeat(42)}A' }, { fingerprint: 'SHA256:${'2'.repeat(42)}A'`,
    want: [['person cleo: weakened', `weaker one more key: SHA256:${'3'.repeat(42)}A`]],
  },
  {
    name: 'an account of a person',
    from: '  - id: cleo',
    to: "  - id: cleo\n    accounts: { github: '7' }",
    want: [['person cleo: weakened', 'weaker one more account: github 7']],
  },
  {
    name: 'a route without signatures',
    from: '    quorum: 2',
    to: '    quorum: 2\n    signature: none',
    want: [['route payments: weakened', 'weaker signature: signed -> none']],
  },
])('$name -> $want', async ({ from, to, want }) => {
  const changes = await changesOf([[from, to]])
  const found = changes.map((change) => [
    `${change.part} ${change.id}: ${changeWord(change)}`,
    ...change.differences.map(({ direction, message }) => `${direction} ${message}`),
  ])
  expect(found).toEqual(want)
})

test('the same files, moved and in another order -> no change', async () => {
  const moved = Object.fromEntries(
    Object.entries(FILES)
      .reverse()
      .map(([file, text]) => [
        file.replace('policies/', 'policies/deep/'),
        `# A comment that moves all below it.\n${text}`,
      ]),
  )
  const sides = { before: await sideOf(FILES), after: await sideOf(moved) }
  expect(comparePolicies(sides)).toEqual([])
})

test('each difference has file, line and column on both sides', async () => {
  const changes = await changesOf([
    ['limit: 5, per', 'limit: 50, per'],
    ['quorum: 2', 'quorum: 1'],
    ['high: hold', 'high: allow'],
    ['[shop.delete]', '[shop.delete, shop.wipe]'],
  ])
  const places = changes.flatMap(({ part, before, after, differences }) => [
    [part, before, after],
    ...differences.map((one) => [one.message, one.before, one.after]),
  ])
  const at = (file: string, line: number, column: number) => ({ file, line, column })
  expect(places).toEqual([
    ['project', at('countersign.yaml', 1, 1), at('countersign.yaml', 1, 1)],
    ['high: hold -> allow', at('countersign.yaml', 4, 46), at('countersign.yaml', 4, 46)],
    ['agent', at('policies/agents.yaml', 3, 8), at('policies/agents.yaml', 3, 8)],
    [
      'may now use shop.wipe in the role senior',
      at('policies/agents.yaml', 6, 5),
      at('policies/agents.yaml', 6, 5),
    ],
    ['rule', at('policies/rules.yaml', 4, 5), at('policies/rules.yaml', 4, 5)],
    ['limit: 5 -> 50', at('policies/rules.yaml', 6, 24), at('policies/rules.yaml', 6, 24)],
    ['route', at('policies/routes.yaml', 5, 5), at('policies/routes.yaml', 5, 5)],
    ['quorum: 2 -> 1', at('policies/routes.yaml', 7, 13), at('policies/routes.yaml', 7, 13)],
  ])
})

test('bundles alone know the place of the part', async () => {
  const after = {
    ...FILES,
    'policies/rules.yaml': FILES['policies/rules.yaml']?.replace('5,', '9,'),
  }
  const bare = async (files: object) => ({
    ...(await sideOf(files as typeof FILES)),
    places: NO_PLACES,
  })
  const [change] = comparePolicies({ before: await bare(FILES), after: await bare(after) })
  const place = { file: 'policies/rules.yaml', line: 4, column: 5 }
  expect(change?.differences[0]).toMatchObject({ before: place, after: place })
})

test('a setting that nobody knows here -> unclear, so it may weaken', async () => {
  const before = await sideOf(FILES)
  const invented = { rules: { part: 'rules' }, agents: 1, tools: 1, routes: 1 }
  const add = <T>(items: readonly T[]) => items.map((item) => ({ ...item, invented }))
  const { policy } = before
  const after = {
    ...before,
    policy: {
      ...policy,
      invented: 1,
      rules: add(policy.rules),
      agents: add(policy.agents),
      tools: add(policy.tools),
      routes: add(policy.routes),
      people: add(policy.people),
    } as typeof policy,
  }
  const changes = comparePolicies({ before, after })
  expect(changes.map(({ part }) => part)).toEqual([
    'project',
    'agent',
    ...policy.tools.map(() => 'tool'),
    ...policy.rules.map(() => 'rule'),
    ...policy.routes.map(() => 'route'),
    ...policy.people.map(() => 'person'),
  ])
  expect(changes.every(mayWeaken)).toBe(true)
  expect(new Set(changes.map(({ direction }) => direction))).toEqual(new Set(['unclear']))
})
