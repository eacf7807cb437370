import { RE2JS } from 're2js'
import { sprintf } from '../sprintf.ts'
import type { Term } from '../terms.ts'
import { BUILTIN_CHARACTERS_MAX, itemsOperand, refuse, stringOperand } from './operands.ts'

/** `sprintf(format, values)`. */
export function sprintfBuiltin(format?: Term, values?: Term): Term {
  const text = stringOperand(format, 1)
  if (typeof values !== 'object' || values === null || values.kind !== 'array') {
    throw refuse('operand 2 must be an array')
  }
  return sprintf(text, values.items, { charactersMax: BUILTIN_CHARACTERS_MAX })
}

/** `strings.any_prefix_match(search, base)`: whether any of `search` starts with any of `base`. */
export function anyPrefixMatch(search?: Term, base?: Term): Term {
  return anyMatch(search, base, (text, affix) => text.startsWith(affix))
}

/** `strings.any_suffix_match(search, base)`: whether any of `search` ends with any of `base`. */
export function anySuffixMatch(search?: Term, base?: Term): Term {
  return anyMatch(search, base, (text, affix) => text.endsWith(affix))
}

/**
 * `regex.replace(text, pattern, value)`: RE2 syntax, in linear time; `value` is a template of Go's regexp
 * (`$1`, `${name}`, `$$`).
 */
export function regexReplace(text?: Term, pattern?: Term, value?: Term): Term {
  const source = stringOperand(text, 1)
  const expression = compiled(stringOperand(pattern, 2))
  const template = stringOperand(value, 3)
  const matcher = expression.matcher(source)
  let out = ''
  let end = 0
  let previousEnd = -1
  while (matcher.find()) {
    // Go takes no empty match right behind another match; Java's rules, which the engine follows, do.
    if (matcher.start() === matcher.end() && matcher.start() === previousEnd) continue
    out += source.slice(end, matcher.start()) + expand(template, matcher, expression.namedGroups())
    end = matcher.end()
    previousEnd = end
    if (out.length > BUILTIN_CHARACTERS_MAX) throw refuse('the text grows too long')
  }
  return out + source.slice(end)
}

type Matcher = ReturnType<RE2JS['matcher']>

const PATTERNS_MAX = 128 // As many distinct patterns as are kept compiled.
const patterns = new Map<string, RE2JS>()

function compiled(pattern: string): RE2JS {
  const known = patterns.get(pattern)
  if (known !== undefined) return known
  let expression: RE2JS
  try {
    expression = RE2JS.compile(pattern)
  } catch {
    throw refuse('operand 2 is no RE2 pattern')
  }
  const oldest = patterns.keys().next()
  if (patterns.size >= PATTERNS_MAX && oldest.done !== true) patterns.delete(oldest.value)
  patterns.set(pattern, expression)
  return expression
}

/** Go's Regexp.Expand. */
function expand(template: string, matcher: Matcher, names: Record<string, number>): string {
  let out = ''
  let rest = template
  for (let dollar = rest.indexOf('$'); dollar >= 0; dollar = rest.indexOf('$')) {
    out += rest.slice(0, dollar)
    rest = rest.slice(dollar + 1)
    const reference = /^(?:\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/u.exec(rest)
    if (rest.startsWith('$') || reference === null) {
      // `$$` is a dollar; a malformed reference stays as it is.
      out += '$'
      if (rest.startsWith('$')) rest = rest.slice(1)
      continue
    }
    rest = rest.slice(reference[0].length)
    out += groupText(reference[1] ?? reference[2] ?? '', matcher, names)
    if (out.length > BUILTIN_CHARACTERS_MAX) throw refuse('the text grows too long')
  }
  return out + rest
}

function groupText(name: string, matcher: Matcher, names: Record<string, number>): string {
  if (/^(?:0|[1-9][0-9]{0,7})$/.test(name)) {
    const index = Number(name)
    return index <= matcher.groupCount() ? (matcher.group(index) ?? '') : ''
  }
  const index = Object.hasOwn(names, name) ? names[name] : undefined
  return index === undefined ? '' : (matcher.group(index) ?? '')
}

function anyMatch(
  search: Term | undefined,
  base: Term | undefined,
  matches: (text: string, affix: string) => boolean,
): boolean {
  const texts = stringsOperand(search, 1)
  const affixes = stringsOperand(base, 2)
  return texts.some((text) => affixes.some((affix) => matches(text, affix)))
}

function stringsOperand(term: Term | undefined, position: number): readonly string[] {
  if (typeof term === 'string') return [term]
  return itemsOperand(term, position).map((item) => stringOperand(item, position))
}
