import { nestedIn } from '../../decide/rego/plan/analyse-locals.ts'
import type { Block, Plan, PlanFunction, Site, Statement } from '../../decide/rego/plan/plan.ts'
import type { Read } from './rego-reads.ts'
import { createReads } from './rego-reads.ts'

/**
 * How the statements of a function or a query lie in what its author wrote. OPA's planner makes several statements of
 * one expression, and puts all that follows an iteration inside of it.
 */
export type Outline = ReadonlyMap<Statement, Place>

export type Place = {
  readonly level: Level
  /** The expression, or the head that the statement is part of. */
  readonly part: Part
  /** Whether it is the first of its level, so that a round begins. */
  readonly opens: boolean
  /** Whether the head was reached: everything before it holds. */
  readonly concludes: boolean
  /** Whether it works with something that has no name. */
  readonly isComputed: boolean
}

/** Statements that run together: the body of a rule, one round of an iteration, or a block inside of an expression. */
export type Level = {
  readonly kind: 'body' | 'else' | 'default' | 'query' | 'round' | 'inner'
  readonly parent: Level | null
  /** The expression of the parent that it belongs to; null for a body. */
  readonly owner: Part | null
  /** The level that its rounds are shown below: the next one out in which the owner is an expression of its own. */
  readonly anchor: Level | null
  /** Of an iteration: the locals that hold the keys, outermost first. */
  readonly keys: readonly number[]
  /** Whether its round ends where the owner fails in it. If not, the owner may hold nonetheless: `not`, `every`. */
  readonly decisive: boolean
  /** Whether an expression is around it: a comprehension, a `not`, an `every`. */
  readonly isInside: boolean
  readonly site: Site
}

/** One expression of a body, or a head. */
export type Part = {
  readonly site: Site
  readonly isHead: boolean
  /** Whether what follows runs once for each of its solutions. */
  iterates: boolean
  readonly reads: Read[]
}

/**
 * @param called - null for a query
 * @param parameters - names of a function's arguments, as far as they are known
 */
export function outlineOf(
  plan: Plan,
  called: PlanFunction | null,
  blocks: readonly Block[],
  parameters: readonly string[],
): Outline {
  const outline = new Map<Statement, Place>()
  const walk: Walk = {
    plan,
    outline,
    reads: createReads(plan, called?.parameters ?? [0, 1], parameters),
    result: called?.result ?? resultOf(blocks),
  }
  for (const { block, kind } of blocks.flatMap((block) => bodiesOf(block, called))) {
    const [first] = block
    // A query has no head.
    const site = (kind === 'query' ? undefined : plan.sites[first?.site ?? 0]) ?? NOWHERE
    const level: Level = {
      kind,
      parent: null,
      owner: null,
      anchor: null,
      keys: [],
      decisive: true,
      isInside: false,
      site,
    }
    walkSection(walk, block, level, (one) => isWithin(one, site))
  }
  return outline
}

type Walk = {
  readonly plan: Plan
  readonly outline: Map<Statement, Place>
  readonly reads: ReturnType<typeof createReads>
  /** Of a function its result; of a query the object of one result. */
  readonly result: number | undefined
}

const NOWHERE: Site = { file: '', row: 0, column: 0, endRow: 0, endColumn: 0 }

type Body = { readonly block: Block; readonly kind: Level['kind'] }

/** The blocks of a function that its author wrote as bodies. The others start, end and hand on the value. */
function bodiesOf(block: Block, called: PlanFunction | null): readonly Body[] {
  if (called === null) return [{ block, kind: 'query' }]
  const [first] = block
  if (first?.op === 'reset') return [{ block, kind: 'body' }]
  if (first?.op === 'undefined') {
    return [{ block, kind: first.source === called.result ? 'default' : 'else' }]
  }
  // The bodies of a rule with `else` lie together in one block.
  return first?.op === 'blocks' ? first.blocks.flatMap((inner) => bodiesOf(inner, called)) : []
}

/** The local of the object that a query yields. */
function resultOf(blocks: readonly Block[]): number | undefined {
  for (const statement of blocks.flatMap((block) => [...within(block)])) {
    if (statement.op === 'result') return statement.value
  }
  return undefined
}

/** A body or a block inside an expression, with the iterations and alternatives of which it is the rest. */
type Section = {
  partOf(statement: Statement): Part
  /** Whether a statement is what all this is for: it sets the rule's value, or adds a member. */
  ends(statement: Statement): boolean
}

function walkSection(
  walk: Walk,
  block: Block,
  level: Level,
  isHead: (site: Site) => boolean,
): void {
  const head: Part = level.owner ?? { site: level.site, isHead: true, iterates: false, reads: [] }
  const belongs = (statement: Statement): boolean =>
    isHead(siteOf(walk, statement)) || isResult(walk, statement)
  const ends = (statement: Statement): boolean => SETS.has(statement.op) && belongs(statement)
  const sites = [...spineOf(block, ends)]
    .filter((statement) => !belongs(statement))
    .map((statement) => siteOf(walk, statement))
    .filter(({ row }) => row > 0)
  const parts = outermost(sites).map(
    (site): Part => ({ site, isHead: false, iterates: false, reads: [] }),
  )
  const partOf = (statement: Statement): Part => {
    if (belongs(statement)) return head
    const site = siteOf(walk, statement)
    return parts.find((part) => isWithin(site, part.site)) ?? head
  }
  placeBlock(walk, block, level, { partOf, ends })
}

