import type { Span } from './detector.ts'

/** What stands where a piece of a text was redacted. */
export function maskOf(kind: string): string {
  return `[redacted:${kind}]`
}

/** Stands for a text that was not looked through, because there is too much. */
export const UNSCANNED = 'unscanned'

/**
 * A text in which masks and tokens of these kinds are blotted out, character by character: what was changed once is not
 * looked at again, and no detector reads across it.
 */
export function withoutMarks(text: string, isKind: (kind: string) => boolean): string {
  if (!text.includes('[redacted') && !text.includes('tok_')) return text
  return text.replaceAll(MARKS, (mark: string, mask?: string, token?: string) => {
    const kind = mask ?? token ?? null
    return kind === null || WHOLE.has(kind) || isKind(kind) ? BLOT.repeat(mark.length) : mark
  })
}

/** Where tokens stand in a text, with the kinds of what they stand for. */
export function tokensIn(text: string): Span[] {
  if (!text.includes('tok_')) return []
  return [...text.matchAll(TOKENS)].map((match) => ({
    kind: match[1] as string,
    start: match.index,
    end: match.index + match[0].length,
  }))
}

const KIND = '[a-z][a-z0-9_]{0,63}?'
// Sixteen bytes in hexadecimal, and no more of a word around the token.
const TOKEN = `(?<![A-Za-z0-9_])tok_(${KIND})_[0-9a-f]{32}(?![A-Za-z0-9_])`
const TOKENS = new RegExp(TOKEN, 'g')
const MARKS = new RegExp(`\\[redacted(?::(${KIND}))?\\]|${TOKEN}`, 'g')

/** What no detector finds: a field as a whole, and what was not looked through. */
const WHOLE: ReadonlySet<string> = new Set(['value', UNSCANNED])

// A noncharacter: neither a letter, nor a digit, nor anything that may stand between two of them.
const BLOT = '\uffff'
