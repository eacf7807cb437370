import { compileGlob, isLiteral } from '../../../base/glob.ts'
import type { CompiledSelector, Target } from '../../../decide/evaluate/selector.ts'
import { compileSelector, higherPriority, PRIORITIES } from '../../../decide/evaluate/selector.ts'
import { compileTools } from '../../../decide/evaluate/tools.ts'
import type {
  CompiledAgent,
  CompiledPolicy,
  CompiledTool,
  Priority,
  Selector,
} from '../../../model/generated/types.ts'
import { REACH_MAX, REACH_STEPS_MAX } from './limits.ts'

/** A tool that an agent may call. */
export type Reachable = {
  readonly agent: CompiledAgent
  readonly tool: CompiledTool
  /** In which roles; null for every role. */
  readonly roles: ReadonlySet<string> | null
}

/** Everything that some agent may call; null beyond REACH_MAX. */
export type Reach = readonly Reachable[] | null

export function reachOf(policy: CompiledPolicy): Reach {
  const found: Reachable[] = []
  for (const agent of policy.agents) {
    const scopes = agent.scopes.map((scope) => ({
      roles: scope.roles,
      tools: compileTools({ ...scope, id: agent.agent }, scope.tools),
    }))
    for (const tool of policy.tools) {
      const having = scopes.filter(({ tools }) => tools.includes(tool.service, tool.action))
      if (having.length === 0) continue
      const any = having.some(({ roles }) => roles === null)
      const roles = any ? null : new Set<string>(having.flatMap((scope) => scope.roles ?? []))
      found.push({ agent, tool, roles })
      if (found.length > REACH_MAX) return null
    }
  }
  return found
}

/** Why a selector can select nothing that an agent may call; null where it can, or where it is not known. */
export type Unreachable = 'scope' | 'role' | 'priority' | null

/** Makes a test of selectors that counts its steps and, past their bound, knows nothing more. */
export function reachTest(reach: Reach): (selector: Selector) => Unreachable {
  const known = new Map<string, Unreachable>()
  let steps = 0
  return (selector) => {
    const key = JSON.stringify(selector)
    const before = known.get(key)
    if (before !== undefined || reach === null) return before ?? null
    let why: Unreachable = 'scope'
    const names = namesOf(selector)
    for (const one of reach) {
      steps += 1
      if (steps > REACH_STEPS_MAX) return null
      const found = missingOf(selector, names, one)
      if (found === null) {
        why = null
        break
      }
      // The nearest miss says most: another role of the same tool, rather than another tool.
      if (RANK[found] > RANK[why]) why = found
    }
    known.set(key, why)
    return why
  }
}

const RANK = { scope: 0, role: 1, priority: 2 } as const

/** What a reachable call has when nobody says more. */
export function targetOf(
  { agent, tool, roles }: Reachable,
  role: string | undefined,
  priority: Priority,
): Target {
  const [first] = roles ?? []
  const names = { service: tool.service, action: tool.action, agent: agent.agent }
  return { ...names, role: role ?? first ?? 'agent', effect: tool.effect, priority, phase: 'call' }
}

/** The priorities that calls of a tool may have: its own and those above. */
export function prioritiesOf({ priority }: CompiledTool): readonly Priority[] {
  return PRIORITIES.filter((one) => higherPriority(one, priority) === one)
}

/** The selector without what callers choose. */
function namesOf(selector: Selector): CompiledSelector {
  const { role: _role, priority: _priority, phase: _phase, ...names } = selector
  return compileSelector({ id: 'selector', file: '', line: 0, column: 0 }, names)
}

function missingOf(
  { role, priority }: Selector,
  names: CompiledSelector,
  one: Reachable,
): Unreachable {
  if (!names.matches(targetOf(one, undefined, one.tool.priority))) return 'scope'
  if (role !== undefined && !meetsRole([role].flat(), one.roles)) return 'role'
  const wanted = priority === undefined ? PRIORITIES : [priority].flat()
  return wanted.some((word) => prioritiesOf(one.tool).includes(word)) ? null : 'priority'
}

function meetsRole(globs: readonly string[], roles: ReadonlySet<string> | null): boolean {
  if (roles === null) return true
  return globs.some((glob) =>
    isLiteral(glob) ? roles.has(glob) : [...roles].some(compileGlob(glob)),
  )
}
