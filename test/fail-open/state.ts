import type { JsonValue } from '../../src/base/json-value.ts'
import type { StateEntry } from '../../src/model/nouns.ts'
import { membersOf } from './mutations.ts'
import type { Subject, Subjects } from './subjects.ts'
import { judge, keysOf } from './subjects.ts'
import type { Became, Tally } from './tally.ts'
import { isWeaker } from './tally.ts'

/** Damages every state entry that a subject's decision reads. */
export function damageState(all: readonly Subjects[], tally: Tally): void {
  const entries = all.flatMap(({ cases }) => cases.flatMap(({ state }) => Object.entries(state)))
  const others = new Map(entries)
  for (const subjects of all) {
    for (const subject of subjects.cases) {
      const read = keysOf(subjects.loaded, subject.action)
      for (const key of read) {
        const entry = Object.hasOwn(subject.state, key) ? subject.state[key] : undefined
        if (entry === undefined) continue
        for (const damaged of entryDamages(entry, subject.now)) {
          tally.add(damaged.kind, becomes(subjects, subject, { ...damaged, key }))
        }
        for (const [other, foreign] of others) {
          if (other === key) continue
          const damaged = { kind: "another key's entry", key, entry: foreign }
          tally.add(damaged.kind, becomes(subjects, subject, damaged))
        }
      }
    }
  }
}

function becomes(
  { name, loaded }: Subjects,
  subject: Subject,
  { kind, key, entry }: Damaged & { readonly key: string },
): Became {
  const state = { ...subject.state, [key]: entry as StateEntry }
  const after = judge(loaded, { ...subject, state })
  if (!isWeaker(after, subject.intact)) return 'stood'
  if (kind === PASSED) return { exception: 'an entry whose end has passed is forgotten' }
  if (kind === "another key's entry") return { exception: 'a sound entry of another key' }
  const words = `${subject.intact.verdict} became ${after.verdict}`
  return { fall: `${name} "${subject.name}" ${key.split('/', 3).join('/')}: ${words}` }
}

/** A store may sweep such an entry at any time, so none of them may change a verdict by being there. */
const PASSED = 'an end that has passed'

/** A state entry, damaged. */
type Damaged = { readonly kind: string; readonly entry: unknown }

/** Ten years in milliseconds. */
const FAR = 10 * 365 * 24 * 60 * 60 * 1000

/** What a broken disk, another version or a hostile hand may have left in an entry's place. */
function entryDamages(entry: StateEntry, now: number): Damaged[] {
  return [...wholeDamages(entry), ...valueDamages(entry), ...partDamages(entry, now)].concat(
    untilDamages(entry, now),
  )
}

function wholeDamages({ value, until }: StateEntry): Damaged[] {
  const entries: readonly unknown[] = [
    null,
    [],
    [value, until],
    'entry',
    7,
    { value },
    { until },
    { Value: value, until },
    { value, Until: until },
    Object.create({ value, until }),
  ]
  return entries.map((other) => ({ kind: 'another shape of entry', entry: other }))
}

function valueDamages({ value, until }: StateEntry): Damaged[] {
  const of = (kind: string, values: readonly unknown[]): Damaged[] =>
    values.map((other) => ({ kind, entry: { value: other, until } }))
  return [
    ...of('another type of value', [null, 'x', '', 7, -1, Number.NaN, true, {}, { value }]),
    ...of('nested deeper', [[value], [[value]], [[[[[[[[]]]]]]]], { 0: value }]),
    ...of('huge', hugeOf(value)),
  ]
}

function hugeOf(value: JsonValue): JsonValue[] {
  if (!Array.isArray(value)) return []
  const list = value as readonly JsonValue[]
  return [Array.from({ length: 20_000 }, (_, at) => list[at % list.length] ?? 0)]
}

/** Every scalar within the value, damaged alone. */
function partDamages({ value, until }: StateEntry, now: number): Damaged[] {
  return membersOf(value).flatMap(({ name, value: part, put }) => {
    const of = (kind: string, other: JsonValue): Damaged => ({
      kind,
      entry: { value: put({ entries: [[name, other]] }), until },
    })
    const shared = [
      of('a part of another type', {}),
      of('a part of another type', null),
      of('a part nested deeper', [part]),
    ]
    if (typeof part === 'string') return [...shared, of('a part of another type', 7)]
    if (typeof part !== 'number') return shared
    return [
      ...shared,
      of('a part of another type', String(part)),
      of('a negative part', -1),
      of('a negative part', -part),
      of('a part that is NaN', Number.NaN),
      of('a part that is infinite', Number.POSITIVE_INFINITY),
      of('a huge part', Number.MAX_SAFE_INTEGER),
      of('a part between two numbers', part + 0.5),
      of('a part from the future', now + FAR),
      of('a part from the future', now + 1000),
    ]
  })
}

function untilDamages({ value }: StateEntry, now: number): Damaged[] {
  const of = (kind: string, until: unknown): Damaged => ({ kind, entry: { value, until } })
  return [
    ...[now, now - 1, 0, -1].map((until) => of(PASSED, until)),
    ...[null, '9', true, [now], Number.NaN, Number.POSITIVE_INFINITY, now + 0.5, 2 ** 60].map(
      (until) => of('an end of another type', until),
    ),
    of('an end far away', Number.MAX_SAFE_INTEGER),
  ]
}
