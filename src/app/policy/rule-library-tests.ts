import { Document, isCollection, isMap, isScalar, isSeq, parseDocument, visit } from 'yaml'
import { PolicyError } from '../../base/errors.ts'
import { loadPolicy } from '../../decide/evaluate/index.ts'
import type {
  DecisionTest,
  DecisionTestCase,
  DecisionTestRow,
  Expectation,
  Rule,
} from '../../model/generated/types.ts'
import type { RegoCompiler } from '../../model/ports.ts'
import { runDecisionTests } from '../../policy/analyse/decision-tests.ts'
import { formatYaml } from '../../policy/analyse/format-yaml.ts'
import { compile, parseDocuments } from '../../policy/compile/index.ts'

/** An agent that no policy has. */
const NOBODY = 'nobody-of-the-library'

/**
 * The decision tests of rules of the library, for a policy that lacks the library's agent and tools: an agent that is in
 * no policy asks, so that everything is denied whatever else the policy says, and what is expected is whether the rule
 * speaks. Tests in which it cannot know without the tools, or without an earlier call that was let through, are left
 * out: each is run, and only those that pass are kept.
 *
 * @param rules - their folders
 * @returns texts by folder; none where no finding is left to test, or for Rego, which has tests of its own
 */
export async function portableTests(
  library: ReadonlyMap<string, string>,
  rules: readonly string[],
  rego: RegoCompiler,
): Promise<ReadonlyMap<string, string>> {
  const policy = new Map([...library].filter(([path]) => SETTING.has(path)))
  const adapted = new Map<string, DecisionTest>()
  for (const rule of rules) {
    const own = new Map([...library].filter(([path]) => path.startsWith(`${rule}/`)))
    const { rules: found, tests } = parseDocuments(own).documents
    const [test] = tests
    if (test === undefined || found.length === 0) continue
    adapted.set(rule, adapt(test.value, new Map(found.map(({ value }) => [value.id, value]))))
    for (const [path, text] of own) if (!path.endsWith('/tests.yaml')) policy.set(path, text)
  }
  return new Map(
    [...(await passingOf(adapted, policy, rego))]
      .filter(([, { tests = [] }]) => tests.some(findsSomething))
      .map(([rule, test]) => [rule, written(test)]),
  )
}

/**
 * Decision tests that go on to pass when rules of the library stand beside those that they are about: an action says what
 * the library asks of all, and other rules may have findings, too. Comments and anchors stay.
 */
export function besideLibrary(text: string): string {
  const document = parseDocument(text)
  for (const [key, value] of Object.entries(ASKED_OF_ALL)) document.setIn(['defaults', key], value)
  visit(document, {
    Pair(_, { key, value }) {
      if (!isScalar(key) || key.value !== 'expect' || !isMap(value)) return
      const rules = value.get('rules')
      value.delete('rules')
      value.delete('route')
      if (!isSeq(rules) || rules.items.length === 0) return
      const findings = rules.items.map((rule) => ({ rule: isScalar(rule) ? rule.value : rule }))
      value.set('findings', document.createNode(findings, { flow: true }))
    },
  })
  const changed = document.toString({ lineWidth: 0 })
  const laidOut = formatYaml('tests.yaml', changed)
  return 'text' in laidOut ? laidOut.text : changed
}

/** On whose behalf, and by which build. */
const ASKED_OF_ALL = {
  principal: 'ana@example.com',
  fingerprint: `sha256:${'0'.repeat(64)}`,
}

/** What a policy needs to hold anything; the agent and its tools are left out. */
const SETTING: ReadonlySet<string> = new Set(['countersign.yaml', 'setting/people.yaml'])

function findsSomething({ expect, cases = [] }: DecisionTestCase): boolean {
  return [expect, ...cases.map((row) => row.expect)].some((one) => one?.findings !== undefined)
}

type Rules = ReadonlyMap<string, Rule>

function adapt(test: DecisionTest, rules: Rules): DecisionTest {
  const tests = (test.tests ?? []).flatMap((one) => splitTest(one, rules))
  return { ...test, defaults: { ...test.defaults, agent: NOBODY }, tests }
}

/** A table becomes two: what the rule finds, and what it does not, since the verdict tells them apart no more. */
function splitTest(test: DecisionTestCase, rules: Rules): DecisionTestCase[] {
  const { cases, expect, ...rest } = test
  if (cases === undefined) {
    const own = adaptExpectation(expect ?? {}, rules)
    return own === null ? [] : [{ ...rest, expect: own.expect }]
  }
  return ([true, false] as const).flatMap((finds): DecisionTestCase[] => {
    const rows = cases.flatMap((row): DecisionTestRow[] => {
      const own = adaptExpectation({ ...expect, ...row.expect }, rules)
      return own === null || own.finds !== finds ? [] : [{ ...row, expect: own.expect }]
    })
    return rows.length === 0 ? [] : [{ ...rest, name: nameOf(test.name, finds), cases: rows }]
  })
}

