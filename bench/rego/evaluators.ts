import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as cedar from '@cedar-policy/cedar-wasm/nodejs'
import { canonicalize } from '../../src/base/canonical-json.ts'
import type { JsonObject, JsonValue } from '../../src/base/json-value.ts'
import { BUILTIN_NAMES } from '../../src/decide/rego/builtins/index.ts'
import { loadPlan } from '../../src/decide/rego/engine/program.ts'
import { loadOpaWasm } from '../../src/decide/rego/wasm/opa-wasm.ts'
import { createRegoCompiler } from '../../src/host/rego-compiler/compiler.ts'
import type { RegoPolicy } from './policy-source.ts'

/** One way to evaluate a policy in this process. */
export type Evaluator = {
  readonly name: string
  /** Milliseconds from what the bundle carries to the first answer. */
  readonly loadMs: number
  /** @returns what the entry point gives, or throws */
  evaluate(input: JsonObject): JsonValue
}

/** Ours in both forms and opa-wasm, strict errors and bounds on, from one compilation. */
export async function ourEvaluators(policy: RegoPolicy): Promise<readonly Evaluator[]> {
  const compiler = createRegoCompiler({ hostBuiltins: BUILTIN_NAMES })
  try {
    const built = await compiler.build(policy.files, [policy.entrypoint])
    if ('diagnostics' in built) throw new Error(JSON.stringify(built.diagnostics[0]))
    const { data } = policy
    const plan = JSON.parse(built.plan) as JsonValue
    return [
      evaluatorOf('generated code', policy, () =>
        loadPlan({ plan, data }, { backEnd: 'generated' }),
      ),
      evaluatorOf('closures', policy, () => loadPlan({ plan, data }, { backEnd: 'closures' })),
      evaluatorOf('opa-wasm', policy, () => loadOpaWasm({ wasm: built.wasm, data })),
    ]
  } finally {
    await compiler.close()
  }
}

/** Cedar's own WebAssembly on rules of the same kind; it has no texts, patterns, sums or addresses of its own to walk. */
export function cedarEvaluator(policy: RegoPolicy): Evaluator {
  const start = performance.now()
  const text = readFileSync(join(import.meta.dirname, 'guard.cedar'), 'utf8')
  const loaded = cedar.preparsePolicySet('guard', { staticPolicies: text })
  if (loaded.type !== 'success') throw new Error(JSON.stringify(loaded))
  const evaluate = (input: JsonObject): JsonValue => {
    const { action } = input as { readonly action: Readonly<Record<string, JsonValue>> }
    const answer = cedar.statefulIsAuthorized({
      principal: { type: 'Agent', id: String(action['agent']) },
      action: { type: 'Action', id: String(action['action']) },
      resource: { type: 'Service', id: String(action['service']) },
      context: cedarContext(input, policy.data),
      preparsedPolicySetId: 'guard',
      entities: [],
    })
    if (answer.type !== 'success') throw new Error(JSON.stringify(answer))
    return answer.response.decision
  }
  const [first] = policy.inputs
  if (first !== undefined) evaluate(first)
  return { name: 'cedar-wasm', loadMs: performance.now() - start, evaluate }
}

function cedarContext(input: JsonObject, data: JsonObject): Record<string, cedar.CedarValueJson> {
  const { config } = data as { readonly config: JsonObject }
  // Cedar has neither null nor fractions: the inputs have none.
  return { input, config } as unknown as Record<string, cedar.CedarValueJson>
}

function evaluatorOf(
  name: string,
  policy: RegoPolicy,
  load: () => ReturnType<typeof loadPlan> | ReturnType<typeof loadOpaWasm>,
): Evaluator {
  const start = performance.now()
  const program = load()
  const evaluate = (input: JsonObject): JsonValue => {
    const outcome = program.evaluate(policy.entrypoint, input)
    if ('failed' in outcome) throw new Error(canonicalize({ ...outcome }))
    return outcome.value
  }
  const [first] = policy.inputs
  if (first !== undefined) evaluate(first)
  return { name, loadMs: performance.now() - start, evaluate }
}
