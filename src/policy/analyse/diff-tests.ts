import { canonicalize } from '../../base/canonical-json.ts'
import type { JsonValue } from '../../base/json-value.ts'
import { compareText } from '../../base/position.ts'
import type { DecisionTest, Place, VerdictWord } from '../../model/generated/types.ts'
import type { Documents } from '../compile/index.ts'
import { withoutComments } from './rego-comments.ts'
import { packageOf } from './rego-rules.ts'

/** A test of the policy that is gone, or may ask for less. */
export type TestChange = {
  /** The test's name, or the Rego file and the rule. */
  readonly id: string
  readonly direction: 'weaker' | 'unclear'
  readonly message: string
  readonly place: Place | null
}

/**
 * Tests that a change takes away or alters: they are what later changes are held to. A test that moved is the same
 * test, and one that only asks for a higher verdict than before asks for more.
 */
export function compareTests(before: Documents, after: Documents): TestChange[] {
  return [...decisionTests(before, after), ...regoTests(before, after)].sort((a, b) =>
    compareText(a.id, b.id),
  )
}

type Test = {
  readonly name: string
  /** All that it says and all that it stands on, but the verdict. */
  readonly text: string
  readonly verdict: string
  readonly place: Place
}

function decisionTests(before: Documents, after: Documents): TestChange[] {
  const left = Map.groupBy(testsOf(after), ({ name }) => name)
  const found: TestChange[] = []
  const changed: Test[] = []
  for (const test of testsOf(before)) {
    const same = left.get(test.name) ?? []
    const at = same.findIndex((other) => asksAsMuch(test, other))
    if (at >= 0) same.splice(at, 1)
    else changed.push(test)
  }
  for (const test of changed) {
    const other = left.get(test.name)?.shift()
    found.push(
      other === undefined
        ? { id: test.name, direction: 'weaker', message: 'the test is gone', place: test.place }
        : lessOf(test, other),
    )
  }
  return found
}

function asksAsMuch(test: Test, other: Test): boolean {
  return test.text === other.text && rankOf(other) >= rankOf(test)
}

function rankOf({ verdict }: Test): number {
  return VERDICTS.indexOf(verdict)
}

const VERDICTS: readonly string[] = ['allow', 'redact', 'hold', 'deny'] satisfies VerdictWord[]

function lessOf(test: Test, other: Test): TestChange {
  const { name: id, verdict } = test
  const { place } = other
  if (test.text !== other.text) {
    return { id, direction: 'unclear', message: 'the test asks for something else', place }
  }
  return {
    id,
    direction: 'weaker',
    message: `expects ${other.verdict}, no longer ${verdict}`,
    place,
  }
}

function testsOf({ tests }: Documents): Test[] {
  const shared = tests.filter(({ value }) => value.tests === undefined).map(({ value }) => value)
  return tests.flatMap(({ value, at }) =>
    (value.tests ?? []).flatMap((test, index) => {
      const { cases, expect = {}, ...rest } = test
      const around = { defaults: value.defaults ?? {}, start: value.start ?? null }
      const fixtures = fixturesIn(value, shared, test as unknown as JsonValue)
      const rows = cases ?? [{}]
      return rows.map((row, number): Test => {
        const { expect: own = {}, ...more } = row as { readonly expect?: typeof expect }
        const { verdict = '', ...wanted } = { ...expect, ...own }
        const all = { ...rest, row: more, expect: wanted, around, fixtures }
        return {
          name: cases === undefined ? test.name : `${test.name} #${number + 1}`,
          text: canonicalize(all as unknown as JsonValue),
          verdict: String(verdict),
          place: at(`/tests/${index}`),
        }
      })
    }),
  )
}

/** The fixtures whose names stand somewhere in a test, and in one another. */
function fixturesIn(
  own: DecisionTest,
  shared: readonly DecisionTest[],
  test: JsonValue,
): Readonly<Record<string, JsonValue>> {
  const all = Object.fromEntries(
    [...shared, own].flatMap(({ fixtures }) => Object.entries(fixtures ?? {})),
  ) as Readonly<Record<string, JsonValue>>
  const named = new Set<string>()
  const look = (text: string): void => {
    for (const [name, fixture] of Object.entries(all)) {
      if (named.has(name) || !text.includes(JSON.stringify(name))) continue
      named.add(name)
      look(canonicalize(fixture))
    }
  }
  look(canonicalize(test) + canonicalize((own.defaults ?? {}) as unknown as JsonValue))
  return Object.fromEntries(
    [...named].sort(compareText).flatMap((name) => {
      const fixture = all[name]
      return fixture === undefined ? [] : [[name, fixture] as const]
    }),
  )
}

/** Rego's own tests, by file: what is left out of the policy's digest and guards it all the same. */
function regoTests(before: Documents, after: Documents): TestChange[] {
  const known = [...before.rego].flatMap(([file, text]): TestChange[] => {
    const names = testRules(text)
    if (names.length === 0 && !file.endsWith('_test.rego')) return []
    const now = after.rego.get(file)
    if (now === text) return []
    const place = { file, line: 1, column: 1 }
    const kept = new Set(now === undefined ? [] : testRules(now))
    const gone = names.filter((name) => !kept.has(name))
    if (gone.length > 0) {
      return gone.map((name) => {
        return { id: `${file} ${name}`, direction: 'weaker', message: 'the test is gone', place }
      })
    }
    const message =
      now === undefined ? 'what tests stand on is gone' : 'its tests are written otherwise'
    return [{ id: file, direction: 'unclear', message, place }]
  })
  return [...known, ...regoBeside(before, after)]
}

/**
 * Files that are added to a package that has some, and say more of a rule there: two rules of a name are one that holds
 * when either does, so a test may pass, or stand on something else, without a change of its own file.
 */
function regoBeside(before: Documents, after: Documents): TestChange[] {
  const added = [...after.rego].filter(([file]) => !before.rego.has(file))
  return added.flatMap(([file, text]): TestChange[] => {
    const code = withoutComments(text)
    const beside = [...before.rego.values()].filter((other) => {
      // A name in brackets may be any.
      return /\bpackage\s+[\w.]+\[/.test(code) || packageOf(other) === packageOf(code)
    })
    const name = beside.flatMap(ruleNames).find((one) => isDefinedIn(code, one))
    if (name === undefined) return []
    const message = `says more of ${name}, which tests may stand on`
    return [{ id: file, direction: 'unclear', message, place: { file, line: 1, column: 1 } }]
  })
}

/** Rules need no lines of their own, so these are names that stand anywhere. */
function testRules(text: string): string[] {
  return [...new Set(text.match(/\btest_\w+/g) ?? [])]
}

/** Tests, and what begins at the start of a line, as `countersign fmt` writes rules. */
function ruleNames(text: string): string[] {
  const begun = [...text.matchAll(/^(?:default\s+)?([A-Za-z_]\w*)/gm)].map(([, name = '']) => name)
  return [...testRules(text), ...begun.filter((name) => !NO_RULES.has(name))]
}

const NO_RULES: ReadonlySet<string> = new Set(['package', 'import', 'default', 'else'])

/** Whether a rule of this name may begin somewhere. */
function isDefinedIn(code: string, name: string): boolean {
  return new RegExp(`\\b${name}\\s*(?:[[({.]|:?=(?!=)|(?:if|contains)\\b)`).test(code)
}
