import { BuiltinError } from '../builtin.ts'
import { decodeGoBase64 } from './go-base64.ts'

/** One block of PEM: what stands after BEGIN, and what its base64 holds. */
export type PemBlock = { readonly type: string; readonly bytes: Uint8Array }

export type PemFound = { readonly block: PemBlock; readonly rest: string }

/**
 * The next block of PEM in a text, and what follows it; undefined where there is none. RFC 7468, by the rules of Go's
 * `encoding/pem`: a block starts at the beginning of a line, headers are allowed, and what is no block is skipped.
 */
export function nextPem(text: string): PemFound | undefined {
  let from = 0
  for (;;) {
    const end = text.indexOf(END, from)
    if (end < 0) return undefined
    const begin = text.slice(from, end).lastIndexOf(BEGIN)
    const start = from + begin
    if (begin === 0 || (begin > 0 && text[start - 1] === '\n')) {
      const found = readBlock(text, start, end)
      if (found !== undefined) return found
    }
    from = end + END.length
  }
}

const BEGIN = '-----BEGIN '
const END = '\n-----END '
const DASHES = '-----'

/** The block that begins at `start` and whose last line follows `end`. */
function readBlock(text: string, start: number, end: number): PemFound | undefined {
  const first = lineAt(text, start + BEGIN.length)
  if (!first.line.endsWith(DASHES)) return undefined
  const type = first.line.slice(0, -DASHES.length)
  let body = first.next
  for (;;) {
    const { line, next } = lineAt(text, body)
    if (!line.includes(':')) break
    body = next
    // Headers that run into the last line leave no room for a body.
    if (body > end) return undefined
  }
  const trailer = end + END.length
  if (!text.startsWith(type + DASHES, trailer)) return undefined
  const last = lineAt(text, trailer + type.length + DASHES.length)
  if (last.line !== '') return undefined
  const bytes = body < end ? decode(text.slice(body, end)) : new Uint8Array()
  return bytes && { block: { type, bytes }, rest: text.slice(last.next) }
}

/** A line without its end and trailing blanks, and where the next one starts. */
function lineAt(text: string, start: number): { line: string; next: number } {
  const feed = text.indexOf('\n', start)
  let end = feed < 0 ? text.length : feed
  if (feed > start && text[end - 1] === '\r') end -= 1
  while (end > start && (text[end - 1] === ' ' || text[end - 1] === '\t')) end -= 1
  return { line: text.slice(start, end), next: feed < 0 ? text.length : feed + 1 }
}

function decode(body: string): Uint8Array | undefined {
  try {
    return decodeGoBase64(body.replace(/[ \t]/g, ''), 'standard')
  } catch (cause) {
    if (cause instanceof BuiltinError) return undefined
    throw cause
  }
}
