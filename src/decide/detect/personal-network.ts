import type { Detector, Span } from './detector.ts'
import { isDigitAt, isWordAt, plainText } from './personal-text.ts'

/**
 * E-mail addresses: the plain form of RFC 5322 with a domain that has a point and ends in letters, or an address in
 * brackets. `git@host:path` and `name@host:/path` are SSH addresses and no mailboxes.
 */
export const email: Detector = {
  kind: 'email',
  find(original) {
    const plain = plainText(original)
    const { text } = plain
    const spans: Span[] = []
    let done = 0
    for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
      const start = localStart(text, at, done)
      const end = start === null ? null : domainEnd(text, at + 1)
      if (start === null || end === null) continue
      if (isSshPath(text, end, text.slice(start, at))) continue
      spans.push(plain.span('email', start, end))
      done = end
    }
    return spans
  },
}

/** RFC 5321 section 4.5.3.1. Of what is longer, the end is found. */
const LOCAL_LENGTH_MAX = 64
const DOMAIN_LENGTH_MAX = 255

function localStart(text: string, at: number, done: number): number | null {
  // In a script without spaces the words before an address touch it; they are part of one that is written in them.
  const isWritten = isUnspaced(text, at - 1)
  let start = at
  while (start > done && at - start < LOCAL_LENGTH_MAX && isLocal(text, start - 1, isWritten)) {
    start--
  }
  while (start < at && !isWordAt(text, start) && !isUnspaced(text, start)) start++
  const local = text.slice(start, at)
  if (local === '') return null
  return local.endsWith('.') || local.includes('..') ? null : start
}

function isLocal(text: string, index: number, isWritten: boolean): boolean {
  if (isWordAt(text, index) || ".%+'-".includes(text[index] as string)) return true
  return isWritten && isUnspaced(text, index)
}

function isUnspaced(text: string, index: number): boolean {
  const character = text[index]
  return character !== undefined && character > '\x7f' && LETTER.test(character)
}

const LETTER = /\p{L}/u

function domainEnd(text: string, start: number): number | null {
  if (text[start] === '[') return literalEnd(text, start)
  const isWritten = isUnspaced(text, start)
  let end = start
  while (end - start <= DOMAIN_LENGTH_MAX && isDomain(text, end, isWritten)) end++
  while (end > start && '.-'.includes(text[end - 1] as string)) end--
  const labels = text.slice(start, end).split('.')
  const last = labels.at(-1) ?? ''
  if (labels.length < 2 || end - start > DOMAIN_LENGTH_MAX || !TOP_LEVEL.test(last)) return null
  const areSound = labels.every(
    (label) => label !== '' && label.length <= 63 && !label.startsWith('-') && !label.endsWith('-'),
  )
  return areSound ? end : null
}

function isDomain(text: string, index: number, isWritten: boolean): boolean {
  const character = text[index]
  if (character === undefined || character === '_') return false
  if (isWordAt(text, index) || '.-'.includes(character)) return true
  return isWritten && isUnspaced(text, index)
}

const TOP_LEVEL = /^(?:\p{L}{2,63}|xn--[a-z0-9-]{1,59})$/iu

function literalEnd(text: string, start: number): number | null {
  const close = text.slice(start, start + LITERAL_LENGTH_MAX).indexOf(']')
  if (close < 0) return null
  const inside = text.slice(start + 1, start + close).replace(/^IPv6:/i, '')
  return isIpv4(inside) || isIpv6(inside) ? start + close + 1 : null
}

const LITERAL_LENGTH_MAX = 64

// Lists of stolen accounts have a password behind the colon: only a path, or a user that is no person, tells SSH.
function isSshPath(text: string, end: number, local: string): boolean {
  if (text[end] !== ':') return false
  return '/~'.includes(text[end + 1] ?? ' ') || (SSH_USERS.has(local) && isWordAt(text, end + 1))
}

const SSH_USERS: ReadonlySet<string> = new Set(['git', 'hg', 'svn'])

