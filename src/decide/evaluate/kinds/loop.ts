import type { JsonValue } from '../../../base/json-value.ts'
import { callDigest } from '../call-digest.ts'
import type { Facts } from '../facts.ts'
import { compileBy, countingBucket } from '../facts.ts'
import { LOOP_CALLS_MAX, LOOP_MEMORY_MS } from '../limits.ts'
import { invalid, own, ownInteger } from '../settings.ts'
import type { Moment } from '../state.ts'
import { isTime, readState, withoutLeftOut } from '../state.ts'
import type { Kind } from './kind.ts'

/**
 * The same call, or the same short cycle of calls, over and over. State: HMACs and times of the newest calls, one
 * more than the longest cycle needs, so that one can be left out; forgotten after a quiet day.
 */
export const loop: Kind = {
  name: 'loop',
  compile(rule) {
    const repeats = ownInteger(rule, rule.spec, 'repeats', { min: 2, max: 50 })
    const periodMax =
      own(rule.spec, 'period_max') === undefined
        ? 1
        : ownInteger(rule, rule.spec, 'period_max', { min: 1, max: 5 })
    const compare = own(rule.spec, 'compare') ?? 'arguments'
    if (compare !== 'arguments' && compare !== 'tool') {
      throw invalid(rule, 'expected compare to be arguments or tool')
    }
    const by = compileBy(rule, own(rule.spec, 'by'))
    const prefix = `l/${rule.id}/`
    const callsOf = (facts: Facts, moment: Moment): readonly Call[] => {
      const before = readState(moment, prefix + countingBucket(facts, by), isCalls) ?? []
      const call: Call = [callDigest(facts, compare), moment.now]
      return [...withoutLeftOut(before, moment, ([, at]) => at), call].slice(
        -repeats * periodMax - 1,
      )
    }
    return {
      watch: null,
      stateKeys: (facts) => [prefix + countingBucket(facts, by)],
      explain: (facts, moment) => ({
        equal_in_a_row: runLength(callsOf(facts, moment).map(([digest]) => digest)),
        repeats,
        period_max: periodMax,
      }),
      judge(facts, moment) {
        const key = prefix + countingBucket(facts, by)
        const calls = callsOf(facts, moment)
        const writes = [{ key, entry: { value: calls, until: moment.now + LOOP_MEMORY_MS } }]
        const digests = calls.map(([digest]) => digest)
        const period = findPeriod(digests, repeats, periodMax)
        if (period === null) return { found: null, writes }
        const what = period === 1 ? 'call' : `cycle of ${period} calls`
        const evidence = { repeats, period, compare, by: by.texts }
        return {
          found: { message: `The same ${what}, ${repeats} times in a row.`, evidence },
          writes,
        }
      },
    }
  },
}

/** The shortest period in which the newest calls repeat; null when they do not. */
export function findPeriod(
  calls: readonly string[],
  repeats: number,
  periodMax: number,
): number | null {
  for (let period = 1; period <= periodMax; period++) {
    const start = calls.length - repeats * period
    if (start < 0) return null
    let repeated = true
    for (let i = start + period; repeated && i < calls.length; i++) {
      repeated = calls[i] === calls[i - period]
    }
    if (repeated) return period
  }
  return null
}

/** How many of the newest calls are equal. */
function runLength(calls: readonly string[]): number {
  const other = calls.findLastIndex((call) => call !== calls.at(-1))
  return calls.length - other - 1
}

type Call = readonly [digest: string, at: number]

function isCalls(value: JsonValue): value is readonly Call[] {
  if (!Array.isArray(value) || value.length > LOOP_CALLS_MAX + 1) return false
  return value.every(
    (call: unknown) =>
      Array.isArray(call) && call.length === 2 && typeof call[0] === 'string' && isTime(call[1]),
  )
}
