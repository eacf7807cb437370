import { canonicalize } from '../../base/canonical-json.ts'
import { parseDuration } from '../../base/duration.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JsonValue } from '../../base/json-value.ts'
import { compareText } from '../../base/position.ts'
import type { Direction } from '../../model/policy-diff.ts'

/** A difference that does not know yet where it stands. */
export type Draft = {
  readonly field: string
  readonly direction: Direction
  readonly message: string
  /** JSON pointer below the part's own document, where the author wrote it. */
  readonly pointer: string
}

/** What one side says of a field; undefined where it says nothing. */
export type Said = JsonValue | undefined

/**
 * How two values of one field compare. Asked only where they differ.
 *
 * @param field - its name, for messages
 */
export type FieldComparator = (before: Said, after: Said, field: string) => readonly Outcome[]

export type Outcome = { readonly direction: Direction; readonly message: string }

/**
 * Compares two objects field by field. A field that the table does not name differs in an unknown direction, so that a
 * setting that was added to the language is never taken for harmless.
 *
 * @param at - JSON pointer of the objects below the part's document; its names, dotted, start each field
 */
export function compareFields(
  before: object,
  after: object,
  table: Readonly<Record<string, FieldComparator>>,
  at = '',
): Draft[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort(compareText)
  const prefix = at.slice(1).replaceAll('/', '.')
  return names.flatMap((name) => {
    const [old, now] = [ownValue(before, name), ownValue(after, name)]
    if (isSame(old, now)) return []
    const comparator = Object.hasOwn(table, name) ? table[name] : undefined
    return (comparator ?? unclear)(old, now, name).map((outcome) => ({
      ...outcome,
      field: prefix === '' ? name : `${prefix}.${name}`,
      pointer: `${at}/${name}`,
    }))
  })
}

/** Nothing is known of the field. */
export const unclear: FieldComparator = (before, after, field) => [
  { direction: 'unclear', message: arrow(field, before, after) },
]

/** Nothing depends on the field. */
export const neutral: FieldComparator = (before, after, field) => [
  { direction: 'neutral', message: arrow(field, before, after) },
]

/** A number of which more is weaker: a limit. */
export const higherIsWeaker: FieldComparator = (before, after, field) =>
  byNumber(before, after, field, 'weaker')

/** A number of which more is stronger: a quorum. */
export const higherIsStronger: FieldComparator = (before, after, field) =>
  byNumber(before, after, field, 'stronger')

/** A span of time of which more is weaker. */
export const longerIsWeaker: FieldComparator = (before, after, field) =>
  byDuration(before, after, field, 'weaker')

/** A span of time of which more is stronger: a window to count in. */
export const longerIsStronger: FieldComparator = (before, after, field) =>
  byDuration(before, after, field, 'stronger')

/** Words in order, the weakest first. A word that is not listed is unclear. */
export function inOrder(words: readonly string[]): FieldComparator {
  return (before, after, field) => {
    const [old, now] = [words.indexOf(String(before)), words.indexOf(String(after))]
    if (old < 0 || now < 0) return unclear(before, after, field)
    return [{ direction: now < old ? 'weaker' : 'stronger', message: arrow(field, before, after) }]
  }
}

/** A list of which each member more is weaker, and each one less stronger: fields to leave alone. */
export const moreIsWeaker: FieldComparator = (before, after, field) =>
  bySet(before, after, field, 'weaker')

/** A list of which each member more is stronger: patterns to find. */
export const moreIsStronger: FieldComparator = (before, after, field) =>
  bySet(before, after, field, 'stronger')

/** What to count separately: fewer fields put more into one count. Any other change is unclear. */
export const finerIsWeaker: FieldComparator = (before, after, field) => {
  const [old, now] = [membersOf(before), membersOf(after)]
  const message = arrow(field, before, after)
  if (old === null || now === null) return [{ direction: 'unclear', message }]
  if (includesAll(now, old)) return [{ direction: 'weaker', message }]
  return [{ direction: includesAll(old, now) ? 'stronger' : 'unclear', message }]
}

/** A number of which more is weaker, and none is no bound. */
export const upperBound: FieldComparator = (before, after, field) => {
  if (isAbsent(before) === isAbsent(after)) return higherIsWeaker(before, after, field)
  return [
    { direction: isAbsent(after) ? 'weaker' : 'stronger', message: arrow(field, before, after) },
  ]
}

/** `field: before -> after`, values as JSON. */
export function arrow(field: string, before: Said, after: Said): string {
  return `${field}: ${shown(before)} -> ${shown(after)}`
}

