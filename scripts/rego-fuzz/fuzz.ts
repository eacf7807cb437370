import { BUILTIN_NAMES } from '../../src/decide/rego/builtins/index.ts'
import type { OpaCompiler } from '../../src/host/rego-compiler/compiler.ts'
import { createRegoCompiler } from '../../src/host/rego-compiler/compiler.ts'
import type { Json } from './documents.ts'
import { growDocument } from './documents.ts'
import { growPolicy } from './grow-policy.ts'
import type { Judged } from './judge.ts'
import { judge } from './judge.ts'
import type { Case, Outcome } from './outcome.ts'
import { agree, CRASHED, describe, UNREADABLE } from './outcome.ts'
import { entriesOf } from './policy.ts'
import { createRandom } from './random.ts'
import type { Built } from './settle.ts'
import { settle } from './settle.ts'
import { specimenText } from './specimen.ts'
import { asJson, evaluateByWasm, refusedByWasm } from './wasm.ts'

export type Size = { readonly policies: number; readonly inputs: number; readonly seed: string }

export type FuzzReport = {
  readonly seed: string
  readonly policies: number
  readonly inputs: number
  /** Rules asked for on inputs; each is asked in two modes, of two back ends. */
  readonly cases: number
  /** Answers for which OPA's own evaluator panics: there is nothing to compare with. */
  readonly opa_panics: number
  /** Policies of which OPA makes no sound plan: our evaluators and opa-wasm refuse it. */
  readonly plans_refused: number
  /** Answers that differ, by what explains them. */
  readonly explained: Readonly<Record<string, number>>
  readonly unexplained: readonly string[]
  /** Answers of opa-wasm, in strict form, that differ from OPA's, by kind, each with one example. */
  readonly wasm: {
    readonly cases: number
    readonly differing: Readonly<
      Record<string, { readonly count: number; readonly example: string }>
    >
  }
}

/** Grows policies and inputs from a seed and compares what they come to. The same seed gives the same report. */
export async function fuzz(size: Size, progress: (text: string) => void): Promise<FuzzReport> {
  const compiler = createRegoCompiler({ hostBuiltins: BUILTIN_NAMES, callMsMax: CALL_MS_MAX })
  const each = Math.ceil(size.inputs / size.policies)
  const totals = newTotals()
  try {
    for (let at = 0; totals.policies < size.policies; at++) {
      const seed = `${size.seed}${at}`
      const random = createRandom(seed)
      const { policy, input } = growPolicy(random)
      const built = await settle(compiler, policy)
      if (built === undefined) continue
      const inputs = Array.from({ length: each }, () => asObject(growDocument(random, input)))
      await compareOne(compiler, { ...built, seed }, inputs, totals)
      // The compiler's memory grows, and is given back with its worker only.
      if (at % POLICIES_PER_WORKER === POLICIES_PER_WORKER - 1) await compiler.close()
      if (totals.policies % 25 === 0) {
        const { policies, cases, unexplained } = totals
        progress(`${policies} policies, ${cases} cases, ${unexplained.length} unexplained`)
      }
    }
  } finally {
    await compiler.close()
  }
  const { policies, inputs, cases, panics, refused, unexplained } = totals
  return {
    seed: size.seed,
    policies,
    inputs,
    cases,
    opa_panics: panics,
    plans_refused: refused,
    explained: Object.fromEntries([...totals.explained].sort()),
    unexplained,
    wasm: { cases: totals.wasmCases, differing: Object.fromEntries([...totals.wasm].sort()) },
  }
}

/** A policy and its inputs take less than a second. */
const CALL_MS_MAX = 30_000
const POLICIES_PER_WORKER = 100

type Totals = {
  policies: number
  inputs: number
  cases: number
  panics: number
  refused: number
  wasmCases: number
  specimens: number
  readonly explained: Map<string, number>
  readonly unexplained: string[]
  readonly wasm: Map<string, { count: number; readonly example: string }>
}

function newTotals(): Totals {
  const counts = { policies: 0, inputs: 0, cases: 0, panics: 0, refused: 0 }
  const more = { wasmCases: 0, specimens: 0 }
  return { ...counts, ...more, explained: new Map(), unexplained: [], wasm: new Map() }
}

