import type { JsonObject, JsonValue } from '../../../base/json-value.ts'
import { compareText } from '../../../base/position.ts'
import type { Entrypoint, Plan, PlanFunction, Site } from './plan.ts'
import { checkCalls } from './reader-calls.ts'
import { checkContainers } from './reader-containers.ts'
import type { Trail } from './reader-fields.ts'
import {
  asString,
  field,
  quote,
  readInteger,
  readList,
  readObject,
  readString,
  refuse,
} from './reader-fields.ts'
import { FUNCTIONS_MAX, POSITION_MAX, STATEMENTS_MAX, STRINGS_MAX } from './reader-limits.ts'
import { createPaths } from './reader-paths.ts'
import type { Reader, Tables } from './reader-statements.ts'
import { readBlocks, renumber } from './reader-statements.ts'

export type ReadPlanOptions = {
  /**
   * Whether a rule asks that its built-in errors be undefined; the path is the rule's below `data`, its package's first,
   * and empty for a query. Default: none does.
   */
  readonly lax?: (path: readonly string[]) => boolean
}

/**
 * Reads a plan as OPA 1.22's `v1/ir` writes it in JSON, trusting nothing in it. Locals are numbered anew, without gaps;
 * statements that do nothing are left out.
 *
 * @throws {PolicyError} REGO_PLAN_INVALID, naming function, block and statement; REGO_NUMBER_TOO_LONG
 */
export function readPlan(json: JsonValue, options: ReadPlanOptions = {}): Plan {
  const trail: Trail = []
  const top = readObject(trail, json, TOP)
  const heads = readHeads(trail, top)
  const tables = readTables(trail, top, heads)
  const functions = heads.map((head) => readFunction(tables, trail, head, options))
  const entrypoints = readEntrypoints(tables, trail, top, options)
  checkCalls(functions, entrypoints)
  const builtins = [...tables.called].sort(compareText)
  return { functions, entrypoints, builtins, sites: tables.sites }
}

/** A function before its blocks are read: calls refer to functions that come later. */
type Head = {
  readonly name: string
  readonly path: readonly string[] | null
  readonly parameters: readonly number[]
  readonly result: number
  readonly json: JsonObject
}

function readHeads(trail: Trail, top: JsonObject): readonly Head[] {
  const json = field(top, 'funcs')
  if (json === undefined || json === null) return []
  trail.push('funcs')
  const list = readList(trail, readObject(trail, json, FUNCS), 'funcs', FUNCTIONS_MAX)
  const heads = list.map((member, at) => {
    trail.push(at)
    const head = readHead(trail, member)
    trail.length -= 1
    return head
  })
  checkUnique(
    trail,
    heads.map((head) => head.name),
  )
  checkUnique(
    trail,
    heads.flatMap((head) => (head.path === null ? [] : [JSON.stringify(head.path)])),
  )
  trail.length = 0
  return heads
}

function readHead(trail: Trail, member: JsonValue): Head {
  const json = readObject(trail, member, FUNCTION)
  const name = readString(trail, json, 'name')
  trail.push(quote(name))
  if (name === '') refuse(trail, 'expected a name')
  const path = readList(trail, json, 'path', PATH_MAX).map((part) => asString(trail, part, 'path'))
  const parameters = readList(trail, json, 'params', PARAMETERS_MAX).map((value) =>
    readInteger(trail, { value }, 'value', { min: 0, max: POSITION_MAX }),
  )
  if (parameters.length < 2) refuse(trail, 'expected input and data as parameters')
  if (new Set(parameters).size < parameters.length) refuse(trail, 'expected each parameter once')
  const result = readInteger(trail, json, 'return', { min: 0, max: POSITION_MAX })
  if (parameters.includes(result)) refuse(trail, 'expected no parameter as the result')
  trail.length -= 1
  return { name, path: path.length === 0 ? null : path, parameters, result, json }
}

function checkUnique(trail: Trail, names: readonly string[]): void {
  const seen = new Set<string>()
  for (const name of names) {
    if (seen.has(name)) refuse(trail, `expected each name once, found ${quote(name)} again`)
    seen.add(name)
  }
}

function readTables(trail: Trail, top: JsonObject, heads: readonly Head[]): Tables {
  trail.push('static')
  const json = field(top, 'static')
  const object = json === undefined || json === null ? {} : readObject(trail, json, STATIC)
  const strings = readStrings(trail, object, 'strings')
  const files = readStrings(trail, object, 'files')
  const builtins = readBuiltins(trail, object)
  trail.length = 0
  const functions = new Map(
    heads.map(({ name, parameters }, index) => [name, { index, parameters: parameters.length }]),
  )
  const sites: Site[] = [NOWHERE]
  return {
    strings,
    files,
    functions,
    builtins,
    candidates: createPaths(heads),
    called: new Set(),
    sites,
    siteIndexes: new Map(),
    lastPlace: [],
    lastSite: 0,
    statementsLeft: STATEMENTS_MAX,
  }
}

