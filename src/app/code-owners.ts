/**
 * Who owns a file, by a text of CODEOWNERS: of the patterns that match it the last decides, and one without owners takes
 * them away; so does what is too long to be looked at. Of GitHub's dialect of gitignore:
 * https://docs.github.com/articles/about-code-owners
 *
 * @param path - from the repository's top, with forward slashes
 */
export function ownersOf(text: string, path: string): readonly string[] {
  const lines = text.split('\n')
  if (lines.length > LINES_MAX) return []
  let owners: readonly string[] = []
  for (const line of lines) {
    const words = line.replace(/(?:^|\s)#.*$/, '').match(WORD) ?? []
    const [pattern = '', ...names] = words
    if (pattern.length > PATTERN_LENGTH_MAX) owners = []
    else if (pattern !== '' && matches(pattern, path)) owners = names
  }
  return owners
}

const WORD = /(?:\\.?|[^\s\\])+/g // A backslash keeps a space within a pattern.
const LINES_MAX = 50_000 // GitHub reads 3 MB at most.
const PATTERN_LENGTH_MAX = 1024

/** Matches name by name, so that no pattern takes long. */
function matches(pattern: string, path: string): boolean {
  const isFolder = pattern.endsWith('/')
  const parts = pattern.split('/').filter((part) => part !== '')
  // A slash at the start or within ties the pattern to the top.
  const isTied = /^\/|\/./.test(pattern)
  const names = path.split('/')
  const wanted = isTied ? parts : ['**', ...parts]
  // What matches a folder matches all that is in it; a folder's pattern no file of that name; and `docs/*` nothing deeper.
  const ends = isFolder ? names.length - 1 : names.length
  for (let length = 1; length <= ends; length++) {
    const isWhole = length === names.length
    if (!isWhole && parts.at(-1) === '*' && isTied) continue
    if (matchesNames(wanted, names.slice(0, length))) return true
  }
  return false
}

/** Linear in names for each `**`: reachable positions, rather than tries. */
function matchesNames(parts: readonly string[], names: readonly string[]): boolean {
  let reached = new Set([0])
  for (const part of parts) {
    const next = new Set<number>()
    for (const at of reached) {
      if (part === '**') for (let to = at; to <= names.length; to++) next.add(to)
      else if (at < names.length && matchesName(part, names[at] ?? '')) next.add(at + 1)
    }
    reached = next
  }
  return reached.has(names.length)
}

function matchesName(pattern: string, name: string): boolean {
  let reached = new Set([0])
  for (const sign of pattern.match(/\\?./gs) ?? []) {
    const next = new Set<number>()
    for (const at of reached) {
      if (sign === '*') for (let to = at; to <= name.length; to++) next.add(to)
      else if (at < name.length && (sign === '?' || name[at] === sign.at(-1))) next.add(at + 1)
    }
    reached = next
  }
  return reached.has(name.length)
}
