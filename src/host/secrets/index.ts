import { resolve } from 'node:path'
import type { CompiledPolicy } from '../../model/generated/types.ts'
import type { SecretProviders } from '../../model/ports.ts'
import type { Environment } from './environment.ts'
import { openEnvironment } from './environment.ts'
import { openFolder } from './folder.ts'
import { openVault } from './vault.ts'

export type { Environment } from './environment.ts'

/**
 * The providers that a policy sets up. Nothing is read before it is asked for.
 *
 * @param around.folder - what a relative folder lies in
 */
export function openSecretProviders(
  secrets: CompiledPolicy['secrets'],
  around: { readonly folder: string; readonly environment: Environment },
): SecretProviders {
  if (secrets === undefined) return { env: null, file: null, vault: null }
  const { env, file, vault } = secrets
  return {
    env: env === null ? null : openEnvironment(env, around.environment),
    file: file === null ? null : openFolder(resolve(around.folder, file)),
    vault: vault === null ? null : openVault(vault, around.environment),
  }
}
