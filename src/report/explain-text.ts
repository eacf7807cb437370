import { canonicalize } from '../base/canonical-json.ts'
import type { JsonObject, JsonValue } from '../base/json-value.ts'
import type {
  ExplainedPackage,
  ExplainedRoute,
  ExplainedRule,
  ExplainedTest,
  Explanation,
  Mismatch,
  RuleOutcome,
  ShownField,
  ShownValue,
} from '../model/explanation.ts'
import type { Finding } from '../model/generated/types.ts'
import { plural } from './check-text.ts'
import { type Paint, visible } from './paint.ts'
import { findingText, verdictText } from './tests-text.ts'

/** What an explanation is of, beside itself. */
export type ExplainRun = {
  readonly policy: string
  readonly clear: boolean
  readonly recorded: {
    readonly decision: string
    readonly verdict: string
    readonly policy: string
  } | null
}

/** Why a verdict came out, for people: the verdict, what is known of the action, then rule by rule. */
export function explainText(explanation: Explanation, run: ExplainRun, paint: Paint): string {
  const { verdict, engine, rules, packages } = explanation
  const lines = [
    `${verdictText(verdict.verdict, paint)} ${becauseText(explanation)}`,
    ...actionLines(explanation, paint),
    ...recordedLines(run, paint),
    ...engine.map((finding) => `  ${findingText(finding, paint)}`),
    '',
    ...rules.flatMap((rule) => ruleLines(rule, explanation.action.now, paint)),
    ...packages.flatMap((one) => packageLines(one, paint)),
    ...(rules.length + packages.length === 0 ? ['no rule is about this action'] : []),
    ...(explanation.routes ?? []).map((route) => routeLine(route, paint)),
    ...endLines(explanation),
    paint.dim(`policy ${run.policy}`),
  ]
  return `${lines.join('\n')}\n`
}

/** The same for programs. */
export function explainDocument(explanation: Explanation, run: ExplainRun): object {
  return { ...run, ...explanation }
}

function becauseText({ verdict, decided_by, default: standing }: Explanation): string {
  if (decided_by.length > 0) return `because of ${decided_by.map(visible).join(', ')}`
  if (verdict.verdict !== 'allow') return ''
  if (!standing.applies) return 'since no enforced rule that speaks about it finds anything'
  return `since no enforced rule speaks about it, and the default is ${standing.verdict}`
}

function actionLines({ action }: Explanation, paint: Paint): string[] {
  const { agent, tool, role, phase, effect, priority, priority_asked, now } = action
  const raised = priority === priority_asked ? '' : `, raised from ${priority_asked}`
  const known = action.agent_known
    ? action.in_scope
      ? 'in its scopes'
      : 'outside its scopes'
    : 'which is not known'
  const what = phase === 'call' ? '' : ` (${phase})`
  return [
    paint.dim(
      `  ${visible(tool)}${what} by ${visible(agent)} as ${visible(role)}, ${known}; ${effect ?? 'unknown tool'}, priority ${priority}${raised}; at ${new Date(now).toISOString()}`,
    ),
  ]
}

function recordedLines({ recorded, policy, clear }: ExplainRun, paint: Paint): string[] {
  if (recorded === null) return []
  const other = recorded.policy === policy ? '' : ` under another policy, ${recorded.policy}`
  const hint = clear ? '' : '; values are HMACs: name your key with --key to see them'
  return [paint.dim(`  recorded as ${recorded.verdict} in ${recorded.decision}${other}${hint}`)]
}

const WORDS: Readonly<Record<RuleOutcome, string>> = {
  found: 'applies',
  quiet: 'finds nothing',
  unmet: 'is not asked: a test of `when` does not hold',
  unselected: 'is not about this action',
  failed: 'failed, which denies',
}

function ruleLines(rule: ExplainedRule, now: number, paint: Paint): string[] {
  const { outcome, mode, kind, place, settings, finding, saw } = rule
  const colour = outcome === 'found' || outcome === 'failed' ? paint.yellow : paint.dim
  const shadow = mode === 'shadow' ? ' in shadow' : ''
  const remembers = rule.remembers ? '; remembers it for later' : ''
  const at = paint.dim(`${visible(place.file)}:${place.line}`)
  return [
    `${paint.bold(rule.rule)} ${colour(`${WORDS[outcome]}${shadow}${remembers}`)} ${at}`,
    ...rule.mismatches.map(mismatchText),
    ...rule.when.flatMap((test) => testLines(test)),
    ...(outcome === 'unselected' || outcome === 'unmet' || kind === 'every'
      ? []
      : [`  ${kind} ${json(settings)}`]),
    ...rule.reads.map(fieldText),
    ...(saw === null ? [] : [`  saw ${json(saw)}`]),
    ...rule.state.map((one) => `  state ${stateText(one, now)}`),
    ...(finding === null ? [] : findingLines(finding, paint)),
    ...rule.obligations.map(({ kind: change, paths }) => `  -> ${change} ${paths.join(', ')}`),
  ]
}

