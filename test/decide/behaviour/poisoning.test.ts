import { describe, expect, test } from 'vitest'
import type { Side } from '../../../src/decide/behaviour/compare.ts'
import {
  findPoisoning,
  LARGE_STEP_PPM,
  VERSIONS_WATCHED,
} from '../../../src/decide/behaviour/poisoning.ts'
import { learn } from '../../../src/decide/behaviour/snapshot.ts'
import { sessionOf } from './generated-sessions.ts'
import { judged } from './judged.ts'

/** A version in which `s.read` was followed by `s.refund` so many times of a thousand, else by `s.mail`. */
function version(refunds: number): Side {
  const sessions = Array.from({ length: 1_000 }, (_, i) =>
    sessionOf(`${i}`, ['s.read', i < refunds ? 's.refund' : 's.mail']),
  )
  return { snapshot: learn(sessions), halfLife: null }
}

const irreversible = (node: string): boolean => node === 's.refund'
const harmless = (): boolean => false

describe('a transition to an irreversible tool', () => {
  test.for([
    { name: 'rose in each of three versions', refunds: [10, 12, 14, 16], want: ['steady'] },
    {
      name: 'rose in each of three versions after a fall',
      refunds: [40, 10, 12, 14, 16],
      want: ['steady'],
    },
    {
      name: 'rose in each of three versions, by next to nothing',
      refunds: [100, 100, 100, 100],
      want: [],
    },
    { name: 'rose in two versions only', refunds: [10, 10, 12, 14], want: [] },
    { name: 'fell in the newest version', refunds: [10, 12, 14, 16, 15], want: [] },
    { name: 'stayed', refunds: [10, 10, 10, 10], want: [] },
    { name: 'rose at once, which anyone sees', refunds: [10, 10, 10, 200], want: [] },
    {
      name: 'crept up with a rest between the steps',
      refunds: [10, 40, 40, 80, 80, 110],
      want: ['creeping'],
    },
    { name: 'crept up and down and up', refunds: [10, 40, 35, 70, 65, 100], want: ['creeping'] },
    { name: 'crept less far than the bound', refunds: [10, 20, 15, 30, 25, 45], want: [] },
    { name: 'is not in the baseline', refunds: [0, 0, 0, 0], want: [] },
    { name: 'has one version only', refunds: [500], want: [] },
    { name: 'has no version', refunds: [], want: [] },
  ])('$name -> $want', ({ refunds, want }) => {
    const found = findPoisoning(refunds.map(version), irreversible)
    expect(found.map(({ kind }) => kind)).toEqual(want)
    for (const one of found) {
      expect(one).toMatchObject({ from: 's.read', to: 's.refund', why: 'irreversible' })
      expect(one.chancePpm.after).toBeGreaterThan(one.chancePpm.before)
    }
  })
})

test('the same rise toward a tool that can be undone is nobody’s business', () => {
  expect(findPoisoning([10, 12, 14, 16].map(version), harmless)).toEqual([])
})

test('toward a transition that people rejected it is, whatever the tool, even when the newest version forgot', () => {
  const [first, ...rest] = [10, 12, 14, 16].map(version)
  const rejected = {
    halfLife: null,
    snapshot: judged(first?.snapshot ?? learn([]), 's.read', 's.refund', { rejections: 1 }),
  }
  expect(findPoisoning([rejected, ...rest], harmless)).toMatchObject([
    { why: 'rejected', kind: 'steady', versions: 3 },
  ])
})

test(`no more than ${VERSIONS_WATCHED} versions are looked at: an old low does not count for ever`, () => {
  const slow = [...Array.from({ length: 5 }, () => 10), ...Array.from({ length: 10 }, () => 90)]
  expect(90_000 - 10_000).toBeGreaterThan(LARGE_STEP_PPM)
  expect(findPoisoning(slow.map(version), irreversible)).toEqual([])
})
