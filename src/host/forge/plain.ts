/** One line without control and direction characters: others choose some of these words. */
export function plainLine(text: string, lengthMax: number): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim()
  return line.length > lengthMax ? `${line.slice(0, lengthMax).toWellFormed()}…` : line
}
