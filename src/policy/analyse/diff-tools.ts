import { EFFECTS, PRIORITIES } from '../../decide/evaluate/selector.ts'
import type { CompiledPolicy, CompiledTool, CompiledUndo } from '../../model/generated/types.ts'
import type { PolicyChange } from '../../model/policy-diff.ts'
import { isMilder, spokenSince } from './diff-defaults.ts'
import type { Draft, FieldComparator, Outcome, Said } from './diff-fields.ts'
import {
  arrow,
  compareFields,
  inOrder,
  isSamePart,
  moreIsStronger,
  neutral,
} from './diff-fields.ts'
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
    const drafts = isSamePart(old, now) ? [] : compareTools({ before, after }, old, now)
    if (drafts.length === 0) return []
    return [changeOf(sides, { part, id, change: 'changed', drafts, ...places })]
  })
}

/**
 * A tool that no file names is held or denied. Held, it may have been denied before: by its default, as never automated,
 * or by a rule about a priority, to which nothing raises its calls any more. Its private fields are private no longer.
 */
function unknownNow({ unknown_tools, defaults, rules, rego }: CompiledPolicy, tool: CompiledTool) {
  const mayWeaken =
    unknown_tools !== 'deny' &&
    (defaults[tool.priority] === 'deny' ||
      tool.automate !== undefined ||
      tool.private.length > 0 ||
      [...rules, ...rego].some(({ on }) => on.priority !== undefined))
  return whole(mayWeaken ? 'unclear' : 'stronger', `unknown now, which is ${unknown_tools}`)
}

function compareTools({ before, after }: Policies, from: CompiledTool, to: CompiledTool): Draft[] {
  const { service: _, action: _a, file: _f, line: _l, column: _c, ...old } = from
  const { service: __, action: __a, file: __f, line: __l, column: __c, ...now } = to
  const drafts = compareFields(old, now, TOOL_FIELDS).map((draft) => {
    const why = draft.direction === 'stronger' ? weakness(after, draft.field, from, to) : null
    if (why === null) return draft
    return { ...draft, direction: 'unclear' as const, message: `${draft.message}; ${why}` }
  })
  return [...drafts, ...(from.effect === to.effect ? [] : spokenSince(before, after, [from, to]))]
}

/** What may come of an effect or a priority that is raised; null for anything else. */
function weakness(
  policy: CompiledPolicy,
  field: string,
  before: CompiledTool,
  after: CompiledTool,
): string | null {
  if (losesRules(policy, field, before)) return 'rules about the old word no longer select it'
  if (field !== 'priority' || !isMilder(policy, before.priority, after.priority)) return null
  return `the default there is milder: ${policy.defaults[after.priority]}`
}

type Policies = { readonly before: CompiledPolicy; readonly after: CompiledPolicy }

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
  undo: (before, after) => [undoOutcome(before, after)],
}

/** Without an undo a call cannot be rolled back; another one may take back more, or less. */
function undoOutcome(before: Said, after: Said): Outcome {
  if (before === undefined)
    return { direction: 'neutral', message: `undo added: ${undoText(after)}` }
  if (after === undefined)
    return { direction: 'weaker', message: `undo removed: ${undoText(before)}` }
  return { direction: 'unclear', message: `undo: ${undoText(before)} -> ${undoText(after)}` }
}

function undoText(said: Said): string {
  const { service, action, payload, within } = said as unknown as CompiledUndo
  const fields = payload.map(({ field, from, value }) =>
    from === undefined ? `${field} = ${JSON.stringify(value)}` : `${field} from ${from}`,
  )
  const until = within === null ? '' : ` within ${within}`
  return `${service}.${action}(${fields.join(', ')})${until}`
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
