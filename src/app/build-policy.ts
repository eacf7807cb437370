import { writeAtomically } from '../host/files.ts'
import type { Bundle } from '../policy/bundle/index.ts'
import { writeBundle } from '../policy/bundle/index.ts'
import { type CompiledFolder, compileFolder, withRegoCompiler } from './compile-policy.ts'

/**
 * Compiles a policy repository into one bundle file, which appears whole or not at all. A policy with errors writes
 * nothing and leaves an older bundle as it was.
 *
 * @throws {PolicyError} FILE_UNREADABLE, REGO_COMPILER_FAILED
 */
export async function buildPolicy(
  folder: string,
  output: string,
): Promise<CompiledFolder & { readonly bytes: number }> {
  const compiled = await withRegoCompiler((rego) => compileFolder(folder, rego))
  if (compiled.bundle === null) return { ...compiled, bytes: 0 }
  return { ...compiled, bytes: await write(compiled.bundle, output) }
}

async function write(bundle: Bundle, output: string): Promise<number> {
  const bytes = writeBundle(bundle)
  await writeAtomically(output, bytes)
  return bytes.length
}
