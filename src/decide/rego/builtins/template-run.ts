import type { AnyObject } from '../values/value.ts'
import { isArray, isObject, objectEntries, objectGet } from '../values/value.ts'
import type { Call } from './builtin.ts'
import { callFunction } from './template-functions.ts'
import { templateError } from './template-lex.ts'
import type { Control, List, Node, Operand, Pipe, Templates } from './template-parse.ts'
import type { Item } from './template-values.ts'
import { checkJson, Integer, isTrue, printed } from './template-values.ts'

/**
 * Renders a template as Go's text/template does over what JSON gives it.
 *
 * @throws {BuiltinError} where Go's reports an error
 */
export function runTemplate(call: Call, templates: Templates, variables: AnyObject): string {
  checkJson(call, variables)
  const run: Run = {
    call,
    templates,
    variables: [{ name: '$', item: variables }],
    depth: 0,
    out: [],
  }
  walkList(run, variables, templates.main)
  return run.out.join('')
}

/** What a piece takes before all are joined. */
const PIECE_BYTES = 16

/** Templates that invoke each other; Go allows 100,000, and fails then. */
const DEPTH_MAX = 200

type Run = {
  readonly call: Call
  readonly templates: Templates
  variables: { readonly name: string; item: Item }[]
  depth: number
  readonly out: string[]
}

/** How a list ended: a loop around it ends its turn, or ends. */
type Outcome = 'done' | 'break' | 'continue'

function walkList(run: Run, dot: Item, list: List): Outcome {
  for (const node of list) {
    run.call.work(6)
    const outcome = walk(run, dot, node)
    if (outcome !== 'done') return outcome
  }
  return 'done'
}

function walk(run: Run, dot: Item, node: Node): Outcome {
  switch (node.kind) {
    case 'text':
      write(run, node.text)
      return 'done'
    case 'action': {
      const item = evaluatePipe(run, dot, node.pipe)
      if (node.pipe.variables.length === 0) write(run, printed(run.call, item))
      return 'done'
    }
    case 'break':
    case 'continue':
      return node.kind
    case 'template':
      invoke(
        run,
        node.name,
        node.pipe === undefined ? undefined : evaluatePipe(run, dot, node.pipe),
      )
      return 'done'
    default:
      return walkControl(run, dot, node)
  }
}

function write(run: Run, text: string): void {
  run.call.output(PIECE_BYTES + text.length)
  run.out.push(text)
}

function walkControl(run: Run, dot: Item, node: Control): Outcome {
  const mark = run.variables.length
  const item = evaluatePipe(run, dot, node.pipe)
  let outcome: Outcome = 'done'
  if (node.kind === 'range') outcome = walkRange(run, { dot, item, node })
  else if (isTrue(item)) outcome = walkList(run, node.kind === 'with' ? item : dot, node.list)
  else if (node.otherwise !== undefined) outcome = walkList(run, dot, node.otherwise)
  run.variables.length = mark
  return outcome
}

function walkRange(
  run: Run,
  { dot, item, node }: { readonly dot: Item; readonly item: Item; readonly node: Control },
): Outcome {
  let turns = 0
  for (const [index, member] of turnsOf(item, node)) {
    turns++
    run.call.work(10)
    const mark = run.variables.length
    setLoopVariables(run, node.pipe, index, member)
    const outcome = walkList(run, member, node.list)
    run.variables.length = mark
    if (outcome === 'break') return 'done'
  }
  return turns === 0 && node.otherwise !== undefined ? walkList(run, dot, node.otherwise) : 'done'
}

function* turnsOf(item: Item, node: Control): Generator<readonly [Item, Item]> {
  if (item instanceof Integer) {
    if (node.pipe.variables.length > 1) {
      throw templateError('range over a number sets one variable at most')
    }
    for (let at = 0; at < item.value; at++) yield [undefined, new Integer(at)]
  } else if (isArray(item)) {
    for (const [at, member] of item.entries()) yield [new Integer(at), member]
  } else if (item !== undefined && isObject(item)) {
    yield* objectEntries(item)
  } else if (item !== undefined) {
    throw templateError("range can't iterate over a scalar")
  }
}

