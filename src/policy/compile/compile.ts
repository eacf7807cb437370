import { canonicalize } from '../../base/canonical-json.ts'
import { utf8 } from '../../base/digest.ts'
import type { JsonValue } from '../../base/json-value.ts'
import { BUNDLE_PATH_BYTES_MAX, POLICY_BYTES_MAX, POLICY_FILES_MAX } from '../../base/limits.ts'
import { policyFileBytesMax } from '../../base/policy-file.ts'
import type { Diagnostic } from '../../base/position.ts'
import { compareText, sortDiagnostics } from '../../base/position.ts'
import type { CompiledPolicy } from '../../model/generated/types.ts'
import type { RegoBuilt, RegoCompiler } from '../../model/rego.ts'
import type { Bundle } from '../bundle/index.ts'
import { BUNDLE_FILE, isBundlePath, makeBundle } from '../bundle/index.ts'
import { checkAttest, compileAttest } from './attest.ts'
import { compileBaselines } from './baselines.ts'
import { checkChanges } from './change-rules.ts'
import type { Documents, PolicyFiles } from './documents.ts'
import { parseDocuments } from './documents.ts'
import { checkFields } from './fields.ts'
import { checkNotify } from './notify.ts'
import { compileData, compilePolicy } from './policy.ts'
import { checkReferences } from './references.ts'
import type { PackageDraft } from './rego.ts'
import { bundledSources, checkRego, compilerFiles, NO_REGO } from './rego.ts'
import { checkReleases, compileReleases } from './release.ts'
import type { Report } from './report.ts'
import { newReport } from './report.ts'
import { checkSecrets } from './secrets.ts'
import { checkSigstore, compileSigstore } from './sigstore.ts'
import { checkNeverAutomated } from './tools.ts'
import { checkUndos } from './undo.ts'

export type CompilePorts = {
  readonly rego: RegoCompiler
  /**
   * Unix milliseconds, to tell which reviewers' keys have expired; changes diagnostics, never the bundle. Without it
   * only revoked keys are left out.
   */
  readonly now?: number
}

/** A bundle and its warnings, or no bundle and everything that is wrong, sorted by file and place. */
export type Compiled =
  | { readonly bundle: Bundle; readonly diagnostics: readonly Diagnostic[] }
  | { readonly bundle: null; readonly diagnostics: readonly Diagnostic[] }

/**
 * Compiles the files of a policy repository. The same files give the same digest, whatever their order, the folder
 * that they were read from, the machine, the time and the line ends of the check-out.
 *
 * @throws {PolicyError} REGO_COMPILER_FAILED when the Rego compiler is broken; never for a broken policy
 */
export async function compile(files: PolicyFiles, ports: CompilePorts): Promise<Compiled> {
  const report = newReport()
  if (!checkSizes(files, report)) return refused(report)
  if ([...files.keys()].some((path) => path.endsWith('.rego'))) ports.rego.warm()
  const { documents, diagnostics } = parseDocuments(files)
  report.diagnostics.push(...diagnostics)
  checkFields(documents, report)
  const data = dataOf(documents)
  const rego = await checkRego(documents.rego, data, ports.rego, report)
  const { packages } = rego
  checkReferences(documents, packages, ports.now ?? null, report)
  checkSecrets(documents, report)
  checkSigstore(documents, files, report)
  checkAttest(documents, report)
  checkNotify(documents, report)
  checkChanges(documents, report)
  checkReleases(documents, report)
  if (!documents.broken.has('Tools')) checkNeverAutomated(documents, packages, report)
  if (!documents.broken.has('Tools')) checkUndos(documents, report)
  checkNotEmpty(documents, packages, report)
  const [project] = documents.projects
  if (project === undefined || hasErrors(report)) return refused(report)
  const baselines = compileBaselines(documents)
  const policy = {
    ...compilePolicy(documents, project, rego),
    ...compileSigstore(project.value, files),
    ...compileAttest(project.value),
    ...baselines.listed,
    ...compileReleases(documents),
  }
  const contents = new Map<string, Uint8Array>([
    [BUNDLE_FILE.policy, utf8(canonicalize(policy as unknown as JsonValue))],
    [BUNDLE_FILE.data, utf8(data)],
    ...baselines.files,
  ])
  if (packages.length > 0) {
    const built = await buildRego(documents.rego, data, policy, ports.rego)
    if ('diagnostics' in built) {
      report.diagnostics.push(...built.diagnostics)
      return refused(report)
    }
    contents.set(BUNDLE_FILE.wasm, built.wasm)
    contents.set(BUNDLE_FILE.plan, utf8(built.plan))
    for (const [path, source] of bundledSources(documents.rego)) contents.set(path, utf8(source))
  }
  const bundle = makeBundle(contents, policy.project)
  return { bundle, diagnostics: sortDiagnostics(report.diagnostics) }
}

