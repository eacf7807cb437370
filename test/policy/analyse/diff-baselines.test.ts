import { describe, expect, test } from 'vitest'
import { learn } from '../../../src/decide/behaviour/snapshot.ts'
import type { BaselineDocument } from '../../../src/decide/behaviour/text.ts'
import { formatBaseline } from '../../../src/decide/behaviour/text.ts'
import { comparePolicies } from '../../../src/policy/analyse/diff.ts'
import { FILES, sideOf } from './sides.ts'

const MARKOV = `apiVersion: countersign/v1
kind: Guardrails
rules:
  - { id: odd/behaviour, on: { service: shop }, markov: { min_score: 0.9 }, then: deny }
`

function sessions(count: number, calls: readonly string[] = ['read_order', 'refund']) {
  return Array.from({ length: count }, (_, i) => ({
    id: `${calls.join()} ${i}`,
    group: `${i}`,
    ended: true,
    calls: calls.map((name) => ({ node: `shop.${name}`, args: null })),
  }))
}

function baseline(more: Partial<BaselineDocument> = {}): string {
  const snapshot = learn(sessions(60))
  return formatBaseline({
    ...{ apiVersion: 'countersign/v1', kind: 'Baseline', agent: 'clerk', version: 1 },
    snapshot,
    ...more,
  })
}

/** The first transition of a baseline, rejected so often. */
function judged(rejections: number): string {
  const snapshot = learn(sessions(60))
  const edges = [...snapshot.edges]
  edges[4] = rejections
  return baseline({ snapshot: { ...snapshot, edges } })
}

type Texts = Readonly<Record<string, string>>

async function changes(before: Texts, after: Texts, rules = MARKOV) {
  const base = { ...FILES, 'policies/markov.yaml': rules }
  const found = comparePolicies({
    before: await sideOf({ ...base, ...before }),
    after: await sideOf({ ...base, ...after }),
  })
  return found.map(({ part, id, change, direction, differences }) => ({
    what: `${part} ${id} ${change} ${direction}`,
    lines: differences.map((one) => `${one.direction} ${one.field} ${one.message}`),
  }))
}

const one = (text: string): Texts => ({ 'policies/baselines/clerk.yaml': text })
const more = (text: string): Texts => ({ 'policies/baselines/other.yaml': text })
const ODD = learn([...sessions(60), ...sessions(2, ['read_order', 'delete'])])

