import type { JsonObject } from '../base/json-value.ts'
import type { RequestRecord } from './ports.ts'

/** A request that waits for people, as a list of them shows it. */
export type WaitingRequest = {
  readonly found: RequestRecord
  /** Where people find it on the forge; null before it is there. */
  readonly where: string | null
  /** How many reviews each route still needs; null while nobody has looked. */
  readonly missing: readonly { readonly route: string; readonly need: number }[] | null
  /** What else keeps it from ending, in words; empty when nothing does. */
  readonly obstacle: string
}

export type ClearFields = { readonly payload: JsonObject; readonly context: JsonObject }

/** A request that somebody has opened. */
export type OpenedRequest = {
  readonly found: RequestRecord
  readonly where: string | null
  /** Only for a person on one of its routes, and checked against the digest. */
  readonly clear: ClearFields | null
  /** Why the fields are not clear. */
  readonly masked: string
  /** The requests of a batch, in the order of asking, instead of fields of its own; empty for one that stands alone. */
  readonly members: readonly { readonly found: RequestRecord; readonly clear: ClearFields | null }[]
  /** Reviews that count so far. */
  readonly reviews: readonly {
    readonly reviewer: string
    readonly verdict: 'approve' | 'reject' | 'patch'
    readonly comment?: string
  }[]
}

/** What a person is about to sign. */
export type IntendedReview =
  | { readonly verdict: 'approve' | 'reject'; readonly comment?: string }
  /** Lets it run in an emergency; the comment says why. */
  | { readonly verdict: 'approve'; readonly comment: string; readonly breakGlass: true }
  | { readonly verdict: 'patch'; readonly payload: JsonObject; readonly comment?: string }

/** Who looks into the inbox. */
export type InboxReviewer = {
  /** Id on the roster. */
  readonly person: string
  /** A key's fingerprint, or an identity. */
  readonly proof: string
}
