import type { Builtin } from '../builtins/builtin.ts'
import type { Block, Plan, Statement } from '../plan/plan.ts'
import type { Value } from '../values/value.ts'
import { isObject, RegoSet } from '../values/value.ts'
import { bindBuiltin } from './builtin-calls.ts'
import { buildAssignment } from './closure-assignments.ts'
import type { Frame, Run, Slot } from './closure-frame.ts'
import { emptyFrame, PROCEED, RETURN, read, slotOf } from './closure-frame.ts'
import type { Evaluation, Observer } from './evaluation.ts'
import { override, restore } from './evaluation.ts'
import {
  dynamic,
  dynamicKey,
  lookUp,
  lookUpName,
  lookUpNest,
  replaceAt,
  same,
  scanKeys,
  scanValues,
} from './operations.ts'

/** A function of the plan, to be called with a frame that holds its arguments. */
export type Callee = {
  readonly parameters: readonly number[]
  readonly locals: number
  enter(frame: Frame, evaluation: Evaluation): Value | undefined
  /** Of a rule: remembers its value. */
  readonly rule: Rule | undefined
}

export type Rule = (
  evaluation: Evaluation,
  input: Value | undefined,
  data: Value | undefined,
) => Value | undefined

export type Shared = {
  readonly plan: Plan
  readonly builtins: ReadonlyMap<string, Builtin>
  readonly observer: Observer | undefined
  /** By the functions' indexes; complete once all are built. */
  readonly callees: Callee[]
}

/** The function that statements belong to; `slot` is where its value goes. */
export type Scope = { readonly shared: Shared; readonly lax: boolean; readonly slot: number }

/** Blocks one after the other: each is left alone by what is undefined in it. */
export function buildBlocks(scope: Scope, blocks: readonly Block[]): Run {
  const runs = blocks.map((block) => buildBlock(scope, block))
  const [only] = runs
  if (runs.length === 1 && only !== undefined) {
    return (frame, evaluation) => {
      const end = only(frame, evaluation)
      return end <= 0 ? PROCEED : end === RETURN ? RETURN : end - 1
    }
  }
  return (frame, evaluation) => {
    for (let at = 0; at < runs.length; at++) {
      const end = (runs[at] as Run)(frame, evaluation)
      if (end > 0) return end === RETURN ? RETURN : end - 1
    }
    return PROCEED
  }
}

type Of<Op extends Statement['op']> = Extract<Statement, { op: Op }>

function buildBlock(scope: Scope, block: Block): Run {
  return chain(block.map((statement) => buildStatement(scope, statement)))
}

/** Statements in order, up to the first that does not proceed. Most blocks have few: for those a loop is slow. */
function chain(runs: readonly Run[]): Run {
  const [a = proceed, b = proceed, c = proceed] = runs
  if (runs.length <= 1) return a
  if (runs.length === 2) {
    return (frame, evaluation) => {
      const end = a(frame, evaluation)
      return end === PROCEED ? b(frame, evaluation) : end
    }
  }
  if (runs.length === 3) {
    return (frame, evaluation) => {
      let end = a(frame, evaluation)
      if (end !== PROCEED) return end
      end = b(frame, evaluation)
      return end === PROCEED ? c(frame, evaluation) : end
    }
  }
  return (frame, evaluation) => {
    for (let at = 0; at < runs.length; at++) {
      const end = (runs[at] as Run)(frame, evaluation)
      if (end !== PROCEED) return end
    }
    return PROCEED
  }
}

function proceed(): number {
  return PROCEED
}

function buildStatement(scope: Scope, statement: Statement): Run {
  const run = buildBare(scope, statement)
  const { observer } = scope.shared
  if (observer === undefined) return run
  const tells = statement.op !== 'break' && statement.op !== 'blocks'
  return (frame, evaluation) => {
    observer.visit?.(statement, frame)
    const end = run(frame, evaluation)
    if (end === 0 && tells) observer.fail?.(statement, frame)
    return end
  }
}

