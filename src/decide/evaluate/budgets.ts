import type { CompiledAgent, CompiledRule } from '../../model/generated/types.ts'
import { compileCost } from './kinds/cost.ts'
import type { LoadedRule } from './rules.ts'
import { compileSelector } from './selector.ts'
import { checkSettings, invalid, loadError, own } from './settings.ts'

/**
 * An agent's budgets as rules about every call of it. Their sums are kept apart from those of any rule, whatever its id.
 *
 * @throws {PolicyError} VALUE_INVALID, PATH_INVALID, DURATION_INVALID, REFERENCE_UNKNOWN
 */
export function loadBudgets(
  agent: CompiledAgent,
  routes: ReadonlySet<string>,
): readonly LoadedRule[] {
  const budgets = own(agent, 'budgets')
  if (budgets === undefined) return []
  if (!Array.isArray(budgets)) {
    throw invalid({ ...agent, id: agent.agent }, 'expected budgets to be a list')
  }
  return (budgets as NonNullable<CompiledAgent['budgets']>).map((budget) => {
    const { id, spec, then, route, mode, file, line, column } = budget
    const rule: CompiledRule = {
      id,
      kind: 'cost',
      about: null,
      on: { agent: agent.agent },
      when: [],
      spec,
      then,
      change: null,
      obligations: [],
      route,
      mode,
      file,
      line,
      column,
    }
    checkSettings(rule)
    if (then !== 'hold' && then !== 'deny') throw invalid(rule, 'expected then to be hold or deny')
    if (mode !== 'enforce' && mode !== 'shadow') {
      throw invalid(rule, 'expected mode to be enforce or shadow')
    }
    if (route !== null && !routes.has(route)) {
      throw loadError('REFERENCE_UNKNOWN', rule, `expected a route of the policy, found ${route}`)
    }
    return {
      rule,
      selector: compileSelector(rule, rule.on),
      when: [],
      kind: compileCost(rule, `b/${id}`),
    }
  })
}
