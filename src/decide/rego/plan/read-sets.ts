import { nestedIn, usesOfLocals, writesOf } from './analyse-locals.ts'
import type { Block, Entrypoint, Operand, Plan, PlanFunction, Statement } from './plan.ts'
import type { ReadNode, ReadTree } from './read-sets-tree.ts'
import { addReads, childOf, createTree, markWhole, pathsOf } from './read-sets-tree.ts'
import { orderOfCalls } from './reader-calls.ts'

/**
 * Paths such as `input.action.payload.amount`: each with all that is below it; `*` stands for names that are known only
 * when the policy runs. `data` means the documents beside the rules. Sorted.
 */
export type ReadSet = { readonly input: readonly string[]; readonly data: readonly string[] }

/**
 * What each function reads, itself or through others, by its name in the plan. Nothing that is read is missing; a path
 * may stand there that some inputs do not lead to.
 */
export function readSets(plan: Plan): ReadonlyMap<string, ReadSet> {
  const trees = readTrees(plan)
  return new Map(plan.functions.map(({ name }, at) => [name, setOf(trees.functions[at] ?? [])]))
}

/** The same for entry points, by their path. */
export function readSetsOfEntrypoints(plan: Plan): ReadonlyMap<string, ReadSet> {
  const { entrypoints } = readTrees(plan)
  return new Map([...entrypoints].map(([name, trees]) => [name, setOf(trees)]))
}

/** By function, in the plan's order, and by entry point: what is read of each parameter. */
export type ReadTrees = {
  readonly functions: readonly (readonly ReadTree[])[]
  readonly entrypoints: ReadonlyMap<string, readonly ReadTree[]>
}

export function readTrees(plan: Plan): ReadTrees {
  const functions: (readonly ReadTree[])[] = plan.functions.map(() => [])
  const budget = { workLeft: WORK_MAX }
  for (const { index } of orderOfCalls(plan.functions)) {
    const fn = plan.functions[index]
    if (fn !== undefined) functions[index] = readsOfBlocks(fn, functions, budget)
  }
  const entrypoints = new Map<string, readonly ReadTree[]>()
  for (const [name, { blocks }] of plan.entrypoints) {
    entrypoints.set(name, readsOfBlocks({ blocks, parameters: [0, 1] }, functions, budget))
  }
  return { functions, entrypoints }
}

function setOf([input, data]: readonly ReadTree[]): ReadSet {
  return {
    input: input === undefined ? [] : pathsOf(input, 'input'),
    data: data === undefined ? [] : pathsOf(data, 'data'),
  }
}

/** Places that are copied from a function to its callers, over a whole plan. Beyond, callers read the whole. */
const WORK_MAX = 20_000_000

/** Places that a local may stand for. */
type Nodes = ReadonlySet<ReadNode>

type Scope = {
  readonly outer: Scope | null
  /** What locals stand for now, where it was set in this scope or in one that has ended since. */
  readonly now: Map<number, Nodes>
  /** All that locals were set to in this scope and those within. */
  readonly ever: Map<number, Set<ReadNode>>
  /** For the body of a scan: where it begins and ends, in statements. */
  readonly loop: Range | null
}

type Range = { readonly first: number; readonly last: number }

type Walk = {
  readonly functions: readonly (readonly ReadTree[])[]
  readonly budget: { workLeft: number }
  /** Statements at which a local is set, ascending. */
  readonly settings: ReadonlyMap<number, readonly number[]>
  readonly loops: ReadonlyMap<Statement, Range>
  /** Locals that carry a value from one round of a scan to the next: all that they stand for is read whole. */
  readonly carried: Set<number>
  readonly everywhere: Map<number, Set<ReadNode>>
  scope: Scope
  /** The number of the statement that is looked at. */
  at: number
}

