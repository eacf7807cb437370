import type { Value } from '../values/value.ts'
import { RegoObject, RegoSet } from '../values/value.ts'
import { nestedIn, readsOf, writesOf } from './analyse-locals.ts'
import type { Block, Operand, Plan, Statement } from './plan.ts'

/**
 * The same plan with its literals in place: OPA plans `["a", "b"]` as an array that is made and filled each time, here
 * it is one constant. What is not certainly a literal stays as it is.
 */
export function foldConstants(plan: Plan): Plan {
  return {
    ...plan,
    functions: plan.functions.map((one) => ({ ...one, blocks: foldBlocks(one.blocks) })),
    entrypoints: new Map(
      [...plan.entrypoints].map(([path, one]) => [
        path,
        { ...one, blocks: foldBlocks(one.blocks) },
      ]),
    ),
  }
}

/** A collection that one statement makes and others fill. */
type Making = {
  readonly block: Block
  readonly value: Value[] | RegoSet | RegoObject
  /** Literals that stand in this one. */
  readonly parts: Making[]
  /** Whether something looked at it: what fills it afterwards makes it no literal. */
  read: boolean
  literal: boolean
}

/** What is known of a local: a scalar literal, or the collection that it holds. Else nothing is. */
type Known = { readonly scalar: Value } | { readonly making: Making }

type Scope = Map<number, Known>

type Survey = {
  readonly made: Map<Statement, Making>
  /** Statements that fill a collection. */
  readonly fills: Map<Statement, Making>
  /** Whether something fills a collection that no statement in sight made. */
  wild: boolean
}

function foldBlocks(blocks: readonly Block[]): readonly Block[] {
  const survey: Survey = { made: new Map(), fills: new Map(), wild: false }
  const scope: Scope = new Map()
  for (const block of blocks) surveyBlock(survey, block, scope)
  if (survey.wild) return blocks
  const isLiteral = ({ literal, parts }: Making): boolean => literal && parts.every(isLiteral)
  return blocks.map((block) => rewrite(block, survey, isLiteral))
}

/** Looks at one block and, as what it defines may or may not have happened, forgets that in the scope around. */
function surveyNested(survey: Survey, block: Block, scope: Scope, repeats: boolean): void {
  const defined = definedIn(block)
  const inner: Scope = new Map(scope)
  // A second turn starts with what the first left behind.
  if (repeats) for (const local of defined) inner.delete(local)
  surveyBlock(survey, block, inner)
  for (const local of defined) scope.delete(local)
}

function surveyBlock(survey: Survey, block: Block, scope: Scope): void {
  for (const statement of block) {
    if (isFill(statement)) {
      surveyFill(survey, block, statement, scope)
      continue
    }
    for (const local of readsOf(statement)) {
      const known = scope.get(local)
      if (known !== undefined && 'making' in known) known.making.read = true
    }
    for (const nested of nestedIn(statement)) {
      surveyNested(survey, nested, scope, statement.op === 'scan')
    }
    if (statement.op === 'scan') {
      scope.delete(statement.key)
      scope.delete(statement.value)
    }
    define(survey, block, statement, scope)
  }
}

function define(survey: Survey, block: Block, statement: Statement, scope: Scope): void {
  if (!('target' in statement)) return
  scope.delete(statement.target)
  if (statement.op === 'constant') scope.set(statement.target, { scalar: statement.value })
  if (statement.op !== 'make') return
  const value =
    statement.type === 'array' ? [] : statement.type === 'set' ? new RegoSet() : new RegoObject()
  const making: Making = { block, value, parts: [], read: false, literal: true }
  survey.made.set(statement, making)
  scope.set(statement.target, { making })
}

type Fill = Extract<Statement, { op: 'append' | 'add' | 'insert' | 'insert_once' }>

function isFill(statement: Statement): statement is Fill {
  const { op } = statement
  return op === 'append' || op === 'add' || op === 'insert' || op === 'insert_once'
}

function surveyFill(survey: Survey, block: Block, statement: Fill, scope: Scope): void {
  const filled =
    statement.op === 'append'
      ? statement.array
      : statement.op === 'add'
        ? statement.set
        : statement.object
  const operands = 'key' in statement ? [statement.key, statement.value] : [statement.value]
  const values = operands.map((operand) => literalOf(operand, scope))
  const known = scope.get(filled)
  if (known === undefined || !('making' in known)) {
    survey.wild = true
    return
  }
  const { making } = known
  survey.fills.set(statement, making)
  const [first, second] = values
  const complete = first !== undefined && (operands.length === 1 || second !== undefined)
  if (making.block !== block || making.read || !complete || statement.op === 'insert_once') {
    making.literal = false
    return
  }
  for (const value of values) if (value?.making !== undefined) making.parts.push(value.making)
  if (Array.isArray(making.value)) making.value.push(first.value)
  else if (making.value instanceof RegoSet) making.value.add(first.value)
  else if (second !== undefined) making.value.set(first.value, second.value)
}

type Literal = { readonly value: Value; readonly making?: Making }

function literalOf(operand: Operand, scope: Scope): Literal | undefined {
  if ('constant' in operand) return { value: operand.constant }
  const known = scope.get(operand.local)
  if (known === undefined) return undefined
  if ('scalar' in known) return { value: known.scalar }
  known.making.read = true
  return { value: known.making.value, making: known.making }
}

function rewrite(block: Block, survey: Survey, isLiteral: (making: Making) => boolean): Block {
  return block.flatMap((statement): readonly Statement[] => {
    const filled = survey.fills.get(statement)
    if (filled !== undefined) return isLiteral(filled) ? [] : [statement]
    const making = survey.made.get(statement)
    if (making === undefined) return [rewriteNested(statement, survey, isLiteral)]
    if (statement.op !== 'make' || !isLiteral(making)) return [statement]
    const { target, site } = statement
    return [{ op: 'constant', value: making.value, target, site }]
  })
}

function rewriteNested(
  statement: Statement,
  survey: Survey,
  isLiteral: (making: Making) => boolean,
): Statement {
  switch (statement.op) {
    case 'blocks':
      return {
        ...statement,
        blocks: statement.blocks.map((block) => rewrite(block, survey, isLiteral)),
      }
    case 'scan':
    case 'not':
    case 'with':
      return { ...statement, block: rewrite(statement.block, survey, isLiteral) }
    default:
      return statement
  }
}

/** Locals that a block may define, nested blocks included. */
function definedIn(block: Block): readonly number[] {
  return block.flatMap((statement) => [
    ...(isFill(statement) ? [] : writesOf(statement)),
    ...nestedIn(statement).flatMap(definedIn),
  ])
}
