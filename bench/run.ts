/** `npm run bench [-- --quick] [-- --format json]`: see bench/README.md. Progress goes to stderr, the report to stdout. */
import { cpus, loadavg, release, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { type DurableReport, diskOf, measureDurable } from './durable.ts'
import { type Case, type CaseReport, type Effort, measureCase, prepare } from './in-process.ts'
import { openPeer } from './opa-peer.ts'
import { aimOf, type BenchReport, reportText } from './report.ts'

type Plan = {
  readonly cases: readonly Case[]
  /** Which of the cases are measured with the engine too. */
  readonly durable: readonly Case[]
  readonly effort: Effort
  readonly durableEffort: { readonly rounds: number; readonly roundMs: number }
}

const CASES: readonly Case[] = [
  { rules: 1, rego: 'none', tools: 'usual' },
  { rules: 100, rego: 'none', tools: 'usual' },
  { rules: 10_000, rego: 'none', tools: 'usual' },
  { rules: 10_000, rego: 'none', tools: 'spread' },
  { rules: 1, rego: 'every', tools: 'usual' },
  { rules: 100, rego: 'every', tools: 'usual' },
  { rules: 10_000, rego: 'every', tools: 'usual' },
  { rules: 100, rego: 'elsewhere', tools: 'usual' },
]

const FULL: Plan = {
  cases: CASES,
  durable: CASES.filter(
    (one) => one.tools === 'usual' && one.rego !== 'elsewhere' && one.rules > 1,
  ),
  effort: { rounds: 7, decisions: 4_096, warmUp: 8_192 },
  durableEffort: { rounds: 3, roundMs: 1_000 },
}

/** Without the second compilation of 10,000 rules, which takes longer than all the rest. */
const QUICK: Plan = {
  cases: CASES.filter((one) => one.rules < 10_000 || one.rego === 'none'),
  durable: CASES.filter((one) => one.rules === 100 && one.rego !== 'elsewhere'),
  effort: { rounds: 3, decisions: 1_024, warmUp: 4_096 },
  durableEffort: { rounds: 3, roundMs: 250 },
}

async function bench(plan: Plan, quick: boolean): Promise<BenchReport> {
  const load = loadavg()[0] ?? 0
  const peer = await openPeer()
  const inProcess: CaseReport[] = []
  const durable: DurableReport[] = []
  try {
    progress('compiling the policies')
    const prepared = await prepare(plan.cases)
    for (const one of prepared) {
      progress(`in process: ${one.rules} rules, Rego ${one.rego}, tools ${one.tools}`)
      inProcess.push(await measureCase(one, peer, plan.effort))
    }
    for (const [index, one] of prepared.entries()) {
      if (!plan.durable.includes(plan.cases[index]!)) continue
      progress(`durable: ${one.rules} rules, Rego ${one.rego}`)
      durable.push(...(await measureDurable(one, plan.durableEffort)))
    }
  } finally {
    await peer.close()
  }
  return {
    date: new Date().toISOString().slice(0, 10),
    quick,
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memory_gib: Math.round(totalmem() / 2 ** 30),
      load_1m: load,
      os: `${process.platform} ${release()}`,
      node: process.version,
      file_system: diskOf().file_system,
    },
    peer: { opa: peer.opa, go: peer.go },
    in_process: inProcess,
    durable,
    aim: aimOf(inProcess),
  }
}

function progress(text: string): void {
  console.error(`bench: ${text}`)
}

type Options = { readonly quick: boolean; readonly format: 'text' | 'json' }

/** @throws {TypeError} for an option that there is not */
function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      format: { type: 'string', default: 'text' },
    },
  })
  const { quick, format } = values
  if (format !== 'text' && format !== 'json') throw new TypeError('expected --format text or json')
  return { quick, format }
}

let options: Options | null = null
try {
  options = readOptions()
} catch (error) {
  progress(error instanceof Error ? error.message : String(error))
  process.exitCode = 2
}
if (options !== null) {
  const report = await bench(options.quick ? QUICK : FULL, options.quick)
  const text = options.format === 'json' ? JSON.stringify(report, null, 2) : reportText(report)
  process.stdout.write(`${text.trimEnd()}\n`)
}
