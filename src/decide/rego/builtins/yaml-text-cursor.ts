/** Text that is no YAML. */
export class YamlFault extends Error {
  override readonly name = 'YamlFault'
}

/** Where a scanner of YAML stands, and what it needs to know there. Line breaks are `\n`, U+2028 and U+2029. */
export type YamlCursor = {
  readonly text: string
  at: number
  line: number
  /** Where the line begins. */
  lineAt: number
  /** How many flow collections are open. */
  flow: number
  /** The column of the innermost block collection; -1 outside of all. */
  indent: number
  /** Whether a key may begin here without an indicator. */
  keyAllowed: boolean
}

export function newCursor(text: string): YamlCursor {
  return { text, at: 0, line: 0, lineAt: 0, flow: 0, indent: -1, keyAllowed: true }
}

export function columnOf(cursor: YamlCursor): number {
  return cursor.at - cursor.lineAt
}

/** The code unit at the cursor; NaN at the end. */
export function codeAt(cursor: YamlCursor): number {
  return cursor.text.charCodeAt(cursor.at)
}

export function characterAt(cursor: YamlCursor): string {
  return cursor.text.charAt(cursor.at)
}

/** Steps over a line break and gives it. */
export function takeBreak(cursor: YamlCursor): string {
  const found = characterAt(cursor)
  cursor.at += 1
  cursor.line += 1
  cursor.lineAt = cursor.at
  return found
}

/** Steps over spaces and tabs. */
export function skipBlanks(cursor: YamlCursor): void {
  while (isBlank(codeAt(cursor))) cursor.at += 1
}

/** Goes to the end of the line. */
export function skipLine(cursor: YamlCursor): void {
  while (!isBreakOrEnd(codeAt(cursor))) cursor.at += 1
}

/** Steps over what the sticky pattern finds here, and gives it; nothing where it finds nothing. */
export function takePattern(cursor: YamlCursor, pattern: RegExp): string {
  pattern.lastIndex = cursor.at
  const found = pattern.exec(cursor.text)?.[0] ?? ''
  cursor.at += found.length
  return found
}

/** Whether `---` or `...` stands here at the start of a line. */
export function atDocumentMark({ text, at, lineAt }: YamlCursor): boolean {
  if (at !== lineAt) return false
  const mark = text.slice(at, at + 3)
  return (mark === '---' || mark === '...') && isBlankOrEnd(text.charCodeAt(at + 3))
}

export function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}

export function isBreak(code: number): boolean {
  return code === 0x0a || code === 0x2028 || code === 0x2029
}

export function isBreakOrEnd(code: number): boolean {
  return isBreak(code) || Number.isNaN(code)
}

/** A space, a tab, a line break or the end. */
export function isBlankOrEnd(code: number): boolean {
  return isBlank(code) || isBreakOrEnd(code)
}
