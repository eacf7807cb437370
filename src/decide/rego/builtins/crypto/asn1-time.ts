import { binaryText } from './bytes.ts'
import type { Der } from './der.ts'
import { GENERALIZED_TIME, nextTag, readBytes, UTC_TIME } from './der.ts'

/** A moment of a certificate. */
export type Moment = {
  /** Since 1970, in nanoseconds. */
  readonly ns: bigint
  /** In RFC 3339, with the offset that the certificate wrote. */
  readonly text: string
}

/** Reads a UTCTime or GeneralizedTime, RFC 5280 section 4.1.2.5, by the rules of Go's `crypto/x509`. */
export function readMoment(der: Der): Moment | undefined {
  const tag = nextTag(der)
  const pattern = tag === UTC_TIME ? UTC : tag === GENERALIZED_TIME ? GENERALIZED : undefined
  const bytes = pattern && tag !== undefined ? readBytes(der, tag) : undefined
  const groups = bytes && pattern?.exec(binaryText(bytes))?.groups
  return groups && momentOf(groups)
}

const DATE = '(?<month>[0-9]{2})(?<day>[0-9]{2})(?<hour>[0-9]{2})(?<minute>[0-9]{2})'
const SECOND = '(?<second>[0-9]{2})'
const ZONE = '(?<zone>Z|[+-][0-9]{4})'
const UTC = new RegExp(`^(?<short>[0-9]{2})${DATE}(?:${SECOND})?${ZONE}$`)
const GENERALIZED = new RegExp(`^(?<year>[0-9]{4})${DATE}${SECOND}${ZONE}$`)

function momentOf(groups: Readonly<Record<string, string | undefined>>): Moment | undefined {
  const of = (name: string) => Number(groups[name] ?? 0)
  const short = of('short')
  const year = groups['year'] === undefined ? short + (short < 50 ? 2000 : 1900) : of('year')
  const [month, day] = [of('month'), of('day')]
  const [hour, minute, second] = [of('hour'), of('minute'), of('second')]
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined
  if (hour > 23 || minute > 59 || second > 59) return undefined
  const zone = groups['zone'] ?? 'Z'
  const offset = offsetOf(zone)
  if (offset === undefined) return undefined
  const seconds = daysTo(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second
  const date = `${pad(year, 4)}-${pad(month)}-${pad(day)}`
  const suffix = zone === 'Z' ? 'Z' : `${zone.slice(0, 3)}:${zone.slice(3)}`
  return {
    ns: BigInt(seconds - offset) * 1_000_000_000n,
    text: `${date}T${pad(hour)}:${pad(minute)}:${pad(second)}${suffix}`,
  }
}

/** Seconds east of Greenwich. No offset at all must be written Z. */
function offsetOf(zone: string): number | undefined {
  if (zone === 'Z') return 0
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(3))]
  if (hours > 23 || minutes > 59 || hours + minutes === 0) return undefined
  return (zone.startsWith('-') ? -60 : 60) * (hours * 60 + minutes)
}

function daysIn(year: number, month: number): number {
  if (month === 2) return isLeap(year) ? 29 : 28
  return [4, 6, 9, 11].includes(month) ? 30 : 31
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
}

/** Days since 1970-01-01 in the Gregorian calendar. */
function daysTo(year: number, month: number, day: number): number {
  // The year begins in March, so that the leap day is its last.
  const y = month < 3 ? year - 1 : year
  const era = Math.floor(y / 400)
  const inEra = y - era * 400
  const inYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1
  const inEraDays = inEra * 365 + Math.floor(inEra / 4) - Math.floor(inEra / 100) + inYear
  return era * 146_097 + inEraDays - 719_468
}

function pad(value: number, width = 2): string {
  return String(value).padStart(width, '0')
}
