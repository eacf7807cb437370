/** Bounds on everything that comes from outside. Each says its unit. */

/** A request body of LetsPing's clients may be 4 MB; one action may not be larger. */
export const ACTION_BYTES_MAX = 4 * 1024 * 1024

/** Fields of one action's payload and context, containers included: each is committed to on its own, at some 5 µs. */
export const ACTION_FIELDS_MAX = 200_000

/**
 * The JSON pointers of an action's fields taken together, in UTF-16 code units: each is hashed, so that one long name
 * above many fields would cost their product.
 */
export const ACTION_POINTERS_LENGTH_MAX = 32 * 1024 * 1024

/** Text of one action that one rule looks through for personal data or secrets, in UTF-16 code units. */
export const CONTENT_CHARACTERS_MAX = 256 * 1024

/** Nesting of arrays and objects in an action. */
export const JSON_DEPTH_MAX = 64

/** One file of a policy repository. */
export const POLICY_FILE_BYTES_MAX = 4 * 1024 * 1024

/** A baseline below a folder `baselines`: 100,000 paths of three long names are some 10 MB. */
export const BASELINE_FILE_BYTES_MAX = 64 * 1024 * 1024

/** Files in one policy repository. */
export const POLICY_FILES_MAX = 20_000

/** A bundle after decompression. */
export const BUNDLE_BYTES_MAX = 256 * 1024 * 1024

/** An entry of a tlog-tiles log carries a 16-bit length (C2SP tlog-tiles). */
export const LOG_ENTRY_BYTES_MAX = 65_535

/** Different secrets that one call may name: each is a question to a provider. */
export const SECRET_REFERENCES_MAX = 16

/** A secret's value, in bytes: the largest private keys and certificate chains. */
export const SECRET_BYTES_MAX = 64 * 1024

/** Values that the engine knows again where they come back: those put into calls last. */
export const SECRETS_REMEMBERED_MAX = 256

/** Requests of one agent that may wait for people at a time; no one reads more, and each costs the forge. */
export const REQUESTS_WAITING_MAX = 1_000

/** Requests that one review may cover; `schemas/request.schema.json` and the routes' schema say so too. */
export const BATCH_MEMBERS_MAX = 100

/** UTF-16 code units of a resolution's reason; `schemas/receipt.schema.json` takes 4,096. */
export const REASON_LENGTH_MAX = 4_000

/** A patch travels inside a signed review; a forge ends bodies at 65,536 characters. */
export const PATCH_BYTES_MAX = 40 * 1024

/** Nesting of what is written as canonical JSON: room for documents that wrap an action; far from the stack's end. */
export const CANONICAL_DEPTH_MAX = 512

/** How far the clocks of a reviewer, of another reviewer's machine and of the engine may differ, in milliseconds. */
export const REVIEW_SKEW_MS = 60_000

/** A path such as `payload.items[].id`, in UTF-16 code units. */
export const PATH_LENGTH_MAX = 1024

/** Steps in one path: no action nests deeper. */
export const PATH_SEGMENTS_MAX = 64

/** The longest duration a policy may name: ten years, in milliseconds. */
export const DURATION_MS_MAX = 3650 * 24 * 60 * 60 * 1000

/** Names longer than this, in UTF-16 code units, get no suggestion: edit distance is quadratic. */
export const NEAREST_LENGTH_MAX = 128

/** An SSH signature, decoded. RSA of 16,384 bits takes 2 KiB for the key and 2 KiB for the signature. */
export const SSHSIG_BYTES_MAX = 16 * 1024

/** A log's checkpoint, in UTF-16 code units: three short lines and a few signatures. */
export const CHECKPOINT_LENGTH_MAX = 16 * 1024

/** Signatures under one checkpoint; C2SP signed-note wants verifiers to take at least 16. */
export const CHECKPOINT_SIGNATURES_MAX = 16

/** Hashes in a proof: a tree of 2^53 leaves is 53 levels high. */
export const PROOF_HASHES_MAX = 53

/** Files in a bundle: the Rego sources of a repository and our own few. */
export const BUNDLE_FILES_MAX = 20_010

/** A bundle's archive, compressed or not: the content and room for headers and padding. */
export const BUNDLE_ARCHIVE_BYTES_MAX = BUNDLE_BYTES_MAX + BUNDLE_FILES_MAX * 1024 + 1024

/** A path in a ustar header: a folder of 155 bytes, a slash, a rest of 100. */
export const BUNDLE_PATH_BYTES_MAX = 256

/** Values in one YAML file, aliases unfolded. */
export const YAML_NODES_MAX = 1_000_000

/** Values that the aliases of one YAML file unfold to. */
export const YAML_ALIAS_NODES_MAX = 10_000

/** YAML documents in one policy repository. */
export const DOCUMENTS_MAX = 50_000

/** Windows and time-outs of a policy: 30 days, in milliseconds. */
export const WINDOW_MS_MAX = 30 * 24 * 60 * 60 * 1000

