import { bytesEqual } from '../../base/digest.ts'
import { encodeBase64 } from '../../base/encoding.ts'
import { PolicyError } from '../../base/errors.ts'
import type { Trust } from '../../model/generated/types.ts'
import type { LogProblem, LogReport } from '../../model/log-report.ts'
import type { SignedCheckpoint, VerifierKey } from '../receipt/checkpoint.ts'
import { parseCheckpoint, parseVerifierKey } from '../receipt/checkpoint.ts'
import { hashAt, hashLeaf } from '../receipt/merkle.ts'
import { isGenesis, parseReceipt } from '../receipt/statement.ts'
import { parseTilePath } from '../receipt/tiles.ts'
import type { AttestationCheck } from './attestation-log.ts'
import { checkAttestations, partAttestations } from './attestation-log.ts'
import { custodyClaims } from './log-custody.ts'
import { checkGrown } from './log-growth.ts'
import type { ReceiptCheck } from './log-receipts.ts'
import { checkReceipts } from './log-receipts.ts'
import type { LogContents, LogFiles } from './log-tiles.ts'
import { CHECKPOINT_FILE, checkTiles } from './log-tiles.ts'
import type { Cosignature } from './note.ts'
import { verifySigners } from './note.ts'
import { trustedKeys, trustedWitnesses } from './trust.ts'
import { requireQuorum, witnessed, witnessProofs } from './witness.ts'

export type LogOptions = {
  /** What the auditor pins. Without it the log's own genesis key is used, which proves little. */
  readonly trust?: Trust
  /** An earlier checkpoint of the same log: the log must have grown out of it. */
  readonly since?: string
  /** Attestations that came beside it, by path below their folder. Default: those inside it, below `attestations`. */
  readonly attestations?: LogFiles
}

/**
 * Checks a log offline: the checkpoint's signature, every byte of every file, every receipt, what receipts say of
 * each other, and the reviews inside them. Files that the checkpoint does not call for are refused.
 *
 * @param all - the log's files by path, as `checkpoint` and `tile/0/000.p/7`
 * @throws {PolicyError} TRUST_INVALID when a key in the trust file is malformed; all else is in the report
 */
export function verifyLog(all: LogFiles, options: LogOptions = {}): LogReport {
  const { log: files, attestations: inside } = partAttestations(all)
  const note = files.get(CHECKPOINT_FILE)
  if (note === undefined) {
    return refuse(null, [{ code: 'LOG_MISSING', file: CHECKPOINT_FILE, message: 'no checkpoint' }])
  }
  const checkpoint = attempt(CHECKPOINT_FILE, () => parseCheckpoint(note))
  if ('code' in checkpoint) return refuse(null, [checkpoint])
  if (checkpoint.size === 0) {
    return refuse(checkpoint, [
      {
        code: 'LOG_TRUNCATED',
        file: CHECKPOINT_FILE,
        message: 'expected a genesis entry at least',
      },
    ])
  }
  const keys = keysOf(files, checkpoint, options.trust)
  if ('code' in keys) return refuse(checkpoint, [keys])
  const witnesses = options.trust === undefined ? [] : trustedWitnesses(options.trust)
  const signers = attempt(CHECKPOINT_FILE, () => verifySigners(checkpoint, keys.keys, witnesses))
  if ('code' in signers) return refuse(checkpoint, [blame(files, signers, options.trust)])
  const tiles = checkTiles(files, checkpoint)
  if ('problems' in tiles) return refuse(checkpoint, tiles.problems)
  const check = checkReceipts(tiles.contents.entries, {
    origin: checkpoint.origin,
    keys: keys.keys,
    trust: options.trust,
  })
  const quorum = attempt(CHECKPOINT_FILE, () => requireQuorum(signers.cosignatures, options.trust))
  const attested = checkAttestations(options.attestations ?? inside, {
    ...{ checkpoint, contents: tiles.contents, keys: keys.keys, witnesses },
    ...{ trust: options.trust, counts: check.counts },
  })
  const problems = [
    ...check.problems,
    ...attested.problems,
    ...('code' in quorum ? [quorum] : []),
    ...checkSince(tiles.contents, checkpoint, { ...options, keys: keys.keys, witnesses }),
  ]
  if (problems.length > 0) return { ...refuse(checkpoint, problems), receipts: check.counts }
  return accept(checkpoint, { check, attested, cosignatures: signers.cosignatures }, options)
}

