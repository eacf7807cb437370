import { describe, expect, test } from 'vitest'
import { effectOf, isStopped, readyToScore } from '../../../src/app/baseline/effect.ts'
import {
  movementMax,
  type SelfMerge,
  selfMergeObstacles,
} from '../../../src/app/baseline/self-merge.ts'
import type { ObservedSession } from '../../../src/decide/behaviour/index.ts'
import { advance, learn } from '../../../src/decide/behaviour/index.ts'
import type { BaselineDocument } from '../../../src/decide/behaviour/text.ts'
import type { CompiledRoute } from '../../../src/model/generated/types.ts'
import { judged } from '../../decide/behaviour/judged.ts'

function sessionsOf(words: Readonly<Record<string, number>>, name: string): ObservedSession[] {
  return Object.entries(words).flatMap(([text, times]) =>
    Array.from({ length: times }, (_, i) => {
      const id = `${name}/${text}/${i}`
      const calls = text.split(' ').map((word) => ({ node: `s.${word}`, args: null }))
      return { id, group: id, calls, ended: true }
    }),
  )
}

const NORMAL = { 'read note': 70, 'read list note': 50, 'read refund': 6 }

const FIRST: BaselineDocument = {
  apiVersion: 'countersign/v1',
  kind: 'Baseline',
  agent: 'clerk',
  version: 1,
  unreviewed_movement_ppm: 0,
  snapshot: learn(sessionsOf(NORMAL, 'first')),
}

const ROUTE: CompiledRoute = {
  id: 'default',
  reviewers: ['ana'],
  quorum: 1,
  signature: 'ssh',
  time_out: '1h',
  show: [],
  baselines: { movement_ppm_max: 20_000 },
  file: 'policies/routes.yaml',
  line: 1,
  column: 1,
}

const leadsToHarm = (node: string): boolean => node === 's.refund'

/** What asks to be merged after these sessions, all else being as it should. */
function asking(
  sessions: Readonly<Record<string, number>>,
  changes: {
    readonly before?: BaselineDocument
    readonly after?: Partial<BaselineDocument>
    readonly merge?: Partial<SelfMerge>
    readonly history?: readonly BaselineDocument[]
  } = {},
): SelfMerge {
  const before = changes.before ?? FIRST
  const learned = sessionsOf(sessions, 'second')
  const delta = learn(learned)
  const snapshot = advance(before.snapshot, delta, before.half_life ?? null)
  const after = { ...before, version: before.version + 1, snapshot, ...changes.after }
  const history = changes.history ?? [before]
  const effect = effectOf({ before, after, history, sessions: learned, leadsToHarm })
  const learning = { delta, sessions: learned }
  const plain = {
    routes: [ROUTE],
    before,
    after,
    ...learning,
    effect,
    reviewed: before,
    leadsToHarm,
  }
  return { ...plain, ...changes.merge }
}

const rejected = {
  ...FIRST,
  snapshot: judged(FIRST.snapshot, 's.read', 's.note', { rejections: 1 }),
}
const base = asking({ 'read note': 2 })

