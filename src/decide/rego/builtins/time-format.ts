import type { Civil } from './time-calendar.ts'
import { MONTHS, WEEKDAYS, weekdayOf, yearDayOf } from './time-calendar.ts'
import type { LayoutPiece } from './time-layout.ts'

/** A time as it is shown somewhere. */
export type ShownTime = {
  readonly civil: Civil
  /** Seconds from 1970 that the wall clock shows. */
  readonly wallSeconds: number
  /** Below a second. */
  readonly nanoseconds: number
  /** Seconds east of UTC. */
  readonly offset: number
  /** The zone's name; asked for only where the layout has one. */
  readonly zoneName: () => string
}

/** Writes a time, of a year with four digits, by a layout of Go's package `time`. */
export function formatTime(pieces: readonly LayoutPiece[], time: ShownTime): string {
  return pieces
    .map((piece) => {
      if ('literal' in piece) return piece.literal
      if ('fraction' in piece) return formatFraction(piece, time.nanoseconds)
      return FIELDS.get(piece.field)?.(time) ?? formatOffset(piece.field, time.offset)
    })
    .join('')
}

const FIELDS: ReadonlyMap<string, (time: ShownTime) => string> = new Map([
  ['2006', ({ civil }) => pad(civil.year, 4)],
  ['06', ({ civil }) => pad(civil.year % 100, 2)],
  ['January', ({ civil }) => MONTHS[civil.month - 1] ?? ''],
  ['Jan', ({ civil }) => MONTHS[civil.month - 1]?.slice(0, 3) ?? ''],
  ['1', ({ civil }) => String(civil.month)],
  ['01', ({ civil }) => pad(civil.month, 2)],
  ['Monday', ({ wallSeconds }) => WEEKDAYS[weekdayOf(wallSeconds)] ?? ''],
  ['Mon', ({ wallSeconds }) => WEEKDAYS[weekdayOf(wallSeconds)]?.slice(0, 3) ?? ''],
  ['2', ({ civil }) => String(civil.day)],
  ['_2', ({ civil }) => String(civil.day).padStart(2)],
  ['02', ({ civil }) => pad(civil.day, 2)],
  ['__2', ({ civil }) => String(yearDayOf(civil)).padStart(3)],
  ['002', ({ civil }) => pad(yearDayOf(civil), 3)],
  ['15', ({ civil }) => pad(civil.hour, 2)],
  ['3', ({ civil }) => String(civil.hour % 12 || 12)],
  ['03', ({ civil }) => pad(civil.hour % 12 || 12, 2)],
  ['4', ({ civil }) => String(civil.minute)],
  ['04', ({ civil }) => pad(civil.minute, 2)],
  ['5', ({ civil }) => String(civil.second)],
  ['05', ({ civil }) => pad(civil.second, 2)],
  ['PM', ({ civil }) => (civil.hour >= 12 ? 'PM' : 'AM')],
  ['pm', ({ civil }) => (civil.hour >= 12 ? 'pm' : 'am')],
  ['MST', ({ zoneName }) => zoneName()],
] satisfies [string, (time: ShownTime) => string][])

/** Fields such as `-07:00`; those that begin with `Z` write it for UTC. */
function formatOffset(field: string, offset: number): string {
  if (field.startsWith('Z') && offset === 0) return 'Z'
  const colon = field.includes(':') ? ':' : ''
  const size = Math.abs(offset)
  // Go takes the sign from the whole minutes: half a minute west of UTC is `+00:00:30`.
  const sign = Math.trunc(offset / 60) < 0 ? '-' : '+'
  const parts = [Math.trunc(size / 3600), Math.trunc(size / 60) % 60, size % 60]
  const count = field.replaceAll(/[^0-9]/g, '').length / 2
  return (
    sign +
    parts
      .slice(0, count)
      .map((part) => pad(part, 2))
      .join(colon)
  )
}

function formatFraction(
  piece: { readonly fraction: string; readonly digits: number; readonly trimmed: boolean },
  nanoseconds: number,
): string {
  const digits = pad(nanoseconds, 9).slice(0, piece.digits)
  const shown = piece.trimmed ? digits.replace(/0+$/, '') : digits
  return piece.trimmed && shown === '' ? '' : piece.fraction + shown
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, '0')
}
