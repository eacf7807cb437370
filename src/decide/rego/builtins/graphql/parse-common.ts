import type { Argument, ChildValue, Comments, Directive, Literal, Position, Type } from './ast.ts'
import { LITERAL } from './ast.ts'
import type { TokenStream } from './token-stream.ts'

// What queries and schemas have in common.

/** Whether variables may stand in a literal: in a query they may, in what defines something they may not. */
export type Constancy = 'constant' | 'variable'

export function parseName(tokens: TokenStream): string {
  return tokens.expect('Name').value
}

export function parseVariable(tokens: TokenStream): string {
  tokens.expect('$')
  return parseName(tokens)
}

export function parseDirectives(tokens: TokenStream, constancy: Constancy): readonly Directive[] {
  const directives: Directive[] = []
  while (tokens.skip('@')) {
    const { position } = tokens.peek()
    directives.push({
      name: parseName(tokens),
      arguments: parseArguments(tokens, constancy),
      position,
      parentDefinition: undefined,
      definition: undefined,
      location: '',
    })
  }
  return directives
}

export function parseArguments(tokens: TokenStream, constancy: Constancy): readonly Argument[] {
  return tokens.some('(', ')', () => {
    const { comment, position } = tokens.peek()
    const name = parseName(tokens)
    tokens.expect(':')
    return { name, value: parseLiteral(tokens, constancy), comment, position }
  }).items
}

export function parseType(tokens: TokenStream): Type {
  const listed = tokens.skip('[')
  const { position } = tokens.peek()
  if (listed) {
    const elem = tokens.nested(() => parseType(tokens))
    tokens.expect(']')
    return { namedType: '', elem, nonNull: tokens.skip('!'), position }
  }
  return {
    namedType: parseName(tokens),
    elem: undefined,
    nonNull: tokens.skip('!'),
    position,
  }
}

export function parseLiteral(tokens: TokenStream, constancy: Constancy): Literal {
  const token = tokens.peek()
  const { comment, position } = token
  switch (token.kind) {
    case '[': {
      const children = tokens.many('[', ']', () => parseElement(tokens, constancy))
      return literal(LITERAL.list, '', { children, comment, position })
    }
    case '{': {
      const children = tokens.many('{', '}', () => parseMember(tokens, constancy))
      return literal(LITERAL.object, '', { children, comment, position })
    }
    case '$':
      if (constancy === 'constant') throw tokens.unexpected()
      return literal(LITERAL.variable, parseVariable(tokens), { position })
    case 'Int':
    case 'Float':
    case 'String':
    case 'BlockString':
    case 'Name':
      tokens.next()
      return literal(scalarKind(token), token.value, { position })
    default:
      throw tokens.unexpected()
  }
}

type Place = {
  readonly children?: readonly ChildValue[]
  readonly comment?: Comments | undefined
  readonly position: Position
}

/** gqlparser keeps comments before lists and objects, and loses those before scalars. */
function literal(kind: number, raw: string, place: Place): Literal {
  return {
    raw,
    children: place.children ?? [],
    kind,
    comment: place.comment,
    position: place.position,
    definition: undefined,
    variableDefinition: undefined,
    expectedType: undefined,
    expectedTypeHasDefault: false,
  }
}

function scalarKind({ kind, value }: { readonly kind: string; readonly value: string }): number {
  switch (kind) {
    case 'Int':
      return LITERAL.int
    case 'Float':
      return LITERAL.float
    case 'String':
      return LITERAL.string
    case 'BlockString':
      return LITERAL.block
  }
  if (value === 'true' || value === 'false') return LITERAL.boolean
  return value === 'null' ? LITERAL.null : LITERAL.enum
}

function parseElement(tokens: TokenStream, constancy: Constancy): ChildValue {
  const value = parseLiteral(tokens, constancy)
  return { name: '', value, comment: undefined, position: undefined }
}

function parseMember(tokens: TokenStream, constancy: Constancy): ChildValue {
  const { comment, position } = tokens.peek()
  const name = parseName(tokens)
  tokens.expect(':')
  return { name, value: parseLiteral(tokens, constancy), comment, position }
}
