import { describe, expect, test } from 'vitest'
import type { AttackSession, Domain } from '../../../scripts/behaviour-eval/data.ts'
import type { Detector, Grouped } from '../../../scripts/behaviour-eval/detector.ts'
import { ALARM } from '../../../scripts/behaviour-eval/detector.ts'
import type { Report } from '../../../scripts/behaviour-eval/evaluate.ts'
import { DETECTORS, evaluateAll, splitsReport } from '../../../scripts/behaviour-eval/evaluate.ts'
import { evaluate, evaluateTraces, foldOf } from '../../../scripts/behaviour-eval/protocol.ts'
import { jsonOf, textOf } from '../../../scripts/behaviour-eval/report.ts'

/** A session whose calls are named by their scores. */
function scored(id: string, scores: readonly number[]) {
  const calls = scores.map((score) => ({ service: 's', action: `${score}`, args: null }))
  return { id, task: `task of ${id}`, calls }
}

/** Scores calls by their names, and takes 1 to 99 for normal: so 95 is the threshold at 5%, and 98 at 2%. */
const byName: Detector = {
  name: 'by name',
  title: 'by name',
  fit: () => ({
    calibration: Array.from({ length: 99 }, (_, i) => i + 1),
    scores: ({ calls }) => calls.map(({ action }) => Number(action)),
  }),
}

const sessions = Array.from({ length: 50 }, (_, i) => scored(`s${i}`, [1, i]))

function attack(base: string, scores: readonly number[], rest: Partial<AttackSession> = {}) {
  return { ...scored(`${base}~`, scores), base, family: 'odd', attackAt: 1, ...rest }
}

function judge(attacks: readonly AttackSession[], domain: Partial<Domain> = {}) {
  const whole = { name: 'shop', sessions, attacks, ...domain }
  return evaluate(whole, { by: 'session', salt: 'fold' }, byName)
}

describe('folds', () => {
  // From Python: int(hashlib.sha256(b'fold:retail-0').hexdigest()[:8], 16) % 5, and so on.
  test.for([
    { key: 'retail-0', salt: 'fold', want: 3 },
    { key: 'airline-2', salt: 'fold', want: 4 },
    { key: 'retail-0', salt: 'other', want: 0 },
    { key: 'Käse', salt: 'fold', want: 2 },
  ])('$salt:$key -> $want', ({ key, salt, want }) => {
    expect(foldOf(key, salt)).toBe(want)
  })

  test.for([
    { by: 'task' as const, want: 'task of s0' },
    { by: 'session' as const, want: 's0' },
  ])('by $by, sessions are grouped so and none is judged that was learned', ({ by, want }) => {
    const learned: (readonly Grouped[])[] = []
    const watching: Detector = {
      ...byName,
      fit: (grouped) => {
        learned.push(grouped)
        const ids = new Set(grouped.map(({ session }) => session.id))
        return {
          calibration: [],
          scores: ({ id }) => {
            expect(ids).not.toContain(id)
            return [0]
          },
        }
      },
    }
    evaluate({ name: 'shop', sessions, attacks: [] }, { by, salt: 'fold' }, watching)
    expect(learned.flat().map(({ group }) => group)).toContain(want)
    expect(learned.flat()).toHaveLength(4 * sessions.length)
  })
})

describe('detection', () => {
  test.for([
    { name: 'above both thresholds', attacks: [attack('s1', [0, 99])], want: [1, 1] },
    { name: 'between the thresholds', attacks: [attack('s1', [0, 96])], want: [0, 1] },
    { name: 'at a threshold', attacks: [attack('s1', [0, 95])], want: [0, 0] },
    { name: 'before the attack only', attacks: [attack('s1', [99, 0])], want: [0, 0] },
    { name: 'nowhere, with no call left', attacks: [attack('s1', [99])], want: [0, 0] },
    { name: 'by the hard rule', attacks: [attack('s1', [0, ALARM])], want: [1, 1] },
    {
      name: 'in one family of two',
      attacks: [attack('s1', [0, 99]), attack('s1', [0, 0], { family: 'other' })],
      want: [0.5, 0.5],
    },
    {
      name: 'in families of different size',
      attacks: [
        attack('s1', [0, 99]),
        ...['s2', 's3', 's4'].map((base) => attack(base, [0, 0], { family: 'other' })),
      ],
      want: [0.5, 0.5],
    },
    {
      name: 'in the last of two attacks of one family on one session',
      attacks: [attack('s1', [0, 0]), attack('s1', [0, 99])],
      want: [1, 1],
    },
    {
      name: 'in a family whose base is tested, beside one whose base is unknown',
      attacks: [attack('s1', [0, 99]), attack('nobody', [0, 0], { family: 'other' })],
      want: [1, 1],
    },
  ])('$name -> $want', ({ attacks, want }) => {
    const { figures } = judge(attacks)
    expect([figures.dr_2, figures.dr_5]).toEqual(want)
  })

  test('the hard rule alarms also where too few sessions were learned for a threshold', () => {
    const untold: Detector = { ...byName, fit: (all) => ({ ...byName.fit(all), calibration: [] }) }
    const attacks = [attack('s1', [0, ALARM]), attack('s2', [0, 1_000])]
    const domain = { name: 'shop', sessions, attacks }
    const { figures, families } = evaluate(domain, { by: 'task', salt: 'fold' }, untold)
    expect([figures.dr_2, figures.dr_5]).toEqual([0.5, 0.5])
    expect(families['odd']?.calls_median).toBe(1)
  })

  test('families are those of the data', () => {
    const { families } = judge([attack('s1', [0, 99], { family: 'never heard of' })])
    expect(Object.keys(families)).toEqual(['never heard of'])
  })

  test('calls to the alarm count from the first of the attack, of what is detected at 5%', () => {
    const { families } = judge([
      attack('s1', [0, 96, 99]),
      attack('s2', [0, 0, 0, 99]),
      attack('s3', [0, 0, 0, 0, 0]),
    ])
    expect(families['odd']).toEqual({ sessions: 3, dr_5: 0.667, calls_median: 1, calls_p90: 3 })
  })
})

