import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { judgeCall } from '../../../src/app/engine/decide.ts'
import { compilePolicyFolder } from '../../../src/app/policy/compile-policy.ts'
import type { RecordedSession } from '../../../src/model/generated/types.ts'
import { createStepper } from '../../../src/policy/analyse/replay.ts'
import { openMemoryForge } from '../../fakes/memory-forge.ts'
import { openTest } from '../support.ts'
import { rederiveAll } from './rederive-scene.ts'

const EXAMPLE = join(import.meta.dirname, '../../../examples/retail-agent')

function sessionsOf(file: string, count: number): RecordedSession[] {
  const lines = readFileSync(join(EXAMPLE, file), 'utf8').trim().split('\n')
  return lines.slice(0, count).map((line) => JSON.parse(line) as RecordedSession)
}

test('the sessions of the retail agent re-derive, under its Rego', async () => {
  const bundle = await compilePolicyFolder(EXAMPLE)
  const { project } = bundle.policy
  let now = Date.now()
  const credential = { project, agents: ['*'], role: 'agent' }
  const { parts } = await openTest({
    ...{ bundle, credential, forge: openMemoryForge() },
    clock: () => now,
  })
  const steps = createStepper(project, { carry: true })
  const sessions = [
    ...sessionsOf('traces/sessions.jsonl', 5),
    ...sessionsOf('sessions/second-half.jsonl', 15),
    ...sessionsOf('sessions/attacks.jsonl', 15),
  ]
  const verdicts = new Set<string>()
  for (const [i, session] of sessions.entries()) {
    for (const step of steps(session, { file: 'sessions', line: i + 1 })) {
      now = step.now
      verdicts.add((await judgeCall(parts, step.action)).verdict)
    }
  }
  expect(verdicts.size).toBeGreaterThan(2)
  const report = await rederiveAll(parts, { bundles: [bundle] })
  expect(report).toMatchObject({ status: 'rederived', differing: [], underived: [] })
  expect(report.counts.rederived).toBe((await parts.store.size()) - 1)
})