/** Runs a check whose failure is a finding about a file. */
function attempt<T extends object>(file: string, check: () => T): T | LogProblem {
  try {
    return check()
  } catch (error) {
    if (error instanceof PolicyError) return { code: error.code, file, message: error.message }
    throw error
  }
}

function keysOf(
  files: LogFiles,
  { origin }: SignedCheckpoint,
  trust: Trust | undefined,
): { readonly keys: readonly VerifierKey[] } | LogProblem {
  if (trust === undefined) return genesisKeys(files, origin)
  const keys = trustedKeys(trust, origin)
  if (keys !== null) return { keys }
  const message = `the trust file pins no key for ${origin}`
  return { code: 'CHECKPOINT_UNTRUSTED', file: CHECKPOINT_FILE, message }
}

/** The key that the log itself names in entry 0. */
function genesisKeys(files: LogFiles, origin: string): { keys: VerifierKey[] } | LogProblem {
  const first = firstBundle(files)
  if (first === null) {
    const file = 'tile/entries/000'
    return { code: 'LOG_TRUNCATED', file, message: 'missing: it holds the genesis entry' }
  }
  const genesis = attempt(first.file, () => parseReceipt(first.entry))
  if ('code' in genesis) return { ...genesis, message: `entry 0: ${genesis.message}` }
  if (!isGenesis(genesis)) {
    const message = 'entry 0: expected the genesis of the log'
    return { code: 'RECEIPT_INVALID', file: first.file, message }
  }
  const key = parseVerifierKey(genesis.predicate.verifierKey)
  if (key.name === origin || !vouched(files, first.entry)) return { keys: [key] }
  const message = `the genesis entry is of the log ${key.name}, the checkpoint of another`
  return { code: 'CHECKPOINT_UNTRUSTED', file: CHECKPOINT_FILE, message }
}

/** Entry 0 and its file, whatever size the checkpoint claims. */
function firstBundle(files: LogFiles): { file: string; entry: Uint8Array } | null {
  for (const [file, bytes] of files) {
    const tile = parseTilePath(file)
    if (tile?.kind !== 'entries' || tile.index !== 0) continue
    const length = ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0)
    return { file, entry: bytes.subarray(2, 2 + length) }
  }
  return null
}

/**
 * Whom to blame for a signature that does not hold. Under pinned keys it is the checkpoint. Otherwise the key came
 * out of the entries, and the hash tile tells whether that entry was altered.
 */
function blame(files: LogFiles, problem: LogProblem, trust: Trust | undefined): LogProblem {
  const first = firstBundle(files)
  if (trust !== undefined || first === null || vouched(files, first.entry)) return problem
  const message = 'entry 0 does not have the hash that its tile gives, and its key did not sign'
  return { code: 'LOG_CORRUPT', file: first.file, message }
}

/** Whether the first hash tile has this entry's hash. */
function vouched(files: LogFiles, entry: Uint8Array): boolean {
  const leaf = hashLeaf(entry)
  for (const [file, bytes] of files) {
    const tile = parseTilePath(file)
    if (tile?.kind !== 'hashes' || tile.level !== 0 || tile.index !== 0) continue
    return bytesEqual(hashAt(bytes, 0), leaf)
  }
  return false
}

type SinceOptions = LogOptions & {
  readonly keys: readonly VerifierKey[]
  readonly witnesses: readonly VerifierKey[]
}

function checkSince(
  { tree }: LogContents,
  checkpoint: SignedCheckpoint,
  { keys, witnesses, since }: SinceOptions,
): LogProblem[] {
  if (since === undefined) return []
  const file = 'since'
  const earlier = attempt(file, () => parseCheckpoint(since))
  if ('code' in earlier) return [earlier]
  const signers = attempt(file, () => {
    if (earlier.origin === checkpoint.origin) return verifySigners(earlier, keys, witnesses)
    const message = `the earlier checkpoint is of the log ${earlier.origin}`
    throw new PolicyError('CHECKPOINT_INVALID', message)
  })
  if ('code' in signers) return [signers]
  return checkGrown(earlier, checkpoint, (size) => tree.root(size))
}

