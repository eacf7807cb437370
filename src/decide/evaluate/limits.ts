/** Enforced findings of one evaluation. More of them deny with FINDINGS_TOO_MANY; a receipt must hold them all. */
export const FINDINGS_MAX = 128

/** Shadow findings of one evaluation. The rest is left out, which a finding says. */
export const SHADOW_FINDINGS_MAX = 128

/** UTF-16 code units of a finding's message (`schemas/verdict.schema.json`). */
export const MESSAGE_LENGTH_MAX = 2048

/** Values of one field that an explanation shows. */
export const EXPLAINED_VALUES_MAX = 16

/** Places that one finding's evidence names. */
export const EVIDENCE_PLACES_MAX = 16

/** UTF-16 code units of one JSON pointer in evidence: a caller chooses its keys. */
export const EVIDENCE_POINTER_LENGTH_MAX = 256

/** Selections remembered, so that a repeated call is not looked up again. */
export const MEMO_ENTRIES_MAX = 4096

/** Rules and packages over all remembered selections: eight bytes each. */
export const MEMO_RULES_MAX = 1_000_000

/** Names that a suggestion is chosen from: edit distance is quadratic. */
export const NEAREST_CANDIDATES_MAX = 256

/** State keys of names, remembered for each HMAC key. */
export const DIGEST_MEMO_MAX = 4096

/** Attempts that a velocity rule may keep: the schema's bound on `limit`. */
export const VELOCITY_LIMIT_MAX = 1000

/** Calls that a loop rule may keep: the schema's bounds on `repeats` times `period_max`. */
export const LOOP_CALLS_MAX = 250

/** Attempts that a semantic loop is compared with: some 11 KB of state. */
export const SIMILAR_ATTEMPTS_MAX = 32

/** How long a session's behaviour is remembered after its last call, in milliseconds. */
export const SESSION_MEMORY_MS = 24 * 60 * 60 * 1000

/** Entropy of the next action, in bits: no agent has 2^64 actions. */
export const ENTROPY_BITS_MAX = 64

/** A loop forgets its calls after this many quiet milliseconds: the same call a day later is a schedule, no loop. */
export const LOOP_MEMORY_MS = 24 * 60 * 60 * 1000

/** Slices of a counter's window: attempts within one slice leave the window together, at the last one's time. */
export const COUNTER_SLICES = 256

/** Slices of a cost rule's window: amounts within one slice leave the window together, at the last one's time. */
export const COST_SLICES = 64

/** Slices that a cost rule's state may hold: twice as many, since its window may have been another before. */
export const COST_SLICES_MAX = 2 * COST_SLICES + 2

/** Amounts that one action may list for one cost rule. */
export const COST_VALUES_MAX = 10_000

/** A session's cost is forgotten after this many quiet milliseconds. */
export const COST_SESSION_MEMORY_MS = 30 * 24 * 60 * 60 * 1000

/** Earlier actions of an agent that a Rego package sees in `input.state.recent`. */
export const RECENT_ACTIONS_MAX = 20

/** Earlier actions are forgotten after this many quiet milliseconds. */
export const RECENT_MEMORY_MS = 30 * 24 * 60 * 60 * 1000

/** Work that one value's check against a schema may take, in units of the interpreter; a node takes eight or more. */
export const SCHEMA_WORK_MAX = 10_000_000

/** Files and addresses that one media rule looks at; more are a finding. */
export const MEDIA_MAX = 256

/** Bits of packed data that one media rule counts through, files within files included: eight mebibytes, some 0.5 s. */
export const MEDIA_PACKED_BITS_MAX = 67_108_864

/** Objects in one Rego set. */
export const REGO_RESULTS_MAX = 1024

/** Fields that one finding may ask to redact. */
export const REDACT_PATHS_MAX = 64

/** Pieces of data that a rule may wait for before it finds them: the schemas' bound on `min`. */
export const CONTENT_MIN_MAX = 1000

/** Secrets in one action that a credential rule counts; the engine refuses a call that names more. */
export const SECRETS_COUNTED_MAX = 16

/** The last instant of an ECMAScript date, in Unix milliseconds; the largest `now`. */
export const TIME_MS_MAX = 8_640_000_000_000_000
