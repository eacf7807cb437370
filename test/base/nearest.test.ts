import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nearest } from '../../src/base/nearest.ts'

const KINDS = ['velocity', 'loop', 'pattern', 'cost', 'flow', 'schedule', 'mode', 'id']

test.for([
  ['velocty', KINDS, 'velocity'],
  ['patern', KINDS, 'pattern'],
  ['Velocity', KINDS, 'velocity'],
  ['shcedule', KINDS, 'schedule'],
  ['modes', KINDS, 'mode'],
  ['dayly', ['daily', 'hourly'], 'daily'],
  ['deyn', ['deny', 'allow'], 'deny'],
  ['LOOP', ['loop', 'LOOPS'], 'loop'],
  ['bat', ['cat', 'bar'], 'bar'],
  ['cost', [], undefined],
  ['treasury', KINDS, undefined],
  ['x', ['y', 'id'], undefined],
  ['ab', ['cd', 'a_long_name'], undefined],
  ['', ['a'], undefined],
  ['loop'.repeat(40), KINDS, undefined],
] as const)('%s among %j -> %s', ([name, candidates, want]) => {
  expect(nearest(name, candidates)).toBe(want)
})

test('the order of the candidates does not count', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'A'), minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(word, fc.array(word), (name, candidates) => {
      expect(nearest(name, candidates.toReversed())).toBe(nearest(name, candidates))
    }),
  )
})
