import { PolicyError } from '../../base/errors.ts'
import type { Environment } from '../secrets/environment.ts'

/** What the forge's calls are made with: an access token of an account. */
export type GiteaCredentials = { readonly token: string }

/**
 * Reads the token from the environment: `COUNTERSIGN_GITEA_TOKEN`, or `GITEA_TOKEN`, which is sent only to the server
 * that `GITEA_SERVER_URL` names, or in Gitea's own runner `GITHUB_SERVER_URL`: a policy file chooses where calls go,
 * and must not be able to collect tokens that were meant for another server.
 *
 * @throws {PolicyError} FORGE_UNAUTHORIZED when there is none, or it is not of the expected form
 */
export function readGiteaCredentials(environment: Environment, apiUrl: string): GiteaCredentials {
  const read = (name: string): string | undefined => {
    const value = Object.hasOwn(environment, name) ? environment[name]?.trim() : undefined
    return value === '' ? undefined : value
  }
  const own = read('COUNTERSIGN_GITEA_TOKEN')
  if (own !== undefined) return tokenOf('COUNTERSIGN_GITEA_TOKEN', own)
  const ambient = read('GITEA_TOKEN')
  if (ambient === undefined) throw unauthorized('set COUNTERSIGN_GITEA_TOKEN')
  const runner = read('GITEA_ACTIONS') === 'true' ? read('GITHUB_SERVER_URL') : undefined
  const meant = [read('GITEA_SERVER_URL'), runner].map(originOf)
  const target = originOf(apiUrl)
  if (target === null || !meant.includes(target)) {
    throw unauthorized(
      `GITEA_TOKEN is sent to the server that GITEA_SERVER_URL names alone; set COUNTERSIGN_GITEA_TOKEN for ${target}`,
    )
  }
  return tokenOf('GITEA_TOKEN', ambient)
}

function tokenOf(name: string, token: string): GiteaCredentials {
  // A header that cannot be sent would end in an error that shows it.
  if (/^[\x21-\x7e]{1,1024}$/.test(token)) return { token }
  throw unauthorized(`${name} is not one word of printable ASCII`)
}

function originOf(url: string | undefined): string | null {
  return url !== undefined && URL.canParse(url) ? new URL(url).origin : null
}

function unauthorized(what: string): PolicyError {
  return new PolicyError('FORGE_UNAUTHORIZED', `no credentials for Gitea: ${what}`)
}
