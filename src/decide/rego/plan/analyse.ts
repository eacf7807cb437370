import type { Value } from '../values/value.ts'
import { equalValues } from '../values/value.ts'
import { nestedIn, writesOf } from './analyse-locals.ts'
import type { Block, Plan, PlanFunction } from './plan.ts'
import { readTrees } from './read-sets.ts'
import { isRead } from './read-sets-tree.ts'
import { orderOfCalls } from './reader-calls.ts'
import { unitsOf } from './rule-index-units.ts'

/** What is known of a plan before it runs: a fact for each function, in the plan's order. */
export type Analysis = { readonly functions: readonly FunctionFacts[] }

export type FunctionFacts = {
  /** Whether it reads anything of the input or of the documents beside the rules, itself or through others. */
  readonly input: boolean
  readonly data: boolean
  /** Whether it runs something under a `with`, itself or through others. */
  readonly with: boolean
  /**
   * A rule that nothing in the input can change: its value may be kept for the life of the data, but not used under a
   * `with`, which may change the data.
   */
  readonly constant: boolean
  /** A rule that one evaluation may ask for more than once, outside of the same `with`. */
  readonly memo: boolean
  /** Whether it scans, or calls anything but the cheapest built-ins: remembering it by its arguments may pay. */
  readonly heavy: boolean
  /**
   * The one value that all bodies of a complete rule or function give, its default left out: once a body has given it,
   * the others change nothing.
   */
  readonly only: Value | undefined
}

/** Whether what a function gave for an argument is worth keeping for the rest of an evaluation. */
export function recallsCalls({ parameters }: PlanFunction, { heavy }: FunctionFacts): boolean {
  return heavy && parameters.length === 3
}

/** Finds out what may be kept, shared and left out when a plan runs. */
export function analysePlan(plan: Plan): Analysis {
  const trees = readTrees(plan).functions
  const uses = countCalls(plan)
  const reached: Reached[] = plan.functions.map(() => UNREACHED)
  for (const { index, callees } of orderOfCalls(plan.functions)) {
    const own = lookAt(plan.functions[index]?.blocks ?? [])
    const others = callees.map((callee) => reached[callee] ?? UNREACHED)
    reached[index] = {
      heavy: own.heavy || callees.length > 0,
      with: own.with || others.some((other) => other.with),
      changing: own.changing || others.some((other) => other.changing),
    }
  }
  const functions = plan.functions.map((fn, index): FunctionFacts => {
    const { heavy, with: replaces, changing } = reached[index] ?? UNREACHED
    const [input, data] = (trees[index] ?? []).map(isRead)
    const rule = fn.parameters.length === 2
    return {
      input: input === true,
      data: data === true,
      with: replaces,
      constant: rule && input !== true && !replaces && !changing,
      memo: rule && (uses[index] ?? 0) > 1,
      heavy,
      only: onlyValue(fn),
    }
  })
  return { functions }
}

/** What a function or one that it reaches does. */
type Reached = { readonly heavy: boolean; readonly with: boolean; readonly changing: boolean }

const UNREACHED: Reached = { heavy: false, with: false, changing: false }

/** Built-ins whose answer differs from call to call, or that do something. Most are refused when a policy is compiled. */
const CHANGING: ReadonlySet<string> = new Set([
  'http.send',
  'internal.print',
  'net.lookup_ip_addr',
  'opa.runtime',
  'print',
  'rand.intn',
  'time.now_ns',
  'trace',
  'uuid.rfc4122',
])

/** Built-ins that cost less than looking up what they gave before. */
const CHEAP: ReadonlySet<string> = new Set([
  'abs',
  'contains',
  'count',
  'div',
  'endswith',
  'equal',
  'gt',
  'gte',
  'internal.member_2',
  'is_array',
  'is_boolean',
  'is_null',
  'is_number',
  'is_object',
  'is_set',
  'is_string',
  'lt',
  'lte',
  'minus',
  'mul',
  'neq',
  'plus',
  'rem',
  'startswith',
  'type_name',
])

