import { canonicalize } from '../../base/canonical-json.ts'
import { utf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JsonValue } from '../../base/json-value.ts'
import type { CompiledPerson } from '../../model/generated/types.ts'
import type { AnySigner, ForgeReview } from '../../model/ports.ts'
import { reviewStatement, routesOf } from '../../trust/approve/statement.ts'
import { accountOf, hasAccounts } from '../../trust/verify/poster.ts'
import { verifyReview } from '../../trust/verify/review.ts'
import { formatReviewBody } from '../../trust/verify/review-body.ts'
import type { SigningParts } from '../approvals/reviewer.ts'
import type { Bench, ChangeQuery, ChangeSigning, JudgedChange } from './judge-change.ts'
import { judgeOn, withBench } from './judge-change.ts'

export type ChangeReview = {
  readonly verdict: 'approve' | 'reject'
  readonly comment?: string
}

/**
 * Signs and posts one person's review of a change of the policy, then judges the change again. What is signed is
 * derived here from the clone, never taken from the forge: the root stands for what this machine found the change to do.
 *
 * @param signer - or what opens it, once there is something to sign, by the base branch's policy
 * @throws {PolicyError} as judgeChange; REQUEST_RESOLVED when nobody is needed, or the pull request is not open;
 *   KEY_NOT_PINNED, IDENTITY_NOT_PINNED, REVIEWER_NOT_ON_ROUTE, REVIEW_SELF, REVIEW_EXPIRED; what is wrong with a change that cannot be signed
 */
export async function reviewChange(
  query: ChangeQuery,
  review: ChangeReview,
  signer: AnySigner | ((parts: SigningParts) => Promise<AnySigner>),
): Promise<JudgedChange> {
  return withBench(query, async (bench, head) => {
    const about = { number: query.pull, head }
    const judged = await judgeOn(bench, about)
    if (judged.signing === null) throw unsignable(judged)
    const { base, clock } = bench
    const opened = typeof signer === 'function' ? await signer({ judge: base, clock }) : signer
    await post(bench, judged.signing, review, opened)
    return judgeOn(bench, about)
  })
}

async function post(
  bench: Bench,
  { request, pull, change }: ChangeSigning,
  { verdict, comment }: ChangeReview,
  signer: AnySigner,
): Promise<void> {
  const { identity: forge, forge: port, policy } = bench
  const person = await personOf(bench, signer)
  const routes = routesOf(request, person.id)
  if (routes.length === 0) {
    const names = request.routes.map(({ id }) => id).join(', ')
    throw new PolicyError('REVIEWER_NOT_ON_ROUTE', `${person.id} is on none of the routes ${names}`)
  }
  const issuedAt = bench.clock()
  const words = {
    ...{ reviewer: person.id, routes, verdict, issuedAt },
    ...(comment === undefined ? {} : { comment }),
  }
  const bytes = utf8(
    canonicalize(reviewStatement({ request, pull, forge }, words) as unknown as JsonValue),
  )
  const title = `${person.name}: ${verdict} of this change of the policy`
  const signed = await signer.sign(bytes)
  const proof = signer.kind === 'ssh' ? signed : { bundle: signed }
  const body = formatReviewBody(bytes, proof, title)
  const draft: ForgeReview = {
    id: 'draft',
    commit: pull.headSha,
    ...posterFor(bench, person),
    state: verdict === 'reject' ? 'rejected' : 'approved',
    body,
    submittedAt: issuedAt,
  }
  // Verified first as the gate will, since a review that does not stand keeps it closed.
  const { people, sigstore } = policy
  const context = { request, pull, forge, people, owner: null, sigstore, now: bench.clock() }
  verifyReview({ ...context, review: draft })
  const account = draft.poster
  await port.postReview(change, { verdict, body, submittedAt: issuedAt, account })
}

function posterFor(
  { identity }: Bench,
  person: CompiledPerson,
): Pick<ForgeReview, 'poster' | 'posterKind'> {
  if (!hasAccounts(identity)) return { poster: null, posterKind: 'none' }
  return { poster: accountOf(person, identity) ?? null, posterKind: 'person' }
}

async function personOf({ policy }: Bench, signer: AnySigner): Promise<CompiledPerson> {
  const { people } = policy
  if (signer.kind === 'sigstore') {
    const { issuer, subject } = await signer.identity()
    const person = people.find(({ identities = [] }) =>
      identities.some((one) => one.issuer === issuer && one.subject === subject),
    )
    if (person !== undefined) return person
    const message = `no person on the base branch's roster has the identity ${subject} of ${issuer}`
    throw new PolicyError('IDENTITY_NOT_PINNED', message)
  }
  const { fingerprint } = signer
  const person = people.find(({ keys }) => keys.some((key) => key.fingerprint === fingerprint))
  if (person !== undefined) return person
  throw new PolicyError(
    'KEY_NOT_PINNED',
    `no person on the base branch's roster has the key ${fingerprint}; add it there by a reviewed change`,
  )
}

function unsignable({ report }: JudgedChange): PolicyError {
  const [problem] = report.problems
  const why = problem === undefined ? report.reason : `${problem.code}: ${problem.message}`
  return new PolicyError('REQUEST_RESOLVED', `there is nothing to review: ${why}`)
}
