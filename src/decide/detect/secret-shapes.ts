import { decodeBase64url } from '../../base/encoding.ts'
import type { FindContext, Span } from './detector.ts'
import { isPlaceholder } from './placeholder.ts'
import {
  alphabet,
  BASE62,
  BASE64,
  BASE64URL,
  DIGITS,
  HEX_LOWER,
  isAt,
  placesOf,
  runEnd,
  runFinder,
  SPACE,
  shannonEntropy,
} from './scan.ts'

/**
 * JSON Web Tokens: a JOSE header, a payload and a signature (RFC 7515 section 7.1), or the five parts of an encrypted
 * one (RFC 7516 section 7.1). The header must be one: an object that names an algorithm.
 */
export function findJwts(text: string): readonly Span[] {
  const spans: Span[] = []
  const partEnd = runFinder(text, BASE64URL)
  let taken = 0
  for (const start of placesOf(text, 'eyJ')) {
    if (start < taken) continue
    const ends = [partEnd(start)]
    while (ends.length < JWE_PARTS && text.charAt(ends.at(-1) ?? 0) === '.') {
      ends.push(partEnd((ends.at(-1) ?? 0) + 1))
    }
    // A full stop after a token ends a sentence, unless another part follows.
    while (ends.length > JWT_PARTS && ends.at(-1) === (ends.at(-2) ?? 0) + 1) ends.pop()
    const [header = start, payload = header] = ends
    const end = ends.at(-1) ?? start
    taken = Math.max(taken, header)
    if (header - start < JWT_HEADER_MIN || ends.length < JWT_PARTS) continue
    if (payload - header - 1 < JWT_PAYLOAD_MIN || !isJoseHeader(text.slice(start, header))) continue
    spans.push({ kind: 'jwt', start, end })
    taken = end
  }
  return spans
}

const JWT_PARTS = 3
const JWE_PARTS = 5
const JWT_PAYLOAD_MIN = 2
const JWT_HEADER_MIN = 15 // `{"alg":"x"}`
const JWT_HEADER_MAX = 8192

function isJoseHeader(encoded: string): boolean {
  // Too long to be decoded for nothing, and nothing else looks like it.
  if (encoded.length > JWT_HEADER_MAX) return true
  let text: string
  try {
    text = String.fromCharCode(...decodeBase64url(encoded))
  } catch {
    return false
  }
  return text.startsWith('{"') && text.endsWith('}') && text.includes('"alg"')
}

/**
 * Private keys: PEM blocks whose label ends in `PRIVATE KEY` or `PRIVATE KEY BLOCK` (RFC 7468; OpenSSH's PROTOCOL.key;
 * RFC 4880 section 6.2), PuTTY's files, and the body of an OpenSSH key without its label. A block without an end goes
 * as far as its characters do: half a key is a key that was cut.
 */
export function findPrivateKeys(text: string): readonly Span[] {
  const spans: Span[] = []
  const endingFrom = endingFinder(text)
  let taken = 0
  const take = (start: number, end: number) => {
    spans.push({ kind: 'private_key', start, end })
    taken = end
  }
  for (const start of placesOf(text, PEM_BEGIN)) {
    if (start < taken) continue
    if (!isPrivateLabel(text, start + PEM_BEGIN.length)) continue
    const ending = endingFrom(start)
    take(start, ending ?? runEnd(text, start, PEM_TEXT))
  }
  taken = 0
  for (const start of placesOf(text, 'PuTTY-User-Key-File-')) {
    if (start < taken) continue
    const mac = text.indexOf('Private-MAC:', start)
    take(
      start,
      mac < 0 ? text.length : runEnd(text, runEnd(text, mac + PUTTY_MAC_LENGTH, SPACE), HEX_LOWER),
    )
  }
  const bodyEnd = runFinder(text, BASE64)
  for (const start of placesOf(text, OPENSSH_MAGIC)) {
    const end = bodyEnd(start)
    if (end - start >= OPENSSH_BODY_MIN) spans.push({ kind: 'private_key', start, end })
  }
  return spans
}

const PEM_BEGIN = '-----BEGIN '
const PEM_END = '-----END '
const PEM_DASHES = '-----'
const PEM_LABEL_MAX = 64
const PEM_TEXT = alphabet('+/=-_ \t\r\n\\:,.', '09', 'AZ', 'az')
const PUTTY_MAC_LENGTH = 'Private-MAC:'.length
const OPENSSH_MAGIC = 'b3BlbnNzaC1rZXktdjE' // Base64 of `openssh-key-v1`.
const OPENSSH_BODY_MIN = 70

function isPrivateLabel(text: string, from: number): boolean {
  const rest = text.slice(from, from + PEM_LABEL_MAX)
  const label = rest.slice(0, Math.max(0, rest.indexOf(PEM_DASHES)))
  return label.endsWith('PRIVATE KEY') || label.endsWith('PRIVATE KEY BLOCK')
}

