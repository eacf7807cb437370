import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AskedRoute } from '../../../src/trust/approve/review.ts'
import { seatPeople } from '../../../src/trust/approve/seats.ts'
import { PAYMENTS } from '../../fakes/review-case.ts'

const UNTIL = '2026-12-01T00:00:00Z'
const standIn = (person: string, of: string) => ({ person, for: of, until: UNTIL })

describe('who sits where', () => {
  const groups = (legal: string[], finance: string[], quorum = 1): AskedRoute => ({
    ...PAYMENTS,
    quorum: 1 + quorum,
    reviewers: [...new Set([...legal, ...finance])].sort(),
    groups: [
      { id: 'finance', quorum, reviewers: finance },
      { id: 'legal', quorum: 1, reviewers: legal },
    ],
  })
  const one: AskedRoute = { ...PAYMENTS, quorum: 2, reviewers: ['ana', 'bo', 'cy'] }

  test.for<{ name: string; route: AskedRoute; people: string[]; need: number }>([
    { name: 'two of two', route: one, people: ['ana', 'bo'], need: 0 },
    { name: 'one twice', route: one, people: ['ana', 'ana'], need: 1 },
    { name: 'somebody off the route', route: one, people: ['ana', 'eve'], need: 1 },
    { name: 'a quorum of none', route: { ...one, quorum: 0 }, people: [], need: 1 },
    {
      name: 'who is in both groups, alone',
      route: groups(['ana'], ['ana', 'bo']),
      people: ['ana'],
      need: 1,
    },
    {
      name: 'who is in both groups leaves the other to who is in one',
      route: groups(['ana'], ['ana', 'bo']),
      people: ['ana', 'bo'],
      need: 0,
    },
    {
      name: 'a chain of swaps',
      route: groups(['ana', 'bo'], ['ana', 'cy'], 2),
      people: ['ana', 'bo', 'cy'],
      need: 0,
    },
    {
      name: 'one group twice over',
      route: groups(['dee'], ['ana', 'bo']),
      people: ['ana', 'bo'],
      need: 1,
    },
    {
      name: 'who stands in, in the seat of the other',
      route: { ...one, reviewers: ['ana', 'bo', 'cy', 'dee'], delegates: [standIn('dee', 'ana')] },
      people: ['bo', 'dee'],
      need: 0,
    },
    {
      name: 'who stands in beside the other: once',
      route: { ...one, reviewers: ['ana', 'bo', 'cy', 'dee'], delegates: [standIn('dee', 'ana')] },
      people: ['ana', 'dee'],
      need: 1,
    },
    {
      name: 'one who stands in for two: once',
      route: {
        ...one,
        reviewers: ['ana', 'bo', 'cy', 'dee'],
        delegates: [standIn('dee', 'ana'), standIn('dee', 'bo')],
      },
      people: ['dee'],
      need: 1,
    },
    {
      name: 'two who stand in for one: once',
      route: {
        ...one,
        reviewers: ['ana', 'bo', 'cy', 'dee', 'eve'],
        delegates: [standIn('dee', 'ana'), standIn('eve', 'ana')],
      },
      people: ['dee', 'eve'],
      need: 1,
    },
  ])('$name: $need missing', ({ route, people, need }) => {
    expect(seatPeople(route, people).need).toBe(need)
    expect(seatPeople(route, [...people].reverse())).toEqual(seatPeople(route, people))
  })

  test('a seat says its group, and whose it is', () => {
    const route = { ...groups(['bo'], ['ana']), delegates: [standIn('dee', 'ana')] }
    expect(seatPeople(route, ['dee', 'bo']).seats).toEqual([
      { reviewer: 'bo', route: 'payments', group: 'legal' },
      { reviewer: 'dee', route: 'payments', group: 'finance', for: 'ana' },
    ])
  })
})

const NAMES = ['a', 'b', 'c', 'd', 'e'] as const
const names = fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 4 })
const group = fc.record({ quorum: fc.integer({ min: 1, max: 2 }), reviewers: names })
const delegation = fc
  .record({ person: fc.constantFrom(...NAMES), of: fc.constantFrom(...NAMES) })
  .map(({ person, of }) => standIn(person, of))
