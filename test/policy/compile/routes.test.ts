import { describe, expect, test } from 'vitest'
import type { RegoCompiler } from '../../../src/model/ports.ts'
import { compile } from '../../../src/policy/compile/index.ts'

const HEAD = 'apiVersion: countersign/v1\nkind: '
const key = (letter: string) => `keys: [{ fingerprint: 'SHA256:${letter.repeat(43)}' }]`
const NOW = Date.parse('2026-11-21T09:00:00Z')

const PEOPLE = [
  `{ id: ana, roles: [lead], ${key('a')} }`,
  `{ id: bo, ${key('b')} }`,
  `{ id: cy, identities: [{ issuer: 'https://login.example', subject: cy@example.com }] }`,
  '{ id: dee }',
]
const TEAMS = 'teams: [{ id: desk, members: [bo, cy] }]'

async function compiled(
  route: string,
  { people = PEOPLE, teams = TEAMS, rule = '', now = NOW as number | null } = {},
) {
  const files = new Map([
    ['countersign.yaml', `${HEAD}Project\nproject: shop\n`],
    ['tools.yaml', `${HEAD}Tools\nservice: shop\ntools: { read: { effect: read } }\n`],
    ['agent.yaml', `${HEAD}Agent\nagent: helper\nscopes: [{ tools: ['shop.*'] }]\n`],
    [
      'roster.yaml',
      `${HEAD}Roster\npeople:\n${people.map((one) => `  - ${one}\n`).join('')}${teams}\n`,
    ],
    ['routes.yaml', `${HEAD}Routes\nroutes:\n  - { id: default, time_out: 1h, ${route} }\n`],
    ...(rule === '' ? [] : [['rules.yaml', `${HEAD}Guardrails\nrules: [${rule}]\n`] as const]),
  ])
  // There is no Rego to compile.
  return compile(files, { rego: {} as RegoCompiler, ...(now === null ? {} : { now }) })
}

const codesOf = async (...args: Parameters<typeof compiled>) =>
  (await compiled(...args)).diagnostics.map(({ code }) => code)

test('what a route does not use is absent, and `signed` is what it asks for', async () => {
  const { bundle } = await compiled('reviewers: [ana]')
  expect(Object.keys(bundle?.policy.routes[0] ?? {}).sort()).toEqual([
    'column',
    'file',
    'id',
    'line',
    'quorum',
    'reviewers',
    'show',
    'signature',
    'time_out',
  ])
  expect(bundle?.policy.routes[0]?.signature).toBe('signed')
})

test('names, roles and teams become people, groups are summed, days are listed', async () => {
  const { bundle, diagnostics } = await compiled(
    `groups: [{ id: ops, teams: [desk], quorum: 2 }, { id: boss, roles: [lead] }], on_time_out: expire,
     hours: { zone: Europe/Berlin, windows: [{ days: [mon..wed], from: '09:00' }] }, remind: [30m, 5m],
     escalate: { after: 40m, reviewers: [bo] }, break_glass: { reviewers: [ana], review_within: 24h },
     batch: { max: 20, within: 30s }`.replaceAll(/\n\s*/g, ' '),
  )
  expect(diagnostics).toEqual([])
  expect(bundle?.policy.routes[0]).toMatchObject({
    reviewers: ['ana', 'bo', 'cy'],
    quorum: 3,
    groups: [
      { id: 'boss', quorum: 1, reviewers: ['ana'] },
      { id: 'ops', quorum: 2, reviewers: ['bo', 'cy'] },
    ],
    hours: {
      zone: 'Europe/Berlin',
      windows: [{ days: ['mon', 'tue', 'wed'], from: '09:00', to: '24:00' }],
      except: [],
    },
    remind: ['5m', '30m'],
    escalate: { after: '40m', reviewers: ['bo'] },
    break_glass: { quorum: 1, reviewers: ['ana'], review_within: '24h' },
    batch: { max: 20, within: '30s' },
  })
  expect(bundle?.policy.routes[0]).not.toHaveProperty('on_time_out')
})

test('a rule that names no route leaves it open where a route adds itself, and else names `default`', async () => {
  const rule = '{ id: a/b, then: hold }'
  const plain = await compiled('reviewers: [ana]', { rule })
  const adding = await compiled('reviewers: [ana], on: {}', { rule })
  expect(plain.bundle?.policy.rules[0]?.route).toBe('default')
  expect(adding.bundle?.policy.rules[0]?.route).toBeNull()
})

test.for([
  { globs: 'refunds/*', want: [] },
  { globs: 'refunds/any, refund/*', want: ['REFERENCE_UNKNOWN'] },
  { globs: 'refunds/large', want: ['REFERENCE_UNKNOWN'] },
  { globs: 'engine/tool-unknown', want: [] },
  { globs: 'scope/*', want: [] },
  { globs: '"*"', want: [] },
  { globs: 'budget/*', want: ['REFERENCE_UNKNOWN'] },
])('a route for the rules $globs, of which there is refunds/any -> $want', async (row) => {
  const rule = '{ id: refunds/any, on: { service: shop }, then: hold }'
  expect(await codesOf(`reviewers: [ana], on: { rules: [${row.globs}] }`, { rule })).toEqual(
    row.want,
  )
})

