import { join } from 'node:path'
import { canonicalize } from '../../base/canonical-json.ts'
import { digestOf, fromUtf8 } from '../../base/digest.ts'
import { encodeBase64 } from '../../base/encoding.ts'
import { PolicyError } from '../../base/errors.ts'
import { parseJson } from '../../base/json-parse.ts'
import type { JsonObject } from '../../base/json-value.ts'
import {
  DECISION_PROOF_LENGTH_MAX,
  DECISION_PROOF_LIFETIME_MS_MAX,
  DECISION_PROOF_SHOWN_MAX,
} from '../../base/limits.ts'
import { parsePath } from '../../base/path.ts'
import { openDataFolder } from '../../host/data-folder.ts'
import { openTokenSigners } from '../../host/grant-key.ts'
import type { DecisionProofClaims, DecisionReceipt } from '../../model/generated/types.ts'
import type { Jwks, Store } from '../../model/ports.ts'
import { encodeLeafHash } from '../../trust/receipt/index.ts'
import { parseProof } from '../../trust/receipt/proof.ts'
import { isDecision, parseReceipt } from '../../trust/receipt/statement.ts'
import { checkDecisionProof, verifyDecisionProof } from '../../trust/verify/index.ts'
import { openStoreForReading } from '../engine/open-engine.ts'
import type { Parts } from '../engine/parts.ts'
import { unattested } from './attestor.ts'
import { openFields } from './export-disclosures.ts'
import { proveReceipt } from './receipt-proofs.ts'
import { readBytes, readTrust } from './receipts.ts'

export type ProofOptions = {
  /** Whom it is for: its name as that counterparty knows itself. */
  readonly audience: string
  /** Fields to show, as paths: `payload.amount`. Default: none. */
  readonly show?: readonly string[]
  /** How long it holds, in milliseconds, at most 30 days. Default: an hour. */
  readonly lifetimeMs?: number
}

type Maker = Pick<Parts, 'proofs' | 'dataFolder' | 'clock'> & {
  readonly store: Store
  readonly credential?: Parts['credential']
  readonly attestor?: Parts['attestor']
}

/**
 * A signed proof of a decision for one counterparty: what was decided about which action, and where the receipt of it stands
 * in the log.
 *
 * @param name - the id of a decision, or of a request that has ended; or a log index
 * @throws {PolicyError} RECEIPT_UNKNOWN; USAGE_INVALID; PATH_INVALID, FIELD_UNKNOWN, INPUTS_ERASED for what is to be shown;
 *   ACTION_PENDING (retryable) for an approval that waits for its attestation; LOG_MISSING and others as `proveReceipt`
 */
export async function proveDecision(
  parts: Maker,
  name: string,
  options: ProofOptions,
): Promise<string> {
  const { audience, lifetimeMs = LIFETIME_MS_DEFAULT } = options
  if (audience === '' || audience.length > AUDIENCE_LENGTH_MAX) throw usage('an audience')
  const seconds = Math.floor(lifetimeMs / 1000)
  if (!(seconds >= 1 && lifetimeMs <= DECISION_PROOF_LIFETIME_MS_MAX)) {
    throw usage('a lifetime from a second to 30 days')
  }
  const { store, dataFolder, credential } = parts
  const ended = (await store.request(name))?.resolution?.receiptIndex
  const place = ended === undefined ? name : String(ended)
  const { index, entry, proof } = await proveReceipt(store, join(dataFolder, 'log'), place)
  const receipt = parseReceipt(entry)
  const isOurs = ({ predicate }: DecisionReceipt) => {
    if (credential === undefined) return true // Whoever owns the data folder.
    const { project, agents } = credential
    const { action } = predicate
    if (action['project'] !== project) return false
    return agents.includes('*') || agents.includes(String(action['agent']))
  }
  if (!isDecision(receipt) || !isOurs(receipt)) {
    throw new PolicyError('RECEIPT_UNKNOWN', `${name} is no decision of this credential's agents`)
  }
  const isApproved = receipt.predicate.decision.startsWith('APPROVED')
  // Else a counterparty would act on an approval before it counts.
  if (isApproved && (await parts.attestor?.holdsBack(index))) throw unattested(name)
  const { signed } = parseProof(proof)
  const issued = Math.floor(parts.clock() / 1000)
  const token = await parts.proofs.sign({
    ...{ iss: signed.origin, aud: audience, iat: issued, nbf: issued, exp: issued + seconds },
    ...said(receipt),
    ...{ index, leaf_hash: encodeLeafHash(entry) },
    ...{ size: signed.size, log_root: encodeBase64(signed.root) },
    ...(await shownOf(store, receipt, options.show ?? [])),
  })
  if (token.length <= DECISION_PROOF_LENGTH_MAX) return token
  throw usage(`fewer fields to show: the proof has ${token.length} characters`)
}

const LIFETIME_MS_DEFAULT = 60 * 60 * 1000
const AUDIENCE_LENGTH_MAX = 256

