import { canonicalize, canonicalizeString } from './canonical-json.ts'
import type { Digest, HmacKey } from './digest.ts'
import { digestOf, hmacKey, hmacSha256, utf8 } from './digest.ts'
import type { Disclosure } from './disclosure.ts'
import { checkDepth, disclosureDigest, isReservedKey, SALT_BYTES, SD_ALG } from './disclosure.ts'
import { encodeBase64url, encodeBase64urlAscii } from './encoding.ts'
import { PolicyError } from './errors.ts'
import type { JsonObject, JsonValue } from './json-value.ts'
import { joinPointer } from './pointer.ts'
import { compareText } from './position.ts'

export type { Disclosure } from './disclosure.ts'
export { COMMITMENT_KEYS } from './disclosure.ts'
export { openCommitments } from './open-commitments.ts'

export type Commitment = {
  /** SHA-256 over the RFC 8785 text of `committed`: the action's digest. */
  readonly root: Digest
  /** What remains when every disclosure is hidden. */
  readonly committed: JsonObject
  /** In code-unit order of their pointers, so a parent comes before what it holds. */
  readonly disclosures: readonly Disclosure[]
}

export type CommitOptions = {
  /** 32 random bytes, drawn for this action only: two actions under one seed share salts. */
  readonly seed: Uint8Array
  /** Top-level members that are committed besides `payload` and `context`. Absent ones are no error. */
  readonly fields?: readonly string[]
}

/** Members of an action that are always committed. */
export const COMMITTED_MEMBERS = ['payload', 'context'] as const

/** Length of the seed in bytes. */
export const SEED_BYTES = 32

/**
 * Commits to an action in the form of SD-JWT (RFC 9901): each committed member and array element is a disclosure of
 * its own, recursively; the parent holds its digest, in a sorted `_sd` or as `{"...": digest}`; no decoys; `_sd_alg`
 * stands at the top. An empty object or array is its own value. The format never changes: digests in receipts
 * depend on it, and `test/vectors/commitments.json` fixes it.
 *
 * @throws {PolicyError} ACTION_AMBIGUOUS for a reserved key anywhere; ACTION_TOO_DEEP; VALUE_NOT_JSON;
 *   COMMITMENT_INVALID for a seed of another length
 */
export function commitAction(action: JsonObject, options: CommitOptions): Commitment {
  if (options.seed.length !== SEED_BYTES) {
    throw new PolicyError('COMMITMENT_INVALID', `expected a seed of ${SEED_BYTES} bytes`)
  }
  const writer: Writer = { key: hmacKey(options.seed), disclosures: [] }
  const names = new Set<string>([...COMMITTED_MEMBERS, ...(options.fields ?? [])])
  const clear: [string, JsonValue][] = []
  const digests: string[] = []
  for (const name of keysOf(action)) {
    const value = action[name] as JsonValue
    if (names.has(name)) {
      digests.push(discloseMember(writer, { parent: '', name, value, depth: 1 }))
    } else {
      checkClear(value, 1)
      clear.push([name, value])
    }
  }
  if (digests.length > 0) clear.push(['_sd', digests.sort()])
  const committed = Object.fromEntries([...clear, ['_sd_alg', SD_ALG]])
  writer.disclosures.sort((a, b) => compareText(a.pointer, b.pointer))
  return { root: rootOf(committed), committed, disclosures: writer.disclosures }
}

/**
 * The digest of an action: SHA-256 over the RFC 8785 text of what remains of it.
 *
 * @throws {PolicyError} as canonicalize
 */
export function rootOf(committed: JsonObject): Digest {
  return digestOf(canonicalize(committed))
}

type Writer = { readonly key: HmacKey; readonly disclosures: Disclosure[] }

/** Depth counts arrays and objects around the value, the action itself included. */
type Member = { parent: string; name: string; value: JsonValue; depth: number }

function discloseMember(writer: Writer, { parent, name, value, depth }: Member): string {
  const pointer = joinPointer(parent, name)
  // First, because it refuses a lone surrogate before the name enters a pointer.
  const key = canonicalizeString(name)
  return disclose(writer, pointer, `${key},${committedText(writer, pointer, value, depth)}`)
}

/** Adds the disclosure of one value and gives its digest. `content` is what follows the salt. */
function disclose(writer: Writer, pointer: string, content: string): string {
  const salt = encodeBase64url(hmacSha256(writer.key, pointer).subarray(0, SALT_BYTES))
  const text = `["${salt}",${content}]`
  const disclosure = ASCII.test(text) ? encodeBase64urlAscii(text) : encodeBase64url(utf8(text))
  writer.disclosures.push({ pointer, disclosure })
  return disclosureDigest(disclosure)
}

const ASCII = /^[ -~]*$/

/** The RFC 8785 text of a value in which every member and element is replaced by its digest. */
function committedText(writer: Writer, pointer: string, value: JsonValue, depth: number): string {
  if (typeof value !== 'object' || value === null) return canonicalize(value)
  checkDepth(depth)
  if (isArray(value)) {
    const elements = Array.from(value, (element, i) => {
      const place = joinPointer(pointer, i)
      const digest = disclose(writer, place, committedText(writer, place, element, depth + 1))
      return `{"...":"${digest}"}`
    })
    return `[${elements.join(',')}]`
  }
  const digests = keysOf(value).map((name) =>
    discloseMember(writer, {
      parent: pointer,
      name,
      value: value[name] as JsonValue,
      depth: depth + 1,
    }),
  )
  return digests.length === 0 ? '{}' : `{"_sd":["${digests.sort().join('","')}"]}`
}

/** A clear member may hold no reserved key either, or it would read as a commitment. */
function checkClear(value: JsonValue, depth: number): void {
  if (typeof value !== 'object' || value === null) return
  checkDepth(depth)
  if (isArray(value)) for (const element of value) checkClear(element, depth + 1)
  else for (const key of keysOf(value)) checkClear(value[key] as JsonValue, depth + 1)
}

/** The keys of a plain object, none of them reserved. */
function keysOf(object: JsonObject): string[] {
  const prototype: unknown = Object.getPrototypeOf(object)
  if (prototype !== Object.prototype && prototype !== null) {
    throw new PolicyError('VALUE_NOT_JSON', 'expected plain JSON, found a class instance')
  }
  const keys = Object.keys(object)
  if (keys.some(isReservedKey)) {
    throw new PolicyError(
      'ACTION_AMBIGUOUS',
      'expected keys with one meaning, found a reserved key',
    )
  }
  return keys
}

function isArray(value: JsonObject | readonly JsonValue[]): value is readonly JsonValue[] {
  return Array.isArray(value)
}
