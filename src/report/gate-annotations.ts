import type { ErrorCode } from '../base/errors.ts'
import type { PolicyGate } from '../model/gate.ts'
import type { ChangeProblem, Weakening } from '../model/policy-change.ts'
import {
  type Annotation,
  annotationsOfCheck,
  annotationsOfTests,
  documentationUrl,
} from './annotations.ts'
import { flipSum } from './diff-text.ts'
import { gateFromTop, projectPlace } from './gate-places.ts'
import { uncovered } from './gate-tests.ts'

/**
 * Marks for the lines of a change, with files from the repository's top: what is wrong with the policy, tests that fail,
 * what is weakened, as an error while its reviews are missing and else as a warning, and rules whose recorded decisions
 * flip. What stands nowhere is marked at the project file.
 */
export function annotationsOfGate(gate: PolicyGate): Annotation[] {
  const placed = gateFromTop(gate)
  const { check, tests } = placed
  const found = check === null ? [] : annotationsOfCheck(check)
  const known = new Set(found.map(placeKey))
  const problems = placed.problems
    // Its details are marks of their own.
    .filter(({ code }) => !isDetailed(placed, code))
    .map((problem) => problemMark(problem, gate.folder))
  return [
    ...found,
    ...(tests === null ? [] : annotationsOfTests(tests)),
    ...coverageMarks(placed),
    ...problems.filter((mark) => !known.has(placeKey(mark))),
    ...weakenedMarks(placed, gate.folder),
    ...flipMarks(placed, gate.folder),
  ]
}

/** Routes of a gate that still need somebody; all of them where nobody was asked. */
export function routesMissing({ approvals, routes }: PolicyGate): ReadonlySet<string> {
  if (approvals === null) return new Set(routes)
  const waiting = approvals.flatMap((report) =>
    report.routes.filter(({ missing }) => missing > 0).map(({ id }) => id),
  )
  // Where nothing could be signed, nobody has reviewed anything.
  const unasked = approvals.every(({ verdict, routes: asked }) => {
    return verdict === 'closed' && asked.length === 0
  })
  return new Set(unasked ? routes : waiting)
}

function placeKey({ id, file, line, column }: Annotation): string {
  return [id, file, line, column].join('\n')
}

function isDetailed({ check, tests }: PolicyGate, code: string): boolean {
  if (code === 'GATE_CHECK_FAILED') return (check?.diagnostics.length ?? 0) > 0
  return code === 'GATE_TESTS_FAILED' && (tests?.failed ?? 0) > 0
}

function problemMark({ code, message, about, place }: ChangeProblem, folder: string): Annotation {
  const words = about === undefined || message.includes(about) ? message : `${about}: ${message}`
  return {
    id: code,
    url: documentationUrl(code as ErrorCode), // Each comes from an error of ours.
    level: 'error',
    ...(place ?? projectPlace(folder)),
    message: words,
  }
}

function weakenedMarks(gate: PolicyGate, folder: string): Annotation[] {
  const missing = routesMissing(gate)
  return gate.weakenings.map((one: Weakening): Annotation => {
    const waits = missing.has(one.route)
    const state = waits ? 'is missing reviews' : 'is approved'
    return {
      id: `policy ${one.direction}`,
      level: waits ? 'error' : 'warning',
      ...(one.place ?? projectPlace(folder)),
      message: `${one.part} ${one.id}: ${one.message}; needs the route ${one.route}, which ${state}`,
    }
  })
}

function coverageMarks({ tests, coverage }: PolicyGate): Annotation[] {
  const measured = tests?.coverage ?? null
  if (measured === null || coverage === null || coverage.reached) return []
  return uncovered(measured).map(({ file, line, what }) => ({
    ...{ id: 'GATE_COVERAGE_LOW', url: documentationUrl('GATE_COVERAGE_LOW'), level: 'warning' },
    ...{ file, line, column: 1, message: `no test reaches this: ${what}` },
  }))
}

function flipMarks({ diff }: PolicyGate, folder: string): Annotation[] {
  return (diff?.flips?.rules ?? []).map((one) => {
    const change = diff?.changes.find(({ id, part }) => id === one.rule && part === 'rule')
    const place = change?.after ?? change?.before ?? projectPlace(folder)
    return { id: 'decisions flip', level: 'warning', ...place, message: flipSum(one) }
  })
}
