import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import { describe, expect, test } from 'vitest'
import { errorHelp } from '../../scripts/error-help.ts'
import { ERROR_CODES } from '../../src/base/errors.ts'
import { ERROR_HELP } from '../../src/model/generated/error-help.ts'
import type { CheckResult } from '../../src/model/results.ts'
import type { Annotation } from '../../src/report/annotations.ts'
import { annotationsBelow, annotationsOfCheck } from '../../src/report/annotations.ts'
import { checkText } from '../../src/report/check-text.ts'
import { githubAnnotations } from '../../src/report/github.ts'
import { checkJunit } from '../../src/report/junit.ts'
import { painter } from '../../src/report/paint.ts'
import { sarifLog } from '../../src/report/sarif.ts'

// Every format says the same: what was found, and what a comment asks to ignore, with its reason.

const RESULT: CheckResult = {
  ...{
    project: 'p',
    policy: `sha256:${'0'.repeat(64)}`,
    files: ['a b.yaml'],
    failLevel: 'warning',
  },
  diagnostics: [
    {
      ...{ code: 'DATE_EXPIRED', severity: 'error', file: 'countersign.yaml', line: 4, column: 14 },
      message: 'the policy has been out of date',
    },
    {
      ...{ code: 'RULE_UNTESTED', severity: 'warning', file: 'a b.yaml', line: 2, column: 3 },
      message: 'no decision test expects it\n::error::not a command',
    },
  ],
  suppressed: [
    {
      ...{ code: 'RULE_IN_SHADOW', severity: 'warning', file: 'a b.yaml', line: 9, column: 5 },
      ...{ message: 'in shadow mode without an end', reason: 'the receipts <will> tell' },
    },
  ],
}

const vector = JSON.parse(
  readFileSync(join(import.meta.dirname, '../vectors/sarif-2.1.0.json'), 'utf8'),
) as { schema: Record<string, unknown> }
// The schema is of draft 4, which calls its own address `id`; nothing else in it differs from draft 7.
const { id: _id, $schema: _dialect, ...schema } = vector.schema
const isSarif = new Ajv({ strict: false, validateFormats: false, unicodeRegExp: false }).compile(
  schema,
)

describe('SARIF', () => {
  test.for<{ name: string; annotations: readonly Annotation[] }>([
    { name: 'a check', annotations: annotationsOfCheck(RESULT) },
    {
      name: 'a check below a folder',
      annotations: annotationsBelow('x', annotationsOfCheck(RESULT)),
    },
    { name: 'nothing', annotations: [] },
    {
      name: 'failed tests, which no page is about',
      annotations: [
        {
          ...{ id: 'decision-test', level: 'error', message: 'm', file: 'é/t.yaml' },
          ...{ line: 0, column: 0 },
        },
      ],
    },
  ])('of $name is valid by the schema of SARIF 2.1.0', ({ annotations }) => {
    expect(isSarif(sarifLog(annotations, '1.2.3')), JSON.stringify(isSarif.errors)).toBe(true)
  })

  test('that lacks a message is not valid, so the schema is looked at', () => {
    const log = sarifLog(annotationsOfCheck(RESULT), '1.2.3') as {
      runs: { results: { message?: object }[] }[]
    }
    for (const { results } of log.runs) for (const one of results) delete one.message
    expect(isSarif(log)).toBe(false)
  })

  test('has help for each rule, from its page, and suppressions with their reasons', () => {
    const [run] = (
      sarifLog(annotationsOfCheck(RESULT), '1') as {
        runs: [{ tool: { driver: { rules: object[] } }; results: object[] }]
      }
    ).runs
    expect(run.tool.driver.rules).toMatchObject([
      {
        id: 'DATE_EXPIRED',
        name: 'DateExpired',
        defaultConfiguration: { level: 'error' },
        helpUri: 'https://countersign.dev/docs/errors#date_expired',
        help: {
          text: expect.stringContaining('valid_until'),
          markdown: ERROR_HELP['DATE_EXPIRED'],
        },
      },
      { id: 'RULE_IN_SHADOW', shortDescription: { text: expect.stringMatching(/^A rule .*\.$/) } },
      { id: 'RULE_UNTESTED', defaultConfiguration: { level: 'warning' } },
    ])
    expect(run.results.map((one) => 'suppressions' in one)).toEqual([false, false, true])
    expect(run.results[2]).toMatchObject({
      ruleId: 'RULE_IN_SHADOW',
      ruleIndex: 1,
      suppressions: [{ kind: 'inSource', justification: 'the receipts <will> tell' }],
    })
  })
})

test('GitHub: what is ignored is a notice, and every text is escaped', () => {
  expect(githubAnnotations(annotationsOfCheck(RESULT))).toBe(
    `::error file=countersign.yaml,line=4,col=14,title=DATE_EXPIRED::the policy has been out of date
::warning file=a b.yaml,line=2,col=3,title=RULE_UNTESTED::no decision test expects it%0A::error::not a command
::notice file=a b.yaml,line=9,col=5,title=RULE_IN_SHADOW::in shadow mode without an end (ignored: the receipts <will> tell)
`,
  )
})

test('JUnit: what is ignored is a skipped case with its reason', () => {
  const xml = checkJunit(RESULT)
  expect(xml).toContain(
    '<testsuites name="countersign" tests="3" failures="2" errors="0" skipped="1">',
  )
  expect(xml).toContain(
    '<testcase classname="ignored" name="a b.yaml:9:5 RULE_IN_SHADOW" file="a b.yaml" line="9"><skipped message="the receipts &lt;will&gt; tell"/></testcase>',
  )
})

test('JUnit: at the fail level error a warning fails nothing', () => {
  expect(checkJunit({ ...RESULT, failLevel: 'error' })).toContain('failures="1"')
})

test('for people: what is ignored is counted and named, and an error is never ok', () => {
  const text = checkText(RESULT, new Map(), painter(false))
  expect(text).toContain('a b.yaml:9:5 ignored RULE_IN_SHADOW: the receipts <will> tell\n')
  expect(text).toMatch(/\n1 error, 1 warning, 1 ignored in 1 file\nsha256:0+\n$/)
  const noted = { ...RESULT, diagnostics: RESULT.diagnostics.slice(1) }
  expect(checkText(noted, new Map(), painter(false))).toMatch(
    /\nok 1 file, 1 warning, 1 ignored\nsha256:0+\n$/,
  )
})

describe('the help of rules', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/errors.md'), 'utf8')

  test('is what the page says of every code', () => {
    expect(ERROR_HELP).toEqual(errorHelp(page))
    expect(Object.keys(ERROR_HELP).sort()).toEqual([...ERROR_CODES].sort())
  })

  test('has no link that leads nowhere outside of the repository', () => {
    const links = Object.values(ERROR_HELP).flatMap((text) => [...text.matchAll(/\]\(([^)]*)\)/g)])
    expect(links.length).toBeGreaterThan(5)
    expect(
      links.filter(([, target]) => !/^https:\/\/[^.]+\.[^.]+(?!\.md)/.test(target ?? '')),
    ).toEqual([])
  })
})
