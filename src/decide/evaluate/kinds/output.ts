import { canonicalize } from '../../../base/canonical-json.ts'
import type { JsonObject, JsonValue } from '../../../base/json-value.ts'
import type { Fits } from '../../rego/builtins/json-schema-2020.ts'
import { compileSchema2020 } from '../../rego/builtins/json-schema-2020.ts'
import { compilePath, readField } from '../fields.ts'
import { EVIDENCE_PLACES_MAX, EVIDENCE_POINTER_LENGTH_MAX, SCHEMA_WORK_MAX } from '../limits.ts'
import { findOrPass, loadError, own, ownInteger, ownText } from '../settings.ts'
import type { Kind } from './kind.ts'
import { STATELESS } from './kind.ts'

/** A value that does not fit its bounds or its schema. */
export const output: Kind = {
  name: 'output',
  compile(rule) {
    const { spec } = rule
    const path = compilePath(rule, ownText(rule, spec, 'in'))
    const strict = findOrPass(rule, spec, 'if_missing') === 'find'
    const bound = (name: string, max: number) =>
      own(spec, name) === undefined ? Infinity : ownInteger(rule, spec, name, { min: 0, max })
    const bounds = {
      bytes: bound('bytes_max', 4_194_304),
      items: bound('items_max', 200_000),
      depth: bound('depth_max', 64),
    }
    const schema = own(spec, 'schema')
    if (schema === undefined && Object.values(bounds).every((max) => max === Infinity)) {
      throw loadError('KEY_MISSING', rule, 'expected a schema or a bound')
    }
    const fits = schema === undefined ? null : compileSchema2020(schema as JsonValue)
    return {
      ...STATELESS,
      judge(facts) {
        const { values, missing } = readField(facts.fields, path)
        const faults = values.flatMap((value) => misfits(value, bounds, fits))
        const lacking = missing && strict ? [path.text] : []
        if (lacking.length > 0) faults.push({ fault: 'missing' })
        if (faults.length === 0) return { found: null, writes: [] }
        const evidence = evidenceOf(path.text, faults)
        return { found: { message: MESSAGE, evidence, missing: lacking }, writes: [] }
      },
    }
  },
}

const MESSAGE = 'The value does not fit what the rule says of it.'

type Bounds = { readonly bytes: number; readonly items: number; readonly depth: number }

type Misfit = { readonly fault: string; readonly at?: string; readonly limit?: number }

function misfits(value: JsonValue, bounds: Bounds, fits: Fits | null): Misfit[] {
  const faults: Misfit[] = []
  if (bounds.bytes !== Infinity && bytesOf(canonicalize(value)) > bounds.bytes) {
    faults.push({ fault: 'bytes', limit: bounds.bytes })
  }
  const { items, depth } = extentOf(value)
  if (items > bounds.items) faults.push({ fault: 'items', limit: bounds.items })
  if (depth > bounds.depth) faults.push({ fault: 'depth', limit: bounds.depth })
  if (fits === null) return faults
  const found = fits(value, SCHEMA_WORK_MAX)
  // What cannot be decided within the bound does not fit.
  if (found === null) return [...faults, { fault: 'undecided' }]
  return [...faults, ...found.map(({ type, pointer }) => ({ fault: type, at: pointer }))]
}

/** Bytes of UTF-8, without making them. */
function bytesOf(text: string): number {
  let bytes = text.length
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    // Half of a surrogate pair stands for two of its four bytes.
    if (unit > 0x7f) bytes += unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 1 : 2
  }
  return bytes
}

/** The most members of one list or object within a value, and how deep they nest. An action nests 64 deep at most. */
function extentOf(value: JsonValue): { readonly items: number; readonly depth: number } {
  if (typeof value !== 'object' || value === null) return { items: 0, depth: 0 }
  const members: readonly JsonValue[] = Object.values(value)
  let items = members.length
  let depth = 0
  for (const member of members) {
    const inner = extentOf(member)
    if (inner.items > items) items = inner.items
    if (inner.depth > depth) depth = inner.depth
  }
  return { items, depth: depth + 1 }
}

function evidenceOf(path: string, faults: readonly Misfit[]): JsonObject {
  const shown = faults.slice(0, EVIDENCE_PLACES_MAX).map(({ at, ...fault }) => ({
    ...fault,
    ...(at === undefined ? {} : { at: at.slice(0, EVIDENCE_POINTER_LENGTH_MAX).toWellFormed() }),
  }))
  const more = faults.length - shown.length
  return { in: path, faults: shown, ...(more > 0 ? { more } : {}) }
}
