import { parseJsonBytes } from '../../base/json-parse.ts'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import { BUNDLE_BYTES_MAX, CANONICAL_DEPTH_MAX } from '../../base/limits.ts'
import type { RegoBudget } from '../../decide/rego/engine/evaluation.ts'
import type { PlanOptions, PlanProgram, RegoPackagePath } from '../../decide/rego/engine/program.ts'
import { laxTest, programOf } from '../../decide/rego/engine/program.ts'
import { foldConstants } from '../../decide/rego/plan/fold-constants.ts'
import type { Plan } from '../../decide/rego/plan/plan.ts'
import { readPlan } from '../../decide/rego/plan/read-plan.ts'
import { fromJson } from '../../decide/rego/values/json.ts'
import type { Value } from '../../decide/rego/values/value.ts'
import type { Bundle } from '../bundle/index.ts'
import { BUNDLE_FILE } from '../bundle/index.ts'

/** What a program is made of, so that variants of it can be made. */
export type RegoParts = {
  readonly plan: Plan
  readonly data: Value
  readonly budget: RegoBudget
  readonly packages: readonly RegoPackagePath[]
}

/**
 * The parts of a bundle's Rego; null where it has none.
 *
 * @param planText - another plan over the same packages, such as that of their tests
 * @throws {PolicyError} REGO_PLAN_INVALID; the codes of a bundle that is corrupt
 */
export function regoPartsOf({ files, policy }: Bundle, planText?: string): RegoParts | null {
  const own = files.get(BUNDLE_FILE.plan)
  const bytes = files.get(BUNDLE_FILE.data)
  if (own === undefined || bytes === undefined) return null
  const read = (text: Uint8Array): JsonValue =>
    parseJsonBytes(text, { bytesMax: BUNDLE_BYTES_MAX, depthMax: CANONICAL_DEPTH_MAX })
  const packages = policy.rego_packages.map((one) => ({
    path: one.package.split('.'),
    lax: !one.strict_builtin_errors,
  }))
  const json = planText === undefined ? read(own) : (JSON.parse(planText) as JsonValue)
  return {
    plan: readPlan(json, { lax: laxTest(packages) }),
    data: fromJson(read(bytes) as JsonObject),
    budget: { steps: policy.evaluation_steps_max, outputBytes: policy.evaluation_bytes_max },
    packages,
  }
}

/** A program of the parts, of another plan where one is given. */
export function programWith(
  { plan, data, budget, packages }: RegoParts,
  options: PlanOptions & { readonly plan?: Plan } = {},
): PlanProgram {
  const { plan: other = plan, ...rest } = options
  return programOf(foldConstants(other), data, { budget, packages, ...rest })
}