describe('who can satisfy a route', () => {
  const until = (time: string) =>
    PEOPLE.map((one) =>
      one === '{ id: dee }' ? `{ id: dee, delegates: [{ to: bo, until: ${time} }] }` : one,
    )
  type Row = { name: string; route: string; people?: string[]; now?: number | null; want: string[] }
  const no = ['ROUTE_UNSATISFIABLE']
  test.for<Row>([
    { name: 'a key and an identity', route: 'reviewers: [ana, cy], quorum: 2', want: [] },
    {
      name: 'a key where only a key counts',
      route: 'reviewers: [ana, cy], quorum: 2, signature: ssh',
      want: no,
    },
    {
      name: 'an identity where only that counts',
      route: 'reviewers: [cy], signature: sigstore',
      want: [],
    },
    {
      name: 'a key where an identity is asked for',
      route: 'reviewers: [ana], signature: sigstore',
      want: no,
    },
    { name: 'nothing', route: 'reviewers: [dee]', want: no },
    {
      name: 'a key that counts from tomorrow on',
      route: 'reviewers: [ana]',
      people: [PEOPLE[0]?.replace(' }]', ', valid_from: 2026-11-22T09:00:00Z }]') ?? ''],
      want: ['REFERENCE_UNKNOWN', 'REFERENCE_UNKNOWN', ...no],
    },
    {
      name: 'a key that counts from now on',
      route: 'reviewers: [ana]',
      people: [PEOPLE[0]?.replace(' }]', ', valid_from: 2026-11-21T09:00:00Z }]') ?? ''],
      want: ['REFERENCE_UNKNOWN', 'REFERENCE_UNKNOWN'],
    },
    {
      name: 'nothing, on a forge without accounts',
      route: 'reviewers: [dee], signature: none',
      want: no,
    },
    {
      name: 'two groups, one person in both',
      route: 'groups: [{ id: a, reviewers: [ana] }, { id: b, roles: [lead] }]',
      want: no,
    },
    {
      name: 'two groups, one person in both and one more',
      route: 'groups: [{ id: a, reviewers: [ana] }, { id: b, reviewers: [ana, bo] }]',
      want: [],
    },
    {
      name: 'a group of who cannot sign',
      route: 'groups: [{ id: a, reviewers: [ana] }, { id: b, reviewers: [dee] }]',
      want: no,
    },
    {
      name: 'who stands in',
      route: 'reviewers: [dee]',
      people: until('2026-12-01T00:00:00Z'),
      want: [],
    },
    {
      name: 'who stood in',
      route: 'reviewers: [dee]',
      people: until('2026-11-21T09:00:00Z'),
      want: no,
    },
    {
      name: 'who stands in, without a clock',
      route: 'reviewers: [dee]',
      people: until('2026-11-21T09:00:00Z'),
      now: null,
      want: [],
    },
    {
      name: 'who stands in, and sits there anyway',
      route: 'reviewers: [bo, dee], quorum: 2',
      people: until('2026-12-01T00:00:00Z'),
      want: no,
    },
    {
      name: 'escalation to nobody who can',
      route: 'reviewers: [ana], escalate: { after: 5m, reviewers: [dee] }',
      want: no,
    },
    {
      name: 'escalation to somebody who can',
      route: 'reviewers: [ana], escalate: { after: 5m, reviewers: [dee, bo] }',
      want: [],
    },
    {
      name: 'glass that nobody can break',
      route: 'reviewers: [ana], break_glass: { reviewers: [dee], review_within: 1h }',
      want: no,
    },
    {
      name: 'glass that too few can break',
      route:
        'reviewers: [ana], break_glass: { reviewers: [bo, dee], quorum: 2, review_within: 1h }',
      want: no,
    },
  ])('$name -> $want', async ({ route, people = PEOPLE, now = NOW, want }) => {
    expect(await codesOf(route, { people, now })).toEqual(want)
  })
})

