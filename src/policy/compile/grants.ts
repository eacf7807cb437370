import { parseDuration } from '../../base/duration.ts'
import { GRANT_LIFETIME_MS_MAX, GRANT_LIFETIME_MS_MIN } from '../../base/limits.ts'
import type {
  CompiledPolicy,
  CompiledTool,
  Project,
  ToolFacts,
  Tools,
} from '../../model/generated/types.ts'
import { durationProblem } from './checks.ts'
import type { Entry } from './documents.ts'
import type { Report } from './report.ts'

/** Reports a lifetime that a grant cannot have. */
export function checkGrants(entry: Entry<Project>, report: Report): void {
  const text = entry.value.grants?.lifetime
  if (text === undefined) return
  const problem = durationProblem(text)
  const ms = problem === null ? parseDuration(text) : 0
  if (ms >= GRANT_LIFETIME_MS_MIN && ms <= GRANT_LIFETIME_MS_MAX && ms % 1000 === 0) return
  const message = problem ?? `expected whole seconds, from 1s to 1h, found ${text}`
  report.error(entry.at('/grants/lifetime'), 'DURATION_INVALID', message)
}

/** How grants are made; nothing for a project that makes none. */
export function compileGrants({ grants }: Project): Pick<CompiledPolicy, 'grants'> {
  if (grants === undefined) return {}
  return { grants: { lifetime: grants.lifetime ?? '60s', audience: grants.audience ?? null } }
}

/** Whom grants for a tool are for; nothing where neither it nor its file says. */
export function compileAudience(tools: Tools, tool: ToolFacts): Pick<CompiledTool, 'audience'> {
  const audience = tool.audience ?? tools.audience
  return audience === undefined ? {} : { audience }
}
