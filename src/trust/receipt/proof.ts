import { decodeBase64, encodeBase64 } from '../../base/encoding.ts'
import { PolicyError } from '../../base/errors.ts'
import { CHECKPOINT_LENGTH_MAX, PROOF_HASHES_MAX } from '../../base/limits.ts'
import type { SignedCheckpoint } from './checkpoint.ts'
import { parseCheckpoint } from './checkpoint.ts'
import { HASH_BYTES, hashLeaf, verifyInclusion } from './merkle.ts'

/** That one entry is in a log, for somebody who has neither the log nor a network (c2sp.org/tlog-proof). */
export type LogProof = {
  readonly index: number
  /** The leaf's sibling first; 32 bytes each. */
  readonly hashes: readonly Uint8Array[]
  /** The signed note, to the byte. */
  readonly checkpoint: string
}

/** The text of a proof; its file ends in `.tlog-proof`. We write no `extra` line. */
export function formatProof({ index, hashes, checkpoint }: LogProof): string {
  const lines = [HEADER, `index ${index}`, ...hashes.map(encodeBase64)]
  return `${lines.join('\n')}\n\n${checkpoint}`
}

/**
 * Reads a proof. An `extra` line is refused, since nothing authenticates it.
 *
 * @throws {PolicyError} PROOF_INVALID; CHECKPOINT_INVALID
 */
export function parseProof(text: string): LogProof & { readonly signed: SignedCheckpoint } {
  if (text.length > PROOF_LENGTH_MAX) throw invalid(`at most ${PROOF_LENGTH_MAX} characters`)
  const blank = text.indexOf('\n\n')
  if (blank < 0) throw invalid('a blank line before the checkpoint')
  const [header, index = '', ...hashes] = text.slice(0, blank).split('\n')
  if (header !== HEADER) throw invalid(`the first line ${HEADER}`)
  if (hashes.length > PROOF_HASHES_MAX) throw invalid(`at most ${PROOF_HASHES_MAX} hashes`)
  const checkpoint = text.slice(blank + 2)
  return {
    index: parseIndex(index),
    hashes: hashes.map(parseHash),
    checkpoint,
    signed: parseCheckpoint(checkpoint),
  }
}

/**
 * Checks that the proof's checkpoint covers this entry at the proof's index. Says nothing on who signed it.
 *
 * @returns the checkpoint, its signatures not yet verified
 * @throws {PolicyError} PROOF_INVALID; CHECKPOINT_INVALID
 */
export function checkProof(
  text: string,
  entry: Uint8Array,
): LogProof & { signed: SignedCheckpoint } {
  const proof = parseProof(text)
  verifyInclusion({
    leafHash: hashLeaf(entry),
    index: proof.index,
    size: proof.signed.size,
    proof: proof.hashes,
    root: proof.signed.root,
  })
  return proof
}

const HEADER = 'c2sp.org/tlog-proof@v1'

/** Each hash takes 45 characters with its newline. */
const PROOF_LENGTH_MAX = CHECKPOINT_LENGTH_MAX + PROOF_HASHES_MAX * 45 + 64

function parseIndex(line: string): number {
  const match = /^index (0|[1-9][0-9]{0,15})$/.exec(line)
  const index = Number(match?.[1])
  if (!Number.isSafeInteger(index)) throw invalid('a line `index N`')
  return index
}

function parseHash(line: string): Uint8Array {
  let hash: Uint8Array
  try {
    hash = decodeBase64(line)
  } catch (cause) {
    throw new PolicyError('PROOF_INVALID', 'expected hashes in strict base64', { cause })
  }
  if (hash.length !== HASH_BYTES) throw invalid('hashes of 32 bytes')
  return hash
}

function invalid(expected: string): PolicyError {
  return new PolicyError('PROOF_INVALID', `expected ${expected}`)
}
