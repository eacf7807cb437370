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
  const spokenBefore = [...before.rules, ...before.rego].filter(speaksForAll).map(loaded)
  const strict = after.tools.filter(
    (tool) =>
      reachableDefault(before, tool.priority) !== 'allow' &&
      !spokenBefore.some((speaker) => speaker.matches(tool)),
  )
  return {
    switchedOff(speaker) {
      if (speaker.mode !== 'enforce' || strict.length === 0) return []
      const { namesTools, matches } = loaded(speaker)
      if (!namesTools) return []
      const tools = strict.filter(matches).map(({ service, action }) => `${service}.${action}`)
      if (tools.length === 0) return []
      const message = `the project's default no longer applies to ${listed(tools)}`
      return [whole('unclear', message, 'defaults')]
    },
  }
}

/** The most lenient default that a caller reaches, who can raise a priority and never lower it. */
function reachableDefault({ defaults }: CompiledPolicy, least: Priority): string {
  const words = PRIORITIES.slice(PRIORITIES.indexOf(least)).map((priority) => defaults[priority])
  return words.includes('allow') ? 'allow' : (words[0] ?? 'allow')
}

type Loaded = { readonly namesTools: boolean; matches(tool: CompiledTool): boolean }

/** Whether it speaks about its tools whoever asks. */
function speaksForAll({ on, mode }: Speaker): boolean {
  const keys: readonly string[] = Object.keys(on)
  return (
    mode === 'enforce' && !['agent', 'role', 'priority', 'phase'].some((key) => keys.includes(key))
  )
}

function loaded(speaker: Speaker): Loaded {
  const { on, file, line, column } = speaker
  const named = Object.fromEntries(
    Object.entries(on).filter(([key]) => !['agent', 'role', 'priority', 'phase'].includes(key)),
  )
  const calls = on.phase === undefined || [on.phase].flat().includes('call')
  const selector = compileSelector({ id: 'diff', file, line, column }, named)
  return {
    namesTools: selector.namesTools && calls,
    matches: ({ service, action, effect, priority }) =>
      selector.matches({ service, action, effect, priority, agent: '', role: '', phase: 'call' }),
  }
}
