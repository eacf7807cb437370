/** A date and a time of day as a wall clock shows them. */
export type Civil = {
  readonly year: number
  /** From 1. */
  readonly month: number
  /** From 1. */
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
}

/** What a clock shows that counts seconds from 1970. */
export function civilOf(wallSeconds: number): Civil {
  const date = new Date(wallSeconds * 1000)
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
  }
}

/** Seconds since 1970 of a wall clock; months and days beyond their range carry over. NaN beyond the range of Date. */
export function wallSecondsOf({ year, month, day, hour, minute, second }: Civil): number {
  const date = new Date(0)
  // Unlike Date.UTC, this takes the years 0 to 99 as they are. Years and months may be far apart and cancel out; Date
  // would give up on either.
  date.setUTCFullYear(year + Math.floor((month - 1) / 12), (((month - 1) % 12) + 12) % 12, day)
  return date.getTime() / 1000 + hour * 3600 + minute * 60 + second
}

/** @param month - from 1 */
export function daysIn(year: number, month: number): number {
  if (month === 2) return isLeap(year) ? 29 : 28
  return [4, 6, 9, 11].includes(month) ? 30 : 31
}

export function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
}

/** From 0, Sunday. */
export function weekdayOf(wallSeconds: number): number {
  const days = Math.floor(wallSeconds / 86_400)
  return (((days + 4) % 7) + 7) % 7 // The first of January 1970 was a Thursday.
}

/** Day of the year, from 1. */
export function yearDayOf({ year, month, day }: Civil): number {
  let days = day
  for (let before = 1; before < month; before++) days += daysIn(year, before)
  return days
}

export const WEEKDAYS: readonly string[] = [
  'Sunday',
  'Monday',
  'Tuesday',
  'Wednesday',
  'Thursday',
  'Friday',
  'Saturday',
]

export const MONTHS: readonly string[] = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]