function readsOfBlocks(
  { blocks, parameters }: Pick<PlanFunction, 'parameters'> & Pick<Entrypoint, 'blocks'>,
  functions: Walk['functions'],
  budget: Walk['budget'],
): readonly ReadTree[] {
  const trees = parameters.map(createTree)
  const now = new Map(parameters.map((local, at) => [local, nodesOf(trees[at])]))
  const walk: Walk = {
    functions,
    budget,
    ...placesIn(blocks),
    carried: new Set(),
    everywhere: new Map(),
    scope: { outer: null, now, ever: new Map(), loop: null },
    at: -1,
  }
  // OPA's planner shares nothing between the rules of a function but the result.
  const shared = new Set<number>()
  for (const block of blocks) {
    for (const local of usesOfLocals([block]).exposed) shared.add(local)
  }
  for (const block of blocks) walkBlock(walk, block, { shared })
  return trees
}

function nodesOf(tree: ReadTree | undefined): Nodes {
  return tree === undefined ? NOTHING : new Set([tree.root])
}

const NOTHING: Nodes = new Set()

/** Numbers statements in the order of their text, and notes where locals are set and scans begin and end. */
function placesIn(blocks: readonly Block[]): Pick<Walk, 'settings' | 'loops'> {
  const settings = new Map<number, number[]>()
  const loops = new Map<Statement, Range>()
  let at = 0
  const visit = (block: Block): void => {
    for (const statement of block) {
      const first = at
      at += 1
      for (const local of writesOf(statement)) {
        const places = settings.get(local)
        if (places === undefined) settings.set(local, [first])
        else places.push(first)
      }
      for (const inner of nestedIn(statement)) visit(inner)
      if (statement.op === 'scan') loops.set(statement, { first, last: at })
    }
  }
  for (const block of blocks) visit(block)
  return { settings, loops }
}

function walkBlock(
  walk: Walk,
  block: Block,
  options: {
    readonly loop?: Range | null
    /** Locals that matter once the block has ended. Default: all. */
    readonly shared?: ReadonlySet<number>
    readonly given?: readonly (readonly [number, Nodes])[]
  } = {},
): void {
  const outer = walk.scope
  const now = new Map(options.given)
  const scope: Scope = { outer, now, ever: new Map(), loop: options.loop ?? null }
  walk.scope = scope
  for (const statement of block) {
    walk.at += 1
    walkStatement(walk, statement)
  }
  walk.scope = outer
  for (const [local, nodes] of scope.ever) {
    if (options.shared?.has(local) === false) continue
    // The block may have ended before or after it set the local.
    join(walk, local, nodes)
  }
}

function join(walk: Walk, local: number, nodes: Nodes): void {
  const before = standsFor(walk, local, walk.at + 1)
  walk.scope.now.set(local, joined(before, nodes))
  note(walk.scope.ever, local, nodes)
}

function walkStatement(walk: Walk, statement: Statement): void {
  switch (statement.op) {
    case 'blocks':
      for (const block of statement.blocks) walkBlock(walk, block)
      return
    case 'not':
      walkBlock(walk, statement.block)
      return
    case 'scan': {
      const inner = below(walk, { local: statement.source }, null)
      const given = [
        [statement.key, NOTHING],
        [statement.value, inner],
      ] as const
      noteEverywhere(walk, statement.value, inner)
      for (const [local, nodes] of given) join(walk, local, nodes)
      walkBlock(walk, statement.block, { loop: walk.loops.get(statement) ?? null, given })
      return
    }
    case 'with':
      walkWith(walk, statement)
      return
    case 'dot': {
      const { key } = statement
      if ('local' in key) use(walk, key)
      const name = 'constant' in key && typeof key.constant === 'string' ? key.constant : null
      set(walk, statement.target, below(walk, statement.source, name))
      return
    }
    case 'assign':
      set(walk, statement.target, standFor(walk, statement.source))
      return
    case 'call':
      walkCall(walk, walk.functions[statement.function] ?? [], statement.operands)
      set(walk, statement.target, NOTHING)
      return
    case 'call_dynamic': {
      for (const part of statement.path) use(walk, part)
      const operands = statement.arguments.map((local) => ({ local }))
      for (const at of statement.candidates) walkCall(walk, walk.functions[at] ?? [], operands)
      set(walk, statement.target, NOTHING)
      return
    }
    default:
      // Whatever else looks at a value may look at all of it.
      for (const operand of operandsOf(statement)) use(walk, operand)
      if ('target' in statement) set(walk, statement.target, NOTHING)
  }
}