function routeLine({ route, place, unmet }: ExplainedRoute, paint: Paint): string {
  const at = paint.dim(`${visible(place.file)}:${place.line}`)
  const word =
    unmet.length === 0
      ? paint.yellow('adds itself')
      : paint.dim(`does not add itself: ${unmet.map((part) => PARTS[part] ?? part).join(', ')}`)
  return `${paint.bold(`route ${visible(route)}`)} ${word} ${at}`
}

/** Why a route keeps out, by the part of its `on` that is not met. */
const PARTS: Readonly<Record<string, string>> = {
  on: 'it is not about this action',
  where: 'a test of `where` does not hold',
  rules: 'none of its rules has a finding',
  behaviour: 'the session is not odd enough',
}

function findingLines(finding: Finding, paint: Paint): string[] {
  const asked = finding.route === undefined ? '' : ` by ${finding.route}`
  const code = finding.code === undefined ? '' : ` ${finding.code}`
  return [
    `  -> ${verdictText(finding.verdict, paint)}${asked}${code}: ${visible(finding.message)}`,
    ...(Object.keys(finding.evidence).length === 0
      ? []
      : [paint.dim(`     ${json(finding.evidence as JsonObject)}`)]),
  ]
}

function packageLines(one: ExplainedPackage, paint: Paint): string[] {
  const { selected, findings, counters, entrypoints, recent, mode, place } = one
  const shadow = mode === 'shadow' ? ' in shadow' : ''
  const word = selected
    ? findings.length > 0
      ? paint.yellow(`applies${shadow}`)
      : paint.dim(`finds nothing${shadow}`)
    : paint.dim(WORDS.unselected)
  const head = `${paint.bold(one.rule)} ${word} ${paint.dim(`${visible(place.file)}:${place.line}`)}`
  if (!selected) return [head, ...one.mismatches.map(mismatchText)]
  return [
    head,
    `  asked ${entrypoints.join(', ')} with ${plural(recent, 'earlier action')}`,
    ...(Object.keys(counters).length === 0 ? [] : [`  counters ${json(counters)}`]),
    ...findings.flatMap((finding) => findingLines(finding, paint)),
  ]
}

function mismatchText({ key, wanted, found }: Mismatch): string {
  return `  on.${key} is ${json(wanted)}, the action has ${json(found)}`
}

function testLines({ test, holds, reads }: ExplainedTest): string[] {
  return [`  when ${json(test)} ${holds ? 'holds' : 'does not hold'}`, ...reads.map(fieldText)]
}

function fieldText({ path, values, omitted, missing }: ShownField): string {
  const shown = values.map((one) => valueText(one, path))
  const more = omitted > 0 ? [`${omitted} more`] : []
  const gone = missing ? ['missing'] : []
  return `    ${visible(path)} = ${[...shown, ...more, ...gone].join(', ')}`
}

function valueText(shown: ShownValue, path: string): string {
  const text = 'value' in shown ? json(shown.value) : `hmac ${shown.hmac}`
  // One value at a plain path needs no place of its own.
  return path.includes('[') ? `${visible(shown.pointer)} ${text}` : text
}

function stateText({ key, entry }: ExplainedRule['state'][number], now: number): string {
  if (entry === null || entry.until <= now) return `${visible(key)}: nothing`
  const { value, until } = entry
  const what = Array.isArray(value)
    ? plural(value.length, 'entry').replace('entrys', 'entries')
    : json(value)
  return `${visible(key)}: ${what}, until ${new Date(until).toISOString()}`
}

function endLines({ verdict }: Explanation): string[] {
  const { obligations, route } = verdict
  return [
    '',
    ...obligations.map(({ kind, paths, detect, rule }) => {
      const only = detect === undefined ? '' : ` where it finds ${detect.join(', ')}`
      return `${kind} ${paths.join(', ')}${only} (${rule})`
    }),
    ...(route.length === 0 ? [] : [`waits for ${route.join(' and ')}`]),
  ].filter((line, at) => line !== '' || at > 0 || obligations.length + route.length > 0)
}

function json(value: JsonValue | object): string {
  const text = canonicalize(value as JsonValue)
  const cut = text.length <= JSON_LENGTH_MAX ? text : `${text.slice(0, JSON_LENGTH_MAX)}…`
  return visible(cut.toWellFormed())
}

const JSON_LENGTH_MAX = 400
