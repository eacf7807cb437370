/**
 * A test for names by a pattern in which `*` stands for any run of characters, also none, and every other
 * character for itself. Case counts; the whole name must match. Takes time linear in name and pattern for the
 * patterns people write, and never backtracks: each part goes to its first place, which leaves the most room.
 */
export function compileGlob(pattern: string): (name: string) => boolean {
  if (isLiteral(pattern)) return (name) => name === pattern
  const parts = pattern.split('*')
  const head = parts[0] ?? ''
  const tail = parts.at(-1) ?? ''
  const middle = parts.slice(1, -1).filter((part) => part !== '')
  return (name) => {
    const end = name.length - tail.length
    if (end < head.length || !name.startsWith(head) || !name.endsWith(tail)) return false
    let at = head.length
    for (const part of middle) {
      const found = name.indexOf(part, at)
      if (found < 0) return false
      at = found + part.length
    }
    return at <= end
  }
}

/** Whether the pattern matches one name only: its own text. */
export function isLiteral(pattern: string): boolean {
  return !pattern.includes('*')
}
