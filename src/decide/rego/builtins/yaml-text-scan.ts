import type { YamlCursor } from './yaml-text-cursor.ts'
import {
  atDocumentMark,
  characterAt,
  codeAt,
  columnOf,
  isBlank,
  isBlankOrEnd,
  isBreak,
  isBreakOrEnd,
  newCursor,
  skipBlanks,
  skipLine,
  takeBreak,
  takePattern,
  YamlFault,
} from './yaml-text-cursor.ts'
import { scanBlock, scanPlain, scanQuoted } from './yaml-text-scalars.ts'

/** A token of YAML. Starts of block collections, and keys that no indicator shows, are put in by the scanner. */
export type YamlToken =
  | { readonly type: YamlMark }
  | { readonly type: 'alias' | 'anchor'; readonly name: string }
  /** An empty handle stands before a whole tag. */
  | { readonly type: 'tag' | 'tag_directive'; readonly handle: string; readonly rest: string }
  | { readonly type: 'version_directive'; readonly version: string }
  | { readonly type: 'scalar'; readonly value: string; readonly plain: boolean }

type YamlMark =
  | 'stream_end'
  | 'document_start'
  | 'document_end'
  | 'sequence_start'
  | 'mapping_start'
  | 'block_end'
  | 'flow_sequence_start'
  | 'flow_sequence_end'
  | 'flow_mapping_start'
  | 'flow_mapping_end'
  | 'flow_entry'
  | 'entry'
  | 'key'
  | 'value'

/**
 * Takes YAML 1.1 apart as go-yaml's scanner does, which is libyaml's: simple keys are found when their `:` comes, and
 * blocks by their indentation. Takes time linear in the text.
 *
 * @throws {YamlFault}
 */
export function scanYaml(source: string): readonly YamlToken[] {
  // A mark at the very start tells the encoding. Of the line breaks of YAML 1.1, these read as a line feed.
  const text = source.replace(/^\ufeff/, '').replaceAll(/\r\n|[\r\u0085]/g, '\n')
  if (REFUSED.test(text)) throw new YamlFault('control characters are not allowed')
  const scan: Scan = { ...newCursor(text), indents: [], keys: [undefined], tokens: [] }
  while (fetchToken(scan)) {
    // Each call adds a token.
  }
  return scan.tokens
}

type Scan = YamlCursor & {
  readonly indents: number[]
  /** For the block, and for each flow collection that is open: the token that may turn out a key. */
  readonly keys: (PossibleKey | undefined)[]
  readonly tokens: YamlToken[]
}

type PossibleKey = {
  readonly token: number
  readonly at: number
  readonly line: number
  readonly column: number
  /** Whether nothing but a key can stand here. */
  readonly required: boolean
}

const REFUSED = /[^\t\n\u0020-\u007e\u00a0-\ufffd]/

/** Characters that a simple key may reach over. */
const KEY_LENGTH_MAX = 1024

const PAIRS: ReadonlyMap<string, YamlMark> = new Map([
  ['[', 'flow_sequence_start'],
  [']', 'flow_sequence_end'],
  ['{', 'flow_mapping_start'],
  ['}', 'flow_mapping_end'],
])

/** Fetches one token, and with it those that it implies; false at the end. */
function fetchToken(scan: Scan): boolean {
  skipToToken(scan)
  closeBlocks(scan, columnOf(scan))
  if (Number.isNaN(codeAt(scan))) {
    leaveLine(scan)
    scan.tokens.push({ type: 'stream_end' })
    return false
  }
  if (characterAt(scan) === '%' && columnOf(scan) === 0) fetchDirective(scan)
  else if (atDocumentMark(scan)) fetchDocumentMark(scan)
  else {
    fetchContent(scan)
    skipCommentAfter(scan)
  }
  return true
}

function fetchContent(scan: Scan): void {
  const character = characterAt(scan)
  const spaced = isBlankOrEnd(scan.text.charCodeAt(scan.at + 1))
  const flow = scan.flow > 0
  const pair = PAIRS.get(character)
  if (pair !== undefined) fetchPair(scan, pair)
  else if (character === ',') fetchFlowEntry(scan)
  else if (character === '-' && spaced) fetchEntry(scan)
  else if (character === '?' && (flow || spaced)) fetchKey(scan)
  else if (character === ':' && (flow || spaced)) fetchValue(scan)
  else if (character === '*' || character === '&') fetchAnchor(scan)
  else if (character === '!') fetchTag(scan)
  else if ((character === '|' || character === '>') && !flow) fetchBlockScalar(scan)
  else if (character === '"' || character === "'") fetchFlowScalar(scan, false)
  else if (NEVER_PLAIN.includes(character)) {
    throw new YamlFault('found character that cannot start any token')
  } else fetchFlowScalar(scan, true)
}

const NEVER_PLAIN = '\t|>%@`'

