import type { Block, Operand, Statement } from './plan.ts'

/** What running some blocks does to locals. */
export type LocalUses = {
  /** Locals that may be read before these blocks set them: what they take from whatever ran before. */
  readonly exposed: ReadonlySet<number>
  /** Locals that they may set or change. */
  readonly written: ReadonlySet<number>
}

/** Finds what blocks that run one after the other read from before, and what they may leave behind. */
export function usesOfLocals(blocks: readonly Block[]): LocalUses {
  const flow: Flow = {
    exposed: new Set(),
    written: new Set(),
    set: new Set(),
    log: [],
    levels: [],
    workLeft: WORK_PER_STATEMENT * (1 + countStatements(blocks)),
  }
  for (const block of blocks) {
    if (!walkBlock(flow, block)) break
  }
  if (flow.workLeft >= 0) return flow
  // Nothing that a compiler writes: all that is read counts as exposed.
  return { exposed: localsRead(blocks), written: flow.written }
}

/** Locals that a statement itself reads, without those of its blocks. What changes a container reads it. */
export function readsOf(statement: Statement): readonly number[] {
  switch (statement.op) {
    case 'return':
    case 'defined':
    case 'undefined':
    case 'scan':
      return [statement.source]
    case 'call':
    case 'call_builtin':
      return localsOf(...statement.operands)
    case 'call_dynamic':
      return [...localsOf(...statement.path), ...statement.arguments]
    case 'dot':
      return localsOf(statement.source, statement.key)
    case 'length':
    case 'is':
    case 'assign':
      return localsOf(statement.source)
    case 'assign_once':
      return [...localsOf(statement.source), statement.target]
    case 'with':
      return [statement.local, ...localsOf(statement.value)]
    case 'equal':
    case 'not_equal':
      return localsOf(statement.a, statement.b)
    case 'append':
      return [statement.array, ...localsOf(statement.value)]
    case 'add':
      return [statement.set, ...localsOf(statement.value)]
    case 'insert':
    case 'insert_once':
      return [statement.object, ...localsOf(statement.key, statement.value)]
    case 'merge':
      return [statement.a, statement.b]
    case 'result':
      return [statement.value]
    default:
      return []
  }
}

/** Locals that a statement itself sets or changes, without those of its blocks and what a `with` restores. */
export function writesOf(statement: Statement): readonly number[] {
  switch (statement.op) {
    case 'scan':
      return [statement.key, statement.value]
    case 'append':
      return [statement.array]
    case 'add':
      return [statement.set]
    case 'insert':
    case 'insert_once':
      return [statement.object]
    default:
      return 'target' in statement ? [statement.target] : []
  }
}

/** Whether a statement may be undefined, and so end its block. One that is not always goes on to the next. */
export function mayBeUndefined(statement: Statement): boolean {
  return !ALWAYS_DEFINED.has(statement.op)
}

const ALWAYS_DEFINED: ReadonlySet<Statement['op']> = new Set<Statement['op']>([
  'blocks',
  'scan',
  'constant',
  'assign',
  'assign_once',
  'reset',
  'make',
  'append',
  'insert',
  'insert_once',
  'add',
  'merge',
  'result',
])

/** An open block: the locals that are set on every way to its end, of those that were set since it began. */
type Level = { readonly start: number; meet: readonly number[] | null; failed: boolean }

type Flow = {
  readonly exposed: Set<number>
  readonly written: Set<number>
  /** Locals that are set for certain, and the order in which they became so. */
  readonly set: Set<number>
  readonly log: number[]
  readonly levels: Level[]
  workLeft: number
}

/** Far above what plans need; a plan made to be slow is given up. */
const WORK_PER_STATEMENT = 200

/** False where nothing after the block runs. */
function walkBlock(flow: Flow, block: Block): boolean {
  flow.levels.push({ start: flow.log.length, meet: null, failed: false })
  if (walkStatements(flow, block)) jump(flow, 0)
  return leave(flow)
}

