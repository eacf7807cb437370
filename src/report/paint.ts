import { DECEPTIVE, jsonEscape } from '../base/plain-text.ts'

/** Puts colours around text, or leaves it alone. */
export type Paint = {
  red(text: string): string
  green(text: string): string
  yellow(text: string): string
  bold(text: string): string
  dim(text: string): string
}

export function painter(coloured: boolean): Paint {
  const sgr = (open: number, close: number) => (text: string) =>
    coloured && text !== '' ? `\u001b[${open}m${text}\u001b[${close}m` : text
  return {
    red: sgr(31, 39),
    green: sgr(32, 39),
    yellow: sgr(33, 39),
    bold: sgr(1, 22),
    dim: sgr(2, 22),
  }
}

/**
 * Text from a file or a caller, made safe to show: what a terminal would obey, what turns the direction of writing and
 * what nobody would see become visible escapes. Line feeds and tabs stay: see `plainLine` for what must be one line.
 */
export function visible(text: string): string {
  return text.replace(DECEPTIVE, (character) =>
    character === '\n' || character === '\t' ? character : jsonEscape(character),
  )
}

/** The same as one line: line feeds and tabs become escapes too. */
export function visibleLine(text: string): string {
  return visible(text).replaceAll('\n', '\\n').replaceAll('\t', '\\t')
}
