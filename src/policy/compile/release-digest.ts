import { canonicalize } from '../../base/canonical-json.ts'
import { type Digest, digestOf } from '../../base/digest.ts'
import type { JsonValue } from '../../base/json-value.ts'
import { compareText } from '../../base/position.ts'
import type { CompiledRelease, Release } from '../../model/generated/types.ts'

/** One file of a prompt or of a tool manifest. */
export type ReleaseFile = { readonly path: string; readonly digest: string }

/** The digest of a list of files: SHA-256 of the RFC 8785 text of `{digest, path}` of each, sorted by path. */
export function filesDigest(files: readonly ReleaseFile[]): Digest {
  const list = files.map(({ path, digest }) => ({ path, digest }))
  return digestOf(canonicalize(list.sort((a, b) => compareText(a.path, b.path))))
}

/** What an agent's actions carry, where a release names no other fingerprint: its model, prompt and tools. */
export function derivedFingerprint({
  model,
  prompt,
  tools,
}: Pick<Release, 'model' | 'prompt' | 'tools'>): Digest {
  const made = { model, prompt: prompt.digest, tools: tools.digest }
  return digestOf(canonicalize(made as unknown as JsonValue))
}

/**
 * The digest that evidence names: SHA-256 of the RFC 8785 text of what is released. Which evidence is asked for is no part
 * of it, or no evidence could name it.
 */
export function releaseDigest(release: CompiledRelease): Digest {
  const { release: name, agent, version, model, prompt, tools, artefacts, fingerprint } = release
  const made = {
    ...{ release: name, agent, version, model, fingerprint },
    ...{ prompt: prompt.digest, tools: tools.digest },
    artefacts,
  }
  return digestOf(canonicalize(made as unknown as JsonValue))
}
