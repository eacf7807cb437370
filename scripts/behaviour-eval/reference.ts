/**
 * The algorithm that the product's grew from: an interpolated chain of second order, four channels, tails by
 * cross-fitting. Written for plainness, and of its own: the product's can be tested against it.
 */
import { crossFitFolds } from './cross-fit.ts'
import type { Detector, Fitted } from './detector.ts'
import { highest, wordsOf } from './detector.ts'
import { sortedNumbers } from './figures.ts'

export const reference: Detector = {
  name: 'reference',
  title: 'reference',
  fit(sessions, options = { ends: false }): Fitted {
    const items = sessions.map(({ session, group }) => ({
      words: wordsOf(session, options),
      group,
    }))
    const judged = crossFitFolds(items).flatMap(({ learn, judge }) => {
      const model = learnModel(learn.map(({ words }) => words))
      return judge.map(({ words }) => channelsOf(model, words))
    })
    const tails = Object.fromEntries(
      REFERENCE_CHANNELS.map((channel) => [
        channel,
        tailOf(judged.map((calls) => highest(calls.map((call) => call[channel])))),
      ]),
    ) as Record<ReferenceChannel, Tail>
    const model = learnModel(items.map(({ words }) => words))
    return {
      calibration: sortedNumbers(
        judged.map((calls) => highest(calls.map((call) => sumOf(tails, call)))),
      ),
      scores: (session) =>
        channelsOf(model, wordsOf(session, options)).map((call) => sumOf(tails, call)),
    }
  },
}

export const REFERENCE_CHANNELS = ['markov', 'novelty', 'repeat', 'precede'] as const

export type ReferenceChannel = (typeof REFERENCE_CHANNELS)[number]

/** One call: bits of surprise, expected bits, bits escaped, and the four channels. */
export type ReferenceScores = Readonly<
  Record<ReferenceChannel | 'surprisal' | 'entropy' | 'escaped', number>
>

type Counts = Map<string, number>

/** What followed a context: how often each word, and how often any. */
type Context = { total: number; readonly next: Counts }

/** What was learned, in counts alone. */
export type ReferenceModel = {
  /** For orders 0 to 2, by the words of the context. */
  readonly orders: readonly [Map<string, Context>, Map<string, Context>, Map<string, Context>]
  /** Sessions that hold a word. */
  readonly holding: Counts
  /** For each word, sessions in which another stood before its first occurrence. */
  readonly before: Map<string, Counts>
  /** For periods 1 to 3, by word or for all: the most repeats in a session, and in how many sessions. */
  readonly repeats: readonly [RepeatTable, RepeatTable, RepeatTable]
  /** Entropy at a context, computed when first asked for. */
  readonly entropies: Map<string, number>
}

type RepeatTable = Map<string, Map<number, number>>

/** Learns sessions, each a list of words. */
export function learnModel(sessions: readonly (readonly string[])[]): ReferenceModel {
  const model: ReferenceModel = {
    orders: [new Map(), new Map(), new Map()],
    holding: new Map(),
    before: new Map(),
    repeats: [new Map(), new Map(), new Map()],
    entropies: new Map(),
  }
  for (const words of sessions) learnSession(model, words)
  return model
}

function learnSession(model: ReferenceModel, words: readonly string[]): void {
  const seen = new Set<string>()
  for (const [i, word] of words.entries()) {
    for (const [order, context] of contextKeys(words, i).entries()) {
      const found = entry(model.orders[order]!, context, () => ({ total: 0, next: new Map() }))
      found.total += 1
      count(found.next, word)
    }
    if (seen.has(word)) continue
    count(model.holding, word)
    const earlier = entry(model.before, word, () => new Map())
    for (const other of seen) count(earlier, other)
    seen.add(word)
  }
  for (const [at, table] of model.repeats.entries()) {
    const most = new Map<string, number>()
    for (const [i, repeats] of repeatsOf(words, at + 1).entries()) {
      const key = repeatKey(words[i]!, at + 1)
      most.set(key, Math.max(most.get(key) ?? 0, repeats))
    }
    for (const [key, repeats] of most)
      count(
        entry(table, key, () => new Map()),
        repeats,
      )
  }
}

/** The scores of a session, one for each word. */
export function channelsOf(
  model: ReferenceModel,
  words: readonly string[],
): readonly ReferenceScores[] {
  const runs = PERIODS.map((period) => repeatsOf(words, period))
  const seen = new Set<string>()
  let markov = 0
  let novelty = 0
  return words.map((word, i) => {
    const keys = contextKeys(words, i)
    const surprisal = -Math.log2(probability(model, keys, word)) + 0
    const expected = entropyAt(model, keys)
    const escaped = escapeBits(model, keys, word)
    markov = Math.max(0, markov + surprisal - expected - DRIFT)
    novelty = Math.max(0, novelty + escaped - DRIFT)
    const precede = seen.has(word) ? 0 : precedeBits(model, seen, word)
    seen.add(word)
    const repeats = runs.map((run) => run[i]!)
    const repeat = repeatBits(model, word, repeats)
    return { surprisal, entropy: expected, escaped, markov, novelty, repeat, precede }
  })
}

/** Bits per call that add up to no alarm. */
const DRIFT = 0.5
const PERIODS = [1, 2, 3]
const BEGIN = '^'