/** A value as a message shows it. */
export function shown(value: Said): string {
  if (isAbsent(value)) return 'none'
  const text = typeof value === 'string' ? value : canonicalize(value as JsonValue)
  return text.length <= SHOWN_LENGTH_MAX
    ? text
    : `${text.slice(0, SHOWN_LENGTH_MAX).toWellFormed()}…`
}

/** One text or a list of texts as a set; null for anything else. */
export function membersOf(value: Said): ReadonlySet<string> | null {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  return list.every((item) => typeof item === 'string') ? new Set(list) : null
}

/** Whether every member of the second stands in the first. */
export function includesAll(all: ReadonlySet<string>, some: ReadonlySet<string>): boolean {
  return [...some].every((one) => all.has(one))
}

/** An own member; undefined when there is none. */
export function ownValue(object: object, name: string): Said {
  return Object.hasOwn(object, name) ? (object as Record<string, Said>)[name] : undefined
}

/** Whether two values are the same JSON. */
export function isSame(before: unknown, after: unknown): boolean {
  if (before === after) return true
  if (before === undefined || after === undefined) return false
  return canonicalize(before as JsonValue) === canonicalize(after as JsonValue)
}

/** Whether two parts of a policy are the same, wherever their authors wrote them: a rule that moved is the same rule. */
export function isSamePart(before: object, after: object): boolean {
  return isSame(withoutPlaces(before), withoutPlaces(after))
}

/**
 * A part of a compiled policy without its place and those of the members of its lists. What lies deeper is the author's:
 * a schema may well have a property `file`.
 */
export function withoutPlaces(part: object): object {
  const entries = Object.entries(withoutPlace(part)).map(
    ([key, value]) => [key, Array.isArray(value) ? value.map(withoutPlace) : value] as const,
  )
  return Object.fromEntries(entries)
}

function withoutPlace<T>(value: T): T | object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  if (!PLACE_KEYS.every((key) => Object.hasOwn(value, key))) return value
  return Object.fromEntries(Object.entries(value).filter(([key]) => !PLACE_KEYS.includes(key)))
}

const SHOWN_LENGTH_MAX = 160
const PLACE_KEYS: readonly string[] = ['file', 'line', 'column']

function isAbsent(value: Said): value is null | undefined {
  return value === undefined || value === null
}

function opposite(direction: 'weaker' | 'stronger'): 'weaker' | 'stronger' {
  return direction === 'weaker' ? 'stronger' : 'weaker'
}

function byNumber(
  before: Said,
  after: Said,
  field: string,
  more: 'weaker' | 'stronger',
): readonly Outcome[] {
  if (typeof before !== 'number' || typeof after !== 'number') return unclear(before, after, field)
  return [
    { direction: after > before ? more : opposite(more), message: arrow(field, before, after) },
  ]
}

function byDuration(
  before: Said,
  after: Said,
  field: string,
  more: 'weaker' | 'stronger',
): readonly Outcome[] {
  const [old, now] = [durationOf(before), durationOf(after)]
  if (old === null || now === null) return unclear(before, after, field)
  const message = arrow(field, before, after)
  if (old === now) return [{ direction: 'neutral', message }]
  return [{ direction: now > old ? more : opposite(more), message }]
}

function durationOf(value: Said): number | null {
  if (typeof value !== 'string') return null
  try {
    return parseDuration(value)
  } catch (error) {
    if (error instanceof PolicyError) return null
    throw error
  }
}

function bySet(
  before: Said,
  after: Said,
  field: string,
  more: 'weaker' | 'stronger',
): readonly Outcome[] {
  const [old, now] = [membersOf(before), membersOf(after)]
  if (old === null || now === null) return unclear(before, after, field)
  const added = [...now].filter((one) => !old.has(one))
  const removed = [...old].filter((one) => !now.has(one))
  return [
    ...(added.length === 0 ? [] : [{ direction: more, message: `${field}: + ${listed(added)}` }]),
    ...(removed.length === 0
      ? []
      : [{ direction: opposite(more), message: `${field}: - ${listed(removed)}` }]),
    // The same members in another order, or one of them twice.
    ...(added.length + removed.length === 0
      ? [{ direction: 'neutral' as const, message: `${field}: written otherwise` }]
      : []),
  ]
}

/** Names as a message lists them. */
export function listed(names: readonly string[]): string {
  const some = names.slice(0, LISTED_MAX).map((name) => shown(name))
  const more = names.length - some.length
  return `${some.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

const LISTED_MAX = 8
