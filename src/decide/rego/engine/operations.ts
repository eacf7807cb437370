import { chargeLong } from '../builtins/arithmetic.ts'
import { Decimal } from '../values/number.ts'
import type { AnyObject, Value } from '../values/value.ts'
import {
  copyObject,
  isArray,
  isObject,
  objectGet,
  objectKeys,
  objectSize,
  RegoObject,
  RegoSet,
  typeOf,
} from '../values/value.ts'
import type { Evaluation } from './evaluation.ts'
import { EvaluationError } from './evaluation.ts'

/** What a value holds under a key: a member of an array by index, of a set by itself; undefined where nothing is. */
export function lookUp(
  evaluation: Evaluation,
  source: Value | undefined,
  key: Value | undefined,
): Value | undefined {
  if (source === null || typeof source !== 'object' || key === undefined) return undefined
  if (typeof key !== 'number') weigh(evaluation, key)
  if (Array.isArray(source)) {
    const within = Number.isInteger(key) && (key as number) >= 0 && (key as number) < source.length
    return within ? (source as readonly Value[])[key as number] : undefined
  }
  if (source instanceof RegoSet) return source.has(key) ? key : undefined
  return source instanceof Decimal ? undefined : objectGet(source as AnyObject, key)
}

/** The same for a constant name. */
export function lookUpName(source: Value | undefined, name: string): Value | undefined {
  if (source === null || typeof source !== 'object') return undefined
  if (source instanceof RegoObject) return source.get(name)
  if (source instanceof RegoSet) return source.has(name) ? name : undefined
  if (Array.isArray(source) || source instanceof Decimal) return undefined
  return Object.hasOwn(source, name) ? (source as Record<string, Value>)[name] : undefined
}

/** Keys to scan, in Rego's order; null for an array, whose keys are its indexes. */
export function scanKeys(
  evaluation: Evaluation,
  source: Value | undefined,
): readonly Value[] | null {
  if (source === null || source === undefined || typeof source !== 'object') return NOTHING
  if (Array.isArray(source)) return null
  if (source instanceof RegoSet) {
    evaluation.work(source.size)
    return sorted(evaluation, source.values())
  }
  if (source instanceof Decimal) return NOTHING
  const object = source as AnyObject
  evaluation.work(objectSize(object))
  return sorted(evaluation, objectKeys(object))
}

/** Charges what long texts take to sort, whether that was done now or before. */
function sorted(evaluation: Evaluation, keys: readonly Value[]): readonly Value[] {
  let units = 0
  for (const key of keys) {
    if (typeof key === 'string' && key.length > FREE_LENGTH) units += key.length >>> 4
  }
  if (units > 0) evaluation.work(units)
  return keys
}

/** Values to scan, in the order of {@link scanKeys}. */
export function scanValues(
  source: Value | undefined,
  keys: readonly Value[] | null,
): readonly Value[] {
  if (keys === null) return source as readonly Value[]
  if (keys.length === 0 || source instanceof RegoSet) return keys
  const object = source as AnyObject
  return keys.map((key) => objectGet(object, key) as Value)
}

/** Equality, charged for what it visits. */
export function same(evaluation: Evaluation, a: Value | undefined, b: Value | undefined): boolean {
  if (typeof a === 'string') {
    if (typeof b !== 'string' || a.length !== b.length) return false
    if (a.length > FREE_LENGTH) evaluation.work(a.length >>> 6)
    return a === b
  }
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  return sameComposite(evaluation, a, b)
}

/** The key under which a dynamic call finds a rule. */
export function dynamicKey(path: readonly string[]): string {
  return JSON.stringify(path)
}

/** The rule at a path that is put together at run time; undefined where there is none. */
export function dynamic<Rule>(
  evaluation: Evaluation,
  table: ReadonlyMap<string, Rule>,
  path: readonly (Value | undefined)[],
  site: number,
): Rule | undefined {
  evaluation.site = site
  for (const part of path) {
    if (typeof part !== 'string') return undefined
    // To put the key together takes longer than to look up a name.
    if (part.length > FREE_LENGTH) evaluation.work(part.length >>> 4)
  }
  return table.get(dynamicKey(path as readonly string[]))
}

/** Characters or members of a value; undefined where it has none. */
export function lengthOf(source: Value | undefined): number {
  if (typeof source === 'string') {
    let length = 0
    for (const _ of source) length += 1
    return length
  }
  if (isArray(source)) return source.length
  if (source instanceof RegoSet) return source.size
  return isObject(source) ? objectSize(source) : 0
}

export function append(
  evaluation: Evaluation,
  array: Value | undefined,
  value: Value | undefined,
  site: number,
): void {
  spend(evaluation, MEMBER_BYTES, site)
  ;(array as Value[]).push(value as Value)
}

export function add(
  evaluation: Evaluation,
  set: Value | undefined,
  value: Value | undefined,
  site: number,
): void {
  spend(evaluation, ENTRY_BYTES, site)
  if ((typeof value === 'object' && value !== null) || typeof value === 'bigint') {
    evaluation.site = site
    weigh(evaluation, value)
  }
  ;(set as RegoSet).add(value as Value)
}

export function insert(
  evaluation: Evaluation,
  object: Value | undefined,
  key: Value | undefined,
  value: Value | undefined,
  site: number,
): void {
  spend(evaluation, ENTRY_BYTES, site)
  if ((typeof key === 'object' && key !== null) || typeof key === 'bigint') {
    evaluation.site = site
    weigh(evaluation, key)
  }
  ;(object as RegoObject).set(key as Value, value as Value)
}

/** Inserts an object that is to be filled further, by way of {@link lookUpNest}. */
export function insertNest(
  evaluation: Evaluation,
  object: Value | undefined,
  key: Value | undefined,
  value: Value | undefined,
  site: number,
): void {
  insert(evaluation, object, key, value, site)
  evaluation.nests ??= new Map()
  evaluation.nests.set(value as Value, object as Value)
}

