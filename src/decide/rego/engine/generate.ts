import type { Analysis } from '../plan/analyse.ts'
import { recallsCalls } from '../plan/analyse.ts'
import type { Block, Plan, PlanFunction } from '../plan/plan.ts'
import type { IndexNode, RuleUnit } from '../plan/rule-index.ts'
import { indexBlocks } from '../plan/rule-index.ts'
import { unitsOf } from '../plan/rule-index-units.ts'
import type { Value } from '../values/value.ts'
import type { Label, Writer } from './generate-statements.ts'
import { writeBlock } from './generate-statements.ts'
import { dynamicKey } from './operations.ts'

/** JavaScript made from a plan: the body of a function whose parameters machine.ts names. */
export type GeneratedCode = {
  readonly text: string
  /** What `b0`, `b1`, ... stand for. */
  readonly builtins: readonly BuiltinUse[]
  /** What `k0`, `k1`, ... stand for: values that have no literal. */
  readonly values: readonly Value[]
  /** What `n0`, `n1`, ... stand for: where to look for the rules to run. */
  readonly nodes: readonly IndexNode[]
  /** What `documents` holds: the values at these paths below data. */
  readonly documents: readonly (readonly string[])[]
}

/** `index` is the number in the name. */
export type BuiltinUse = {
  readonly index: number
  readonly name: string
  readonly arity: number
  readonly lax: boolean
}

/** Parts that all functions of one text share. */
export type Shared = {
  readonly plan: Plan
  readonly builtins: Map<string, BuiltinUse>
  readonly values: Value[]
  /** Functions that a dynamic call may reach, by the number in the table's name. */
  readonly tables: (readonly number[])[]
  readonly nodes: IndexNode[]
  readonly documents: Documents
}

/** Paths below data that the text reads, each with a number of its own. */
export type Documents = {
  add(path: readonly string[]): number
  readonly paths: readonly (readonly string[])[]
}

/**
 * Translates a checked plan, statement by statement. Nothing of the plan but indexes and JSON string literals reaches
 * the text, so no policy can smuggle code into it.
 */
export function generateCode(plan: Plan, analysis: Analysis): GeneratedCode {
  const shared: Shared = {
    plan,
    builtins: new Map(),
    values: [],
    tables: [],
    nodes: [],
    documents: numberedPaths(),
  }
  const lines: string[] = []
  for (const index of plan.functions.keys()) lines.push(writeFunction(shared, analysis, index))
  const queries: string[] = []
  for (const [path, { blocks, locals, lax }] of plan.entrypoints) {
    const writer = writerOf(shared, { parameters: [0, 1], locals, lax })
    const body = writeBlocks(writer, blocks)
    lines.push(`function q${queries.length}(e,l0,l1){${writer.declarations()}${body}}`)
    queries.push(`[${JSON.stringify(path)},q${queries.length}]`)
  }
  for (const [index, candidates] of shared.tables.entries()) {
    lines.push(`const d${index}=new Map([${candidates.map(entryOf(plan)).join(',')}]);`)
  }
  const functions = plan.functions.map((_, index) => `f${index}`).join(',')
  const text = `"use strict";\n${lines.join('\n')}\nreturn{queries:new Map([${queries.join(',')}]),functions:[${functions}]};`
  const { builtins, values, nodes, documents } = shared
  return { text, builtins: [...builtins.values()], values, nodes, documents: documents.paths }
}

function numberedPaths(): Documents {
  const numbers = new Map<string, number>()
  const paths: (readonly string[])[] = []
  return {
    paths,
    add(path) {
      const key = JSON.stringify(path)
      const known = numbers.get(key)
      if (known !== undefined) return known
      numbers.set(key, paths.length)
      return paths.push(path) - 1
    },
  }
}

function entryOf(plan: Plan): (index: number) => string {
  return (index) => `[${JSON.stringify(dynamicKey(plan.functions[index]?.path ?? []))},f${index}]`
}

