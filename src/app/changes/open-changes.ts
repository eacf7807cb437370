import { PolicyError } from '../../base/errors.ts'
import { openGiteaChanges } from '../../host/changes/gitea.ts'
import { openGithubChanges } from '../../host/changes/github.ts'
import { openLocalChanges } from '../../host/changes/local.ts'
import type { Git } from '../../host/git.ts'
import { readGiteaCredentials } from '../../host/gitea/credentials.ts'
import { readGithubCredentials } from '../../host/github/credentials.ts'
import type { CompiledPolicy } from '../../model/generated/types.ts'
import type { ChangeForge } from '../../model/ports.ts'

/**
 * Where changes of a policy repository are reviewed, by what its base branch says: the forge of the approvals, and there
 * the policy repository; without a forge, the repository itself.
 *
 * @throws {PolicyError} USAGE_INVALID when there is no forge and the base is no branch
 */
export async function openChanges(
  { forge, changes }: Pick<CompiledPolicy, 'forge' | 'changes'>,
  around: {
    readonly git: Git
    /** As it was named: a branch, where there is no forge. */
    readonly base: string
    /** The head's commit. */
    readonly head: string
    readonly environment: Readonly<Record<string, string | undefined>>
  },
): Promise<ChangeForge> {
  const { git, base, head, environment } = around
  const { kind, api_url: apiUrl } = forge
  const repository = changes?.repository ?? forge.repository ?? ''
  switch (kind) {
    case 'local':
      return openLocalChanges({ git, baseRef: await branchNamed(git, base), head })
    case 'github':
      return openGithubChanges({
        repository,
        credentials: () => readGithubCredentials(environment, apiUrl),
        ...(apiUrl === undefined ? {} : { apiUrl }),
      })
    case 'gitea': {
      // The compiler requires it.
      if (apiUrl === undefined) throw new PolicyError('KEY_MISSING', 'gitea needs forge.api_url')
      const credentials = () => readGiteaCredentials(environment, apiUrl)
      return openGiteaChanges({ repository, apiUrl, credentials })
    }
  }
}

async function branchNamed(git: Git, name: string): Promise<string> {
  const args = ['rev-parse', '--symbolic-full-name', '--verify', '--quiet', '--end-of-options']
  const ref = (await git.run([...args, name]).catch(() => '')).trim().split('\n').at(-1) ?? ''
  if (/^refs\/(?:heads|remotes)\//.test(ref)) return ref
  throw new PolicyError('USAGE_INVALID', `expected --base to name a branch, found ${name}`)
}
