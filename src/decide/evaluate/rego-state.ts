import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import type { CompiledPackage, VerdictWord } from '../../model/generated/types.ts'
import type { CompiledBy, Facts } from './facts.ts'
import { bucketOf, compileBy, countingBucket } from './facts.ts'
import { COUNTER_SLICES, RECENT_ACTIONS_MAX, RECENT_MEMORY_MS } from './limits.ts'
import type { RulePlace } from './settings.ts'
import { ownDuration } from './settings.ts'
import type { Moment, Write } from './state.ts'
import { isTime, readState, withoutLeftOut } from './state.ts'

/** A counter that a Rego package declares in its metadata. */
export type Counter = {
  readonly name: string
  key(facts: Facts): string
  /** Attempts within the window, this one included, and what to remember. */
  count(facts: Facts, moment: Moment): { readonly attempts: number; readonly write: Write }
}

/** @throws {PolicyError} DURATION_INVALID, PATH_INVALID, VALUE_INVALID */
export function compileCounter(
  place: RulePlace,
  counter: CompiledPackage['counters'][number],
): Counter {
  const perMs = ownDuration(place, counter, 'per')
  const sliceMs = Math.max(1, Math.floor(perMs / COUNTER_SLICES))
  const by = compileBy(place, counter.by)
  const keyOf = (facts: Facts) => `c/${place.id}/${counter.name}/${countingBucket(facts, by)}`
  return {
    name: counter.name,
    key: keyOf,
    count(facts, moment) {
      const key = keyOf(facts)
      const before = readState(moment, key, isSlices) ?? []
      const at = Math.max(moment.now, before.at(-1)?.[0] ?? 0)
      const value = addAttempt(
        // By the clock of this moment: a time from the future makes no other one old.
        withoutAttempt(before, moment, sliceMs).filter(([last]) => moment.now - last < perMs),
        { at, sliceMs },
      )
      const attempts = value.reduce((sum, [, count]) => sum + count, 0)
      return { attempts, write: { key, entry: { value, until: at + perMs } } }
    },
  }
}

/** Earlier actions of this agent, the newest last, as `input.state.recent` gives them. */
export function readRecent(facts: Facts, moment: Moment): readonly JsonObject[] {
  const recent = readState(moment, recentKey(facts), isRecent) ?? []
  return withoutLeftOut(recent, moment, ([, , , at]) => at).map(
    ([service, action, verdict, at]) => ({
      service,
      action,
      verdict,
      at: new Date(at).toISOString(),
    }),
  )
}

/** Remembers this action with its final verdict. */
export function recordRecent(facts: Facts, moment: Moment, verdict: VerdictWord): Write {
  const before = readState(moment, recentKey(facts), isRecent) ?? []
  const at = Math.max(moment.now, before.at(-1)?.[3] ?? 0)
  const one: Recent = [facts.action.service, facts.action.action, verdict, at]
  const value = [...before, one].slice(-RECENT_ACTIONS_MAX)
  return { key: recentKey(facts), entry: { value, until: at + RECENT_MEMORY_MS } }
}

export function recentKey(facts: Facts): string {
  return `r/${bucketOf(facts, OF_AGENT, 'own')}`
}

const OF_AGENT: CompiledBy = compileBy({ id: 'engine', file: '', line: 0, column: 0 }, ['agent'])

/** Time of the last attempt in a slice of the window, and how many there were. */
type Slice = readonly [last: number, count: number]

type Recent = readonly [service: string, action: string, verdict: string, at: number]

// The attempts of one slice leave together at the last one's time: a count is never too low, and too high by what
// at most a 256th of the window holds. So a counter is bounded and still counts without end.
function addAttempt(
  slices: readonly Slice[],
  { at, sliceMs }: { readonly at: number; readonly sliceMs: number },
): readonly Slice[] {
  const last = slices.at(-1)
  if (last !== undefined && Math.floor(last[0] / sliceMs) === Math.floor(at / sliceMs)) {
    return [...slices.slice(0, -1), [at, last[1] + 1]]
  }
  return [...slices, [at, 1]]
}

/** The slices without the one attempt that is left out, if they hold it. */
function withoutAttempt(
  slices: readonly Slice[],
  { leaveOut }: Moment,
  sliceMs: number,
): readonly Slice[] {
  if (leaveOut === null) return slices
  const of = Math.floor(leaveOut / sliceMs)
  return slices.flatMap(([last, count]): readonly Slice[] => {
    if (Math.floor(last / sliceMs) !== of) return [[last, count]]
    return count > 1 ? [[last, count - 1]] : []
  })
}

function isSlices(value: JsonValue): value is readonly Slice[] {
  if (!Array.isArray(value)) return false
  let before = 0
  for (const slice of value as readonly unknown[]) {
    if (!Array.isArray(slice) || slice.length !== 2) return false
    const [last, count] = slice as readonly unknown[]
    if (!isTime(last) || last < before) return false
    if (!Number.isSafeInteger(count) || (count as number) < 1) return false
    before = last
  }
  return true
}

function isRecent(value: JsonValue): value is readonly Recent[] {
  if (!Array.isArray(value) || value.length > RECENT_ACTIONS_MAX) return false
  return value.every((one: unknown) => {
    if (!Array.isArray(one) || one.length !== 4) return false
    const [service, action, verdict, at] = one as readonly unknown[]
    return [service, action, verdict].every((text) => typeof text === 'string') && isTime(at)
  })
}
