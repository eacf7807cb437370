import type { JsonValue } from '../../../base/json-value.ts'
import { ruleOfPackage } from '../../compile/decision-tests.ts'
import type { Documents } from '../../compile/index.ts'
import type { Report } from '../../compile/report.ts'
import type { LintInput } from './lint.ts'

/** Rules that no decision test expects, and Rego packages that no test of either kind is about. */
export function lintTests({ documents, loaded }: LintInput, report: Report): void {
  const { rego } = loaded.policy
  const expected = expectedNames(documents)
  const rules = documents.rules.filter(({ value }) => !expected.has(value.id))
  const packages = rego.filter(
    (one) =>
      !expected.has(ruleOfPackage({ name: one.package })) && !isTested(one.package, documents.rego),
  )
  if (rules.length + packages.length === 0) return
  const [project] = documents.projects
  if (documents.tests.length === 0 && project !== undefined) {
    const count = rules.length + packages.length
    const message = `no decision test at all, and ${count === 1 ? 'one rule' : `${count} rules`}; add a file of kind DecisionTest to tests/`
    report.warn(project.at('/project'), 'RULE_UNTESTED', message)
    return
  }
  for (const entry of rules) {
    const message = `no decision test expects a finding of ${JSON.stringify(entry.value.id)}; add one, with the rule below "rules"`
    report.warn(entry.at('/id'), 'RULE_UNTESTED', message)
  }
  for (const { package: name, file, line, column } of packages) {
    const message = `no test is about package ${name}; add Rego tests of it, or a decision test that expects ${ruleOfPackage({ name })}`
    report.warn({ file, line, column }, 'RULE_UNTESTED', message)
  }
}

/** Every name that tests expect a finding of. */
function expectedNames({ tests }: Documents): ReadonlySet<string> {
  const names = new Set<string>()
  for (const { value } of tests) {
    for (const test of value.tests ?? []) collect(names, test as unknown as JsonValue, false)
  }
  return names
}

/** Texts below `expect`, wherever that stands, but for what must stay quiet. */
function collect(names: Set<string>, value: JsonValue, inside: boolean): void {
  if (typeof value === 'string') {
    if (inside) names.add(value)
  } else if (Array.isArray(value)) {
    for (const item of value) collect(names, item as JsonValue, inside)
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      if (key !== 'quiet') collect(names, item as JsonValue, inside || key === 'expect')
    }
  }
}

/** Whether a Rego test is about a package: it names it, or stands in it. */
function isTested(name: string, rego: ReadonlyMap<string, string>): boolean {
  const names = new RegExp(`(?:\\bdata\\.|^package )${name.replaceAll('.', '\\.')}(?![\\w.])`, 'm')
  const reads = new RegExp(
    `\\bdata\\.${name.replaceAll('.', '\\.')}\\.(?:deny|hold|redact|warn)\\b`,
  )
  return [...rego.values()].some(
    (text) => HAS_TEST.test(text) && (names.test(text) || reads.test(text)),
  )
}

const HAS_TEST = /^\s*test_\w+/m
