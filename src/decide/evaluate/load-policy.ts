import { fromUtf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import { parseJsonBytes } from '../../base/json-parse.ts'
import { isJsonObject, type JsonObject } from '../../base/json-value.ts'
import { BUNDLE_BYTES_MAX, CANONICAL_DEPTH_MAX } from '../../base/limits.ts'
import type { CompiledBaselineEntry } from '../../model/generated/types.ts'
import type { Bundle } from '../../policy/bundle/bundle.ts'
import type { CompiledBaseline } from '../behaviour/baseline.ts'
import { loadBaseline } from '../behaviour/baseline.ts'
import { parseCompiledBaseline } from '../behaviour/compiled.ts'
import type { PublishedBaseline } from '../behaviour/published.ts'
import { isEnforced } from '../behaviour/published.ts'
import { loadPlan } from '../rego/engine/program.ts'
import type { RegoProgram } from '../rego/types.ts'
import { loadOpaWasm } from '../rego/wasm/opa-wasm.ts'
import type { LoadedPolicy } from './policy.ts'
import { preparePolicy } from './policy.ts'
import { loadRule } from './rules.ts'

/**
 * What evaluates a bundle's Rego. `plan` makes JavaScript of OPA's plan, or closures where that is forbidden;
 * `generated` and `closures` insist on one of them; `wasm` runs OPA's WebAssembly, as a second opinion.
 */
export type Evaluator = 'plan' | 'generated' | 'closures' | 'wasm'

/**
 * Makes a bundle ready to evaluate: indexes its rules, compiles their patterns, loads its Rego. What cannot be
 * understood makes loading fail, since a rule that is left out would allow what it denies.
 *
 * @param evaluator - default: `plan`
 * @throws {PolicyError} BUNDLE_CORRUPT when a policy with Rego comes without its plan, module or data; the codes of
 *   `preparePolicy`, `loadPlan`, `loadOpaWasm` and `publishedBaselines`
 */
export function loadPolicy(bundle: Bundle, evaluator: Evaluator = 'plan'): LoadedPolicy {
  const { policy } = bundle
  const program = policy.rego.length === 0 ? null : loadRego(bundle, evaluator)
  return preparePolicy(policy, program, loadRule, publishedBaselines(bundle))
}

/**
 * The baselines of a bundle, ready to score.
 *
 * @throws {PolicyError} BUNDLE_CORRUPT when a file is missing; BASELINE_INVALID, BASELINE_TOO_LARGE
 */
export function publishedBaselines(bundle: Bundle): readonly PublishedBaseline[] {
  return (bundle.policy.baselines ?? []).map((entry) => ({
    agent: entry.agent,
    fingerprint: entry.fingerprint,
    version: entry.version,
    enforced: isEnforced(entry),
    baseline: loadBaseline(compiledBaseline(bundle, entry)),
  }))
}

/** One of the baselines that a bundle's policy lists. @throws {PolicyError} as `publishedBaselines` */
export function compiledBaseline(
  { files }: Pick<Bundle, 'files'>,
  { path }: Pick<CompiledBaselineEntry, 'path'>,
): CompiledBaseline {
  return parseCompiledBaseline(fromUtf8(fileOf(files, path)))
}

function loadRego({ files, policy }: Bundle, evaluator: Evaluator): RegoProgram {
  const data = readObject(files, 'data.json')
  if (evaluator === 'wasm') {
    const lax = policy.rego_packages.some((one) => !one.strict_builtin_errors)
    return loadOpaWasm({ wasm: fileOf(files, 'policy.wasm'), data }, { lax })
  }
  return loadPlan(
    { plan: readObject(files, 'plan.json'), data },
    {
      budget: { steps: policy.evaluation_steps_max, outputBytes: policy.evaluation_bytes_max },
      packages: policy.rego_packages.map((one) => ({
        path: one.package.split('.'),
        lax: !one.strict_builtin_errors,
      })),
      ...(evaluator === 'plan' ? {} : { backEnd: evaluator }),
    },
  )
}

function readObject(files: Bundle['files'], name: string): JsonObject {
  const value = parseJsonBytes(fileOf(files, name), {
    bytesMax: BUNDLE_BYTES_MAX,
    depthMax: CANONICAL_DEPTH_MAX,
  })
  if (isJsonObject(value)) return value
  throw new PolicyError('BUNDLE_CORRUPT', `expected ${name} to hold an object`)
}

function fileOf(files: Bundle['files'], name: string): Uint8Array {
  const bytes = files.get(name)
  if (bytes !== undefined) return bytes
  throw new PolicyError('BUNDLE_CORRUPT', `expected ${name} beside the policy`)
}
