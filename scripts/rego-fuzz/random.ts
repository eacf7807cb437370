/** A stream of numbers that a seed determines: the same everywhere, so that a report can be made again. */
export type Random = {
  /** A whole number from 0 to below the limit. */
  below(limit: number): number
  /** True so often, of 1. */
  chance(share: number): boolean
  pick<T>(items: readonly T[]): T
  /** A stream of its own, by name: what is drawn from it changes nothing here. */
  fork(name: string): Random
}

/** SplitMix32 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators") over the hash of the seed. */
export function createRandom(seed: string): Random {
  let state = hash(seed)
  const next = (): number => {
    state = (state + GOLDEN) | 0
    let mixed = state ^ (state >>> 16)
    mixed = Math.imul(mixed, 0x21f0aaad)
    mixed ^= mixed >>> 15
    mixed = Math.imul(mixed, 0x735a2d97)
    return (mixed ^ (mixed >>> 15)) >>> 0
  }
  const below = (limit: number): number => Math.floor((next() / 2 ** 32) * limit)
  return {
    below,
    chance: (share) => next() / 2 ** 32 < share,
    pick: (items) => {
      if (items.length === 0) throw new Error('there is nothing to pick')
      return items[below(items.length)]!
    },
    fork: (name) => createRandom(`${seed}/${name}`),
  }
}

const GOLDEN = 0x9e3779b9

/** FNV-1a of 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (const byte of new TextEncoder().encode(text)) value = Math.imul(value ^ byte, 0x01000193)
  return value
}
