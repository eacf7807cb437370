import { describe, expect, test } from 'vitest'
import { frequency, literal, stide3 } from '../../../scripts/behaviour-eval/comparators.ts'
import { crossFitFolds } from '../../../scripts/behaviour-eval/cross-fit.ts'
import type { RecordedSession } from '../../../scripts/behaviour-eval/data.ts'
import type { Detector } from '../../../scripts/behaviour-eval/detector.ts'
import { ALARM } from '../../../scripts/behaviour-eval/detector.ts'
import { identicalRuns, ours } from '../../../scripts/behaviour-eval/ours.ts'
import {
  channelsOf,
  learnModel,
  reference,
  tailBits,
  tailOf,
} from '../../../scripts/behaviour-eval/reference.ts'

/** A session of one letter a call; a digit behind it are its arguments. */
function session(text: string, id = text): RecordedSession {
  const calls = text.split(' ').map((call) => ({
    service: 's',
    action: call.charAt(0),
    args: call.charAt(1) === '' ? null : call.charAt(1),
  }))
  return { id, task: id, calls }
}

function fitted(detector: Detector, texts: readonly string[]) {
  return detector.fit(
    texts.map((text, i) => ({ session: session(text, `${i}`), group: `${i % 7}` })),
  )
}

describe('folds of calibration', () => {
  const items = Array.from({ length: 40 }, (_, i) => ({ group: `g${i % 13}`, i }))
  const folds = crossFitFolds(items)

  test('each item is judged once, by a model of the others', () => {
    expect(folds.flatMap(({ judge }) => judge.map(({ i }) => i)).sort((a, b) => a - b)).toEqual(
      items.map(({ i }) => i),
    )
    for (const { learn, judge } of folds) expect(learn.length + judge.length).toBe(items.length)
  })

  test('a group is never learned and judged at once', () => {
    for (const { learn, judge } of folds) {
      const learned = new Set(learn.map(({ group }) => group))
      expect(judge.filter(({ group }) => learned.has(group))).toEqual([])
    }
  })
})

describe('simpler detectors', () => {
  const normal = Array.from({ length: 20 }, () => 'a b c')

  test('STIDE-3 scores the share of unknown windows so far', () => {
    expect(fitted(stide3, normal).scores(session('a b d c'))).toEqual([0, 0, 1 / 3, 2 / 4])
  })

  test('frequency scores how rare a call is', () => {
    const [usual = 0, unknown = 0] = fitted(frequency, normal).scores(session('a x'))
    expect(usual).toBeCloseTo(-Math.log2(20.5 / 61), 12)
    expect(unknown).toBeCloseTo(-Math.log2(0.5 / 61), 12)
  })

  test('the literal rule wants surprise twice running on one edge', () => {
    const scores = fitted(literal, normal).scores(session('a x a x a'))
    expect(scores.map((score) => score > 0)).toEqual([false, false, false, true, true])
    expect(scores[3]).toBeCloseTo(-Math.log2(0.1 / 20.4), 12)
  })
})

describe('reference', () => {
  test('the chance of a call is interpolated over three orders', () => {
    const [first] = channelsOf(learnModel([['a', 'b']]), ['a', 'b'])
    // 1/3 unseen; (1 + 2/3)/4 alone; (1 + 5/12)/2 at the start; (1 + 17/24)/2 at the very start.
    expect(first?.surprisal).toBeCloseTo(-Math.log2(41 / 48), 12)
    expect(first).toMatchObject({ escaped: 0, novelty: 0, repeat: 0, precede: 0 })
  })

  test('an unknown call escapes from every context', () => {
    const [, second] = channelsOf(learnModel([['a', 'b']]), ['a', 'x'])
    // Alone 2 of 2 kinds in 4, then 1 of 2, twice.
    expect(second?.escaped).toBeCloseTo(1 + 1 + 1, 12)
    expect(second?.novelty).toBeCloseTo(2.5, 12)
  })

  test.for([
    { name: 'without what always comes before', words: ['b'], want: -Math.log2(0.5 / 4) },
    { name: 'behind it', words: ['a', 'b'], want: 0 },
    { name: 'a second time', words: ['b', 'b'], want: 0 },
    { name: 'that is unknown', words: ['x'], want: 0 },
  ])('a call $name -> $want bits', ({ words, want }) => {
    const model = learnModel(Array.from({ length: 3 }, () => ['a', 'b']))
    expect(channelsOf(model, words).at(-1)?.precede).toBeCloseTo(want, 12)
  })

  test.for([
    { name: 'as often as a session did', words: ['a', 'a'], want: -Math.log2(1.5 / 3) },
    { name: 'once more', words: ['a', 'a', 'a'], want: -Math.log2(0.5 / 3) },
    { name: 'twice more', words: ['a', 'a', 'a', 'a'], want: -Math.log2(0.5 / 3) + 1 },
  ])('a call repeated $name -> $want bits', ({ words, want }) => {
    const model = learnModel([['a', 'a'], ['a']])
    expect(channelsOf(model, words).at(-1)?.repeat).toBeCloseTo(want, 12)
  })

  test.for([
    { name: 'below the tail', value: 5, want: -Math.log2(7 / 11) },
    { name: 'in the tail', value: 11, want: -Math.log2(0.1) + 2 / Math.LN2 },
  ])('a value $name -> $want bits', ({ value, want }) => {
    const tail = tailOf([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(tailBits(tail, value)).toBeCloseTo(want, 12)
  })

  test('of nothing learned, nothing is odd', () => {
    expect(reference.fit([]).scores(session('a b'))).toEqual([0, 0])
  })
})

describe('ours', () => {
  test.for([
    { text: 'a1 a1 a1 a1 a1', want: [1, 2, 3, 4, 5] },
    { text: 'a1 a1 a2 a2', want: [1, 2, 1, 2] },
    { text: 'a1 b1 a1 b1', want: [1, 1, 1, 1] },
    { text: 'a a a a', want: [0, 0, 0, 0] },
    { text: 'a1 a1 a a1', want: [1, 2, 0, 1] },
  ])('identical calls in a row of $text -> $want', ({ text, want }) => {
    expect(identicalRuns(session(text))).toEqual(want)
  })

  test('the fourth identical call alarms by itself, however usual repeats are', () => {
    const learned = fitted(
      ours,
      Array.from({ length: 40 }, () => 'a1 a1 a1 a1 a1 b'),
    )
    const isAlarm = (text: string) => learned.scores(session(text)).map((score) => score === ALARM)
    expect(isAlarm('a1 a1 a1 a1 a1 b')).toEqual([false, false, false, true, true, false])
    expect(isAlarm('a1 a2 a1 a2 a1 b')).not.toContain(true)
    expect(isAlarm('a a a a a b')).not.toContain(true)
  })

  test('ends are scored where they are wanted', () => {
    const sessions = Array.from({ length: 40 }, (_, i) => ({
      session: session('a b c', `${i}`),
      group: `${i}`,
    }))
    expect(ours.fit(sessions).scores(session('a b'))).toHaveLength(2)
    expect(ours.fit(sessions, { ends: true }).scores(session('a b'))).toHaveLength(3)
  })
})
