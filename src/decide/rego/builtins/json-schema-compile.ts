import type { Meter } from '../regex/syntax.ts'
import { BuiltinError } from './builtin.ts'
import { KEYWORDS } from './json-schema-keywords.ts'
import type { Node, NodeMap } from './json-schema-node.ts'
import { isMap } from './json-schema-node.ts'
import type { Draft, Pool } from './json-schema-references.ts'
import { draftOf, find, HYBRID, noReference, poolOf } from './json-schema-references.ts'
import type { Schema } from './json-schema-type.ts'
import { blankSchema } from './json-schema-type.ts'
import { isReference } from './json-schema-uri.ts'

/** What reading a keyword may use. */
export type Reader = {
  readonly draft: Draft
  /** What the keyword is read into; keywords that stand before it in KEYWORDS are read. */
  readonly schema: Schema
  /** A schema within this one. */
  child(node: Node): Schema
  readonly meter: Meter
}

export type Compiled = {
  readonly schema: Schema
  /** What making it charged: for patterns and meta-schemas, whose cost is not in the schema's length. */
  readonly units: number
}

/**
 * Makes a schema of draft 4, 6 or 7 ready; where it does not say which, keywords of all of them count. Says of a schema
 * that is wrong what OPA says.
 *
 * @param meter - hears what patterns and meta-schemas cost; the rest is for the caller to charge
 * @throws {BuiltinError} for a schema that is wrong, and a reference that leads out of it
 */
export function compileSchema(root: Node, meter: Meter): Compiled {
  let units = 0
  const counter: Meter = {
    work: (more) => {
      units += more
      meter.work(more)
    },
  }
  const pool = poolOf(root, counter)
  const compiler: Compiler = {
    pool,
    meter: counter,
    schemas: new Map(),
    referred: new Set(),
    pending: [],
  }
  const schema = compile(compiler, root, draftOf(root) ?? HYBRID)
  // Not as calls within calls: references may lead from one to the next many times.
  for (let next = compiler.pending.pop(); next !== undefined; next = compiler.pending.pop()) {
    next.from.reference = target(compiler, next)
  }
  return { schema, units }
}

type Compiler = {
  readonly pool: Pool
  readonly meter: Meter
  readonly schemas: Map<NodeMap, Schema>
  readonly referred: Set<string>
  readonly pending: Referrer[]
}

type Referrer = { readonly from: Schema; readonly reference: string; readonly draft: Draft }

function compile(compiler: Compiler, node: Node, draft: Draft): Schema {
  if (typeof node === 'boolean' && draft >= 6) return { ...blankSchema(), accepts: node }
  if (!isMap(node)) throw new BuiltinError('Expected: Valid Schema, given: Invalid JSON')
  const known = compiler.schemas.get(node)
  if (known !== undefined) return known
  const schema = blankSchema()
  compiler.schemas.set(node, schema)
  const child = (inner: Node): Schema => compile(compiler, inner, draft)
  checkIdentifier(node, draft)
  checkDefinitions(node, child)
  checkText(node, 'title')
  checkText(node, 'description')
  if (refers(compiler, { from: schema, draft }, node)) return schema
  const reader: Reader = { draft, schema, child, meter: compiler.meter }
  for (const [keyword, read, since] of KEYWORDS) {
    const value = node.get(keyword)
    if (value !== undefined && draft >= since) read(reader, value, keyword)
  }
  return schema
}

/** The keyword that names a schema changed with draft 6. */
function checkIdentifier(node: NodeMap, draft: Draft): void {
  const keyword = draft === 4 || (draft === HYBRID && node.has('id')) ? 'id' : '$id'
  const id = checkText(node, keyword)
  if (id !== undefined && !isReference(id)) throw noReference(keyword)
}

function checkDefinitions(node: NodeMap, child: (inner: Node) => Schema): void {
  const definitions = node.get('definitions')
  if (definitions === undefined) return
  const named = isMap(definitions) ? [...definitions.values()] : undefined
  if (named === undefined || !named.every((inner) => isMap(inner) || typeof inner === 'boolean')) {
    throw new BuiltinError('Invalid type. Expected: Array Of Schemas, given: definitions')
  }
  for (const inner of named) child(inner)
}

function checkText(node: NodeMap, keyword: string): string | undefined {
  const text = node.get(keyword)
  if (text === undefined || typeof text === 'string') return text
  throw new BuiltinError(`Invalid type. Expected: string, given: ${keyword}`)
}

/**
 * Whether the schema is a reference, whose other keywords are not read. As in OPA they are from the second time on that
 * the same reference is met; that only matters where they are wrong.
 */
function refers(compiler: Compiler, from: Omit<Referrer, 'reference'>, node: NodeMap): boolean {
  const text = checkText(node, '$ref')
  if (text === undefined) return false
  const reference = compiler.pool.references.get(node)
  if (reference === undefined) throw noReference('$ref')
  compiler.pending.push({ ...from, reference })
  const before = compiler.referred.has(reference)
  compiler.referred.add(reference)
  return !before
}

function target(compiler: Compiler, { reference, draft }: Referrer): Schema {
  const found = find(compiler.pool, reference)
  if (!isMap(found.node) && typeof found.node !== 'boolean') {
    throw new BuiltinError('Valid Schema must be of type object')
  }
  return compile(compiler, found.node, found.draft ?? draft)
}
