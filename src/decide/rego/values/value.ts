import type { RegoNumber } from './number.ts'
import { compareNumbers, Decimal, isNumber } from './number.ts'

/**
 * A Rego value. An object is a plain JavaScript object where it came from JSON (its own enumerable string keys alone
 * count, whatever a prototype holds) and a RegoObject where a policy made it. Values are never changed once they are
 * shared: whoever makes one fills it first.
 */
export type Value = Scalar | readonly Value[] | RegoSet | AnyObject

export type Scalar = null | boolean | string | RegoNumber

export type AnyObject = PlainObject | RegoObject

export interface PlainObject {
  readonly [key: string]: Value
}

/** A set of Rego values, equal ones once. */
export class RegoSet {
  // Most sets of a decision stay empty: what holds their members is made with the first.
  private plain: Set<Value> | null = null
  private others: Map<string, Value> | null = null
  private sorted: readonly Value[] | null = NOTHING

  get size(): number {
    return (this.plain === null ? 0 : this.plain.size) + (this.others?.size ?? 0)
  }

  has(value: Value): boolean {
    if (isKey(value)) return this.plain?.has(value) ?? false
    return this.others?.has(keyOf(value)) ?? false
  }

  add(value: Value): void {
    this.sorted = null
    if (isKey(value)) {
      this.plain ??= new Set()
      this.plain.add(value)
      return
    }
    this.others ??= new Map()
    const key = keyOf(value)
    if (!this.others.has(key)) this.others.set(key, value)
  }

  /** Members in Rego's order. */
  values(): readonly Value[] {
    if (this.sorted === null) {
      const members = this.plain === null ? [] : [...this.plain]
      if (this.others !== null) for (const value of this.others.values()) members.push(value)
      this.sorted = members.length > 1 ? members.sort(compareValues) : members
    }
    return this.sorted
  }
}

/** An object of Rego values, with keys of any type. */
export class RegoObject {
  private plain: Map<Value, Value> | null = null
  private others: Map<string, readonly [Value, Value]> | null = null
  private sorted: readonly Value[] | null = NOTHING

  get size(): number {
    return (this.plain === null ? 0 : this.plain.size) + (this.others?.size ?? 0)
  }

  get(key: Value): Value | undefined {
    if (isKey(key)) return this.plain === null ? undefined : this.plain.get(key)
    return this.others?.get(keyOf(key))?.[1]
  }

  set(key: Value, value: Value): void {
    this.sorted = null
    if (isKey(key)) {
      this.plain ??= new Map()
      this.plain.set(key, value)
      return
    }
    this.others ??= new Map()
    this.others.set(keyOf(key), [key, value])
  }

  /** Keys in Rego's order. */
  keys(): readonly Value[] {
    if (this.sorted === null) {
      const keys = this.plain === null ? [] : [...this.plain.keys()]
      if (this.others !== null) for (const [key] of this.others.values()) keys.push(key)
      this.sorted = keys.length > 1 ? keys.sort(compareValues) : keys
    }
    return this.sorted
  }

  /** A copy that may be changed. */
  copy(): RegoObject {
    const copy = new RegoObject()
    if (this.plain !== null) copy.plain = new Map(this.plain)
    if (this.others !== null) copy.others = new Map(this.others)
    copy.sorted = this.sorted
    return copy
  }
}

const NOTHING: readonly Value[] = []

export function setOf(values: Iterable<Value>): RegoSet {
  const set = new RegoSet()
  for (const value of values) set.add(value)
  return set
}

export function objectOf(entries: Iterable<readonly [Value, Value]>): RegoObject {
  const object = new RegoObject()
  for (const [key, value] of entries) object.set(key, value)
  return object
}

export type TypeName = 'null' | 'boolean' | 'number' | 'string' | 'array' | 'object' | 'set'

export function typeOf(value: Value): TypeName {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return typeof value as 'string' | 'boolean'
    case 'number':
    case 'bigint':
      return 'number'
  }
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (value instanceof RegoSet) return 'set'
  return value instanceof Decimal ? 'number' : 'object'
}

export function isArray(value: Value | undefined): value is readonly Value[] {
  return Array.isArray(value)
}

export function isSet(value: Value | undefined): value is RegoSet {
  return value instanceof RegoSet
}

export function isObject(value: Value | undefined): value is AnyObject {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof RegoSet) &&
    !(value instanceof Decimal)
  )
}

/** The value under a key of an object; undefined where there is none. */
export function objectGet(object: AnyObject, key: Value): Value | undefined {
  if (object instanceof RegoObject) return object.get(key)
  // An own property only: a polluted prototype changes nothing.
  return typeof key === 'string' && Object.hasOwn(object, key) ? object[key] : undefined
}

/** Keys of an object in Rego's order. */
export function objectKeys(object: AnyObject): readonly Value[] {
  if (object instanceof RegoObject) return object.keys()
  const keys = Object.keys(object)
  for (let at = 1; at < keys.length; at++) {
    if (compareStrings(keys[at - 1] as string, keys[at] as string) > 0) {
      return keys.sort(compareStrings)
    }
  }
  return keys
}

export function objectSize(object: AnyObject): number {
  return object instanceof RegoObject ? object.size : Object.keys(object).length
}

/** Entries of an object in the order of its keys. */
export function objectEntries(object: AnyObject): readonly (readonly [Value, Value])[] {
  return objectKeys(object).map((key) => [key, objectGet(object, key) as Value])
}

