import type { CompiledSelector, Target } from './selector.ts'

/** Finds what selects a target without asking each selector. */
export type SelectorIndex<T> = {
  /** In the order in which the items were given. */
  select(target: Target): T[]
}

/**
 * Indexes items by the exact service and action that their selectors name; those with a glob, or without a name,
 * stand beside. Ten thousand rules about a thousand tools cost what ten cost.
 */
export function indexSelectors<T>(
  items: readonly T[],
  selectorOf: (item: T) => CompiledSelector,
): SelectorIndex<T> {
  const entries = items.map((item, order) => ({ item, order, selector: selectorOf(item) }))
  const byTool = new Map<string, Map<string, Entry<T>[]>>()
  const byService = new Map<string, Entry<T>[]>()
  const rest: Entry<T>[] = []
  for (const entry of entries) {
    const { services, actions } = entry.selector
    if (services === null) rest.push(entry)
    else if (actions === null)
      for (const service of new Set(services)) put(byService, service, entry)
    else {
      for (const service of new Set(services)) {
        const ofService = byTool.get(service) ?? new Map<string, Entry<T>[]>()
        byTool.set(service, ofService)
        for (const action of new Set(actions)) put(ofService, action, entry)
      }
    }
  }
  return {
    select(target) {
      const found: Entry<T>[] = []
      const exact = byTool.get(target.service)?.get(target.action) ?? []
      for (const list of [exact, byService.get(target.service) ?? [], rest]) {
        for (const entry of list) if (entry.selector.matches(target)) found.push(entry)
      }
      return found.sort((a, b) => a.order - b.order).map((entry) => entry.item)
    },
  }
}

type Entry<T> = { readonly item: T; readonly order: number; readonly selector: CompiledSelector }

function put<T>(map: Map<string, Entry<T>[]>, name: string, entry: Entry<T>): void {
  const list = map.get(name)
  if (list === undefined) map.set(name, [entry])
  else list.push(entry)
}
