import { canonicalize } from '../../base/canonical-json.ts'
import type { HmacKey } from '../../base/digest.ts'
import { hmacSha256 } from '../../base/digest.ts'
import { encodeHex } from '../../base/encoding.ts'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import type { Path } from '../../base/path.ts'
import type { CompiledTool } from '../../model/generated/types.ts'
import type { JudgedAction } from '../../model/nouns.ts'
import type { Behaviour } from './behaviour.ts'
import { compilePath, FIXED_FIELDS, fieldsOf, readField } from './fields.ts'
import { DIGEST_MEMO_MAX } from './limits.ts'
import type { Target } from './selector.ts'
import type { RulePlace } from './settings.ts'
import { invalid } from './settings.ts'

/** What is known of one action, apart from state and time. */
export type Facts = {
  readonly action: JudgedAction
  readonly target: Target
  /** What paths read. */
  readonly fields: JsonObject
  readonly key: HmacKey
  /** What its Tools file says of the tool; null when no file names it. */
  readonly tool: CompiledTool | null
  readonly behaviour: Behaviour
  /** Buckets that have been worked out for this action already. */
  readonly buckets: Map<string, string>
}

/** The facts before anything scored the action. */
export function factsOf(
  action: JudgedAction,
  { target, tool }: Pick<Facts, 'target' | 'tool'>,
  key: HmacKey,
): Facts {
  const fields = fieldsOf(action, target.priority)
  return {
    action,
    target,
    tool,
    key,
    fields,
    behaviour: { kind: 'none' },
    buckets: bucketsOf(action, target, key),
  }
}

// Whoever asks for the state keys of an action evaluates it next, and its buckets are HMACs, which cost more than all
// the rest. So those of the last action are kept: a memo of a pure function, since no action changes once it was parsed.
let last: Pick<Facts, 'action' | 'target' | 'key' | 'buckets'> | null = null

function bucketsOf(action: JudgedAction, target: Target, key: HmacKey): Map<string, string> {
  if (last?.action === action && last.target === target && last.key === key) return last.buckets
  last = { action, target, key, buckets: new Map() }
  return last.buckets
}

/** What to count separately. */
export type CompiledBy = {
  /** The paths as written, for evidence. */
  readonly texts: readonly string[]
  readonly paths: readonly Path[]
  /** One text for equal lists. */
  readonly id: string
  /** Whether every action has these fields, and they name no person: their buckets may be remembered. */
  readonly stable: boolean
}

/** @throws {PolicyError} PATH_INVALID, VALUE_INVALID */
export function compileBy(place: RulePlace, value: unknown): CompiledBy {
  const texts: readonly unknown[] =
    value === undefined ? ['agent'] : Array.isArray(value) ? value : []
  if (texts.length === 0) throw invalid(place, 'expected by to be a list of at least one field')
  const paths = texts.map((text) => {
    if (typeof text !== 'string') throw invalid(place, 'expected by to be a list of fields')
    return compilePath(place, text)
  })
  return {
    texts: paths.map((path) => path.text),
    paths,
    id: JSON.stringify(texts),
    stable: paths.every((path) => FIXED_FIELDS.has(path.text) && path.text !== 'session'),
  }
}

/**
 * Which bucket of a rule an action counts in, as hexadecimal text that tells nothing about the values:
 * `own` is that of its values; `missing` is shared by all actions that lack a field, so that leaving a field out
 * resets nothing twice; `any` is shared by all. The last two still tell apart the fields that every action has,
 * such as the agent.
 */
export function bucketOf(facts: Facts, by: CompiledBy, which: 'own' | 'missing' | 'any'): string {
  const name = `${which}${by.id}`
  const known = facts.buckets.get(name)
  if (known !== undefined) return known
  const parts = by.paths.map((path) =>
    which === 'own' || FIXED_FIELDS.has(path.text) ? readField(facts.fields, path).values : null,
  )
  const text = `state:${which}:${canonicalize(parts)}`
  const bucket = by.stable ? rememberedDigest(facts.key, text) : shortDigest(facts.key, text, 16)
  facts.buckets.set(name, bucket)
  return bucket
}

/** Whether the action has every field that the list names. */
export function hasAll(facts: Facts, by: CompiledBy): boolean {
  return by.stable || by.paths.every((path) => !readField(facts.fields, path).missing)
}

/** The bucket that an attempt counts in. */
export function countingBucket(facts: Facts, by: CompiledBy): string {
  return bucketOf(facts, by, hasAll(facts, by) ? 'own' : 'missing')
}

/** Stands for a value in evidence: the first 16 hexadecimal digits of its HMAC over canonical JSON. */
export function valueDigest(key: HmacKey, value: JsonValue): string {
  return shortDigest(key, canonicalize(value), 8)
}

/** The first bytes of an HMAC, in hexadecimal. */
export function shortDigest(key: HmacKey, text: string, bytes: number): string {
  return encodeHex(hmacSha256(key, text).subarray(0, bytes))
}

// An HMAC costs more than the rest of a small evaluation, and the same few names come again and again. A memo of a
// pure function: what it holds never changes an answer.
const MEMO = new WeakMap<HmacKey, Map<string, string>>()

function rememberedDigest(key: HmacKey, text: string): string {
  let memo = MEMO.get(key)
  if (memo === undefined) {
    memo = new Map()
    MEMO.set(key, memo)
  }
  const known = memo.get(text)
  if (known !== undefined) return known
  const digest = shortDigest(key, text, 16)
  if (memo.size >= DIGEST_MEMO_MAX) memo.clear()
  memo.set(text, digest)
  return digest
}
