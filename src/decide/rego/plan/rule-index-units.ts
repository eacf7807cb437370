import { Decimal } from '../values/number.ts'
import type { Scalar, Value } from '../values/value.ts'
import { isArray, isSet } from '../values/value.ts'
import { usesOfLocals } from './analyse-locals.ts'
import type { Block, Operand, PlanFunction, Statement } from './plan.ts'

/** A place in what a function is given: the index of a parameter (0 is the input), and names below it. */
export type IndexPath = { readonly parameter: number; readonly names: readonly string[] }

/** A scalar that a Map tells apart as Rego does: every one but a Decimal. */
export type IndexKey = null | boolean | string | number | bigint

/** The value at a path must be one of these, else the unit is undefined, before it could fail or do anything. */
export type Condition = { readonly path: IndexPath; readonly values: ReadonlySet<IndexKey> }

/** Consecutive blocks of a function that stand and fall together: OPA's planner makes one or two of a rule. */
export type RuleUnit = {
  /** Index of the first block, and how many there are. */
  readonly first: number
  readonly count: number
  /** By the path's text; each holds. */
  readonly conditions: ReadonlyMap<string, Condition>
  /**
   * Whether the unit shares no local with the others but the parameters and the result, and nothing but a rule is in
   * it, so that it may be left out where a condition fails, and may be a function of its own.
   */
  readonly separate: boolean
}

/** Takes a function's blocks apart, in order. */
export function unitsOf(fn: PlanFunction): readonly RuleUnit[] {
  const ranges = rangesOf(fn)
  const uses = ranges.map(({ blocks }) => usesOfLocals(blocks))
  const shared = new Set([...fn.parameters, fn.result])
  const leaks = new Set<number>()
  for (const { exposed } of uses) {
    for (const local of exposed) if (!shared.has(local)) leaks.add(local)
  }
  return ranges.map(({ first, blocks }, at) => {
    const { exposed, written } = uses[at] ?? NO_USES
    const separate = isRule(blocks) && exposed.isSubsetOf(shared) && written.isDisjointFrom(leaks)
    return { first, count: blocks.length, conditions: conditionsOf(fn, blocks), separate }
  })
}

/** What equal paths share and others do not. */
export function pathText({ parameter, names }: IndexPath): string {
  return JSON.stringify([parameter, ...names])
}

type Range = { readonly first: number; readonly blocks: readonly Block[] }

const NO_USES: ReturnType<typeof usesOfLocals> = { exposed: new Set(), written: new Set() }

function rangesOf(fn: PlanFunction): readonly Range[] {
  const ranges: Range[] = []
  for (let first = 0; first < fn.blocks.length; ) {
    const count = endsRule(fn, fn.blocks[first + 1]) ? 2 : 1
    ranges.push({ first, blocks: fn.blocks.slice(first, first + count) })
    first += count
  }
  return ranges
}

/** The block that hands a complete rule's value on: `is defined`, then `assign once`. */
function endsRule(fn: PlanFunction, block: Block | undefined): boolean {
  const [test, assignment] = block ?? []
  return (
    block?.length === 2 &&
    test?.op === 'defined' &&
    assignment?.op === 'assign_once' &&
    assignment.target === fn.result &&
    'local' in assignment.source &&
    assignment.source.local === test.source &&
    test.source !== fn.result
  )
}

/** Each body of a rule begins by resetting its value. */
function isRule(blocks: readonly Block[]): boolean {
  const [first] = alternativesOf(blocks)
  return first?.[0]?.op === 'reset'
}

/** The bodies of a rule, those after `else` included. */
function alternativesOf(blocks: readonly Block[]): readonly Block[] {
  const [body] = blocks
  const [only] = body ?? []
  return blocks.length === 1 && body?.length === 1 && only?.op === 'blocks' ? only.blocks : blocks
}

/** The conditions under which all blocks of a unit are undefined: those that all of its bodies share. */
function conditionsOf(fn: PlanFunction, blocks: readonly Block[]): ReadonlyMap<string, Condition> {
  const alternatives = alternativesOf(blocks)
  const [head] = alternatives
  const reset = head?.[0]?.op === 'reset' ? head[0].target : undefined
  let shared: Shared | undefined
  for (const [at, alternative] of alternatives.entries()) {
    // The value was reset and no body has set it: its end is undefined too.
    const [test] = alternative
    if (at > 0 && endsRule(fn, alternative) && test?.op === 'defined' && test.source === reset) {
      continue
    }
    const own = readConditions(fn, alternative)
    if (shared === undefined) shared = copyOf(own)
    else widen(shared, own)
    if (shared.size === 0) break
  }
  return shared ?? new Map()
}

/** Conditions whose values are still collected. */
type Shared = Map<string, { readonly path: IndexPath; readonly values: Set<IndexKey> }>

function copyOf(conditions: ReadonlyMap<string, Condition>): Shared {
  const copies = [...conditions].map(
    ([text, { path, values }]) => [text, { path, values: new Set(values) }] as const,
  )
  return new Map(copies)
}

/** Leaves the conditions that hold where the ones before or these do. */
function widen(shared: Shared, own: ReadonlyMap<string, Condition>): void {
  for (const [text, { values }] of shared) {
    const other = own.get(text)
    if (other === undefined) shared.delete(text)
    else for (const value of other.values) values.add(value)
  }
}

/** What a local is known to hold while the beginning of a block runs. */
type Known =
  | { readonly path: IndexPath }
  | { readonly scalar: Scalar }
  | Container
  /** The answer to whether the value at a path is one of some scalars. */
  | { readonly member: IndexPath; readonly of: readonly Scalar[] }

