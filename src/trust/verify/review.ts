import { canonicalize } from '../../base/canonical-json.ts'
import { fromUtf8, parseDigest, utf8 } from '../../base/digest.ts'
import { decodeBase64, encodeBase64 } from '../../base/encoding.ts'
import type { ErrorCode } from '../../base/errors.ts'
import { PolicyError } from '../../base/errors.ts'
import { parseJson } from '../../base/json-parse.ts'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import { PATCH_BYTES_MAX, REVIEW_SKEW_MS } from '../../base/limits.ts'
import type { CompiledPolicy, Request, ReviewStatement } from '../../model/generated/types.ts'
import {
  type ForgeIdentity,
  type ForgeReview,
  type Pull,
  REVIEW_NAMESPACE,
} from '../../model/ports.ts'
import { validate } from '../../model/validate.ts'
import type { RefusedReview, VerifiedReview } from '../approve/review.ts'
import type { VerifiedKey } from './sshsig.ts'
import { verifySshsig } from './sshsig.ts'

export type { RefusedReview, VerifiedReview } from '../approve/review.ts'

/** GitHub ends bodies here; in UTF-16 code units. */
export const REVIEW_BODY_LENGTH_MAX = 65_536

/** Everything that a review is judged against. None of it comes from the review. */
export type ReviewContext = {
  readonly request: Request
  /** The pull request as the forge has it now. */
  readonly pull: Pull
  readonly forge: ForgeIdentity
  /** The roster, from the policy's base branch. */
  readonly people: CompiledPolicy['people']
  /** Unix milliseconds. */
  readonly now: number
}

/** A review that takes no part: a comment, a dismissed review, or one without a signed block. */
export type NoReview = { readonly kind: 'none' }

/**
 * The Markdown body of a review: words for people, then the signed statement and its signature in fenced blocks.
 * Lines of the words that would open a fence are escaped.
 *
 * @param statement - UTF-8 of the statement's RFC 8785 form, as it was signed
 * @param armour - SSHSIG armour
 * @param sealedPatch - the encrypted payload that the statement names by its root, with the verdict `patch`
 * @throws {PolicyError} PATCH_TOO_LARGE when the body would be longer than a forge keeps
 */
