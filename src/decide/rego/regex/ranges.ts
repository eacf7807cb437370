/** A set of code points: first and last of each range in turn, ascending, with a gap between any two ranges. */
export type Ranges = readonly number[]

export const CODE_POINT_MAX = 0x10ffff

/** Any code point. */
export const ALL_RANGES: Ranges = [0, CODE_POINT_MAX]

/** Puts pairs of first and last, in any order and with any overlap, in the form of {@link Ranges}. */
export function normalizeRanges(pairs: readonly number[]): Ranges {
  if (pairs.length <= 2) return pairs
  const order = Array.from({ length: pairs.length / 2 }, (_, at) => 2 * at)
  order.sort((a, b) => (pairs[a] ?? 0) - (pairs[b] ?? 0))
  const out: number[] = []
  for (const at of order) {
    const [first = 0, last = 0] = [pairs[at], pairs[at + 1]]
    const before = out.at(-1)
    if (before !== undefined && first <= before + 1) {
      if (last > before) out[out.length - 1] = last
    } else {
      out.push(first, last)
    }
  }
  return out
}

/** All code points that are in none of the ranges. */
export function negateRanges(ranges: Ranges): Ranges {
  const out: number[] = []
  let next = 0
  for (let at = 0; at < ranges.length; at += 2) {
    const [first = 0, last = 0] = [ranges[at], ranges[at + 1]]
    if (first > next) out.push(next, first - 1)
    next = last + 1
  }
  if (next <= CODE_POINT_MAX) out.push(next, CODE_POINT_MAX)
  return out
}

/** Whether some code point is in both. */
export function rangesOverlap(a: Ranges, b: Ranges): boolean {
  let [x, y] = [0, 0]
  while (x < a.length && y < b.length) {
    if ((a[x + 1] ?? 0) < (b[y] ?? 0)) x += 2
    else if ((b[y + 1] ?? 0) < (a[x] ?? 0)) y += 2
    else return true
  }
  return false
}

export function inRanges(ranges: Ranges, point: number): boolean {
  let [low, high] = [0, ranges.length / 2]
  while (low < high) {
    const middle = (low + high) >> 1
    if (point > (ranges[2 * middle + 1] ?? 0)) low = middle + 1
    else high = middle
  }
  return point >= (ranges[2 * low] ?? Number.POSITIVE_INFINITY)
}
