import { quote } from '../../go-quote.ts'
import type { Field, Operation, SelectionSet, VariableDefinition } from './ast.ts'
import { typeName, typeText } from './ast.ts'
import { OPERATIONS } from './parse-query.ts'
import type { Validation } from './validation.ts'
import { deeper, fail, rootOf } from './validation.ts'

// Rules for operations and their variables: specification of October 2021, sections 5.2 and 5.8.

/** KnownRootType; where gqlparser would stop the program for an operation of no known kind, it is a fault. */
export function rootIsKnown(validation: Validation, operation: Operation): void {
  const kind = operation.operation
  const known = kind === '' || OPERATIONS.has(kind)
  if (known && rootOf(validation, operation) !== undefined) return
  fail(`Schema does not support operation type "${kind}"`, operation.position)
}

/** LoneAnonymousOperation */
export function anonymousOperationIsAlone({ document }: Validation, operation: Operation): void {
  if (operation.name !== '' || document.operations.length < 2) return
  fail('This anonymous operation must be the only defined operation.', operation.position)
}

/** UniqueOperationNames */
export function operationIsUnique({ operationNames }: Validation, operation: Operation): void {
  const { name, position } = operation
  if (operationNames.has(name)) fail(`There can be only one operation named "${name}".`, position)
  operationNames.add(name)
}

/** SingleFieldSubscriptions */
export function subscriptionHasOneField(validation: Validation, operation: Operation): void {
  const { operation: kind, name, selectionSet } = operation
  if (kind !== 'subscription' || !validation.schema.roots.has(kind)) return
  const fields = new Map<string, Field>()
  collectFields(validation, selectionSet, fields, new Set())
  const subscription = name === '' ? 'Anonymous Subscription' : `Subscription ${quote(name)}`
  const [, second] = fields.values()
  if (second !== undefined) {
    fail(`${subscription} must select only one top level field.`, second.position)
  }
  for (const field of fields.values()) {
    if (!field.name.startsWith('__')) continue
    fail(`${subscription} must not select an introspection top level field.`, field.position)
  }
}

/** UniqueVariableNames */
export function variablesAreUnique(_validation: Validation, operation: Operation): void {
  const seen = new Set<string>()
  for (const { variable, position } of operation.variableDefinitions) {
    if (seen.has(variable)) fail(`There can be only one variable named "$${variable}".`, position)
    seen.add(variable)
  }
}

/** NoUnusedVariables */
export function variablesAreUsed(_validation: Validation, operation: Operation): void {
  const place = operation.name === '' ? '' : ` in operation "${operation.name}"`
  for (const { variable, used, position } of operation.variableDefinitions) {
    if (!used) fail(`Variable "$${variable}" is never used${place}.`, position)
  }
}

/** VariablesAreInputTypes */
export function variablesAreInputs(_validation: Validation, operation: Operation): void {
  for (const { variable, type, definition, position } of operation.variableDefinitions) {
    if (definition === undefined || INPUTS.has(definition.kind)) continue
    fail(`Variable "$${variable}" cannot be non-input type "${typeText(type)}".`, position)
  }
}

/** KnownTypeNames */
export function variableTypeIsKnown({ schema }: Validation, variable: VariableDefinition): void {
  const name = typeName(variable.type)
  if (!schema.types.has(name)) fail(`Unknown type "${name}".`, variable.position)
}

const INPUTS: ReadonlySet<string> = new Set(['SCALAR', 'ENUM', 'INPUT_OBJECT'])

/** The first field of each name, fragments included; an unknown fragment ends a selection set. */
function collectFields(
  validation: Validation,
  selections: SelectionSet,
  fields: Map<string, Field>,
  entered: Set<string>,
): void {
  validation.meter.work(selections.length)
  for (const selection of selections) {
    if (selection.kind === 'field') {
      if (!fields.has(selection.name)) fields.set(selection.name, selection)
      continue
    }
    const fragment = selection.kind === 'inline' ? selection : selection.definition
    if (fragment === undefined) return
    if (selection.kind === 'spread') {
      if (entered.has(selection.name)) continue
      entered.add(selection.name)
    }
    deeper(validation, () => collectFields(validation, fragment.selectionSet, fields, entered))
  }
}
