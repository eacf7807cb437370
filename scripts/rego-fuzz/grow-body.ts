import type { Known, Scope } from './grow-term.ts'
import {
  comparison,
  constantOf,
  growCollection,
  growTerm,
  membership,
  quoted,
} from './grow-term.ts'
import type { Body, Expression, Term } from './policy.ts'
import { LIB, term } from './policy.ts'
import { TEXTS } from './samples.ts'
import type { Type } from './type.ts'
import { ANY, BOOLEAN, objectOf, STRING } from './type.ts'

export type GrownBody = { readonly body: Body; readonly scope: Scope }

/** Makes expressions, each of which sees the variables of those before it. */
export function growBody(
  scope: Scope,
  { expressions, depth }: { readonly expressions: number; readonly depth: number },
): GrownBody {
  let grown: GrownBody = { body: [], scope }
  for (let count = 0; count < expressions; count++) {
    const next = scope.random.pick(EXPRESSIONS)(grown.scope, depth)
    grown = { body: [...grown.body, ...next.body], scope: next.scope }
  }
  return grown
}

type Grow = (scope: Scope, depth: number) => GrownBody

const EXPRESSIONS: readonly Grow[] = [
  growIteration,
  growIteration,
  growIteration,
  growAssignment,
  growAssignment,
  growAssignment,
  growCondition,
  growCondition,
  growCondition,
  growCondition,
  growNegation,
  growEvery,
  growPattern,
  growScan,
  growWalk,
  growLookUp,
]

function bind(scope: Scope, ...variables: readonly Known[]): Scope {
  return { ...scope, known: [...scope.known, ...variables] }
}

function variable(name: string, type: Type, hint: Type = type): Known {
  return { part: name, type, hint }
}

function expression(term: Term): Expression {
  return { term }
}

function memberOf(type: Type): Type {
  return 'of' in type ? type.of : ANY
}

function growIteration(scope: Scope, depth: number): GrownBody {
  const collection = growCollection(scope, depth - 1)
  const [key, value] = [scope.name(), scope.name()]
  const inside = variable(value, memberOf(collection.type))
  if (scope.random.chance(0.6)) {
    const text = term(`some ${value} in `, collection.term)
    return { body: [expression(text)], scope: bind(scope, inside) }
  }
  const text = term(`some ${key}, ${value} in `, collection.term)
  return { body: [expression(text)], scope: bind(scope, inside, variable(key, ANY, STRING)) }
}

function growAssignment(scope: Scope, depth: number): GrownBody {
  const name = scope.name()
  const { term: value, type } = growTerm(scope, ANY, depth)
  const operator = scope.random.pick([':=', ':=', ':=', '='])
  return {
    body: [expression(term(`${name} ${operator} `, value))],
    scope: bind(scope, variable(name, type)),
  }
}

function growCondition(scope: Scope, depth: number): GrownBody {
  const plain = condition(scope, depth)
  if (!scope.random.chance(0.12)) return { body: [expression(plain)], scope }
  return { body: [replacing(scope, plain)], scope }
}

function condition(scope: Scope, depth: number): Term {
  const { random } = scope
  switch (random.below(8)) {
    case 0:
    case 1:
    case 2:
      return comparison(scope, depth - 1)
    case 3:
      return membership(scope, depth - 1)
    case 4:
      return growTerm(scope, BOOLEAN, depth).term
    case 5:
      return growTerm(scope, ANY, depth - 1).term
    default:
      return indexable(scope)
  }
}

/** What OPA's rule index and ours look for: a path beside a constant. */
function indexable(scope: Scope): Term {
  const { random } = scope
  const paths = scope.known.filter(({ part }) => typeof part === 'string' && /^input\./.test(part))
  if (paths.length === 0) return comparison(scope, 0)
  const { part, hint } = random.pick(paths)
  const constant = (): Term => constantOf(scope, hint).term
  switch (random.below(6)) {
    case 0:
      return term(constant(), ' == ', part)
    case 1:
      return term(
        part,
        ' in ',
        random.pick(['{', '[']) === '{' ? set(constant()) : list(constant()),
      )
    case 2:
      return term('startswith(', part, `, ${quoted(random.pick(TEXTS['word']!))})`)
    case 3:
      return term(part, ' = ', constant())
    default:
      return term(part, ' == ', constant())
  }
}

function set(member: Term): Term {
  return term('{', member, ', "b"}')
}

function list(member: Term): Term {
  return term('[', member, ', 1]')
}