/** A copy that may be changed. */
export function copyObject(object: AnyObject): RegoObject {
  if (object instanceof RegoObject) return object.copy()
  const copy = new RegoObject()
  for (const key of Object.keys(object)) copy.set(key, object[key] as Value)
  return copy
}

/**
 * Below, at or above zero, in OPA's order: null, booleans, numbers, strings, arrays, objects, sets; strings by code
 * point, arrays by member, objects by their sorted keys and then values, sets by their sorted members (Go package
 * `v1/ast`, compare.go).
 */
export function compareValues(a: Value, b: Value): number {
  if (a === b) return 0
  if (typeof a === 'string' && typeof b === 'string') return compareStrings(a, b)
  if (typeof a === 'number' && typeof b === 'number') return a < b ? -1 : 1
  const x = typeOf(a)
  const y = typeOf(b)
  if (x !== y) return RANK[x] - RANK[y]
  if (isNumber(a) && isNumber(b)) return compareNumbers(a, b)
  if (typeof a === 'boolean') return a ? 1 : -1
  if (isArray(a) && isArray(b)) return compareLists(a, b)
  if (isSet(a) && isSet(b)) return compareLists(a.values(), b.values())
  if (isObject(a) && isObject(b)) return compareObjects(a, b)
  return 0
}

/** Whether two values are equal in Rego: `1.0` is `1`, members of sets and objects have no order. */
export function equalValues(a: Value, b: Value): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (a instanceof Decimal) return b instanceof Decimal && compareNumbers(a, b) === 0
  if (Array.isArray(a)) return Array.isArray(b) && equalLists(a, b)
  if (a instanceof RegoSet) {
    // Equal sets of one size: each member of one is in the other, by its key.
    return b instanceof RegoSet && a.size === b.size && a.values().every((value) => b.has(value))
  }
  return isObject(a) && isObject(b) && equalObjects(a, b)
}

/** By code point, as UTF-8 bytes compare; UTF-16 puts surrogates before U+E000. */
export function compareStrings(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let at = length > CHUNK ? equalUnits(a, b, length) : 0; at < length; at++) {
    const x = a.charCodeAt(at)
    const y = b.charCodeAt(at)
    if (x !== y) return surrogatesLast(x) - surrogatesLast(y)
  }
  return a.length - b.length
}

/** A text that equal values share and others do not: the key under which a set or an object finds a composite. */
export function keyOf(value: Value): string {
  switch (typeof value) {
    case 'string':
      return `${value.length}"${value}`
    case 'number':
    case 'bigint':
      return `${value};`
    case 'boolean':
      return value ? 't' : 'f'
  }
  if (value === null) return 'n'
  if (Array.isArray(value)) {
    let key = `[${value.length}:`
    for (const member of value) key += keyOf(member)
    return key
  }
  if (value instanceof RegoSet) {
    let key = `<${value.size}:`
    for (const member of value.values()) key += keyOf(member)
    return key
  }
  if (value instanceof Decimal) return `${value.coefficient}e${value.exponent};`
  const object = value as AnyObject
  const keys = objectKeys(object)
  let key = `{${keys.length}:`
  for (const name of keys) key += keyOf(name) + keyOf(objectGet(object, name) as Value)
  return key
}

const RANK: Readonly<Record<TypeName, number>> = {
  null: 0,
  boolean: 1,
  number: 2,
  string: 3,
  array: 4,
  object: 5,
  set: 6,
}

/**
 * Whether JavaScript's Map and Set tell such values apart as Rego does, and quickly: of a bigint V8 hashes the lowest 64
 * bits alone, so that many of one remainder would fill one bucket.
 */
function isKey(value: Value): boolean {
  return (typeof value !== 'object' && typeof value !== 'bigint') || value === null
}

/** How many units the two begin with alike, or some fewer: long parts compare many times as fast as units do. */
function equalUnits(a: string, b: string, length: number): number {
  let [at, size] = [0, CHUNK]
  while (at + CHUNK <= length) {
    const end = Math.min(at + size, length)
    if (a.substring(at, end) === b.substring(at, end)) [at, size] = [end, 2 * size]
    else if (size === CHUNK) break
    else size = CHUNK
  }
  return at
}

const CHUNK = 512

function surrogatesLast(unit: number): number {
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit
}

function compareLists(a: readonly Value[], b: readonly Value[]): number {
  const length = Math.min(a.length, b.length)
  for (let at = 0; at < length; at++) {
    const order = compareValues(a[at] as Value, b[at] as Value)
    if (order !== 0) return order
  }
  return a.length - b.length
}

function compareObjects(a: AnyObject, b: AnyObject): number {
  const [left, right] = [objectKeys(a), objectKeys(b)]
  const length = Math.min(left.length, right.length)
  for (let at = 0; at < length; at++) {
    const [x, y] = [left[at] as Value, right[at] as Value]
    const order =
      compareValues(x, y) || compareValues(objectGet(a, x) as Value, objectGet(b, y) as Value)
    if (order !== 0) return order
  }
  return left.length - right.length
}

function equalLists(a: readonly Value[], b: readonly Value[]): boolean {
  return a.length === b.length && a.every((value, at) => equalValues(value, b[at] as Value))
}

function equalObjects(a: AnyObject, b: AnyObject): boolean {
  if (objectSize(a) !== objectSize(b)) return false
  return objectKeys(a).every((key) => {
    const other = objectGet(b, key)
    return other !== undefined && equalValues(objectGet(a, key) as Value, other)
  })
}
