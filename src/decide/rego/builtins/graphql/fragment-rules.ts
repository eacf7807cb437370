import type { Definition, Fragment, FragmentSpread, InlineFragment, SelectionSet } from './ast.ts'
import type { Validation } from './validation.ts'
import { deeper, fail, fragmentOf, isComposite } from './validation.ts'

// Rules for fragments: specification of October 2021, section 5.5.

/** FragmentsOnCompositeTypes */
export function inlineIsOnComposite({ schema }: Validation, fragment: InlineFragment): void {
  const { typeCondition, position } = fragment
  const type = schema.types.get(typeCondition)
  if (type === undefined || isComposite(type)) return
  fail(`Fragment cannot condition on non composite type "${typeCondition}".`, position)
}

/** FragmentsOnCompositeTypes */
export function fragmentIsOnComposite(_validation: Validation, fragment: Fragment): void {
  const { name, typeCondition, definition, position } = fragment
  if (definition === undefined || typeCondition === '' || isComposite(definition)) return
  fail(`Fragment "${name}" cannot condition on non composite type "${typeCondition}".`, position)
}

/** KnownTypeNames */
export function inlineTypeIsKnown({ schema }: Validation, fragment: InlineFragment): void {
  const { typeCondition, position } = fragment
  if (typeCondition === '' || schema.types.has(typeCondition)) return
  fail(`Unknown type "${typeCondition}".`, position)
}

/** KnownTypeNames, without its suggestions. */
export function fragmentTypeIsKnown({ schema }: Validation, fragment: Fragment): void {
  if (schema.types.has(fragment.typeCondition)) return
  fail(`Unknown type "${fragment.typeCondition}".`, fragment.position)
}

/** KnownFragmentNames */
export function spreadIsKnown(_validation: Validation, spread: FragmentSpread): void {
  if (spread.definition === undefined) fail(`Unknown fragment "${spread.name}".`, spread.position)
}

/** NoUnusedFragments, the half that takes notes: spreads in fragments by themselves come too late to count. */
export function spreadUses({ operation, fragmentsUsed }: Validation, spread: FragmentSpread): void {
  if (operation !== undefined) fragmentsUsed.add(spread.name)
}

/** NoUnusedFragments */
export function fragmentIsUsed({ fragmentsUsed }: Validation, fragment: Fragment): void {
  if (fragmentsUsed.has(fragment.name)) return
  fail(`Fragment "${fragment.name}" is never used.`, fragment.position)
}

/** UniqueFragmentNames */
export function fragmentIsUnique(
  { fragmentNames }: Validation,
  { name, position }: Fragment,
): void {
  if (fragmentNames.has(name)) fail(`There can be only one fragment named "${name}".`, position)
  fragmentNames.add(name)
}

/** PossibleFragmentSpreads */
export function inlineIsPossible(validation: Validation, fragment: InlineFragment): void {
  const { objectDefinition, typeCondition, position } = fragment
  if (objectDefinition === undefined) return
  if (isPossible(validation, objectDefinition, typeCondition)) return
  const never = neverText(objectDefinition, typeCondition)
  fail(`Fragment cannot be spread here ${never}.`, position)
}

/** PossibleFragmentSpreads */
export function spreadIsPossible(validation: Validation, spread: FragmentSpread): void {
  const { name, objectDefinition, definition, position } = spread
  if (objectDefinition === undefined || definition === undefined) return
  if (isPossible(validation, objectDefinition, definition.typeCondition)) return
  const never = neverText(objectDefinition, definition.typeCondition)
  fail(`Fragment "${name}" cannot be spread here ${never}.`, position)
}

/** NoFragmentCycles */
export function fragmentIsNoCycle(validation: Validation, fragment: Fragment): void {
  followSpreads(validation, fragment, [], new Map())
}

function neverText({ name }: Definition, typeCondition: string): string {
  return `as objects of type "${name}" can never be of type "${typeCondition}"`
}

function isPossible(
  { schema, meter }: Validation,
  parent: Definition,
  typeCondition: string,
): boolean {
  const type = schema.types.get(typeCondition)
  if (!isComposite(parent) || type === undefined || !isComposite(type)) return true
  const here = schema.possibleTypes.get(parent.name) ?? NONE
  const there = schema.possibleTypes.get(type.name) ?? NONE
  if (parent.kind === 'OBJECT') return there.has(parent.name)
  const [few, many] = here.size < there.size ? [here, there] : [there, here]
  meter.work(few.size)
  return few.values().some((name) => many.has(name))
}

const NONE: ReadonlySet<string> = new Set()

/**
 * @param path - spreads that lead here
 * @param places - where in the path the spreads of a fragment begin
 */
function followSpreads(
  validation: Validation,
  { name, selectionSet }: Fragment,
  path: FragmentSpread[],
  places: Map<string, number>,
): void {
  if (validation.fragmentsFollowed.has(name)) return
  validation.fragmentsFollowed.add(name)
  const spreads = spreadsOf(validation, selectionSet)
  places.set(name, path.length)
  for (const spread of spreads) {
    const place = places.get(spread.name)
    if (place !== undefined) failCycle(spread, path.slice(place))
    const fragment = fragmentOf(validation, spread.name)
    if (fragment === undefined) continue
    path.push(spread)
    deeper(validation, () => followSpreads(validation, fragment, path, places))
    path.pop()
  }
  places.delete(name)
}

function failCycle({ name, position }: FragmentSpread, path: readonly FragmentSpread[]): never {
  const names = path.map((spread) => `"${spread.name}"`).join(', ')
  const via = names === '' ? '' : ` via ${names}`
  fail(`Cannot spread fragment "${name}" within itself${via}.`, position)
}

/** All spreads inside, level by level from the last one on: gqlparser's order. */
function spreadsOf({ meter }: Validation, selections: SelectionSet): readonly FragmentSpread[] {
  const spreads: FragmentSpread[] = []
  const pending = [selections]
  for (let set = pending.pop(); set !== undefined; set = pending.pop()) {
    meter.work(set.length)
    for (const selection of set) {
      if (selection.kind === 'spread') spreads.push(selection)
      else pending.push(selection.selectionSet)
    }
  }
  return spreads
}
