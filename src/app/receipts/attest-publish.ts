import { dirname } from 'node:path'
import { bytesEqual } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import type { Draft } from '../../host/log-files.ts'
import { lengthIfThere, placeFiles, readIfThere, writeDrafts } from '../../host/log-files.ts'
import type { SignedCheckpoint } from '../../trust/receipt/checkpoint.ts'
import type { AttestationName } from '../../trust/verify/attestation-log.ts'
import {
  ATTESTATIONS_FOLDER,
  attestationPath,
  attestedNotePath,
} from '../../trust/verify/attestation-log.ts'
import { attestationsIn, listAttestations } from './attest-files.ts'

/** An attestation to add to a published log: its files, the bundle last. */
export type NewAttestation = readonly Draft[]

/**
 * Attestations of an engine's log that a published folder lacks, of what the checkpoint covers. What is published stays.
 *
 * @param source - the engine's log folder; its attestations lie beside it
 * @throws {PolicyError} LOG_FORKED when another checkpoint of the same size is published as attested
 */
export function attestationsToPublish(
  source: string,
  target: string,
  { size }: SignedCheckpoint,
): readonly NewAttestation[] {
  const folder = attestationsIn(dirname(source))
  return listAttestations(folder).flatMap((name) => {
    const covered = name.kind === 'checkpoint' ? name.size <= size : name.index < size
    if (!covered) return []
    const drafts = draftsOf(folder, name)
    for (const draft of drafts.slice(0, -1)) refuseOther(target, draft)
    const isThere = drafts.every(({ path }) => lengthIfThere(target, path) !== null)
    return drafts.length === 0 || isThere ? [] : [drafts]
  })
}

/** The bundle of a checkpoint, and before it the checkpoint; nothing where a part is missing. */
function draftsOf(folder: string, name: AttestationName): Draft[] {
  const paths = name.kind === 'checkpoint' ? [attestedNotePath(name.size)] : []
  const drafts = [...paths, attestationPath(name)].flatMap((path): Draft[] => {
    const bytes = readIfThere(folder, path)
    return bytes === null ? [] : [{ path: `${ATTESTATIONS_FOLDER}/${path}`, bytes }]
  })
  return drafts.length === paths.length + 1 ? drafts : []
}

function refuseOther(target: string, { path, bytes }: Draft): void {
  const there = readIfThere(target, path)
  if (there === null || bytesEqual(there, bytes)) return
  const message = `forked: another checkpoint of the same size is published as attested`
  throw new PolicyError('LOG_FORKED', `${path}: ${message}`, { file: path })
}

/** Adds attestations, each of them whole or not at all. */
export async function placeAttestations(
  target: string,
  attestations: readonly NewAttestation[],
): Promise<void> {
  for (let at = 0; at < attestations.length; at += AT_ONCE_MAX) {
    const drafts = attestations.slice(at, at + AT_ONCE_MAX).flat()
    await placeFiles(target, await writeDrafts(target, drafts))
  }
}

/** Attestations written at once. */
const AT_ONCE_MAX = 64