/** Where the next private key ends that ends at all, asked from left to right; what was found once is not sought again. */
function endingFinder(text: string): (start: number) => number | null {
  let known: number | null = -1
  return (start) => {
    if (known === null || known > start) return known
    let found = text.indexOf(PEM_END, start)
    // The end of something else ends no key.
    while (found >= 0 && !isPrivateLabel(text, found + PEM_END.length)) {
      found = text.indexOf(PEM_END, found + 1)
    }
    const close = found < 0 ? -1 : text.indexOf(PEM_DASHES, found + PEM_END.length)
    known = close < 0 ? null : close + PEM_DASHES.length
    return known
  }
}

/**
 * Credentials in the authority of a URL (RFC 3986 section 3.2.1): the password of `scheme://user:password@host`, or the
 * whole of the user information where the user is as random as a token.
 */
export function findUrlPasswords(text: string): readonly Span[] {
  const spans: Span[] = []
  for (const place of placesOf(text, '://')) {
    if (!isAt(text, place - 1, SCHEME)) continue
    const start = place + '://'.length
    const at = lastAt(text, start)
    if (at < 0) continue
    const info = text.slice(start, at)
    const colon = info.indexOf(':')
    const user = colon < 0 ? info : info.slice(0, colon)
    const password = colon < 0 ? '' : info.slice(colon + 1)
    if (user.length >= TOKEN_USER_MIN && shannonEntropy(user) >= TOKEN_USER_ENTROPY) {
      spans.push({ kind: 'url_password', start, end: at })
    } else if (password !== '' && !isPlaceholder(password)) {
      spans.push({ kind: 'url_password', start: start + colon + 1, end: at })
    }
  }
  return spans
}

const SCHEME = alphabet('+.-', '09', 'AZ', 'az')
const USERINFO_MAX = 1024
const TOKEN_USER_MIN = 20
const TOKEN_USER_ENTROPY = 3.5
const AUTHORITY_END: ReadonlySet<string> = new Set([...'/?#\\"\'`<>(){}|^ \t\r\n'])

/** The last `@` of the authority that begins at `start`, as URL parsers take it; -1 when there is none. */
function lastAt(text: string, start: number): number {
  let found = -1
  for (let i = start; i < text.length && i - start < USERINFO_MAX; i++) {
    const character = text.charAt(i)
    // A variable such as `${PASSWORD}` holds characters that end an authority.
    if (AUTHORITY_END.has(character) && !isVariable(text, i)) break
    if (character === '@') found = i
  }
  return found
}

function isVariable(text: string, index: number): boolean {
  const character = text.charAt(index)
  if (character === '{') return text.charAt(index - 1) === '$' || text.charAt(index - 1) === '{'
  return character === '}'
}

/**
 * Passwords in connection strings: a value assigned to a word for password or key, in a text that assigns a server,
 * account or user as well (ADO.NET, ODBC, libpq, JDBC, Azure storage and service bus).
 */
export function findConnectionStrings(text: string): readonly Span[] {
  const spans: Span[] = []
  // Literals and a few spaces only: neither expression can backtrack.
  PARTNERS.lastIndex = 0
  if (!PARTNERS.test(text)) return spans
  let taken = 0
  for (const { index, 0: word } of text.matchAll(ASSIGNED)) {
    if (index < taken) continue
    const equals = runEnd(text, index + word.length, SPACE)
    if (text.charAt(equals) !== '=') continue
    const { start, end } = valueAt(text, runEnd(text, equals + 1, SPACE))
    taken = end
    if (end > start && !isPlaceholder(text.slice(start, end))) {
      spans.push({ kind: 'connection_string', start, end })
    }
  }
  return spans
}

const PARTNERS =
  /(?:server|data source|host|hostname|user id|userid|uid|user|username|accountname|endpoint)[ \t]{0,4}=|jdbc:/gi
const ASSIGNED =
  /password|passwd|pwd|accountkey|sharedaccesskey|sharedsecretvalue|sharedaccesssignature/gi
const VALUE_MAX = 1024
const VALUE_END: ReadonlySet<string> = new Set([...';&"\'`<> \t\r\n'])

/** A value that ends where the next assignment begins, or at its quote or brace. */
function valueAt(text: string, from: number): { readonly start: number; readonly end: number } {
  const limit = Math.min(text.length, from + VALUE_MAX)
  const close = QUOTES.get(text.charAt(from))
  // Two braces begin a variable of a template.
  if (close !== undefined && !text.startsWith('{{', from)) {
    return { start: from + 1, end: closeAt(text, from + 1, { close, limit }) }
  }
  let end = from
  while (end < limit && !VALUE_END.has(text.charAt(end))) end++
  return { start: from, end }
}

const QUOTES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ["'", "'"],
  ['{', '}'],
])

/** Where a quoted value ends: its quote written twice (ADO.NET, ODBC) or behind a backslash (libpq) is part of it. */
function closeAt(
  text: string,
  from: number,
  { close, limit }: { readonly close: string; readonly limit: number },
): number {
  let at = from
  while (at < limit) {
    const escaped = text.charAt(at) === '\\' || text.startsWith(close + close, at)
    if (!escaped && text.charAt(at) === close) return at
    at += escaped ? 2 : 1
  }
  return limit
}

