import { nearest } from '../../base/nearest.ts'
import type { CompiledAgent } from '../../model/generated/types.ts'
import { NEAREST_CANDIDATES_MAX } from './limits.ts'
import type { MayUseSecret } from './secret-uses.ts'
import { compileCredentials } from './secret-uses.ts'
import { compileGlobs } from './selector.ts'
import { ownTexts } from './settings.ts'
import type { ToolList } from './tools.ts'
import { compileTools } from './tools.ts'

/** One agent's least privilege, ready to ask. */
export type LoadedAgent = {
  readonly agent: CompiledAgent
  readonly fingerprints: ReadonlySet<string>
  /** Whether one of the scopes that the role may use has the tool. */
  allows(call: Call): boolean
  /** On whose behalf, by the scopes that have the tool; null where one of them does not ask. */
  principals(call: Call): ((name: string) => boolean) | null
  /** Whether one of the agent's credentials is for this reference in a call of this tool. */
  readonly mayUseSecret: MayUseSecret
  /** The tool in the agent's scopes that a name most likely meant. */
  nearest(call: Call): string | null
}

export type Call = { readonly service: string; readonly action: string; readonly role: string }

/** @throws {PolicyError} VALUE_INVALID */
export function loadAgent(agent: CompiledAgent): LoadedAgent {
  const scopes = agent.scopes.map((scope) => ({
    roles: scope.roles === null ? null : new Set<string>(scope.roles),
    tools: compileTools({ ...scope, id: agent.agent }, scope.tools),
    names: scope.tools,
    principals: principalsOf(agent, scope),
  }))
  return {
    agent,
    fingerprints: new Set(agent.fingerprints),
    mayUseSecret: compileCredentials(agent),
    allows: ({ service, action, role }) =>
      scopes.some((scope) => mayUse(scope, role) && scope.tools.includes(service, action)),
    principals: ({ service, action, role }) => {
      const tests = scopes
        .filter((scope) => mayUse(scope, role) && scope.tools.includes(service, action))
        .map((scope) => scope.principals)
      const asking = tests.filter((test) => test !== null)
      return asking.length < tests.length ? null : (name) => asking.some((test) => test(name))
    },
    nearest: ({ service, action, role }) => {
      const names = scopes.filter((scope) => mayUse(scope, role)).flatMap((scope) => scope.names)
      return nearest(`${service}.${action}`, names.slice(0, NEAREST_CANDIDATES_MAX)) ?? null
    },
  }
}

type Scope = { readonly roles: ReadonlySet<string> | null; readonly tools: ToolList }

function principalsOf(
  { agent }: CompiledAgent,
  scope: CompiledAgent['scopes'][number],
): ((name: string) => boolean) | null {
  const globs = ownTexts({ ...scope, id: agent }, scope, 'principals')
  return globs === undefined ? null : compileGlobs(globs)
}

function mayUse({ roles }: Scope, role: string): boolean {
  return roles === null || roles.has(role)
}
