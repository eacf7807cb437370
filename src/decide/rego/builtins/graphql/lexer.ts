import { runeText } from '../../go-quote.ts'
import type { Comments, Meter, Position } from './ast.ts'

/** Kinds of tokens, named as gqlparser's messages name them. */
export type TokenKind =
  | '<Invalid>'
  | '<EOF>'
  | '!'
  | '$'
  | '&'
  | '('
  | ')'
  | '...'
  | ':'
  | '='
  | '@'
  | '['
  | ']'
  | '{'
  | '}'
  | '|'
  | 'Name'
  | 'Int'
  | 'Float'
  | 'String'
  | 'BlockString'

export type Token = {
  readonly kind: TokenKind
  /** Of names, numbers and strings; strings are unescaped. */
  readonly value: string
  readonly position: Position
  /** Comments right before it. */
  readonly comment: Comments | undefined
}

/**
 * Tokens of a GraphQL text, in the grammar of the specification of October 2021, section 2.1, as gqlparser reads it:
 * an escape takes four digits only, a number may touch a name, and the first line of a block string counts for its
 * indentation. Columns are gqlparser's, too: of a string's first character after its quotes, and for a block string
 * counted from the start of its last line, hence at times below 1.
 */
export class Lexer {
  private readonly text: string
  private readonly meter: Meter
  private at = 0
  private line = 1
  /** Where the line starts, in code points. */
  private lineStart = 0
  /** Surrogate pairs before `at`: what code units are ahead of code points. */
  private pairs = 0

  constructor(text: string, meter: Meter) {
    this.text = text
    this.meter = meter
  }

  /** An `<Invalid>` token where the text is none; then `<EOF>` for ever after the end. */
  next(): Token {
    this.meter.work(TOKEN_WORK)
    const comment = this.skipIgnored()
    const { text, at } = this
    if (at >= text.length) return this.token('<EOF>', '', at, comment)
    const code = text.charCodeAt(at)
    const kind = PUNCTUATORS.get(code)
    if (kind !== undefined) {
      this.at += 1
      return this.token(kind, '', at, comment)
    }
    if (isNameStart(code)) return this.readName(comment)
    if (isDigit(code) || code === MINUS) return this.readNumber(comment)
    if (code === QUOTE) {
      return text.startsWith('"""', at) ? this.readBlock(comment) : this.readString(comment)
    }
    if (text.startsWith('...', at)) {
      this.at += 3
      return this.token('...', '', at, comment)
    }
    return this.invalid(comment)
  }

  private skipIgnored(): Comments | undefined {
    let comments: string[] | undefined
    for (; this.at < this.text.length; this.at++) {
      switch (this.text.charCodeAt(this.at)) {
        case SPACE:
        case TAB:
        case COMMA:
        case BYTE_ORDER_MARK:
          break
        case LINE_FEED:
          this.startLine(this.at + 1)
          break
        case CARRIAGE_RETURN:
          this.startLine(this.at + 1)
          if (this.text.charCodeAt(this.at + 1) === LINE_FEED) this.at += 1
          break
        case HASH:
          comments ??= []
          this.meter.work(TOKEN_WORK)
          comments.push(this.readComment())
          break
        default:
          return comments
      }
    }
    return comments
  }

  /** Leaves `at` on the comment's last character. */
  private readComment(): string {
    const start = this.at
    while (this.at < this.text.length) {
      const code = this.text.charCodeAt(this.at)
      if (code < SPACE && code !== TAB) break
      this.countPair(code)
      this.at += 1
    }
    this.at -= 1
    return this.text.slice(start, this.at + 1)
  }

  private readName(comment: Comments | undefined): Token {
    const start = this.at
    while (isNamePart(this.text.charCodeAt(this.at))) this.at += 1
    return this.token('Name', this.text.slice(start, this.at), start, comment)
  }

  private readNumber(comment: Comments | undefined): Token {
    const start = this.at
    if (this.text.charCodeAt(this.at) === MINUS) this.at += 1
    if (this.text[this.at] === '0') {
      this.at += 1
      if (isDigit(this.text.charCodeAt(this.at))) return this.invalid(comment)
    } else if (!this.skipDigits()) return this.invalid(comment)
    let kind: TokenKind = 'Int'
    if (this.text[this.at] === '.') {
      kind = 'Float'
      this.at += 1
      if (!this.skipDigits()) return this.invalid(comment)
    }
    if (this.text[this.at] === 'e' || this.text[this.at] === 'E') {
      kind = 'Float'
      this.at += 1
      if (this.text[this.at] === '-' || this.text[this.at] === '+') this.at += 1
      if (!this.skipDigits()) return this.invalid(comment)
    }
    return this.token(kind, this.text.slice(start, this.at), start, comment)
  }

  private skipDigits(): boolean {
    const start = this.at
    while (isDigit(this.text.charCodeAt(this.at))) this.at += 1
    return this.at > start
  }

