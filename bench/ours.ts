import { hmacKey } from '../src/base/digest.ts'
import { evaluate, loadPolicy, stateKeys } from '../src/decide/evaluate/index.ts'
import { BUILTIN_NAMES } from '../src/decide/rego/builtins/index.ts'
import { createRegoCompiler, type OpaCompiler } from '../src/host/rego-compiler/compiler.ts'
import { parseAction, parseActionText } from '../src/model/action.ts'
import type { Credential, JudgedAction, StateEntry } from '../src/model/nouns.ts'
import type { Bundle } from '../src/policy/bundle/index.ts'
import { compile } from '../src/policy/compile/index.ts'
import { type BenchInput, PASS_MS } from './inputs.ts'
import { PROJECT, policyFiles, type RegoChoice } from './policy-files.ts'

export const CREDENTIAL: Credential = { project: PROJECT, agents: ['*'], role: 'agent' }

/** The time of the first action, in Unix milliseconds. */
export const START = Date.UTC(2026, 0, 1)

/**
 * What a measured decision takes in. `evaluate`: a parsed action whose state has been read, and nothing but `evaluate`
 * is timed. `value`: a parsed action; the look-up of its state in a map and the update are timed too. `text`: JSON
 * text; strict parsing and validation are timed on top.
 */
export type OurMode = 'evaluate' | 'value' | 'text'

/** A loaded policy that goes through its inputs again and again, each pass an hour after the one before. */
export type Subject = {
  /** Our verdict on every input, in one pass from empty state. */
  verdicts(): readonly string[]
  /** Nanoseconds of each of the next `count` decisions. */
  measure(mode: OurMode, count: number): readonly number[]
}

export function newCompiler(): OpaCompiler {
  return createRegoCompiler({ hostBuiltins: BUILTIN_NAMES })
}

/** @throws {Error} with the diagnostics when the generated policy does not compile */
export async function compileBench(
  rules: number,
  rego: RegoChoice,
  compiler: OpaCompiler,
): Promise<Bundle> {
  const { bundle, diagnostics } = await compile(policyFiles(rules, rego), { rego: compiler })
  if (bundle === null)
    throw new Error(`the policy does not compile: ${JSON.stringify(diagnostics.slice(0, 5))}`)
  return bundle
}

export function subjectOf(bundle: Bundle, inputs: readonly BenchInput[]): Subject {
  const policy = loadPolicy(bundle)
  const key = hmacKey(new Uint8Array(32).fill(7))
  const actions = inputs.map(({ action }) => parseAction(action, CREDENTIAL))
  const texts = inputs.map(({ action }) => JSON.stringify(action))
  const store = new Map<string, StateEntry>()
  let count = 0

  const sliceOf = (action: JudgedAction) => {
    const slice: Record<string, StateEntry> = Object.create(null)
    for (const name of stateKeys(policy, action, key)) {
      const entry = store.get(name)
      if (entry !== undefined) slice[name] = entry
    }
    return slice
  }
  const write = (state: Readonly<Record<string, StateEntry>>) => {
    for (const [name, entry] of Object.entries(state)) store.set(name, entry)
  }
  const decide = (action: JudgedAction, now: number) => {
    const evaluation = evaluate(policy, { action, state: sliceOf(action), now, key })
    write(evaluation.state)
    return evaluation
  }
  const next = () => {
    const at = count % inputs.length
    const now = START + Math.floor(count / inputs.length) * PASS_MS + inputs[at]!.at
    count += 1
    return { at, now }
  }
  const timed: Readonly<Record<OurMode, (at: number, now: number) => number>> = {
    evaluate: (at, now) => {
      const action = actions[at]!
      const state = sliceOf(action)
      const start = performance.now()
      const evaluation = evaluate(policy, { action, state, now, key })
      const ms = performance.now() - start
      write(evaluation.state)
      return ms
    },
    value: (at, now) => {
      const action = actions[at]!
      const start = performance.now()
      decide(action, now)
      return performance.now() - start
    },
    text: (at, now) => {
      const text = texts[at]!
      const start = performance.now()
      decide(parseActionText(text, CREDENTIAL), now)
      return performance.now() - start
    },
  }
  return {
    verdicts: () => {
      store.clear()
      return actions.map((action, at) => decide(action, START + inputs[at]!.at).verdict)
    },
    measure: (mode, rounds) =>
      Array.from({ length: rounds }, () => {
        const { at, now } = next()
        return timed[mode](at, now) * 1e6
      }),
  }
}
