import { parseDuration } from '../../base/duration.ts'
import { PolicyError } from '../../base/errors.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../base/json-value.ts'
import { dropPath, parsePath, readPath } from '../../base/path.ts'
import { parseAction } from '../../model/action.ts'
import type {
  DecisionTestCase,
  DecisionTestRow,
  Expectation,
  StepOrFixture,
  TestStep,
} from '../../model/generated/types.ts'
import type { JudgedAction } from '../../model/nouns.ts'
import type { DecisionExpected } from '../../model/results.ts'
import { PLACEHOLDER } from '../compile/decision-tests.ts'
import type { Fixtures, TestDocument } from '../compile/fixtures.ts'
import { asStep, chainOf, fixturesOf, sharedFixtures } from '../compile/fixtures.ts'
import { REPLAY_EPOCH, REPLAY_STEP_MS } from './judging.ts'

/** One case of a decision test, ready to run: fixtures and tables unfolded, times fixed. */
export type TestCase = {
  readonly name: string
  readonly file: string
  readonly line: number
  readonly column: number
  readonly expected: DecisionExpected
  /** In order, the last being the one that is tested; or why there are none. */
  readonly steps: readonly TimedAction[] | PolicyError
}

/** An action and when it takes place, in Unix milliseconds. */
export type TimedAction = { readonly action: JudgedAction; readonly now: number }

/**
 * The cases of decision tests, in the order of the documents. A step takes place one second after the one before,
 * unless it says when.
 *
 * @param project - the policy's
 * @param selects - leaves out the cases whose name it refuses
 */
export function casesOf(
  documents: readonly TestDocument[],
  project: string,
  selects: (name: string) => boolean = () => true,
): TestCase[] {
  const shared = sharedFixtures(documents)
  return documents.flatMap((document) => {
    const context: Context = { document, fixtures: fixturesOf(document, shared), project }
    return (document.value.tests ?? []).flatMap((test, index) =>
      rowsOf(test).flatMap((row, at) => {
        const one = caseOf(context, test, row, { index, row: at })
        return selects(one.name) ? [one] : []
      }),
    )
  })
}

/** Actions of one case, those that are repeated counted each time. */
const STEPS_MAX = 20_000

type Context = {
  readonly document: TestDocument
  readonly fixtures: Fixtures
  readonly project: string
}

/** A test without cases is one whose only row changes nothing. */
function rowsOf(test: DecisionTestCase): readonly (DecisionTestRow | null)[] {
  return test.cases ?? [null]
}

function caseOf(
  context: Context,
  test: DecisionTestCase,
  row: DecisionTestRow | null,
  at: { readonly index: number; readonly row: number },
): TestCase {
  const expect: Expectation = { ...test.expect, ...row?.expect }
  const pointer = `/tests/${at.index}${row === null ? '' : `/cases/${at.row}`}`
  const { file, line, column } = context.document.at(pointer)
  const of = (steps: TestCase['steps'], tested: JsonObject): TestCase => ({
    name: nameOf(test, row, at.row, { ...tested, verdict: expect.verdict ?? null }),
    ...{ file, line, column, steps },
    expected: { ...expect, verdict: expect.verdict ?? 'deny' },
  })
  try {
    const tested = unfold(context, test.action, row?.action)
    return of(stepsOf(context, row?.given ?? test.given ?? [], tested), tested)
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    return of(error, {})
  }
}

function nameOf(
  test: DecisionTestCase,
  row: DecisionTestRow | null,
  index: number,
  values: JsonObject,
): string {
  if (row === null) return test.name
  const filled = test.name.replaceAll(PLACEHOLDER, (_, path: string) => shown(values, path))
  if (row.name !== undefined) return `${filled} / ${row.name}`
  return filled === test.name ? `${filled} / ${index + 1}` : filled
}

const SHOWN_LENGTH_MAX = 64

