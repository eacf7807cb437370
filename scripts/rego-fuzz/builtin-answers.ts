import { isNumber } from '../../src/decide/rego/values/number.ts'
import { numberText } from '../../src/decide/rego/values/text.ts'
import type { Value } from '../../src/decide/rego/values/value.ts'
import { isArray, isSet, keyOf, objectEntries } from '../../src/decide/rego/values/value.ts'
import { quoted } from './grow-term.ts'
import type { Oracle } from './oracle.ts'
import { askAll } from './oracle.ts'
import type { Outcome } from './outcome.ts'

/** A call of a built-in, with what came of it. */
export type BuiltinCall = {
  readonly name: string
  readonly operands: readonly Value[]
  readonly ours: Outcome
}

/** A call that OPA's own built-in answers in another way. */
export type CallDifference = BuiltinCall & { readonly oracle: Outcome }

/** Has OPA call built-ins with the same operands. */
export async function askBuiltins(
  oracle: Oracle,
  calls: readonly BuiltinCall[],
): Promise<readonly Outcome[]> {
  if (calls.length === 0) return []
  const outcomes = await askAll(
    oracle,
    { 'call.rego': callingPolicy(calls, (at) => `answer := value if {\n\tinput.at == ${at}`) },
    {
      query: 'data.call.answer',
      strict: true,
      terms: true,
      inputs: calls.map((_, at) => `{"at":${at}}`),
    },
    { left: CRASHES_MAX },
  )
  if (outcomes === undefined) throw new Error('the calls do not compile')
  return outcomes
}

const CRASHES_MAX = 20

/** A module with a rule for each call, which begins as it is told. */
export function callingPolicy(
  calls: readonly BuiltinCall[],
  begin: (at: number) => string,
): string {
  const rules = calls.map(({ name, operands }, at) => {
    // OPA's type checker refuses constants of a wrong type; what object.get gives may be of any.
    const terms = operands.map((one) => `object.get({}, "absent", ${valueTerm(one)})`)
    return `${begin(at)}\n\tvalue := ${callText(name, terms)}\n}`
  })
  return ['package call', ...rules, ''].join('\n\n')
}

/** Whether a policy can call the built-in as a function of its operands. */
export function isCallable(name: string): boolean {
  return name !== 'walk' && name !== 'internal.template_string'
}

/** A text that the same call has again, and no other. */
export function callKey(name: string, operands: readonly Value[]): string {
  return `${name} ${operands.map(keyOf).join(' ')}`
}

/** A call as a policy has it. */
export function callText(name: string, terms: readonly string[]): string {
  if (name === 'internal.member_3') return `(${terms[0]}, ${terms[1]} in ${terms[2]})`
  const operator = Object.hasOwn(OPERATORS, name) ? OPERATORS[name] : undefined
  if (operator !== undefined) return `(${terms[0]} ${operator} ${terms[1]})`
  return `${name}(${terms.join(', ')})`
}

/** A value as a Rego term. */
export function valueTerm(value: Value): string {
  if (typeof value === 'string') return quoted(value)
  if (value === null || typeof value === 'boolean') return String(value)
  if (isNumber(value)) return numberText(value)
  if (isArray(value)) return `[${value.map(valueTerm).join(', ')}]`
  if (isSet(value)) {
    return value.size === 0 ? 'set()' : `{${value.values().map(valueTerm).join(', ')}}`
  }
  const entries = objectEntries(value).map(([key, one]) => `${valueTerm(key)}: ${valueTerm(one)}`)
  return `{${entries.join(', ')}}`
}

const OPERATORS: Readonly<Record<string, string>> = {
  'internal.member_2': 'in',
  plus: '+',
  minus: '-',
  mul: '*',
  div: '/',
  rem: '%',
  and: '&',
  or: '|',
  equal: '==',
  neq: '!=',
  lt: '<',
  lte: '<=',
  gt: '>',
  gte: '>=',
}