type Said = Omit<
  DecisionProofClaims,
  'iss' | 'aud' | 'iat' | 'nbf' | 'exp' | 'index' | 'leaf_hash' | 'size' | 'log_root' | 'shown'
>

function said({ predicate }: DecisionReceipt): Said {
  const { action, resolution, request } = predicate
  const { agent, project, service, action: tool } = action as Record<string, string>
  return {
    ...{ sub: agent ?? '', project: project ?? '', service: service ?? '', action: tool ?? '' },
    ...{ id: predicate.id, decision: predicate.decision, decided_at: predicate.issuedAt },
    ...(request === undefined ? {} : { request }),
    root: digestOf(canonicalize(action as unknown as JsonObject)),
    ...(resolution?.patchedRoot === undefined ? {} : { patched_root: resolution.patchedRoot }),
    policy: `sha256:${predicate.policyDigest.sha256}`,
  }
}

/** What opens the fields to show: of the action as people left it, where they changed it. */
async function shownOf(
  store: Store,
  receipt: DecisionReceipt,
  show: readonly string[],
): Promise<Pick<DecisionProofClaims, 'shown'>> {
  if (show.length === 0) return {}
  if (show.length > DECISION_PROOF_SHOWN_MAX) throw usage('fewer fields to show')
  const paths = show.map(parsePath)
  const opened = await openFields(store, receipt, paths)
  if (opened.isErased) {
    throw new PolicyError('INPUTS_ERASED', `the inputs of ${receipt.predicate.id} were erased`)
  }
  const { action, resolution } = receipt.predicate
  const isPatched = resolution?.patchedAction !== undefined
  const disclosures = (isPatched ? opened.patched : opened.disclosures) ?? []
  if (disclosures.length === 0) {
    throw new PolicyError('FIELD_UNKNOWN', `the action has none of ${show.join(', ')}`)
  }
  const remains = { ...(resolution?.patchedAction ?? action) }
  return { shown: { remains, disclosures: disclosures.map((one) => ({ ...one })) } }
}

/** The same without an engine, for whoever owns the data folder. */
export async function proveDecisionIn(
  data: string,
  name: string,
  options: ProofOptions & { readonly now: number },
): Promise<string> {
  const store = openStoreForReading(data)
  try {
    const { proofs } = await openTokenSigners(openDataFolder(data))
    const maker = { store, proofs, dataFolder: data, clock: () => options.now }
    return await proveDecision(maker, name, options)
  } finally {
    await store.close()
  }
}

function usage(expected: string): PolicyError {
  return new PolicyError('USAGE_INVALID', `expected ${expected}`)
}

/** What the check of a proof found; see `proofs check`. */
export type ProofReport = {
  readonly status: 'verified' | 'refused'
  readonly claims: DecisionProofClaims | null
  /** The fields that are shown, everything else left out. */
  readonly shown: JsonObject | null
  readonly proven: readonly string[]
  readonly not_proven: readonly string[]
  readonly problems: readonly { readonly code: string; readonly message: string }[]
}

/**
 * Checks a proof as the counterparty that it was made for, and with the receipt against the log's key.
 *
 * @param given.jwks - a JWKS document's text
 * @param given.receipt - the receipt's file, with its proof beside it; given.trust is the trust file
 * @throws {PolicyError} TRUST_INVALID, FILE_UNREADABLE; all else is in the report
 */
export function checkProofFile(given: {
  readonly token: string
  readonly jwks: string
  readonly audience: string
  readonly now: number
  readonly receipt?: string
  readonly trust?: string
}): ProofReport {
  const { receipt, trust, audience, now } = given
  const pinned = trust === undefined ? null : readTrust(trust)
  const files =
    receipt === undefined ? [] : [readBytes(receipt), readBytes(`${receipt}.tlog-proof`)]
  try {
    const jwks = parseJson(given.jwks) as unknown as Jwks
    const { claims, shown } = verifyDecisionProof(given.token, { jwks, audience, now })
    const proven = [
      `a key of the JWKS document signed it for ${audience}, and it holds now`,
      ...(shown === null ? [] : ['the fields shown are committed to by the root that it names']),
    ]
    const open = ["that the time of the decision is right: it is the engine's own"]
    const [entry, proof] = files
    if (entry === undefined || proof === undefined || pinned === null) {
      open.unshift('that the decision stands in the log: give the receipt under --receipt')
    } else {
      checkDecisionProof(claims, { entry, proof: fromUtf8(proof), pinned })
      proven.push('the receipt says the same, and stands in the log that the trust file pins')
    }
    return { status: 'verified', claims, shown, proven, not_proven: open, problems: [] }
  } catch (error) {
    if (!(error instanceof PolicyError) || error.code === 'TRUST_INVALID') throw error
    const problems = [{ code: error.code, message: error.message }]
    return { status: 'refused', claims: null, shown: null, proven: [], not_proven: [], problems }
  }
}
