import type { Amount, AmountFlaw } from '../../../base/amount.ts'
import { AMOUNT_UNIT, readAmount, timesRate } from '../../../base/amount.ts'
import { minorDigits } from '../../../base/currencies.ts'
import type { JsonObject } from '../../../base/json-value.ts'
import type { Path } from '../../../base/path.ts'
import type { CompiledRule } from '../../../model/generated/types.ts'
import type { Reservation } from '../../../model/nouns.ts'
import type { Facts } from '../facts.ts'
import { compileBy, countingBucket } from '../facts.ts'
import { compilePath, readField } from '../fields.ts'
import { COST_SESSION_MEMORY_MS, COST_SLICES, COST_VALUES_MAX, TIME_MS_MAX } from '../limits.ts'
import type { Slice } from '../reservations.ts'
import { addAmount, isSlices, sumOf } from '../reservations.ts'
import type { RulePlace } from '../settings.ts'
import { invalid, isObject, own, ownDuration, ownText } from '../settings.ts'
import type { Moment, Write } from '../state.ts'
import { readState } from '../state.ts'
import type { CompiledKind, Found, Kind } from './kind.ts'

/**
 * Too much money or too many tokens, in one call or in all that were let through or wait for people. What an action
 * says that it costs is set aside when it is not denied; `reservations.ts` gives it back or settles it. State: sums by
 * slices of the window.
 *
 * An own earlier attempt is not left out here: the engine gives back what it set aside before it asks again, which a
 * time alone could not do exactly.
 */
export const cost: Kind = { name: 'cost', compile: (rule) => compileCost(rule, `m/${rule.id}`) }

/**
 * A limit on cost: a rule's, or a budget of an agent.
 *
 * @param prefix - sets its state apart
 * @throws {PolicyError} VALUE_INVALID, PATH_INVALID, DURATION_INVALID
 */
export function compileCost(rule: CompiledRule, prefix: string): CompiledKind {
  const meter = compileMeter(rule)
  const window = compileWindow(rule, `${prefix}/${meter.unit}`)
  const { limit, settle } = meter
  const found = (message: string, evidence: JsonObject): Found => ({
    message,
    evidence: { ...evidence, field: meter.path.text, per: window.per },
  })
  return {
    watch: null,
    stateKeys: (facts) => window.stateKeys(facts),
    judge(facts, moment) {
      // Damaged state must be found whatever the action says of its cost.
      const spent = window.read(facts, moment)
      const measured = meter.measure(facts)
      if ('flaw' in measured) {
        if (measured.flaw === 'missing' && meter.passMissing) return { found: null, writes: [] }
        const message = `What the action costs cannot be told: ${measured.flaw}.`
        return { found: found(message, { flaw: measured.flaw }), writes: [] }
      }
      const { amount, rate, minor } = measured
      const { sum, write, at } = spent(amount)
      const text = `${meter.limitText} ${meter.unit}`
      const { sliceMs } = window
      const field = meter.path.text
      const reservation = { at, sliceMs, amount: String(amount), field, minor, rate, settle }
      return {
        found:
          sum <= limit
            ? null
            : found(`More than ${text} ${window.words}.`, {
                limit: meter.limitText,
                unit: meter.unit,
                by: window.by,
              }),
        writes: [],
        // Nothing is set aside too: the real cost may be reported later.
        ...(write === null
          ? {}
          : { reserved: { write, reservation: { ...reservation, key: write.key } } }),
      }
    },
  }
}

type Measured =
  | {
      readonly amount: Amount
      readonly rate: string | null
      readonly minor: Reservation['minor']
    }
  | { readonly flaw: Flaw }

type Flaw =
  | AmountFlaw
  | 'missing'
  | 'partly-missing'
  | 'too-many'
  | 'currency-missing'
  | 'currency-unknown'
  | 'currency-differs'

type Meter = {
  readonly path: Path
  /** A currency's code, or `tokens`. */
  readonly unit: string
  readonly limit: Amount
  readonly limitText: string
  readonly passMissing: boolean
  readonly settle: Reservation['settle']
  measure(facts: Facts): Measured
}

