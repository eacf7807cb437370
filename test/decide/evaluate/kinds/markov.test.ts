import { expect, test } from 'vitest'
import type { Behaviour } from '../../../../src/decide/evaluate/behaviour.ts'
import type { Priority } from '../../../../src/model/generated/types.ts'
import type { BehaviourScore } from '../../../../src/model/nouns.ts'
import { load, type RuleChanges, rule } from '../fixtures.ts'
import type { Label } from './labels.ts'
import { CALM, judgeScored, judgeWith, missingLabels, score, scored } from './labels.ts'

const kind = 'markov'
const odd = { ...CALM, markov: 3, novelty: 9, precede: 1 }

type Case = {
  readonly label: Label
  readonly name: string
  /** Changes to the score of a session like any other; without, what stands for the score. */
  readonly score?: Partial<BehaviourScore>
  readonly behaviour?: Behaviour
  readonly rule?: RuleChanges
  readonly priority?: Priority
  readonly want: string
  readonly code?: string
}

const twice = { spec: { min_score: 0.95, burst: 2 } }
const precede = { spec: { min_score: 0.95, channels: ['precede'] } }

const CASES: readonly Case[] = [
  { label: 'allow', name: 'as usual', score: {}, want: 'allow' },
  {
    label: 'allow',
    name: 'odd, but not enough',
    score: { markov_score: 0.9 },
    want: 'allow',
  },
  {
    label: 'hold',
    name: 'odd',
    score: { markov_score: 0.97, channels: odd },
    want: 'hold',
  },
  {
    label: 'hold',
    name: 'odder than every session',
    score: { markov_score: 1 },
    want: 'hold',
  },
  {
    label: 'deny',
    name: 'odd, and that is denied',
    score: { markov_score: 1 },
    rule: { verdict: 'deny' },
    want: 'deny',
  },
  {
    label: 'shadow',
    name: 'odd in shadow',
    score: { markov_score: 1 },
    rule: { mode: 'shadow' },
    want: 'allow',
  },
  {
    label: 'shadow',
    name: 'no score in shadow',
    behaviour: { kind: 'none' },
    rule: { mode: 'shadow' },
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'the bound itself',
    score: { markov_score: 0.95 },
    want: 'hold',
  },
  {
    label: 'boundary',
    name: 'the double before it',
    score: { markov_score: 0.9499999999999998 },
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'one call of a burst of two',
    score: { markov_score: 1, burst: 1 },
    rule: twice,
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'two calls of a burst of two',
    score: { markov_score: 1, burst: 2 },
    rule: twice,
    want: 'hold',
  },
  {
    label: 'boundary',
    name: 'one call at high priority',
    score: { markov_score: 1, burst: 1 },
    rule: twice,
    priority: 'high',
    want: 'hold',
  },
  {
    label: 'boundary',
    name: 'none above the threshold at critical priority',
    score: { markov_score: 1 },
    rule: twice,
    priority: 'critical',
    want: 'hold',
  },
  {
    label: 'boundary',
    name: 'a burst without the score',
    score: { burst: 9 },
    rule: twice,
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'oddest in another channel',
    score: { markov_score: 1, channels: odd },
    rule: precede,
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'as odd in the channel as in another',
    score: { markov_score: 1, channels: { ...odd, precede: 9 } },
    rule: precede,
    want: 'hold',
  },
  {
    label: 'boundary',
    name: 'every channel as calm as another',
    score: { markov_score: 1 },
    rule: { spec: { min_score: 0.95, channels: ['markov'] } },
    want: 'hold',
  },
  { label: 'hold', name: 'a step that people rejected', score: { rejected: true }, want: 'hold' },
  {
    label: 'shadow',
    name: 'odd by a baseline in shadow',
    behaviour: scored({ markov_score: 1 }, { enforced: false }),
    want: 'allow',
  },
  {
    label: 'shadow',
    name: 'rejected by a baseline in shadow',
    behaviour: scored({ rejected: true }, { enforced: false }),
    want: 'allow',
  },
  {
    label: 'shadow',
    name: 'an approved fingerprint without a baseline yet',
    behaviour: { kind: 'unknown' },
    want: 'allow',
  },
  { label: 'bad-input', name: 'no score', behaviour: { kind: 'none' }, want: 'hold' },
  {
    label: 'bad-input',
    name: 'a session whose memory is damaged',
    behaviour: { kind: 'damaged' },
    want: 'deny',
    code: 'STATE_INVALID',
  },
]

