/** One round of one measurement. Times in microseconds. */
export type Figures = {
  readonly p50_us: number
  readonly p99_us: number
  readonly per_second: number
}

/** @param nanos - how long each decision took; `per_second` is what that much time holds */
export function figuresOf(nanos: readonly number[]): Figures {
  const sorted = Float64Array.from(nanos).sort()
  const total = sorted.reduce((sum, one) => sum + one, 0)
  return {
    p50_us: percentile(sorted, 0.5) / 1e3,
    p99_us: percentile(sorted, 0.99) / 1e3,
    per_second: (sorted.length / total) * 1e9,
  }
}

/** As {@link figuresOf}, where callers overlap: `per_second` is by the wall, in milliseconds. */
export function overlapping(nanos: readonly number[], wallMs: number): Figures {
  return { ...figuresOf(nanos), per_second: (nanos.length / wallMs) * 1e3 }
}

/** Each figure's median over the rounds, so that a noisy round weighs nothing. */
export function medians(rounds: readonly Figures[]): Figures {
  return {
    p50_us: median(rounds.map((round) => round.p50_us)),
    p99_us: median(rounds.map((round) => round.p99_us)),
    per_second: median(rounds.map((round) => round.per_second)),
  }
}

export function median(values: readonly number[]): number {
  return percentile(Float64Array.from(values).sort(), 0.5)
}

/** The nearest-rank percentile of sorted values. */
export function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]!
}
