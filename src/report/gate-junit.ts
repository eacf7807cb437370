import type { PolicyGate } from '../model/gate.ts'
import type { ChangeReport, NeededRoute } from '../model/policy-change.ts'
import { gateFromTop, projectPlace } from './gate-places.ts'
import { checkSuite, type JunitCase, type JunitSuite, junitDocument, testSuites } from './junit.ts'

/** A gate as JUnit XML: its check, its tests, each route of each pull request, and what else stands against it. */
export function gateJunit(gate: PolicyGate): string {
  const placed = gateFromTop(gate)
  const { check, tests } = placed
  const { file } = projectPlace(gate.folder)
  return junitDocument([
    ...(check === null ? [] : [checkSuite(check)]),
    ...(tests === null ? [] : testSuites(tests)),
    { name: 'reviews', cases: reviewCases(placed, file) },
    verdictSuite(placed, file),
  ])
}

function reviewCases({ approvals, routes }: PolicyGate, file: string): JunitCase[] {
  if (approvals !== null) return approvals.flatMap((report) => routeCases(report, file))
  const failure = { type: 'hold', message: 'no pull request was named', text: '' }
  return routes.map((name) => ({ group: 'reviews', name, file, failure }))
}

function routeCases({ pull, routes, reason }: ChangeReport, file: string): JunitCase[] {
  return routes.map(({ id, missing, reviewers }: NeededRoute): JunitCase => {
    const about = { group: `pull/${pull.number}`, name: id, file }
    if (missing === 0) return about
    const message = `${missing} more of ${reviewers.join(', ')}`
    return { ...about, failure: { type: 'hold', message, text: reason } }
  })
}

/** The gate as a whole, so that a run with nothing else wrong still shows what keeps it. */
function verdictSuite({ verdict, reason, problems }: PolicyGate, file: string): JunitSuite {
  const text = problems.map(({ code, message }) => `${code}: ${message}`).join('\n')
  const about = { group: 'gate', name: 'verdict', file }
  const failed = { ...about, failure: { type: verdict, message: reason, text } }
  return { name: 'gate', cases: [verdict === 'allow' ? about : failed] }
}