function walkWith(walk: Walk, statement: Statement & { readonly op: 'with' }): void {
  const { local, path, value, block } = statement
  if (path.length > 0) {
    // The rest of the document stays what it was.
    use(walk, value)
    walkBlock(walk, block)
    return
  }
  walkBlock(walk, block, { given: [[local, standFor(walk, value)]] })
}

/** What the function reads of its parameters is read of what it is given. */
function walkCall(walk: Walk, trees: readonly ReadTree[], operands: readonly Operand[]): void {
  for (const [at, operand] of operands.entries()) {
    const tree = trees[at]
    if (tree === undefined) continue
    for (const node of standFor(walk, operand)) {
      if (walk.budget.workLeft > 0) walk.budget.workLeft -= addReads(node, tree.root)
      else markWhole(node)
    }
  }
}

function operandsOf(statement: Statement): readonly Operand[] {
  switch (statement.op) {
    case 'return':
    case 'defined':
    case 'undefined':
      return [{ local: statement.source }]
    case 'call_builtin':
      return statement.operands
    case 'length':
    case 'is':
    case 'assign_once':
      return [statement.source]
    case 'equal':
    case 'not_equal':
      return [statement.a, statement.b]
    case 'append':
    case 'add':
      return [statement.value]
    case 'insert':
    case 'insert_once':
      return [statement.key, statement.value]
    case 'merge':
      return [{ local: statement.a }, { local: statement.b }]
    case 'result':
      return [{ local: statement.value }]
    default:
      return []
  }
}

function use(walk: Walk, operand: Operand): void {
  for (const node of standFor(walk, operand)) markWhole(node)
}

function below(walk: Walk, source: Operand, name: string | null): Nodes {
  const nodes = standFor(walk, source)
  if (nodes.size === 0) return NOTHING
  return new Set([...nodes].map((node) => childOf(node, name)))
}

function set(walk: Walk, local: number, nodes: Nodes): void {
  walk.scope.now.set(local, nodes)
  note(walk.scope.ever, local, nodes)
  noteEverywhere(walk, local, nodes)
}

function noteEverywhere(walk: Walk, local: number, nodes: Nodes): void {
  if (nodes.size === 0) return
  note(walk.everywhere, local, nodes)
  if (walk.carried.has(local)) for (const node of nodes) markWhole(node)
}

function standFor(walk: Walk, operand: Operand): Nodes {
  return 'local' in operand ? standsFor(walk, operand.local) : NOTHING
}

/** `from` is the first statement that has not set anything yet. */
function standsFor(walk: Walk, local: number, from = walk.at): Nodes {
  let carried = false
  let found: Nodes = NOTHING
  for (let scope: Scope | null = walk.scope; scope !== null; scope = scope.outer) {
    const nodes = scope.now.get(local)
    if (nodes !== undefined) {
      found = nodes
      break
    }
    const { loop } = scope
    if (loop !== null && isSetWithin(walk, local, { first: from, last: loop.last })) carried = true
  }
  if (carried) carry(walk, local)
  return found
}

/** A value that may come from an earlier round of a scan: which it is, nobody follows. */
function carry({ carried, everywhere }: Walk, local: number): void {
  if (carried.has(local)) return
  carried.add(local)
  for (const node of everywhere.get(local) ?? []) markWhole(node)
}

function isSetWithin({ settings }: Walk, local: number, { first, last }: Range): boolean {
  const places = settings.get(local) ?? []
  let [low, high] = [0, places.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((places[middle] ?? 0) < first) low = middle + 1
    else high = middle
  }
  return (places[low] ?? last) < last
}

function note(to: Map<number, Set<ReadNode>>, local: number, nodes: Nodes): void {
  const known = to.get(local)
  if (known === undefined) to.set(local, new Set(nodes))
  else for (const node of nodes) known.add(node)
}

function joined(a: Nodes, b: Nodes): Nodes {
  if (a.size === 0) return b
  return b.isSubsetOf(a) ? a : a.union(b)
}
