import { expect, test } from 'vitest'
import type { Diagnostic } from '../../src/base/position.ts'
import type { CheckResult, TestReport } from '../../src/model/results.ts'
import {
  annotationsBelow,
  annotationsOfDiagnostics,
  annotationsOfTests,
} from '../../src/report/annotations.ts'
import { checkText } from '../../src/report/check-text.ts'
import { githubAnnotations } from '../../src/report/github.ts'
import { checkJunit, testsJunit } from '../../src/report/junit.ts'
import { painter } from '../../src/report/paint.ts'
import { sarifLog } from '../../src/report/sarif.ts'
import { testsText } from '../../src/report/tests-text.ts'

const DIAGNOSTICS: readonly Diagnostic[] = [
  {
    ...{ code: 'KEY_UNKNOWN', severity: 'error', file: 'policies/a b.yaml', line: 2, column: 3 },
    message: 'unknown key "thn"\n::warning::not a command, 100%',
    hint: 'write "then"',
  },
  {
    ...{ code: 'REFERENCE_UNKNOWN', severity: 'warning', file: 'x,y:z.yaml', line: 1, column: 1 },
    message: '<no> tool & no "service"',
  },
]

const CHECK: CheckResult = {
  ...{ project: 'p', policy: null, files: ['ok.yaml', 'policies/a b.yaml'], failLevel: 'error' },
  diagnostics: DIAGNOSTICS,
  suppressed: [],
}

const REPORT: TestReport = {
  ...{ project: 'p', policy: `sha256:${'0'.repeat(64)}`, passed: 1, failed: 2, skipped: 1 },
  decisions: [
    {
      ...{ name: 'held', file: 'tests/t.yaml', line: 4, column: 5, passed: false },
      expected: { verdict: 'allow' },
      actual: {
        verdict: 'hold',
        route: ['r'],
        obligations: [],
        findings: [
          {
            ...{
              rule: 'a/b',
              kind: 'every',
              verdict: 'hold',
              mode: 'enforce',
              message: 'Too much.',
            },
            ...{ evidence: {}, route: 'r', file: 'policies/g.yaml', line: 7, column: 5 },
          },
        ],
      },
      differences: ['expected the verdict allow, got hold'],
    },
    {
      ...{ name: 'fine', file: 'tests/t.yaml', line: 9, column: 5, passed: true },
      ...{ expected: { verdict: 'allow' }, actual: null, differences: [] },
    },
  ],
  rego: [
    {
      ...{ package: 'q_test', name: 'test_x', file: 'q_test.rego', line: 3, outcome: 'error' },
      ...{ message: 'division by zero', printed: 'seen 1\n', duration_ms: 1500 },
    },
    {
      package: 'q_test',
      name: 'todo_y',
      file: 'q_test.rego',
      line: 9,
      outcome: 'skip',
      duration_ms: 0,
    },
  ],
  coverage: {
    rules: {
      percent: 50,
      rules: [
        { rule: 'a/b', file: 'policies/g.yaml', line: 7, found: 1, quiet: 2 },
        { rule: 'a/c', file: 'policies/g.yaml', line: 9, found: 0, quiet: 3 },
      ],
      routes: [{ route: 'r', file: 'policies/r.yaml', line: 4, taken: 1 }],
      tools: [{ tool: 's.read', file: 'policies/t.yaml', line: 5, tests: 0 }],
    },
    rego: { percent: 50, files: { 'q.rego': { covered: [1, 2], missed: [4, 5, 6, 9] } } },
  },
}

test('text of a check names place, code, line of the file and page', () => {
  const sources = new Map([['policies/a b.yaml', 'rules:\n  thn: deny\n']])
  expect(checkText(CHECK, sources, painter(false))).toBe(
    `policies/a b.yaml:2:3 KEY_UNKNOWN: unknown key "thn"
::warning::not a command, 100%
    2 |   thn: deny
      |   ^
  write "then"
  see https://countersign.dev/docs/errors#key_unknown
x,y:z.yaml:1:1 warning REFERENCE_UNKNOWN: <no> tool & no "service"
  see https://countersign.dev/docs/errors#reference_unknown
1 error, 1 warning in 2 files
`,
  )
})

