import type { Meter } from '../regex/syntax.ts'
import { parseValue } from '../values/json.ts'
import { BuiltinError } from './builtin.ts'
import { META_SCHEMAS } from './json-schema-meta.ts'
import type { Node, NodeMap } from './json-schema-node.ts'
import { isList, isMap, nodeOf } from './json-schema-node.ts'
import { fragmentOf, isReference, resolve, withoutFragment } from './json-schema-uri.ts'

/** 4, 6 or 7; HYBRID where the schema does not say: all that any of them has, by its latest meaning. */
export type Draft = number

export const HYBRID: Draft = 99

/** What references lead to, by URI. The root's is empty. */
export type Pool = {
  readonly documents: Map<string, Found>
  /** Each object's own `$ref`, resolved against the identifiers around it. */
  readonly references: Map<NodeMap, string>
  readonly meter: Meter
}

/** The draft is undefined where its document names none, or one that is unknown. */
export type Found = { readonly node: Node; readonly draft: Draft | undefined }

/**
 * Collects the identifiers and references of a schema.
 *
 * @throws {BuiltinError} for a schema that is neither an object nor a boolean, and an identifier that stands twice
 */
export function poolOf(root: Node, meter: Meter): Pool {
  const pool: Pool = { documents: new Map(), references: new Map(), meter }
  admit(pool, root, '')
  return pool
}

/**
 * What a resolved reference leads to. Nothing is ever fetched: beside the schema itself only the meta-schemas are known.
 *
 * @throws {BuiltinError} where it leads nowhere
 */
export function find(pool: Pool, reference: string): Found {
  const known = pool.documents.get(reference)
  if (known !== undefined) return known
  const address = withoutFragment(reference)
  const document = pool.documents.get(address) ?? loadMetaSchema(pool, address)
  if (document === undefined) throw unreachable(reference)
  const found = { node: follow(document.node, fragmentOf(reference)), draft: document.draft }
  pool.documents.set(reference, found)
  return found
}

/** The draft that a document's `$schema` names. */
export function draftOf(document: Node): Draft | undefined {
  if (typeof document === 'boolean') return undefined
  if (!isMap(document)) throw new BuiltinError('schema is invalid')
  const address = document.get('$schema')
  if (address === undefined) return undefined
  if (typeof address !== 'string') throw new BuiltinError('$schema must be of type string')
  if (!isReference(address)) throw noReference('$schema')
  return DRAFTS.get(address.replace(/#$/, ''))
}

export function noReference(keyword: string): BuiltinError {
  return new BuiltinError(`${keyword} must be a URI reference`)
}

const DRAFTS: ReadonlyMap<string, Draft> = new Map([
  ['http://json-schema.org/draft-04/schema', 4],
  ['http://json-schema.org/draft-06/schema', 6],
  ['http://json-schema.org/draft-07/schema', 7],
])

/** What it takes to read one of the meta-schemas. */
const META_UNITS = 10_000

/** Under these stand names, not keywords. */
const NAMED = new Set(['properties', 'dependencies', 'patternProperties'])

/** What stands here is no schema, whatever it looks like. */
const LITERAL = new Set(['const', 'enum'])

function admit(pool: Pool, document: Node, address: string): Found {
  const found = { node: document, draft: draftOf(document) }
  collect(pool, document, address, found.draft)
  pool.documents.set(address, found)
  return found
}

function collect(pool: Pool, node: Node, base: string, draft: Draft | undefined): void {
  if (isList(node)) for (const member of node) collect(pool, member, base, draft)
  if (!isMap(node)) return
  const scope = identify(pool, node, base, draft)
  const reference = node.get('$ref')
  if (typeof reference === 'string' && isReference(reference)) {
    pool.references.set(node, resolve(scope, reference))
  }
  for (const [keyword, value] of node) {
    if (LITERAL.has(keyword)) continue
    if (!NAMED.has(keyword)) collect(pool, value, scope, draft)
    else if (isMap(value)) for (const member of value.values()) collect(pool, member, scope, draft)
  }
}

/** The address against which references within are resolved. */
function identify(pool: Pool, node: NodeMap, base: string, draft: Draft | undefined): string {
  const id = node.get('id') ?? node.get('$id')
  if (typeof id !== 'string' || !isReference(id)) return base
  const address = resolve(base, id)
  if (pool.documents.has(address)) {
    throw new BuiltinError(`Reference already exists: "${address}"`)
  }
  pool.documents.set(address, { node, draft })
  return address
}

function loadMetaSchema(pool: Pool, address: string): Found | undefined {
  const text = META_SCHEMAS.get(address)
  if (text === undefined) return undefined
  pool.meter.work(META_UNITS)
  return admit(pool, nodeOf(parseValue(text)), address)
}

function unreachable(reference: string): BuiltinError {
  return new BuiltinError(
    /^(?:file:|[^:/?#]+:\/\/)/.test(reference)
      ? `remote reference loading disabled: ${withoutFragment(reference)}`
      : `Reference ${reference} must be canonical`,
  )
}

/** Follows a JSON pointer (RFC 6901). OPA takes the whole document where a fragment is no pointer; here it is refused. */
function follow(document: Node, fragment: string): Node {
  if (fragment === '') return document
  if (!fragment.startsWith('/')) throw new BuiltinError(`no schema is named '#${fragment}'`)
  let node = document
  for (const token of fragment.slice(1).split('/')) node = memberOf(node, token)
  return node
}

function memberOf(node: Node, token: string): Node {
  if (isMap(node)) {
    const name = token.replaceAll('~1', '/').replaceAll('~0', '~')
    const member = node.get(name)
    if (member === undefined) throw new BuiltinError(`Object has no key '${name}'`)
    return member
  }
  if (!isList(node)) throw new BuiltinError(`Invalid token reference '${token}'`)
  if (!/^[+-]?[0-9]+$/.test(token)) throw new BuiltinError(`Invalid array index '${token}'`)
  const member = node[Number(token)]
  if (member !== undefined) return member
  throw new BuiltinError(`Out of bound array[0,${node.length}] index '${token}'`)
}
