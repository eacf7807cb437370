import type { Digest } from '../base/digest.ts'
import type { JsonObject } from '../base/json-value.ts'
import type { SecretProviderName } from '../base/secret-reference.ts'
import type { GrantClaims, Request, ReviewStatement } from './generated/types.ts'
import type { Resolution, StateSlice } from './nouns.ts'

export type { RegoCompiler } from './rego.ts'

/** Wall time in Unix milliseconds. Called once an event, in a shell or the engine, never in an inner room. */
export type Clock = () => number

/** Cryptographically strong random bytes. */
export type Entropy = (bytes: number) => Uint8Array

/** Gives way between two looks at the forge, in milliseconds. */
export type Sleep = (ms: number, signal?: AbortSignal) => Promise<void>

/** Signs a log's checkpoints. `verifierKey` is the signed-note form `name+hash+key` (C2SP signed-note). */
export interface LogSigner {
  readonly origin: string
  readonly verifierKey: string
  /** @returns an Ed25519 signature, 64 bytes */
  sign(message: Uint8Array): Uint8Array
}

/** The SSHSIG namespace of reviews: a key's signature for another purpose is none here. */
export const REVIEW_NAMESPACE = 'countersign-review'

/** The SSHSIG namespace of bundles. */
export const BUNDLE_NAMESPACE = 'countersign-bundle'

/** Signs with a person's SSH key. */
export interface ReviewSigner {
  /** `SHA256:…` as `ssh-keygen -lf` prints it. */
  readonly fingerprint: string
  /** @returns SSHSIG armour. @param namespace - what for. Default: a review */
  sign(statement: Uint8Array, namespace?: string): Promise<string>
}

// Grants.

/** The `typ` of a grant's header: a token of another kind is none here. */
export const GRANT_TYPE = 'countersign-grant+jwt'

/** A public Ed25519 key as a JWK (RFC 8037); its id is its thumbprint (RFC 7638). */
export type Jwk = {
  readonly kty: 'OKP'
  readonly crv: 'Ed25519'
  readonly x: string
  readonly kid: string
  readonly alg?: 'EdDSA'
  readonly use?: 'sig'
}

/** A JWKS document (RFC 7517). */
export type Jwks = { readonly keys: readonly Jwk[] }

/** Signs grants. */
export interface GrantSigner {
  readonly kid: string
  readonly jwks: Jwks
  /** @returns a JWS in the compact form; the same claims give the same text */
  sign(claims: GrantClaims): Promise<string>
}

/** Remembers which grants were used, on the side of the tool. */
export interface GrantLedger {
  /**
   * Uses a grant up. Remembers it until a moment when it has ended for everybody, in Unix milliseconds.
   *
   * @returns false when it was used before, or that cannot be told
   */
  use(id: string, until: number, now: number): boolean
}

/**
 * Gives the values of secrets that payloads name by reference. A value is for one call and is stored nowhere; no error
 * holds one.
 */
export interface SecretProvider {
  /**
   * @param name - what follows the provider in a reference: a variable, a path, or a path and a field
   * @returns the value, a well-formed text that is not empty
   * @throws {PolicyError} SECRET_UNAVAILABLE (retryable) when it could not be asked; SECRET_MISSING when it has no such
   */
  read(name: string): Promise<string>
}

/** Providers by the name that stands in references; null for one that is not set up. */
export type SecretProviders = Readonly<Record<SecretProviderName, SecretProvider | null>>

// The store.

/** The one grant of a decision. */
export type GrantRecord = {
  readonly id: string
  readonly decision: string
  /** The request that people approved, when there was one. */
  readonly request: string | null
  readonly audience: string
  /** What remains of the call after its payload became commitments; the grant's root is its digest. */
  readonly call: JsonObject
  /** Unix milliseconds, whole seconds. */
  readonly issuedAt: number
  readonly expiresAt: number
  /** Log index of its redemption's receipt; null while it is unused. */
  readonly redeemedAt: number | null
  /** Log index of the receipt that says what came of it: the redemption's own, or a later one's. */
  readonly reportedAt: number | null
}

