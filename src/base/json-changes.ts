import { canonicalize } from './canonical-json.ts'
import type { JsonObject, JsonValue } from './json-value.ts'
import { joinPointer } from './pointer.ts'

/** One place where two JSON values differ. A side that has nothing there is absent. */
export type JsonChange = {
  /** RFC 6901. */
  readonly pointer: string
  readonly before?: JsonValue
  readonly after?: JsonValue
}

/**
 * Where two JSON values differ, as deep as they are alike: members by name, sorted, and list elements by place.
 *
 * @param max - how many places to name at most
 */
export function jsonChanges(before: JsonValue, after: JsonValue, max: number): JsonChange[] {
  const found: JsonChange[] = []
  compare({ before, after }, '', { found, max })
  return found
}

type Sides = { readonly before?: JsonValue; readonly after?: JsonValue }
type Found = { readonly found: JsonChange[]; readonly max: number }

function compare({ before, after }: Sides, pointer: string, to: Found): void {
  if (to.found.length >= to.max) return
  const isSame =
    before !== undefined && after !== undefined && canonicalize(before) === canonicalize(after)
  if (isSame) return
  const [left, right] = [membersOf(before), membersOf(after)]
  if (left === null || right === null || Array.isArray(before) !== Array.isArray(after)) {
    to.found.push({
      pointer,
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
    })
    return
  }
  for (const name of new Set([...left.keys(), ...right.keys()])) {
    const [one, other] = [left.get(name), right.get(name)]
    const sides = {
      ...(one === undefined ? {} : { before: one }),
      ...(other === undefined ? {} : { after: other }),
    }
    if (one !== undefined || other !== undefined) compare(sides, joinPointer(pointer, name), to)
  }
}

/** Members by name, those of lists by place; null for what has none. */
function membersOf(value: JsonValue | undefined): Map<string, JsonValue> | null {
  if (typeof value !== 'object' || value === null) return null
  const entries = Object.entries(value as JsonObject)
  return new Map(Array.isArray(value) ? entries : entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}
