import type { ChangeWord, PhaseWord, Rule } from '../../model/generated/types.ts'

export type { ChangeWord } from '../../model/generated/types.ts'

/** What a rule may do to fields. */
export const CHANGES: readonly ChangeWord[] = ['redact', 'tokenise', 'drop']

export function isChange(word: Rule['then']): word is ChangeWord {
  return (CHANGES as readonly string[]).includes(word)
}

/** The phases that a rule is about: the call, what came back of it, or both. */
export function phasesOf(rule: Pick<Rule, 'on'>): readonly PhaseWord[] {
  const phase = rule.on?.phase ?? 'call'
  return typeof phase === 'string' ? [phase] : phase
}
