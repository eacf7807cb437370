import { canonicalize } from '../../src/base/canonical-json.ts'
import type { JsonObject, JsonValue } from '../../src/base/json-value.ts'
import { evaluate } from '../../src/decide/evaluate/evaluate.ts'
import type { LoadedPolicy } from '../../src/decide/evaluate/policy.ts'
import type { StateSlice } from '../../src/model/nouns.ts'
import {
  action,
  KEY,
  load,
  masking,
  NOON,
  program,
  regoRule,
  rule,
} from '../decide/evaluate/fixtures.ts'

/** One action of a generated run. */
export type Step = {
  readonly action: string
  readonly session: string
  readonly payload: JsonObject
  readonly wait: number
}

/** A policy with every kind, Rego and both modes. */
export function everyKind(): LoadedPolicy {
  const rego = program(['countersign/refunds/hold'], (_, input) => {
    const { counters, recent } = input['state'] as { counters: JsonObject; recent: JsonValue[] }
    const found = Number(counters['tries']) > 3 || recent.length === 20
    return { value: found ? [{ msg: 'Too many tries.', paths: ['payload.user'] }] : [] }
  })
  const counters = [{ name: 'tries', per: '1m', by: ['agent', 'payload.user'] }]
  return load(
    {
      unknown_tools: 'hold',
      rules: [
        rule({
          id: 'a/v',
          kind: 'velocity',
          verdict: 'hold',
          route: 'payments',
          spec: { limit: 2, per: '30s', by: ['payload.user'] },
        }),
        rule({ id: 'a/s', kind: 'velocity', mode: 'shadow', spec: { limit: 1, per: '10s' } }),
        rule({
          id: 'a/l',
          kind: 'loop',
          spec: { repeats: 2, period_max: 2 },
          verdict: 'redact',
          ...masking(['payload.user']),
        }),
        rule({
          id: 'a/f',
          kind: 'flow',
          on: { action: 'read' },
          verdict: 'hold',
          spec: { after: { action: 'refund' }, within: '20s' },
        }),
        rule({ id: 'a/p', kind: 'pattern', spec: { path: 'payload', matches: 'drop' } }),
        rule({
          id: 'a/e',
          on: { effect: 'read' },
          when: [{ path: 'payload.user', none_of: ['u', 'v'] }],
          verdict: 'redact',
          ...masking(['payload.user']),
        }),
      ],
      rego: [regoRule('hold', { counters })],
    },
    rego,
  )
}

/** Evaluates the steps in order. @returns one canonical line a verdict, and the state at the end */
export function evaluateAll(
  steps: readonly Step[],
  options: { readonly roundTrip: boolean },
): string {
  const loaded = everyKind()
  let state: StateSlice = {}
  let now = NOON
  const lines = steps.map((step) => {
    now = Math.max(0, now + step.wait)
    const one = action({ action: step.action, session: step.session, payload: step.payload })
    const result = evaluate(loaded, { action: one, state, now, key: KEY })
    const { state: changed, ...verdict } = result
    state = { ...state, ...changed }
    if (options.roundTrip) state = JSON.parse(JSON.stringify(state)) as StateSlice
    return canonicalize(verdict as unknown as JsonValue)
  })
  return [...lines, canonicalize(state as unknown as JsonValue)].join('\n')
}
