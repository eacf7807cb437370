import { canonicalize } from '../../base/canonical-json.ts'
import type { JsonValue } from '../../base/json-value.ts'
import { compareText } from '../../base/position.ts'
import type {
  CompiledRoute,
  ExpectedFinding,
  ExpectedObligation,
  Finding,
  Obligation,
} from '../../model/generated/types.ts'
import type { DecisionActual, DecisionExpected } from '../../model/results.ts'

/** Routes of a policy, to see what they ask for. */
export type Routes = readonly CompiledRoute[]

/** What differs from what a test expects, in words that a person can act on; nothing when the test passes. */
export function differencesOf(
  expected: DecisionExpected,
  actual: DecisionActual,
  routes: Routes,
): string[] {
  const differences: string[] = []
  if (actual.verdict !== expected.verdict) {
    differences.push(`expected the verdict ${expected.verdict}, got ${actual.verdict}`)
  }
  const rules = [...new Set(actual.findings.map(({ rule }: Finding) => rule))]
  differences.push(...differenceOfSets('findings of', expected.rules, rules))
  for (const rule of expected.quiet ?? []) {
    if (rules.includes(rule)) differences.push(`expected no finding of ${rule}, got one`)
  }
  for (const finding of expected.findings ?? []) {
    if (actual.findings.some((one) => isSuchFinding(one, finding))) continue
    differences.push(`expected a finding ${wordsOf(finding)}, got none such`)
  }
  differences.push(...differenceOfSets('the route', expected.route, actual.route))
  differences.push(...differencesOfReviews(expected, actual, routes))
  differences.push(...differencesOfObligations(expected.obligations, actual.obligations))
  differences.push(
    ...differenceOfValues('payload', expected.payload as JsonValue | undefined, actual.payload),
  )
  const result = expected.result as JsonValue | undefined
  differences.push(...differenceOfValues('result', result, actual.result))
  return differences
}

function differenceOfSets(
  what: string,
  expected: readonly string[] | undefined,
  actual: readonly string[],
): string[] {
  if (expected === undefined || isSameSet(expected, actual)) return []
  return [`expected ${what} ${listOf(expected)}, got ${listOf(actual)}`]
}

function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  return [...a].sort(compareText).join('\n') === [...b].sort(compareText).join('\n')
}

function listOf(names: readonly string[]): string {
  return names.length === 0 ? 'none' : [...names].sort(compareText).join(', ')
}

function isSuchFinding(finding: Finding, expected: ExpectedFinding): boolean {
  const { message, ...rest } = expected
  if (message !== undefined && !finding.message.includes(message)) return false
  return Object.entries(rest).every(
    ([key, value]) => Object.hasOwn(finding, key) && finding[key as keyof typeof rest] === value,
  )
}

/** What was asked for, as the author wrote it. */
function wordsOf(expected: object): string {
  return Object.entries(expected)
    .map(([key, value]) => `${key} ${Array.isArray(value) ? listOf(value) : value}`)
    .join(', ')
}

function differencesOfReviews(
  { reviews = {} }: DecisionExpected,
  { route }: DecisionActual,
  routes: Routes,
): string[] {
  return Object.entries(reviews).flatMap(([id, { quorum, reviewers }]) => {
    const found = routes.find((one) => one.id === id)
    if (found === undefined || !route.includes(id)) {
      return [`expected reviews on the route ${id}, got the route ${listOf(route)}`]
    }
    return [
      ...(quorum === undefined || quorum === found.quorum
        ? []
        : [`expected the quorum ${quorum} on the route ${id}, got ${found.quorum}`]),
      ...differenceOfSets(`on the route ${id} the reviewers`, reviewers, found.reviewers),
    ]
  })
}

function differencesOfObligations(
  expected: readonly ExpectedObligation[] | undefined,
  actual: readonly Obligation[],
): string[] {
  if (expected === undefined) return []
  const missed = expected.filter((one) => !actual.some((other) => isSuchObligation(other, one)))
  const more = actual.filter((one) => !expected.some((other) => isSuchObligation(one, other)))
  return [
    ...missed.map((one) => `expected the obligation ${wordsOf(one)}, got none such`),
    ...more.map(
      ({ kind, paths, rule }) =>
        `expected no other obligation, got ${kind} ${listOf(paths)} of ${rule}`,
    ),
  ]
}

function isSuchObligation(
  obligation: Obligation,
  { kind, paths, rule }: ExpectedObligation,
): boolean {
  return (
    (kind === undefined || kind === obligation.kind) &&
    (rule === undefined || rule === obligation.rule) &&
    (paths === undefined || isSameSet(paths, obligation.paths))
  )
}

const VALUE_LENGTH_MAX = 1000

function differenceOfValues(
  what: string,
  expected: JsonValue | undefined,
  actual: JsonValue | undefined,
): string[] {
  if (expected === undefined) return []
  const [wanted, found] = [
    canonicalize(expected),
    actual === undefined ? 'none' : canonicalize(actual),
  ]
  return wanted === found ? [] : [`expected the ${what} ${clip(wanted)}, got ${clip(found)}`]
}

function clip(text: string): string {
  if (text.length <= VALUE_LENGTH_MAX) return text
  return `${text.slice(0, VALUE_LENGTH_MAX).toWellFormed()}…`
}
