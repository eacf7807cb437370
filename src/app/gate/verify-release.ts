import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fromUtf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import type { Clock } from '../../model/ports.ts'
import type { ReleaseVerification } from '../../model/release-gate.ts'
import { verifyReleaseAttestation } from '../../trust/verify/release.ts'
import { RELEASE_FILE } from '../../trust/verify/release-statement.ts'
import { readBytes, readTrust } from '../receipts/receipts.ts'
import { artefactDigest, type GivenArtefact } from './release-files.ts'

export type VerifyReleaseQuery = {
  /** Absolute: the attestation. */
  readonly file: string
  /** Absolute: the trust file. */
  readonly trust: string
  /** What is to be rolled out. */
  readonly artefacts: readonly GivenArtefact[]
  /** The release that it must be of; `release.json` beside the attestation is then needed. Null for any. */
  readonly name: string | null
  /** The only policy that may have judged; null for any. */
  readonly policy: string | null
  /** How long ago it may have been attested, in milliseconds. */
  readonly ageMsMax: number
  /** Properties that must be listed beside those that always are: `LATENCY_WITHIN`. */
  readonly properties: readonly string[]
  readonly isApprovedEnough: boolean
  readonly clock: Clock
}

/**
 * Verifies the attestation of a release, offline, before it is rolled out.
 *
 * @throws {PolicyError} TRUST_INVALID; FILE_UNREADABLE for the trust file or an artefact; all else is in the result
 */
export async function verifyRelease(query: VerifyReleaseQuery): Promise<ReleaseVerification> {
  const trust = readTrust(query.trust)
  const given: { readonly name: string | null; readonly digest: string }[] = []
  for (const one of query.artefacts) {
    given.push({ name: one.name, digest: await artefactDigest(one) })
  }
  const artefacts = given.map(({ digest }) => digest)
  try {
    const text = fromUtf8(readBytes(query.file))
    const document = documentOf(query)
    const found = verifyReleaseAttestation(text, trust, {
      artefacts: given,
      fresh: { now: query.clock(), ageMsMax: query.ageMsMax },
      properties: query.properties,
      isApprovedEnough: query.isApprovedEnough,
      ...(query.policy === null ? {} : { policy: query.policy }),
      ...(document === null ? {} : { document }),
    })
    const { issuer, subject } = found.identity
    return {
      ...{ status: 'verified', identity: { issuer, subject } },
      times: found.times.map((ms) => new Date(ms).toISOString()),
      ...{ policy: found.policy, properties: found.properties, artefacts },
      ...{ release: found.release, problems: [] },
    }
  } catch (error) {
    if (!(error instanceof PolicyError) || error.code === 'TRUST_INVALID') throw error
    const problems = [{ code: error.code, message: error.message }]
    return {
      ...{ status: 'refused', identity: null, times: [], policy: null, properties: [] },
      ...{ artefacts, release: null, problems },
    }
  }
}

/** The verdict beside the attestation: looked at when it is there, and needed when a release is named. */
function documentOf({ file, name }: VerifyReleaseQuery) {
  const beside = documentBeside(file)
  if (name === null && !existsSync(beside)) return null
  return { bytes: readBytes(beside), ...(name === null ? {} : { name }) }
}

/** Where `release.json` lies, by where the attestation of it does. */
export function documentBeside(file: string): string {
  return join(dirname(file), RELEASE_FILE)
}
