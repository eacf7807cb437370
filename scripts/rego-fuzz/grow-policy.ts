import type { Shape } from './documents.ts'
import { growDocument, growShape, jsonText, pathsOf } from './documents.ts'
import { growBody } from './grow-body.ts'
import type { Known, KnownFunction, Scope } from './grow-term.ts'
import { constantOf, growTerm, quoted } from './grow-term.ts'
import type { Body, Module, Policy, Rule, Term } from './policy.ts'
import { LIB, MAIN, term } from './policy.ts'
import type { Random } from './random.ts'
import { TEXTS } from './samples.ts'
import type { Type } from './type.ts'
import { ANY, arrayOf, BOOLEAN, NUMBER, objectOf, STRING, setOf } from './type.ts'

export type GrownPolicy = { readonly policy: Policy; readonly input: Shape }

/** Makes a policy of two or three packages, and the shape of the inputs that it is for. */
export function growPolicy(random: Random): GrownPolicy {
  const [input, docs] = [growShape(random), growShape(random, 1)]
  const paths = pathsOf(input, 'input')
  const documents = pathsOf(docs, 'data.docs')
  const known = [...paths, ...paths, ...documents].map(
    ([part, hint]): Known => ({ part, type: ANY, hint }),
  )
  let variables = 0
  const scope: Scope = {
    random,
    known,
    functions: [],
    documents: ['data.docs', 'input'],
    inputs: paths.map(([path]) => path).filter((path) => path !== 'input'),
    name: () => `v_${++variables}`,
    walks: { left: 0 },
  }
  const lib = growRules(scope, 2 + random.below(4))
  const fromMain: Scope = {
    ...scope,
    known: [...known, ...lib.known.map((one) => renamed(one, 'lib'))],
    functions: lib.functions.map((one) => ({ ...one, name: `lib.${one.name}` })),
    documents: [...scope.documents, ...libDocuments(random, lib)],
  }
  const main = growRules(fromMain, 3 + random.below(4))
  const modules: Module[] = [
    { name: LIB, lax: random.chance(0.08), rules: lib.rules },
    { name: MAIN, lax: random.chance(0.04), rules: main.rules },
  ]
  if (random.chance(0.3)) {
    const { rules } = growRules({ ...scope, documents: ['data.docs'] }, 1 + random.below(2))
    modules.push({ name: `${LIB}.sub`, lax: random.chance(0.1), rules })
  }
  return { policy: { modules, data: dataText(random, docs) }, input }
}

type GrownRules = {
  readonly rules: readonly Rule[]
  readonly known: readonly Known[]
  readonly functions: readonly KnownFunction[]
}

/** Each rule may use those before it, so that none reaches itself. */
function growRules(scope: Scope, count: number): GrownRules {
  let grown: GrownRules = { rules: [], known: [], functions: [] }
  for (let number = 1; number <= count; number++) {
    const inner: Scope = {
      ...scope,
      walks: { left: 1 },
      known: [...scope.known, ...grown.known, ...grown.known],
      functions: [...scope.functions, ...grown.functions],
    }
    const next = scope.random.pick(RULES)(inner, `r${number}`)
    grown = {
      rules: [...grown.rules, ...next.rules],
      known: [...grown.known, ...next.known],
      functions: [...grown.functions, ...next.functions],
    }
  }
  return grown
}

type Grow = (scope: Scope, name: string) => GrownRules

const RULES: readonly Grow[] = [
  growComplete,
  growComplete,
  growComplete,
  growSet,
  growSet,
  growObject,
  growObject,
  growFunction,
  growFunction,
  growNested,
]

const VALUE_TYPES: readonly Type[] = [
  ANY,
  NUMBER,
  STRING,
  BOOLEAN,
  arrayOf(ANY),
  arrayOf(STRING),
  setOf(ANY),
  setOf(STRING),
  objectOf(ANY),
]

function growComplete(scope: Scope, name: string): GrownRules {
  const { random } = scope
  const type = random.pick(VALUE_TYPES)
  // Bodies that give one value never conflict, and may be left early.
  const shared = random.chance(0.5) ? constantOf(scope, type).term : undefined
  const rules: Rule[] = []
  const definitions = 1 + random.below(3)
  for (let count = 0; count < definitions; count++) {
    const { body, value } = growBranch(scope, type, shared)
    const otherwise = random.chance(0.25) ? [growBranch(scope, type, shared)] : []
    if (random.chance(0.1)) otherwise.push(growBranch(scope, type, undefined))
    rules.push({ name, shape: 'value', head: term(name), value, body, otherwise })
  }
  if (random.chance(0.4)) rules.unshift(growDefault(scope, name, type))
  return { rules, known: [{ part: { rule: name }, type: ANY, hint: type }], functions: [] }
}

function growBranch(
  scope: Scope,
  type: Type,
  shared: Term | undefined,
): { readonly body: Body; readonly value: Term } {
  const grown = growBody(scope, { expressions: 1 + scope.random.below(4), depth: 2 })
  return { body: grown.body, value: shared ?? growTerm(grown.scope, type, 1).term }
}

function growDefault(scope: Scope, name: string, type: Type): Rule {
  const value = constantOf(scope, type).term
  return { name, shape: 'default', head: term(name), value, body: [], otherwise: [] }
}