/** Adds what stands in for another document. */
function replacing(scope: Scope, plain: Term): Expression {
  const { random } = scope
  const target = random.pick(['input', 'data.docs', `data.${LIB}.r1`, ...scope.inputs])
  const value = target === 'input' ? constantOf(scope, objectOf(ANY)) : growTerm(scope, ANY, 0)
  return { term: plain, replaced: { target, value: value.term } }
}

function growNegation(scope: Scope, depth: number): GrownBody {
  const inner = condition(scope, depth)
  // OPA takes a body of `not true` for one that is empty.
  if (inner.parts.length === 1 && inner.parts[0] === 'true') return growCondition(scope, depth)
  const plain: Term = { parts: ['not ', inner], is: 'negation' }
  const one = scope.random.chance(0.15) ? replacing(scope, plain) : expression(plain)
  return { body: [one], scope }
}

function growEvery(scope: Scope, depth: number): GrownBody {
  if (depth < 1) return growCondition(scope, depth)
  const collection = growCollection(scope, depth - 1)
  const [key, value] = [scope.name(), scope.name()]
  const inner = bind(scope, variable(value, memberOf(collection.type)), variable(key, ANY, STRING))
  const { body } = growBody(inner, { expressions: 1 + scope.random.below(2), depth: depth - 1 })
  const names = scope.random.chance(0.5) ? value : `${key}, ${value}`
  const text = term(`every ${names} in `, collection.term, ' {', { lines: body, once: true }, '}')
  return { body: [expression(text)], scope }
}

/** Takes a value apart. */
function growPattern(scope: Scope, depth: number): GrownBody {
  const { random } = scope
  const [a, b] = [scope.name(), scope.name()]
  const pattern = random.pick([
    `[${a}, ${b}]`,
    `{"a": ${a}, "b": ${b}}`,
    `[${a}, {"id": ${b}}]`,
    `{"id": ${a}}`,
    `[${a}, ${a}]`,
    `[${a}, 1]`,
  ])
  const value = growTerm(scope, ANY, depth - 1)
  const operator = random.pick([':=', '=', '='])
  const variables = [a, b].filter((name) => pattern.includes(name))
  return {
    body: [expression(term(`${pattern} ${operator} `, value.term))],
    scope: bind(scope, ...variables.map((name) => variable(name, ANY))),
  }
}

/** A reference with variables in it. */
function growScan(scope: Scope, depth: number): GrownBody {
  const { random } = scope
  const known = scope.known.filter(({ type, hint }) => type.is === 'any' && 'of' in hint)
  if (known.length === 0) return growIteration(scope, depth)
  const { part, hint } = random.pick(known)
  const [key, deeper, name] = [scope.name(), scope.name(), scope.name()]
  const below = memberOf(hint)
  const deep = 'of' in below && random.chance(0.6)
  const text = term(`${name} := `, part, `[${key}]`, deep ? `[${deeper}]` : '')
  const value = variable(name, ANY, deep ? memberOf(below) : below)
  const keys = (deep ? [key, deeper] : [key]).map((one) => variable(one, ANY, STRING))
  return { body: [expression(text)], scope: bind(scope, value, ...keys) }
}

function growWalk(scope: Scope, depth: number): GrownBody {
  if (scope.walks.left <= 0) return growCondition(scope, depth)
  scope.walks.left -= 1
  const value = growTerm(scope, objectOf(ANY), Math.min(depth, 1) - 1)
  const [path, found] = [scope.name(), scope.name()]
  const pattern = scope.random.pick([`[${path}, ${found}]`, `[["a", ${path}], ${found}]`])
  return {
    body: [expression(term('walk(', value.term, `, ${pattern})`))],
    scope: bind(scope, variable(path, ANY), variable(found, ANY)),
  }
}

/** A member of a document whose name is known only when the policy runs. */
function growLookUp(scope: Scope, depth: number): GrownBody {
  if (scope.documents.length === 0) return growAssignment(scope, depth)
  const document = scope.random.pick(scope.documents)
  const [name, value] = [scope.name(), scope.name()]
  const key = scope.random.chance(0.5)
    ? name
    : growTerm(scope, { is: 'string', as: 'word' }, 0).term
  return {
    body: [expression(term(`${value} := ${document}[`, key, ']'))],
    scope: bind(
      scope,
      variable(value, ANY),
      ...(key === name ? [variable(name, ANY, STRING)] : []),
    ),
  }
}
