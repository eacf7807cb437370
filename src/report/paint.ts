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
 * Text from a file or a caller, made safe to show: what a terminal would obey, and marks that turn the direction of
 * writing, become visible escapes. Line feeds and tabs stay.
 */
export function visible(text: string): string {
  return text.replace(
    INVISIBLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

// C0 and C1 controls (terminals), direction marks and isolates (CVE-2021-42574, Trojan Source).
const INVISIBLE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to keep out
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g