function writeFunction(shared: Shared, analysis: Analysis, index: number): string {
  const called = shared.plan.functions[index]
  const facts = analysis.functions[index]
  if (called === undefined || facts === undefined) return ''
  const writer = writerOf(shared, called)
  const { body, before } = writeRules(shared, writer, called, { index, only: facts.only })
  const names = called.parameters.map((local) => `l${local}`).join(',')
  const site = called.blocks[0]?.[0]?.site ?? 0
  const step = `if(--e.steps<0)throw e.exhausted(${site});`
  if (recallsCalls(called, facts)) {
    const argument = `l${called.parameters[2]}`
    return (
      `${before}function f${index}(e,${names}){const m=e.recall(${index},${argument});` +
      `if(m!==undefined)return m===U?undefined:m;${step}` +
      `return e.remember(${index},${argument},g${index}(e,${names}))}\n` +
      `function g${index}(e,${names}){${writer.declarations()}${body}}`
    )
  }
  if (called.parameters.length > 2) {
    return `${before}function f${index}(e,${names}){${step}${writer.declarations()}${body}}`
  }
  const constant = facts.constant
    ? `if(e.overridden===0&&(m=constants[${index}])!==undefined)return m===U?undefined:m;`
    : ''
  return (
    `${before}function f${index}(e,${names}){let m=e.memo[${index}];if(m!==undefined)return m===U?undefined:m;` +
    `${constant}${step}m=g${index}(e,${names});e.memo[${index}]=m===undefined?U:m;return m}\n` +
    `function g${index}(e,${names}){${writer.declarations()}${body}}`
  )
}

/** The blocks of a rule, by way of its index where it has one: then the units of the index are functions of their own. */
function writeRules(
  shared: Shared,
  writer: Writer,
  called: PlanFunction,
  { index, only }: { readonly index: number; readonly only: Value | undefined },
): { readonly body: string; readonly before: string } {
  const rules = indexBlocks(called)
  const result = writer.local(called.result)
  const stop = only === undefined ? '' : `if(${result}!==undefined)return ${result};`
  const blocksOf = ({ first, count }: RuleUnit) => called.blocks.slice(first, first + count)
  const inPlace = (units: readonly RuleUnit[]): string =>
    units.map((unit) => writeBlocks(writer, blocksOf(unit)) + (unit.separate ? stop : '')).join('')
  if (rules === null) return { body: inPlace(unitsOf(called)), before: '' }
  const names = called.parameters.map((local) => `l${local}`)
  const before: string[] = []
  const steps = rules.steps.map(({ first, last, node }) => {
    const units = rules.units.slice(first, last + 1)
    if (node === null) return inPlace(units)
    for (const [at, unit] of units.entries()) {
      const parameters = [...called.parameters, called.result]
      const own = writerOf(shared, { parameters, locals: called.locals, lax: called.lax })
      const body = writeBlocks(own, blocksOf(unit))
      const head = `function u${index}_${first + at}(e,${names.join(',')},${result})`
      before.push(`${head}{${own.declarations()}${body}return ${result}}`)
    }
    const functions = units.map((_, at) => `u${index}_${first + at}`).join(',')
    before.push(`const v${index}_${first}=[${functions}];`)
    const chosen = `selectUnits(n${shared.nodes.push(node) - 1},[${names.join(',')}])`
    const unit = `v${index}_${first}[one-${first}]`
    return `for(const one of ${chosen}){${result}=${unit}(e,${names.join(',')},${result});${stop}}\n`
  })
  return { body: steps.join(''), before: `${before.join('\n')}\n` }
}

function writeBlocks(writer: Writer, blocks: readonly Block[]): string {
  return blocks.map((block) => writeBlock(writer, block, [])).join('')
}

function writerOf(
  shared: Shared,
  of: { readonly parameters: readonly number[]; readonly locals: number; readonly lax: boolean },
): Writer {
  const used = new Set<string>()
  const parameters = new Set(of.parameters)
  let labels = 0
  return {
    shared,
    lax: of.lax,
    data: of.parameters[1] ?? 1,
    local(index) {
      if (!parameters.has(index)) used.add(`l${index}`)
      return `l${index}`
    },
    label(again = false): Label {
      labels += 1
      return { name: `x${labels}`, again, used: false }
    },
    temporary() {
      const name = `t${used.size}`
      used.add(name)
      return name
    },
    declarations: () => (used.size === 0 ? '' : `let ${[...used].join(',')};`),
  }
}
