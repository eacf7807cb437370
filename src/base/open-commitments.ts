import { canonicalize } from './canonical-json.ts'
import { fromUtf8 } from './digest.ts'
import type { Disclosure } from './disclosure.ts'
import { checkDepth, disclosureDigest, isReservedKey, SALT_BYTES, SD_ALG } from './disclosure.ts'
import { decodeBase64url } from './encoding.ts'
import { PolicyError } from './errors.ts'
import { parseJson } from './json-parse.ts'
import type { JsonObject, JsonValue } from './json-value.ts'
import { ACTION_BYTES_MAX } from './limits.ts'
import { joinPointer } from './pointer.ts'
import { compareText } from './position.ts'

/**
 * Puts an action together again from what remains of it and its disclosures (RFC 9901 section 7.1). What no
 * disclosure opens is left out; array elements that stay hidden close up, though pointers count them. Each
 * disclosure must be one that commitAction could have written, at its pointer, under a digest that stands exactly
 * once. Proves nothing alone: compare `rootOf(committed)` with a root that somebody signed.
 *
 * @throws {PolicyError} COMMITMENT_INVALID when anything is malformed, unreferenced or referenced twice;
 *   ACTION_TOO_DEEP
 */
export function openCommitments(
  committed: JsonObject,
  disclosures: readonly Disclosure[],
): JsonObject {
  const { _sd: digests, _sd_alg: algorithm, ...clear } = ownMembers(committed)
  if (algorithm !== SD_ALG) throw invalid(`_sd_alg ${SD_ALG}`)
  for (const value of Object.values(clear)) checkClear(value, 1)
  if (Object.keys(clear).some(isReservedKey)) throw invalid('no reserved key at the top')
  const opener: Opener = { entries: indexDisclosures(disclosures), seen: new Set() }
  const opened = digests === undefined ? [] : openMembers(opener, '', digests, 1)
  for (const [name] of opened) {
    if (Object.hasOwn(clear, name)) throw invalid('no member both clear and committed')
  }
  if (opener.entries.size > 0) throw invalid('only disclosures that something refers to')
  const members = [...Object.entries(clear), ...opened]
  return Object.fromEntries(members.sort(([a], [b]) => compareText(a, b)))
}

/** A disclosure read; an array element has no name. */
type Entry = { readonly pointer: string; readonly name?: string; readonly value: JsonValue }

type Opener = {
  /** By digest. An entry leaves when its digest is met. */
  readonly entries: Map<string, Entry>
  /** Every digest met, also those that nothing opens. */
  readonly seen: Set<string>
}

function indexDisclosures(disclosures: readonly Disclosure[]): Map<string, Entry> {
  const entries = new Map<string, Entry>()
  for (const { pointer, disclosure } of disclosures) {
    const entry = readDisclosure(pointer, disclosure)
    const digest = disclosureDigest(disclosure)
    if (entries.has(digest)) throw invalid('each disclosure once')
    entries.set(digest, entry)
  }
  return entries
}

function readDisclosure(pointer: string, disclosure: string): Entry {
  const fields = parseDisclosure(disclosure)
  const salt = fields[0]
  if (typeof salt !== 'string' || !SALT.test(salt)) throw invalid('a salt of 128 bits')
  if (fields.length === 2) return { pointer, value: fields[1] as JsonValue }
  const name = fields[1]
  if (fields.length !== 3 || typeof name !== 'string') throw invalid('[salt, name, value]')
  if (isReservedKey(name)) throw invalid('a name that is not reserved')
  return { pointer, name, value: fields[2] as JsonValue }
}

function parseDisclosure(disclosure: string): readonly JsonValue[] {
  try {
    const text = fromUtf8(decodeBase64url(disclosure))
    const fields = parseJson(text, { depthMax: DISCLOSURE_DEPTH, bytesMax: DISCLOSURE_BYTES_MAX })
    // One value has one text: another spelling was not written by this format.
    if (isArray(fields) && canonicalize(fields) === text) return fields
  } catch (cause) {
    throw new PolicyError('COMMITMENT_INVALID', 'expected a disclosure, found something else', {
      cause,
    })
  }
  throw invalid('base64url of a canonical JSON array')
}

