import { canonicalize } from '../../src/base/canonical-json.ts'
import type { Digest } from '../../src/base/digest.ts'
import type { JsonObject } from '../../src/base/json-value.ts'
import { generateSshKey, readSshKeyText } from '../../src/host/ssh-key.ts'
import type { CompiledPolicy, Request, ReviewStatement } from '../../src/model/generated/types.ts'
import type {
  AnySigner,
  ForgeIdentity,
  ForgeReview,
  Pull,
  ReviewSigner,
} from '../../src/model/ports.ts'
import type { ReviewWords } from '../../src/trust/approve/statement.ts'
import { reviewStatement } from '../../src/trust/approve/statement.ts'
import type { ReviewContext } from '../../src/trust/verify/review.ts'
import { verifyReview } from '../../src/trust/verify/review.ts'
import { formatReviewBody } from '../../src/trust/verify/review-body.ts'

export type People = CompiledPolicy['people']

export const CREATED = Date.parse('2026-11-21T09:00:00.000Z')
export const NOW = CREATED + 5 * 60_000
export const EXPIRES = CREATED + 30 * 60_000

export const FORGE: ForgeIdentity = {
  kind: 'local',
  host: 'localhost',
  repository: 'ab'.repeat(16),
}

/** A request on the routes `payments` (two of ana, bo, cy) and, when asked, `legal` (one of bo, dee). */
export function requestOf(changes: Partial<Request> = {}): Request {
  return {
    apiVersion: 'countersign/v1',
    kind: 'Request',
    id: 'req_00000000000000000001',
    decision: 'dec_00000000000000000001',
    root: `sha256:${'1'.repeat(64)}`,
    policy: `sha256:${'2'.repeat(64)}`,
    project: 'acme',
    agent: 'billing-agent',
    session: 's-1',
    principal: 'pat',
    role: 'agent',
    service: 'billing',
    action: 'refund_payment',
    priority: 'high',
    routes: [PAYMENTS],
    findings: [
      {
        rule: 'refunds/too-many-per-customer',
        kind: 'velocity',
        verdict: 'hold',
        mode: 'enforce',
        message: '6 attempts in 10m; at most 5',
        evidence: {},
        file: 'policies/guardrails/refunds.yaml',
        line: 5,
        column: 5,
      },
    ],
    obligations: [{ kind: 'redact', paths: ['payload.card'], rule: 'pii/card-number' }],
    fields: [
      { pointer: '/payload/amount', shown: 'clear', value: 120 as never },
      { pointer: '/payload/card', shown: 'masked', type: 'string' },
    ],
    nonce: 'c'.repeat(32),
    created_at: new Date(CREATED).toISOString(),
    expires_at: new Date(EXPIRES).toISOString(),
    ...changes,
  }
}

/** A patch as a statement names it, and bytes that stand for the encrypted payload. */
export const PATCH_ROOT: Digest = `sha256:${'3'.repeat(64)}`
export const SEALED = new Uint8Array(40).fill(9)

export const PAYMENTS: Request['routes'][number] = {
  id: 'payments',
  quorum: 2,
  reviewers: ['ana', 'bo', 'cy'],
  signature: 'ssh',
  expires_at: new Date(EXPIRES).toISOString(),
}

export const LEGAL: Request['routes'][number] = {
  id: 'legal',
  quorum: 1,
  reviewers: ['bo', 'dee'],
  signature: 'ssh',
  expires_at: new Date(EXPIRES).toISOString(),
}

export const PULL: Pull = {
  number: 7,
  state: 'open',
  baseRef: 'main',
  baseSha: 'a'.repeat(40),
  headSha: 'b'.repeat(40),
  author: 'countersign',
  requestText: '',
}

/** Ed25519 keys made once a run. */
export const KEYS: Readonly<Record<'ana' | 'bo' | 'cy' | 'dee' | 'eve', ReviewSigner>> = {
  ana: freshSigner('ana'),
  bo: freshSigner('bo'),
  cy: freshSigner('cy'),
  dee: freshSigner('dee'),
  eve: freshSigner('eve'),
}

