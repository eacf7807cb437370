import { canonicalize } from '../../base/canonical-json.ts'
import { bytesEqual, digestOf, sha256Hex, utf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import { parseJsonBytes } from '../../base/json-parse.ts'
import type { JsonValue } from '../../base/json-value.ts'
import { CANONICAL_DEPTH_MAX, LOG_ENTRY_BYTES_MAX } from '../../base/limits.ts'
import type {
  CustodyReceipt,
  DecisionReceipt,
  ErasureReceipt,
  ExecutionReceipt,
  GenesisReceipt,
  Receipt,
} from '../../model/generated/types.ts'
import { validate } from '../../model/validate.ts'
import { parseVerifierKey } from './checkpoint.ts'
import type { CustodyFields } from './custody.ts'
import { custodyProblem, custodyStatement } from './custody.ts'
import { erasureProblem } from './erasure.ts'

/** What a decision's receipt says beside its envelope; see `schemas/receipt.schema.json`. */
export type DecisionFields = DecisionReceipt['predicate']

/** What an execution's receipt says beside its envelope. */
export type ExecutionFields = ExecutionReceipt['predicate']

/** What an erasure's receipt says beside its envelope. */
export type ErasureFields = ErasureReceipt['predicate']

/** What entry 0 of a log says. `verifierKey` is the signed-note form and names the origin. */
export type GenesisFields = GenesisReceipt['predicate']

/**
 * The log entry of one verdict or resolution: RFC 8785 text of an in-toto Statement whose subject is the action's
 * root. Checked as a reader would check it, so that nothing enters the log that cannot be read back.
 *
 * @throws {PolicyError} RECEIPT_TOO_LARGE beyond LOG_ENTRY_BYTES_MAX; RECEIPT_INVALID
 */
export function decisionReceipt(fields: DecisionFields): Uint8Array {
  return encodeReceipt({
    _type: STATEMENT_TYPE,
    subject: [{ name: 'action', digest: { sha256: sha256Hex(canonicalText(fields.action)) } }],
    predicateType: DECISION_TYPE,
    predicate: fields,
  })
}

/**
 * The log entry of one execution: an in-toto Statement whose subject is the root that its grant named.
 *
 * @throws {PolicyError} RECEIPT_TOO_LARGE, RECEIPT_INVALID
 */
export function executionReceipt(fields: ExecutionFields): Uint8Array {
  return encodeReceipt({
    _type: STATEMENT_TYPE,
    subject: [{ name: 'call', digest: { sha256: sha256Hex(canonicalText(fields.call)) } }],
    predicateType: EXECUTION_TYPE,
    predicate: fields,
  })
}

/**
 * The log entry of one erasure: an in-toto Statement whose subject is the digest of what it says.
 *
 * @throws {PolicyError} RECEIPT_INVALID
 */
export function erasureReceipt(fields: ErasureFields): Uint8Array {
  return encodeReceipt({
    _type: STATEMENT_TYPE,
    subject: [{ name: 'erasure', digest: { sha256: sha256Hex(canonicalText(fields)) } }],
    predicateType: ERASURE_TYPE,
    predicate: fields,
  })
}

/**
 * The log entry of one step of a delivery: an in-toto Statement whose subject is the digest of the step.
 *
 * @throws {PolicyError} RECEIPT_INVALID, RECEIPT_TOO_LARGE
 */
export function custodyReceipt(fields: CustodyFields): Uint8Array {
  return encodeReceipt({
    _type: STATEMENT_TYPE,
    subject: [{ name: 'step', digest: { sha256: sha256Hex(custodyStatement(fields.step)) } }],
    predicateType: CUSTODY_TYPE,
    predicate: fields,
  })
}

/**
 * Entry 0 of a log: its origin and the key that signs its checkpoints.
 *
 * @throws {PolicyError} RECEIPT_INVALID when the key is malformed or named otherwise than the origin
 */
export function genesisReceipt(fields: GenesisFields): Uint8Array {
  return encodeReceipt({
    _type: STATEMENT_TYPE,
    subject: [{ name: 'log', digest: { sha256: sha256Hex(fields.verifierKey) } }],
    predicateType: GENESIS_TYPE,
    predicate: fields,
  })
}

/**
 * Reads a log entry. It must be the RFC 8785 text of what it says, valid by its schema, and its subject the digest of
 * the action (or of the log's key) inside.
 *
 * @throws {PolicyError} RECEIPT_INVALID
 */
export function parseReceipt(bytes: Uint8Array): Receipt {
  let value: JsonValue
  try {
    value = parseJsonBytes(bytes, {
      bytesMax: LOG_ENTRY_BYTES_MAX,
      depthMax: CANONICAL_DEPTH_MAX,
    })
  } catch (cause) {
    throw new PolicyError('RECEIPT_INVALID', 'expected strict JSON', { cause })
  }
  if (!bytesEqual(utf8(canonicalText(value)), bytes))
    throw invalid('the RFC 8785 text of its value')
  return checkReceipt(value)
}

/** Whether a receipt is a log's entry 0. */
export function isGenesis(receipt: Receipt): receipt is GenesisReceipt {
  return receipt.predicateType === GENESIS_TYPE
}

/** Whether a receipt is of a verdict, or of how a request ended. */
export function isDecision(receipt: Receipt): receipt is DecisionReceipt {
  return receipt.predicateType === DECISION_TYPE
}

/** Whether a receipt is about an execution. */
export function isExecution(receipt: Receipt): receipt is ExecutionReceipt {
  return receipt.predicateType === EXECUTION_TYPE
}

/** Whether a receipt says that inputs were erased. */
export function isErasure(receipt: Receipt): receipt is ErasureReceipt {
  return receipt.predicateType === ERASURE_TYPE
}

/** Whether a receipt is of a step in a delivery between agents. */
export function isCustody(receipt: Receipt): receipt is CustodyReceipt {
  return receipt.predicateType === CUSTODY_TYPE
}

const CUSTODY_TYPE = 'https://countersign.dev/attestation/custody/v0.1'
const ERASURE_TYPE = 'https://countersign.dev/attestation/erasure/v0.1'
const EXECUTION_TYPE = 'https://countersign.dev/attestation/execution/v0.1'
const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1'
const DECISION_TYPE = 'https://countersign.dev/attestation/decision/v0.1'
const GENESIS_TYPE = 'https://countersign.dev/attestation/log-genesis/v0.1'

function encodeReceipt(receipt: Receipt): Uint8Array {
  const bytes = utf8(canonicalText(receipt))
  if (bytes.length > LOG_ENTRY_BYTES_MAX) {
    throw new PolicyError(
      'RECEIPT_TOO_LARGE',
      `expected a receipt of at most ${LOG_ENTRY_BYTES_MAX} bytes, found ${bytes.length}`,
    )
  }
  checkReceipt(receipt)
  return bytes
}

function checkReceipt(value: unknown): Receipt {
  const [problem] = validate('receipt', value)
  if (problem !== undefined) {
    throw invalid(`a receipt as its schema has it; at '${problem.pointer}': ${problem.message}`)
  }
  const receipt = value as Receipt
  if (isGenesis(receipt)) checkGenesis(receipt)
  else if (isExecution(receipt)) checkExecution(receipt)
  else if (isErasure(receipt)) checkErasure(receipt)
  else if (isCustody(receipt)) checkCustody(receipt)
  else checkDecision(receipt)
  return receipt
}

function checkGenesis({ subject, predicate }: GenesisReceipt): void {
  checkSubject(subject, 'log', sha256Hex(predicate.verifierKey))
  let name: string
  try {
    name = parseVerifierKey(predicate.verifierKey).name
  } catch (cause) {
    throw new PolicyError('RECEIPT_INVALID', 'expected a verifier key `name+hash+key`', { cause })
  }
  if (name !== predicate.origin) throw invalid('a verifier key named after the origin')
}

function checkDecision({ subject, predicate }: DecisionReceipt): void {
  checkSubject(subject, 'action', sha256Hex(canonicalText(predicate.action)))
  const { stage, decision, resolution } = predicate
  const resolved = RESOLUTIONS.has(decision)
  if ((stage === 'resolution') !== resolved) throw invalid('a decision that its stage can have')
  if ((resolution !== undefined) !== resolved) throw invalid('`resolution` at that stage only')
  if (resolution === undefined) return
  if (predicate.request === undefined) throw invalid('the request that was resolved')
  if (predicate.id !== predicate.request) throw invalid("the request's id as the resolution's")
  if (resolution.approvals.length > 0 && resolution.pull === undefined) {
    throw invalid('the pull request that was reviewed')
  }
  const patched = decision === 'APPROVED_WITH_MODIFICATIONS'
  if ((resolution.patchedRoot !== undefined) !== patched)
    throw invalid('`patchedRoot` of a patch only')
  if ((resolution.patchedAction !== undefined) !== patched) {
    throw invalid('`patchedAction` of a patch only')
  }
  if (resolution.patchedAction === undefined) return
  if (digestOf(canonicalText(resolution.patchedAction)) !== resolution.patchedRoot) {
    throw invalid('`patchedRoot` over `patchedAction`')
  }
}

function checkExecution({ subject, predicate }: ExecutionReceipt): void {
  checkSubject(subject, 'call', sha256Hex(canonicalText(predicate.call)))
  if ((predicate.redeemedAt !== undefined) !== (predicate.stage === 'reported')) {
    throw invalid('`redeemedAt` in a report only')
  }
  if (predicate.stage === 'reported' && predicate.reportRoot === undefined) {
    throw invalid('`reportRoot` in a report')
  }
}

function checkErasure({ subject, predicate }: ErasureReceipt): void {
  checkSubject(subject, 'erasure', sha256Hex(canonicalText(predicate)))
  const problem = erasureProblem(predicate)
  if (problem !== null) throw invalid(problem)
}

function checkCustody({ subject, predicate }: CustodyReceipt): void {
  checkSubject(subject, 'step', sha256Hex(custodyStatement(predicate.step)))
  const problem = custodyProblem(predicate)
  if (problem !== null) throw invalid(problem)
}

const RESOLUTIONS: ReadonlySet<string> = new Set([
  'APPROVED',
  'REJECTED',
  'APPROVED_WITH_MODIFICATIONS',
  'EXPIRED',
])

function checkSubject(subject: Receipt['subject'], name: string, sha256: string): void {
  const [only, ...more] = subject
  if (only === undefined || more.length > 0) throw invalid('one subject')
  if (only.name !== name) throw invalid(`the subject '${name}'`)
  if (only.digest.sha256 !== sha256) throw invalid(`the digest of its ${name} as its subject`)
}

function canonicalText(value: unknown): string {
  try {
    // `canonicalize` itself refuses what is no plain JSON.
    return canonicalize(value as JsonValue)
  } catch (cause) {
    throw new PolicyError('RECEIPT_INVALID', 'expected plain JSON', { cause })
  }
}

function invalid(expected: string): PolicyError {
  return new PolicyError('RECEIPT_INVALID', `expected ${expected}`)
}
