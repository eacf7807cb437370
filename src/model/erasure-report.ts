/** What `receipts erase` did, or would do. */
export type ErasureReport = {
  readonly status: 'erased' | 'would-erase'
  readonly scope: 'subject' | 'decision' | 'retention'
  /** The subject's pseudonym, as its receipt has it. */
  readonly subject?: string
  readonly decision?: string
  /** Receipts that lost their inputs, and the highest of their log indices. */
  readonly decisions: number
  readonly through: number | null
  /** Clear values of tokens. */
  readonly tokens: number
  /** Requests and deliveries that stand in the way. */
  readonly waiting: readonly string[]
  /** The receipt that says so. */
  readonly receipt?: { readonly id: string; readonly index: number }
}

/** What `receipts retain` did, or would do first. */
export type RetentionReport = {
  readonly status: 'erased' | 'would-erase'
  /** What is older goes, in RFC 3339; null for what is kept for good. */
  readonly inputs_before: string | null
  readonly tokens_before: string | null
  /** One a receipt; of a dry run, the first. */
  readonly rounds: readonly {
    readonly decisions: number
    readonly through: number | null
    readonly tokens: number
    readonly receipt: { readonly id: string; readonly index: number } | null
  }[]
}
