import type { JsonObject, JsonValue } from '../../src/base/json-value.ts'
import { joinPointer } from '../../src/base/pointer.ts'

/** One place of a JSON document, changed. */
export type Mutation = {
  /** What was done, such as `removed` or `renamed by a trailing space`. */
  readonly kind: string
  /** The place, as a JSON pointer into the intact document (RFC 6901). */
  readonly pointer: string
  /** The same, name by name. */
  readonly at: readonly string[]
  /** Whether it is an element of a list. */
  readonly inList: boolean
  /** The whole document, changed. */
  readonly document: JsonValue
}

/** A member of an object, or an element of a list. */
export type Member = Pick<Mutation, 'pointer' | 'at' | 'inList'> & {
  readonly name: string
  readonly value: JsonValue
  /** The names beside it. */
  readonly siblings: readonly string[]
  /** The document with something else in its place; undefined leaves it out, an entry gives it another name. */
  readonly put: (change: Change) => JsonValue
}

type Change = { readonly entries: readonly (readonly [name: string, value: JsonValue])[] }

/**
 * Every member of every object and list of a document, outer ones first.
 *
 * @param options.ends - how many elements are taken of either end of a list. Default: all of them
 */
export function membersOf(
  document: JsonValue,
  { ends = Number.POSITIVE_INFINITY }: { readonly ends?: number } = {},
): Member[] {
  const found: Member[] = []
  const visit = (
    value: JsonValue,
    above: Pick<Mutation, 'pointer' | 'at'>,
    put: (value: JsonValue) => JsonValue,
  ): void => {
    if (typeof value !== 'object' || value === null) return
    const inList = Array.isArray(value)
    const entries = Object.entries(value as JsonObject)
    entries.forEach(([name, member], at) => {
      if (inList && at >= ends && at < entries.length - ends) return
      const replaced = (change: Change): JsonValue => {
        const all = entries.toSpliced(at, 1, ...(change.entries as [string, JsonValue][]))
        return put(inList ? all.map(([, one]) => one) : Object.fromEntries(all))
      }
      const place = { pointer: joinPointer(above.pointer, name), at: [...above.at, name] }
      const siblings = entries.map(([other]) => other)
      found.push({ ...place, name, inList, value: member, siblings, put: replaced })
      visit(member, place, (changed) => replaced({ entries: [[name, changed]] }))
    })
  }
  visit(document, { pointer: '', at: [] }, (value) => value)
  return found
}

export function removed(member: Member): Mutation {
  return mutation(member, 'removed', [])
}

function mutation(
  { pointer, at, inList, put }: Member,
  kind: string,
  entries: Change['entries'],
): Mutation {
  return { kind, pointer, at, inList, document: put({ entries }) }
}

/** The member under names that a careless or a cunning hand would write. */
export function renamed(member: Member): Mutation[] {
  const { name, inList, value, siblings } = member
  if (inList) return []
  const names = {
    'renamed in another case': otherCase(name),
    'renamed one letter off': name.length > 1 ? name.slice(0, -1) : `${name}${name}`,
    'renamed by a trailing space': `${name} `,
    'renamed by a look-alike letter': lookAlike(name),
  }
  return Object.entries(names).flatMap(([kind, other]) =>
    siblings.includes(other) ? [] : [mutation(member, kind, [[other, value]])],
  )
}

/** Other values in its place, each of a type or form that the intact one is not of. */
export function replaced(member: Member): Mutation[] {
  const { name, value } = member
  return replacementsOf(value).map(([kind, other]) => mutation(member, kind, [[name, other]]))
}

export function wrapped(member: Member): Mutation[] {
  const { name, value } = member
  return [
    mutation(member, 'wrapped in a list', [[name, [value]]]),
    mutation(member, 'wrapped in an object', [[name, { value }]]),
  ]
}

function replacementsOf(value: JsonValue): (readonly [kind: string, value: JsonValue])[] {
  const all: readonly (readonly [string, JsonValue])[] = [
    ['null in its place', null],
    ['an empty list in its place', []],
    ['an empty object in its place', {}],
    ['an empty text in its place', ''],
    ['the text NaN in its place', 'NaN'],
    ['another type in its place', otherType(value)],
  ]
  return all.filter(([, other]) => JSON.stringify(other) !== JSON.stringify(value))
}

/** A number for a text and the other way round; a boolean for all else. */
function otherType(value: JsonValue): JsonValue {
  if (typeof value === 'string') return 7
  return typeof value === 'number' ? String(value) : true
}

function otherCase(name: string): string {
  const upper = name.toUpperCase()
  return upper === name ? name.toLowerCase() : `${upper.slice(0, 1)}${name.slice(1)}`
}

/** Cyrillic letters that look like Latin ones; a name without any gets a space of no width. */
const LOOK_ALIKE: Readonly<Record<string, string>> = { a: 'а', e: 'е', o: 'о', c: 'с', p: 'р' }

function lookAlike(name: string): string {
  const at = [...name].findIndex((letter) => Object.hasOwn(LOOK_ALIKE, letter))
  if (at < 0) return `${name}\u200b`
  return `${name.slice(0, at)}${LOOK_ALIKE[name[at] ?? '']}${name.slice(at + 1)}`
}
