/** What `disk-child.ts` is told: its only argument, as JSON. */
export type DiskOrders = {
  /** Where it mounts its file system. */
  readonly folder: string
  /** A built bundle, elsewhere. */
  readonly bundle: string
  readonly how: 'full' | 'read-only'
}

/** What it saw. */
export type DiskReport = {
  /** Decisions before the disk broke. */
  acknowledged: number
  /** Failures after it was mended: none. */
  after: number
  /** Codes of what failed. */
  codes: string[]
  /** Decisions that were made once the disk took nothing any more. */
  allowedWhileBroken: number
  /** Log indexes that were acknowledged and are not in the log. */
  lost: number[]
  /** What verifying the log said while the disk was broken, and at the end. */
  lying: string
  end: string
  /** Receipts that could be read from the read-only disk. */
  listed: number
}
