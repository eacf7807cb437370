import { loadPolicy } from '../../decide/evaluate/index.ts'
import type { CheckResult } from '../../model/results.ts'
import { lint } from '../../policy/analyse/lint/lint.ts'
import { suppress } from '../../policy/analyse/lint/suppress.ts'
import type { PolicyFiles } from '../../policy/compile/index.ts'
import { parseDocuments } from '../../policy/compile/index.ts'
import { type CompiledFolder, compileFolder, withRegoCompiler } from './compile-policy.ts'

/**
 * Everything that is wrong with a policy repository, or worth a note. A policy that compiles is looked at by the linter
 * too.
 *
 * @param options.failLevel - the lowest severity that fails. Default: the project's own, else `error`
 * @param options.now - Unix milliseconds, to find dates that have passed. Default: none has
 * @throws {PolicyError} FILE_UNREADABLE, REGO_COMPILER_FAILED
 */
export async function checkPolicy(
  folder: string,
  options: { readonly failLevel?: CheckResult['failLevel']; readonly now?: number } = {},
): Promise<{ readonly result: CheckResult; readonly files: PolicyFiles }> {
  const compiled = await withRegoCompiler((rego) => compileFolder(folder, rego, options.now))
  return { files: compiled.files, result: checkCompiled(compiled, options) }
}

/** What is wrong with a policy that has been compiled, or worth a note; see {@link checkPolicy}. */
export function checkCompiled(
  { files, bundle, diagnostics }: CompiledFolder,
  options: { readonly failLevel?: CheckResult['failLevel']; readonly now?: number },
): CheckResult {
  const { documents } = parseDocuments(files)
  const [project] = documents.projects
  const noted =
    bundle === null ? [] : lint({ documents, loaded: loadPolicy(bundle), now: options.now ?? null })
  const complete = bundle !== null
  const { kept, suppressed } = suppress([...diagnostics, ...noted], files, { complete })
  return {
    project: project?.value.project ?? null,
    policy: bundle?.digest ?? null,
    files: [...files.keys()].sort(),
    diagnostics: kept,
    suppressed,
    failLevel: options.failLevel ?? project?.value.check?.fail_level ?? 'error',
  }
}

/**
 * How a check ends: `invalid` when there is no bundle, `noted` when something was found at the fail level, else
 * `passed`.
 */
export function checkOutcome(result: CheckResult): 'passed' | 'noted' | 'invalid' {
  if (result.policy === null) return 'invalid'
  const fails = result.diagnostics.some(
    ({ severity }) => severity === 'error' || result.failLevel === 'warning',
  )
  return fails ? 'noted' : 'passed'
}
