import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BuiltinError } from '../../../../src/decide/rego/builtins/builtin.ts'
import { TIME } from '../../../../src/decide/rego/builtins/time.ts'
import type { Value } from '../../../../src/decide/rego/values/value.ts'
import { testOracleAnswers } from './oracle-answers.ts'
import { caller, newCall } from './tagged-values.ts'

const call = caller(TIME)
const SECOND = 1_000_000_000n
const at = (text: string): bigint => BigInt(Date.parse(text)) * 1_000_000n

testOracleAnswers('time.json', TIME)

test('a time that was formatted is parsed, to the nanosecond', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (ns) => {
      const text = call('time.format', ns) as string
      expect(BigInt(call('time.parse_rfc3339_ns', text) as number)).toBe(ns)
      expect(BigInt(call('time.parse_ns', 'RFC3339Nano', text) as number)).toBe(ns)
    }),
  )
})

test.for([
  { layout: '2006 3:04PM', text: '2024 12:30PM', want: '2024-01-01T12:30:00Z' },
  { layout: '2006 3:04PM', text: '2024 12:30AM', want: '2024-01-01T00:30:00Z' },
  { layout: '2006 15 PM', text: '2024 15 PM', want: '2024-01-01T15:00:00Z' },
  { layout: '2006 002', text: '2024 366', want: '2024-12-31T00:00:00Z' },
  { layout: '06 Jan _2', text: '69 feb  3', want: '1969-02-03T00:00:00Z' },
  { layout: '2006 MST', text: '2024 CEST', want: '2024-01-01T00:00:00Z' },
  { layout: '2006 -0700', text: '2024 +0130', want: '2023-12-31T22:30:00Z' },
  { layout: '2006 Z0700 -07', text: '2024 Z +05', want: '2024-01-01T00:00:00Z' },
  { layout: '2006 05', text: '2024 07.25', want: '2024-01-01T00:00:07.250Z' },
])('$text by $layout -> $want', ({ layout, text, want }) => {
  expect(BigInt(call('time.parse_ns', layout, text) as number | bigint)).toBe(at(want))
})

test('UTC is what Date says', () => {
  fc.assert(
    fc.property(fc.integer({ min: -9e9, max: 9e9 }), (seconds) => {
      const date = new Date(seconds * 1000)
      const ns = BigInt(seconds) * SECOND
      const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()]
      expect(call('time.date', ns)).toEqual([year, month, day])
      expect(call('time.clock', [ns, 'UTC'])).toEqual([
        date.getUTCHours(),
        date.getUTCMinutes(),
        date.getUTCSeconds(),
      ])
      expect(call('time.weekday', ns)).toBe(
        date.toLocaleDateString('en-US', { weekday: 'long', timeZone: 'UTC' }),
      )
    }),
  )
})

describe('zones', () => {
  test.for([
    { zone: 'Europe/Berlin', time: '2024-07-01T00:00:00Z', want: 'CEST +0200' },
    { zone: 'Europe/Berlin', time: '2024-03-31T00:59:59Z', want: 'CET +0100' },
    { zone: 'Europe/Berlin', time: '2024-03-31T01:00:00Z', want: 'CEST +0200' },
    { zone: 'America/New_York', time: '2024-01-01T00:00:00Z', want: 'EST -0500' },
    { zone: 'Asia/Dubai', time: '2024-01-01T00:00:00Z', want: '+04 +0400' },
    { zone: 'Asia/Kathmandu', time: '2024-01-01T00:00:00Z', want: '+0545 +0545' },
    { zone: 'Europe/Moscow', time: '2012-01-01T00:00:00Z', want: 'MSK +0400' },
    { zone: 'Europe/Moscow', time: '2009-07-01T00:00:00Z', want: 'MSD +0400' },
    { zone: 'Europe/Lisbon', time: '1995-01-01T00:00:00Z', want: 'CET +0100' },
    { zone: '', time: '1800-01-01T00:00:00Z', want: 'UTC +0000' },
  ])('$zone at $time -> $want', ({ zone, time, want }) => {
    expect(call('time.format', [at(time), zone, 'MST -0700'])).toBe(want)
  })

  test.for([
    { name: 'the zone of the machine', zone: 'Local' },
    { name: 'an offset', zone: '+01:00' },
    { name: 'another case', zone: 'europe/berlin' },
    { name: 'another case of a part', zone: 'Europe/BERLIN' },
    { name: 'a path', zone: '../UTC' },
    { name: 'a zone of no one', zone: 'Europe/Atlantis' },
  ])('$name -> refused', ({ zone }) => {
    expect(() => call('time.clock', [0, zone])).toThrow(BuiltinError)
  })

  test('every zone of the engine is known', () => {
    const unknown = Intl.supportedValuesOf('timeZone').filter((zone) => {
      const [hour, minute] = call('time.clock', [0, zone]) as readonly number[]
      return hour === undefined || minute === undefined
    })
    expect(unknown).toEqual([])
  })

  test('a name before 1970 -> refused; digits are not', () => {
    const time = at('1960-01-01T00:00:00Z')
    expect(() => call('time.format', [time, 'Europe/Paris', 'MST'])).toThrow(BuiltinError)
    expect(call('time.format', [time, 'Europe/Paris', '-0700'])).toBe('+0100')
  })

  test('an hour that the clock leaves out, and one that it has twice, are settled as in Go', () => {
    const nextDay = (text: string): Value | undefined =>
      call('time.add_date', [at(text), 'Europe/Berlin'], 0, 0, 1)
    // 02:30 in Berlin, which the next day lacks, and which another next day has twice.
    expect(nextDay('2024-03-30T01:30:00Z')).toBe(at('2024-03-31T01:30:00Z'))
    expect(nextDay('2024-10-26T00:30:00Z')).toBe(at('2024-10-27T01:30:00Z'))
  })
})

test.for([
  { name: 'a time past 2262', name_: 'time.date', operands: [2n ** 63n] },
  { name: 'a fraction of a nanosecond', name_: 'time.date', operands: [0.5] },
  { name: 'nothing', name_: 'time.date', operands: [[]] },
  { name: 'a year far away', name_: 'time.add_date', operands: [0, 1_000, 0, 0] },
  { name: 'a shift beyond all dates', name_: 'time.add_date', operands: [0, 0, 0, 2n ** 62n] },
  { name: 'a duration beyond 64 bits', name_: 'time.parse_duration_ns', operands: ['293y'] },
  { name: 'a layout that does not fit', name_: 'time.parse_ns', operands: ['2006', '24'] },
] as { name: string; name_: string; operands: Value[] }[])('$name -> refused', (row) => {
  expect(() => call(row.name_, ...row.operands)).toThrow(BuiltinError)
})

test.for([
  ['time.parse_duration_ns', '1s'.repeat(100_000)],
  ['time.parse_duration_ns', '0'.repeat(200_000)],
] as const)('%s of a long text -> refused', ([name, text]) => {
  expect(() => call(name, text)).toThrow('no steps left')
})

test('layouts are kept between calls, short ones only', () => {
  const kept = new Map<string, unknown>()
  for (const layout of ['2006', '2006', '15'.repeat(200)]) {
    TIME['time.format']?.(newCall(kept), [0, 'UTC', layout])
  }
  expect(kept.size).toBe(1)
})
