import { readFileSync } from 'node:fs'
import { PolicyError } from '../../base/errors.ts'
import type { Environment } from '../secrets/environment.ts'

/** What the forge's calls are made with. */
export type GithubCredentials =
  | { readonly kind: 'token'; readonly token: string }
  | {
      readonly kind: 'app'
      readonly appId: number
      readonly installationId: number
      /** PEM. */
      readonly privateKey: string
    }

/** The public GitHub's API. */
export const GITHUB_API_URL = 'https://api.github.com'

/**
 * Reads the credentials from the environment: an App's installation, or `COUNTERSIGN_GITHUB_TOKEN`, or `GITHUB_TOKEN`,
 * which is sent only to the server that `GITHUB_API_URL` names, by default the public GitHub: a policy file chooses where
 * calls go, and must not be able to collect tokens that were meant for another server.
 *
 * @throws {PolicyError} FORGE_UNAUTHORIZED when there are none, or they are not of the expected form
 */
export function readGithubCredentials(
  environment: Environment,
  apiUrl: string = GITHUB_API_URL,
): GithubCredentials {
  const read = (name: string): string | undefined => {
    const value = Object.hasOwn(environment, name) ? environment[name]?.trim() : undefined
    return value === '' ? undefined : value
  }
  const [appId, file, installation] = APP.map(read)
  if (appId !== undefined || file !== undefined || installation !== undefined) {
    if (appId === undefined || file === undefined || installation === undefined) {
      throw unauthorized(`an App needs all of ${APP.join(', ')}`)
    }
    return {
      kind: 'app',
      appId: numberOf(APP[0], appId),
      installationId: numberOf(APP[2], installation),
      privateKey: readKey(file),
    }
  }
  const own = read('COUNTERSIGN_GITHUB_TOKEN')
  if (own !== undefined) return tokenOf('COUNTERSIGN_GITHUB_TOKEN', own)
  const ambient = read('GITHUB_TOKEN')
  if (ambient === undefined) {
    throw unauthorized(`set COUNTERSIGN_GITHUB_TOKEN, or ${APP.join(', ')}`)
  }
  if (hostOf(apiUrl) !== hostOf(read('GITHUB_API_URL') ?? GITHUB_API_URL)) {
    throw unauthorized(
      `GITHUB_TOKEN is not sent to ${hostOf(apiUrl)}; set COUNTERSIGN_GITHUB_TOKEN for it`,
    )
  }
  return tokenOf('GITHUB_TOKEN', ambient)
}

const APP = [
  'COUNTERSIGN_GITHUB_APP_ID',
  'COUNTERSIGN_GITHUB_APP_KEY_FILE',
  'COUNTERSIGN_GITHUB_INSTALLATION_ID',
] as const

function tokenOf(name: string, token: string): GithubCredentials {
  // A header that cannot be sent would end in an error that shows it.
  if (!/^[\x21-\x7e]{1,1024}$/.test(token)) {
    throw unauthorized(`${name} is not one word of printable ASCII`)
  }
  return { kind: 'token', token }
}

function numberOf(name: string, text: string): number {
  const value = Number(text)
  if (/^[0-9]{1,15}$/.test(text) && value > 0) return value
  throw unauthorized(`${name} is no number`)
}

function readKey(file: string): string {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw unauthorized(`the file that ${APP[1]} names cannot be read`, cause)
  }
  if (/^-----BEGIN (?:RSA )?PRIVATE KEY-----\s/.test(text)) return text
  throw unauthorized(`the file that ${APP[1]} names holds no private key in PEM`)
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url
}

function unauthorized(what: string, cause?: unknown): PolicyError {
  const message = `no credentials for GitHub: ${what}`
  return new PolicyError('FORGE_UNAUTHORIZED', message, cause === undefined ? {} : { cause })
}
