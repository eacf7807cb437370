import { formatDuration, parseDuration } from '../../base/duration.ts'
import { PolicyError } from '../../base/errors.ts'
import { WINDOW_MS_MAX } from '../../base/limits.ts'
import { nearest } from '../../base/nearest.ts'
import type { Path } from '../../base/path.ts'
import { parsePath } from '../../base/path.ts'
import type {
  DecisionTest,
  FieldTest,
  Person,
  Project,
  Route,
  Rule,
} from '../../model/generated/types.ts'
import type { Documents, Entry } from './documents.ts'
import { checkPattern } from './patterns.ts'
import type { Report } from './report.ts'

/** Checks what stands in one entry alone: paths, durations, times, patterns, operators and kinds. */
export function checkFields(documents: Documents, report: Report): void {
  for (const entry of documents.projects) checkProject(entry, report)
  for (const entry of documents.rules) checkRule(entry, report)
  for (const entry of documents.routes) checkRoute(entry, report)
  for (const entry of documents.people) checkPerson(entry, report)
  for (const entry of documents.tests) checkTest(entry, report)
}

/** The kinds of guardrails; a rule has at most one. */
export const RULE_KINDS = ['scope', 'velocity', 'loop', 'pattern', 'flow'] as const

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
const TREES = ['payload', 'context']
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
]

function pathProblem(text: string, roots: readonly string[], below = false): string | null {
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

function checkProject(entry: Entry<Project>, report: Report): void {
  checkTime(entry, '/valid_until', entry.value.valid_until, report)
}

function checkRule(entry: Entry<Rule>, report: Report): void {
  const rule = entry.value
  const kinds = RULE_KINDS.filter((kind) => Object.hasOwn(rule, kind))
  for (const kind of kinds.slice(1)) {
    const message = `a rule has one kind at most, found ${kinds.join(' and ')}; make two rules of it`
    report.error(entry.keyAt(`/${kind}`), 'RULE_KIND_AMBIGUOUS', message)
  }
  rule.when?.forEach((test, index) => {
    checkFieldTest(entry, `/when/${index}`, test, report)
  })
  if (rule.pattern !== undefined) checkFieldTest(entry, '/pattern', rule.pattern, report)
  for (const kind of ['velocity', 'loop', 'flow'] as const) {
    checkBy(entry, `/${kind}/by`, rule[kind]?.by, report)
  }
  checkDuration(entry, '/velocity/per', rule.velocity?.per, report)
  checkDuration(entry, '/flow/within', rule.flow?.within, report)
  checkObligations(entry, report)
}

function checkObligations(entry: Entry<Rule>, report: Report): void {
  const { then, redact, route } = entry.value
  if (then === 'redact' && redact === undefined) {
    const message = '"then: redact" needs the key "redact": the fields of the payload to mask'
    report.error(entry.at('/then'), 'KEY_MISSING', message)
  }
  if (then === 'deny' && redact !== undefined) {
    const message = 'what is denied never runs, so nothing is masked; leave "redact" out or hold'
    report.error(entry.keyAt('/redact'), 'VALUE_INVALID', message)
  }
  if (then !== 'hold' && route !== undefined) {
    report.warn(
      entry.keyAt('/route'),
      'VALUE_INVALID',
      'only a hold is reviewed; this route is never taken',
    )
  }
  redact?.forEach((path, index) => {
    const problem = pathProblem(path, ['payload'], true)
    if (problem !== null) report.error(entry.at(`/redact/${index}`), 'PATH_INVALID', problem)
  })
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

function checkFieldTest(entry: Entry<Rule>, at: string, test: FieldTest, report: Report): void {
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

function checkOnePattern(entry: Entry<Rule>, at: string, pattern: string, report: Report): void {
  const problem = checkPattern(pattern)
  if (problem !== null) report.error(entry.at(at), problem.code, problem.message)
}

function checkPath(entry: Entry<unknown>, at: string, path: string, report: Report): void {
  const problem = fieldProblem(path)
  if (problem !== null) report.error(entry.at(at), 'PATH_INVALID', problem)
}

function checkBy(
  entry: Entry<unknown>,
  at: string,
  by: readonly string[] | undefined,
  report: Report,
): void {
  by?.forEach((path, index) => {
    checkPath(entry, `${at}/${index}`, path, report)
  })
}

function checkRoute(entry: Entry<Route>, report: Report): void {
  checkDuration(entry, '/time_out', entry.value.time_out, report)
  if (entry.value.reviewers === undefined && entry.value.roles === undefined) {
    report.error(
      entry.at(),
      'KEY_MISSING',
      `route ${JSON.stringify(entry.value.id)} needs "reviewers" or "roles"`,
    )
  }
  entry.value.show?.forEach((path, index) => {
    const problem = pathProblem(path, TREES, true)
    if (problem !== null) report.error(entry.at(`/show/${index}`), 'PATH_INVALID', problem)
  })
}

function checkPerson(entry: Entry<Person>, report: Report): void {
  entry.value.keys?.forEach((key, index) => {
    for (const name of ['valid_from', 'valid_until', 'revoked_at'] as const) {
      checkTime(entry, `/keys/${index}/${name}`, key[name], report)
    }
    const { valid_from: from, valid_until: until } = key
    if (from !== undefined && until !== undefined && Date.parse(from) >= Date.parse(until)) {
      const message = 'expected an end after "valid_from"; this key is never valid'
      report.error(entry.at(`/keys/${index}/valid_until`), 'VALUE_INVALID', message)
    }
  })
}

function checkTest(entry: Entry<DecisionTest>, report: Report): void {
  checkTime(entry, '/start', entry.value.start, report)
  entry.value.tests.forEach((test, index) => {
    checkMoment(entry, `/tests/${index}/action/at`, test.action.at, report)
    test.given?.forEach((step, given) => {
      checkMoment(entry, `/tests/${index}/given/${given}/at`, step.at, report)
    })
  })
}

/** A time, or a span of any length that a duration may have. */
function checkMoment(
  entry: Entry<unknown>,
  at: string,
  text: string | undefined,
  report: Report,
): void {
  if (text === undefined) return
  if (text.endsWith('Z')) {
    checkTime(entry, at, text, report)
    return
  }
  try {
    parseDuration(text)
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    report.error(entry.at(at), 'DURATION_INVALID', error.message)
  }
}

function checkDuration(
  entry: Entry<unknown>,
  at: string,
  text: string | undefined,
  report: Report,
): void {
  const problem = text === undefined ? null : durationProblem(text)
  if (problem !== null) report.error(entry.at(at), 'DURATION_INVALID', problem)
}

function checkTime(
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
