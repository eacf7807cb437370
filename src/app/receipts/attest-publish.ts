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
import { attestationsIn, listAttestations, readPlaced } from './attest-files.ts'

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
): readonly AttestationName[] {
  const folder = attestationsIn(dirname(source))
  return listAttestations(folder).filter((name) => {
    const covered = name.kind === 'checkpoint' ? name.size <= size : name.index < size
    if (!covered) return false
    if (name.kind === 'checkpoint') refuseOther(folder, target, attestedNotePath(name.size))
    return pathsOf(name).some((path) => lengthIfThere(target, published(path)) === null)
  })
}

/** The bundle of a checkpoint, and before it the checkpoint; nothing where a part is missing. */
function draftsOf(folder: string, name: AttestationName): Draft[] {
  const paths = pathsOf(name)
  const drafts = paths.flatMap((path): Draft[] => {
    const bytes = readPlaced(folder, path)
    return bytes === null ? [] : [{ path: published(path), bytes }]
  })
  return drafts.length === paths.length ? drafts : []
}

function pathsOf(name: AttestationName): readonly string[] {
  const path = attestationPath(name)
  return name.kind === 'checkpoint' ? [attestedNotePath(name.size), path] : [path]
}

function published(path: string): string {
  return `${ATTESTATIONS_FOLDER}/${path}`
}

function refuseOther(folder: string, target: string, path: string): void {
  const own = readPlaced(folder, path)
  const there = readIfThere(target, published(path))
  if (own === null || there === null || bytesEqual(there, own)) return
  const message = `forked: another checkpoint of the same size is published as attested`
  throw new PolicyError('LOG_FORKED', `${published(path)}: ${message}`, { file: published(path) })
}

/**
 * Adds attestations, each of them whole or not at all; a part of them is in memory at once.
 *
 * @param source - the engine's log folder
 * @returns how many it added
 * @throws {PolicyError} ATTESTATION_INVALID for a file that can be none
 */
export async function placeAttestations(
  source: string,
  target: string,
  names: readonly AttestationName[],
): Promise<number> {
  const folder = attestationsIn(dirname(source))
  let placed = 0
  for (let at = 0; at < names.length; at += AT_ONCE_MAX) {
    const whole = names
      .slice(at, at + AT_ONCE_MAX)
      .map((name) => draftsOf(folder, name))
      .filter((drafts) => drafts.length > 0)
    await placeFiles(target, await writeDrafts(target, whole.flat()))
    placed += whole.length
  }
  return placed
}

/** Attestations written at once. */
const AT_ONCE_MAX = 64
