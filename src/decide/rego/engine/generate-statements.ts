import { PolicyError } from '../../../base/errors.ts'
import { nestedIn, writesOf } from '../plan/analyse-locals.ts'
import type { Block, Operand, Statement } from '../plan/plan.ts'
import type { Value } from '../values/value.ts'
import type { Shared } from './generate.ts'

/** Where the statements of one function are written. */
export type Writer = {
  readonly shared: Shared
  readonly lax: boolean
  /** The local that holds the data. */
  readonly data: number
  /** The name of a local, which is declared with the rest. */
  local(index: number): string
  label(again?: boolean): Label
  temporary(): string
  declarations(): string
}

/** A block that can be left, or with `again` a loop whose next turn can be taken. */
export type Label = { readonly name: string; readonly again: boolean; used: boolean }

/**
 * One block as text. Its own label is the first of those a break counts.
 *
 * @param labels - of the blocks around, innermost first
 */
export function writeBlock(writer: Writer, block: Block, labels: readonly Label[]): string {
  const label = writer.label()
  return labelled(label, writeStatements(writer, block, [label, ...labels]))
}

type Labels = readonly Label[]

type Of<Op extends Statement['op']> = Extract<Statement, { op: Op }>

function writeStatements(writer: Writer, block: Block, labels: Labels): string {
  let text = ''
  // What locals hold of the data, as far as the statements just before tell.
  const paths = new Map<number, readonly string[]>([[writer.data, []]])
  for (const statement of block) {
    const path = statement.op === 'dot' ? pathOf(statement, paths) : undefined
    for (const local of writesWithin(statement)) paths.delete(local)
    if (statement.op !== 'dot' || path === undefined) {
      text += writeStatement(writer, statement, labels)
      continue
    }
    paths.set(statement.target, path)
    const target = writer.local(statement.target)
    const document = `documents[${writer.shared.documents.add(path)}]`
    const found = `e.overridden===0?${document}:${writeLookUp(writer, statement)}`
    text += `if((${target}=${found})===undefined)${jump(labels)}\n`
  }
  return text
}

/** The path below data that a `dot` with a constant name reads. */
function pathOf(
  { source, key, nest }: Of<'dot'>,
  paths: ReadonlyMap<number, readonly string[]>,
): readonly string[] | undefined {
  const from = 'local' in source ? paths.get(source.local) : undefined
  const name = 'constant' in key ? key.constant : undefined
  return from === undefined || typeof name !== 'string' || nest ? undefined : [...from, name]
}

function writesWithin(statement: Statement): readonly number[] {
  return [
    ...writesOf(statement),
    ...nestedIn(statement).flatMap((block) => block.flatMap(writesWithin)),
  ]
}

function labelled(label: Label, body: string): string {
  return label.used ? `${label.name}:{${body}}\n` : body
}

/** Leaves a block, or takes a loop's next turn. */
function jump(labels: Labels, depth = 0): string {
  const label = labels[depth]
  if (label === undefined) {
    throw new PolicyError('REGO_PLAN_INVALID', 'a break leaves more blocks than there are')
  }
  label.used = true
  return `${label.again ? 'continue' : 'break'} ${label.name};`
}

function writeStatement(writer: Writer, statement: Statement, labels: Labels): string {
  switch (statement.op) {
    case 'call':
    case 'call_builtin':
    case 'call_dynamic':
      return writeCall(writer, statement, labels)
    case 'blocks':
      return statement.blocks.map((block) => writeBlock(writer, block, labels)).join('')
    case 'scan':
      return writeScan(writer, statement, labels)
    case 'not':
      return writeNot(writer, statement, labels)
    case 'with':
      return writeWith(writer, statement, labels)
    case 'dot':
    case 'equal':
    case 'not_equal':
    case 'is':
    case 'defined':
    case 'undefined':
      return writeCondition(writer, statement, labels)
    case 'return':
      return `return ${writer.local(statement.source)};`
    case 'break':
      return jump(labels, statement.depth)
    default:
      return writeAssignment(writer, statement)
  }
}

