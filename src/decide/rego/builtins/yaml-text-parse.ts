import { BuiltinError } from './builtin.ts'
import { YamlFault } from './yaml-text-cursor.ts'
import type { YamlToken } from './yaml-text-scan.ts'
import { scanYaml } from './yaml-text-scan.ts'

/** A node of a YAML document. */
export type YamlNode = YamlContent | YamlAlias

/** A node with a tag in its short form, such as `!!int`; empty where the text has none. */
export type YamlContent = YamlScalar | YamlSequence | YamlMapping

/** A node that is elsewhere, and may hold this one. */
export type YamlAlias = {
  readonly kind: 'alias'
  readonly name: string
  readonly target: YamlContent
}

export type YamlScalar = {
  readonly kind: 'scalar'
  readonly tag: string
  readonly value: string
  readonly plain: boolean
}

export type YamlSequence = {
  readonly kind: 'sequence'
  readonly tag: string
  readonly items: YamlNode[]
}

export type YamlMapping = {
  readonly kind: 'mapping'
  readonly tag: string
  readonly pairs: (readonly [YamlNode, YamlNode])[]
}

/** Levels that a YAML document may nest. */
export const YAML_DEPTH_MAX = 512

/**
 * Reads the documents of a YAML stream as go-yaml's parser does.
 *
 * @throws {YamlFault} for text that is no YAML, whichever document it is in
 * @throws {BuiltinError} beyond YAML_DEPTH_MAX levels
 */
export function parseYaml(text: string): readonly YamlNode[] {
  const parse: Parse = { tokens: scanYaml(text), at: 0, anchors: new Map(), tags: new Map() }
  const documents: YamlNode[] = []
  for (let first = true; ; first = false) {
    while (!first && peek(parse) === 'document_end') parse.at += 1
    if (peek(parse) === 'stream_end') return documents
    documents.push(parseDocument(parse, first))
  }
}

type Parse = {
  readonly tokens: readonly YamlToken[]
  at: number
  /** An anchor counts for what follows it, also in later documents. */
  readonly anchors: Map<string, YamlContent>
  /** Prefixes by handle. */
  readonly tags: Map<string, string>
}

type TokenType = YamlToken['type']

const STANDARD = 'tag:yaml.org,2002:'
const EMPTY: YamlScalar = { kind: 'scalar', tag: '', value: '', plain: true }

function peek(parse: Parse): TokenType {
  return parse.tokens[parse.at]?.type ?? 'stream_end'
}

/** Steps over a token of this type, if one stands here. */
function accept(parse: Parse, type: TokenType): boolean {
  if (peek(parse) !== type) return false
  parse.at += 1
  return true
}

function expect(parse: Parse, type: TokenType, what: string): void {
  if (!accept(parse, type)) throw new YamlFault(`did not find expected ${what}`)
}

function parseDocument(parse: Parse, first: boolean): YamlNode {
  const directives = parseDirectives(parse)
  const explicit = !first || directives || peek(parse) === 'document_start'
  if (explicit) {
    expect(parse, 'document_start', '<document start>')
    if (DOCUMENT_ENDS.has(peek(parse))) return endDocument(parse, EMPTY)
  }
  return endDocument(parse, parseNode(parse, { depth: 0, block: true, indentless: false }))
}

const DOCUMENT_ENDS: ReadonlySet<TokenType> = new Set<TokenType>([
  'version_directive',
  'tag_directive',
  'document_start',
  'document_end',
  'stream_end',
])

function endDocument(parse: Parse, node: YamlNode): YamlNode {
  accept(parse, 'document_end')
  parse.tags.clear()
  return node
}

function parseDirectives(parse: Parse): boolean {
  let versioned = false
  const from = parse.at
  for (;;) {
    const token = parse.tokens[parse.at]
    if (token?.type === 'version_directive') {
      if (versioned) throw new YamlFault('found duplicate %YAML directive')
      if (token.version !== '1.1') throw new YamlFault('found incompatible YAML document')
      versioned = true
    } else if (token?.type === 'tag_directive') {
      if (parse.tags.has(token.handle)) throw new YamlFault('found duplicate %TAG directive')
      parse.tags.set(token.handle, token.rest)
    } else return parse.at > from
    parse.at += 1
  }
}

