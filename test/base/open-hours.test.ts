import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { OpenHours } from '../../src/base/open-hours.ts'
import { addOpenTime } from '../../src/base/open-hours.ts'
import { zoneOffset } from '../../src/base/zone-offset.ts'

const WEEK = ['mon', 'tue', 'wed', 'thu', 'fri']
const OFFICE: OpenHours = {
  zone: 'Europe/Berlin',
  windows: [{ days: WEEK, from: '09:00', to: '17:00' }],
  except: [],
}
const EVERY = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
const night = (days = EVERY): OpenHours => ({
  ...{ zone: 'Europe/Berlin', except: [] },
  windows: [{ days, from: '22:00', to: '06:00' }],
})
const MINUTE = 60_000

describe('open time', () => {
  test.for<{ name: string; hours?: OpenHours; from: string; minutes: number; want: string }>([
    {
      name: 'within a day',
      from: '2026-11-23T09:00:00Z',
      minutes: 30,
      want: '2026-11-23T09:30:00Z',
    },
    {
      name: 'to the very end',
      from: '2026-11-23T15:30:00Z',
      minutes: 30,
      want: '2026-11-23T16:00:00Z',
    },
    {
      name: 'over the night',
      from: '2026-11-23T15:30:00Z',
      minutes: 31,
      want: '2026-11-24T08:01:00Z',
    },
    {
      name: 'before it opens',
      from: '2026-11-23T05:00:00Z',
      minutes: 10,
      want: '2026-11-23T08:10:00Z',
    },
    {
      name: 'over a weekend',
      from: '2026-11-27T15:50:00Z',
      minutes: 20,
      want: '2026-11-30T08:10:00Z',
    },
    {
      name: 'over a holiday',
      hours: { ...OFFICE, except: ['2026-11-24'] },
      from: '2026-11-23T15:50:00Z',
      minutes: 20,
      want: '2026-11-25T08:10:00Z',
    },
    // The clocks of Berlin go from 02:00 to 03:00 on 29 March 2026, and back from 03:00 to 02:00 on 25 October.
    {
      name: 'an hour that is skipped does not run',
      hours: night(),
      from: '2026-03-28T21:00:00Z',
      minutes: 8 * 60,
      want: '2026-03-29T21:00:00Z',
    },
    {
      name: 'an hour that is repeated runs twice',
      hours: night(),
      from: '2026-10-24T20:00:00Z',
      minutes: 9 * 60,
      want: '2026-10-25T05:00:00Z',
    },
    {
      name: 'a window over midnight belongs to the day on which it begins',
      hours: night(['fri']),
      from: '2026-11-28T04:30:00Z',
      minutes: 60,
      want: '2026-12-04T21:30:00Z',
    },
    {
      name: 'an excepted day is closed from midnight to midnight',
      hours: { ...night(['fri']), except: ['2026-11-28'] },
      from: '2026-11-27T22:30:00Z',
      minutes: 60,
      want: '2026-12-04T21:30:00Z',
    },
  ])('$name', ({ hours = OFFICE, from, minutes, want }) => {
    const end = addOpenTime(hours, Date.parse(from), minutes * MINUTE)
    expect(end === null ? null : new Date(end).toISOString()).toBe(want.replace('Z', '.000Z'))
  })

  const everyDay = Array.from({ length: 410 }, (_, day) =>
    new Date(Date.UTC(2026, 10, 20 + day)).toISOString().slice(0, 10),
  )
  test.for<{ name: string; hours: OpenHours; minutes: number; from?: string }>([
    { name: 'every day excepted', hours: { ...OFFICE, except: everyDay }, minutes: 1 },
    {
      name: 'an hour a week, for more than 400 days',
      hours: { ...OFFICE, windows: [{ days: ['mon'], from: '09:00', to: '10:00' }] },
      minutes: 60 * 60,
    },
    {
      name: 'before the clocks are known',
      hours: OFFICE,
      minutes: 1,
      from: '2019-01-01T00:00:00Z',
    },
  ])('$name -> never', ({ hours, minutes, from = '2026-11-23T09:00:00Z' }) => {
    expect(addOpenTime(hours, Date.parse(from), minutes * MINUTE)).toBeNull()
  })

  test.for<{ name: string; hours: OpenHours }>([
    { name: 'no zone', hours: { ...OFFICE, zone: 'Mars/Olympus' } },
    {
      name: 'an empty window',
      hours: { ...OFFICE, windows: [{ days: WEEK, from: '09:00', to: '09:00' }] },
    },
    { name: 'no such day', hours: { ...OFFICE, except: ['2026-02-30'] } },
  ])('$name -> VALUE_INVALID', ({ hours }) => {
    expect(() => addOpenTime(hours, 0, 1)).toThrow(
      expect.objectContaining({ code: 'VALUE_INVALID' }),
    )
  })

  test('it runs minute by minute as somebody with a watch would count', () => {
    const time = fc.integer({ min: 0, max: 47 }).map((half) => {
      return `${String(Math.floor(half / 2)).padStart(2, '0')}:${half % 2 === 0 ? '00' : '30'}`
    })
    const window = fc
      .record({
        days: fc.uniqueArray(fc.constantFrom(...EVERY), { minLength: 2, maxLength: 7 }),
        from: time,
        to: time,
      })
      .filter(({ from, to }) => from !== to)
    const zone = fc.constantFrom('Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'UTC')
    // The days around the changes of the clocks in 2026, and some others.
    const day = fc.constantFrom(
      '2026-03-07',
      '2026-03-28',
      '2026-04-04',
      '2026-10-03',
      '2026-10-24',
      '2026-10-31',
    )
    fc.assert(
      fc.property(
        zone,
        fc.array(window, { minLength: 1, maxLength: 2 }),
        day,
        fc.integer({ min: 1, max: 600 }),
        (name, windows, date, minutes) => {
          const from = Date.parse(`${date}T00:00:00Z`)
          const hours = { zone: name, windows, except: [] }
          expect(addOpenTime(hours, from, minutes * MINUTE)).toBe(byMinutes(hours, from, minutes))
        },
      ),
      { numRuns: 60 },
    )
  })
})

function byMinutes({ zone, windows }: OpenHours, from: number, minutes: number): number {
  let left = minutes
  for (let at = from; ; at += MINUTE) {
    const offset = zoneOffset(zone, at / 1000) ?? 0
    const wall = new Date(at + offset * 1000)
    const text = wall.toISOString().slice(11, 16)
    const name = (back: number) => EVERY[(wall.getUTCDay() + 6 - back + 7) % 7] ?? ''
    const open = windows.some(({ days, from: start, to }) =>
      start < to
        ? start <= text && text < to && days.includes(name(0))
        : (text >= start && days.includes(name(0))) || (text < to && days.includes(name(1))),
    )
    if (open) left -= 1
    if (left === 0) return at + MINUTE
  }
}
