import { PolicyError } from '../../base/errors.ts'
import type { PullNotice } from '../../model/ports.ts'

/** What a comment that gives a notice ends in: invisible to people, and how it is found again. */
export function noticeMarker(key: string): string {
  return `<!-- countersign:${checkNoticeKey(key)} -->`
}

/**
 * A notice as a comment: its text, shortened to what a forge takes, and its marker. What reads as a marker in the text
 * itself is made harmless, since an agent chooses some of its words.
 *
 * @throws {PolicyError} USAGE_INVALID when its key is none
 */
export function noticeBody({ key, text }: PullNotice): string {
  const marker = noticeMarker(key)
  const harmless = text.replaceAll(/<!--\s*countersign:/giu, '<!-- ')
  const cut =
    harmless.length > NOTICE_LENGTH_MAX
      ? `${harmless.slice(0, NOTICE_LENGTH_MAX).toWellFormed()}…`
      : harmless
  return `${cut.trimEnd()}\n\n${marker}\n`
}

/** @throws {PolicyError} USAGE_INVALID */
export function checkNoticeKey(key: string): string {
  if (/^[a-z0-9-]{1,64}$/.test(key)) return key
  throw new PolicyError('USAGE_INVALID', 'expected a notice key of 1 to 64 of a-z, 0-9 and -')
}

/** Characters of a notice: GitHub takes 65,536 with the marker. */
const NOTICE_LENGTH_MAX = 60_000
