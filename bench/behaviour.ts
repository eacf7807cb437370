/**
 * `npm run bench:behaviour`: what scoring and learning behaviour cost, as one JSON document on stdout. The peer of the
 * same run is the algorithm written plainly, over maps and strings: `test/decide/behaviour/plain.ts`.
 */
import { existsSync, readFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import type { Baseline, CompiledBaseline } from '../src/decide/behaviour/baseline.ts'
import { compileBaseline, loadBaseline, scored } from '../src/decide/behaviour/baseline.ts'
import { learnSteps, newChain } from '../src/decide/behaviour/chain.ts'
import { newProgress, observe } from '../src/decide/behaviour/channels.ts'
import type { ObservedSession } from '../src/decide/behaviour/session.ts'
import { trailOf } from '../src/decide/behaviour/session.ts'
import { learn } from '../src/decide/behaviour/snapshot.ts'
import type { PlainBaseline } from '../test/decide/behaviour/plain.ts'
import {
  plainBaseline,
  plainChain,
  plainLearn,
  plainMarkovScore,
  plainScores,
  plainSum,
} from '../test/decide/behaviour/plain.ts'
import { type Random, seeded } from './random.ts'
import { median } from './stats.ts'

const ROUNDS = 15
const ROUND_MS = 100
const SCORE_AIM_NS = 300
const LEARN_AIM_NS = 500
const LOAD_AIM_MS = 200
const LARGE = { nodes: 1_000, paths: 100_000 }

/** Recorded sessions of a retail agent, where they lie beside the project; they are not part of it. */
const RECORDED = join(import.meta.dirname, '../../shared/behaviour/data/tau_retail_benign.jsonl')

type Row = {
  readonly session: string
  readonly task: string
  readonly steps: readonly {
    readonly service: string
    readonly action: string
    readonly args_digest?: string
  }[]
}

function recorded(): readonly ObservedSession[] {
  return readFileSync(RECORDED, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Row)
    .map(({ session, task, steps }) => ({
      id: session,
      group: task,
      ended: true,
      calls: steps.map(({ service, action, args_digest }) => ({
        node: `${service}.${action}`,
        args: args_digest ?? null,
      })),
    }))
}

/** Walks over sixteen actions, of which each has three usual followers. */
function generated(random: Random): readonly ObservedSession[] {
  return Array.from({ length: 310 }, (_, id) => {
    let at = 0
    const calls = Array.from({ length: 3 + random.below(10) }, () => {
      at = random.chance(0.9) ? (at + 1 + random.below(3)) % 16 : random.below(16)
      return { node: `retail.action_number_${at}`, args: String(random.below(1_000)) }
    })
    return { id: `s${id}`, group: `g${id % 60}`, calls, ended: true }
  })
}

/** Sessions until the chain has so many different paths. */
function large(random: Random): readonly ObservedSession[] {
  const sessions: ObservedSession[] = []
  const paths = new Set<string>()
  while (paths.size < LARGE.paths) {
    const calls = Array.from({ length: 40 }, () => ({
      node: `service_${random.below(20)}.action_${random.below(LARGE.nodes / 20)}`,
      args: null,
    }))
    const nodes = ['^', '^', ...calls.map(({ node }) => node)]
    for (let i = 2; i < nodes.length; i++) paths.add(nodes.slice(i - 2, i + 1).join(' '))
    sessions.push({ id: `l${sessions.length}`, group: `l${sessions.length}`, calls, ended: false })
  }
  return sessions
}

type Trails = readonly ReturnType<typeof trailOf>[]

/** The sum goes somewhere, so that no work can be left out. */
function scoreAll(baseline: Baseline, trails: Trails): number {
  let sum = 0
  for (const { steps } of trails) {
    const progress = newProgress()
    for (const step of steps) sum += scored(baseline, observe(baseline.chain, progress, step)).total
  }
  return sum
}

function scoreAllPlainly(baseline: PlainBaseline, sessions: readonly ObservedSession[]): number {
  let sum = 0
  for (const session of sessions) {
    for (const { channels } of plainScores(baseline.chain, session)) {
      sum += plainSum(baseline.tails, channels)
    }
  }
  return sum
}

/** Nanoseconds for one of `items`, of passes that fill a round: of the processor, so that other work weighs little. */
function pace(items: number, pass: () => unknown): number {
  const start = performance.now()
  const cpu = process.cpuUsage()
  let passes = 0
  while (performance.now() - start < ROUND_MS) {
    pass()
    passes += 1
  }
  return (cpuMs(cpu) * 1e6) / passes / items
}

function cpuMs(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1e3
}

type Measured = {
  readonly ns: number
  readonly best_ns: number
  readonly plain_ns: number
  readonly ratio: number
  readonly aim_ns: number
  readonly aim_met: boolean
}

/** Both sides take turns; figures are medians of the rounds. */
function compare(aim: number, items: number, ours: () => unknown, plain: () => unknown): Measured {
  const [mine, theirs]: [number[], number[]] = [[], []]
  for (let round = -2; round < ROUNDS; round++) {
    const pair = [pace(items, ours), pace(items, plain)] as const
    if (round < 0) continue // Warm now.
    mine.push(pair[0])
    theirs.push(pair[1])
  }
  const [ns, plainNs] = [median(mine), median(theirs)]
  const best = Math.min(...mine)
  return {
    ns: Math.round(ns),
    best_ns: Math.round(best),
    plain_ns: Math.round(plainNs),
    ratio: Math.round((plainNs / ns) * 10) / 10,
    aim_ns: aim,
    aim_met: ns <= aim,
  }
}

function expectEqual(
  baseline: Baseline,
  plain: PlainBaseline,
  sessions: readonly ObservedSession[],
): void {
  const [ours, theirs] = [
    scoreAll(baseline, sessions.map(trailOf)),
    scoreAllPlainly(plain, sessions),
  ]
  if (Math.abs(ours - theirs) > 1e-4 * Math.max(1, theirs)) {
    throw new Error(`the two implementations disagree: ${ours} and ${theirs}`)
  }
  if (!(plainMarkovScore(plain, 0) <= 1)) throw new Error('expected a score of at most 1')
}

function measureLarge(): object {
  const sessions = large(seeded(6))
  const compiled: CompiledBaseline = compileBaseline(learn(sessions), { rate: 0.02 })
  const text = JSON.stringify(compiled)
  const times: number[] = [] // By the wall: collecting garbage runs beside.
  for (let run = 0; run < 7; run++) {
    const start = performance.now()
    loadBaseline(JSON.parse(text) as CompiledBaseline)
    times.push(performance.now() - start)
  }
  const paths = compiled.snapshot.paths.length / 5
  const edges = compiled.snapshot.edges.length / 5
  globalThis.gc?.()
  const before = process.memoryUsage().heapUsed
  const { chain } = loadBaseline(JSON.parse(text) as CompiledBaseline)
  globalThis.gc?.()
  const bytes = process.memoryUsage().heapUsed - before
  return {
    nodes: chain.names.length - 2,
    paths,
    edges,
    json_mib: Math.round((text.length / 2 ** 20) * 10) / 10,
    load_ms: Math.round(median(times)),
    best_load_ms: Math.round(Math.min(...times)),
    load_aim_ms: LOAD_AIM_MS,
    load_aim_met: median(times) <= LOAD_AIM_MS,
    heap_mib: Math.round((bytes / 2 ** 20) * 10) / 10,
    bytes_per_path: Math.round(bytes / paths),
    bytes_per_edge: Math.round(bytes / edges),
    collected: globalThis.gc !== undefined,
  }
}

function bench(): object {
  const load = loadavg()[0] ?? 0
  const there = existsSync(RECORDED)
  const sessions = there ? recorded() : generated(seeded(6))
  const trails = sessions.map(trailOf)
  const calls = sessions.reduce((sum, session) => sum + session.calls.length, 0)
  const baseline = loadBaseline(compileBaseline(learn(sessions), { rate: 0.02 }))
  const plain = plainBaseline(sessions)
  expectEqual(baseline, plain, sessions)
  const score = compare(
    SCORE_AIM_NS,
    calls,
    () => scoreAll(baseline, trails),
    () => scoreAllPlainly(plain, sessions),
  )
  const learned = compare(
    LEARN_AIM_NS,
    calls,
    () => {
      const chain = newChain()
      for (const trail of trails) learnSteps(chain, trail)
    },
    () => {
      const chain = plainChain()
      for (const session of sessions) plainLearn(chain, session)
    },
  )
  return {
    sessions: { source: there ? 'recorded' : 'generated', sessions: sessions.length, calls },
    score,
    learn: learned,
    large: measureLarge(),
    machine: { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, load_1m: load },
    node: process.version,
  }
}

process.stdout.write(`${JSON.stringify(bench(), null, 2)}\n`)
