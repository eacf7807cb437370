import type { ErrorCode } from '../../base/errors.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import type { CompiledPackage, Finding, VerdictWord } from '../../model/generated/types.ts'
import type { RegoOutcome, RegoProgram } from '../rego/types.ts'
import { behaviourInput } from './behaviour.ts'
import type { Facts } from './facts.ts'
import type { Said } from './fold.ts'
import { REDACT_PATHS_MAX, REGO_RESULTS_MAX } from './limits.ts'
import { parseObligationPath } from './obligations.ts'
import type { Counter } from './rego-state.ts'
import { compileCounter, readRecent } from './rego-state.ts'
import { clipMessage } from './rules.ts'
import type { CompiledSelector } from './selector.ts'
import { compileSelector } from './selector.ts'
import { invalid, isObject, loadError, own } from './settings.ts'
import type { Moment, Write } from './state.ts'

/** One Rego package, ready to judge. */
export type LoadedPackage = {
  readonly package: CompiledPackage
  /** `rego/` and the package's name after `countersign.`, in the form of a rule id. */
  readonly id: string
  readonly selector: CompiledSelector
  readonly counters: readonly Counter[]
  readonly program: RegoProgram
  readonly routes: ReadonlySet<string>
}

/**
 * Reads one Rego package of a bundle.
 *
 * @throws {PolicyError} REGO_MODULE_INVALID when the program lacks an entry point; REFERENCE_UNKNOWN, VALUE_INVALID,
 *   PATH_INVALID, DURATION_INVALID
 */
export function loadPackage(
  one: CompiledPackage,
  program: RegoProgram | null,
  routes: ReadonlySet<string>,
): LoadedPackage {
  const id = `rego/${one.package
    .replace(/^countersign\./, '')
    .replaceAll('.', '/')
    .replaceAll('_', '-')}`
  const place = { id, file: one.file, line: one.line, column: one.column }
  if (program === null) {
    throw loadError('REGO_MODULE_INVALID', place, 'expected a Rego module, found none')
  }
  if (one.mode !== 'enforce' && one.mode !== 'shadow') {
    throw invalid(place, 'expected mode to be enforce or shadow')
  }
  if (one.route !== null && !routes.has(one.route)) {
    throw loadError(
      'REFERENCE_UNKNOWN',
      place,
      `expected a route of the policy, found ${one.route}`,
    )
  }
  for (const rule of one.rules) {
    if (!Object.hasOwn(VERDICT_OF, rule.name))
      throw invalid(place, 'expected a rule of the contract')
    if (!program.entrypoints.includes(rule.entrypoint)) {
      throw loadError('REGO_MODULE_INVALID', place, `expected the entry point ${rule.entrypoint}`)
    }
  }
  return {
    package: one,
    id,
    selector: compileSelector(place, one.on),
    // The package's own name keys its state: two packages may share one id, as `a.b_c` and `a.b-c` would.
    counters: one.counters.map((counter) => compileCounter({ ...place, id: one.package }, counter)),
    program,
    routes,
  }
}

/** What a package says of an action that its selector names. Whatever goes wrong is a finding that denies. */
export function judgePackage(
  loaded: LoadedPackage,
  facts: Facts,
  moment: Moment,
): { readonly said: readonly Said[]; readonly writes: readonly Write[] } {
  const writes: Write[] = []
  let input: JsonObject
  try {
    const counters = loaded.counters.map((counter) => {
      const { attempts, write } = counter.count(facts, moment)
      writes.push(write)
      return [counter.name, attempts] as const
    })
    input = inputOf(facts, moment, Object.fromEntries(counters))
  } catch (error) {
    return { said: [failure(loaded, loaded.package, codeOf(error), FAILED)], writes: [] }
  }
  return { said: judgeRules(loaded, input), writes }
}

type RuleName = CompiledPackage['rules'][number]['name']
type RegoRule = CompiledPackage['rules'][number]
type Place = { readonly file: string; readonly line: number; readonly column: number }

const VERDICT_OF: Readonly<Record<RuleName, VerdictWord>> = {
  deny: 'deny',
  hold: 'hold',
  redact: 'redact',
  warn: 'allow',
}

const FAILED = 'The package could not be evaluated.'

function inputOf(facts: Facts, moment: Moment, counters: JsonObject): JsonObject {
  const { action, target } = facts
  return {
    action: {
      project: action.project,
      agent: action.agent,
      session: action.session,
      principal: action.principal,
      role: action.role,
      service: action.service,
      action: action.action,
      payload: action.payload,
      context: action.context,
      priority: target.priority,
      fingerprint: action.fingerprint,
      effect: target.effect,
      phase: target.phase,
      ...(action.result === undefined ? {} : { result: action.result }),
    },
    state: { counters, recent: readRecent(facts, moment), behaviour: behaviourInput(facts) },
    now: new Date(moment.now).toISOString(),
  }
}

