import { PolicyError } from '../../base/errors.ts'
import { EVIDENCE_DEPTH_MAX, EVIDENCE_ITEMS_MAX } from '../../base/limits.ts'

/** One element. Text between elements is checked and dropped: results stand in names and attributes. */
export type XmlElement = {
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
  readonly children: readonly XmlElement[]
}

/**
 * Reads XML 1.0 as test runners write it: elements, attributes, text, CDATA and comments in UTF-8. What a result never
 * needs is refused, so that no two readers can see two things: a document type, entities of one's own, processing
 * instructions, a second root.
 *
 * @throws {PolicyError} EVIDENCE_MALFORMED, with line and column
 */
export function readXml(text: string): XmlElement {
  const reader: Reader = { text, at: text.startsWith('\uFEFF') ? 1 : 0, elements: 0 }
  const bad = NOT_XML.exec(text)
  if (bad !== null) throw malformed(reader, 'characters that XML knows', bad.index)
  readDeclaration(reader)
  const open: Draft[] = []
  let root: Draft | null = null
  while (reader.at < text.length) {
    const tag = text.indexOf('<', reader.at)
    const end = tag < 0 ? text.length : tag
    checkText(reader, end, open.length > 0)
    reader.at = end
    if (tag < 0) break
    if (skipped(reader, open.length > 0)) continue
    const closing = read(reader, CLOSING)
    if (closing !== null) {
      const last = open.pop()
      if (last?.name !== closing[1])
        throw malformed(reader, 'the end of the element that is open', tag)
      continue
    }
    const { element, isEmpty } = readOpening(reader)
    const parent = open.at(-1)
    if (parent !== undefined) parent.children.push(element)
    else if (root === null) root = element
    else throw malformed(reader, 'one root element', tag)
    if (isEmpty) continue
    open.push(element)
    if (open.length > EVIDENCE_DEPTH_MAX) {
      throw malformed(reader, `elements at most ${EVIDENCE_DEPTH_MAX} deep`, tag)
    }
  }
  if (root === null) throw malformed(reader, 'a root element')
  if (open.length > 0) throw malformed(reader, 'the end of each element')
  return root
}

type Draft = {
  readonly name: string
  readonly attributes: Map<string, string>
  readonly children: Draft[]
}

type Reader = { readonly text: string; at: number; elements: number }

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML 1.0 forbids.
const NOT_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/

const NAME = '[A-Za-z_][A-Za-z0-9_.:-]{0,127}'
const DECLARATION =
  /<\?xml\s+version=(["'])1\.0\1(?:\s+encoding=(["'])utf-8\2)?(?:\s+standalone=(["'])(?:yes|no)\3)?\s*\?>/iy
const OPENING = new RegExp(`<(${NAME})`, 'y')
const CLOSING = new RegExp(`</(${NAME})\\s*>`, 'y')
const ATTRIBUTE = new RegExp(`\\s+(${NAME})\\s*=\\s*(?:"([^"<]*)"|'([^'<]*)')`, 'y')
const TAG_END = /\s*(\/?)>/y
const ATTRIBUTES_MAX = 64

function read(reader: Reader, pattern: RegExp): RegExpExecArray | null {
  pattern.lastIndex = reader.at
  const found = pattern.exec(reader.text)
  if (found !== null) reader.at = pattern.lastIndex
  return found
}

function readDeclaration(reader: Reader): void {
  if (reader.text.startsWith('<?', reader.at) && read(reader, DECLARATION) === null) {
    throw malformed(reader, 'XML 1.0 in UTF-8')
  }
}

/** Skips a comment or CDATA. @returns whether there was one */
function skipped(reader: Reader, isInside: boolean): boolean {
  const { text, at } = reader
  const starts = (prefix: string): boolean => text.startsWith(prefix, at)
  if (starts('<!--')) {
    const end = text.indexOf('--', at + 4)
    if (end < 0 || text[end + 2] !== '>') throw malformed(reader, 'a comment that ends with -->')
    reader.at = end + 3
    return true
  }
  if (starts('<![CDATA[') && isInside) {
    const end = text.indexOf(']]>', at)
    if (end < 0) throw malformed(reader, 'a CDATA section that ends')
    reader.at = end + 3
    return true
  }
  if (starts('<!')) throw malformed(reader, 'no document type and no entities')
  if (starts('<?')) throw malformed(reader, 'no processing instructions')
  return false
}

function readOpening(reader: Reader): { readonly element: Draft; readonly isEmpty: boolean } {
  const tag = read(reader, OPENING)
  if (tag === null) throw malformed(reader, 'an element')
  reader.elements += 1
  if (reader.elements > EVIDENCE_ITEMS_MAX) {
    throw malformed(reader, `at most ${EVIDENCE_ITEMS_MAX} elements`)
  }
  const attributes = new Map<string, string>()
  for (let found = read(reader, ATTRIBUTE); found !== null; found = read(reader, ATTRIBUTE)) {
    const [, name = '', double, single] = found
    if (attributes.has(name)) throw malformed(reader, `the attribute ${name} once`)
    if (attributes.size >= ATTRIBUTES_MAX) {
      throw malformed(reader, `at most ${ATTRIBUTES_MAX} attributes`)
    }
    attributes.set(name, unescaped(reader, double ?? single ?? ''))
  }
  const end = read(reader, TAG_END)
  if (end === null) throw malformed(reader, 'attributes and the end of the tag')
  return { element: { name: tag[1] ?? '', attributes, children: [] }, isEmpty: end[1] === '/' }
}

/** Text that is dropped must be text all the same. */
function checkText(reader: Reader, end: number, isInside: boolean): void {
  const text = reader.text.slice(reader.at, end)
  if (!isInside && text.trim() !== '') throw malformed(reader, 'no text beside the root element')
  if (text.includes(']]>')) throw malformed(reader, 'no ]]> outside of CDATA')
  for (let at = text.indexOf('&'); at >= 0; at = text.indexOf('&', at + 1)) {
    referenceAt(reader, text, at)
  }
}

function unescaped(reader: Reader, text: string): string {
  let made = ''
  let from = 0
  for (let at = text.indexOf('&'); at >= 0; at = text.indexOf('&', from)) {
    const { character, end } = referenceAt(reader, text, at)
    made += text.slice(from, at) + character
    from = end
  }
  return from === 0 ? text : made + text.slice(from)
}

const REFERENCE = /&(?:#(\d{1,7})|#x([0-9A-Fa-f]{1,6})|(amp|lt|gt|quot|apos));/y
const PREDEFINED: Readonly<Record<string, string>> = {
  ...{ amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" },
}

function referenceAt(
  reader: Reader,
  text: string,
  at: number,
): { readonly character: string; readonly end: number } {
  REFERENCE.lastIndex = at
  const found = REFERENCE.exec(text)
  const character = found === null ? '' : characterOf(found)
  if (character !== '') return { character, end: REFERENCE.lastIndex }
  throw malformed(reader, "one of XML's own five entities, or a character's number")
}

/** Empty for none. */
function characterOf([, decimal, hex, name]: RegExpExecArray): string {
  if (name !== undefined) return PREDEFINED[name] ?? ''
  const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal)
  const isCharacter = code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff)
  const character = isCharacter ? String.fromCodePoint(code) : ''
  return NOT_XML.test(character) ? '' : character
}

function malformed({ text, at }: Reader, expected: string, offset = at): PolicyError {
  const before = text.slice(0, offset).split('\n')
  const place = `${before.length}:${(before.at(-1) ?? '').length + 1}`
  return new PolicyError('EVIDENCE_MALFORMED', `at ${place}: expected ${expected}`)
}
