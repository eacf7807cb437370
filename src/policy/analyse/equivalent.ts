import { canonicalize } from '../../base/canonical-json.ts'
import { compileGlob } from '../../base/glob.ts'
import type { JsonValue } from '../../base/json-value.ts'
import { loadAgent } from '../../decide/evaluate/agents.ts'
import { compileSelector } from '../../decide/evaluate/selector.ts'
import type {
  CompiledPackage,
  CompiledPolicy,
  CompiledRule,
  Selector,
} from '../../model/generated/types.ts'
import { ruleOfPackage } from '../compile/decision-tests.ts'
import { compareSelectorKeys, namesTools } from './diff-selector.ts'
import type { Mutant } from './mutant.ts'

/**
 * Why no test could notice a mutant by its verdict, or null where one could: a survivor that is told apart, never left
 * out. It looks at what is certain only; a mutant that no test can notice for another reason stays a survivor.
 */
export function reasonOf(mutant: Mutant, policy: CompiledPolicy): string | null {
  if (mutant.same !== null) return mutant.same
  const rule = policy.rules.find(({ id }) => id === mutant.rule)
  const one = policy.rego.find((item) => ruleOfPackage({ name: item.package }) === mutant.rule)
  const weakened = rule ?? one
  if (weakened === undefined || mutant.operator === 'route') return null
  if (weakened.mode === 'shadow') return 'the rule is in shadow mode: no verdict depends on it'
  if (isOutOfReach(weakened.on, policy)) {
    return 'no scope of an agent has a tool that it selects, so all of it is denied anyway'
  }
  const by = rule === undefined ? null : shadowedBy(rule, mutant, policy)
  if (by !== null) return `${by} says as much about every action that it may find`
  const over = policy.rules.find(
    (other) => other !== rule && isBlanketDeny(other) && covers(other, weakened.on),
  )
  return over === undefined ? null : `${over.id} denies every action that it selects`
}

/** Rules that say nothing but what another says of the same actions. */
function shadowedBy(
  rule: CompiledRule,
  { operator }: Mutant,
  policy: CompiledPolicy,
): string | null {
  if (rule.then !== 'hold' && rule.then !== 'deny') return null
  const found = policy.rules.find((other) => {
    if (other === rule || other.mode !== 'enforce' || !saysAsMuch(other, rule)) return false
    if (isBlanket(other)) return covers(other, rule.on)
    // Turned round, the rule finds what its twin does not.
    return operator !== 'when' && conditionOf(other) === conditionOf(rule)
  })
  return found?.id ?? null
}

/** Whether a finding of one rule makes one of the other superfluous. */
function saysAsMuch(one: CompiledRule, other: CompiledRule): boolean {
  if (one.then === 'deny') return true
  return (
    one.then === 'hold' &&
    other.then === 'hold' &&
    one.route === other.route &&
    other.obligations.length === 0 &&
    // A rule about everything switches no default off, so it cannot stand for one that does.
    namesTools(one.on)
  )
}

function isBlanket({ kind, when }: CompiledRule): boolean {
  return kind === 'every' && when.length === 0
}

function isBlanketDeny(rule: CompiledRule): boolean {
  return rule.mode === 'enforce' && rule.then === 'deny' && isBlanket(rule)
}

function covers({ on }: CompiledRule, narrow: Selector): boolean {
  return compareSelectorKeys(narrow, on).every(({ selects }) => selects === 'more')
}

function conditionOf({ kind, on, when, spec }: CompiledRule): string {
  return canonicalize({ kind, on, when, spec } as unknown as JsonValue)
}

/** Whether every action that is selected is denied, since no agent may use the tool and unknown tools are denied. */
function isOutOfReach(on: CompiledPackage['on'], policy: CompiledPolicy): boolean {
  if (policy.unknown_tools !== 'deny' || policy.agents.length === 0) return false
  const place = { id: 'selector', file: '', line: 0, column: 0 }
  // The caller chooses these, so they keep nothing out of reach.
  const { role: _role, priority: _priority, phase: _phase, ...names } = on
  const selector = compileSelector(place, { ...names, phase: ['call', 'result'] })
  const isAgent = [on.agent ?? '*'].flat().map(compileGlob)
  const agents = policy.agents.filter(({ agent }) => isAgent.some((matches) => matches(agent)))
  return agents.every((agent) => {
    const anyRole = loadAgent({
      ...agent,
      scopes: agent.scopes.map((scope) => ({ ...scope, roles: null })),
    })
    return policy.tools.every(({ service, action, effect, priority }) => {
      const call = { service, action, role: '*' }
      const target = { ...call, agent: agent.agent, effect, priority, phase: 'call' as const }
      return !anyRole.allows(call) || !selector.matches(target)
    })
  })
}
