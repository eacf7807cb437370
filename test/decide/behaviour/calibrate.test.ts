import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Calibration } from '../../../src/decide/behaviour/calibrate.ts'
import {
  calibrate,
  lowerBound,
  meterOf,
  metersOf,
  quantized,
  rarity,
  scoreOf,
  sumOf,
  thresholdOf,
} from '../../../src/decide/behaviour/calibrate.ts'
import type { Channels } from '../../../src/decide/behaviour/channels.ts'
import { CHANNELS } from '../../../src/decide/behaviour/channels.ts'
import { chainOf, learn } from '../../../src/decide/behaviour/snapshot.ts'
import { sessionOf, sessionsOf } from './generated-sessions.ts'

/** Of a grid, so that values are equal now and then. */
const value = fc.integer({ min: 0, max: 40 }).map((quarter) => quarter / 4)
const sorted = fc.array(value, { maxLength: 60 }).map((values) => values.sort((a, b) => a - b))

const tailsOf = (values: readonly number[]): Calibration['tails'] =>
  Object.fromEntries(CHANNELS.map((name) => [name, values])) as unknown as Calibration['tails']

describe('rarity', () => {
  test('a larger value is never more ordinary, but for the step onto the tail', () => {
    fc.assert(
      fc.property(sorted, value, value, (values, a, b) => {
        const meter = meterOf(values)
        const [low, high] = a < b ? [a, b] : [b, a]
        const sameSide = low > meter.start === high > meter.start
        if (sameSide) expect(rarity(meter, high)).toBeGreaterThanOrEqual(rarity(meter, low))
        expect(Object.is(rarity(meter, low), -0)).toBe(false)
      }),
    )
  })

  test('what is passed over as ordinary adds nothing to the sum', () => {
    fc.assert(
      fc.property(sorted, value, (values, one) => {
        const meter = meterOf(values)
        const beyond = Math.max(0, rarity(meter, one) - 2)
        if (one <= meter.ordinary) expect(beyond).toBe(0)
        const meters = metersOf(tailsOf(values))
        const all = Object.fromEntries(CHANNELS.map((name) => [name, one])) as Channels
        // Four groups: what sees the same thing counts once.
        expect(sumOf(meters, all)).toBeCloseTo(4 * beyond, 5)
      }),
      { numRuns: 1_000 },
    )
  })

  test.for([
    { value: 75, bits: 0 },
    { value: 76, bits: 0 },
    { value: 77, bits: 0.0145 },
    { value: 81, bits: 0.2659 },
    { value: 82, bits: 0.5402 },
  ])('of 1 to 100 the value $value -> $bits bits beyond what is ordinary', ({ value, bits }) => {
    const meters = metersOf(tailsOf(Array.from({ length: 100 }, (_, i) => i + 1)))
    const none = Object.fromEntries(CHANNELS.map((name) => [name, 0])) as Channels
    expect(sumOf(meters, { ...none, markov: value })).toBeCloseTo(bits, 3)
  })

  test('each channel counts', () => {
    const meters = metersOf(tailsOf([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]))
    const none = Object.fromEntries(CHANNELS.map((name) => [name, 0])) as Channels
    expect(sumOf(meters, none)).toBe(0)
    for (const name of CHANNELS) expect(sumOf(meters, { ...none, [name]: 20 })).toBeGreaterThan(5)
  })

  test.for([
    { name: 'nothing calibrated', values: [], x: 100, want: 0 },
    { name: 'all sessions alike, and this one too', values: [3, 3, 3], x: 3, want: 0 },
    { name: 'all sessions alike, this one beyond', values: [3, 3, 3], x: 4, want: 2 },
    { name: 'below all', values: [1, 2, 3], x: 0, want: 0 },
  ])('$name -> $want bits', ({ values, x, want }) => {
    expect(rarity(meterOf(values), x)).toBe(want)
  })
})

