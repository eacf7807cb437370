import type { JsonObject, JsonValue } from '../../../base/json-value.ts'
import { parseNumber } from '../values/number.ts'
import type { Block, Operand, Site, Statement, StatementBody } from './plan.ts'
import type { Trail } from './reader-fields.ts'
import {
  field,
  isJsonObject,
  quote,
  readInteger,
  readList,
  readObject,
  readString,
  refuse,
} from './reader-fields.ts'
import { LOCALS_MAX, NESTING_MAX, POSITION_MAX, STATEMENTS_MAX } from './reader-limits.ts'

/** What all statements of a plan refer to. */
export type Tables = {
  readonly strings: readonly string[]
  readonly files: readonly string[]
  /** By name: the index and how many parameters there are. */
  readonly functions: ReadonlyMap<string, { readonly index: number; readonly parameters: number }>
  /** By name: how many operands a declared built-in takes. */
  readonly builtins: ReadonlyMap<string, number>
  /** Functions whose path the parts may name, `null` standing for any one part; ascending. */
  readonly candidates: (
    path: readonly (string | null)[],
    parameters: number,
    trail: Trail,
  ) => readonly number[]
  readonly called: Set<string>
  readonly sites: Site[]
  readonly siteIndexes: Map<string, number>
  /** The place of the statement before: most share one with it. */
  lastPlace: readonly number[]
  lastSite: number
  statementsLeft: number
}

/** One function or entry point while it is read. */
export type Reader = {
  readonly tables: Tables
  readonly trail: Trail
  /** From the plan's numbers to ours, which follow the order of appearance and leave no gaps. */
  readonly locals: Map<number, number>
  /** Our numbers of the parameters, which no statement may set. */
  readonly parameters: ReadonlySet<number>
  /** Where a return stands: `null` for an entry point. */
  readonly result: number | null
  /** Blocks that are open, as breaks count them. */
  levels: number
  /** Those of them that lie outside of the innermost `with`. */
  levelsOutside: number
  nesting: number
}

export function readBlocks(
  reader: Reader,
  object: JsonObject,
  options: { readonly last?: boolean } = {},
): readonly Block[] {
  const { trail } = reader
  const list = readList(trail, object, 'blocks', STATEMENTS_MAX)
  return list.map((json, at) => {
    trail.push('block', at)
    const last = options.last === true && at === list.length - 1
    const block = readBlock(reader, json, { levels: 1, last })
    trail.length -= 2
    return block
  })
}

/** Takes a local's number to ours. */
export function readLocal(reader: Reader, object: JsonObject, name: string): number {
  return renumber(reader, readInteger(reader.trail, object, name, LOCAL))
}

export function renumber({ locals, trail }: Reader, local: number): number {
  const known = locals.get(local)
  if (known !== undefined) return known
  if (locals.size >= LOCALS_MAX) refuse(trail, `expected at most ${LOCALS_MAX} locals`)
  locals.set(local, locals.size)
  return locals.size - 1
}

/** A block that counts as so many `levels` for a break inside of it. Only the `last` of a function may return. */
function readBlock(
  reader: Reader,
  json: JsonValue | undefined,
  { levels, last = false }: { readonly levels: number; readonly last?: boolean },
): Block {
  const { trail } = reader
  const list = readList(trail, readObject(trail, json, BLOCK), 'stmts', STATEMENTS_MAX)
  spend(reader, list.length + 1)
  if (reader.nesting >= NESTING_MAX) refuse(trail, `expected at most ${NESTING_MAX} nested blocks`)
  reader.nesting += 1
  reader.levels += levels
  const block: Statement[] = []
  for (const [at, statement] of list.entries()) {
    trail.push('statement', at)
    const read = readStatement(reader, statement, last && at === list.length - 1)
    if (read !== null) block.push(read)
    trail.length -= 2
  }
  reader.levels -= levels
  reader.nesting -= 1
  return block
}

function spend({ tables, trail }: Reader, statements: number): void {
  tables.statementsLeft -= statements
  if (tables.statementsLeft < 0) refuse(trail, `expected at most ${STATEMENTS_MAX} statements`)
}

/** Null for a statement that does nothing. */
function readStatement(reader: Reader, json: JsonValue, last: boolean): Statement | null {
  const { trail } = reader
  const typed = readObject(trail, json, TYPED)
  const type = readString(trail, typed, 'type')
  const form = FORMS.get(type)
  if (form === undefined) return refuse(trail, `expected a known type, found ${quote(type)}`)
  const object = readObject(trail, field(typed, 'stmt'), form.fields)
  const site = readSite(reader, object)
  const body = form.read(reader, object)
  if (body === null) return null
  // A statement after the return would never run, and a return from within would skip what scans and `with` restore.
  if (body.op === 'return' && !last) refuse(trail, 'expected a return at the very end only')
  return { ...body, site }
}

