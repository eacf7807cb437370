import { jsonMembers, jsonText } from '../../src/decide/rego/values/text.ts'
import type { Value } from '../../src/decide/rego/values/value.ts'
import {
  compareValues,
  equalValues,
  isArray,
  isObject,
  isSet,
  objectEntries,
  objectOf,
  setOf,
} from '../../src/decide/rego/values/value.ts'
import type { ConformanceCase } from './cases.ts'
import type { CaseOutcome, Outcome } from './evaluate.ts'

export type Judgement =
  | { readonly verdict: 'passed' }
  | ({ readonly verdict: 'failed' } & Difference)
  | { readonly verdict: 'refused'; readonly builtins: readonly string[] }

export type Difference = {
  /** Whether nothing but the text of an error differs. */
  readonly wordsOnly: boolean
  /** Results as JSON, or the message of what went wrong. */
  readonly found: string
  readonly wanted: string
}

/** What a case expects. */
export type Expectation = Pick<
  ConformanceCase,
  | 'wantDefined'
  | 'wantResult'
  | 'wantErrorCode'
  | 'wantError'
  | 'sortBindings'
  | 'ignoreGeneratedVars'
>

/**
 * Compares as OPA's own runner does (`testRun` in v1/topdown/exported_test.go): the code of an error, a part of its
 * text, and results as a set of bindings in JSON, in which numbers are equal by value.
 */
export function judge(expected: Expectation, outcome: CaseOutcome): Judgement {
  if ('refused' in outcome) return { verdict: 'refused', builtins: outcome.refused }
  const difference = differenceOf(expected, outcome)
  return difference === undefined ? { verdict: 'passed' } : { verdict: 'failed', ...difference }
}

function differenceOf(
  expected: Expectation,
  outcome: Outcome | { readonly broken: string },
): Difference | undefined {
  const { wantErrorCode: code, wantError: text, wantResult, wantDefined } = expected
  if (code !== undefined || text !== undefined) return differenceOfError({ code, text }, outcome)
  if (wantResult !== undefined) {
    const wanted = setOf(wantResult.map(inJson))
    if (!('results' in outcome)) return different(outcome, jsonText(wanted))
    const found = setOf(outcome.results.map((result) => bindingsOf(expected, result)))
    return equalValues(found, wanted) ? undefined : different(outcome, jsonText(wanted), found)
  }
  if (wantDefined === undefined) return different(outcome, 'nothing')
  const agrees = 'results' in outcome && outcome.results.length > 0 === wantDefined
  return agrees ? undefined : different(outcome, wantDefined ? 'any result' : '[]')
}

function differenceOfError(
  wanted: { readonly code: string | undefined; readonly text: string | undefined },
  outcome: Outcome | { readonly broken: string },
): Difference | undefined {
  const { code, text = '' } = wanted
  const error = [code, text].filter(Boolean).join(': ')
  if (!('code' in outcome)) return different(outcome, error)
  // Our own codes, of the budget for instance, stand for none of OPA's.
  const agrees = code === undefined ? outcome.code.startsWith(OPA_CODE) : outcome.code === code
  if (agrees && outcome.message.includes(text)) return undefined
  return { ...different(outcome, error), wordsOnly: agrees }
}

const OPA_CODE = 'eval_'

function different(
  outcome: Outcome | { readonly broken: string },
  wanted: string,
  results?: Value,
): Difference {
  const found = (): string => {
    if ('broken' in outcome) return outcome.broken
    if ('message' in outcome) return outcome.message
    return jsonText(results ?? outcome.results.map(inJson))
  }
  return { wordsOnly: false, found: found(), wanted }
}

/** The prefix of variables that OPA's compiler makes up in a query. */
const GENERATED = '__localq'

function bindingsOf({ sortBindings, ignoreGeneratedVars }: Expectation, result: Value): Value {
  if (!isObject(result)) return result
  const entries = objectEntries(result)
    .filter(([name]) => !(ignoreGeneratedVars && String(name).startsWith(GENERATED)))
    .map(([name, value]): [Value, Value] => {
      const json = inJson(value)
      return [name, sortBindings && isArray(json) ? json.toSorted(compareValues) : json]
    })
  return objectOf(entries)
}

/** A value as OPA makes JSON of it: sets become arrays in Rego's order, keys that are no strings their JSON text. */
function inJson(value: Value): Value {
  if (isArray(value)) return value.map(inJson)
  if (isSet(value)) return value.values().map(inJson)
  if (!isObject(value)) return value
  return objectOf(jsonMembers(value).map(([name, member]) => [name, inJson(member)]))
}