function compileMeter(rule: CompiledRule): Meter {
  const { spec } = rule
  const tokens = own(spec, 'tokens') !== undefined
  const path = compilePath(rule, ownText(rule, spec, tokens ? 'tokens' : 'amount'))
  const { unit, limitText } = limitOf(rule, tokens)
  const limit = amountOf(rule, limitText)
  const convert = tokens ? null : compileCurrency(rule, unit)
  const wordOf = (name: string, words: readonly string[]) => {
    const word = own(spec, name) ?? words[0]
    if (typeof word === 'string' && words.includes(word)) return word
    throw invalid(rule, `expected ${name} to be one of ${words.join(', ')}`)
  }
  const inMinor = wordOf('units', ['major', 'minor']) === 'minor'
  return {
    path,
    unit,
    limit,
    limitText,
    passMissing: wordOf('if_missing', ['find', 'pass']) === 'pass',
    settle: wordOf('settle', ['raise', 'exact']) as Reservation['settle'],
    measure(facts) {
      const { values, missing } = readField(facts.fields, path)
      if (values.length === 0 && missing) return { flaw: 'missing' }
      if (values.length > COST_VALUES_MAX) return { flaw: 'too-many' }
      // One of several amounts that is left out is no action without cost.
      if (missing) return { flaw: 'partly-missing' }
      if (convert === null) return addAll(values, () => ({ rate: AMOUNT_UNIT, minor: 0 }))
      const currencies = convert.currencies(facts, values.length)
      if (typeof currencies === 'string') return { flaw: currencies }
      return addAll(values, (index) => convert.factor(currencies(index), inMinor))
    },
  }
}

type Factor = { readonly rate: Amount; readonly minor: number | null }

function addAll(
  values: readonly unknown[],
  factorOf: (index: number) => Factor | { readonly flaw: Flaw },
): Measured {
  let sum = 0n
  const factors = new Set<string>()
  let last: Factor = { rate: AMOUNT_UNIT, minor: null }
  for (const [index, value] of values.entries()) {
    const factor = factorOf(index)
    if ('flaw' in factor) return factor
    const amount = readAmount(value, factor.minor)
    if (typeof amount === 'string') return { flaw: amount }
    sum += timesRate(amount, factor.rate)
    factors.add(`${factor.rate}/${factor.minor}`)
    last = factor
  }
  return { amount: sum, rate: factors.size > 1 ? null : String(last.rate), minor: last.minor }
}

type Currency = {
  /** The currency of each of so many amounts. */
  currencies(facts: Facts, count: number): ((index: number) => unknown) | Flaw
  factor(code: unknown, inMinor: boolean): Factor | { readonly flaw: Flaw }
}

function compileCurrency(rule: CompiledRule, unit: string): Currency {
  const text = ownText(rule, rule.spec, 'currency')
  const path = CODE.test(text) ? null : compilePath(rule, text)
  const rates = compileRates(rule)
  return {
    currencies(facts, count) {
      if (path === null) return () => text
      const { values, missing } = readField(facts.fields, path)
      if (missing || values.length === 0) return 'currency-missing'
      if (values.length === 1) return () => values[0]
      return values.length === count ? (index) => values[index] : 'currency-missing'
    },
    factor(code, inMinor) {
      if (typeof code !== 'string') return { flaw: 'currency-unknown' }
      const rate = code === unit ? AMOUNT_UNIT : rates.get(code)
      if (rate === undefined) return { flaw: 'currency-differs' }
      const minor = minorDigits(code)
      if (inMinor && minor === null) return { flaw: 'currency-unknown' }
      return { rate, minor: inMinor ? minor : null }
    },
  }
}

function compileRates(rule: CompiledRule): ReadonlyMap<string, Amount> {
  const rates = own(rule.spec, 'rates') ?? {}
  if (!isObject(rates)) throw invalid(rule, 'expected rates to be an object')
  return new Map(
    Object.entries(rates).map(([code, rate]) => {
      const amount = readAmount(rate)
      if (!CODE.test(code) || typeof amount === 'string' || amount === 0n) {
        throw invalid(rule, 'expected rates to give currencies a price above 0')
      }
      return [code, amount]
    }),
  )
}

