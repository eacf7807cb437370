import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatDuration, parseDuration } from '../../src/base/duration.ts'
import { DURATION_MS_MAX } from '../../src/base/limits.ts'

test.for([
  ['250ms', 250],
  ['90s', 90_000],
  ['15m', 900_000],
  ['24h', 86_400_000],
  ['7d', 604_800_000],
  ['1h30m', 5_400_000],
  ['1m1ms', 60_001],
  ['3650d', DURATION_MS_MAX],
] as const)('%s -> %d ms', ([text, want]) => {
  expect(parseDuration(text)).toBe(want)
})

test.for([
  '',
  '15',
  'm',
  '-1m',
  '+1m',
  '1.5h',
  '1 h',
  ' 1h',
  '1h\n',
  '1H',
  '30m1h',
  '1m1m',
  '1w',
  '0s',
  '0d0h',
  '3651d',
  '1e3s',
  '٣m',
  `${'9'.repeat(80)}d`,
])('%j -> DURATION_INVALID', (text) => {
  expect(() => parseDuration(text)).toThrow(expect.objectContaining({ code: 'DURATION_INVALID' }))
})

test.for([
  [0, '0ms'],
  [90_000, '1m30s'],
  [86_400_000, '1d'],
  [5_400_001, '1h30m1ms'],
  [1.9, '1ms'],
] as const)('%d ms -> %s', ([ms, want]) => {
  expect(formatDuration(ms)).toBe(want)
})

test('any milliseconds -> a text that reads back', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: DURATION_MS_MAX }), (ms) => {
      expect(parseDuration(formatDuration(ms))).toBe(ms)
    }),
  )
})
