import { mayBeUndefined, nestedIn, readsOf, writesOf } from './analyse-locals.ts'
import type { Block, Operand, Statement } from './plan.ts'
import type { Trail } from './reader-fields.ts'
import { refuse } from './reader-fields.ts'

/**
 * Checks that a plan fills only arrays, objects and sets that it made itself, in the same call, and that nothing else
 * holds yet. So no plan can change the input, the data or what a rule gave before, and no value can come to hold itself.
 *
 * Partial objects of partial objects or sets (`p[x] contains y`) take what they fill from the result, where another
 * rule may have put a value of its own. Gives the blocks with `nest` set where that is possible.
 *
 * @throws {PolicyError} REGO_PLAN_INVALID
 */
export function checkContainers(
  trail: Trail,
  { blocks, result }: { readonly blocks: readonly Block[]; readonly result: number | null },
): readonly Block[] {
  const filled = new Set<number>()
  const statements = collectFilled(blocks, filled)
  if (filled.size === 0) return blocks
  const flow: Flow = {
    trail,
    result,
    filled,
    own: new Map(),
    parents: new Map(),
    depths: new Map(),
    levels: [],
    version: 0,
    nestedDepths: new Set(),
    plainDepths: new Set(),
    nesting: new Set(),
    last: NOTHING_PUT,
    workLeft: WORK_PER_STATEMENT * (statements + 1),
  }
  for (const [at, block] of blocks.entries()) {
    trail.push('block', at)
    flow.parents.clear()
    flow.depths.clear()
    if (result !== null) flow.depths.set(result, new Set([0]))
    const reached = walkBlock(flow, block)
    trail.length -= 2
    if (!reached) break
  }
  return flow.nestedDepths.isDisjointFrom(flow.plainDepths) ? blocks : markNesting(flow, blocks)
}

/** A statement that fills a container. */
type Filling = Statement & { readonly op: 'append' | 'add' | 'insert' | 'insert_once' }

type Kind = 'array' | 'object' | 'set' | 'nested'

/** An open block, and what is own on every way to its end. */
type Level = { meet: Map<number, Kind> | null; version: number }

type Flow = {
  readonly trail: Trail
  readonly result: number | null
  /** Locals that are filled somewhere; no others matter. */
  readonly filled: ReadonlySet<number>
  /** Locals that hold, for certain, a container that was made here and that nothing else holds. */
  own: Map<number, Kind>
  /** By local that was taken from another to be filled: all the others. */
  readonly parents: Map<number, Set<number>>
  /** How many names below the result such locals may lie. */
  readonly depths: Map<number, ReadonlySet<number>>
  readonly levels: Level[]
  /** Changes with `own`. */
  version: number
  /** Depths at which containers are taken out to be filled, and at which values are put that are not such. */
  readonly nestedDepths: Set<number>
  readonly plainDepths: Set<number>
  readonly nesting: Set<Statement>
  /** What the statement before put where, if to be filled again: the planner puts some twice. */
  last: { readonly value?: number; readonly container?: number }
  workLeft: number
}

/** Far above what plans need; a plan made to be slow is refused. */
const WORK_PER_STATEMENT = 200
/** Names in the head of one rule. */
const DEPTH_MAX = 64
const DYNAMIC_BREAK = 3
const NOTHING_PUT = {}

function collectFilled(blocks: readonly Block[], filled: Set<number>): number {
  let count = 0
  for (const block of blocks) {
    count += block.length
    for (const statement of block) {
      if (isFilling(statement)) filled.add(containerOf(statement))
      count += collectFilled(nestedIn(statement), filled)
    }
  }
  return count
}

function isFilling(statement: Statement): statement is Filling {
  return Object.hasOwn(FITTING, statement.op)
}

function containerOf(statement: Filling): number {
  switch (statement.op) {
    case 'append':
      return statement.array
    case 'add':
      return statement.set
    default:
      return statement.object
  }
}

/** False where nothing after the block runs. */
function walkBlock(flow: Flow, block: Block): boolean {
  flow.levels.push({ meet: null, version: -1 })
  if (walkStatements(flow, block)) jump(flow, 0)
  return leave(flow)
}

/** False where the end is never reached. */
function walkStatements(flow: Flow, block: Block): boolean {
  for (const statement of block) {
    spend(flow, 1)
    if (statement.op === 'break') jump(flow, statement.depth)
    else if (statement.op === 'call_dynamic') jump(flow, DYNAMIC_BREAK)
    if (mayBeUndefined(statement) && statement.op !== 'break') jump(flow, 0)
    const fills = isFilling(statement)
    if (fills) fill(flow, statement, containerOf(statement))
    else flow.last = NOTHING_PUT
    for (const local of sharedBy(statement)) share(flow, local)
    if (!walkNested(flow, statement)) return false
    if (!fills) write(flow, statement)
  }
  return true
}

/** False where nothing after the statement runs. */
function walkNested(flow: Flow, statement: Statement): boolean {
  switch (statement.op) {
    case 'break':
    case 'return':
      return false
    case 'blocks':
      return statement.blocks.every((block) => walkBlock(flow, block))
    case 'scan': {
      // What one round shares or replaces, the next does not own.
      for (const local of lostIn(flow, statement.block)) lose(flow, local)
      const before = new Map(flow.own)
      spend(flow, before.size)
      flow.levels.push({ meet: null, version: -1 }, { meet: null, version: -1 })
      walkStatements(flow, statement.block)
      flow.levels.length -= 2
      replaceOwn(flow, before)
      return true
    }
    case 'not':
    case 'with': {
      flow.levels.push({ meet: null, version: -1 })
      if (walkStatements(flow, statement.block)) jump(flow, 0)
      const reached = leave(flow)
      // Where the block as a whole is undefined.
      if (reached) jump(flow, 0)
      return reached
    }
    default:
      return true
  }
}

