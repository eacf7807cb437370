import { canonicalize } from './canonical-json.ts'
import { isJsonObject, type JsonObject, type JsonValue, ownMember } from './json-value.ts'
import { DECEPTIVE, jsonEscape } from './plain-text.ts'
import { joinPointer } from './pointer.ts'

/** One place where two JSON values differ. */
export type Change =
  | { readonly pointer: string; readonly kind: 'added'; readonly after: JsonValue }
  | { readonly pointer: string; readonly kind: 'removed'; readonly before: JsonValue }
  | {
      readonly pointer: string
      readonly kind: 'changed'
      readonly before: JsonValue
      readonly after: JsonValue
    }

/**
 * What it takes to get from one JSON value to another, as places by JSON pointer (RFC 6901). Objects are compared
 * key by key in code-unit order; arrays index by index, so an element put in front changes all that follow. A
 * value of another type is one change, at its top. -0 equals 0. An empty list means equal.
 */
export function diffJson(before: JsonValue, after: JsonValue): Change[] {
  const changes: Change[] = []
  compare(changes, '', before, after)
  return changes
}

/**
 * One line a change: `+ pointer: after`, `- pointer: before` or `~ pointer: before -> after`, values as canonical
 * JSON. Control and direction characters are escaped, so that a value cannot dress up its line. The values are
 * clear text: redact first.
 */
export function formatDiff(changes: readonly Change[]): string {
  return changes.map((change) => `${formatChange(change)}\n`).join('')
}

function compare(changes: Change[], pointer: string, before: JsonValue, after: JsonValue): void {
  if (before === after) return
  if (isArray(before) && isArray(after)) compareArrays(changes, pointer, before, after)
  else if (isJsonObject(before) && isJsonObject(after))
    compareObjects(changes, pointer, before, after)
  else changes.push({ pointer, kind: 'changed', before, after })
}

function compareArrays(
  changes: Change[],
  pointer: string,
  before: readonly JsonValue[],
  after: readonly JsonValue[],
): void {
  for (let i = 0; i < Math.max(before.length, after.length); i++) {
    compareMembers(changes, joinPointer(pointer, i), [before[i], after[i]])
  }
}

function compareObjects(
  changes: Change[],
  pointer: string,
  before: JsonObject,
  after: JsonObject,
): void {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)])
  for (const key of [...keys].sort()) {
    compareMembers(changes, joinPointer(pointer, key), [
      ownMember(before, key),
      ownMember(after, key),
    ])
  }
}

function compareMembers(
  changes: Change[],
  pointer: string,
  [before, after]: [JsonValue | undefined, JsonValue | undefined],
): void {
  if (before !== undefined && after !== undefined) compare(changes, pointer, before, after)
  else if (after !== undefined) changes.push({ pointer, kind: 'added', after })
  else if (before !== undefined) changes.push({ pointer, kind: 'removed', before })
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value)
}

function formatChange(change: Change): string {
  const place = formatPointer(change.pointer)
  if (change.kind === 'added') return `+ ${place}: ${formatValue(change.after)}`
  if (change.kind === 'removed') return `- ${place}: ${formatValue(change.before)}`
  return `~ ${place}: ${formatValue(change.before)} -> ${formatValue(change.after)}`
}

/** Pointers of odd keys are quoted, or a key could hold `: ` or a line feed and pose as something else. */
function formatPointer(pointer: string): string {
  if (pointer === '') return '(top)'
  return PLAIN_POINTER.test(pointer) ? pointer : formatValue(pointer)
}

const PLAIN_POINTER = /^[A-Za-z0-9_.$@/~-]+$/

function formatValue(value: JsonValue): string {
  return canonicalize(value).replace(DECEPTIVE, jsonEscape) // CVE-2021-42574, Trojan Source.
}
