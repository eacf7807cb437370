import type { JsonObject, JsonValue } from '../../../../base/json-value.ts'
import { CANONICAL_DEPTH_MAX } from '../../../../base/limits.ts'
import { fromJson } from '../../values/json.ts'
import { isNumber, isWhole } from '../../values/number.ts'
import type { AnyObject, Value } from '../../values/value.ts'
import { isArray, isObject, isSet, objectGet, objectKeys, typeOf } from '../../values/value.ts'
import type { Call } from '../builtin.ts'
import type { Position, QueryDocument, SchemaDocument, Selection } from './ast.ts'
import { GraphqlFault, NESTING_MAX, nestsTooDeep } from './ast.ts'
import type { Form, Shape } from './shapes.ts'
import {
  FIELD,
  FRAGMENT_SPREAD,
  fold,
  INLINE_FRAGMENT,
  QUERY_DOCUMENT,
  SCHEMA_DOCUMENT,
  TYPE,
} from './shapes.ts'

/** What decoding and encoding are charged to. */
export type Budget = Pick<Call, 'work' | 'output'>

/** A query as the value that OPA gives: without positions, and without what is empty or null. */
export function queryValue(document: QueryDocument, budget: Budget): Value {
  return fromJson(encode(document, QUERY_DOCUMENT, budget, 0))
}

/** A schema as the value that OPA gives. */
export function schemaValue(document: SchemaDocument, budget: Budget): Value {
  return fromJson(encode(document, SCHEMA_DOCUMENT, budget, 0))
}

/**
 * Reads a query from a value of that form, as OPA does by way of Go's encoding/json: members that are missing are
 * empty, and unknown ones are left alone. As in gqlparser every selection that can be read as a field is one: the
 * spreads and inline fragments of a tree become fields.
 *
 * @throws {GraphqlFault} for a member of a wrong type, or none where validation needs one
 */
export function queryOf(value: AnyObject, budget: Budget): QueryDocument {
  return decode(value, QUERY_DOCUMENT, budget, 0) as QueryDocument
}

/** Reads a schema from a value. @throws {GraphqlFault} as `queryOf` */
export function schemaOf(value: AnyObject, budget: Budget): SchemaDocument {
  return decode(value, SCHEMA_DOCUMENT, budget, 0) as SchemaDocument
}

/** Nodes in one another: a level of a list is two. */
const NODE_DEPTH_MAX = 2 * NESTING_MAX + 16
/** Leaves room for what a node holds itself: a group of comments is three levels. */
const VALUE_DEPTH_MAX = CANONICAL_DEPTH_MAX - 4
/** Some 100 ns. */
const MEMBER_WORK = 4
/** What a member takes in memory. */
const MEMBER_BYTES = 16
const OBJECT_BYTES = 48

type Nodes = Readonly<Record<string, unknown>>

function encode(node: unknown, { members }: Shape, budget: Budget, depth: number): JsonObject {
  if (depth >= VALUE_DEPTH_MAX) throw nestsTooDeep(VALUE_DEPTH_MAX)
  budget.work(members.length * MEMBER_WORK)
  budget.output(OBJECT_BYTES + members.length * MEMBER_BYTES)
  const json: Record<string, JsonValue> = {}
  for (const { key, wire, form } of members) {
    const value = (node as Nodes)[key]
    if (value === undefined) continue
    const encoded = encodeMember(value, form, budget, depth + 1)
    if (encoded !== undefined) json[wire] = encoded
  }
  return json
}

function encodeMember(
  value: unknown,
  form: Form,
  budget: Budget,
  depth: number,
): JsonValue | undefined {
  switch (form) {
    case 'text':
    case 'flag':
    case 'number':
      return value as JsonValue
    case 'texts':
      return whenAny(value as readonly string[])
    case 'comments': {
      const comments = value as readonly string[]
      budget.output(comments.length * OBJECT_BYTES)
      return comments.length === 0 ? undefined : { List: comments.map((Value) => ({ Value })) }
    }
    case 'selections':
      return whenAny(
        (value as readonly Selection[]).map((selection) =>
          encode(selection, SELECTIONS[selection.kind], budget, depth + 1),
        ),
      )
    case 'position':
      return undefined
  }
  if ('node' in form) return encode(value, form.node(), budget, depth)
  const shape = form.nodes()
  return whenAny(
    (value as readonly unknown[]).map((node) => encode(node, shape, budget, depth + 1)),
  )
}

const SELECTIONS: Readonly<Record<Selection['kind'], Shape>> = {
  field: FIELD,
  spread: FRAGMENT_SPREAD,
  inline: INLINE_FRAGMENT,
}

function whenAny(items: readonly JsonValue[]): JsonValue | undefined {
  return items.length === 0 ? undefined : items
}

