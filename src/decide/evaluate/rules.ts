import { PolicyError } from '../../base/errors.ts'
import type { ChangeWord, CompiledRule, Finding, VerdictWord } from '../../model/generated/types.ts'
import type { Facts } from './facts.ts'
import type { CompiledTest } from './field-test.ts'
import { compileTest } from './field-test.ts'
import type { Said } from './fold.ts'
import { KINDS } from './kinds/index.ts'
import type { CompiledKind, Judged } from './kinds/kind.ts'
import { MESSAGE_LENGTH_MAX } from './limits.ts'
import { parseObligationPath } from './obligations.ts'
import type { CompiledSelector } from './selector.ts'
import { compileSelector } from './selector.ts'
import { checkSettings, invalid, loadError } from './settings.ts'
import type { Moment, Write } from './state.ts'

/** One rule, ready to judge. */
export type LoadedRule = {
  readonly rule: CompiledRule
  readonly selector: CompiledSelector
  readonly when: readonly CompiledTest[]
  readonly kind: CompiledKind
}

/**
 * Reads one rule of a bundle.
 *
 * @throws {PolicyError} KIND_UNKNOWN, VALUE_INVALID, KEY_MISSING, PATH_INVALID, PATTERN_INVALID, DURATION_INVALID,
 *   REFERENCE_UNKNOWN; with the rule's id and place
 */
export function loadRule(rule: CompiledRule, routes: ReadonlySet<string>): LoadedRule {
  const kind = KINDS.get(rule.kind)
  if (kind === undefined) throw loadError('KIND_UNKNOWN', rule, `expected a guardrail kind`)
  if (!THEN.has(rule.then)) throw invalid(rule, 'expected then to be redact, hold or deny')
  if (!MODES.has(rule.mode)) throw invalid(rule, 'expected mode to be enforce or shadow')
  if (rule.route !== null && !routes.has(rule.route)) {
    throw loadError(
      'REFERENCE_UNKNOWN',
      rule,
      `expected a route of the policy, found ${rule.route}`,
    )
  }
  if ((rule.then === 'redact') !== (rule.change !== null)) {
    throw invalid(rule, 'expected a change with redact, and with redact alone')
  }
  if (rule.change !== null && !kind.detects && rule.obligations.every(isOtherThan(rule.change))) {
    throw loadError('KEY_MISSING', rule, `expected ${rule.change} to name at least one field`)
  }
  for (const path of rule.obligations.flatMap(({ paths }) => paths)) {
    try {
      parseObligationPath(path)
    } catch (cause) {
      throw loadError('PATH_INVALID', rule, 'expected a field of the payload or result', cause)
    }
  }
  checkSettings(rule)
  const selector = compileSelector(rule, rule.on)
  if (rule.then === 'hold' && selector.phases.has('result')) {
    throw invalid(rule, 'expected no hold of a result, which waits for nobody')
  }
  return {
    rule,
    selector,
    when: rule.when.map((test) => compileTest(rule, test)),
    kind: kind.compile(rule),
  }
}

/**
 * One rule's word on an action that its selector names, and the state it leaves. What goes wrong inside is a finding
 * that denies, in the rule's own mode: a shadow rule changes no verdict, not even by failing.
 */
export function judgeRule(
  loaded: LoadedRule,
  facts: Facts,
  moment: Moment,
): Pick<Judged, 'writes' | 'reserved'> & { readonly said: Said | null } {
  let judged: Judged
  try {
    if (!loaded.when.every((test) => test.holds(facts))) return NOTHING
    judged = loaded.kind.judge(facts, moment)
  } catch (error) {
    return { said: failedRule(loaded.rule, error), writes: [] }
  }
  const { found, ...rest } = judged
  if (found === null) return { ...rest, said: null }
  const missing = [...(found.missing ?? []), ...loaded.when.flatMap((test) => test.missing(facts))]
  return { ...rest, said: sayFound(loaded.rule, { ...found, missing }) }
}

/** What a watching rule would remember of an action, unless the action is denied; a failure denies, as above. */
export function recordRule(
  { rule, kind }: LoadedRule,
  facts: Facts,
  moment: Moment,
): { readonly said: Said | null; readonly writes: readonly Write[] } {
  try {
    return { said: null, writes: kind.watch?.record(facts, moment) ?? [] }
  } catch (error) {
    return { said: failedRule(rule, error), writes: [] }
  }
}

/** A text within the bound of a message, without a lone surrogate. */
export function clipMessage(text: string): string {
  return text.slice(0, MESSAGE_LENGTH_MAX).toWellFormed()
}

const THEN: ReadonlySet<VerdictWord> = new Set(['redact', 'hold', 'deny'])
const isOtherThan =
  (change: ChangeWord) =>
  ({ kind }: { readonly kind: ChangeWord }): boolean =>
    kind !== change
const MODES: ReadonlySet<string> = new Set(['enforce', 'shadow'])
const NOTHING = { said: null, writes: [] }

function sayFound(rule: CompiledRule, found: NonNullable<Judged['found']>): Said {
  const obligations = [...rule.obligations, ...(found.obligations ?? [])]
  const unchanged = rule.then === 'redact' && lacksWhatToChange(found, obligations)
  const why = unchanged ? 'A field that it must change is missing.' : ''
  const message = [rule.about ?? '', found.message, why].filter((text) => text !== '').join(' ')
  const finding: Finding = {
    rule: rule.id,
    kind: rule.kind,
    verdict: unchanged ? 'deny' : rule.then,
    mode: found.shadow === true ? 'shadow' : rule.mode,
    message: clipMessage(message),
    evidence: found.evidence,
    ...(rule.route === null || rule.then !== 'hold' ? {} : { route: rule.route }),
    file: rule.file,
    line: rule.line,
    column: rule.column,
  }
  return { finding, obligations }
}

/**
 * Whether a change would leave out what it is for: a field that the rule looks at and changes is missing, so what it held
 * may stand under another name, where nothing would be changed.
 *
 * Only such a field counts. Another one that the rule lists may be there or not.
 */
function lacksWhatToChange(
  { missing = [] }: NonNullable<Judged['found']>,
  obligations: Said['obligations'],
): boolean {
  const changed = obligations.flatMap(({ paths }) => paths)
  return missing.some((path) => changed.includes(path))
}

function failedRule(rule: CompiledRule, error: unknown): Said {
  const stateInvalid = error instanceof PolicyError && error.code === 'STATE_INVALID'
  const finding: Finding = {
    rule: rule.id,
    kind: rule.kind,
    verdict: 'deny',
    mode: rule.mode,
    // What an unforeseen error says may hold a value of the action, so it stays out.
    message: stateInvalid
      ? 'The state that this rule counts on is damaged.'
      : 'The rule failed while it judged the action.',
    code: stateInvalid ? 'STATE_INVALID' : 'RULE_FAILED',
    evidence: {},
    file: rule.file,
    line: rule.line,
    column: rule.column,
  }
  return { finding, obligations: [] }
}
