import type { JsonObject } from '../../base/json-value.ts'
import type { Diagnostic } from '../../base/position.ts'
import { compareText } from '../../base/position.ts'
import type {
  CompiledPackage,
  CompiledPolicy,
  Place,
  RegoMetadata,
} from '../../model/generated/types.ts'
import type { RegoCompiler, RegoPackage } from '../../model/rego.ts'
import { validate } from '../../model/validate.ts'
import { phasesOf } from './changes.ts'
import { checkTime, durationProblem, fieldProblem } from './checks.ts'
import { LIBRARY_FILE, LIBRARY_SOURCE } from './library.ts'
import type { Report } from './report.ts'

/** A Rego package that judges actions, with its checked metadata. */
export type PackageDraft = {
  /** Dotted, without `data.`. */
  readonly name: string
  readonly metadata: RegoMetadata
  readonly place: Place
  readonly rules: readonly { readonly name: ContractRule; readonly place: Place }[]
}

/** What the Rego of a repository comes to. */
export type CheckedRego = {
  /** Packages that judge actions, sorted by name. */
  readonly packages: readonly PackageDraft[]
  /** Every package, the library and those that judge nothing included, sorted by name. */
  readonly all: CompiledPolicy['rego_packages']
}

/** A repository without Rego. */
export const NO_REGO: CheckedRego = { packages: [], all: [] }

type ContractRule = CompiledPackage['rules'][number]['name']

/** The rules that the engine asks a package for. */
const CONTRACT: readonly ContractRule[] = ['deny', 'hold', 'redact', 'warn']

/** Names below `data.countersign` that hold the compiled documents or the library. */
const RESERVED = ['agents', 'lib', 'people', 'project', 'routes', 'rules', 'tools']

const ROOT = 'countersign'
const DATA_FILE = 'data.json'
const TEST_ENDING = '_test.rego'

/** The Rego sources that go into a bundle: without tests, with the library. */
export function bundledSources(rego: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const sources = [...rego].filter(([path]) => !path.endsWith(TEST_ENDING))
  return sources.length === 0 ? new Map() : new Map([...sources, [LIBRARY_FILE, LIBRARY_SOURCE]])
}

/** What the compiler is given: sources, and the documents that stand below `data`. */
export function compilerFiles(
  sources: ReadonlyMap<string, string>,
  data: string,
): Readonly<Record<string, string>> {
  const sorted = [...sources].sort(([a], [b]) => compareText(a, b))
  return Object.fromEntries([...sorted, [DATA_FILE, data]])
}

/**
 * Checks the Rego of a repository, tests included.
 *
 * @throws {PolicyError} REGO_COMPILER_FAILED
 */
export async function checkRego(
  rego: ReadonlyMap<string, string>,
  data: string,
  compiler: RegoCompiler,
  report: Report,
): Promise<CheckedRego> {
  for (const path of rego.keys()) {
    if (!path.startsWith(`${ROOT}/`)) continue
    const message = `the folder ${ROOT}/ is the library's; move the file`
    report.error({ file: path, line: 1, column: 1 }, 'NAME_RESERVED', message)
  }
  if (rego.size === 0) return NO_REGO
  const sources = bundledSources(rego)
  const checked = await compiler.check(compilerFiles(sources, data))
  report.diagnostics.push(...checked.diagnostics)
  const tests = [...rego].filter(([path]) => path.endsWith(TEST_ENDING))
  if (tests.length > 0 && !checked.diagnostics.some(isError)) {
    const all = new Map([...sources, [LIBRARY_FILE, LIBRARY_SOURCE] as const, ...tests])
    const { diagnostics } = await compiler.check(compilerFiles(all, data))
    report.diagnostics.push(...diagnostics.filter(({ file }) => file.endsWith(TEST_ENDING)))
  }
  const own = checked.packages.filter(({ file }) => file !== LIBRARY_FILE)
  const all = checked.packages
    .map((item) => ({ package: item.name, strict_builtin_errors: isStrict(item, report) }))
    .sort((a, b) => compareText(a.package, b.package))
  checkReach(checked.packages, all, report)
  return {
    packages: own
      .flatMap((item) => checkPackage(item, report))
      .sort((a, b) => compareText(a.name, b.name)),
    all,
  }
}

/** A package as the bundle carries it. */
export function compilePackage({ name, metadata, place, rules }: PackageDraft): CompiledPackage {
  const counters = Object.entries(metadata.counters ?? {})
    .map(([counter, { per, by }]) => ({ name: counter, per, by: by ?? ['agent'] }))
    .sort((a, b) => compareText(a.name, b.name))
  return {
    package: name,
    on: metadata.on ?? {},
    mode: metadata.mode ?? 'enforce',
    ...(metadata.shadow_until === undefined ? {} : { shadow_until: metadata.shadow_until }),
    route: metadata.route ?? null,
    counters,
    rules: rules.map((rule) => ({
      name: rule.name,
      entrypoint: `${name.replaceAll('.', '/')}/${rule.name}`,
      ...rule.place,
    })),
    ...place,
  }
}

