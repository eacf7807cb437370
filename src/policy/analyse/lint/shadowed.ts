import type { CompiledObligation, CompiledRule } from '../../../model/generated/types.ts'
import type { Report } from '../../compile/report.ts'
import { compareSelectorKeys, namesTools } from '../diff-selector.ts'
import { RULE_PAIRS_MAX } from './limits.ts'
import type { LintInput } from './lint.ts'

/** Rules that never add anything, since an enforced rule without further tests finds all that they find, and more. */
export function lintShadowed({ documents, loaded }: LintInput, report: Report): void {
  const { rules } = loaded.policy
  const always = indexOf(rules.filter(isUnconditional))
  const places = new Map(documents.rules.map((entry) => [entry.value.id, entry.at('/id')] as const))
  let pairs = 0
  for (const rule of rules) {
    if (rule.mode !== 'enforce') continue
    for (const other of always(rule)) {
      pairs += 1
      if (pairs > RULE_PAIRS_MAX) return
      if (other.id === rule.id || !outweighs(other, rule)) continue
      // Of two that say the same, the later one is superfluous.
      if (isUnconditional(rule) && outweighs(rule, other) && isBefore(rule, other)) continue
      const place = places.get(rule.id) ?? rule
      const message = `rule ${JSON.stringify(rule.id)} changes nothing: ${JSON.stringify(other.id)} at ${other.file}:${other.line} always ${VERBS[other.then]} what it finds; remove one, or narrow the other`
      report.warn(place, 'RULE_SHADOWED', message)
      break
    }
  }
}

const VERBS = { redact: 'redacts', hold: 'holds', deny: 'denies' } as const

function isUnconditional({ mode, kind, when }: CompiledRule): boolean {
  return mode === 'enforce' && kind === 'every' && when.length === 0
}

/** Whether a rule that always finds leaves nothing for another to add. */
function outweighs(wide: CompiledRule, rule: CompiledRule): boolean {
  if (!isWithin(rule, wide)) return false
  if (wide.then === 'deny') return true
  if (!includesAll(wide.obligations, rule.obligations)) return false
  // A rule that names its tools switches their default off, which one that names none does not.
  if (namesTools(rule.on) && !namesTools(wide.on)) return false
  // One that looks at fields may find others to change, and denies where one is missing.
  if (rule.then === 'redact') return isUnconditional(rule)
  return wide.then === 'hold' && rule.then === 'hold' && wide.route === rule.route
}

/** Whether every action that the first selects is selected by the second. */
function isWithin({ on }: CompiledRule, wide: CompiledRule): boolean {
  return compareSelectorKeys(on, wide.on).every(({ selects }) => selects === 'more')
}

function includesAll(
  all: readonly CompiledObligation[],
  some: readonly CompiledObligation[],
): boolean {
  const has = (kind: string, path: string): boolean =>
    all.some((one) => one.kind === kind && one.paths.includes(path))
  return some.every(({ kind, paths }) => paths.every((path) => has(kind, path)))
}

function isBefore(a: CompiledRule, b: CompiledRule): boolean {
  if (a.file !== b.file) return a.file < b.file
  return a.line === b.line ? a.column < b.column : a.line < b.line
}

/** Those that may cover a rule: with its very service, or with another than a plain one. */
function indexOf(always: readonly CompiledRule[]): (rule: CompiledRule) => readonly CompiledRule[] {
  const byService = new Map<string, CompiledRule[]>()
  const rest: CompiledRule[] = []
  for (const rule of always) {
    const service = plainService(rule)
    if (service === null) rest.push(rule)
    else byService.set(service, [...(byService.get(service) ?? []), rule])
  }
  return (rule) => {
    const service = plainService(rule)
    return service === null ? rest : [...(byService.get(service) ?? []), ...rest]
  }
}

function plainService({ on: { service } }: CompiledRule): string | null {
  const [one, ...more] = [service ?? '*'].flat()
  return one === undefined || more.length > 0 || one.includes('*') ? null : one
}
