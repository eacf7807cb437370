import type { Call, LoadedAgent } from '../../decide/evaluate/agents.ts'
import { loadAgent } from '../../decide/evaluate/agents.ts'
import { compileTools } from '../../decide/evaluate/tools.ts'
import type { CompiledAgent, CompiledPolicy } from '../../model/generated/types.ts'
import type { Mutant } from './mutant.ts'

/** A list of tools that has more. */
export type Widened = {
  readonly tools: readonly string[]
  readonly change: string
  /** Why it has the same after all, or null. */
  readonly same: string | null
}

/**
 * The lists of tools with more in them: each entry widened to all actions of its service, and `service.*` to all
 * services. Entries of one service that come to the same are one.
 */
export function widenings(tools: readonly string[], policy: CompiledPolicy): Widened[] {
  const wider = new Map<string, string>()
  for (const entry of tools) {
    const [service = ''] = entry.split('.', 1)
    const to = entry === `${service}.*` ? '*.*' : `${service}.*`
    if (entry !== to && !wider.has(to)) wider.set(to, entry)
  }
  return [...wider].map(([to, entry]) => {
    const all = [...new Set(tools.map((one) => (one === entry ? to : one)))].sort()
    const [before, after] = [reach(tools, policy), reach(all, policy)]
    return {
      tools: all,
      change: `${entry} became ${to}`,
      // Unknown tools that are held come in as well.
      same:
        after > before || policy.unknown_tools === 'hold'
          ? null
          : 'the Tools files name no tool that comes in by it',
    }
  })
}

function reach(tools: readonly string[], policy: CompiledPolicy): number {
  const list = compileTools({ id: 'scope', file: '', line: 0, column: 0 }, tools)
  return policy.tools.filter(({ service, action }) => list.includes(service, action)).length
}

/** Every mutant of the agents' scopes: an entry widened, and a scope opened to every role or to anybody. */
export function scopeMutants(policy: CompiledPolicy): Mutant[] {
  return policy.agents.flatMap((agent) =>
    agent.scopes.flatMap((scope, index) => {
      const { file, line, column } = scope
      const of = (change: string, same: string | null, other: Scope): Mutant => ({
        ...{ rule: agent.agent, operator: 'scope', change, same, place: { file, line, column } },
        policy: () => withScope(policy, agent, index, other),
        touches: ({ agents }) => agents.has(agent.agent),
      })
      const wider = widenings(scope.tools, policy).map(({ tools, change, same }) => {
        const others = agent.scopes.map((one, at) =>
          at === index ? { ...one, tools: [...tools] } : one,
        )
        const known = same ?? sameReach(policy, agent, { ...agent, scopes: others })
        return of(`tools: ${change}`, known, { ...scope, tools: [...tools] })
      })
      const opened = openings(scope).map(({ change, open }) => {
        const scopes = agent.scopes.map((one, at) => (at === index ? open : one))
        return of(change, sameReach(policy, agent, { ...agent, scopes }), open)
      })
      return [...wider, ...opened]
    }),
  )
}

type Scope = CompiledAgent['scopes'][number]

/** A scope for some roles opened to every role, one for some principals to anybody. */
function openings(scope: Scope): { readonly change: string; readonly open: Scope }[] {
  const { principals, ...anybody } = scope
  const { roles } = scope
  return [
    ...(roles === null
      ? []
      : [
          {
            change: `roles: ${roles.join(', ')} became every role`,
            open: { ...scope, roles: null },
          },
        ]),
    ...(principals === undefined
      ? []
      : [{ change: `principals: ${principals.join(', ')} became anybody`, open: anybody }]),
  ]
}

function withScope(
  policy: CompiledPolicy,
  agent: CompiledAgent,
  index: number,
  scope: Scope,
): CompiledPolicy {
  const scopes = agent.scopes.map((one, at) => (at === index ? scope : one))
  const agents = policy.agents.map((one) => (one === agent ? { ...agent, scopes } : one))
  return { ...policy, agents }
}

/** What comes in may be in another scope already. */
function sameReach(
  policy: CompiledPolicy,
  before: CompiledAgent,
  after: CompiledAgent,
): string | null {
  const { scopes } = before
  const roles = distinct([...scopes.flatMap((scope) => scope.roles ?? []), OTHER])
  const globs = scopes.flatMap((scope) => scope.principals ?? [])
  const principals = [null, ...distinct([...globs.map(nameOf), OTHER])]
  const unknown = policy.unknown_tools === 'hold' ? after.scopes.flatMap(({ tools }) => tools) : []
  const tools = [
    ...policy.tools.map(({ service, action }) => ({ service, action })),
    ...distinct(unknown.map(nameOf)).map(toolOf),
  ]
  const [old, now] = [loadAgent(before), loadAgent(after)]
  const differs = roles.some((role) =>
    tools.some((tool) => {
      const call = { ...tool, role }
      return principals.some((name) => mayCall(old, call, name) !== mayCall(now, call, name))
    }),
  )
  return differs ? null : 'the tools that come in are in another scope of the agent'
}

function mayCall(agent: LoadedAgent, call: Call, principal: string | null): boolean {
  const isFor = agent.principals(call)
  return agent.allows(call) && (isFor === null || (principal !== null && isFor(principal)))
}

const OTHER = ' ' // No glob and no name of a policy holds a space.

/** A name that only this glob, or one that takes it in, matches. */
function nameOf(glob: string): string {
  return glob.replaceAll('*', OTHER)
}

function toolOf(name: string): { readonly service: string; readonly action: string } {
  const dot = name.indexOf('.')
  return { service: name.slice(0, dot), action: name.slice(dot + 1) }
}

function distinct(names: readonly string[]): readonly string[] {
  return [...new Set(names)]
}
