import { expect, test } from 'vitest'
import type { CompiledPolicy, CompiledRoute } from '../../../src/model/generated/types.ts'
import { comparePolicies } from '../../../src/policy/analyse/diff.ts'
import { FILES, sideOf } from './sides.ts'

type Change = Partial<CompiledRoute>

/** What it says of a policy in which only the route `payments` differs. */
async function saidOf(before: Change, after: Change): Promise<string[]> {
  const side = await sideOf(FILES)
  const withRoute = (change: Change): CompiledPolicy => ({
    ...side.policy,
    routes: side.policy.routes.map((one) => (one.id === 'payments' ? { ...one, ...change } : one)),
  })
  const changes = comparePolicies({
    before: { ...side, policy: withRoute(before) },
    after: { ...side, policy: withRoute(after) },
  })
  return changes.flatMap(({ differences }) =>
    differences.map(({ field, direction }) => `${direction} ${field}`),
  )
}

const glass = { quorum: 1, reviewers: ['cleo'], review_within: '24h' }
const late = { after: '10m', reviewers: ['cleo'] }
const groups = [
  { id: 'a', quorum: 1, reviewers: ['ana'] },
  { id: 'b', quorum: 2, reviewers: ['bo', 'cleo'] },
]
const [groupA, groupB] = groups as [(typeof groups)[0], (typeof groups)[0]]
const on = {
  service: 'shop',
  where: [{ path: 'payload.amount', above: 100, if_missing: 'find' as const }],
}

test.for<{ name: string; from: Change; to: Change; want: string[] }>([
  { name: 'glass to break', from: {}, to: { break_glass: glass }, want: ['weaker break_glass'] },
  {
    name: 'no glass any more',
    from: { break_glass: glass },
    to: {},
    want: ['stronger break_glass'],
  },
  {
    name: 'glass for one more',
    from: { break_glass: glass },
    to: { break_glass: { ...glass, reviewers: ['ana', 'cleo'] } },
    want: ['weaker break_glass'],
  },
  {
    name: 'glass for two together, broken anew by whom it was spent',
    from: { break_glass: glass },
    to: { break_glass: { ...glass, quorum: 2 } },
    want: ['stronger break_glass', 'unclear break_glass'],
  },
  {
    name: 'a later look',
    from: { break_glass: glass },
    to: { break_glass: { ...glass, review_within: '48h' } },
    want: ['weaker break_glass'],
  },
  { name: 'escalation', from: {}, to: { escalate: late }, want: ['weaker escalate'] },
  {
    name: 'escalation sooner',
    from: { escalate: late },
    to: { escalate: { ...late, after: '5m' } },
    want: ['weaker escalate'],
  },
  { name: 'escalation to nobody', from: { escalate: late }, to: {}, want: ['stronger escalate'] },
  { name: 'a longer time-out', from: {}, to: { time_out: '2h' }, want: ['weaker time_out'] },
  {
    name: 'expiring instead of rejecting',
    from: { on_time_out: 'reject' },
    to: {},
    want: ['weaker on_time_out'],
  },
  {
    name: 'rejecting instead of expiring',
    from: {},
    to: { on_time_out: 'reject' },
    want: ['stronger on_time_out'],
  },
  {
    name: 'no hours any more',
    from: { hours: { zone: 'UTC', windows: [], except: [] } },
    to: {},
    want: ['weaker hours'],
  },
  { name: 'batches', from: {}, to: { batch: { max: 5, within: '30s' } }, want: ['weaker batch'] },
  {
    name: 'larger batches',
    from: { batch: { max: 5, within: '30s' } },
    to: { batch: { max: 9, within: '30s' } },
    want: ['weaker batch'],
  },
  {
    name: 'a longer time to gather',
    from: { batch: { max: 5, within: '30s' } },
    to: { batch: { max: 5, within: '5m' } },
    want: ['neutral batch'],
  },
  {
    name: 'a shorter time-out',
    from: {},
    to: { time_out: '5m' },
    want: ['stronger time_out'],
  },
  {
    name: 'hours where there were none',
    from: {},
    to: { hours: { zone: 'UTC', windows: [], except: [] } },
    want: ['unclear hours'],
  },
  { name: 'no reminders any more', from: { remind: ['5m'] }, to: {}, want: ['neutral remind'] },
  { name: 'reminders', from: {}, to: { remind: ['5m'] }, want: ['neutral remind'] },
  {
    name: 'signed, then not',
    from: { signature: 'signed' },
    to: { signature: 'none' },
    want: ['weaker signature'],
  },
  {
    name: 'a key, then any signature',
    from: { signature: 'ssh' },
    to: { signature: 'signed' },
    want: ['weaker signature'],
  },
  {
    name: 'any signature, then an identity',
    from: { signature: 'signed' },
    to: { signature: 'sigstore' },
    want: ['stronger signature'],
  },
  {
    name: 'a key, then an identity',
    from: { signature: 'ssh' },
    to: { signature: 'sigstore' },
    want: ['unclear signature'],
  },
  { name: 'a group less', from: { groups }, to: { groups: [groupB] }, want: ['weaker groups.a'] },
  { name: 'a group more', from: { groups: [groupA] }, to: { groups }, want: ['stronger groups.b'] },
  {
    name: 'a smaller quorum of a group',
    from: { groups },
    to: { groups: [groupA, { ...groupB, quorum: 1 }] },
    want: ['weaker groups.b.quorum'],
  },
  {
    name: 'one more in a group',
    from: { groups },
    to: { groups: [{ ...groupA, reviewers: ['ana', 'bo'] }, groupB] },
    want: ['unclear groups.a.reviewers'],
  },
  {
    name: 'one less in a group',
    from: { groups },
    to: { groups: [groupA, { ...groupB, reviewers: ['bo'] }] },
    want: ['weaker groups.b.reviewers'],
  },
  { name: 'adding itself no longer', from: { on }, to: {}, want: ['weaker on'] },
  { name: 'adding itself', from: {}, to: { on }, want: ['unclear on'] },
  {
    name: 'adding itself to more services, where it stands in for `default`',
    from: { on },
    to: { on: { ...on, service: '*' } },
    want: ['unclear on.service'],
  },
  {
    name: 'adding itself to fewer actions',
    from: { on },
    to: { on: { ...on, action: 'refund' } },
    want: ['weaker on.action'],
  },
  {
    name: 'from a higher amount',
    from: { on },
    to: { on: { ...on, where: [{ ...on.where[0], above: 500 }] } },
    want: ['weaker on.where.0.above'],
  },
  {
    name: 'from a lower amount',
    from: { on },
    to: { on: { ...on, where: [{ ...on.where[0], above: 50 }] } },
    want: ['unclear on.where.0.above'],
  },
  {
    name: 'whatever the amount',
    from: { on },
    to: { on: { service: 'shop' } },
    want: ['unclear on.where'],
  },
  {
    name: 'for sessions that are less odd',
    from: { on: { ...on, behaviour: { score_min: 0.9 } } },
    to: { on: { ...on, behaviour: { score_min: 0.8 } } },
    want: ['unclear on.behaviour'],
  },
  {
    name: 'for some rules',
    from: { on },
    to: { on: { ...on, rules: ['refunds/*'] } },
    want: ['weaker on.rules'],
  },
  {
    name: 'for one rule more',
    from: { on: { ...on, rules: ['a/b'] } },
    to: { on: { ...on, rules: ['a/b', 'a/c'] } },
    want: ['unclear on.rules'],
  },
  {
    name: 'for odder sessions',
    from: { on: { ...on, behaviour: { score_min: 0.8 } } },
    to: { on: { ...on, behaviour: { score_min: 0.9 } } },
    want: ['weaker on.behaviour'],
  },
])('$name -> $want', async ({ from, to, want }) => {
  expect(await saidOf(from, to)).toEqual(want)
})

