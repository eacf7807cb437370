import { parseDocument } from 'yaml'
import { encodeHex } from '../../base/encoding.ts'
import { PolicyError } from '../../base/errors.ts'
import { POLICY_FILE_BYTES_MAX } from '../../base/limits.ts'
import type { Trust } from '../../model/generated/types.ts'
import { openTrustedRoot } from '../../model/trusted-root.ts'
import { validate } from '../../model/validate.ts'
import type { VerifierKey } from '../receipt/checkpoint.ts'
import { parseVerifierKey, parseWitnessKey } from '../receipt/checkpoint.ts'

/**
 * Reads a trust file: YAML 1.2 or JSON, `kind: Trust`. Each log, reviewer and fingerprint stands in it once, and
 * each key is named after its log.
 *
 * @param file - its name, for messages
 * @throws {PolicyError} TRUST_INVALID
 */
export function parseTrust(text: string, file?: string): Trust {
  return named(file, () => {
    if (text.length > POLICY_FILE_BYTES_MAX) throw invalid('a file of at most 4 MB')
    return checkTrust(readYaml(text))
  })
}

function named(file: string | undefined, read: () => Trust): Trust {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof PolicyError) || file === undefined) throw cause
    throw new PolicyError(cause.code, `${file}: ${cause.message}`, { cause, file })
  }
}

function checkTrust(value: unknown): Trust {
  const [problem] = validate('trust', value)
  if (problem !== undefined) throw invalid(`at '${problem.pointer}': ${problem.message}`)
  const trust = value as Trust
  const origins = (trust.logs ?? []).map((log) => log.origin)
  checkOnce(origins, 'log')
  const reviewers = trust.reviewers ?? []
  checkOnce(
    reviewers.map((reviewer) => reviewer.id),
    'reviewer',
  )
  // Else one key could speak for two people.
  checkOnce(
    reviewers.flatMap((reviewer) => reviewer.fingerprints ?? []),
    'fingerprint',
  )
  checkOnce(
    reviewers.flatMap(({ identities = [] }) =>
      identities.map(({ issuer, subject }) => `${subject} of ${issuer}`),
    ),
    'identity',
  )
  checkOnce(
    (trust.sigstore?.attesters ?? []).map(({ issuer, subject }) => `${subject} of ${issuer}`),
    'attester',
  )
  checkRoot(trust)
  const signers = trust.bundle_signers ?? []
  checkOnce(
    signers.map((signer) => signer.id),
    'bundle signer',
  )
  checkOnce(
    signers.flatMap((signer) => signer.fingerprints),
    'fingerprint of a bundle signer',
  )
  checkWitnesses(
    trust,
    origins.flatMap((origin) => trustedKeys(trust, origin) ?? []),
  )
  return trust
}

/** One key is one witness, and a log is no witness of its own. */
function checkWitnesses(trust: Trust, logKeys: readonly VerifierKey[]): void {
  const witnesses = trustedWitnesses(trust)
  checkOnce(
    witnesses.map(({ name }) => name),
    'witness',
  )
  const hex = ({ publicKey }: VerifierKey): string => encodeHex(publicKey)
  checkOnce(witnesses.map(hex), 'key of a witness')
  const ofLogs = new Set(logKeys.map(hex))
  const own = witnesses.find((witness) => ofLogs.has(hex(witness)))
  if (own !== undefined) throw invalid(`no witness that has a log's key, found ${own.name}`)
  const need = trust.witnesses?.need ?? 0
  if (need > witnesses.length) throw invalid(`at least ${need} witnesses, since so many are needed`)
}

/**
 * The witnesses that a trust file pins.
 *
 * @throws {PolicyError} TRUST_INVALID
 */
export function trustedWitnesses({ witnesses }: Trust): readonly VerifierKey[] {
  return (witnesses?.keys ?? []).map((text) => {
    try {
      return parseWitnessKey(text)
    } catch (cause) {
      throw new PolicyError('TRUST_INVALID', 'the trust file: a witness key is malformed', {
        cause,
      })
    }
  })
}

/**
 * The keys that a trust file pins for a log; null when it does not name the log.
 *
 * @throws {PolicyError} TRUST_INVALID
 */
export function trustedKeys(trust: Trust, origin: string): readonly VerifierKey[] | null {
  const log = trust.logs?.find((candidate) => candidate.origin === origin)
  if (log === undefined) return null
  return log.keys.map((text) => {
    let key: VerifierKey
    try {
      key = parseVerifierKey(text)
    } catch (cause) {
      throw new PolicyError('TRUST_INVALID', `the trust file: a key of ${origin} is malformed`, {
        cause,
      })
    }
    if (key.name !== origin) throw invalid(`keys of ${origin} that bear its name`)
    return key
  })
}

function readYaml(text: string): unknown {
  const document = parseDocument(text, { strict: true, uniqueKeys: true, version: '1.2' })
  const [error] = [...document.errors, ...document.warnings]
  if (error !== undefined)
    throw new PolicyError('TRUST_INVALID', `the trust file: ${error.message}`)
  try {
    return document.toJS({ maxAliasCount: 0 })
  } catch (cause) {
    throw new PolicyError('TRUST_INVALID', 'the trust file: expected no aliases', { cause })
  }
}

/** A root that cannot be read is the trust file's mistake, not each receipt's. */
function checkRoot({ sigstore }: Trust): void {
  if (sigstore === undefined) return
  try {
    openTrustedRoot(sigstore.trusted_root)
  } catch (cause) {
    const why = cause instanceof PolicyError ? cause.message : 'the trusted root cannot be read'
    throw new PolicyError('TRUST_INVALID', `the trust file: ${why}`, { cause })
  }
}

function checkOnce(values: readonly string[], what: string): void {
  const twice = values.find((value, at) => values.indexOf(value) !== at)
  if (twice !== undefined) throw invalid(`each ${what} once, found ${twice} twice`)
}

function invalid(expected: string): PolicyError {
  return new PolicyError('TRUST_INVALID', `the trust file: expected ${expected}`)
}