const SALT = new RegExp(`^[A-Za-z0-9_-]{${Math.ceil((SALT_BYTES * 8) / 6)}}$`)
const DISCLOSURE_DEPTH = 3 // The disclosure itself, its value, and the `_sd` or `{"...": digest}` in that.

/** Every element of an array of one-character elements grows to a digest: at most 54 characters for two. */
const DISCLOSURE_BYTES_MAX = 32 * ACTION_BYTES_MAX

function openValue(opener: Opener, pointer: string, value: JsonValue, depth: number): JsonValue {
  if (typeof value !== 'object' || value === null) return value
  checkDepth(depth)
  if (isArray(value)) {
    return value.flatMap((element, i) =>
      openElement(opener, joinPointer(pointer, i), element, depth + 1),
    )
  }
  const keys = Object.keys(value)
  if (keys.length === 0) return value
  if (keys.length !== 1 || keys[0] !== '_sd') throw invalid('every member of a value committed')
  const members = openMembers(opener, pointer, value['_sd'] as JsonValue, depth + 1)
  return Object.fromEntries(members.sort(([a], [b]) => compareText(a, b)))
}

function openElement(
  opener: Opener,
  pointer: string,
  element: JsonValue,
  depth: number,
): JsonValue[] {
  const object = typeof element === 'object' && element !== null && !isArray(element)
  const keys = object ? Object.keys(element) : []
  if (!object || keys.length !== 1 || keys[0] !== '...') {
    throw invalid('every element of an array committed')
  }
  const entry = take(opener, element['...'])
  if (entry === undefined) return []
  if (entry.name !== undefined) throw invalid('an array element, found a member')
  if (entry.pointer !== pointer) throw invalid('the pointer where the element stands')
  // Wrapped, because the caller's flatMap would unfold a value that is itself an array.
  return [openValue(opener, pointer, entry.value, depth)]
}

function openMembers(
  opener: Opener,
  parent: string,
  digests: JsonValue,
  depth: number,
): [string, JsonValue][] {
  if (
    typeof digests !== 'object' ||
    digests === null ||
    !isArray(digests) ||
    digests.length === 0
  ) {
    throw invalid('_sd to list digests')
  }
  const members = new Map<string, JsonValue>()
  let last = ''
  for (const digest of digests) {
    const entry = take(opener, digest)
    if ((digest as string) <= last) throw invalid('_sd to be sorted')
    last = digest as string
    if (entry === undefined) continue
    if (entry.name === undefined) throw invalid('a member, found an array element')
    if (members.has(entry.name)) throw invalid('each name once')
    const pointer = joinPointer(parent, entry.name)
    if (entry.pointer !== pointer) throw invalid('the pointer where the member stands')
    members.set(entry.name, openValue(opener, pointer, entry.value, depth))
  }
  return [...members]
}

/** The entry behind a digest, or undefined when it stays hidden. */
function take(opener: Opener, digest: JsonValue | undefined): Entry | undefined {
  if (typeof digest !== 'string' || !DIGEST.test(digest)) throw invalid('a digest')
  if (opener.seen.has(digest)) throw invalid('each digest once')
  opener.seen.add(digest)
  const entry = opener.entries.get(digest)
  opener.entries.delete(digest)
  return entry
}

const DIGEST = /^[A-Za-z0-9_-]{43}$/

function checkClear(value: JsonValue, depth: number): void {
  if (typeof value !== 'object' || value === null) return
  checkDepth(depth)
  if (isArray(value)) {
    for (const element of value) checkClear(element, depth + 1)
    return
  }
  for (const [key, member] of Object.entries(value)) {
    if (isReservedKey(key)) throw invalid('no reserved key in a clear member')
    checkClear(member, depth + 1)
  }
}

/** A copy without a prototype, so that destructuring reads own members only. */
function ownMembers(object: JsonObject): { [key: string]: JsonValue } {
  return Object.assign(Object.create(null), object)
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value)
}

function invalid(expected: string): PolicyError {
  return new PolicyError('COMMITMENT_INVALID', `expected ${expected}`)
}
