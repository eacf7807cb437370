import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decayTick, MICRO, newDecay } from '../../../src/decide/behaviour/decay.ts'
import { chainOf, EMPTY_SNAPSHOT } from '../../../src/decide/behaviour/snapshot.ts'
import { cpuMs } from '../../support/cpu.ts'

const count = fc.integer({ min: 0, max: 1_000_000 })
const idle = fc.integer({ min: 0, max: 10_000 })
const halfLife = fc.integer({ min: 1, max: 1_000 })

test('one tick -> the floor of units * 1004 / 1024, for every safe integer', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (units) => {
      expect(decayTick(units)).toBe(Number((BigInt(units) * 1004n) / 1024n))
    }),
    { numRuns: 2_000 },
  )
})

describe('decayed', () => {
  test.for([
    { name: 'seen in the last session', count: 3, idle: 0, halfLife: 50, want: 3 * MICRO },
    { name: 'too few sessions for a tick', count: 3, idle: 1, halfLife: 50, want: 3 * MICRO },
    { name: 'nothing', count: 0, idle: 10, halfLife: 50, want: 0 },
    { name: 'far beyond all half-lives', count: 1_000, idle: 1_000_000, halfLife: 1, want: 0 },
  ])('$name -> $want', ({ want, ...row }) => {
    expect(newDecay(row.halfLife)(row.count, row.idle)).toBe(want)
  })

  test.for([
    { idle: 100, share: 0.5 },
    { idle: 200, share: 0.25 },
    { idle: 300, share: 0.125 },
  ])('after $idle sessions with a half-life of 100 -> about $share', ({ idle, share }) => {
    expect(newDecay(100)(1, idle) / MICRO).toBeCloseTo(share, 2)
  })

  test('is an integer that only falls, and never below nothing', () => {
    fc.assert(
      fc.property(count, idle, halfLife, (calls, sessions, half) => {
        const now = newDecay(half)(calls, sessions)
        const later = newDecay(half)(calls, sessions + 1)
        expect(Number.isSafeInteger(now)).toBe(true)
        expect(later).toBeGreaterThanOrEqual(0)
        expect(later).toBeLessThanOrEqual(now)
        expect(now).toBeLessThanOrEqual(calls * MICRO)
      }),
    )
  })

  test('never puts the rarer path before the more frequent one', () => {
    fc.assert(
      fc.property(count, count, idle, halfLife, (a, b, sessions, half) => {
        const [less, more] = a < b ? [a, b] : [b, a]
        expect(newDecay(half)(less, sessions)).toBeLessThanOrEqual(newDecay(half)(more, sessions))
      }),
    )
  })
})

test('200,000 paths that have aged load in about the time of those that have not', () => {
  const nodes = Array.from({ length: 1_000 }, (_, i) => `s.a${String(i).padStart(3, '0')}`)
  const paths = nodes.flatMap((_, from) =>
    nodes.slice(0, 200).flatMap((_, to) => [0, from + 2, to + 2, 1 + (to % 50), 1 + from + to]),
  )
  const snapshot = { ...EMPTY_SNAPSHOT, sessions: 50_000, nodes, paths }
  const timeOf = (halfLife: number | null) => {
    const start = cpuMs()
    chainOf(snapshot, halfLife)
    return cpuMs() - start
  }
  timeOf(null)
  expect(timeOf(1_000)).toBeLessThan(3 * timeOf(null) + 100)
})
