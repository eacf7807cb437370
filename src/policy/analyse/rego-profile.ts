import type { Observer } from '../../decide/rego/engine/evaluation.ts'
import { nestedIn } from '../../decide/rego/plan/analyse-locals.ts'
import type { Block, Plan, PlanFunction, Site } from '../../decide/rego/plan/plan.ts'
import type { RuleTiming } from '../../model/results.ts'

/**
 * Times each rule.
 *
 * @param clock - milliseconds, rising
 */
export function createProfile(
  plan: Plan,
  clock: () => number,
): { readonly observer: Observer; report(): readonly RuleTiming[] } {
  const times = new Map<PlanFunction, { evaluations: number; own: number; total: number }>()
  const stack: { readonly start: number; inner: number }[] = []
  return {
    observer: {
      enter: () => void stack.push({ start: clock(), inner: 0 }),
      leave(called) {
        const entered = stack.pop()
        if (entered === undefined) return
        const spent = clock() - entered.start
        const before = times.get(called) ?? { evaluations: 0, own: 0, total: 0 }
        before.evaluations += 1
        before.own += spent - entered.inner
        before.total += spent
        times.set(called, before)
        const around = stack.at(-1)
        if (around !== undefined) around.inner += spent
      },
    },
    report: () =>
      [...times]
        .map(([called, { evaluations, own, total }]) => ({
          ...placeOf(plan, called),
          evaluations,
          own_ms: round(own),
          total_ms: round(total),
        }))
        .sort((a, b) => b.own_ms - a.own_ms),
  }
}

/** OPA's name of a plan's function, `g0.data.t.p`, as Rego writes it. */
export function ruleName({ name }: PlanFunction): string {
  return name.replace(/^g[0-9]+\./, '')
}

/** Where a function's first line is. */
export function placeOf(
  plan: Plan,
  called: PlanFunction,
): { readonly rule: string; readonly file: string; readonly line: number } {
  const site = firstSite(plan, called.blocks)
  return { rule: ruleName(called), file: site?.file ?? '', line: site?.row ?? 0 }
}

function firstSite(plan: Plan, blocks: readonly Block[]): Site | undefined {
  for (const statement of blocks.flat()) {
    const site = plan.sites[statement.site]
    const found = site !== undefined && site.row > 0 ? site : firstSite(plan, nestedIn(statement))
    if (found !== undefined) return found
  }
  return undefined
}

function round(ms: number): number {
  return Math.round(ms * 1e4) / 1e4
}
