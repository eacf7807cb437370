import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { frequency, literal, stide3 } from '../../scripts/behaviour-eval/comparators.ts'
import type { Domain } from '../../scripts/behaviour-eval/data.ts'
import { readData } from '../../scripts/behaviour-eval/data.ts'
import { thresholdOf } from '../../scripts/behaviour-eval/figures.ts'
import type { FoldsBy } from '../../scripts/behaviour-eval/protocol.ts'
import { evaluate } from '../../scripts/behaviour-eval/protocol.ts'
import {
  channelsOf,
  learnModel,
  reference,
  tailBits,
  tailOf,
} from '../../scripts/behaviour-eval/reference.ts'
import type { Ended } from './support/host.ts'
import { RECORDED, REPOSITORY, run } from './support/host.ts'

// The recorded sessions, the figures of the first evaluation (`evaluate.py`, by the algorithm that ours grew from) and
// that algorithm's vectors lie beside the repository, not in it. Without them the suite fails.

const BESIDE = join(RECORDED, '..')

function besideJson(file: string): unknown {
  return JSON.parse(readFileSync(join(BESIDE, file), 'utf8'))
}

/** The figures of one detector, as `evaluate.py` printed them. */
type FirstFigures = Readonly<Record<string, number>> & {
  readonly families_dr_5: Readonly<Record<string, number>>
}

describe('detectors beside ours', () => {
  const results = besideJson('reference_results.json') as Record<
    string,
    Record<string, FirstFigures>
  >
  const domains = new Map<string, Domain>(
    readData(RECORDED).domains.map((domain) => [domain.name, domain]),
  )
  const rows = ['retail', 'airline'].flatMap((domain) =>
    (['task', 'session'] as const).flatMap((by: FoldsBy) =>
      [reference, stide3, frequency, literal].map((detector) => ({ domain, by, detector })),
    ),
  )

  test.for(rows)(
    '$detector.name on $domain by $by -> the figures of the first evaluation',
    (row) => {
      const { domain, by, detector } = row
      const { families_dr_5, ...figures } = results[`${domain}_${by}`]![detector.name]!
      const outcome = evaluate(domains.get(domain)!, { by, salt: 'fold' }, detector)
      const families = Object.entries(outcome.families).map(([name, { dr_5 }]) => [name, dr_5])
      expect(outcome.figures).toEqual(figures)
      expect(Object.fromEntries(families)).toEqual(families_dr_5)
    },
  )
})

type Vector = Readonly<Record<string, unknown>> & {
  readonly type: string
  readonly name: string
  readonly baseline?: readonly (readonly string[])[]
  /** The place of another vector in the list. */
  readonly baseline_same_as?: number
}

describe('vectors of the reference', () => {
  const { vectors } = (besideJson('golden.json') ?? { vectors: [] }) as { vectors: Vector[] }
  const ofType = (type: string) => vectors.filter((vector) => vector.type === type)

  test.for(ofType('score'))('$name', (vector) => {
    const same = vectors[vector.baseline_same_as ?? -1]
    const model = learnModel((vector.baseline ?? same?.baseline)!)
    const scores = channelsOf(model, vector['input'] as string[])
    const want = vector['expected'] as Record<string, number>[]
    expect(scores).toHaveLength(want.length)
    for (const [i, { surprisal, entropy, escaped, ...channels }] of scores.entries()) {
      const got: Record<string, number> = { s: surprisal, H: entropy, e: escaped, ...channels }
      for (const [name, value] of Object.entries(want[i]!)) {
        expect(Math.abs(got[name]! - value), `${name} of call ${i}`).toBeLessThan(1e-6)
      }
    }
  })

  test.for(ofType('tail_bits'))('$name', (vector) => {
    const tail = tailOf(vector['calibration'] as number[])
    expect(tail).toMatchObject({ start: vector['u'], share: vector['q'] })
    for (const [i, value] of (vector['x'] as number[]).entries()) {
      expect(Math.abs(tailBits(tail, value) - (vector['bits'] as number[])[i]!)).toBeLessThan(1e-6)
    }
  })

  test.for(ofType('conformal_threshold'))('$name', (vector) => {
    const calibration = vector['calibration'] as number[]
    for (const [rate, want] of Object.entries(vector['threshold'] as object)) {
      expect(thresholdOf(calibration, Number(rate)), rate).toBe(
        want === 'inf' ? Number.POSITIVE_INFINITY : want,
      )
    }
  })

  test('none of them is missing', () => {
    const counts = ['score', 'tail_bits', 'conformal_threshold'].map((type) => ofType(type).length)
    expect(counts).toEqual([19, 1, 1])
  })
})

/** The least that the product has to reach; false alarms at nominal 5% are the most that it may raise. */
const FLOORS = {
  retail_task: { dr_5: 0.8, dr_at_matched_2: 0.667 },
  retail_session: { dr_5: 0.83, dr_at_matched_2: 0.701 },
  airline_task: { dr_5: 0.65, dr_at_matched_2: 0.274 },
  airline_session: { dr_5: 0.68, dr_at_matched_2: 0.417 },
} as const
const FALSE_ALARMS_MAX = 0.055
const HDFS_AUC_MIN = 0.997

type OwnFigures = Readonly<Record<'fpr_5' | 'dr_5' | 'dr_at_matched_2', number>>

describe('npm run eval:behaviour', () => {
  let ran: Ended
  let json: Record<string, OwnFigures>

  beforeAll(() => {
    const args = ['scripts/behaviour-eval/run.ts', '--format', 'json', '--check']
    ran = run(process.execPath, args, { cwd: REPOSITORY })
    json = JSON.parse(ran.stdout)
  })

  test('the page is what the run gives', () => {
    expect(ran.stderr).toBe('')
    expect(ran.code).toBe(0)
  })

  test.for(Object.entries(FLOORS))('%s -> better than was asked for', ([name, floors]) => {
    const figures = json[name]!
    expect(figures.fpr_5).toBeLessThanOrEqual(FALSE_ALARMS_MAX)
    expect(figures.dr_5).toBeGreaterThanOrEqual(floors.dr_5)
    expect(figures.dr_at_matched_2).toBeGreaterThan(floors.dr_at_matched_2)
  })

  test('odd block traces are told from benign ones', () => {
    const { auc } = json['hdfs'] as unknown as { readonly auc: number }
    expect(auc).toBeGreaterThanOrEqual(HDFS_AUC_MIN)
  })

  test('false alarms stay where the nominal rate lets expect them when tasks recur', () => {
    const splits = json['splits'] as unknown as Record<
      string,
      { readonly calibration: readonly { readonly mean_within: boolean }[] }
    >
    for (const name of ['retail_session', 'airline_session']) {
      expect(splits[name]?.calibration.map((one) => one.mean_within)).toEqual([true, true])
    }
  })

  test.for([
    { name: 'a folder without data', args: ['--data', 'docs'], want: /holds no recorded sessions/ },
    { name: 'splits that are no number', args: ['--splits', 'many'], want: /expected --splits/ },
    { name: 'an unknown format', args: ['--format', 'xml'], want: /expected --format/ },
    { name: 'a page of other folds', args: ['--check', '--folds-salt', 'x'], want: /leave out/ },
  ])('$name ends with 2', ({ args, want }) => {
    const ended = run(process.execPath, ['scripts/behaviour-eval/run.ts', ...args], {
      cwd: REPOSITORY,
    })
    expect(ended.code).toBe(2)
    expect(ended.stderr).toMatch(want)
    expect(ended.stdout).toBe('')
  })
})
