import type { Person, Project, Rule } from '../../model/generated/types.ts'
import { checkBudgets } from './budgets.ts'
import type { ChangeWord } from './changes.ts'
import { CHANGES, isChange, phasesOf } from './changes.ts'
import { checkFieldTest, checkTime, pathProblem } from './checks.ts'
import { checkDecisionTests } from './decision-tests.ts'
import type { Documents, Entry } from './documents.ts'
import { checkForge } from './forge.ts'
import { checkGrants } from './grants.ts'
import { kindsOf } from './kinds/index.ts'
import type { Report } from './report.ts'
import { checkRetention } from './retention.ts'
import { checkRoute } from './route-checks.ts'
import { checkToolFields } from './tools.ts'
import { checkUndoFields } from './undo.ts'

/** Checks what stands in one entry alone: paths, durations, times, patterns, operators and kinds. */
export function checkFields(documents: Documents, report: Report): void {
  for (const entry of documents.projects) checkProject(entry, report)
  for (const entry of documents.agents) checkBudgets(entry, report)
  for (const entry of documents.tools) checkToolFields(entry, report)
  for (const entry of documents.tools) checkUndoFields(entry, report)
  for (const entry of documents.rules) checkRule(entry, report)
  for (const entry of documents.routes) checkRoute(entry, report)
  for (const entry of documents.people) checkPerson(entry, report)
  checkDecisionTests(documents, report)
}

function checkProject(entry: Entry<Project>, report: Report): void {
  checkTime(entry, '/valid_until', entry.value.valid_until, report)
  checkForge(entry, report)
  checkGrants(entry, report)
  checkRetention(entry, report)
}

function checkRule(entry: Entry<Rule>, report: Report): void {
  const kinds = kindsOf(entry.value)
  for (const { kind } of kinds.slice(1)) {
    const names = kinds.map(({ kind: { name } }) => name).join(' and ')
    const message = `a rule has one kind at most, found ${names}; make two rules of it`
    report.error(entry.keyAt(`/${kind.name}`), 'RULE_KIND_AMBIGUOUS', message)
  }
  entry.value.when?.forEach((test, index) => {
    checkFieldTest(entry, `/when/${index}`, test, report)
  })
  for (const { kind, settings } of kinds) kind.check?.(entry, settings, report)
  checkShadow(entry, report)
  checkOutcome(
    entry,
    kinds.some(({ kind }) => kind.detects === true),
    report,
  )
}

function checkShadow(entry: Entry<Rule>, report: Report): void {
  const { mode, shadow_until: until } = entry.value
  checkTime(entry, '/shadow_until', until, report)
  if (until === undefined || mode === 'shadow') return
  const message = 'only a rule in "mode: shadow" ends it; this one is enforced already'
  report.warn(entry.keyAt('/shadow_until'), 'VALUE_INVALID', message)
}

/** What a rule asks for: its verdict, the fields to change, the route. */
function checkOutcome(entry: Entry<Rule>, detects: boolean, report: Report): void {
  const rule = entry.value
  const { then, route } = rule
  const phases = phasesOf(rule)
  if (isChange(then) && rule[then] === undefined && !detects) {
    const message = `"then: ${then}" needs the key "${then}": the fields to change`
    report.error(entry.at('/then'), 'KEY_MISSING', message)
  }
  if (then === 'hold' && phases.includes('result')) {
    const message = 'a result waits for nobody: change it with redact, tokenise or drop, or deny it'
    report.error(entry.at('/then'), 'VALUE_INVALID', message)
  }
  if (then !== 'hold' && route !== undefined) {
    const message = 'only a hold is reviewed; this route is never taken'
    report.warn(entry.keyAt('/route'), 'VALUE_INVALID', message)
  }
  for (const change of CHANGES) checkChange(entry, change, report)
}

function checkChange(entry: Entry<Rule>, change: ChangeWord, report: Report): void {
  const rule = entry.value
  const paths = rule[change]
  if (paths === undefined) return
  if (rule.then === 'deny') {
    const message = `what is denied never runs, so nothing is changed; leave "${change}" out or hold`
    report.error(entry.keyAt(`/${change}`), 'VALUE_INVALID', message)
  }
  const roots = phasesOf(rule).map((phase) => (phase === 'call' ? 'payload' : 'result'))
  paths.forEach((path, index) => {
    const problem = pathProblem(path, roots, !path.startsWith('result'))
    if (problem !== null) report.error(entry.at(`/${change}/${index}`), 'PATH_INVALID', problem)
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
  entry.value.delegates?.forEach(({ from, until }, index) => {
    const at = `/delegates/${index}`
    checkTime(entry, `${at}/from`, from, report)
    checkTime(entry, `${at}/until`, until, report)
    if (from === undefined || Date.parse(from) < Date.parse(until)) return
    const message = 'expected an end after "from"; nobody ever stands in so'
    report.error(entry.at(`${at}/until`), 'VALUE_INVALID', message)
  })
}