describe('the threshold', () => {
  test.for([
    { sessions: 48, rate: 0.02, finite: false },
    { sessions: 49, rate: 0.02, finite: true },
    { sessions: 98, rate: 0.01, finite: false },
    { sessions: 99, rate: 0.01, finite: true },
    { sessions: 0, rate: 0.5, finite: false },
  ])('$sessions sessions at rate $rate -> finite: $finite', ({ sessions, rate, finite }) => {
    const sums = Array.from({ length: sessions }, (_, i) => i)
    expect(Number.isFinite(thresholdOf(sums, rate))).toBe(finite)
  })

  test('is exceeded by no more of the sessions than the rate', () => {
    fc.assert(
      fc.property(sorted, fc.constantFrom(0.02, 0.05, 0.1, 0.5), (sums, rate) => {
        const threshold = thresholdOf(sums, rate)
        const above = sums.filter((sum) => sum > threshold).length
        expect(above).toBeLessThanOrEqual(rate * (sums.length + 1))
      }),
    )
  })

  test('the score -> grows with the sum, from 0 to below 1', () => {
    fc.assert(
      fc.property(sorted, value, value, (sums, a, b) => {
        const [low, high] = [scoreOf(sums, Math.min(a, b)), scoreOf(sums, Math.max(a, b))]
        expect(low).toBeGreaterThanOrEqual(0)
        expect(high).toBeGreaterThanOrEqual(low)
        expect(high).toBeLessThan(1)
      }),
    )
  })

  test('lowerBound -> how many are smaller', () => {
    fc.assert(
      fc.property(sorted, value, (values, one) => {
        expect(lowerBound(values, one)).toBe(values.filter((other) => other < one).length)
      }),
    )
  })
})

describe('calibration', () => {
  test('judges each session by a chain that did not learn it', () => {
    const usual = Array.from({ length: 30 }, (_, i) => sessionOf(`u${i}`, ['a.x', 'a.y']))
    const odd = sessionOf('odd', ['z.x', 'z.y'])
    const { sample, ...rest } = learn([...usual, odd])
    const { tails, sums } = calibrate(chainOf({ ...rest, sample }, null), sample)
    // In-sample its service would be a known one.
    expect(tails.service.at(-1)).toBeGreaterThan(4)
    expect(sums.at(-1)).toBeGreaterThan(sums.at(-2)!)
  })

  test('sessions of one group -> held out together', () => {
    const group = (name: string) => (i: number) => ({
      ...sessionOf(`${name}${i}`, [`${name}.x`, `${name}.y`]),
      group: name,
    })
    const names = ['a', 'b', 'c']
    const grouped = learn(names.flatMap((name) => [0, 1, 2, 3].map(group(name))))
    const alone = learn(
      names
        .flatMap((name) => [0, 1, 2, 3].map(group(name)))
        .map((one) => ({ ...one, group: one.id })),
    )
    const most = (snapshot: typeof grouped): number =>
      calibrate(chainOf(snapshot, null), snapshot.sample).tails.service.at(-1)!
    expect(most(grouped)).toBeGreaterThan(3) // log2(8 + 1)
    expect(most(alone)).toBe(0)
  })

  test('leaves the chain as it was', () => {
    fc.assert(
      fc.property(sessionsOf(10), (sessions) => {
        const { sample, ...rest } = learn(sessions)
        const chain = chainOf({ ...rest, sample }, null)
        const before = calibrate(chain, sample)
        expect(calibrate(chain, sample)).toEqual(before)
        expect(chain.sessions).toBe(sessions.length)
      }),
      // One seed: a value on the border of two quanta may round either way.
      { seed: 6 },
    )
  })

  test('nothing learned -> nothing, and no threshold', () => {
    const { tails, sums } = calibrate(chainOf(learn([]), null), [])
    expect([sums, tails.markov]).toEqual([[], []])
    expect(thresholdOf(sums, 0.02)).toBe(Number.POSITIVE_INFINITY)
  })

  test('values are rounded to 2^-20, and zero stays zero', () => {
    const channels = Object.fromEntries(CHANNELS.map((name, i) => [name, i / 3])) as Channels
    for (const [i, name] of CHANNELS.entries()) {
      const one = quantized(channels)[name]
      expect(Number.isInteger(one * 2 ** 20)).toBe(true)
      expect(Math.abs(one - i / 3)).toBeLessThanOrEqual(2 ** -21)
    }
    expect(quantized(channels).markov).toBe(0)
  })
})