function writeCall(
  writer: Writer,
  statement: Of<'call' | 'call_builtin' | 'call_dynamic'>,
  labels: Labels,
): string {
  const target = writer.local(statement.target)
  if (statement.op === 'call') {
    const operands = statement.operands.map((one) => operand(writer, one)).join(',')
    const call = `f${statement.function}(e,${operands})`
    return `if((${target}=${call})===undefined)${jump(labels)}\n`
  }
  if (statement.op === 'call_builtin') {
    return `if((${target}=${writeBuiltin(writer, statement)})===undefined)${jump(labels)}\n`
  }
  // As OPA's compiler has it: no such rule ends this block, an undefined rule three blocks further out.
  const path = statement.path.map((one) => operand(writer, one)).join(',')
  const found = writer.temporary()
  const table = writer.shared.tables.push(statement.candidates) - 1
  const [input, data] = statement.arguments.map((local) => writer.local(local))
  return (
    `if((${found}=dynamic(e,d${table},[${path}],${statement.site}))===undefined)${jump(labels)}` +
    `if((${target}=${found}(e,${input},${data}))===undefined)${jump(labels, 3)}\n`
  )
}

const COMPARISONS: ReadonlyMap<string, string> = new Map([
  ['gt', '>'],
  ['gte', '>='],
  ['lt', '<'],
  ['lte', '<='],
])

function writeBuiltin(writer: Writer, statement: Of<'call_builtin'>): string {
  const operands = statement.operands.map((one) => operand(writer, one))
  const { builtins } = writer.shared
  const use = { name: statement.builtin, arity: operands.length, lax: writer.lax }
  const key = JSON.stringify(use)
  const index = builtins.get(key)?.index ?? builtins.size
  builtins.set(key, { ...use, index })
  const call = `(e.site=${statement.site},b${index}(${['e', ...operands].join(',')}))`
  const sign = COMPARISONS.get(statement.builtin)
  if (sign === undefined) return call
  const [a, b] = operands
  // Two doubles compare as they are, at no charge, which is what the built-in gives and costs.
  return `(typeof ${a}==="number"&&typeof ${b}==="number"?${a}${sign}${b}:${call})`
}

function writeScan(writer: Writer, statement: Of<'scan'>, labels: Labels): string {
  const turn = writer.label(true)
  // One label serves both: `continue` takes the next turn, `break` leaves the loop.
  const loop = { name: turn.name, again: false, used: false }
  const [keys, values] = [writer.temporary(), writer.temporary()]
  const at = `i${turn.name}`
  const source = writer.local(statement.source)
  const body = writeStatements(writer, statement.block, [turn, loop, ...labels])
  const label = turn.used || loop.used ? `${turn.name}:` : ''
  return (
    `e.site=${statement.site};${keys}=scanKeys(e,${source});${values}=scanValues(${source},${keys});\n` +
    `${label}for(let ${at}=0;${at}<${values}.length;${at}++){` +
    `if(--e.steps<0)throw e.exhausted(${statement.site});` +
    `${writer.local(statement.key)}=${keys}===null?${at}:${keys}[${at}];` +
    `${writer.local(statement.value)}=${values}[${at}];\n${body}}\n`
  )
}

function writeNot(writer: Writer, statement: Of<'not'>, labels: Labels): string {
  const label = writer.label()
  const body = writeStatements(writer, statement.block, [label, ...labels])
  return `${label.name}:{${body}${jump(labels)}}\n`
}

function writeWith(writer: Writer, statement: Of<'with'>, labels: Labels): string {
  const label = writer.label()
  const [before, saved, holds] = [writer.temporary(), writer.temporary(), writer.temporary()]
  const local = writer.local(statement.local)
  const value = operand(writer, statement.value)
  const path = JSON.stringify(statement.path)
  const replaced = statement.path.length === 0 ? value : `replaceAt(e,${local},${path},${value})`
  const body = writeStatements(writer, statement.block, [label, ...labels])
  return (
    `e.site=${statement.site};${before}=${local};${saved}=override(e);${holds}=false;` +
    `try{${local}=${replaced};${labelled(label, `${body}${holds}=true;`)}}` +
    `finally{${local}=${before};restore(e,${saved})}` +
    `if(!${holds})${jump(labels)}\n`
  )
}