test('text of failed tests names difference, finding and place', () => {
  expect(testsText(REPORT, painter(false))).toBe(
    `FAIL held tests/t.yaml:4:5
  expected the verdict allow, got hold
  findings:
    hold -> r a/b: Too much. policies/g.yaml:7
ERROR q_test.test_x q_test.rego:3
  division by zero
  printed: seen 1
SKIP q_test.todo_y q_test.rego:9
1 passed, 2 failed, 1 skipped (2 decision tests, 2 Rego tests)
Rule coverage 50.0% (1 of 2 have a finding in a test)
  policies/g.yaml:9: no test has a finding of a/c
Rego coverage 50.0%
  q.rego: no test reaches 4-6, 9
`,
  )
})

test('GitHub annotations escape what could be another command', () => {
  expect(githubAnnotations(annotationsOfDiagnostics(DIAGNOSTICS))).toBe(
    `::error file=policies/a b.yaml,line=2,col=3,title=KEY_UNKNOWN::unknown key "thn"%0A::warning::not a command, 100%25; write "then"
::warning file=x%2Cy%3Az.yaml,line=1,col=1,title=REFERENCE_UNKNOWN::<no> tool & no "service"
`,
  )
})

test('annotations of tests are the failures, seen from a folder above', () => {
  expect(annotationsBelow('policy', annotationsOfTests(REPORT))).toMatchObject([
    { id: 'decision-test', level: 'error', file: 'policy/tests/t.yaml', line: 4 },
    { id: 'rego-test', file: 'policy/q_test.rego', message: 'q_test.test_x: division by zero' },
  ])
})

// SARIF 2.1.0, section 3: what GitHub's code scanning needs of it.
test('SARIF names its version, its rules, and each place', () => {
  expect(sarifLog(annotationsOfDiagnostics(DIAGNOSTICS), '1.2.3')).toMatchObject({
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'countersign',
            version: '1.2.3',
            rules: [{ id: 'KEY_UNKNOWN' }, { id: 'REFERENCE_UNKNOWN' }],
          },
        },
        results: [
          {
            ...{ ruleId: 'KEY_UNKNOWN', ruleIndex: 0, level: 'error' },
            locations: [
              {
                physicalLocation: {
                  artifactLocation: { uri: 'policies/a%20b.yaml', uriBaseId: '%SRCROOT%' },
                  region: { startLine: 2, startColumn: 3 },
                },
              },
            ],
          },
          { ruleId: 'REFERENCE_UNKNOWN', ruleIndex: 1, level: 'warning' },
        ],
      },
    ],
  })
})

test('JUnit counts, and escapes what XML would read', () => {
  const xml = checkJunit(CHECK)
  expect(xml).toContain(
    '<testsuites name="countersign" tests="3" failures="1" errors="0" skipped="0">',
  )
  expect(xml).toContain('message="unknown key &quot;thn&quot;&#10;::warning')
  const tests = testsJunit({ ...REPORT, project: 'p' })
  expect(tests).toContain('tests="4" failures="2" errors="0" skipped="1"')
  expect(tests).toContain(
    '<testcase classname="q_test" name="todo_y" file="q_test.rego" line="9" time="0.000"><skipped/>',
  )
  expect(tests).toContain(
    '<failure type="error" message="division by zero">q_test.rego:3 division by zero\nseen 1\n</failure>',
  )
})

test.for([
  { name: 'a null character', text: 'a\u0000b' },
  { name: 'an escape character', text: 'a\u001bb' },
  { name: 'a lone surrogate', text: 'a\ud800b' },
  { name: 'a character that XML lacks', text: 'a\uffffb' },
])('JUnit replaces $name, which XML cannot hold', ({ text }) => {
  const named = { ...REPORT.decisions[1], name: text } as TestReport['decisions'][number]
  expect(testsJunit({ ...REPORT, decisions: [named] })).toContain('name="a\ufffdb"')
})
