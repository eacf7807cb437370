import { bytesEqual } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import { ATTEST_PARALLEL_MAX } from '../../base/limits.ts'
import type { AttestReport, MadeAttestation } from '../../model/attestation-report.ts'
import type {
  CompiledAttest,
  CompiledPolicy,
  CompiledSigstore,
} from '../../model/generated/types.ts'
import type { KeylessSigner } from '../../model/ports.ts'
import { parseCheckpoint, parseVerifierKey } from '../../trust/receipt/checkpoint.ts'
import type { AttestationName } from '../../trust/verify/attestation-log.ts'
import { checkpointStatement } from '../../trust/verify/attestation-statement.ts'
import { verifyCheckpoint } from '../../trust/verify/note.ts'
import { verifySigstoreBundle } from '../../trust/verify/sigstore.ts'
import type { Parts } from '../engine/parts.ts'
import { isoTime } from '../engine/record.ts'
import { attestationsIn, readAttestation, writeAttestation } from './attest-files.ts'
import type { AttestationQueue, Due } from './attest-queue.ts'

/** What attesting stands on. */
export type AttestParts = Pick<Parts, 'dataFolder' | 'store' | 'signer' | 'judge' | 'clock'>

/** What is attested where the policy sets up services and says no more. */
export const ATTEST_DEFAULT: CompiledAttest = {
  ...{ every: '60s', receipts: 1000, resolutions: 'each', wait: 'none' },
}

/** The services of a policy. @throws {PolicyError} SIGSTORE_UNCONFIGURED */
export function servicesOf({ sigstore }: Pick<CompiledPolicy, 'sigstore'>): CompiledSigstore {
  if (sigstore !== undefined) return sigstore
  const message = 'the policy sets up no Sigstore; add "sigstore" to countersign.yaml'
  throw new PolicyError('SIGSTORE_UNCONFIGURED', message)
}

/**
 * Attests what is due, some at a time. Each attestation is verified as an auditor would before it is placed. The first
 * failure ends the round: what is left stays in the queue, and nothing is lost.
 *
 * @param options.isStopped - asked before the store is touched again
 */
export async function attestDue(
  parts: AttestParts,
  queue: AttestationQueue,
  options: {
    readonly signer: () => Promise<KeylessSigner>
    readonly terms: CompiledAttest
    readonly force: boolean
    readonly isStopped?: () => boolean
  },
): Promise<AttestReport> {
  const { terms, force, isStopped = () => false } = options
  const due = await queue.due(terms, parts.clock(), force)
  const names: AttestationName[] = [
    ...(due.checkpoint === null
      ? []
      : [{ kind: 'checkpoint' as const, size: due.checkpoint.size }]),
    ...due.resolutions.map((index) => ({ kind: 'receipt' as const, index })),
  ]
  const made: MadeAttestation[] = []
  const waiting = [...names]
  let trouble: PolicyError | null = null
  const work = async (signer: KeylessSigner): Promise<void> => {
    while (trouble === null && !isStopped()) {
      const name = waiting.shift()
      if (name === undefined) return
      try {
        made.push(await attestOne(parts, queue, { name, due, signer }))
      } catch (error) {
        trouble ??= asTrouble(error)
      }
    }
  }
  if (names.length > 0) {
    try {
      const signer = await options.signer()
      // One certificate serves all of them; asked for by all at once there would be as many.
      await signer.identity()
      const hands = Math.min(ATTEST_PARALLEL_MAX, names.length)
      await Promise.all(Array.from({ length: hands }, () => work(signer)))
    } catch (error) {
      trouble ??= asTrouble(error)
    }
    await queue.save()
  }
  return reportOf(names, made, trouble)
}

function reportOf(
  names: readonly AttestationName[],
  made: readonly MadeAttestation[],
  trouble: PolicyError | null,
): AttestReport {
  const done = new Set(made.map(({ of }) => JSON.stringify(of)))
  const left = names.filter((name) => !done.has(JSON.stringify(ofName(name))))
  return {
    attested: [...made].sort((a, b) => (a.file < b.file ? -1 : 1)),
    queued: {
      checkpoint:
        left.flatMap((name) => (name.kind === 'checkpoint' ? [name.size] : []))[0] ?? null,
      resolutions: left.flatMap((name) => (name.kind === 'receipt' ? [name.index] : [])),
    },
    trouble,
  }
}