/** Where a node stands: whether block collections may, and a sequence at its parent's indentation. */
type Place = { readonly depth: number; readonly block: boolean; readonly indentless: boolean }

function parseNode(parse: Parse, place: Place): YamlNode {
  if (place.depth >= YAML_DEPTH_MAX) {
    throw new BuiltinError(`expected YAML of at most ${YAML_DEPTH_MAX} levels`)
  }
  const token = parse.tokens[parse.at]
  if (token?.type === 'alias') {
    parse.at += 1
    const target = parse.anchors.get(token.name)
    if (target === undefined) throw new YamlFault('unknown anchor referenced')
    return { kind: 'alias', name: token.name, target }
  }
  return parseContent(parse, place, parseProperties(parse))
}

type Properties = { readonly anchor: string | undefined; readonly tag: string | undefined }

/** An anchor and a tag, in either order. */
function parseProperties(parse: Parse): Properties {
  let anchor: string | undefined
  let tag: string | undefined
  for (;;) {
    const token = parse.tokens[parse.at]
    if (token?.type === 'anchor' && anchor === undefined) anchor = token.name
    else if (token?.type === 'tag' && tag === undefined) tag = resolveTag(parse, token)
    else return { anchor, tag }
    parse.at += 1
  }
}

function resolveTag(
  parse: Parse,
  { handle, rest }: { readonly handle: string; readonly rest: string },
): string {
  if (handle === '') return shortTag(rest)
  const standard = handle === '!' ? '!' : handle === '!!' ? STANDARD : undefined
  const prefix = parse.tags.get(handle) ?? standard
  if (prefix === undefined) throw new YamlFault('found undefined tag handle')
  return shortTag(prefix + rest)
}

function shortTag(tag: string): string {
  return tag.startsWith(STANDARD) ? `!!${tag.slice(STANDARD.length)}` : tag
}

function parseContent(parse: Parse, place: Place, { anchor, tag = '' }: Properties): YamlNode {
  const written = tag === '!' ? '' : tag // The tag `!` says as much as none.
  const inner = place.depth + 1
  const token = parse.tokens[parse.at]
  if (token?.type === 'scalar') {
    parse.at += 1
    const { value, plain } = token
    return anchored(parse, anchor, { kind: 'scalar', tag: written, value, plain })
  }
  const inSequence = SEQUENCES.get(token?.type ?? 'stream_end')
  const allowed = token?.type === 'entry' ? place.indentless : place.block
  if (inSequence !== undefined && (allowed || token?.type === 'flow_sequence_start')) {
    const node: YamlSequence = { kind: 'sequence', tag: written, items: [] }
    // An anchor counts within its own node.
    anchored(parse, anchor, node)
    inSequence(parse, node.items, inner)
    return node
  }
  const inMapping = MAPPINGS.get(token?.type ?? 'stream_end')
  if (inMapping !== undefined && (place.block || token?.type === 'flow_mapping_start')) {
    const node: YamlMapping = { kind: 'mapping', tag: written, pairs: [] }
    anchored(parse, anchor, node)
    inMapping(parse, node.pairs, inner)
    return node
  }
  if (anchor === undefined && tag === '') throw new YamlFault('did not find expected node content')
  return anchored(parse, anchor, { ...EMPTY, tag: written })
}

function anchored(parse: Parse, anchor: string | undefined, node: YamlContent): YamlContent {
  if (anchor !== undefined) parse.anchors.set(anchor, node)
  return node
}

const SEQUENCES: ReadonlyMap<TokenType, (parse: Parse, items: YamlNode[], depth: number) => void> =
  new Map([
    ['sequence_start', parseBlockSequence],
    ['entry', parseIndentless],
    ['flow_sequence_start', parseFlowSequence],
  ])

const MAPPINGS: ReadonlyMap<
  TokenType,
  (parse: Parse, pairs: (readonly [YamlNode, YamlNode])[], depth: number) => void
