import { quote } from '../../go-quote.ts'
import type { Comments, Meter } from './ast.ts'
import { GraphqlFault, NESTING_MAX, nestsTooDeep } from './ast.ts'
import type { Token, TokenKind } from './lexer.ts'
import { Lexer } from './lexer.ts'

/** Reads tokens with one in advance, and counts brackets. The first fault ends it. */
export class TokenStream {
  private readonly lexer: Lexer
  private token: Token
  private depth = 0

  constructor(text: string, meter: Meter) {
    // A token pays for itself; this pays for the characters of long strings and comments.
    meter.work(text.length >>> 1)
    this.lexer = new Lexer(text, meter)
    this.token = this.lexer.next()
  }

  peek(): Token {
    return this.token
  }

  /** Whether the next token is of that kind. */
  at(kind: TokenKind): boolean {
    return this.token.kind === kind
  }

  next(): Token {
    const { token } = this
    if (token.kind === '<Invalid>') throw new GraphqlFault('Invalid token', token.position)
    this.token = this.lexer.next()
    return token
  }

  skip(kind: TokenKind): boolean {
    if (this.token.kind !== kind) return false
    this.next()
    return true
  }

  expect(kind: TokenKind): Token {
    const { token } = this
    if (token.kind === kind) return this.next()
    throw new GraphqlFault(`Expected ${kind}, found ${token.kind}`, token.position)
  }

  expectKeyword(word: string): Token {
    const { token } = this
    if (token.kind === 'Name' && token.value === word) return this.next()
    throw new GraphqlFault(`Expected ${quote(word)}, found ${tokenText(token)}`, token.position)
  }

  unexpected(token: Token = this.token): GraphqlFault {
    return new GraphqlFault(`Unexpected ${tokenText(token)}`, token.position)
  }

  /** At least one item between brackets; none where the opening one is missing. */
  some<T>(open: TokenKind, close: TokenKind, read: () => T): Enclosed<T> {
    if (!this.skip(open)) return { items: [], comment: undefined }
    if (this.token.kind === close) {
      const message = `expected at least one definition, found ${this.token.kind}`
      throw new GraphqlFault(message, this.token.position)
    }
    return this.until(close, read)
  }

  /** Any number of items between brackets. */
  many<T>(open: TokenKind, close: TokenKind, read: () => T): readonly T[] {
    return this.skip(open) ? this.until(close, read).items : []
  }

  /** Reads what nests: the same kind of thing may come again inside. */
  nested<T>(read: () => T): T {
    this.depth += 1
    if (this.depth > NESTING_MAX) throw nestsTooDeep(NESTING_MAX)
    const result = read()
    this.depth -= 1
    return result
  }

  private until<T>(close: TokenKind, read: () => T): Enclosed<T> {
    return this.nested(() => {
      const items: T[] = []
      while (this.token.kind !== close) items.push(read())
      const { comment } = this.next()
      return { items, comment }
    })
  }
}

/** What stands between brackets, and the comments before the closing one. */
export type Enclosed<T> = {
  readonly items: readonly T[]
  readonly comment: Comments | undefined
}

function tokenText({ kind, value }: Token): string {
  if (value === '') return kind
  // Twice as many code units hold at least that many characters.
  const shown = Array.from(value.slice(0, 2 * TOKEN_TEXT_MAX))
    .slice(0, TOKEN_TEXT_MAX)
    .join('')
  return `${kind} ${quote(shown.length < value.length ? `${shown}\u2026` : value)}`
}

/** Characters of a token that a message shows. */
const TOKEN_TEXT_MAX = 40
