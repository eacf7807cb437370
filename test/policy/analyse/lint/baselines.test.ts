import { expect, test } from 'vitest'
import { learn } from '../../../../src/decide/behaviour/snapshot.ts'
import type { BaselineDocument } from '../../../../src/decide/behaviour/text.ts'
import { formatBaseline } from '../../../../src/decide/behaviour/text.ts'
import { createLinter, filesOf, HELPER } from './repository.ts'

const { found, diagnose } = createLinter()

function baseline(count: number, more: Partial<BaselineDocument> = {}) {
  const snapshot = learn(
    Array.from({ length: count }, (_, i) => ({
      id: `${i}`,
      group: `${i}`,
      ended: true,
      calls: ['notes.read', 'notes.write'].map((node) => ({ node, args: null })),
    })),
  )
  const document: BaselineDocument = {
    apiVersion: 'countersign/v1',
    kind: 'Baseline',
    agent: 'helper',
    version: 1,
    snapshot,
    ...more,
  }
  return { 'b.yaml': formatBaseline(document) }
}

const MARKOV = '- { id: a/b, on: { service: notes }, markov: { min_score: 0.9 }, then: deny }'
const ENTROPY =
  '- { id: a/b, on: { service: notes }, sequence_entropy: { above_bits: 3 }, then: deny }'
const OTHER = 'agent: other\nscopes: [{ tools: [notes.read] }]'
const IDLE = 'agent: idle\nscopes: []'

test.for([
  { name: 'no rule asks for a score', rules: [], want: [] },
  {
    name: 'no baseline, and a rule asks for a score',
    rules: [MARKOV],
    want: ['rules.yaml:4:48 BASELINE_MISSING'],
  },
  {
    name: 'no baseline, and a rule is about entropy',
    rules: [ENTROPY],
    want: ['rules.yaml:4:58 BASELINE_MISSING'],
  },
  { name: 'a settled baseline', rules: [MARKOV], more: baseline(60), want: [] },
  {
    name: 'the baseline of another agent',
    rules: [MARKOV],
    agents: [HELPER, OTHER],
    more: baseline(60),
    want: ['rules.yaml:4:48 BASELINE_MISSING'],
  },
  {
    name: 'near miss: the rule is not about the other agent',
    rules: [MARKOV.replace('service: notes', 'agent: helper')],
    agents: [HELPER, OTHER],
    more: baseline(60),
    want: [],
  },
  {
    name: 'near miss: the other agent may call none of the tools',
    rules: [MARKOV],
    agents: [HELPER, IDLE],
    more: baseline(60),
    want: [],
  },
  {
    name: 'near miss: a rule of another kind',
    rules: ['- { id: a/b, on: { service: notes }, then: deny }'],
    want: [],
  },
  {
    name: 'too few sessions',
    rules: [MARKOV],
    more: baseline(48),
    want: ['b.yaml:3:8 BASELINE_IN_SHADOW'],
  },
  {
    name: 'the owner keeps it in shadow',
    rules: [MARKOV],
    more: baseline(60, { mode: 'shadow' }),
    want: ['b.yaml:5:7 BASELINE_IN_SHADOW'],
  },
  {
    name: 'the owner enforces it too soon',
    rules: [MARKOV],
    more: baseline(48, { mode: 'enforce' }),
    want: ['b.yaml:5:7 BASELINE_UNSETTLED'],
  },
  {
    name: 'a rate that 35 sessions settle, and a score that they never give',
    rules: [MARKOV.replace('0.9', '0.98')],
    more: baseline(35, { rate: 0.5 }),
    want: ['rules.yaml:4:61 BASELINE_UNSETTLED'],
  },
  {
    name: 'the same of a rule about entropy',
    rules: [ENTROPY.replace('above_bits: 3', 'min_markov_anomaly_score: 0.999')],
    more: baseline(60),
    want: ['rules.yaml:4:86 BASELINE_UNSETTLED'],
  },
  {
    name: 'near miss: just enough sessions for the score',
    rules: [MARKOV.replace('0.9', '0.98')],
    more: baseline(49, { rate: 0.5 }),
    want: [],
  },
  {
    name: 'near miss: the rule is about another agent',
    rules: [MARKOV.replace('0.9', '0.98').replace('service: notes', 'agent: other')],
    agents: [HELPER, OTHER],
    more: baseline(35, { rate: 0.5 }),
    want: ['rules.yaml:4:46 BASELINE_MISSING'],
  },
  {
    name: 'near miss: the owner enforces it when it has settled',
    rules: [MARKOV],
    more: baseline(49, { mode: 'enforce' }),
    want: [],
  },
])('$name', async ({ want, name: _, ...parts }) => {
  const some = await found(parts)
  expect(some.filter((line) => line.includes('BASELINE'))).toEqual(want)
})

test('a baseline in shadow says how far it is', async () => {
  const notes = await diagnose(filesOf({ rules: [MARKOV], more: baseline(25) }))
  const [note] = notes.filter(({ code }) => code === 'BASELINE_IN_SHADOW')
  expect(note?.message).toBe(
    'the baseline of "helper" is in shadow, so what rules find by it decides nothing; sessions seen: 25, 24 more needed for a rate of 0.02; entropy: 0 bits, within 0% over 20 sessions (less than 5% wanted); new transitions: not yet known over 30 sessions (less than 2% wanted)',
  )
})

test('a missing baseline is named with the agents, up to a bound', async () => {
  const agents = Array.from(
    { length: 5 },
    (_, i) => `agent: a${i}\nscopes: [{ tools: [notes.read] }]`,
  )
  const notes = await diagnose(filesOf({ rules: [MARKOV], agents }))
  const [note] = notes.filter(({ code }) => code === 'BASELINE_MISSING')
  expect(note?.message).toContain('no baseline of a0, a1, a2 and 2 more:')
})
