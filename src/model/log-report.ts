import type { ErrorCode } from '../base/errors.ts'

/** One thing that keeps a log from being believed, and the file that is at fault. */
export type LogProblem = {
  readonly code: ErrorCode
  /** Path below the log's folder; `since` for the earlier checkpoint. */
  readonly file: string
  readonly message: string
}

/** What the check of a log found; see `verifyLog`. */
export type LogReport = {
  /** `verified` only when a trust file pins the key that signed. */
  readonly status: 'verified' | 'self-consistent; key not pinned' | 'refused'
  /** As the checkpoint has them; null when there is none that could be read. */
  readonly origin: string | null
  readonly size: number | null
  /** Base64, as in the checkpoint. */
  readonly root: string | null
  /** How many receipts say what: by decision, and `genesis`. Empty when the log is refused before they are read. */
  readonly receipts: Readonly<Record<string, number>>
  /** What the check has shown, and what it cannot show; both empty of claims when the log is refused. */
  readonly proven: readonly string[]
  readonly not_proven: readonly string[]
  /** At most PROBLEMS_MAX. */
  readonly problems: readonly LogProblem[]
}

/** One line of `receipts ls`. */
export type ReceiptRow = {
  readonly index: number
  readonly id: string
  readonly stage: 'genesis' | 'verdict' | 'resolution' | 'execution'
  /** The verdict, how a request ended, or what became of a grant: `redeemed`, `reported`. */
  readonly decision: string
  readonly issued_at: string
  readonly agent: string
  readonly tool: string
  readonly request: string | null
}
