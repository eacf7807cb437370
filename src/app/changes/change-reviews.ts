import type { CompiledPerson, CompiledPolicy, Request } from '../../model/generated/types.ts'
import type { ChangeProblem, CountedReview, NeededRoute } from '../../model/policy-change.ts'
import type { ForgeIdentity, ForgeReview, Pull } from '../../model/ports.ts'
import type { RefusedReview, VerifiedReview } from '../../trust/approve/review.ts'
import { type Tally, tally } from '../../trust/approve/tally.ts'
import { accountOf, hasAccounts } from '../../trust/verify/poster.ts'
import { collectReviews } from '../../trust/verify/review.ts'

/** What the reviews of a change come to. */
export type ChangeReviews = {
  readonly state: Tally['state']
  readonly reason: string
  readonly routes: readonly NeededRoute[]
  readonly counted: readonly CountedReview[]
  readonly refused: readonly ChangeProblem[]
  readonly ignored: readonly ChangeProblem[]
}

/** Judges the reviews of a change as those of a request are judged: by the same verifier and the same count. */
export function judgeReviews(
  subject: {
    readonly request: Request
    readonly pull: Pull
    readonly forge: ForgeIdentity
    readonly policy: Pick<CompiledPolicy, 'people' | 'sigstore'>
    readonly now: number
  },
  reviews: readonly ForgeReview[],
): ChangeReviews {
  const { request, pull, forge, policy, now } = subject
  const { people, sigstore } = policy
  const context = { request, pull, forge, people, owner: null, sigstore, now }
  const { verified, refused, ignored } = collectReviews({ ...context, reviews })
  const foreign = verified.filter(isForeign)
  const flawed = [...refused, ...foreign.map(refusalOf)]
  const standing = verified.filter((review) => !isForeign(review))
  const counted = tally({ request, reviews: standing, refused: flawed, people, now })
  return {
    state: counted.state,
    reason: counted.reason,
    routes: request.routes.map((route) => ({
      id: route.id,
      quorum: route.quorum,
      reviewers: route.reviewers,
      signature: route.signature,
      missing: missingOf(counted, route.id, route.quorum),
    })),
    counted: counted.counted.map(countedOf),
    refused: flawed.map(problemOf),
    ignored: ignored.map(problemOf),
  }
}

/** A commit is merged as it is, by those whom its routes name: nothing is patched, and no glass is broken. */
function isForeign({ verdict, breakGlass }: VerifiedReview): boolean {
  return verdict === 'patch' || breakGlass === true
}

function refusalOf({ reviewer }: VerifiedReview): RefusedReview {
  const message = 'a change of the policy is approved or rejected as it is'
  return { review: reviewer, code: 'REVIEW_UNBOUND', message }
}

function missingOf({ state, missing }: Tally, id: string, quorum: number): number {
  if (state === 'approved') return 0
  if (state !== 'waiting') return quorum
  return missing.find(({ route }) => route === id)?.need ?? 0
}

function countedOf({
  reviewer,
  verdict,
  route,
  assurance,
  comment,
}: VerifiedReview): CountedReview {
  return {
    reviewer,
    verdict: verdict === 'reject' ? 'reject' : 'approve',
    routes: route,
    assurance,
    ...(comment === undefined ? {} : { comment }),
  }
}

function problemOf({ review, code, message }: RefusedReview): ChangeProblem {
  return { code, message, about: review }
}

/** Accounts of people on a forge; where there are none, their names on the roster. */
export function accountsOf(
  people: readonly CompiledPerson[],
  forge: ForgeIdentity,
): readonly string[] {
  if (!hasAccounts(forge)) return people.map(({ id }) => id)
  return people.flatMap((person) => accountOf(person, forge) ?? [])
}

/** People of the roster who worked on a change: who opened it, is named by its commits, or signed them. */
export function authorsOf(
  people: readonly CompiledPerson[],
  forge: ForgeIdentity,
  accounts: readonly string[],
): readonly CompiledPerson[] {
  const named = new Set(accounts.map((account) => account.toLowerCase()))
  return people.filter((person) =>
    accountsOf([person], forge).some((one) => named.has(one.toLowerCase())),
  )
}
