import { join } from 'node:path'
import { openGithubForge } from '../host/forge-github.ts'
import { openLocalForge } from '../host/forge-local.ts'
import { readGithubCredentials } from '../host/github/credentials.ts'
import type { CompiledPolicy } from '../model/generated/types.ts'
import type { Clock, Forge } from '../model/ports.ts'

/**
 * The forge that a policy names. Nothing is read or asked before its first call: what needs no forge needs no
 * credentials.
 *
 * @param around.folder - the data folder, which a local forge lies in
 */
export function openForge(
  { kind, path, base, repository = '', api_url: apiUrl }: CompiledPolicy['forge'],
  around: {
    readonly folder: string
    readonly now: Clock
    readonly environment: Readonly<Record<string, string | undefined>>
  },
): Forge {
  const { folder, now, environment } = around
  if (kind === 'local') return openLocalForge({ folder: join(folder, path), base, now })
  const credentials = () => readGithubCredentials(environment, apiUrl)
  return openGithubForge({
    repository,
    base,
    credentials,
    ...(apiUrl === undefined ? {} : { apiUrl }),
  })
}