function buildBare(scope: Scope, statement: Statement): Run {
  switch (statement.op) {
    case 'call':
      return buildCall(scope, statement)
    case 'call_builtin':
      return buildBuiltin(scope, statement)
    case 'call_dynamic':
      return buildDynamic(scope, statement)
    case 'blocks':
      return buildBlocks(scope, statement.blocks)
    case 'scan':
      return buildScan(scope, statement)
    case 'not':
      return buildNot(scope, statement)
    case 'with':
      return buildWith(scope, statement)
    case 'dot':
    case 'equal':
    case 'not_equal':
    case 'is':
    case 'defined':
    case 'undefined':
      return buildCondition(statement)
    case 'return': {
      const { slot } = scope
      const { source } = statement
      return (frame) => {
        frame[slot] = frame[source]
        return RETURN
      }
    }
    case 'break': {
      const { depth } = statement
      return () => depth
    }
    default:
      return buildAssignment(statement)
  }
}

function buildCall(scope: Scope, { function: index, operands, target }: Of<'call'>): Run {
  const { callees } = scope.shared
  const slots = operands.map(slotOf)
  const [input, data] = [slotOf(operands[0]), slotOf(operands[1])]
  if (slots.length === 2) {
    const [inputAt, dataAt] = [input.at, data.at]
    let rule: Rule | undefined
    return (frame, evaluation) => {
      // Functions are bound when they are first called: those that stand later in the plan are not built yet.
      rule ??= ruleOf(callees, index)
      const value = rule(
        evaluation,
        inputAt < 0 ? input.constant : frame[inputAt],
        dataAt < 0 ? data.constant : frame[dataAt],
      )
      frame[target] = value
      return value === undefined ? 0 : PROCEED
    }
  }
  return (frame, evaluation) => {
    const { locals, parameters, enter } = callees[index] as Callee
    const inner = emptyFrame(locals)
    for (let at = 0; at < slots.length; at++) {
      inner[parameters[at] as number] = read(frame, slots[at] as Slot)
    }
    const value = enter(inner, evaluation)
    frame[target] = value
    return value === undefined ? 0 : PROCEED
  }
}

function ruleOf(callees: readonly Callee[], index: number): Rule {
  return callees[index]?.rule ?? (() => undefined)
}

function buildBuiltin(scope: Scope, statement: Of<'call_builtin'>): Run {
  const { builtin: name, operands, target, site } = statement
  const builtin = scope.shared.builtins.get(name) as Builtin
  const call = bindBuiltin(builtin, { name, arity: operands.length, lax: scope.lax })
  const slots = operands.map(slotOf)
  const [a, b] = [slotOf(operands[0]), slotOf(operands[1])]
  const [aAt, bAt] = [a.at, b.at]
  if (slots.length === 1) {
    return (frame, evaluation) => {
      evaluation.site = site
      const value = call(evaluation, aAt < 0 ? a.constant : frame[aAt])
      frame[target] = value
      return value === undefined ? 0 : PROCEED
    }
  }
  if (slots.length === 2) {
    return (frame, evaluation) => {
      evaluation.site = site
      const left = aAt < 0 ? a.constant : frame[aAt]
      const value = call(evaluation, left, bAt < 0 ? b.constant : frame[bAt])
      frame[target] = value
      return value === undefined ? 0 : PROCEED
    }
  }
  return (frame, evaluation) => {
    evaluation.site = site
    const value = call(evaluation, ...slots.map((slot) => read(frame, slot)))
    frame[target] = value
    return value === undefined ? 0 : PROCEED
  }
}

function buildDynamic(scope: Scope, statement: Of<'call_dynamic'>): Run {
  const { callees, plan } = scope.shared
  const { candidates, target, site } = statement
  const table = new Map(
    candidates.map((index) => [dynamicKey(plan.functions[index]?.path ?? []), index]),
  )
  const path = statement.path.map(slotOf)
  const [input = 0, data = 1] = statement.arguments
  return (frame, evaluation) => {
    const parts = path.map((slot) => read(frame, slot))
    const index = dynamic(evaluation, table, parts, site)
    if (index === undefined) return 0
    const value = ruleOf(callees, index)(evaluation, frame[input], frame[data])
    frame[target] = value
    // As OPA's compiler has it: an undefined rule leaves three blocks more.
    return value === undefined ? 3 : PROCEED
  }
}

