import { refuse } from './operands.ts'

/** Seconds east of UTC at an instant (Unix seconds) in an IANA zone, by the engine's own zone data. */
export function zoneOffset(zone: string, unixSeconds: number): number {
  if (zone === '' || zone === 'UTC') return 0
  const parts = new Map<string, string>()
  for (const { type, value } of formatOf(zone).formatToParts(unixSeconds * 1000))
    parts.set(type, value)
  const read = (type: string): number => Number(parts.get(type))
  const wall = Date.UTC(
    read('year'),
    read('month') - 1,
    read('day'),
    read('hour'),
    read('minute'),
    read('second'),
  )
  return wall / 1000 - unixSeconds
}

/**
 * Refuses a zone that is not in the IANA database, and `Local`, which differs from machine to machine.
 *
 * @throws {PolicyError} REGO_BUILTIN_ERROR
 */
export function assertZone(zone: string): void {
  if (zone !== '' && zone !== 'UTC') formatOf(zone)
}

// Intl takes offsets (`+01:00`) and any case; Go takes the names of the database only.
const NAME = /^[A-Z][A-Za-z0-9_+-]*(?:\/[A-Z][A-Za-z0-9_+-]*){0,2}$/
const FORMATS_MAX = 64 // As many zones as are kept ready.
const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone)
  if (known !== undefined) return known
  const format = newFormat(zone)
  const oldest = formats.keys().next()
  if (formats.size >= FORMATS_MAX && oldest.done !== true) formats.delete(oldest.value)
  formats.set(zone, format)
  return format
}

function newFormat(zone: string): Intl.DateTimeFormat {
  if (zone === 'Local') throw refuse('the time zone Local differs from machine to machine')
  if (!NAME.test(zone)) throw refuse('the time zone is not known')
  try {
    return new Intl.DateTimeFormat('en-US-u-ca-gregory-nu-latn', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  } catch {
    throw refuse('the time zone is not known')
  }
}
