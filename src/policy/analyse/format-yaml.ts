import type { Scalar } from 'yaml'
import { Lexer, parseAllDocuments, visit } from 'yaml'
import { canonicalize } from '../../base/canonical-json.ts'
import type { Diagnostic } from '../../base/position.ts'
import { parseYaml } from '../compile/yaml.ts'

/**
 * A YAML file in its canonical layout: two spaces a level, lists indented, one blank line at most, one line end at
 * the end. Comments, the order of keys, quotes, and the choice of flow or block style stay the author's. Formatting
 * twice changes nothing more. A file that cannot be laid out without losing something is given back as it is.
 *
 * @returns the diagnostics instead, when the file does not parse
 */
export function formatYaml(
  file: string,
  text: string,
): { readonly text: string } | { readonly diagnostics: readonly Diagnostic[] } {
  const source = text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n')
  const { diagnostics } = parseYaml(file, source)
  if (diagnostics.length > 0) return { diagnostics }
  let before = source
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const after = layOut(before)
    if (after === before) break
    before = after
  }
  return { text: isSafe(file, source, before) ? before : source }
}

const ROUNDS_MAX = 4 // Comments may settle in a second round.

function layOut(text: string): string {
  const parsed = parseAllDocuments(text, { version: '1.2', schema: 'core', merge: false })
  const documents = Array.isArray(parsed) ? parsed : []
  const options = { indent: 2, indentSeq: true, lineWidth: 0, flowCollectionPadding: true } as const
  const texts = documents.map((document, index) => {
    visit(document, { Scalar: quoteInvisible })
    // A document is set apart from the one before by its marker, which the text of that one may have written.
    const written = document.toString({
      ...options,
      directives: index > 0 || document.directives.docStart === true,
    })
    return `${written.trimEnd()}\n`
  })
  return tightenLists(texts.join('').replace(/^\n+/, ''))
}

/** Only in double quotes can a character be written as an escape. */
function quoteInvisible(_key: unknown, node: Scalar): void {
  if (typeof node.value === 'string' && node.value.search(INVISIBLE) >= 0)
    node.type = 'QUOTE_DOUBLE'
}

/** A reviewer must see what a file holds: soft hyphens, zero-width spaces, marks of direction, tags. Joiners stay. */
const INVISIBLE =
  /[\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/gu

function escaped(token: string): string {
  if (!token.startsWith('"')) return token
  return token.replace(INVISIBLE, (character) => {
    const code = character.codePointAt(0) ?? 0
    const digits = code.toString(16)
    return code > 0xffff ? `\\U${digits.padStart(8, '0')}` : `\\u${digits.padStart(4, '0')}`
  })
}

/** `[ a, b ]` becomes `[a, b]`, where the library pads lists and objects alike. */
function tightenLists(text: string): string {
  const tokens = [...new Lexer().lex(text)].filter((token) => !MARKS.has(token))
  return tokens
    .filter((token, index) => {
      if (!/^ +$/.test(token)) return true
      const [before, after] = [tokens[index - 1], tokens[index + 1]]
      const opens = before === '[' && after !== '\n' && after?.startsWith('#') !== true
      return !opens && !(after === ']' && before !== '\n')
    })
    .map(escaped)
    .join('')
}

// The lexer says with these where a document, a plain scalar or a broken list starts; they are no part of the text.
const MARKS: ReadonlySet<string> = new Set(['\u0002', '\u0018', '\u001f'])

/** Whether both texts say the same and hold the same comments, and the new one is stable. */
function isSafe(file: string, before: string, after: string): boolean {
  return meaning(file, before) === meaning(file, after) && layOut(after) === after
}

function meaning(file: string, text: string): string {
  const { documents } = parseYaml(file, text)
  return canonicalize([documents.map(({ value }) => value), commentsOf(text)])
}

function commentsOf(text: string): string[] {
  return [...new Lexer().lex(text)]
    .filter((token) => token.startsWith('#'))
    .map((token) => token.trimEnd())
}
