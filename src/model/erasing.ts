/** Which clear values go. Times are Unix milliseconds. */
export type ErasureTarget =
  /** What is sealed under one subject's key; with `before`, only what is older. */
  | { readonly scope: 'subject'; readonly subject: string; readonly before?: number }
  /** One decision, with what was written of the same action: how its request ended, and its execution. */
  | { readonly scope: 'decision'; readonly decision: string }
  /** What was kept long enough: null for what is kept for good. */
  | {
      readonly scope: 'retention'
      readonly inputsBefore: number | null
      readonly tokensBefore: number | null
    }

/** What an erasure takes, or would take. */
export type Erasable = {
  /** Receipts that lose their inputs. */
  readonly decisions: number
  /** The highest of their log indices; null where there is none. */
  readonly through: number | null
  /** Clear values of tokens. */
  readonly tokens: number
  /** Whether the subject, erased as a whole, has a key: of one without inputs it is shredded all the same. */
  readonly keyed: boolean
}

/** What a transaction can do about erasing. */
export interface ErasingTransaction {
  /**
   * What is under way and needs what would go: requests that wait for people, and deliveries that hold it in escrow; oldest
   * first. A retention leaves those alone.
   */
  waitingFor(target: ErasureTarget): Promise<readonly string[]>
  /** What there is to erase; of a retention at most RETENTION_ROUND_MAX decisions, the oldest first, and as many tokens. */
  erasable(target: ErasureTarget): Promise<Erasable>
  /**
   * Deletes what {@link erasable} counts, shreds keys under which nothing is sealed any more, and takes the values that
   * routes had shown out of what is kept of the requests.
   *
   * @param erasure - log index of the receipt that says so
   * @param rewrite - whether `scrub` is to write the whole file anew: then nothing is left between its records either
   */
  erase(target: ErasureTarget, erasure: number, rewrite: boolean): Promise<void>
}

/** What a store can tell and do about erasing. */
export interface ErasingStore {
  /** Log index of the receipt of the erasure that took the inputs of a receipt; null where none did. */
  erasedBy(index: number): Promise<number | null>
  /**
   * Ends what erasures have begun: overwrites what was deleted in the store's files. Does nothing when nothing is left to do.
   *
   * @returns whether there was something
   * @throws {PolicyError} STORE_FAILED (retryable) when other processes do not let go of the store
   */
  scrub(): Promise<boolean>
}