function writeCondition(
  writer: Writer,
  statement: Of<'dot' | 'equal' | 'not_equal' | 'is' | 'defined' | 'undefined'>,
  labels: Labels,
): string {
  const fail = jump(labels)
  switch (statement.op) {
    case 'dot': {
      const target = writer.local(statement.target)
      return `if((${target}=${writeLookUp(writer, statement)})===undefined)${fail}\n`
    }
    case 'equal':
      return `if(!${writeEqual(writer, statement)})${fail}\n`
    case 'not_equal':
      return `if(${writeEqual(writer, statement)})${fail}\n`
    case 'is':
      return `if(!is_${statement.type}(${operand(writer, statement.source)}))${fail}\n`
    case 'defined':
      return `if(${writer.local(statement.source)}===undefined)${fail}\n`
    case 'undefined':
      return `if(${writer.local(statement.source)}!==undefined)${fail}\n`
  }
}

function writeLookUp(writer: Writer, { source, key, nest, site }: Of<'dot'>): string {
  const from = operand(writer, source)
  if (nest) return `lookUpNest(e,${from},${operand(writer, key)},${site})`
  if (!('constant' in key)) return `(e.site=${site},lookUp(e,${from},${operand(writer, key)}))`
  return typeof key.constant === 'string'
    ? `lookUpName(${from},${JSON.stringify(key.constant)})`
    : `lookUp(e,${from},${key.constant})`
}

function writeEqual(writer: Writer, { a, b, site }: Of<'equal' | 'not_equal'>): string {
  const [left, right] = [operand(writer, a), operand(writer, b)]
  // A constant is a string or a boolean, which JavaScript compares as Rego does.
  if ('constant' in a || 'constant' in b) return `(${left}===${right})`
  return `(e.site=${site},same(e,${left},${right}))`
}

type Assignment = Of<
  | 'length'
  | 'constant'
  | 'assign'
  | 'assign_once'
  | 'reset'
  | 'make'
  | 'append'
  | 'insert'
  | 'insert_once'
  | 'merge'
  | 'add'
  | 'result'
>

const MADE = { array: '[]', object: 'new RegoObject()', set: 'new RegoSet()' } as const

function writeAssignment(writer: Writer, statement: Assignment): string {
  const name = (index: number): string => writer.local(index)
  const text = (one: Operand): string => operand(writer, one)
  const { site } = statement
  switch (statement.op) {
    case 'length':
      return `${name(statement.target)}=lengthOf(${text(statement.source)});`
    case 'constant':
      return `${name(statement.target)}=${literal(writer, statement.value)};`
    case 'assign':
      return `${name(statement.target)}=${text(statement.source)};`
    case 'assign_once': {
      const [target, source] = [name(statement.target), text(statement.source)]
      const differs = `${target}!==undefined&&(e.site=${site},!same(e,${target},${source}))`
      return `if(${differs})throw assignedTwice(${site});${target}=${source};`
    }
    case 'reset':
      return `${name(statement.target)}=undefined;`
    case 'make':
      return `${name(statement.target)}=${MADE[statement.type]};`
    case 'append':
      return `append(e,${name(statement.array)},${text(statement.value)},${site});`
    case 'insert':
    case 'insert_once': {
      const nests = statement.op === 'insert' && statement.nest
      const call = nests ? 'insertNest' : statement.op === 'insert' ? 'insert' : 'insertOnce'
      const operands = `${name(statement.object)},${text(statement.key)},${text(statement.value)}`
      return `${call}(e,${operands},${site});`
    }
    case 'merge': {
      const operands = `${name(statement.a)},${name(statement.b)}`
      return `${name(statement.target)}=merge(e,${operands},${site});`
    }
    case 'add':
      return `add(e,${name(statement.set)},${text(statement.value)},${site});`
    case 'result':
      return `e.results.push(${name(statement.value)});`
  }
}

function operand(writer: Writer, one: Operand): string {
  return 'local' in one ? writer.local(one.local) : JSON.stringify(one.constant)
}

function literal(writer: Writer, value: Value): string {
  if (value === null) return 'null'
  if (typeof value === 'number') return String(value)
  if (typeof value === 'bigint') return `${value}n`
  const { values } = writer.shared
  values.push(value)
  return `k${values.length - 1}`
}
