import { fromUtf8 } from '../../base/digest.ts'
import type { JsonObject } from '../../base/json-value.ts'
import type { Diagnostic } from '../../base/position.ts'
import type { RegoBudget } from '../../decide/rego/engine/evaluation.ts'
import type { RegoPackagePath } from '../../decide/rego/engine/program.ts'
import { fromJson, parseValue } from '../../decide/rego/values/json.ts'
import type { Value } from '../../decide/rego/values/value.ts'
import { readBytes } from '../../host/files.ts'
import type { RegoSources } from '../../host/rego-files.ts'
import { parseDocument, readRegoSources } from '../../host/rego-files.ts'
import type { RegoCompiler } from '../../model/ports.ts'
import type { RegoFiles } from '../../model/rego.ts'
import type { Bundle } from '../../policy/bundle/index.ts'
import { BUNDLE_FILE, readBundle } from '../../policy/bundle/index.ts'
import type { PolicySource } from './compile-policy.ts'
import { compileFolder } from './compile-policy.ts'

/**
 * Where a query's modules and documents come from: a policy, or paths as `opa eval --data` takes them, of which there
 * may be none. Absolute paths.
 */
export type QuerySource = PolicySource | { readonly paths: readonly string[]; readonly cwd: string }

export type QuerySources = RegoSources & {
  /** Where built-in errors are undefined. */
  readonly packages: readonly RegoPackagePath[]
  /** Of the policy. Default: the evaluator's. */
  readonly budget?: RegoBudget
}

/**
 * The Rego of a policy with the documents that it reads and its settings, or of some paths.
 *
 * @returns diagnostics where a policy repository does not compile
 * @throws {PolicyError} the codes of readBundle and readRegoSources; FILE_UNREADABLE
 */
export async function querySources(
  source: QuerySource,
  rego: RegoCompiler,
): Promise<
  QuerySources | { readonly diagnostics: readonly Diagnostic[]; readonly files: RegoFiles }
> {
  if ('paths' in source) {
    return { ...(await readRegoSources(source.paths, source.cwd)), packages: [] }
  }
  if ('bundle' in source) return ofBundle(readBundle(await readBytes(source.bundle)))
  const { bundle, diagnostics, files } = await compileFolder(source.folder, rego)
  return bundle === null ? { diagnostics, files: Object.fromEntries(files) } : ofBundle(bundle)
}

/**
 * The input of a query: JSON, or YAML where the file's name says so.
 *
 * @throws {PolicyError} JSON_MALFORMED, YAML_MALFORMED, VALUE_NOT_JSON and the other codes of parseDocument, with the
 *   file
 */
export function queryInput(text: string, file: string): Value {
  return parseDocument(text, file)
}

function ofBundle({ files, policy }: Bundle): QuerySources {
  const data = files.get(BUNDLE_FILE.data)
  const modules = [...files].flatMap(([path, bytes]) =>
    path.endsWith('.rego') ? [[path, fromUtf8(bytes)] as const] : [],
  )
  const none: JsonObject = {}
  return {
    files: Object.fromEntries(modules),
    data: data === undefined ? fromJson(none) : parseValue(fromUtf8(data)),
    budget: { steps: policy.evaluation_steps_max, outputBytes: policy.evaluation_bytes_max },
    packages: policy.rego_packages.map((one) => ({
      path: one.package.split('.'),
      lax: !one.strict_builtin_errors,
    })),
  }
}