function fill(flow: Flow, statement: Filling, container: number): void {
  const kind = flow.own.get(container)
  if (kind === undefined || !FITTING[statement.op].includes(kind)) {
    refuse(
      flow.trail,
      `expected to fill only what was made here and is not shared (${statement.op})`,
    )
  }
  const depths = flow.depths.get(container)
  if (depths === undefined) return
  const [local] = localsOf(statement.value)
  const own = local !== undefined && flow.own.has(local)
  const again =
    local !== undefined && local === flow.last.value && container === flow.last.container
  const nested = local !== undefined && own && flow.parents.get(local)?.has(container) === true
  flow.last = nested || again ? { value: local, container } : NOTHING_PUT
  if (nested || again) flow.nesting.add(statement)
  else for (const depth of depths) flow.plainDepths.add(depth)
}

const FITTING: Readonly<Record<Filling['op'], readonly Kind[]>> = {
  append: ['array'],
  add: ['set', 'nested'],
  insert: ['object', 'nested'],
  insert_once: ['object', 'nested'],
}

function write(flow: Flow, statement: Statement): void {
  if (statement.op === 'make') {
    if (flow.filled.has(statement.target)) keep(flow, statement.target, statement.type)
    return
  }
  if (statement.op === 'dot' && takeNested(flow, statement)) return
  for (const local of writesOf(statement)) lose(flow, local)
}

/** Takes a container out of one that is own, to fill it. */
function takeNested(flow: Flow, statement: Statement & { readonly op: 'dot' }): boolean {
  const { source, target } = statement
  if (!flow.filled.has(target) || !('local' in source) || !flow.own.has(source.local)) return false
  const above = flow.depths.get(source.local)
  if (above === undefined) return false
  const depths = new Set(flow.depths.get(target))
  for (const depth of above) {
    if (depth >= DEPTH_MAX) return false
    flow.nestedDepths.add(depth)
    depths.add(depth + 1)
  }
  flow.depths.set(target, depths)
  const parents = flow.parents.get(target)
  if (parents === undefined) flow.parents.set(target, new Set([source.local]))
  else parents.add(source.local)
  flow.nesting.add(statement)
  keep(flow, target, 'nested')
  return true
}

/** Locals whose value comes to be held by something else. To be compared, measured or scanned is not that. */
function sharedBy(statement: Statement): readonly number[] {
  switch (statement.op) {
    case 'append':
    case 'add':
      return localsOf(statement.value)
    case 'insert':
    case 'insert_once':
      return [...localsOf(statement.key), ...localsOf(statement.value)]
    case 'dot':
    case 'length':
    case 'is':
    case 'defined':
    case 'undefined':
    case 'equal':
    case 'not_equal':
    case 'scan':
      return []
    default:
      return readsOf(statement)
  }
}

function localsOf(operand: Operand): readonly number[] {
  return 'local' in operand ? [operand.local] : []
}

function keep(flow: Flow, local: number, kind: Kind): void {
  flow.own.set(local, kind)
  flow.version += 1
}

function lose(flow: Flow, local: number): void {
  if (flow.own.delete(local)) flow.version += 1
}

/** What was taken out of a container that something else holds now is held by that too. */
function share(flow: Flow, local: number): void {
  const lost = new Set([local])
  if (flow.parents.size > 0) {
    for (const above of lost) {
      for (const [child, parents] of flow.parents) if (parents.has(above)) lost.add(child)
      spend(flow, flow.parents.size)
    }
  }
  for (const one of lost) lose(flow, one)
}

function lostIn(flow: Flow, block: Block, lost: Set<number> = new Set()): ReadonlySet<number> {
  spend(flow, block.length)
  for (const statement of block) {
    for (const local of sharedBy(statement)) lost.add(local)
    if (!isFilling(statement)) for (const local of writesOf(statement)) lost.add(local)
    for (const inner of nestedIn(statement)) lostIn(flow, inner, lost)
  }
  return lost
}

/** Goes to the end of the block that is `depth` levels out, with what is own now. */
function jump(flow: Flow, depth: number): void {
  const level = flow.levels.at(-1 - depth)
  if (level === undefined || level.version === flow.version) return
  spend(flow, level.meet?.size ?? flow.own.size)
  level.version = flow.version
  if (level.meet === null) {
    level.meet = new Map(flow.own)
    return
  }
  for (const [local, kind] of level.meet) {
    const now = flow.own.get(local)
    if (now === kind) continue
    if (now === undefined || now === 'array' || kind === 'array') level.meet.delete(local)
    else level.meet.set(local, 'nested')
  }
}

/** Closes a block; false where no way leads to its end. */
function leave(flow: Flow): boolean {
  const level = flow.levels.pop()
  if (level === undefined || level.meet === null) return false
  replaceOwn(flow, level.meet)
  return true
}

function replaceOwn(flow: Flow, own: Map<number, Kind>): void {
  flow.own = own
  flow.version += 1
}

function spend(flow: Flow, work: number): void {
  flow.workLeft -= work
  if (flow.workLeft < 0) refuse(flow.trail, 'expected simpler use of arrays, objects and sets')
}

function markNesting(flow: Flow, blocks: readonly Block[]): readonly Block[] {
  return blocks.map((block) =>
    block.map((statement): Statement => {
      const nest = flow.nesting.has(statement)
      if (nest && (statement.op === 'dot' || statement.op === 'insert')) {
        return { ...statement, nest }
      }
      if ('blocks' in statement) {
        return { ...statement, blocks: markNesting(flow, statement.blocks) }
      }
      if (!('block' in statement)) return statement
      return { ...statement, block: markNesting(flow, [statement.block])[0] ?? [] }
    }),
  )
}