type Delegations = NonNullable<CompiledPolicy['people'][number]['delegates']>
const until = '2026-12-31T00:00:00Z'
const [bo, boEarlier] = [
  { to: 'bo', until },
  { to: 'bo', until: '2026-12-01T00:00:00Z' },
] as const

test.for<{ name: string; from: Delegations; to: Delegations; want: string[] }>([
  { name: 'somebody', from: [], to: [bo], want: ['weaker delegates'] },
  { name: 'nobody any more', from: [bo], to: [], want: ['stronger delegates'] },
  { name: 'for less long', from: [bo], to: [boEarlier], want: ['stronger delegates'] },
  {
    name: 'the same person once more, and for longer',
    from: [bo],
    to: [{ to: 'bo', from: until, until: '2099-12-31T00:00:00Z' }, bo],
    want: ['stronger delegates', 'weaker delegates', 'weaker delegates'],
  },
  {
    name: 'on one more route',
    from: [{ ...bo, routes: ['payments'] }],
    to: [{ ...bo, routes: ['default', 'payments'] }],
    want: ['stronger delegates', 'weaker delegates'],
  },
])('a delegation to $name -> $want', async ({ from, to, want }) => {
  const side = await sideOf(FILES)
  const withDelegates = (delegates: Delegations): CompiledPolicy => ({
    ...side.policy,
    people: side.policy.people.map((one) =>
      one.id !== 'ana' || delegates.length === 0 ? one : { ...one, delegates },
    ),
  })
  const changes = comparePolicies({
    before: { ...side, policy: withDelegates(from) },
    after: { ...side, policy: withDelegates(to) },
  })
  const said = changes.flatMap(({ differences }) =>
    differences.map(({ field, direction }) => `${direction} ${field}`),
  )
  expect(said.sort()).toEqual(want)
})
