import type { JsonObject, JsonValue } from '../../../src/base/json-value.ts'
import type { Observer } from '../../../src/decide/rego/engine/evaluation.ts'
import { programOf } from '../../../src/decide/rego/engine/program.ts'
import { foldConstants } from '../../../src/decide/rego/plan/fold-constants.ts'
import type { Plan } from '../../../src/decide/rego/plan/plan.ts'
import { readPlan } from '../../../src/decide/rego/plan/read-plan.ts'
import { fromJson } from '../../../src/decide/rego/values/json.ts'
import type { RegoFiles } from '../../../src/model/rego.ts'
import { compiler } from '../../decide/rego/engine/support.ts'

/** The plan of a query over some modules. */
export async function planOfQuery(files: RegoFiles, query: string): Promise<Plan> {
  const planned = await compiler.plan(files, { query })
  if ('diagnostics' in planned) throw new Error(JSON.stringify(planned.diagnostics, null, 2))
  return foldConstants(readPlan(JSON.parse(planned.plan) as JsonValue, { lax: () => false }))
}

/** Evaluates it with someone looking on. */
export function watch(
  plan: Plan,
  observer: Observer,
  of: { readonly input?: JsonObject; readonly data?: JsonObject } = {},
): void {
  const { input = {}, data = {} } = of
  programOf(plan, fromJson(data), { observer }).query('eval', fromJson(input))
}
