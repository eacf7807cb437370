import { parseDuration } from '../../base/duration.ts'
import { PolicyError } from '../../base/errors.ts'
import { compileGlob } from '../../base/glob.ts'
import { joinPointer } from '../../base/pointer.ts'
import type {
  DecisionTest,
  DecisionTestCase,
  DecisionTestRow,
  Expectation,
  Route,
  StepOrFixture,
  TestStep,
} from '../../model/generated/types.ts'
import { checkTime, fieldProblem, pathProblem } from './checks.ts'
import type { Documents, Entry } from './documents.ts'
import type { Fixtures } from './fixtures.ts'
import { asStep, chainOf, fixturesOf, sharedFixtures } from './fixtures.ts'
import type { PackageDraft } from './rego.ts'
import type { Report } from './report.ts'
import { suggestion } from './report.ts'

/** Checks the tests by themselves: times, fixtures, paths, and that each case says what it tests and expects. */
export function checkDecisionTests({ tests }: Documents, report: Report): void {
  const shared = sharedFixtures(tests)
  checkSharedNames(tests, report)
  for (const entry of tests) {
    const { value } = entry
    if (value.tests === undefined && value.fixtures === undefined) {
      report.error(entry.at(), 'KEY_MISSING', 'expected the key "tests" or "fixtures"')
    }
    const check: Check = { entry, fixtures: fixturesOf(entry, shared), report }
    checkTime(entry, '/start', value.start, report)
    checkStep(check, '/defaults', value.defaults, ONCE)
    for (const [name, step] of Object.entries(value.fixtures ?? {})) {
      checkStep(check, joinPointer('/fixtures', name), step, ONCE)
    }
    value.tests?.forEach((test, index) => {
      checkTest(check, `/tests/${index}`, test)
    })
  }
}

/** Checks what tests and routes say of the rest of the repository: rules and routes that they expect. */
export function checkExpectedNames(
  { tests, rules, routes, agents, broken, rego }: Documents,
  packages: readonly PackageDraft[],
  report: Report,
): void {
  const known: Known = {
    rules: broken.has('Guardrails')
      ? null
      : new Set([...rules.map(({ value }) => value.id), ...packages.map(ruleOfPackage)]),
    routes: broken.has('Routes') ? null : new Set(routes.map(({ value }) => value.id)),
    // A package whose metadata is refused is no draft: its findings may be meant.
    packagesWhole: rego.size === 0 || !report.diagnostics.some(isOfRego),
    budgets: broken.has('Agent') || agents.some(({ value }) => value.budgets !== undefined),
  }
  for (const entry of routes) checkGlobs(entry, known, report)
  for (const entry of tests) {
    entry.value.tests?.forEach(({ expect, cases }, index) => {
      checkNames(entry, `/tests/${index}/expect`, expect, known, report)
      cases?.forEach((one, at) => {
        checkNames(entry, `/tests/${index}/cases/${at}/expect`, one.expect, known, report)
      })
    })
  }
}

/** The id of a Rego package's findings. */
export function ruleOfPackage({ name }: { readonly name: string }): string {
  const path = name.replace(/^countersign\./, '').replaceAll('.', '/')
  return `rego/${path.replaceAll('_', '-')}`
}

type Check = {
  readonly entry: Entry<DecisionTest>
  readonly fixtures: Fixtures
  readonly report: Report
}

/** Whether a step stands where it may be done several times. */
type Repeats = 'once' | 'often'
const ONCE: Repeats = 'once'
const OFTEN: Repeats = 'often'

