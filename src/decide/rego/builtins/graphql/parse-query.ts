import type {
  Field,
  Fragment,
  FragmentSpread,
  InlineFragment,
  Meter,
  Operation,
  QueryDocument,
  Selection,
  SelectionSet,
  VariableDefinition,
} from './ast.ts'
import { GraphqlFault } from './ast.ts'
import {
  parseArguments,
  parseDirectives,
  parseLiteral,
  parseName,
  parseType,
  parseVariable,
} from './parse-common.ts'
import { TokenStream } from './token-stream.ts'

/**
 * Reads an executable document: specification of October 2021, section 2.2, with variables of fragments besides, and
 * nothing at all as an empty document.
 *
 * @throws {GraphqlFault} for the first thing that is none
 * @throws {BuiltinError} beyond NESTING_MAX
 */
export function parseQuery(text: string, meter: Meter): QueryDocument {
  const tokens = new TokenStream(text, meter)
  const operations: Operation[] = []
  const fragments: Fragment[] = []
  while (!tokens.at('<EOF>')) {
    const { kind, value } = tokens.peek()
    if (kind === '{') operations.push(parseShorthand(tokens))
    else if (kind === 'Name' && OPERATIONS.has(value)) operations.push(parseOperation(tokens))
    else if (kind === 'Name' && value === 'fragment') fragments.push(parseFragment(tokens))
    else throw tokens.unexpected()
  }
  return { operations, fragments, comment: undefined }
}

export const OPERATIONS: ReadonlySet<string> = new Set(['query', 'mutation', 'subscription'])

function parseShorthand(tokens: TokenStream): Operation {
  const { position } = tokens.peek()
  return {
    operation: 'query',
    name: '',
    variableDefinitions: [],
    directives: [],
    selectionSet: parseSelections(tokens),
    comment: undefined,
    position,
  }
}

function parseOperation(tokens: TokenStream): Operation {
  const { value: operation, comment, position } = tokens.next()
  return {
    operation,
    name: tokens.at('Name') ? tokens.next().value : '',
    variableDefinitions: parseVariables(tokens),
    directives: parseDirectives(tokens, 'variable'),
    selectionSet: parseSelections(tokens),
    comment,
    position,
  }
}

function parseVariables(tokens: TokenStream): readonly VariableDefinition[] {
  return tokens.some('(', ')', () => {
    const { comment, position } = tokens.peek()
    const variable = parseVariable(tokens)
    tokens.expect(':')
    return {
      variable,
      type: parseType(tokens),
      defaultValue: tokens.skip('=') ? parseLiteral(tokens, 'constant') : undefined,
      directives: parseDirectives(tokens, 'variable'),
      comment,
      position,
      definition: undefined,
      used: false,
    }
  }).items
}

function parseSelections(tokens: TokenStream): SelectionSet {
  const { kind, position } = tokens.peek()
  if (kind !== '{') throw new GraphqlFault(`Expected {, found ${kind}`, position)
  return tokens.some('{', '}', () => parseSelection(tokens)).items
}

function parseSelection(tokens: TokenStream): Selection {
  return tokens.at('...') ? parseSpread(tokens) : parseField(tokens)
}

function parseField(tokens: TokenStream): Field {
  const { comment, position } = tokens.peek()
  const alias = parseName(tokens)
  return {
    kind: 'field',
    alias,
    name: tokens.skip(':') ? parseName(tokens) : alias,
    arguments: parseArguments(tokens, 'variable'),
    directives: parseDirectives(tokens, 'variable'),
    selectionSet: tokens.at('{') ? parseSelections(tokens) : [],
    comment,
    position,
    definition: undefined,
    objectDefinition: undefined,
  }
}

function parseSpread(tokens: TokenStream): FragmentSpread | InlineFragment {
  const { comment } = tokens.expect('...')
  const { kind, value, position } = tokens.peek()
  if (kind === 'Name' && value !== 'on') {
    return {
      kind: 'spread',
      name: parseName(tokens),
      directives: parseDirectives(tokens, 'variable'),
      comment,
      position,
      definition: undefined,
      objectDefinition: undefined,
    }
  }
  // gqlparser looks at the text alone: the string "on" will do.
  const conditioned = value === 'on'
  if (conditioned) tokens.next()
  return {
    kind: 'inline',
    typeCondition: conditioned ? parseName(tokens) : '',
    directives: parseDirectives(tokens, 'variable'),
    selectionSet: parseSelections(tokens),
    comment,
    position,
    objectDefinition: undefined,
  }
}

function parseFragment(tokens: TokenStream): Fragment {
  const { comment, position } = tokens.expectKeyword('fragment')
  if (tokens.peek().value === 'on') throw tokens.unexpected()
  const name = parseName(tokens)
  const variableDefinition = parseVariables(tokens)
  tokens.expectKeyword('on')
  return {
    name,
    variableDefinition,
    typeCondition: parseName(tokens),
    directives: parseDirectives(tokens, 'variable'),
    selectionSet: parseSelections(tokens),
    comment,
    position,
    definition: undefined,
  }
}