/** A package in which a built-in error denies nothing is worth a word each time. */
function isStrict({ name, custom, file, line, column }: RegoPackage, report: Report): boolean {
  if (custom['strict_builtin_errors'] !== false) return true
  const message = `${name} lets built-in errors pass: a rule in which one happens does not fire`
  report.warn({ file, line, column }, 'REGO_ERRORS_IGNORED', message)
  return false
}

/**
 * Refuses a rule such as `checks.amount` of one package where another is named after it, as `<package>.checks` is, and
 * takes built-in errors otherwise: a rule is known by its path alone, so the one would be taken for the other's.
 */
function checkReach(
  packages: readonly RegoPackage[],
  all: CheckedRego['all'],
  report: Report,
): void {
  const strict = new Map(all.map((one) => [one.package, one.strict_builtin_errors]))
  for (const { name, rules } of packages) {
    for (const rule of rules) {
      const path = `${name}.${/^[^.[]*/.exec(rule.name)?.[0] ?? ''}`
      const other = all.find(
        (one) =>
          (one.package === path || one.package.startsWith(`${path}.`)) &&
          one.strict_builtin_errors !== strict.get(name),
      )
      if (other === undefined) continue
      const at = { file: rule.file, line: rule.line, column: rule.column }
      const message = `expected strict_builtin_errors to be the same in ${name} and ${other.package}, whose names the rule shares; rename one of them`
      report.error(at, 'REGO_CONTRACT', message)
    }
  }
}

function isError({ severity }: Diagnostic): boolean {
  return severity === 'error'
}

function checkPackage(item: RegoPackage, report: Report): PackageDraft[] {
  const place = { file: item.file, line: item.line, column: item.column }
  if (!checkName(item.name, place, report)) return []
  const rules: { name: ContractRule; place: Place }[] = []
  for (const rule of item.rules) {
    const name = CONTRACT.find((word) => word === rule.name)
    if (name === undefined) continue
    const at = { file: rule.file, line: rule.line, column: rule.column }
    if (rule.shape === 'set') {
      rules.push({ name, place: at })
      continue
    }
    const message = `expected the partial set "${name} contains {"msg": ...} if { ... }", found a ${SHAPES[rule.shape]}`
    report.error(at, 'REGO_CONTRACT', message)
  }
  rules.sort((a, b) => compareText(a.name, b.name))
  const metadata = checkMetadata(item.custom, place, report)
  if (metadata === null || rules.length === 0) return []
  const hold = rules.find((rule) => rule.name === 'hold')
  if (hold !== undefined && phasesOf(metadata).includes('result')) {
    const message = `a result waits for nobody: what ${item.name} holds in the phase "result" is denied`
    report.warn(hold.place, 'RESULT_HELD', message)
  }
  return [{ name: item.name, metadata, place, rules }]
}

const SHAPES = {
  set: 'set',
  object: 'partial object',
  value: 'complete rule',
  function: 'function',
}

function checkName(name: string, place: Place, report: Report): boolean {
  const [root, first] = name.split('.')
  if (root !== ROOT || first === undefined) {
    const message = `expected a package ${ROOT}.<name>, found ${name}; the engine looks nowhere else`
    report.error(place, 'REGO_CONTRACT', message)
    return false
  }
  if (RESERVED.includes(first)) {
    const message = `data.${ROOT}.${first} is the engine's own; choose another name`
    report.error(place, 'NAME_RESERVED', message)
    return false
  }
  if (/^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*$/.test(name)) return true
  const message = `expected plain names in the package path, found ${JSON.stringify(name)}`
  report.error(place, 'REGO_CONTRACT', message)
  return false
}

/** The metadata that is ours. YAML within comments has no places of its own: the package stands for it. */
function checkMetadata(custom: JsonObject, place: Place, report: Report): RegoMetadata | null {
  const problems = validate('rego-metadata', custom)
  for (const { pointer, code, message } of problems) {
    report.error(place, code, `METADATA custom${pointer}: ${message}`)
  }
  if (problems.length > 0) return null
  const metadata = custom as RegoMetadata
  const refuse = (
    code: 'DURATION_INVALID' | 'PATH_INVALID',
    name: string,
    problem: string | null,
  ): void => {
    if (problem === null) return
    report.error(place, code, `METADATA custom/counters/${name}: ${problem}`)
  }
  for (const [name, { per, by }] of Object.entries(metadata.counters ?? {})) {
    refuse('DURATION_INVALID', name, durationProblem(per))
    for (const path of by ?? []) refuse('PATH_INVALID', name, fieldProblem(path))
  }
  const here = { value: null, at: () => place, keyAt: () => place }
  checkTime(here, '/shadow_until', metadata.shadow_until, report)
  return metadata
}
