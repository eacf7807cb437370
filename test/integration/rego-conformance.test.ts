import { expect, test } from 'vitest'
import { REPOSITORY, run } from './support/host.ts'

/** As many of OPA's cases as must pass, whatever is explained. */
const PASSED_MIN = 2_250

test("OPA's conformance cases pass on both back ends, or are explained, and the page is current", () => {
  const { code, stdout, stderr } = run(
    process.execPath,
    ['scripts/rego-conformance/run.ts', '--format', 'json', '--check'],
    { cwd: REPOSITORY },
  )
  const report: unknown = JSON.parse(stdout)
  expect(report, stderr).toMatchObject({ cases: 2_392, unexplained: 0, stale: [], page: 'current' })
  const { back_ends } = report as {
    readonly back_ends: Readonly<Record<string, Readonly<Record<string, number>>>>
  }
  for (const [name, totals] of Object.entries(back_ends)) {
    const { cases, passed = 0, failed = 0, refused = 0 } = totals
    expect(passed, name).toBeGreaterThanOrEqual(PASSED_MIN)
    expect(passed + failed + refused, name).toBe(cases)
  }
  expect(code, stderr).toBe(0)
})
