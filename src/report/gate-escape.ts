import { visible } from './paint.ts'

// What a gate shows comes from the policy, the pull request and reviewers, any of whom may want a comment of ours to
// mention people, link somewhere or say what we do not say. So each of their words stands between <code> tags inside an
// HTML block: Markdown reads nothing there, and GitHub makes no mention, link, number or emoji of it.

/** Text that may stand in an HTML block as it is. */
export type Html = string & { readonly brand?: 'html' }

/** Words of others, as code: on one line, cut, nothing of it markup. */
export function code(text: string, lengthMax: number = WORDS_MAX): Html {
  return `<code>${escapeHtml(shown(text, lengthMax))}</code>`
}

/** Several, with commas between them. */
export function codes(texts: readonly string[]): Html {
  const more = texts.length - LIST_MAX
  const listed = texts.slice(0, LIST_MAX).map((text) => code(text))
  return [...listed, ...(more > 0 ? [`${more} more`] : [])].join(', ')
}

/** A command to copy, on lines of its own. */
export function commands(lines: readonly string[]): Html {
  return `<pre><code>${lines.map((line) => escapeHtml(shown(line, LINE_MAX))).join('\n')}</code></pre>`
}

/** A table, with a word on how many rows are not in it; no table without rows, and no column without a value. */
export function table(head: readonly string[], rows: readonly (readonly Html[])[], left = 0): Html {
  const filled = head.map((_name, at) => rows.some((row) => row[at] !== ''))
  const cells = (kind: 'th' | 'td', row: readonly Html[]): string => {
    const shown = row.filter((_cell, at) => filled[at])
    return `<tr>${shown.map((cell) => `<${kind}>${cell}</${kind}>`).join('')}</tr>`
  }
  const body = rows.map((row) => cells('td', row))
  return [
    ...(body.length === 0 ? [] : ['<table>', cells('th', head), ...body, '</table>']),
    ...(left > 0 ? [`<p>${leftOut(left)}</p>`] : []),
  ].join('\n')
}

/** A table of the first of a list. */
export function cutTable<T>(
  head: readonly string[],
  all: readonly T[],
  row: (one: T) => readonly Html[],
  rowsMax: number,
): Html {
  const shown = all.slice(0, rowsMax).map(row)
  return table(head, shown, all.length - shown.length)
}

/** A sign and a word that stay on one line. */
export function signed(sign: string, word: string): Html {
  return `${sign}&nbsp;${word.replaceAll(' ', '&nbsp;')}`
}

/** A revision without what says nothing to a reader: `origin/main` for `refs/remotes/origin/main`. */
export function shortRef(name: string): string {
  return name.replace(/^refs\/(?:heads|remotes)\/(?=.)/, '')
}

/** A word on what is not shown. */
export function leftOut(count: number): string {
  return `<em>${count} more ${count === 1 ? 'is' : 'are'} left out here.</em>`
}

/** A word for a shell that says exactly this text. */
export function shellWord(text: string): string {
  return /^[\w./@+:=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

/**
 * Words of others in a label of a Mermaid diagram: letters and digits as they are, other printable ASCII as Mermaid's own
 * character codes, anything else as a question mark. Nothing of it can end the label, begin a directive or be HTML.
 */
export function mermaidWords(text: string): string {
  const characters = [...text.replaceAll(/\s+/g, ' ')]
  const cut = characters.length > LABEL_MAX
  const kept = cut ? [...characters.slice(0, LABEL_MAX - 1), '…'] : characters
  return kept.map(mermaidCharacter).join('')
}

function mermaidCharacter(character: string): string {
  if (visible(character) !== character) return '?'
  if (/^[\p{L}\p{N} …]$/u.test(character)) return character
  return /^[!-~]$/.test(character) ? `#${character.charCodeAt(0)};` : '?'
}

const WORDS_MAX = 300 // Characters: a message of the policy, or a path, seldom has more.
const LINE_MAX = 1000
const LABEL_MAX = 40
const LIST_MAX = 20

function shown(text: string, lengthMax: number): string {
  const characters = [...text.replaceAll(/[\n\t\r]+/g, ' ')]
  const cut = characters.length > lengthMax
  return visible(cut ? `${characters.slice(0, lengthMax).join('')}…` : characters.join(''))
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}