/** Positions of a pattern's automaton that the check for blow-ups looks at. */
export const PATTERN_POSITIONS_MAX = 4_000

/** Steps that the check for blow-ups takes for one pattern. */
export const PATTERN_STEPS_MAX = 4_000_000

/** A policy repository as a whole, in bytes. */
export const POLICY_BYTES_MAX = 128 * 1024 * 1024

/** Files of one log that are read at once: some 128 million receipts. */
export const LOG_FILES_MAX = 1_000_000

/** Problems that one report names; a log with more is refused all the same. */
export const PROBLEMS_MAX = 100

/** How long a grant may hold, in milliseconds; whole seconds, as RFC 7519 counts. */
export const GRANT_LIFETIME_MS_MIN = 1000
export const GRANT_LIFETIME_MS_MAX = 60 * 60 * 1000

/** How far the clocks of the engine and of a tool may differ, in milliseconds. */
export const GRANT_SKEW_MS = 5_000
export const GRANT_SKEW_MS_MAX = 60_000

/** A grant in its compact form, in UTF-16 code units. */
export const GRANT_LENGTH_MAX = 8 * 1024

/** Keys in one JWKS document. */
export const JWKS_KEYS_MAX = 64

/** Grants that a ledger in memory remembers at a time; with more it takes none. */
export const GRANTS_REMEMBERED_MAX = 1_000_000

/** One line of a tool's own log of executions, in UTF-16 code units. */
export const EXECUTION_LINE_LENGTH_MAX = 64 * 1024

/** Lines of such a log. */
export const EXECUTIONS_MAX = 5_000_000

/** Answers of GitHub's kept to be asked for again with their ETags, in UTF-16 code units taken together. */
export const GITHUB_CACHE_CHARACTERS_MAX = 16 * 1024 * 1024

/** Reviews of one pull request, as on the local forge, and comments; each may be 64 KB. */
export const FORGE_REVIEWS_MAX = 10_000

/** Open pull requests that are listed at a time; forges show them by the page. */
export const FORGE_PULLS_MAX = 10_000

/** One answer of a forge: a page of 50 reviews of 64 KB each is 3 MB, with room for escapes. */
export const FORGE_ANSWER_BYTES_MAX = 32 * 1024 * 1024

/** Workflows of a repository that `doctor --github` reads. */
export const WORKFLOWS_MAX = 200

/** How often an engine may ask its forge what has changed, in milliseconds. */
export const FORGE_POLL_MS_MIN = 100
export const FORGE_POLL_MS_MAX = 60 * 60 * 1000

/** After how long a request may be looked at again though nothing seems to have changed, in milliseconds. */
export const FORGE_LOOK_MS_MAX = 24 * 60 * 60 * 1000

/** How long `ask`, `wait` and a guarded tool wait for people before they answer, in milliseconds. */
export const WAIT_MS_DEFAULT = 50_000
export const WAIT_MS_MAX = 55_000

/** Notices that wait for one target; more than that, and the oldest is dropped and counted. */
export const NOTICES_WAITING_MAX = 256

/** How often one notice is tried before it is dropped. */
export const NOTICE_TRIES_MAX = 6

/** A Sigstore bundle as JSON, in UTF-16 code units: certificate, time stamp and log entry are some 5 KB, the rest is payload. */
export const SIGSTORE_BUNDLE_LENGTH_MAX = 256 * 1024

/** Log entries, and time stamps, in one Sigstore bundle. */
export const SIGSTORE_PROOFS_MAX = 4

/** A Sigstore trusted root as JSON, in UTF-16 code units; the public one is some 7 KB. */
export const TRUSTED_ROOT_LENGTH_MAX = 512 * 1024

/** An answer of Fulcio, Rekor, a time stamp authority or an OpenID Connect issuer, in bytes. */
export const SIGSTORE_ANSWER_BYTES_MAX = 256 * 1024

/** An OpenID Connect identity token, in UTF-16 code units. */
export const IDENTITY_TOKEN_LENGTH_MAX = 16 * 1024

/** How far ahead a route looks for its open hours, in days: over a year, whatever its holidays. */
export const OPEN_HOURS_DAYS_MAX = 400

/** What one Git command may answer, in bytes: a few trees that name each other list more files than any machine holds. */
export const GIT_OUTPUT_BYTES_MAX = 256 * 1024 * 1024

/** One commit object: a message, and a signature of some kilobytes. */
export const COMMIT_BYTES_MAX = 256 * 1024

/** Commits of one change of the policy: each is read, and the forge is asked who made it. */
export const CHANGE_COMMITS_MAX = 250

/** Files that one change of the policy touches; with more nobody can look at all of them. */
export const CHANGE_FILES_MAX = 20_000

/** Reviews of one head that a policy repository without a forge keeps: their file names have four digits. */
export const CHANGE_REVIEWS_MAX = 9_999

/** One delivery of a webhook: GitHub's are some 30 KB, and may be 25 MB; those of pull requests never come near. */
export const WEBHOOK_BYTES_MAX = 1024 * 1024

