import { canonicalize } from '../../base/canonical-json.ts'
import type { Digest } from '../../base/digest.ts'
import { bytesEqual, digestOf, sha256Hex, utf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import { parseJsonBytes } from '../../base/json-parse.ts'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import { BUNDLE_BYTES_MAX, BUNDLE_FILES_MAX, CANONICAL_DEPTH_MAX } from '../../base/limits.ts'
import { compareText } from '../../base/position.ts'
import type { BundleManifest, CompiledPolicy } from '../../model/generated/types.ts'
import type { SchemaName } from '../../model/validate.ts'
import { validate } from '../../model/validate.ts'
import { gunzip, gzip } from './gzip.ts'
import type { TarEntry } from './tar.ts'
import { isBundlePath, readTar, writeTar } from './tar.ts'

/** The version of the bundle format that this version writes, and the newest that it reads. */
export const BUNDLE_FORMAT = 1

/** Names of the files of a bundle. Rego sources stand beside them, at their paths in the repository. */
export const BUNDLE_FILE = {
  manifest: 'countersign/manifest.json',
  policy: 'countersign/policy.json',
  data: 'data.json',
  wasm: 'policy.wasm',
  plan: 'plan.json',
  /** OPA's own manifest: derived from the others, so that OPA's tools can read a bundle of ours. */
  opaManifest: '.manifest',
} as const

/** The file of a bundle that holds a baseline, by its place in the policy's list from 0. */
export function baselinePath(index: number): string {
  return `countersign/baselines/${index}.json`
}

/** A compiled policy, named by its digest. */
export type Bundle = {
  /** SHA-256 of the manifest's RFC 8785 form. */
  readonly digest: Digest
  readonly manifest: BundleManifest
  readonly policy: CompiledPolicy
  /** The files that the manifest lists, sorted by path. */
  readonly files: ReadonlyMap<string, Uint8Array>
}

/**
 * A bundle of files: `countersign/policy.json`, `data.json`, and with Rego `policy.wasm`, `plan.json` and sources.
 *
 * @throws {PolicyError} BUNDLE_CORRUPT when the files make no bundle; BUNDLE_TOO_LARGE
 */
export function makeBundle(files: ReadonlyMap<string, Uint8Array>, project: string): Bundle {
  const sorted = [...files].sort(([a], [b]) => compareText(a, b))
  const manifest: BundleManifest = {
    format: BUNDLE_FORMAT,
    project,
    files: sorted.map(([path, bytes]) => ({ path, sha256: sha256Hex(bytes), bytes: bytes.length })),
  }
  return assemble(manifest, new Map(sorted))
}

/** The bundle as a gzipped ustar archive: the same bytes for the same bundle and version of zlib. */
export function writeBundle(bundle: Bundle): Uint8Array {
  const own: TarEntry[] = [
    { path: BUNDLE_FILE.manifest, bytes: canonicalBytes(bundle.manifest) },
    { path: BUNDLE_FILE.opaManifest, bytes: opaManifest(bundle.digest, bundle.policy) },
  ]
  const listed = [...bundle.files].map(([path, bytes]) => ({ path, bytes }))
  return gzip(writeTar([...own, ...listed]))
}

/**
 * Reads a bundle and checks every byte of its content against the manifest; compare `digest` with the one that you
 * expect.
 *
 * @throws {PolicyError} BUNDLE_CORRUPT, BUNDLE_NEWER_FORMAT, BUNDLE_TOO_LARGE
 */
export function readBundle(bytes: Uint8Array): Bundle {
  const entries = new Map(readTar(gunzip(bytes)).map((entry) => [entry.path, entry.bytes]))
  const manifestBytes = entries.get(BUNDLE_FILE.manifest)
  if (manifestBytes === undefined) throw corrupt(`expected the file ${BUNDLE_FILE.manifest}`)
  const manifest = readManifest(manifestBytes)
  const files = new Map<string, Uint8Array>()
  for (const { path, sha256, bytes: size } of manifest.files) {
    const content = entries.get(path)
    if (content === undefined) throw corrupt(`the file ${JSON.stringify(path)} is missing`)
    if (content.length !== size || sha256Hex(content) !== sha256) {
      throw corrupt(`the file ${JSON.stringify(path)} is not the one that the manifest names`)
    }
    files.set(path, content)
  }
  for (const path of entries.keys()) {
    const known =
      files.has(path) || path === BUNDLE_FILE.manifest || path === BUNDLE_FILE.opaManifest
    if (!known) throw corrupt(`the file ${JSON.stringify(path)} is not in the manifest`)
  }
  const bundle = assemble(manifest, files)
  const derived = entries.get(BUNDLE_FILE.opaManifest)
  if (derived === undefined || !bytesEqual(derived, opaManifest(bundle.digest, bundle.policy))) {
    throw corrupt(`${BUNDLE_FILE.opaManifest} does not follow from the manifest`)
  }
  return bundle
}

function assemble(manifest: BundleManifest, files: ReadonlyMap<string, Uint8Array>): Bundle {
  checkSizes(files)
  const policy = readPolicy(required(files, BUNDLE_FILE.policy))
  if (policy.project !== manifest.project) {
    throw corrupt('the policy is for another project than the manifest names')
  }
  const data = readCanonical(required(files, BUNDLE_FILE.data), BUNDLE_FILE.data)
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    throw corrupt(`expected an object in ${BUNDLE_FILE.data}`)
  }
  checkNames(files, policy)
  return { digest: digestOf(canonicalBytes(manifest)), manifest, policy, files }
}

