import type {
  ArgumentDefinition,
  Comments,
  Definition,
  DirectiveDefinition,
  EnumValueDefinition,
  FieldDefinition,
  Meter,
  OperationType,
  Position,
  SchemaDefinition,
  SchemaDocument,
} from './ast.ts'
import type { Token } from './lexer.ts'
import type { Constancy } from './parse-common.ts'
import { parseDirectives, parseLiteral, parseName, parseType } from './parse-common.ts'
import { OPERATIONS } from './parse-query.ts'
import type { Enclosed } from './token-stream.ts'
import { TokenStream } from './token-stream.ts'

/**
 * Reads a type system document: specification of October 2021, section 3, without executable definitions; nothing at
 * all is an empty document. An extension of an interface may not name interfaces, as in gqlparser.
 *
 * @throws {GraphqlFault} for the first thing that is none
 * @throws {BuiltinError} beyond NESTING_MAX
 */
export function parseSchema(text: string, meter: Meter): SchemaDocument {
  const tokens = new TokenStream(text, meter)
  const document = {
    schema: [] as SchemaDefinition[],
    schemaExtension: [] as SchemaDefinition[],
    directives: [] as DirectiveDefinition[],
    definitions: [] as Definition[],
    extensions: [] as Definition[],
  }
  while (!tokens.at('<EOF>')) {
    const description = parseDescription(tokens)
    const { kind, value } = tokens.peek()
    if (kind !== 'Name') throw tokens.unexpected()
    if (KINDS.has(value)) {
      document.definitions.push(parseDefinition(tokens, opening(tokens, value, description)))
    } else if (value === 'schema') {
      document.schema.push(parseSchemaDefinition(tokens, opening(tokens, value, description)))
    } else if (value === 'directive') {
      document.directives.push(parseDirectiveDefinition(tokens, description))
    } else if (value === 'extend') {
      if (description !== undefined && description.value !== '') {
        throw tokens.unexpected(description)
      }
      parseExtension(tokens, document)
    } else throw tokens.unexpected()
  }
  return { ...document, comment: tokens.peek().comment }
}

/** Kinds of types by their keywords. */
const KINDS: ReadonlyMap<string, string> = new Map([
  ['scalar', 'SCALAR'],
  ['type', 'OBJECT'],
  ['interface', 'INTERFACE'],
  ['union', 'UNION'],
  ['enum', 'ENUM'],
  ['input', 'INPUT_OBJECT'],
])

const LOCATIONS: ReadonlySet<string> = new Set([
  'QUERY',
  'MUTATION',
  'SUBSCRIPTION',
  'FIELD',
  'FRAGMENT_DEFINITION',
  'FRAGMENT_SPREAD',
  'INLINE_FRAGMENT',
  'VARIABLE_DEFINITION',
  'SCHEMA',
  'SCALAR',
  'OBJECT',
  'FIELD_DEFINITION',
  'ARGUMENT_DEFINITION',
  'INTERFACE',
  'UNION',
  'ENUM',
  'ENUM_VALUE',
  'INPUT_OBJECT',
  'INPUT_FIELD_DEFINITION',
])

/** How a definition begins. */
type Opening = {
  readonly keyword: string
  readonly extension: boolean
  readonly described: {
    readonly description: string
    readonly beforeDescriptionComment: Comments | undefined
    readonly afterDescriptionComment: Comments | undefined
    readonly position: Position
  }
}

function parseDescription(tokens: TokenStream): Token | undefined {
  return tokens.at('String') || tokens.at('BlockString') ? tokens.next() : undefined
}

function opening(tokens: TokenStream, keyword: string, description: Token | undefined): Opening {
  const { comment } = tokens.expectKeyword(keyword)
  return {
    keyword,
    extension: false,
    described: {
      description: description?.value ?? '',
      beforeDescriptionComment: description?.comment,
      afterDescriptionComment: comment,
      position: tokens.peek().position,
    },
  }
}

function parseExtension(
  tokens: TokenStream,
  document: { readonly schemaExtension: SchemaDefinition[]; readonly extensions: Definition[] },
): void {
  const { comment } = tokens.expectKeyword('extend')
  const keyword = tokens.peek().value
  if (keyword !== 'schema' && !KINDS.has(keyword)) throw tokens.unexpected()
  const { described } = opening(tokens, keyword, undefined)
  const start = {
    keyword,
    extension: true,
    described: { ...described, afterDescriptionComment: comment },
  }
  if (keyword === 'schema') document.schemaExtension.push(parseSchemaDefinition(tokens, start))
  else document.extensions.push(parseDefinition(tokens, start))
}

function parseSchemaDefinition(tokens: TokenStream, start: Opening): SchemaDefinition {
  const directives = parseDirectives(tokens, 'constant')
  const { items, comment } = tokens.some('{', '}', () => parseOperationType(tokens))
  if (start.extension && directives.length === 0 && items.length === 0) throw tokens.unexpected()
  return { ...start.described, directives, operationTypes: items, endOfDefinitionComment: comment }
}

