import { formatFloat } from '../go-float.ts'
import type { RegoNumber } from '../values/number.ts'
import { Decimal, isNumber } from '../values/number.ts'
import type { AnyObject, Value } from '../values/value.ts'
import { isArray, isSet, objectGet, objectKeys } from '../values/value.ts'
import type { Call } from './builtin.ts'
import { sortNatural } from './yaml-text-order.ts'
import { isAmbiguous } from './yaml-text-resolve.ts'
import { escapeDouble, isYamlBreak, literalHints, stylesOf } from './yaml-text-style.ts'

/** Writes plain JSON as YAML, in blocks of two spaces a level, as go-yaml's emitter does. */
export function writeYaml(call: Call, value: Value): string {
  const out: Out = { call, parts: [], column: 0, spaced: true, atIndent: true }
  writeNode(out, value, -INDENT)
  indentTo(out, 0)
  return out.parts.join('')
}

/** Spaces that a level is indented by. */
const INDENT = 2

/** Bytes that a key may have that stands before its `:` without a `?`. */
const SIMPLE_KEY_MAX = 128

type Out = {
  readonly call: Call
  readonly parts: string[]
  column: number
  /** Whether white space, or the start of the text, stands before. */
  spaced: boolean
  /** Whether a line that is only begun may go on: nothing but `-`, `?` and `:` stands in it. */
  atIndent: boolean
}

/** @param outer - the indentation of the collection that the node is in */
function writeNode(out: Out, value: Value, outer: number): void {
  out.call.work(NODE_WORK)
  if (typeof value === 'string') writeText(out, value, outer)
  else if (value === null || typeof value === 'boolean') writeWord(out, String(value))
  else if (isNumber(value)) writeWord(out, yamlNumber(value))
  else if (isArray(value)) writeSequence(out, value, outer + INDENT)
  else if (isSet(value)) writeSequence(out, value.values(), outer + INDENT)
  else writeMapping(out, value, outer + INDENT)
}

/** Units of work that a node takes. */
const NODE_WORK = 8

function writeSequence(out: Out, items: readonly Value[], indent: number): void {
  if (items.length === 0) writeWord(out, '[]')
  for (const item of items) {
    indentTo(out, indent)
    writeMark(out, '-')
    writeNode(out, item, indent)
  }
}

function writeMapping(out: Out, object: AnyObject, indent: number): void {
  const keys = objectKeys(object) as readonly string[]
  const length = keys.reduce((sum, key) => sum + KEY_WORK + key.length, 0)
  out.call.work(length * Math.ceil(Math.log2(keys.length + 1)))
  if (keys.length === 0) writeWord(out, '{}')
  for (const key of sortNatural(keys)) {
    indentTo(out, indent)
    const styles = stylesOf(key)
    if (!styles.multiline && ENCODER.encode(key).length <= SIMPLE_KEY_MAX) {
      writeText(out, key, indent)
      put(out, ':')
      out.spaced = false
    } else {
      writeMark(out, '?')
      writeText(out, key, indent)
      indentTo(out, indent)
      writeMark(out, ':')
    }
    writeNode(out, objectGet(object, key) as Value, indent)
  }
}

/** Units of work that comparing two keys takes, besides their length. */
const KEY_WORK = 16

const ENCODER = new TextEncoder()

/** An indicator that leaves room in its line. */
function writeMark(out: Out, mark: string): void {
  if (!out.spaced) put(out, ' ')
  put(out, mark)
  out.spaced = false
}

/** What stands in one line, after a space. */
function writeWord(out: Out, text: string): void {
  if (!out.spaced) put(out, ' ')
  put(out, text)
  out.spaced = false
  out.atIndent = false
}

/** @param outer - the indentation of the collection that the text is in */
function writeText(out: Out, text: string, outer: number): void {
  out.call.work(text.length)
  const { plain, single, block } = stylesOf(text)
  const indent = Math.max(outer, 0) + INDENT
  const quoted = isAmbiguous(text) || OLD_WORDS.has(text) || BASE_60.test(text)
  if (text.includes('\n') && block) writeLiteral(out, text, indent)
  else if (text.includes('\n') || quoted) writeWord(out, escapeDouble(text))
  else if (plain) writeWord(out, text)
  else if (single) writeSingle(out, text, indent)
  else writeWord(out, escapeDouble(text))
}

/** Booleans of YAML 1.1, which other readers would find. */
const OLD_WORDS: ReadonlySet<string> = new Set(
  ['y', 'n', 'yes', 'no', 'on', 'off'].flatMap((word) => [
    word,
    word.toUpperCase(),
    word.charAt(0).toUpperCase() + word.slice(1),
  ]),
)
/** Numbers to the base of 60 of YAML 1.1. */
const BASE_60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/

function writeSingle(out: Out, text: string, indent: number): void {
  writeWord(out, "'")
  writeLines(out, text.replaceAll("'", "''"), indent)
  put(out, "'")
  out.spaced = false
  out.atIndent = false
}

function writeLiteral(out: Out, text: string, indent: number): void {
  writeWord(out, `|${literalHints(text, INDENT)}`)
  breakLine(out, '\n')
  out.spaced = true
  writeLines(out, text, indent)
}

/** Text with its line breaks, each line but an empty one indented; nothing before the first if a line has begun. */
function writeLines(out: Out, text: string, indent: number): void {
  for (const part of text.split(/(?<=[\n\u2028\u2029])/)) {
    const last = part.charCodeAt(part.length - 1)
    const line = isYamlBreak(last) ? part.slice(0, -1) : part
    if (line !== '') {
      if (out.atIndent) indentTo(out, indent)
      put(out, line)
      out.atIndent = false
    }
    if (line !== part) breakLine(out, part.slice(-1))
  }
}

function put(out: Out, text: string): void {
  out.call.output(text.length)
  out.parts.push(text)
  out.column += text.length
}

function breakLine(out: Out, text: string): void {
  put(out, text)
  out.column = 0
  out.atIndent = true
}

function indentTo(out: Out, indent: number): void {
  if (!out.atIndent || out.column > indent || (out.column === indent && !out.spaced)) {
    breakLine(out, '\n')
  }
  if (out.column < indent) put(out, ' '.repeat(indent - out.column))
  out.spaced = true
}

/** go-yaml's numbers are of 64 bits: whole ones with or without a sign, and doubles. */
function yamlNumber(value: RegoNumber): string {
  if (value instanceof Decimal) {
    return formatFloat(Number(`${value.coefficient}e${value.exponent}`), 'g', -1)
  }
  const whole = typeof value === 'bigint' || Number.isInteger(value)
  if (whole && value >= -(2n ** 63n) && value < 2n ** 64n) return String(value)
  return formatFloat(Number(value), 'g', -1)
}
