import { parseNumber } from '../../src/decide/rego/values/number.ts'
import { numberText } from '../../src/decide/rego/values/text.ts'
import { SET_CALLS, SIGNATURES } from './builtin-calls.ts'
import { growBody } from './grow-body.ts'
import type { Part, Term } from './policy.ts'
import { term } from './policy.ts'
import type { Random } from './random.ts'
import { HOSTILE_NUMBERS, NUMBERS, TEXTS } from './samples.ts'
import type { Type } from './type.ts'
import { ANY, arrayOf, BOOLEAN, NULL, NUMBER, objectOf, STRING, setOf } from './type.ts'

/** What an expression may use. */
export type Known = {
  readonly part: Part
  /** What OPA's type checker takes it for. */
  readonly type: Type
  /** What it is likely to be. */
  readonly hint: Type
}

export type KnownFunction = {
  readonly name: string
  readonly operands: readonly Type[]
  readonly result: Type
}

/** What is visible where a term stands. */
export type Scope = {
  readonly random: Random
  readonly known: readonly Known[]
  readonly functions: readonly KnownFunction[]
  /** References below which a policy may look for any name. */
  readonly documents: readonly string[]
  /** Paths of the input, for `with`. */
  readonly inputs: readonly string[]
  /** How many more walks the rule may have: each takes what those before it find. */
  readonly walks: { left: number }
  /** Gives a variable that the policy has nowhere else. */
  readonly name: () => string
}

export type Grown = { readonly term: Term; readonly type: Type }

/** Makes a term of a type. One of an unknown type, and now and then one that is wrong, stands where OPA allows it. */
export function growTerm(scope: Scope, want: Type, depth: number): Grown {
  const { random } = scope
  if (isCautious(want)) return growCautious(scope, want, depth)
  if (random.chance(0.04)) {
    const wrong = scope.known.filter(({ type }) => type.is === 'any')
    if (wrong.length > 0) return useOf(random.pick(wrong))
  }
  if (want.is === 'any') return growTerm(scope, random.pick(CONCRETE), depth)
  if (depth <= 0 || random.chance(0.35)) return growLeaf(scope, want)
  return random.pick(GROWERS[want.is])(scope, want, depth - 1) ?? growLeaf(scope, want)
}

/** Something to iterate over. */
export function growCollection(scope: Scope, depth: number): Grown {
  const { random } = scope
  const of = random.pick([NUMBER, STRING, ANY, ANY])
  return growTerm(scope, random.pick([arrayOf, arrayOf, setOf, objectOf])(of), depth)
}

/** A known thing in use. */
export function useOf({ part, type }: Known): Grown {
  return { term: term(part), type }
}

export function constantOf(scope: Pick<Scope, 'random'>, want: Type): Grown {
  return { term: term(constantPart(scope, want)), type: want }
}

/** A text as Rego writes it. */
export function quoted(text: string): string {
  return JSON.stringify(text).replaceAll('\u007f', '\\u007f').replaceAll('\u2028', '\\u2028')
}

const CONCRETE: readonly Type[] = [
  NUMBER,
  NUMBER,
  STRING,
  STRING,
  STRING,
  BOOLEAN,
  NULL,
  arrayOf(ANY),
  arrayOf(NUMBER),
  arrayOf(STRING),
  setOf(ANY),
  setOf(STRING),
  objectOf(ANY),
  objectOf(NUMBER),
]

type Grow = (scope: Scope, want: Type, depth: number) => Grown | undefined

const GROWERS: Readonly<Record<Type['is'], readonly Grow[]>> = {
  any: [growCall],
  null: [growIndex],
  boolean: [growCall, growCall, growComparison, growMembership, growFunction],
  number: [growCall, growCall, growArithmetic, growArithmetic, growFunction, growIndex],
  string: [growCall, growCall, growCall, growSetCall, growTemplate, growFunction, growIndex],
  array: [growLiteral, growCall, growSetCall, growComprehension, growComprehension, growFunction],
  set: [growLiteral, growCall, growSetOperation, growComprehension, growComprehension],
  object: [growLiteral, growCall, growComprehension, growComprehension, growFunction],
}

/** Operands that decide how much OPA's own evaluator has to do. */
function isCautious(want: Type): boolean {
  return (want.is === 'number' || want.is === 'string') && /^(tiny|range)$/.test(want.as)
}

function growCautious(scope: Scope, want: Type, depth: number): Grown {
  if (want.is !== 'number' || depth <= 0 || !scope.random.chance(0.2))
    return constantOf(scope, want)
  const counted = growTerm(scope, scope.random.pick([STRING, arrayOf(ANY), setOf(ANY)]), depth - 1)
  return { term: term('count(', counted.term, ')'), type: NUMBER }
}

