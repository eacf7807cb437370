import { createPythonRandom } from './python-random.ts'

/** One part of the sessions to judge by a model of the others. */
export type Fold<T> = { readonly learn: readonly T[]; readonly judge: readonly T[] }

/**
 * Ten folds that keep groups whole: the groups in the order of their names, shuffled as Python's `Random(0)` does it,
 * and dealt out in turn. The evaluation of the reference does the same, so that figures can be compared.
 */
export function crossFitFolds<T extends { readonly group: string }>(
  items: readonly T[],
): readonly Fold<T>[] {
  const groups = [...new Set(items.map(({ group }) => group))].sort(byCodePoint)
  const order = createPythonRandom(0).shuffled(groups)
  const foldOf = new Map(order.map((group, i) => [group, i % FOLDS]))
  return Array.from({ length: FOLDS }, (_, fold) => ({
    learn: items.filter(({ group }) => foldOf.get(group) !== fold),
    judge: items.filter(({ group }) => foldOf.get(group) === fold),
  }))
}

const FOLDS = 10

/** Python's order of texts; that of JavaScript differs above U+FFFF. */
function byCodePoint(a: string, b: string): number {
  const left = [...a]
  const right = [...b]
  for (const [i, character] of left.entries()) {
    const other = right[i]
    if (other === undefined) return 1
    if (character !== other) return (character.codePointAt(0) ?? 0) - (other.codePointAt(0) ?? 0)
  }
  return left.length - right.length
}