/**
 * Credentials of HTTP's authorization fields (RFC 9110 section 11.6.2): what follows the scheme, in a text that has the
 * field's name, or in a member of that name.
 */
export function findAuthorizations(
  text: string,
  { memberName }: Pick<FindContext, 'memberName'>,
): readonly Span[] {
  const spans: Span[] = []
  if (memberName !== null && HEADERS.has(memberName.toLowerCase())) {
    const span = credentialsAt(text, { start: 0, end: text.length, anything: true })
    if (span !== null) spans.push(span)
    return spans
  }
  let taken = 0
  for (const { index, 0: word } of text.matchAll(AUTHORIZATION)) {
    if (index < taken) continue
    const start = runEnd(text, index + word.length, FIELD_BREAK)
    if (!text.slice(index + word.length, start).includes(':')) continue
    // One field a line, so that no character is walked twice.
    taken = lineEnd(text, start)
    const span = credentialsAt(text, { start, end: taken, anything: false })
    if (span !== null) spans.push(span)
  }
  return spans
}

const AUTHORIZATION = /authorization|x-api-key|x-auth-token|private-token/gi
const HEADERS: ReadonlySet<string> = new Set([
  'authorization',
  'proxy-authorization',
  'x-api-key',
  'x-auth-token',
  'private-token',
])
const FIELD_BREAK = alphabet(': "\'\\\t')
const CREDENTIALS_MIN = 6
const HEADER_MAX = 8192
const SCHEMES: ReadonlySet<string> = new Set([
  'basic',
  'bearer',
  'token',
  'apikey',
  'digest',
  'negotiate',
  'dpop',
  'hoba',
  'mutual',
  'aws4-hmac-sha256',
  'key',
])

function lineEnd(text: string, from: number): number {
  let end = from
  while (end < text.length && end - from < HEADER_MAX && !LINE_END.has(text.charAt(end))) end++
  return end
}

const LINE_END: ReadonlySet<string> = new Set([...'"\'`\r\n'])

/** The credentials after the scheme. Without a known scheme, a value that could be random, or anything in its own field. */
function credentialsAt(
  text: string,
  field: { readonly start: number; readonly end: number; readonly anything: boolean },
): Span | null {
  const start = runEnd(text, field.start, SPACE)
  const schemeEnd = runEnd(text, start, SCHEME_NAME)
  const named = SCHEMES.has(text.slice(start, schemeEnd).toLowerCase())
  const value = named ? runEnd(text, schemeEnd, SPACE) : start
  const end = named || field.anything ? field.end : Math.min(field.end, valueAt(text, value).end)
  const credentials = text.slice(value, end).trim()
  if (credentials.length < CREDENTIALS_MIN || isPlaceholder(credentials)) return null
  if (!named && !field.anything && !isRandom(credentials)) return null
  return { kind: 'authorization_header', start: value, end }
}

function isRandom(text: string): boolean {
  return text.length >= RANDOM_MIN && shannonEntropy(text) >= RANDOM_ENTROPY
}

const RANDOM_MIN = 16
const RANDOM_ENTROPY = 3
const SCHEME_NAME = alphabet('-', '09', 'AZ', 'az')

/**
 * Tokens that no prefix gives away but a shape does: a Telegram bot's (its id, `:AA`, 33 characters), Mailchimp's
 * (32 hexadecimal digits, `-us` and the data centre), Terraform Cloud's (`.atlasv1.` in the middle).
 */
export function findShapedTokens(text: string): readonly Span[] {
  const spans: Span[] = []
  const kind = 'vendor_token'
  for (const place of placesOf(text, ':AA')) {
    const after = runEnd(text.slice(place + 1, place + 40), 0, BASE64URL)
    const end = place + 1 + after
    const start = runStart(text, place, DIGITS, 11)
    if (after === 35 && place - start >= 8 && place - start <= 10) {
      spans.push({ kind, start, end })
    }
  }
  for (const place of placesOf(text, '-us')) {
    const start = runStart(text, place, HEX_LOWER, 33)
    const end = runEnd(text.slice(0, place + 6), place + 3, DIGITS)
    const digits = end - place - 3
    if (place - start === 32 && digits >= 1 && digits <= 2) spans.push({ kind, start, end })
  }
  const after = runFinder(text, BASE64URL)
  for (const place of placesOf(text, '.atlasv1.')) {
    const start = runStart(text, place, BASE62, 15)
    const end = after(place + '.atlasv1.'.length)
    if (place - start === 14 && end - place >= 60) spans.push({ kind, start, end })
  }
  return spans
}

/** Where the run that ends at `end` begins, looking back at most `max` characters. */
export function runStart(text: string, end: number, set: Uint8Array, max: number): number {
  let start = end
  while (end - start < max && isAt(text, start - 1, set)) start--
  return start
}
