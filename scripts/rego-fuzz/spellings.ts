import type { Spelling } from './policy.ts'

/**
 * Ways of writing the policy that mean the same. Where OPA, asked like this, says what we say, the difference is in what
 * its evaluator leaves out or keeps, and not in what the policy means.
 */
export const SPELLINGS = {
  'rule-index': { unindexed: true },
  'early-exit': { open: true },
  'whole-rules': { whole: true },
  'unused-comprehension': { used: true },
  'no-utf8': { utf8: true },
  'number-text': { plain: true },
} as const satisfies Readonly<Record<string, Spelling>>

/** The policy as it was grown, in each other way, and in all of them at once. */
export const TRIED: readonly Spelling[] = [
  {},
  ...Object.values(SPELLINGS),
  Object.assign({}, ...Object.values(SPELLINGS)) as Spelling,
]