/** The contexts of orders 0, 1 and 2 at a word. */
function contextKeys(words: readonly string[], i: number): readonly [string, string, string] {
  const last = words[i - 1] ?? BEGIN
  return ['', last, `${words[i - 2] ?? BEGIN}\u001f${last}`]
}

/** Witten and Bell's interpolation, from no order up to the last whose context was seen. */
function probability(
  model: ReferenceModel,
  keys: readonly [string, string, string],
  word: string,
): number {
  let chance = 1 / ((model.orders[0].get('')?.next.size ?? 0) + 1)
  for (const [order, key] of keys.entries()) {
    const context = model.orders[order]!.get(key)
    if (context === undefined) break
    const { total, next } = context
    chance = ((next.get(word) ?? 0) + next.size * chance) / (total + next.size)
  }
  return chance
}

/** Expected bits at a context; all words that were never seen count as one. */
function entropyAt(model: ReferenceModel, keys: readonly [string, string, string]): number {
  const known = model.entropies.get(keys[2])
  if (known !== undefined) return known
  let bits = 0
  let sum = 0
  for (const word of [...(model.orders[0].get('')?.next.keys() ?? [])].sort()) {
    const chance = probability(model, keys, word)
    sum += chance
    bits -= chance * Math.log2(chance)
  }
  const rest = 1 - sum
  const entropy = bits - (rest > 1e-12 ? rest * Math.log2(rest) : 0)
  model.entropies.set(keys[2], entropy)
  return entropy
}

/** Bits for each context that was seen, but never before this word. */
function escapeBits(
  model: ReferenceModel,
  keys: readonly [string, string, string],
  word: string,
): number {
  let bits = 0
  for (let order = 2; order >= 0; order--) {
    const context = model.orders[order]!.get(keys[order]!)
    if (context === undefined) continue
    if (context.next.has(word)) break
    bits += Math.log2((context.total + context.next.size) / context.next.size)
  }
  return bits
}

/** Bits of the most usual predecessor that is missing. */
function precedeBits(model: ReferenceModel, seen: ReadonlySet<string>, word: string): number {
  const sessions = model.holding.get(word) ?? 0
  let most = 0
  for (const [other, together] of model.before.get(word) ?? []) {
    if (seen.has(other)) continue
    most = Math.max(most, -Math.log2((sessions - together + 0.5) / (sessions + 1)))
  }
  return most
}

/** Bits of the oddest repetition; past the longest that was seen, one more for each. */
function repeatBits(model: ReferenceModel, word: string, repeats: readonly number[]): number {
  let most = 0
  for (const [at, number] of repeats.entries()) {
    if (number < 1) continue
    const table = model.repeats[at]!.get(repeatKey(word, at + 1)) ?? new Map<number, number>()
    const sessions = sumWhere(table, () => true)
    const reached = sumWhere(table, (other) => other >= number)
    const beyond = reached === 0 ? Math.max(0, number - Math.max(0, ...table.keys()) - 1) : 0
    most = Math.max(most, -Math.log2((reached + 0.5) / (sessions + 1)) + beyond)
  }
  return most
}

/** Runs of one word are counted for that word, cycles for all. */
function repeatKey(word: string, period: number): string {
  return period === 1 ? word : '*'
}

/** At each word, how many whole periods before it repeat what stands a period earlier. */
function repeatsOf(words: readonly string[], period: number): readonly number[] {
  let run = 0
  return words.map((word, i) => {
    run = i >= period && words[i - period] === word ? run + 1 : 0
    return Math.floor(run / period)
  })
}

/** How rare a channel's value is among normal sessions. */
export type Tail = {
  readonly sorted: readonly number[]
  /** Where the exponential tail begins, the share above it, and its mean. */
  readonly start: number
  readonly share: number
  readonly scale: number
}

/** The tail of a channel's session maxima: as they are to the 80th percentile, exponential above. */
export function tailOf(maxima: readonly number[]): Tail {
  const sorted = sortedNumbers(maxima)
  const start = sorted[Math.floor(0.8 * sorted.length)] ?? 0
  const above = sorted.filter((value) => value > start).map((value) => value - start)
  const sum = above.reduce((total, value) => total + value, 0)
  return {
    sorted,
    start,
    share: above.length / Math.max(1, sorted.length),
    scale: Math.max(above.length === 0 ? 1 : sum / above.length, 0.25),
  }
}

/** The bits of a value: one more, and half as many normal sessions reach it. */
export function tailBits({ sorted, start, share, scale }: Tail, value: number): number {
  if (value > start && share > 0) return -Math.log2(share) + (value - start) / scale / Math.LN2
  const smaller = sorted.findIndex((other) => other >= value)
  const below = smaller < 0 ? sorted.length : smaller
  return -Math.log2((1 + sorted.length - below) / (sorted.length + 1))
}

function sumOf(tails: Readonly<Record<ReferenceChannel, Tail>>, call: ReferenceScores): number {
  let sum = 0
  for (const channel of REFERENCE_CHANNELS) {
    sum += Math.max(0, tailBits(tails[channel], call[channel]) - FLOOR)
  }
  return sum
}

/** Bits that are ordinary: one session in four reaches them. */
const FLOOR = 2

function sumWhere(table: ReadonlyMap<number, number>, holds: (key: number) => boolean): number {
  let sum = 0
  for (const [key, sessions] of table) if (holds(key)) sum += sessions
  return sum
}

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

function entry<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const created = create()
  map.set(key, created)
  return created
}