/** A bundle holds what is evaluated and nothing else: a file that nobody reads could only mislead. */
function checkNames(files: ReadonlyMap<string, Uint8Array>, policy: CompiledPolicy): void {
  const withRego = policy.rego.length > 0
  for (const path of [BUNDLE_FILE.wasm, BUNDLE_FILE.plan]) {
    if (files.has(path) !== withRego) {
      throw corrupt(
        `${path} ${withRego ? 'is missing although' : 'is there although not'} one package is Rego`,
      )
    }
  }
  const listed = new Set((policy.baselines ?? []).map((baseline) => baseline.path))
  for (const path of listed) required(files, path)
  if (listed.size !== (policy.baselines ?? []).length) throw corrupt('two baselines are one file')
  const fixed: readonly string[] = [
    BUNDLE_FILE.policy,
    BUNDLE_FILE.data,
    BUNDLE_FILE.wasm,
    BUNDLE_FILE.plan,
  ]
  for (const path of files.keys()) {
    if (!isBundlePath(path)) throw corrupt(`the path ${JSON.stringify(path)} is not allowed`)
    if (fixed.includes(path)) continue
    if (listed.has(path)) continue
    if (!path.endsWith('.rego') || !withRego) {
      throw corrupt(`the file ${JSON.stringify(path)} has no place in a bundle`)
    }
  }
}

function checkSizes(files: ReadonlyMap<string, Uint8Array>): void {
  let total = 0
  for (const bytes of files.values()) total += bytes.length
  if (total > BUNDLE_BYTES_MAX || files.size > BUNDLE_FILES_MAX) {
    throw new PolicyError(
      'BUNDLE_TOO_LARGE',
      `expected at most ${BUNDLE_BYTES_MAX} bytes in ${BUNDLE_FILES_MAX} files; split the policy into projects`,
    )
  }
}

function readManifest(bytes: Uint8Array): BundleManifest {
  const value = readCanonical(bytes, BUNDLE_FILE.manifest)
  const format = formatOf(value)
  if (format !== null && format > BUNDLE_FORMAT) {
    throw new PolicyError(
      'BUNDLE_NEWER_FORMAT',
      `the bundle has format ${format}, this version reads up to ${BUNDLE_FORMAT}; upgrade countersign, or build the bundle with this version`,
    )
  }
  const manifest = checked<BundleManifest>('bundle-manifest', value, BUNDLE_FILE.manifest)
  manifest.files.forEach(({ path }, index) => {
    const before = manifest.files[index - 1]
    if (before !== undefined && compareText(before.path, path) >= 0) {
      throw corrupt('expected the files of the manifest sorted by path, each once')
    }
  })
  return manifest
}

function formatOf(value: JsonValue): number | null {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, 'format')) return null
  const format = (value as JsonObject)['format']
  return typeof format === 'number' ? format : null
}

function readPolicy(bytes: Uint8Array): CompiledPolicy {
  return checked('compiled-policy', readCanonical(bytes, BUNDLE_FILE.policy), BUNDLE_FILE.policy)
}

function checked<T>(schema: SchemaName, value: JsonValue, file: string): T {
  const problem = validate(schema, value)[0]
  if (problem !== undefined) throw corrupt(`${file}${problem.pointer}: ${problem.message}`)
  return value as T
}

/** JSON in its one RFC 8785 form: a second form would be a second digest for the same content. */
function readCanonical(bytes: Uint8Array, file: string): JsonValue {
  let value: JsonValue
  let text: Uint8Array
  try {
    value = parseJsonBytes(bytes, { bytesMax: BUNDLE_BYTES_MAX, depthMax: CANONICAL_DEPTH_MAX })
    text = canonicalBytes(value)
  } catch (cause) {
    throw corrupt(`${file} is no JSON`, cause)
  }
  if (!bytesEqual(text, bytes)) throw corrupt(`${file} is not in RFC 8785 form`)
  return value
}

/** What OPA reads (https://www.openpolicyagent.org/docs/management-bundles): our digest is the revision. */
function opaManifest(digest: Digest, policy: CompiledPolicy): Uint8Array {
  const entrypoints = policy.rego
    .flatMap((item) => item.rules.map((rule) => rule.entrypoint))
    .sort(compareText)
  const resolvers = entrypoints.map((entrypoint) => ({
    entrypoint,
    module: BUNDLE_FILE.wasm,
  }))
  const wasm = resolvers.length === 0 ? {} : { wasm: resolvers }
  return canonicalBytes({ revision: digest, roots: ['countersign'], rego_version: 1, ...wasm })
}

function canonicalBytes(value: unknown): Uint8Array {
  return utf8(canonicalize(value as JsonValue))
}

function required(files: ReadonlyMap<string, Uint8Array>, path: string): Uint8Array {
  const bytes = files.get(path)
  if (bytes === undefined) throw corrupt(`expected the file ${path}`)
  return bytes
}

function corrupt(message: string, cause?: unknown): PolicyError {
  return new PolicyError('BUNDLE_CORRUPT', `the bundle is corrupt: ${message}; build it again`, {
    cause,
  })
}
