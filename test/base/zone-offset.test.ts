import { expect, test } from 'vitest'
import { isZone, ZONE_SINCE, zoneNames, zoneOffset } from '../../src/base/zone-offset.ts'

const at = (text: string): number => Date.parse(text) / 1000

test.for([
  // https://www.iana.org/time-zones, the rules EU, US, AN, LH and others.
  { zone: 'UTC', time: '2026-07-01T00:00:00Z', hours: 0 },
  { zone: 'Europe/Berlin', time: '2026-03-29T00:59:59Z', hours: 1 },
  { zone: 'Europe/Berlin', time: '2026-03-29T01:00:00Z', hours: 2 },
  { zone: 'Europe/Berlin', time: '2026-10-25T00:59:59Z', hours: 2 },
  { zone: 'Europe/Berlin', time: '2026-10-25T01:00:00Z', hours: 1 },
  { zone: 'Europe/Dublin', time: '2026-07-01T00:00:00Z', hours: 1 },
  { zone: 'Europe/Dublin', time: '2026-12-01T00:00:00Z', hours: 0 },
  { zone: 'America/New_York', time: '2024-03-10T06:59:59Z', hours: -5 },
  { zone: 'America/New_York', time: '2024-03-10T07:00:00Z', hours: -4 },
  { zone: 'Australia/Sydney', time: '2025-01-01T00:00:00Z', hours: 11 },
  { zone: 'Australia/Sydney', time: '2025-07-01T00:00:00Z', hours: 10 },
  { zone: 'Australia/Lord_Howe', time: '2025-07-01T00:00:00Z', hours: 10.5 },
  { zone: 'Australia/Lord_Howe', time: '2025-12-31T23:59:59Z', hours: 11 },
  { zone: 'Asia/Kathmandu', time: '2025-01-01T00:00:00Z', hours: 5.75 },
  { zone: 'America/Nuuk', time: '2023-03-26T00:59:59Z', hours: -3 },
  { zone: 'America/Nuuk', time: '2023-12-01T00:00:00Z', hours: -2 },
  { zone: 'America/Sao_Paulo', time: '2025-12-01T00:00:00Z', hours: -3 },
  { zone: 'Europe/Berlin', time: '2400-07-01T00:00:00Z', hours: 2 },
])('$zone at $time -> $hours h', ({ zone, time, hours }) => {
  expect(zoneOffset(zone, at(time))).toBe(hours * 3600)
})

test.for([
  { name: 'another spelling', zone: 'europe/berlin' },
  { name: 'an abbreviation of no zone', zone: 'CEST' },
  { name: 'nothing', zone: '' },
  { name: 'a member of objects', zone: '__proto__' },
  { name: "the machine's own", zone: 'Local' },
])('$name is no zone', ({ zone }) => {
  expect(isZone(zone)).toBe(false)
  expect(zoneOffset(zone, at('2026-01-01T00:00:00Z'))).toBe(null)
})

test.for([ZONE_SINCE - 1, 0, -1, Number.NaN])('at %d nothing is known', (seconds) => {
  expect(zoneOffset('Europe/Berlin', seconds)).toBe(null)
  expect(zoneOffset('UTC', seconds)).toBe(null)
})

test('every zone has whole minutes within a day at every time', () => {
  for (const zone of zoneNames()) {
    for (const year of [2020, 2026, 2038, 2100]) {
      const offset = zoneOffset(zone, at(`${year}-06-15T00:00:00Z`)) ?? Number.NaN
      expect(Math.abs(offset), zone).toBeLessThan(86_400)
      expect(Math.abs(offset % 60), zone).toBe(0)
    }
  }
})

// The past does not change any more: from 2020 to 2025 the engine's own database must agree. What it lacks is left out.
test('no difference to the database of the JavaScript engine in the past', () => {
  let compared = 0
  for (const zone of zoneNames().filter((_name, index) => index % 3 === 0)) {
    const format = formatOf(zone)
    if (format === null) continue
    for (let time = ZONE_SINCE; time < at('2026-01-01T00:00:00Z'); time += 86_400 * 61 + 3600 * 5) {
      const shown = /GMT(?:([+-])(\d\d):(\d\d))?$/.exec(format.format(time * 1000)) ?? []
      const size = Number(shown[2] ?? 0) * 3600 + Number(shown[3] ?? 0) * 60
      expect(zoneOffset(zone, time), `${zone} ${time}`).toBe(shown[1] === '-' ? 0 - size : size)
      compared++
    }
  }
  expect(compared).toBeGreaterThan(5000)
})

function formatOf(timeZone: string): Intl.DateTimeFormat | null {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' })
  } catch {
    return null
  }
}
