import { PolicyError } from '../../base/errors.ts'
import type { Diagnostic } from '../../base/position.ts'
import { BUILTIN_NAMES } from '../../decide/rego/builtins/index.ts'
import { readBytes } from '../../host/files.ts'
import { readPolicyFiles } from '../../host/policy-files.ts'
import { createRegoCompiler } from '../../host/rego-compiler/compiler.ts'
import type { RegoCompiler } from '../../model/ports.ts'
import type { Bundle } from '../../policy/bundle/index.ts'
import { readBundle } from '../../policy/bundle/index.ts'
import type { PolicyFiles } from '../../policy/compile/index.ts'
import { compile } from '../../policy/compile/index.ts'

/** Where a policy comes from: a policy repository, or a bundle file. Absolute paths. */
export type PolicySource = { readonly folder: string } | { readonly bundle: string }

/** A policy repository, compiled. */
export type CompiledFolder = {
  readonly files: PolicyFiles
  /** Null when a diagnostic is an error. */
  readonly bundle: Bundle | null
  /** Sorted; with a bundle, warnings only. */
  readonly diagnostics: readonly Diagnostic[]
}

/** Runs work that needs the Rego compiler, and ends the compiler's worker afterwards. */
export async function withRegoCompiler<T>(work: (rego: RegoCompiler) => Promise<T>): Promise<T> {
  const rego = createRegoCompiler({ hostBuiltins: BUILTIN_NAMES })
  try {
    return await work(rego)
  } finally {
    await rego.close()
  }
}

/**
 * Compiles a policy repository.
 *
 * @param now - Unix milliseconds, to find reviewers whose keys have expired; changes no bundle
 * @throws {PolicyError} FILE_UNREADABLE, REGO_COMPILER_FAILED; a policy that is wrong is a value
 */
export async function compileFolder(
  folder: string,
  rego: RegoCompiler,
  now?: number,
): Promise<CompiledFolder> {
  const files = await readPolicyFiles(folder)
  const compiled = await compile(files, { rego, ...(now === undefined ? {} : { now }) })
  return { files, ...compiled }
}

/**
 * The bundle of a source, for those who need one and nothing else.
 *
 * @throws {PolicyError} the first complaint about the policy, with its place; BUNDLE_CORRUPT and its kin;
 *   FILE_UNREADABLE
 */
export async function openBundle(source: PolicySource): Promise<Bundle> {
  if ('bundle' in source) return readBundle(await readBytes(source.bundle))
  return compilePolicyFolder(source.folder)
}

/**
 * The bundle of a policy repository.
 *
 * @throws {PolicyError} the first complaint about the policy, with its place; FILE_UNREADABLE, REGO_COMPILER_FAILED
 */
export async function compilePolicyFolder(folder: string): Promise<Bundle> {
  const { bundle, diagnostics } = await withRegoCompiler((rego) => compileFolder(folder, rego))
  if (bundle !== null) return bundle
  throw firstError(diagnostics)
}

/**
 * The bundle of policy files, wherever they were read.
 *
 * @throws {PolicyError} the first complaint about the policy, with its place; REGO_COMPILER_FAILED
 */
export async function compileFiles(files: PolicyFiles): Promise<Bundle> {
  const { bundle, diagnostics } = await withRegoCompiler((rego) => compile(files, { rego }))
  if (bundle !== null) return bundle
  throw firstError(diagnostics)
}

/** The first complaint that is an error, as an error to throw. */
export function firstError(diagnostics: readonly Diagnostic[]): PolicyError {
  const errors = diagnostics.filter(({ severity }) => severity === 'error')
  const [first] = errors
  if (first === undefined)
    return new PolicyError('ENGINE_FAILED', 'the policy gave neither a bundle nor an error')
  const { code, message, hint, file, line, column } = first
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more: run countersign check)` : ''
  const advice = hint === undefined ? '' : `; ${hint}`
  return new PolicyError(code, `${message}${advice}${more}`, { file, at: { line, column } })
}
