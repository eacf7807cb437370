import { join } from 'node:path'
import type { Diagnostic } from '../../base/position.ts'
import { sortDiagnostics } from '../../base/position.ts'
import { writeAtomically } from '../../host/files.ts'
import { readPolicyFiles } from '../../host/policy-files.ts'
import type { FormattedFile } from '../../model/results.ts'
import { formatRego } from '../../policy/analyse/format-rego.ts'
import { formatYaml } from '../../policy/analyse/format-yaml.ts'
import type { PolicyFiles } from '../../policy/compile/index.ts'
import { withRegoCompiler } from './compile-policy.ts'

export type FormattedPolicy = {
  readonly files: PolicyFiles
  /** Those that formatting changes, sorted by path. */
  readonly changed: readonly FormattedFile[]
  /** Why files were left alone: they do not parse. */
  readonly diagnostics: readonly Diagnostic[]
}

/**
 * Formats the YAML and Rego of a policy repository. A file that does not parse stays as it is, and then nothing is
 * written at all.
 *
 * @param write - whether to change the files, or only to say what would change
 * @throws {PolicyError} FILE_UNREADABLE, REGO_COMPILER_FAILED
 */
export async function formatPolicy(
  folder: string,
  { write }: { readonly write: boolean },
): Promise<FormattedPolicy> {
  const files = await readPolicyFiles(folder)
  const yaml = formatYamlFiles(files)
  const rego = await formatRegoFiles(files)
  const diagnostics = sortDiagnostics([...yaml.diagnostics, ...rego.diagnostics])
  const changed = [...yaml.formatted, ...rego.formatted]
    .filter(({ before, after }) => before !== after)
    .sort((a, b) => (a.file < b.file ? -1 : 1))
  if (write && diagnostics.length === 0) {
    for (const { file, after } of changed) await writeAtomically(join(folder, file), after)
  }
  return { files, changed, diagnostics }
}

type Formatted = {
  readonly formatted: readonly FormattedFile[]
  readonly diagnostics: readonly Diagnostic[]
}

function formatYamlFiles(files: PolicyFiles): Formatted {
  const formatted: FormattedFile[] = []
  const diagnostics: Diagnostic[] = []
  for (const [file, before] of files) {
    if (!/\.ya?ml$/.test(file)) continue
    const result = formatYaml(file, before)
    if ('text' in result) formatted.push({ file, before, after: result.text })
    else diagnostics.push(...result.diagnostics)
  }
  return { formatted, diagnostics }
}

async function formatRegoFiles(files: PolicyFiles): Promise<Formatted> {
  const rego = [...files].filter(([file]) => file.endsWith('.rego'))
  if (rego.length === 0) return { formatted: [], diagnostics: [] }
  const formatted = await withRegoCompiler((compiler) => formatRego(new Map(rego), compiler))
  if ('diagnostics' in formatted) return { formatted: [], diagnostics: formatted.diagnostics }
  return {
    formatted: rego.map(([file, before]) => {
      return { file, before, after: formatted.files.get(file) ?? before }
    }),
    diagnostics: [],
  }
}
