import type {
  Argument,
  ChildValue,
  Field,
  Fragment,
  FragmentSpread,
  InlineFragment,
  Literal,
  Operation,
  Position,
  SelectionSet,
  Type,
} from './ast.ts'
import { LITERAL, typeText } from './ast.ts'
import type { Collected, Validation } from './validation.ts'
import { deeper, fail, isLeaf } from './validation.ts'

// OverlappingFieldsCanBeMerged: fields that come under one name in the response must be one field. Specification of
// October 2021, section 5.3.2, in the steps of gqlparser (those of graphql-js, whose letters name them): what was
// compared is not compared again, by the same marks, so that the same documents pass. The first conflict ends it.

export function operationMerges(validation: Validation, { selectionSet }: Operation): void {
  checkWithin(validation, selectionSet)
}

export function fieldMerges(validation: Validation, { selectionSet }: Field): void {
  // Fields of fragments are compared where an operation spreads them.
  if (validation.operation !== undefined) checkWithin(validation, selectionSet)
}

export function inlineFragmentMerges(validation: Validation, fragment: InlineFragment): void {
  checkWithin(validation, fragment.selectionSet)
}

export function fragmentMerges(validation: Validation, { selectionSet }: Fragment): void {
  checkWithin(validation, selectionSet)
}

/** Fields of exclusive parents never meet in one response object: they need only be of like shape. */
type Relation = 'together' | 'exclusive'

type Conflict = {
  readonly name: string
  readonly reason: string
  readonly position: Position | undefined
}

function checkWithin(validation: Validation, selections: SelectionSet): void {
  if (selections.length === 0) return
  const conflict = conflictWithin(validation, selections)
  if (conflict === undefined) return
  fail(
    `Fields "${conflict.name}" conflict because ${conflict.reason}. Use different aliases on the fields to fetch both if this was intentional.`,
    conflict.position,
  )
}

function conflictWithin(validation: Validation, selections: SelectionSet): Conflict | undefined {
  const collected = collect(validation, selections)
  const conflict = conflictAmong(validation, collected) // A
  if (conflict !== undefined) return conflict
  validation.merge.compared = new Set()
  for (const [at, spread] of collected.spreads.entries()) {
    const found =
      conflictWithFragment(validation, 'together', collected, spread) ?? // B
      firstOf(
        collected.spreads.slice(at + 1),
        (other) => conflictOfFragments(validation, 'together', spread, other), // C
      )
    if (found !== undefined) return found
  }
  return undefined
}

function conflictAmong(validation: Validation, { fields }: Collected): Conflict | undefined {
  for (const alike of fields.values()) {
    for (const [at, field] of alike.entries()) {
      for (let next = at + 1; next < alike.length; next++) {
        const conflict = conflictOf(validation, 'together', field, alike[next] as Field)
        if (conflict !== undefined) return conflict
      }
    }
  }
  return undefined
}

function conflictBetween(
  validation: Validation,
  relation: Relation,
  { fields }: Collected,
  others: Collected,
): Conflict | undefined {
  validation.meter.work(fields.size)
  for (const [name, alike] of fields) {
    const unlike = others.fields.get(name)
    if (unlike === undefined) continue
    for (const field of alike) {
      const conflict = firstOf(unlike, (other) => conflictOf(validation, relation, field, other))
      if (conflict !== undefined) return conflict
    }
  }
  return undefined
}

/** D and E */
function conflictWithFragment(
  validation: Validation,
  relation: Relation,
  collected: Collected,
  spread: FragmentSpread,
): Conflict | undefined {
  const { merge } = validation
  validation.meter.work(1)
  if (merge.compared.has(spread.name)) return undefined
  merge.compared.add(spread.name)
  if (spread.definition === undefined) return undefined
  const others = collect(validation, spread.definition.selectionSet)
  // A fragment is not compared with itself.
  if (haveSameFields(validation, collected, others)) return undefined
  return (
    conflictBetween(validation, relation, collected, others) ??
    firstOf(others.spreads, (other) => {
      if (other.name === spread.name) return undefined
      return deeper(validation, () => conflictWithFragment(validation, relation, collected, other))
    })
  )
}

/** F and G */
function conflictOfFragments(
  validation: Validation,
  relation: Relation,
  a: FragmentSpread,
  b: FragmentSpread,
): Conflict | undefined {
  validation.meter.work(1)
  if (a.name === b.name || wereCompared(validation, relation, a, b)) return undefined
  if (a.definition === undefined || b.definition === undefined) return undefined
  const ofA = collect(validation, a.definition.selectionSet)
  const ofB = collect(validation, b.definition.selectionSet)
  return (
    conflictBetween(validation, relation, ofA, ofB) ??
    deeper(
      validation,
      () =>
        firstOf(ofB.spreads, (other) => conflictOfFragments(validation, relation, a, other)) ??
        firstOf(ofA.spreads, (other) => conflictOfFragments(validation, relation, other, b)),
    )
  )
}

/** Marks two fragments as compared, and says whether they were before: exclusive ones count for exclusive ones only. */
function wereCompared(
  { merge }: Validation,
  relation: Relation,
  { name: a }: FragmentSpread,
  { name: b }: FragmentSpread,
): boolean {
  const exclusive = merge.pairs.get(a)?.get(b)
  if (exclusive !== undefined && (relation === 'exclusive' || !exclusive)) return true
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    const pairs = merge.pairs.get(one) ?? new Map<string, boolean>()
    pairs.set(other, relation === 'exclusive')
    merge.pairs.set(one, pairs)
  }
  return false
}