function shown(values: JsonObject, path: string): string {
  const found = readPath(values, parsePath(path)).map(({ value }) =>
    typeof value === 'string' ? value : JSON.stringify(value),
  )
  const text = found.length === 0 ? 'missing' : found.join(', ')
  return text.length <= SHOWN_LENGTH_MAX
    ? text
    : `${text.slice(0, SHOWN_LENGTH_MAX).toWellFormed()}…`
}

function stepsOf(
  context: Context,
  given: readonly StepOrFixture[],
  tested: JsonObject,
): TimedAction[] {
  const { start: text } = context.document.value
  const start = text === undefined ? REPLAY_EPOCH : timeOf(text)
  const steps: TimedAction[] = []
  const add = (fields: JsonObject): void => {
    const { at, times = 1, every, ...action } = fields as JsonObject & TestStep
    const judged = actionOf(context, action)
    const span = every === undefined ? REPLAY_STEP_MS : parseDuration(every)
    const last = steps.at(-1)?.now
    const next = last === undefined ? start : last + REPLAY_STEP_MS
    const first = at === undefined ? next : momentOf(at, start)
    if (steps.length + times > STEPS_MAX) {
      const message = `expected at most ${STEPS_MAX} actions in one test`
      throw new PolicyError('VALUE_INVALID', message)
    }
    for (let done = 0; done < times; done++) {
      steps.push({ action: judged, now: first + done * span })
    }
  }
  for (const step of given) add(unfold(context, step, undefined))
  add(tested)
  return steps
}

/**
 * A step with all that it starts from: the document's defaults, of which a payload or context is taken as a whole;
 * the fixture that it or the test names; what the test says; what the case says.
 */
function unfold(
  { document, fixtures }: Context,
  step: StepOrFixture | undefined,
  change: StepOrFixture | undefined,
): JsonObject {
  const [own, over] = [asStep(step), asStep(change)]
  const fixture = over.fixture ?? own.fixture
  const defaults = document.value.defaults ?? {}
  const layers = (name: string | undefined): readonly TestStep[] =>
    name === undefined ? [] : chainOf(fixtures, name)
  let fields: JsonObject = {}
  for (const layer of [...layers(defaults.fixture), defaults]) fields = merged(fields, layer)
  const whole = new Set(Object.keys(fields))
  for (const layer of [...layers(fixture), own, over]) {
    fields = merged(fields, layer, whole)
  }
  return fields
}

/** @param whole - keys whose value is replaced as a whole, once */
function merged(fields: JsonObject, layer: TestStep, whole: Set<string> = new Set()): JsonObject {
  const { fixture: _, without = [], ...own } = layer
  let result: JsonObject = { ...fields }
  for (const [key, value] of Object.entries(own as JsonObject)) {
    const before = Object.hasOwn(result, key) && !whole.has(key) ? result[key] : undefined
    result = { ...result, [key]: TREES.has(key) ? deepMerged(before, value) : value }
    whole.delete(key)
  }
  for (const path of without) result = dropPath(result, parsePath(path)) as JsonObject
  return result
}

const TREES: ReadonlySet<string> = new Set(['payload', 'context', 'result'])

/** Objects are merged member by member; anything else takes the place of what was there. */
function deepMerged(before: JsonValue | undefined, after: JsonValue): JsonValue {
  if (!isJsonObject(before) || !isJsonObject(after)) return after
  const members = Object.entries(after).map(
    ([key, value]) =>
      [key, deepMerged(Object.hasOwn(before, key) ? before[key] : undefined, value)] as const,
  )
  return { ...before, ...Object.fromEntries(members) }
}

function actionOf({ project }: Context, fields: JsonObject): JudgedAction {
  return parseAction(fields, { project, agents: ['*'], role: 'agent' })
}

function momentOf(at: string, start: number): number {
  return at.includes('T') ? timeOf(at) : start + parseDuration(at)
}

function timeOf(text: string): number {
  const time = Date.parse(text)
  if (!Number.isNaN(time)) return time
  throw new PolicyError('VALUE_INVALID', `expected a time that the calendar has, found ${text}`)
}
