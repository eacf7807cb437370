/** `npm run bench:replay`: how long `replay` takes on 100,000 recorded actions, as one JSON document on stdout. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { replayTrace } from '../src/app/policy/replay-trace.ts'
import { retailSessions } from './replay-inputs.ts'
import { median } from './stats.ts'

const ACTIONS = 100_000
const RUNS = 3
const AIM_SECONDS = 10
const EXAMPLE = join(import.meta.dirname, '..', 'examples', 'retail-agent')

type Run = {
  /** From the folder to the summary: compiling the policy, reading, parsing, judging. */
  readonly seconds: number
  readonly cpu_seconds: number
  readonly actions_per_second: number
  readonly verdict_digest: string
}

async function measure(trace: string): Promise<Run> {
  const [start, cpu] = [performance.now(), process.cpuUsage()]
  const replayed = await replayTrace({ source: { folder: EXAMPLE }, files: [trace], carry: false })
  const { user, system } = process.cpuUsage(cpu)
  return {
    seconds: (performance.now() - start) / 1000,
    cpu_seconds: (user + system) / 1e6,
    actions_per_second: replayed.actionsPerSecond,
    verdict_digest: replayed.summary.verdictDigest,
  }
}

async function bench(): Promise<object> {
  const load = loadavg()[0] ?? 0
  const folder = mkdtempSync(join(tmpdir(), 'countersign-bench-'))
  try {
    const trace = join(folder, 'sessions.jsonl')
    const sessions = retailSessions(ACTIONS)
    writeFileSync(trace, sessions.map((session) => `${JSON.stringify(session)}\n`).join(''))
    const runs: Run[] = []
    for (let run = 0; run < RUNS; run++) runs.push(await measure(trace))
    const digests = new Set(runs.map(({ verdict_digest }) => verdict_digest))
    if (digests.size !== 1) throw new Error('the same trace gave two verdict digests')
    const seconds = median(runs.map((run) => run.seconds))
    return {
      actions: ACTIONS,
      sessions: sessions.length,
      runs: RUNS,
      seconds,
      cpu_seconds: median(runs.map((run) => run.cpu_seconds)),
      actions_per_second: median(runs.map((run) => run.actions_per_second)),
      aim_seconds: AIM_SECONDS,
      aim_met: seconds < AIM_SECONDS,
      verdict_digest: [...digests][0],
      machine: { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, load_1m: load },
      node: process.version,
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

process.stdout.write(`${JSON.stringify(await bench(), null, 2)}\n`)
