import type { RegoTestResult } from '../model/rego.ts'
import type {
  CheckResult,
  DecisionTestResult,
  MutantResult,
  MutationReport,
  TestReport,
} from '../model/results.ts'

/** Test results as JUnit XML, the dialect that CI systems read: one suite a kind of test. */
export function testsJunit(report: TestReport): string {
  return junitDocument(testSuites(report))
}

/** The suites of a test report. */
export function testSuites(report: TestReport): JunitSuite[] {
  return [
    { name: 'decision tests', cases: report.decisions.map(decisionCase) },
    { name: 'rego tests', cases: report.rego.map(regoCase) },
  ]
}

/** Mutants as JUnit XML: a case for each, which fails when no test notices, and is skipped when none can. */
export function mutationJunit(report: MutationReport): string {
  return junitDocument([{ name: 'mutants', cases: report.mutants.map(mutantCase) }])
}

/** A check as JUnit XML: a case for each file, which fails with what was found in it at the fail level. */
export function checkJunit(result: CheckResult): string {
  return junitDocument([checkSuite(result)])
}

/** The suite of a check. */
export function checkSuite(result: CheckResult): JunitSuite {
  const files = [
    ...new Set([...result.files, ...result.diagnostics.map(({ file }) => file)]),
  ].sort()
  const cases = files.map((file): JunitCase => {
    const failing = result.diagnostics.filter(
      (found) =>
        found.file === file && (found.severity === 'error' || result.failLevel === 'warning'),
    )
    const [first] = failing
    if (first === undefined) return { group: 'check', name: file, file }
    const text = failing
      .map(({ line, column, code, message }) => `${file}:${line}:${column} ${code}: ${message}`)
      .join('\n')
    return {
      group: 'check',
      name: file,
      file,
      failure: { type: first.code, message: first.message, text },
    }
  })
  const ignored = result.suppressed.map(({ file, line, column, code, reason }): JunitCase => {
    const name = `${file}:${line}:${column} ${code}`
    return { group: 'ignored', name, file, line, skipped: true, why: reason }
  })
  return { name: 'check', cases: [...cases, ...ignored] }
}

/** Cases of one kind. */
export type JunitSuite = { readonly name: string; readonly cases: readonly JunitCase[] }

/** One case: passed unless it is skipped or has a failure. */
export type JunitCase = {
  readonly group: string
  readonly name: string
  readonly file: string
  readonly line?: number
  readonly seconds?: number
  readonly skipped?: boolean
  /** Why it is skipped. */
  readonly why?: string
  readonly failure?: { readonly type: string; readonly message: string; readonly text: string }
}

function decisionCase(result: DecisionTestResult): JunitCase {
  const { name, file, line, passed, differences } = result
  const text = differences.join('\n')
  const failure = { type: 'decision', message: differences[0] ?? '', text }
  return { group: file, name, file, line, ...(passed ? {} : { failure }) }
}

function mutantCase(mutant: MutantResult): JunitCase {
  const { rule, operator, change, file, line, outcome, reason = '' } = mutant
  const message = 'no test notices'
  const failure = { type: operator, message, text: `${file}:${line} ${change}: ${message}` }
  return {
    ...{ group: rule, name: `${operator}: ${change}`, file, line },
    ...(outcome === 'equivalent' ? { skipped: true, why: reason } : {}),
    ...(outcome === 'survived' ? { failure } : {}),
  }
}

function regoCase(result: RegoTestResult): JunitCase {
  const { package: group, name, file, line, outcome, duration_ms } = result
  const message = result.message ?? 'the test is not true'
  const failed = outcome === 'fail' || outcome === 'error'
  const text = [`${file}:${line} ${message}`, result.printed ?? ''].filter(Boolean).join('\n')
  return {
    ...{ group, name, file, line, seconds: duration_ms / 1000, skipped: outcome === 'skip' },
    ...(failed ? { failure: { type: outcome, message, text } } : {}),
  }
}

/** Suites as one JUnit XML document. */
export function junitDocument(suites: readonly JunitSuite[]): string {
  const all = suites.flatMap(({ cases }) => cases)
  const lines = suites.flatMap(({ name, cases }) => [
    `  <testsuite ${attributes({ name, ...counts(cases) })}>`,
    ...cases.map(caseText),
    '  </testsuite>',
  ])
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${attributes({ name: 'countersign', ...counts(all) })}>`,
    ...lines,
    '</testsuites>',
    '',
  ].join('\n')
}

function counts(cases: readonly JunitCase[]): Record<string, number> {
  return {
    tests: cases.length,
    failures: cases.filter(({ failure }) => failure !== undefined).length,
    errors: 0,
    skipped: cases.filter(({ skipped }) => skipped === true).length,
  }
}

function caseText(test: JunitCase): string {
  const { group, name, file, line, seconds, skipped, why, failure } = test
  const open = `    <testcase ${attributes({
    classname: group,
    name,
    file,
    ...(line === undefined ? {} : { line }),
    ...(seconds === undefined ? {} : { time: seconds.toFixed(3) }),
  })}`
  if (failure !== undefined) {
    const { type, message, text } = failure
    return `${open}>\n      <failure ${attributes({ type, message })}>${escapeXml(text)}</failure>\n    </testcase>`
  }
  if (skipped !== true) return `${open}/>`
  const message = why === undefined ? '' : ` ${attributes({ message: why })}`
  return `${open}><skipped${message}/></testcase>`
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}="${escapeXml(String(value)).replaceAll('\n', '&#10;')}"`)
    .join(' ')
}

function escapeXml(text: string): string {
  return text
    .replace(NOT_XML, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

// XML 1.0 has no way to write these, not even as references (section 2.2, Char).
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to keep out
const NOT_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu
