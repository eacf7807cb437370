import { readsOf } from '../../decide/rego/plan/analyse-locals.ts'
import type { Operand, Plan, Statement } from '../../decide/rego/plan/plan.ts'
import { valueText } from '../../decide/rego/values/text.ts'
import type { Value } from '../../decide/rego/values/value.ts'
import { isArray, isObject, isSet, objectGet } from '../../decide/rego/values/value.ts'
import { ruleName } from './rego-profile.ts'

/** A place that an expression looks at, as far as it is known before anything runs. */
export type Read = {
  /** The local that holds what the path starts from, and what its author calls that. */
  readonly local: number
  readonly name: string
  /** Names, and locals that hold keys; those of iterations mean something only while these run. */
  readonly keys: readonly (string | Key)[]
  /** Whether the start alone is worth telling: an argument is, the whole input is not. */
  readonly isShort: boolean
}

type Key = { readonly local: number; readonly iterates: boolean }

/** A place, or a comparison, with what it holds: undefined where there is nothing. */
export type Found = { readonly path: string; readonly value: Value | undefined }

export type BuiltinCall = Statement & { readonly op: 'call_builtin' }

/**
 * Follows what locals stand for, statement by statement.
 *
 * @param parameters - locals that hold the input, the data and the arguments
 * @param names - of the arguments, as far as they are known
 */
export function createReads(
  plan: Plan,
  parameters: readonly number[],
  names: readonly string[],
): {
  follow(statement: Statement, into: Read[]): void
  /** Whether a statement works with something that was computed: no place, and no literal of the author's. */
  isComputed(statement: Statement): boolean
} {
  const known = new Map<number, Read>()
  const literals = new Set<number>()
  for (const [at, local] of parameters.entries()) {
    const name = at < 2 ? ROOTS[at] : names[at - 2]
    if (name !== undefined) known.set(local, { local, name, keys: [], isShort: at >= 2 })
  }
  const of = (operand: Operand): Read | undefined =>
    'local' in operand ? known.get(operand.local) : undefined
  const set = (target: number, read: Read | undefined): void => {
    literals.delete(target)
    if (read === undefined) known.delete(target)
    else known.set(target, read)
  }
  return {
    isComputed: (statement) =>
      readsOf(statement).some((local) => !known.has(local) && !literals.has(local)),
    follow(statement, into) {
      if (!SILENT.has(statement.op)) {
        for (const local of readsOf(statement)) note(into, known.get(local))
      }
      switch (statement.op) {
        case 'dot': {
          const { source, key, target } = statement
          set(
            target,
            below(of(source), 'constant' in key ? key.constant : { ...key, iterates: false }),
          )
          note(into, known.get(target))
          return
        }
        case 'scan': {
          const { source, key, value } = statement
          set(key, undefined)
          set(value, below(known.get(source), { local: key, iterates: true }))
          return
        }
        case 'constant':
          set(statement.target, undefined)
          literals.add(statement.target)
          return
        case 'assign': {
          const { source, target } = statement
          set(target, of(source))
          if ('constant' in source || literals.has(source.local)) literals.add(target)
          return
        }
        case 'call': {
          const { target } = statement
          for (const operand of statement.operands.slice(2)) note(into, of(operand))
          const called = plan.functions[statement.function]
          const name = called && ruleName(called)
          set(
            target,
            name === undefined ? undefined : { local: target, name, keys: [], isShort: false },
          )
          return
        }
        default:
          if ('target' in statement) set(statement.target, undefined)
      }
    },
  }
}

/**
 * What is at a place at this moment. Where a name on the way is missing, that is what was found. Undefined for a member
 * of a set, which says nothing but its name.
 *
 * @param running - locals that hold the keys of iterations that run
 */
export function lookAt(
  { local, name, keys }: Read,
  locals: readonly (Value | undefined)[],
  running: ReadonlySet<number>,
): Found | undefined {
  let value = locals[local]
  let path = name
  for (const key of keys) {
    if (value === undefined) break
    if (typeof key !== 'string' && key.iterates && !running.has(key.local)) break
    const at = typeof key === 'string' ? key : locals[key.local]
    if (at === undefined) break
    if (isSet(value)) return undefined
    path += typeof at === 'string' && NAME.test(at) ? `.${at}` : `[${valueText(at)}]`
    value = memberOf(value, at)
  }
  return { path, value }
}

/**
 * What a statement that failed compared: `2 > 3`.
 *
 * @param called - the built-in that was called before it
 */
export function comparedText(
  statement: Statement,
  called: BuiltinCall | null,
  locals: readonly (Value | undefined)[],
): string | undefined {
  if (statement.op !== 'equal' && statement.op !== 'not_equal') return undefined
  const { a, b } = statement
  const texts = (operands: readonly Operand[]): readonly string[] =>
    operands.map((operand) => {
      const value = 'local' in operand ? locals[operand.local] : operand.constant
      const text = value === undefined ? 'undefined' : valueText(value)
      return text.length > COMPARED_LENGTH_MAX ? `${text.slice(0, COMPARED_LENGTH_MAX)}…` : text
    })
  if (called === null || !('local' in a) || a.local !== called.target) {
    return statement.op === 'equal' ? texts([a, b]).join(' == ') : undefined
  }
  const operator = Object.hasOwn(OPERATORS, called.builtin) ? OPERATORS[called.builtin] : undefined
  const given = texts(called.operands)
  return operator === undefined
    ? `${called.builtin}(${given.join(', ')})`
    : given.join(` ${operator} `)
}

const OPERATORS: Readonly<Record<string, string>> = {
  equal: '==',
  neq: '!=',
  lt: '<',
  lte: '<=',
  gt: '>',
  gte: '>=',
  'internal.member_2': 'in',
}

/** Characters of one side of a comparison. */
const COMPARED_LENGTH_MAX = 80

const ROOTS = ['input', 'data']

/** Statements that hand on what others look at. */
const SILENT: ReadonlySet<Statement['op']> = new Set<Statement['op']>(['assign', 'call', 'with'])
const NAME = /^[A-Za-z_]\w*$/

function below(read: Read | undefined, key: string | boolean | Key): Read | undefined {
  if (read === undefined || typeof key === 'boolean') return undefined
  return { ...read, keys: [...read.keys, key] }
}

/** Adds a place, but for one that leads to another. */
function note(into: Read[], read: Read | undefined): void {
  if (read === undefined || (read.keys.length === 0 && !read.isShort)) return
  if (into.some((one) => leadsTo(read, one))) return
  const kept = into.filter((one) => !leadsTo(one, read))
  into.splice(0, into.length, ...kept, read)
}

function leadsTo(a: Read, b: Read): boolean {
  return (
    a.local === b.local &&
    a.keys.length <= b.keys.length &&
    a.keys.every((key, at) => {
      const other = b.keys[at]
      if (typeof key === 'string' || typeof other === 'string') return key === other
      return key.local === other?.local
    })
  )
}

function memberOf(value: Value, key: Value): Value | undefined {
  if (isObject(value)) return objectGet(value, key)
  const isMember = isArray(value) && typeof key === 'number' && Object.hasOwn(value, key)
  return isMember ? value[key] : undefined
}
