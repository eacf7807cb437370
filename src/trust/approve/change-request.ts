import { canonicalize } from '../../base/canonical-json.ts'
import { type Digest, digestOf, sha256Hex, utf8 } from '../../base/digest.ts'
import type { JsonValue } from '../../base/json-value.ts'
import type { CompiledPolicy, Request } from '../../model/generated/types.ts'
import type { ForgeIdentity } from '../../model/ports.ts'
import { askedRoutes } from './routes.ts'

/** What a review of a change of the policy is about. */
export type ChangeSubject = {
  readonly forge: ForgeIdentity
  readonly pull: {
    readonly number: number
    readonly baseRef: string
    /** Where the change left the base branch. */
    readonly baseSha: string
    readonly headSha: string
  }
  /** The policy's digests there and at the head. */
  readonly before: Digest
  readonly after: Digest
  /** The routes that it needs, sorted; at least one. */
  readonly routes: readonly string[]
  /** All that it may weaken, in words without places: what reviewers were shown. */
  readonly weakens: readonly string[]
  /** The head commit's own time, Unix milliseconds. */
  readonly createdAt: number
  /** How long reviews count from then on, in milliseconds. */
  readonly timeOutMs: number
}

/**
 * A change of the policy as a request, so that the same verifier judges its reviews. All of it follows from the
 * change: its root is a digest over what the change is, and its id and nonce follow from the root. Another head, another
 * base or another weakening is another request, and no review of one counts for another.
 *
 * Its end follows from the head commit, so no reviewer can put it off, and neither can the author: a commit of the
 * future has no reviews until then. Nothing of a route is taken that is for agents that wait: no escalation, no
 * break-glass.
 *
 * @param policy - of the base branch: who may review is as it says at this moment
 * @param now - Unix milliseconds: delegations count while they last
 * @throws {PolicyError} ROUTE_MISSING
 */
export function changeRequest(
  subject: ChangeSubject,
  policy: Pick<CompiledPolicy, 'project' | 'routes' | 'people'>,
  now: number,
): Request {
  const root = rootOf(subject)
  const end = new Date(subject.createdAt + subject.timeOutMs).toISOString()
  const asked = askedRoutes(policy, subject.routes, now).map(
    ({ id, quorum, reviewers, signature, groups, delegates }) => ({
      ...{ id, quorum, reviewers, signature, expires_at: end },
      ...(groups === undefined ? {} : { groups }),
      ...(delegates === undefined ? {} : { delegates }),
    }),
  )
  return {
    apiVersion: 'countersign/v1',
    kind: 'Request',
    id: `req_${sha256Hex(utf8(`id\0${root}`)).slice(0, ID_LENGTH)}`,
    decision: root,
    root,
    policy: subject.before,
    project: policy.project,
    agent: CHANGE_AGENT,
    role: 'author',
    service: 'policy',
    action: 'merge',
    priority: 'critical',
    routes: asked as Request['routes'],
    findings: [],
    obligations: [],
    fields: [],
    nonce: sha256Hex(utf8(`nonce\0${root}`)).slice(0, NONCE_LENGTH),
    created_at: new Date(subject.createdAt).toISOString(),
    expires_at: end,
  }
}

/** Who asks for a change of the policy: no person of the roster has such a name. */
const CHANGE_AGENT = 'countersign/policy-change'
const ID_LENGTH = 40
const NONCE_LENGTH = 32

/** Bump the type with every change of these fields: two versions must never agree on different things. */
function rootOf({ forge, pull, before, after, routes, weakens }: ChangeSubject): Digest {
  const bound: JsonValue = {
    type: 'https://countersign.dev/policy-change/v0.1',
    forge: { kind: forge.kind, host: forge.host, repository: forge.repository },
    pull: {
      number: pull.number,
      base_ref: pull.baseRef,
      base_sha: pull.baseSha,
      head_sha: pull.headSha,
    },
    before,
    after,
    routes: [...routes],
    weakens: [...weakens],
  }
  return digestOf(utf8(canonicalize(bound)))
}
