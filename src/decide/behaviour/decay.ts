/** A whole call, in the fixed point that decay works with. */
export const MICRO = 1_000_000

/**
 * What `count` calls still count after `idle` sessions that did not do the same, in millionths of a call: halved in
 * about `halfLife` sessions, by whole ticks of 1004/1024, so that every machine gets the same integer. Small counts,
 * which most are, are worked out once.
 */
export function newDecay(halfLife: number): (count: number, idle: number) => number {
  const known = new Map<number, number[]>()
  return (count, idle) => {
    const ticks = Math.min(TICKS_MAX, Math.floor((idle * TICKS_PER_HALF) / halfLife))
    if (count > COUNT_REMEMBERED_MAX) return decayedBy(count, ticks)
    const units = known.get(count) ?? [count * MICRO]
    known.set(count, units)
    while (units.length <= ticks && units.at(-1) !== 0) units.push(decayTick(units.at(-1) ?? 0))
    return units[ticks] ?? 0
  }
}

const COUNT_REMEMBERED_MAX = 1_000

function decayedBy(count: number, ticks: number): number {
  let units = count * MICRO
  for (let tick = 0; tick < ticks && units > 0; tick++) units = decayTick(units)
  return units
}

/** One tick: floor(units * 1004 / 1024), exact for all safe integers. */
export function decayTick(units: number): number {
  const product = units * 1004
  if (product <= Number.MAX_SAFE_INTEGER) return Math.floor(product / 1024)
  return Number((BigInt(units) * 1004n) >> 10n)
}

const TICKS_PER_HALF = 35 // 1004/1024 to the 35th power is 0.5009.
const TICKS_MAX = 3_500 // A hundred half-lives: nothing is left.
