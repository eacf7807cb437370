/** Evaluates one policy that has no end, and tells how long that took and what it held. Started by runaway.ts. */
import { readFileSync } from 'node:fs'
import { loadPlan } from '../../src/decide/rego/engine/program.ts'
import type { RunawayTask } from './runaway.ts'

const MIB = 1024 * 1024

const { plan, input } = JSON.parse(readFileSync(0, 'utf8')) as RunawayTask
const program = loadPlan({ plan: JSON.parse(plan), data: {} }, { backEnd: 'generated' })
// What the process takes without the policy: the modules, and an input that is looked at.
program.evaluateAll([], input ?? {})
const peak = peakMib()
const before = process.memoryUsage().rss / MIB
const start = performance.now()
const outcome = program.evaluate('t/p', input ?? {})
const ms = performance.now() - start
// The peak counts where this evaluation made it; starting up may have taken more.
const held = peakMib() > peak ? peakMib() : process.memoryUsage().rss / MIB
const above_mib = Math.max(0, held - before)
const end =
  'failed' in outcome
    ? `${outcome.failed} ${outcome.file}:${outcome.line}:${outcome.column}`
    : 'a value'
process.stdout.write(JSON.stringify({ end, ms, above_mib }))

function peakMib(): number {
  return process.resourceUsage().maxRSS / 1024
}
