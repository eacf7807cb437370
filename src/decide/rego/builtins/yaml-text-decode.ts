import { parseNumber, wholeNumber } from '../values/number.ts'
import type { Value } from '../values/value.ts'
import { objectOf } from '../values/value.ts'
import type { Call } from './builtin.ts'
import { BuiltinError } from './builtin.ts'
import { YamlFault } from './yaml-text-cursor.ts'
import type { YamlAlias, YamlContent, YamlMapping, YamlNode } from './yaml-text-parse.ts'
import { YAML_DEPTH_MAX } from './yaml-text-parse.ts'
import type { YamlValue } from './yaml-text-resolve.ts'
import { isText, keyName, resolveScalar } from './yaml-text-resolve.ts'

/**
 * The value of a YAML document, as OPA makes it by way of JSON: keys become text, the last of a repeated key counts,
 * `<<` merges mappings, aliases unfold. Each node is charged as often as it is unfolded.
 *
 * @throws {YamlFault} for what JSON cannot hold, and for aliases that hold themselves or grow without end
 */
export function decodeYaml(call: Call, document: YamlNode): Value {
  const decoding = { call, decoded: 0, aliased: 0, aliasDepth: 0, open: new Set<YamlAlias>() }
  return decode(decoding, document, 0)
}

type Decoding = {
  readonly call: Call
  /** Nodes that were decoded, and of these the ones within aliases. */
  decoded: number
  aliased: number
  aliasDepth: number
  /** Aliases that are being unfolded. */
  readonly open: Set<YamlAlias>
}

/** Units of work that a node takes. */
const NODE_WORK = 8

/** go-yaml's bound on aliases: above this many nodes, no more than 99 in 100 may come from them. */
const DECODED_FREE = 1_000
const ALIASED_FREE = 100
const ALIASED_SHARE_MAX = 0.99
/** From here on go-yaml's bound sinks; nothing that large is taken at all. */
const DECODED_MAX = 400_000

function count(decoding: Decoding): void {
  const { call, aliasDepth } = decoding
  call.work(NODE_WORK)
  call.output(NODE_OUTPUT)
  decoding.decoded += 1
  if (aliasDepth > 0) decoding.aliased += 1
  const { decoded, aliased } = decoding
  if (decoded > DECODED_MAX) throw new BuiltinError('the YAML document has too many values')
  const shared = aliased > ALIASED_FREE && decoded > DECODED_FREE
  if (shared && aliased / decoded > ALIASED_SHARE_MAX) {
    throw new YamlFault('document contains excessive aliasing')
  }
}

/** Characters that a node's value takes up at least. */
const NODE_OUTPUT = 16

function decode(decoding: Decoding, node: YamlNode, depth: number): Value {
  if (depth >= YAML_DEPTH_MAX) {
    throw new BuiltinError(`expected YAML of at most ${YAML_DEPTH_MAX} levels`)
  }
  count(decoding)
  switch (node.kind) {
    case 'alias':
      return unfold(decoding, node, (target) => decode(decoding, target, depth + 1))
    case 'scalar':
      return jsonValue(resolveScalar(node))
    case 'sequence':
      return node.items.map((item) => decode(decoding, item, depth + 1))
    case 'mapping':
      return decodeMapping(decoding, node, depth)
  }
}

/** Does something to the node that an alias stands for. */
function unfold<T>(decoding: Decoding, alias: YamlAlias, use: (target: YamlContent) => T): T {
  if (decoding.open.has(alias)) throw new YamlFault('an anchor contains itself')
  decoding.open.add(alias)
  decoding.aliasDepth += 1
  const value = use(alias.target)
  decoding.aliasDepth -= 1
  decoding.open.delete(alias)
  return value
}

function jsonValue(value: YamlValue): Value {
  if (typeof value === 'bigint') return wholeNumber(value)
  if (typeof value !== 'number') return value
  // The value of a float is what its shortest digits say.
  const number = Number.isFinite(value) ? parseNumber(String(value)) : undefined
  if (number === undefined) throw new YamlFault('JSON has neither NaN nor infinities')
  return number
}

/** An object that is being filled. */
type Filling = {
  readonly members: Map<string, Value>
  /** The keys by type and value, each by its name in JSON. */
  readonly ids: Map<string, string>
  /** Whether go-yaml makes it an object of text keys; keys that are merged in then keep their spelling. */
  readonly textual: boolean
}

function decodeMapping(decoding: Decoding, mapping: YamlMapping, depth: number): Value {
  const pairs = pairsOf(decoding, mapping)
  const textual = pairs.every(([key]) => isMerge(key) || isTextKey(key))
  const filling: Filling = { members: new Map(), ids: new Map(), textual }
  fill(decoding, filling, { pairs, depth, taken: undefined })
  return objectOf(filling.members)
}

type Pair = readonly [YamlNode, YamlNode]

type Source = {
  readonly pairs: readonly Pair[]
  readonly depth: number
  /** Of a mapping that is merged in: the keys that are there already, by type and value. */
  readonly taken: Set<string> | undefined
}

