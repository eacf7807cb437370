import { writeAtomically } from '../../host/files.ts'
import { BUNDLE_NAMESPACE, type ReviewSigner } from '../../model/ports.ts'
import type { Bundle } from '../../policy/bundle/index.ts'
import { writeBundle } from '../../policy/bundle/index.ts'
import { bundleStatement, formatBundleSignature } from '../../trust/verify/index.ts'
import { type CompiledFolder, compileFolder, withRegoCompiler } from './compile-policy.ts'

/** Who signs the bundle, and when: Unix milliseconds. */
export type BundleSigning = { readonly signer: ReviewSigner; readonly now: number }

/**
 * Compiles a policy repository into one bundle file, which appears whole or not at all. A policy with errors writes
 * nothing and leaves an older bundle as it was. Its signature is put beside it first, as `OUTPUT.sig`.
 *
 * @throws {PolicyError} FILE_UNREADABLE, REGO_COMPILER_FAILED
 */
export async function buildPolicy(
  folder: string,
  output: string,
  signing?: BundleSigning,
): Promise<CompiledFolder & { readonly bytes: number }> {
  const compiled = await withRegoCompiler((rego) => compileFolder(folder, rego))
  if (compiled.bundle === null) return { ...compiled, bytes: 0 }
  const { bundle } = compiled
  if (signing !== undefined) await sign(bundle, output, signing)
  return { ...compiled, bytes: await write(bundle, output) }
}

async function sign(bundle: Bundle, output: string, { signer, now }: BundleSigning): Promise<void> {
  const { digest, policy } = bundle
  const statement = bundleStatement({ project: policy.project, digest, issuedAt: now })
  const armour = await signer.sign(statement, BUNDLE_NAMESPACE)
  await writeAtomically(`${output}.sig`, formatBundleSignature(statement, armour))
}

async function write(bundle: Bundle, output: string): Promise<number> {
  const bytes = writeBundle(bundle)
  await writeAtomically(output, bytes)
  return bytes.length
}
