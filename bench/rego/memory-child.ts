/** Evaluates one policy a great many times, and tells what the process came to hold. Started by memory.ts. */
import { readFileSync } from 'node:fs'
import { loadPlan } from '../../src/decide/rego/engine/program.ts'
import type { MemoryReport, MemoryTask } from './memory.ts'

const MIB = 1024 * 1024
/** Few enough evaluations for no collection to come between: the heap's growth is what they made. */
const SAMPLE = 200

const task = JSON.parse(readFileSync(0, 'utf8')) as MemoryTask
const { plan, data, entrypoint, inputs, settled, total } = task
const program = loadPlan({ plan: JSON.parse(plan), data }, { backEnd: 'generated' })
run(2_000)
const garbage = garbageOf()
run(settled)
const before = residentMib()
run(total - settled)
const after = residentMib()
const report: MemoryReport = {
  evaluations: total,
  resident_settled_mib: before,
  resident_end_mib: after,
  growth_percent: (after / before - 1) * 100,
  garbage_bytes: garbage,
}
process.stdout.write(JSON.stringify(report))

function run(count: number): void {
  for (let at = 0; at < count; at++) {
    const input = inputs[at % inputs.length]
    if (input !== undefined) program.evaluate(entrypoint, input)
  }
}

function garbageOf(): number {
  const growths = Array.from({ length: 15 }, () => {
    collect()
    const start = process.memoryUsage().heapUsed
    run(SAMPLE)
    return (process.memoryUsage().heapUsed - start) / SAMPLE
  })
  return growths.sort((a, b) => a - b)[7] ?? Number.NaN
}

function residentMib(): number {
  collect()
  return process.memoryUsage().rss / MIB
}

function collect(): void {
  const { gc } = globalThis as { readonly gc?: () => void }
  if (gc === undefined) throw new Error('run with node --expose-gc')
  gc()
}
