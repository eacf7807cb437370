import type { Field, SelectionSet } from './ast.ts'
import { typeName, typeText } from './ast.ts'
import type { Validation } from './validation.ts'
import { deeper, fail, isLeaf } from './validation.ts'

// Rules for fields: specification of October 2021, section 5.3, and gqlparser's own bound on introspection.

/** FieldsOnCorrectType, without its suggestions. */
export function fieldIsDefined(_validation: Validation, field: Field): void {
  const { name, definition, objectDefinition, position } = field
  if (objectDefinition === undefined || definition !== undefined) return
  fail(`Cannot query field "${name}" on type "${objectDefinition.name}".`, position)
}

/** ScalarLeafs */
export function leavesAreLeaves({ schema }: Validation, field: Field): void {
  const { name, definition, selectionSet, position } = field
  const type = definition && schema.types.get(typeName(definition.type))
  if (definition === undefined || type === undefined) return
  if (isLeaf(type) && selectionSet.length > 0) {
    const reason = `since type "${type.name}" has no subfields`
    fail(`Field "${name}" must not have a selection ${reason}.`, position)
  }
  if (!isLeaf(type) && selectionSet.length === 0) {
    const message = `Field "${name}" of type "${typeText(definition.type)}" must have a selection of subfields.`
    fail(`${message} Did you mean "${name} { ... }"?`, position)
  }
}

/** MaxIntrospectionDepth */
export function introspectionIsShallow(validation: Validation, field: Field): void {
  if (field.name !== '__schema' && field.name !== '__type') return
  if (isDeep(validation, field, 0, new Set())) {
    fail('Maximum introspection depth exceeded', field.position)
  }
}

/** Fields of introspection that are lists of what has such fields again. */
const LISTS: ReadonlySet<string> = new Set(['fields', 'interfaces', 'possibleTypes', 'inputFields'])
const LISTS_MAX = 3
const SELECTION_WORK = 4

/** @param within - fragments around, which lead no deeper when they come again */
function isDeep(
  validation: Validation,
  { name, selectionSet }: Field,
  lists: number,
  within: Set<string>,
): boolean {
  const around = LISTS.has(name) ? lists + 1 : lists
  return around >= LISTS_MAX || hasDeep(validation, selectionSet, around, within)
}

function hasDeep(
  validation: Validation,
  selections: SelectionSet,
  lists: number,
  within: Set<string>,
): boolean {
  return deeper(validation, () => {
    validation.meter.work(SELECTION_WORK * (1 + selections.length))
    return selections.some((selection) => {
      if (selection.kind === 'field') return isDeep(validation, selection, lists, within)
      if (selection.kind === 'inline') {
        return hasDeep(validation, selection.selectionSet, lists, within)
      }
      if (selection.definition === undefined || within.has(selection.name)) return false
      within.add(selection.name)
      const deep = hasDeep(validation, selection.definition.selectionSet, lists, within)
      within.delete(selection.name)
      return deep
    })
  })
}