/**
 * Places the statements of a level. What a last `scan` holds is a level of its own in the same section, and so is each
 * of the alternatives that OPA makes where a name stands for several rules.
 */
function placeBlock(walk: Walk, block: Block, level: Level, section: Section): void {
  for (const [at, { statement, goesOn, isFilling }] of listed(block).entries()) {
    const part = section.partOf(statement)
    walk.outline.set(statement, {
      level,
      part,
      opens: at === 0,
      concludes: !level.isInside && section.ends(statement),
      isComputed: walk.reads.isComputed(statement),
    })
    walk.reads.follow(statement, part.reads)
    for (const inner of nestedIn(statement)) {
      if (inner === goesOn) continue
      if (!isFilling && isRest(inner, section.ends)) {
        part.iterates = true
        placeBlock(walk, inner, roundOf(walk, statement, level, part), section)
      } else placeInner(walk, statement, inner, level, part)
    }
  }
}

/** Whether a block holds what comes after it as well: the rest of the section, up to its end. */
function isRest(block: Block, ends: Section['ends']): boolean {
  for (const statement of within(block)) if (ends(statement)) return true
  return false
}

const SETS: ReadonlySet<Statement['op']> = new Set<Statement['op']>([
  'assign_once',
  'append',
  'add',
  'insert',
  'insert_once',
  'result',
])

function roundOf(walk: Walk, statement: Statement, level: Level, part: Part): Level {
  const isOwn = level.owner === part
  const keys = isOwn ? level.keys : []
  return {
    kind: 'round',
    parent: level,
    owner: part,
    anchor: isOwn ? level.anchor : level,
    keys: statement.op === 'scan' ? [...keys, statement.key] : keys,
    decisive: level.decisive || !isOwn,
    isInside: level.isInside,
    site: siteOf(walk, statement),
  }
}

/** What a `not`, an `every` or a comprehension holds. */
function placeInner(
  walk: Walk,
  statement: Statement,
  inner: Block,
  level: Level,
  part: Part,
): void {
  const known = siteOf(walk, statement)
  // Blocks of the planner's own have no place: all in them is the expression's.
  const isPlaced = known.row > 0
  const site = isPlaced ? known : part.site
  const own: Level = {
    ...roundOf(walk, statement, level, part),
    kind: statement.op === 'scan' ? 'round' : 'inner',
    decisive: false,
    isInside: true,
    site,
  }
  walkSection(walk, inner, own, (one) => !isPlaced || isWithin(site, one))
}

/** The statements of a section. */
function* spineOf(block: Block, ends: Section['ends']): Generator<Statement> {
  for (const { statement, goesOn, isFilling } of listed(block)) {
    yield statement
    for (const inner of nestedIn(statement)) {
      if (inner !== goesOn && !isFilling && isRest(inner, ends)) yield* spineOf(inner, ends)
    }
  }
}

/** The statements of a block and of all that it holds. */
function* within(block: Block): Generator<Statement> {
  for (const statement of block) {
    yield statement
    for (const inner of nestedIn(statement)) yield* within(inner)
  }
}

type Listed = {
  readonly statement: Statement
  /** The block of it that holds what follows. */
  readonly goesOn: Block | null
  /** Whether it fills what was made just before: the blocks of a comprehension do. */
  readonly isFilling: boolean
}

/**
 * The statements of a level. A `with` holds what it is for and all that follows, and so does one last block, behind a
 * rule whose name is known only when it runs.
 */
function listed(block: Block): readonly Listed[] {
  return block.flatMap((statement, at) => {
    const goesOn = restOf(statement, at === block.length - 1)
    const isFilling = statement.op === 'blocks' && block[at - 1]?.op === 'make'
    return [{ statement, goesOn, isFilling }, ...(goesOn === null ? [] : listed(goesOn))]
  })
}

function restOf(statement: Statement, isLast: boolean): Block | null {
  if (statement.op === 'with') return statement.block
  if (statement.op !== 'blocks' || !isLast || statement.blocks.length > 1) return null
  return statement.blocks[0] ?? null
}

function isResult({ result }: Walk, statement: Statement): boolean {
  switch (statement.op) {
    case 'result':
      return true
    case 'make':
      return statement.target === result
    case 'insert':
      return statement.object === result
    default:
      return false
  }
}

function siteOf({ plan }: Walk, { site }: Statement): Site {
  return plan.sites[site] ?? NOWHERE
}

/** Those that lie in no other, once each. */
function outermost(sites: readonly Site[]): readonly Site[] {
  const found: Site[] = []
  for (const site of sites) {
    if (found.some((one) => isWithin(site, one))) continue
    const others = found.filter((one) => !isWithin(one, site))
    found.splice(0, found.length, ...others, site)
  }
  return found
}

function isWithin(inner: Site, outer: Site): boolean {
  return (
    inner.file === outer.file &&
    !isBefore(inner.row, inner.column, outer.row, outer.column) &&
    !isBefore(outer.endRow, outer.endColumn, inner.endRow, inner.endColumn)
  )
}

function isBefore(row: number, column: number, thanRow: number, thanColumn: number): boolean {
  return row < thanRow || (row === thanRow && column < thanColumn)
}
