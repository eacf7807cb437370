import type { OpaCompiler } from '../../src/host/rego-compiler/compiler.ts'
import { refusal } from './oracle.ts'
import type { Body, Module, Place, Policy } from './policy.ts'
import { entriesOf, fileOf, filesOf, MAIN, placeOfLine } from './policy.ts'

export type Built = { readonly policy: Policy; readonly wasm: Uint8Array; readonly plan: string }

export async function build(
  compiler: Pick<OpaCompiler, 'build'>,
  policy: Policy,
): Promise<Built | { readonly diagnostics: readonly Diagnostic[] }> {
  const entries = entriesOf(policy)
  if (entries.length === 0) return { diagnostics: [] }
  const paths = entries.map((name) => `${MAIN.replaceAll('.', '/')}/${name}`)
  const built = await compiler.build(filesOf(policy), paths)
  return 'diagnostics' in built
    ? { diagnostics: built.diagnostics.map(placeOf) }
    : { ...built, policy }
}

/** Leaves out what OPA's compiler refuses, until it takes the rest. Undefined where nothing is left. */
export async function settle(
  compiler: Pick<OpaCompiler, 'build' | 'oracleMany'>,
  policy: Policy,
  heard: (message: string) => void = () => {},
): Promise<Built | undefined> {
  let current = policy
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const built = await build(compiler, current)
    if ('plan' in built) {
      const message = await refusal(compiler, current)
      if (message === undefined) return built
      heard(message)
      const [, file = '', line = '0'] = /([\w/]+\.rego):([0-9]+):/.exec(message) ?? []
      current = without(current, [{ message, file, line: Number(line) }])
      continue
    }
    if (built.diagnostics.length === 0) return undefined
    for (const { message } of built.diagnostics) heard(message)
    current = without(current, built.diagnostics)
  }
  return undefined
}

export type Diagnostic = { readonly message: string; readonly file: string; readonly line: number }

const ROUNDS_MAX = 30

function placeOf(d: {
  readonly message: string
  readonly file?: string
  readonly line?: number
}): Diagnostic {
  return { message: d.message, file: d.file ?? '', line: d.line ?? 0 }
}

function without(policy: Policy, diagnostics: readonly Diagnostic[]): Policy {
  const modules = policy.modules.map((module) => {
    const lines = diagnostics.filter(({ file }) => file === fileOf(module)).map(({ line }) => line)
    return lines.length === 0 ? module : withoutLines(module, lines)
  })
  const changed = modules.some((module, at) => module !== policy.modules[at])
  // A diagnostic without a place: the last rule of the main package goes.
  return { ...policy, modules: changed ? modules : modules.map(withoutLast) }
}

function withoutLast(module: Module): Module {
  return module.name === MAIN ? { ...module, rules: module.rules.slice(0, -1) } : module
}

function withoutLines(module: Module, lines: readonly number[]): Module {
  const places = lines
    .map((line) => placeOfLine(module, line))
    .filter((place) => place !== undefined)
  const rules = module.rules.flatMap((rule, at) => {
    const bad = places.filter((place) => place.rule === at)
    if (bad.length === 0) return [rule]
    // What is wrong outside of the bodies is the rule itself.
    if (bad.some(({ expression }) => expression === undefined)) return []
    const body = rest(rule.body, bad, 0)
    const otherwise = rule.otherwise.map((branch, at) => ({
      ...branch,
      body: rest(branch.body, bad, at + 1),
    }))
    const empty = [body, ...otherwise.map((branch) => branch.body)].some((one) => one.length === 0)
    return empty ? [] : [{ ...rule, body, otherwise }]
  })
  return { ...module, rules }
}

function rest(body: Body, bad: readonly Place[], branch: number): Body {
  const left = bad.filter((place) => place.branch === branch).map(({ expression }) => expression)
  return body.filter((_, at) => !left.includes(at))
}
