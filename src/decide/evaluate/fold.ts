import { canonicalize } from '../../base/canonical-json.ts'
import type { JsonValue } from '../../base/json-value.ts'
import { compareText } from '../../base/position.ts'
import type { Finding, Obligation, Verdict, VerdictWord } from '../../model/generated/types.ts'
import { FINDINGS_MAX, SHADOW_FINDINGS_MAX } from './limits.ts'

/** What a finding asks to be done to fields. */
export type FoundObligation = Omit<Obligation, 'rule'>

/** A finding, and what it asks to be done. */
export type Said = {
  readonly finding: Finding
  readonly obligations: readonly FoundObligation[]
}

/** Routes that add themselves to an action, should it be held. */
export type Added = {
  /** Their ids. */
  readonly routes: readonly string[]
  /** Whether one of them stands in for `default` where a finding names no route. */
  readonly forDefault: boolean
}

/** No route adds itself. */
const NONE: Added = { routes: [], forDefault: false }

/**
 * Combines findings; their order makes no difference. The highest verdict of the enforced ones wins. With a hold,
 * the routes are those of all enforced hold findings and those that add themselves, `default` for a finding that names
 * none where none stands in for it; with any other verdict there are no routes, since a denied action waits for nobody.
 * Obligations are those of all enforced findings, also with a hold: they apply to what runs after an approval. Shadow
 * findings change nothing.
 */
export function fold(said: readonly Said[], added: Added = NONE): Verdict {
  if (said.length === 0) return { verdict: 'allow', findings: [], obligations: [], route: [] }
  const kept = bound(said)
  const enforced = kept.filter(({ finding }) => finding.mode === 'enforce')
  let verdict: VerdictWord = 'allow'
  for (const { finding } of enforced) verdict = higherVerdict(verdict, finding.verdict)
  return {
    verdict,
    findings: kept.map(({ finding }) => finding),
    obligations: obligationsOf(enforced),
    route: verdict === 'hold' ? routesOf(enforced, added) : [],
  }
}

/** The route of a hold that names none. */
export const DEFAULT_ROUTE = 'default'

/** A finding's route, when it is a hold. */
export function routeOf(finding: Finding): string {
  return namedRoute(finding) ?? DEFAULT_ROUTE
}

/** The route that a finding names; null when it names none. */
export function namedRoute(finding: Finding): string | null {
  return Object.hasOwn(finding, 'route') && finding.route !== undefined ? finding.route : null
}

/** A finding of the engine itself: it has no place in a file. */
export function engineFinding(
  rule: string,
  finding: Pick<Finding, 'verdict' | 'message' | 'evidence'> &
    Partial<Pick<Finding, 'code' | 'mode'>>,
): Said {
  const place = { file: '', line: 0, column: 0 }
  const said = { rule: `engine/${rule}`, kind: 'engine', mode: 'enforce', ...finding, ...place }
  return { finding: said as Finding, obligations: [] }
}

const VERDICTS: readonly VerdictWord[] = ['allow', 'redact', 'hold', 'deny']

function higherVerdict(a: VerdictWord, b: VerdictWord): VerdictWord {
  return VERDICTS.indexOf(a) >= VERDICTS.indexOf(b) ? a : b
}

// Shadow findings have a bound of their own: however many there are, they must not turn a verdict.
function bound(said: readonly Said[]): readonly Said[] {
  const enforced = said.filter(({ finding }) => finding.mode === 'enforce')
  const shadow = said.filter(({ finding }) => finding.mode !== 'enforce')
  const kept = [...cut(enforced, FINDINGS_MAX), ...cut(shadow, SHADOW_FINDINGS_MAX)]
  if (enforced.length > FINDINGS_MAX) kept.push(tooMany('deny', FINDINGS_MAX, 'enforce'))
  if (shadow.length > SHADOW_FINDINGS_MAX)
    kept.push(tooMany('allow', SHADOW_FINDINGS_MAX, 'shadow'))
  return kept.length === 1
    ? kept
    : kept
        .map(withOrder)
        .sort(compare)
        .map(({ said: one }) => one)
}

/** The gravest findings, as many as there is room for. */
function cut(said: readonly Said[], max: number): readonly Said[] {
  if (said.length <= max) return said
  const rank = ({ said: { finding } }: Ordered) => VERDICTS.indexOf(finding.verdict)
  const sorted = said.map(withOrder).sort((a, b) => rank(b) - rank(a) || compare(a, b))
  return sorted.slice(0, max).map(({ said: one }) => one)
}

function tooMany(verdict: 'deny' | 'allow', max: number, mode: 'enforce' | 'shadow'): Said {
  const message = `More than ${max} findings; the gravest ${max} are listed.`
  return engineFinding('findings-too-many', {
    verdict,
    mode,
    message,
    code: 'FINDINGS_TOO_MANY',
    evidence: { limit: max },
  })
}

type Ordered = { readonly said: Said; last: string | null }

function withOrder(said: Said): Ordered {
  return { said, last: null }
}

function compare(a: Ordered, b: Ordered): number {
  const x = a.said.finding
  const y = b.said.finding
  return (
    compareText(x.rule, y.rule) ||
    compareText(x.file, y.file) ||
    x.line - y.line ||
    x.column - y.column ||
    compareText(x.message, y.message) ||
    // Findings that still tie are ordered by all that they hold, so that no order of rules shows through.
    compareText(lastOf(a), lastOf(b))
  )
}

function lastOf(ordered: Ordered): string {
  const { finding, obligations } = ordered.said
  ordered.last ??= canonicalize([finding, obligations] as unknown as JsonValue)
  return ordered.last
}

function routesOf(enforced: readonly Said[], added: Added): string[] {
  const holds = enforced.filter(({ finding }) => finding.verdict === 'hold')
  const unnamed = added.forDefault ? [] : [DEFAULT_ROUTE]
  const named = holds.flatMap(({ finding }) => namedRoute(finding) ?? unnamed)
  return [...new Set([...named, ...added.routes])].sort(compareText)
}

function obligationsOf(enforced: readonly Said[]): Obligation[] {
  const byText = new Map<string, Obligation>()
  for (const { finding, obligations } of enforced) {
    for (const { kind, paths, detect } of obligations) {
      const sorted = {
        kind,
        paths: sortedOnce(paths),
        ...(detect === undefined ? {} : { detect: sortedOnce(detect) }),
      }
      const text = JSON.stringify([finding.rule, kind, sorted.paths, sorted.detect ?? []])
      byText.set(text, { ...sorted, rule: finding.rule })
    }
  }
  return [...byText].sort(([a], [b]) => compareText(a, b)).map(([, obligation]) => obligation)
}

function sortedOnce(texts: readonly string[]): string[] {
  return [...new Set(texts)].sort(compareText)
}
