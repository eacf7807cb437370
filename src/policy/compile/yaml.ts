import type { Document, Node, ParsedNode, YAMLError } from 'yaml'
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments, Scalar } from 'yaml'
import type { ErrorCode } from '../../base/errors.ts'
import type { JsonValue } from '../../base/json-value.ts'
import { JSON_DEPTH_MAX, YAML_ALIAS_NODES_MAX, YAML_NODES_MAX } from '../../base/limits.ts'
import { isExactNumber } from '../../base/number-text.ts'
import { joinPointer } from '../../base/pointer.ts'
import type { Diagnostic, Position } from '../../base/position.ts'

/** Where a value stands, and its key when an object holds it. */
export type YamlPlace = { readonly value: Position; readonly key?: Position }

/** One document of a file: its value, and the place of everything in it by JSON pointer. */
export type YamlDocument = {
  readonly value: JsonValue
  readonly places: ReadonlyMap<string, YamlPlace>
  /** Whether anything in it was refused; its value then lacks that part. */
  readonly flawed: boolean
}

/**
 * Reads the documents of a YAML 1.2 file, strictly: no custom tags, no YAML 1.1, no duplicate keys, keys are text,
 * numbers are what a double can hold, aliases unfold to a bounded size. `yes` and `on` are text.
 */
export function parseYaml(
  file: string,
  text: string,
): { readonly documents: readonly YamlDocument[]; readonly diagnostics: readonly Diagnostic[] } {
  const lines = new LineCounter()
  const diagnostics: Diagnostic[] = []
  const documents: YamlDocument[] = []
  for (const parsed of parseAll(text, lines)) {
    if (parsed === 'too deep') {
      const message = `expected at most ${JSON_DEPTH_MAX} levels`
      diagnostics.push(complaint(file, { line: 1, column: 1 }, 'YAML_UNSUPPORTED', message))
      continue
    }
    const found = syntaxProblems(file, parsed, lines)
    diagnostics.push(...found)
    const broken = parsed.errors.length > 0
    if (!broken && found.length === 0 && isEmpty(parsed)) continue
    const walk = newWalk(file, lines)
    const value = broken || parsed.contents === null ? null : read(walk, parsed.contents, '', 0)
    diagnostics.push(...walk.diagnostics)
    const flawed = found.length + walk.diagnostics.length > 0
    documents.push({ value: value ?? null, places: walk.places, flawed })
  }
  return { documents, diagnostics }
}

type Parsed = Document.Parsed<ParsedNode, boolean>

/** Nothing but white space and comments, as after a last `---`. */
function isEmpty(parsed: Parsed): boolean {
  const { contents } = parsed
  return contents === null || (isScalar(contents) && contents.value === null && !contents.source)
}

function parseAll(text: string, lineCounter: LineCounter): readonly (Parsed | 'too deep')[] {
  try {
    // Duplicate keys are looked for below: the library compares each key with each, which large files cannot afford.
    const options = {
      lineCounter,
      uniqueKeys: false,
      merge: false,
      version: '1.2',
      schema: 'core',
    } as const
    const parsed = parseAllDocuments(text, { ...options, prettyErrors: false })
    const documents: readonly Parsed[] = Array.isArray(parsed) ? parsed : []
    return documents.map((document) =>
      document.errors.some((error) => STACK_ENDED.test(error.message)) ? 'too deep' : document,
    )
  } catch (error) {
    // The library recurses: text that nests without end runs out of stack.
    if (error instanceof RangeError) return ['too deep']
    throw error
  }
}

// The library reports some ends of the stack as errors of the text, at a place that differs from run to run.
const STACK_ENDED = /call stack/i

