import type {
  Argument,
  ArgumentDefinition,
  Definition,
  Directive,
  Field,
  Fragment,
  FragmentSpread,
  InlineFragment,
  Literal,
  Meter,
  Operation,
  QueryDocument,
  Selection,
  SelectionSet,
} from './ast.ts'
import { LITERAL, named, typeName } from './ast.ts'
import {
  DIRECTIVE_LIST_RULES,
  DIRECTIVE_RULES,
  FIELD_RULES,
  FRAGMENT_RULES,
  INLINE_FRAGMENT_RULES,
  OPERATION_RULES,
  SPREAD_RULES,
  VALUE_RULES,
  VARIABLE_RULES,
} from './rules.ts'
import type { Schema } from './schema.ts'
import { TYPE_NAME_FIELD } from './schema.ts'
import type { Validation } from './validation.ts'
import { deeper, fragmentOf, newValidation, rootOf } from './validation.ts'

/**
 * Checks a query against a schema by gqlparser's default rules and in its order, so that the first fault is the same:
 * each operation with the fragments it spreads, then each fragment by itself; of a node first what is inside. Fills in
 * what the document's nodes leave to validation.
 *
 * @throws {GraphqlFault} for the first that breaks a rule
 * @throws {BuiltinError} beyond SELECTION_DEPTH_MAX
 */
export function validateQuery(schema: Schema, document: QueryDocument, meter: Meter): void {
  const validation = newValidation(schema, document, meter)
  for (const operation of document.operations) visitOperation(validation, operation)
  for (const fragment of document.fragments) visitFragment(validation, fragment)
}

/** A visit to one node by all of its rules. */
const NODE_WORK = 16

/** Fragments that were entered since the operation or fragment began: each is visited once in it. */
type Entered = Set<string>

function visitOperation(validation: Validation, operation: Operation): void {
  const { schema, meter } = validation
  validation.operation = operation
  // Backwards, so that the first of a name stays.
  validation.variables = new Map(
    operation.variableDefinitions.toReversed().map((variable) => [variable.variable, variable]),
  )
  for (const variable of operation.variableDefinitions) {
    meter.work(NODE_WORK)
    variable.definition = schema.types.get(typeName(variable.type))
    for (const rule of VARIABLE_RULES) rule(validation, variable)
    if (variable.defaultValue !== undefined) {
      variable.defaultValue.expectedType = variable.type
      variable.defaultValue.definition = variable.definition
    }
  }
  for (const { defaultValue, definition, directives } of operation.variableDefinitions) {
    if (defaultValue !== undefined) visitValue(validation, defaultValue)
    visitDirectives(validation, directives, definition, 'VARIABLE_DEFINITION')
  }
  const root = rootOf(validation, operation)
  const location = (operation.operation === '' ? 'query' : operation.operation).toUpperCase()
  visitDirectives(validation, operation.directives, root, location)
  visitSelections(validation, operation.selectionSet, root, new Set())
  for (const rule of OPERATION_RULES) rule(validation, operation)
  validation.operation = undefined
}

function visitFragment(validation: Validation, fragment: Fragment): void {
  const definition = validation.schema.types.get(fragment.typeCondition)
  fragment.definition = definition
  visitDirectives(validation, fragment.directives, definition, 'FRAGMENT_DEFINITION')
  visitSelections(validation, fragment.selectionSet, definition, new Set())
  for (const rule of FRAGMENT_RULES) rule(validation, fragment)
}

function visitDirectives(
  validation: Validation,
  directives: readonly Directive[],
  parent: Definition | undefined,
  location: string,
): void {
  for (const directive of directives) {
    validation.meter.work(NODE_WORK)
    const definition = validation.schema.directives.get(directive.name)
    directive.definition = definition
    directive.parentDefinition = parent
    directive.location = location
    visitArguments(validation, directive.arguments, definition?.arguments)
    for (const rule of DIRECTIVE_RULES) rule(validation, directive)
  }
  for (const rule of DIRECTIVE_LIST_RULES) rule(validation, directives)
}

