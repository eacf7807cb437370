import { expect, test } from 'vitest'
import type { Priority } from '../../../../src/model/generated/types.ts'
import type { BehaviourScore } from '../../../../src/model/nouns.ts'
import { codes, load, type RuleChanges, rule } from '../fixtures.ts'
import type { Label } from './labels.ts'
import { judgeWith, missingLabels, score } from './labels.ts'

const kind = 'markov'
const odd = { markov: 3, novelty: 9, repeat: 0, precede: 1 }

type Case = {
  readonly label: Label
  readonly name: string
  readonly behaviour?: BehaviourScore | null
  readonly rule?: RuleChanges
  readonly priority?: Priority
  readonly want: string
  readonly code?: string
}

const twice = { spec: { min_score: 0.95, burst: 2 } }
const precede = { spec: { min_score: 0.95, channels: ['precede'] } }
const damaged = 'STATE_INVALID'
const broken = (changes: object) => ({ ...score(), ...changes }) as BehaviourScore

const CASES: readonly Case[] = [
  { label: 'allow', name: 'as usual', behaviour: score(), want: 'allow' },
  {
    label: 'allow',
    name: 'odd, but not enough',
    behaviour: score({ markov_score: 0.9 }),
    want: 'allow',
  },
  {
    label: 'hold',
    name: 'odd',
    behaviour: score({ markov_score: 0.97, channels: odd }),
    want: 'hold',
  },
  {
    label: 'hold',
    name: 'odder than every session',
    behaviour: score({ markov_score: 1 }),
    want: 'hold',
  },
  {
    label: 'deny',
    name: 'odd, and that is denied',
    behaviour: score({ markov_score: 1 }),
    rule: { verdict: 'deny' },
    want: 'deny',
  },
  {
    label: 'shadow',
    name: 'odd in shadow',
    behaviour: score({ markov_score: 1 }),
    rule: { mode: 'shadow' },
    want: 'allow',
  },
  {
    label: 'shadow',
    name: 'no score in shadow',
    behaviour: null,
    rule: { mode: 'shadow' },
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'the bound itself',
    behaviour: score({ markov_score: 0.95 }),
    want: 'hold',
  },
  {
    label: 'boundary',
    name: 'the double before it',
    behaviour: score({ markov_score: 0.9499999999999998 }),
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'one call of a burst of two',
    behaviour: score({ markov_score: 1, burst: 1 }),
    rule: twice,
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'two calls of a burst of two',
    behaviour: score({ markov_score: 1, burst: 2 }),
    rule: twice,
    want: 'hold',
  },
  {
    label: 'boundary',
    name: 'one call at high priority',
    behaviour: score({ markov_score: 1, burst: 1 }),
    rule: twice,
    priority: 'high',
    want: 'hold',
  },
  {
    label: 'boundary',
    name: 'none above the threshold at critical priority',
    behaviour: score({ markov_score: 1 }),
    rule: twice,
    priority: 'critical',
    want: 'hold',
  },
  {
    label: 'boundary',
    name: 'a burst without the score',
    behaviour: score({ burst: 9 }),
    rule: twice,
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'oddest in another channel',
    behaviour: score({ markov_score: 1, channels: odd }),
    rule: precede,
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'as odd in the channel as in another',
    behaviour: score({ markov_score: 1, channels: { ...odd, precede: 9 } }),
    rule: precede,
    want: 'hold',
  },
  { label: 'bad-input', name: 'no score', want: 'hold' },
  { label: 'bad-input', name: 'null', behaviour: null, want: 'hold' },
  {
    label: 'bad-input',
    name: 'NaN',
    behaviour: score({ markov_score: Number.NaN }),
    want: 'deny',
    code: damaged,
  },
  {
    label: 'bad-input',
    name: 'beyond 1',
    behaviour: score({ markov_score: 1.01 }),
    want: 'deny',
    code: damaged,
  },
  {
    label: 'bad-input',
    name: 'below 0',
    behaviour: score({ markov_score: -0.01 }),
    want: 'deny',
    code: damaged,
  },
  {
    label: 'bad-input',
    name: 'a text',
    behaviour: broken({ markov_score: '0.1' }),
    want: 'deny',
    code: damaged,
  },
  {
    label: 'bad-input',
    name: 'a part of a call',
    behaviour: score({ burst: 0.5 }),
    want: 'deny',
    code: damaged,
  },
  {
    label: 'bad-input',
    name: 'infinite bits',
    behaviour: score({ channels: { ...odd, repeat: Number.POSITIVE_INFINITY } }),
    want: 'deny',
    code: damaged,
  },
  {
    label: 'bad-input',
    name: 'a channel short',
    behaviour: broken({ channels: { markov: 1, novelty: 1, repeat: 1 } }),
    want: 'deny',
    code: damaged,
  },
  {
    label: 'bad-input',
    name: 'no channels',
    behaviour: broken({ channels: null }),
    want: 'deny',
    code: damaged,
  },
  {
    label: 'bad-input',
    name: 'a number for a score',
    behaviour: 0.2 as unknown as BehaviourScore,
    want: 'deny',
    code: damaged,
  },
  {
    label: 'bad-input',
    name: 'a list for a score',
    behaviour: [] as unknown as BehaviourScore,
    want: 'deny',
    code: damaged,
  },
]

test.for(CASES)('$label: $name -> $want', ({ behaviour, rule: changes, priority, want, code }) => {
  const one = rule({ kind, spec: { min_score: 0.95 }, verdict: 'hold', ...changes })
  const result = judgeWith(one, priority === undefined ? {} : { priority }, {
    ...(behaviour === undefined ? {} : { behaviour }),
  })
  expect(result.verdict).toBe(want)
  expect(codes(result)[0]).toBe(code)
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

test('a finding says how odd, in which channel and why', () => {
  const behaviour = score({ markov_score: 0.97, burst: 3, channels: odd })
  const { findings } = judgeWith(rule({ kind, spec: { min_score: 0.95 } }), {}, { behaviour })
  expect(findings[0]).toMatchObject({
    message: 'The session behaves unlike its baseline: it takes steps that were never seen.',
    evidence: { min_score: 0.95, score: 0.97, channel: 'novelty', bits: 9, burst: 3 },
  })
})

test('what a caller puts into its context is no score', () => {
  const one = rule({ kind, spec: { min_score: 0.5 }, verdict: 'hold' })
  const context = { behaviour: { ...score() }, markov_score: 0 }
  expect(judgeWith(one, { context }).verdict).toBe('hold')
})

test('a score on the prototype of all objects is none', () => {
  const prototype = Object.prototype as { markov_score?: number }
  prototype.markov_score = 0
  try {
    const { markov_score: _, ...rest } = score()
    const behaviour = rest as BehaviourScore
    const one = rule({ kind, spec: { min_score: 0.5 } })
    expect(judgeWith(one, {}, { behaviour }).verdict).toBe('deny')
  } finally {
    delete prototype.markov_score
  }
})

test.for([
  { name: 'no bound', spec: {} },
  { name: 'a bound above 1', spec: { min_score: 1.5 } },
  { name: 'a bound of NaN', spec: { min_score: Number.NaN } },
  { name: 'a burst of nothing', spec: { min_score: 0.9, burst: 0 } },
  { name: 'an unknown channel', spec: { min_score: 0.9, channels: ['length'] } },
  { name: 'no channel', spec: { min_score: 0.9, channels: [] } },
])('a bundle with $name does not load', ({ spec }) => {
  expect(() => load({ rules: [rule({ kind, spec })] })).toThrow(/test\/rule/)
})
