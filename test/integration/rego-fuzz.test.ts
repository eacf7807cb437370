import { expect, test } from 'vitest'
import { fuzz } from '../../scripts/rego-fuzz/fuzz.ts'

/** `npm run eval:fuzz` takes 500 policies and 20,000 inputs; this is where it begins. */
const SIZE = { policies: 30, inputs: 1_200, seed: 'countersign' }

test('generated policies and inputs come to what OPA says, strict and lax', async () => {
  const report = await fuzz(SIZE, () => undefined)
  expect(report.unexplained).toEqual([])
  expect(report.policies).toBe(SIZE.policies)
  // There is something to compare: few rules are undefined everywhere, and some shortcut of OPA's shows.
  expect(report.cases).toBeGreaterThan(1_000)
  expect(Object.keys(report.explained)).not.toEqual([])
}, 300_000)
