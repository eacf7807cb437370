import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { digestOf, utf8 } from '../../../src/base/digest.ts'
import { PolicyError } from '../../../src/base/errors.ts'
import { EVIDENCE_DEPTH_MAX } from '../../../src/base/limits.ts'
import { readEval } from '../../../src/policy/analyse/release-formats.ts'
import { cpuMs } from '../../support/cpu.ts'

const NAME = digestOf('a release')
const AT = Date.parse('2026-11-21T09:00:00Z')
const bytes = (value: unknown) => utf8(typeof value === 'string' ? value : JSON.stringify(value))
const refused = { code: 'EVIDENCE_MALFORMED' }

const junit = (body: string, attributes = 'timestamp="2026-11-21T09:00:00Z"') =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="all">\n<testsuite name="s" ${attributes}>${body}</testsuite>\n</testsuites>\n`
const cases = (count: number) =>
  Array.from({ length: count }, (_, index) => `<testcase classname="c" name="t${index}"/>`).join('')

describe('junit', () => {
  test.for([
    { name: 'twelve passes', xml: junit(cases(12)), want: [12, 12] },
    {
      name: 'a failure, an error and a skip',
      xml: junit(
        `${cases(3)}<testcase name="f"><failure message="a &lt; b &#38; &#x26;">x</failure></testcase><testcase name="e"><error><![CDATA[<&]]></error></testcase><testcase name="s"><skipped/></testcase>`,
        'tests="6" failures="1" errors="1" skipped="1" timestamp="2026-11-21T09:00:00Z"',
      ),
      want: [3, 6],
    },
    {
      name: 'suites within suites, comments and output',
      xml: junit(
        `<!-- fine --><testsuite name="in">${cases(2)}</testsuite>${cases(1)}<system-out>out &amp; about</system-out>`,
      ),
      want: [3, 3],
    },
  ])('$name', ({ xml, want: [passed, total] }) => {
    expect(readEval('junit', bytes(xml))).toEqual({ passed, total, at: AT, names: null })
  })

  test('the release that a property names, and the oldest time', () => {
    const property = `<properties><property name="release_digest" value="${NAME}"/></properties>`
    const inner = `<testsuite name="in" timestamp="2026-11-20T09:00:00+01:00">${cases(1)}</testsuite>`
    expect(readEval('junit', bytes(junit(`${property}${cases(1)}${inner}`)))).toEqual({
      ...{ passed: 2, total: 2, names: NAME },
      at: Date.parse('2026-11-20T08:00:00Z'),
    })
  })

  test('a time without a zone is the earliest that it can be', () => {
    const found = readEval('junit', bytes(junit(cases(1), 'timestamp="2026-11-21T09:00:00"')))
    expect(found.at).toBe(AT - 14 * 60 * 60 * 1000)
  })

  test('200,000 suites: each time is looked at', () => {
    const suites = '<testsuite timestamp="2026-11-21T09:00Z"/>'.repeat(200_000)
    expect(readEval('junit', bytes(junit(`${cases(1)}${suites}`))).at).toBe(AT)
  })

  test('a suite without a time beside one that has it: nobody knows how old it is', () => {
    const suites = `<testsuite name="a" timestamp="2026-11-21T09:00:00Z">${cases(1)}</testsuite><testsuite name="b">${cases(1)}</testsuite>`
    expect(readEval('junit', bytes(junit(suites, ''))).at).toBe(null)
  })

  const entities = '<!DOCTYPE t [<!ENTITY a "&b;&b;"><!ENTITY b "aaaa">]>'
  test.for([
    { name: 'no test', xml: junit('') },
    { name: 'all skipped', xml: junit('<testcase name="s"><skipped/></testcase>') },
    { name: 'a test twice', xml: junit(`${cases(1)}${cases(1)}`) },
    { name: 'a test without a name', xml: junit('<testcase/>') },
    { name: 'more tests than it lists', xml: junit(cases(2), 'tests="3"') },
    { name: 'fewer tests than it lists', xml: junit(cases(2), 'tests="1"') },
    { name: 'failures that it does not list', xml: junit(cases(2), 'tests="2" failures="1"') },
    { name: 'a count that is none', xml: junit(cases(2), 'tests="2.5"') },
    { name: 'a status that says it failed', xml: junit('<testcase name="t" status="failed"/>') },
    {
      name: 'a result that says it failed, beside a status that it was run',
      xml: junit(`${cases(1)}<testcase name="t" status="run" result="failed"/>`),
    },
    {
      name: 'a release that one of two suites names',
      xml: junit(
        `<testsuite name="a"><properties><property name="release_digest" value="${NAME}"/></properties>${cases(1)}</testsuite><testsuite name="b">${cases(1)}</testsuite>`,
      ),
    },
    {
      name: 'failed and skipped',
      xml: junit('<testcase name="t"><failure/><skipped/></testcase>'),
    },
    {
      name: 'an element that it does not know',
      xml: junit('<testcase name="t"><rerun/></testcase>'),
    },
    {
      name: 'a document type',
      xml: junit(cases(1)).replace('<testsuites', '<!DOCTYPE t><testsuites'),
    },
    {
      name: 'entities of its own',
      xml: junit('&a;').replace('<testsuites', `${entities}<testsuites`),
    },
    { name: 'an entity that it does not have', xml: junit(`&nbsp;${cases(1)}`) },
    { name: 'a character that XML forbids', xml: junit('<testcase name="&#0;"/>') },
    { name: 'half a surrogate pair', xml: junit('<testcase name="&#xD800;"/>') },
    { name: 'a processing instruction', xml: junit(`<?php ?>${cases(1)}`) },
    { name: 'another encoding', xml: junit(cases(1)).replace('UTF-8', 'UTF-16') },
    { name: 'an attribute twice', xml: junit('<testcase name="a" name="b"/>') },
    { name: 'two roots', xml: `${junit(cases(1))}<testsuites/>` },
    { name: 'text beside the root', xml: `${junit(cases(1))}x` },
    { name: 'an element that does not end', xml: '<testsuites><testsuite>' },
    { name: 'the end of another element', xml: '<testsuites></testsuite>' },
    { name: 'a comment that does not end', xml: junit('<!-- --- -->') },
    { name: 'elements too deep', xml: '<testsuite>'.repeat(EVIDENCE_DEPTH_MAX + 1) },
    { name: 'another root', xml: '<html/>' },
    {
      name: 'two release digests',
      xml: junit(
        `<properties><property name="release_digest" value="${NAME}"/><property name="release_digest" value="${digestOf('b')}"/></properties>${cases(1)}`,
      ),
    },
    { name: 'a day that is none', xml: junit(cases(1), 'timestamp="2026-02-30T09:00:00Z"') },
    { name: 'JSON', xml: '{}' },
    { name: 'nothing', xml: '' },
  ])('$name -> refused', ({ xml }) => {
    expect(() => readEval('junit', bytes(xml))).toThrow(expect.objectContaining(refused))
  })

  test('no UTF-8 -> refused', () => {
    expect(() => readEval('junit', Uint8Array.of(0x3c, 0xff))).toThrow(
      expect.objectContaining(refused),
    )
  })

  test('what would blow a careless reader up takes no time', () => {
    const before = cpuMs()
    for (const xml of [
      `<t ${' '.repeat(200_000)}`,
      `<t ${'a="b" '.repeat(50_000)}`,
      '<!--'.repeat(50_000),
      `<t a="${'&'.repeat(100_000)}"/>`,
      `<testsuite>${'&amp;'.repeat(2_000_000)}</testsuite>`,
    ]) {
      expect(() => readEval('junit', bytes(xml))).toThrow(expect.objectContaining(refused))
    }
    expect(cpuMs() - before).toBeLessThan(2_000)
  })
})

const FORMATS = ['junit', 'promptfoo', 'inspect', 'counts', 'other']

test('whatever it is given, it gives counts that can be or refuses with one code', () => {
  const anything = fc.oneof(
    fc.string(),
    fc.json(),
    fc.string().map((text) => junit(text)),
    fc
      .array(
        fc.constantFrom(
          '<testcase name="a"/>',
          '<!--',
          '-->',
          '<testsuite>',
          '</testsuite>',
          '&lt;',
          '<![CDATA[',
          ']]>',
          'x',
        ),
      )
      .map((parts) => junit(parts.join(''))),
    fc
      .record({ passed: fc.anything(), failed: fc.nat(), skipped: fc.nat() })
      .map((value) => JSON.stringify(value) ?? ''),
  )
  fc.assert(
    fc.property(fc.constantFrom(...FORMATS), anything, (format, text) => {
      try {
        const { passed, total } = readEval(format, utf8(text.toWellFormed()))
        return passed >= 0 && total >= 1 && passed <= total
      } catch (error) {
        return error instanceof PolicyError && error.code === 'EVIDENCE_MALFORMED'
      }
    }),
    { numRuns: 400 },
  )
})

test('a suite as JUnit and as counts comes to the same', () => {
  fc.assert(
    fc.property(
      fc.nat({ max: 20 }),
      fc.nat({ max: 20 }),
      fc.nat({ max: 20 }),
      (passed, failed, skipped) => {
        fc.pre(passed + failed > 0)
        const of = (count: number, prefix: string, child: string) =>
          Array.from(
            { length: count },
            (_, index) => `<testcase name="${prefix}${index}">${child}</testcase>`,
          ).join('')
        const xml = junit(
          `${of(passed, 'p', '')}${of(failed, 'f', '<failure/>')}${of(skipped, 's', '<skipped/>')}`,
        )
        const value = { passed, failed, skipped, at: '2026-11-21T09:00:00Z' }
        expect(readEval('junit', bytes(xml))).toEqual(readEval('counts', bytes(value)))
      },
    ),
    { numRuns: 50 },
  )
})