/** A container made here. Locals that hold the same one share it, as it is filled in place. */
type Container = { readonly members: Scalar[]; scalarsOnly: boolean }

type Reading = {
  readonly known: Map<number, Known>
  readonly conditions: Map<string, Condition>
}

/**
 * Conditions at the beginning of a block, as far as its statements can neither fail with an error nor be seen from
 * outside.
 */
function readConditions(fn: PlanFunction, block: Block): Map<string, Condition> {
  const known = new Map<number, Known>()
  for (const [parameter, local] of fn.parameters.entries()) {
    known.set(local, { path: { parameter, names: [] } })
  }
  const reading: Reading = { known, conditions: new Map() }
  for (const statement of block) if (!readStatement(reading, statement)) break
  return reading.conditions
}

/** False at the first statement that could be told to have run. */
function readStatement(reading: Reading, statement: Statement): boolean {
  const { known } = reading
  switch (statement.op) {
    case 'reset':
      known.delete(statement.target)
      return true
    case 'is':
    case 'defined':
    case 'undefined':
      return true
    case 'constant':
      setKnown(reading, statement.target, asKnown(statement.value))
      return true
    case 'assign':
      setKnown(reading, statement.target, knownOf(reading, statement.source))
      return true
    case 'dot':
      setKnown(reading, statement.target, dotted(reading, statement))
      return true
    case 'make':
      known.set(statement.target, { members: [], scalarsOnly: statement.type !== 'object' })
      return true
    case 'append':
      return addMember(reading, statement.array, knownOf(reading, statement.value))
    case 'add':
      return addMember(reading, statement.set, knownOf(reading, statement.value))
    case 'insert':
      return addMember(reading, statement.object, undefined)
    case 'equal':
      readEquality(reading, knownOf(reading, statement.a), knownOf(reading, statement.b))
      return true
    case 'not_equal':
      readMembership(reading, statement.a, statement.b)
      return true
    case 'call_builtin':
      return readMemberCall(reading, statement)
    default:
      return false
  }
}

function setKnown({ known }: Reading, local: number, value: Known | undefined): void {
  if (value === undefined) known.delete(local)
  else known.set(local, value)
}

function knownOf({ known }: Reading, operand: Operand): Known | undefined {
  return 'local' in operand ? known.get(operand.local) : { scalar: operand.constant }
}

function asKnown(value: Value): Known {
  if (isScalar(value)) return { scalar: value }
  const members = isArray(value) ? value : isSet(value) ? value.values() : null
  const scalars = members === null || members.length > MEMBERS_MAX ? [] : members.filter(isScalar)
  return { members: scalars, scalarsOnly: scalars.length === members?.length }
}

function isScalar(value: Value): value is Scalar {
  return typeof value !== 'object' || value === null || value instanceof Decimal
}

function dotted(
  reading: Reading,
  { source, key }: { readonly source: Operand; readonly key: Operand },
): Known | undefined {
  const [from, by] = [knownOf(reading, source), knownOf(reading, key)]
  if (from === undefined || !('path' in from) || by === undefined || !('scalar' in by)) return
  if (typeof by.scalar !== 'string' || from.path.names.length >= NAMES_MAX) return
  const { parameter, names } = from.path
  return { path: { parameter, names: [...names, by.scalar] } }
}

/** False where the container was not made here, and changing it could be seen. */
function addMember({ known }: Reading, local: number, member: Known | undefined): boolean {
  const container = known.get(local)
  if (container === undefined || !('members' in container)) return false
  if (member !== undefined && 'scalar' in member) container.members.push(member.scalar)
  else container.scalarsOnly = false
  return true
}

function readEquality(reading: Reading, a: Known | undefined, b: Known | undefined): void {
  if (a === undefined || b === undefined) return
  if ('path' in a && 'scalar' in b) addCondition(reading, a.path, [b.scalar])
  else if ('scalar' in a && 'path' in b) addCondition(reading, b.path, [a.scalar])
}

/** `x in {"a", "b"}`: the call, which cannot fail, and then the test of its answer. */
function readMemberCall(
  reading: Reading,
  statement: Statement & { readonly op: 'call_builtin' },
): boolean {
  if (statement.builtin !== 'internal.member_2') return false
  const [member, container] = statement.operands.map((operand) => knownOf(reading, operand))
  if (member === undefined || !('path' in member)) return false
  if (container === undefined || !('members' in container) || !container.scalarsOnly) return false
  if (container.members.length > MEMBERS_MAX) return false
  setKnown(reading, statement.target, { member: member.path, of: [...container.members] })
  return true
}

function readMembership(reading: Reading, a: Operand, b: Operand): void {
  const answer = knownOf(reading, a)
  const refused = 'constant' in b && b.constant === false
  if (refused && answer !== undefined && 'member' in answer) {
    addCondition(reading, answer.member, answer.of)
  }
}

function addCondition({ conditions }: Reading, path: IndexPath, scalars: readonly Scalar[]): void {
  const values = new Set<IndexKey>()
  for (const scalar of scalars) {
    // Decimals are objects, which a Map tells apart by identity: such a condition is left to the unit itself.
    if (scalar instanceof Decimal) return
    values.add(scalar)
  }
  const text = pathText(path)
  const before = conditions.get(text)
  conditions.set(text, { path, values: before?.values.intersection(values) ?? values })
}

/** Longer lists are left to the unit itself, so that many tests of one list do not cost their product. */
const MEMBERS_MAX = 1_000

/** Deeper paths stay without a condition: each level costs a lookup. */
const NAMES_MAX = 64
