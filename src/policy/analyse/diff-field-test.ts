import type { JsonValue } from '../../base/json-value.ts'
import type { Direction } from '../../model/policy-diff.ts'
import type { Draft, FieldComparator, Outcome, Said } from './diff-fields.ts'
import {
  arrow,
  higherIsStronger,
  higherIsWeaker,
  includesAll,
  inOrder,
  isSame,
  membersOf,
  moreIsStronger,
  moreIsWeaker,
  ownValue,
  shown,
  unclear,
} from './diff-fields.ts'

/**
 * Compares two tests of fields. `stronger` means that the new one holds for all that the old one held for.
 *
 * @param at - JSON pointer of the test: `/pattern`
 */
export function compareFieldTests(before: object, after: object, at: string): Draft[] {
  const prefix = at.slice(1).replaceAll('/', '.')
  const draft = (key: string, outcomes: readonly Outcome[]): Draft[] =>
    outcomes.map((one) => ({ ...one, field: `${prefix}.${key}`, pointer: `${at}/${key}` }))
  const [old, now] = [partsOf(before), partsOf(after)]
  if (old === null || now === null) {
    return [
      {
        field: prefix,
        pointer: at,
        ...same(arrow(prefix, before as JsonValue, after as JsonValue)),
      },
    ]
  }
  return [
    ...(isSame(old.paths, now.paths)
      ? []
      : draft('path', moreIsStronger(old.paths, now.paths, 'path'))),
    ...compareOperators(old, now, draft),
    ...(old.ifMissing === now.ifMissing
      ? []
      : draft('if_missing', MISSING(old.ifMissing, now.ifMissing, 'if_missing'))),
    ...(isSame(old.others, now.others) ? [] : draft('', unclear(old.others, now.others, 'more'))),
  ]
}

/**
 * Compares lists of tests that must all hold: the `when` of a rule. Tests that stand on both sides fall away; the rest
 * are paired by field and operator.
 *
 * @param monotone - whether the rule finds more in more actions; if not, every direction is unclear
 */
export function compareConditions(
  before: readonly object[],
  after: readonly object[],
  monotone: boolean,
): Draft[] {
  const left = before.filter((one) => !after.some((other) => isSame(one, other)))
  const added = after.flatMap((one, index) =>
    before.some((other) => isSame(one, other)) ? [] : [{ one, index }],
  )
  const drafts: Draft[] = []
  for (const { one, index } of added) {
    const pair = left.findIndex((other) => isPair(other, one))
    const pointer = `/when/${index}`
    if (pair >= 0) {
      drafts.push(...compareFieldTests(left[pair] ?? {}, one, pointer))
      left.splice(pair, 1)
    } else {
      const message = `when: only if also ${shown(one as JsonValue)}`
      drafts.push({ field: 'when', pointer, direction: 'weaker', message })
    }
  }
  for (const one of left) {
    const message = `when: also unless ${shown(one as JsonValue)}`
    drafts.push({ field: 'when', pointer: '/when', direction: 'stronger', message })
  }
  return monotone ? drafts : drafts.map((draft) => ({ ...draft, direction: unlessNeutral(draft) }))
}

function unlessNeutral({ direction }: Draft): Direction {
  return direction === 'neutral' ? 'neutral' : 'unclear'
}

type Parts = {
  readonly paths: JsonValue
  readonly operator: string
  readonly operand: Said
  readonly ifMissing: JsonValue
  readonly others: JsonValue
}

const OPERATORS: Readonly<Record<string, FieldComparator>> = {
  above: higherIsWeaker,
  below: higherIsStronger,
  longer_than: higherIsWeaker,
  matches: moreIsStronger,
  not_matches: moreIsWeaker,
  one_of: (before, after, field) => byValues(before, after, field, 'stronger'),
  none_of: (before, after, field) => byValues(before, after, field, 'weaker'),
}

const MISSING = inOrder(['pass', 'find'])

/** `equals: x` is `one_of: [x]`, and `path: p` is `paths: [p]`. Null for what is no test of one operator. */
function partsOf(test: object): Parts | null {
  const aliased: Readonly<Record<string, string>> = { equals: 'one_of', not_equals: 'none_of' }
  const names = Object.keys(test).filter(
    (key) => Object.hasOwn(OPERATORS, key) || Object.hasOwn(aliased, key),
  )
  const [name] = names
  if (names.length !== 1 || name === undefined) return null
  const value = ownValue(test, name)
  const isAlias = Object.hasOwn(aliased, name)
  const known = new Set([name, 'path', 'paths', 'if_missing'])
  const path = ownValue(test, 'path')
  return {
    paths: path === undefined ? (ownValue(test, 'paths') ?? []) : [path],
    operator: aliased[name] ?? name,
    operand: isAlias ? [value as JsonValue] : value,
    ifMissing: ownValue(test, 'if_missing') ?? 'find',
    others: Object.fromEntries(
      Object.entries(test).filter(([key]) => !known.has(key)),
    ) as JsonValue,
  }
}

function isPair(a: object, b: object): boolean {
  const [x, y] = [partsOf(a), partsOf(b)]
  return x !== null && y !== null && x.operator === y.operator && isSame(x.paths, y.paths)
}

function compareOperators(
  old: Parts,
  now: Parts,
  draft: (key: string, outcomes: readonly Outcome[]) => Draft[],
): Draft[] {
  if (old.operator !== now.operator) {
    const message = `${old.operator} ${shown(old.operand)} -> ${now.operator} ${shown(now.operand)}`
    return draft(now.operator, [same(message)])
  }
  if (isSame(old.operand, now.operand)) return []
  const comparator = OPERATORS[old.operator] ?? unclear
  const outcomes = comparator(old.operand, now.operand, old.operator)
  // Values of another type are compared with nothing, which holds by itself unless `if_missing` is `pass`.
  const isStrict = old.ifMissing !== 'pass' || now.ifMissing !== 'pass'
  const isTyped = old.operator !== 'one_of' || isSame(typesOf(old.operand), typesOf(now.operand))
  if (isTyped || !isStrict) return draft(old.operator, outcomes)
  return draft(
    old.operator,
    outcomes.map(({ message }) => same(message)),
  )
}

function same(message: string): Outcome {
  return { direction: 'unclear', message }
}

function typesOf(operand: Said): JsonValue {
  const values = Array.isArray(operand) ? operand : [operand]
  return [...new Set(values.map((value) => (value === null ? 'null' : typeof value)))].sort()
}

/** Plain values, compared by their JSON: `1` and `"1"` are two. */
function byValues(
  before: Said,
  after: Said,
  field: string,
  more: 'weaker' | 'stronger',
): readonly Outcome[] {
  const texts = (value: Said) =>
    membersOf(Array.isArray(value) ? value.map((one) => JSON.stringify(one)) : [])
  const [old, now] = [texts(before), texts(after)]
  if (old === null || now === null) return unclear(before, after, field)
  const less = more === 'weaker' ? 'stronger' : 'weaker'
  const message = arrow(field, before, after)
  const outcomes: Outcome[] = []
  if (!includesAll(old, now)) outcomes.push({ direction: more, message })
  if (!includesAll(now, old)) outcomes.push({ direction: less, message })
  return outcomes
}