/** H, I and J */
function conflictOfSelections(
  validation: Validation,
  relation: Relation,
  a: SelectionSet,
  b: SelectionSet,
): Conflict | undefined {
  const ofA = collect(validation, a)
  const ofB = collect(validation, b)
  const withFragments = (collected: Collected, spreads: readonly FragmentSpread[]) =>
    firstOf(spreads, (spread) => {
      validation.merge.compared = new Set()
      return conflictWithFragment(validation, relation, collected, spread)
    })
  return (
    conflictBetween(validation, relation, ofA, ofB) ??
    withFragments(ofA, ofB.spreads) ??
    withFragments(ofB, ofA.spreads) ??
    firstOf(ofA.spreads, (one) =>
      firstOf(ofB.spreads, (other) => conflictOfFragments(validation, relation, one, other)),
    )
  )
}

function conflictOf(
  validation: Validation,
  parents: Relation,
  a: Field,
  b: Field,
): Conflict | undefined {
  validation.meter.work(PAIR_WORK)
  if (a.objectDefinition === undefined || b.objectDefinition === undefined) return undefined
  const relation = parents === 'exclusive' || areExclusive(a, b) ? 'exclusive' : 'together'
  const conflict = (reason: string) => ({ name: nameOf(a), reason, position: b.position })
  if (relation === 'together') {
    if (a.name !== b.name) return conflict(`"${a.name}" and "${b.name}" are different fields`)
    if (!haveSameArguments(validation, a.arguments, b.arguments)) {
      return conflict('they have differing arguments')
    }
  }
  if (a.definition !== undefined && b.definition !== undefined) {
    const [one, other] = [a.definition.type, b.definition.type]
    if (typesConflict(validation, one, other)) {
      const types = `"${typeText(one)}" and "${typeText(other)}"`
      return conflict(`they return conflicting types ${types}`)
    }
  }
  if (a.selectionSet.length === 0 && b.selectionSet.length === 0) return undefined
  const inside = deeper(validation, () =>
    conflictOfSelections(validation, relation, a.selectionSet, b.selectionSet),
  )
  return inside && conflict(`subfields "${inside.name}" conflict because ${inside.reason}`)
}

const PAIR_WORK = 8
const COLLECT_WORK = 4
const COLLECT_NEW_WORK = 24
const NOTHING: Collected = { fields: new Map(), spreads: [] }

function areExclusive(a: Field, b: Field): boolean {
  const [one, other] = [a.objectDefinition, b.objectDefinition]
  if (one?.kind !== 'OBJECT' || other?.kind !== 'OBJECT' || one.name === other.name) return false
  return a.definition !== undefined && b.definition !== undefined
}

function typesConflict({ schema }: Validation, a: Type, b: Type): boolean {
  let [one, other] = [a, b]
  while (one.elem !== undefined && other.elem !== undefined) [one, other] = [one.elem, other.elem]
  if (one.elem !== undefined || other.elem !== undefined) return true
  if (one.nonNull !== other.nonNull) return true
  const [type, unlike] = [schema.types.get(one.namedType), schema.types.get(other.namedType)]
  if (type === undefined || unlike === undefined) return false
  return isLeaf(type) && isLeaf(unlike) && type.name !== unlike.name
}

function haveSameArguments(
  { meter }: Validation,
  a: readonly Argument[],
  b: readonly Argument[],
): boolean {
  if (a.length !== b.length) return false
  return a.every(({ name, value }) => {
    meter.work(b.length)
    return b.some((other) => other.name === name && isSame({ meter }, value, other.value))
  })
}

function isSame({ meter }: Pick<Validation, 'meter'>, a: Literal, b: Literal): boolean {
  meter.work(1 + (a.raw.length >>> 4))
  if (a.kind !== b.kind || a.raw !== b.raw || a.children.length !== b.children.length) return false
  meter.work(a.children.length)
  const ofA = inOrder(a)
  const ofB = inOrder(b)
  return ofA.every((child, at) => {
    const other = ofB[at]
    return other?.name === child.name && isSame({ meter }, child.value, other.value)
  })
}

/** Members of an object in the order of their names; of a list as they lie. */
function inOrder({ kind, children }: Literal): readonly ChildValue[] {
  if (kind !== LITERAL.object || children.length < 2) return children
  return children.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
}

function haveSameFields({ meter }: Validation, a: Collected, b: Collected): boolean {
  if (a === b) return true
  if (a.fields.size !== b.fields.size) return false
  meter.work(a.fields.size)
  return a.fields.entries().every(([name, fields]) => {
    const others = b.fields.get(name)
    return others?.length === fields.length && fields.every((field, at) => field === others[at])
  })
}

function collect({ merge, meter }: Validation, selections: SelectionSet): Collected {
  meter.work(COLLECT_WORK)
  if (selections.length === 0) return NOTHING
  const known = merge.collected.get(selections)
  if (known !== undefined) return known
  meter.work(COLLECT_NEW_WORK)
  const fields = new Map<string, Field[]>()
  const spreads: FragmentSpread[] = []
  const visit = (set: SelectionSet) => {
    meter.work(set.length * COLLECT_WORK)
    for (const selection of set) {
      if (selection.kind === 'spread') spreads.push(selection)
      else if (selection.kind === 'inline') visit(selection.selectionSet)
      else {
        const alike = fields.get(nameOf(selection))
        if (alike === undefined) fields.set(nameOf(selection), [selection])
        else alike.push(selection)
      }
    }
  }
  visit(selections)
  const collected = { fields, spreads }
  merge.collected.set(selections, collected)
  return collected
}

/** Under which a field comes in the response. */
function nameOf({ alias, name }: Field): string {
  return alias === '' ? name : alias
}

function firstOf<T>(
  items: readonly T[],
  find: (item: T) => Conflict | undefined,
): Conflict | undefined {
  for (const item of items) {
    const found = find(item)
    if (found !== undefined) return found
  }
  return undefined
}
