import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { digestOf, utf8 } from '../../../src/base/digest.ts'
import { PolicyError } from '../../../src/base/errors.ts'
import { EVIDENCE_DEPTH_MAX } from '../../../src/base/limits.ts'
import { readCost, readEval, readLatency } from '../../../src/policy/analyse/release-formats.ts'
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
    ]) {
      expect(() => readEval('junit', bytes(xml))).toThrow(expect.objectContaining(refused))
    }
    expect(cpuMs() - before).toBeLessThan(2_000)
  })
})

const stats = { successes: 11, failures: 1, errors: 0 }
const results = Array.from({ length: 12 }, (_, index) => ({
  ...{ id: `r-${index}`, success: index > 0, score: 0.5, latencyMs: 100 * (index + 1), cost: 0.01 },
}))
const promptfoo = (summary: object = {}, whole: object = {}) => ({
  evalId: 'eval-1',
  results: { version: 3, timestamp: '2026-11-21T09:00:00.000Z', stats, results, ...summary },
  config: { description: 'refunds', tags: { release_digest: NAME } },
  ...whole,
})
const log = (changes: object = {}, found: object = {}) => ({
  ...{ version: 2, status: 'success' },
  eval: { created: '2026-11-20T09:00:00+00:00', task: 't', metadata: { release_digest: NAME } },
  results: {
    ...{ total_samples: 12, completed_samples: 12 },
    scores: [{ name: 'match', metrics: { accuracy: { value: 11 / 12 }, stderr: { value: 0.1 } } }],
    ...found,
  },
  stats: { completed_at: '2026-11-21T09:00:00+00:00' },
  ...changes,
})
const counts = (changes: object = {}) => ({
  passed: 11,
  failed: 1,
  at: '2026-11-21T09:00:00Z',
  metadata: { release_digest: NAME },
  ...changes,
})

test.for([
  { name: 'promptfoo, version 3', format: 'promptfoo', value: promptfoo() },
  {
    name: 'promptfoo, the summary alone',
    format: 'promptfoo',
    value: { ...promptfoo().results, metadata: { release_digest: NAME } },
  },
  {
    name: 'promptfoo, version 2 without results',
    format: 'promptfoo',
    value: promptfoo({ version: 2, results: undefined }),
  },
  {
    name: 'promptfoo, errors have not passed',
    format: 'promptfoo',
    value: promptfoo({ stats: { successes: 11, failures: 0, errors: 1 } }),
  },
  { name: 'inspect', format: 'inspect', value: log() },
  {
    name: 'inspect, one that was not scored',
    format: 'inspect',
    value: log({}, { scores: [{ scored_samples: 11, metrics: { accuracy: { value: 1 } } }] }),
  },
  {
    name: 'inspect, one that was not completed',
    format: 'inspect',
    value: log({}, { completed_samples: 11, scores: [{ metrics: { accuracy: { value: 1 } } }] }),
  },
  { name: 'counts', format: 'counts', value: counts() },
  { name: 'counts, one skipped', format: 'counts', value: counts({ failed: 0, skipped: 1 }) },
])('$name: 11 of 12', ({ format, value }) => {
  expect(readEval(format, bytes(value))).toEqual({ passed: 11, total: 12, at: AT, names: NAME })
})

