import { compileGlob, isLiteral } from '../../../base/glob.ts'
import type { JsonValue } from '../../../base/json-value.ts'
import { parsePath } from '../../../base/path.ts'
import { FIXED_FIELDS } from '../../../decide/evaluate/fields.ts'
import type { Operator } from '../../../decide/evaluate/operators.ts'
import { compileOperator } from '../../../decide/evaluate/operators.ts'
import { PRIORITIES } from '../../../decide/evaluate/selector.ts'
import type { FieldTest, Selector } from '../../../model/generated/types.ts'
import { CANDIDATES_MAX } from './limits.ts'

/** The first test that no value meets together with those before it on the same field. */
export type Contradiction = { readonly index: number; readonly path: string }

/**
 * Finds tests that never hold together, by trying every value that matters to one of them, and one of each kind that
 * does not. Only tests of one plain field are compared: `items[].id` leads to several values, each of which may meet
 * another test. Patterns are taken to match whatever text they have not been tried with.
 *
 * @param on - names that the rule selects: a field such as `action` holds no other
 */
export function contradictionOf(tests: readonly FieldTest[], on: Selector): Contradiction | null {
  const byPath = new Map<string, Test[]>()
  tests.forEach((test, index) => {
    const path = plainPath(test)
    if (path === null) return
    const group = byPath.get(path) ?? []
    byPath.set(path, group)
    group.push({ index, test, operator: compileOperator(NOWHERE, test) })
  })
  for (const [path, group] of byPath) {
    const candidates = candidatesOf(path, group, on)
    if (candidates === null) continue
    for (let length = 1; length <= group.length; length++) {
      const some = group.slice(0, length)
      if (candidates.some((candidate) => some.every((test) => mayHold(test, candidate)))) continue
      return { index: group[length - 1]?.index ?? 0, path }
    }
  }
  return null
}

const NOWHERE = { id: 'test', file: '', line: 0, column: 0 }

type Test = { readonly index: number; readonly test: FieldTest; readonly operator: Operator }

/** A value to try. Of one that stands for others of its type, tests of its text or length are not decided. */
type Candidate =
  | { readonly missing: true }
  | { readonly missing: false; readonly value: JsonValue; readonly stands: boolean }

/** The one field that a test is about, when that has one value. */
function plainPath({ path }: FieldTest): string | null {
  if (path === undefined) return null
  const { segments } = parsePath(path)
  return segments.some(({ kind }) => kind === 'each') ? null : path
}

function mayHold({ test, operator }: Test, candidate: Candidate): boolean {
  const strict = test.if_missing !== 'pass'
  if (candidate.missing) return strict
  if (candidate.stands && UNDECIDED.has(operator.name) && isText(candidate.value)) return true
  const met = operator.meets(candidate.value)
  return met === null ? strict : met
}

const UNDECIDED: ReadonlySet<string> = new Set(['matches', 'not_matches', 'longer_than'])

/** What has text inside or a length: patterns look into numbers, lists and objects too. */
function isText(value: JsonValue): boolean {
  return value !== null && typeof value !== 'boolean'
}

/** Every value that could tell the tests apart; null for more than are tried. */
function candidatesOf(
  path: string,
  group: readonly Test[],
  on: Selector,
): readonly Candidate[] | null {
  const mentioned = group.flatMap(({ test }) => valuesOf(test))
  if (mentioned.length > CANDIDATES_MAX) return null
  const exact = (value: JsonValue): Candidate => ({ missing: false, value, stands: false })
  const standing = (value: JsonValue): Candidate => ({ missing: false, value, stands: true })
  if (path === 'priority') return PRIORITIES.filter(chosenBy(on.priority)).map(exact)
  if (path === 'phase') return ['call', 'result'].filter(chosenBy(on.phase ?? 'call')).map(exact)
  const texts = mentioned.filter((value) => typeof value === 'string')
  if (FIXED_FIELDS.has(path)) {
    const globs = globsOf(on, path)
    const named = (globs ?? []).filter(isLiteral)
    const any = globs === null || named.length < globs.length
    const matching = texts.filter((text) => globs?.some((glob) => compileGlob(glob)(text)) ?? true)
    return [...[...matching, ...named].map(exact), ...(any ? [standing(OTHER_TEXT)] : [])]
  }
  return [
    { missing: true },
    ...[null, true, false, ...texts].map(exact),
    ...numbersOf(mentioned).map(exact),
    ...[OTHER_TEXT, [OTHER_TEXT], { [OTHER_TEXT]: OTHER_TEXT }].map(standing),
    ...between(numbersOf(mentioned)).map(standing),
  ]
}

const OTHER_TEXT = '\ue000' // Private use: no policy names it.

function chosenBy(words: string | readonly string[] | undefined): (word: string) => boolean {
  return (word) => words === undefined || [words].flat().includes(word)
}

function globsOf(on: Selector, path: string): readonly string[] | null {
  const globs = ['service', 'action', 'agent', 'role'].includes(path)
    ? on[path as 'service' | 'action' | 'agent' | 'role']
    : undefined
  return globs === undefined ? null : [globs].flat()
}

function valuesOf(test: FieldTest): readonly JsonValue[] {
  const { equals, not_equals: other, one_of: some = [], none_of: none = [], above, below } = test
  const single = [equals, other, above, below].filter((value) => value !== undefined)
  return [...single, ...some, ...none] as readonly JsonValue[]
}

function numbersOf(values: readonly JsonValue[]): readonly number[] {
  return values.filter((value) => typeof value === 'number').sort((a, b) => a - b)
}

/** Numbers between those that are named, and beyond them. */
function between(numbers: readonly number[]): readonly number[] {
  const [least = 0] = numbers
  const most = numbers.at(-1) ?? 0
  const middles = numbers.slice(1).map((number, index) => ((numbers[index] ?? number) + number) / 2)
  return [least - 1, ...middles, most + 1]
}