function readStrings(trail: Trail, object: JsonObject, name: string): readonly string[] {
  return readList(trail, object, name, STRINGS_MAX).map((json) =>
    readString(trail, readObject(trail, json, STRING), 'value'),
  )
}

/** Declared built-ins with the number of their operands. */
function readBuiltins(trail: Trail, object: JsonObject): ReadonlyMap<string, number> {
  const builtins = new Map<string, number>()
  for (const json of readList(trail, object, 'builtin_funcs', FUNCTIONS_MAX)) {
    const builtin = readObject(trail, json, BUILTIN)
    const name = readString(trail, builtin, 'name')
    if (builtins.has(name)) refuse(trail, `expected each built-in once, found ${quote(name)} again`)
    const declaration = readObject(trail, field(builtin, 'decl'), DECLARATION)
    builtins.set(name, readList(trail, declaration, 'args', PARAMETERS_MAX).length)
  }
  return builtins
}

function readFunction(
  tables: Tables,
  trail: Trail,
  { name, path, json, ...head }: Head,
  { lax }: ReadPlanOptions,
): PlanFunction {
  trail.push(quote(name))
  const reader = startReader(tables, trail, head)
  const read = readBlocks(reader, json, { last: true })
  if (read.at(-1)?.at(-1)?.op !== 'return') refuse(trail, 'expected a return at the end')
  const blocks = checkContainers(trail, { blocks: read, result: reader.result })
  trail.length = 0
  return {
    name,
    path,
    parameters: [...reader.parameters],
    result: renumber(reader, head.result),
    blocks,
    locals: reader.locals.size,
    // The first part is the plan's own: functions under a `with` are planned once more as `g1`, `g2`, ...
    lax: path !== null && lax?.(path.slice(1)) === true,
  }
}

function startReader(
  tables: Tables,
  trail: Trail,
  head: { readonly parameters: readonly number[]; readonly result: number | null },
): Reader {
  const locals = new Map<number, number>()
  for (const local of head.parameters) locals.set(local, locals.size)
  const parameters = new Set(locals.values())
  if (head.result !== null) locals.set(head.result, locals.size)
  return {
    tables,
    trail,
    locals,
    parameters,
    result: head.result === null ? null : parameters.size,
    levels: 0,
    levelsOutside: 0,
    nesting: 0,
  }
}

function readEntrypoints(
  tables: Tables,
  trail: Trail,
  top: JsonObject,
  { lax }: ReadPlanOptions,
): ReadonlyMap<string, Entrypoint> {
  const json = field(top, 'plans')
  if (json === undefined || json === null) return new Map()
  trail.push('plans')
  const list = readList(trail, readObject(trail, json, PLANS), 'plans', FUNCTIONS_MAX)
  trail.length = 0
  const entrypoints: [string, Entrypoint][] = []
  for (const [at, member] of list.entries()) {
    trail.push('entry point', at)
    const object = readObject(trail, member, PLAN)
    const name = readString(trail, object, 'name')
    trail.push(quote(name))
    if (name === '') refuse(trail, 'expected a name')
    const reader = startReader(tables, trail, { parameters: [0, 1], result: null })
    const blocks = checkContainers(trail, { blocks: readBlocks(reader, object), result: null })
    trail.length = 0
    entrypoints.push([name, { blocks, locals: reader.locals.size, lax: lax?.([]) === true }])
  }
  checkUnique(
    ['entry points'],
    entrypoints.map(([name]) => name),
  )
  return new Map(entrypoints.sort(([a], [b]) => compareText(a, b)))
}

const PARAMETERS_MAX = 1_000
const PATH_MAX = 1_000

const NOWHERE: Site = { file: '', row: 0, column: 0, endRow: 0, endColumn: 0 }

const TOP: ReadonlySet<string> = new Set(['static', 'plans', 'funcs', 'unplanned_rules'])
const STATIC: ReadonlySet<string> = new Set(['strings', 'builtin_funcs', 'files'])
const STRING: ReadonlySet<string> = new Set(['value'])
const BUILTIN: ReadonlySet<string> = new Set(['name', 'decl'])
const DECLARATION: ReadonlySet<string> = new Set(['type', 'args', 'result', 'variadic'])
const FUNCS: ReadonlySet<string> = new Set(['funcs'])
const FUNCTION: ReadonlySet<string> = new Set(['name', 'params', 'return', 'blocks', 'path'])
const PLANS: ReadonlySet<string> = new Set(['plans'])
const PLAN: ReadonlySet<string> = new Set(['name', 'blocks'])
