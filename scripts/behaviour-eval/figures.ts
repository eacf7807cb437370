/** Chance that a score of the second list is above one of the first; an equal one counts half. */
export function areaUnderCurve(normal: readonly number[], odd: readonly number[]): number {
  const sorted = sortedNumbers(normal)
  let wins = 0
  for (const score of odd) {
    const below = countWhere(sorted, (other) => other < score)
    wins += below + (countWhere(sorted, (other) => other <= score) - below) / 2
  }
  return wins / (odd.length * normal.length)
}

/**
 * The score that a new session exceeds with a chance of at most `rate`, of scores in ascending order: the order
 * statistic ceil((n+1)(1-rate)), and infinite where there are too few scores for the rate.
 */
export function thresholdOf(sorted: readonly number[], rate: number): number {
  const rank = Math.ceil((sorted.length + 1) * (1 - rate))
  return sorted[rank - 1] ?? Number.POSITIVE_INFINITY
}

/** The score that at most the share of these scores exceeds: no calibration, the best that a detector could do. */
export function matchedThreshold(scores: readonly number[], share: number): number {
  const sorted = sortedNumbers(scores)
  const at = Math.min(sorted.length - 1, Math.ceil((1 - share) * sorted.length))
  return sorted[at] ?? Number.POSITIVE_INFINITY
}

/** Rounded to three digits as Python rounds: a tie goes to the even digit. */
export function round3(value: number): number {
  // A tie ends in 5/10000 exactly, which of all doubles the odd sixteenths alone do.
  const isTie = Number.isInteger(value * 16) && (value * 16) % 2 !== 0
  const rounded = isTie ? (2 * Math.round((value * 1000) / 2)) / 1000 : Number(value.toFixed(3))
  return rounded === 0 ? 0 : rounded
}

/** The smallest of the values that at least the share of them do not exceed; null of none. */
export function percentile(values: readonly number[], share: number): number | null {
  const sorted = sortedNumbers(values)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null
}

/**
 * How many of n sessions alarm, from and to, in 95 of 100 cases when each does with the chance `rate`: from the 2.5th
 * to the 97.5th percentile of the binomial distribution.
 */
export function binomialInterval(n: number, rate: number): { from: number; to: number } {
  let chance = (1 - rate) ** n
  let sum = chance
  let from = -1
  for (let k = 0; k <= n; k++) {
    if (from < 0 && sum >= 0.025) from = k
    if (sum >= 0.975) return { from, to: k }
    chance *= ((n - k) / (k + 1)) * (rate / (1 - rate))
    sum += chance
  }
  return { from: Math.max(0, from), to: n }
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** In ascending order, infinite ones last. */
export function sortedNumbers(values: readonly number[]): number[] {
  return [...Float64Array.from(values).sort()]
}

/** How many scores from the start of an ascending list hold. */
function countWhere(sorted: readonly number[], holds: (score: number) => boolean): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (holds(sorted[middle]!)) low = middle + 1
    else high = middle
  }
  return low
}