describe('a small change of known transitions', () => {
  test('may be merged without people', () => {
    expect(base.effect.comparison.movementPpm).toBeGreaterThan(0)
    expect(selfMergeObstacles(base)).toEqual([])
  })

  test.for([
    {
      name: 'where no route says so',
      asked: { ...base, routes: [{ ...ROUTE, baselines: undefined }] as never },
      why: /no route says/,
    },
    { name: 'as a first version', asked: { ...base, before: null }, why: /first version/ },
    {
      name: 'with a new transition',
      asked: asking({ 'read note note': 1 }),
      why: /adds s\.note -> s\.note/,
    },
    {
      name: 'with a transition that people rejected, although it was seen before',
      asked: asking({ 'read note': 1 }, { before: rejected }),
      why: /touches s\.read -> s\.note, which people rejected/,
    },
    {
      name: 'with a transition that people rejected just now',
      asked: {
        ...base,
        delta: judged(learn(sessionsOf({ 'read note': 1 }, 'x')), 's.list', 's.note', {
          rejections: 1,
        }),
      },
      why: /touches s\.list -> s\.note, which people rejected/,
    },
    {
      name: 'with a transition to an irreversible tool, although it was seen before',
      asked: asking({ 'read note': 2, 'read refund': 1 }),
      why: /touches s\.read -> s\.refund, which leads to an irreversible tool/,
    },
    {
      name: 'that moves the chances too far',
      asked: { ...base, routes: [{ ...ROUTE, baselines: { movement_ppm_max: 10 } }] },
      why: /ppm moved since the last review by people; the route allows 10/,
    },
    {
      name: 'that moves them too far together with those before it',
      asked: asking({ 'read note': 2 }, { before: { ...FIRST, unreviewed_movement_ppm: 19_999 } }),
      why: /ppm moved since the last review/,
    },
    {
      name: 'that changes the rate',
      asked: asking({ 'read note': 2 }, { after: { rate: 0.1 } }),
      why: /settings/,
    },
    {
      name: 'that changes the half-life',
      asked: asking({ 'read note': 2 }, { after: { half_life: 10 } }),
      why: /settings/,
    },
    {
      name: 'that goes back into shadow',
      asked: {
        ...base,
        effect: {
          ...base.effect,
          progress: {
            before: { ...base.effect.progress.after, enforced: true },
            after: { ...base.effect.progress.after, enforced: false },
          },
        },
      },
      why: /back into shadow/,
    },
    {
      name: 'that nobody ever reviewed',
      asked: { ...base, reviewed: null },
      why: /no version that people reviewed/,
    },
    {
      name: 'that warns of slow poisoning',
      asked: {
        ...base,
        effect: {
          ...base.effect,
          poisoning: [
            {
              from: 's.read',
              to: 's.refund',
              why: 'irreversible' as const,
              kind: 'steady' as const,
              versions: 3,
              chancePpm: { before: 1, after: 2 },
            },
          ],
        },
      },
      why: /grew over several versions/,
    },
  ])('$name -> people must look at it', ({ asked, why }) => {
    expect(selfMergeObstacles(asked)).toContainEqual(expect.stringMatching(why))
  })
})

test('odd sessions over known transitions, which would raise the threshold -> people must look at it', () => {
  // Reading lists over and over makes no new transition and hardly moves a chance of a baseline that knows it.
  const known = { ...NORMAL, 'read list list note': 400 }
  const before = { ...FIRST, snapshot: learn(sessionsOf(known, 'first')) }
  const long = `read ${'list '.repeat(60)}note`
  const asked = asking(
    { [long]: 12 },
    { before, merge: { routes: [{ ...ROUTE, baselines: { movement_ppm_max: 200_000 } }] } },
  )
  expect(asked.effect.comparison.added).toEqual([])
  expect(selfMergeObstacles(asked)).toContainEqual(expect.stringMatching(/threshold/))
  // Small steps do not get there either: what counts is the version that people saw.
  const small = asking({ 'read note': 1 }, { before: asked.after })
  expect(selfMergeObstacles({ ...small, reviewed: before })).toContainEqual(
    expect.stringMatching(/threshold/),
  )
})

test('sessions that only repeat their arguments, which moves no chance -> people must look at it', () => {
  const once = (times: number, name: string, args: (call: number) => string): ObservedSession[] =>
    Array.from({ length: times }, (_, i) => ({
      ...{ id: `${name}/${i}`, group: `${name}/${i}`, ended: true },
      calls: ['read', 'list', 'list', 'list', 'note'].map((word, call) => {
        return { node: `s.${word}`, args: args(call) }
      }),
    }))
  const before = { ...FIRST, snapshot: learn(once(150, 'first', (call) => `${call}`)) }
  const sessions = once(60, 'second', () => 'same')
  const delta = learn(sessions)
  const after = { ...before, version: 2, snapshot: advance(before.snapshot, delta, null) }
  const effect = effectOf({ before, after, history: [before], sessions, leadsToHarm })
  const asked = { ...base, before, after, delta, sessions, effect, reviewed: before }
  // What was an alarm would be one no more, and nothing else says so.
  const [attack] = once(1, 'third', () => 'same')
  const isAlarm = (document: BaselineDocument) =>
    attack !== undefined && isStopped(readyToScore(document), attack)
  expect([isAlarm(before), isAlarm(after)]).toEqual([true, false])
  expect(selfMergeObstacles(asked)).toEqual([
    'it teaches sessions (60) that the version people last reviewed would have stopped',
  ])
})

test('of two routes the least counts; without one there is no permission', () => {
  const other = { ...ROUTE, id: 'other', baselines: { movement_ppm_max: 5 } }
  expect(movementMax([ROUTE, other])).toBe(5)
  expect(movementMax([])).toBe(null)
})
