import type { CheckResult } from '../model/results.ts'
import type { PolicyFiles } from '../policy/compile/index.ts'
import { parseDocuments } from '../policy/compile/index.ts'
import { compileFolder, withRegoCompiler } from './compile-policy.ts'

/**
 * Everything that is wrong with a policy repository, or worth a note.
 *
 * @param options.failLevel - the lowest severity that fails. Default: the project's own, else `error`
 * @throws {PolicyError} FILE_UNREADABLE, REGO_COMPILER_FAILED
 */
export async function checkPolicy(
  folder: string,
  options: { readonly failLevel?: CheckResult['failLevel']; readonly now?: number } = {},
): Promise<{ readonly result: CheckResult; readonly files: PolicyFiles }> {
  const { files, bundle, diagnostics } = await withRegoCompiler((rego) =>
    compileFolder(folder, rego, options.now),
  )
  const [project] = parseDocuments(files).documents.projects
  return {
    files,
    result: {
      project: project?.value.project ?? null,
      policy: bundle?.digest ?? null,
      files: [...files.keys()].sort(),
      diagnostics,
      failLevel: options.failLevel ?? project?.value.check?.fail_level ?? 'error',
    },
  }
}

/**
 * How a check ends: `invalid` when there is no bundle, `noted` when warnings fail and there are some, else `passed`.
 */
export function checkOutcome(result: CheckResult): 'passed' | 'noted' | 'invalid' {
  if (result.policy === null) return 'invalid'
  return result.failLevel === 'warning' && result.diagnostics.length > 0 ? 'noted' : 'passed'
}
