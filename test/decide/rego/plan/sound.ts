import type { Block, Operand, Plan, Statement } from '../../../../src/decide/rego/plan/plan.ts'

/** What a back end takes for granted. Gives what is wrong, or nothing. */
export function faultsOf(plan: Plan): readonly string[] {
  const faults: string[] = []
  for (const [at, fn] of plan.functions.entries()) {
    const known = new Set([...fn.parameters, fn.result])
    if (known.size !== fn.parameters.length + 1) faults.push(`${fn.name}: parameters`)
    if (fn.blocks.at(-1)?.at(-1)?.op !== 'return') faults.push(`${fn.name}: return`)
    checkBlocks({ plan, faults, locals: fn.locals, place: fn.name, levels: 0, last: at }, fn.blocks)
  }
  for (const [name, { blocks, locals }] of plan.entrypoints) {
    checkBlocks({ plan, faults, locals, place: name, levels: 0, last: -1 }, blocks)
  }
  return faults
}

type Check = {
  readonly plan: Plan
  readonly faults: string[]
  readonly locals: number
  readonly place: string
  readonly levels: number
  /** The function that is looked at, or -1. */
  readonly last: number
}

function checkBlocks(check: Check, blocks: readonly Block[], levels = 1): void {
  const inner = { ...check, levels: check.levels + levels }
  for (const block of blocks) for (const one of block) checkStatement(inner, one)
}

function checkStatement(check: Check, statement: Statement): void {
  const { plan, faults, place, levels } = check
  const expect = (holds: boolean, what: string): void => {
    if (!holds) faults.push(`${place}: ${statement.op}: ${what}`)
  }
  expect(plan.sites[statement.site] !== undefined, 'site')
  for (const [name, value] of Object.entries(statement)) {
    if (LOCALS.has(name) && typeof value === 'number' && statement.op !== 'constant') {
      expect(isLocal(check, value), name)
    }
    if (typeof value === 'object' && value !== null && statement.op !== 'constant') {
      for (const operand of [value].flat() as (Operand | string | number)[]) {
        if (typeof operand === 'object' && 'local' in operand)
          expect(isLocal(check, operand.local), name)
      }
    }
  }
  switch (statement.op) {
    case 'call': {
      const called = plan.functions[statement.function]
      expect(called?.parameters.length === statement.operands.length, 'arity')
      break
    }
    case 'call_builtin':
      expect(plan.builtins.includes(statement.builtin), 'builtin')
      break
    case 'call_dynamic':
      expect(levels >= 4, 'levels')
      for (const at of statement.candidates) {
        expect(plan.functions[at]?.parameters.length === statement.arguments.length, 'candidate')
        expect(plan.functions[at]?.path?.length === statement.path.length, 'path')
      }
      break
    case 'break':
      expect(Number.isInteger(statement.depth) && statement.depth < levels, 'depth')
      break
    case 'constant':
      expect(isLocal(check, statement.target), 'target')
      break
    case 'with':
      checkBlocks(check, [statement.block])
      break
    case 'not':
      checkBlocks(check, [statement.block])
      break
    case 'scan':
      checkBlocks(check, [statement.block], 2)
      break
    case 'blocks':
      checkBlocks(check, statement.blocks)
  }
}

const LOCALS = new Set([
  'source',
  'target',
  'key',
  'value',
  'local',
  'array',
  'object',
  'set',
  'a',
  'b',
])

function isLocal({ locals }: Check, local: number): boolean {
  return Number.isInteger(local) && local >= 0 && local < locals
}
