import type { CompiledChanges, Place } from './generated/types.ts'

/** What a change may weaken: `changes.weaker` names a route for each. */
export type WeakerKind = keyof CompiledChanges['weaker']

/** One way in which a change may weaken the policy, or what guards it. */
export type Weakening = {
  readonly kind: WeakerKind
  /** `rule`, `route`, `person`, `test`, `guard`, ... */
  readonly part: string
  readonly id: string
  readonly direction: 'weaker' | 'unclear'
  /** `limit: 5 -> 50`. */
  readonly message: string
  /** The route that it needs. */
  readonly route: string
  /** Where it stands, after the change or, of what was taken away, before it. */
  readonly place: Place | null
}

/** One file that differs between the base branch and what merging would make of it. */
export type ChangedFile = {
  /** From the repository's top. */
  readonly path: string
  readonly change: 'added' | 'removed' | 'changed'
  /** `policy`: a file that is compiled. `guard`: what says who reviews, or what runs. */
  readonly role: 'policy' | 'guard' | 'other'
}

/** A route that a change needs, and how far it is. */
export type NeededRoute = {
  readonly id: string
  readonly quorum: number
  /** People who may review for it, sorted. */
  readonly reviewers: readonly string[]
  readonly signature: string
  /** How many people it still needs. */
  readonly missing: number
}

/** A review that counts. */
export type CountedReview = {
  readonly reviewer: string
  readonly verdict: 'approve' | 'reject'
  readonly routes: readonly string[]
  readonly assurance: string
  readonly comment?: string
}

/** Why something does not count. */
export type ChangeProblem = {
  readonly code: string
  readonly message: string
  /** The review or the commit that it is about. */
  readonly about?: string
  readonly place?: Place
}

/** What the gate says of one change of the policy. */
export type ChangeReport = {
  readonly verdict: 'open' | 'closed'
  /** In one sentence. */
  readonly reason: string
  readonly pull: {
    readonly number: number
    readonly baseRef: string
    /** The tip of the base branch, whose policy judged. */
    readonly tip: string
    /** Where the change left the base branch: the base that reviews are bound to. */
    readonly baseSha: string
    readonly headSha: string
  }
  /** Digests of the policy on the base branch, and of what merging would make of it; null when that does not compile. */
  readonly policy: { readonly before: string; readonly after: string | null }
  /** What reviewers sign; null when nobody is needed, or nothing can be signed for. */
  readonly request: {
    readonly id: string
    readonly root: string
    readonly expiresAt: string
  } | null
  readonly files: readonly ChangedFile[]
  readonly weakenings: readonly Weakening[]
  readonly routes: readonly NeededRoute[]
  readonly reviews: readonly CountedReview[]
  /** Reviews that claim to count and do not stand: while there is one, the gate stays closed. */
  readonly refused: readonly ChangeProblem[]
  /** Reviews that take no part, and why. */
  readonly ignored: readonly ChangeProblem[]
  readonly commits: {
    readonly required: CompiledChanges['signed_commits']
    readonly count: number
    /** People whose keys signed commits, sorted: they do not review. */
    readonly signers: readonly string[]
  }
  /** What closes the gate besides reviews: a policy that does not compile, a conflict, a commit's signature. */
  readonly problems: readonly ChangeProblem[]
}
