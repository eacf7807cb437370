import { compileSelector, PRIORITIES } from '../../decide/evaluate/selector.ts'
import type { CompiledPolicy, CompiledTool, Priority } from '../../model/generated/types.ts'
import type { Draft } from './diff-fields.ts'
import { listed } from './diff-fields.ts'
import { whole } from './diff-parts.ts'

/** Something with a mode and a selector: a rule, or a Rego package. */
export type Speaker = CompiledPolicy['rules'][number] | CompiledPolicy['rego'][number]

/** Finds tools about which a rule is the first to speak. */
export type DefaultWatch = {
  /**
   * A rule that speaks about a tool switches the project's default off for it, and the default may have been the
   * stricter of the two. Nothing where the default that a caller can reach is `allow` anyway.
   */
  switchedOff(speaker: Speaker): Draft[]
}

/**
 * @param before - the policy whose defaults may be lost
 * @param after - the policy whose tools count
 */
export function watchDefaults(before: CompiledPolicy, after: CompiledPolicy): DefaultWatch {
  const isSpokenOf = speaking(before)
  const strict = after.tools.filter(
    (tool) => reachableDefault(before, tool.priority) !== 'allow' && !isSpokenOf(tool),
  )
  return {
    switchedOff(speaker) {
      if (speaker.mode !== 'enforce' || strict.length === 0) return []
      const { namesTools, matches } = loaded(speaker)
      if (!namesTools) return []
      const tools = strict.filter(matches)
      return tools.length === 0 ? [] : [noDefault(tools)]
    },
  }
}

/** A tool about which a rule speaks only since its effect is another, so that the default is off for it. */
export function spokenSince(
  before: CompiledPolicy,
  after: CompiledPolicy,
  [old, now]: readonly [CompiledTool, CompiledTool],
): Draft[] {
  if (reachableDefault(before, old.priority) === 'allow' || speaking(before)(old)) return []
  const isNew = [...after.rules, ...after.rego]
    .filter(({ mode }) => mode === 'enforce')
    .map(loaded)
    .some((one) => one.namesTools && one.matches(now) && !one.matches(old))
  return isNew ? [noDefault([now])] : []
}

/** Whether the default of the higher priority is milder than one of those below it, from the lower one on. */
export function isMilder({ defaults }: CompiledPolicy, low: Priority, high: Priority): boolean {
  const rank = (priority: Priority) => DEFAULT_WORDS.indexOf(defaults[priority])
  return PRIORITIES.slice(PRIORITIES.indexOf(low), PRIORITIES.indexOf(high)).some(
    (priority) => rank(priority) > rank(high),
  )
}

/** What a default may say, the mildest first. */
export const DEFAULT_WORDS: readonly string[] = ['allow', 'hold', 'deny']

/** The most lenient default that a caller reaches, who can raise a priority and never lower it. */
function reachableDefault({ defaults }: CompiledPolicy, least: Priority): string {
  const words = PRIORITIES.slice(PRIORITIES.indexOf(least)).map((priority) => defaults[priority])
  return words.includes('allow') ? 'allow' : (words[0] ?? 'allow')
}

type Loaded = { readonly namesTools: boolean; matches(tool: CompiledTool): boolean }

/** Whether something speaks about a tool, whoever asks. What is about every tool speaks about none. */
function speaking({ rules, rego }: CompiledPolicy): (tool: CompiledTool) => boolean {
  const speakers = [...rules, ...rego]
    .filter(
      ({ mode, on }) => mode === 'enforce' && Object.keys(on).every((key) => !OF_CALLER.has(key)),
    )
    .map(loaded)
  return (tool) => speakers.some((one) => one.namesTools && one.matches(tool))
}

/** Keys of a selector that look at more than the tool. */
const OF_CALLER: ReadonlySet<string> = new Set(['agent', 'role', 'priority', 'phase'])

function loaded(speaker: Speaker): Loaded {
  const { on, file, line, column } = speaker
  const named = Object.fromEntries(Object.entries(on).filter(([key]) => !OF_CALLER.has(key)))
  const calls = on.phase === undefined || [on.phase].flat().includes('call')
  const selector = compileSelector({ id: 'diff', file, line, column }, named)
  return {
    namesTools: selector.namesTools && calls,
    matches: ({ service, action, effect, priority }) =>
      selector.matches({ service, action, effect, priority, agent: '', role: '', phase: 'call' }),
  }
}

function noDefault(tools: readonly CompiledTool[]): Draft {
  const names = tools.map(({ service, action }) => `${service}.${action}`)
  const message = `the project's default no longer applies to ${listed(names)}`
  return whole('unclear', message, 'defaults')
}