function parseOperationType(tokens: TokenStream): OperationType {
  const token = tokens.next()
  if (!OPERATIONS.has(token.value)) throw tokens.unexpected(token)
  tokens.expect(':')
  const { comment, position } = token
  return { operation: token.value, type: parseName(tokens), comment, position }
}

function parseDefinition(tokens: TokenStream, start: Opening): Definition {
  const { keyword, extension, described } = start
  const name = parseName(tokens)
  const inherits = keyword === 'type' || (keyword === 'interface' && !extension)
  const interfaces = inherits ? parseInterfaces(tokens) : []
  // gqlparser lets variables stand here, and nowhere else in a schema.
  const constancy: Constancy = keyword === 'input' && extension ? 'variable' : 'constant'
  const directives = parseDirectives(tokens, constancy)
  const members = keyword === 'union' ? parseMembers(tokens) : []
  const fields = parseFields(tokens, keyword)
  const values: Enclosed<EnumValueDefinition> =
    keyword === 'enum' ? tokens.some('{', '}', () => parseEnumValue(tokens)) : NOTHING
  if (extension) {
    const parts = [interfaces, directives, members, fields.items, values.items]
    if (parts.every(({ length }) => length === 0)) throw tokens.unexpected()
  }
  return {
    ...described,
    kind: KINDS.get(keyword) ?? '',
    name,
    directives,
    interfaces,
    fields: fields.items,
    types: members.map(({ value }) => value),
    typePositions: members.map(({ position }) => position),
    enumValues: values.items,
    builtIn: false,
    endOfDefinitionComment: fields.comment ?? values.comment,
  }
}

const NOTHING = { items: [], comment: undefined }

function parseInterfaces(tokens: TokenStream): readonly string[] {
  // gqlparser looks at the text alone: the string "implements" will do.
  if (tokens.peek().value !== 'implements') return []
  tokens.next()
  tokens.skip('&')
  const names = [parseName(tokens)]
  while (tokens.skip('&')) names.push(parseName(tokens))
  return names
}

function parseMembers(tokens: TokenStream): readonly Token[] {
  if (!tokens.skip('=')) return []
  tokens.skip('|')
  const members = [tokens.expect('Name')]
  while (tokens.skip('|')) members.push(tokens.expect('Name'))
  return members
}

function parseFields(tokens: TokenStream, keyword: string): Enclosed<FieldDefinition> {
  switch (keyword) {
    case 'type':
    case 'interface':
      return tokens.some('{', '}', () => parseField(tokens))
    case 'input':
      return tokens.some('{', '}', () => ({ ...parseInputValue(tokens), arguments: [] }))
    default:
      return NOTHING
  }
}

function parseField(tokens: TokenStream): FieldDefinition {
  const described = parseDescribed(tokens)
  const name = parseName(tokens)
  const args = tokens.some('(', ')', () => parseInputValue(tokens)).items
  tokens.expect(':')
  return {
    ...described,
    name,
    arguments: args,
    defaultValue: undefined,
    type: parseType(tokens),
    directives: parseDirectives(tokens, 'constant'),
  }
}

function parseInputValue(tokens: TokenStream): ArgumentDefinition {
  const described = parseDescribed(tokens)
  const name = parseName(tokens)
  tokens.expect(':')
  return {
    ...described,
    name,
    type: parseType(tokens),
    defaultValue: tokens.skip('=') ? parseLiteral(tokens, 'constant') : undefined,
    directives: parseDirectives(tokens, 'constant'),
  }
}

function parseEnumValue(tokens: TokenStream): EnumValueDefinition {
  const described = parseDescribed(tokens)
  return { ...described, name: parseName(tokens), directives: parseDirectives(tokens, 'constant') }
}

function parseDescribed(tokens: TokenStream): Opening['described'] {
  const description = parseDescription(tokens)
  const { comment, position } = tokens.peek()
  return {
    description: description?.value ?? '',
    // gqlparser loses the comments before an empty description of a member.
    beforeDescriptionComment: description?.value === '' ? undefined : description?.comment,
    afterDescriptionComment: comment,
    position,
  }
}

function parseDirectiveDefinition(
  tokens: TokenStream,
  description: Token | undefined,
): DirectiveDefinition {
  const { described } = opening(tokens, 'directive', description)
  tokens.expect('@')
  const { position } = tokens.peek()
  const name = parseName(tokens)
  const args = tokens.some('(', ')', () => parseInputValue(tokens)).items
  const { kind, value } = tokens.peek()
  const isRepeatable = kind === 'Name' && value === 'repeatable'
  if (isRepeatable) tokens.next()
  tokens.expectKeyword('on')
  tokens.skip('|')
  const locations = [parseLocation(tokens)]
  while (tokens.skip('|')) locations.push(parseLocation(tokens))
  return { ...described, position, name, arguments: args, isRepeatable, locations }
}

function parseLocation(tokens: TokenStream): string {
  const token = tokens.expect('Name')
  if (!LOCATIONS.has(token.value)) throw tokens.unexpected(token)
  return token.value
}
