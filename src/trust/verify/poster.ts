import { PolicyError } from '../../base/errors.ts'
import type { CompiledPolicy, Request } from '../../model/generated/types.ts'
import type { ForgeIdentity, ForgeReview, Pull } from '../../model/ports.ts'
import { carriesBlocks } from './review-body.ts'

type Person = CompiledPolicy['people'][number]

/** Whether a forge knows who posts. Only the local one does not; any other must say so of each review. */
export function hasAccounts({ kind }: ForgeIdentity): boolean {
  return kind !== 'local'
}

/**
 * The one person on whose roster entry the account stands that posted a review; null on a forge without accounts. Ids
 * only: a login can be changed, and taken by somebody else.
 *
 * @throws {PolicyError} REVIEW_POSTER for bots, deleted accounts, accounts that stand in no entry or in two, and a forge
 *   that does not say
 */
export function posterOf(
  { poster, posterKind }: ForgeReview,
  forge: ForgeIdentity,
  people: readonly Person[],
): Person | null {
  if (!hasAccounts(forge)) {
    if (posterKind !== 'none') throw refused('an account that this forge cannot know')
    return null
  }
  if (posterKind === 'bot') throw refused('a bot')
  if (posterKind === 'gone') throw refused('an account that was deleted')
  if (posterKind !== 'person' || poster === null || poster === '') throw refused('nobody it names')
  const owners = people.filter((person) => accountOf(person, forge) === poster)
  const [owner] = owners
  if (owner !== undefined && owners.length === 1) return owner
  const entries = owners.length === 0 ? 'no roster entry' : 'more than one roster entry'
  throw refused(`account ${poster}, which stands in ${entries}`)
}

function refused(whom: string): PolicyError {
  return new PolicyError(
    'REVIEW_POSTER',
    `expected a review from the account in the reviewer's roster entry, found one by ${whom}`,
  )
}

/** The account that a person reviews with on a forge, by its id there. */
export function accountOf({ accounts }: Person, { kind }: ForgeIdentity): string | undefined {
  if (accounts === undefined || !Object.hasOwn(accounts, kind)) return undefined
  const account: unknown = Reflect.get(accounts, kind)
  return typeof account === 'string' ? account : undefined
}

/**
 * Nobody reviews what they asked for: the agent, the person behind it, the person who owns it, and whoever opened the
 * pull request or pushed to it.
 *
 * @throws {PolicyError} REVIEW_SELF
 */
export function checkSelf(
  context: {
    readonly request: Request
    readonly pull: Pull
    readonly forge: ForgeIdentity
    readonly people: readonly Person[]
    readonly owner: string | null
  },
  reviewer: string,
): void {
  const { request, pull, forge, people, owner } = context
  const pushed = [pull.author, ...(pull.pushers ?? [])]
  const names = [request.agent, request.principal, owner, ...(hasAccounts(forge) ? [] : pushed)]
  const named = names.some((name) => name?.toLowerCase() === reviewer.toLowerCase())
  const person = people.find(({ id }) => id === reviewer)
  const account = person === undefined ? undefined : accountOf(person, forge)
  if (!named && !(account !== undefined && pushed.includes(account))) return
  throw new PolicyError(
    'REVIEW_SELF',
    `'${reviewer}' asked for this action, or owns who did; somebody else must review it`,
  )
}

/**
 * The reviews of a forge with accounts that their accounts have not taken back. A rejection or a dismissal takes back
 * that account's approvals before it; an approval or a dismissal takes back that account's unsigned rejections before
 * it. A signed rejection stands until the reviewer signs something later: who holds the account alone could post an old
 * approval again.
 *
 * "Before" is the forge's order and its clock: either is enough to take an approval back, and both are needed to take
 * back a rejection.
 */
export function standingReviews(reviews: readonly ForgeReview[]): ForgeReview[] {
  const ends = new Map<string, { stopsAt: number; stopped: boolean; goesOnAt: number }>()
  const endOf = (poster: string) => {
    const known = ends.get(poster) ?? { stopsAt: -Infinity, stopped: false, goesOnAt: -Infinity }
    ends.set(poster, known)
    return known
  }
  for (const { poster, state, submittedAt } of reviews) {
    if (poster === null || (state !== 'rejected' && state !== 'dismissed')) continue
    const end = endOf(poster)
    end.stopsAt = Math.max(end.stopsAt, Number.isNaN(submittedAt) ? Infinity : submittedAt)
  }
  const standing = [...reviews].reverse().filter((review) => {
    const { poster, state, submittedAt } = review
    if (poster === null || state === 'commented') return true
    const end = endOf(poster)
    const { stopped, stopsAt, goesOnAt } = end
    if (state !== 'approved') end.stopped = true
    if (state !== 'rejected' && submittedAt > goesOnAt) end.goesOnAt = submittedAt
    if (state === 'approved') return !stopped && !(stopsAt > submittedAt)
    if (state === 'rejected') return carriesBlocks(review.body) || !(goesOnAt >= submittedAt)
    return true
  })
  return standing.reverse()
}
