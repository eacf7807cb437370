import type { Builtin, Call } from '../../src/decide/rego/builtins/builtin.ts'
import { BuiltinError } from '../../src/decide/rego/builtins/builtin.ts'
import type { Value } from '../../src/decide/rego/values/value.ts'
import type { BuiltinCall, CallDifference } from './builtin-answers.ts'
import { askBuiltins, callKey, isCallable } from './builtin-answers.ts'
import type { Oracle } from './oracle.ts'
import type { Planned } from './ours.ts'
import { evaluateWith } from './ours.ts'
import type { Case, Failure, Mode, Outcome } from './outcome.ts'
import { agree } from './outcome.ts'

/** The calls of built-ins that an evaluation of ours makes, once each. */
export function callsOf(planned: Planned, one: Case, mode: Mode): readonly BuiltinCall[] {
  const made = new Map<string, BuiltinCall>()
  evaluateWith(planned, one, mode, (name, builtin) => (call, ...operands) => {
    const ours = attempt(builtin, call, operands)
    if (isCallable(name)) made.set(callKey(name, operands), { name, operands, ours })
    return give(ours)
  })
  return [...made.values()]
}

/**
 * What our evaluator gives when some of the calls that OPA's own built-ins answer in another way are answered by them.
 * Undefined where that does not come to an end: each answer may lead to calls that were not made before.
 *
 * @param choose - which calls get another answer than ours, and which
 */
export async function replay(
  oracle: Oracle,
  planned: Planned,
  one: Case,
  mode: Mode,
  choose: (call: CallDifference) => Outcome | undefined,
): Promise<Outcome | undefined> {
  const answers = new Map<string, Outcome>()
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const open = new Map<string, BuiltinCall>()
    const outcome = evaluateWith(planned, one, mode, (name, builtin) => {
      if (!isCallable(name)) return builtin
      return (call, ...operands) => {
        const key = callKey(name, operands)
        const answer = answers.get(key) ?? attempt(builtin, call, operands)
        if (!answers.has(key)) open.set(key, { name, operands, ours: answer })
        return give(answer)
      }
    })
    if (open.size === 0) return outcome
    const asked = await askBuiltins(oracle, [...open.values()])
    for (const [at, [key, call]] of [...open].entries()) {
      const theirs = asked[at]!
      const other = agree(call.ours, theirs) ? undefined : choose({ ...call, oracle: theirs })
      answers.set(key, other ?? call.ours)
    }
  }
  return undefined
}

/** What our evaluator gives, and what it comes across, when no error of a built-in ends the evaluation. */
export function evaluateOn(
  planned: Planned,
  one: Case,
): { readonly outcome: Outcome; readonly ignored: readonly Failure[] } {
  const ignored: Failure[] = []
  const outcome = evaluateWith(planned, one, 'lax', (_, builtin, { place }) => {
    return (call, ...operands) => {
      const answer = attempt(builtin, call, operands)
      if (answer.is === 'error') ignored.push({ ...answer, place: place() })
      return give(answer)
    }
  })
  return { outcome, ignored }
}

const ROUNDS_MAX = 20

function attempt(builtin: Builtin, call: Call, operands: Value[]): Outcome {
  try {
    const value = builtin(call, ...operands)
    return value === undefined ? { is: 'undefined' } : { is: 'value', value }
  } catch (cause) {
    if (!(cause instanceof BuiltinError)) throw cause
    return { is: 'error', code: cause.code, message: cause.message, place: '' }
  }
}

function give(outcome: Outcome): Value | undefined {
  if (outcome.is === 'value') return outcome.value
  if (outcome.is === 'undefined') return undefined
  const type = outcome.code === 'eval_type_error' ? 'eval_type_error' : 'eval_builtin_error'
  throw new BuiltinError(outcome.message, type)
}
