import { floatOf, isInteger, truncated } from '../values/big-float.ts'
import type { RegoNumber } from '../values/number.ts'
import { isNumber, isWhole, wholeNumber } from '../values/number.ts'
import type { Value } from '../values/value.ts'
import { isArray } from '../values/value.ts'
import type { BuiltinFamily, Call } from './builtin.ts'
import { BuiltinError, mismatch, stringOperand, wholeOperand } from './builtin.ts'
import type { Civil } from './time-calendar.ts'
import { civilOf, daysIn, WEEKDAYS, wallSecondsOf, weekdayOf } from './time-calendar.ts'
import { parseDuration } from './time-duration.ts'
import { formatTime } from './time-format.ts'
import type { LayoutPiece } from './time-layout.ts'
import { NAMED_LAYOUTS, readLayout } from './time-layout.ts'
import type { Instant } from './time-parse.ts'
import { parsePlainUtc, parseTime } from './time-parse.ts'
import { assertZone, zoneName, zoneOffset } from './time-zone.ts'

/**
 * Times in nanoseconds since 1970, in 64 bits: 1677 to 2262. A time as an operand is its nanoseconds, or an array of
 * them, a zone of the IANA database, and a layout. What the time is now is no built-in: it comes with the input.
 */
export const TIME: BuiltinFamily = {
  'time.parse_rfc3339_ns': (call, operand) => {
    const text = stringOperand(operand, 1)
    const instant = parsePlainUtc(text)
    return instant === undefined ? parseNs(call, RFC3339, text) : nanosecondsOf(instant)
  },
  'time.parse_ns': (call, layout, text) =>
    parseNs(call, stringOperand(layout, 1), stringOperand(text, 2)),
  'time.parse_duration_ns': (call, operand) => {
    const text = stringOperand(operand, 1)
    call.work(DURATION_WORK * text.length)
    return wholeNumber(parseDuration(text))
  },
  'time.format': format,
  'time.date': (call, time) => {
    const { year, month, day } = civilAt(call, momentOf(time))
    return [year, month, day]
  },
  'time.clock': (call, time) => {
    const { hour, minute, second } = civilAt(call, momentOf(time))
    return [hour, minute, second]
  },
  'time.weekday': (call, time) => {
    const moment = momentOf(time)
    const offset = zoneOffset(call, moment.zone, moment.seconds)
    return WEEKDAYS[weekdayOf(moment.seconds + offset)]
  },
  'time.add_date': addDate,
  'time.diff': diff,
}

const RFC3339 = '2006-01-02T15:04:05Z07:00'
const RFC3339_NANO = '2006-01-02T15:04:05.999999999Z07:00'
const SECOND = 1_000_000_000n
const SECONDS_MAX = 9_223_372_036 + 86_400 * 2 // Nanoseconds in 64 bits, with room for a zone's offset.
const SHIFT_MAX = 20_000_000 // A million years in months or days fit.

/** Units of work that a character of a duration and of a layout takes at most. */
const DURATION_WORK = 16
const LAYOUT_WORK = 8

/** Layouts of more characters are read anew each time, so that few of them fill what is kept. */
const CACHED_LAYOUT_MAX = 256

type Moment = {
  /** Rounded down. */
  readonly seconds: number
  readonly nanoseconds: number
  readonly zone: string
  readonly layout: string
}

function parseNs(call: Call, layout: string, text: string): Value {
  const instant = parseTime(layoutOf(call, layout), text)
  if (instant === undefined) throw new BuiltinError('the text is no time of this layout')
  return nanosecondsOf(instant)
}

function nanosecondsOf({ seconds, nanoseconds }: Instant): Value {
  return inRange(BigInt(seconds) * SECOND + BigInt(nanoseconds))
}

function format(call: Call, time?: Value): Value {
  const { seconds, nanoseconds, zone, layout } = momentOf(time)
  const offset = zoneOffset(call, zone, seconds)
  const wallSeconds = seconds + offset
  const pieces = layoutOf(call, layout === '' ? RFC3339_NANO : layout)
  const name = (): string => zoneName(zone, seconds, offset)
  const civil = civilOf(wallSeconds)
  return formatTime(pieces, { civil, wallSeconds, nanoseconds, offset, zoneName: name })
}