function refused(report: Report): Compiled {
  return { bundle: null, diagnostics: sortDiagnostics(report.diagnostics) }
}

function hasErrors(report: Report): boolean {
  return report.diagnostics.some(({ severity }) => severity === 'error')
}

function buildRego(
  rego: ReadonlyMap<string, string>,
  data: string,
  policy: CompiledPolicy,
  compiler: RegoCompiler,
): Promise<RegoBuilt> {
  const entrypoints = policy.rego.flatMap((item) => item.rules.map((rule) => rule.entrypoint))
  return compiler.build(compilerFiles(bundledSources(rego), data), entrypoints.sort(compareText))
}

/** What Rego is checked against: the documents as far as they are sound. */
function dataOf(documents: Documents): string {
  const [project] = documents.projects
  if (project === undefined) return canonicalize({ countersign: {} })
  return compileData(compilePolicy(documents, project, NO_REGO))
}

function checkSizes(files: PolicyFiles, report: Report): boolean {
  let total = 0
  let sound = true
  const refuse = (
    file: string,
    code: 'DOCUMENT_TOO_LARGE' | 'DOCUMENT_INVALID',
    message: string,
  ): void => {
    sound = false
    report.error({ file, line: 1, column: 1 }, code, message)
  }
  if (files.size > POLICY_FILES_MAX) {
    refuse('countersign.yaml', 'DOCUMENT_TOO_LARGE', `expected at most ${POLICY_FILES_MAX} files`)
    return false
  }
  for (const [file, text] of files) {
    total += text.length
    const max = policyFileBytesMax(file)
    if (text.length > max) {
      refuse(file, 'DOCUMENT_TOO_LARGE', `expected at most ${max} bytes; split the file`)
    }
    if (!isBundlePath(file)) {
      const message = `expected a plain relative path of at most ${BUNDLE_PATH_BYTES_MAX} bytes; rename the file`
      refuse(file, 'DOCUMENT_INVALID', message)
    }
    if (!text.isWellFormed())
      refuse(file, 'DOCUMENT_INVALID', 'expected Unicode text, found a lone surrogate')
  }
  if (total > POLICY_BYTES_MAX) {
    refuse(
      'countersign.yaml',
      'DOCUMENT_TOO_LARGE',
      `expected at most ${POLICY_BYTES_MAX} bytes in all files`,
    )
  }
  return sound
}

/** A policy that says nothing is a mistake, such as the wrong folder; it must not look like one that is fine. */
function checkNotEmpty(
  documents: Documents,
  packages: readonly PackageDraft[],
  report: Report,
): void {
  const said = documents.agents.length + documents.rules.length + packages.length
  const [project] = documents.projects
  if (said > 0 || documents.broken.size > 0 || project === undefined) return
  const message = 'expected an Agent, a rule or a Rego package, found none; add files to policies/'
  report.error(project.at(), 'POLICY_EMPTY', message)
}
