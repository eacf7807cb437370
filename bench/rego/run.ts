/** `npm run bench:rego [-- --quick] [-- --format json]`: Rego beside its peers; see bench/README.md. */
import { parseArgs } from 'node:util'
import { canonicalize } from '../../src/base/canonical-json.ts'
import type { JsonValue } from '../../src/base/json-value.ts'
import type { Peer } from '../opa-peer.ts'
import { openPeer } from '../opa-peer.ts'
import type { Figures } from '../stats.ts'
import { figuresOf, medians } from '../stats.ts'
import type { Evaluator } from './evaluators.ts'
import { cedarEvaluator, ourEvaluators } from './evaluators.ts'
import { measureMemory } from './memory.ts'
import type { RegoPolicy } from './policy-source.ts'
import { exclusivePolicy, realisticPolicy } from './policy-source.ts'
import type { RegoReport, Row } from './report.ts'
import { reportText } from './report.ts'
import { measureRunaways } from './runaway.ts'

type Effort = {
  readonly rounds: number
  readonly evaluations: number
  readonly warmUp: number
  /** Evaluations after which memory must have settled. */
  readonly settled: number
  readonly total: number
}

const FULL: Effort = {
  rounds: 7,
  evaluations: 4_000,
  warmUp: 8_000,
  settled: 100_000,
  total: 1_000_000,
}
const QUICK: Effort = {
  rounds: 3,
  evaluations: 1_000,
  warmUp: 4_000,
  settled: 10_000,
  total: 50_000,
}
const EXCLUSIVE_RULES: readonly number[] = [10, 1_000, 10_000]

async function bench(effort: Effort): Promise<RegoReport> {
  const peer = await openPeer()
  try {
    const realistic = realisticPolicy()
    const ours = await ourEvaluators(realistic)
    const cedar = cedarEvaluator(realistic)
    const rows = await compare(realistic, [...ours, cedar], peer, effort)
    const exclusive: Row[] = []
    for (const rules of EXCLUSIVE_RULES) {
      const policy = exclusivePolicy(rules)
      progress(policy.name)
      exclusive.push(...(await compare(policy, await ourEvaluators(policy), peer, effort)))
    }
    progress(`${effort.total} evaluations for memory`)
    const memory = await measureMemory(realistic, effort)
    progress('policies without an end')
    const runaways = await measureRunaways()
    return { opa: peer.opa, node: process.version, realistic: rows, exclusive, memory, runaways }
  } finally {
    await peer.close()
  }
}

/** Measures all in turns, so that what else the machine does falls on each alike. */
async function compare(
  policy: RegoPolicy,
  evaluators: readonly Evaluator[],
  peer: Peer,
  effort: Effort,
): Promise<readonly Row[]> {
  progress(policy.name)
  const texts = policy.inputs.map((input) => JSON.stringify(input))
  const query = `data.${policy.entrypoint.replaceAll('/', '.')}`
  const data = JSON.stringify(policy.data)
  const peerLoadMs = await peer.loadModules({ query, modules: policy.files, data, inputs: texts })
  checkAnswers(policy, evaluators, (await peer.values()) as readonly JsonValue[])
  await peer.measure('value', effort.warmUp)
  for (const one of evaluators) measure(one, policy, effort.warmUp)
  const rounds = new Map<string, Figures[]>()
  const note = (name: string, nanos: readonly number[]): void => {
    rounds.set(name, [...(rounds.get(name) ?? []), figuresOf(nanos)])
  }
  for (let round = 0; round < effort.rounds; round++) {
    note(PEER, await peer.measure('value', effort.evaluations))
    note(PEER_PARSED, await peer.measure('parsed', effort.evaluations))
    for (const one of evaluators) note(one.name, measure(one, policy, effort.evaluations))
  }
  const loads = new Map(evaluators.map(({ name, loadMs }) => [name, loadMs]))
  return [...rounds].map(([evaluator, figures]) => ({
    policy: policy.name,
    evaluator,
    figures: medians(figures),
    load_ms: loads.get(evaluator) ?? peerLoadMs,
  }))
}

const PEER = 'OPA in Go'
const PEER_PARSED = 'OPA in Go, input parsed before'

/** Those that evaluate Rego must agree with OPA on every input before anything is measured. */
function checkAnswers(
  policy: RegoPolicy,
  evaluators: readonly Evaluator[],
  wanted: readonly JsonValue[],
): void {
  for (const one of evaluators) {
    if (one.name === 'cedar-wasm') continue
    for (const [at, input] of policy.inputs.entries()) {
      const [found, want] = [one.evaluate(input), wanted[at] as JsonValue]
      if (sorted(found) !== sorted(want)) throw new Error(`${one.name} differs on input ${at}`)
    }
  }
}

/** OPA gives sets as arrays in its own order, ours by their text. */
function sorted(value: JsonValue): string {
  return canonicalize(
    Array.isArray(value)
      ? (value as readonly JsonValue[]).map(sorted).sort()
      : typeof value === 'object' && value !== null
        ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, sorted(one)]))
        : value,
  )
}

function measure(one: Evaluator, policy: RegoPolicy, count: number): readonly number[] {
  const { inputs } = policy
  const nanos = new Array<number>(count)
  for (let at = 0; at < count; at++) {
    const input = inputs[at % inputs.length]
    if (input === undefined) continue
    const start = process.hrtime.bigint()
    one.evaluate(input)
    nanos[at] = Number(process.hrtime.bigint() - start)
  }
  return nanos
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`)
}

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    format: { type: 'string', default: 'text' },
  },
})
const report = await bench(values.quick ? QUICK : FULL)
process.stdout.write(values.format === 'json' ? `${JSON.stringify(report)}\n` : reportText(report))
