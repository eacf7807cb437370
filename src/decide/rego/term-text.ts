import { compareDecimals } from './decimal.ts'
import { quote } from './go-quote.ts'
import type { Term } from './terms.ts'

/** A term as OPA prints it (v1/ast `String`): strings in Go quotes, keys and sets in OPA's order. */
export function printTerm(term: Term): string {
  if (term === null || typeof term === 'boolean') return String(term)
  if (typeof term === 'string') return quote(term)
  switch (term.kind) {
    case 'number':
      return term.text
    case 'array':
      return `[${term.items.map(printTerm).join(', ')}]`
    case 'set': {
      if (term.items.length === 0) return 'set()'
      return `{${term.items.toSorted(compareTerms).map(printTerm).join(', ')}}`
    }
    case 'object':
      return `{${sortedEntries(term.entries)
        .map(([key, value]) => `${printTerm(key)}: ${printTerm(value)}`)
        .join(', ')}}`
  }
}

/** OPA's order (v1/ast `Compare`): null, booleans, numbers, strings, arrays, objects, sets. */
export function compareTerms(a: Term, b: Term): number {
  const byKind = rank(a) - rank(b)
  if (byKind !== 0) return byKind
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b)
  if (typeof a === 'string' && typeof b === 'string') return compareCodePoints(a, b)
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return 0
  if (a.kind === 'number' && b.kind === 'number') return compareDecimals(a.text, b.text)
  if (a.kind === 'array' && b.kind === 'array') return compareItems(a.items, b.items)
  if (a.kind === 'set' && b.kind === 'set') {
    return compareItems(a.items.toSorted(compareTerms), b.items.toSorted(compareTerms))
  }
  if (a.kind === 'object' && b.kind === 'object') {
    return compareItems(sortedEntries(a.entries).flat(), sortedEntries(b.entries).flat())
  }
  return 0
}

/** Go compares UTF-8 bytes, which is the order of code points; UTF-16 code units order surrogates otherwise. */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return surrogatesLast(x) - surrogatesLast(y)
  }
  return a.length - b.length
}

function surrogatesLast(unit: number): number {
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit
}

function sortedEntries(entries: readonly (readonly [Term, Term])[]): (readonly [Term, Term])[] {
  return entries.toSorted(([a], [b]) => compareTerms(a, b))
}

function compareItems(a: readonly Term[], b: readonly Term[]): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const order = compareTerms(a[i] as Term, b[i] as Term)
    if (order !== 0) return order
  }
  return a.length - b.length
}

function rank(term: Term): number {
  if (term === null) return 0
  if (typeof term === 'boolean') return 1
  if (typeof term === 'string') return 3
  return { number: 2, array: 4, object: 5, set: 6 }[term.kind]
}