function visitArguments(
  validation: Validation,
  args: readonly Argument[],
  definitions: readonly ArgumentDefinition[] | undefined,
): void {
  for (const { name, value } of args) {
    const definition = definitions === undefined ? undefined : named(definitions, name)
    if (definition !== undefined) expectType(validation, value, definition)
    visitValue(validation, value)
  }
}

/** Says of a value what the definition of its argument or input field expects. */
function expectType(
  { schema }: Validation,
  value: Literal,
  { type, defaultValue }: Pick<ArgumentDefinition, 'type' | 'defaultValue'>,
): void {
  value.expectedType = type
  value.expectedTypeHasDefault = defaultValue !== undefined && defaultValue.kind !== LITERAL.null
  value.definition = schema.types.get(typeName(type))
}

function visitValue(validation: Validation, value: Literal): void {
  validation.meter.work(NODE_WORK)
  const { operation } = validation
  if (value.kind === LITERAL.variable && operation !== undefined) {
    const definition = validation.variables.get(value.raw)
    value.variableDefinition = definition
    if (definition !== undefined) definition.used = true
  }
  if (value.kind === LITERAL.object) {
    for (const { name, value: member } of value.children) {
      const field =
        value.definition === undefined ? undefined : named(value.definition.fields, name)
      if (field !== undefined) expectType(validation, member, field)
      visitValue(validation, member)
    }
  }
  if (value.kind === LITERAL.list) {
    for (const { value: member } of value.children) {
      if (value.expectedType?.elem !== undefined) {
        member.expectedType = value.expectedType.elem
        member.definition = value.definition
      }
      visitValue(validation, member)
    }
  }
  for (const rule of VALUE_RULES) rule(validation, value)
}

function visitSelections(
  validation: Validation,
  selections: SelectionSet,
  parent: Definition | undefined,
  entered: Entered,
): void {
  deeper(validation, () => {
    for (const selection of selections) visitSelection(validation, selection, parent, entered)
  })
}

function visitSelection(
  validation: Validation,
  selection: Selection,
  parent: Definition | undefined,
  entered: Entered,
): void {
  validation.meter.work(NODE_WORK)
  switch (selection.kind) {
    case 'field':
      visitField(validation, selection, parent, entered)
      break
    case 'inline':
      visitInline(validation, selection, parent, entered)
      break
    case 'spread':
      visitSpread(validation, selection, parent, entered)
      break
  }
}

function visitField(
  validation: Validation,
  field: Field,
  parent: Definition | undefined,
  entered: Entered,
): void {
  const { name, directives, selectionSet } = field
  const definition = name === '__typename' ? TYPE_NAME_FIELD : parent && named(parent.fields, name)
  field.definition = definition
  field.objectDefinition = parent
  const type = definition && validation.schema.types.get(typeName(definition.type))
  visitArguments(validation, field.arguments, definition?.arguments)
  visitDirectives(validation, directives, type, 'FIELD')
  visitSelections(validation, selectionSet, type, entered)
  for (const rule of FIELD_RULES) rule(validation, field)
}

function visitInline(
  validation: Validation,
  fragment: InlineFragment,
  parent: Definition | undefined,
  entered: Entered,
): void {
  const { typeCondition, directives, selectionSet } = fragment
  fragment.objectDefinition = parent
  const type = typeCondition === '' ? parent : validation.schema.types.get(typeCondition)
  visitDirectives(validation, directives, type, 'INLINE_FRAGMENT')
  visitSelections(validation, selectionSet, type, entered)
  for (const rule of INLINE_FRAGMENT_RULES) rule(validation, fragment)
}

function visitSpread(
  validation: Validation,
  spread: FragmentSpread,
  parent: Definition | undefined,
  entered: Entered,
): void {
  const fragment = fragmentOf(validation, spread.name)
  spread.definition = fragment
  spread.objectDefinition = parent
  const type = fragment && validation.schema.types.get(fragment.typeCondition)
  visitDirectives(validation, spread.directives, type, 'FRAGMENT_SPREAD')
  if (fragment !== undefined && !entered.has(fragment.name)) {
    entered.add(fragment.name)
    visitDirectives(validation, fragment.directives, type, 'FRAGMENT_DEFINITION')
    visitSelections(validation, fragment.selectionSet, type, entered)
  }
  for (const rule of SPREAD_RULES) rule(validation, spread)
}