function ofName(name: AttestationName): MadeAttestation['of'] {
  return name.kind === 'checkpoint' ? { checkpoint: name.size } : { receipt: name.index }
}

type Asked = { readonly name: AttestationName; readonly due: Due; readonly signer: KeylessSigner }

async function attestOne(
  parts: AttestParts,
  queue: AttestationQueue,
  { name, due, signer }: Asked,
): Promise<MadeAttestation> {
  if (name.kind === 'receipt') {
    const made = await attestReceipt(
      parts,
      { index: name.index, signer },
      await queue.receipt(name.index),
    )
    queue.done({ index: name.index })
    return made
  }
  const note = due.checkpoint?.note ?? new Uint8Array()
  const { verifierKey } = parts.signer
  // Nothing is vouched for that this engine's own key has not signed.
  verifyCheckpoint(parseCheckpoint(note), [parseVerifierKey(verifierKey)])
  const statement = checkpointStatement(note, verifierKey)
  const made = await place(parts, { name, signer }, { statement, note })
  queue.done({ checkpoint: name.size, at: parts.clock() })
  return made
}

/**
 * Attests one receipt, whatever it is of.
 *
 * @throws {PolicyError} SIGSTORE_UNREACHABLE (retryable), SIGSTORE_REFUSED, SIGSTORE_UNTRUSTED, IDENTITY_TOKEN_*
 */
export async function attestReceipt(
  parts: AttestParts,
  { index, signer }: { readonly index: number; readonly signer: KeylessSigner },
  entry: Uint8Array,
): Promise<MadeAttestation> {
  return place(parts, { name: { kind: 'receipt', index }, signer }, { statement: entry })
}

async function place(
  parts: AttestParts,
  { name, signer }: { readonly name: AttestationName; readonly signer: KeylessSigner },
  { statement, note }: { readonly statement: Uint8Array; readonly note?: Uint8Array },
): Promise<MadeAttestation> {
  const services = servicesOf(parts.judge.bundle.policy)
  const { bundle, identity, times } = await signVerified(signer, statement, services)
  const folder = attestationsIn(parts.dataFolder)
  const path = await writeAttestation(folder, name, {
    bundle,
    ...(note === undefined ? {} : { note }),
  })
  const { issuer, subject } = identity
  const at = isoTime(Math.min(...times))
  return { of: ofName(name), file: `attestations/${path}`, issuer, subject, at }
}

/**
 * Has a statement signed, and verifies that as an auditor would: what would not verify later must be known now, while it can
 * be made again.
 *
 * @throws {PolicyError} as the signer; SIGSTORE_UNTRUSTED, SIGSTORE_MALFORMED, SIGNATURE_WRONG
 */
export async function signVerified(
  signer: KeylessSigner,
  statement: Uint8Array,
  services: CompiledSigstore,
) {
  const bundle = await signer.sign(statement)
  const { identity, times, payload } = verifySigstoreBundle(bundle, services)
  if (bytesEqual(payload, statement)) return { bundle, identity, times }
  throw new PolicyError('SIGNATURE_WRONG', 'the services signed another statement')
}

/**
 * Whether a receipt has an attestation that holds: it leads to the policy's trusted root and signs these very bytes.
 *
 * @param entry - the receipt
 */
export function isAttested(
  parts: Pick<AttestParts, 'dataFolder' | 'judge'>,
  index: number,
  entry: Uint8Array,
): boolean {
  const { sigstore } = parts.judge.bundle.policy
  const text = readAttestation(attestationsIn(parts.dataFolder), { kind: 'receipt', index })
  if (text === null || sigstore === undefined) return false
  try {
    return bytesEqual(verifySigstoreBundle(text, sigstore).payload, entry)
  } catch (error) {
    if (error instanceof PolicyError) return false
    throw error
  }
}

/** What keeps attestations from being made. Whatever it is, the log stays right without them. */
export function asTrouble(error: unknown): PolicyError {
  if (error instanceof PolicyError) return error
  return new PolicyError('ENGINE_FAILED', 'attesting failed for a reason of our own', {
    cause: error,
  })
}