export type RequestRecord = {
  readonly request: Request
  /** Log index of the receipt that held the action. */
  readonly heldAt: number
  /** The pull request, once the forge has opened it. */
  readonly pull: number | null
  /** How it ended; null while it waits. */
  readonly resolution: ResolutionRecord | null
  /** Whether the forge has been told how it ended. */
  readonly published: boolean
}

export type ResolutionRecord = {
  readonly decision: Resolution
  readonly reason: string
  readonly resolvedAt: number
  /** The request that took its place: a patch that needs another route is asked anew. */
  readonly next: string | null
  /** Reviewers whose reviews ended it, sorted. */
  readonly by: readonly string[]
  /** The decision that holds what runs: the action as people left it. */
  readonly record: string
  /** Log index of the receipt that says so. */
  readonly receiptIndex: number
}

/** What a decision needs besides its receipt; encrypted, since it holds clear values. */
export type SealedInputs = {
  /** Names the key that shredding deletes. */
  readonly subject: string
  readonly ciphertext: Uint8Array
}

/** The clear value of a token, encrypted under the data key of the subject that it was made for. */
export type SealedToken = SealedInputs & { readonly project: string; readonly token: string }

export type NewDecision = {
  readonly id: string
  readonly at: number
  readonly agent: string
  readonly root: Digest
  /** The receipt's exact bytes, which become the log entry. */
  readonly receipt: Uint8Array
  readonly inputs: SealedInputs
}

export type StoredDecision = NewDecision & { readonly index: number }

/** One idempotency key's first use: the keyed digest of the action it came with, and the decision it got. */
export type IdempotencyRecord = { readonly actionDigest: string; readonly decision: string }

/**
 * One serialised, all-or-nothing unit of work. Nothing of it is seen by others, or survives a crash, unless the
 * whole commits.
 */
export interface StoreTransaction {
  /** A unit within the unit: when it throws, its own writes are undone and the rest stays. */
  nested<T>(work: () => Promise<T>): Promise<T>
  /** The AES-256 data key of a subject; made on first use. */
  subjectKey(subject: string): Promise<Uint8Array>
  readState(keys: readonly string[]): Promise<StateSlice>
  writeState(entries: StateSlice): Promise<void>
  /** Drops some state that may be forgotten before this time (Unix milliseconds). */
  forgetState(before: number): Promise<void>
  /** Appends the receipt to the log. @returns its index */
  appendDecision(decision: NewDecision): Promise<number>
  decision(id: string): Promise<StoredDecision | null>
  idempotency(key: string): Promise<IdempotencyRecord | null>
  /** Records a key, or the later decision of one that is known. */
  putIdempotency(key: string, record: IdempotencyRecord): Promise<void>
  putRequest(request: Request, heldAt: number): Promise<void>
  /** How many requests of this agent wait for people. */
  waitingRequests(agent: string): Promise<number>
  request(id: string): Promise<RequestRecord | null>
  requestOfDecision(decision: string): Promise<RequestRecord | null>
  setPull(id: string, pull: number): Promise<void>
  /** Consumes the request's nonce. @returns false when the request has been resolved before */
  resolve(id: string, resolution: ResolutionRecord): Promise<boolean>
  setPublished(id: string): Promise<void>
  /** Keeps the value of a token for one subject; one that is kept already is sealed anew. */
  putToken(token: SealedToken): Promise<void>
  /** What is kept of a token, for each subject that it was made for, in order of their names. */
  tokens(project: string, token: string): Promise<readonly SealedToken[]>
  putGrant(grant: Omit<GrantRecord, 'redeemedAt' | 'reportedAt'>): Promise<void>
  grant(id: string): Promise<GrantRecord | null>
  grantOfDecision(decision: string): Promise<GrantRecord | null>
  /** Uses a grant up. @returns false when it was redeemed before */
  redeemGrant(id: string, index: number): Promise<boolean>
  /** @returns false when it was not redeemed, or was reported on before */
  reportGrant(id: string, index: number): Promise<boolean>
}

