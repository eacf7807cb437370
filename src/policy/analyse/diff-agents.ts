import type { CompiledAgent } from '../../model/generated/types.ts'
import type { PolicyChange } from '../../model/policy-diff.ts'
import type { Draft, FieldComparator } from './diff-fields.ts'
import {
  compareFields,
  includesAll,
  inOrder,
  isSamePart,
  listed,
  membersOf,
  neutral,
  unclear,
  withoutPlaces,
} from './diff-fields.ts'
import { compareBudgetSpecs } from './diff-kind-tables.ts'
import type { Sides } from './diff-parts.ts'
import { changeOf, isNamedInRego, pairsOf, placeOf, whole } from './diff-parts.ts'
import { covers, coversTool } from './diff-selector.ts'

/** Agents that were added, removed or changed: what they may use, and which builds of them are approved. */
export function compareAgentLists(sides: Sides): PolicyChange[] {
  const [before, after] = [sides.before.policy.agents, sides.after.policy.agents]
  return pairsOf(before, after, ({ agent }) => agent).flatMap(({ id, before: old, after: now }) => {
    const part = 'agent' as const
    const places = { before: placeOf(old), after: placeOf(now) }
    if (old === null && now !== null) {
      const drafts = [whole('weaker', `a new agent, with ${listed(toolsOf(now))}`)]
      return [changeOf(sides, { part, id, change: 'added', drafts, ...places })]
    }
    if (now === null) {
      const drafts = [whole('stronger', 'no longer known, so denied')]
      return [changeOf(sides, { part, id, change: 'removed', drafts, ...places })]
    }
    const drafts = old === null || isSamePart(old, now) ? [] : compareAgents(sides, old, now)
    if (drafts.length === 0) return []
    return [changeOf(sides, { part, id, change: 'changed', drafts, ...places })]
  })
}

function toolsOf({ scopes }: CompiledAgent): readonly string[] {
  return [...new Set(scopes.flatMap(({ tools }) => tools))]
}

function compareAgents(sides: Sides, before: CompiledAgent, after: CompiledAgent): Draft[] {
  const { scopes: _, budgets: limits, agent: _a, file: _f, line: _l, column: _c, ...old } = before
  const { scopes: __, budgets, agent: __a, file: __f, line: __l, column: __c, ...now } = after
  return [
    ...compareScopes(before, after),
    ...compareBudgets(limits ?? [], budgets ?? []),
    ...compareFields(withoutPlaces(old), withoutPlaces(now), {
      ...AGENT_FIELDS,
      // The engine asks nobody who owns an agent; Rego may.
      owner: isNamedInRego(sides, 'owner') ? unclear : neutral,
    }),
  ]
}

const AGENT_FIELDS: Readonly<Record<string, FieldComparator>> = {
  fingerprints: compareFingerprints,
}

/** Without an approved fingerprint none is asked for. */
function compareFingerprints(...[before, after, field]: Parameters<FieldComparator>) {
  const [old, now] = [membersOf(before), membersOf(after)]
  if (old === null || now === null) return unclear(before, after, field)
  if (old.size === 0) {
    return [{ direction: 'stronger' as const, message: `only ${listed([...now])} may act now` }]
  }
  if (now.size === 0) {
    return [{ direction: 'weaker' as const, message: 'any fingerprint may act now' }]
  }
  const added = [...now].filter((one) => !old.has(one))
  return [
    ...(added.length === 0
      ? []
      : [{ direction: 'weaker' as const, message: `approved: ${listed(added)}` }]),
    ...(includesAll(now, old)
      ? []
      : [
          {
            direction: 'stronger' as const,
            message: `no longer approved: ${listed([...old].filter((one) => !now.has(one)))}`,
          },
        ]),
  ]
}

type Scope = CompiledAgent['scopes'][number]

/** A tool in a role that no scope of the other side takes in, however the scopes are cut. */
function compareScopes(before: CompiledAgent, after: CompiledAgent): Draft[] {
  const widened = after.scopes.flatMap((scope, index) =>
    beyond(scope, before.scopes).map((what): Draft => {
      const message = `may now use ${what}`
      return { field: 'scopes', pointer: `/scopes/${index}`, direction: 'weaker', message }
    }),
  )
  const narrowed = before.scopes.flatMap((scope) =>
    beyond(scope, after.scopes).map((what): Draft => {
      const message = `may no longer use ${what}`
      return { field: 'scopes', pointer: '/scopes', direction: 'stronger', message }
    }),
  )
  return [...widened, ...narrowed]
}

function beyond({ tools, roles, principals }: Scope, others: readonly Scope[]): string[] {
  return tools.flatMap((tool) =>
    (roles ?? [null]).flatMap((role) => {
      const covered = others.some(
        (other) =>
          (other.roles === null || (role !== null && other.roles.includes(role))) &&
          takesIn(other.principals, principals) &&
          other.tools.some((wide) => coversTool(wide, tool)),
      )
      if (covered) return []
      const whom = principals === undefined ? '' : ` on behalf of ${listed(principals)}`
      return [`${tool}${role === null ? '' : ` in the role ${role}`}${whom}`]
    }),
  )
}

/** Without a list, anybody may be acted for. */
function takesIn(wide: readonly string[] | undefined, narrow: readonly string[] | undefined) {
  if (wide === undefined) return true
  return narrow?.every((one) => wide.some((glob) => covers(glob, one))) ?? false
}

type Budget = NonNullable<CompiledAgent['budgets']>[number]

/** A budget restricts like a `cost` rule. */
function compareBudgets(before: readonly Budget[], after: readonly Budget[]): Draft[] {
  return pairsOf(before, after, ({ id }) => id).flatMap(({ id, before: old, after: now }) => {
    const draft = (direction: Draft['direction'], message: string): Draft[] => [
      { field: 'budgets', pointer: '/budgets', direction, message: `budget ${id}: ${message}` },
    ]
    if (old === null) return draft(now?.mode === 'shadow' ? 'neutral' : 'stronger', 'added')
    if (now === null) return draft(old.mode === 'shadow' ? 'neutral' : 'weaker', 'removed')
    const { id: _, spec: limits, file: _f, line: _l, column: _c, ...rest } = old
    const { id: __, spec, file: __f, line: __l, column: __c, ...others } = now
    return [
      ...compareFields(rest, others, BUDGET_FIELDS),
      ...compareBudgetSpecs(limits, spec),
    ].flatMap(({ direction, message }) => draft(direction, message))
  })
}

const BUDGET_FIELDS: Readonly<Record<string, FieldComparator>> = {
  then: inOrder(['hold', 'deny']),
  mode: inOrder(['shadow', 'enforce']),
}
