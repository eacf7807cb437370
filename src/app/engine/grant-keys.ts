import { openDataFolder } from '../../host/data-folder.ts'
import { openTokenSigners } from '../../host/grant-key.ts'
import type { Jwks } from '../../model/ports.ts'

/**
 * The public keys that the engine of a data folder signs grants and proofs of decisions with; makes the folder and its keys
 * when there are none, so that tools can be set up before the engine first runs.
 *
 * @throws {PolicyError} FILE_UNREADABLE
 */
export async function publicGrantKeys(data: string): Promise<Jwks> {
  return (await openTokenSigners(openDataFolder(data))).grants.jwks
}
