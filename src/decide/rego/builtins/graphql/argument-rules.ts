import type { Directive, Field } from './ast.ts'
import { named, typeText } from './ast.ts'
import type { Validation } from './validation.ts'
import { fail } from './validation.ts'

// Rules for what has arguments, and for directives: specification of October 2021, sections 5.4 and 5.7.

/** KnownArgumentNames */
export function argumentsAreKnown(_validation: Validation, node: Field | Directive): void {
  const { definition } = node
  if (definition === undefined || (isField(node) && node.objectDefinition === undefined)) return
  for (const { name } of node.arguments) {
    if (named(definition.arguments, name) !== undefined) continue
    fail(`Unknown argument "${name}" on ${ownerText(node)}.`, node.position)
  }
}

/** ProvidedRequiredArguments */
export function requiredArgumentsAreGiven({ meter }: Validation, node: Field | Directive): void {
  const { definition } = node
  if (definition === undefined) return
  meter.work(definition.arguments.length)
  for (const { name, type, defaultValue } of definition.arguments) {
    if (!type.nonNull || defaultValue !== undefined) continue
    if (named(node.arguments, name) !== undefined) continue
    const owner = isField(node) ? `Field "${node.name}"` : `Directive "@${definition.name}"`
    const argument = `argument "${name}" of type "${typeText(type)}"`
    fail(`${owner} ${argument} is required, but it was not provided.`, node.position)
  }
}

/** UniqueArgumentNames */
export function argumentsAreUnique(_validation: Validation, node: Field | Directive): void {
  if (node.arguments.length < 2) return
  const seen = new Set<string>()
  for (const { name, position } of node.arguments) {
    if (seen.has(name)) fail(`There can be only one argument named "${name}".`, position)
    seen.add(name)
  }
}

/** KnownDirectives */
export function directiveIsKnown({ meter }: Validation, directive: Directive): void {
  const { name, definition, location, position } = directive
  if (definition === undefined) fail(`Unknown directive "@${name}".`, position)
  meter.work(definition.locations.length)
  if (definition.locations.includes(location)) return
  fail(`Directive "@${name}" may not be used on ${location}.`, position)
}

/** UniqueDirectivesPerLocation */
export function directivesAreUnique(
  _validation: Validation,
  directives: readonly Directive[],
): void {
  if (directives.length < 2) return
  const seen = new Set<string>()
  for (const { name, definition, position } of directives) {
    if (seen.has(name) && definition?.isRepeatable !== true) {
      fail(`The directive "@${name}" can only be used once at this location.`, position)
    }
    seen.add(name)
  }
}

function isField(node: Field | Directive): node is Field {
  return 'selectionSet' in node
}

function ownerText(node: Field | Directive): string {
  if (!isField(node)) return `directive "@${node.name}"`
  return `field "${node.objectDefinition?.name ?? ''}.${node.name}"`
}
