import type {
  CompiledPerson,
  CompiledRoute,
  Person,
  Route,
  RouteEscalation,
  RouteGroup,
} from '../../model/generated/types.ts'
import type { AskedRoute } from '../../trust/approve/review.ts'
import { delegatesOf } from '../../trust/approve/routes.ts'
import type { Documents, Entry } from './documents.ts'
import { sorted } from './sorted.ts'

/** A list of people, by name, by role and by team. */
export type Named = Pick<RouteEscalation, 'reviewers' | 'roles' | 'teams'>

/** What tells who is who. */
export type Roster = Pick<Documents, 'people' | 'teams'>

/** The people of a list who are on the roster. */
function peopleOf({ reviewers, roles, teams }: Named, roster: Roster): readonly Entry<Person>[] {
  const names = new Set(reviewers)
  const wanted = new Set(roles)
  const teamed = new Set(teams)
  for (const { value } of roster.teams) {
    if (teamed.has(value.id)) for (const member of value.members) names.add(member)
  }
  return roster.people.filter(
    ({ value }) => names.has(value.id) || (value.roles ?? []).some((role) => wanted.has(role)),
  )
}

/** The people who may review on a route from the beginning, in all of its groups; delegates left out. */
export function reviewersOf(route: Route, roster: Roster): readonly Entry<Person>[] {
  if (route.groups === undefined) return peopleOf(route, roster)
  const all = new Set(route.groups.flatMap((group) => peopleOf(group, roster)))
  return roster.people.filter((person) => all.has(person))
}

/** Everybody whom a route may ask for something, those of later and of emergencies included; delegates left out. */
export function everybodyOn(route: Route, roster: Roster): readonly Entry<Person>[] {
  const lists = [route.escalate, route.break_glass].flatMap((list) =>
    list === undefined ? [] : peopleOf(list, roster),
  )
  const all = new Set([...reviewersOf(route, roster), ...lists])
  return roster.people.filter((person) => all.has(person))
}

/** Names of a list of people, sorted, each once. */
export function namesOn(list: Named, roster: Roster): string[] {
  return sorted(peopleOf(list, roster).map(({ value }) => value.id))
}

/** The groups of a route as the policy has them, sorted by id. */
export function compileGroups(
  groups: readonly RouteGroup[],
  roster: Roster,
): NonNullable<CompiledRoute['groups']> {
  return groups
    .map((group) => ({
      id: group.id,
      quorum: group.quorum ?? 1,
      reviewers: namesOn(group, roster),
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** What a route would ask for now of the people on the roster, as far as seats go. Without a clock, all who stand in. */
export function seatsOn(
  route: Pick<CompiledRoute, 'id' | 'quorum' | 'reviewers' | 'signature' | 'groups'>,
  people: readonly CompiledPerson[],
  now: number | null,
): AskedRoute {
  const { id, quorum, reviewers, signature, groups } = route
  const current = now === null ? people.map(timeless) : people
  const delegates = delegatesOf(route, reviewers, { people: [...current], now: now ?? 0 })
  return {
    ...{ id, quorum, signature, expires_at: '' },
    reviewers: [...new Set([...reviewers, ...delegates.map(({ person }) => person)])],
    ...(groups === undefined ? {} : { groups }),
    ...(delegates.length === 0 ? {} : { delegates }),
  }
}

function timeless({ delegates, ...person }: CompiledPerson): CompiledPerson {
  if (delegates === undefined) return person
  return {
    ...person,
    delegates: delegates.map(({ from: _, ...one }) => ({ ...one, until: FAR })),
  }
}

const FAR = '9999-12-31T00:00:00Z'

/** Who stands in for a person, sorted; nothing where nobody does. */
export function compileDelegates({ delegates }: Person): Pick<CompiledPerson, 'delegates'> {
  if (delegates === undefined) return {}
  const compiled = delegates.map(({ to, from, until, routes }) => ({
    to,
    ...(from === undefined ? {} : { from }),
    until,
    ...(routes === undefined ? {} : { routes: sorted(routes) }),
  }))
  return { delegates: sortedByText(compiled) }
}

/** Identities that a person signs with, sorted; nothing where there are none. */
export function compileIdentities({ identities }: Person): Pick<CompiledPerson, 'identities'> {
  if (identities === undefined) return {}
  return {
    identities: sortedByText(identities.map(({ issuer, subject }) => ({ issuer, subject }))),
  }
}

function sortedByText<T>(items: readonly T[]): T[] {
  const textOf = (item: T) => JSON.stringify(item)
  return [...items].sort((a, b) => (textOf(a) < textOf(b) ? -1 : 1))
}
