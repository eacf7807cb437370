import { resolve } from 'node:path'
import type { JsonObject } from '../../base/json-value.ts'
import { readTrustedRoot } from '../../model/trusted-root.ts'

/**
 * The trusted root that a Sigstore's TUF repository has now, with what is understood of it and nothing else. It becomes
 * part of a policy only by a reviewed change: nothing here writes or trusts it.
 *
 * @param from.mirror - the repository. Default: that of the public Sigstore
 * @param from.file - the `root.json` that it is trusted by, relative to `from.folder`
 * @throws {PolicyError} as fetchTrustedRoot; SIGSTORE_ROOT_INVALID
 */
export async function currentTrustedRoot(from: {
  readonly folder: string
  readonly mirror?: string | undefined
  readonly file?: string | undefined
}): Promise<JsonObject> {
  const { fetchTrustedRoot } = await import('../../host/sigstore/index.ts')
  const { folder, mirror, file } = from
  const text = await fetchTrustedRoot({
    ...(mirror === undefined ? {} : { mirrorUrl: mirror }),
    ...(file === undefined ? {} : { rootFile: resolve(folder, file) }),
  })
  return readTrustedRoot(text)
}
