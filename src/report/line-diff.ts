/**
 * What changes from one text to another, as a unified diff with three lines of context; empty when they are equal.
 * Lines in common are those of a longest common subsequence, or, past LINES_MAX, only those at both ends.
 */
export function lineDiff(file: string, before: string, after: string): string {
  if (before === after) return ''
  const edits = editsOf(linesOf(before), linesOf(after))
  const hunks = hunksOf(edits)
  return [`--- a/${file}`, `+++ b/${file}`, ...hunks.flatMap(hunkLines), ''].join('\n')
}

type Edit = {
  readonly kind: ' ' | '-' | '+'
  readonly text: string
  readonly old: number
  readonly new: number
}

const CONTEXT = 3
const LINES_MAX = 4000 // The table of the subsequence grows with the square: 16 million cells at most.

function linesOf(text: string): string[] {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  else lines.push(`${lines.pop()}\n\\ No newline at end of file`)
  return lines
}

function editsOf(before: readonly string[], after: readonly string[]): Edit[] {
  let start = 0
  while (start < before.length && start < after.length && before[start] === after[start]) start++
  let end = 0
  while (
    end < Math.min(before.length, after.length) - start &&
    before[before.length - 1 - end] === after[after.length - 1 - end]
  ) {
    end++
  }
  const middle = {
    before: before.slice(start, before.length - end),
    after: after.slice(start, after.length - end),
  }
  const kinds = [
    ...before.slice(0, start).map(() => ' ' as const),
    ...kindsOf(middle.before, middle.after),
    ...before.slice(before.length - end).map(() => ' ' as const),
  ]
  let old = 0
  let now = 0
  return kinds.map((kind) => {
    const text = (kind === '+' ? after[now] : before[old]) ?? ''
    const edit = { kind, text, old, new: now }
    if (kind !== '+') old++
    if (kind !== '-') now++
    return edit
  })
}

function kindsOf(before: readonly string[], after: readonly string[]): Edit['kind'][] {
  const removed = before.map(() => '-' as const)
  const added = after.map(() => '+' as const)
  if (before.length > LINES_MAX || after.length > LINES_MAX) return [...removed, ...added]
  const width = after.length + 1
  const table = new Uint16Array((before.length + 1) * width)
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      const below = table[(i + 1) * width + j] ?? 0
      const right = table[i * width + j + 1] ?? 0
      table[i * width + j] =
        before[i] === after[j] ? (table[(i + 1) * width + j + 1] ?? 0) + 1 : Math.max(below, right)
    }
  }
  const kinds: Edit['kind'][] = []
  for (let i = 0, j = 0; i < before.length || j < after.length; ) {
    const below = table[(i + 1) * width + j] ?? 0
    const right = table[i * width + j + 1] ?? 0
    if (i < before.length && j < after.length && before[i] === after[j]) {
      kinds.push(' ')
      i++
      j++
    } else if (i < before.length && (j === after.length || below >= right)) {
      kinds.push('-')
      i++
    } else {
      kinds.push('+')
      j++
    }
  }
  return kinds
}

function hunksOf(edits: readonly Edit[]): Edit[][] {
  const hunks: Edit[][] = []
  let until = -1
  edits.forEach((edit, index) => {
    if (edit.kind === ' ') return
    const from = Math.max(until, index - CONTEXT, 0)
    const to = Math.min(edits.length, index + CONTEXT + 1)
    const open = hunks.at(-1)
    if (open !== undefined && from <= until) open.push(...edits.slice(until, to))
    else hunks.push(edits.slice(from, to))
    until = Math.max(until, to)
  })
  return hunks
}

function hunkLines(hunk: readonly Edit[]): string[] {
  const [first] = hunk
  const removed = hunk.filter(({ kind }) => kind !== '+').length
  const added = hunk.filter(({ kind }) => kind !== '-').length
  // A side without lines is named by the line before it.
  const oldStart = (first?.old ?? 0) + (removed === 0 ? 0 : 1)
  const newStart = (first?.new ?? 0) + (added === 0 ? 0 : 1)
  const header = `@@ -${oldStart},${removed} +${newStart},${added} @@`
  return [header, ...hunk.map(({ kind, text }) => `${kind}${text}`)]
}