> = new Map([
  ['mapping_start', parseBlockMapping],
  ['flow_mapping_start', parseFlowMapping],
])

/** Reads a node, or an empty one where a token of the given types follows. */
function parseUnless(parse: Parse, types: ReadonlySet<TokenType>, place: Place): YamlNode {
  return types.has(peek(parse)) ? EMPTY : parseNode(parse, place)
}

const ENTRY_ENDS: ReadonlySet<TokenType> = new Set<TokenType>(['entry', 'block_end'])
const PAIR_ENDS: ReadonlySet<TokenType> = new Set<TokenType>(['key', 'value', 'block_end'])
const INDENTLESS_ENDS: ReadonlySet<TokenType> = new Set<TokenType>([...PAIR_ENDS, 'entry'])
const FLOW_ENDS: ReadonlySet<TokenType> = new Set<TokenType>([
  'flow_entry',
  'flow_sequence_end',
  'flow_mapping_end',
])

function parseBlockSequence(parse: Parse, items: YamlNode[], depth: number): void {
  parse.at += 1
  while (accept(parse, 'entry')) {
    items.push(parseUnless(parse, ENTRY_ENDS, { depth, block: true, indentless: false }))
  }
  expect(parse, 'block_end', "'-' indicator")
}

/** A sequence in a mapping at the mapping's own indentation: no token starts or ends it. */
function parseIndentless(parse: Parse, items: YamlNode[], depth: number): void {
  while (accept(parse, 'entry')) {
    items.push(parseUnless(parse, INDENTLESS_ENDS, { depth, block: true, indentless: false }))
  }
}

function parseBlockMapping(
  parse: Parse,
  pairs: (readonly [YamlNode, YamlNode])[],
  depth: number,
): void {
  const place = { depth, block: true, indentless: true }
  parse.at += 1
  while (accept(parse, 'key')) {
    const key = parseUnless(parse, PAIR_ENDS, place)
    const valued = accept(parse, 'value')
    pairs.push([key, valued ? parseUnless(parse, PAIR_ENDS, place) : EMPTY])
  }
  expect(parse, 'block_end', 'key')
}

function parseFlowSequence(parse: Parse, items: YamlNode[], depth: number): void {
  const place = { depth, block: false, indentless: false }
  parse.at += 1
  for (let first = true; peek(parse) !== 'flow_sequence_end'; first = false) {
    if (!first) expect(parse, 'flow_entry', "',' or ']'")
    if (peek(parse) === 'flow_sequence_end') break
    items.push(
      accept(parse, 'key')
        ? parseFlowPair(parse, { ...place, depth: depth + 1 })
        : parseNode(parse, place),
    )
  }
  parse.at += 1
}

/** A mapping of one pair without braces. */
function parseFlowPair(parse: Parse, place: Place): YamlMapping {
  let key: YamlNode = EMPTY
  // As in libyaml, the token that shows that there is no key is gone then.
  if (peek(parse) === 'value' || FLOW_ENDS.has(peek(parse))) parse.at += 1
  else key = parseNode(parse, place)
  const valued = accept(parse, 'value')
  const value = valued ? parseUnless(parse, FLOW_ENDS, place) : EMPTY
  return { kind: 'mapping', tag: '', pairs: [[key, value]] }
}

function parseFlowMapping(
  parse: Parse,
  pairs: (readonly [YamlNode, YamlNode])[],
  depth: number,
): void {
  const place = { depth, block: false, indentless: false }
  parse.at += 1
  for (let first = true; peek(parse) !== 'flow_mapping_end'; first = false) {
    if (!first) expect(parse, 'flow_entry', "',' or '}'")
    if (peek(parse) === 'flow_mapping_end') break
    if (!accept(parse, 'key')) {
      pairs.push([parseNode(parse, place), EMPTY])
      continue
    }
    const key = peek(parse) === 'value' ? EMPTY : parseUnless(parse, FLOW_ENDS, place)
    const valued = accept(parse, 'value')
    pairs.push([key, valued ? parseUnless(parse, FLOW_ENDS, place) : EMPTY])
  }
  parse.at += 1
}
