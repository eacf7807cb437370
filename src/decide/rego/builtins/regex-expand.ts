import type { Match } from '../regex/pattern.ts'
import { isLetterOrDigit } from '../regex/unicode.ts'

/**
 * Reads a replacement as Go's Regexp.Expand does: `$1`, `${1}`, `$name` and `${name}` stand for groups, `$$` for a
 * dollar; a name reaches as far as letters, digits and underscores do. What it gives adds the texts that a match expands to.
 *
 * @param groups - names of the groups by number
 */
export function expansionOf(
  template: string,
  groups: readonly string[],
): (match: Match, add: (text: string) => void) => void {
  const parts = readParts(template)
  const resolved = parts.map((part) =>
    part.kind === 'text' ? part.text : numbersOf(part.name, groups),
  )
  return (match, add) => {
    for (const part of resolved) {
      if (typeof part === 'string') add(part)
      else {
        // Of groups that share a name the first that has a part in the match counts.
        const number = part.find((group) => match.groups[group] !== undefined)
        add(number === undefined ? '' : (match.groups[number] ?? ''))
      }
    }
  }
}

type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'group'; readonly name: string }

function readParts(template: string): readonly Part[] {
  const parts: Part[] = []
  let start = 0
  for (let at = template.indexOf('$'); at >= 0; at = template.indexOf('$', start)) {
    if (at > start) parts.push({ kind: 'text', text: template.slice(start, at) })
    const braced = template[at + 1] === '{'
    const first = at + (braced ? 2 : 1)
    const end = nameEnd(template, first)
    const closed = !braced || template[end] === '}'
    if (end === first || !closed) {
      // `$$` is one dollar, and what is no reference stays as it is.
      parts.push({ kind: 'text', text: '$' })
      start = at + (template[at + 1] === '$' ? 2 : 1)
      continue
    }
    parts.push({ kind: 'group', name: template.slice(first, end) })
    start = end + (braced ? 1 : 0)
  }
  if (start < template.length) parts.push({ kind: 'text', text: template.slice(start) })
  return parts
}

function nameEnd(template: string, from: number): number {
  let at = from
  while (at < template.length) {
    const point = template.codePointAt(at) ?? 0
    if (point !== UNDERSCORE && !isLetterOrDigit(point)) break
    at += point > 0xffff ? 2 : 1
  }
  return at
}

const UNDERSCORE = 0x5f

function numbersOf(name: string, groups: readonly string[]): readonly number[] {
  if (/^(?:0|[1-9][0-9]{0,8})$/.test(name)) return [Number(name)]
  return groups.flatMap((group, number) => (group === name ? [number] : []))
}
