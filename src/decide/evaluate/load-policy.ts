import { PolicyError } from '../../base/errors.ts'
import { parseJsonBytes } from '../../base/json-parse.ts'
import type { JsonObject } from '../../base/json-value.ts'
import { BUNDLE_BYTES_MAX } from '../../base/limits.ts'
import type { Bundle } from '../../policy/bundle/bundle.ts'
import { loadOpaWasm } from '../rego/opa-wasm.ts'
import type { RegoProgram } from '../rego/types.ts'
import type { LoadedPolicy } from './policy.ts'
import { preparePolicy } from './policy.ts'

/**
 * Makes a bundle ready to evaluate: indexes its rules, compiles their patterns, loads its Rego. What cannot be
 * understood makes loading fail, since a rule that is left out would allow what it denies.
 *
 * @throws {PolicyError} BUNDLE_CORRUPT when a policy with Rego comes without its module or data; the codes of
 *   `preparePolicy` and of `loadOpaWasm`
 */
export function loadPolicy(bundle: Bundle): LoadedPolicy {
  const { policy } = bundle
  return preparePolicy(policy, policy.rego.length === 0 ? null : loadRego(bundle))
}

function loadRego({ files }: Bundle): RegoProgram {
  const wasm = files.get('policy.wasm')
  const bytes = files.get('data.json')
  if (wasm === undefined || bytes === undefined) {
    throw new PolicyError('BUNDLE_CORRUPT', 'expected policy.wasm and data.json beside the policy')
  }
  const data = parseJsonBytes(bytes, { bytesMax: BUNDLE_BYTES_MAX })
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    throw new PolicyError('BUNDLE_CORRUPT', 'expected data.json to hold an object')
  }
  return loadOpaWasm({ wasm, data: data as JsonObject })
}
