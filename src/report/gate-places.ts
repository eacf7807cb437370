import type { PolicyGate } from '../model/gate.ts'
import type { Place } from '../model/generated/types.ts'
import type { PolicyChange, PolicyDiff } from '../model/policy-diff.ts'
import type { CheckResult, TestCoverage, TestReport } from '../model/results.ts'

/** The same gate with every file of the policy named from the repository's top, where a pull request shows it. */
export function gateFromTop(gate: PolicyGate): PolicyGate {
  const { folder, check, tests, diff } = gate
  if (folder === '') return gate
  return {
    ...gate,
    folder: '',
    check: check === null ? null : checkBelow(folder, check),
    tests: tests === null ? null : testsBelow(folder, tests),
    diff: diff === null ? null : diffBelow(folder, diff),
  }
}

/** Where what has no place of its own is shown: at the project file. */
export function projectPlace(folder: string): Place {
  return { file: folder === '' ? PROJECT_FILE : `${folder}/${PROJECT_FILE}`, line: 1, column: 1 }
}

const PROJECT_FILE = 'countersign.yaml'

function below<T extends { readonly file: string }>(folder: string): (one: T) => T {
  return (one) => ({ ...one, file: `${folder}/${one.file}` })
}

function checkBelow(folder: string, check: CheckResult): CheckResult {
  return {
    ...check,
    files: check.files.map((file) => `${folder}/${file}`),
    diagnostics: check.diagnostics.map(below(folder)),
    suppressed: check.suppressed.map(below(folder)),
  }
}

function testsBelow(folder: string, tests: TestReport): TestReport {
  const { decisions, rego, coverage } = tests
  return {
    ...tests,
    decisions: decisions.map(below(folder)),
    rego: rego.map(below(folder)),
    coverage: coverage === null ? null : coverageBelow(folder, coverage),
  }
}

function coverageBelow(folder: string, { rules, rego }: TestCoverage): TestCoverage {
  const files = (all: NonNullable<TestCoverage['rego']>['files']) =>
    Object.fromEntries(Object.entries(all).map(([file, one]) => [`${folder}/${file}`, one]))
  return {
    rules: {
      ...rules,
      rules: rules.rules.map(below(folder)),
      routes: rules.routes.map(below(folder)),
      tools: rules.tools.map(below(folder)),
    },
    rego: rego === null ? null : { ...rego, files: files(rego.files) },
  }
}

function diffBelow(folder: string, diff: PolicyDiff): PolicyDiff {
  const place = (one: Place | null): Place | null =>
    one === null ? null : below<Place>(folder)(one)
  const changeBelow = (change: PolicyChange): PolicyChange => ({
    ...change,
    before: place(change.before),
    after: place(change.after),
    differences: change.differences.map((one) => ({
      ...one,
      before: place(one.before),
      after: place(one.after),
    })),
    sources: change.sources.map(below(folder)),
  })
  return { ...diff, changes: diff.changes.map(changeBelow) }
}
