import { formatDuration, parseDuration } from '../../base/duration.ts'
import { PolicyError } from '../../base/errors.ts'
import { WINDOW_MS_MAX } from '../../base/limits.ts'
import { nearest } from '../../base/nearest.ts'
import type { Path } from '../../base/path.ts'
import { parsePath } from '../../base/path.ts'
import type { FieldTest, Rule } from '../../model/generated/types.ts'
import { phasesOf } from './changes.ts'
import type { Entry } from './documents.ts'
import { checkPattern } from './patterns.ts'
import type { Report } from './report.ts'

/** What is wrong with a window or time-out, or null. */
export function durationProblem(text: string): string | null {
  try {
    const ms = parseDuration(text)
    if (ms <= WINDOW_MS_MAX) return null
    return `expected a duration of at most ${formatDuration(WINDOW_MS_MAX)}, found ${text}`
  } catch (error) {
    if (error instanceof PolicyError) return `${error.message}, found ${JSON.stringify(text)}`
    throw error
  }
}

/** What is wrong with a path to count by or to test, or null. */
export function fieldProblem(text: string): string | null {
  return pathProblem(text, [...TREES, ...WORDS])
}

/** Parts of an action that hold further fields, and those that are one value. */
export const TREES = ['payload', 'context', 'result']
const WORDS = [
  'agent',
  'session',
  'principal',
  'role',
  'service',
  'action',
  'priority',
  'project',
  'fingerprint',
  'phase',
]

export function pathProblem(text: string, roots: readonly string[], below = false): string | null {
  let path: Path
  try {
    path = parsePath(text)
  } catch (error) {
    if (error instanceof PolicyError) return error.message
    throw error
  }
  const [first, ...rest] = path.segments
  const root = first?.kind === 'member' ? first.name : ''
  if (!roots.includes(root)) {
    const meant = nearest(root, roots)
    const advice = meant === undefined ? '' : `; did you mean ${JSON.stringify(meant)}?`
    return `path ${JSON.stringify(text)}: expected it to start with ${roots.join(', ')}${advice}`
  }
  if (WORDS.includes(root) && rest.length > 0) {
    return `path ${JSON.stringify(text)}: ${root} is one value and has no fields`
  }
  if (below && rest.length === 0) {
    return `path ${JSON.stringify(text)}: expected a field of it, such as ${root}.amount`
  }
  return null
}

const OPERATORS = [
  'matches',
  'not_matches',
  'equals',
  'not_equals',
  'one_of',
  'none_of',
  'above',
  'below',
  'longer_than',
] as const

export function checkFieldTest(
  entry: Entry<unknown>,
  at: string,
  test: FieldTest,
  report: Report,
): void {
  const operators = OPERATORS.filter((key) => Object.hasOwn(test, key))
  if (operators.length === 0) {
    report.error(
      entry.at(at),
      'KEY_MISSING',
      `expected exactly one of ${OPERATORS.join(', ')}, found none`,
    )
  }
  for (const key of operators.slice(1)) {
    const message = `expected exactly one operator, found ${operators.join(' and ')}; make two tests of it`
    report.error(entry.keyAt(`${at}/${key}`), 'VALUE_INVALID', message)
  }
  if (test.path === undefined && test.paths === undefined) {
    report.error(entry.at(at), 'KEY_MISSING', 'expected the key "path" or "paths"')
  }
  if (test.path !== undefined && test.paths !== undefined) {
    const message = 'expected one of "path" and "paths", found both; put all into "paths"'
    report.error(entry.keyAt(`${at}/paths`), 'VALUE_INVALID', message)
  }
  if (test.path !== undefined) checkPath(entry, `${at}/path`, test.path, report)
  test.paths?.forEach((path, index) => {
    checkPath(entry, `${at}/paths/${index}`, path, report)
  })
  for (const key of ['matches', 'not_matches'] as const) {
    const patterns = test[key]
    if (typeof patterns === 'string') checkOnePattern(entry, `${at}/${key}`, patterns, report)
    if (!Array.isArray(patterns)) continue
    patterns.forEach((pattern, index) => {
      checkOnePattern(entry, `${at}/${key}/${index}`, pattern, report)
    })
  }
}

/** Defaults of a field test filled in. */
export function compileFieldTest(test: FieldTest): FieldTest {
  return { if_missing: 'find', ...test }
}

function checkOnePattern(entry: Entry<unknown>, at: string, pattern: string, report: Report): void {
  const problem = checkPattern(pattern)
  if (problem !== null) report.error(entry.at(at), problem.code, problem.message)
}

export function checkPath(entry: Entry<unknown>, at: string, path: string, report: Report): void {
  const problem = fieldProblem(path)
  if (problem !== null) report.error(entry.at(at), 'PATH_INVALID', problem)
}

/** A path below payload or result, of a rule that is about the phase which has it. */
export function checkContentPath(
  entry: Entry<Rule>,
  at: string,
  path: string,
  report: Report,
): void {
  const problem = pathProblem(path, ['payload', 'result'])
  if (problem !== null) report.error(entry.at(at), 'PATH_INVALID', problem)
  else if (path.startsWith('result') && !phasesOf(entry.value).includes('result')) {
    const message = 'a call has no result yet; write "on: { phase: result }"'
    report.error(entry.at(at), 'PATH_INVALID', message)
  }
}

export function checkBy(
  entry: Entry<unknown>,
  at: string,
  by: readonly string[] | undefined,
  report: Report,
): void {
  by?.forEach((path, index) => {
    checkPath(entry, `${at}/${index}`, path, report)
  })
}

export function checkDuration(
  entry: Entry<unknown>,
  at: string,
  text: string | undefined,
  report: Report,
): void {
  const problem = text === undefined ? null : durationProblem(text)
  if (problem !== null) report.error(entry.at(at), 'DURATION_INVALID', problem)
}

export function checkTime(
  entry: Entry<unknown>,
  at: string,
  text: string | undefined,
  report: Report,
): void {
  if (text === undefined) return
  const ms = Date.parse(text)
  // JavaScript reads 30 February as 1 or 2 March: what it prints back must be the same day and second.
  if (!Number.isNaN(ms) && new Date(ms).toISOString().slice(0, 19) === text.slice(0, 19)) return
  const message = `expected a moment that exists, found ${JSON.stringify(text)}`
  report.error(entry.at(at), 'VALUE_INVALID', message)
}
