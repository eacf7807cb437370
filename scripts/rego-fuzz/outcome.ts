import { valueText } from '../../src/decide/rego/values/text.ts'
import type { Value } from '../../src/decide/rego/values/value.ts'
import { equalValues } from '../../src/decide/rego/values/value.ts'
import type { Json } from './documents.ts'
import { jsonText } from './documents.ts'

/** What became of one rule on one input. */
export type Outcome =
  | { readonly is: 'value'; readonly value: Value }
  | { readonly is: 'undefined' }
  | Failure

export type Failure = {
  readonly is: 'error'
  /** OPA's, such as `eval_builtin_error`; one of ours where OPA has none. */
  readonly code: string
  readonly message: string
  /** `file:row` of the author's expression; empty where there is none. */
  readonly place: string
}

export const BACK_ENDS = ['generated', 'closures'] as const
export const MODES = ['strict', 'lax'] as const

export type BackEnd = (typeof BACK_ENDS)[number]
/** `lax`: errors of built-ins are undefined in all packages. */
export type Mode = (typeof MODES)[number]

/** One rule of the main package on one input. */
export type Case = { readonly entry: string; readonly input: Json }

/** OPA's code for two values where one is due. */
export const CONFLICT = 'eval_conflict_error'
/** OPA's evaluator crashed, or took more time or memory than it is given. */
export const CRASHED = 'crashed'
/** What OPA gave is no value of ours: bytes that are no UTF-8, a number of too many digits. */
export const UNREADABLE = 'unreadable'

/** The input as evaluators get it: JSON text that names the rule, too, so that one query serves them all. */
export function inputText({ entry, input }: Case): string {
  const rest = jsonText(input).slice(1)
  return `{"entry":${JSON.stringify(entry)}${rest === '}' ? '' : ','}${rest}`
}

/** Whether two outcomes are the same: the same value, or errors of one code. */
export function agree(a: Outcome, b: Outcome): boolean {
  if (a.is === 'value' && b.is === 'value') return equalValues(a.value, b.value)
  if (a.is === 'error' && b.is === 'error') return a.code === b.code
  return a.is === b.is
}

/** An outcome on one line. */
export function describe(outcome: Outcome): string {
  switch (outcome.is) {
    case 'undefined':
      return 'undefined'
    case 'value':
      return cut(valueText(outcome.value))
    case 'error': {
      const at = outcome.place === '' ? '' : ` at ${outcome.place}`
      return cut(`${outcome.code}: ${outcome.message.replaceAll(/\s+/g, ' ')}${at}`)
    }
  }
}

const TEXT_MAX = 300

function cut(text: string): string {
  return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}...` : text
}
