import { compareText } from '../../base/position.ts'
import type { Agent, Budget, CompiledAgent } from '../../model/generated/types.ts'
import { checkPath } from './checks.ts'
import type { Entry } from './documents.ts'
import type { Limit } from './kinds/cost.ts'
import { COST_USD_FIELD, checkCost, checkCurrency, costSpec, TOKENS_FIELD } from './kinds/cost.ts'
import type { Report } from './report.ts'

/** Reports what the schema cannot say of an agent's budgets. */
export function checkBudgets(entry: Entry<Agent>, report: Report): void {
  const seen = new Set<string>()
  entry.value.budgets?.forEach((budget, index) => {
    const at = `/budgets/${index}`
    checkLimits(entry, at, budget, report)
    if (budget.field !== undefined) checkPath(entry, `${at}/field`, budget.field, report)
    if (budget.currency !== undefined && budget.tokens === undefined) {
      checkCurrency(entry, `${at}/currency`, budget.currency, report)
    }
    // The paths were checked where their authors wrote them.
    const { amount: _amount, tokens: _tokens, currency: _currency, ...limit } = limitOf(budget)
    checkCost(entry, at, limit, report)
    if (budget.route !== undefined && budget.then !== 'hold') {
      const message = 'only a hold is reviewed; this route is never taken'
      report.warn(entry.keyAt(`${at}/route`), 'VALUE_INVALID', message)
    }
    const id = idOf(budget)
    if (seen.has(id)) {
      const message = `the agent has a budget ${JSON.stringify(id)} already; keep one`
      report.error(entry.at(at), 'ID_DUPLICATE', message)
    }
    seen.add(id)
  })
}

/** An agent's budgets as limits on cost, sorted by id; nothing when it has none. */
export function compileBudgets(entry: Entry<Agent>): Pick<CompiledAgent, 'budgets'> {
  const { budgets } = entry.value
  if (budgets === undefined) return {}
  const compiled = budgets.map((budget, index) => {
    const then = budget.then ?? 'deny'
    return {
      id: idOf(budget),
      spec: costSpec(limitOf(budget)),
      then,
      route: then === 'hold' ? (budget.route ?? 'default') : null,
      mode: budget.mode ?? 'enforce',
      ...entry.at(`/budgets/${index}`),
    }
  })
  return { budgets: compiled.sort((a, b) => compareText(a.id, b.id)) }
}

/** Names a budget after what it limits, so that its sums stay when its limit changes or others come before it. */
function idOf({ per, tokens, limit }: Budget): string {
  const unit = tokens === undefined ? (limit?.currency ?? 'USD') : 'tokens'
  return `budget/${per}-${unit.toLowerCase()}`
}

function limitOf(budget: Budget): Limit {
  const {
    per,
    tokens,
    limit,
    limit_usd: usd,
    field,
    currency,
    settle,
    if_missing: missing,
  } = budget
  const common = {
    per,
    ...(settle === undefined ? {} : { settle }),
    ...(missing === undefined ? {} : { if_missing: missing }),
  }
  if (tokens !== undefined) return { ...common, tokens: field ?? TOKENS_FIELD, limit: tokens }
  return {
    ...common,
    amount: field ?? COST_USD_FIELD,
    ...(limit === undefined ? {} : { limit }),
    ...(usd === undefined ? {} : { limit_usd: usd }),
    ...(currency === undefined ? {} : { currency }),
  }
}

function checkLimits(entry: Entry<Agent>, at: string, budget: Budget, report: Report): void {
  const keys = (['limit_usd', 'limit', 'tokens'] as const).filter((key) =>
    Object.hasOwn(budget, key),
  )
  if (keys.length === 0) {
    const message = 'expected one of the keys "limit_usd", "limit" and "tokens"'
    report.error(entry.at(at), 'KEY_MISSING', message)
  }
  for (const key of keys.slice(1)) {
    const message = `expected one limit, found ${keys.join(' and ')}; make two budgets of it`
    report.error(entry.keyAt(`${at}/${key}`), 'VALUE_INVALID', message)
  }
  if (keys[0] === 'limit' && budget.field === undefined) {
    report.error(entry.at(at), 'KEY_MISSING', 'expected the key "field" beside "limit"')
  }
  if (keys[0] === 'tokens' && budget.currency !== undefined) {
    const message = 'tokens have no "currency"; leave it out'
    report.error(entry.keyAt(`${at}/currency`), 'VALUE_INVALID', message)
  }
}