test.for(CASES)('$label: $name -> $want', ({ priority, want, code, ...given }) => {
  const one = rule({ kind, spec: { min_score: 0.95 }, verdict: 'hold', ...given.rule })
  const behaviour = given.behaviour ?? scored(given.score)
  const result = judgeScored(one, priority === undefined ? {} : { priority }, behaviour)
  expect(result.verdict).toBe(want)
  expect(result.findings[0]?.code).toBe(code)
})

const edges = { spec: { method: 'edges' } }
const passage = (run: number, z: number | null = 4) => scored({ edge: { run, z, order: 1 } })

test.for([
  { name: 'one odd passage', behaviour: passage(1), want: 'allow' },
  { name: 'two odd passages in a row', behaviour: passage(2), want: 'hold' },
  { name: 'two passages of a step that was never seen', behaviour: passage(2, null), want: 'hold' },
  {
    name: 'an odd session whose steps are ordinary',
    behaviour: scored({ markov_score: 1, burst: 9, edge: { run: 0, z: 0, order: 2 } }),
    want: 'allow',
  },
  {
    name: 'a step that people rejected',
    behaviour: scored({ rejected: true, edge: { run: 0, z: 0, order: 1 } }),
    want: 'hold',
  },
  { name: 'steps that nobody looked at', behaviour: scored(), want: 'hold' },
  { name: 'no baseline', behaviour: { kind: 'none' } as const, want: 'hold' },
  { name: 'damaged memory', behaviour: { kind: 'damaged' } as const, want: 'deny' },
])('by edges: $name -> $want', ({ behaviour, want }) => {
  expect(judgeScored(rule({ kind, ...edges, verdict: 'hold' }), {}, behaviour).verdict).toBe(want)
})

test('a finding by edges says how often, how far and what is normal', () => {
  const { findings } = judgeScored(rule({ kind, ...edges }), {}, passage(3, null))
  expect(findings[0]?.evidence).toMatchObject({ run: 3, z: 'never seen', order: 1, seen: 100 })
})

test('the table has every label', () => {
  expect(missingLabels(CASES)).toEqual([])
})

test('a missing score says what the rule demands', () => {
  const { findings } = judgeWith(rule({ kind, spec: { min_score: 0.5 } }), {})
  expect(findings[0]?.message).toBe(
    'The rule demands a behaviour score, and nobody scored the action.',
  )
})

test('a finding says how odd, in which channel, which step and what is normal', () => {
  const behaviour = scored({ markov_score: 0.97, burst: 3, channels: odd })
  const { findings } = judgeScored(rule({ kind, spec: { min_score: 0.95 } }), {}, behaviour)
  expect(findings[0]).toMatchObject({
    message: 'The session behaves unlike its baseline: it takes steps that were never seen.',
    evidence: {
      min_score: 0.95,
      score: 0.97,
      channel: 'novelty',
      bits: 9,
      burst: 3,
      baseline: 'version 3',
      from: '^',
      to: 'crm.read',
      seen: 100,
      calibration_sessions: 100,
      normal_path: ['^', 'crm.read'],
    },
  })
})

test('what a caller puts into its context is no score', () => {
  const one = rule({ kind, spec: { min_score: 0.5 }, verdict: 'hold' })
  const context = { behaviour: score(), markov_score: 0 }
  expect(judgeWith(one, { context }).verdict).toBe('hold')
})

test.for([
  { name: 'no bound', spec: {} },
  { name: 'an unknown method', spec: { method: 'guess' } },
  { name: 'edges and no burst', spec: { method: 'edges', burst: 0 } },
  { name: 'a bound above 1', spec: { min_score: 1.5 } },
  { name: 'a bound of NaN', spec: { min_score: Number.NaN } },
  { name: 'a burst of nothing', spec: { min_score: 0.9, burst: 0 } },
  { name: 'an unknown channel', spec: { min_score: 0.9, channels: ['length'] } },
  { name: 'no channel', spec: { min_score: 0.9, channels: [] } },
])('a bundle with $name does not load', ({ spec }) => {
  expect(() => load({ rules: [rule({ kind, spec })] })).toThrow(/test\/rule/)
})