function readSite({ tables, trail }: Reader, object: JsonObject): number {
  const row = readInteger(trail, object, 'row', POSITION)
  const column = readInteger(trail, object, 'col', POSITION)
  const endRow = readOptional(trail, object, 'end_row')
  const endColumn = readOptional(trail, object, 'end_col')
  const file = readInteger(trail, object, 'file', POSITION)
  if (row === 0) return 0
  const place = [file, row, column, endRow, endColumn]
  if (!place.every((part, at) => part === tables.lastPlace[at])) {
    tables.lastPlace = place
    tables.lastSite = siteAt(tables, trail, { file, row, column, endRow, endColumn })
  }
  return tables.lastSite
}

function siteAt(
  tables: Tables,
  trail: Trail,
  { file, ...place }: Omit<Site, 'file'> & { readonly file: number },
): number {
  const name = tables.files[file]
  if (name === undefined) return refuse(trail, `expected a file, found number ${file}`)
  const key = [file, ...Object.values(place)].join()
  const known = tables.siteIndexes.get(key)
  if (known !== undefined) return known
  tables.siteIndexes.set(key, tables.sites.length)
  return tables.sites.push({ file: name, ...place }) - 1
}

/** Plans of older compilers have no ends. */
function readOptional(trail: Trail, object: JsonObject, name: string): number {
  return field(object, name) === undefined ? 0 : readInteger(trail, object, name, POSITION)
}

function readOperand(reader: Reader, object: JsonObject, name: string): Operand {
  return asOperand(reader, field(object, name), name)
}

function asOperand(reader: Reader, json: JsonValue | undefined, name: string): Operand {
  const { trail } = reader
  if (!isJsonObject(json)) return refuse(trail, `expected an operand as ${quote(name)}`)
  readObject(trail, json, OPERAND)
  const type = readString(trail, json, 'type')
  switch (type) {
    case 'local':
      return { local: readLocal(reader, json, 'value') }
    case 'string_index':
      return { constant: readConstant(reader, json, 'value') }
    case 'bool': {
      const value = field(json, 'value')
      if (typeof value !== 'boolean') return refuse(trail, 'expected true or false as "value"')
      return { constant: value }
    }
    default:
      return refuse(trail, `expected an operand's type, found ${quote(type)}`)
  }
}

function readOperands(reader: Reader, object: JsonObject, name: string): readonly Operand[] {
  const list = readList(reader.trail, object, name, OPERANDS_MAX)
  return list.map((json) => asOperand(reader, json, name))
}

/** A local that the statement sets or changes. */
function readTarget(reader: Reader, object: JsonObject, name = 'target'): number {
  const target = readLocal(reader, object, name)
  if (reader.parameters.has(target)) refuse(reader.trail, 'expected no parameter as the target')
  return target
}

/** A constant string by its index. */
function readConstant({ tables, trail }: Reader, object: JsonObject, name: string): string {
  const index = readInteger(trail, object, name, POSITION)
  const text = tables.strings[index]
  return text === undefined ? refuse(trail, `expected a string, found number ${index}`) : text
}

function readNested(reader: Reader, object: JsonObject, levels: number): Block {
  const { trail } = reader
  trail.push('block')
  const block = readBlock(reader, field(object, 'block'), { levels })
  trail.length -= 1
  return block
}

function readCall(reader: Reader, object: JsonObject): StatementBody {
  const { tables, trail } = reader
  const name = readString(trail, object, 'func')
  const operands = readOperands(reader, object, 'args')
  const target = readTarget(reader, object, 'result')
  const known = tables.functions.get(name)
  const expected = known === undefined ? tables.builtins.get(name) : known.parameters
  if (expected === undefined) {
    return refuse(trail, `expected a function or a declared built-in, found ${quote(name)}`)
  }
  if (operands.length !== expected) {
    refuse(trail, `expected ${expected} arguments of ${quote(name)}, found ${operands.length}`)
  }
  if (known !== undefined) return { op: 'call', function: known.index, operands, target }
  tables.called.add(name)
  return { op: 'call_builtin', builtin: name, operands, target }
}

function readDynamicCall(reader: Reader, object: JsonObject): StatementBody {
  const { tables, trail } = reader
  const path = readOperands(reader, object, 'path')
  const locals = readList(trail, object, 'args', OPERANDS_MAX)
  const values = locals.map((value) => readLocal(reader, { value }, 'value'))
  if (path.length === 0) refuse(trail, 'expected a path')
  if (values.length !== 2) refuse(trail, 'expected input and data as arguments')
  // Where the function is undefined, so is the fourth block out.
  checkBreak(reader, DYNAMIC_BREAK)
  const parts: (string | null)[] = []
  for (const part of path) {
    if ('local' in part) parts.push(null)
    else if (typeof part.constant === 'string') parts.push(part.constant)
    else refuse(trail, 'expected strings in the path')
  }
  const candidates = tables.candidates(parts, values.length, trail)
  const target = readTarget(reader, object, 'result')
  return { op: 'call_dynamic', path, candidates, arguments: values, target }
}

