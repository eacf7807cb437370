import { compareText } from '../../base/position.ts'

/** Each text once, in code-unit order. */
export function sorted<T extends string>(items: readonly T[] | undefined): T[] {
  return [...new Set(items)].sort(compareText)
}
