import { compareStrings, isArray, isObject, objectGet, objectSize } from '../values/value.ts'
import type { Call } from './builtin.ts'
import { templateError } from './template-lex.ts'
import type { Item } from './template-values.ts'
import { basicKind, Integer, isTrue, printed, textOf } from './template-values.ts'

/** Functions of Go's text/template, but for those that do not take all their arguments: `and` and `or`. */
export function callFunction(call: Call, name: string, given: readonly Item[]): Item {
  // To a function null and nothing are the same.
  const items = given.map((item) => (item === null ? undefined : item))
  const [first, second] = items
  switch (name) {
    case 'not':
      expectCount(name, items, 1, 1)
      return !isTrue(first)
    case 'len':
      expectCount(name, items, 1, 1)
      return new Integer(lengthOf(first))
    case 'index':
      expectCount(name, items, 1)
      if (first === undefined) throw badIndex()
      return items.slice(1).reduce(indexed, first)
    case 'eq':
      expectCount(name, items, 2)
      return items.slice(1).some((item) => isEqual(first, item))
    case 'ne':
      expectCount(name, items, 2, 2)
      return !isEqual(first, second)
    case 'lt':
    case 'le':
    case 'gt':
    case 'ge':
      expectCount(name, items, 2, 2)
      return compared(name, first, second)
    case 'print':
      return joined(call, items, 'words')
    case 'println':
      return `${joined(call, items, 'all')}\n`
    case 'html':
      return escapeHtml(escapable(call, items))
    case 'urlquery':
      return escapeQuery(escapable(call, items))
    default:
      throw templateError(`function "${name}" not defined`)
  }
}

function expectCount(
  name: string,
  items: readonly Item[],
  least: number,
  most = Number.POSITIVE_INFINITY,
): void {
  if (items.length < least || items.length > most) {
    throw templateError(`wrong number of args for ${name}: got ${items.length}`)
  }
}

/** As Go counts: bytes of a text, members of a list or map. */
function lengthOf(item: Item): number {
  const text = textOf(item)
  if (text !== undefined) return new TextEncoder().encode(text).length
  if (item !== undefined && !(item instanceof Integer)) {
    if (isArray(item)) return item.length
    if (isObject(item)) return objectSize(item)
  }
  throw templateError('error calling len: expected a string, list or map')
}

function indexed(item: Item, index: Item): Item {
  if (item instanceof Integer || item === undefined) throw badIndex()
  if (isArray(item)) {
    if (!(index instanceof Integer)) throw badIndex()
    const member = item[index.value]
    if (member === undefined) throw templateError('error calling index: index out of range')
    return member ?? undefined
  }
  if (!isObject(item) || typeof index !== 'string') throw badIndex()
  return objectGet(item, index) ?? undefined
}

function badIndex(): Error {
  return templateError('error calling index: expected a list and a number, or a map and a string')
}

function isEqual(a: Item, b: Item): boolean {
  const [kind, other] = [basicKind(a), basicKind(b)]
  if (kind !== other) {
    if (a === undefined || b === undefined) return false
    throw templateError('error calling eq: incompatible types for comparison')
  }
  if (kind !== 'other') return basicOf(a) === basicOf(b)
  if (a !== undefined && b !== undefined) {
    throw templateError('error calling eq: expected values that can be compared')
  }
  return a === b
}

function basicOf(item: Item): boolean | number | string | undefined {
  if (item instanceof Integer) return item.value
  return typeof item === 'boolean' ? item : textOf(item)
}

function compared(name: 'lt' | 'le' | 'gt' | 'ge', a: Item, b: Item): boolean {
  const kind = basicKind(a)
  if (kind !== basicKind(b) || kind === 'other' || kind === 'boolean') {
    throw templateError(`error calling ${name}: incompatible types for comparison`)
  }
  const [x, y] = [basicOf(a), basicOf(b)]
  const order = x === y ? 0 : isBelow(x, y) ? -1 : 1
  if (name === 'lt') return order < 0
  if (name === 'le') return order <= 0
  return name === 'gt' ? order > 0 : order >= 0
}

function isBelow(x: unknown, y: unknown): boolean {
  if (typeof x === 'string' && typeof y === 'string') return compareStrings(x, y) < 0
  return Number(x) < Number(y)
}

/** Go's fmt.Sprint puts a space between two operands that are no strings, Sprintln between all. */
function joined(call: Call, items: readonly Item[], spaces: 'all' | 'words'): string {
  let text = ''
  items.forEach((item, at) => {
    const before = items[at - 1]
    const words = textOf(item) === undefined && textOf(before) === undefined
    if (at > 0 && (spaces === 'all' || words)) text += ' '
    text += item === undefined ? '<nil>' : printed(call, item)
  })
  return text
}

/** What the escaping functions work on: a text, or what printing the items gives. */
function escapable(call: Call, items: readonly Item[]): string {
  const [only] = items
  const text =
    items.length === 1 && typeof only === 'string'
      ? only
      : joined(
          call,
          items.map((item): Item => item ?? '<no value>'),
          'words',
        )
  call.work(text.length)
  call.output(6 * text.length)
  return text
}

function escapeHtml(text: string): string {
  return text.replace(/[\0"'&<>]/g, (character) => HTML.get(character) ?? character)
}

const HTML: ReadonlyMap<string, string> = new Map([
  ['\0', '\ufffd'],
  ['"', '&#34;'],
  ["'", '&#39;'],
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
])

/** Go's url.QueryEscape: all but letters, digits and `-_.~`, a space as a plus. */
function escapeQuery(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+')
}
