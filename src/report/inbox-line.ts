import { plainLine } from '../base/plain-text.ts'
import { cellsOf, fitted, wrapped } from './cells.ts'

export type LineStyle = 'plain' | 'bold' | 'dim' | 'red' | 'yellow' | 'green' | 'inverse'

/** One line of a screen, all in one style. */
export type InboxLine = { readonly text: string; readonly style: LineStyle }

export function line(text: string, style: LineStyle = 'plain'): InboxLine {
  return { text, style }
}

/** A line that must be read in full: on as many lines of the screen as it takes. */
export function broken(
  text: string,
  columns: number,
  { style = 'plain', indent = 4 }: { readonly style?: LineStyle; readonly indent?: number } = {},
): InboxLine[] {
  return wrapped(text, columns, indent).map((part) => line(part, style))
}

/** Words from outside: what a terminal would obey, or nobody would see, is spelled out. Nothing is cut off. */
export function outside(text: string): string {
  return plainLine(text, text.length)
}

/** Time that is left until a moment, short: `2d 03h`, `58:20`, `0:09`. */
export function timeLeft(until: string, now: number): string {
  const left = Math.ceil((Date.parse(until) - now) / 1_000)
  // Negated: a time that cannot be read has passed.
  if (!(left > 0)) return 'over'
  const [days, hours] = [Math.floor(left / 86_400), Math.floor(left / 3_600) % 24]
  const [minutes, seconds] = [Math.floor(left / 60) % 60, left % 60]
  const two = (value: number) => String(value).padStart(2, '0')
  if (days > 0) return `${days}d ${two(hours)}h`
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`
}

/** The digest as people compare it: its algorithm and 16 digits. */
export function digestHead(digest: string): string {
  return digest.slice(0, 'sha256:'.length + 16)
}

/** Two texts at both ends of a line; the left one gives way. */
export function ends(left: string, right: string, columns: number): string {
  const gap = columns - cellsOf(left) - cellsOf(right)
  if (gap >= 1) return left + ' '.repeat(gap) + right
  const room = columns - cellsOf(right) - 1
  return room < 1 ? left : `${fitted(left, room)} ${right}`
}