describe('false alarms', () => {
  const loud = (scores: readonly number[]) =>
    judge([attack('s1', [0, 99])], {
      sessions: [...sessions, ...scores.map((score, i) => scored(`loud${i}`, [1, score]))],
    })

  test('benign sessions above the thresholds are counted', () => {
    const { figures, sessions: total, ...counts } = loud([96, 99, 95, ALARM])
    expect(counts).toMatchObject({ false_alarms_2: 2, false_alarms_5: 3 })
    expect(total).toBe(54)
    expect([figures.fpr_2, figures.fpr_5]).toEqual([0.037, 0.056])
  })

  test('detection at matched 2% takes its threshold from the judged sessions', () => {
    // Of 51 the highest may alarm: 99 is not above itself.
    expect(loud([99]).figures.dr_at_matched_2).toBe(0)
    expect(loud([98]).figures.dr_at_matched_2).toBe(1)
  })
})

test('block traces are learned and judged with their ends', () => {
  const asked: boolean[] = []
  const watching: Detector = {
    ...byName,
    fit: (grouped, options) => {
      asked.push(options?.ends === true)
      return byName.fit(grouped)
    },
  }
  const traces = {
    train: sessions,
    benign: [scored('b', [1]), scored('c', [2])],
    odd: [scored('o', [ALARM]), scored('p', [1])],
  }
  expect(evaluateTraces(traces, watching)).toEqual({ auc: 0.625, fpr_1: 0, dr_1: 0.5 })
  expect(asked).toEqual([true])
})

describe('splits', () => {
  const outcomes = [0, 1].map((i) =>
    Object.fromEntries(
      DETECTORS.map(({ name }) => [
        name,
        {
          ...judge([attack('s1', [0, i === 0 ? 99 : 96])]),
          ...{ sessions: 307, false_alarms_2: i * 12, false_alarms_5: 15 },
        },
      ]),
    ),
  )

  test('mean, and of detection the least', () => {
    const report = splitsReport('session', outcomes)
    expect(report?.mean['ours']?.dr_2).toBe(0.5)
    expect(report?.worst['ours']?.dr_2).toBe(0)
  })

  test('false alarms are compared with what the nominal rate lets expect', () => {
    expect(splitsReport('session', outcomes)?.calibration).toEqual([
      {
        ...{ nominal: 0.02, sessions: 307, from: 2, to: 11 },
        ...{ alarms: [0, 12], within: 0, mean_within: true },
      },
      {
        ...{ nominal: 0.05, sessions: 307, from: 8, to: 23 },
        ...{ alarms: [15, 15], within: 2, mean_within: true },
      },
    ])
  })

  test.for([
    { name: 'unseen tasks promise nothing', by: 'task' as const, rows: outcomes, want: [] },
    { name: 'no splits give no report', by: 'session' as const, rows: [], want: undefined },
  ])('$name', ({ by, rows, want }) => {
    expect(splitsReport(by, rows)?.calibration).toEqual(want)
  })
})

describe('report', () => {
  const small = Array.from({ length: 25 }, (_, i) => scored(`s${i}`, [1, 2, 3 + (i % 3)]))
  const attacks = small.map(({ id }) => attack(id, [1, 9, 9]))
  const report: Report = evaluateAll(
    {
      domains: [{ name: 'shop', sessions: small, attacks }],
      hdfs: { train: small, benign: small, odd: attacks },
      leftOut: ['airline: there is none'],
    },
    { salt: 'fold', splits: 2 },
    () => undefined,
  )
  const json = JSON.parse(jsonOf(report)) as Record<string, Record<string, unknown>>

  test('JSON holds our figures by protocol, and nothing else there', () => {
    const figures = ['auc', 'dr_2', 'dr_5', 'dr_at_matched_2', 'fpr_2', 'fpr_5']
    for (const name of ['shop_task', 'shop_session']) {
      expect(Object.keys(json[name] ?? {}).sort()).toEqual(figures)
    }
    expect(Object.keys(json['hdfs'] ?? {})).toEqual(['auc'])
  })

  test('JSON holds each detector, family and split, and what was left out', () => {
    const names = DETECTORS.map(({ name }) => name)
    expect(Object.keys(json['detectors']?.['shop_task'] ?? {})).toEqual(names)
    expect(Object.keys(json['families']?.['shop_task'] ?? {})).toEqual(names)
    expect(json['splits']?.['shop_session']).toMatchObject({ splits: 2 })
    expect(json['left_out']).toEqual(['airline: there is none'])
  })

  test('the text names each detector and says what was left out', () => {
    const text = textOf(report)
    for (const { title } of DETECTORS) expect(text).toContain(`\n${title}`)
    expect(text).toContain('left out: airline: there is none')
  })
})
