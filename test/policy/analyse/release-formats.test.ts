import { describe, expect, test } from 'vitest'
import { digestOf, utf8 } from '../../../src/base/digest.ts'
import { readCost, readEval, readLatency } from '../../../src/policy/analyse/release-formats.ts'
import { judgeEval } from '../../../src/policy/analyse/release-judge.ts'

const NAME = digestOf('a release')
const AT = Date.parse('2026-11-21T09:00:00Z')
const bytes = (value: unknown) => utf8(typeof value === 'string' ? value : JSON.stringify(value))
const refused = { code: 'EVIDENCE_MALFORMED' }

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
/** Samples as Inspect lists them, by what the scorer `match` says of each. */
const samples = (correct: number, incorrect: number, epoch = 1) =>
  Array.from({ length: correct + incorrect }, (_, index) => ({
    ...{ id: index, epoch, scores: { match: { value: index < correct ? 'C' : 'I' } } },
  }))
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
  {
    name: 'inspect, with what its samples say',
    format: 'inspect',
    value: log({ samples: samples(11, 1) }),
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
  {
    name: 'an accuracy that its samples do not bear out',
    format: 'inspect',
    value: log({ samples: samples(3, 9) }),
  },
  {
    name: 'the best of three epochs',
    format: 'inspect',
    value: log(
      { eval: { ...log().eval, config: { epochs: 3 } } },
      {
        ...{ total_samples: 36, completed_samples: 36 },
        scores: [{ name: 'match', reducer: 'max', metrics: { accuracy: { value: 1 } } }],
      },
    ),
  },
  {
    name: 'epochs of which not all were scored',
    format: 'inspect',
    value: log(
      { eval: { ...log().eval, config: { epochs: 3 } } },
      {
        ...{ total_samples: 36, completed_samples: 36 },
        scores: [{ name: 'match', scored_samples: 11, metrics: { accuracy: { value: 1 } } }],
      },
    ),
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

test('inspect, twelve samples in three epochs each: the mean is of all 36', () => {
  const value = log(
    { eval: { ...log().eval, config: { epochs: 3 } } },
    {
      ...{ total_samples: 36, completed_samples: 36 },
      scores: [
        { ...{ name: 'match', scored_samples: 12 }, metrics: { accuracy: { value: 33 / 36 } } },
      ],
    },
  )
  expect(readEval('inspect', bytes(value))).toMatchObject({ passed: 33, total: 36 })
})

describe('latency and cost', () => {
  const at = '2026-11-21T09:00:00Z'
  const withFirst = (changes: object) => [{ ...results[0], ...changes }, ...results.slice(1)]
  const cached = withFirst({ latencyMs: 0, cost: 0, response: { output: 'x', cached: true } })
  const broken = withFirst({ latencyMs: 0, success: false, failureReason: 2, error: '429' })

  test('the mean of costs has no error of its last digit', () => {
    const three = results.slice(0, 3).map((one) => ({ ...one, cost: 0.1 }))
    const value = promptfoo({ results: three, stats: { successes: 2, failures: 1 } })
    expect(readCost('promptfoo', bytes(value)).usdPerRun).toBe(0.1)
  })

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
      read: () =>
        readLatency('promptfoo', bytes(promptfoo({ results: withFirst({ latencyMs: null }) }))),
    },
    {
      name: 'a result without a cost',
      read: () => readCost('promptfoo', bytes(promptfoo({ results: withFirst({ cost: null }) }))),
    },
    {
      name: 'fewer results than "stats" count',
      read: () => readLatency('promptfoo', bytes(promptfoo({ results: results.slice(1) }))),
    },
    {
      name: 'an answer from a cache',
      read: () => readLatency('promptfoo', bytes(promptfoo({ results: cached }))),
    },
    {
      name: 'the cost of an answer from a cache',
      read: () => readCost('promptfoo', bytes(promptfoo({ results: cached }))),
    },
    {
      name: 'a run that ended in an error',
      read: () => readLatency('promptfoo', bytes(promptfoo({ results: broken }))),
    },
    { name: 'no runs', read: () => readCost('summary', bytes({ runs: 0, usd: 0, at })) },
    { name: 'a gain', read: () => readCost('summary', bytes({ runs: 1, usd: -1, at })) },
  ])('$name -> refused', ({ read }) => {
    expect(read).toThrow(expect.objectContaining(refused))
  })
})

test.for([
  {
    name: 'a rate is said as it stands',
    need: { rate: 0.57 },
    passed: 6,
    says: '6/12 passed, of at least 57%',
  },
  {
    name: 'less than all is not said to be all',
    need: { rate: 1 },
    passed: 11.999,
    says: '11.999/12 passed, of at least 100%',
  },
])('$name', ({ need, passed, says }) => {
  const value = log(
    {},
    { scores: [{ name: 'match', metrics: { accuracy: { value: passed / 12 } } }] },
  )
  const asked = {
    id: 'refunds',
    file: 'r.json',
    format: 'inspect',
    max_age: '7d',
    missed: 'deny',
    need,
  } as const
  const terms = { digest: NAME, evidence: 'bound', now: AT } as const
  const { property } = judgeEval(asked, bytes(value), terms)
  expect(property).toMatchObject({ passed: false, code: 'RELEASE_MISSED', detail: says })
})
