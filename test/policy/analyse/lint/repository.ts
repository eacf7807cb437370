import { afterAll } from 'vitest'
import type { Diagnostic } from '../../../../src/base/position.ts'
import { loadPolicy } from '../../../../src/decide/evaluate/index.ts'
import { BUILTIN_NAMES } from '../../../../src/decide/rego/builtins/index.ts'
import { createRegoCompiler } from '../../../../src/host/rego-compiler/compiler.ts'
import { lint } from '../../../../src/policy/analyse/lint/lint.ts'
import { compile, parseDocuments } from '../../../../src/policy/compile/index.ts'

const HEAD = 'apiVersion: countersign/v1\nkind: '
export const NOW = Date.UTC(2026, 5, 1)

const KEY = (letter: string) => `keys: [{ fingerprint: SHA256:${letter.repeat(43)} }]`

/** The list entries of each kind of file; every file has two lines of head and one of its list before them. */
export type Parts = {
  readonly project?: string
  readonly agents?: readonly string[]
  readonly tools?: string
  readonly rules?: readonly string[]
  readonly routes?: readonly string[]
  readonly people?: readonly string[]
  /** Rules that a decision test expects. Default: all of `rules`. */
  readonly expects?: readonly string[]
  readonly more?: Readonly<Record<string, string>>
}

export const ANA = `- { id: ana, roles: [lead], ${KEY('a')} }`
export const BO = `- { id: bo, roles: [lead], ${KEY('b')} }`
export const DEFAULT_ROUTE = '- { id: default, roles: [lead], time_out: 1h }'
export const HELPER = `agent: helper
scopes:
  - { tools: [notes.read, notes.write, notes.purge] }
  - { tools: [notes.archive], roles: [keeper] }`

/** A repository in which there is nothing to note, with the parts that are given in place of its own. */
export function filesOf(parts: Parts): ReadonlyMap<string, string> {
  const rules = parts.rules ?? []
  const named = rules.map((rule) => /id: ([\w/-]+)/.exec(rule)?.[1] ?? '')
  const expects = parts.expects ?? named
  const list = (items: readonly string[]) =>
    items.map((item) => `${item.replaceAll(/^/gm, '  ')}\n`).join('')
  const tests = `- { name: t, action: { agent: helper, service: notes, action: read }, expect: { verdict: allow, rules: [${expects.join(', ')}] } }`
  return new Map([
    ['countersign.yaml', `${HEAD}Project\nproject: p\n${parts.project ?? PROJECT}\n`],
    ...(parts.agents ?? [HELPER]).map(
      (text, n) => [`agents/${n}.yaml`, `${HEAD}Agent\n${text}\n`] as const,
    ),
    ['tools.yaml', `${HEAD}Tools\nservice: notes\n${parts.tools ?? TOOLS}\n`],
    ...(rules.length === 0
      ? []
      : [['rules.yaml', `${HEAD}Guardrails\nrules:\n${list(rules)}`] as const]),
    ['routes.yaml', `${HEAD}Routes\nroutes:\n${list(parts.routes ?? [DEFAULT_ROUTE])}`],
    ['roster.yaml', `${HEAD}Roster\npeople:\n${list(parts.people ?? [ANA, BO])}`],
    ['tests.yaml', `${HEAD}DecisionTest\ntests:\n${list([tests])}`],
    ...Object.entries(parts.more ?? {}),
  ])
}

const PROJECT = 'defaults: { low: allow, medium: allow, high: hold, critical: deny }'
const TOOLS = `tools:
  read: { effect: read }
  write: { effect: write }
  archive: { effect: write, priority: high }
  purge: { effect: irreversible, priority: high }`

/** Runs the linter over a repository that must compile; each finding as `file:line:column CODE`. */
export function createLinter(): {
  diagnose(files: ReadonlyMap<string, string>): Promise<readonly Diagnostic[]>
  found(parts: Parts): Promise<readonly string[]>
} {
  const rego = createRegoCompiler({ hostBuiltins: BUILTIN_NAMES })
  afterAll(() => rego.close())
  const diagnose = async (files: ReadonlyMap<string, string>) => {
    const { bundle, diagnostics } = await compile(files, { rego, now: NOW })
    if (bundle === null) throw new Error(JSON.stringify(diagnostics, null, 2))
    const { documents } = parseDocuments(files)
    return lint({ documents, loaded: loadPolicy(bundle), now: NOW })
  }
  return {
    diagnose,
    found: async (parts) =>
      (await diagnose(filesOf(parts))).map(
        ({ file, line, column, code }) => `${file}:${line}:${column} ${code}`,
      ),
  }
}