function decode(value: Value, shape: Shape, budget: Budget, depth: number): Nodes {
  if (!isObject(value)) throw wrong('object', value)
  if (depth >= NODE_DEPTH_MAX) throw nestsTooDeep(NODE_DEPTH_MAX)
  const { members, byName, exact, constants } = shape
  const keys = objectKeys(value)
  budget.work((members.length + keys.length) * MEMBER_WORK)
  const node: Record<string, unknown> = { ...constants }
  for (const { key, form } of members) node[key] = missing(form)
  for (const key of keys) {
    if (typeof key !== 'string') continue
    const member = byName.get(exact ? key : fold(key))
    const found = objectGet(value, key)
    if (member === undefined || found === undefined || found === null) continue
    node[member.key] = decodeMember(found, member.form, budget, depth + 1)
  }
  for (const { key, wire, form } of members) {
    if (typeof form === 'object' && 'required' in form && node[key] === undefined) {
      throw new GraphqlFault(`the syntax tree lacks ${wire}`, undefined)
    }
  }
  if (shape === TYPE && node['namedType'] === '' && node['elem'] === undefined) {
    throw new GraphqlFault('the syntax tree lacks NamedType', undefined)
  }
  return node
}

function missing(form: Form): unknown {
  switch (form) {
    case 'text':
      return ''
    case 'flag':
      return false
    case 'number':
      return 0
    case 'texts':
    case 'selections':
      return []
    case 'comments':
    case 'position':
      return undefined
    default:
      return 'nodes' in form ? [] : undefined
  }
}

function decodeMember(value: Value, form: Form, budget: Budget, depth: number): unknown {
  switch (form) {
    case 'text':
      return decodeText(value)
    case 'flag':
      if (typeof value !== 'boolean') throw wrong('boolean', value)
      return value
    case 'number':
      return decodeNumber(value)
    case 'texts':
      return membersOf(value, budget).map((text) => (text === null ? '' : decodeText(text)))
    case 'comments':
      return decodeComments(value, budget)
    case 'selections':
      return membersOf(value, budget).flatMap((item) => decodeSelection(item, budget, depth))
    case 'position':
      return decodePosition(value)
  }
  if ('node' in form) return decode(value, form.node(), budget, depth)
  const shape = form.nodes()
  return membersOf(value, budget).map((item) => decode(item, shape, budget, depth))
}

/** What can be read in none of the three ways is left out, as by gqlparser. */
function decodeSelection(item: Value, budget: Budget, depth: number): readonly Nodes[] {
  // Null is a field without a name to gqlparser.
  if (item === null) return [decode({}, FIELD, budget, depth)]
  for (const shape of [FIELD, FRAGMENT_SPREAD, INLINE_FRAGMENT]) {
    try {
      return [decode(item, shape, budget, depth)]
    } catch (fault) {
      // What is missing, rather than wrong, makes the whole tree unusable.
      if (!(fault instanceof TypeFault)) throw fault
    }
  }
  return []
}

function decodeComments(value: Value, budget: Budget): readonly string[] {
  if (!isObject(value)) throw wrong('object', value)
  const list = memberOf(value, 'list')
  return list === null ? [] : membersOf(list, budget).flatMap((item) => decodeComment(item))
}

function decodeComment(item: Value): readonly string[] {
  if (item === null) return []
  if (!isObject(item)) throw wrong('object', item)
  return [decodeText(memberOf(item, 'value') ?? '')]
}

function decodePosition(value: Value): Position {
  if (!isObject(value)) throw wrong('object', value)
  const line = decodeNumber(memberOf(value, 'line') ?? 0)
  const column = decodeNumber(memberOf(value, 'column') ?? 0)
  return { line, column }
}

/** The last member whose name folds to that one, as encoding/json takes it; null where there is none. */
function memberOf(object: AnyObject, folded: string): Value {
  const name = objectKeys(object).findLast((key) => typeof key === 'string' && fold(key) === folded)
  return name === undefined ? null : (objectGet(object, name) ?? null)
}

function decodeText(value: Value): string {
  if (typeof value !== 'string') throw wrong('string', value)
  return value
}

function decodeNumber(value: Value): number {
  if (!isNumber(value) || !isWhole(value)) throw wrong('integer', value)
  return Number(value)
}

/** Sets are arrays in JSON. */
function membersOf(value: Value, budget: Budget): readonly Value[] {
  const members = isSet(value) ? value.values() : value
  if (!isArray(members)) throw wrong('array', value)
  budget.work(members.length)
  return members
}

/** A member that encoding/json would refuse. */
class TypeFault extends GraphqlFault {}

function wrong(wanted: string, found: Value): TypeFault {
  return new TypeFault(`the syntax tree must hold ${wanted} but has ${typeOf(found)}`, undefined)
}
