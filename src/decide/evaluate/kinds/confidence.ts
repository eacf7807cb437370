import type { JsonValue } from '../../../base/json-value.ts'
import { valueDigest } from '../facts.ts'
import { compilePath, readField } from '../fields.ts'
import { EVIDENCE_PLACES_MAX } from '../limits.ts'
import { invalid, isObject, own, ownNumber, ownText } from '../settings.ts'
import type { Kind } from './kind.ts'
import { STATELESS } from './kind.ts'

/**
 * An agent that is unsure by its own word. Its word can only bring an action before people: an agent that always says 1
 * is restricted by every other rule as before.
 */
export const confidence: Kind = {
  name: 'confidence',
  compile(rule) {
    const field =
      own(rule.spec, 'field') === undefined
        ? 'context.confidence'
        : ownText(rule, rule.spec, 'field')
    const path = compilePath(rule, field)
    const thresholds = own(rule.spec, 'below')
    if (!isObject(thresholds)) throw invalid(rule, 'expected below to have a number a priority')
    const threshold = (priority: string) =>
      ownNumber(rule, thresholds, priority, { min: 0, max: 1 })
    const below = {
      low: threshold('low'),
      medium: threshold('medium'),
      high: threshold('high'),
      critical: threshold('critical'),
    }
    return {
      ...STATELESS,
      judge({ fields, key, target: { priority } }) {
        const { values, missing } = readField(fields, path)
        const unfit = values.filter((value) => !isConfidence(value))
        const low = values.filter((value) => isConfidence(value) && value < below[priority])
        if (!missing && unfit.length + low.length === 0) return { found: null, writes: [] }
        // NaN and infinity have no canonical form, and are no secret.
        const shown = [...unfit, ...low]
          .filter((value) => typeof value !== 'number' || Number.isFinite(value))
          .slice(0, EVIDENCE_PLACES_MAX)
        const evidence = {
          field,
          below: below[priority],
          priority,
          ...(missing ? { missing: true } : {}),
          ...(shown.length === 0 ? {} : { found: shown.map((value) => valueDigest(key, value)) }),
        }
        const why = missing
          ? 'The agent does not say how sure it is.'
          : unfit.length > 0
            ? "The agent's confidence is no number from 0 to 1."
            : `The agent is less sure than ${below[priority]}.`
        return { found: { message: why, evidence }, writes: [] }
      },
    }
  },
}

// NaN is within no bounds.
function isConfidence(value: JsonValue): value is number {
  return typeof value === 'number' && value >= 0 && value <= 1
}
