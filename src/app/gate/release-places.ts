import type { CompiledRelease } from '../../model/generated/types.ts'
import type { ReleaseProperty } from '../../model/release-gate.ts'
import type { PolicyFiles } from '../../policy/compile/index.ts'
import { parseDocuments } from '../../policy/compile/index.ts'

/**
 * Says of each property that does not hold where the manifest asks for it: evidence, prompt and artefacts may lie in no
 * repository at all. What has a place of its own keeps it.
 */
export function placed(
  properties: readonly ReleaseProperty[],
  release: CompiledRelease,
  files: PolicyFiles,
): readonly ReleaseProperty[] {
  if (properties.every(({ passed }) => passed)) return properties
  const entry = parseDocuments(files).documents.releases.find(
    ({ value }) => value.release === release.release,
  )
  if (entry === undefined) return properties
  return properties.map((one) => {
    const pointer = one.passed || one.line !== undefined ? null : pointerOf(one, entry.value)
    return pointer === null ? one : { ...one, place: entry.at(pointer) }
  })
}

/** Null for what is no matter of the manifest. */
function pointerOf(
  { id, file }: ReleaseProperty,
  { evals, latency = [], fingerprint }: Manifest,
): string | null {
  const [kind = '', name = ''] = id.split('/')
  if (kind === 'eval') {
    const index = evals.findIndex((one) => one.id === name)
    return index < 0 ? '/evals' : `/evals/${index}`
  }
  // They are numbered in the order of their files, which need not be the author's.
  if (kind === 'latency') return `/latency/${latency.findIndex((one) => one.file === file)}`
  if (kind === 'fingerprint') return fingerprint === undefined ? '/agent' : '/fingerprint'
  return Object.hasOwn(POINTERS, kind) ? (POINTERS[kind] ?? null) : null
}

type Manifest = {
  readonly evals: readonly { readonly id: string }[]
  readonly latency?: readonly { readonly file: string }[]
  readonly fingerprint?: string
}

const POINTERS: Readonly<Record<string, string>> = {
  prompt: '/prompt/digest',
  tools: '/tools/digest',
  artefacts: '/artefacts',
  cost: '/cost',
  fallback: '/fallback',
  rollback: '/rollback',
}
