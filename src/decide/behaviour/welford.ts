/** Number, mean and sum of squared deviations of values: enough to add more of them, or another such. */
export type Welford = { readonly n: number; readonly mean: number; readonly m2: number }

export const NO_VALUES: Welford = { n: 0, mean: 0, m2: 0 }

/** Adds one value. Welford, "Note on a method for calculating corrected sums", Technometrics 4(3), 1962. */
export function addValue({ n, mean, m2 }: Welford, value: number): Welford {
  const delta = value - mean
  const next = mean + delta / (n + 1)
  return { n: n + 1, mean: next, m2: m2 + delta * (value - next) }
}

/**
 * The statistics of the values of both. Chan, Golub and LeVeque, "Algorithms for computing the sample variance",
 * The American Statistician 37(3), 1983. Floats: another order differs in the last bits.
 */
export function mergeWelford(a: Welford, b: Welford): Welford {
  if (a.n === 0) return b
  if (b.n === 0) return a
  const n = a.n + b.n
  const delta = b.mean - a.mean
  return {
    n,
    mean: a.mean + (delta * b.n) / n,
    m2: a.m2 + b.m2 + (delta * delta * a.n * b.n) / n,
  }
}

/** The standard deviation of all the values; 0 when there are none. */
export function deviationOf({ n, m2 }: Welford): number {
  return n > 0 ? Math.sqrt(Math.max(0, m2) / n) : 0
}
