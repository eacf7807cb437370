import { expect, test } from 'vitest'
import type { Judgement } from '../../../scripts/rego-conformance/judge.ts'
import { pageText } from '../../../scripts/rego-conformance/page.ts'
import type { Explanations, JudgedCase } from '../../../scripts/rego-conformance/tally.ts'
import { tally } from '../../../scripts/rego-conformance/tally.ts'

const PASSED: Judgement = { verdict: 'passed' }
const FAILED: Judgement = { verdict: 'failed', wordsOnly: false, found: '1', wanted: '2' }
const WORDS: Judgement = { verdict: 'failed', wordsOnly: true, found: 'no', wanted: 'never' }
const REFUSED: Judgement = { verdict: 'refused', builtins: ['http.send'] }

const same = (id: string, judgement: Judgement): JudgedCase => ({
  id,
  judgements: { generated: judgement, closures: judgement },
})

const explaining = (
  found: Readonly<Record<string, string>>,
  refusals: Explanations['refusals'] = {},
): Explanations => ({
  differences: [{ title: 'Text of numbers', reason: 'A number has no text.', found }],
  refusals,
})

const CASES = [same('a', PASSED), same('b', FAILED), same('c', REFUSED)]
const EXPLAINED = explaining({ b: '1' }, { 'http.send': 'It asks the network.' })

test('every case explained -> nothing unexplained, nothing stale', () => {
  const { totals, back_ends, unexplained, stale } = tally(CASES, EXPLAINED)
  expect(totals).toEqual({ cases: 3, passed: 1, failed: 1, refused: 1, unexplained: 0 })
  expect(back_ends.closures).toEqual(totals)
  expect(unexplained).toEqual([])
  expect(stale).toEqual([])
})

test('a back end that passes less -> its totals count', () => {
  const cases = [...CASES, { id: 'd', judgements: { generated: PASSED, closures: FAILED } }]
  const { totals, back_ends, unexplained } = tally(cases, EXPLAINED)
  expect(back_ends.generated).toMatchObject({ passed: 2, unexplained: 0 })
  expect(totals).toEqual({ cases: 4, passed: 1, failed: 2, refused: 1, unexplained: 1 })
  expect(unexplained).toEqual(['closures: d: 1, wanted 2'])
})

test.for<{ name: string; explanations: Explanations; want: string }>([
  {
    name: 'a difference without an explanation',
    explanations: { ...EXPLAINED, differences: [] },
    want: 'generated: b: 1, wanted 2',
  },
  {
    name: 'another difference than the explained one',
    explanations: explaining({ b: '3' }, EXPLAINED.refusals),
    want: 'generated: b: 1, wanted 2',
  },
  {
    name: 'a wrong result where other words are explained',
    explanations: {
      differences: [{ title: 'Other words', reason: 'They are ours.', words: ['b'] }],
      refusals: EXPLAINED.refusals,
    },
    want: 'generated: b: 1, wanted 2',
  },
  {
    name: 'a refusal without an explanation',
    explanations: explaining({ b: '1' }),
    want: 'generated: c: no built-in http.send',
  },
])('$name -> unexplained', ({ explanations, want }) => {
  const { totals, unexplained } = tally(CASES, explanations)
  expect(totals.unexplained).toBe(1)
  expect(unexplained).toContain(want)
})

test('other words that are explained -> nothing unexplained, nothing stale', () => {
  const differences = [{ title: 'Other words', reason: 'They are ours.', words: ['a'] }]
  const report = tally([same('a', WORDS)], { differences, refusals: {} })
  expect(report).toMatchObject({ totals: { failed: 1, unexplained: 0 }, stale: [] })
})

test.for([
  { name: 'a case that passes', differences: [{ a: '1' }], want: ['a'] },
  { name: 'no such case', differences: [{ z: '1' }], want: ['z'] },
  { name: 'a refused case', differences: [{ c: '1' }], want: ['c'] },
  { name: 'one case twice', differences: [{ b: '1' }, { b: '1' }], want: ['b'] },
])('an explanation of $name -> stale', ({ differences, want }) => {
  const explanations = differences.flatMap((found) => explaining(found).differences)
  const { stale } = tally(CASES, { differences: explanations, refusals: {} })
  expect(stale.map((line) => line.split(':')[0])).toEqual(want)
})

test('a refusal of what is supplied -> stale', () => {
  const { stale } = tally(CASES, explaining({ b: '1' }, { contains: 'It is missing.' }))
  expect(stale.map((line) => line.split(':')[0])).toEqual(['contains'])
})

test('an explanation of what one back end alone fails -> stale', () => {
  const cases = [{ id: 'd', judgements: { generated: PASSED, closures: FAILED } }]
  expect(tally(cases, explaining({ d: '1' })).stale).toHaveLength(1)
})

test('the page -> totals, and each refused and differing case below its reason', () => {
  const report = tally(CASES, EXPLAINED)
  const text = pageText({ opa: '1.22.0', cases: CASES, report }, EXPLAINED)
  expect(text).toContain('| `closures` | 3 | 1 | 1 | 1 |')
  expect(text).toContain('### http.send\n\nIt asks the network.\n\n- `c`\n')
  expect(text).toContain('### Text of numbers\n\nA number has no text.\n\n- `b`\n')
  expect(text).not.toContain('- `a`')
})
