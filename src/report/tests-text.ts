import type { Finding } from '../model/generated/types.ts'
import type { RegoTestResult } from '../model/rego.ts'
import type { DecisionTestResult, TestReport } from '../model/results.ts'
import { plural } from './check-text.ts'
import { coverageText } from './coverage-text.ts'
import { type Paint, visible } from './paint.ts'

/**
 * Test results for people: what failed with all that is known of it, then the sums and the coverage.
 *
 * @param options.coverage - every rule, route and tool with its counts. Default: what no test reaches
 */
export function testsText(
  report: TestReport,
  paint: Paint,
  options: { readonly coverage?: boolean } = {},
): string {
  const failures = [
    ...report.decisions.filter(({ passed }) => !passed).map((test) => decisionText(test, paint)),
    ...report.rego.filter(({ outcome }) => outcome !== 'pass').map((test) => regoText(test, paint)),
  ]
  const { passed, failed, skipped } = report
  const sums = [
    passed > 0 || failed === 0 ? paint.green(`${passed} passed`) : '0 passed',
    failed > 0 ? paint.red(`${failed} failed`) : '0 failed',
    ...(skipped > 0 ? [paint.yellow(`${skipped} skipped`)] : []),
  ].join(', ')
  const kinds = `${plural(report.decisions.length, 'decision test')}, ${plural(report.rego.length, 'Rego test')}`
  const coverage =
    report.coverage === null ? '' : coverageText(report.coverage, paint, options.coverage === true)
  return `${failures.map((failure) => `${failure}\n`).join('')}${sums} (${kinds})\n${coverage}`
}

function decisionText(test: DecisionTestResult, paint: Paint): string {
  const { file, line, column, name, differences, actual } = test
  const findings = (actual?.findings ?? []).map((finding) => `    ${findingText(finding, paint)}`)
  return [
    `${paint.red('FAIL')} ${visible(name)} ${paint.dim(`${visible(file)}:${line}:${column}`)}`,
    ...differences.map((difference) => `  ${visible(difference)}`),
    ...(actual === null ? [] : [findings.length > 0 ? '  findings:' : '  no findings']),
    ...findings,
  ].join('\n')
}

/** One finding in one line: verdict, rule, what it says, and where the rule stands. */
export function findingText(finding: Finding, paint: Paint): string {
  const { rule, verdict, mode, message, code, route, file, line } = finding
  const shadow = mode === 'shadow' ? ' (shadow)' : ''
  const error = code === undefined ? '' : ` ${code}`
  const asked = route === undefined ? '' : ` -> ${route}`
  const place = file === '' ? '' : ` ${paint.dim(`${visible(file)}:${line}`)}`
  return `${verdictText(verdict, paint)}${shadow}${visible(asked)} ${visible(rule)}${error}: ${visible(message)}${place}`
}

export function verdictText(verdict: Finding['verdict'], paint: Paint): string {
  if (verdict === 'deny') return paint.red(verdict)
  return verdict === 'hold' ? paint.yellow(verdict) : paint.green(verdict)
}

function regoText(test: RegoTestResult, paint: Paint): string {
  const { package: name, name: rule, file, line, outcome, message, printed } = test
  const word = outcome === 'skip' ? paint.yellow('SKIP') : paint.red(outcome.toUpperCase())
  return [
    `${word} ${visible(`${name}.${rule}`)} ${paint.dim(`${visible(file)}:${line}`)}`,
    ...(message === undefined ? [] : [`  ${visible(message)}`]),
    ...(printed ?? '')
      .split('\n')
      .filter(Boolean)
      .map((text) => `  printed: ${visible(text)}`),
  ].join('\n')
}
