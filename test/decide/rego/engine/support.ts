import type { JsonObject, JsonValue } from '../../../../src/base/json-value.ts'
import { BUILTIN_NAMES } from '../../../../src/decide/rego/builtins/index.ts'
import type { PlanOptions, PlanProgram } from '../../../../src/decide/rego/engine/program.ts'
import { loadPlan } from '../../../../src/decide/rego/engine/program.ts'
import type { OpaCompiler } from '../../../../src/host/rego-compiler/compiler.ts'
import { createRegoCompiler } from '../../../../src/host/rego-compiler/compiler.ts'

export const BACK_ENDS = ['generated', 'closures'] as const

export const compiler: OpaCompiler = createRegoCompiler({ hostBuiltins: BUILTIN_NAMES })

const plans = new Map<string, Promise<JsonValue>>()

/** Plans one module's rules, which become entry points by their names: `t/allow`. */
export function planOf(source: string, rules: readonly string[]): Promise<JsonValue> {
  const key = JSON.stringify([source, rules])
  const plan = plans.get(key) ?? buildPlan(source, rules)
  plans.set(key, plan)
  return plan
}

async function buildPlan(source: string, rules: readonly string[]): Promise<JsonValue> {
  const built = await compiler.build(
    { 't.rego': `package t\n\n${source}` },
    rules.map((rule) => `t/${rule}`),
  )
  if ('diagnostics' in built) throw new Error(JSON.stringify(built.diagnostics, null, 2))
  return JSON.parse(built.plan) as JsonValue
}

export async function programOfSource(
  source: string,
  options: PlanOptions & { readonly rules?: readonly string[]; readonly data?: JsonObject } = {},
): Promise<PlanProgram> {
  const { rules = ['p'], data = {}, ...rest } = options
  return loadPlan({ plan: await planOf(source, rules), data }, rest)
}
