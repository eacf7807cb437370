import { RE2JS } from 're2js'
import type { ErrorCode } from '../../base/errors.ts'
import { parseRegex } from '../../decide/rego/regex/parse.ts'
import type { RegexSyntax } from '../../decide/rego/regex/syntax.ts'
import { RegexError } from '../../decide/rego/regex/syntax.ts'
import { findAmbiguity } from './ambiguity.ts'

/** What is wrong with a pattern, or null. */
export type PatternProblem = { readonly code: ErrorCode; readonly message: string }

/**
 * Checks that a pattern is RE2 and would not blow up elsewhere either. Our own engine takes linear time, but a
 * pattern travels: into another engine, another language, another tool. The answer depends on the pattern only.
 */
export function checkPattern(pattern: string): PatternProblem | null {
  let syntax: RegexSyntax
  try {
    syntax = parseRegex(pattern)
    RE2JS.compile(pattern)
  } catch (error) {
    if (error instanceof RegexError && repeatsTooMuch(error)) {
      return unsafe('nested counts repeat more than 1000 times')
    }
    const reason =
      error instanceof Error ? error.message.replace('error parsing regexp: ', '') : 'not RE2'
    const message = `expected an RE2 pattern: ${reason}`
    return { code: 'PATTERN_INVALID', message }
  }
  const found = findAmbiguity(syntax.node)
  if (found === null) return null
  if (found.kind === 'too large') return unsafe('it is too large to prove that it cannot blow up')
  const part = pattern.slice(found.start, found.end)
  return unsafe(
    `the part ${JSON.stringify(part)} can match the same text in exponentially many ways`,
  )
}

/** Whether each count is one that RE2 takes, but not what nested ones multiply to (re2/parse.cc kMaxRepeat). */
function repeatsTooMuch({ reason, part }: RegexError): boolean {
  if (reason !== 'invalid repeat count') return false
  const [least = 0, most = least] = Array.from(part.matchAll(/[0-9]+/g), ([count]) => Number(count))
  return least <= most && most <= 1000
}

function unsafe(reason: string): PatternProblem {
  return {
    code: 'PATTERN_UNSAFE',
    message: `${reason}; write it so that each text matches in one way`,
  }
}
