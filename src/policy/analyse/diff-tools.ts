import { EFFECTS, PRIORITIES } from '../../decide/evaluate/selector.ts'
import type { CompiledPolicy, CompiledTool } from '../../model/generated/types.ts'
import type { PolicyChange } from '../../model/policy-diff.ts'
import type { Draft, FieldComparator } from './diff-fields.ts'
import { arrow, compareFields, inOrder, isSame, moreIsStronger, neutral } from './diff-fields.ts'
import type { Sides } from './diff-parts.ts'
import { changeOf, pairsOf, placeOf, whole } from './diff-parts.ts'

/** Tools that were added, removed or changed: what they do to the world, and how much is at stake. */
export function compareToolLists(sides: Sides): PolicyChange[] {
  const [before, after] = [sides.before.policy, sides.after.policy]
  const nameOf = ({ service, action }: CompiledTool) => `${service}.${action}`
  return pairsOf(before.tools, after.tools, nameOf).flatMap(({ id, before: old, after: now }) => {
    const part = 'tool' as const
    const places = { before: placeOf(old), after: placeOf(now) }
    if (old === null) {
      const message = `no longer unknown, which was ${before.unknown_tools}`
      const drafts = [whole('weaker', message)]
      return [changeOf(sides, { part, id, change: 'added', drafts, ...places })]
    }
    if (now === null) {
      const drafts = [unknownNow(after, old)]
      return [changeOf(sides, { part, id, change: 'removed', drafts, ...places })]
    }
    const drafts = isSame(old, now) ? [] : compareTools(after, old, now)
    if (drafts.length === 0) return []
    return [changeOf(sides, { part, id, change: 'changed', drafts, ...places })]
  })
}

/** A tool that was denied by default and is held as an unknown one is weaker. */
function unknownNow({ unknown_tools, defaults }: CompiledPolicy, tool: CompiledTool): Draft {
  const wasDenied = unknown_tools !== 'deny' && defaults[tool.priority] === 'deny'
  return whole(wasDenied ? 'unclear' : 'stronger', `unknown now, which is ${unknown_tools}`)
}

function compareTools(policy: CompiledPolicy, before: CompiledTool, after: CompiledTool): Draft[] {
  const { service: _, action: _a, file: _f, line: _l, column: _c, ...old } = before
  const { service: __, action: __a, file: __f, line: __l, column: __c, ...now } = after
  return compareFields(old, now, TOOL_FIELDS).map((draft) =>
    draft.direction === 'stronger' && losesRules(policy, draft.field, before)
      ? { ...draft, direction: 'unclear' as const, message: `${draft.message}; ${LOST}` }
      : draft,
  )
}

const LOST = 'rules about the old word no longer select it'

const TOOL_FIELDS: Readonly<Record<string, FieldComparator>> = {
  effect: inOrder(EFFECTS),
  priority: inOrder(PRIORITIES),
  private: moreIsStronger,
  // Where the calls of a tool are all denied, nothing that changes is weaker than taking that away.
  automate: (before, after, field) => [
    {
      direction: after === undefined ? 'weaker' : 'stronger',
      message: arrow(field, before, after),
    },
  ],
  draft: neutral,
}

/** Whether a rule that names effects or priorities names the old word. It may not name the new one. */
function losesRules(
  { rules, rego }: CompiledPolicy,
  field: string,
  { effect, priority }: CompiledTool,
): boolean {
  if (field !== 'effect' && field !== 'priority') return false
  const [key, word, words]: readonly ['effect' | 'priority', string, readonly string[]] =
    field === 'effect' ? ['effect', effect, EFFECTS] : ['priority', priority, PRIORITIES]
  const higher = words.slice(words.indexOf(word) + 1)
  return [...rules, ...rego].some(({ on }) => {
    const named = on[key] === undefined ? null : ([on[key]].flat() as readonly string[])
    return named?.includes(word) === true && !higher.every((one) => named.includes(one))
  })
}