function checkSharedNames(tests: Documents['tests'], report: Report): void {
  const first = new Map<string, Entry<DecisionTest>>()
  const inOrder = [...tests].sort(
    (a, b) => Number(a.value.tests !== undefined) - Number(b.value.tests !== undefined),
  )
  for (const entry of inOrder) {
    for (const name of Object.keys(entry.value.fixtures ?? {})) {
      const before = first.get(name)
      if (before === undefined) {
        if (entry.value.tests === undefined) first.set(name, entry)
        continue
      }
      const { file, line, column } = before.keyAt(joinPointer('/fixtures', name))
      const message = `the shared fixture ${JSON.stringify(name)} is at ${file}:${line}:${column} already; keep one`
      report.error(entry.keyAt(joinPointer('/fixtures', name)), 'ID_DUPLICATE', message)
    }
  }
}

function checkTest(check: Check, at: string, test: DecisionTestCase): void {
  const { entry, report } = check
  checkSteps(check, `${at}/given`, test.given)
  checkStep(check, `${at}/action`, test.action, ONCE)
  test.cases?.forEach((one, index) => {
    checkSteps(check, `${at}/cases/${index}/given`, one.given)
    checkStep(check, `${at}/cases/${index}/action`, one.action, ONCE)
  })
  checkWhole(check, at, test)
  if (test.cases === undefined) return
  for (const [, text = ''] of test.name.matchAll(PLACEHOLDER)) {
    const problem = text === 'verdict' ? null : fieldProblem(text)
    if (problem !== null) report.error(entry.at(`${at}/name`), 'PATH_INVALID', problem)
  }
}

/** What stands in braces in the name of a table: a path, or `verdict`. */
export const PLACEHOLDER = /\{([^{}]*)\}/g

/** Every case must have an action and a verdict, of its own or of its test. */
function checkWhole({ entry, report }: Check, at: string, test: DecisionTestCase): void {
  const rows: readonly (DecisionTestRow | null)[] = test.cases ?? [null]
  rows.forEach((row, index) => {
    const place = row === null ? entry.at(at) : entry.at(`${at}/cases/${index}`)
    if (test.action === undefined && row?.action === undefined) {
      report.error(place, 'KEY_MISSING', 'the test lacks the key "action": the action to judge')
    }
    if (test.expect?.verdict === undefined && row?.expect?.verdict === undefined) {
      const message = 'the test lacks the key "verdict" in "expect": allow, redact, hold or deny'
      report.error(place, 'KEY_MISSING', message)
    }
  })
}

function checkSteps(check: Check, at: string, steps: readonly StepOrFixture[] | undefined): void {
  steps?.forEach((step, index) => {
    checkStep(check, `${at}/${index}`, step, OFTEN)
  })
}

function checkStep(
  check: Check,
  at: string,
  written: StepOrFixture | undefined,
  repeats: Repeats,
): void {
  if (written === undefined) return
  const { entry, report } = check
  const step = asStep(written)
  checkFixture(check, typeof written === 'string' ? at : `${at}/fixture`, step)
  checkMoment(entry, `${at}/at`, step.at, report)
  step.without?.forEach((path, index) => {
    const problem = pathProblem(path, FIELDS)
    if (problem !== null) report.error(entry.at(`${at}/without/${index}`), 'PATH_INVALID', problem)
  })
  for (const key of ['times', 'every'] as const) {
    if (step[key] === undefined || repeats === OFTEN) continue
    const message = `only a step of "given" is repeated; leave "${key}" out`
    report.error(entry.keyAt(`${at}/${key}`), 'VALUE_INVALID', message)
  }
  if (step.every === undefined) return
  checkSpan(entry, `${at}/every`, step.every, report)
  if (step.times !== undefined || repeats === ONCE) return
  report.error(entry.keyAt(`${at}/every`), 'KEY_MISSING', '"every" needs the key "times"')
}

/** Fields of a step that another may leave out. */
const FIELDS = [
  'payload',
  'context',
  'result',
  'agent',
  'session',
  'principal',
  'role',
  'service',
  'action',
  'priority',
  'fingerprint',
  'phase',
  'at',
]

