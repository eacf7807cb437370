import type { Term } from '../terms.ts'
import { numberTerm } from '../terms.ts'
import { integerOperand, refuse, stringOperand } from './operands.ts'
import { assertZone, zoneOffset } from './time-zone.ts'

/** `time.parse_rfc3339_ns(text)`: nanoseconds since 1970, exact. Takes what Go's time.Parse takes. */
export function parseRfc3339Ns(text?: Term): Term {
  const parts = RFC3339.exec(stringOperand(text, 1))
  if (parts === null) throw refuse('operand 1 is no RFC 3339 time')
  const field = (index: number): number => Number(parts[index])
  const [year, month, day] = [field(1), field(2), field(3)]
  const [hour, minute, second] = [field(4), field(5), field(6)]
  const valid =
    month >= 1 &&
    month <= 12 &&
    day >= 1 &&
    day <= daysIn(year, month) &&
    hour < 24 &&
    minute < 60 &&
    second < 60
  const zone = parts[8] ?? 'Z'
  const zoneHours = zone === 'Z' ? 0 : Number(zone.slice(1, 3))
  const zoneMinutes = zone === 'Z' ? 0 : Number(zone.slice(4, 6))
  // Go's parser lets an offset of 24:60 pass.
  if (!valid || zoneHours > 24 || zoneMinutes > 60) throw refuse('operand 1 is no RFC 3339 time')
  const offset = (zoneHours * 60 + zoneMinutes) * 60 * (zone.startsWith('-') ? -1 : 1)
  const seconds = unixSeconds({ year, month, day, hour, minute, second }) - offset
  const nanoseconds = BigInt((parts[7] ?? '').slice(0, 9).padEnd(9, '0'))
  return instantTerm(BigInt(seconds) * SECOND + nanoseconds)
}

/**
 * `time.parse_duration_ns(text)`: Go's time.ParseDuration with OPA's units d (24 h), w (7 d) and y (365 d).
 */
export function parseDurationNs(text?: Term): Term {
  const source = stringOperand(text, 1)
  if (/^[+-]?0$/.test(source)) return numberTerm(0)
  if (!/^[+-]?(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h|d|w|y))+$/.test(source)) {
    throw refuse('operand 1 is no duration')
  }
  let total = 0n
  for (const [, digits = '', unit = ''] of source.matchAll(
    /([0-9.]+)(ns|us|µs|μs|ms|s|m|h|d|w|y)/g,
  )) {
    total += segment(digits, unit)
    if (total > INT64_LIMIT) throw refuse('the duration is out of range')
  }
  const negative = source.startsWith('-')
  if (!negative && total === INT64_LIMIT) throw refuse('the duration is out of range')
  return numberTerm(negative ? -total : total)
}

/** `time.date(ns | [ns, zone])`: year, month, day. */
export function timeDate(instant?: Term): Term {
  const { year, month, day } = civil(momentOf(instant))
  return numbers([year, month, day])
}

/** `time.clock(ns | [ns, zone])`: hour, minute, second. */
export function timeClock(instant?: Term): Term {
  const { hour, minute, second } = civil(momentOf(instant))
  return numbers([hour, minute, second])
}

/** `time.weekday(ns | [ns, zone])`: `Monday` to `Sunday`. */
export function timeWeekday(instant?: Term): Term {
  const moment = momentOf(instant)
  const days = Math.floor(wallSeconds(moment) / 86_400)
  return WEEKDAYS[(((days + 4) % 7) + 7) % 7] ?? null // The first of January 1970 was a Thursday.
}

/** `time.add_date(ns | [ns, zone], years, months, days)`: nanoseconds; a 31st of February overflows, as in Go. */
export function timeAddDate(instant?: Term, years?: Term, months?: Term, days?: Term): Term {
  const moment = momentOf(instant)
  const shown = civil(moment)
  const wall = unixSeconds({
    ...shown,
    year: shown.year + shiftOperand(years, 2),
    month: shown.month + shiftOperand(months, 3),
    day: shown.day + shiftOperand(days, 4),
  })
  // Beyond the range of Date this is NaN, which is no less out of range.
  if (!(Math.abs(wall) <= SECONDS_MAX)) throw refuse('the time is out of range')
  const fraction = moment.nanoseconds - BigInt(moment.seconds) * SECOND
  return instantTerm(BigInt(utcOf(wall, moment.zone)) * SECOND + fraction)
}

/** `time.diff(a, b)`: years, months, days, hours, minutes, seconds between two times, in the zone of the first. */
export function timeDiff(a?: Term, b?: Term): Term {
  const first = momentOf(a)
  const second = { ...momentOf(b), zone: first.zone }
  const ordered = first.nanoseconds > second.nanoseconds
  const from = civil(ordered ? second : first)
  const to = civil(ordered ? first : second)
  const units = [
    to.year - from.year,
    to.month - from.month,
    to.day - from.day,
    to.hour - from.hour,
    to.minute - from.minute,
    to.second - from.second,
  ]
  const sizes = [0, 12, daysIn(from.year, from.month), 24, 60, 60]
  for (let i = 5; i > 0; i--) {
    if ((units[i] ?? 0) >= 0) continue
    units[i] = (units[i] ?? 0) + (sizes[i] ?? 0)
    units[i - 1] = (units[i - 1] ?? 0) - 1
  }
  return numbers(units)
}