function buildScan(scope: Scope, statement: Of<'scan'>): Run {
  const { source, key, value, site } = statement
  const run = buildBlock(scope, statement.block)
  return (frame, evaluation) => {
    evaluation.site = site
    const keys = scanKeys(evaluation, frame[source])
    const values = scanValues(frame[source], keys)
    for (let at = 0; at < values.length; at++) {
      evaluation.steps -= 1
      if (evaluation.steps < 0) throw evaluation.exhausted(site)
      frame[key] = keys === null ? at : keys[at]
      frame[value] = values[at]
      const end = run(frame, evaluation)
      if (end <= 0) continue
      if (end === 1) return PROCEED
      return end === RETURN ? RETURN : end - 2
    }
    return PROCEED
  }
}

function buildNot(scope: Scope, { block }: Of<'not'>): Run {
  const run = buildBlock(scope, block)
  return (frame, evaluation) => {
    const end = run(frame, evaluation)
    if (end === PROCEED) return 0
    if (end === 0) return PROCEED
    return end === RETURN ? RETURN : end - 1
  }
}

function buildWith(scope: Scope, statement: Of<'with'>): Run {
  const { local, path, site } = statement
  const value = slotOf(statement.value)
  const run = buildBlock(scope, statement.block)
  return (frame, evaluation) => {
    evaluation.site = site
    const before = frame[local]
    const saved = override(evaluation)
    try {
      const given = read(frame, value)
      frame[local] = path.length === 0 ? given : replaceAt(evaluation, before, path, given)
      const end = run(frame, evaluation)
      return end > 0 && end !== RETURN ? end - 1 : end
    } finally {
      frame[local] = before
      restore(evaluation, saved)
    }
  }
}

type Condition = Of<'dot' | 'equal' | 'not_equal' | 'is' | 'defined' | 'undefined'>

function buildCondition(statement: Condition): Run {
  switch (statement.op) {
    case 'dot':
      return buildDot(statement)
    case 'equal':
    case 'not_equal':
      return buildEqual(statement)
    case 'is': {
      const [slot, test] = [slotOf(statement.source), TYPES[statement.type]]
      return (frame) => (test(read(frame, slot)) ? PROCEED : 0)
    }
    case 'defined': {
      const { source } = statement
      return (frame) => (frame[source] === undefined ? 0 : PROCEED)
    }
    case 'undefined': {
      const { source } = statement
      return (frame) => (frame[source] === undefined ? PROCEED : 0)
    }
  }
}

const TYPES: Readonly<Record<Of<'is'>['type'], (value: Value | undefined) => boolean>> = {
  array: Array.isArray,
  object: isObject,
  set: (value) => value instanceof RegoSet,
}

function buildDot({ source, key, target, site, nest }: Of<'dot'>): Run {
  const [from, by] = [slotOf(source), slotOf(key)]
  if (nest) {
    return (frame, evaluation) => {
      const value = lookUpNest(evaluation, read(frame, from), read(frame, by), site)
      frame[target] = value
      return value === undefined ? 0 : PROCEED
    }
  }
  const [fromAt, byAt] = [from.at, by.at]
  const name = by.constant
  if (typeof name === 'string') {
    return (frame) => {
      const value = lookUpName(fromAt < 0 ? from.constant : frame[fromAt], name)
      frame[target] = value
      return value === undefined ? 0 : PROCEED
    }
  }
  return (frame, evaluation) => {
    evaluation.site = site
    const held = fromAt < 0 ? from.constant : frame[fromAt]
    const value = lookUp(evaluation, held, byAt < 0 ? by.constant : frame[byAt])
    frame[target] = value
    return value === undefined ? 0 : PROCEED
  }
}

function buildEqual({ op, a, b, site }: Of<'equal' | 'not_equal'>): Run {
  const [left, right] = [slotOf(a), slotOf(b)]
  const [leftAt, rightAt] = [left.at, right.at]
  const [yes, no] = op === 'equal' ? [PROCEED, 0] : [0, PROCEED]
  // A constant is a string or a boolean, which JavaScript compares as Rego does.
  if (leftAt < 0 || rightAt < 0) {
    const [one, other] = leftAt < 0 ? [right, left] : [left, right]
    const { at } = one
    const wanted = other.constant
    return (frame) => ((at < 0 ? one.constant : frame[at]) === wanted ? yes : no)
  }
  return (frame, evaluation) => {
    evaluation.site = site
    return same(evaluation, frame[leftAt], frame[rightAt]) ? yes : no
  }
}
