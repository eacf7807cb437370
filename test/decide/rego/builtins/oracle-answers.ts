import { expect, test } from 'vitest'
import type { BuiltinFamily } from '../../../../src/decide/rego/builtins/builtin.ts'
import { valueText } from '../../../../src/decide/rego/values/text.ts'
import { equalValues } from '../../../../src/decide/rego/values/value.ts'
import { caller, readOracleCases } from './tagged-values.ts'

/** One test for each built-in of the families: it answers all of its vectors as OPA did, and leaves operands alone. */
export function testOracleAnswers(file: string, family: BuiltinFamily): void {
  const cases = readOracleCases(file)
  const call = caller(family)

  test.for([...new Set(cases.map(({ f }) => f))])('%s answers what OPA 1.22.0 answers', (name) => {
    for (const { operands, value, error } of cases.filter(({ f }) => f === name)) {
      const before = operands.map(valueText)
      const shown = `${name}(${before.join(', ')})`
      if (error !== undefined) {
        expect(() => call(name, ...operands), shown).toThrow(
          expect.objectContaining({ name: 'BuiltinError', code: error.code }),
        )
      } else {
        const got = call(name, ...operands)
        const text = got === undefined ? 'undefined' : valueText(got)
        expect(text, shown).toBe(value === undefined ? 'undefined' : valueText(value))
        expect(got === value || equalValues(got ?? null, value ?? null), shown).toBe(true)
      }
      expect(operands.map(valueText), 'operands stay as they are').toEqual(before)
    }
  })

  test(`the vectors of ${file} reach every built-in`, () => {
    const names = new Set(cases.map(({ f }) => f))
    expect(Object.keys(family).filter((name) => !names.has(name))).toEqual([])
  })
}
