import { findSpans } from '../../../src/decide/detect/contents.ts'
import type { FindContext } from '../../../src/decide/detect/index.ts'
import { DETECTORS } from '../../../src/decide/detect/index.ts'

/** What one detector finds, each piece in double square brackets: `call [[+1 213 373 4253]] now`. */
export function marked(kind: string, text: string, context: Partial<FindContext> = {}): string {
  const detector = DETECTORS.get(kind)
  if (detector === undefined) throw new Error(`nothing detects ${kind}`)
  let result = ''
  let done = 0
  for (const { start, end } of findSpans(text, [detector], {
    memberName: null,
    names: [],
    ...context,
  })) {
    result += `${text.slice(done, start)}[[${text.slice(start, end)}]]`
    done = end
  }
  return result + text.slice(done)
}

/** A text without its brackets. */
export function unmarked(text: string): string {
  return text.replaceAll('[[', '').replaceAll(']]', '')
}
