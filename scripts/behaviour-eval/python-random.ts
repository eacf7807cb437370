/** Python's `random.Random(seed)`, as far as a shuffle needs it: the same seed gives the same order there and here. */
export type PythonRandom = {
  /** A whole number of so many random bits, 0 to 32. */
  bits(count: number): number
  /** A whole number from 0 to below the limit, which is at most 2^31. */
  below(limit: number): number
  /** The items in another order; the argument stays as it is. */
  shuffled<T>(items: readonly T[]): T[]
}

/**
 * MT19937 (Matsumoto and Nishimura, "Mersenne Twister", 1998), seeded with a whole number of at most 2^53 as CPython's
 * `random_seed` does it: by the number's 32-bit words, the least first.
 */
export function createPythonRandom(seed: number): PythonRandom {
  if (!Number.isSafeInteger(seed)) throw new RangeError('the seed must be a whole number')
  const next = twister(seedState(wordsOf(Math.abs(seed))))
  const bits = (count: number): number => {
    if (count < 0 || count > 32) throw new RangeError('from 0 to 32 bits')
    return count === 0 ? 0 : next() >>> (32 - count)
  }
  // CPython's `_randbelow_with_getrandbits`: draws again where a number is too large, so that none is favoured.
  const below = (limit: number): number => {
    if (limit < 1 || limit > 2 ** 31) throw new RangeError('the limit must be from 1 to 2^31')
    const count = 32 - Math.clz32(limit)
    let drawn = bits(count)
    while (drawn >= limit) drawn = bits(count)
    return drawn
  }
  const shuffled = <T>(items: readonly T[]): T[] => {
    const order = [...items]
    for (let i = order.length - 1; i > 0; i--) {
      const j = below(i + 1)
      const item = order[i]!
      order[i] = order[j]!
      order[j] = item
    }
    return order
  }
  return { bits, below, shuffled }
}

const WORDS = 624
const SHIFT = 397
const MATRIX = 0x9908b0df

/** `init_by_array` of the authors' reference code. */
function seedState(key: readonly number[]): Uint32Array {
  const state = new Uint32Array(WORDS)
  state[0] = 19_650_218
  for (let i = 1; i < WORDS; i++) state[i] = Math.imul(1_812_433_253, folded(state, i - 1)) + i
  let i = 1
  const advance = () => {
    i += 1
    if (i < WORDS) return
    state[0] = state[WORDS - 1]!
    i = 1
  }
  for (let step = 0; step < Math.max(WORDS, key.length); step++) {
    const j = step % key.length
    state[i] = (state[i]! ^ Math.imul(folded(state, i - 1), 1_664_525)) + key[j]! + j
    advance()
  }
  for (let step = 0; step < WORDS - 1; step++) {
    state[i] = (state[i]! ^ Math.imul(folded(state, i - 1), 1_566_083_941)) - i
    advance()
  }
  state[0] = 0x80000000
  return state
}

function folded(state: Uint32Array, i: number): number {
  const word = state[i]!
  return word ^ (word >>> 30)
}

function twister(state: Uint32Array): () => number {
  let at = WORDS
  return () => {
    if (at === WORDS) {
      twist(state)
      at = 0
    }
    let word = state[at]!
    at += 1
    word ^= word >>> 11
    word ^= (word << 7) & 0x9d2c5680
    word ^= (word << 15) & 0xefc60000
    return (word ^ (word >>> 18)) >>> 0
  }
}

function twist(state: Uint32Array): void {
  for (let i = 0; i < WORDS; i++) {
    const word = (state[i]! & 0x80000000) | (state[(i + 1) % WORDS]! & 0x7fffffff)
    state[i] = state[(i + SHIFT) % WORDS]! ^ (word >>> 1) ^ (word & 1 ? MATRIX : 0)
  }
}

function wordsOf(value: number): readonly number[] {
  const high = Math.floor(value / 2 ** 32)
  return high === 0 ? [value] : [value % 2 ** 32, high]
}
