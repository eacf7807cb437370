import { maxFlow } from '../../base/max-flow.ts'
import { compareText } from '../../base/position.ts'
import type { AskedRoute } from './review.ts'

/** One approval's place on a route. */
export type Seat = {
  readonly reviewer: string
  readonly route: string
  /** The group that it counts in; absent on a route without groups. */
  readonly group?: string
  /** Whose seat it is, where the reviewer stands in for somebody. */
  readonly for?: string
}

export type Seating = {
  /** Sorted by reviewer; each reviewer sits once, and each seat is taken once. */
  readonly seats: readonly Seat[]
  /** How many people more it takes; 0 when the route is satisfied. */
  readonly need: number
}

/** A part of a route that needs people of its own; a route without groups is one such part, whose id is null. */
type Part = {
  readonly id: string | null
  readonly quorum: number
  readonly seats: readonly string[]
}

/**
 * Seats as many approving people as a route can count. Every person who reviews on it has one seat, which the person or
 * a delegate takes; a person takes one seat, and a seat counts in one group. Exact: when some way to seat people meets
 * every quorum, it is found.
 *
 * @param people - who approves, in any order; who has nothing to say on the route is left out
 */
export function seatPeople(route: AskedRoute, people: Iterable<string>): Seating {
  const parts = partsOf(route)
  const { places, sit } = placesOf(route, parts, people)
  const needed = parts.reduce((sum, { quorum }) => sum + quorum, 0)
  const network = networkOf(parts, places, sit)
  const carried = maxFlow(network.edges, network)
  const seats = sit.flatMap(({ person, place }, index): Seat[] => {
    if ((carried[index] ?? 0) === 0) return []
    const part = partOf(network, carried, place)
    const owner = places[place] ?? person
    return [
      {
        reviewer: person,
        route: route.id,
        ...(part === null || part.id === null ? {} : { group: part.id }),
        ...(owner === person ? {} : { for: owner }),
      },
    ]
  })
  return { seats: seats.sort(byReviewer), need: Math.max(0, needed - seats.length) }
}

/** Whose seats count on a route, group by group. */
function partsOf(route: AskedRoute): readonly Part[] {
  const { reviewers, groups, delegates = [] } = route
  if (groups !== undefined) {
    return [...groups]
      .sort((a, b) => compareText(a.id, b.id))
      .map((group) => ({
        id: group.id,
        quorum: quorumOf(group),
        seats: [...new Set(group.reviewers)],
      }))
  }
  const seatless = new Set(delegates.map(({ person }) => person))
  const seats = [...new Set(reviewers)].filter((reviewer) => !seatless.has(reviewer))
  return [{ id: null, quorum: quorumOf(route), seats }]
}

/** A quorum below one would approve without people; one that is no number is never met. */
function quorumOf({ quorum }: { readonly quorum: number }): number {
  return Number.isSafeInteger(quorum) ? Math.max(quorum, 1) : Number.MAX_SAFE_INTEGER
}

type Sitting = { readonly person: string; readonly place: number }

/** The seats that somebody of these people may take, and who may take which. */
function placesOf(
  { delegates = [] }: AskedRoute,
  parts: readonly Part[],
  people: Iterable<string>,
): { readonly places: readonly string[]; readonly sit: readonly Sitting[] } {
  const owners = new Set(parts.flatMap(({ seats }) => seats))
  const present = [...new Set(people)].sort(compareText)
  const taken = present.map((person) => {
    const others = delegates.filter((one) => one.person === person).map((one) => one.for)
    const own = [person, ...others.sort(compareText)].filter((owner) => owners.has(owner))
    return { person, own: [...new Set(own)] }
  })
  const places = [...new Set(taken.flatMap(({ own }) => own))]
  const numbers = new Map(places.map((owner, number) => [owner, number]))
  const sit = taken.flatMap(({ person, own }) =>
    own.map((owner) => ({ person, place: numbers.get(owner) ?? -1 })),
  )
  return { places, sit }
}

type Network = {
  /** First those of the sittings, in their order. */
  readonly edges: readonly {
    readonly from: number
    readonly to: number
    readonly capacity: number
  }[]
  readonly source: number
  readonly sink: number
  /** The edges from a seat to the parts that it may count in. */
  readonly uses: readonly { readonly place: number; readonly part: Part; readonly edge: number }[]
}

/** Source, people, seats twice (so that each carries one), parts, sink. */
function networkOf(
  parts: readonly Part[],
  places: readonly string[],
  sit: readonly Sitting[],
): Network {
  const people = [...new Set(sit.map(({ person }) => person))]
  const numbers = new Map(people.map((person, number) => [person, number + 1]))
  const source = 0
  const seatIn = (place: number) => 1 + people.length + place
  const seatOut = (place: number) => seatIn(place) + places.length
  const partAt = (part: number) => 1 + people.length + 2 * places.length + part
  const sink = partAt(parts.length)
  const members = parts.map(({ seats }) => new Set(seats))
  const edges = sit.map(({ person, place }) => ({
    from: numbers.get(person) ?? source,
    to: seatIn(place),
    capacity: 1,
  }))
  edges.push(...people.map((_, number) => ({ from: source, to: number + 1, capacity: 1 })))
  edges.push(
    ...places.map((_, place) => ({ from: seatIn(place), to: seatOut(place), capacity: 1 })),
  )
  const uses: { place: number; part: Part; edge: number }[] = []
  parts.forEach((part, number) => {
    places.forEach((owner, place) => {
      if (members[number]?.has(owner) !== true) return
      uses.push({ place, part, edge: edges.length })
      edges.push({ from: seatOut(place), to: partAt(number), capacity: 1 })
    })
    edges.push({ from: partAt(number), to: sink, capacity: part.quorum })
  })
  return { edges, source, sink, uses }
}

function partOf({ uses }: Network, carried: readonly number[], place: number): Part | null {
  const use = uses.find((one) => one.place === place && (carried[one.edge] ?? 0) > 0)
  return use?.part ?? null
}

function byReviewer(a: Seat, b: Seat): number {
  return compareText(a.reviewer, b.reviewer)
}
