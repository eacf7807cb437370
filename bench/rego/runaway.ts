import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { BUILTIN_NAMES } from '../../src/decide/rego/builtins/index.ts'
import { createRegoCompiler } from '../../src/host/rego-compiler/compiler.ts'
import type { Runaway } from '../../test/decide/rego/engine/runaway-policies.ts'
import { RUNAWAYS } from '../../test/decide/rego/engine/runaway-policies.ts'

export type RunawayReport = {
  readonly name: string
  /** How it ended: an error code and the place. */
  readonly end: string
  readonly ms: number
  /** The process's largest resident memory above that of an evaluation that does next to nothing. */
  readonly above_mib: number
}

/** What a child is given on its standard input. */
export type RunawayTask = { readonly plan: string; readonly input: Runaway['input'] | null }

/** Runs each policy that has no end in a process of its own, once, with nothing compiled or warmed up for it. */
export async function measureRunaways(): Promise<readonly RunawayReport[]> {
  const compiler = createRegoCompiler({ hostBuiltins: BUILTIN_NAMES })
  const planOf = async (source: string): Promise<string> => {
    const built = await compiler.build({ 't.rego': `package t\n\n${source}` }, ['t/p'])
    if ('diagnostics' in built) throw new Error(JSON.stringify(built.diagnostics[0]))
    return built.plan
  }
  try {
    const reports: RunawayReport[] = []
    for (const { name, source, input } of RUNAWAYS) {
      reports.push({ name, ...run({ plan: await planOf(source), input: input ?? null }) })
    }
    return reports
  } finally {
    await compiler.close()
  }
}

const CHILD = join(import.meta.dirname, 'runaway-child.ts')

function run(task: RunawayTask): Omit<RunawayReport, 'name'> {
  const input = JSON.stringify(task)
  const { stdout, status } = spawnSync(process.execPath, [CHILD], { input, encoding: 'utf8' })
  if (status !== 0) throw new Error(`the child ended with ${status}`)
  return JSON.parse(stdout) as Omit<RunawayReport, 'name'>
}
