import { RE2JS } from 're2js'
import type { ErrorCode } from '../../base/errors.ts'
import type { Ambiguity } from './ambiguity.ts'
import { findAmbiguity } from './ambiguity.ts'
import { parseRegex } from './re2-syntax.ts'

/** What is wrong with a pattern, or null. */
export type PatternProblem = { readonly code: ErrorCode; readonly message: string }

/**
 * Checks that a pattern is RE2 and would not blow up elsewhere either. Our own engine takes linear time, but a
 * pattern travels: into another engine, another language, another tool. The answer depends on the pattern only.
 */
export function checkPattern(pattern: string): PatternProblem | null {
  if (/[{][0-9]/.test(pattern) && repeatsTooMuch(pattern)) {
    return unsafe(`nested counts repeat more than ${REPEATS_MAX} times`)
  }
  try {
    RE2JS.compile(pattern)
  } catch (error) {
    const reason =
      error instanceof Error ? error.message.replace('error parsing regexp: ', '') : 'not RE2'
    const message = `expected an RE2 pattern: ${reason}`
    return { code: 'PATTERN_INVALID', message }
  }
  const found = ambiguityOf(pattern)
  if (found === null) return null
  if (found.kind === 'too large') return unsafe('it is too large to prove that it cannot blow up')
  const part = pattern.slice(found.start, found.end)
  return unsafe(
    `the part ${JSON.stringify(part)} can match the same text in exponentially many ways`,
  )
}

/** RE2 unfolds counts; this is the bound of its own (re2/parse.cc kMaxRepeat), over nesting too. */
const REPEATS_MAX = 1000

function ambiguityOf(pattern: string): Ambiguity | null {
  try {
    return findAmbiguity(parseRegex(pattern))
  } catch (error) {
    if (error instanceof RangeError) return { kind: 'too large' }
    throw error
  }
}

function repeatsTooMuch(pattern: string): boolean {
  try {
    return repeatsOf(parseRegex(pattern).node) > REPEATS_MAX
  } catch {
    // Not RE2: the engine's own parser says why.
    return false
  }
}

/** The most that nested counts of more than one multiply to. */
function repeatsOf(node: ReturnType<typeof parseRegex>['node']): number {
  if (node.kind === 'empty' || node.kind === 'class') return 1
  if (node.kind !== 'repeat') return Math.max(1, ...node.parts.map(repeatsOf))
  const inner = repeatsOf(node.body)
  const bound = Number.isFinite(node.most) ? node.most : node.least
  // One count beyond the bound is an invalid pattern, and is refused as such.
  return inner > 1 ? inner * Math.max(1, bound) : Math.min(REPEATS_MAX, Math.max(1, bound))
}

function unsafe(reason: string): PatternProblem {
  return {
    code: 'PATTERN_UNSAFE',
    message: `${reason}; write it so that each text matches in one way`,
  }
}