export function freshSigner(comment: string): ReviewSigner {
  const key = readSshKeyText(generateSshKey(comment).privateKey, comment)
  if (key.kind !== 'open') throw new Error('expected an unencrypted key')
  return key.signer
}

/** A roster entry; the one key is valid for ever unless `validity` says otherwise. */
export function personOf(
  id: keyof typeof KEYS,
  validity: Partial<People[number]['keys'][number]> = {},
): People[number] {
  const always = { valid_from: null, valid_until: null, revoked_at: null }
  const keys = [{ fingerprint: KEYS[id].fingerprint, ...always, ...validity }]
  return { id, name: id, roles: [], keys }
}

/** Everybody but eve, who is on no roster. */
export const PEOPLE: People = [personOf('ana'), personOf('bo'), personOf('cy'), personOf('dee')]

export type SignedReview = {
  words?: Partial<ReviewWords>
  signer?: AnySigner
  request?: Request
  pull?: Pull
  forge?: ForgeIdentity
  /** Changes the statement before it is signed. */
  edit?: (statement: ReviewStatement) => unknown
  /** The patch block's bytes; null for none. Default: some, when the verdict is `patch`. */
  sealedPatch?: Uint8Array | null
  /** Changes the body after it is signed. */
  editBody?: (body: string) => string
  /** Changes what the forge says of the review. */
  on?: Partial<ForgeReview>
}

/** A review as a forge gives it. By default ana approves, soundly. */
export async function signedReview(row: SignedReview = {}): Promise<ForgeReview> {
  const { request = requestOf(), pull = PULL, forge = FORGE } = row
  const reviewer = row.words?.reviewer ?? 'ana'
  const verdict = row.words?.verdict ?? 'approve'
  const words: ReviewWords = { reviewer, verdict, issuedAt: NOW, ...row.words }
  const made = reviewStatement({ request, pull, forge }, words)
  const statement = row.edit === undefined ? made : row.edit(structuredClone(made))
  const text = typeof statement === 'string' ? statement : canonicalize(statement as JsonObject)
  const signer = row.signer ?? KEYS[reviewer as keyof typeof KEYS]
  const bytes = new TextEncoder().encode(text)
  const sealed = verdict === 'patch' && row.sealedPatch === undefined ? SEALED : row.sealedPatch
  const signed = await signer.sign(bytes)
  const proof = signer.kind === 'ssh' ? signed : { bundle: signed }
  const body = formatReviewBody(bytes, proof, `${reviewer}: ${verdict}`, sealed ?? null)
  return {
    id: `r-${reviewer}`,
    commit: pull.headSha,
    poster: null,
    posterKind: 'none',
    state: verdict === 'reject' ? 'rejected' : 'approved',
    body: row.editBody === undefined ? body : row.editBody(body),
    submittedAt: NOW,
    ...row.on,
  }
}

export const CONTEXT: ReviewContext = {
  request: requestOf(),
  pull: PULL,
  forge: FORGE,
  people: PEOPLE,
  owner: 'oz',
  now: NOW,
}

export type Predicate = { -readonly [Key in keyof ReviewStatement['predicate']]: unknown }
export type Row = SignedReview & { name: string; context?: Partial<ReviewContext>; want: string }

/** An edit of the predicate before signing. */
export function predicate(
  change: (predicate: Predicate) => void,
): NonNullable<SignedReview['edit']> {
  return (statement) => {
    change(statement.predicate as Predicate)
    return statement
  }
}

/** What the verifier says of a row: the kind of its answer, or the code of its error. */
export async function judge(
  row: SignedReview & { context?: Partial<ReviewContext> },
): Promise<string> {
  const review = await signedReview(row)
  try {
    return verifyReview({ ...CONTEXT, ...row.context, review }).kind
  } catch (error) {
    return `${(error as { code?: string }).code ?? error}`
  }
}