function lookAt(blocks: readonly Block[]): Reached {
  let { heavy, with: replaces, changing } = UNREACHED
  for (const block of blocks) {
    for (const statement of block) {
      if (statement.op === 'scan' || statement.op === 'call_dynamic') heavy = true
      if (statement.op === 'with') replaces = true
      if (statement.op === 'call_builtin') {
        heavy ||= !CHEAP.has(statement.builtin)
        changing ||= CHANGING.has(statement.builtin)
      }
      const inner = lookAt(nestedIn(statement))
      heavy ||= inner.heavy
      replaces ||= inner.with
      changing ||= inner.changing
    }
  }
  return { heavy, with: replaces, changing }
}

/** How often one evaluation may call each function, counting two for many. */
function countCalls({ functions, entrypoints }: Plan): readonly number[] {
  const counts = functions.map(() => 0)
  const count = (blocks: readonly Block[], times: number): void => {
    for (const block of blocks) {
      for (const statement of block) {
        if (statement.op === 'call') addTo(counts, statement.function, times)
        if (statement.op === 'call_dynamic') {
          for (const at of statement.candidates) addTo(counts, at, times)
        }
        count(nestedIn(statement), statement.op === 'scan' ? MANY : times)
      }
    }
  }
  // A rule runs once, if need be by its memo; a function runs for each of its arguments.
  for (const { blocks, parameters } of functions) count(blocks, parameters.length > 2 ? MANY : 1)
  for (const { blocks } of entrypoints.values()) count(blocks, 1)
  return counts
}

const MANY = 2

function addTo(counts: number[], at: number, times: number): void {
  counts[at] = Math.min(MANY, (counts[at] ?? 0) + times)
}

function onlyValue(fn: PlanFunction): Value | undefined {
  let only: Value | undefined
  for (const { first, count } of unitsOf(fn)) {
    const blocks = fn.blocks.slice(first, first + count)
    if (isDefault(fn, blocks)) continue
    const values = valuesOf(sourcesIn(blocks), fn.result)
    if (values === null) return undefined
    for (const value of values) {
      if (only !== undefined && !equalValues(only, value)) return undefined
      only = value
    }
  }
  return only
}

/** Blocks that run only where no others have given a value. */
function isDefault(fn: PlanFunction, [block]: readonly Block[]): boolean {
  const test = block?.[0]
  return test?.op === 'undefined' && test.source === fn.result
}

/** By local: the locals and constants that it takes its value from; null where it is made otherwise. */
type Sources = Map<number, (number | { readonly value: Value })[] | null>

function sourcesIn(blocks: readonly Block[], sources: Sources = new Map()): Sources {
  for (const block of blocks) {
    for (const statement of block) {
      if (statement.op === 'assign' || statement.op === 'assign_once') {
        const { source, target } = statement
        addSource(sources, target, 'local' in source ? source.local : { value: source.constant })
      } else if (statement.op === 'constant') {
        addSource(sources, statement.target, { value: statement.value })
      } else if (statement.op !== 'reset') {
        for (const local of writesOf(statement)) sources.set(local, null)
      }
      sourcesIn(nestedIn(statement), sources)
    }
  }
  return sources
}

function addSource(
  sources: Sources,
  local: number,
  source: number | { readonly value: Value },
): void {
  const known = sources.get(local)
  if (known === undefined) sources.set(local, [source])
  else known?.push(source)
}

/** All values that a local may come to hold; null where one is not known. */
function valuesOf(sources: Sources, local: number): readonly Value[] | null {
  const values: Value[] = []
  const visited = new Set([local])
  for (const at of visited) {
    const found = sources.get(at)
    // The local itself may be left alone; what it takes its value from may not.
    if (found === null || (found === undefined && at !== local)) return null
    for (const source of found ?? []) {
      if (typeof source === 'number') visited.add(source)
      else values.push(source.value)
    }
  }
  return values
}
