import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import type { JsonObject } from '../../src/base/json-value.ts'
import { BUILTIN_NAMES } from '../../src/decide/rego/builtins/index.ts'
import { createRegoCompiler } from '../../src/host/rego-compiler/compiler.ts'
import type { RegoPolicy } from './policy-source.ts'

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

/** What the child is given on its standard input. */
export type MemoryTask = {
  readonly plan: string
  readonly data: JsonObject
  readonly entrypoint: string
  readonly inputs: readonly JsonObject[]
  /** Evaluations after which memory must have settled, and all of them. */
  readonly settled: number
  readonly total: number
}

/** Without the second, V8 enlarges its young generation somewhere on the way, which would look like growth. */
const FLAGS = ['--expose-gc', '--min-semi-space-size=16', '--max-semi-space-size=16']

/** Evaluates again and again in a process that does nothing else, and looks at what it holds. */
export async function measureMemory(
  { files, data, entrypoint, inputs }: RegoPolicy,
  { settled, total }: { readonly settled: number; readonly total: number },
): Promise<MemoryReport> {
  const compiler = createRegoCompiler({ hostBuiltins: BUILTIN_NAMES })
  const built = await compiler.build(files, [entrypoint]).finally(() => compiler.close())
  if ('diagnostics' in built) throw new Error(JSON.stringify(built.diagnostics[0]))
  const task: MemoryTask = { plan: built.plan, data, entrypoint, inputs, settled, total }
  const { stdout, status } = spawnSync(
    process.execPath,
    [...FLAGS, join(import.meta.dirname, 'memory-child.ts')],
    { input: JSON.stringify(task), encoding: 'utf8' },
  )
  if (status !== 0) throw new Error(`the child ended with ${status}`)
  return JSON.parse(stdout) as MemoryReport
}