/** Looks up an object to fill; another value in its place is a conflict. */
export function lookUpNest(
  evaluation: Evaluation,
  source: Value | undefined,
  key: Value | undefined,
  site: number,
): Value | undefined {
  evaluation.site = site
  const value = lookUp(evaluation, source, key)
  if (value !== undefined && evaluation.nests?.get(value) !== source) throw keyTwice(site)
  return value
}

export function insertOnce(
  evaluation: Evaluation,
  object: Value | undefined,
  key: Value | undefined,
  value: Value | undefined,
  site: number,
): void {
  evaluation.site = site
  const before = (object as RegoObject).get(key as Value)
  if (before !== undefined && !same(evaluation, before, value)) {
    throw keyTwice(site)
  }
  insert(evaluation, object, key, value, site)
}

function keyTwice(site: number): EvaluationError {
  return new EvaluationError('REGO_CONFLICT', 'one key of an object has two values', site)
}

export function assignedTwice(site: number): EvaluationError {
  return new EvaluationError('REGO_CONFLICT', 'a complete rule has two values', site)
}

/** Two objects as one, member by member; what is no object in both is a conflict unless equal. */
export function merge(
  evaluation: Evaluation,
  a: Value | undefined,
  b: Value | undefined,
  site: number,
): Value {
  evaluation.site = site
  if (!isObject(a) || !isObject(b)) {
    throw new EvaluationError('REGO_CONFLICT', 'base and virtual documents do not merge', site)
  }
  // What a policy makes stands before what the data hold.
  const merged = copyObject(b)
  spend(evaluation, ENTRY_BYTES * (objectSize(a) + objectSize(b)), site)
  for (const key of objectKeys(a)) {
    const [left, right] = [objectGet(a, key) as Value, merged.get(key)]
    merged.set(key, right === undefined ? left : mergeMember(evaluation, left, right, site))
  }
  return merged
}

/** A copy of a document with another value at a path; levels that are missing or no objects are made. */
export function replaceAt(
  evaluation: Evaluation,
  document: Value | undefined,
  path: readonly string[],
  value: Value | undefined,
): Value | undefined {
  const root = isObject(document) ? copyObject(document) : new RegoObject()
  evaluation.output(ENTRY_BYTES * root.size)
  let level = root
  for (const name of path.slice(0, -1)) {
    const below = level.get(name)
    const copy = isObject(below) ? copyObject(below) : new RegoObject()
    evaluation.output(ENTRY_BYTES * copy.size)
    level.set(name, copy)
    level = copy
  }
  level.set(path[path.length - 1] as string, value as Value)
  return root
}

const NOTHING: readonly Value[] = []
/** Equality and lookup of shorter text costs nothing that counts. */
const FREE_LENGTH = 64
/** Tariff of what a policy makes: about what V8 takes for it, a growing table's spare room included. */
export const MEMBER_BYTES = 16
const ENTRY_BYTES = 224
/** A composite in a set, or as a key, is kept with a text of its own. */
const KEY_BYTES = 256
/** Units that each member of an object costs to compare: its keys are listed and looked up. */
const MEMBER_WORK = 8

function spend(evaluation: Evaluation, bytes: number, site: number): void {
  evaluation.bytes -= bytes
  if (evaluation.bytes < 0) throw evaluation.exhausted(site)
}

/** Charges what hashing a key costs: its text, or every node of a composite. */
function weigh(evaluation: Evaluation, value: Value): void {
  if (typeof value === 'string') {
    if (value.length > FREE_LENGTH) evaluation.work(value.length >>> 6)
    return
  }
  if (typeof value === 'bigint' || value instanceof Decimal) {
    // Its digits are what it is told apart by.
    chargeLong(evaluation, value)
    return
  }
  if (typeof value !== 'object' || value === null) return
  evaluation.work(4)
  evaluation.output(KEY_BYTES)
  if (isArray(value)) for (const member of value) weigh(evaluation, member)
  else if (value instanceof RegoSet) for (const member of value.values()) weigh(evaluation, member)
  else {
    for (const key of objectKeys(value as AnyObject)) {
      weigh(evaluation, key)
      weigh(evaluation, objectGet(value as AnyObject, key) as Value)
    }
  }
}

function sameComposite(evaluation: Evaluation, a: object & Value, b: object & Value): boolean {
  const type = typeOf(a)
  if (type !== typeOf(b)) return false
  if (isArray(a) && isArray(b)) {
    if (a.length !== b.length) return false
    evaluation.work(a.length)
    return a.every((value, at) => same(evaluation, value, b[at]))
  }
  if (a instanceof RegoSet && b instanceof RegoSet) {
    if (a.size !== b.size) return false
    evaluation.work(a.size)
    for (const value of a.values()) {
      weigh(evaluation, value)
      if (!b.has(value)) return false
    }
    return true
  }
  if (isObject(a) && isObject(b)) {
    const size = objectSize(a)
    if (size !== objectSize(b)) {
      evaluation.work(1 + (size >>> 4))
      return false
    }
    evaluation.work(MEMBER_WORK * (1 + size))
    return objectKeys(a).every((key) => {
      const other = objectGet(b, key)
      return other !== undefined && same(evaluation, objectGet(a, key), other)
    })
  }
  return (
    a instanceof Decimal &&
    b instanceof Decimal &&
    a.coefficient === b.coefficient &&
    a.exponent === b.exponent
  )
}

function mergeMember(evaluation: Evaluation, left: Value, right: Value, site: number): Value {
  if (isObject(left) && isObject(right)) return merge(evaluation, left, right, site)
  return left
}
