import fc from 'fast-check'
import type { ObservedCall, ObservedSession } from '../../../src/decide/behaviour/session.ts'

/** A session of these nodes, open, with unknown arguments. */
export function sessionOf(id: string, nodes: readonly string[]): ObservedSession {
  return { id, group: id, ended: false, calls: nodes.map((node) => ({ node, args: null })) }
}

/** Few nodes of three services, so that contexts, runs and cycles come again. */
export const NODES = ['a.x', 'a.y', 'a.z', 'b.x', 'b.%2Ey', 'c.__proto__', 'c.constructor'] as const

const call = fc.record({
  node: fc.constantFrom(...NODES),
  args: fc.option(fc.constantFrom('1', '2'), { nil: null }),
})

/** A walk, sometimes with a stretch that goes round. */
const calls = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: call.map((one) => [one]) },
      {
        weight: 1,
        arbitrary: fc
          .tuple(fc.array(call, { minLength: 1, maxLength: 3 }), fc.integer({ min: 2, max: 4 }))
          .map(([cycle, times]) => Array.from({ length: times }, () => cycle).flat()),
      },
    ),
    { maxLength: 10 },
  )
  .map((parts) => parts.flat())

/** Distinct sessions of a few groups. */
export function sessionsOf(lengthMax: number): fc.Arbitrary<ObservedSession[]> {
  return fc
    .array(
      fc.record({ calls, ended: fc.boolean(), group: fc.constantFrom('g1', 'g2', 'g3', 'g4') }),
      {
        maxLength: lengthMax,
      },
    )
    .map((all) => all.map((one, i) => ({ id: `s${i}`, ...one })))
}

export const SESSION: fc.Arbitrary<ObservedSession> = fc
  .record({ calls, ended: fc.boolean() })
  .chain(({ calls, ended }) =>
    // Now and then a call of an unknown action, of a known service or of none.
    fc
      .array(fc.tuple(fc.nat(40), fc.constantFrom('a.new', 'new.x', 'new.y')), { maxLength: 2 })
      .map((strangers) => {
        const all: ObservedCall[] = [...calls]
        for (const [at, node] of strangers) all.splice(at, 0, { node, args: null })
        return { id: 'scored', group: 'scored', ended, calls: all }
      }),
  )