function syntaxProblems(file: string, parsed: Parsed, lines: LineCounter): Diagnostic[] {
  const placeOf = (error: YAMLError): Position => toPosition(lines, error.pos[0])
  const problems: Diagnostic[] = []
  // One mistake upsets all that follows it; the first of a document says what to do.
  const first = parsed.errors[0]
  if (first !== undefined) {
    problems.push(complaint(file, placeOf(first), 'YAML_MALFORMED', sentence(first.message)))
  }
  for (const warning of parsed.warnings) {
    // The walk complains of every tag, known or not.
    if (warning.code === 'TAG_RESOLVE_FAILED') continue
    const message = `expected plain YAML 1.2: ${sentence(warning.message)}`
    problems.push(complaint(file, placeOf(warning), 'YAML_UNSUPPORTED', message))
  }
  const version = parsed.directives?.yaml
  if (version?.explicit === true && version.version !== '1.2') {
    const message = `expected YAML 1.2, found the directive %YAML ${version.version}; leave it out`
    problems.push(complaint(file, { line: 1, column: 1 }, 'YAML_UNSUPPORTED', message))
  }
  return problems
}

function sentence(message: string): string {
  return message.replace(/\s+at line \d+, column \d+:[\s\S]*$/, '').replaceAll('\n', ' ')
}

type Walk = {
  readonly file: string
  readonly lines: LineCounter
  readonly diagnostics: Diagnostic[]
  readonly places: Map<string, YamlPlace>
  /** Anchored nodes that are complete; an alias within its own anchor finds none. */
  readonly anchors: Map<string, Node>
  nodesLeft: number
  aliasNodesLeft: number
  aliasDepth: number
  /** The outermost alias that is being unfolded. */
  aliasAt: Position
}

function newWalk(file: string, lines: LineCounter): Walk {
  return {
    file,
    lines,
    diagnostics: [],
    places: new Map(),
    anchors: new Map(),
    nodesLeft: YAML_NODES_MAX,
    aliasNodesLeft: YAML_ALIAS_NODES_MAX,
    aliasDepth: 0,
    aliasAt: { line: 1, column: 1 },
  }
}

/** The JSON value of a node, or undefined when it is refused. */
function read(walk: Walk, node: Node, pointer: string, depth: number): JsonValue | undefined {
  const at = position(walk, node)
  const key = walk.places.get(pointer)?.key
  walk.places.set(pointer, key === undefined ? { value: at } : { value: at, key })
  if (!spend(walk, at)) return undefined
  if (depth > JSON_DEPTH_MAX) {
    return refuse(walk, at, 'YAML_UNSUPPORTED', `expected at most ${JSON_DEPTH_MAX} levels`)
  }
  if (isAlias(node)) return readAlias(walk, node.source, pointer, depth, at)
  if (node.tag !== undefined) {
    return refuse(
      walk,
      at,
      'YAML_UNSUPPORTED',
      'expected a plain value, found a tag; leave the tag out',
    )
  }
  const value = readUntagged(walk, node, pointer, depth, at)
  const anchor = 'anchor' in node ? node.anchor : undefined
  if (typeof anchor === 'string') walk.anchors.set(anchor, node)
  return value
}

function readUntagged(
  walk: Walk,
  node: Node,
  pointer: string,
  depth: number,
  at: Position,
): JsonValue | undefined {
  if (isScalar(node)) return readScalar(walk, node, at)
  if (isSeq(node)) {
    return node.items.map((item, index) => {
      return (
        read(walk, (item ?? new Scalar(null)) as Node, joinPointer(pointer, index), depth + 1) ??
        null
      )
    })
  }
  if (!isMap(node)) return refuse(walk, at, 'YAML_UNSUPPORTED', 'expected a plain value')
  const members = new Map<string, JsonValue>()
  for (const { key, value } of node.items) {
    const keyAt = position(walk, key as Node | null) ?? at
    const name = readKey(walk, key, keyAt)
    if (name === undefined) continue
    if (members.has(name)) {
      const message = `the key ${JSON.stringify(name)} stands here twice; keep one`
      refuse(walk, keyAt, 'YAML_DUPLICATE_KEY', message)
      continue
    }
    const child = joinPointer(pointer, name)
    walk.places.set(child, { key: keyAt, value: keyAt })
    const member = value === null ? null : read(walk, value as Node, child, depth + 1)
    members.set(name, member ?? null)
  }
  return Object.fromEntries(members)
}

