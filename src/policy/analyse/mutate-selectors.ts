import { compileGlob, isLiteral } from '../../base/glob.ts'
import type { CompiledPolicy, Selector } from '../../model/generated/types.ts'

/** A selector that selects less, in words. */
export type Narrowed = {
  /** The key that differs. */
  readonly key: keyof Selector
  readonly selector: Selector
  readonly change: string
  /** Why it selects the same after all, or null. */
  readonly same: string | null
}

/**
 * The selectors that select a little less: each entry of a list left out, and each glob in the place of which stands
 * the first name that it selects, or its own text without stars. A key that is left out, or is `*`, stays.
 */
export function narrowings(selector: Selector, policy: CompiledPolicy): Narrowed[] {
  return KEYS.flatMap((key) => {
    if (!Object.hasOwn(selector, key)) return []
    const entries = [selector[key] ?? []].flat() as string[]
    return [...fewerEntries(selector, key, entries), ...literals(selector, key, entries, policy)]
  })
}

const KEYS = ['service', 'action', 'agent', 'role', 'effect', 'priority', 'phase'] as const
const GLOBS: ReadonlySet<string> = new Set(['service', 'action', 'agent', 'role'])

function fewerEntries(
  selector: Selector,
  key: keyof Selector,
  entries: readonly string[],
): Narrowed[] {
  if (entries.length < 2) return []
  return entries.map((entry, index) => ({
    key,
    selector: { ...selector, [key]: entries.filter((_, at) => at !== index) },
    change: `${key}: ${entry} was left out`,
    same: null,
  }))
}

function literals(
  selector: Selector,
  key: keyof Selector,
  entries: readonly string[],
  policy: CompiledPolicy,
): Narrowed[] {
  if (!GLOBS.has(key)) return []
  return entries.flatMap((entry, index): Narrowed[] => {
    if (isLiteral(entry) || /^\*+$/.test(entry)) return []
    const names = knownNames(selector, key, policy).filter(compileGlob(entry))
    // Where other names may come, the glob selects those as well.
    const [first = isClosed(key, policy) ? undefined : entry.replaceAll('*', '')] = names
    if (first === undefined || (names.length < 2 && isClosed(key, policy))) {
      const same = `the policy names ${first === undefined ? 'nothing' : `only ${first}`} that ${key} ${entry} selects`
      return [{ key, selector, change: `${key}: ${entry} selects less`, same }]
    }
    const narrowed = entries.map((one, at) => (at === index ? first : one))
    return [
      {
        ...{ key, change: `${key}: ${entry} became ${first}`, same: null },
        selector: { ...selector, [key]: narrowed },
      },
    ]
  })
}

/** Whether an action with another name than those that the policy knows is denied anyway. */
function isClosed(
  key: keyof Selector,
  { agents, unknown_tools: unknown }: CompiledPolicy,
): boolean {
  if (key === 'agent') return true
  if (key !== 'role') return unknown === 'deny'
  return agents.every(({ scopes }) => scopes.every(({ roles }) => roles !== null))
}

/** The names that the policy knows of a key, of actions those of the selected services. Sorted. */
function knownNames(
  { service }: Selector,
  key: keyof Selector,
  { tools, agents }: CompiledPolicy,
): readonly string[] {
  if (key === 'agent') return agents.map(({ agent }) => agent)
  if (key === 'role') {
    return distinct(agents.flatMap(({ scopes }) => scopes.flatMap(({ roles }) => roles ?? [])))
  }
  if (key === 'service') return distinct(tools.map((tool) => tool.service))
  const isService = service === undefined ? null : [service].flat().map(compileGlob)
  const selected = tools.filter(
    (tool) => isService === null || isService.some((matches) => matches(tool.service)),
  )
  return distinct(selected.map(({ action }) => action))
}

function distinct(names: readonly string[]): string[] {
  return [...new Set(names)].sort()
}
