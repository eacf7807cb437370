import { join } from 'node:path'
import type { SigstoreIdentity } from '../../base/certificate-identity.ts'
import { makeFolder, removeFile, writeAtomically } from '../../host/files.ts'
import type { CompiledPolicy } from '../../model/generated/types.ts'
import type { Clock, KeylessSigner } from '../../model/ports.ts'
import { openKeylessSigner } from '../approvals/reviewer.ts'
import { isoTime } from '../engine/record.ts'
import { servicesOf, signVerified } from './attest.ts'

export type AttestVerdictOptions = {
  /** Absolute; made when it is missing. */
  readonly folder: string
  readonly tokenFile?: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  /** Signs in the place of the policy's services. */
  readonly signer?: KeylessSigner
}

/** What a gate wrote, and whose signature it is. */
export type AttestedVerdict = {
  readonly files: readonly string[]
  readonly identity: SigstoreIdentity
}

/** What a gate says: its file's bytes, and the statement over them. */
export type Verdict = { readonly document: Uint8Array; readonly statement: Uint8Array }

/** Names within the folder: what the gate said, and its attestation. */
export type VerdictFiles = readonly [document: string, attestation: string]

/**
 * Writes what a gate said, and an attestation of it through the Sigstore that a policy sets up. The second is never there
 * alone.
 *
 * @param verdictAt - what it says, by the time (RFC 3339, UTC) at which it is signed
 * @throws {PolicyError} SIGSTORE_UNCONFIGURED; SIGSTORE_UNREACHABLE (retryable), SIGSTORE_REFUSED, SIGSTORE_UNTRUSTED;
 *   IDENTITY_TOKEN_*; FILE_UNREADABLE
 */
export async function attestVerdict(
  names: VerdictFiles,
  policy: CompiledPolicy,
  options: AttestVerdictOptions,
  verdictAt: (timeCreated: string) => Verdict,
): Promise<AttestedVerdict> {
  const { folder, tokenFile, environment, clock } = options
  const services = servicesOf(policy)
  const from = { folder, tokenFile, environment, say: null }
  const parts = { judge: { bundle: { policy } }, clock }
  const signer = options.signer ?? (await openKeylessSigner(parts, from))
  const { document, statement } = verdictAt(isoTime(clock()))
  const { bundle, identity } = await signVerified(signer, statement, services)
  await makeFolder(folder)
  const [file, attestation] = [join(folder, names[0]), join(folder, names[1])]
  await writeAtomically(file, document)
  await writeAtomically(attestation, bundle)
  return { files: [file, attestation], identity }
}

/**
 * Takes away what an earlier run left: a gate that is closed by now must not seem to be open.
 *
 * @throws {PolicyError} FILE_UNREADABLE
 */
export function forgetVerdict(names: VerdictFiles, folder: string): void {
  for (const name of names) removeFile(join(folder, name))
}