/**
 * `not { ... }` notes in a local that its body held, and tests that last. OPA's planner forgets to clear the local, so
 * that within a scan it would still hold what an earlier round noted.
 */
function startFresh(block: Block, { parameters }: Reader): Block {
  const last = block.at(-1)
  if (last?.op !== 'defined' || parameters.has(last.source)) return block
  return [{ op: 'reset', target: last.source, site: last.site }, ...block]
}

function readBreak(reader: Reader, object: JsonObject): StatementBody {
  const depth = readInteger(reader.trail, object, 'index', POSITION)
  checkBreak(reader, depth)
  return { op: 'break', depth }
}

/** A break stays within its function, and within its `with`, which has something to restore. */
function checkBreak({ levels, levelsOutside, trail }: Reader, depth: number): void {
  const open = levels - levelsOutside
  if (depth >= open) refuse(trail, `expected a break within ${open} blocks, found depth ${depth}`)
}

function readWith(reader: Reader, object: JsonObject): StatementBody {
  const { trail } = reader
  const local = readLocal(reader, object, 'local')
  if (local > 1) refuse(trail, 'expected input or data as "local"')
  const path = readList(trail, object, 'path', NESTING_MAX).map((value) =>
    readConstant(reader, { value }, 'value'),
  )
  const value = readOperand(reader, object, 'value')
  const outside = reader.levelsOutside
  reader.levelsOutside = reader.levels
  const block = readNested(reader, object, 1)
  reader.levelsOutside = outside
  return { op: 'with', local, path, value, block }
}

function readReturn(reader: Reader, object: JsonObject): StatementBody {
  const source = readLocal(reader, object, 'source')
  if (source !== reader.result) refuse(reader.trail, 'expected the return of the result')
  return { op: 'return', source }
}

function readResult(reader: Reader, object: JsonObject): StatementBody {
  const value = readLocal(reader, object, 'value')
  if (reader.result !== null) refuse(reader.trail, 'expected results in entry points only')
  return { op: 'result', value }
}

function readNumberText(reader: Reader, object: JsonObject): StatementBody {
  const { trail } = reader
  // The compiler writes both.
  const names = ['index', 'Index'].filter((name) => field(object, name) !== undefined)
  const texts = names.map((name) => readConstant(reader, object, name))
  const text = texts[0]
  if (text === undefined) return refuse(trail, 'expected a number\'s "index"')
  if (texts.some((other) => other !== text)) refuse(trail, 'expected one "index"')
  const value = parseNumber(text)
  if (value === undefined) return refuse(trail, `expected a number, found ${quote(text)}`)
  return { op: 'constant', value, target: readTarget(reader, object) }
}

function readNumber(reader: Reader, object: JsonObject): StatementBody {
  const value = readInteger(reader.trail, object, 'value', SAFE)
  return { op: 'constant', value, target: readTarget(reader, object) }
}

function readMake(type: 'array' | 'object' | 'set') {
  return (reader: Reader, object: JsonObject): StatementBody => {
    // A capacity is advice to an allocator, and nothing that a plan may ask for.
    if (type === 'array') readInteger(reader.trail, object, 'capacity', POSITION)
    return { op: 'make', type, target: readTarget(reader, object) }
  }
}

function readComparison(op: 'equal' | 'not_equal') {
  return (reader: Reader, object: JsonObject): StatementBody => ({
    op,
    a: readOperand(reader, object, 'a'),
    b: readOperand(reader, object, 'b'),
  })
}

function readType(type: 'array' | 'object' | 'set') {
  return (reader: Reader, object: JsonObject): StatementBody => ({
    op: 'is',
    type,
    source: readOperand(reader, object, 'source'),
  })
}

function readAssignment(op: 'assign' | 'assign_once') {
  return (reader: Reader, object: JsonObject): StatementBody => ({
    op,
    source: readOperand(reader, object, 'source'),
    target: readTarget(reader, object),
  })
}

function readTest(op: 'defined' | 'undefined') {
  return (reader: Reader, object: JsonObject): StatementBody => ({
    op,
    source: readLocal(reader, object, 'source'),
  })
}

function readInsertion(op: 'insert' | 'insert_once') {
  return (reader: Reader, object: JsonObject): StatementBody => ({
    op,
    object: readTarget(reader, object, 'object'),
    key: readOperand(reader, object, 'key'),
    value: readOperand(reader, object, 'value'),
  })
}

type Form = {
  readonly fields: ReadonlySet<string>
  readonly read: (reader: Reader, object: JsonObject) => StatementBody | null
}