/** Deliveries that are known again, and for how long: a forge offers to send one again for some days. */
export const WEBHOOK_DELIVERIES_MAX = 10_000
export const WEBHOOK_DELIVERY_MS = 3 * 24 * 60 * 60 * 1000

/** One line of an export: a receipt of 64 KB with its escapes, its proof, and what opens the fields that are shown. */
export const EXPORT_LINE_BYTES_MAX = 16 * 1024 * 1024

/** Receipts in one HTML report, which a browser opens as a whole. */
export const EXPORT_HTML_RECEIPTS_MAX = 10_000

/** An HTML report that is verified, in bytes: it is read as a whole. */
export const EXPORT_HTML_BYTES_MAX = 256 * 1024 * 1024

/** Fields that one export shows. */
export const EXPORT_SHOWN_MAX = 32

/** What one look at a published log as a whole may fetch, in bytes, and how long it may take. */
export const PUBLISHED_LOG_BYTES_MAX = 1024 * 1024 * 1024
export const PUBLISHED_LOG_MS_MAX = 10 * 60 * 1000

/** A receipt with some of its fields: 64 KB of receipt, its proof, and disclosures, each with its pointer. */
export const DISCLOSED_BYTES_MAX = 64 * 1024 * 1024

/** Its own levels, and those of what remains of a report. */
export const DISCLOSED_DEPTH_MAX = 8

/** Why something is erased, and who erases it, in UTF-16 code units. */
export const ERASURE_REASON_LENGTH_MAX = 512
export const ERASURE_BY_LENGTH_MAX = 128

/** How short clear values may be kept, in milliseconds. */
export const RETENTION_MS_MIN = 60 * 60 * 1000

/** Decisions, and tokens, that one round of a retention erases: its transaction holds the store's lock. */
export const RETENTION_ROUND_MAX = 5_000

/** How often a running engine looks for what was kept long enough, in milliseconds. */
export const RETENTION_EVERY_MS = 60 * 60 * 1000

/** How often a checkpoint may be attested, in milliseconds. */
export const ATTEST_EVERY_MS_MIN = 1_000
export const ATTEST_EVERY_MS_MAX = 24 * 60 * 60 * 1000

/** Attestations under way at once: a Rekor answers once its next checkpoint is out, however many wait for it. */
export const ATTEST_PARALLEL_MAX = 8

/** Between two tries while attestations fail, in milliseconds; it doubles from the one to the other. */
export const ATTEST_PAUSE_MS_MIN = 1_000
export const ATTEST_PAUSE_MS_MAX = 5 * 60 * 1000

/** How far the time that a gate's verdict states may lie from the time that others vouch for, in milliseconds. */
export const ATTEST_SKEW_MS = 10 * 60 * 1000

/** A gate's verdict, in bytes. */
export const GATE_VERDICT_BYTES_MAX = 16 * 1024 * 1024

/** Longest file of evidence, of a prompt or of a tool manifest that the release gate reads, in bytes. */
export const EVIDENCE_BYTES_MAX = 32 * 1024 * 1024

/** Deepest nesting of evidence, as JSON or XML. */
export const EVIDENCE_DEPTH_MAX = 64

/** Most tests, samples or XML elements of one file of evidence. */
export const EVIDENCE_ITEMS_MAX = 500_000

/** How long a proof of a decision may hold, in milliseconds; whole seconds, as RFC 7519 counts. */
export const DECISION_PROOF_LIFETIME_MS_MAX = 30 * 24 * 60 * 60 * 1000

/** Such a proof in its compact form, in UTF-16 code units: an audience may be shown some fields. */
export const DECISION_PROOF_LENGTH_MAX = 64 * 1024

/** Fields that one proof may show. */
export const DECISION_PROOF_SHOWN_MAX = 32

/** Steps of one delivery; `schemas/custody-step.schema.json` says so too. The last ones are kept for how it ends. */
export const CUSTODY_STEPS_MAX = 256
export const CUSTODY_STEPS_KEPT = 64

/** What one delivery may hold in escrow. */
export const ESCROW_HELD_MAX = 16

/** How soon, and how late, people are asked about what is held, in milliseconds. */
export const ESCROW_DEADLINE_MS_MIN = 1000
export const ESCROW_DEADLINE_MS_MAX = 90 * 24 * 60 * 60 * 1000
export const ESCROW_DEADLINE_MS_DEFAULT = 24 * 60 * 60 * 1000

/** One mandate as JSON, in UTF-16 code units, and how many of them one delivery carries. */
export const MANDATE_LENGTH_MAX = 64 * 1024
export const MANDATES_MAX = 8

/** Commits of a base branch that are searched for an earlier policy, newest first. */
export const ROLLBACK_COMMITS_MAX = 10_000

/** Policies that are compiled in such a search; each takes up to seconds. */
export const ROLLBACK_POLICIES_MAX = 200
