import { PolicyError } from '../../base/errors.ts'
import type { Environment } from '../secrets/environment.ts'

const NAMES = ['COUNTERSIGN_WEBHOOK_SECRET', 'COUNTERSIGN_WEBHOOK_SECRET_OLD'] as const

/**
 * Reads the secrets that deliveries are signed with: the one of now, and while it is being changed the one before.
 *
 * @returns none when there is none
 * @throws {PolicyError} USAGE_INVALID for one that could be guessed, or the old one alone
 */
export function readWebhookSecrets(environment: Environment): string[] {
  const [secret, old] = NAMES.map((name) => {
    const value = Object.hasOwn(environment, name) ? environment[name]?.trim() : undefined
    if (value === undefined || value === '') return undefined
    if (value.length >= LENGTH_MIN && value.length <= LENGTH_MAX) return value
    throw new PolicyError(
      'USAGE_INVALID',
      `expected ${LENGTH_MIN} to ${LENGTH_MAX} characters in ${name}`,
    )
  })
  if (secret === undefined && old !== undefined) {
    throw new PolicyError('USAGE_INVALID', `${NAMES[1]} is set, and ${NAMES[0]} is not`)
  }
  return [secret, old].filter((value) => value !== undefined)
}

const LENGTH_MIN = 16
const LENGTH_MAX = 1024