  private readString(comment: Comments | undefined): Token {
    const { text } = this
    const start = ++this.at
    const column = this.column(start)
    let value = ''
    let from = start
    while (this.at < text.length) {
      const code = text.charCodeAt(this.at)
      if (code < SPACE && code !== TAB) break
      if (code === QUOTE) {
        value += text.slice(from, this.at)
        this.at += 1
        return { kind: 'String', value, position: { line: this.line, column }, comment }
      }
      if (code === BACKSLASH) {
        const sequence = ESCAPE.exec(text.slice(this.at + 1, this.at + 6))?.[0]
        if (sequence === undefined) {
          this.at += 1
          break
        }
        value += text.slice(from, this.at) + unescaped(sequence)
        this.at += 1 + sequence.length
        from = this.at
      } else {
        this.countPair(code)
        this.at += 1
      }
    }
    return this.invalid(comment)
  }

  private readBlock(comment: Comments | undefined): Token {
    const { text } = this
    this.at += 3
    const start = this.at - this.pairs
    let raw = ''
    let from = this.at
    while (this.at < text.length) {
      const code = text.charCodeAt(this.at)
      if (code === QUOTE && text.startsWith('"""', this.at)) {
        let end = this.at + 3
        // Of more than three quotes the last three close.
        while (text.charCodeAt(end) === QUOTE) end += 1
        raw += text.slice(from, end - 3)
        const position = { line: this.line, column: start - this.lineStart + 1 }
        this.at = end
        return { kind: 'BlockString', value: blockValue(raw), position, comment }
      }
      if (code === BACKSLASH && text.startsWith('\\"""', this.at)) {
        raw += text.slice(from, this.at)
        from = this.at + 1
        this.at += 4
      } else if (code === LINE_FEED) {
        this.at += 1
        this.startLine(this.at)
      } else if (code === CARRIAGE_RETURN) {
        raw += `${text.slice(from, this.at)}\n`
        this.at += text.charCodeAt(this.at + 1) === LINE_FEED ? 2 : 1
        from = this.at
        this.startLine(this.at)
      } else if (code < SPACE && code !== TAB) {
        break
      } else {
        this.countPair(code)
        this.at += 1
      }
    }
    return this.invalid(comment)
  }

  private startLine(at: number): void {
    this.line += 1
    this.lineStart = at - this.pairs
  }

  private countPair(code: number): void {
    if (code >= 0xd800 && code < 0xdc00) this.pairs += 1
  }

  private column(at: number): number {
    return at - this.pairs - this.lineStart + 1
  }

  private token(
    kind: TokenKind,
    value: string,
    start: number,
    comment: Comments | undefined,
  ): Token {
    return { kind, value, position: { line: this.line, column: this.column(start) }, comment }
  }

  private invalid(comment: Comments | undefined): Token {
    return this.token('<Invalid>', '', this.at, comment)
  }
}

/** For a token and the nodes made of it: some 100 ns and 300 bytes. */
const TOKEN_WORK = 10

const TAB = 0x09
const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d
const SPACE = 0x20
const QUOTE = 0x22
const HASH = 0x23
const COMMA = 0x2c
const MINUS = 0x2d
const BACKSLASH = 0x5c
const BYTE_ORDER_MARK = 0xfeff

const PUNCTUATORS: ReadonlyMap<number, TokenKind> = new Map(
  (['!', '$', '&', '(', ')', ':', '=', '@', '[', ']', '{', '}', '|'] as const).map((kind) => [
    kind.charCodeAt(0),
    kind,
  ]),
)

const ESCAPE = /^(?:u[0-9A-Fa-f]{4}|["\\/bfnrt])/
const ESCAPED = new Map([
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
])

/** A surrogate becomes U+FFFD, also where two would make a pair. */
function unescaped(sequence: string): string {
  if (sequence.startsWith('u')) return runeText(Number.parseInt(sequence.slice(1), 16))
  return ESCAPED.get(sequence) ?? sequence
}

/** Without the indentation that its lines share, and without blank lines around. */
function blockValue(raw: string): string {
  const lines = raw.split('\n')
  let shared = Number.POSITIVE_INFINITY
  for (const line of lines) shared = Math.min(shared, indentOf(line))
  if (shared !== Number.POSITIVE_INFINITY) {
    for (let at = 1; at < lines.length; at++) lines[at] = (lines[at] ?? '').slice(shared)
  }
  let start = 0
  let end = lines.length
  while (start < end && isBlank(lines[start])) start += 1
  while (start < end && isBlank(lines[end - 1])) end -= 1
  return lines.slice(start, end).join('\n')
}

/** Infinity for a blank line. */
function indentOf(line: string): number {
  for (let at = 0; at < line.length; at++) {
    const code = line.charCodeAt(at)
    if (code !== SPACE && code !== TAB) return at
  }
  return Number.POSITIVE_INFINITY
}

function isBlank(line: string | undefined): boolean {
  return line === undefined || indentOf(line) === Number.POSITIVE_INFINITY
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

function isNameStart(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || code === 0x5f
}

function isNamePart(code: number): boolean {
  return isNameStart(code) || isDigit(code)
}
