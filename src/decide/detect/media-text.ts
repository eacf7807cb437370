/** A data URI (RFC 2397) in a text. */
export type DataUri = {
  /** As written, without parameters; null where none is: then it is plain text. */
  readonly type: string | null
  /** Null where the body cannot be decoded. */
  readonly bytes: Uint8Array | null
}

/**
 * Every data URI in a text, at most `max`. A text that starts with one is one as a whole, whatever it holds. Within a text
 * one ends where the quote or bracket closes that it stands in, or else at white space, a quote, an angle bracket or a
 * closing parenthesis.
 */
export function findDataUris(text: string, max: number): readonly DataUri[] {
  const whole = /^[\s\0]*data:/i.exec(text)
  if (whole !== null) return [readDataUri(text.slice(whole[0].length).trimEnd())]
  const found: DataUri[] = []
  let done = 0
  for (const { index, 0: scheme } of text.matchAll(DATA_SCHEME)) {
    if (found.length >= max) break
    const start = index + scheme.length
    const head = text.slice(start, start + HEAD_MAX + 1)
    if (index < done || !HEADS.some((form) => form.test(head))) continue
    const end = uriEnd(text, index, start)
    const rest = text.slice(start, end)
    if (!rest.includes(',') && rest.length <= HEAD_MAX) continue
    found.push(readDataUri(rest))
    done = end
  }
  return found
}

/** Bytes of base64, as decoders commonly take it: both alphabets, with or without padding, white space left out. */
export function decodeBlob(text: string): Uint8Array | null {
  const plain = text
    .replaceAll(/[\t\n\f\r ]/g, '')
    .replaceAll('-', '+')
    .replaceAll('_', '/')
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(plain)) return null
  try {
    const binary = atob(plain)
    const bytes = new Uint8Array(binary.length)
    for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at)
    return bytes
  } catch {
    return null // A length that no bytes have.
  }
}

// What comes before must not be part of a word, as in `metadata:`.
const DATA_SCHEME = /(?<![A-Za-z0-9_-])data:/gi
const HEAD_MAX = 1024