/** False where the end is never reached. */
function walkStatements(flow: Flow, block: Block): boolean {
  for (const statement of block) {
    if (flow.workLeft < 0) return true
    for (const local of readsOf(statement)) if (!flow.set.has(local)) flow.exposed.add(local)
    if (mayBeUndefined(statement)) fail(flow, statement)
    for (const local of writesOf(statement)) flow.written.add(local)
    if (!walkNested(flow, statement)) return false
    if (statement.op !== 'scan') for (const local of writesOf(statement)) assign(flow, local)
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
    case 'scan':
      walkScan(flow, statement)
      return true
    case 'not':
      // What follows runs only where the block was left before its end.
      flow.levels.push({ start: flow.log.length, meet: null, failed: false })
      walkStatements(flow, statement.block)
      return leave(flow)
    case 'with': {
      // What follows runs only where the block reached its end, with all that it set.
      flow.levels.push({ start: flow.log.length, meet: null, failed: false })
      const reached = walkStatements(flow, statement.block)
      flow.levels.pop()
      return reached
    }
    default:
      return true
  }
}

/** A scan may run its block never: what it sets is not certain behind it. */
function walkScan(
  flow: Flow,
  { key, value, block }: { readonly key: number; readonly value: number; readonly block: Block },
): void {
  const start = flow.log.length
  flow.levels.push({ start, meet: null, failed: false }, { start, meet: null, failed: false })
  assign(flow, key)
  assign(flow, value)
  walkStatements(flow, block)
  flow.levels.length -= 2
  rewind(flow, start)
}

function fail(flow: Flow, statement: Statement): void {
  if (statement.op === 'break') {
    jump(flow, statement.depth)
    return
  }
  if (statement.op === 'return') return
  if (statement.op === 'call_dynamic') jump(flow, DYNAMIC_BREAK)
  // Later on more is set, so the first failure is the one that counts.
  const level = flow.levels.at(-1)
  if (level === undefined || level.failed) return
  level.failed = true
  jump(flow, 0)
}

/** Goes to the end of the block that is `depth` levels out, with what is set now. */
function jump(flow: Flow, depth: number): void {
  const level = flow.levels.at(-1 - depth)
  if (level === undefined) return
  const { meet, start } = level
  flow.workLeft -= 1 + (meet === null ? flow.log.length - start : meet.length)
  if (flow.workLeft < 0) return
  level.meet = meet?.filter((local) => flow.set.has(local)) ?? flow.log.slice(start)
}

/** Closes a block; false where no way leads to its end. */
function leave(flow: Flow): boolean {
  const level = flow.levels.pop()
  if (level === undefined || level.meet === null) return false
  rewind(flow, level.start)
  for (const local of level.meet) assign(flow, local)
  return true
}

function assign({ set, log }: Flow, local: number): void {
  if (set.has(local)) return
  set.add(local)
  log.push(local)
}

function rewind(flow: Flow, length: number): void {
  for (const local of flow.log.splice(length)) flow.set.delete(local)
}

function localsRead(blocks: readonly Block[], read: Set<number> = new Set()): Set<number> {
  for (const block of blocks) {
    for (const statement of block) {
      for (const local of readsOf(statement)) read.add(local)
      localsRead(nestedIn(statement), read)
    }
  }
  return read
}

function countStatements(blocks: readonly Block[]): number {
  let count = 0
  for (const block of blocks) {
    count += block.length
    for (const statement of block) count += countStatements(nestedIn(statement))
  }
  return count
}

/** The blocks of a statement. */
export function nestedIn(statement: Statement): readonly Block[] {
  if ('blocks' in statement) return statement.blocks
  return 'block' in statement ? [statement.block] : NO_BLOCKS
}

const NO_BLOCKS: readonly Block[] = []
const DYNAMIC_BREAK = 3

function localsOf(...operands: readonly Operand[]): number[] {
  const locals: number[] = []
  for (const operand of operands) if ('local' in operand) locals.push(operand.local)
  return locals
}
