import { parseRegex } from '../regex/parse.ts'
import type { Match, Pattern } from '../regex/pattern.ts'
import { compilePattern, eachMatch, isMatch } from '../regex/pattern.ts'
import { RegexError } from '../regex/syntax.ts'
import type { Value } from '../values/value.ts'
import type { Builtin, BuiltinFamily, Call } from './builtin.ts'
import { stringOperand } from './builtin.ts'
import { expansionOf } from './regex-expand.ts'
import { globsIntersect } from './regex-globs.ts'
import { patternOf, refusingRegexError } from './regex-patterns.ts'
import { templatePattern } from './regex-template.ts'
import { countOperand } from './strings-operands.ts'

const match: Builtin = (call, pattern, text) => {
  const [source, base] = [stringOperand(pattern, 1), stringOperand(text, 2)]
  return isMatch(regexOf(call, source), base, call)
}

/** https://www.openpolicyagent.org/docs/policy-reference/builtins/regex */
export const REGEX: BuiltinFamily = {
  'regex.match': match,
  // The name it had; OPA keeps it for old policies.
  re_match: match,

  'regex.is_valid'(call, pattern) {
    if (typeof pattern !== 'string') return false
    try {
      parseRegex(pattern, call)
      return true
    } catch (error) {
      if (error instanceof RegexError) return false
      throw error
    }
  },

  'regex.split'(call, pattern, text) {
    const [source, base] = [stringOperand(pattern, 1), stringOperand(text, 2)]
    return split(call, regexOf(call, source), { source, base })
  },

  'regex.replace'(call, text, pattern, replacement) {
    const [base, source] = [stringOperand(text, 1), stringOperand(pattern, 2)]
    const template = stringOperand(replacement, 3)
    return replace(call, regexOf(call, source), { base, template })
  },

  'regex.find_n'(call, pattern, text, limit) {
    const [source, base] = [stringOperand(pattern, 1), stringOperand(text, 2)]
    const options = { meter: call, limit: countOperand(limit, 3), groups: false }
    const found: string[] = []
    visitMatches(regexOf(call, source), base, options, ({ start, end }) => {
      call.output(MEMBER_BYTES)
      found.push(base.slice(start, end))
    })
    return found
  },

  'regex.find_all_string_submatch_n'(call, pattern, text, limit) {
    const [source, base] = [stringOperand(pattern, 1), stringOperand(text, 2)]
    const options = { meter: call, limit: countOperand(limit, 3), groups: true }
    const found: Value[] = []
    visitMatches(regexOf(call, source), base, options, ({ groups }) => {
      call.output(MEMBER_BYTES * (1 + groups.length))
      found.push(groups.map((group) => group ?? ''))
    })
    return found
  },

  'regex.template_match'(call, template, text, start, end) {
    const [source, base] = [stringOperand(template, 1), stringOperand(text, 2)]
    const pattern = templatePattern(call, {
      template: source,
      start: stringOperand(start, 3),
      end: stringOperand(end, 4),
    })
    return isMatch(regexOf(call, pattern), base, call)
  },

  'regex.globs_match': (call, one, other) =>
    globsIntersect(call, stringOperand(one, 1), stringOperand(other, 2)),
}

/** What a member of a list is charged while the list grows; what it holds in the end is charged to the call. */
const MEMBER_BYTES = 32

function regexOf(call: Call, source: string): Pattern {
  return patternOf(call, { kind: 'regex', source }, (meter) => compilePattern(source, meter))
}

/** @throws {BuiltinError} where its groups take more than a search may */
function visitMatches(...parameters: Parameters<typeof eachMatch>): void {
  refusingRegexError(() => eachMatch(...parameters))
}

/** Go's Regexp.Split, without a limit. */
function split(
  call: Call,
  pattern: Pattern,
  { source, base }: { readonly source: string; readonly base: string },
): string[] {
  if (source !== '' && base === '') return ['']
  const parts: string[] = []
  let [start, end] = [0, 0]
  visitMatches(pattern, base, { meter: call, limit: -1, groups: false }, (match) => {
    end = match.start
    // An empty match at the start leaves no empty part before it.
    if (match.end !== 0) {
      call.output(MEMBER_BYTES)
      parts.push(base.slice(start, end))
    }
    start = match.end
  })
  if (end !== base.length) parts.push(base.slice(start))
  return parts
}

/** What a piece takes before all are joined. */
const PIECE_BYTES = 16

/** Go's Regexp.ReplaceAllString. */
function replace(
  call: Call,
  pattern: Pattern,
  { base, template }: { readonly base: string; readonly template: string },
): string {
  call.work(4 * template.length)
  const expand = expansionOf(template, pattern.groups)
  const groups = template.includes('$')
  const made: string[] = []
  let kept = 0
  visitMatches(pattern, base, { meter: call, limit: -1, groups }, (match: Match) => {
    const between = base.slice(kept, match.start)
    call.output(PIECE_BYTES + between.length)
    made.push(between)
    expand(match, (text) => {
      call.work(2)
      call.output(PIECE_BYTES + text.length)
      made.push(text)
    })
    kept = match.end
  })
  if (made.length === 0) return base
  call.output(base.length - kept)
  made.push(base.slice(kept))
  return made.join('')
}
