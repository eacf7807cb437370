import { BuiltinError } from './builtin.ts'

/** The part of a URL that text stands in: what may stand there unescaped differs (Go package `net/url`). */
export type UrlPart = 'path' | 'host' | 'zone' | 'user' | 'query' | 'fragment'

/** Go's url.QueryEscape. */
export function escapeQuery(text: string): string {
  return text.replace(QUERY_UNSAFE, escapeRun).replace(/%20/g, '+')
}

/** The text of a path as Go's net/url writes it. */
export function escapePath(text: string): string {
  return text.replace(PATH_UNSAFE, escapeRun)
}

/**
 * Go's unescaping of a part of a URL.
 *
 * @throws {BuiltinError} as {@link checkEscapes}, and for bytes that are no UTF-8, which Go would hand on in a string
 *   that JSON cannot carry
 */
export function unescapeUrl(text: string, part: UrlPart): string {
  checkEscapes(text, part)
  return decodeEscapes(part === 'query' ? text.replace(/\+/g, ' ') : text)
}

/** @throws {BuiltinError} for a malformed escape, or a character that may not stand in this part */
export function checkEscapes(text: string, part: UrlPart): void {
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) throw new BuiltinError('invalid URL escape')
  if (part !== 'host' && part !== 'zone') return
  if (HOST_CHARACTERS.test(text)) throw new BuiltinError('invalid character in host name')
  if (part === 'host' && HOST_ESCAPE_REFUSED.test(text)) {
    throw new BuiltinError('invalid URL escape')
  }
  if (part === 'zone') checkZone(text)
}

/** Decodes escapes that have been checked. */
export function decodeEscapes(text: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    const message = 'the URL has an escape that is no UTF-8'
    throw new BuiltinError(message, 'eval_builtin_error', { cause })
  }
}

/** What no host holds; every character beyond ASCII may stand there. */
const HOST_CHARACTERS = /[^-A-Za-z0-9!$&'()*+,;=:[\]<>"_.~%\u0080-\uffff]/
/** In a host, escapes are for bytes beyond ASCII only, and `%25` for the zone of an address. */
const HOST_ESCAPE_REFUSED = /%(?!25)[0-7]/
/** In a zone, escapes may also stand for what a host may hold, and for a space. */
const ZONE_ESCAPE = /%(?!25|20)([0-9A-Fa-f]{2})/g

function checkZone(text: string): void {
  for (const [, digits = ''] of text.matchAll(ZONE_ESCAPE)) {
    const character = String.fromCharCode(Number.parseInt(digits, 16))
    if (character >= '\u0080' || HOST_CHARACTERS.test(character)) {
      throw new BuiltinError('invalid URL escape')
    }
  }
}

const QUERY_UNSAFE = /[^-A-Za-z0-9_.~]+/g
const PATH_UNSAFE = /[^-A-Za-z0-9_.~$&+,/:;=@]+/g

function escapeRun(run: string): string {
  const escaped = encodeURIComponent(run)
  if (!/[!'()*]/.test(escaped)) return escaped
  return escaped
    .replace(/!/g, '%21')
    .replace(/'/g, '%27')
    .replace(/\(/g, '%28')
    .replace(/\)/g, '%29')
    .replace(/\*/g, '%2A')
}