function growSet(scope: Scope, name: string): GrownRules {
  const of = scope.random.pick([ANY, ANY, STRING, NUMBER, arrayOf(STRING)])
  const rules = Array.from({ length: 1 + scope.random.below(2) }, (): Rule => {
    const { body, value } = growBranch(scope, of, undefined)
    const head = term(`${name} contains `, value)
    return { name, shape: 'member', head, body, otherwise: [] }
  })
  return { rules, known: [member(name, setOf(of))], functions: [] }
}

function growObject(scope: Scope, name: string): GrownRules {
  const { random } = scope
  const [keys, of] = [random.pick([STRING, STRING, ANY, NUMBER]), random.pick(VALUE_TYPES)]
  const rules = Array.from({ length: 1 + random.below(2) }, (): Rule => {
    const grown = growBody(scope, { expressions: 1 + random.below(3), depth: 2 })
    const key = growTerm(grown.scope, keys, 1).term
    const value = growTerm(grown.scope, of, 1).term
    const head = term(`${name}[`, key, ']')
    return { name, shape: 'member', head, value, body: grown.body, otherwise: [] }
  })
  return { rules, known: [member(name, objectOf(of))], functions: [] }
}

/** Rules whose names go deeper than one level, with variables in them. */
function growNested(scope: Scope, name: string): GrownRules {
  const { random } = scope
  const rules = Array.from({ length: 1 + random.below(3) }, (): Rule => {
    const grown = growBody(scope, { expressions: 1 + random.below(3), depth: 2 })
    const key = (): Term => growTerm(grown.scope, STRING, 0).term
    const value = growTerm(grown.scope, ANY, 1).term
    const rule = { name, shape: 'member', body: grown.body, otherwise: [] } as const
    switch (random.below(4)) {
      case 0:
        return { ...rule, head: term(`${name}.a[`, key(), ']'), value }
      case 1:
        return { ...rule, head: term(`${name}[`, key(), '].b'), value }
      case 2:
        return { ...rule, head: term(`${name}.c.d`), value }
      default:
        return { ...rule, head: term(`${name}.e[`, key(), '] contains ', value) }
    }
  })
  return { rules, known: [member(name, objectOf(objectOf(ANY)))], functions: [] }
}

function growFunction(scope: Scope, name: string): GrownRules {
  const { random } = scope
  const operands = Array.from({ length: 1 + random.below(2) }, () =>
    random.pick([ANY, NUMBER, STRING, arrayOf(ANY), objectOf(ANY)]),
  )
  const result = random.pick(VALUE_TYPES)
  const shared = random.chance(0.4) ? constantOf(scope, result).term : undefined
  const rules = Array.from({ length: 1 + random.below(3) }, (): Rule => {
    const names = operands.map(() => scope.name())
    const inner: Scope = {
      ...scope,
      known: [
        ...scope.known,
        ...names.flatMap((part, at): Known[] => {
          const one = { part, type: ANY, hint: operands[at] ?? ANY }
          return [one, one, one]
        }),
      ],
    }
    const { body, value } = growBranch(inner, result, shared)
    const otherwise = random.chance(0.3) ? [growBranch(inner, result, shared)] : []
    const given = names.map((one, at) => operandOf(scope, one, operands[at] ?? ANY))
    const head = term(
      `${name}(`,
      ...given.flatMap((one, at) => (at === 0 ? [one] : [', ', one])),
      ')',
    )
    return { name, shape: 'function', head, value, body, otherwise }
  })
  if (random.chance(0.25)) {
    const head = term(`${name}(${operands.map(() => '_').join(', ')})`)
    const value = constantOf(scope, result).term
    rules.unshift({ name, shape: 'default', head, value, body: [], otherwise: [] })
  }
  return { rules, known: [], functions: [{ name, operands, result: ANY }] }
}

/** Mostly a variable; sometimes a constant, or a pattern whose variable is the operand's part. */
function operandOf(scope: Scope, name: string, type: Type): Term {
  if (scope.random.chance(0.15)) return constantOf(scope, type).term
  if (type.is === 'array' && scope.random.chance(0.2)) return term(`[${name}, _]`)
  if (type.is === 'object' && scope.random.chance(0.2)) return term(`{"a": ${name}}`)
  return term(name)
}

function member(name: string, hint: Type): Known {
  return { part: { rule: name }, type: ANY, hint }
}

function renamed(one: Known, prefix: string): Known {
  const { part } = one
  const rule = typeof part === 'object' && 'rule' in part ? part.rule : undefined
  return typeof rule === 'string' ? { ...one, part: { rule: `${prefix}.${rule}` } } : one
}

/** OPA's plan is none where a package that has functions is looked through: only now and then is that worth a policy. */
function libDocuments(random: Random, { functions }: GrownRules): readonly string[] {
  const apt = functions.length === 0 || random.chance(0.02)
  return apt ? [`data.${LIB}`, `data.${LIB}`, `data.${LIB}`] : []
}

/** Documents beside the rules, some of them where rules are, too. */
function dataText(random: Random, docs: Shape): string {
  const own = `${quoted('docs')}:${jsonText(growDocument(random, docs))}`
  const beside = random.chance(0.3)
    ? `,"fz":{"lib":{"base":${jsonText({ items: [] })},${quoted(random.pick(TEXTS['word']!))}:1}}`
    : ''
  return JSON.stringify(finite(JSON.parse(`{${own}${beside}}`)))
}

/** Data are handed over as doubles, in JavaScript's text: those that Countersign writes in another way become zero. */
function finite(json: unknown): unknown {
  return JSON.parse(
    JSON.stringify(json, (_, value: unknown) =>
      typeof value === 'number' && !/^-?[0-9.]+$/.test(String(value)) ? 0 : value,
    ),
  )
}
