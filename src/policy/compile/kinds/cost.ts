import { formatAmount, readAmount } from '../../../base/amount.ts'
import { currencyCodes, minorDigits } from '../../../base/currencies.ts'
import { nearest } from '../../../base/nearest.ts'
import type { CostRule, Money } from '../../../model/generated/types.ts'
import { checkBy, checkDuration, checkPath } from '../checks.ts'
import type { Entry } from '../documents.ts'
import type { Report } from '../report.ts'
import type { RuleKind } from './kind.ts'

export const cost: RuleKind<'cost'> = {
  name: 'cost',
  check(entry, settings, report) {
    checkCost(entry, '/cost', settings, report)
    checkBy(entry, '/cost/by', settings.by, report)
    checkShape(entry, settings, report)
  },
  spec: (settings) => costSpec(settings),
}

/** Where the cost of using a model stands in an action, unless a policy says otherwise. */
export const COST_USD_FIELD = 'context.usage.cost_usd'
export const TOKENS_FIELD = 'context.usage.total_tokens'

/** What a rule's limit and an agent's budget have in common. */
export type Limit = Pick<
  CostRule,
  | 'amount'
  | 'tokens'
  | 'currency'
  | 'units'
  | 'limit'
  | 'limit_usd'
  | 'per'
  | 'by'
  | 'rates'
  | 'settle'
  | 'if_missing'
>

/** Reports paths, currencies and windows that mean nothing. */
export function checkCost(
  entry: Entry<unknown>,
  at: string,
  settings: Limit,
  report: Report,
): void {
  for (const key of ['amount', 'tokens'] as const) {
    const path = settings[key]
    if (path !== undefined) checkPath(entry, `${at}/${key}`, path, report)
  }
  if (!WORDS.has(settings.per)) checkDuration(entry, `${at}/per`, settings.per, report)
  const { limit, currency, rates } = settings
  if (typeof limit === 'object') {
    checkCode(entry, `${at}/limit/currency`, limit.currency, report)
  }
  if (currency !== undefined) checkCurrency(entry, `${at}/currency`, currency, report)
  for (const [code, rate] of Object.entries(rates ?? {})) {
    checkCode(entry, `${at}/rates/${code}`, code, report)
    if (readAmount(rate) === 0n) {
      report.error(entry.at(`${at}/rates/${code}`), 'VALUE_INVALID', 'expected a price above 0')
    }
    if (code === moneyOf(settings)?.currency) {
      const message = `one ${code} is one ${code}; leave this rate out`
      report.error(entry.keyAt(`${at}/rates/${code}`), 'VALUE_INVALID', message)
    }
  }
}

/** A field's currency: a code, or a path. */
export function checkCurrency(
  entry: Entry<unknown>,
  at: string,
  currency: string,
  report: Report,
): void {
  if (CODE.test(currency)) checkCode(entry, at, currency, report)
  else checkPath(entry, at, currency, report)
}

/** The settings as the evaluator reads them; those that a check refuses give some, which nobody reads. */
export function costSpec(settings: Limit): Record<string, unknown> {
  const { per, by, settle, if_missing: ifMissing } = settings
  const common = {
    per,
    by: by ?? ['agent'],
    settle: settle ?? 'raise',
    if_missing: ifMissing ?? 'find',
  }
  if (settings.tokens !== undefined) {
    return { ...common, tokens: settings.tokens, limit: settings.limit }
  }
  const limit = moneyOf(settings) ?? { amount: 0, currency: 'USD' }
  return {
    ...common,
    amount: settings.amount ?? COST_USD_FIELD,
    currency: settings.currency ?? limit.currency,
    units: settings.units ?? 'major',
    limit: { amount: decimal(limit.amount), currency: limit.currency },
    rates: Object.fromEntries(
      Object.entries(settings.rates ?? {})
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([code, rate]) => [code, decimal(rate)]),
    ),
  }
}

const WORDS: ReadonlySet<string> = new Set(['call', 'session', 'agent'])
const CODE = /^[A-Z]{3}$/

function moneyOf({ limit, limit_usd: usd }: Limit): Money | null {
  if (usd !== undefined) return { amount: usd, currency: 'USD' }
  return typeof limit === 'object' ? limit : null
}

function decimal(value: Money['amount']): string {
  const amount = readAmount(value)
  return typeof amount === 'string' ? '' : formatAmount(amount)
}

function checkCode(entry: Entry<unknown>, at: string, code: string, report: Report): void {
  if (minorDigits(code) !== null) return
  const meant = nearest(code, currencyCodes())
  const advice = meant === undefined ? '' : `; did you mean ${JSON.stringify(meant)}?`
  const message = `no currency of ISO 4217 has the code ${JSON.stringify(code)}${advice}`
  report.error(entry.at(at), 'VALUE_INVALID', message)
}

/** Money or tokens, each with a limit of its kind. */
function checkShape(entry: Entry<unknown>, settings: CostRule, report: Report): void {
  const { amount, tokens, limit, limit_usd: usd } = settings
  const wrong = (at: string, message: string) =>
    report.error(entry.keyAt(`/cost${at}`), 'VALUE_INVALID', message)
  if (amount !== undefined && tokens !== undefined) {
    wrong('/tokens', 'expected "amount" or "tokens", found both; make two rules of it')
  }
  if (limit !== undefined && usd !== undefined) {
    wrong('/limit_usd', 'expected "limit" or "limit_usd", found both')
  }
  if (limit === undefined && usd === undefined) {
    report.error(entry.at('/cost'), 'KEY_MISSING', 'expected the key "limit" or "limit_usd"')
  }
  if (tokens === undefined) {
    if (typeof limit === 'number') {
      wrong('/limit', 'expected an amount and a currency, or "tokens" beside a number')
    }
    if (amount === undefined && typeof limit === 'object') {
      report.error(entry.at('/cost'), 'KEY_MISSING', 'expected the key "amount"')
    }
  } else {
    if (usd !== undefined) wrong('/limit_usd', 'expected "limit" with "tokens"')
    if (typeof limit === 'object') wrong('/limit', 'expected a whole number with "tokens"')
    for (const key of ['currency', 'units', 'rates'] as const) {
      if (settings[key] !== undefined) wrong(`/${key}`, `tokens have no "${key}"; leave it out`)
    }
  }
  if (settings.per === 'call' && settings.by !== undefined) {
    wrong('/by', 'each call has the limit to itself; leave "by" out')
  }
}
