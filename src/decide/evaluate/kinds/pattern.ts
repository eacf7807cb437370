import type { JsonObject } from '../../../base/json-value.ts'
import { compileTest } from '../field-test.ts'
import type { Kind } from './kind.ts'
import { STATELESS } from './kind.ts'

/** A test of the action's fields; a finding when it holds. */
export const pattern: Kind = {
  name: 'pattern',
  compile(rule) {
    const test = compileTest(rule, rule.spec)
    return {
      ...STATELESS,
      judge(facts) {
        if (!test.holds(facts)) return { found: null, writes: [] }
        const evidence = test.explain(facts)
        const message = describe(test.operator, evidence)
        return { found: { message, evidence, missing: test.missing(facts) }, writes: [] }
      },
    }
  },
}

function describe(operator: string, evidence: JsonObject): string {
  const reasons: string[] = []
  if (Object.hasOwn(evidence, 'found')) reasons.push(`a value meets the test ${operator}`)
  if (Object.hasOwn(evidence, 'missing')) reasons.push('a field is missing')
  if (Object.hasOwn(evidence, 'incomparable')) reasons.push('a field cannot be compared')
  return `Of ${(evidence['paths'] as readonly string[]).join(', ')}: ${reasons.join('; ')}.`
}
