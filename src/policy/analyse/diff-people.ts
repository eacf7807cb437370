import { compareText } from '../../base/position.ts'
import type { CompiledPerson } from '../../model/generated/types.ts'
import type { PolicyChange } from '../../model/policy-diff.ts'
import type { Draft, FieldComparator } from './diff-fields.ts'
import { arrow, compareFields, isSame, listed, neutral, unclear } from './diff-fields.ts'
import type { Sides } from './diff-parts.ts'
import { changeOf, pairsOf, whole } from './diff-parts.ts'

/** People who came, left, or sign with other keys. */
export function comparePeople(sides: Sides): PolicyChange[] {
  const [before, after] = [sides.before.policy.people, sides.after.policy.people]
  return pairsOf(before, after, ({ id }) => id).flatMap(({ id, before: old, after: now }) => {
    const part = 'person' as const
    const places = { before: null, after: null }
    if (old === null && now !== null) {
      const keys = now.keys.length === 0 ? 'without a key' : `with ${listed(keysOf(now))}`
      const drafts = [whole('unclear', `a new person, ${keys}`)]
      return [changeOf(sides, { part, id, change: 'added', drafts, ...places })]
    }
    if (now === null) {
      const drafts = [whole('stronger', 'may review nothing any more')]
      return [changeOf(sides, { part, id, change: 'removed', drafts, ...places })]
    }
    const drafts = old === null || isSame(old, now) ? [] : comparePerson(old, now)
    if (drafts.length === 0) return []
    return [changeOf(sides, { part, id, change: 'changed', drafts, ...places })]
  })
}

function keysOf({ keys }: CompiledPerson): readonly string[] {
  return keys.map(({ fingerprint }) => fingerprint)
}

function comparePerson(before: CompiledPerson, after: CompiledPerson): Draft[] {
  const { keys: oldKeys, accounts: oldAccounts, delegates: oldDelegates, id: _, ...old } = before
  const { keys: newKeys, accounts: newAccounts, delegates, id: __, ...now } = after
  const keys = pairsOf(oldKeys, newKeys, ({ fingerprint }) => fingerprint)
  return [
    // Whoever may review through a role stands on the routes themselves; Rego may read roles all the same.
    ...compareFields(old, now, { name: neutral, roles: unclear, identities: compareIdentities }),
    ...keys.flatMap(({ id, before: from, after: to }): Draft[] => {
      const at = { field: 'keys', pointer: '/keys' }
      if (from === null) return [{ ...at, direction: 'weaker', message: `one more key: ${id}` }]
      if (to === null) return [{ ...at, direction: 'stronger', message: `no longer: ${id}` }]
      const index = after.keys.indexOf(to)
      return compareFields(from, to, KEY_FIELDS, `/keys/${index}`).map((draft) => ({
        ...draft,
        field: `keys.${draft.field.split('.').at(-1)}`,
        pointer: '/keys',
        message: `${id}: ${draft.message}`,
      }))
    }),
    ...compareAccounts(oldAccounts ?? {}, newAccounts ?? {}),
    ...compareDelegates(oldDelegates ?? [], delegates ?? []),
  ]
}

/** Whoever may stand in for the person, or for longer, or on more routes, is one more who may approve. */
function compareDelegates(
  before: NonNullable<CompiledPerson['delegates']>,
  after: NonNullable<CompiledPerson['delegates']>,
): Draft[] {
  const at = { field: 'delegates', pointer: '/delegates' }
  const nameOf = ({ to, routes }: (typeof before)[number]) =>
    routes === undefined ? to : `${to} on ${listed(routes)}`
  const [old, now] = [Map.groupBy(before, nameOf), Map.groupBy(after, nameOf)]
  return [...new Set([...old.keys(), ...now.keys()])].sort(compareText).flatMap((name) => {
    // The same person may stand in several times: each time counts.
    const [spans, others] = [old.get(name) ?? [], now.get(name) ?? []]
    const longest = Math.max(spans.length, others.length)
    return Array.from({ length: longest }, (_, index): Draft[] => {
      const [from, to] = [spans[index], others[index]]
      if (from === undefined) {
        return [{ ...at, direction: 'weaker', message: `stands in until ${to?.until}: ${name}` }]
      }
      if (to === undefined) {
        return [{ ...at, direction: 'stronger', message: `stands in no longer: ${name}` }]
      }
      return compareFields(from, to, SPAN_FIELDS).map((draft) => {
        return { ...at, direction: draft.direction, message: `${name}: ${draft.message}` }
      })
    }).flat()
  })
}

const SPAN_FIELDS: Readonly<Record<string, FieldComparator>> = {
  from: (before, after, field) => byTime(before, after, field, 'stronger'),
  until: (before, after, field) => byTime(before, after, field, 'weaker'),
}

/** Whoever has the identity may sign as the person. */
const compareIdentities: FieldComparator = (before, after) => {
  const namesOf = (value: typeof before) =>
    (Array.isArray(value) ? value : []).map((one) => JSON.stringify(one))
  const [old, now] = [namesOf(before), namesOf(after)]
  const added = now.filter((one) => !old.includes(one))
  const removed = old.filter((one) => !now.includes(one))
  return [
    ...added.map((one) => ({ direction: 'weaker' as const, message: `one more identity: ${one}` })),
    ...removed.map((one) => ({ direction: 'stronger' as const, message: `no longer: ${one}` })),
  ]
}

/** Whoever holds another account may speak for the person from now on, so another one is weaker, as one more is. */
function compareAccounts(
  before: NonNullable<CompiledPerson['accounts']>,
  after: NonNullable<CompiledPerson['accounts']>,
): Draft[] {
  const [old, now] = [Object.entries(before), Object.entries(after)]
  return pairsOf(old, now, ([kind]) => kind).flatMap(({ id, before: from, after: to }): Draft[] => {
    const at = { field: `accounts.${id}`, pointer: to === null ? '/accounts' : `/accounts/${id}` }
    if (from === null) {
      const message = `one more account: ${id} ${to?.[1]}`
      return [{ ...at, direction: 'weaker', message }]
    }
    if (to === null) {
      return [{ ...at, direction: 'stronger', message: `no longer: ${id} ${from[1]}` }]
    }
    if (from[1] === to[1]) return []
    const message = `another account: ${id} ${from[1]} -> ${to[1]}`
    return [{ ...at, direction: 'weaker', message }]
  })
}

const KEY_FIELDS: Readonly<Record<string, FieldComparator>> = {
  valid_from: (before, after, field) => byTime(before, after, field, 'stronger'),
  valid_until: (before, after, field) => byTime(before, after, field, 'weaker'),
  revoked_at: (before, after, field) => byTime(before, after, field, 'weaker'),
}

/** A date that ends or starts what a key may do: none is no bound. */
export function byTime(
  before: Parameters<FieldComparator>[0],
  after: Parameters<FieldComparator>[1],
  field: string,
  later: 'weaker' | 'stronger',
) {
  const message = arrow(field, before, after)
  // No end is later than any; no start is earlier than any.
  const unbound = later === 'weaker' ? Infinity : -Infinity
  const timeOf = (value: unknown) =>
    value === null || value === undefined ? unbound : Date.parse(String(value))
  const [old, now] = [timeOf(before), timeOf(after)]
  if (Number.isNaN(old) || Number.isNaN(now)) return unclear(before, after, field)
  const earlier = later === 'weaker' ? ('stronger' as const) : ('weaker' as const)
  return [{ direction: now > old ? later : earlier, message }]
}