function growLeaf(scope: Scope, want: Type): Grown {
  const { random, known } = scope
  const usable = known.filter(({ type }) => type.is === 'any' || fits(type, want))
  const likely = usable.filter(({ hint }) => fits(hint, want))
  const apt = likely.filter(({ hint }) => sameKind(hint, want))
  if (apt.length > 0 && random.chance(0.55)) return useOf(random.pick(apt))
  if (likely.length > 0 && random.chance(0.5)) return useOf(random.pick(likely))
  return constantOf(scope, want)
}

/** Whether a value of one type may be meant where another is wanted. */
function fits(type: Type, want: Type): boolean {
  if (want.is === 'any' || type.is === 'any') return true
  if (type.is !== want.is) return false
  return 'of' in type && 'of' in want ? fits(type.of, want.of) : true
}

function sameKind(hint: Type, want: Type): boolean {
  if ('of' in hint && 'of' in want) return sameKind(hint.of, want.of)
  if (!('as' in hint) || !('as' in want)) return true
  return hint.as === want.as || want.as === 'text' || want.as === 'number'
}

function constantPart({ random }: Pick<Scope, 'random'>, want: Type): Part {
  const many = (): readonly Term[] => {
    const of = 'of' in want ? want.of : ANY
    return Array.from({ length: random.below(4) }, () => term(constantPart({ random }, of)))
  }
  switch (want.is) {
    case 'null':
      return 'null'
    case 'boolean':
      return random.pick(['true', 'false'])
    case 'number':
      return numberPart(random, want.as)
    case 'string':
      return quoted(random.pick(TEXTS[want.as] ?? TEXTS['text']!))
    case 'array':
      return term('[', ...separated(many()), ']')
    case 'set': {
      const members = many()
      return members.length === 0 ? 'set()' : term('{', ...separated(members), '}')
    }
    case 'object':
      return term('{', ...separated(many().map((value, at) => entry(random, value, at))), '}')
    case 'any':
      return constantPart({ random }, random.pick(CONCRETE))
  }
}

function numberPart(random: Random, as: string): Part {
  const hostile = as !== 'tiny' && random.chance(0.08)
  const text = random.pick(hostile ? HOSTILE_NUMBERS : (NUMBERS[as] ?? NUMBERS['number']!))
  const value = parseNumber(text)
  return value === undefined ? '0' : { number: text, plain: numberText(value) }
}

function entry(random: Random, value: Term, at: number): Term {
  const key = random.chance(0.15)
    ? random.pick(['1', 'true', 'null', '[1]', '{"k": 1}', '{1, 2}', '0.5'])
    : quoted(random.pick(TEXTS['word']!))
  // Rego refuses the same key twice in one literal only where the values differ, and then at run time.
  return literal(at > 0 && random.chance(0.9) ? quoted(`k${at}`) : key, ': ', value)
}

function separated(terms: readonly Term[]): Part[] {
  return terms.flatMap((one, at) => (at === 0 ? [one] : [', ', one]))
}

function growCall(scope: Scope, want: Type, depth: number): Grown | undefined {
  const apt = SIGNATURES.filter(({ result }) => resultFits(result, want))
  if (apt.length === 0) return undefined
  const { name, operands, result } = scope.random.pick(apt)
  const terms = operands.map((choices) => growTerm(scope, scope.random.pick(choices), depth).term)
  const call = term(`${name}(`, ...separated(terms), ')')
  return { term: DECODES.test(name) ? { ...call, decodes: true } : call, type: result }
}

/** Built-ins that make text of bytes. */
const DECODES = /^(base64|base64url|hex|urlquery|io\.jwt)\.decode|^uri\.parse$/

function resultFits(result: Type, want: Type): boolean {
  return result.is === want.is && fits(result, want)
}

/** A call with its operands as they have to be, and words in capitals for what may be there. */
function growSetCall(scope: Scope, want: Type, depth: number): Grown | undefined {
  const apt = SET_CALLS.filter(({ result }) => result.is === 'any' || resultFits(result, want))
  if (apt.length === 0) return undefined
  const { text, result } = scope.random.pick(apt)
  const parts = text.split(/\b([A-Z0-9]{2,})\b/).map((part, at): Part => {
    const type = at % 2 === 1 ? KINDS[part] : undefined
    return type === undefined ? part : growTerm(scope, type, depth).term
  })
  return { term: term(...parts), type: result }
}

const KINDS: Readonly<Record<string, Type>> = {
  ANY,
  NUMBER,
  INT: { is: 'number', as: 'int' },
  NS: { is: 'number', as: 'ns' },
  ...Object.fromEntries(
    Object.keys(TEXTS).map((as): [string, Type] => [as.toUpperCase(), { is: 'string', as }]),
  ),
}

