import type { RegoCoverage } from '../model/rego.ts'
import type { RuleCoverage, TestCoverage } from '../model/results.ts'
import { type Paint, visible } from './paint.ts'

/**
 * Coverage for people: the shares, and what no test reaches.
 *
 * @param detailed - every rule, route and tool with its counts, instead of the rules that no test finds
 */
export function coverageText(coverage: TestCoverage, paint: Paint, detailed: boolean): string {
  const { rules, rego } = coverage
  const ofRules = detailed ? countsText(rules) : missedRulesText(rules, paint)
  return `${sharesText(rules)}${ofRules}${rego === null ? '' : regoText(rego, paint)}`
}

/** Whether rules and lines of Rego are both covered to at least this share, in percent. */
export function isCovered({ rules, rego }: TestCoverage, percentMin: number): boolean {
  return rules.percent >= percentMin && (rego === null || rego.percent >= percentMin)
}

function sharesText({ percent, rules }: RuleCoverage): string {
  const found = rules.filter((rule) => rule.found > 0).length
  return `Rule coverage ${percent.toFixed(1)}% (${found} of ${rules.length} have a finding in a test)\n`
}

function missedRulesText({ rules }: RuleCoverage, paint: Paint): string {
  const missed = rules.filter(({ found }) => found === 0)
  const lines = missed.map(
    ({ rule, file, line }) =>
      `  ${visible(file)}:${line}: no test has a finding of ${visible(rule)}\n`,
  )
  return paint.dim(lines.join(''))
}

function countsText({ rules, routes, tools }: RuleCoverage): string {
  const lines = [
    ...rules.map(
      ({ rule, file, line, found, quiet }) =>
        `  rule ${rule}: a finding in ${found}, none in ${quiet}  ${file}:${line}`,
    ),
    ...routes.map(
      ({ route, file, line, taken }) => `  route ${route}: taken in ${taken}  ${file}:${line}`,
    ),
    ...tools.map(
      ({ tool, file, line, tests }) => `  tool ${tool}: called in ${tests}  ${file}:${line}`,
    ),
  ]
  return lines.map((line) => `${visible(line)}\n`).join('')
}

function regoText({ percent, files }: RegoCoverage, paint: Paint): string {
  const missed = Object.entries(files)
    .filter(([, { missed: lines }]) => lines.length > 0)
    .map(([file, { missed: lines }]) => `  ${visible(file)}: no test reaches ${rangesOf(lines)}\n`)
  return `Rego coverage ${percent.toFixed(1)}%\n${paint.dim(missed.join(''))}`
}

function rangesOf(lines: readonly number[]): string {
  const ranges: { from: number; to: number }[] = []
  for (const line of lines) {
    const last = ranges.at(-1)
    if (last !== undefined && line === last.to + 1) last.to = line
    else ranges.push({ from: line, to: line })
  }
  return ranges.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(', ')
}
