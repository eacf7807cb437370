import { isZone, zoneOffset } from '../../../base/zone-offset.ts'
import { weekdayOf } from '../../rego/builtins/time-calendar.ts'
import type { RulePlace } from '../settings.ts'
import { invalid, isObject, loadError, own, ownText, ownTexts } from '../settings.ts'
import type { Kind } from './kind.ts'
import { STATELESS } from './kind.ts'

/**
 * Times of day in a zone at which an action may happen, or may not. A window belongs to the day on which it begins. What
 * counts is what the clocks of the zone show: a time that a change of the clock skips never comes, one that it repeats
 * comes twice.
 */
export const schedule: Kind = {
  name: 'schedule',
  compile(rule) {
    const zone = ownText(rule, rule.spec, 'zone')
    if (!isZone(zone)) throw invalid(rule, 'expected a zone of the IANA database')
    const allow = compileWindows(rule, own(rule.spec, 'allow'), 'allow')
    const deny = compileWindows(rule, own(rule.spec, 'deny'), 'deny')
    if ((allow === null) === (deny === null)) {
      throw loadError('KEY_MISSING', rule, 'expected one of allow and deny')
    }
    const except = own(rule.spec, 'except')
    const closed = compileDates(rule, except === undefined ? [] : except)
    const includes = (windows: readonly Window[], wall: Wall): boolean =>
      windows.some((window) => isWithin(window, wall, closed))
    return {
      ...STATELESS,
      judge(_facts, { now }) {
        const unix = Math.floor(now / 1000)
        const offset = zoneOffset(zone, unix)
        if (offset === null) {
          const message = `The time lies before 2020, from when on the clocks of ${zone} are known.`
          return { found: { message, evidence: { zone } }, writes: [] }
        }
        const wall = wallOf(unix + offset)
        const isClosed = closed.has(wall.day)
        const fine =
          allow === null ? !includes(deny ?? [], wall) : !isClosed && includes(allow, wall)
        if (fine) return { found: null, writes: [] }
        const evidence = { zone, day: dayName(wall.day), time: timeText(wall.second), offset }
        const where = allow === null ? 'within the times that are denied' : 'outside those allowed'
        const which = isClosed && allow !== null ? 'The day is excepted' : `The time lies ${where}`
        return { found: { message: `${which}, by the clocks of ${zone}.`, evidence }, writes: [] }
      },
    }
  },
}

/** What the zone's clocks show: days since 1970, seconds since midnight. */
type Wall = { readonly day: number; readonly second: number }

/** Seconds since midnight; `to` below `from` is a time of the next day. */
type Window = { readonly days: ReadonlySet<string>; readonly from: number; readonly to: number }

function wallOf(wallSeconds: number): Wall {
  const day = Math.floor(wallSeconds / DAY)
  return { day, second: wallSeconds - day * DAY }
}

function isWithin(
  { days, from, to }: Window,
  { day, second }: Wall,
  closed: ReadonlySet<number>,
): boolean {
  const begins = (on: number): boolean => days.has(dayName(on)) && !closed.has(on)
  if (from < to) return from <= second && second < to && begins(day)
  return (second >= from && begins(day)) || (second < to && begins(day - 1))
}

const DAY = 86_400

/** As weekdayOf counts them. */
const DAY_NAMES = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const

function dayName(day: number): string {
  return DAY_NAMES[weekdayOf(day * DAY)] ?? ''
}

function timeText(second: number): string {
  const digits = (value: number): string => String(Math.floor(value)).padStart(2, '0')
  return `${digits(second / 3600)}:${digits((second % 3600) / 60)}`
}

function compileWindows(place: RulePlace, value: unknown, name: string): readonly Window[] | null {
  if (value === undefined) return null
  if (!Array.isArray(value) || value.length === 0) {
    throw invalid(place, `expected ${name} to be a list of at least one window`)
  }
  return value.map((window: unknown) => {
    if (!isObject(window)) throw invalid(place, `expected ${name} to be a list of windows`)
    const days = ownTexts(place, window, 'days')
    const from = secondsOf(place, ownText(place, window, 'from'))
    const to = secondsOf(place, ownText(place, window, 'to'))
    if (days === undefined || days.some((day) => !DAY_NAMES.some((known) => known === day))) {
      throw invalid(place, 'expected the days of a window by name')
    }
    if (from === to || from === DAY) throw invalid(place, 'expected a window that is not empty')
    return { days: new Set(days), from, to }
  })
}

function secondsOf(place: RulePlace, text: string): number {
  const [, hours, minutes] = /^([01]\d|2[0-3]):([0-5]\d)$|^24:00$/.exec(text) ?? []
  if (text === '24:00') return DAY
  if (hours === undefined) throw invalid(place, 'expected a time of day such as 09:00')
  return Number(hours) * 3600 + Number(minutes) * 60
}

function compileDates(place: RulePlace, value: unknown): ReadonlySet<number> {
  if (!Array.isArray(value)) throw invalid(place, 'expected except to be a list of days')
  const days = value.map((text: unknown) => {
    const time = typeof text === 'string' && DATE.test(text) ? Date.parse(text) : Number.NaN
    // Date.parse reads a 30th of February in some engines.
    if (Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== text) {
      throw invalid(place, 'expected except to hold days such as 2026-12-25')
    }
    return time / 1000 / DAY
  })
  return new Set(days)
}

const DATE = /^\d{4}-\d{2}-\d{2}$/
