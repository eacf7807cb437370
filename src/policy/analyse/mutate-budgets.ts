import type { CompiledAgent, CompiledBudget, CompiledPolicy } from '../../model/generated/types.ts'
import type { MutationOperator } from '../../model/results.ts'
import type { Mutant } from './mutant.ts'
import { weakerNumbers } from './mutate-limits.ts'

/** Every mutant of the agents' budgets: each held instead of denied, left out, or a step higher. */
export function budgetMutants(policy: CompiledPolicy): Mutant[] {
  return policy.agents.flatMap((agent) =>
    (agent.budgets ?? []).flatMap((budget) =>
      changesOf(policy, budget).map(({ operator, change, to }): Mutant => {
        const { id, file, line, column, mode } = budget
        return {
          ...{ rule: id, operator, place: { file, line, column } },
          change: `${agent.agent}: ${change}`,
          policy: () => withBudget(policy, agent, budget, to),
          touches: ({ agents }) => agents.has(agent.agent),
          same: mode === 'shadow' ? 'the budget is in shadow mode: no verdict depends on it' : null,
        }
      }),
    ),
  )
}

type Change = {
  readonly operator: MutationOperator
  readonly change: string
  readonly to: CompiledBudget | null
}

function changesOf({ routes }: CompiledPolicy, budget: CompiledBudget): Change[] {
  const ids = routes.map(({ id }) => id)
  const route = ids.includes('default') ? 'default' : ids[0]
  const held: Change[] =
    budget.then === 'deny' && route !== undefined
      ? [
          {
            ...{ operator: 'verdict', change: 'then: deny became hold' },
            to: { ...budget, then: 'hold', route },
          },
        ]
      : []
  const limits = weakerNumbers('cost', budget.spec).map(
    ({ change, spec }): Change => ({ operator: 'limit', change, to: { ...budget, spec } }),
  )
  return [...held, { operator: 'removed', change: 'the budget was removed', to: null }, ...limits]
}

function withBudget(
  policy: CompiledPolicy,
  agent: CompiledAgent,
  budget: CompiledBudget,
  other: CompiledBudget | null,
): CompiledPolicy {
  const budgets = (agent.budgets ?? []).flatMap((one) => {
    if (one !== budget) return [one]
    return other === null ? [] : [other]
  })
  const agents = policy.agents.map((one) => (one === agent ? { ...agent, budgets } : one))
  return { ...policy, agents }
}
