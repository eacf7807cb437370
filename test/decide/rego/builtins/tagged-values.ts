import { readFileSync } from 'node:fs'
import type { Builtin, BuiltinFamily, Call } from '../../../../src/decide/rego/builtins/builtin.ts'
import { parseValue } from '../../../../src/decide/rego/values/json.ts'
import type { Value } from '../../../../src/decide/rego/values/value.ts'
import {
  isArray,
  isObject,
  objectGet,
  objectKeys,
  objectOf,
  setOf,
} from '../../../../src/decide/rego/values/value.ts'

/** One answer of OPA: the value, or the error with its code. */
export type OracleCase = {
  readonly f: string
  readonly operands: readonly Value[]
  readonly value: Value | undefined
  readonly error: { readonly message: string; readonly code: string } | undefined
}

/** The cases of a file under test/vectors/rego. */
export function readOracleCases(name: string): readonly OracleCase[] {
  const file = new URL(`../../../vectors/rego/${name}`, import.meta.url)
  const { cases } = parseValue(readFileSync(file, 'utf8')) as { cases: readonly Value[] }
  return cases.map((value) => {
    const read = value as {
      f: string
      a: readonly Value[]
      v?: Value
      error?: string
      code?: string
    }
    const { f, a, v, error, code } = read
    return {
      f,
      operands: a.map(untag),
      value: v === undefined ? undefined : untag(v),
      error: error === undefined ? undefined : { message: error, code: code ?? '' },
    }
  })
}

/** Texts that OPA takes for a format of JSON Schema, and texts that it does not. */
export function readFormats(
  name: string,
): Readonly<Record<string, { readonly yes: readonly string[]; readonly no: readonly string[] }>> {
  const file = new URL(`../../../vectors/rego/${name}`, import.meta.url)
  return JSON.parse(readFileSync(file, 'utf8')).formats
}

/** JSON in which `{"$set": [...]}` is a set and `{"$obj": [[key, value], ...]}` an object with keys of any type. */
export function untag(value: Value): Value {
  if (isArray(value)) return value.map(untag)
  if (!isObject(value)) return value
  const keys = objectKeys(value)
  const members = objectGet(value, keys[0] ?? '')
  if (keys.length === 1 && keys[0] === '$set') return setOf((members as Value[]).map(untag))
  if (keys.length === 1 && keys[0] === '$obj') {
    return objectOf((members as [Value, Value][]).map(([key, inner]) => [untag(key), untag(inner)]))
  }
  return objectOf(keys.map((key) => [key, untag(objectGet(value, key) as Value)]))
}

export type Meter = Call & { readonly steps: number; readonly bytes: number }

/** What an evaluation lends a built-in, with the bounds of one decision. Kept things can be shared between meters. */
export function newCall(kept: Map<string, unknown> = new Map()): Meter {
  const mine = new Map<string, unknown>()
  const meter = {
    steps: 1_000_000,
    bytes: 16 * 1024 * 1024,
    work(units: number) {
      meter.steps -= units
      if (!(meter.steps >= 0)) throw new Error('no steps left')
    },
    output(bytes: number) {
      meter.bytes -= bytes
      if (!(meter.bytes >= 0)) throw new Error('no output left')
    },
    cached<T>(key: string, make: () => T): T {
      if (!kept.has(key)) kept.set(key, make())
      return kept.get(key) as T
    },
    own<T>(key: string, make: () => T): T {
      if (!mine.has(key)) mine.set(key, make())
      return mine.get(key) as T
    },
  }
  return meter
}

/** Calls a built-in of a family by its name. */
export function caller(
  family: BuiltinFamily,
): (name: string, ...operands: Value[]) => Value | undefined {
  return (name, ...operands) => (family[name] as Builtin)(newCall(), ...operands)
}
