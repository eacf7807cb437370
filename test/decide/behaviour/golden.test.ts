import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { canonicalize } from '../../../src/base/canonical-json.ts'
import type { JsonValue } from '../../../src/base/json-value.ts'
import { meterOf, rarity, thresholdOf } from '../../../src/decide/behaviour/calibrate.ts'
import { newChain } from '../../../src/decide/behaviour/chain.ts'
import { newProgress, observe } from '../../../src/decide/behaviour/channels.ts'
import { decayTick } from '../../../src/decide/behaviour/decay.ts'
import type { Snapshot } from '../../../src/decide/behaviour/snapshot.ts'
import { chainOf, learn, merge, nodeOfId, rowsOf } from '../../../src/decide/behaviour/snapshot.ts'
import type { Welford } from '../../../src/decide/behaviour/welford.ts'
import { addValue, mergeWelford, NO_VALUES } from '../../../src/decide/behaviour/welford.ts'
import { sessionOf } from './generated-sessions.ts'

// The 24 vectors of the specification; see `about` in the file.
type Scores = Readonly<
  Record<'s' | 'H' | 'e' | 'markov' | 'novelty' | 'repeat' | 'precede', number>
>
type Vector =
  | {
      readonly type: 'score'
      readonly name: string
      readonly baseline?: readonly string[][]
      /** The number of the vector that has the baseline. */
      readonly baseline_same_as?: number
      readonly input: readonly string[]
      readonly expected: readonly Scores[]
    }
  | {
      readonly type: 'welford_merge'
      readonly x1: readonly number[]
      readonly x2: readonly number[]
      readonly a: readonly number[]
      readonly b: readonly number[]
      readonly merged: readonly number[]
      readonly rel_tol: number
    }
  | {
      readonly type: 'tail_bits'
      readonly calibration: readonly number[]
      readonly u: number
      readonly q: number
      readonly beta: number
      readonly x: readonly number[]
      readonly bits: readonly number[]
    }
  | {
      readonly type: 'conformal_threshold'
      readonly calibration: readonly number[]
      readonly threshold: Readonly<Record<string, number | 'inf'>>
    }
  | { readonly type: 'decay_int'; readonly values: readonly number[] }
  | {
      readonly type: 'snapshot'
      readonly sessions: readonly string[][]
      readonly sha256: string
      readonly snapshot: JsonValue
    }

const file = join(import.meta.dirname, '../../vectors/behaviour/golden.json')
const { vectors } = JSON.parse(readFileSync(file, 'utf8')) as { vectors: readonly Vector[] }

function ofType<T extends Vector['type']>(type: T): readonly Extract<Vector, { type: T }>[] {
  return vectors.filter((vector): vector is Extract<Vector, { type: T }> => vector.type === type)
}

test('there are 24 vectors', () => {
  expect(vectors).toHaveLength(24)
  expect(new Set(vectors.map(({ type }) => type)).size).toBe(6)
})

describe('scores', () => {
  test.for(ofType('score'))('$name -> within 1e-6', (vector) => {
    const same = vectors[vector.baseline_same_as ?? -1]
    const baseline = vector.baseline ?? (same?.type === 'score' ? same.baseline : undefined)
    const snapshot = learn(baseline!.map((nodes, i) => sessionOf(String(i), nodes)))
    const chain = chainOf(snapshot, null)
    const progress = newProgress()
    const scores = vector.input.map((node) => observe(chain, progress, { node, duplicate: false }))
    expect(scores).toHaveLength(vector.expected.length)
    for (const [i, score] of scores.entries()) {
      const { surprisal: s, entropy: H, escape: e, channels } = score
      const { markov, novelty, repeat, precede } = channels
      const got = { s, H, e, markov, novelty, repeat, precede }
      for (const [name, value] of Object.entries(vector.expected[i]!)) {
        expect(Math.abs(got[name as keyof Scores] - value), `call ${i}, ${name}`).toBeLessThan(1e-6)
      }
    }
  })

  test('of nothing learned are never minus zero', () => {
    const { surprisal, entropy } = observe(newChain(), newProgress(), {
      node: 'a.b',
      duplicate: false,
    })
    expect([surprisal, entropy]).toEqual([0, 0])
  })
})