type Accepted = {
  readonly check: ReceiptCheck
  readonly attested: AttestationCheck
  readonly cosignatures: readonly Cosignature[]
}

function accept(
  checkpoint: SignedCheckpoint,
  { check, attested, cosignatures }: Accepted,
  options: LogOptions,
): LogReport {
  const { trust, since } = options
  const { size, origin } = checkpoint
  const pinned = trust !== undefined
  const people = trust?.reviewers !== undefined
  const policies = trust?.policies !== undefined
  const proven = [
    `all ${size} receipts, and every file, hash to the root that the log's key signed`,
    'each receipt is whole, names this log, and its subject is the digest of its action',
    'each resolution follows a hold of the same action, once, and used a nonce of its own',
    `${check.reviews} review signatures hold, each over its request, action, policy and pull request`,
  ]
  const isExecuted = Object.keys(check.counts).some((word) => word.startsWith('execution'))
  if (isExecuted) {
    proven.push(
      'each execution follows a decision that let a call of the same agent and tool run, and is the only one',
    )
  }
  const delivered = custodyClaims(check.custody, trust)
  proven.push(...delivered.proven)
  if (check.undone > 0) {
    proven.push('each rollback names an earlier call that was let run, and is the only one of it')
  }
  if (pinned) proven.push(`the key is one that the trust file pins for ${origin}`)
  if (people) {
    const what = check.keyless > 0 ? 'a key or identity' : 'a key'
    proven.push(`each signed review has ${what} that the trust file pins for its reviewer`)
  }
  if (check.keyless > 0 && options.trust?.sigstore !== undefined) {
    proven.push(
      'each review through Sigstore leads to the trusted root, with a time that others vouch for',
    )
  }
  if (policies) proven.push('each receipt names policies that the trust file lists')
  if (since !== undefined) proven.push('the log grew out of the earlier checkpoint')
  proven.push(...witnessProofs(cosignatures), ...attested.proven)
  const open = [
    'that the routes and the quorum were those of the policy, and that the verdicts follow from it',
    "that the times are right: they are the engine's and the reviewers' own",
  ]
  if (cosignatures.length === 0) {
    open.push('that others were shown the same log: no witness has signed')
  }
  if (check.keyless > 0 && options.trust?.sigstore === undefined) {
    open.push(
      `that ${check.keyless} reviews through Sigstore were certified and stamped by anybody (give its trusted root under --trust)`,
    )
  }
  if (check.unsigned > 0) {
    open.push(
      `that ${check.unsigned} reviews without a signature were made at all: for them there is only the engine's word`,
    )
  }
  if (isExecuted) {
    open.push(
      'that executions had the payloads that were decided on: receipts commit to both apart',
    )
  }
  open.push(...delivered.open)
  if (!pinned) open.push('whose log it is: the key is the one the log names itself (give --trust)')
  if (!people)
    open.push('that the keys are those of the reviewers named (list reviewers under --trust)')
  if (!policies) open.push('that the policies are the agreed ones (list policies under --trust)')
  if (since === undefined) open.push('that nothing was rolled back or replaced (give --since)')
  open.push(...attested.open)
  return {
    status: pinned ? 'verified' : 'self-consistent; key not pinned',
    origin,
    size,
    root: encodeBase64(checkpoint.root),
    witnesses: witnessed(cosignatures),
    receipts: check.counts,
    proven,
    not_proven: open,
    problems: [],
  }
}

function refuse(checkpoint: SignedCheckpoint | null, problems: readonly LogProblem[]): LogReport {
  return {
    status: 'refused',
    origin: checkpoint?.origin ?? null,
    size: checkpoint?.size ?? null,
    root: checkpoint === null ? null : encodeBase64(checkpoint.root),
    witnesses: [],
    receipts: {},
    proven: [],
    not_proven: [],
    problems,
  }
}