function growFunction(scope: Scope, want: Type, depth: number): Grown | undefined {
  const apt = scope.functions.filter(({ result }) => fits(result, want))
  if (apt.length === 0) return undefined
  const { name, operands, result } = scope.random.pick(apt)
  const terms = operands.map((type) => growTerm(scope, type, depth).term)
  const call = term(`${name}(`, ...separated(terms), ')')
  return { term: term({ rule: call }), type: result }
}

/** A member of something known, by a constant, a variable or a calculated key. */
function growIndex(scope: Scope, want: Type, depth: number): Grown | undefined {
  const { random } = scope
  const apt = scope.known.filter(
    ({ type, hint }) =>
      'of' in hint && fits(hint.of, want) && (type.is === 'any' || type.is === hint.is),
  )
  if (apt.length === 0) return undefined
  const { part, type, hint } = random.pick(apt)
  if (hint.is === 'set') return undefined
  const key = growTerm(scope, hint.is === 'array' ? KINDS['INT']! : KINDS['WORD']!, depth - 1)
  return { term: term(part, '[', key.term, ']'), type: 'of' in type ? type.of : ANY }
}

function growArithmetic(scope: Scope, _want: Type, depth: number): Grown {
  const operator = scope.random.pick(['+', '+', '-', '-', '*', '*', '/', '%'])
  const [a, b] = [growTerm(scope, NUMBER, depth), growTerm(scope, NUMBER, depth)]
  return { term: term('(', a.term, ` ${operator} `, b.term, ')'), type: NUMBER }
}

function growSetOperation(scope: Scope, want: Type, depth: number): Grown {
  const operator = scope.random.pick(['|', '&', '-'])
  const [a, b] = [growTerm(scope, want, depth), growTerm(scope, want, depth)]
  // OPA takes a difference for a number, too.
  return {
    term: term('(', a.term, ` ${operator} `, b.term, ')'),
    type: operator === '-' ? ANY : setOf(ANY),
  }
}

function growComparison(scope: Scope, _want: Type, depth: number): Grown {
  return { term: term('(', comparison(scope, depth), ')'), type: BOOLEAN }
}

/** Two terms of a type, since OPA refuses to compare what can never be equal. */
export function comparison(scope: Scope, depth: number): Term {
  const { random } = scope
  const type = random.pick(CONCRETE)
  const operator = random.pick(['==', '==', '!=', '!=', '<', '<=', '>', '>='])
  const [a, b] = [growTerm(scope, type, depth), growTerm(scope, type, depth)]
  return term(a.term, ` ${operator} `, b.term)
}

function growMembership(scope: Scope, _want: Type, depth: number): Grown {
  return { term: term('(', membership(scope, depth), ')'), type: BOOLEAN }
}

export function membership(scope: Scope, depth: number): Term {
  const { random } = scope
  const value = growTerm(scope, random.pick([NUMBER, STRING, ANY]), depth)
  const collection = growCollection(scope, depth)
  if (random.chance(0.8)) return term(value.term, ' in ', collection.term)
  const key = growTerm(scope, random.pick([KINDS['INT']!, KINDS['WORD']!]), depth)
  return term(key.term, ', ', value.term, ' in ', collection.term)
}

function growTemplate(scope: Scope, _want: Type, depth: number): Grown {
  const inner = growTerm(scope, ANY, Math.min(depth, 1))
  const before = scope.random.pick(['', 'a ', '\\{', 'ä"'.replace('"', '\\"')])
  return { term: term(`$"${before}{`, inner.term, '}!"'), type: STRING }
}

function growLiteral(scope: Scope, want: Type, depth: number): Grown | undefined {
  if (!('of' in want)) return undefined
  const terms = Array.from(
    { length: 1 + scope.random.below(3) },
    () => growTerm(scope, want.of, depth).term,
  )
  const entries =
    want.is === 'object' ? terms.map((value, at) => entry(scope.random, value, at)) : terms
  const [open, close] = want.is === 'array' ? ['[', ']'] : ['{', '}']
  return { term: literal(open, ...separated(entries), close), type: want }
}

function literal(...parts: readonly Part[]): Term {
  return { parts, is: 'literal' }
}

function growComprehension(scope: Scope, want: Type, depth: number): Grown | undefined {
  if (!('of' in want)) return undefined
  const { random } = scope
  const inner = growBody(scope, { expressions: 1 + random.below(2), depth })
  const value = growTerm(inner.scope, want.of, Math.min(depth, 1)).term
  const key = growTerm(inner.scope, random.pick([STRING, ANY]), 0).term
  const head = want.is === 'object' ? [key, ': ', value] : [value]
  const [open, close] = want.is === 'array' ? ['[', ']'] : ['{', '}']
  const parts = [open, ...head, ' |', { lines: inner.body }, close]
  return { term: { parts, is: 'comprehension' }, type: { is: want.is, of: ANY } }
}
