import { expect, test } from 'vitest'
import { bundleOf, temporaryFolder } from '../app/support.ts'
import { killRepeatedly } from './kill-engine.ts'

test('three kills: what the engine acknowledged is in the log, once', async () => {
  const report = await killRepeatedly({
    folder: temporaryFolder(),
    bundle: await bundleOf(),
    kills: 3,
    calls: 120,
    seed: 3,
  })
  expect(report.kills.deciding).toBeGreaterThan(0)
  expect(report.size).toBe(1 + report.acknowledged + report.unheard - report.recalled)
})
