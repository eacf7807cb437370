import { isDeepStrictEqual } from 'node:util'
import type { Block, Operand, Plan, Statement } from '../../../../src/decide/rego/plan/plan.ts'
import type { IndexStep, RuleIndex } from '../../../../src/decide/rego/plan/rule-index.ts'
import { indexBlocks, selectUnits } from '../../../../src/decide/rego/plan/rule-index.ts'
import type { Value } from '../../../../src/decide/rego/values/value.ts'
import {
  copyObject,
  equalValues,
  isArray,
  isObject,
  isSet,
  keyOf,
  objectEntries,
  objectGet,
  objectSize,
  RegoObject,
  RegoSet,
} from '../../../../src/decide/rego/values/value.ts'

/** A value's text, `undefined`, or the error that ended it. */
export type Outcome = string

export type Question = {
  /** As in the plan: `g0.data.rules.deny`. */
  readonly function: string
  readonly input: Value | undefined
  readonly data?: Value
  /** Rules are picked by their index. */
  readonly indexed?: boolean
}

/**
 * Runs a rule of a plan in the plainest way, as the IR's documentation tells it: what the index, the analysis and the
 * read sets are held against. Slow, without a memo, with a handful of built-ins.
 */
export function interpret(plan: Plan, question: Question): Outcome {
  const index = plan.functions.findIndex(({ name }) => name === question.function)
  const machine: Machine = { plan, indexed: question.indexed === true, ran: 0 }
  try {
    const value = call(machine, index, [question.input, question.data ?? {}])
    return value === undefined ? 'undefined' : keyOf(value)
  } catch (error) {
    if (error instanceof Stop) return error.message
    throw error
  }
}

class Stop extends Error {}

type Machine = { readonly plan: Plan; readonly indexed: boolean; ran: number }

type Frame = {
  readonly machine: Machine
  readonly locals: (Value | undefined)[]
  returned: Value | undefined
}

/** A block that reached its end; other codes are the levels that are still to be left. */
const END = -1
const RETURN = 1_000_000

/** A container of whichever type the statement expects. */
type Made = {
  push(value: Value): void
  add(value: Value): void
  get(key: Value): Value | undefined
  set(key: Value, value: Value): void
}

function call(
  machine: Machine,
  index: number,
  values: readonly (Value | undefined)[],
): Value | undefined {
  const fn = machine.plan.functions[index]!
  const frame: Frame = { machine, locals: Array(fn.locals), returned: undefined }
  for (const [at, local] of fn.parameters.entries()) frame.locals[local] = values[at]
  const rules = machine.indexed ? indexBlocks(fn) : null
  if (rules === null) runBlocks(frame, fn.blocks)
  else for (const step of rules.steps) runStep(frame, { fn, rules, step, values })
  return frame.returned
}

function runStep(
  frame: Frame,
  of: {
    readonly fn: { readonly blocks: readonly Block[]; readonly result: number }
    readonly rules: RuleIndex
    readonly step: IndexStep
    readonly values: readonly (Value | undefined)[]
  },
): void {
  const { first, last, node } = of.step
  const all = Array.from({ length: last - first + 1 }, (_, at) => first + at)
  const before = frame.locals
  for (const at of node === null ? all : selectUnits(node, of.values)) {
    const unit = of.rules.units[at]!
    const blocks = of.fn.blocks.slice(unit.first, unit.first + unit.count)
    if (node === null) {
      runBlocks(frame, blocks)
      continue
    }
    // A unit that is picked runs apart: it shares the parameters and the result with the others.
    const own: Frame = { ...frame, locals: Array(before.length) }
    for (const [local, value] of before.entries()) {
      if (local <= of.fn.result) own.locals[local] = value
    }
    runBlocks(own, blocks)
    before[of.fn.result] = own.locals[of.fn.result]
  }
}

function runBlocks(frame: Frame, blocks: readonly Block[]): number {
  for (const block of blocks) {
    const code = runBlock(frame, block)
    if (code > 0) return code - 1
  }
  return END
}

function runBlock(frame: Frame, block: Block): number {
  for (const statement of block) {
    const code = run(frame, statement)
    if (code !== END) return code
  }
  return END
}

const DEFINED = END
const UNDEFINED = 0