/** Steps over blanks, comments and line breaks. A tab may not stand where a key may begin. */
function skipToToken(scan: Scan): void {
  for (;;) {
    const tabs = scan.flow > 0 || !scan.keyAllowed
    takePattern(scan, tabs ? /[ \t]*/y : / */y)
    if (characterAt(scan) === '#') skipComments(scan)
    if (!isBreak(codeAt(scan))) return
    takeBreak(scan)
    if (scan.flow === 0) scan.keyAllowed = true
  }
}

/** Steps over comments that follow each other, whatever blanks and line breaks lie between. */
function skipComments(scan: Scan): void {
  for (;;) {
    skipLine(scan)
    BETWEEN_COMMENTS.lastIndex = scan.at
    const end = scan.at + (BETWEEN_COMMENTS.exec(scan.text)?.[0].length ?? 0)
    if (scan.text.charAt(end) !== '#') return
    while (scan.at < end) {
      if (isBreak(codeAt(scan))) takeBreak(scan)
      else scan.at += 1
    }
  }
}

const BETWEEN_COMMENTS = /[ \t\n\u2028\u2029]*/y

/** Steps over a comment in the line of a token, even where tabs before it could not stand otherwise. */
function skipCommentAfter(scan: Scan): void {
  if (scan.tokens.at(-1)?.type === 'entry') return
  const { text } = scan
  let before = scan.at - 1
  while (isBlank(text.charCodeAt(before))) before -= 1
  if (isBreak(text.charCodeAt(before))) return
  let end = scan.at
  while (isBlank(text.charCodeAt(end))) end += 1
  if (text.charAt(end) !== '#') return
  scan.at = end
  skipLine(scan)
}

/** Ends the blocks that lie deeper than the column. */
function closeBlocks(scan: Scan, column: number): void {
  if (scan.flow > 0) return
  while (scan.indent > column) {
    scan.tokens.push({ type: 'block_end' })
    scan.indent = scan.indents.pop() ?? -1
  }
}

/** Begins a block collection where the column is deeper, with its token at a place among the tokens. */
function openBlock(
  scan: Scan,
  { column, type, place }: { column: number; type: YamlMark; place: number },
): void {
  if (scan.flow > 0 || scan.indent >= column) return
  scan.indents.push(scan.indent)
  scan.indent = column
  scan.tokens.splice(place, 0, { type })
}

/** Notes that a key may begin here. */
function saveKey(scan: Scan): void {
  if (!scan.keyAllowed) return
  dropKey(scan)
  const column = columnOf(scan)
  const required = scan.flow === 0 && scan.indent === column
  const key = { token: scan.tokens.length, at: scan.at, line: scan.line, column, required }
  scan.keys[scan.keys.length - 1] = key
}

/** Gives up the key that may have begun, which must not have been the only thing that could. */
function dropKey(scan: Scan): void {
  if (scan.keys.at(-1)?.required === true) throw new YamlFault("could not find expected ':'")
  scan.keys[scan.keys.length - 1] = undefined
}

/** Before what stands at the start of a line outside of all blocks. */
function leaveLine(scan: Scan): void {
  closeBlocks(scan, -1)
  dropKey(scan)
  scan.keyAllowed = false
}

function put(scan: Scan, type: YamlMark): void {
  scan.tokens.push({ type })
  scan.at += 1
}

function fetchDocumentMark(scan: Scan): void {
  leaveLine(scan)
  const type = characterAt(scan) === '-' ? 'document_start' : 'document_end'
  scan.tokens.push({ type })
  scan.at += 3
}

function fetchPair(scan: Scan, type: YamlMark): void {
  const opens = type === 'flow_sequence_start' || type === 'flow_mapping_start'
  if (opens) {
    saveKey(scan)
    scan.keys.push(undefined)
    scan.flow += 1
  } else {
    dropKey(scan)
    if (scan.flow > 0) {
      scan.flow -= 1
      scan.keys.pop()
    }
  }
  scan.keyAllowed = opens
  put(scan, type)
}

function fetchFlowEntry(scan: Scan): void {
  dropKey(scan)
  scan.keyAllowed = true
  put(scan, 'flow_entry')
}

function fetchEntry(scan: Scan): void {
  if (scan.flow === 0) {
    if (!scan.keyAllowed) throw new YamlFault('block sequence entries are not allowed here')
    openHere(scan, 'sequence_start')
  }
  dropKey(scan)
  scan.keyAllowed = true
  put(scan, 'entry')
}

function fetchKey(scan: Scan): void {
  if (scan.flow === 0) {
    if (!scan.keyAllowed) throw new YamlFault('mapping keys are not allowed here')
    openHere(scan, 'mapping_start')
  }
  dropKey(scan)
  scan.keyAllowed = scan.flow === 0
  put(scan, 'key')
}

function openHere(scan: Scan, type: YamlMark): void {
  openBlock(scan, { column: columnOf(scan), type, place: scan.tokens.length })
}