const SECOND = 1_000_000_000n
const INT64_LIMIT = 2n ** 63n
const SECONDS_MAX = 9_223_372_036 + 86_400 * 2 // int64 nanoseconds, with room for a zone's offset.
const SHIFT_MAX = 20_000_000 // A million years in months or days fit.
const RFC3339 =
  /^([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?:[.,]([0-9]+))?(Z|[+-][0-9]{2}:[0-9]{2})$/
const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const UNIT_NS = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  ['µs', 1_000n],
  ['μs', 1_000n],
  ['ms', 1_000_000n],
  ['s', SECOND],
  ['m', 60n * SECOND],
  ['h', 3_600n * SECOND],
])
const UNIT_HOURS = new Map([
  ['d', 24],
  ['w', 168],
  ['y', 8760],
])

type Moment = { readonly nanoseconds: bigint; readonly seconds: number; readonly zone: string }
type Civil = {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
}

function momentOf(term: Term | undefined): Moment {
  const parts = typeof term === 'object' && term?.kind === 'array' ? term.items : [term]
  const nanoseconds = integerOperand(parts[0], 1)
  if (BigInt.asIntN(64, nanoseconds) !== nanoseconds) throw refuse('the time is out of range')
  const zone = parts.length > 1 ? stringOperand(parts[1], 1) : 'UTC'
  if (parts.length > 2) stringOperand(parts[2], 1)
  assertZone(zone)
  const floor = nanoseconds / SECOND - (nanoseconds % SECOND < 0n ? 1n : 0n)
  return { nanoseconds, seconds: Number(floor), zone }
}

function wallSeconds({ seconds, zone }: Moment): number {
  return seconds + zoneOffset(zone, seconds)
}

function civil(moment: Moment): Civil {
  const date = new Date(wallSeconds(moment) * 1000)
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
  }
}

/** Seconds since 1970 of a date in UTC; months and days beyond their range carry over. */
function unixSeconds({ year, month, day, hour, minute, second }: Civil): number {
  const date = new Date(0)
  // Unlike Date.UTC, this takes the years 0 to 99 as they are.
  // Years and months may be far apart and cancel out; Date would give up on either.
  date.setUTCFullYear(year + Math.floor((month - 1) / 12), (((month - 1) % 12) + 12) % 12, day)
  return date.getTime() / 1000 + hour * 3600 + minute * 60 + second
}

/** The instant of a wall clock, settled at a change of the clock as Go's time.Date settles it. */
function utcOf(wall: number, zone: string): number {
  const guess = zoneOffset(zone, wall)
  return guess === 0 ? wall : wall - zoneOffset(zone, wall - guess)
}

function daysIn(year: number, month: number): number {
  const date = new Date(0)
  date.setUTCFullYear(year, month, 0)
  return date.getUTCDate()
}

function shiftOperand(term: Term | undefined, position: number): number {
  const value = integerOperand(term, position)
  // OPA reads 2.0 as an integer, and 2e0 not.
  if (typeof term === 'object' && term?.kind === 'number' && /e/i.test(term.text)) {
    throw refuse(`operand ${position} must be an integer`)
  }
  if (value > SHIFT_MAX || value < -SHIFT_MAX) throw refuse(`operand ${position} is out of range`)
  return Number(value)
}

function segment(digits: string, unit: string): bigint {
  const hours = UNIT_HOURS.get(unit)
  // OPA turns its own units into a decimal number of hours first, in doubles.
  const text = hours === undefined ? digits : plainDecimal(Number(digits) * hours)
  const size = UNIT_NS.get(hours === undefined ? unit : 'h') ?? 0n
  const [whole = '', fraction = ''] = text.split('.')
  if ((whole === '' && fraction === '') || whole.length > 19)
    throw refuse('operand 1 is no duration')
  const used = leadingDigits(fraction)
  // Go adds the fraction in doubles too, cut to whole nanoseconds.
  const extra = Math.trunc(Number(used === '' ? '0' : used) * (Number(size) / 10 ** used.length))
  return BigInt(whole === '' ? '0' : whole) * size + BigInt(extra)
}

/** As many digits of a fraction as Go's parser holds in an int64. */
function leadingDigits(fraction: string): string {
  let value = 0n
  let length = 0
  for (const digit of fraction.slice(0, 64)) {
    const next = value * 10n + BigInt(digit)
    if (value > (INT64_LIMIT - 1n) / 10n || next > INT64_LIMIT) break
    value = next
    length += 1
  }
  return fraction.slice(0, length)
}

function plainDecimal(value: number): string {
  const text = value.toFixed(20)
  if (!Number.isFinite(value) || value >= 1e21) throw refuse('the duration is out of range')
  return String(value).includes('e') ? text : String(value)
}

function instantTerm(nanoseconds: bigint): Term {
  if (BigInt.asIntN(64, nanoseconds) !== nanoseconds) throw refuse('the time is out of range')
  return numberTerm(nanoseconds)
}

function numbers(values: readonly number[]): Term {
  return { kind: 'array', items: values.map(numberTerm) }
}
