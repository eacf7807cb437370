import { compareText } from '../../base/position.ts'
import type { SourceChange } from '../../model/policy-diff.ts'

/** The package that a Rego file says it is of; empty where it does not say. */
export function packageOf(source: string): string {
  return /^\s*package\s+([\w.]+)/m.exec(source)?.[1] ?? ''
}

/**
 * Whether nothing but comments, blank lines and indentation differs. Raw strings may hold what looks like a comment, and
 * `rego.metadata` reads comments, so a file with either is never taken for unchanged.
 */
export function isOnlyComments({ before, after }: SourceChange): boolean {
  if (/`|rego\.metadata/.test(before) || /`|rego\.metadata/.test(after)) return false
  return before !== '' && after !== '' && codeOf(before) === codeOf(after)
}

/** Names of the rules that differ, each with what became of it: `+ deny`, `- hold`, `~ identified`. Sorted by name. */
export function changedRules({ before, after }: SourceChange): string[] {
  const [old, now] = [rulesOf(before), rulesOf(after)]
  const names = [...new Set([...old.keys(), ...now.keys()])].sort(compareText)
  return names.flatMap((name) => {
    const [from, to] = [old.get(name), now.get(name)]
    if (from === to) return []
    return [`${from === undefined ? '+' : to === undefined ? '-' : '~'} ${name}`]
  })
}

function codeOf(source: string): string {
  return source
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .join('\n')
}

/** A rule starts where a name stands at the start of a line, as `countersign fmt` writes it. */
const RULE_START = /^(?:default\s+)?([A-Za-z_]\w*(?:\.\w+)*)/
const NO_RULES: ReadonlySet<string> = new Set(['package', 'import'])

/** The text of all rules of a name, by name. */
function rulesOf(source: string): ReadonlyMap<string, string> {
  const rules = new Map<string, string>()
  let name = ''
  for (const line of codeLines(source)) {
    const started = RULE_START.exec(line)?.[1]
    // An `else` goes on with the rule before it.
    if (started !== undefined && started !== 'else') name = NO_RULES.has(started) ? '' : started
    if (name !== '') rules.set(name, `${rules.get(name) ?? ''}${line.trim()}\n`)
  }
  return rules
}

function codeLines(source: string): string[] {
  return source.split('\n').filter((line) => line.trim() !== '' && !line.trim().startsWith('#'))
}
