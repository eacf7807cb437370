import { RE2JS } from 're2js'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import type { PathMatch } from '../../base/path.ts'
import { joinPointer } from '../../base/pointer.ts'
import type { RulePlace } from './settings.ts'
import { invalid, loadError, own, ownTexts } from './settings.ts'

export type Operator = {
  readonly name: string
  /** Whether a value meets the operator; null when it is of a type that cannot be compared. */
  meets(value: JsonValue): boolean | null
  /** The places inside a value that made it meet the operator, where that is not the value itself. */
  readonly places: ((match: PathMatch) => PathMatch[]) | null
}

/**
 * The one operator of a test.
 *
 * - `matches` looks into arrays and objects: at every text, number, boolean and key inside. Numbers and booleans
 *   compare as their JSON text; null cannot be compared.
 * - `not_matches` compares texts, numbers and booleans; anything else cannot be compared.
 * - `equals` and `one_of` compare a value with those of its own type: `"100"` cannot be compared with 100, so a
 *   change of type slips past no rule. Where only null is named, every value can be compared.
 * - `not_equals` and `none_of` hold for a value of any other type: it is another value.
 * - `above` and `below` compare numbers, `longer_than` texts and arrays.
 *
 * @throws {PolicyError} VALUE_INVALID unless there is exactly one operator, and it is well-formed; PATTERN_INVALID
 */
export function compileOperator(place: RulePlace, test: object): Operator {
  const named = Object.keys(OPERATORS).filter((name) => own(test, name) !== undefined)
  for (const key of Object.keys(test)) {
    if (!named.includes(key) && !TEST_KEYS.has(key)) {
      throw invalid(place, `expected a key of a field test, found ${JSON.stringify(key)}`)
    }
  }
  const name = named[0]
  const compile = name === undefined ? undefined : OPERATORS[name]
  if (named.length !== 1 || name === undefined || compile === undefined) {
    throw invalid(place, `expected exactly one operator in a field test, found ${named.length}`)
  }
  const { meets, places } = compile(place, test, name)
  return { name, meets, places }
}

const TEST_KEYS: ReadonlySet<string> = new Set(['path', 'paths', 'if_missing'])

type Compiled = Pick<Operator, 'meets' | 'places'>
type Compile = (place: RulePlace, test: object, name: string) => Compiled

const OPERATORS: Readonly<Record<string, Compile>> = {
  matches: compileMatches,
  not_matches: compileNotMatches,
  equals: compileOneOf,
  one_of: compileOneOf,
  not_equals: compileNoneOf,
  none_of: compileNoneOf,
  above: (place, test, name) => compileBound(place, test, name, (value, bound) => value > bound),
  below: (place, test, name) => compileBound(place, test, name, (value, bound) => value < bound),
  longer_than: compileLongerThan,
}

function compileMatches(place: RulePlace, test: object, name: string): Compiled {
  const matches = compilePatterns(place, test, name)
  const meets = (value: JsonValue): boolean | null => {
    if (value === null) return null
    const text = textOf(value)
    return text === null ? anyText(value, matches) : matches(text)
  }
  const places = (match: PathMatch) => {
    const found: PathMatch[] = []
    collectTexts(found, match, matches)
    return found
  }
  return { meets, places }
}

function compileNotMatches(place: RulePlace, test: object, name: string): Compiled {
  const matches = compilePatterns(place, test, name)
  const meets = (value: JsonValue): boolean | null => {
    const text = textOf(value)
    return text === null ? null : !matches(text)
  }
  return { meets, places: null }
}

function compileOneOf(place: RulePlace, test: object, name: string): Compiled {
  const wanted = scalarsOf(place, test, name)
  const types = new Set([...wanted].filter((value) => value !== null).map((value) => typeof value))
  const meets = (value: JsonValue): boolean | null => {
    if (wanted.has(value)) return true
    const comparable = types.size === 0 || (value !== null && types.has(typeof value))
    return comparable ? false : null
  }
  return { meets, places: null }
}

function compileNoneOf(place: RulePlace, test: object, name: string): Compiled {
  const wanted = scalarsOf(place, test, name)
  return { meets: (value) => !wanted.has(value), places: null }
}

function compileBound(
  place: RulePlace,
  test: object,
  name: string,
  compare: (value: number, bound: number) => boolean,
): Compiled {
  const bound = own(test, name)
  if (typeof bound !== 'number' || !Number.isFinite(bound)) {
    throw invalid(place, `expected ${name} to be a number`)
  }
  const meets = (value: JsonValue) => (typeof value === 'number' ? compare(value, bound) : null)
  return { meets, places: null }
}

function compileLongerThan(place: RulePlace, test: object, name: string): Compiled {
  const bound = own(test, name)
  if (!Number.isSafeInteger(bound) || (bound as number) < 0) {
    throw invalid(place, 'expected longer_than to be a whole number from 0')
  }
  const meets = (value: JsonValue) =>
    typeof value === 'string' || Array.isArray(value) ? value.length > (bound as number) : null
  return { meets, places: null }
}

/** Whether one of the patterns matches somewhere in a text. RE2 syntax, in time linear in the text. */
function compilePatterns(place: RulePlace, test: object, name: string): (text: string) => boolean {
  const patterns = (ownTexts(place, test, name) ?? []).map((pattern) => {
    try {
      return RE2JS.compile(pattern)
    } catch (cause) {
      const message = `expected an RE2 pattern, found ${JSON.stringify(pattern)}`
      throw loadError('PATTERN_INVALID', place, message, cause)
    }
  })
  return (text) => patterns.some((pattern) => pattern.test(text))
}

function scalarsOf(place: RulePlace, test: object, name: string): ReadonlySet<unknown> {
  const value = own(test, name)
  const list: readonly unknown[] = name.endsWith('_of') && Array.isArray(value) ? value : [value]
  if (list.length === 0 || list.some((scalar) => typeof scalar === 'object' && scalar !== null)) {
    throw invalid(place, `expected ${name} to name plain values`)
  }
  return new Set(list)
}

/** The text that patterns look at; null when the value has none. */
function textOf(value: JsonValue): string | null {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null
}

function anyText(value: JsonValue, matches: (text: string) => boolean): boolean {
  if (value === null) return false
  const text = textOf(value)
  if (text !== null) return matches(text)
  if (Array.isArray(value)) return value.some((element) => anyText(element as JsonValue, matches))
  return Object.entries(value as JsonObject).some(
    ([key, member]) => matches(key) || anyText(member, matches),
  )
}

function collectTexts(
  found: PathMatch[],
  { pointer, value }: PathMatch,
  matches: (text: string) => boolean,
): void {
  if (value === null) return
  const text = textOf(value)
  if (text !== null) {
    if (matches(text)) found.push({ pointer, value })
  } else if (Array.isArray(value)) {
    value.forEach((element: JsonValue, i) => {
      collectTexts(found, { pointer: joinPointer(pointer, i), value: element }, matches)
    })
  } else {
    for (const [key, member] of Object.entries(value as JsonObject)) {
      const match = { pointer: joinPointer(pointer, key), value: member }
      // A key that matches is found at its member's place.
      if (matches(key)) found.push({ ...match, value: key })
      collectTexts(found, match, matches)
    }
  }
}
