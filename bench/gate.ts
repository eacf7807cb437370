/**
 * `npm run bench:gate`: how long a pull request waits for the gate, as one JSON document on stdout. The committed Action
 * and the command judge a change of `examples/retail-agent`, each in a process of its own, from its start to its end: check,
 * tests of both kinds, diff, approvals, reports and, the Action alone, the calls of a fake GitHub on this machine. The peer
 * of the same run is what OPA's own program takes to check, test and build the Rego of both sides.
 *
 * `--rounds N` (default 10).
 */
import { spawnSync } from 'node:child_process'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { goTool } from '../scripts/tools.ts'
import { readPolicyFiles } from '../src/host/policy-files.ts'
import {
  type ActionWorld,
  openActionWorld,
  type Proposed,
  pullEvent,
  ROOT,
  runBundle,
} from '../test/integration/support/act-world.ts'
import { median } from './stats.ts'

const EXAMPLE = join(ROOT, 'examples', 'retail-agent')
const ROSTER = 'policies/roster.yaml'
/** Whose account stands for whose where names differ. */
const ACCOUNTS: Readonly<Record<string, string>> = { cleo: 'cy', dana: 'dee' }
const RULES = 'policies/guardrails/orders.yaml'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '10' } } })

/** Milliseconds from the start of the process to its end; it must allow. */
type Measured = (workspace: string) => Promise<number> | number

function spend(command: string, args: readonly string[], cwd: string): number {
  const began = performance.now()
  const { status, stderr, stdout } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stdout}${stderr}`)
  return performance.now() - began
}

/** The Rego and its data of both sides; the data of a policy is no more than what its packages read. */
function opa(workspace: string): number {
  const program = goTool('opa')
  const rego = join(workspace, 'policies', 'rego')
  const side = [
    ['check', '--strict', rego],
    ['test', rego],
    [
      'build',
      '--target',
      'wasm',
      '--entrypoint',
      'countersign/identity',
      '--output',
      join(workspace, '.git', 'opa.tar.gz'),
      rego,
    ],
  ]
  return [...side, ...side].reduce((total, args) => total + spend(program, args, workspace), 0)
}

async function action(world: ActionWorld, pull: Proposed, workspace: string): Promise<number> {
  const about = { workspace, event: 'pull_request', payload: pullEvent(pull) }
  const { ms, outputs, stdout } = await runBundle(world, about)
  if (outputs['verdict'] !== 'allow') throw new Error(stdout)
  return ms
}

function command(workspace: string): number {
  const program = join(ROOT, 'dist', 'shells', 'cli', 'bin.js')
  const args = [program, 'gate', 'policy', '--base', 'origin/main', '--head', 'HEAD']
  return spend(process.execPath, args, workspace)
}

async function measure(rounds: number) {
  const files = Object.fromEntries(await readPolicyFiles(EXAMPLE))
  const world = await openActionWorld((numberOf) => {
    const named = (files[ROSTER] ?? '').replaceAll(
      /^ {2}- id: (\w+)$/gm,
      (entry, id: string) =>
        `${entry}\n    accounts: { github: "${numberOf(ACCOUNTS[id] ?? id)}" }`,
    )
    return { ...files, [ROSTER]: named }
  })
  try {
    const tighter = world.bareText(RULES).replace('limit: 5,', 'limit: 4,')
    const pull = await world.propose({ [RULES]: tighter })
    const workspace = world.checkOut(pull.head)
    const sides: Readonly<Record<string, Measured>> = {
      action: (at) => action(world, pull, at),
      command,
      opa,
    }
    const times = Object.entries(sides).map(([name, run]) => ({ name, run, ms: [] as number[] }))
    for (let round = 0; round < rounds; round += 1) {
      for (const { run, ms } of times) ms.push(await run(workspace))
    }
    const [peer] = times.slice(-1).map(({ ms }) => median(ms))
    return times.map(({ name, ms }) => ({
      name,
      ms_median: Math.round(median(ms)),
      ms_least: Math.round(Math.min(...ms)),
      ms_most: Math.round(Math.max(...ms)),
      ratio_to_opa: Number((median(ms) / (peer ?? Number.NaN)).toFixed(1)),
    }))
  } finally {
    await world.close()
  }
}

const rounds = Number(values.rounds)
const report = {
  cores: cpus().length,
  node: process.version,
  rounds,
  from_start_to_verdict: await measure(rounds),
}
process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