/**
 * IP addresses, version 4 (four numbers up to 255 without leading zeros) and 6 (RFC 4291 section 2.2). Addresses of no
 * person are left: unspecified, loopback, and everyone's. Nor is a version number one (`v1.2.3.4`, `version 1.2.3.4`).
 */
export const ip: Detector = {
  kind: 'ip',
  find(original) {
    const plain = plainText(original)
    const { text } = plain
    const spans: Span[] = []
    for (let at = 0; at < text.length; ) {
      if (!isAddress(text, at)) {
        at++
        continue
      }
      const start = at
      while (isAddress(text, at)) at++
      const found = addressIn(text, start, at)
      if (found !== null) spans.push(plain.span('ip', found.start, found.end))
    }
    return spans
  },
}

function isAddress(text: string, index: number): boolean {
  const character = text[index]
  return isWordAt(text, index) || character === '.' || character === ':' || character === '-'
}

/** The address that a run of letters, digits, points, colons and dashes is; `:` before it, or a port behind it, is none of it. */
function addressIn(
  text: string,
  from: number,
  to: number,
): { readonly start: number; readonly end: number } | null {
  if (to - from > RUN_LENGTH_MAX) return null
  let [start, end] = [from, to]
  while (end > start && (text[end - 1] === '.' || isLoneColon(text, end - 1))) end--
  while (start < end && text[start] === ':' && text[start + 1] !== ':') start++
  const whole = text.slice(start, end)
  if (isIpv6(whole)) return isPersonal6(whole) ? { start, end } : null
  // `client:192.0.2.7:8080` has an address between a name and a port.
  for (const part of partsOf(whole)) {
    const address = whole.slice(part.start, part.end)
    if (!isIpv4(address) || !isPersonal4(address)) continue
    const place = { start: start + part.start, end: start + part.end }
    return isVersion(text, place.start) ? null : place
  }
  return null
}

const RUN_LENGTH_MAX = 128

function isLoneColon(text: string, index: number): boolean {
  return text[index] === ':' && text[index - 1] !== ':'
}

function partsOf(whole: string): { readonly start: number; readonly end: number }[] {
  const parts: { start: number; end: number }[] = []
  let start = 0
  for (const piece of whole.split(':')) {
    parts.push({ start, end: start + piece.length })
    start += piece.length + 1
  }
  return parts
}

function isVersion(text: string, start: number): boolean {
  return VERSION.test(text.slice(Math.max(0, start - 12), start))
}

const VERSION = /(?:version|release|\bver\.?|\bv)[ :=]{0,2}$/i

/** Whether a text is an IPv4 address in the usual form. */
export function isIpv4(text: string): boolean {
  const parts = text.split('.')
  return parts.length === 4 && parts.every((part) => OCTET.test(part) && Number(part) <= 255)
}

const OCTET = /^(?:0|[1-9][0-9]{0,2})$/

function isPersonal4(text: string): boolean {
  return text !== '0.0.0.0' && text !== '255.255.255.255' && !text.startsWith('127.')
}

/** Whether a text is an IPv6 address: RFC 4291 section 2.2. */
export function isIpv6(text: string): boolean {
  const halves = text.split('::')
  if (halves.length > 2) return false
  const [front = '', back] = halves
  const groups = [...groupsOf(front), ...groupsOf(back ?? '')]
  const last = groups.at(-1) ?? ''
  const hasTail = last.includes('.')
  if (hasTail && !isIpv4(last)) return false
  const plain = hasTail ? groups.slice(0, -1) : groups
  if (!plain.every((group) => GROUP.test(group))) return false
  const length = plain.length + (hasTail ? 2 : 0)
  return back === undefined ? length === 8 : length < 8
}

const GROUP = /^[0-9a-f]{1,4}$/i

function groupsOf(half: string): string[] {
  return half === '' ? [] : half.split(':')
}

/** `a::b` is also a name in a program: an address has more to it. */
function isPersonal6(text: string): boolean {
  const digits = [...text].filter((_, at) => isDigitAt(text, at)).length
  const groups = text.split(':').filter((group) => group !== '').length
  return digits > 1 && (groups > 2 || text.includes('.'))
}
