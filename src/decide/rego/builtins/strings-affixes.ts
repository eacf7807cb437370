import type { Value } from '../values/value.ts'
import { isArray, isSet } from '../values/value.ts'
import type { Call } from './builtin.ts'
import { mismatch } from './builtin.ts'
import { stringMembers } from './strings-operands.ts'

/** Whether any of some texts starts, or ends, with any of others. */
export function anyAffix(
  call: Call,
  {
    texts,
    affixes,
    end,
  }: {
    readonly texts: Value | undefined
    readonly affixes: Value | undefined
    readonly end: 'start' | 'end'
  },
): boolean {
  const all = oneOrMore(texts, 1)
  const wanted = oneOrMore(affixes, 2)
  const [allLength, wantedLength] = [totalLength(all), totalLength(wanted)]
  if (all.length * wanted.length <= PAIRS_MAX) {
    call.work(all.length * wanted.length + ((all.length * wantedLength) >>> 7))
    return wanted.some((affix) =>
      all.some((text) => (end === 'start' ? text.startsWith(affix) : text.endsWith(affix))),
    )
  }
  // Each is compared about as often as halves lead to one.
  const depth = Math.ceil(Math.log2(all.length + 1))
  call.work((all.length + wanted.length) * depth + ((allLength + wantedLength) >>> 7) * depth)
  if (end === 'start') return anyPrefix([...all], wanted)
  call.work((allLength + wantedLength) >>> 1)
  return anyPrefix(all.map(reversed), wanted.map(reversed))
}

/** Texts with a common start lie side by side in order, right behind that start itself. */
function anyPrefix(texts: string[], prefixes: readonly string[]): boolean {
  texts.sort(byCodeUnit)
  return prefixes.some((prefix) => {
    let [low, high] = [0, texts.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((texts[middle] ?? '') < prefix) low = middle + 1
      else high = middle
    }
    return texts[low]?.startsWith(prefix) ?? false
  })
}

/** Below this many pairs it is quicker to look at each. */
const PAIRS_MAX = 4096

function oneOrMore(value: Value | undefined, position: number): readonly string[] {
  if (typeof value === 'string') return [value]
  if (!isArray(value) && !isSet(value)) return mismatch(value, position, 'string', 'set', 'array')
  return stringMembers(value, position)
}

function totalLength(texts: readonly string[]): number {
  let length = 0
  for (const text of texts) length += text.length
  return length
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** By code units: what is compared with it is reversed alike. */
function reversed(text: string): string {
  return text.split('').reverse().join('')
}
