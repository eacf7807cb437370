import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { JsonObject, JsonValue } from '../../../../src/base/json-value.ts'

/** Policies, and beside them the plans that OPA 1.22's compiler made of them. */
export const POLICIES = join(import.meta.dirname, '../../../cases/rego-plan')

export function planOf(name: string): JsonObject {
  return JSON.parse(readFileSync(join(POLICIES, `${name}.plan.json`), 'utf8')) as JsonObject
}

/** A plan of the fewest words: the statements are the body of the one function, which then returns. */
export function planWith(
  statements: readonly JsonValue[],
  more: { readonly [key: string]: JsonValue } = {},
): JsonObject {
  return {
    static: {
      strings: ['a', 'b', 'g0', 't', '7', 'x1'].map((value) => ({ value })),
      files: [{ value: 'p.rego' }],
      builtin_funcs: [{ name: 'plus', decl: { type: 'function', args: [{}, {}], result: {} } }],
    },
    funcs: {
      funcs: [
        functionOf('g0.data.t.f', statements),
        { ...functionOf('g0.data.t.h', []), params: [0, 1, 3] },
      ],
    },
    plans: {
      plans: [
        {
          name: 't/f',
          blocks: [
            {
              stmts: [
                statement('CallStmt', {
                  func: 'g0.data.t.f',
                  args: [local(0), local(1)],
                  result: 2,
                }),
                statement('ResultSetAddStmt', { value: 2 }),
              ],
            },
          ],
        },
      ],
    },
    ...more,
  }
}

export function functionOf(name: string, statements: readonly JsonValue[]): JsonObject {
  return {
    name,
    path: ['g0', ...name.split('.').slice(2)],
    params: [0, 1],
    return: 2,
    blocks: [{ stmts: statements }, { stmts: [statement('ReturnLocalStmt', { source: 2 })] }],
  }
}

export function statement(type: string, stmt: JsonObject): JsonObject {
  return { type, stmt: { file: 0, row: 3, col: 1, end_row: 3, end_col: 9, ...stmt } }
}

export function local(value: JsonValue): JsonObject {
  return { type: 'local', value }
}

export function text(value: JsonValue): JsonObject {
  return { type: 'string_index', value }
}
