import { describe, expect, test } from 'vitest'
import type { QueryAnswer, Trace, TracedRule, TracedStep } from '../../src/model/results.ts'
import { painter } from '../../src/report/paint.ts'
import { notesText, queryText, rawText } from '../../src/report/query-text.ts'
import { traceText } from '../../src/report/query-trace-text.ts'

const PLAIN = painter(false)
const LOCATION = { row: 1, col: 1 }

function answerOf(
  ...rows: readonly Readonly<Record<string, string | number | boolean>>[]
): QueryAnswer {
  return {
    results: rows.map((row) => ({
      expressions: Object.entries(row).map(([text, value]) => ({
        text,
        value,
        location: LOCATION,
      })),
    })),
  }
}

test.for<{ name: string; answer: QueryAnswer; want: string; raw: string }>([
  { name: 'nothing', answer: { results: [] }, want: 'undefined\n', raw: '' },
  { name: 'one value: as JSON', answer: answerOf({ x: 'a"b' }), want: '"a\\"b"\n', raw: 'a"b\n' },
  {
    name: 'several: a table',
    answer: answerOf({ a: 1, 'long name': 'x' }, { a: 22_222, 'long name': true }),
    want: 'a      long name\n1      "x"\n22222  true\n',
    raw: '1 x\n22222 true\n',
  },
  {
    name: 'variables first, then what is more than true',
    answer: {
      results: [
        {
          expressions: [
            { text: 'x := 1', value: true, location: LOCATION },
            { text: 'data.y', value: [2], location: LOCATION },
          ],
          bindings: { x: 1 },
        },
      ],
    },
    want: 'x  data.y\n1  [2]\n',
    raw: 'true [2]\n',
  },
  {
    name: 'what a terminal would obey: visible',
    answer: answerOf({ 'x\u001b[2J': '\u202e' }, { 'x\u001b[2J': 1 }),
    want: 'x\\u001b[2J\n"\\u202e"\n1\n',
    raw: '\u202e\n1\n',
  },
])('$name', ({ answer, want, raw }) => {
  expect(queryText(answer, new Map(), PLAIN)).toBe(want)
  expect(rawText(answer)).toBe(raw)
})

test('an error leaves no result to show, and what was asked for beside it stays', () => {
  const coverage = { percent: 50, files: { 'a.rego': { covered: [1], missed: [2] } } }
  const answer: QueryAnswer = {
    results: [],
    error: { code: 'REGO_BUILTIN_ERROR', message: 'm' },
    coverage,
  }
  const sources = new Map([['a.rego', 'package a\n\tp if input.x\n']])
  expect(queryText(answer, sources, PLAIN)).toBe(
    'coverage 50.0% of what the query can reach\nmissed a.rego:2 p if input.x\n',
  )
})

test('a profile tells the ten dearest rules', () => {
  const profile = Array.from({ length: 12 }, (_, at) => ({
    rule: `data.t.r${at}`,
    file: 't.rego',
    line: at + 1,
    evaluations: at,
    own_ms: 0.5,
    total_ms: 12.25,
  }))
  const lines = notesText({ results: [], profile }, new Map(), PLAIN).after.split('\n')
  expect(lines[0]).toBe('rule          own ms   total ms  times  at')
  expect(lines[1]).toBe('data.t.r0     0.5000    12.2500      0  t.rego:1')
  expect(lines.slice(10)).toEqual([expect.stringContaining('data.t.r9'), 'and 2 more', ''])
  expect(notesText({ results: [], profile: [] }, new Map(), PLAIN)).toEqual({
    before: '',
    after: '',
  })
})

describe('an explanation', () => {
  const STEP: TracedStep = {
    line: 1,
    text: 'data.t.p',
    held: true,
    reads: [],
    rules: [],
    steps: [],
    rounds: [],
    omitted: 0,
  }
  const RULE: TracedRule = {
    rule: 'data.t.p',
    file: 't.rego',
    line: 3,
    value: 'true',
    remembered: false,
    unfinished: false,
    bodies: [],
  }
  const traceOf = (step: Partial<TracedStep>, cut = false): Trace => ({
    reads: { input: [], data: [] },
    steps: [{ ...STEP, ...step }],
    cut,
  })
  const shown = (trace: Trace): string => traceText(trace, PLAIN).replace('reads nothing\n\n', '')

  test.for<{ name: string; trace: Trace; want: string }>([
    {
      name: 'a query that is a rule: the rule alone',
      trace: traceOf({ rules: [RULE] }),
      want: 'data.t.p is true  t.rego:3\n',
    },
    {
      name: 'any other: the expression, too',
      trace: traceOf({ text: 'not data.t.p', held: false, rules: [RULE] }),
      want: '-   1  not data.t.p\n    data.t.p is true  t.rego:3\n',
    },
    {
      name: 'a body in another file than the rule',
      trace: traceOf({
        rules: [
          {
            ...RULE,
            bodies: [
              { kind: 'body', file: 't.rego', line: 3, held: false, steps: [] },
              { kind: 'else', file: 'u.rego', line: 4, held: true, steps: [] },
            ],
          },
        ],
      }),
      want: 'data.t.p is true  t.rego:3\n  - body at line 3\n  + else at u.rego:4\n',
    },
    {
      name: 'rounds that are not shown: their number',
      trace: traceOf({
        text: 'some x in xs',
        rounds: [{ keys: ['0'], held: true, reads: [], rules: [], steps: [STEP] }],
        omitted: 7,
      }),
      want: '+   1  some x in xs\n    [0] +   1  data.t.p\n    and 7 more\n',
    },
    {
      name: 'a function that was asked before',
      trace: traceOf({
        text: 'f("\u202e")',
        rules: [{ ...RULE, arguments: ['"\u202e"'], value: null, remembered: true }],
      }),
      want: '+   1  f("\\u202e")\n    data.t.p("\\u202e") is undefined  (as before)\n',
    },
    {
      name: 'more than was kept',
      trace: traceOf({}, true),
      want: '+   1  data.t.p\nmore happened than is shown\n',
    },
  ])('$name', ({ trace, want }) => {
    expect(shown(trace)).toBe(want)
  })

  test('begins with what can be read, at most a dozen of it', () => {
    const input = Array.from({ length: 20 }, (_, at) => `input.f${at}`)
    const [head] = traceText({ ...traceOf({}), reads: { input, data: ['data.x'] } }, PLAIN).split(
      '\n',
    )
    expect(head).toBe(`reads ${input.slice(0, 12).join(', ')}, 9 more`)
  })
})
