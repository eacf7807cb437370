import { expect, test } from 'vitest'
import { bundleOf, policyFiles, temporaryFolder } from '../app/support.ts'
import { killRepeatedly } from '../crash/kill-engine.ts'

const KILLS = 50
const CALLS = 1_000
const GUARDRAILS = 'policies/guardrails/refunds.yaml'

test('50 kills at random points of 1,000 decisions: what was acknowledged is in the log, once', async () => {
  // Refunds go on to be held, however many there are.
  const guardrails = policyFiles().get(GUARDRAILS)?.replace('limit: 100,', 'limit: 1000,')
  const report = await killRepeatedly({
    folder: temporaryFolder(),
    bundle: await bundleOf({ [GUARDRAILS]: String(guardrails) }),
    kills: KILLS,
    calls: CALLS,
    seed: 20_260_731,
  })
  console.log(JSON.stringify(report))
  const { opening, deciding, tooLate } = report.kills
  expect(opening + deciding + tooLate).toBe(KILLS)
  expect(opening).toBeGreaterThanOrEqual(5)
  expect(deciding).toBeGreaterThanOrEqual(35)
  expect(report.publishing).toBeGreaterThan(0)
  expect(report.unheard).toBeGreaterThan(0)
  expect(report.recalled).toBeGreaterThan(0)
  expect(report.size).toBe(1 + report.acknowledged + report.unheard - report.recalled)
})

test('8 kills beside an engine that lives on over the same store: nothing of either is lost', async () => {
  const report = await killRepeatedly({
    folder: temporaryFolder(),
    bundle: await bundleOf(),
    kills: 8,
    calls: 300,
    besideCalls: 300,
    seed: 8,
  })
  console.log(JSON.stringify(report))
  expect(report.kills.deciding).toBeGreaterThan(3)
  expect(report.acknowledged).toBeGreaterThan(8 * 300)
  expect(report.size).toBe(1 + report.acknowledged + report.unheard - report.recalled)
})
