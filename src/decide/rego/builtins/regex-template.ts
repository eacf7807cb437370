import { quote } from '../go-quote.ts'
import { parseRegex } from '../regex/parse.ts'
import type { Call } from './builtin.ts'
import { BuiltinError } from './builtin.ts'
import { refusingRegexError } from './regex-patterns.ts'

/**
 * The pattern that a template stands for: what lies between delimiters is a pattern, what lies outside is itself, and
 * all of it must match the whole text.
 *
 * @throws {BuiltinError} where delimiters do not pair, are not one byte each, or enclose no pattern
 */
export function templatePattern(
  call: Call,
  {
    template,
    start,
    end,
  }: { readonly template: string; readonly start: string; readonly end: string },
): string {
  checkDelimiter(start, 'start')
  checkDelimiter(end, 'end')
  call.work(template.length)
  let pattern = '^'
  let kept = 0
  for (const [open, close] of enclosed(template, start, end)) {
    const part = template.slice(open + 1, close)
    call.work(20)
    // By itself, because `a)(b` would be a pattern between parentheses.
    refusingRegexError(() => parseRegex(`^${part}$`, call))
    pattern += `${quoteMeta(template.slice(kept, open))}(${part})`
    kept = close + 1
  }
  return `${pattern}${quoteMeta(template.slice(kept))}$`
}

function checkDelimiter(delimiter: string, which: string): void {
  const bytes = new TextEncoder().encode(delimiter).length
  if (bytes === 1) return
  throw new BuiltinError(
    `${which} delimiter has to be exactly one character long but is ${bytes} long`,
  )
}

/** Places of the outermost pairs of delimiters. */
function enclosed(
  template: string,
  start: string,
  end: string,
): readonly (readonly [number, number])[] {
  const pairs: [number, number][] = []
  let [level, open] = [0, 0]
  for (let at = 0; at < template.length; at++) {
    if (template[at] === start) {
      if (level === 0) open = at
      level++
    } else if (template[at] === end) {
      level--
      if (level < 0) break
      if (level === 0) pairs.push([open, at])
    }
  }
  if (level === 0) return pairs
  throw new BuiltinError(`unbalanced braces in ${quote(template.slice(0, SHOWN_LENGTH_MAX))}`)
}

const SHOWN_LENGTH_MAX = 64

/** Go's regexp.QuoteMeta. */
function quoteMeta(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&')
}
