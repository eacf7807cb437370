import { dayOfDate } from '../../../base/open-hours.ts'
import { isZone, zoneNames } from '../../../base/zone-offset.ts'
import type {
  CompiledRule,
  CompiledWindow,
  Rule,
  ScheduleRule,
  TimeWindow,
} from '../../../model/generated/types.ts'
import type { Entry } from '../documents.ts'
import type { Report } from '../report.ts'
import { suggestion } from '../report.ts'
import { sorted } from '../sorted.ts'
import type { RuleKind } from './kind.ts'

export const schedule: RuleKind<'schedule'> = {
  name: 'schedule',
  check: (entry, settings, report) => checkSchedule(entry, '/schedule', settings, report),
  spec: (settings) => compileSchedule(settings),
}

/** Checks the times of a rule, which stand at this place of it. */
export function checkSchedule(
  entry: Entry<Rule>,
  at: string,
  { zone, allow, deny, except }: ScheduleRule,
  report: Report,
): void {
  checkZone(entry, `${at}/zone`, zone, report)
  if (allow === undefined && deny === undefined) {
    const message = 'expected the key "allow" or "deny": the times'
    report.error(entry.at(at), 'KEY_MISSING', message)
  }
  if (allow !== undefined && deny !== undefined) {
    const message = 'expected one of "allow" and "deny", found both; make two rules of it'
    report.error(entry.keyAt(`${at}/deny`), 'VALUE_INVALID', message)
  }
  checkWindows(entry, `${at}/allow`, allow, report)
  checkWindows(entry, `${at}/deny`, deny, report)
  checkDays(entry, `${at}/except`, except, report)
}

/** Reports a zone that is none. */
export function checkZone(entry: Entry<unknown>, at: string, zone: string, report: Report): void {
  if (isZone(zone)) return
  const message = `no zone ${JSON.stringify(zone)} in the IANA database${suggestion(zone, zoneNames())}`
  report.error(entry.at(at), 'VALUE_INVALID', message)
}

/** Reports days that the calendar does not have. */
export function checkDays(
  entry: Entry<unknown>,
  at: string,
  days: readonly string[] | undefined,
  report: Report,
): void {
  days?.forEach((date, index) => {
    if (dayOfDate(date) !== null) return
    const message = `expected a day that exists, found ${JSON.stringify(date)}`
    report.error(entry.at(`${at}/${index}`), 'VALUE_INVALID', message)
  })
}

/** The times as the evaluator reads them. */
export function compileSchedule({ zone, allow, deny, except }: ScheduleRule): CompiledRule['spec'] {
  return {
    zone,
    ...(allow === undefined ? {} : { allow: allow.map(compileWindow) }),
    ...(deny === undefined ? {} : { deny: deny.map(compileWindow) }),
    except: sorted(except ?? []),
  }
}

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const

/** A window with its days one by one and both of its times. */
export function compileWindow(window: TimeWindow): CompiledWindow {
  const { from, to } = timesOf(window)
  const named = new Set((window.days ?? [...DAYS]).flatMap(expandDays))
  return { days: DAYS.filter((day) => named.has(day)), from, to }
}

function timesOf({ from, to }: TimeWindow): { from: string; to: string } {
  return { from: from ?? '00:00', to: to ?? '24:00' }
}

/** `fri..mon` goes over the end of the week. */
function expandDays(text: string): string[] {
  const [first = '', last = first] = text.split('..')
  const [start, end] = [dayNumber(first), dayNumber(last)]
  const count = ((end - start + 7) % 7) + 1
  return Array.from({ length: count }, (_, i) => DAYS[(start + i) % 7] ?? '')
}

function dayNumber(name: string): number {
  const names: readonly string[] = DAYS
  return names.indexOf(name)
}

/** Reports windows that hold no time. */
export function checkWindows(
  entry: Entry<unknown>,
  at: string,
  windows: readonly TimeWindow[] | undefined,
  report: Report,
): void {
  windows?.forEach((window, index) => {
    const { from, to } = timesOf(window)
    if (from !== to) return
    const message = `a window from ${from} to ${to} is empty; for the whole day leave both out`
    report.error(entry.at(`${at}/${index}`), 'VALUE_INVALID', message)
  })
}