export type RequestFilter = { readonly state?: 'waiting' | 'resolved' | 'unpublished' | 'all' }

/**
 * Where state, requests and receipts live. `transact` runs units one after another, over processes too, and resolves
 * when the unit is durable; a unit that throws leaves nothing behind.
 */
export interface Store {
  transact<T>(work: (tx: StoreTransaction) => Promise<T>): Promise<T>
  requests(filter: RequestFilter): Promise<readonly RequestRecord[]>
  request(id: string): Promise<RequestRecord | null>
  decision(id: string): Promise<StoredDecision | null>
  grantOfDecision(decision: string): Promise<GrantRecord | null>
  /** What is kept of a token, for each subject that it was made for, in order of their names. */
  tokens(project: string, token: string): Promise<readonly SealedToken[]>
  /** Receipts in log order from `from`, at most `limit`. */
  receipts(from: number, limit: number): Promise<readonly Uint8Array[]>
  size(): Promise<number>
  /** The AES-256 data key of a subject; null once shredded, or when there never was one. */
  subjectKey(subject: string): Promise<Uint8Array | null>
  /** Runs `work` while no other process publishes the log. */
  exclusively<T>(work: () => Promise<T>): Promise<T>
  close(): Promise<void>
}

// The forge.

export type ForgeIdentity = {
  readonly kind: string
  readonly host: string
  /** The forge's own id of the repository, which a rename does not change. */
  readonly repository: string
}

export type PullText = { readonly title: string; readonly body: string }

export type Pull = {
  readonly number: number
  readonly state: 'open' | 'merged' | 'closed'
  readonly baseRef: string
  readonly baseSha: string
  readonly headSha: string
  /** The forge's id of the account that opened it, never a login. */
  readonly author: string
  /** Accounts that pushed to its branch, by id, as far as the forge says so. Default: the author alone. */
  readonly pushers?: readonly string[]
  /** `request.json` at the head. */
  readonly requestText: string
}

/**
 * Who posted a review: a person's account, a bot or an App, an account that was deleted since (GitHub's null user), or
 * nobody that the forge could know, since it has no accounts.
 */
export type PosterKind = 'person' | 'bot' | 'gone' | 'none'

export type ForgeReview = {
  /** Unique within the pull request. */
  readonly id: string
  /** The commit that the review was made on. */
  readonly commit: string
  /** The forge's own id of the account that posted it, as text; never a login. Null when there is no account. */
  readonly poster: string | null
  readonly posterKind: PosterKind
  readonly state: 'approved' | 'rejected' | 'commented' | 'dismissed'
  /** Markdown; carries the statement and its signature. */
  readonly body: string
  readonly submittedAt: number
}

export type PullClosing = {
  readonly decision: Resolution
  readonly reason: string
  readonly by: readonly string[]
  /** The resolution's receipt, put beside the request so that the repository alone tells the story. */
  readonly receipt: Uint8Array
}

/** Where people review requests. Every call may fail with FORGE_UNREACHABLE (retryable). */
export interface Forge {
  identity(): Promise<ForgeIdentity>
  /** Opens the pull request of a request. Calling it again with the same request id gives the same number. */
  open(request: Request, text: PullText): Promise<number>
  pull(number: number): Promise<Pull>
  /** All reviews of all pages, oldest first, each once. Throws rather than leave some out. */
  reviews(number: number): Promise<readonly ForgeReview[]>
  postReview(
    number: number,
    review: {
      readonly statement: ReviewStatement
      readonly body: string
      readonly submittedAt: number
    },
  ): Promise<void>
  /** Whether `ancestor` is reachable from the base branch. */
  onBase(ancestor: string): Promise<boolean>
  /**
   * Ends the pull request: approvals merge, rejections and expiries close it, and both commit the outcome to the base
   * branch. Refuses with FORGE_CONFLICT when the head is no longer `headSha`. Calling it again changes nothing.
   */
  settle(number: number, headSha: string, closing: PullClosing): Promise<void>
  /** Where a person finds it: a URL, or a path and ref. */
  where(number: number): string
}