function judgeRules(loaded: LoadedPackage, input: JsonObject): readonly Said[] {
  const { rules } = loaded.package
  const paths = rules.map(({ entrypoint }) => entrypoint)
  let outcomes: readonly (RegoOutcome | undefined)[]
  try {
    outcomes = loaded.program.evaluateAll(paths, input)
  } catch (error) {
    const code = codeOf(error)
    return rules.map((rule) => failure(loaded, rule, code, FAILED))
  }
  return rules.flatMap((rule, at) => sayOutcome(loaded, rule, outcomes[at]))
}

function sayOutcome(
  loaded: LoadedPackage,
  rule: RegoRule,
  outcome: RegoOutcome | undefined,
): readonly Said[] {
  // An evaluator that answers too few questions has failed.
  if (outcome === undefined) return [failure(loaded, rule, 'RULE_FAILED', FAILED)]
  if (Object.hasOwn(outcome, 'failed')) return [failedOutcome(loaded, rule, outcome)]
  const value = own(outcome, 'value')
  if (!Array.isArray(value) || value.length > REGO_RESULTS_MAX) {
    const message = `Expected ${rule.name} to be a set of at most ${REGO_RESULTS_MAX} objects.`
    return [failure(loaded, rule, 'REGO_RESULT_INVALID', message)]
  }
  return value.map((result: JsonValue) => sayResult(loaded, rule, result))
}

function failedOutcome(loaded: LoadedPackage, rule: RegoRule, outcome: object): Said {
  const file = ownText(outcome, 'file')
  const [line, column] = [own(outcome, 'line'), own(outcome, 'column')]
  const hasPlace = file !== undefined && isCount(line) && isCount(column)
  const place = hasPlace ? { file, line, column } : rule
  // The type of an outcome has no other codes.
  const code = ownText(outcome, 'failed') as ErrorCode
  return failure(loaded, place, code, ownText(outcome, 'message') ?? FAILED)
}

function sayResult(loaded: LoadedPackage, rule: RegoRule, result: JsonValue): Said {
  if (!isResult(result, rule.name)) {
    const shape = rule.name === 'redact' ? '{ msg, route?, paths }' : '{ msg, route?, paths? }'
    const message = `Expected ${rule.name} to hold objects of the form ${shape}.`
    return failure(loaded, rule, 'REGO_RESULT_INVALID', message)
  }
  const route = ownText(result, 'route') ?? loaded.package.route
  if (rule.name === 'hold' && route !== null && !loaded.routes.has(route)) {
    const message = 'The package asks for a route that the policy does not have.'
    return failure(loaded, rule, 'REFERENCE_UNKNOWN', message)
  }
  const finding: Finding = {
    rule: loaded.id,
    kind: 'rego',
    verdict: VERDICT_OF[rule.name],
    mode: loaded.package.mode,
    message: clipMessage(result.msg),
    evidence: { entrypoint: rule.entrypoint },
    ...(rule.name === 'hold' && route !== null ? { route } : {}),
    file: rule.file,
    line: rule.line,
    column: rule.column,
  }
  const redacts = rule.name === 'redact' || rule.name === 'hold'
  const paths = redacts && Object.hasOwn(result, 'paths') ? (result.paths ?? []) : []
  return { finding, obligations: paths.length === 0 ? [] : [{ kind: 'redact', paths: [...paths] }] }
}

type Result = { readonly msg: string; readonly route?: string; readonly paths?: readonly string[] }

const RESULT_KEYS: ReadonlySet<string> = new Set(['msg', 'route', 'paths'])

function isResult(value: JsonValue, name: RuleName): value is Result & JsonObject {
  if (!isObject(value)) return false
  if (!Object.keys(value).every((key) => RESULT_KEYS.has(key))) return false
  if (ownText(value, 'msg') === undefined) return false
  if (Object.hasOwn(value, 'route') && ownText(value, 'route') === undefined) return false
  if (!Object.hasOwn(value, 'paths')) return name !== 'redact'
  const paths: unknown = value['paths']
  if (!Array.isArray(paths) || paths.length > REDACT_PATHS_MAX) return false
  return (name !== 'redact' || paths.length > 0) && paths.every(isObligationPath)
}

function isObligationPath(value: unknown): boolean {
  if (typeof value !== 'string') return false
  try {
    parseObligationPath(value)
    return true
  } catch {
    // Any complaint means that the redaction cannot be done; the caller denies.
    return false
  }
}

function ownText(object: object, name: string): string | undefined {
  const value = own(object, name)
  return typeof value === 'string' ? value : undefined
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function codeOf(error: unknown): ErrorCode {
  if (!(error instanceof PolicyError)) return 'RULE_FAILED'
  const kept = error.code.startsWith('REGO_') || error.code === 'STATE_INVALID'
  return kept ? error.code : 'RULE_FAILED'
}

function failure(loaded: LoadedPackage, place: Place, code: ErrorCode, message: string): Said {
  const finding: Finding = {
    rule: loaded.id,
    kind: 'rego',
    verdict: 'deny',
    mode: loaded.package.mode,
    message: clipMessage(message),
    code,
    evidence: {},
    file: place.file,
    line: place.line,
    column: place.column,
  }
  return { finding, obligations: [] }
}