/** A policy and what it was grown from. */
type Seeded = Built & { readonly seed: string }

async function compareOne(
  compiler: OpaCompiler,
  built: Seeded,
  inputs: readonly Json[],
  totals: Totals,
): Promise<void> {
  const cases = entriesOf(built.policy).flatMap((entry) =>
    inputs.map((input) => ({ entry, input })),
  )
  let judged: Awaited<ReturnType<typeof judge>>
  try {
    judged = await judge(compiler, built, cases)
  } catch (cause) {
    if (!isPlanRefused(built, cause)) throw cause
    totals.refused += 1
    return
  }
  totals.policies += 1
  totals.inputs += inputs.length
  totals.cases += cases.length
  await note(compiler, built, judged.differences, totals)
  await compareWasm(built, cases, judged, totals)
}

/**
 * OPA's planner calls functions without their operands where a reference goes through a package that has some. Our
 * reader refuses such a plan, and the engine the module that is made of it.
 */
function isPlanRefused(built: Built, cause: unknown): boolean {
  if (!/expected \d+ arguments of/.test(String(cause))) return false
  return refusedByWasm(built) === 'REGO_MODULE_INVALID'
}

/** Counts, and shows one specimen of what is not explained for each rule and mode. */
async function note(
  compiler: OpaCompiler,
  built: Seeded,
  differences: readonly Judged[],
  totals: Totals,
): Promise<void> {
  const shown = new Set<string>()
  for (const one of differences) {
    if (one.explanations?.includes('oracle-crash')) {
      totals.panics += 1
      continue
    }
    if (one.explanations !== undefined) {
      const name = [...one.explanations].sort().join(' + ')
      totals.explained.set(name, (totals.explained.get(name) ?? 0) + 1)
      continue
    }
    const where = `${built.seed} ${one.case.entry} ${one.mode}`
    const first = !shown.has(where) && totals.specimens < SPECIMENS_MAX
    shown.add(where)
    if (first) totals.specimens += 1
    const text = first
      ? await specimenText(compiler, built, one)
      : `ours ${describe(one.ours)}, OPA ${describe(one.oracle)}`
    totals.unexplained.push(`${where} ${one.backEnd}: ${text}`)
  }
}

/** Each takes up to a minute. */
const SPECIMENS_MAX = 10

/** What opa-wasm has in common with our evaluators is told of ours; here is what it has alone. */
async function compareWasm(
  built: Built,
  cases: readonly Case[],
  { oracle, ours }: Awaited<ReturnType<typeof judge>>,
  totals: Totals,
): Promise<void> {
  const said = await evaluateByWasm(built, cases)
  for (const [at, outcome] of said.entries()) {
    const theirs = oracle.strict[at]
    const own = ours.strict[at]
    if (outcome === undefined || theirs === undefined || own === undefined) continue
    if (isNoAnswer(theirs)) continue
    totals.wasmCases += 1
    if (sameKind(outcome, theirs) || sameKind(outcome, own)) continue
    const kind = `${theirs.is} -> ${kindOf(outcome)}`
    const before = totals.wasm.get(kind)
    if (before !== undefined) before.count += 1
    else {
      const example = `OPA ${describe(theirs)}; opa-wasm ${describe(outcome)}`
      totals.wasm.set(kind, { count: 1, example })
    }
  }
}

function isNoAnswer(outcome: Outcome): boolean {
  return outcome.is === 'error' && (outcome.code === CRASHED || outcome.code === UNREADABLE)
}

/** The module tells less of its errors: that there is one is what counts. Its results are JSON, without sets. */
function sameKind(wasm: Outcome, other: Outcome): boolean {
  if (wasm.is === 'error' || other.is === 'error') return wasm.is === other.is
  const json = asJson(other)
  return json !== undefined && agree(wasm, json)
}

/** Of an error of opa-wasm, with the name of the built-in. */
function kindOf(outcome: Outcome): string {
  if (outcome.is !== 'error') return outcome.is
  return `error ${outcome.code}: ${outcome.message.replace(/^([\w.]+)(:| failed).*$/s, '$1')}`
}

function asObject(document: Json): Json {
  return 'members' in document ? document : { members: [] }
}
