import type { ErrorCode } from '../base/errors.ts'

/** One thing that keeps a log from being believed, and the file that is at fault. */
export type LogProblem = {
  readonly code: ErrorCode
  /** Path below the log's folder; `since` for the earlier checkpoint. */
  readonly file: string
  readonly message: string
}

/** That a witness signed a checkpoint. */
export type Witnessed = {
  /** The name of its key. */
  readonly witness: string
  /** When, by its own clock: RFC 3339, UTC. */
  readonly at: string
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
  /** Listed witnesses that signed the checkpoint; empty when the log is refused. */
  readonly witnesses: readonly Witnessed[]
  /** How many receipts say what: by decision, and `genesis`. Empty when the log is refused before they are read. */
  readonly receipts: Readonly<Record<string, number>>
  /** What the check has shown, and what it cannot show; both empty of claims when the log is refused. */
  readonly proven: readonly string[]
  readonly not_proven: readonly string[]
  /** At most PROBLEMS_MAX. */
  readonly problems: readonly LogProblem[]
}

/** What the check of one receipt with its proof found; see `receipts verify FILE`. */
export type ReceiptReport = {
  readonly status: 'verified' | 'refused'
  /** As it was named. */
  readonly file: string
  readonly origin: string | null
  /** Its place in the log, and the size of the log whose checkpoint covers it. */
  readonly index: number | null
  readonly size: number | null
  /** What it says, as in `receipts ls`. */
  readonly receipt: ReceiptRow | null
  readonly witnesses: readonly Witnessed[]
  readonly proven: readonly string[]
  readonly not_proven: readonly string[]
  readonly problems: readonly LogProblem[]
}

/** What `log publish` did. */
export type PublishReport = {
  readonly origin: string
  readonly size: number
  /** How many receipts were published before; null when none were. */
  readonly before: number | null
  /** Tiles written, and superseded ones removed. */
  readonly written: number
  readonly removed: number
  /** Attestations that were added; absent when none were. */
  readonly attestations?: number
}

/** One look at a published log; see `log monitor`. */
export type MonitorReport = {
  readonly status: 'consistent' | 'alarm'
  readonly origin: string | null
  readonly size: number | null
  /** How many receipts it had at the last look; null at the first. */
  readonly before: number | null
  readonly witnesses: readonly Witnessed[]
  readonly problems: readonly LogProblem[]
  /** With an alarm: the signed checkpoints that contradict each other, or the one that was not kept to. Keep them. */
  readonly evidence: readonly string[]
}

/** One line of `receipts ls`. */
export type ReceiptRow = {
  readonly index: number
  readonly id: string
  readonly stage: 'genesis' | 'verdict' | 'resolution' | 'execution' | 'erasure' | 'custody'
  /** The verdict, how a request ended, or what became of a grant: `redeemed`, `reported`. */
  readonly decision: string
  readonly issued_at: string
  readonly agent: string
  readonly tool: string
  readonly request: string | null
  /** Log index of the receipt whose call it takes back; only of a rollback. */
  readonly undoes?: number
}