function readKey(walk: Walk, key: unknown, at: Position): string | undefined {
  const plain = isScalar(key) && key.tag === undefined && typeof key.value === 'string'
  if (!plain || typeof key.value !== 'string') {
    const message = 'expected a key that is plain text; put it in quotes'
    return refuse(walk, at, 'YAML_UNSUPPORTED', message)
  }
  if (key.value === '__proto__') {
    return refuse(walk, at, 'KEY_UNKNOWN', 'the key "__proto__" is refused everywhere')
  }
  if (!key.value.isWellFormed()) {
    return refuse(walk, at, 'VALUE_INVALID', 'expected Unicode text, found a lone surrogate')
  }
  return key.value
}

function readScalar(walk: Walk, node: Scalar, at: Position): JsonValue | undefined {
  const value = node.value
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'string') {
    if (value.isWellFormed()) return value
    return refuse(walk, at, 'VALUE_INVALID', 'expected Unicode text, found a lone surrogate')
  }
  if (typeof value === 'number') {
    const source = node.source ?? ''
    if (!JSON_NUMBER.test(source)) {
      const message = `expected a decimal number such as 12 or 0.5, found ${shorten(source)}; put text in quotes`
      return refuse(walk, at, 'VALUE_INVALID', message)
    }
    if (Number.isFinite(value) && isExactNumber(source, value)) return value === 0 ? 0 : value
    const message = `expected a number that a double holds exactly, found ${shorten(source)}; put text in quotes`
    return refuse(walk, at, 'VALUE_INVALID', message)
  }
  return refuse(walk, at, 'YAML_UNSUPPORTED', 'expected text, a number, true, false or null')
}

const JSON_NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/

function shorten(source: string): string {
  return source.length > 40 ? `${source.slice(0, 40)}...` : source
}

/** Reads the anchored value again in the alias's place, so that each complaint has a place of its own. */
function readAlias(
  walk: Walk,
  anchor: string,
  pointer: string,
  depth: number,
  at: Position,
): JsonValue | undefined {
  const target = walk.anchors.get(anchor)
  if (target === undefined) {
    return refuse(walk, at, 'YAML_MALFORMED', `no value before this has the anchor &${anchor}`)
  }
  if (walk.aliasDepth === 0) walk.aliasAt = at
  walk.aliasDepth += 1
  const value = read(walk, target, pointer, depth)
  walk.aliasDepth -= 1
  return value
}

function spend(walk: Walk, at: Position): boolean {
  if (walk.nodesLeft < 1 || walk.aliasNodesLeft < 1) return false
  walk.nodesLeft -= 1
  if (walk.aliasDepth > 0) walk.aliasNodesLeft -= 1
  if (walk.nodesLeft > 0 && walk.aliasNodesLeft > 0) return true
  const message =
    walk.nodesLeft > 0
      ? `expected aliases that unfold to at most ${YAML_ALIAS_NODES_MAX} values; write them out`
      : `expected at most ${YAML_NODES_MAX} values in a file; split it`
  refuse(walk, walk.aliasDepth > 0 ? walk.aliasAt : at, 'YAML_UNSUPPORTED', message)
  return false
}

function refuse(walk: Walk, at: Position, code: ErrorCode, message: string): undefined {
  walk.diagnostics.push(complaint(walk.file, at, code, message))
  return undefined
}

function complaint(file: string, at: Position, code: ErrorCode, message: string): Diagnostic {
  return { code, severity: 'error', file, ...at, message }
}

function position(walk: Walk, node: Node | null): Position {
  return toPosition(walk.lines, node?.range?.[0] ?? 0)
}

function toPosition(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset)
  return { line: Math.max(1, line), column: Math.max(1, col) }
}
