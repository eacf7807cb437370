import type { SigstoreIdentity } from '../base/certificate-identity.ts'
import type { Digest } from '../base/digest.ts'
import type { JsonObject } from '../base/json-value.ts'
import type { SecretProviderName } from '../base/secret-reference.ts'
import type { CustodyReadings, CustodyTransaction } from './custody.ts'
import type { ErasingStore, ErasingTransaction } from './erasing.ts'
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
  readonly kind: 'ssh'
  /** `SHA256:…` as `ssh-keygen -lf` prints it. */
  readonly fingerprint: string
  /** @returns SSHSIG armour. @param namespace - what for. Default: a review */
  sign(statement: Uint8Array, namespace?: string): Promise<string>
}

/** Signs with a key that lives for minutes and belongs to an OpenID Connect identity: Sigstore. */
export interface KeylessSigner {
  readonly kind: 'sigstore'
  /** Whom the certificate names. */
  identity(): Promise<SigstoreIdentity>
  /**
   * @param payloadType - of the DSSE envelope. Default: that of in-toto statements
   * @returns a Sigstore bundle v0.3 as RFC 8785 JSON
   */
  sign(payload: Uint8Array, payloadType?: string): Promise<string>
}

/** Signs reviews, with whatever a person has. */
export type AnySigner = ReviewSigner | KeylessSigner

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
  /** The batch that people review it in; its pull request is this one's too. Absent of one that stands alone. */
  readonly batch?: string
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
  /** Log index of the receipt that says so; of a batch, of its last request's. */
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
export interface StoreTransaction extends ErasingTransaction {
  readonly custody: CustodyTransaction
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
  /**
   * Puts the members of a batch into it, each of them a request that waits and has no pull request.
   *
   * @returns false, and changes nothing, when one of them is another or stands in a batch or alone for good
   */
  putBatch(batch: Request, heldAt: number): Promise<boolean>
  /** Settles that a request stands in no batch. @returns false when it does */
  setAlone(id: string): Promise<boolean>
  /** The requests of a batch, in the order of asking. */
  members(batch: string): Promise<readonly RequestRecord[]>
  /** How many requests of this agent wait for people. */
  waitingRequests(agent: string): Promise<number>
  request(id: string): Promise<RequestRecord | null>
  requestOfDecision(decision: string): Promise<RequestRecord | null>
  /** @returns false when it had a pull request before */
  setPull(id: string, pull: number): Promise<boolean>
  /** Remembers what a look at the forge has seen. */
  setLook(id: string, look: RequestLook): Promise<void>
  /** Remembers that people were told something. @returns false when they were told before */
  putNotice(id: string, key: string): Promise<boolean>
  /** Consumes the request's nonce. @returns false when the request has been resolved before */
  resolve(id: string, resolution: ResolutionRecord): Promise<boolean>
  setPublished(id: string): Promise<void>
  /** Keeps the value of a token for one subject, as of now (Unix milliseconds); one that is kept already is sealed anew. */
  putToken(token: SealedToken, now: number): Promise<void>
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

/** What the engine saw when it looked at a request on the forge. */
export type RequestLook = {
  /** The pull request's mark before the look; null where the forge gave none. */
  readonly mark: string | null
  /** When, in Unix milliseconds. */
  readonly at: number
  /** When time itself has something to do with it next, in Unix milliseconds. */
  readonly due: number
}

/** A request that is not finished: it waits, or the forge has not been told how it ended. */
export type UnfinishedRequest = {
  readonly id: string
  readonly pull: number | null
  readonly ended: boolean
  /** The batch that it is reviewed in, which is listed too; null of one that stands alone. */
  readonly batch: string | null
  /** The last look; null before the first. */
  readonly look: RequestLook | null
}

export type RequestFilter = { readonly state?: 'waiting' | 'resolved' | 'unpublished' | 'all' }

/**
 * Where state, requests and receipts live. `transact` runs units one after another, over processes too, and resolves
 * when the unit is durable; a unit that throws leaves nothing behind.
 */
export interface Store extends ErasingStore {
  readonly custody: CustodyReadings
  transact<T>(work: (tx: StoreTransaction) => Promise<T>): Promise<T>
  requests(filter: RequestFilter): Promise<readonly RequestRecord[]>
  request(id: string): Promise<RequestRecord | null>
  /** In the order in which they were asked. */
  unfinished(): Promise<readonly UnfinishedRequest[]>
  requestOfPull(pull: number): Promise<RequestRecord | null>
  /** The requests of a batch, in the order of asking. */
  members(batch: string): Promise<readonly RequestRecord[]>
  /** Requests that wait, have no pull request, and may still be put into a batch; in the order of asking. */
  ungathered(): Promise<readonly RequestRecord[]>
  /** The last look at a request that is not finished. */
  look(id: string): Promise<RequestLook | null>
  /** Keys of what people were told about a request. */
  notices(id: string): Promise<readonly string[]>
  /** Requests of this agent that ask for a review of what somebody let run by breaking the glass. */
  ratifications(agent: string): Promise<readonly RequestRecord[]>
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

export type PullOpening = PullText & {
  /** Accounts to ask for a review, by the forge's ids, sorted. Whom the forge cannot ask is left out. */
  readonly reviewers: readonly string[]
}

/** One request's open pull request, as a list shows it. */
export type OpenPull = {
  readonly number: number
  /** The request's id. */
  readonly request: string
  /** Another one whenever something happened to it; null while the forge's clock cannot yet tell. */
  readonly mark: string | null
}

/** A word to the people on a pull request. */
export type PullNotice = {
  /** Names the notice: it is given once, however often it is asked for. `[a-z0-9-]{1,64}` */
  readonly key: string
  /** Markdown. */
  readonly text: string
  /** Accounts to ask for a review besides, by the forge's ids. */
  readonly reviewers: readonly string[]
}

/** Where a request stands, for the forge's own display of checks. It decides nothing. */
export type PullStatus = {
  readonly state: 'pending' | 'success' | 'failure'
  /** One line, at most 140 characters. */
  readonly description: string
}

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
  /**
   * The resolution's receipt, put beside the request so that the repository alone tells the story; of a batch, the RFC 8785
   * list of its requests' receipts.
   */
  readonly receipt: Uint8Array
}

/** A pull request that changes the policy repository, as the forge has it now. */
export type Change = {
  readonly number: number
  readonly state: Pull['state']
  readonly baseRef: string
  /** The commit that the base branch points to now. */
  readonly tip: string
  readonly headSha: string
  /** The forge's id of the account that opened it; on a forge without accounts, empty. */
  readonly author: string
}

/** Where changes of the policy are reviewed. Every call may fail with FORGE_UNREACHABLE (retryable). */
export interface ChangeForge {
  identity(): Promise<ForgeIdentity>
  /** @throws {PolicyError} REQUEST_UNKNOWN when there is no such pull request */
  change(number: number): Promise<Change>
  /** Accounts that the forge knows the authors and committers of these commits by; without accounts, their names. */
  pushers(commits: readonly string[]): Promise<readonly string[]>
  /** All reviews, oldest first, each once. Throws rather than leave some out. */
  reviews(change: Change): Promise<readonly ForgeReview[]>
  /** Posts a review. The same one twice is posted once. */
  postReview(
    change: Change,
    review: {
      readonly verdict: 'approve' | 'reject'
      readonly body: string
      readonly submittedAt: number
      /** The account that the roster says must post it, by the forge's id; null where it has none. */
      readonly account: string | null
    },
  ): Promise<void>
  /**
   * Opens the pull request of a branch that has been pushed, or gives the open one these words. Null where no forge keeps
   * pull requests.
   */
  propose(
    branch: { readonly name: string; readonly baseRef: string },
    text: PullText,
  ): Promise<ProposedPull | null>
}

/** A pull request that was opened for people. */
export type ProposedPull = {
  readonly number: number
  /** Where a person finds it: a URL. */
  readonly where: string
}

/** Where people review requests. Every call may fail with FORGE_UNREACHABLE (retryable). */
export interface Forge {
  identity(): Promise<ForgeIdentity>
  /** The account that these credentials act as, by the forge's id; null where it has none, or does not say. */
  self(): Promise<string | null>
  /** Opens the pull request of a request. Calling it again with the same request id gives the same number. */
  open(request: Request, opening: PullOpening): Promise<number>
  /**
   * The open pull requests of requests, the latest changed first: all of them, or those that changed since this
   * object's last call. As few calls as the forge allows.
   */
  openPulls(which: 'all' | 'changed'): Promise<readonly OpenPull[]>
  /** Says something on a pull request, once a key. */
  notify(number: number, notice: PullNotice): Promise<void>
  /** Shows where a request stands on its head commit. A forge without such a display does nothing. */
  setStatus(number: number, headSha: string, status: PullStatus): Promise<void>
  pull(number: number): Promise<Pull>
  /** All reviews of all pages, oldest first, each once. Throws rather than leave some out. */
  reviews(number: number): Promise<readonly ForgeReview[]>
  postReview(
    number: number,
    review: {
      readonly statement: ReviewStatement
      readonly body: string
      readonly submittedAt: number
      /** The account that the roster says must post it, by the forge's id; null where it has none. */
      readonly account: string | null
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

// Notices.

/** Something that people may want to hear of. It holds no clear values but those that a request itself shows. */
export type NoticeEvent = {
  readonly kind: 'held' | 'reminded' | 'escalated' | 'break-glass' | 'resolved'
  readonly request: Request
  /** Where people review it; null while the forge has not been reached. */
  readonly where: string | null
  /** Ids on the roster of the people to tell, sorted. */
  readonly people: readonly string[]
  readonly resolution?: {
    readonly decision: Resolution
    readonly reason: string
    readonly by: readonly string[]
  }
}

/** Tells people outside the forge. Best effort: the engine neither waits for it nor fails with it. */
export interface Notifier {
  notify(event: NoticeEvent): Promise<void>
  /** Resolves when nothing waits to be told any more, and after this many milliseconds at the latest. */
  idle?(withinMs: number): Promise<void>
}
