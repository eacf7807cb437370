import { isDigit, isWordAt } from './personal-text.ts'

/** A run of digits in a text. */
export type DigitGroup = { readonly start: number; readonly end: number }

/**
 * Groups of digits that belong together: each is parted from the next by one of the separators. A chain stands alone:
 * neither letters nor further digits touch it, nor a point with digits behind it, as in `3.14`.
 */
export type DigitChain = readonly DigitGroup[]

/** Every chain of a text, in order. Takes time linear in the text. */
export function digitChains(text: string, separators: string): DigitChain[] {
  const chains: DigitChain[] = []
  let chain: DigitGroup[] = []
  for (let at = 0; at < text.length; ) {
    if (!isDigit(text.charCodeAt(at))) {
      at++
      continue
    }
    const start = at
    while (isDigit(text.charCodeAt(at))) at++
    const before = chain.at(-1)
    const joins =
      before !== undefined &&
      before.end === start - 1 &&
      separators.includes(text[start - 1] as string)
    if (!joins && before !== undefined) {
      chains.push(chain)
      chain = []
    }
    chain.push({ start, end: at })
  }
  if (chain.length > 0) chains.push(chain)
  return chains.flatMap((one) => freeParts(text, one))
}

/** The digits of some groups. */
export function digitsOf(text: string, groups: DigitChain): string {
  return groups.map(({ start, end }) => text.slice(start, end)).join('')
}

/** The separators between the groups, one after the other. */
export function separatorsOf(text: string, groups: DigitChain): string {
  return groups
    .slice(1)
    .map(({ start }) => text[start - 1])
    .join('')
}

/** Parts a chain where a group touches what is no separator. */
function freeParts(text: string, chain: DigitChain): DigitChain[] {
  const parts: DigitGroup[][] = []
  let part: DigitGroup[] = []
  for (const group of chain) {
    if (isFree(text, group)) {
      part.push(group)
      continue
    }
    if (part.length > 0) parts.push(part)
    part = []
  }
  if (part.length > 0) parts.push(part)
  return parts
}

function isFree(text: string, { start, end }: DigitGroup): boolean {
  return (
    !isWordAt(text, start - 1) &&
    !isWordAt(text, end) &&
    !isFraction(text, start - 1, start - 2) &&
    !isFraction(text, end, end + 1)
  )
}

function isFraction(text: string, point: number, digit: number): boolean {
  const character = text[point]
  return character === '.' && isDigit(text.charCodeAt(digit))
}
