import { plainLine } from '../../base/plain-text.ts'

export { plainLine }

/**
 * Text from outside as a Markdown code span: no mention, link, reference or HTML in it
 * comes alive. CommonMark 0.31 section 6.1.
 */
export function codeSpan(text: string, lengthMax: number): string {
  const line = plainLine(text, lengthMax)
  if (line.trim() === '') return '(empty)'
  const runs = line.match(/`+/g) ?? []
  const fence = '`'.repeat(Math.max(0, ...runs.map((run) => run.length)) + 1)
  // One space at each end is taken away again, and keeps a backtick of the text from joining the fence.
  return `${fence} ${line} ${fence}`
}

/**
 * {@link codeSpan} for a cell of a GFM table. The bar is spelled out: an escaped one behind a backslash of the text
 * would end the cell in some renderers.
 */
export function codeCell(text: string, lengthMax: number): string {
  return codeSpan(text, lengthMax).replaceAll('|', '\\u{7c}')
}
