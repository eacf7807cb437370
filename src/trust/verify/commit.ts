import { createHash } from 'node:crypto'
import { fromUtf8 } from '../../base/digest.ts'
import { encodeHex } from '../../base/encoding.ts'
import { PolicyError } from '../../base/errors.ts'
import { COMMIT_BYTES_MAX } from '../../base/limits.ts'

/** A commit as its bytes have it. */
export type ParsedCommit = {
  readonly tree: string
  readonly parents: readonly string[]
  readonly author: CommitIdentity
  readonly committer: CommitIdentity
  /** The signature's text, and the bytes that it signs: the commit without it. Null when there is none. */
  readonly signed: { readonly signature: string; readonly payload: Uint8Array } | null
}

export type CommitIdentity = {
  readonly name: string
  readonly email: string
  /** Unix milliseconds, whole seconds. Whoever made the commit chose it. */
  readonly at: number
}

/**
 * Reads the bytes of a commit object, and checks that its id is their hash, so that what was verified is what the id
 * names. git-commit-tree(1), gitformat-signature(5). A signature stands in the header `gpgsig`, in a SHA-256 repository
 * in `gpgsig-sha256`; git leaves both out of what is signed, and so does this.
 *
 * @param oid - hexadecimal, of SHA-1 or SHA-256
 * @throws {PolicyError} COMMIT_MALFORMED
 */
export function parseCommit(oid: string, bytes: Uint8Array): ParsedCommit {
  if (bytes.length > COMMIT_BYTES_MAX) throw malformed(oid, `at most ${COMMIT_BYTES_MAX} bytes`)
  if (idOf(oid, bytes) !== oid) throw malformed(oid, 'bytes that its id is the hash of')
  const headers = headersOf(oid, bytes)
  const own = oid.length === SHA1_LENGTH ? 'gpgsig' : 'gpgsig-sha256'
  const one = (name: string): string => {
    const [first, ...more] = headers.filter((header) => header.name === name)
    if (first === undefined || more.length > 0) throw malformed(oid, `one header "${name}"`)
    return textOf(first.value)
  }
  const signatures = headers.filter(({ name }) => name === own)
  if (signatures.length > 1) throw malformed(oid, 'one signature at most')
  const [signature] = signatures
  return {
    tree: one('tree'),
    parents: headers.filter(({ name }) => name === 'parent').map(({ value }) => textOf(value)),
    author: identityOf(oid, one('author')),
    committer: identityOf(oid, one('committer')),
    signed:
      signature === undefined
        ? null
        : { signature: textOf(signature.value), payload: payloadOf(bytes, headers) },
  }
}

type Header = {
  readonly name: string
  /** Without the spaces that lines after the first begin with. */
  readonly value: Uint8Array
  /** Where it stands in the commit, its last line feed included. */
  readonly start: number
  readonly end: number
}

const SHA1_LENGTH = 40

function idOf(oid: string, bytes: Uint8Array): string {
  const hash = createHash(oid.length === SHA1_LENGTH ? 'sha1' : 'sha256')
  return encodeHex(hash.update(`commit ${bytes.length}\0`).update(bytes).digest())
}

function headersOf(oid: string, bytes: Uint8Array): Header[] {
  const headers: Header[] = []
  let start = 0
  while (bytes[start] !== LINE_FEED) {
    const lines: Uint8Array[] = []
    let end = start
    do {
      const feed = bytes.indexOf(LINE_FEED, end)
      if (feed < 0) throw malformed(oid, 'headers that an empty line ends')
      lines.push(bytes.subarray(lines.length === 0 ? end : end + 1, feed + 1))
      end = feed + 1
    } while (bytes[end] === SPACE)
    const whole = Buffer.concat(lines)
    const space = whole.indexOf(SPACE)
    if (space <= 0) throw malformed(oid, 'headers of a name and a value')
    const name = whole.toString('latin1', 0, space)
    if (!/^[a-z0-9-]+$/i.test(name)) throw malformed(oid, 'headers of a name and a value')
    headers.push({ name, value: whole.subarray(space + 1), start, end })
    start = end
  }
  return headers
}

const LINE_FEED = 0x0a
const SPACE = 0x20

/** Git leaves out each header whose name begins so, whatever follows. */
function payloadOf(bytes: Uint8Array, headers: readonly Header[]): Uint8Array {
  const kept = headers.filter(({ name }) => !name.startsWith('gpgsig'))
  const body = headers.at(-1)?.end ?? 0
  const parts = kept.map(({ start, end }) => bytes.subarray(start, end))
  return Buffer.concat([...parts, bytes.subarray(body)])
}

function identityOf(oid: string, text: string): CommitIdentity {
  const match = /^(.*?) ?<([^<>]*)> (\d{1,12}) [+-]\d{4}$/.exec(text)
  const seconds = Number(match?.[3])
  if (match === null || !(seconds <= SECONDS_MAX))
    throw malformed(oid, 'a name, an e-mail and a time')
  return { name: match[1] ?? '', email: match[2] ?? '', at: seconds * 1000 }
}

/** Some years before the last that a time can be written of in four digits. */
const SECONDS_MAX = 250_000_000_000

/** Every header ends with a line feed, which is not part of its value. Names of old commits may be of other encodings. */
function textOf(value: Uint8Array): string {
  const bytes = value.subarray(0, -1)
  try {
    return fromUtf8(bytes)
  } catch {
    return Buffer.from(bytes).toString('latin1')
  }
}

function malformed(oid: string, expected: string, cause?: unknown): PolicyError {
  const message = `commit ${oid}: expected ${expected}`
  return new PolicyError('COMMIT_MALFORMED', message, { cause })
}
