import { PolicyError } from '../../base/errors.ts'
import type { Approval, AskedOfPeople, Resolution } from '../../model/generated/types.ts'

/** The routes that a resolution passed by breaking glass. */
export function brokenOf({ asked = [] }: Resolution): readonly string[] {
  return asked.filter(({ breakGlass }) => breakGlass !== undefined).map(({ id }) => id)
}

/**
 * Checks that the people of an approval fill what its routes asked for: every quorum of every group, or enough who broke
 * the glass. A person takes one place a route, in their own name or in somebody's for whom they stand in; nobody's place
 * is taken twice.
 *
 * @param routes - the routes that had to be satisfied
 * @throws {PolicyError} RECEIPT_INVALID; REVIEW_UNSIGNED for a review without the signature that its route wants
 */
export function checkSeats(
  { asked, approvals }: Pick<Resolution, 'asked' | 'approvals'>,
  routes: readonly string[],
): void {
  if (asked === undefined) throw invalid('what the routes asked for')
  const ids = asked.map(({ id }) => id)
  if (new Set(ids).size !== ids.length) throw invalid('each route once in what was asked for')
  if (!routes.every((route) => ids.includes(route))) {
    throw invalid('a review for each route that the hold asked for')
  }
  for (const { seats = [] } of approvals) {
    if (!seats.every(({ route }) => ids.includes(route))) throw invalid('places on these routes')
  }
  for (const route of asked) checkRoute(route, approvals)
}

type Place = NonNullable<Approval['seats']>[number]
type Taken = { readonly approval: Approval; readonly place: Place }

function checkRoute(route: AskedOfPeople, approvals: readonly Approval[]): void {
  const taken = approvals.flatMap((approval) =>
    (approval.seats ?? [])
      .filter((place) => place.route === route.id)
      .map((place): Taken => ({ approval, place })),
  )
  if (route.breakGlass !== undefined) {
    if (taken.length > 0) throw invalid(`no places on '${route.id}', where the glass was broken`)
    checkBroken(route, approvals)
    return
  }
  const owners = taken.map(({ approval, place }) => place.for ?? approval.reviewer)
  if (new Set(taken.map(({ approval }) => approval.reviewer)).size !== taken.length) {
    throw invalid(`each person once on '${route.id}'`)
  }
  if (new Set(owners).size !== owners.length) throw invalid(`each place once on '${route.id}'`)
  for (const { approval, place } of taken) {
    checkApproval(approval, route)
    if (approval.breakGlass === true) throw invalid(`no broken glass among those of '${route.id}'`)
    if (place.for === approval.reviewer) throw invalid('nobody in their own place for themselves')
    const known = route.groups?.some(({ id }) => id === place.group) ?? place.group === undefined
    if (!known) throw invalid(`a group of '${route.id}'`)
  }
  if (taken.length < route.quorum) {
    throw invalid(`${route.quorum} people on '${route.id}', and there are ${taken.length}`)
  }
  for (const { id, quorum } of route.groups ?? []) {
    const count = taken.filter(({ place }) => place.group === id).length
    if (count >= quorum) continue
    throw invalid(`${quorum} people in the group '${id}' of '${route.id}', and there are ${count}`)
  }
}

/** Where the forge's word is enough for others, it is not for this. */
function checkBroken(route: AskedOfPeople, approvals: readonly Approval[]): void {
  const breakers = approvals.filter(
    ({ breakGlass, route: counts }) => breakGlass === true && counts.includes(route.id),
  )
  const signature = route.signature === 'none' ? 'signed' : route.signature
  for (const approval of breakers) checkApproval(approval, { ...route, signature })
  if (breakers.length >= (route.breakGlass ?? Infinity)) return
  throw invalid(`${route.breakGlass} people who broke the glass of '${route.id}'`)
}

function checkApproval(
  { reviewer, route: counts, fingerprint, bundle }: Approval,
  { id, signature }: Pick<AskedOfPeople, 'id' | 'signature'>,
): void {
  if (!counts.includes(id)) throw invalid(`a review of '${reviewer}' for '${id}'`)
  const assured = {
    none: true,
    signed: fingerprint !== undefined || bundle !== undefined,
    ssh: fingerprint !== undefined,
    sigstore: bundle !== undefined,
  }
  if (assured[signature]) return
  throw new PolicyError(
    'REVIEW_UNSIGNED',
    `expected a review of '${reviewer}' as '${id}' wants it (${signature})`,
  )
}

function invalid(expected: string): PolicyError {
  return new PolicyError('RECEIPT_INVALID', `expected ${expected}`)
}
