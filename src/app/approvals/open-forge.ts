import { join } from 'node:path'
import { PolicyError } from '../../base/errors.ts'
import { openGiteaForge } from '../../host/forge-gitea.ts'
import { openGithubForge } from '../../host/forge-github.ts'
import { openLocalForge } from '../../host/forge-local.ts'
import { readGiteaCredentials } from '../../host/gitea/credentials.ts'
import { readGithubCredentials } from '../../host/github/credentials.ts'
import type { CompiledPolicy } from '../../model/generated/types.ts'
import type { Clock, Forge } from '../../model/ports.ts'

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
  if (kind === 'gitea') {
    // The compiler requires it.
    if (apiUrl === undefined) throw new PolicyError('KEY_MISSING', 'gitea needs forge.api_url')
    const credentials = () => readGiteaCredentials(environment, apiUrl)
    return openGiteaForge({ repository, base, credentials, apiUrl })
  }
  const credentials = () => readGithubCredentials(environment, apiUrl)
  return openGithubForge({
    repository,
    base,
    credentials,
    ...(apiUrl === undefined ? {} : { apiUrl }),
  })
}
