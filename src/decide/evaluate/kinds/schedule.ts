import type { Wall, Window } from '../../../base/open-hours.ts'
import {
  DAY,
  dayName,
  dayOfDate,
  isDayName,
  isWithin,
  secondsOfDay,
  wallOf,
} from '../../../base/open-hours.ts'
import { isZone, zoneOffset } from '../../../base/zone-offset.ts'
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
    if (days === undefined || !days.every(isDayName)) {
      throw invalid(place, 'expected the days of a window by name')
    }
    if (from === to || from === DAY) throw invalid(place, 'expected a window that is not empty')
    return { days: new Set(days), from, to }
  })
}

function secondsOf(place: RulePlace, text: string): number {
  const seconds = secondsOfDay(text)
  if (seconds === null) throw invalid(place, 'expected a time of day such as 09:00')
  return seconds
}

function compileDates(place: RulePlace, value: unknown): ReadonlySet<number> {
  if (!Array.isArray(value)) throw invalid(place, 'expected except to be a list of days')
  const days = value.map((text: unknown) => {
    const day = typeof text === 'string' ? dayOfDate(text) : null
    if (day === null) throw invalid(place, 'expected except to hold days such as 2026-12-25')
    return day
  })
  return new Set(days)
}
