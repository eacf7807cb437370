import { canonicalize } from '../../base/canonical-json.ts'
import type { Disclosure } from '../../base/commitments.ts'
import { isDigest } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import { parseJson } from '../../base/json-parse.ts'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import { EXPORT_LINE_BYTES_MAX, EXPORT_SHOWN_MAX } from '../../base/limits.ts'
import { parsePath } from '../../base/path.ts'
import { compareText } from '../../base/position.ts'
import type { ExportEnd, ExportHeader, ExportLine } from '../../model/receipt-export.ts'

/**
 * The first line of an export.
 *
 * @throws {PolicyError} EXPORT_INVALID
 */
export function parseExportHeader(text: string): ExportHeader {
  const value = parseLine(text)
  if (value['kind'] !== 'ReceiptExport') throw invalid('the header of an export as its first line')
  if (value['version'] !== 1) throw invalid('an export of version 1')
  only(value, HEADER_KEYS)
  const { origin, checkpoint } = value
  if (typeof origin !== 'string' || typeof checkpoint !== 'string') throw invalid('a checkpoint')
  const [first, last, size] = [count(value['first']), count(value['last']), count(value['size'])]
  if (first > last || last >= size) throw invalid('`first`, `last` and `size` in order')
  checkTexts(members(value['period']), ['from', 'to'])
  for (const time of Object.values(members(value['period']))) checkTime(time)
  checkTexts(members(value['filters']), ['agent', 'project'])
  checkShow(value['show'])
  checkPolicies(value['policies'])
  return value as unknown as ExportHeader
}

/** A line after the first: a receipt, or the end. @throws {PolicyError} EXPORT_INVALID */
export function parseExportLine(text: string): ExportLine | ExportEnd {
  const value = parseLine(text)
  if (value['kind'] === 'ReceiptExportEnd') {
    only(value, ['kind', 'lines', 'digest'])
    count(value['lines'])
    if (typeof value['digest'] !== 'string' || !isDigest(value['digest'])) throw invalid('a digest')
    return value as unknown as ExportEnd
  }
  only(value, ['index', 'entry', 'proof', 'context', 'disclosures', 'patched'])
  count(value['index'])
  if (typeof value['entry'] !== 'string' || typeof value['proof'] !== 'string') {
    throw invalid('a receipt and its proof as texts')
  }
  if (Object.hasOwn(value, 'context') && value['context'] !== true) throw invalid('`context: true`')
  for (const name of ['disclosures', 'patched']) {
    if (Object.hasOwn(value, name)) checkDisclosures(value[name])
  }
  return value as unknown as ExportLine
}

export function isExportEnd(line: ExportLine | ExportEnd): line is ExportEnd {
  return 'kind' in line
}

const HEADER_KEYS = [
  ...['kind', 'version', 'origin', 'period', 'filters', 'show', 'first', 'last', 'size'],
  ...['checkpoint', 'policies'],
]

/** An object with own members only, whose RFC 8785 text is the line. */
function parseLine(text: string): Readonly<Record<string, JsonValue>> {
  let value: JsonValue
  try {
    value = parseJson(text, { bytesMax: EXPORT_LINE_BYTES_MAX, depthMax: LINE_DEPTH_MAX })
  } catch (cause) {
    throw new PolicyError('EXPORT_INVALID', 'expected a line of strict JSON', { cause })
  }
  const object = members(value)
  if (canonicalize(value) !== text) throw invalid('the RFC 8785 text of its value')
  return object
}

const LINE_DEPTH_MAX = 4

function members(value: JsonValue | undefined): Readonly<Record<string, JsonValue>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid('a JSON object')
  }
  return Object.assign(Object.create(null), value as JsonObject)
}

function only(value: Readonly<Record<string, JsonValue>>, keys: readonly string[]): void {
  const other = Object.keys(value).find((key) => !keys.includes(key))
  if (other !== undefined) throw invalid(`no member ${JSON.stringify(other.slice(0, 64))}`)
}

function count(value: JsonValue | undefined): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number
  throw invalid('a whole number')
}

function checkTexts(value: Readonly<Record<string, JsonValue>>, keys: readonly string[]): void {
  only(value, keys)
  if (Object.values(value).some((text) => typeof text !== 'string')) throw invalid('texts')
}

function checkTime(time: JsonValue): void {
  const ms = Date.parse(String(time))
  if (Number.isNaN(ms) || new Date(ms).toISOString() !== time) throw invalid('a time in UTC')
}

function checkShow(show: JsonValue | undefined): void {
  if (!Array.isArray(show) || show.length > EXPORT_SHOWN_MAX) throw invalid('a list of fields')
  for (const path of show) {
    if (typeof path !== 'string') throw invalid('fields by their paths')
    parsePath(path)
  }
  if (new Set(show).size !== show.length) throw invalid('each field once')
}

function checkPolicies(policies: JsonValue | undefined): void {
  if (!Array.isArray(policies)) throw invalid('a list of policies')
  let before = ''
  for (const policy of policies as readonly JsonValue[]) {
    const one = members(policy)
    checkTexts(one, ['digest', 'name'])
    const digest = String(one['digest'])
    if (!isDigest(digest)) throw invalid('policies by their digests')
    if (compareText(before, digest) >= 0) throw invalid('policies in order, each once')
    before = digest
  }
}

function checkDisclosures(value: JsonValue | undefined): void {
  if (!Array.isArray(value) || value.length === 0) throw invalid('a list of disclosures')
  let before: string | null = null
  for (const entry of value as readonly JsonValue[]) {
    const one = members(entry)
    checkTexts(one, ['pointer', 'disclosure'])
    const { pointer, disclosure } = one as unknown as Disclosure
    if (pointer === undefined || disclosure === undefined) throw invalid('pointer and disclosure')
    if (before !== null && compareText(before, pointer) >= 0) throw invalid('disclosures in order')
    before = pointer
  }
}

function invalid(expected: string): PolicyError {
  return new PolicyError('EXPORT_INVALID', `expected ${expected}`)
}