describe('what a route cannot say', () => {
  const hours = (more: string) => `reviewers: [ana], hours: { zone: UTC, ${more} }`
  test.for([
    { route: 'quorum: 1', want: ['KEY_MISSING', 'ROUTE_UNSATISFIABLE'] },
    { route: 'quorum: 1, groups: [{ id: a, reviewers: [ana] }]', want: ['VALUE_INVALID'] },
    { route: 'reviewers: [bo], groups: [{ id: a, reviewers: [ana] }]', want: ['VALUE_INVALID'] },
    {
      route: 'groups: [{ id: a, reviewers: [ana] }, { id: a, reviewers: [bo] }]',
      want: ['ID_DUPLICATE'],
    },
    {
      route: 'groups: [{ id: a, reviewers: [ana] }, { id: b }]',
      want: ['ROUTE_UNSATISFIABLE', 'KEY_MISSING'],
    },
    { route: 'reviewers: [ana], teams: [dusk]', want: ['REFERENCE_UNKNOWN'] },
    { route: 'reviewers: [ana], remind: [1h]', want: ['VALUE_INVALID'] },
    {
      route: 'reviewers: [ana], escalate: { after: 2h, reviewers: [bo] }',
      want: ['VALUE_INVALID'],
    },
    {
      route: 'reviewers: [ana], escalate: { after: 5m }',
      want: ['KEY_MISSING', 'ROUTE_UNSATISFIABLE'],
    },
    {
      route: 'reviewers: [ana], break_glass: { review_within: 1h, reviewers: [eve, bo] }',
      want: ['REFERENCE_UNKNOWN'],
    },
    { route: 'reviewers: [ana], on: { where: [{ path: payload.amount }] }', want: ['KEY_MISSING'] },
    {
      route: 'reviewers: [ana], on: { where: [{ path: amount, above: 1 }] }',
      want: ['PATH_INVALID'],
    },
    { route: 'reviewers: [ana], on: { phase: result }', want: ['KEY_UNKNOWN'] },
    { route: hours('windows: [{ days: [mon] }]').replace('UTC', 'Mars'), want: ['VALUE_INVALID'] },
    { route: hours("windows: [{ from: '09:00', to: '09:00' }]"), want: ['VALUE_INVALID'] },
    { route: hours('windows: [{ days: [mon] }], except: [2026-02-30]'), want: ['VALUE_INVALID'] },
    { route: hours("windows: [{ days: [mon], from: '09:00', to: '09:10' }]"), want: [] },
  ])('$route -> $want', async ({ route, want }) => {
    expect(await codesOf(route)).toEqual(want)
  })

  test('hours that do not hold the time-out within 400 days -> ROUTE_NEVER_OPEN', async () => {
    const short = hours("windows: [{ days: [mon], from: '09:00', to: '09:01' }]")
    expect(await codesOf(short)).toEqual(['ROUTE_NEVER_OPEN'])
    const days = Array.from({ length: 410 }, (_, day) =>
      new Date(NOW + day * 86_400_000).toISOString().slice(0, 10),
    )
    const closed = hours(`windows: [{}], except: [${days.map((day) => `'${day}'`).join(', ')}]`)
    expect(await codesOf(closed)).toEqual(['ROUTE_NEVER_OPEN'])
    expect(await codesOf(closed, { now: null })).toEqual(['ROUTE_NEVER_OPEN'])
  })
})

describe('what a roster cannot say', () => {
  const dee = (more: string) =>
    PEOPLE.map((one) => (one === '{ id: dee }' ? `{ id: dee, ${more} }` : one))
  const CY = "identities: [{ issuer: 'https://login.example', subject: cy@example.com }]"
  test.for([
    {
      name: 'to nobody',
      people: dee('delegates: [{ to: eve, until: 2027-01-01T00:00:00Z }]'),
      want: ['REFERENCE_UNKNOWN'],
    },
    {
      name: 'to themselves',
      people: dee('delegates: [{ to: dee, until: 2027-01-01T00:00:00Z }]'),
      want: ['VALUE_INVALID'],
    },
    { name: 'without an end', people: dee('delegates: [{ to: bo }]'), want: ['KEY_MISSING'] },
    {
      name: 'that ends before it begins',
      people: dee(
        'delegates: [{ to: bo, from: 2027-01-01T00:00:00Z, until: 2026-01-01T00:00:00Z }]',
      ),
      want: ['VALUE_INVALID'],
    },
    {
      name: 'on no route',
      people: dee('delegates: [{ to: bo, until: 2027-01-01T00:00:00Z, routes: [x] }]'),
      want: ['REFERENCE_UNKNOWN'],
    },
    { name: 'an identity in two entries', people: dee(CY), want: ['ID_DUPLICATE'] },
  ])('$name -> $want', async ({ people, want }) => {
    expect(await codesOf('reviewers: [ana]', { people })).toEqual(want)
  })

  test.for([
    {
      name: 'a team twice',
      teams: 'teams: [{ id: desk, members: [bo] }, { id: desk, members: [cy] }]',
      want: ['ID_DUPLICATE'],
    },
    {
      name: 'a team of nobody',
      teams: 'teams: [{ id: desk, members: [eve] }]',
      want: ['REFERENCE_UNKNOWN'],
    },
    { name: 'an empty team', teams: 'teams: [{ id: desk, members: [] }]', want: ['VALUE_INVALID'] },
  ])('$name -> $want', async ({ teams, want }) => {
    expect(await codesOf('reviewers: [ana]', { teams })).toEqual(want)
  })
})