export function formatReviewBody(
  statement: Uint8Array,
  armour: string,
  words: string,
  sealedPatch: Uint8Array | null = null,
): string {
  const blocks = [
    STATEMENT_OPEN,
    fromUtf8(statement),
    FENCE,
    '',
    SIGNATURE_OPEN,
    armour.replaceAll('\r\n', '\n').trimEnd(),
    FENCE,
    '',
    ...(sealedPatch === null ? [] : [PATCH_OPEN, encodeBase64(sealedPatch), FENCE, '']),
  ].join('\n')
  const left = REVIEW_BODY_LENGTH_MAX - blocks.length - 2
  if (left < 0) {
    throw new PolicyError(
      'PATCH_TOO_LARGE',
      `expected a review of at most ${REVIEW_BODY_LENGTH_MAX} characters; shorten the patch or the comment`,
    )
  }
  const head = words.replace(/\r\n?/g, '\n').replace(/^([ \t]*)(?=```|~~~)/gm, '$1\\')
  return `${head.slice(0, left).toWellFormed().trimEnd()}\n\n${blocks}`
}

export type ReviewBlocks = {
  /** The signed bytes as text. */
  readonly statement: string
  /** SSHSIG armour with line feeds, as `ssh-keygen` writes it. */
  readonly signature: string
  /** Not signed itself: the statement names what it must open to. */
  readonly sealedPatch: Uint8Array | null
}

/**
 * Takes the signed blocks, and the sealed patch if there is one, out of a review's body; null when the body carries none. Line ends may be CRLF.
 * Whatever stands around the blocks is not looked at, so their markers may stand nowhere else.
 *
 * @throws {PolicyError} REVIEW_MALFORMED unless there is exactly one whole block of each, in this order: statement, signature, patch
 */
export function parseReviewBody(body: string): ReviewBlocks | null {
  const lines = body.split(/\r?\n/)
  const marks = lines.flatMap((line, index) => (line.trimStart().startsWith(MARK) ? [index] : []))
  if (marks.length === 0) return null
  if (body.length > REVIEW_BODY_LENGTH_MAX) throw malformed('a body that no forge has cut')
  const [first, second, third] = marks
  if (marks.length > 3 || first === undefined || second === undefined) {
    throw malformed('exactly one statement and one signature block')
  }
  if (lines[first] !== STATEMENT_OPEN || lines[second] !== SIGNATURE_OPEN) {
    throw malformed('the statement block, then the signature block')
  }
  const statementEnd = lines.indexOf(FENCE, first + 1)
  const signatureEnd = lines.indexOf(FENCE, second + 1)
  const statement = lines[first + 1]
  if (statement === undefined || statementEnd !== first + 2 || statementEnd > second) {
    throw malformed('one line of JSON in the statement block')
  }
  if (signatureEnd < 0) throw malformed('the end of the signature block')
  return {
    statement,
    signature: `${lines.slice(second + 1, signatureEnd).join('\n')}\n`,
    sealedPatch: third === undefined ? null : parsePatchBlock(lines.slice(third)),
  }
}

function parsePatchBlock([open, text, close]: readonly string[]): Uint8Array {
  if (open !== PATCH_OPEN || text === undefined || close !== FENCE) {
    throw malformed('one line of base64 in the patch block, after the signature block')
  }
  try {
    return decodeBase64(text)
  } catch (cause) {
    throw malformed('base64 in the patch block', cause)
  }
}

// The marker stands as the fence's info string: forges keep it and do not show it.
const MARK = '```countersign-'
const STATEMENT_OPEN = `${MARK}statement`
const SIGNATURE_OPEN = `${MARK}signature`
const PATCH_OPEN = `${MARK}patch`
const FENCE = '```'

/**
 * Judges one review of a request. Dismissed reviews and comments never count, signed or not. Anything else that
 * carries a signed block either stands in full or throws.
 *
 * @returns the review, or `{ kind: 'none' }` when it takes no part
 * @throws {PolicyError} REQUEST_RESOLVED when the pull request is not open; REVIEW_MALFORMED (blocks, JSON or statement); SIGNATURE_* and KEY_UNSUPPORTED as verifySshsig;
 *   REVIEWER_UNKNOWN; KEY_NOT_PINNED; KEY_NOT_VALID_THEN; REVIEW_UNBOUND, naming the field that is not the request's;
 *   REVIEW_EXPIRED; REVIEWER_NOT_ON_ROUTE; REVIEW_SELF; PATCH_TOO_LARGE
 */
export function verifyReview(
  input: ReviewContext & { readonly review: ForgeReview },
): VerifiedReview | NoReview {
  const { review, pull } = input
  if (review.state !== 'approved' && review.state !== 'rejected') return NONE
  const blocks = parseReviewBody(review.body)
  if (blocks === null) return NONE
  if (pull.state !== 'open') {
    throw fail(
      'REQUEST_RESOLVED',
      `pull request ${pull.number} is ${pull.state}; nothing counts there`,
    )
  }
  const key = verifySshsig(blocks.signature, utf8(blocks.statement), REVIEW_NAMESPACE)
  const statement = parseStatement(blocks.statement)
  const { predicate } = statement
  checkKey(input, predicate, key)
  checkBinding(input, statement)
  checkTimes(input, predicate)
  checkReviewer(input, predicate)
  return {
    kind: 'review',
    reviewer: predicate.reviewer,
    verdict: predicate.verdict,
    route: predicate.route,
    ...patchOf(predicate, blocks),
    ...(predicate.comment === undefined ? {} : { comment: predicate.comment }),
    fingerprint: key.fingerprint,
    statement: blocks.statement,
    signature: blocks.signature,
    issuedAt: predicate.issuedAt,
  }
}

const NONE: NoReview = { kind: 'none' }

/**
 * Judges all reviews of a request. A review that claims to be signed and does not stand is refused, and a refused
 * review keeps the request from being approved until it is dismissed or the request expires: somebody has meddled,
 * and the answer to that is not to go on. On the local forge everybody who may write to the repository can do so;
 * that can stop an approval, never make one.
 *
 * @throws what is no PolicyError: a broken program
 */
export function collectReviews(
  input: ReviewContext & { readonly reviews: readonly ForgeReview[] },
): { verified: VerifiedReview[]; refused: RefusedReview[] } {
  const { reviews, ...context } = input
  const verified: VerifiedReview[] = []
  const refused: RefusedReview[] = []
  for (const review of reviews) {
    try {
      const judged = verifyReview({ ...context, review })
      if (judged.kind === 'review') verified.push(judged)
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error
      refused.push({ review: review.id, code: error.code, message: error.message })
    }
  }
  return { verified, refused }
}

type Predicate = ReviewStatement['predicate']

/** The signed root and the sealed payload belong together: one without the other is no patch. */
function patchOf(
  { patch }: Predicate,
  { sealedPatch }: ReviewBlocks,
): Pick<VerifiedReview, 'patch'> {
  if (patch === undefined && sealedPatch === null) return {}
  if (patch === undefined || sealedPatch === null) {
    throw malformed('a patch block with the verdict `patch` and only then')
  }
  if (sealedPatch.length > PATCH_BYTES_MAX + SEAL_BYTES) {
    throw new PolicyError('PATCH_TOO_LARGE', `expected a patch of at most ${PATCH_BYTES_MAX} bytes`)
  }
  return { patch: { root: parseDigest(patch.root), sealed: sealedPatch } }
}

/** What sealing adds: nonce and tag of AES-256-GCM. */
const SEAL_BYTES = 28

/** The statement, when the text is its one RFC 8785 form and meets the schema. */
function parseStatement(text: string): ReviewStatement {
  let value: JsonValue
  try {
    value = parseJson(text)
  } catch (cause) {
    throw malformed('a statement of strict JSON', cause)
  }
  if (canonicalize(value) !== text) throw malformed('a statement in its RFC 8785 form')
  const [problem] = validate('review', value)
  if (problem !== undefined) {
    throw malformed(`a review statement; ${problem.pointer}: ${problem.message}`)
  }
  const statement = value as JsonObject as unknown as ReviewStatement
  const { verdict, patch, route } = statement.predicate
  if ((verdict === 'patch') !== (patch !== undefined)) {
    throw malformed('a patch with the verdict `patch` and only then')
  }
  if (route.some((id, index) => index > 0 && id <= (route[index - 1] ?? ''))) {
    throw malformed('routes sorted, each once')
  }
  return statement
}

/** The key must be pinned in the reviewer's own entry and in no other, and be valid when it signed. */
function checkKey({ people, now }: ReviewContext, predicate: Predicate, key: VerifiedKey): void {
  const { reviewer, issuedAt } = predicate
  const [person, ...others] = people.filter((entry) => entry.id === reviewer)
  if (person === undefined || others.length > 0) {
    throw fail('REVIEWER_UNKNOWN', `expected a person on the roster, found '${reviewer}'`)
  }
  const owners = people.filter((entry) => pinned(entry, key.fingerprint).length > 0)
  if (owners.length !== 1 || owners[0] !== person) {
    throw fail(
      'KEY_NOT_PINNED',
      `${key.fingerprint} must stand in the roster entry '${reviewer}' and in no other; add it by a reviewed change`,
    )
  }
  const at = Date.parse(issuedAt)
  for (const { valid_from, valid_until, revoked_at } of pinned(person, key.fingerprint)) {
    const early = valid_from !== null && !(at >= Date.parse(valid_from))
    const late = valid_until !== null && !(at < Date.parse(valid_until))
    // A thief chooses the time in the statement, so what counts is also that the key is not revoked by now.
    const revoked = revoked_at !== null && !(Math.max(at, now) < Date.parse(revoked_at))
    if (!early && !late && !revoked) continue
    const why = early ? 'was not valid yet' : late ? 'was no longer valid' : 'is revoked'
    throw fail('KEY_NOT_VALID_THEN', `${key.fingerprint} of '${reviewer}' ${why} at ${issuedAt}`)
  }
}

function pinned(
  person: CompiledPolicy['people'][number],
  fingerprint: string,
): CompiledPolicy['people'][number]['keys'] {
  return person.keys.filter((key) => key.fingerprint === fingerprint)
}

/** Every field that ties the statement to this request, this pull request, this forge and this post. */
function checkBinding(
  { request, pull, forge, review }: ReviewContext & { review: ForgeReview },
  { subject, predicate }: ReviewStatement,
): void {
  const [about] = subject
  const expected: readonly (readonly [field: string, signed: unknown, actual: unknown])[] = [
    ['subject', subject.length, 1],
    ['subject.name', about?.name, request.id],
    ['subject.digest', `sha256:${about?.digest.sha256}`, request.root],
    ['request', predicate.request, request.id],
    ['nonce', predicate.nonce, request.nonce],
    ['expiresAt', predicate.expiresAt, request.expires_at],
    ['policyDigest', `sha256:${predicate.policyDigest.sha256}`, request.policy],
    ['forge.kind', predicate.forge.kind, forge.kind],
    ['forge.host', predicate.forge.host, forge.host],
    ['forge.repository', predicate.forge.repository, forge.repository],
    ['pull.number', predicate.pull.number, pull.number],
    ['pull.baseRef', predicate.pull.baseRef, pull.baseRef],
    ['pull.baseSha', predicate.pull.baseSha, pull.baseSha],
    ['pull.headSha', predicate.pull.headSha, pull.headSha],
    ['the commit that was reviewed', review.commit, pull.headSha],
    ['the state on the forge', review.state, STATES[predicate.verdict]],
    ['the account that posted it', review.poster ?? predicate.reviewer, predicate.reviewer],
  ]
  for (const [field, signed, actual] of expected) {
    if (signed !== actual) throw unbound(field)
  }
  const asked = new Set(request.routes.map((route) => route.id))
  if (!predicate.route.every((id) => asked.has(id))) throw unbound('route')
}

const STATES = { approve: 'approved', patch: 'approved', reject: 'rejected' } as const

function checkTimes({ request, now }: ReviewContext, { issuedAt }: Predicate): void {
  const at = Date.parse(issuedAt)
  // Negated, so that a time that cannot be read is outside.
  if (!(at <= Date.parse(request.expires_at))) {
    throw fail('REVIEW_EXPIRED', `signed at ${issuedAt}, after the end at ${request.expires_at}`)
  }
  if (!(at >= Date.parse(request.created_at) - REVIEW_SKEW_MS)) throw unbound('issuedAt')
  if (!(at <= now + REVIEW_SKEW_MS)) throw unbound('issuedAt')
}

function checkReviewer({ request, pull }: ReviewContext, { reviewer, route }: Predicate): void {
  const self = [request.agent, request.principal, pull.author].some(
    (name) => name !== undefined && name.toLowerCase() === reviewer.toLowerCase(),
  )
  if (self) {
    throw fail('REVIEW_SELF', `'${reviewer}' asked for this action; somebody else must review it`)
  }
  for (const id of route) {
    const asked = request.routes.find((candidate) => candidate.id === id)
    if (asked?.reviewers.includes(reviewer)) continue
    throw fail('REVIEWER_NOT_ON_ROUTE', `'${reviewer}' does not review for the route '${id}'`)
  }
}

function unbound(field: string): PolicyError {
  return fail('REVIEW_UNBOUND', `the signed statement is about something else: ${field} differs`)
}

function malformed(expected: string, cause?: unknown): PolicyError {
  return new PolicyError('REVIEW_MALFORMED', `expected ${expected}`, { cause })
}

function fail(code: ErrorCode, message: string): PolicyError {
  return new PolicyError(code, message)
}