function fill(decoding: Decoding, filling: Filling, { pairs, depth, taken }: Source): void {
  let merged: YamlNode | undefined
  for (const [key, value] of pairs) {
    if (isMerge(key)) {
      merged = value
      continue
    }
    const found = decodeKey(decoding, key, filling.textual)
    if (filling.textual && found === null) continue
    const id = idOf(found)
    if (taken?.has(id) === true) continue
    taken?.add(id)
    const name = keyName(found)
    if (name === undefined) throw new YamlFault('unsupported map key of type null')
    // In OPA chance decides which of them counts.
    if ((filling.ids.get(name) ?? id) !== id) throw new BuiltinError('two YAML keys have one name')
    filling.ids.set(name, id)
    filling.members.set(name, decode(decoding, value, depth + 1))
  }
  if (merged === undefined) return
  const keys =
    taken ??
    new Set(pairs.map(([key]) => idOf(isMerge(key) ? '<<' : decodeKey(decoding, key, false))))
  mergeInto(decoding, filling, { node: merged, depth: depth + 1, taken: keys })
}

function idOf(key: YamlValue): string {
  return `${typeof key} ${key}`
}

/** @param textual - whether it becomes text by its spelling; null becomes nothing */
function decodeKey(decoding: Decoding, key: YamlNode, textual: boolean): YamlValue {
  count(decoding)
  if (key.kind === 'alias') {
    return unfold(decoding, key, (target) => decodeKey(decoding, target, textual))
  }
  if (key.kind !== 'scalar') throw new YamlFault('invalid map key')
  const value = resolveScalar(key)
  return textual && value !== null && key.tag !== '!!binary' ? key.value : value
}

type Merging = {
  readonly node: YamlNode
  readonly depth: number
  readonly taken: Set<string>
}

/** Adds what the mapping, or each mapping of a list in turn, has and the object has not. */
function mergeInto(decoding: Decoding, filling: Filling, { node, depth, taken }: Merging): void {
  if (depth >= YAML_DEPTH_MAX) {
    throw new BuiltinError(`expected YAML of at most ${YAML_DEPTH_MAX} levels`)
  }
  for (const item of node.kind === 'sequence' ? node.items : [node]) {
    count(decoding)
    if (item.kind === 'alias') {
      unfold(decoding, item, (target) => {
        count(decoding)
        fill(decoding, filling, { pairs: mergedPairs(decoding, target), depth, taken })
      })
    } else fill(decoding, filling, { pairs: mergedPairs(decoding, item), depth, taken })
  }
}

function mergedPairs(decoding: Decoding, node: YamlNode): readonly Pair[] {
  if (node.kind === 'mapping') return pairsOf(decoding, node)
  throw new YamlFault('map merge requires map or sequence of maps as the value')
}

/** A mapping's pairs, repeated `<<` as one list, and of repeated keys the first with the value of the last. */
function pairsOf(decoding: Decoding, { pairs }: YamlMapping): readonly Pair[] {
  decoding.call.work(NODE_WORK * pairs.length)
  const kept: Pair[] = []
  const places = new Map<string, number>()
  const written = new Set<string>()
  for (const [key, value] of joinMerges(pairs)) {
    const name = scalarName(key)
    const place = name === undefined ? undefined : places.get(name)
    if (place !== undefined) {
      kept[place] = [(kept[place] as Pair)[0], value]
      continue
    }
    if (name !== undefined) places.set(name, kept.length)
    // Keys of one spelling that are not the same key go-yaml refuses.
    const spelling = `${key.kind} ${spellingOf(key)}`
    if (written.has(spelling)) throw new YamlFault('mapping key already defined')
    written.add(spelling)
    kept.push([key, value])
  }
  return kept
}

function spellingOf(key: YamlNode): string {
  if (key.kind === 'alias') return key.name
  return key.kind === 'scalar' ? key.value : ''
}

/** The name of a key in JSON, where it can be told before it is decoded. */
function scalarName(key: YamlNode): string | undefined {
  if (key.kind !== 'scalar' || isMerge(key)) return undefined
  try {
    return keyName(resolveScalar(key))
  } catch (error) {
    // Decoding tells.
    if (error instanceof YamlFault) return undefined
    throw error
  }
}

function joinMerges(pairs: readonly Pair[]): readonly Pair[] {
  const first = pairs.findIndex(([key]) => isMerge(key))
  if (first < 0) return pairs
  const items = pairs.flatMap(([key, value]) =>
    !isMerge(key) ? [] : value.kind === 'sequence' ? value.items : [value],
  )
  if (items.length < 2) return pairs
  const joined = { kind: 'sequence', tag: '', items } as const
  return pairs.flatMap(([key, value], at): readonly Pair[] =>
    at === first ? [[key, joined]] : isMerge(key) ? [] : [[key, value]],
  )
}

function isMerge(key: YamlNode): boolean {
  return key.kind === 'scalar' && key.plain && key.tag === '' && key.value === '<<'
}

function isTextKey(key: YamlNode): boolean {
  const content = key.kind === 'alias' ? key.target : key
  return content.kind === 'scalar' && isText(content)
}
