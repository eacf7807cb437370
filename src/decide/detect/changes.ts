import { isReservedKey } from '../../base/disclosure.ts'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import { joinPointer } from '../../base/pointer.ts'
import { contentBudget, findSpans, heldBy } from './contents.ts'
import type { Detector, Span } from './detector.ts'
import { maskOf, UNSCANNED } from './marks.ts'

/** What becomes of a value or a piece of one. */
export type Change = 'redact' | 'tokenise' | 'drop'

/** What to do to what some detectors find. */
export type SpanChange = {
  readonly kind: Change
  readonly detectors: readonly Detector[]
  /** Names of people for the detector that goes by a list. */
  readonly names: readonly string[]
}

export type Changes = {
  /** What to change below each value, by its JSON pointer (RFC 6901). */
  readonly at: ReadonlyMap<string, readonly SpanChange[]>
  /** The token of a piece of text of this kind. */
  tokenise(text: string, kind: string): string
}

/**
 * A copy in which only what the detectors find is changed, in texts, numbers (which become texts) and names of members.
 * What several changes are about gets the one that hides most: drop, then redact, then tokenise. Changing the copy again
 * changes nothing more; what cannot be brought to that, or was not looked through, is replaced as a whole. No member is
 * lost: names that become equal are numbered.
 */
export function changeFound(value: JsonValue, changes: Changes): JsonValue {
  const budget = contentBudget()
  const join = memoOfJoins()
  const changeText = (text: string, active: Active, memberName: string | null): string =>
    budget.takes(text)
      ? changedText(text, active, { memberName, changes })
      : wholeText(text, active, changes)
  const walk = (current: JsonValue, at: Place): JsonValue => {
    const own = changes.at.get(at.pointer)
    const active = own === undefined ? at.active : own.reduce(join, at.active)
    if (typeof current === 'string')
      return active === null ? current : changeText(current, active, at.memberName)
    if (typeof current === 'number') {
      const text = String(current)
      const changed = active === null ? text : changeText(text, active, at.memberName)
      return changed === text ? current : changed
    }
    if (typeof current !== 'object' || current === null) return current
    const below = (name: string): Place => ({
      pointer: joinPointer(at.pointer, name),
      memberName: heldBy(name, at.memberName),
      active,
    })
    if (Array.isArray(current)) {
      return current.map((member: JsonValue, i) => walk(member, below(String(i))))
    }
    const members = Object.entries(current as JsonObject)
    const names = members.map(([name]) => (active === null ? name : changeText(name, active, null)))
    const unique = distinctNames(
      members.map(([name]) => name),
      names,
    )
    return Object.fromEntries(
      members.map(([name, member], i) => [unique[i] as string, walk(member, below(name))]),
    )
  }
  return walk(value, { pointer: '', memberName: null, active: null })
}

/** The change that hides more. */
export function strongerChange(a: Change | undefined, b: Change): Change {
  return a !== undefined && STRENGTH.indexOf(a) > STRENGTH.indexOf(b) ? a : b
}

const STRENGTH: readonly Change[] = ['tokenise', 'redact', 'drop']

type Place = {
  readonly pointer: string
  readonly memberName: string | null
  readonly active: Active | null
}

/** All changes that reach a value, put together: which detectors, which of them asks for what. */
type Active = {
  readonly detectors: readonly Detector[]
  readonly kinds: ReadonlyMap<string, Change>
  readonly names: readonly string[]
  readonly strongest: Change
}

/** What a value has to bear: what was asked for before, together with one more change. A memo of a pure function. */
function memoOfJoins(): (before: Active | null, change: SpanChange) => Active {
  const memo = new Map<Active | null, Map<SpanChange, Active>>()
  return (before, change) => {
    const known = memo.get(before) ?? new Map<SpanChange, Active>()
    memo.set(before, known)
    const active = known.get(change) ?? joined(before, change)
    known.set(change, active)
    return active
  }
}

function joined(before: Active | null, { kind, detectors, names }: SpanChange): Active {
  const kinds = new Map(before?.kinds)
  for (const detector of detectors) {
    kinds.set(detector.kind, strongerChange(kinds.get(detector.kind), kind))
  }
  return {
    detectors: [...new Set([...(before?.detectors ?? []), ...detectors])],
    kinds,
    names: [...new Set([...(before?.names ?? []), ...names])],
    strongest: strongerChange(before?.strongest, kind),
  }
}

/** Cutting a piece out may put together what is then found: it is looked for until there is nothing more. */
const ROUNDS_MAX = 4

function changedText(
  text: string,
  active: Active,
  { memberName, changes }: { readonly memberName: string | null; readonly changes: Changes },
): string {
  let current = text
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const spans = findSpans(current, active.detectors, { memberName, names: active.names })
    if (spans.length === 0) return current
    current = replaced(current, spans, active, changes)
  }
  const left = findSpans(current, active.detectors, { memberName, names: active.names })
  return left.length === 0 ? current : wholeText(text, active, changes)
}

function replaced(text: string, spans: readonly Span[], active: Active, changes: Changes): string {
  let result = ''
  let done = 0
  for (const { start, end, kind, change } of clusters(spans, active)) {
    const piece = text.slice(start, end)
    result += text.slice(done, start) + replacement(piece, kind, change, changes)
    done = end
  }
  return result + text.slice(done)
}

function replacement(piece: string, kind: string, change: Change, { tokenise }: Changes): string {
  if (change === 'drop') return ''
  return change === 'redact' ? maskOf(kind) : tokenise(piece, kind)
}

type Cluster = Span & { readonly change: Change }

/** Overlapping spans as one: of the kind of the longest, with the strongest change. */
function clusters(spans: readonly Span[], active: Active): Cluster[] {
  const list: Cluster[] = []
  let longest = 0
  for (const span of spans) {
    const change = active.kinds.get(span.kind) ?? active.strongest
    const before = list.at(-1)
    const length = span.end - span.start
    if (before === undefined || span.start >= before.end) {
      list.push({ ...span, change })
      longest = length
      continue
    }
    list[list.length - 1] = {
      kind: length > longest ? span.kind : before.kind,
      start: before.start,
      end: Math.max(before.end, span.end),
      change: strongerChange(before.change, change),
    }
    longest = Math.max(longest, length)
  }
  return list
}

function wholeText(text: string, active: Active, changes: Changes): string {
  return replacement(
    text,
    active.strongest === 'tokenise' ? 'value' : UNSCANNED,
    active.strongest,
    changes,
  )
}

/** Each new name, numbered where another member has it already. Names that did not change come first. */
function distinctNames(before: readonly string[], after: readonly string[]): readonly string[] {
  if (before.every((name, i) => name === after[i])) return before
  const taken = new Set(before.filter((name, i) => name === after[i]))
  const numbers = new Map<string, number>()
  return after.map((name, i) => {
    if (name === before[i]) return name
    // Without the piece that is dropped, a name may be one that no action may have.
    const base = isReservedKey(name) ? maskOf(UNSCANNED) : name
    let unique = base
    for (let number = numbers.get(base) ?? 2; taken.has(unique); number++) {
      unique = `${base} (${number})`
      numbers.set(base, number + 1)
    }
    taken.add(unique)
    return unique
  })
}
