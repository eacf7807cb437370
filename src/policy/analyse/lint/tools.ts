import { joinPointer } from '../../../base/pointer.ts'
import type { LoadedPolicy } from '../../../decide/evaluate/index.ts'
import type { Selection } from '../../../decide/evaluate/policy.ts'
import type { CompiledTool, Place, Selector } from '../../../model/generated/types.ts'
import type { JudgedAction } from '../../../model/nouns.ts'
import type { Documents } from '../../compile/index.ts'
import type { Report } from '../../compile/report.ts'
import { namesTools } from '../diff-selector.ts'
import { HOLD_CALLS_MAX, ROLES_MAX } from './limits.ts'
import type { LintInput } from './lint.ts'
import type { Reach, Reachable } from './reach.ts'
import { prioritiesOf, targetOf } from './reach.ts'

/**
 * Tools whose effect cannot be undone and that an agent may call without anything that holds or denies: no default, no
 * rule, no package at one of the priorities that a call may have. A rule counts when it is about the tool, or always
 * finds; one that looks at earlier actions alone lets the first call pass.
 */
export function lintTools({ documents, loaded }: LintInput, reach: Reach, report: Report): void {
  const open = new Set<CompiledTool>()
  const anyRole = rolesNamed(loaded)
  let calls = 0
  for (const one of reach ?? []) {
    const { tool } = one
    if (tool.effect !== 'irreversible' || tool.automate === 'never' || open.has(tool)) continue
    for (const action of callsOf(loaded, one, anyRole)) {
      calls += 1
      if (calls > HOLD_CALLS_MAX) return
      const selection = loaded.select(action)
      if (isHeld(loaded, selection)) continue
      open.add(tool)
      const message = `${tool.service}.${tool.action} cannot be undone, and nothing holds or denies the first call of it by ${one.agent.agent} at priority ${action.priority}; add a rule with "then: hold" about it, or a default`
      report.warn(placeOf(documents, tool), 'TOOL_WITHOUT_HOLD', message)
      break
    }
  }
}

/** Kinds that compare an action with earlier ones: they find nothing in the first. */
const OF_HISTORY: ReadonlySet<string> = new Set([
  'flow',
  'loop',
  'markov',
  'semantic_loop',
  'sequence_entropy',
  'velocity',
])

function isHeld(loaded: LoadedPolicy, { rules, packages, spoken, target }: Selection): boolean {
  if (!spoken && loaded.policy.defaults[target.priority] !== 'allow') return true
  const byRule = rules.some(({ rule }) => {
    if (rule.mode !== 'enforce' || rule.then === 'redact' || OF_HISTORY.has(rule.kind)) return false
    const always = rule.kind === 'every' && rule.when.length === 0
    return always || isAbout(rule.on)
  })
  return (
    byRule ||
    packages.some(
      (one) =>
        one.package.mode === 'enforce' &&
        isAbout(one.package.on) &&
        one.package.rules.some(({ name }) => name === 'hold' || name === 'deny'),
    )
  )
}

/** Whether a selector names tools or effects: a rule about everything was not written with this tool in mind. */
function isAbout(on: Selector): boolean {
  return namesTools(on) || on.effect !== undefined
}

/** Roles that selectors tell apart, and one that none names. */
function rolesNamed({ policy }: LoadedPolicy): readonly string[] {
  const selectors = [...policy.rules, ...policy.rego].map(({ on }) => on.role ?? [])
  const named = selectors.flat().map((glob) => glob.replaceAll('*', ''))
  return [...new Set(['agent', OTHER_ROLE, ...named])].slice(0, ROLES_MAX)
}

const OTHER_ROLE = '\ue000' // Private use: no policy names it.

function callsOf(
  loaded: LoadedPolicy,
  one: Reachable,
  anyRole: readonly string[],
): readonly JudgedAction[] {
  const roles = one.roles === null ? anyRole : [...one.roles]
  return roles.flatMap((role) =>
    prioritiesOf(one.tool).map((priority): JudgedAction => {
      const { service, action, agent, role: as } = targetOf(one, role, priority)
      return {
        ...{ project: loaded.policy.project, agent, session: '', principal: null, role: as },
        ...{ service, action, payload: {}, context: {}, priority, fingerprint: null },
      }
    }),
  )
}

function placeOf({ tools }: Documents, { service, action, ...place }: CompiledTool): Place {
  const entry = tools.find(
    ({ value }) => value.service === service && Object.hasOwn(value.tools, action),
  )
  return entry?.keyAt(joinPointer('/tools', action)) ?? place
}
