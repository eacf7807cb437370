import { ZONE_TABLE } from './zone-table.ts'

/** The first moment that the table knows, in Unix seconds: 2020-01-01T00:00:00Z. */
export const ZONE_SINCE = 1_577_836_800

/** Names of the IANA database, old ones included, in their very spelling, and `UTC`. Sorted. */
export function zoneNames(): readonly string[] {
  return [...zones().keys()].sort()
}

export function isZone(name: string): boolean {
  return zones().has(name)
}

/**
 * Seconds east of UTC that a zone's clocks show at a moment (Unix seconds). From our own table, since the database of
 * the JavaScript engine differs from machine to machine. Null before ZONE_SINCE and for a name that is no zone.
 */
export function zoneOffset(name: string, unixSeconds: number): number | null {
  const zone = zones().get(name)
  if (zone === undefined || !(unixSeconds >= ZONE_SINCE)) return null
  const changes = typeof zone === 'string' ? readZone(name, zone) : zone
  const { at, offset } = changes.changes.findLast((change) => change.at <= unixSeconds) ?? START
  const last = changes.changes.at(-1) ?? START
  return at === last.at ? ruleOffset(changes.rule, unixSeconds) : offset
}

type Change = { readonly at: number; readonly offset: number }

type Zone = {
  /** By time; the first at ZONE_SINCE. After the last one the rule holds. */
  readonly changes: readonly Change[]
  readonly rule: Rule
}

const START: Change = { at: ZONE_SINCE, offset: 0 }

/** A POSIX TZ string: one offset for ever, or two and the days on which they change each year. RFC 9636 section 3.3. */
type Rule = { readonly standard: number; readonly summer: Summer | null }

type Summer = { readonly offset: number; readonly start: Turn; readonly end: Turn }

/** The n-th (5: the last) weekday (0: Sunday) of a month, then seconds from that day's midnight, also below 0. */
type Turn = {
  readonly month: number
  readonly week: number
  readonly weekday: number
  readonly seconds: number
}

let known: Map<string, string | Zone> | undefined

function zones(): Map<string, string | Zone> {
  known ??= new Map(
    ZONE_TABLE.replaceAll('\n ', '')
      .trim()
      .split('\n')
      .flatMap((line) => {
        const [eras = '', names = ''] = line.split(' : ')
        return names.split(' ').map((name): [string, string] => [name, eras])
      }),
  )
  return known
}

// Read when it is asked for first: few policies name more than one or two.
function readZone(name: string, text: string): Zone {
  const eras = text.split(' / ')
  const rule = readRule(eras.at(-1) ?? '')
  const changes = eras.slice(0, -1).map((era): Change => {
    const [, at = String(ZONE_SINCE), offset = ''] = /^(?:@(\d+) )?(-?\d+)$/.exec(era) ?? []
    return { at: Number(at), offset: Number(offset) }
  })
  const zone = { changes, rule }
  zones().set(name, zone)
  return zone
}

const NAME = '(?:[A-Za-z]+|<[^>]+>)'
const OFFSET = '([+-]?\\d+(?::\\d+)?)'
const TURN = ',M(\\d+)\\.(\\d)\\.(\\d)(?:/([+-]?\\d+(?::\\d+)?))?'
const RULE = new RegExp(`^${NAME}${OFFSET}(?:${NAME}${OFFSET}?${TURN}${TURN})?$`)

function readRule(text: string): Rule {
  const [, standardText = '0', summerText, ...turns] = RULE.exec(text) ?? []
  // POSIX counts west of Greenwich. A minus sign alone would make -0 of none.
  const standard = 0 - seconds(standardText)
  if (turns[0] === undefined) return { standard, summer: null }
  const offset = summerText === undefined ? standard + 3600 : 0 - seconds(summerText)
  return { standard, summer: { offset, start: turn(turns, 0), end: turn(turns, 4) } }
}

function turn(parts: readonly (string | undefined)[], from: number): Turn {
  const [month, week, weekday] = parts.slice(from, from + 3).map(Number) as [number, number, number]
  return { month, week, weekday, seconds: seconds(parts[from + 3] ?? '2') }
}

function seconds(text: string): number {
  const [hours = '0', minutes = '0'] = text.replace(/^[+-]/, '').split(':')
  const total = Number(hours) * 3600 + Number(minutes) * 60
  return text.startsWith('-') ? 0 - total : total
}

function ruleOffset({ standard, summer }: Rule, unixSeconds: number): number {
  if (summer === null) return standard
  const year = new Date((unixSeconds + standard) * 1000).getUTCFullYear()
  // Each turn is told by the clock that ends with it.
  const start = turnAt(summer.start, year) - standard
  const end = turnAt(summer.end, year) - summer.offset
  const isSummer =
    start < end
      ? start <= unixSeconds && unixSeconds < end
      : !(end <= unixSeconds && unixSeconds < start)
  return isSummer ? summer.offset : standard
}

/** Seconds on the wall's own clock since 1970. */
function turnAt({ month, week, weekday, seconds }: Turn, year: number): number {
  const first = new Date(Date.UTC(year, month - 1, 1)).getUTCDay()
  const days = new Date(Date.UTC(year, month, 0)).getUTCDate()
  let day = 1 + ((weekday - first + 7) % 7) + (week - 1) * 7
  if (day > days) day -= 7
  return Date.UTC(year, month - 1, day) / 1000 + seconds
}