test.for([
  {
    name: 'stats that its results do not bear out',
    format: 'promptfoo',
    value: promptfoo({ stats: { successes: 12, failures: 0, errors: 0 } }),
  },
  {
    name: 'stats of more than its results',
    format: 'promptfoo',
    value: promptfoo({ stats: { successes: 11, failures: 2, errors: 0 } }),
  },
  {
    name: 'a result twice',
    format: 'promptfoo',
    value: promptfoo({ results: [...results.slice(1), results[1]] }),
  },
  { name: 'stats twice', format: 'promptfoo', value: promptfoo({}, { stats }) },
  { name: 'another version', format: 'promptfoo', value: promptfoo({ version: 4 }) },
  {
    name: 'no test',
    format: 'promptfoo',
    value: promptfoo({ stats: { successes: 0, failures: 0, errors: 0 }, results: [] }),
  },
  {
    name: 'a negative count',
    format: 'promptfoo',
    value: promptfoo({ stats: { successes: -1, failures: 1 }, results: undefined }),
  },
  {
    name: 'half a count',
    format: 'promptfoo',
    value: promptfoo({ stats: { successes: 0.5, failures: 1 }, results: undefined }),
  },
  {
    name: 'a count as text',
    format: 'promptfoo',
    value: promptfoo({ stats: { successes: '12', failures: 0 }, results: undefined }),
  },
  {
    name: 'two release digests',
    format: 'promptfoo',
    value: promptfoo({}, { metadata: { release_digest: digestOf('b') } }),
  },
  { name: 'NaN', format: 'inspect', value: JSON.stringify(log()).replace(String(11 / 12), 'NaN') },
  {
    name: 'an accuracy above 1',
    format: 'inspect',
    value: log({}, { scores: [{ metrics: { accuracy: { value: 1.1 } } }] }),
  },
  {
    name: 'an evaluation that did not end well',
    format: 'inspect',
    value: log({ status: 'error' }),
  },
  { name: 'a log that was invalidated', format: 'inspect', value: log({ invalidated: true }) },
  {
    name: 'more completed than there were',
    format: 'inspect',
    value: log({}, { completed_samples: 13 }),
  },
  {
    name: 'more scored than completed',
    format: 'inspect',
    value: log({}, { scores: [{ scored_samples: 13, metrics: { accuracy: { value: 1 } } }] }),
  },
  {
    name: 'two accuracies',
    format: 'inspect',
    value: log({}, { scores: [1, 2].map(() => ({ metrics: { accuracy: { value: 1 } } })) }),
  },
  {
    name: 'no accuracy',
    format: 'inspect',
    value: log({}, { scores: [{ metrics: { mean: { value: 1 } } }] }),
  },
  {
    name: 'a sample twice',
    format: 'inspect',
    value: log({ samples: [...Array(12)].map(() => ({ id: 1, epoch: 1 })) }),
  },
  {
    name: 'other samples than it counts',
    format: 'inspect',
    value: log({ samples: [{ id: 1, epoch: 1 }] }),
  },
  { name: 'no result', format: 'inspect', value: { ...log(), results: null } },
  { name: 'an unknown key', format: 'counts', value: counts({ retried: 1 }) },
  { name: 'no test', format: 'counts', value: counts({ passed: 0, failed: 0 }) },
  { name: 'all skipped', format: 'counts', value: counts({ passed: 0, failed: 0, skipped: 12 }) },
  { name: 'a key twice', format: 'counts', value: '{"passed": 1, "passed": 12, "failed": 0}' },
  {
    name: 'a release digest that is none',
    format: 'counts',
    value: counts({ metadata: { release_digest: 'latest' } }),
  },
  { name: 'a list', format: 'counts', value: [] },
  { name: 'a pollution', format: 'counts', value: '{"__proto__": {"passed": 12}, "failed": 0}' },
  { name: 'another format', format: 'tap', value: counts() },
])('$format: $name -> refused', ({ format, value }) => {
  expect(() => readEval(format, bytes(value))).toThrow(expect.objectContaining(refused))
})

describe('latency and cost', () => {
  const at = '2026-11-21T09:00:00Z'
  test('a summary, samples by nearest rank, and promptfoo', () => {
    const summary = { count: 9, p50_ms: 2, p95_ms: 3, at }
    expect(readLatency('summary', bytes(summary))).toMatchObject({ p50: 2, p95: 3, at: AT })
    const samples_ms = Array.from({ length: 100 }, (_, index) => 100 - index)
    expect(readLatency('samples', bytes({ samples_ms, at }))).toMatchObject({ p50: 50, p95: 95 })
    expect(readLatency('samples', bytes({ samples_ms: [7], at }))).toMatchObject({ p50: 7, p95: 7 })
    expect(readLatency('promptfoo', bytes(promptfoo()))).toMatchObject({
      p50: 600,
      p95: 1200,
      names: NAME,
    })
    expect(readCost('summary', bytes({ runs: 4, usd: 1, at }))).toMatchObject({ usdPerRun: 0.25 })
    expect(readCost('promptfoo', bytes(promptfoo())).usdPerRun).toBeCloseTo(0.01)
  })

  test.for([
    {
      name: 'no run',
      read: () => readLatency('summary', bytes({ count: 0, p50_ms: 1, p95_ms: 1, at })),
    },
    {
      name: 'a median above the rest',
      read: () => readLatency('summary', bytes({ count: 1, p50_ms: 2, p95_ms: 1, at })),
    },
    {
      name: 'a negative time',
      read: () => readLatency('samples', bytes({ samples_ms: [-1], at })),
    },
    { name: 'no sample', read: () => readLatency('samples', bytes({ samples_ms: [], at })) },
    {
      name: 'a sample that is none',
      read: () => readLatency('samples', bytes({ samples_ms: [null], at })),
    },
    {
      name: 'a result without a latency',
      read: () => readLatency('promptfoo', bytes(promptfoo({ results: [{ success: true }] }))),
    },
    {
      name: 'a result without a cost',
      read: () =>
        readCost('promptfoo', bytes(promptfoo({ results: [{ success: true, latencyMs: 1 }] }))),
    },
    { name: 'no runs', read: () => readCost('summary', bytes({ runs: 0, usd: 0, at })) },
    { name: 'a gain', read: () => readCost('summary', bytes({ runs: 1, usd: -1, at })) },
  ])('$name -> refused', ({ read }) => {
    expect(read).toThrow(expect.objectContaining(refused))
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