test.for(ofType('welford_merge'))('statistics of two parts -> those of the whole', (vector) => {
  const a = vector.x1.reduce(addValue, NO_VALUES)
  const b = vector.x2.reduce(addValue, NO_VALUES)
  const close = (got: Welford, [n, mean, m2]: readonly number[]): void => {
    expect(got.n).toBe(n)
    expect(Math.abs(got.mean / mean! - 1)).toBeLessThanOrEqual(vector.rel_tol)
    expect(Math.abs(got.m2 / m2! - 1)).toBeLessThanOrEqual(vector.rel_tol)
  }
  close(a, vector.a)
  close(b, vector.b)
  close(mergeWelford(a, b), vector.merged)
  close([...vector.x1, ...vector.x2].reduce(addValue, NO_VALUES), vector.merged)
})

test.for(ofType('tail_bits'))('bits of rarity -> within 1e-6', (vector) => {
  const meter = meterOf(vector.calibration)
  expect([meter.start, meter.share]).toEqual([vector.u, vector.q])
  expect(meter.scale).toBeCloseTo(vector.beta, 9)
  for (const [i, x] of vector.x.entries()) {
    expect(Math.abs(rarity(meter, x) - vector.bits[i]!)).toBeLessThan(1e-6)
  }
})

test.for(ofType('conformal_threshold'))('order statistic -> exact', (vector) => {
  for (const [rate, want] of Object.entries(vector.threshold)) {
    expect(thresholdOf(vector.calibration, Number(rate)), rate).toBe(
      want === 'inf' ? Number.POSITIVE_INFINITY : want,
    )
  }
})

test.for(ofType('decay_int'))('ticks of decay -> exact integers', ({ values }) => {
  for (const [i, value] of values.entries()) {
    if (i > 0) expect(decayTick(values[i - 1]!)).toBe(value)
  }
  expect(decayTick(1)).toBe(0)
  // Above 2^53 / 1004 the product no longer fits a double.
  expect(decayTick(9_007_199_254_740_991)).toBe(Number((9_007_199_254_740_991n * 1004n) >> 10n))
})

test.for(ofType('snapshot'))('what was learned -> the specification’s snapshot', (vector) => {
  const sessions = vector.sessions.map((nodes, i) => sessionOf(String(i), nodes))
  const digest = (snapshot: Snapshot): string =>
    createHash('sha256')
      .update(canonicalize(inSpecification(snapshot)))
      .digest('hex')
  expect(inSpecification(learn(sessions))).toEqual(vector.snapshot)
  expect(digest(learn(sessions))).toBe(vector.sha256)
  expect(digest(learn(sessions.toReversed()))).toBe(vector.sha256)
  expect(digest(merge(learn(sessions.slice(2)), learn(sessions.slice(0, 2))))).toBe(vector.sha256)
  expect(digest(learn(sessions.slice(1)))).not.toBe(vector.sha256)
})

/** Our tables as the specification lays them out: contexts of all orders, joined by U+001F. */
function inSpecification(snapshot: Snapshot): JsonValue {
  const node = (id: number): string => nodeOfId(snapshot, id)
  const orders: Record<string, Record<string, number>>[] = [{}, {}, {}]
  for (const [first, second, to, count] of rowsOf(snapshot, 'paths')) {
    const contexts = ['', node(second), `${node(first)}\u001f${node(second)}`]
    for (const [order, context] of contexts.entries()) {
      const next = rowOf(orders[order]!, context)
      next[node(to)] = (next[node(to)] ?? 0) + count
    }
  }
  const first: Record<string, number> = {}
  const before: Record<string, Record<string, number>> = {}
  for (const [id, sessions] of rowsOf(snapshot, 'containing')) {
    first[node(id)] = sessions
    before[node(id)] = {}
  }
  for (const [id, earlier, sessions] of rowsOf(snapshot, 'preceding')) {
    before[node(id)]![node(earlier)] = sessions
  }
  const repeats: Record<string, Record<string, number>>[] = [{}, {}, {}, {}]
  for (const [id, run, sessions] of rowsOf(snapshot, 'runs')) {
    rowOf(repeats[1]!, node(id))[String(run)] = sessions
  }
  for (const [period, number, sessions] of rowsOf(snapshot, 'cycles')) {
    rowOf(repeats[period]!, '*')[String(number)] = sessions
  }
  const { sessions, calls } = snapshot
  return { K: 2, sessions, calls, n: orders, first, before, rep: repeats }
}

function rowOf<T>(rows: Record<string, Record<string, T>>, name: string): Record<string, T> {
  const row = rows[name] ?? {}
  rows[name] = row
  return row
}