const grouped = fc
  .record({
    list: fc.array(group, { minLength: 1, maxLength: 3 }),
    delegates: fc.array(delegation, { maxLength: 3 }),
  })
  .map(({ list, delegates }): AskedRoute => {
    const groups = list.map((one, index) => ({ id: `g${index}`, ...one }))
    const reviewers = [...groups.flatMap((one) => one.reviewers), ...delegates.map((d) => d.person)]
    return {
      ...PAYMENTS,
      quorum: groups.reduce((sum, { quorum }) => sum + quorum, 0),
      reviewers: [...new Set(reviewers)].sort(),
      groups,
      ...(delegates.length === 0 ? {} : { delegates }),
    }
  })
const plain = fc
  .record({
    quorum: fc.integer({ min: 1, max: 3 }),
    seats: names,
    delegates: fc.array(delegation, { maxLength: 3 }),
  })
  .map(({ quorum, seats, delegates }): AskedRoute => {
    // As the engine asks: who has a seat of their own stands in for nobody.
    const others = delegates.filter((one) => !seats.includes(one.person as never))
    const reviewers = [...new Set([...seats, ...others.map(({ person }) => person)])].sort()
    const extra = others.length === 0 ? {} : { delegates: others }
    return { ...PAYMENTS, quorum, reviewers, ...extra }
  })
const route = fc.oneof(grouped, plain)
const people = fc.array(fc.constantFrom(...NAMES), { maxLength: 6 })

/** By trying every way to seat one after another: as many as can count. */
function bruteForce(asked: AskedRoute, present: readonly string[]): number {
  const { delegates = [], reviewers } = asked
  const seatless = new Set(asked.groups === undefined ? delegates.map(({ person }) => person) : [])
  const parts = asked.groups ?? [
    { id: '', quorum: asked.quorum, reviewers: reviewers.filter((one) => !seatless.has(one)) },
  ]
  const best = (
    left: readonly string[],
    seats: readonly string[],
    room: readonly number[],
  ): number => {
    const [person, ...rest] = left
    if (person === undefined) return 0
    let most = best(rest, seats, room)
    const mine = [person, ...delegates.filter((d) => d.person === person).map((d) => d.for)]
    for (const seat of mine) {
      if (seats.includes(seat)) continue
      parts.forEach((part, index) => {
        if (!part.reviewers.includes(seat) || (room[index] ?? 0) < 1) return
        const after = room.map((one, at) => (at === index ? one - 1 : one))
        most = Math.max(most, 1 + best(rest, [...seats, seat], after))
      })
    }
    return most
  }
  const quorums = parts.map(({ quorum }) => quorum)
  const needed = quorums.reduce((sum, one) => sum + one, 0)
  return needed - best([...new Set(present)], [], quorums)
}

describe('properties', () => {
  test('it finds what trying every way finds', () => {
    fc.assert(
      fc.property(route, people, (asked, present) => {
        expect(seatPeople(asked, present).need).toBe(bruteForce(asked, present))
      }),
      { numRuns: 400 },
    )
  })

  test('one person takes one seat, and one seat is taken once; nobody sits where they may not', () => {
    fc.assert(
      fc.property(route, people, (asked, present) => {
        const { seats } = seatPeople(asked, present)
        const owners = seats.map((seat) => seat.for ?? seat.reviewer)
        expect(new Set(seats.map(({ reviewer }) => reviewer)).size).toBe(seats.length)
        expect(new Set(owners).size).toBe(seats.length)
        for (const seat of seats) {
          expect(present).toContain(seat.reviewer)
          const part = asked.groups?.find(({ id }) => id === seat.group) ?? asked
          expect(part.reviewers).toContain(seat.for ?? seat.reviewer)
        }
      }),
    )
  })

  test('the order makes no difference, and one more never makes more missing', () => {
    fc.assert(
      fc.property(route, people, fc.constantFrom(...NAMES), (asked, present, more) => {
        const before = seatPeople(asked, present)
        expect(seatPeople(asked, [...present].reverse())).toEqual(before)
        expect(seatPeople(asked, [...present, more]).need).toBeLessThanOrEqual(before.need)
        if (before.need > 0) return
        expect(new Set(present).size).toBeGreaterThanOrEqual(asked.quorum)
      }),
    )
  })
})