function limitOf(rule: CompiledRule, tokens: boolean): { unit: string; limitText: string } {
  const limit = own(rule.spec, 'limit')
  if (tokens) {
    if (Number.isSafeInteger(limit)) return { unit: 'tokens', limitText: String(limit) }
    throw invalid(rule, 'expected limit to be a whole number of tokens')
  }
  if (!isObject(limit)) throw invalid(rule, 'expected limit to have an amount and a currency')
  const unit = ownText(rule, limit, 'currency')
  if (!CODE.test(unit)) throw invalid(rule, 'expected a currency code of three letters')
  return { unit, limitText: ownText(rule, limit, 'amount') }
}

function amountOf(rule: CompiledRule, text: string): Amount {
  const amount = readAmount(text)
  if (typeof amount === 'string') throw invalid(rule, `expected limit to be an amount: ${amount}`)
  return amount
}

const CODE = /^[A-Z]{3}$/

type Spent = { readonly sum: Amount; readonly write: Write | null; readonly at: number }

type Window = {
  readonly per: string
  /** The window as a message ends. */
  readonly words: string
  readonly by: readonly string[]
  readonly sliceMs: number
  stateKeys(facts: Facts): readonly string[]
  /** What was set aside before; the function it gives adds an amount. */
  read(facts: Facts, moment: Moment): (amount: Amount) => Spent
}

function compileWindow(rule: CompiledRule, prefix: string): Window {
  const per = ownText(rule, rule.spec, 'per')
  if (per === 'call') {
    return {
      per,
      words: 'in one call',
      by: [],
      sliceMs: WHOLE_MS,
      stateKeys: () => [],
      read: (_facts, moment) => (amount) => ({ sum: amount, write: null, at: moment.now }),
    }
  }
  const by = compileBy(rule, countedBy(rule, per))
  const { perMs, sliceMs, untilOf, words } = spanOf(rule, per)
  // Without `per`: another window goes on with the same sums.
  const keyOf = (facts: Facts) => `${prefix}/${countingBucket(facts, by)}`
  return {
    per,
    words,
    by: by.texts,
    sliceMs,
    stateKeys: (facts) => [keyOf(facts)],
    read(facts, moment) {
      const key = keyOf(facts)
      const before: readonly Slice[] = readState(moment, key, isSlices) ?? []
      // A clock that goes back stands still here.
      const at = Math.max(moment.now, before.at(-1)?.[0] ?? 0)
      // By the clock of this moment: a time from the future makes no other one old.
      const recent = before.filter(([last]) => moment.now - last < perMs)
      return (amount) => {
        const value = addAmount(recent, { at, amount, sliceMs })
        const write = { key, entry: { value, until: untilOf(at) } }
        return { sum: sumOf(recent) + amount, write, at }
      }
    },
  }
}

/** All times lie in one slice. */
const WHOLE_MS = TIME_MS_MAX + 1

/** `per: session` counts each session of what `by` names apart, and `per: agent` each agent. */
function countedBy(place: RulePlace & CompiledRule, per: string): readonly unknown[] {
  const by = own(place.spec, 'by') ?? ['agent']
  if (!Array.isArray(by)) throw invalid(place, 'expected by to be a list of fields')
  const named = per === 'session' || per === 'agent' ? [...by, per] : by
  return [...new Set<unknown>(named)]
}

function spanOf(rule: CompiledRule, per: string) {
  const whole = { perMs: Infinity, sliceMs: WHOLE_MS }
  if (per === 'agent') return { ...whole, words: 'in all', untilOf: () => TIME_MS_MAX }
  if (per === 'session') {
    const untilOf = (at: number) => at + COST_SESSION_MEMORY_MS
    return { ...whole, words: 'in one session', untilOf }
  }
  const perMs = ownDuration(rule, rule.spec, 'per')
  return {
    perMs,
    sliceMs: Math.max(1, Math.ceil(perMs / COST_SLICES)),
    words: `within ${per}`,
    untilOf: (at: number) => at + perMs,
  }
}