function checkFixture({ entry, fixtures, report }: Check, at: string, step: TestStep): void {
  if (step.fixture === undefined) return
  try {
    chainOf(fixtures, step.fixture)
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    report.error(entry.at(at), error.code, error.message)
  }
}

/** A time, or a span of any length that a duration may have. */
function checkMoment(
  entry: Entry<unknown>,
  at: string,
  text: string | undefined,
  report: Report,
): void {
  if (text === undefined) return
  if (text.endsWith('Z')) checkTime(entry, at, text, report)
  else checkSpan(entry, at, text, report)
}

function checkSpan(entry: Entry<unknown>, at: string, text: string, report: Report): void {
  try {
    parseDuration(text)
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    report.error(entry.at(at), 'DURATION_INVALID', error.message)
  }
}

type Known = {
  /** Null where a broken file may hold what is missed. */
  readonly rules: ReadonlySet<string> | null
  readonly routes: ReadonlySet<string> | null
  readonly packagesWhole: boolean
  /** Whether an agent may have a budget: its findings are named after what it limits. */
  readonly budgets: boolean
}

function checkNames(
  entry: Entry<DecisionTest>,
  at: string,
  expect: Expectation | undefined,
  known: Known,
  report: Report,
): void {
  const rule = (pointer: string, name: string | undefined): void => {
    if (name === undefined || known.rules === null || isRule(name, known)) return
    const message = `no rule ${JSON.stringify(name)}${suggestion(name, known.rules)}`
    report.error(entry.at(`${at}/${pointer}`), 'REFERENCE_UNKNOWN', message)
  }
  const route = (pointer: string, name: string | undefined): void => {
    if (name === undefined || known.routes === null || known.routes.has(name)) return
    const message = `no route ${JSON.stringify(name)}${suggestion(name, known.routes)}`
    report.error(entry.keyAt(`${at}/${pointer}`), 'REFERENCE_UNKNOWN', message)
  }
  expect?.rules?.forEach((name, index) => {
    rule(`rules/${index}`, name)
  })
  expect?.quiet?.forEach((name, index) => {
    rule(`quiet/${index}`, name)
  })
  expect?.findings?.forEach((finding, index) => {
    rule(`findings/${index}/rule`, finding.rule)
    route(`findings/${index}/route`, finding.route)
  })
  expect?.obligations?.forEach((obligation, index) => {
    rule(`obligations/${index}/rule`, obligation.rule)
  })
  expect?.route?.forEach((name, index) => {
    route(`route/${index}`, name)
  })
  for (const name of Object.keys(expect?.reviews ?? {})) {
    route(`reviews/${name}`, name)
  }
}

/** A route for rules that are nowhere never adds itself. They may come yet, so that it is a warning. */
function checkGlobs(entry: Entry<Route>, known: Known, report: Report): void {
  const { rules } = known
  if (rules === null) return
  entry.value.on?.rules?.forEach((glob, index) => {
    const names = [...rules, ...ENGINE_RULES]
    if (isRule(glob, known) || names.some(compileGlob(glob))) return
    const message = `no rule ${JSON.stringify(glob)}${suggestion(glob, names)}`
    report.warn(entry.at(`/on/rules/${index}`), 'REFERENCE_UNKNOWN', message)
  })
}

/** The engine has rules of its own; those of files and packages must be there. */
function isRule(name: string, { rules, packagesWhole, budgets }: Known): boolean {
  if (name.startsWith('engine/') || rules?.has(name)) return true
  if (ENGINE_RULES.has(name) || (budgets && name.startsWith('budget/'))) return true
  return name.startsWith('rego/') && !packagesWhole
}

/** Rules of the engine that do not say so in their name. */
const ENGINE_RULES: ReadonlySet<string> = new Set([
  'scope/outside-agent-scope',
  'scope/principal-not-allowed',
])

function isOfRego({ file, severity }: Report['diagnostics'][number]): boolean {
  return severity === 'error' && file.endsWith('.rego')
}
