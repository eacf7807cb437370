import { compareText } from '../../base/position.ts'
import type { CompiledBaseline } from '../../decide/behaviour/baseline.ts'
import type { CompiledPolicy, Place } from '../../model/generated/types.ts'
import type {
  Direction,
  PolicyChange,
  PolicyDifference,
  PolicyPart,
  SourceChange,
} from '../../model/policy-diff.ts'
import type { Draft } from './diff-fields.ts'

/** One side of a comparison. */
export type DiffSide = {
  readonly policy: CompiledPolicy
  /** Rego sources by path, tests left out. */
  readonly rego: ReadonlyMap<string, string>
  /** Of OPA's plan: where both sides have the same, no Rego rule means anything else. Null without Rego. */
  readonly planDigest: string | null
  readonly places: Places
  /** What it takes for normal, by `baselineName`. */
  readonly baselines: ReadonlyMap<string, CompiledBaseline>
}

/** Where the parts of a policy are written. */
export type Places = {
  /** @param pointer - JSON pointer below the part; its own place where the part does not say it. Null if not known. */
  at(part: PolicyPart, id: string, pointer: string): Place | null
}

/** Nothing but a bundle: the places that the compiled policy carries are all that is known. */
export const NO_PLACES: Places = { at: () => null }

export type Sides = { readonly before: DiffSide; readonly after: DiffSide }

/** What is compared of one part. */
export type PartPair<T> = {
  readonly id: string
  readonly before: T | null
  readonly after: T | null
}

/** The members of two lists by their names, sorted. */
export function pairsOf<T>(
  before: readonly T[],
  after: readonly T[],
  nameOf: (item: T) => string,
): PartPair<T>[] {
  const [old, now] = [byName(before, nameOf), byName(after, nameOf)]
  const names = [...new Set([...old.keys(), ...now.keys()])].sort(compareText)
  return names.map((id) => ({ id, before: old.get(id) ?? null, after: now.get(id) ?? null }))
}

/** What is known of a change before its places are looked up. */
export type ChangeDraft = {
  readonly part: PolicyPart
  readonly id: string
  readonly change: PolicyChange['change']
  readonly before: Place | null
  readonly after: Place | null
  readonly drafts: readonly Draft[]
  readonly sources?: readonly SourceChange[]
}

/** A change with the place of each difference on both sides. */
export function changeOf({ before, after }: Sides, made: ChangeDraft): PolicyChange {
  const { part, id, change, drafts } = made
  const [old, now] = [
    made.before ?? (change === 'added' ? null : before.places.at(part, id, '')),
    made.after ?? (change === 'removed' ? null : after.places.at(part, id, '')),
  ]
  const differences = drafts.map(
    ({ field, direction, message, pointer }): PolicyDifference => ({
      field,
      direction,
      message,
      before: old === null ? null : (before.places.at(part, id, pointer) ?? old),
      after: now === null ? null : (after.places.at(part, id, pointer) ?? now),
    }),
  )
  return {
    part,
    id,
    change,
    direction: gravest(drafts.map(({ direction }) => direction)),
    before: old,
    after: now,
    differences,
    sources: made.sources ?? [],
  }
}

/** The direction that a reader must know of first. */
export function gravest(directions: readonly Direction[]): Direction {
  return GRAVITY.find((direction) => directions.includes(direction)) ?? 'neutral'
}

/** The file, line and column of a compiled part; null when it has none. */
export function placeOf(item: object | null): Place | null {
  if (item === null || !Object.hasOwn(item, 'file')) return null
  const { file, line, column } = item as Place
  return { file, line, column }
}

/** A difference of the part as a whole. */
export function whole(direction: Direction, message: string, field = ''): Draft {
  return { field, pointer: '', direction, message }
}

/** Whether Rego of one side has a word somewhere in its text. */
export function isNamedInRego({ before, after }: Sides, word: string): boolean {
  return [...before.rego.values(), ...after.rego.values()].some((text) => text.includes(word))
}

const GRAVITY: readonly Direction[] = ['weaker', 'unclear', 'stronger', 'neutral']

function byName<T>(items: readonly T[], nameOf: (item: T) => string): Map<string, T> {
  return new Map(items.map((item) => [nameOf(item), item]))
}
