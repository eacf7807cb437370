import type { CompiledPolicy, CompiledRoute, RouteSelector } from '../../model/generated/types.ts'
import type { Mutant } from './mutant.ts'
import { weakerTest } from './mutate-limits.ts'
import { narrowings } from './mutate-selectors.ts'

/** Every mutant of the routes: one approval fewer, and one that adds itself to fewer holds, or to none. */
export function routeMutants(policy: CompiledPolicy): Mutant[] {
  return policy.routes.flatMap((route) => [
    ...fewerPeople(policy, route),
    ...(route.on === undefined ? [] : fewerHolds(policy, route, route.on)),
  ])
}

function fewerPeople(policy: CompiledPolicy, route: CompiledRoute): Mutant[] {
  const { id, quorum } = route
  if (quorum < 2) return []
  return [
    {
      ...mutantOf(policy, route, { ...route, quorum: quorum - 1 }),
      same: isTaken(route, policy) ? null : 'no rule takes the route',
      change: `quorum: ${quorum} became ${quorum - 1}`,
      touches: (_, { expected }) => Object.hasOwn(expected.reviews ?? {}, id),
    },
  ]
}

function fewerHolds(policy: CompiledPolicy, route: CompiledRoute, on: RouteSelector): Mutant[] {
  const { on: _, ...named } = route
  const { where = [], rules, behaviour, ...selector } = on
  const kept = { ...(rules === undefined ? {} : { rules }), ...(behaviour && { behaviour }) }
  const narrowed = narrowings(selector, policy).map(
    ({ change, same, selector: { phase: _phase, ...narrow } }): Mutant => {
      const less = { ...narrow, ...kept, ...(where.length === 0 ? {} : { where }) }
      const mutant = mutantOf(policy, route, { ...route, on: less })
      return { ...mutant, change: `on: ${change}`, same }
    },
  )
  const stricter = where.flatMap((test, index) =>
    weakerTest(test).map(({ change, test: narrow }): Mutant => {
      const tests = where.map((one, at) => (at === index ? narrow : one))
      const mutant = mutantOf(policy, route, { ...route, on: { ...on, where: tests } })
      return { ...mutant, change: `where: ${change}` }
    }),
  )
  const none = {
    ...mutantOf(policy, route, named),
    change: 'it adds itself to holds no longer',
  }
  return [none, ...narrowed, ...stricter]
}

function mutantOf(policy: CompiledPolicy, route: CompiledRoute, to: CompiledRoute): Mutant {
  const { id, file, line, column } = route
  const routes = policy.routes.map((one) => (one === route ? to : one))
  return {
    ...{ rule: id, operator: 'route', change: '', same: null, place: { file, line, column } },
    policy: () => ({ ...policy, routes }),
    touches: (_, { expected }) => expected.verdict === 'hold',
  }
}

/** Whether something may hold on the route. Rego may name any. */
function isTaken({ id, on }: CompiledRoute, { rules, agents, rego }: CompiledPolicy): boolean {
  const budgets = agents.flatMap((agent) => agent.budgets ?? [])
  return (
    id === 'default' ||
    on !== undefined ||
    rego.length > 0 ||
    [...rules, ...budgets].some(({ route }) => route === id)
  )
}
