import { compileGlob } from '../../../base/glob.ts'
import type { CompiledPolicy, Rule, Selector } from '../../../model/generated/types.ts'
import type { Entry } from '../../compile/documents.ts'
import { toolTest } from '../../compile/references.ts'
import type { Report } from '../../compile/report.ts'
import { contradictionOf } from './contradiction.ts'
import type { LintInput } from './lint.ts'
import type { Reach, Unreachable } from './reach.ts'
import { reachTest } from './reach.ts'

/** Rules and packages that no action can meet, apart from those whose names nothing bears, of which `compile` warns. */
export function lintUnreachable(
  { documents, loaded }: LintInput,
  reach: Reach,
  report: Report,
): void {
  const { agents, tools, rego, unknown_tools: unknown } = loaded.policy
  for (const entry of documents.rules) lintConditions(entry, report)
  // What no file names may be held and let through by people, so a rule about it is about something.
  if (agents.length === 0 || tools.length === 0 || unknown === 'hold') return
  const why = reachTest(reach)
  const named = (selector: Selector) => namesSomething(selector, loaded.policy)
  for (const entry of documents.rules) {
    const { id, on = {}, flow } = entry.value
    const found = why(on)
    if (found !== null && named(on)) {
      const at = entry.value.on === undefined ? entry.at('/id') : entry.at('/on')
      report.warn(
        at,
        'RULE_UNREACHABLE',
        `rule ${JSON.stringify(id)} finds nothing: ${WORDS[found]}`,
      )
    }
    if (flow === undefined) continue
    const before = why(flow.after)
    if (before === null || !named(flow.after)) continue
    const message = `rule ${JSON.stringify(id)} waits for what never comes: ${WORDS[before]}`
    report.warn(entry.at('/flow/after'), 'RULE_UNREACHABLE', message)
  }
  for (const { package: name, on, file, line, column } of rego) {
    const found = why(on)
    if (found === null || !named(on)) continue
    const message = `package ${name} is never asked: ${WORDS[found]}`
    report.warn({ file, line, column }, 'RULE_UNREACHABLE', message)
  }
}

const WORDS: Readonly<Record<Exclude<Unreachable, null>, string>> = {
  scope:
    'no agent that it selects has one of its tools in a scope, so each such action is denied without it; correct the selector, or remove it',
  role: 'no scope has these tools in a role that it selects; correct "role", or remove it',
  priority: 'its tools never have such a low priority; correct "priority", or that of the tools',
}

/** A selector that fits no tool or no agent at all is complained of already, as a name of nothing. */
function namesSomething(selector: Selector, { agents, tools }: CompiledPolicy): boolean {
  const globs = selector.agent === undefined ? null : [selector.agent].flat().map(compileGlob)
  const hasAgent = globs === null || agents.some(({ agent }) => globs.some((glob) => glob(agent)))
  return hasAgent && tools.some(toolTest(selector))
}

function lintConditions(entry: Entry<Rule>, report: Report): void {
  const { id, when = [], pattern, on = {} } = entry.value
  const tests = when.map((test, index) => ({ test, at: `/when/${index}` }))
  // A pattern is one test more that must hold.
  if (pattern !== undefined) tests.push({ test: pattern, at: '/pattern' })
  const found = contradictionOf(
    tests.map(({ test }) => test),
    on,
  )
  if (found === null) return
  const at = tests[found.index]?.at ?? ''
  const message = `rule ${JSON.stringify(id)} finds nothing: no value of ${found.path} meets all of its tests, not even a missing one; correct them, or remove the rule`
  report.warn(entry.at(at), 'RULE_UNREACHABLE', message)
}
