import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { AWS } from '../../../../src/decide/rego/builtins/aws.ts'
import { BuiltinError } from '../../../../src/decide/rego/builtins/builtin.ts'
import { CRYPTO } from '../../../../src/decide/rego/builtins/crypto.ts'
import { JWT } from '../../../../src/decide/rego/builtins/jwt.ts'
import { X509 } from '../../../../src/decide/rego/builtins/x509.ts'
import { parseValue } from '../../../../src/decide/rego/values/json.ts'
import { valueText } from '../../../../src/decide/rego/values/text.ts'
import type { Value } from '../../../../src/decide/rego/values/value.ts'
import {
  isArray,
  isObject,
  objectEntries,
  objectGet,
} from '../../../../src/decide/rego/values/value.ts'
import { newCall } from './tagged-values.ts'

const BUILTINS = { ...CRYPTO, ...X509, ...JWT, ...AWS }
const VERIFY = 'crypto.x509.parse_and_verify_certificates_with_options'

type Vector = {
  readonly note: string
  readonly name: string
  readonly operands: readonly Value[]
  /** Undefined where OPA reports an error. */
  readonly want: Value | undefined
}

// Each file says in `about` how it was made.
describe.for(['crypto', 'x509', 'jwt'])('%s.json', (file) => {
  const groups = Map.groupBy(readVectors(file), ({ name }) => name)
  test.for([...groups])('%s answers what OPA 1.22.0 answers', ([, vectors]) => {
    for (const vector of vectors) check(vector)
  })
})

function check({ note, name, operands, want }: Vector): void {
  let found: Value | undefined
  try {
    found = BUILTINS[name]?.(newCall(), ...operands)
  } catch (error) {
    if (!(error instanceof BuiltinError)) throw error
  }
  const shown = (value: Value | undefined) => (value === undefined ? 'error' : valueText(value))
  const result = name === VERIFY && found !== undefined ? serials(found) : found
  const shortly = `${note}: ${JSON.stringify(operands, (_, value) => (typeof value === 'bigint' ? String(value) : value)).slice(0, 300)}`
  expect(shown(result), shortly).toBe(shown(want))
}

/** `[valid, serial numbers of the chain]`; the rest of a certificate is compared where it is parsed. */
function serials(value: Value): Value {
  const [valid, chain] = value as readonly [boolean, readonly Value[]]
  return [valid, chain.map((one) => objectGet(one as never, 'SerialNumber') as Value)]
}

function readVectors(file: string): readonly Vector[] {
  const path = new URL(`../../../vectors/rego/${file}.json`, import.meta.url)
  const { texts, cases } = parseValue(readFileSync(path, 'utf8')) as unknown as {
    texts: readonly string[]
    cases: readonly (readonly [string, string, readonly Value[], Value?])[]
  }
  const unpack = (value: Value): Value => {
    if (isArray(value)) return value.map(unpack)
    if (!isObject(value)) return value
    const parts = objectGet(value, '$')
    if (parts !== undefined) {
      return [parts]
        .flat()
        .map((part) => texts[part as number] as string)
        .join('')
    }
    return Object.fromEntries(objectEntries(value).map(([key, one]) => [key, unpack(one)]))
  }
  return cases.map(([note, name, operands, want]) => ({
    note,
    name,
    operands: operands.map(unpack),
    want: want === undefined ? undefined : unpack(want),
  }))
}
