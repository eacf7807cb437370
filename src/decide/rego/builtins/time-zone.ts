import type { Call } from './builtin.ts'
import { BuiltinError } from './builtin.ts'
import { ZONE_TABLE } from './time-zone-names.ts'

/**
 * Refuses a zone that is not in the IANA database, in its very spelling, and `Local`, which differs from machine to
 * machine.
 *
 * @throws {BuiltinError}
 */
export function assertZone(zone: string): void {
  if (isUtc(zone)) return
  if (zone === 'Local')
    throw new BuiltinError('the time zone Local differs from machine to machine')
  if (!zones().has(zone)) throw new BuiltinError('the time zone is not known')
}

/** Seconds east of UTC at an instant (Unix seconds) in an IANA zone, by the JavaScript engine's own zone data. */
export function zoneOffset(call: Call, zone: string, unixSeconds: number): number {
  if (isUtc(zone)) return 0
  call.work(OFFSET_WORK)
  const shown = OFFSET.exec(formatOf(zone).format(unixSeconds * 1000))
  if (shown === null) throw new BuiltinError('the time zone is not known')
  const [, sign, hours = '0', minutes = '0', seconds = '0'] = shown
  const offset = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)
  return sign === '-' ? -offset : offset
}

/**
 * What the zone's offset is called at an instant: `CET`, or `+03` where it has no name.
 *
 * @throws {BuiltinError} before 1970, when names differ from one copy of the database to another
 */
export function zoneName(zone: string, unixSeconds: number, offset: number): string {
  if (isUtc(zone)) return 'UTC'
  const eras = zones().get(zone) ?? []
  const era = eras.findLast(({ since }) => since <= unixSeconds)
  if (unixSeconds < 0 || era === undefined) {
    throw new BuiltinError('names of time zones are not known before 1970')
  }
  if (era.names.size === 0) return offsetText(offset)
  const name = era.names.get(offset)
  if (name === undefined) throw new BuiltinError('the name of the time zone is not known')
  return name
}

/** Units of work that finding an offset takes. */
const OFFSET_WORK = 48

/** Such as `1/1/1970, GMT+01:00`, also with seconds, or without any offset. */
const OFFSET = /GMT(?:([+-])([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?)?$/

/** From a Unix second on: names of offsets. None where offsets are called by their digits. */
type Era = { readonly since: number; readonly names: ReadonlyMap<number, string> }

let known: ReadonlyMap<string, readonly Era[]> | undefined

function zones(): ReadonlyMap<string, readonly Era[]> {
  known ??= new Map(ZONE_TABLE.replaceAll('\n ', '').trim().split('\n').flatMap(readLine))
  return known
}

function readLine(line: string): [string, readonly Era[]][] {
  const [eras = '', names = ''] = line.split(': ')
  const read = eras.split(' / ').map(readEra)
  return names.split(' ').map((name) => [name, read])
}

function readEra(text: string): Era {
  const since = /^@([0-9]+)/.exec(text)?.[1] ?? '0'
  const names = [...text.matchAll(/(\S+)=(-?[0-9]+)/g)]
  return {
    since: Number(since),
    names: new Map(names.map(([, name = '', offset]) => [Number(offset), name])),
  }
}

function isUtc(zone: string): boolean {
  return zone === '' || zone === 'UTC'
}

function offsetText(offset: number): string {
  const minutes = Math.trunc(Math.abs(offset) / 60)
  const hours = String(Math.trunc(minutes / 60)).padStart(2, '0')
  const rest = minutes % 60 === 0 ? '' : String(minutes % 60).padStart(2, '0')
  return `${offset < 0 ? '-' : '+'}${hours}${rest}`
}

/** One for each zone that was asked for: making one takes as long as using it fifty times. Bounded by the table. */
const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(zone: string): Intl.DateTimeFormat {
  const ready = formats.get(zone)
  if (ready !== undefined) return ready
  assertZone(zone)
  const format = newFormat(zone)
  formats.set(zone, format)
  return format
}

function newFormat(timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' })
  } catch (cause) {
    throw new BuiltinError('the time zone is not known', 'eval_builtin_error', { cause })
  }
}
