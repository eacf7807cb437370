/** A data URI (RFC 2397) in a text. */
export type DataUri = {
  /** As written, without parameters; null where none is: then it is plain text. */
  readonly type: string | null
  /** Null where the body cannot be decoded. */
  readonly bytes: Uint8Array | null
}

/**
 * Every data URI in a text, at most `max`. A text that starts with one is one as a whole, whatever it holds; within a
 * text one ends where white space, a quote, an angle bracket or a closing parenthesis does.
 */
export function findDataUris(text: string, max: number): readonly DataUri[] {
  const whole = /^[\s\0]*data:/i.exec(text)
  if (whole !== null) return [readDataUri(text.slice(whole[0].length).trimEnd())]
  const found: DataUri[] = []
  for (const match of text.matchAll(DATA_URI)) {
    if (found.length >= max) break
    found.push(readDataUri(match[1] ?? ''))
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
const DATA_URI = /(?<![A-Za-z0-9_-])data:([A-Za-z0-9!#$&^_.+/=;-]{0,256},[^\s"'<>)`]*)/gi

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
  for (const match of text.matchAll(ADDRESS)) {
    if (found.length >= max) break
    const address = readAddress(trimEnd(match[0]))
    if (address.type !== null || isShown(text, match.index)) found.push(address)
  }
  return found
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

const ADDRESS = /(?:[a-z][a-z0-9+.-]{0,15}:)?\/\/[^\s"'<>`]{1,2048}/gi

function trimEnd(text: string): string {
  return text.replace(/[).,;:!?\]}]{1,16}$/, '')
}

const LOOK_BACK = 512
const ATTRIBUTE =
  /(?:\b(?:src|srcset|poster|data|background)\s{0,4}=\s{0,4}["']?|url\(\s{0,4}["']?)\s{0,4}$/i

/** Whether what stands before an address makes a reader fetch it. */
function isShown(text: string, at: number): boolean {
  const before = text.slice(Math.max(0, at - LOOK_BACK), at)
  const close = /\](?:\(|:)[ \t]{0,4}<?$/.exec(before)
  if (close === null) return ATTRIBUTE.test(before.slice(-32))
  // The definition of a reference may be a picture's; a link in place is one when an exclamation mark starts it.
  if (before[close.index + 1] === ':') return true
  let depth = 0
  for (let i = close.index; i >= 0; i--) {
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