/** A 31st of February overflows, as in Go. */
function addDate(call: Call, time?: Value, years?: Value, months?: Value, days?: Value): Value {
  const moment = momentOf(time)
  const shown = civilAt(call, moment)
  const shifts = [shiftOperand(years, 2), shiftOperand(months, 3), shiftOperand(days, 4)] as const
  if (shifts.some((shift) => Math.abs(shift) > SHIFT_MAX)) throw outOfRange()
  const wall = wallSecondsOf({
    ...shown,
    year: shown.year + shifts[0],
    month: shown.month + shifts[1],
    day: shown.day + shifts[2],
  })
  // Beyond the range of Date this is NaN, which is no less out of range.
  if (!(Math.abs(wall) <= SECONDS_MAX)) throw outOfRange()
  return inRange(BigInt(utcOf(call, wall, moment.zone)) * SECOND + BigInt(moment.nanoseconds))
}

/** Years, months, days, hours, minutes and seconds between two times, in the zone of the first. */
function diff(call: Call, a?: Value, b?: Value): Value {
  const first = momentOf(a)
  const second = { ...momentOf(b), zone: first.zone }
  const swapped =
    first.seconds > second.seconds ||
    (first.seconds === second.seconds && first.nanoseconds > second.nanoseconds)
  const from = civilAt(call, swapped ? second : first)
  const to = civilAt(call, swapped ? first : second)
  const units = [
    to.year - from.year,
    to.month - from.month,
    to.day - from.day,
    to.hour - from.hour,
    to.minute - from.minute,
    to.second - from.second,
  ]
  const sizes = [0, 12, daysIn(from.year, from.month), 24, 60, 60]
  for (let at = 5; at > 0; at--) {
    if ((units[at] ?? 0) >= 0) continue
    units[at] = (units[at] ?? 0) + (sizes[at] ?? 0)
    units[at - 1] = (units[at - 1] ?? 0) - 1
  }
  return units
}

function momentOf(operand: Value | undefined): Moment {
  const [time, zone = '', layout = ''] = isArray(operand) ? operand : [operand]
  if (!isNumber(time)) return mismatch(time ?? operand, 1, 'number')
  if (typeof zone !== 'string') return mismatch(zone, 1, 'string')
  if (typeof layout !== 'string') return mismatch(layout, 1, 'string')
  assertZone(zone)
  const total = isWhole(time) ? BigInt(time) : roundedWhole(time)
  if (BigInt.asIntN(64, total) !== total) throw new BuiltinError('timestamp too big')
  const nanoseconds = ((total % SECOND) + SECOND) % SECOND
  const seconds = Number((total - nanoseconds) / SECOND)
  return { seconds, nanoseconds: Number(nanoseconds), zone, layout }
}

/** A fraction that Go's Float of 64 bits does not tell from a whole number counts as that. */
function roundedWhole(fraction: RegoNumber): bigint {
  const float = floatOf(fraction)
  if (!isInteger(float)) throw new BuiltinError('timestamp too big')
  return truncated(float)
}

function civilAt(call: Call, { seconds, zone }: Moment): Civil {
  return civilOf(seconds + zoneOffset(call, zone, seconds))
}

/** The instant of a wall clock, settled at a change of the clock as Go's time.Date settles it. */
function utcOf(call: Call, wall: number, zone: string): number {
  const guess = zoneOffset(call, zone, wall)
  return guess === 0 ? wall : wall - zoneOffset(call, zone, wall - guess)
}

function layoutOf(call: Call, name: string): readonly LayoutPiece[] {
  const layout = NAMED_LAYOUTS.get(name) ?? name
  call.work(LAYOUT_WORK * layout.length)
  if (layout.length > CACHED_LAYOUT_MAX) return readLayout(layout)
  return call.cached(`time-layout:${layout}`, () => readLayout(layout))
}

/** A whole number of 64 bits, which may be rounded. */
function shiftOperand(value: Value | undefined, position: number): number {
  const whole = BigInt(wholeOperand(value, position))
  if (BigInt.asIntN(64, whole) === whole) return Number(whole)
  throw new BuiltinError(`operand ${position} must be an integer of 64 bits`, 'eval_type_error')
}

function inRange(nanoseconds: bigint): Value {
  if (BigInt.asIntN(64, nanoseconds) !== nanoseconds) throw outOfRange()
  return wholeNumber(nanoseconds)
}

function outOfRange(): BuiltinError {
  return new BuiltinError('time outside of valid range')
}
