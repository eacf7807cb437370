import { nearest } from '../../base/nearest.ts'
import { NEAREST_CANDIDATES_MAX } from './limits.ts'
import { compileGlobs } from './selector.ts'
import type { RulePlace } from './settings.ts'
import { invalid } from './settings.ts'

export type ToolList = {
  includes(service: string, action: string): boolean
  /** The tool of the list that a name most likely meant. */
  nearest(service: string, action: string): string | null
}

/**
 * Compiles tools such as `billing.refund_*`. The service ends at the first dot, and the parts are matched apart, so
 * no glob reaches from one part into the other.
 *
 * @throws {PolicyError} VALUE_INVALID
 */
export function compileTools(place: RulePlace, tools: readonly string[]): ToolList {
  const byService = new Map<string, string[]>()
  for (const tool of tools) {
    const dot = tool.indexOf('.')
    if (dot < 1 || dot === tool.length - 1) {
      throw invalid(place, `expected service.action, found ${JSON.stringify(tool)}`)
    }
    const service = tool.slice(0, dot)
    const actions = byService.get(service) ?? []
    byService.set(service, actions)
    actions.push(tool.slice(dot + 1))
  }
  const lists = [...byService].map(([service, actions]) => ({
    isService: compileGlobs([service]),
    isAction: compileGlobs(actions),
  }))
  const candidates = tools.slice(0, NEAREST_CANDIDATES_MAX)
  return {
    includes: (service, action) =>
      lists.some((list) => list.isService(service) && list.isAction(action)),
    nearest: (service, action) => nearest(`${service}.${action}`, candidates) ?? null,
  }
}
