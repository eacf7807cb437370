import type { Position } from '../../base/position.ts'

/**
 * The comments of a Rego source, each from its number sign to the end of its line. What stands in quotes or back-ticks
 * is no comment.
 */
export function regoComments(
  text: string,
): readonly { readonly at: Position; readonly text: string }[] {
  const comments: { at: Position; text: string }[] = []
  let line = 1
  let start = 0
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (token === '\n') {
      line += 1
      start = index + 1
    } else if (token.startsWith('`')) {
      // A raw string may go over lines.
      const last = token.lastIndexOf('\n')
      line += token.split('\n').length - 1
      if (last >= 0) start = index + last + 1
    } else if (token.startsWith('#')) {
      comments.push({ at: { line, column: index - start + 1 }, text: token.trimEnd() })
    }
  }
  return comments
}

/** A Rego source without its comments; its lines stay. */
export function withoutComments(text: string): string {
  return text.replaceAll(TOKEN, (token) => (token.startsWith('#') ? '' : token))
}

/** A line end, a raw string, a string, or a comment; an unclosed one goes to the end. */
const TOKEN = /\n|`[^`]*`?|"(?:[^"\\\n]|\\.)*"?|#[^\n]*/g
