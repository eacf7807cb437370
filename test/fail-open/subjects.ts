import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { scaffold } from '../../src/app/policy/scaffold.ts'
import { PolicyError } from '../../src/base/errors.ts'
import type { LoadedPolicy } from '../../src/decide/evaluate/index.ts'
import { evaluate, loadPolicy, stateKeys } from '../../src/decide/evaluate/index.ts'
import { BUILTIN_NAMES } from '../../src/decide/rego/builtins/index.ts'
import { readPolicyFiles } from '../../src/host/policy-files.ts'
import { createRegoCompiler } from '../../src/host/rego-compiler/compiler.ts'
import type { Evaluation, JudgedAction, StateEntry, StateSlice } from '../../src/model/nouns.ts'
import { createBench, REPLAY_KEY } from '../../src/policy/analyse/judging.ts'
import { casesOf } from '../../src/policy/analyse/test-cases.ts'
import type { Bundle } from '../../src/policy/bundle/index.ts'
import type { PolicyFiles } from '../../src/policy/compile/index.ts'
import { compile, parseDocuments } from '../../src/policy/compile/index.ts'

/** A policy that ships with this repository, compiled by the real compiler, and what its own tests ask of it. */
export type Subjects = {
  readonly name: string
  readonly bundle: Bundle
  readonly loaded: LoadedPolicy
  readonly cases: readonly Subject[]
}

/** One case of a decision test that the intact policy does not simply allow. */
export type Subject = {
  readonly name: string
  readonly action: JudgedAction
  readonly now: number
  /** Everything that is remembered when the action is judged, its own keys or not. */
  readonly state: StateSlice
  readonly intact: Evaluation
}

const ROOT = join(import.meta.dirname, '..', '..')

/**
 * Every policy repository below `examples/` and `policies/`, and the one that `init` makes; of each the decision tests
 * whose verdict is redact, hold or deny.
 */
export async function loadSubjects(): Promise<readonly Subjects[]> {
  const folders = ['examples', 'policies'].flatMap((name) => repositoriesBelow(name)).sort()
  const sources: [string, PolicyFiles][] = [['init', SCAFFOLD]]
  for (const folder of folders) sources.push([folder, await readPolicyFiles(join(ROOT, folder))])
  const rego = createRegoCompiler({ hostBuiltins: BUILTIN_NAMES })
  try {
    const found: Subjects[] = []
    for (const [name, files] of sources) {
      const { bundle, diagnostics } = await compile(files, { rego })
      if (bundle === null) throw new Error(`${name}: ${JSON.stringify(diagnostics)}`)
      found.push(subjectsOf(name, files, bundle))
    }
    return found
  } finally {
    await rego.close()
  }
}

const SCAFFOLD = scaffold({
  project: 'billing',
  reviewers: [
    {
      id: 'ana',
      fingerprint: 'SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU',
      roles: ['finance'],
    },
  ],
})

function repositoriesBelow(folder: string): string[] {
  const entries = readdirSync(join(ROOT, folder), { withFileTypes: true })
  const own = entries.some(({ name }) => name === 'countersign.yaml') ? [folder] : []
  const inner = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
  return [...own, ...inner.flatMap(({ name }) => repositoriesBelow(`${folder}/${name}`))]
}

function subjectsOf(name: string, files: PolicyFiles, bundle: Bundle): Subjects {
  const { documents } = parseDocuments(files)
  const loaded = loadPolicy(bundle)
  const cases = casesOf(documents.tests, bundle.policy.project).flatMap((one): Subject[] => {
    // A case that is no action is a failure of its own policy's tests.
    if (one.steps instanceof PolicyError) return []
    const bench = createBench(loaded)
    const state = new Map<string, StateEntry>()
    for (const { action, now } of one.steps.slice(0, -1)) {
      for (const [key, entry] of Object.entries(bench.judge(action, now).state)) {
        state.set(key, entry)
      }
    }
    const last = one.steps.at(-1)
    if (last === undefined) return []
    const subject = { name: one.name, ...last, state: Object.fromEntries(state) }
    const intact = judge(loaded, subject)
    return intact.verdict === 'allow' ? [] : [{ ...subject, intact }]
  })
  return { name, bundle, loaded, cases }
}

/** What a policy says of a subject, perhaps with another action, state or moment. */
export function judge(
  loaded: LoadedPolicy,
  { action, state, now }: Pick<Subject, 'action' | 'state' | 'now'>,
): Evaluation {
  return evaluate(loaded, {
    action,
    state: sliceOf(state, keysOf(loaded, action)),
    now,
    key: REPLAY_KEY,
  })
}

/** The keys that a decision about an action reads. */
export function keysOf(loaded: LoadedPolicy, action: JudgedAction): readonly string[] {
  return stateKeys(loaded, action, REPLAY_KEY)
}

function sliceOf(state: StateSlice, keys: readonly string[]): StateSlice {
  return Object.fromEntries(
    keys.flatMap((key) => {
      const entry = Object.hasOwn(state, key) ? state[key] : undefined
      return entry === undefined ? [] : [[key, entry]]
    }),
  )
}
