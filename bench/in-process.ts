import type { Bundle } from '../src/policy/bundle/index.ts'
import { type BenchInput, benchInputs, type Spread } from './inputs.ts'
import type { Peer, PeerMode } from './opa-peer.ts'
import { compileBench, newCompiler, type OurMode, type Subject, subjectOf } from './ours.ts'
import type { RegoChoice } from './policy-files.ts'
import { type Figures, figuresOf, medians } from './stats.ts'

export type Case = { readonly rules: number; readonly rego: RegoChoice; readonly tools: Spread }

/** Both sides of one case, one of them started from what the other one is started from. */
export type Comparison = {
  readonly ours: OurMode
  readonly peer: PeerMode
  readonly ours_figures: Figures
  readonly peer_figures: Figures
}

export type CaseReport = Case & {
  readonly compile_ms: number
  readonly load_ms: number
  readonly peer_load_ms: number
  readonly input_bytes: number
  readonly verdicts: Readonly<Record<string, number>>
  readonly comparisons: readonly Comparison[]
}

export type Effort = {
  readonly rounds: number
  /** Decisions of one side in one round, and before the first round. */
  readonly decisions: number
  readonly warmUp: number
}

export type Prepared = Case & { readonly bundle: Bundle; readonly compileMs: number }

/** Compiles every case before anything is measured, so that the compiler's worker is gone by then. */
export async function prepare(cases: readonly Case[]): Promise<readonly Prepared[]> {
  const compiler = newCompiler()
  const done = new Map<string, Prepared>()
  const prepared: Prepared[] = []
  for (const one of cases) {
    const name = `${one.rules} ${one.rego}`
    const start = performance.now()
    const { bundle, compileMs } = done.get(name) ?? {
      bundle: await compileBench(one.rules, one.rego, compiler),
      compileMs: performance.now() - start,
    }
    const ready = { ...one, bundle, compileMs }
    done.set(name, ready)
    prepared.push(ready)
  }
  await compiler.close()
  return prepared
}

/**
 * Measures one case on both sides, in turns.
 *
 * @throws {Error} when the sides disagree about any input: then nothing that follows would compare like with like
 */
export async function measureCase(
  prepared: Prepared,
  peer: Peer,
  effort: Effort,
): Promise<CaseReport> {
  const { rules, rego, tools, bundle, compileMs } = prepared
  const inputs = benchInputs(rules, undefined, tools)
  const start = performance.now()
  const subject = subjectOf(bundle, inputs)
  const loadMs = performance.now() - start
  const peerLoadMs = await peer.load(rules, rego, inputs)
  const verdicts = await agreedVerdicts(subject, peer, inputs)
  return {
    rules,
    rego,
    tools,
    compile_ms: compileMs,
    load_ms: loadMs,
    peer_load_ms: peerLoadMs,
    input_bytes: Math.round(
      inputs.reduce((sum, { action }) => sum + JSON.stringify(action).length, 0) / inputs.length,
    ),
    verdicts,
    comparisons: await inTurns(subject, peer, effort),
  }
}

const PAIRS: readonly (readonly [OurMode, PeerMode])[] = [
  ['evaluate', 'parsed'],
  ['value', 'value'],
  ['text', 'text'],
]

async function inTurns(
  subject: Subject,
  peer: Peer,
  effort: Effort,
): Promise<readonly Comparison[]> {
  const sides = PAIRS.map(([ours, theirs]) => ({
    ours,
    theirs,
    ourRounds: [] as Figures[],
    theirRounds: [] as Figures[],
  }))
  for (const { ours, theirs } of sides) {
    subject.measure(ours, effort.warmUp)
    await peer.measure(theirs, effort.warmUp)
  }
  for (let round = 0; round < effort.rounds; round++) {
    for (const { ours, theirs, ourRounds, theirRounds } of sides) {
      ourRounds.push(figuresOf(subject.measure(ours, effort.decisions)))
      theirRounds.push(figuresOf(await peer.measure(theirs, effort.decisions)))
    }
  }
  return sides.map(({ ours, theirs, ourRounds, theirRounds }) => ({
    ours,
    peer: theirs,
    ours_figures: medians(ourRounds),
    peer_figures: medians(theirRounds),
  }))
}

async function agreedVerdicts(
  subject: Subject,
  peer: Peer,
  inputs: readonly BenchInput[],
): Promise<Readonly<Record<string, number>>> {
  const ours = subject.verdicts()
  const theirs = await peer.verdicts()
  const at = ours.findIndex((verdict, index) => verdict !== theirs[index])
  if (at >= 0 || theirs.length !== ours.length) {
    throw new Error(`we say ${ours[at]}, the peer ${theirs[at]}, of ${JSON.stringify(inputs[at])}`)
  }
  const counts: Record<string, number> = {}
  for (const verdict of ours) counts[verdict] = (counts[verdict] ?? 0) + 1
  return counts
}
