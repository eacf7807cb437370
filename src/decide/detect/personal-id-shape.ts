import type { Detector, FindContext, Span } from './detector.ts'
import type { PlainText } from './personal-text.ts'
import { hasContext, isDigit, isWordAt, plainText } from './personal-text.ts'

export type IdForm = {
  readonly kind: string
  /**
   * How the number is written: `d` is a digit, `a` a letter, `x` either; anything else stands for itself. Letters count
   * in either case.
   */
  readonly shapes?: readonly string[]
  /** Shapes that too much else has: they count near one of these words only (see `hasContext`). */
  readonly context?: { readonly shapes: readonly string[]; readonly words: readonly string[] }
  /** Whether letters and digits alone, in capitals, are such a number. */
  isValid(compact: string): boolean
}

/** A detector of numbers of one form. They stand alone: no letter, digit, or point or dash with one behind it touches them. */
export function idDetector(form: IdForm): Detector {
  const shapes = [
    ...(form.shapes ?? []).map((shape) => ({ shape, words: null })),
    ...(form.context?.shapes ?? []).map((shape) => ({ shape, words: form.context?.words ?? [] })),
  ]
  return {
    kind: form.kind,
    find(original, { memberName }: FindContext) {
      const plain = plainText(original)
      const { text } = plain
      const spans: Span[] = []
      let done = 0
      for (const at of plain.wordStarts) {
        if (at < done || touchesBefore(text, at)) continue
        const found = shapes.find(
          ({ shape, words }) =>
            fits(text, at, shape) &&
            !touchesAfter(text, at + shape.length) &&
            (words === null || hasContext(plain, at, words, memberName)) &&
            form.isValid(compactOf(plain, at, at + shape.length)),
        )
        if (found === undefined) continue
        done = at + found.shape.length
        spans.push(plain.span(form.kind, at, done))
      }
      return spans
    },
  }
}

function fits(text: string, start: number, shape: string): boolean {
  for (let i = 0; i < shape.length; i++) {
    const code = text.charCodeAt(start + i)
    const wanted = shape[i]
    if (wanted === 'd') {
      if (!isDigit(code)) return false
    } else if (wanted === 'a') {
      if (!isLetter(code)) return false
    } else if (wanted === 'x') {
      if (!isDigit(code) && !isLetter(code)) return false
    } else if (text[start + i] !== wanted) return false
  }
  return true
}

function isLetter(code: number): boolean {
  return (code >= 65 && code <= 90) || (code >= 97 && code <= 122)
}

function touchesBefore(text: string, start: number): boolean {
  return JOINERS.includes(text[start - 1] ?? ' ') && isDigit(text.charCodeAt(start - 2))
}

function touchesAfter(text: string, end: number): boolean {
  if (isWordAt(text, end)) return true
  return JOINERS.includes(text[end] ?? ' ') && isDigit(text.charCodeAt(end + 1))
}

/** With a digit behind it, it makes a longer number or a name: `1.460-89-9847`, `460-89-9847-1`. */
const JOINERS = '.-+/'

function compactOf({ text }: PlainText, start: number, end: number): string {
  let compact = ''
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at)
    if (isDigit(code)) compact += text[at]
    else if (isLetter(code)) compact += (text[at] as string).toUpperCase()
  }
  return compact
}
