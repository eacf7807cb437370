import type { TestCoverage, TestReport } from '../model/results.ts'

/** One test that failed, in words. */
export type FailedTest = {
  readonly name: string
  readonly file: string
  readonly line: number
  readonly message: string
}

/** The tests that failed, decision tests first. */
export function failedTests({ decisions, rego }: TestReport): FailedTest[] {
  const failed = rego.filter(({ outcome }) => outcome === 'fail' || outcome === 'error')
  return [
    ...decisions
      .filter(({ passed }) => !passed)
      .map(({ name, file, line, differences }) => ({
        ...{ name, file, line, message: differences.join('; ') },
      })),
    ...failed.map(({ package: group, name, file, line, message }) => ({
      ...{ name: `${group}.${name}`, file, line, message: message ?? 'the test is not true' },
    })),
  ]
}

/** One thing that no test reaches. */
export type Uncovered = { readonly file: string; readonly line: number; readonly what: string }

/** What no test reaches: rules without a finding, then lines of Rego. */
export function uncovered({ rules, rego }: TestCoverage): Uncovered[] {
  const missed = rules.rules
    .filter(({ found }) => found === 0)
    .map(({ rule, file, line }) => ({ file, line, what: `rule ${rule}` }))
  const files = Object.entries(rego?.files ?? {})
  const lines = files.flatMap(([file, one]) =>
    one.missed.map((line) => ({ file, line, what: 'a line of Rego' })),
  )
  return [...missed, ...lines]
}
