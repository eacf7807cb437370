import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { PolicyError } from '../../base/errors.ts'
import { readBytes } from '../../host/files.ts'
import type { ExportedPolicy } from '../../model/receipt-export.ts'
import { readBundle } from '../../policy/bundle/index.ts'
import { compilePolicyFolder } from '../policy/compile-policy.ts'

/** Where policies get their names from; absolute. */
export type PolicyNames = { readonly folder: string } | { readonly bundles: string }

/**
 * Names policies by their digests: a bundle by its file, a policy repository by its project.
 *
 * @throws {PolicyError} the first complaint about the policy; FILE_UNREADABLE
 */
export async function namePolicies(
  digests: readonly string[],
  source: PolicyNames | undefined,
): Promise<ExportedPolicy[]> {
  const names = new Map<string, string>()
  if (source !== undefined && 'folder' in source) {
    const { digest, manifest } = await compilePolicyFolder(source.folder)
    names.set(digest, manifest.project)
  } else if (source !== undefined) {
    for (const file of await filesIn(source.bundles)) {
      const digest = await digestIn(join(source.bundles, file))
      if (digest !== null) names.set(digest, basename(file, '.bundle'))
    }
  }
  return digests.map((digest) => {
    const name = names.get(digest)
    return { digest, ...(name === undefined ? {} : { name }) }
  })
}

async function filesIn(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries.flatMap((entry) => (entry.isFile() ? entry.name : [])).sort()
  } catch (cause) {
    const message = `cannot read the folder ${folder}`
    throw new PolicyError('FILE_UNREADABLE', message, { cause, file: folder })
  }
}

/** A folder may hold signatures and notes beside its bundles. */
async function digestIn(file: string): Promise<string | null> {
  try {
    return readBundle(await readBytes(file)).digest
  } catch (error) {
    if (error instanceof PolicyError) return null
    throw error
  }
}
