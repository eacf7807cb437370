import type { Position } from './position.ts'

/** Where the error pages live; a code's heading is its lower-case form. */
const DOCS_URL = 'https://countersign.dev/docs/errors'

/**
 * Every error this project raises carries one of these codes. The list is closed: a test compares it with the
 * headings of `docs/errors.md`.
 */
export const ERROR_CODES = [
  // The command line and its surroundings.
  'USAGE_INVALID',
  'FILE_UNREADABLE',
  'FILE_EXISTS',
  'NODE_UNSUPPORTED',
  'GIT_FAILED',
  'ENGINE_FAILED',
  'ENGINE_TIMEOUT',
  // The policy repository.
  'PROJECT_MISSING',
  'POLICY_EMPTY',
  'YAML_MALFORMED',
  'YAML_DUPLICATE_KEY',
  'YAML_UNSUPPORTED',
  'DOCUMENT_INVALID',
  'BASELINE_INVALID',
  'BASELINE_TOO_LARGE',
  'DOCUMENT_TOO_LARGE',
  'KIND_UNKNOWN',
  'KEY_UNKNOWN',
  'KEY_MISSING',
  'VALUE_INVALID',
  'ID_DUPLICATE',
  'REFERENCE_UNKNOWN',
  'NAME_RESERVED',
  'ROUTE_MISSING',
  'RESULT_HELD',
  'ROUTE_UNSATISFIABLE',
  'ROUTE_NEVER_OPEN',
  'RULE_KIND_AMBIGUOUS',
  'PATH_INVALID',
  'PATTERN_INVALID',
  'PATTERN_UNSAFE',
  'DURATION_INVALID',
  // What `check` notes of a policy that is sound.
  'RULE_UNREACHABLE',
  'RULE_SHADOWED',
  'RULE_UNTESTED',
  'RULE_IN_SHADOW',
  'BASELINE_MISSING',
  'BASELINE_IN_SHADOW',
  'BASELINE_UNSETTLED',
  'TOOL_WITHOUT_HOLD',
  'PERSON_WITHOUT_KEY',
  'PERSON_WITHOUT_ACCOUNT',
  'PERSON_UNUSED',
  'ROUTE_UNUSED',
  'ROUTE_NEEDS_OWNER',
  'ROUTE_NEEDS_BREAKER',
  'ROUTE_UNSIGNED',
  'DATE_EXPIRED',
  'SUPPRESSION_INVALID',
  'SUPPRESSION_UNUSED',
  // Rego.
  'REGO_INVALID',
  'REGO_BUILTIN_REFUSED',
  'REGO_BUILTIN_ERROR',
  'REGO_BUDGET_EXCEEDED',
  'REGO_CONFLICT',
  'REGO_PLAN_INVALID',
  'REGO_NUMBER_TOO_LONG',
  'REGO_CONTRACT',
  'REGO_FIELD_MAY_BE_MISSING',
  'REGO_ERRORS_IGNORED',
  'REGO_ABORTED',
  'REGO_UNDEFINED',
  'REGO_RESULT_INVALID',
  'REGO_MEMORY_EXCEEDED',
  'REGO_MODULE_INVALID',
  'REGO_COMPILER_FAILED',
  // Bundles.
  'BUNDLE_CORRUPT',
  'BUNDLE_NEWER_FORMAT',
  'BUNDLE_TOO_LARGE',
  'BUNDLE_EXPIRED',
  'BUNDLE_UNSIGNED',
  'BUNDLE_UNTRUSTED',
  'BUNDLE_OLDER',
  'BUNDLE_SELF_TEST',
  'BUNDLE_NEEDS_RESTART',
  'BUNDLE_UNREACHABLE',
  // Actions and their evaluation.
  'ACTION_INVALID',
  'ACTION_AMBIGUOUS',
  'ACTION_TOO_LARGE',
  'ACTION_TOO_DEEP',
  'AGENT_NOT_OWNED',
  'AGENT_UNKNOWN',
  'PROJECT_NOT_OWNED',
  'ROLE_NOT_OWNED',
  'FINGERPRINT_UNKNOWN',
  'TOOL_UNKNOWN',
  'NEVER_AUTOMATED',
  'CALL_MISMATCH',
  'SECRET_REFERENCE_INVALID',
  'SECRET_OUT_OF_SCOPE',
  'SECRET_UNAVAILABLE',
  'SECRET_MISSING',
  'RULE_FAILED',
  'STATE_INVALID',
  'FINDINGS_TOO_MANY',
  'SESSION_INVALID',
  'VALUE_NOT_JSON',
  // Requests, reviews and the forge.
  'IDEMPOTENCY_CONFLICT',
  'REQUEST_UNKNOWN',
  'REQUESTS_TOO_MANY',
  'REQUEST_RESOLVED',
  'REQUEST_EXPIRED',
  'REQUEST_UNOPENED',
  'REQUEST_TAMPERED',
  'PATCH_INVALID',
  'PATCH_TOO_LARGE',
  'BATCH_PATCH',
  'BATCH_WHOLE',
  'BATCH_INVALID',
  'REVIEW_MALFORMED',
  'REVIEW_UNBOUND',
  'REVIEW_EXPIRED',
  'REVIEW_REPLAYED',
  'REVIEW_POSTER',
  'REVIEW_UNSIGNED',
  'REVIEW_SELF',
  'REVIEWER_UNKNOWN',
  'REVIEWER_NOT_ON_ROUTE',
  'BREAK_GLASS_SPENT',
  'SIGNATURE_MALFORMED',
  'SIGNATURE_WRONG',
  'SIGNATURE_NAMESPACE',
  'SIGNATURE_NO_PRESENCE',
  'KEY_UNSUPPORTED',
  'KEY_NOT_PINNED',
  'KEY_NOT_VALID_THEN',
  'IDENTITY_NOT_PINNED',
  'IDENTITY_TOKEN_MISSING',
  'IDENTITY_TOKEN_INVALID',
  'SIGSTORE_UNCONFIGURED',
  'SIGSTORE_ROOT_INVALID',
  'SIGSTORE_MALFORMED',
  'SIGSTORE_UNTRUSTED',
  'SIGSTORE_UNREACHABLE',
  'SIGSTORE_REFUSED',
  'FORGE_UNREACHABLE',
  'FORGE_UNAUTHORIZED',
  'FORGE_REFUSED',
  'FORGE_CONFLICT',
  'WEBHOOK_UNVERIFIED',
  'WEBHOOK_MALFORMED',
  'WEBHOOK_TOO_LARGE',
  // Changes of the policy itself.
  'CHANGE_BASE_STALE',
  'CHANGE_CONFLICT',
  'CHANGE_TOO_LARGE',
  'MERGE_GROUP_DIFFERS',
  'GATE_CHECK_FAILED',
  'GATE_TESTS_FAILED',
  'GATE_COVERAGE_LOW',
  'COMMIT_MALFORMED',
  'COMMIT_UNSIGNED',
  'COMMIT_SIGNATURE_UNSUPPORTED',
  'GPG_MISSING',
  'TOKEN_UNKNOWN',
  'TOKEN_UNREADABLE',
  // Grants and executions.
  'GRANT_MALFORMED',
  'GRANT_UNTRUSTED',
  'GRANT_EXPIRED',
  'GRANT_NOT_YET_VALID',
  'GRANT_UNBOUND',
  'GRANT_REPLAYED',
  'JWKS_INVALID',
  'EXECUTION_UNKNOWN',
  'EXECUTIONS_MALFORMED',
  // Proofs of decisions for a counterparty.
  'DECISION_PROOF_MALFORMED',
  'DECISION_PROOF_UNTRUSTED',
  'DECISION_PROOF_NOT_YET_VALID',
  'DECISION_PROOF_EXPIRED',
  'DECISION_PROOF_UNBOUND',
  // Deliveries between agents.
  'DELIVERY_INVALID',
  'DELIVERY_UNKNOWN',
  'CUSTODY_OUT_OF_ORDER',
  'CUSTODY_FORKED',
  'CUSTODY_REPEATED',
  'CUSTODY_UNLINKED',
  'CUSTODY_WRONG_AGENT',
  'CUSTODY_UNSIGNED',
  'CUSTODY_UNBOUND',
  'CUSTODY_ENDED',
  'ESCROW_HELD',
  'ESCROW_VOID',
  'ESCROW_INVALID',
  'MANDATE_INVALID',
  'MANDATE_EXCEEDED',
  'MANDATE_EXPIRED',
  'MANDATE_CHANGED',
  'MANDATE_REPLAYED',
  // Rollbacks.
  'UNDO_NOT_DECLARED',
  'UNDO_IRREVERSIBLE',
  'UNDO_NOT_RUN',
  'UNDO_DONE',
  'UNDO_TOO_LATE',
  'UNDO_INPUTS_ERASED',
  'UNDO_RESULT_MISSING',
  'UNDO_FIELD_MISSING',
  'UNDO_OF_UNDO',
  'ROLLBACK_UNKNOWN',
  'ROLLBACK_UNCHANGED',
  // What the caller of the library meets when an action does not run.
  'ACTION_DENIED',
  'ACTION_REJECTED',
  'ACTION_EXPIRED',
  'ACTION_PENDING',
  // The store and the log.
  'STORE_FAILED',
  'STORE_NEWER_FORMAT',
  'STORE_KEY_MISMATCH',
  'RECEIPT_INVALID',
  'RECEIPT_TOO_LARGE',
  'RECEIPT_UNKNOWN',
  'FIELD_UNKNOWN',
  'DISCLOSURE_INVALID',
  'INPUTS_ERASED',
  'ERASE_PENDING',
  'ERASE_UNKNOWN',
  'ERASE_REASON',
  'LOG_MISSING',
  'LOG_TRUNCATED',
  'LOG_CORRUPT',
  'LOG_FORKED',
  'LOG_REWRITTEN',
  'LOG_ROLLED_BACK',
  'LOG_REORDERED',
  'LOG_UNREACHABLE',
  'CHECKPOINT_INVALID',
  'CHECKPOINT_UNTRUSTED',
  'CHECKPOINT_UNWITNESSED',
  'PROOF_INVALID',
  'ATTESTATION_INVALID',
  'EVIDENCE_MISSING',
  'EVIDENCE_MALFORMED',
  'EVIDENCE_STALE',
  'EVIDENCE_FOREIGN',
  'RELEASE_UNKNOWN',
  'RELEASE_MISSED',
  'RELEASE_DIGEST_WRONG',
  'RELEASE_FALLBACK_MISSING',
  'RELEASE_ROLLBACK_MISSING',
  'RELEASE_NOT_APPROVED',
  'RELEASE_ARTEFACT_FOREIGN',
  'RELEASE_PROPERTY_MISSING',
  'RELEASE_POLICY_FOREIGN',
  'RELEASE_STALE',
  'EXPORT_EMPTY',
  'EXPORT_INVALID',
  'EXPORT_TOO_LARGE',
  'TRUST_INVALID',
  'BASE64_INVALID',
  'HEX_INVALID',
  'UTF8_INVALID',
  'DIGEST_INVALID',
  'COMMITMENT_INVALID',
  'JSON_MALFORMED',
] as const

export type ErrorCode = (typeof ERROR_CODES)[number]

export type PolicyErrorOptions = ErrorOptions & {
  /** Where in the author's file, when there is one. */
  at?: Position | undefined
  /** The file that is at fault, relative to its repository or log. */
  file?: string | undefined
  /** Whether the same call may succeed later without any change. Default: false. */
  retryable?: boolean
  /** Takes up the waiting again, where people have not decided yet. */
  resume?: string | undefined
}

/** An error with a stable code, what was expected and found, and what to do. Never holds a secret or a clear value. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError'
  readonly code: ErrorCode
  readonly at: Position | undefined
  readonly file: string | undefined
  readonly retryable: boolean
  /** With ACTION_PENDING: what `wait` takes to go on waiting. */
  readonly resume: string | undefined

  constructor(code: ErrorCode, message: string, options: PolicyErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.at = options.at
    this.file = options.file
    this.retryable = options.retryable ?? false
    this.resume = options.resume
  }

  get documentation_url(): string {
    return `${DOCS_URL}#${this.code.toLowerCase()}`
  }
}
