import { expect, test } from 'vitest'
import type { MutationReport, TestReport } from '../../src/model/results.ts'
import { annotationsOfMutants } from '../../src/report/annotations.ts'
import { coverageText, isCovered } from '../../src/report/coverage-text.ts'
import { githubAnnotations } from '../../src/report/github.ts'
import { mutationJunit } from '../../src/report/junit.ts'
import { mutationText } from '../../src/report/mutation-text.ts'
import { painter } from '../../src/report/paint.ts'

const AT = { file: 'policies/g.yaml', line: 7, column: 5 }
const REPORT: MutationReport = {
  ...{ project: 'p', policy: `sha256:${'0'.repeat(64)}`, notes: ['a note'] },
  ...{ noticed: 1, survived: 1, equivalent: 1 },
  mutants: [
    {
      ...{ rule: 'a/b', operator: 'verdict', change: 'then: deny became hold', ...AT },
      ...{ outcome: 'noticed', by: 'held' },
    },
    { rule: 'a/b', operator: 'limit', change: 'x\u001b[31m', ...AT, outcome: 'survived' },
    {
      ...{ rule: 'a/c', operator: 'removed', change: 'the rule was removed', ...AT, line: 9 },
      ...{ outcome: 'equivalent', reason: 'the rule is in shadow mode' },
    },
  ],
}

test('text of mutants names survivors with place and change, then those that none can notice', () => {
  expect(mutationText(REPORT, painter(false))).toBe(
    `SURVIVED a/b: x\\u001b[31m policies/g.yaml:7:5
EQUIVALENT a/c: the rule was removed policies/g.yaml:9:5
  the rule is in shadow mode
a note
1 noticed, 1 survived, 1 equivalent (3 mutants)
`,
  )
})

test('JUnit of mutants: survivors fail, equivalent ones are skipped', () => {
  const xml = mutationJunit(REPORT)
  expect(xml).toContain('tests="3" failures="1" errors="0" skipped="1"')
  expect(xml).toContain(
    '<testcase classname="a/b" name="verdict: then: deny became hold" file="policies/g.yaml" line="7"/>',
  )
  expect(xml).toMatch(
    /name="removed: the rule was removed"[^>]*><skipped message="the rule is in shadow mode"\/>/,
  )
  expect(xml).not.toContain('\u001b')
})

test('annotations of mutants are the survivors', () => {
  expect(githubAnnotations(annotationsOfMutants(REPORT))).toBe(
    '::error file=policies/g.yaml,line=7,col=5,title=mutant-limit::a/b: no test notices when x\u001b[31m\n',
  )
})

const COVERAGE: NonNullable<TestReport['coverage']> = {
  rules: {
    percent: 50,
    rules: [
      { rule: 'a/b', file: 'g.yaml', line: 7, found: 1, quiet: 2 },
      { rule: 'a/c', file: 'g.yaml', line: 9, found: 0, quiet: 3 },
    ],
    routes: [{ route: 'r', file: 'r.yaml', line: 4, taken: 1 }],
    tools: [{ tool: 's.read', file: 't.yaml', line: 5, tests: 0 }],
  },
  rego: null,
}

test('detailed coverage counts rules, routes and tools', () => {
  expect(coverageText(COVERAGE, painter(false), true)).toBe(
    `Rule coverage 50.0% (1 of 2 have a finding in a test)
  rule a/b: a finding in 1, none in 2  g.yaml:7
  rule a/c: a finding in 0, none in 3  g.yaml:9
  route r: taken in 1  r.yaml:4
  tool s.read: called in 0  t.yaml:5
`,
  )
})

test.for([
  { name: 'at the share', min: 50, rego: null, want: true },
  { name: 'above the share of rules', min: 50.1, rego: null, want: false },
  { name: 'above the share of lines of Rego', min: 40, rego: 39.9, want: false },
  { name: 'below both', min: 40, rego: 40, want: true },
])('a threshold $name -> $want', ({ min, rego, want }) => {
  const lines = rego === null ? null : { percent: rego, files: {} }
  expect(isCovered({ ...COVERAGE, rego: lines }, min)).toBe(want)
})
