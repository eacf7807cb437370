import { PolicyError } from './errors.ts'
import { DURATION_MS_MAX } from './limits.ts'

/**
 * Milliseconds of a duration such as `15m`, `24h`, `250ms` or `1h30m`: whole numbers with the units d, h, m, s, ms,
 * each at most once and the largest first. A day is 24 hours. Between 1 ms and DURATION_MS_MAX.
 *
 * @throws {PolicyError} DURATION_INVALID
 */
export function parseDuration(text: string): number {
  const match = text.length <= TEXT_LENGTH_MAX ? DURATION.exec(text) : null
  if (match === null) throw invalid('such as 15m, 24h or 1h30m')
  let total = 0
  UNITS.forEach(({ ms }, index) => {
    total += Number(match[index + 1] ?? 0) * ms
  })
  if (total < 1) throw invalid('of at least 1ms')
  if (total > DURATION_MS_MAX) throw invalid(`of at most ${formatDuration(DURATION_MS_MAX)}`)
  return total
}

/** The shortest text that {@link parseDuration} reads back. Rounds down to whole milliseconds; `0ms` for none. */
export function formatDuration(ms: number): string {
  let rest = Math.max(0, Math.floor(ms))
  let text = ''
  for (const unit of UNITS) {
    const count = Math.floor(rest / unit.ms)
    rest -= count * unit.ms
    if (count > 0) text += `${count}${unit.name}`
  }
  return text === '' ? '0ms' : text
}

const UNITS = [
  { name: 'd', ms: 24 * 60 * 60 * 1000 },
  { name: 'h', ms: 60 * 60 * 1000 },
  { name: 'm', ms: 60 * 1000 },
  { name: 's', ms: 1000 },
  { name: 'ms', ms: 1 },
] as const

const DURATION = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?$/
const TEXT_LENGTH_MAX = 64

function invalid(expected: string): PolicyError {
  return new PolicyError('DURATION_INVALID', `expected a duration ${expected}`)
}