function run(frame: Frame, statement: Statement): number {
  const { locals, machine } = frame
  const set = (local: number, value: Value | undefined): number => {
    locals[local] = value
    return value === undefined ? UNDEFINED : DEFINED
  }
  machine.ran += 1
  switch (statement.op) {
    case 'return':
      frame.returned = locals[statement.source]
      return RETURN
    case 'call':
      return set(
        statement.target,
        call(
          machine,
          statement.function,
          statement.operands.map((one) => read(frame, one)),
        ),
      )
    case 'call_builtin':
      return set(
        statement.target,
        builtin(
          statement.builtin,
          statement.operands.map((one) => read(frame, one)),
        ),
      )
    case 'call_dynamic': {
      const path = statement.path.map((one) => read(frame, one))
      const found = statement.candidates.find((at) =>
        isDeepStrictEqual(machine.plan.functions[at]?.path, path),
      )
      if (found === undefined) return UNDEFINED
      const values = statement.arguments.map((local) => locals[local])
      return set(statement.target, call(machine, found, values)) === DEFINED ? DEFINED : 3
    }
    case 'blocks':
      return runBlocks(frame, statement.blocks)
    case 'break':
      return statement.depth
    case 'dot':
      return set(
        statement.target,
        lookUp(read(frame, statement.source), read(frame, statement.key)),
      )
    case 'length':
      return set(statement.target, lengthOf(read(frame, statement.source)))
    case 'scan':
      return scan(frame, statement)
    case 'not': {
      const code = runBlock(frame, statement.block)
      if (code === END) return UNDEFINED
      return code > 0 ? code - 1 : DEFINED
    }
    case 'with': {
      const before = locals[statement.local]
      const value = read(frame, statement.value)
      locals[statement.local] =
        statement.path.length === 0 ? value : replace(before, statement.path, value!)
      const code = runBlock(frame, statement.block)
      locals[statement.local] = before
      return code > 0 ? code - 1 : code
    }
    case 'constant':
      return set(statement.target, statement.value)
    case 'assign':
      locals[statement.target] = read(frame, statement.source)
      return DEFINED
    case 'assign_once': {
      const [before, value] = [locals[statement.target], read(frame, statement.source)]
      if (before !== undefined && !equalValues(before, value!)) throw new Stop('conflict')
      locals[statement.target] = value
      return DEFINED
    }
    case 'reset':
      locals[statement.target] = undefined
      return DEFINED
    case 'make': {
      const { type } = statement
      return set(
        statement.target,
        type === 'array' ? [] : type === 'set' ? new RegoSet() : new RegoObject(),
      )
    }
    case 'equal':
    case 'not_equal': {
      const same = equalValues(read(frame, statement.a)!, read(frame, statement.b)!)
      return same === (statement.op === 'equal') ? DEFINED : UNDEFINED
    }
    case 'is': {
      const source = read(frame, statement.source)
      const test = { array: isArray, object: isObject, set: isSet }[statement.type]
      return test(source) ? DEFINED : UNDEFINED
    }
    case 'defined':
      return locals[statement.source] === undefined ? UNDEFINED : DEFINED
    case 'undefined':
      return locals[statement.source] === undefined ? DEFINED : UNDEFINED
    case 'append':
      ;(locals[statement.array] as unknown as Made).push(read(frame, statement.value)!)
      return DEFINED
    case 'add':
      ;(locals[statement.set] as unknown as Made).add(read(frame, statement.value)!)
      return DEFINED
    case 'insert':
    case 'insert_once': {
      const object = locals[statement.object] as unknown as Made
      const [key, value] = [read(frame, statement.key)!, read(frame, statement.value)!]
      const before = object.get(key)
      if (statement.op === 'insert_once' && before !== undefined && !equalValues(before, value)) {
        throw new Stop('conflict')
      }
      object.set(key, value)
      return DEFINED
    }
    case 'merge':
      return set(statement.target, merge(locals[statement.a]!, locals[statement.b]!))
    default:
      throw new Error(statement.op)
  }
}

function scan(frame: Frame, statement: Statement & { readonly op: 'scan' }): number {
  for (const [key, value] of entriesOf(frame.locals[statement.source])) {
    frame.locals[statement.key] = key
    frame.locals[statement.value] = value
    const code = runBlock(frame, statement.block)
    if (code === 1) return DEFINED
    if (code > 1) return code - 2
  }
  return DEFINED
}

function read({ locals }: Frame, operand: Operand): Value | undefined {
  return 'local' in operand ? locals[operand.local] : operand.constant
}

function entriesOf(value: Value | undefined): readonly (readonly [Value, Value])[] {
  if (isArray(value)) return value.map((member, at) => [at, member])
  if (isSet(value)) return value.values().map((member) => [member, member])
  return isObject(value) ? objectEntries(value) : []
}

function lookUp(value: Value | undefined, key: Value | undefined): Value | undefined {
  if (key === undefined) return undefined
  if (isArray(value)) return typeof key === 'number' ? value[key] : undefined
  if (isSet(value)) return value.has(key) ? key : undefined
  return isObject(value) ? objectGet(value, key) : undefined
}

function lengthOf(value: Value | undefined): number {
  if (isArray(value)) return value.length
  if (isSet(value)) return value.size
  return isObject(value) ? objectSize(value) : 0
}

function replace(document: Value | undefined, path: readonly string[], value: Value): Value {
  const [name, ...rest] = path
  if (name === undefined) return value
  const copy = isObject(document) ? copyObject(document) : new RegoObject()
  copy.set(name, replace(copy.get(name), rest, value))
  return copy
}

function merge(a: Value, b: Value): Value {
  if (!isObject(a) || !isObject(b)) throw new Stop('conflict')
  const merged = copyObject(b)
  for (const [key, value] of objectEntries(a)) {
    const other = merged.get(key)
    const both = isObject(value) && isObject(other)
    if (other === undefined || both) merged.set(key, both ? merge(value, other) : value)
  }
  return merged
}

function builtin(name: string, operands: readonly (Value | undefined)[]): Value | undefined {
  const [a, b] = operands
  if (name === 'internal.member_2') {
    return entriesOf(b).some(([, member]) => equalValues(member, a!))
  }
  if (name === 'count') return lengthOf(a)
  if (name === 'walk') return walk(a!, [])
  if (name === 'concat' || name === 'upper') return keyOf(operands as Value[])
  if (typeof a !== 'number' || typeof b !== 'number') throw new Stop(`${name}: no numbers`)
  switch (name) {
    case 'gt':
      return a > b
    case 'lt':
      return a < b
    case 'plus':
      return a + b
    case 'minus':
      return a - b
    case 'mul':
      return a * b
    default:
      throw new Error(name)
  }
}

function walk(value: Value, path: readonly Value[]): readonly Value[] {
  const inner = isArray(value) || isObject(value) ? entriesOf(value) : []
  return [[path, value], ...inner.flatMap(([key, member]) => walk(member, [...path, key]))]
}