/** Of two variables the first is the index; one is the member. */
function setLoopVariables(run: Run, { variables, assigns }: Pipe, index: Item, member: Item): void {
  const items = variables.length > 1 ? [index, member] : [member]
  variables.forEach((name, at) => {
    if (assigns) assign(run, name, items[at])
    else {
      // They were declared with the pipeline, right at the end of the list.
      const variable = run.variables.at(at - variables.length)
      if (variable !== undefined) variable.item = items[at]
    }
  })
}

function assign(run: Run, name: string, item: Item): void {
  const variable = run.variables.findLast((candidate) => candidate.name === name)
  if (variable === undefined) throw templateError(`undefined variable: ${name}`)
  variable.item = item
}

function invoke(run: Run, name: string, dot: Item): void {
  const list = run.templates.named.get(name)
  if (list === undefined) throw templateError(`template "${name}" not defined`)
  if (run.depth >= DEPTH_MAX) throw templateError('exceeded maximum template depth')
  const { variables } = run
  run.variables = [{ name: '$', item: dot }]
  run.depth++
  walkList(run, dot, list)
  run.depth--
  run.variables = variables
}

function evaluatePipe(run: Run, dot: Item, pipe: Pipe): Item {
  let item: Item
  pipe.commands.forEach((command, at) => {
    const value = evaluateCommand(run, { dot, operands: command, final: at === 0 ? [] : [item] })
    // Null is nothing once it has passed a pipeline.
    item = value === null ? undefined : value
  })
  for (const name of pipe.variables) {
    if (pipe.assigns) assign(run, name, item)
    else run.variables.push({ name, item })
  }
  return item
}

/** @param final - what the command before gave, if there is one */
function evaluateCommand(
  run: Run,
  {
    dot,
    operands,
    final,
  }: { readonly dot: Item; readonly operands: readonly Operand[]; readonly final: readonly Item[] },
): Item {
  const [first, ...rest] = operands
  if (first === undefined) return undefined
  if (first.kind === 'function')
    return evaluateFunction(run, { dot, name: first.name, rest, final })
  if (rest.length > 0 || final.length > 0) {
    throw templateError("can't give argument to non-function")
  }
  if (first.kind === 'nil') throw templateError('nil is not a command')
  return evaluate(run, dot, first)
}

function evaluateFunction(
  run: Run,
  {
    dot,
    name,
    rest,
    final,
  }: {
    readonly dot: Item
    readonly name: string
    readonly rest: readonly Operand[]
    readonly final: readonly Item[]
  },
): Item {
  run.call.work(6)
  if (name !== 'and' && name !== 'or') {
    return callFunction(run.call, name, [
      ...rest.map((operand) => evaluate(run, dot, operand)),
      ...final,
    ])
  }
  if (rest.length + final.length === 0) throw templateError(`wrong number of args for ${name}`)
  let item: Item
  for (const operand of rest) {
    item = evaluate(run, dot, operand)
    if (isTrue(item) === (name === 'or')) return item
  }
  return final.length > 0 ? final[0] : item
}

function evaluate(run: Run, dot: Item, operand: Operand): Item {
  run.call.work(3)
  switch (operand.kind) {
    case 'dot':
      return dot
    case 'nil':
      return undefined
    case 'number':
      return new Integer(operand.value)
    case 'boolean':
    case 'string':
      return operand.value
    case 'function':
      return evaluateFunction(run, { dot, name: operand.name, rest: [], final: [] })
    case 'field':
      return fieldsOf(dot, operand.names)
    case 'variable': {
      const found = run.variables.findLast(({ name }) => name === operand.name)
      if (found === undefined) throw templateError(`undefined variable: ${operand.name}`)
      return fieldsOf(found.item, operand.names)
    }
    case 'chain': {
      if (operand.of.kind === 'nil') throw templateError('indirection through explicit nil')
      return fieldsOf(evaluate(run, dot, operand.of), operand.names)
    }
    case 'pipe':
      return evaluatePipe(run, dot, operand.pipe)
  }
}

function fieldsOf(item: Item, names: readonly string[]): Item {
  return names.reduce((owner: Item, name) => {
    if (owner === undefined) return undefined
    if (owner instanceof Integer || !isObject(owner)) {
      throw templateError(`can't evaluate field ${name}`)
    }
    return objectGet(owner, name)
  }, item)
}