function nameOf(name: string, finds: boolean): string {
  const rest = name.replace(/(?: ->|->| reaches.* as) \{\w+\}$/, '')
  const word = finds ? 'is found' : 'is not found'
  if (rest === '') return word
  return `${rest.replaceAll(/\{verdict\}/g, 'the verdict')} ${word}`
}

/** What a rule says by itself, whatever others say; null for a test that is about something else. */
function adaptExpectation(
  { rules: expected }: Expectation,
  rules: Rules,
): { readonly expect: Expectation; readonly finds: boolean } | null {
  if (expected === undefined) return null
  const found = [...rules.values()].filter(({ id }) => expected.includes(id))
  const finds = found.length > 0
  const findings = found.map(({ id, then }) => ({ rule: id, verdict: verdictOf(then) }))
  // A rule beside it in the file may speak of the unknown tool, whose effect may be any.
  const own = finds ? { findings } : { quiet: [...rules.keys()] }
  return { finds, expect: { verdict: 'deny', ...own } }
}

function verdictOf(then: Rule['then']): 'redact' | 'hold' | 'deny' {
  return then === 'hold' || then === 'deny' ? then : 'redact'
}

/** The tests that pass; of tables, the cases that do. */
async function passingOf(
  adapted: ReadonlyMap<string, DecisionTest>,
  policy: ReadonlyMap<string, string>,
  rego: RegoCompiler,
): Promise<ReadonlyMap<string, DecisionTest>> {
  const files = new Map(policy)
  for (const [rule, test] of adapted) files.set(`setting/${rule}.yaml`, JSON.stringify(test)) // JSON is YAML.
  const { bundle, diagnostics } = await compile(files, { rego })
  if (bundle === null) {
    const message = `the library does not compile: ${diagnostics[0]?.message}`
    throw new PolicyError('ENGINE_FAILED', message)
  }
  const loaded = loadPolicy(bundle)
  const { tests } = parseDocuments(files).documents
  return new Map(
    [...adapted].map(([rule, test]) => {
      const own = tests.filter(({ at }) => at().file === `setting/${rule}.yaml`)
      return [rule, withoutFailing(test, runDecisionTests(loaded, own))]
    }),
  )
}

/** @param results - of each test and each case of a table, in order */
function withoutFailing(
  test: DecisionTest,
  results: readonly { readonly passed: boolean }[],
): DecisionTest {
  let next = 0
  const passes = () => results[next++]?.passed === true
  const tests = (test.tests ?? []).flatMap((one): DecisionTestCase[] => {
    if (one.cases === undefined) return passes() ? [one] : []
    const cases = one.cases.filter(passes)
    return cases.length === 0 ? [] : [{ ...one, cases }]
  })
  return { ...test, tests }
}

const HEADER = `# yaml-language-server: $schema=https://countersign.dev/schemas/v1/decision-test.schema.json
# The agent is in no policy, so everything is denied, whatever the tools are. What counts is whether the rule speaks.
`

/** As a person would write it: what an action is and what is expected on one line each. */
function written(test: DecisionTest): string {
  const document = new Document(shared(test))
  for (const path of flowPaths(test)) {
    const node = document.getIn(path, true)
    if (isCollection(node)) node.flow = true
  }
  const text = HEADER + document.toString({ lineWidth: 0, singleQuote: true })
  const laidOut = formatYaml('tests.yaml', text)
  return 'text' in laidOut ? laidOut.text : text
}

/** The same with large parts that are equal as one object, so that they are written once and named after that. */
function shared(test: DecisionTest): unknown {
  const known = new Map<string, object>()
  const share = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value
    const copy = Array.isArray(value)
      ? value.map(share)
      : Object.fromEntries(Object.entries(value).map(([key, child]) => [key, share(child)]))
    const text = JSON.stringify(copy)
    if (text.length < SHARED_LENGTH_MIN) return copy
    const before = known.get(text)
    if (before === undefined) known.set(text, copy)
    return before ?? copy
  }
  return share(test)
}

const SHARED_LENGTH_MIN = 500 // Characters of JSON; what is shorter reads better where it stands.

type Place = readonly (string | number)[]

function flowPaths({ fixtures = {}, tests = [] }: DecisionTest): Place[] {
  const inside = (place: Place): Place[] => STEP_KEYS.map((key) => [...place, key])
  return [
    ['defaults'],
    ...Object.keys(fixtures).map((name) => ['fixtures', name]),
    ...tests.flatMap(({ cases = [] }, index) => [
      ...inside(['tests', index]),
      ...cases.flatMap((_, row) => inside(['tests', index, 'cases', row])),
    ]),
  ]
}

const STEP_KEYS = ['given', 'action', 'expect'] as const