const OPERANDS_MAX = 1_000
const LOCAL = { min: 0, max: POSITION_MAX }
const POSITION = { min: 0, max: POSITION_MAX }
const SAFE = { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }
const DYNAMIC_BREAK = 3
const SCAN_LEVELS = 2

const BLOCK: ReadonlySet<string> = new Set(['stmts'])
const TYPED: ReadonlySet<string> = new Set(['type', 'stmt'])
const OPERAND: ReadonlySet<string> = new Set(['type', 'value'])
const PLACE = ['file', 'row', 'col', 'end_row', 'end_col']

const FORMS: ReadonlyMap<string, Form> = new Map<string, Form>([
  ['ReturnLocalStmt', form(['source'], readReturn)],
  ['CallStmt', form(['func', 'args', 'result'], readCall)],
  ['CallDynamicStmt', form(['args', 'result', 'path'], readDynamicCall)],
  ['BlockStmt', form(['blocks'], (r, o) => ({ op: 'blocks', blocks: readBlocks(r, o) }))],
  ['BreakStmt', form(['index'], readBreak)],
  [
    'DotStmt',
    form(['source', 'key', 'target'], (reader, object) => ({
      op: 'dot',
      source: readOperand(reader, object, 'source'),
      key: readOperand(reader, object, 'key'),
      target: readTarget(reader, object),
    })),
  ],
  [
    'LenStmt',
    form(['source', 'target'], (reader, object) => ({
      op: 'length',
      source: readOperand(reader, object, 'source'),
      target: readTarget(reader, object),
    })),
  ],
  [
    'ScanStmt',
    form(['source', 'key', 'value', 'block'], (reader, object) => ({
      op: 'scan',
      source: readLocal(reader, object, 'source'),
      key: readTarget(reader, object, 'key'),
      value: readTarget(reader, object, 'value'),
      block: readNested(reader, object, SCAN_LEVELS),
    })),
  ],
  [
    'NotStmt',
    form(['block'], (r, o) => ({ op: 'not', block: startFresh(readNested(r, o, 1), r) })),
  ],
  ['WithStmt', form(['local', 'path', 'value', 'block'], readWith)],
  ['AssignIntStmt', form(['value', 'target'], readNumber)],
  ['MakeNumberIntStmt', form(['value', 'target'], readNumber)],
  ['MakeNumberRefStmt', form(['index', 'Index', 'target'], readNumberText)],
  [
    'MakeNullStmt',
    form(['target'], (r, o) => ({ op: 'constant', value: null, target: readTarget(r, o) })),
  ],
  ['AssignVarStmt', form(['source', 'target'], readAssignment('assign'))],
  ['AssignVarOnceStmt', form(['source', 'target'], readAssignment('assign_once'))],
  ['ResetLocalStmt', form(['target'], (r, o) => ({ op: 'reset', target: readTarget(r, o) }))],
  ['MakeArrayStmt', form(['capacity', 'target'], readMake('array'))],
  ['MakeObjectStmt', form(['target'], readMake('object'))],
  ['MakeSetStmt', form(['target'], readMake('set'))],
  ['EqualStmt', form(['a', 'b'], readComparison('equal'))],
  ['NotEqualStmt', form(['a', 'b'], readComparison('not_equal'))],
  ['IsArrayStmt', form(['source'], readType('array'))],
  ['IsObjectStmt', form(['source'], readType('object'))],
  ['IsSetStmt', form(['source'], readType('set'))],
  ['IsDefinedStmt', form(['source'], readTest('defined'))],
  ['IsUndefinedStmt', form(['source'], readTest('undefined'))],
  [
    'ArrayAppendStmt',
    form(['value', 'array'], (reader, object) => ({
      op: 'append',
      array: readTarget(reader, object, 'array'),
      value: readOperand(reader, object, 'value'),
    })),
  ],
  ['ObjectInsertStmt', form(['key', 'value', 'object'], readInsertion('insert'))],
  ['ObjectInsertOnceStmt', form(['key', 'value', 'object'], readInsertion('insert_once'))],
  [
    'ObjectMergeStmt',
    form(['a', 'b', 'target'], (reader, object) => ({
      op: 'merge',
      a: readLocal(reader, object, 'a'),
      b: readLocal(reader, object, 'b'),
      target: readTarget(reader, object),
    })),
  ],
  [
    'SetAddStmt',
    form(['value', 'set'], (reader, object) => ({
      op: 'add',
      set: readTarget(reader, object, 'set'),
      value: readOperand(reader, object, 'value'),
    })),
  ],
  ['NopStmt', form([], () => null)],
  ['ResultSetAddStmt', form(['value'], readResult)],
])

function form(fields: readonly string[], read: Form['read']): Form {
  return { fields: new Set([...fields, ...PLACE]), read }
}