/** A `:`. What stood before it in its line, if it could be one, is now known to be a key. */
function fetchValue(scan: Scan): void {
  const key = scan.keys.at(-1)
  if (key !== undefined && key.line === scan.line && key.at + KEY_LENGTH_MAX >= scan.at) {
    scan.tokens.splice(key.token, 0, { type: 'key' })
    openBlock(scan, { column: key.column, type: 'mapping_start', place: key.token })
    scan.keys[scan.keys.length - 1] = undefined
    scan.keyAllowed = false
  } else {
    if (key?.required === true) throw new YamlFault("could not find expected ':'")
    if (scan.flow === 0) {
      if (!scan.keyAllowed) throw new YamlFault('mapping values are not allowed here')
      openHere(scan, 'mapping_start')
    }
    scan.keyAllowed = scan.flow === 0
  }
  put(scan, 'value')
}

function fetchAnchor(scan: Scan): void {
  saveKey(scan)
  scan.keyAllowed = false
  const type = characterAt(scan) === '*' ? 'alias' : 'anchor'
  scan.at += 1
  const name = takePattern(scan, WORD)
  if (name === '' || !(isBlankOrEnd(codeAt(scan)) || '?:,]}%@`'.includes(characterAt(scan)))) {
    throw new YamlFault('did not find expected alphabetic or numeric character')
  }
  scan.tokens.push({ type, name })
}

const WORD = /[-0-9A-Za-z_]+/y

function fetchBlockScalar(scan: Scan): void {
  dropKey(scan)
  scan.keyAllowed = true
  scan.tokens.push({ type: 'scalar', value: scanBlock(scan), plain: false })
}

function fetchFlowScalar(scan: Scan, plain: boolean): void {
  saveKey(scan)
  scan.keyAllowed = false
  const value = plain ? scanPlain(scan) : scanQuoted(scan)
  scan.tokens.push({ type: 'scalar', value, plain })
}

/** `!<whole>`, `!handle!rest`, `!rest` or `!`. */
function fetchTag(scan: Scan): void {
  saveKey(scan)
  scan.keyAllowed = false
  if (takePattern(scan, /!</y) !== '') {
    scan.tokens.push({ type: 'tag', handle: '', rest: takeUri(scan) })
    if (takePattern(scan, />/y) === '') throw new YamlFault("did not find the expected '>'")
  } else {
    const handle = takePattern(scan, HANDLE)
    if (handle !== '') {
      scan.tokens.push({ type: 'tag', handle, rest: takeUri(scan) })
    } else {
      scan.at += 1
      const rest = URI_START.test(characterAt(scan)) ? takeUri(scan) : ''
      scan.tokens.push(
        rest === '' ? { type: 'tag', handle: '', rest: '!' } : { type: 'tag', handle: '!', rest },
      )
    }
  }
  if (!isBlankOrEnd(codeAt(scan))) throw new YamlFault('did not find expected whitespace')
}

const HANDLE = /![-0-9A-Za-z_]*!/y
const URI_START = /[-0-9A-Za-z_;/?:@&=+$,.!~*'()[\]%]/
const URI = /(?:[-0-9A-Za-z_;/?:@&=+$,.!~*'()[\]]|%[0-9A-Fa-f]{2})+/y

function takeUri(scan: Scan): string {
  const uri = takePattern(scan, URI)
  if (uri === '' || characterAt(scan) === '%') throw new YamlFault('did not find expected tag URI')
  try {
    return decodeURIComponent(uri)
  } catch {
    throw new YamlFault('found an incorrect UTF-8 octet in a tag')
  }
}

/** `%YAML 1.1` or `%TAG ! prefix`. */
function fetchDirective(scan: Scan): void {
  leaveLine(scan)
  scan.at += 1
  const name = takePattern(scan, WORD)
  if (name === '' || !isBlankOrEnd(codeAt(scan))) throw new YamlFault('found a bad directive')
  skipBlanks(scan)
  if (name === 'YAML') {
    const version = takePattern(scan, /[0-9]{1,2}\.[0-9]{1,2}/y)
    if (version === '') throw new YamlFault('did not find expected version number')
    scan.tokens.push({ type: 'version_directive', version })
  } else if (name === 'TAG') {
    const handle = takePattern(scan, /!(?:[-0-9A-Za-z_]*!)?/y)
    if (handle === '' || !isBlank(codeAt(scan))) throw new YamlFault('found a bad tag directive')
    skipBlanks(scan)
    scan.tokens.push({ type: 'tag_directive', handle, rest: takeUri(scan) })
    if (!isBlankOrEnd(codeAt(scan))) throw new YamlFault('found a bad tag directive')
  } else throw new YamlFault('found unknown directive name')
  skipBlanks(scan)
  if (characterAt(scan) === '#') skipLine(scan)
  if (!isBreakOrEnd(codeAt(scan))) throw new YamlFault('did not find expected line break')
  if (isBreak(codeAt(scan))) takeBreak(scan)
}