describe('a baseline', () => {
  test.for([
    { name: 'that stays is no change', before: one(baseline()), after: one(baseline()), want: [] },
    {
      name: 'that moves to another file is no change',
      before: one(baseline()),
      after: more(baseline()),
      want: [],
    },
    {
      name: 'of its own for a fingerprint moves no other',
      before: one(baseline()),
      after: { ...one(baseline()), ...more(baseline({ fingerprint: 'f' })) },
      want: [
        {
          what: 'baseline clerk f added unclear',
          lines: ['unclear  a baseline, version 1, 60 sessions, enforced'],
        },
      ],
    },
    {
      name: 'where there was none lets pass what it knows',
      before: {},
      after: one(baseline()),
      want: [
        {
          what: 'baseline clerk added weaker',
          lines: ['weaker  the only baseline, version 1, 60 sessions, enforced'],
        },
      ],
    },
    {
      name: 'that goes leaves every call a finding',
      before: one(baseline({ mode: 'shadow' })),
      after: {},
      want: [
        {
          what: 'baseline clerk removed stronger',
          lines: ['stronger  the only baseline, version 1, 60 sessions, in shadow'],
        },
      ],
    },
    {
      name: 'put in shadow is weaker',
      before: one(baseline()),
      after: one(baseline({ mode: 'shadow' })),
      want: [
        {
          what: 'baseline clerk changed weaker',
          lines: [
            'weaker mode in shadow now: it decides nothing',
            'neutral mode mode: auto -> shadow',
          ],
        },
      ],
    },
    {
      name: 'that its owner enforces is stronger',
      before: one(baseline({ snapshot: learn(sessions(30)) })),
      after: one(baseline({ mode: 'enforce', snapshot: learn(sessions(30)) })),
      want: [
        {
          what: 'baseline clerk changed stronger',
          lines: ['stronger mode enforced now', 'neutral mode mode: auto -> enforce'],
        },
      ],
    },
    {
      name: 'with fewer alarms is weaker',
      before: one(baseline({ rate: 0.05 })),
      after: one(baseline({ rate: 0.02 })),
      want: [{ what: 'baseline clerk changed weaker', lines: ['weaker rate rate: 0.05 -> 0.02'] }],
    },
    {
      name: 'with more alarms is stronger',
      before: one(baseline({ rate: 0.02 })),
      after: one(baseline({ rate: 0.05 })),
      want: [
        { what: 'baseline clerk changed stronger', lines: ['stronger rate rate: 0.02 -> 0.05'] },
      ],
    },
    {
      name: 'whose transition is no longer rejected is weaker',
      before: one(judged(2)),
      after: one(judged(0)),
      want: [
        {
          what: 'baseline clerk changed weaker',
          lines: [
            'weaker edges no longer rejected: ^ -> shop.read_order',
            expect.stringMatching(/^unclear paths other counts/),
          ],
        },
      ],
    },
    {
      name: 'whose transition is rejected now is stronger, as far as one can tell',
      before: one(judged(0)),
      after: one(judged(1)),
      want: [
        {
          what: 'baseline clerk changed unclear',
          lines: [
            'stronger edges rejected now: ^ -> shop.read_order',
            expect.stringMatching(/^unclear paths other counts/),
          ],
        },
      ],
    },
  ])('$name', async ({ before, after, want }) => {
    expect(await changes(before, after)).toEqual(want)
  })

  test('that learned something says what is normal now, and what cannot be undone', async () => {
    const [found] = await changes(one(baseline()), one(baseline({ snapshot: ODD })))
    expect(found?.what).toBe('baseline clerk changed weaker')
    expect(found?.lines).toEqual([
      // Too much of it is new to settle.
      'weaker mode in shadow now: it decides nothing',
      'neutral sessions sessions: 60 -> 62',
      'weaker paths newly normal: shop.read_order -> shop.delete (irreversible), shop.delete -> $',
      expect.stringMatching(/^weaker sample threshold of the alarm: 0 bits -> \d+\.\d+ bits$/),
      'weaker sample what is odd is taken for normal more easily in: markov',
      expect.stringMatching(/^unclear paths other counts in paths, .* moved by \d+(\.\d)?%$/),
    ])
  })

  test('that forgot something says what is no longer normal', async () => {
    const [found] = await changes(one(baseline({ snapshot: ODD })), one(baseline()))
    expect(found?.lines).toContain(
      'stronger paths no longer normal: shop.read_order -> shop.delete (irreversible), shop.delete -> $',
    )
  })

  test('that no rule asks for changes nothing', async () => {
    const rules = MARKOV.replace('markov: { min_score: 0.9 }, ', '')
    const found = await changes({}, one(baseline({ snapshot: ODD })), rules)
    expect(found.map(({ what }) => what)).toEqual(['baseline clerk added neutral'])
    const learned = await changes(one(baseline()), one(baseline({ snapshot: ODD })), rules)
    expect(learned.map(({ what }) => what)).toEqual(['baseline clerk changed neutral'])
  })

  test('is placed where the author wrote it', async () => {
    const base = { ...FILES, 'policies/markov.yaml': MARKOV }
    const [change] = comparePolicies({
      before: await sideOf({ ...base, ...one(baseline({ rate: 0.05 })) }),
      after: await sideOf({ ...base, ...one(baseline({ rate: 0.02 })) }),
    })
    expect(change?.after).toEqual({ file: 'policies/baselines/clerk.yaml', line: 3, column: 8 })
    expect(change?.differences[0]?.after).toMatchObject({ line: 5, column: 7 })
  })
})

describe('a pull request that looks harmless', () => {
  const calls = ['read_order', 'read_order', 'read_order', 'refund']
  const observed = (count: number, args: (i: number, at: number) => string | null, name = '') =>
    sessions(count, calls).map((session, i) => ({
      ...session,
      id: `${name}${session.id}`,
      group: `${name}${i}`,
      calls: session.calls.map((call, at) => ({ ...call, args: args(i, at) })),
    }))
  const plain = learn(observed(60, (i, at) => `${i} ${at}`))
  const repeating = learn(observed(60, () => 'same', 'other'))

  test('with another sample, in which all sessions repeat themselves -> weaker, and says in what', async () => {
    const swapped = { ...plain, sample: repeating.sample }
    const [found] = await changes(
      one(baseline({ snapshot: plain })),
      one(baseline({ snapshot: swapped })),
    )
    expect(found).toEqual({
      what: 'baseline clerk changed weaker',
      lines: [
        'unclear sample other calibration',
        'weaker sample what is odd is taken for normal more easily in: duplicate',
      ],
    })
  })

  test('with other counts that move no chance -> says in which tables', async () => {
    const preceding = plain.preceding.map((cell, i) =>
      i === plain.preceding.length - 1 ? 1 : cell,
    )
    const [found] = await changes(
      one(baseline({ snapshot: plain })),
      one(baseline({ snapshot: { ...plain, preceding } })),
    )
    expect(found?.lines).toContain(
      'unclear paths other counts in preceding; the chances of the next call moved by 0%',
    )
  })

  test('with a transition that cannot be undone behind many others -> named first', async () => {
    const many = 'abcdefghijklmnop'.split('').map((name) => ['read_order', `a${name}`])
    const more = [...many, ['read_order', 'delete']].flatMap((words) => sessions(1, words))
    const [found] = await changes(
      one(baseline({ mode: 'enforce' })),
      one(baseline({ mode: 'enforce', snapshot: learn([...sessions(60), ...more]) })),
    )
    const line = found?.lines.find((text) => text.includes('newly normal'))
    expect(line).toMatch(
      /newly normal: shop\.read_order -> shop\.delete \(irreversible\), .* and \d+ more$/,
    )
  })
})