/** What may stand before the comma: letters and signs, or, behind a type, anything: readers skip what they do not know. */
const HEADS = [
  /^[A-Za-z0-9!#$&^_.+/=;-]{0,256},/,
  /^\s{0,8}[A-Za-z0-9!#$&^_.+-]{1,127}\/[A-Za-z0-9!#$&^_.+-]{1,127}\s{0,8}(?:;[^,]{0,1024})?(?:,|$)/,
]

/** Where a data URI ends whose scheme begins at one index and ends at another. */
function uriEnd(text: string, index: number, start: number): number {
  const opener = text[spaceStart(text, index) - 1] ?? ''
  const close = CLOSES.get(opener)
  const closed = close === undefined ? -1 : text.indexOf(close, start)
  if (closed >= 0) return closed
  if (opener === '(') return parenthesisEnd(text, start)
  const stop = opener === '=' ? /[\s>]/g : /[\s"'<>)`]/g
  stop.lastIndex = start
  return stop.exec(text)?.index ?? text.length
}

const CLOSES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ["'", "'"],
  ['<', '>'],
])

/** Parentheses within an address of Markdown are part of it where they pair. */
function parenthesisEnd(text: string, start: number): number {
  let depth = 0
  let at = start
  for (; at < text.length && !isSpaceAt(text, at); at++) {
    if (text[at] === '(') depth += 1
    else if (text[at] === ')' && --depth < 0) return at
  }
  return at
}

/** Where the white space begins that ends at an index. */
function spaceStart(text: string, end: number): number {
  let start = end
  while (start > 0 && isSpaceAt(text, start - 1)) start--
  return start
}

function isSpaceAt(text: string, index: number): boolean {
  return ' \t\n\f\r'.includes(text[index] ?? 'x')
}

function readDataUri(rest: string): DataUri {
  const comma = rest.indexOf(',')
  if (comma < 0) return { type: null, bytes: null }
  const [head, body] = [rest.slice(0, comma), percentBytes(rest.slice(comma + 1))]
  const [type = '', ...parameters] = head.split(';').map((part) => part.trim().toLowerCase())
  const encoded = parameters.at(-1) === 'base64'
  return {
    type: type === '' ? null : type,
    bytes: encoded ? decodeBlob(new TextDecoder().decode(body)) : body,
  }
}

/** The bytes that a body stands for. A percent sign that starts no escape stays as it is: so do browsers read it. */
function percentBytes(text: string): Uint8Array {
  const encoder = new TextEncoder()
  if (!text.includes('%')) return encoder.encode(text)
  const bytes = new Uint8Array(text.length * 3) // A UTF-16 code unit takes three bytes of UTF-8 at most.
  let length = 0
  for (const part of text.split(/(%[0-9A-Fa-f]{2})/)) {
    if (/^%[0-9A-Fa-f]{2}$/.test(part)) bytes[length++] = Number.parseInt(part.slice(1), 16)
    else length += encoder.encodeInto(part, bytes.subarray(length)).written
  }
  return bytes.slice(0, length)
}

/** The address of media. */
export type Address = {
  /** In lower case; null where no host can be read, or two readers could read two. */
  readonly host: string | null
  /** Whether it is fetched by HTTP, or by whatever fetched the page. */
  readonly web: boolean
  /** The type that its ending tells; null where it tells none. */
  readonly type: string | null
}

/** Every address of media in a text, at most `max`: by its ending, or as a picture of Markdown, HTML or CSS. */
export function findAddresses(text: string, max: number): readonly Address[] {
  const found: Address[] = []
  const hasLists = /srcset|image-set\(/i.test(text)
  for (const match of text.matchAll(ADDRESS)) {
    if (found.length >= max) break
    const written = trimEnd(match[0])
    const address = readAddress(written)
    const usual = USUAL.test(written) && address.type !== null
    if (usual || isShown(text, match.index, hasLists)) found.push(address)
  }
  return found
}

/** Whether a text may hold an address. */
export function mayHoldAddress(text: string): boolean {
  return MAY_HOLD.test(text)
}

/** Reads one address. Strictly: user names, escapes and other scripts in the place of the host hide where it leads. */
export function readAddress(text: string): Address {
  const parts = /^(?:([a-z][a-z0-9+.-]*):)?\/\/([^/?#]*)([^?#]*)/i.exec(text.trim())
  const [, scheme = 'https', authority = '', path = ''] = parts ?? []
  const host = /^([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{0,5})?$/i.exec(authority)?.[1]
  const ending = /\.([a-z0-9]{1,5})$/i.exec(path)?.[1]?.toLowerCase() ?? ''
  return {
    host: parts === null || host === undefined ? null : host.toLowerCase().replace(/\.$/, ''),
    web: parts !== null && /^https?$/i.test(scheme),
    type: ENDINGS.get(ending) ?? null,
  }
}

// Browsers take a backslash for a slash, skip line breaks and tabs, and need no slashes behind `https:`.
const ADDRESS =
  /(?:[a-z][a-z0-9+.-]{0,15}:)?[\\/][\t\n\r]{0,8}[\\/][^\s"'<>`]{1,2048}|https?:[^\s"'<>`]{1,2048}/gi
const MAY_HOLD = /[\\/][\t\n\r]{0,8}[\\/]|https?:/i
const USUAL = /^(?:[a-z][a-z0-9+.-]*:)?\/\//i

function trimEnd(text: string): string {
  return text.replace(/[).,;:!?\]}]{1,16}$/, '')
}

const LOOK_BACK = 512
const SCHEME_LENGTH_MAX = 32
const TAG_LENGTH_MAX = 4096
const FETCHED = /(?:\b(?:src|srcset|poster|data|background)|\burl\(|image-set\(|@import)$/i

/** Whether what stands before an address makes a reader fetch it. `hasLists`: whether the text has lists of addresses. */
function isShown(text: string, at: number, hasLists: boolean): boolean {
  const start = spaceStart(text, schemeStart(text, at))
  const open = text[start - 1] === '<' ? spaceStart(text, start - 1) : start
  const pair = text.slice(Math.max(0, open - 2), open)
  // The definition of a reference may be a picture's; a link in place is one when an exclamation mark starts it.
  if (pair === ']:') return true
  if (pair === '](') return isPicture(text.slice(Math.max(0, open - LOOK_BACK), open - 1))
  if (hasLists && text[start - 1] === ',') return true
  const quote = /["']/.test(text[start - 1] ?? '') ? spaceStart(text, start - 1) : start
  const equals = text[quote - 1] === '=' ? spaceStart(text, quote - 1) : quote
  const name = text.slice(Math.max(0, equals - NAME_LENGTH_MAX), equals)
  if (FETCHED.test(name)) return true
  if (equals === quote || !/href$/i.test(name)) return false
  // A link is followed by a person; whatever else has an address of this name is fetched.
  const tag = text.slice(Math.max(0, equals - TAG_LENGTH_MAX), equals)
  return !/^<(?:a|area)[\s/]/i.test(tag.slice(Math.max(0, tag.lastIndexOf('<'))))
}

const NAME_LENGTH_MAX = 16

/** Where an address begins whose scheme holds line breaks or tabs: within a quote or bracket, or behind an equals sign. */
function schemeStart(text: string, at: number): number {
  if (!/[\t\n\r:]/.test(text[at - 1] ?? '')) return at
  const before = text.slice(Math.max(0, at - SCHEME_LENGTH_MAX), at)
  const start = at - (/[a-z0-9+.\-:\t\n\r]*$/i.exec(before)?.[0].length ?? 0)
  return /["'=(<]/.test(text[start - 1] ?? '') ? start : at
}

/** Whether the bracket that closes a text is a picture's: an exclamation mark stands before the one that opens it. */
function isPicture(before: string): boolean {
  let depth = 0
  for (let i = before.length - 1; i >= 0; i--) {
    if (before[i] === ']') depth += 1
    else if (before[i] === '[') depth -= 1
    if (depth === 0) return before[i - 1] === '!'
  }
  return true
}

const ENDINGS: ReadonlyMap<string, string> = new Map([
  ['png', 'image/png'],
  ['apng', 'image/png'],
  ['jpg', 'image/jpeg'],
  ['jpeg', 'image/jpeg'],
  ['gif', 'image/gif'],
  ['webp', 'image/webp'],
  ['svg', 'image/svg+xml'],
  ['bmp', 'image/bmp'],
  ['ico', 'image/x-icon'],
  ['tif', 'image/tiff'],
  ['tiff', 'image/tiff'],
  ['avif', 'image/avif'],
  ['heic', 'image/heic'],
  ['jxl', 'image/jxl'],
  ['mp3', 'audio/mpeg'],
  ['wav', 'audio/wav'],
  ['flac', 'audio/flac'],
  ['aac', 'audio/aac'],
  ['m4a', 'audio/mp4'],
  ['ogg', 'application/ogg'],
  ['oga', 'application/ogg'],
  ['ogv', 'application/ogg'],
  ['opus', 'application/ogg'],
  ['mp4', 'video/mp4'],
  ['m4v', 'video/mp4'],
  ['mov', 'video/quicktime'],
  ['webm', 'video/webm'],
  ['avi', 'video/x-msvideo'],
  ['mkv', 'video/x-matroska'],
  ['pdf', 'application/pdf'],
  ['zip', 'application/zip'],
  ['gz', 'application/gzip'],
  ['tgz', 'application/gzip'],
  ['tar', 'application/x-tar'],
  ['rar', 'application/vnd.rar'],
  ['docx', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'],
  ['xlsx', 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'],
  ['pptx', 'application/vnd.openxmlformats-officedocument.presentationml.presentation'],
])
