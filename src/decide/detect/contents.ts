import type { JsonValue } from '../../base/json-value.ts'
import { CONTENT_CHARACTERS_MAX } from '../../base/limits.ts'
import { joinPointer } from '../../base/pointer.ts'
import type { Detector, FindContext, Span } from './detector.ts'
import { DETECTORS } from './index.ts'
import { maskOf, UNSCANNED, withoutMarks } from './marks.ts'

/** A text of an action, and what was found in it. */
export type FoundPlace = {
  /** Where the text stands (RFC 6901). Names that hold what was found, or are no words, stand as `*`. */
  readonly pointer: string
  readonly text: string
  readonly spans: readonly Span[]
}

export type Found = {
  readonly places: readonly FoundPlace[]
  /** Texts that were not looked through, because there is more than `CONTENT_CHARACTERS_MAX`. */
  readonly unscanned: number
}

/**
 * What the detectors find in values: in texts, in numbers as JSON writes them, and in the names of members. Nothing is
 * looked through twice, however many of the values hold it.
 */
export function findInValues(
  values: readonly { readonly pointer: string; readonly value: JsonValue }[],
  detectors: readonly Detector[],
  names: readonly string[],
): Found {
  const budget = contentBudget()
  const places: FoundPlace[] = []
  const seen = new Map<string, boolean>()
  let unscanned = 0
  /** Whether the text holds something, or was not looked through. */
  const look = (text: string, at: Place, what: 'name' | 'value'): boolean => {
    const id = `${what}${at.pointer}`
    const known = seen.get(id)
    if (known !== undefined) return known
    const spans = budget.takes(text)
      ? findSpans(text, detectors, { memberName: what === 'name' ? null : at.memberName, names })
      : null
    if (spans === null) unscanned += 1
    else if (spans.length > 0) places.push({ pointer: at.shown, text, spans })
    const held = spans === null || spans.length > 0
    seen.set(id, held)
    return held
  }
  const walk = (value: JsonValue, at: Place): void => {
    if (typeof value === 'string' || typeof value === 'number') {
      look(String(value), at, 'value')
      return
    }
    if (typeof value !== 'object' || value === null) return
    const isList = Array.isArray(value)
    for (const [name, member] of Object.entries(value)) {
      const pointer = joinPointer(at.pointer, name)
      const below = { pointer, memberName: heldBy(name, at.memberName) }
      const isFound = !isList && look(name, { ...below, shown: joinPointer(at.shown, '*') }, 'name')
      const shown = isFound || !(isList || WORD.test(name)) ? '*' : name
      walk(member, { ...below, shown: joinPointer(at.shown, shown) })
    }
  }
  for (const { pointer, value } of values) {
    walk(value, { pointer, shown: shownPointer(pointer), memberName: lastName(pointer) })
  }
  return { places, unscanned }
}

/** What the detectors find in one text, in order of start and end; spans of several kinds may overlap. */
export function findSpans(
  text: string,
  detectors: readonly Detector[],
  context: FindContext,
): readonly Span[] {
  const isKind = (kind: string) => DETECTORS.has(kind)
  const open = withoutMarks(text, isKind)
  // The mask of a telephone number in a name would announce one in the member.
  const memberName = context.memberName === null ? null : withoutMarks(context.memberName, isKind)
  const spans = detectors.flatMap((detector) => detector.find(open, { ...context, memberName }))
  return spans.length < 2 ? spans : spans.sort((a, b) => a.start - b.start || a.end - b.end)
}

/** Counts what is looked through. A text that does not fit is left out; a shorter one behind it may still fit. */
export function contentBudget(): { takes(text: string): boolean } {
  let left = CONTENT_CHARACTERS_MAX
  return {
    takes(text) {
      if (text === maskOf(UNSCANNED)) return true
      if (text.length > left) return false
      left -= text.length
      return true
    },
  }
}

type Place = {
  readonly pointer: string
  /** The pointer without names that may themselves be values. */
  readonly shown: string
  readonly memberName: string | null
}

/** A name that is no short word, such as an address or a number, may be as private as a value. */
const WORD = /^[A-Za-z_$][\w$.-]{0,63}$/

function shownPointer(pointer: string): string {
  const [, ...parts] = pointer.split('/')
  const shown = parts.map((part) => (WORD.test(part) || INDEX.test(part) ? part : '*'))
  return shown.map((part) => `/${part}`).join('')
}

/** The name of the member that holds what stands at a step of the way: indexes, and numbers used like them, are none. */
export function heldBy(step: string, before: string | null): string | null {
  return INDEX.test(step) ? before : step
}

const INDEX = /^\d+$/

/** The innermost name of a pointer that is no index. */
function lastName(pointer: string): string | null {
  const names = pointer.split('/').slice(1)
  const name = names.findLast((part) => !INDEX.test(part))
  return name === undefined ? null : name.replaceAll('~1', '/').replaceAll('~0', '~')
}
