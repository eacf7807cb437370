import type { JsonObject } from '../../src/base/json-value.ts'
import type { Evaluator } from './evaluators.ts'

export type MemoryReport = {
  readonly evaluations: number
  /** Resident memory once settled, and at the end, in MiB. */
  readonly resident_settled_mib: number
  readonly resident_end_mib: number
  /** How much the end is above the settled figure, in percent. */
  readonly growth_percent: number
  /** Bytes that one evaluation leaves for the collector. */
  readonly garbage_bytes: number
}

/** Evaluates again and again, and looks at what the process holds. Wants Node's `--expose-gc`. */
export function measureGarbage(
  evaluator: Evaluator,
  inputs: readonly JsonObject[],
  { settled, total }: { readonly settled: number; readonly total: number },
): MemoryReport {
  const garbage = garbageOf(evaluator, inputs)
  run(evaluator, inputs, settled)
  const before = resident()
  run(evaluator, inputs, total - settled)
  const after = resident()
  return {
    evaluations: total,
    resident_settled_mib: before / MIB,
    resident_end_mib: after / MIB,
    growth_percent: (after / before - 1) * 100,
    garbage_bytes: garbage,
  }
}

const MIB = 1024 * 1024
const SAMPLE = 200

function run(evaluator: Evaluator, inputs: readonly JsonObject[], count: number): void {
  for (let at = 0; at < count; at++) {
    const input = inputs[at % inputs.length]
    if (input !== undefined) evaluator.evaluate(input)
  }
}

/** Few enough evaluations for no collection to come between: the heap's growth is what they made. */
function garbageOf(evaluator: Evaluator, inputs: readonly JsonObject[]): number {
  const growths = Array.from({ length: 15 }, () => {
    collect()
    const before = process.memoryUsage().heapUsed
    run(evaluator, inputs, SAMPLE)
    return (process.memoryUsage().heapUsed - before) / SAMPLE
  })
  return growths.sort((a, b) => a - b)[7] ?? Number.NaN
}

function resident(): number {
  collect()
  return process.memoryUsage().rss
}

function collect(): void {
  const gc = (globalThis as { gc?: () => void }).gc
  if (gc === undefined) throw new Error('run with node --expose-gc')
  gc()
}
