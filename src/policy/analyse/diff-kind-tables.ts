import { readAmount } from '../../base/amount.ts'
import { isJsonObject } from '../../base/json-value.ts'
import type { FieldComparator, Outcome, Said } from './diff-fields.ts'
import {
  arrow,
  compareFields,
  finerIsWeaker,
  higherIsStronger,
  higherIsWeaker,
  inOrder,
  isSame,
  listed,
  membersOf,
  moreIsStronger,
  neutral,
  unclear,
  upperBound,
} from './diff-fields.ts'
import { covers } from './diff-selector.ts'

/** Settings of a kind by name; one that is not named is unclear. */
export type FieldTable = Readonly<Record<string, FieldComparator>>

const FIND_OR_PASS = inOrder(['pass', 'find'])

/** Money, or a number of tokens. Another currency is unclear. */
const costLimit: FieldComparator = (before, after, field) => {
  if (typeof before === 'number' && typeof after === 'number') {
    return higherIsWeaker(before, after, field)
  }
  const [old, now] = [moneyOf(before), moneyOf(after)]
  if (old === null || now === null || old.currency !== now.currency) {
    return unclear(before, after, field)
  }
  const message = `${field}: ${old.text} -> ${now.text}`
  return [{ direction: now.amount > old.amount ? 'weaker' : 'stronger', message }]
}

function moneyOf(value: Said): { amount: bigint; currency: string; text: string } | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  const { amount: written, currency } = value as Record<string, unknown>
  const amount = readAmount(written)
  if (typeof amount !== 'bigint' || typeof currency !== 'string') return null
  return { amount, currency, text: `${String(written)} ${currency}` }
}

/** Globs that let pass: one more that those before do not take in is weaker. */
const moreNamesAreWeaker: FieldComparator = (before, after, field) => {
  const [old, now] = [membersOf(before), membersOf(after)]
  if (old === null || now === null) return presence(before, after, field)
  const beyond = (some: ReadonlySet<string>, all: ReadonlySet<string>) =>
    [...some].filter((one) => ![...all].some((wide) => covers(wide, one)))
  const [added, removed] = [beyond(now, old), beyond(old, now)]
  const outcomes: Outcome[] = []
  if (added.length > 0)
    outcomes.push({ direction: 'weaker', message: `${field}: + ${listed(added)}` })
  if (removed.length > 0) {
    outcomes.push({ direction: 'stronger', message: `${field}: - ${listed(removed)}` })
  }
  return outcomes
}

/** A list of what is allowed, where none allows everything. */
function presence(before: Said, after: Said, field: string): readonly Outcome[] {
  const message = arrow(field, before, after)
  if (before === undefined) return [{ direction: 'stronger', message }]
  return [{ direction: after === undefined ? 'weaker' : 'unclear', message }]
}

/** One number for each priority. */
const byPriority: FieldComparator = (before, after, field) => {
  if (!isJsonObject(before) || !isJsonObject(after)) return unclear(before, after, field)
  const each: FieldTable = {
    low: higherIsStronger,
    medium: higherIsStronger,
    high: higherIsStronger,
    critical: higherIsStronger,
  }
  return compareFields(before, after, each).map(({ direction, message }) => ({
    direction,
    message: `${field}.${message}`,
  }))
}

/** Principals and groups open a rule to some; a rule that names only the others opens it to nobody new. */
const opened: FieldComparator = (before, after, field) =>
  before === undefined || after === undefined
    ? unclear(before, after, field)
    : moreNamesAreWeaker(before, after, field)

const COST: FieldTable = {
  limit: costLimit,
  by: finerIsWeaker,
  if_missing: FIND_OR_PASS,
  // Whoever reports may lower what was set aside.
  settle: inOrder(['exact', 'raise']),
}

const DETECTORS: FieldTable = {
  detect: moreIsStronger,
  in: moreIsStronger,
  names: moreIsStronger,
  entropy: inOrder(['false', 'true']),
  min: higherIsWeaker,
  if_missing: FIND_OR_PASS,
}

/** Kinds whose settings compare one by one, and that find no less in more actions. */
export const MONOTONE_TABLES: Readonly<Record<string, FieldTable>> = {
  confidence: { below: byPriority, field: unclear },
  cost: COST,
  markov: { min_score: higherIsWeaker, burst: higherIsWeaker },
  media: {
    in: moreIsStronger,
    blobs: moreIsStronger,
    urls: moreIsStronger,
    types: moreNamesAreWeaker,
    hosts: moreNamesAreWeaker,
    bytes_max: upperBound,
    count_max: upperBound,
    pixels_max: upperBound,
    unpacked_bytes_max: upperBound,
    ratio_max: upperBound,
    untold: FIND_OR_PASS,
    if_missing: FIND_OR_PASS,
  },
  never_automate: { draft: neutral },
  output: {
    bytes_max: upperBound,
    items_max: upperBound,
    depth_max: upperBound,
    if_missing: FIND_OR_PASS,
  },
  pii: DETECTORS,
  principal: { allow: opened, groups: opened, missing: FIND_OR_PASS },
  residency: { regions: moreNamesAreWeaker, undeclared: FIND_OR_PASS },
  schedule: {},
  secret: DETECTORS,
  sequence_entropy: {
    above_bits: higherIsWeaker,
    below_bits: higherIsStronger,
    min_markov_anomaly_score: higherIsWeaker,
  },
}

/** What a budget of an agent sets, as a `cost` rule does. */
export function compareBudgetSpecs(before: object, after: object): readonly Outcome[] {
  return isSame(before, after) ? [] : compareFields(before, after, COST)
}
