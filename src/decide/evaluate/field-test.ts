import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import type { Path, PathMatch } from '../../base/path.ts'
import { readPath } from '../../base/path.ts'
import type { Facts } from './facts.ts'
import { valueDigest } from './facts.ts'
import { compilePath, readField } from './fields.ts'
import { EVIDENCE_PLACES_MAX, EVIDENCE_POINTER_LENGTH_MAX } from './limits.ts'
import type { Operator } from './operators.ts'
import { compileOperator } from './operators.ts'
import type { RulePlace } from './settings.ts'
import { invalid, loadError, own, ownTexts } from './settings.ts'

export type CompiledTest = {
  readonly operator: string
  readonly paths: readonly Path[]
  /**
   * Whether any named value meets the operator, or, unless `if_missing` is `pass`, a field is missing or of a type
   * that the operator cannot compare.
   */
  holds(facts: Facts): boolean
  /** Whether any named value meets the operator, whatever is missing or cannot be compared. */
  meets(facts: Facts): boolean
  /** Fields that are missing, unless `if_missing` says that they may be. */
  missing(facts: Facts): readonly string[]
  /** Why it holds: operator, paths, places as JSON pointers, values as HMACs. */
  explain(facts: Facts): JsonObject
}

/**
 * Compiles a test of fields.
 *
 * @throws {PolicyError} KEY_MISSING, VALUE_INVALID, PATH_INVALID, PATTERN_INVALID
 */
export function compileTest(place: RulePlace, test: object): CompiledTest {
  const operator = compileOperator(place, test)
  const paths = pathsOf(place, test)
  const ifMissing = own(test, 'if_missing') ?? 'find'
  if (ifMissing !== 'find' && ifMissing !== 'pass') {
    throw invalid(place, 'expected if_missing to be find or pass')
  }
  const strict = ifMissing === 'find'
  return {
    operator: operator.name,
    paths,
    holds: (facts) => paths.some((path) => holdsAt(facts, path, operator, strict)),
    meets: (facts) => paths.some((path) => holdsAt(facts, path, operator, false)),
    missing: ({ fields }) =>
      strict ? paths.filter((path) => readField(fields, path).missing).map(({ text }) => text) : [],
    explain: (facts) => explain(facts, paths, operator),
  }
}

function pathsOf(place: RulePlace, test: object): readonly Path[] {
  const one = own(test, 'path')
  const many = own(test, 'paths')
  if ((one === undefined) === (many === undefined)) {
    throw loadError('KEY_MISSING', place, 'expected one of path and paths')
  }
  const texts = ownTexts(place, test, one === undefined ? 'paths' : 'path') ?? []
  return texts.map((text) => compilePath(place, text))
}

function holdsAt(facts: Facts, path: Path, operator: Operator, strict: boolean): boolean {
  const { values, missing } = readField(facts.fields, path)
  if (missing && strict) return true
  for (const value of values) {
    const met = operator.meets(value)
    if (met === true || (met === null && strict)) return true
  }
  return false
}

function explain(facts: Facts, paths: readonly Path[], operator: Operator): JsonObject {
  const found: { pointer: string; hmac: string }[] = []
  const incomparable: string[] = []
  const missing: string[] = []
  let more = 0
  for (const path of paths) {
    if (readField(facts.fields, path).missing) missing.push(path.text)
    for (const match of readPath(facts.fields, path)) {
      const met = operator.meets(match.value)
      const places = met === true ? (operator.places?.(match) ?? [match]) : []
      for (const place of places) {
        if (found.length < EVIDENCE_PLACES_MAX) found.push(evidenceOf(facts, place))
        else more++
      }
      if (met !== null) continue
      if (incomparable.length < EVIDENCE_PLACES_MAX) incomparable.push(clip(match.pointer))
      else more++
    }
  }
  return {
    operator: operator.name,
    paths: paths.map((path) => path.text),
    ...(found.length > 0 ? { found } : {}),
    ...(missing.length > 0 ? { missing } : {}),
    ...(incomparable.length > 0 ? { incomparable } : {}),
    ...(more > 0 ? { more } : {}),
  }
}

function evidenceOf(
  facts: Facts,
  { pointer, value }: PathMatch,
): { pointer: string; hmac: string } {
  return { pointer: clip(pointer), hmac: valueDigest(facts.key, value as JsonValue) }
}

function clip(pointer: string): string {
  if (pointer.length <= EVIDENCE_POINTER_LENGTH_MAX) return pointer
  // A cut may split a surrogate pair, which canonical JSON cannot carry.
  return `${pointer.slice(0, EVIDENCE_POINTER_LENGTH_MAX).toWellFormed()}…`
}
