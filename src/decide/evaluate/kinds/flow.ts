import type { JsonValue } from '../../../base/json-value.ts'
import type { Facts } from '../facts.ts'
import { bucketOf, compileBy, hasAll } from '../facts.ts'
import { compileSelector } from '../selector.ts'
import { invalid, isObject, own, ownDuration, ownText } from '../settings.ts'
import type { Moment } from '../state.ts'
import { isTime, readState, withoutLeftOut } from '../state.ts'
import type { Kind } from './kind.ts'

/**
 * An action that must not follow another. State: the times of the last two `after`, so that one can be left out; kept
 * three times over: under its own
 * fields, under `any`, and, when it lacks a field of `by`, under `missing`. An action that leaves a field out is
 * compared with `any`, and one that has them all with `missing` too: leaving a field out parts no pair.
 *
 * An action that is both is judged first and then remembered.
 */
export const flow: Kind = {
  name: 'flow',
  compile(rule) {
    const within = ownText(rule, rule.spec, 'within')
    const withinMs = ownDuration(rule, rule.spec, 'within')
    const by = compileBy(rule, own(rule.spec, 'by'))
    const after = own(rule.spec, 'after')
    if (!isObject(after)) throw invalid(rule, 'expected after to be a selector')
    const keyOf = (facts: Facts, which: 'own' | 'missing' | 'any') =>
      `f/${rule.id}/${bucketOf(facts, by, which)}`
    const judgedKeys = (facts: Facts) => {
      if (by.stable) return [keyOf(facts, 'own')]
      return hasAll(facts, by)
        ? [keyOf(facts, 'own'), keyOf(facts, 'missing')]
        : [keyOf(facts, 'any')]
    }
    const watchedKeys = (facts: Facts) => {
      if (by.stable) return [keyOf(facts, 'own')]
      return [keyOf(facts, hasAll(facts, by) ? 'own' : 'missing'), keyOf(facts, 'any')]
    }
    const earlier = (facts: Facts, moment: Moment) => {
      const times = judgedKeys(facts).flatMap((key) => readState(moment, key, isTimes) ?? [])
      return withoutLeftOut(times, moment, (time) => time).filter(
        (time) => moment.now - time < withinMs,
      )
    }
    return {
      stateKeys: judgedKeys,
      explain(facts, moment) {
        const times = earlier(facts, moment)
        const last = times.length === 0 ? null : new Date(Math.max(...times)).toISOString()
        return { after: last, within }
      },
      judge(facts, moment) {
        const followed = earlier(facts, moment).length > 0
        if (!followed) return { found: null, writes: [] }
        const message = `The action follows one that it must not follow within ${within}.`
        return { found: { message, evidence: { within, by: by.texts } }, writes: [] }
      },
      watch: {
        selector: compileSelector(rule, after),
        stateKeys: watchedKeys,
        record: (facts, moment) =>
          watchedKeys(facts).map((key) => {
            const before = readState(moment, key, isTimes) ?? []
            const at = Math.max(moment.now, before.at(-1) ?? 0)
            return { key, entry: { value: [...before, at].slice(-2), until: at + withinMs } }
          }),
      },
    }
  },
}

function isTimes(value: JsonValue): value is readonly number[] {
  if (!Array.isArray(value) || value.length > 2 || !value.every(isTime)) return false
  const [first = 0, second = first] = value as readonly number[]
  return first <= second
}
