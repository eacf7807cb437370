import { canonicalize } from '../../base/canonical-json.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import type { Path } from '../../base/path.ts'
import { parsePath, readPath } from '../../base/path.ts'
import { joinPointer } from '../../base/pointer.ts'
import type { CompiledPolicy, Obligation } from '../../model/generated/types.ts'
import type { Change, SpanChange } from '../detect/changes.ts'
import { changeFound, strongerChange } from '../detect/changes.ts'
import { DETECTORS } from '../detect/index.ts'
import { ownTexts } from './settings.ts'

/** What stands where a value was redacted. */
export const MASK = '[redacted]'

/** The parts of an action that obligations change. */
export type Changeable = { readonly payload: JsonObject; readonly result?: JsonValue }

/**
 * The token of a value: the same for the same value, telling nothing about it. `kind` is what the value is, `value`
 * where nobody said.
 */
export type Tokenise = (text: string, kind: string) => string

/** The names of people that a rule lists, for the obligations that it asks for. */
export type NamesOf = (rule: string) => readonly string[]

/**
 * The payload to run with, and the result to hand on: a copy in which every value that an obligation names is masked,
 * replaced by its token, or left out. Every path is read in the action as it was, so that what one obligation drops moves
 * nothing out of another's way; of several about one value counts the one that hides most. A path that leads to nothing
 * changes nothing. Obligations with `detect` come last and change only what is found within their fields; see
 * {@link changeFound}. The action itself stays as it was.
 *
 * @throws {PolicyError} VALUE_INVALID for an obligation of another kind, or that detects what no detector is for;
 *   PATH_INVALID for a path that is no field of payload or result; REFERENCE_UNKNOWN for names that are not known.
 *   Then the action must not run.
 */
export function applyObligations<T extends Changeable>(
  { payload, result }: T,
  obligations: readonly Obligation[],
  tokenise: Tokenise,
  namesOf: NamesOf = noNames,
): Changeable {
  const action: JsonObject = { payload, ...(result === undefined ? {} : { result }) }
  const whole = wholeChangesAt(action, obligations)
  const within = obligations.filter(({ detect }) => detect !== undefined)
  const { changed, at } = changeWhole(action, {
    whole,
    spans: spanChangesAt(action, within, namesOf),
    tokenise,
  })
  // All at once: what one of them puts in must not hide from another what it would have found.
  return (at.size === 0 ? changed : changeFound(changed, { at, tokenise })) as Changeable
}

/**
 * A path that may be changed: below the payload, which as a whole must stay an object, or the result or below it.
 *
 * @param options - `within`: only what is found within the field is changed, so the payload as a whole may be named
 * @throws {PolicyError} PATH_INVALID
 */
export function parseObligationPath(
  text: string,
  { within = false }: { readonly within?: boolean } = {},
): Path {
  const path = parsePath(text)
  const [first, second] = path.segments
  const root = first?.kind === 'member' ? first.name : ''
  const whole = within && second === undefined
  if (root === 'result' || (root === 'payload' && (second?.kind === 'member' || whole))) return path
  throw new PolicyError(
    'PATH_INVALID',
    'expected a path that starts with payload and a name, or with result',
  )
}

/**
 * The names that a policy's rules list.
 *
 * @returns a function that throws REFERENCE_UNKNOWN for a rule that the policy lacks: what it listed is not known then
 */
export function namesIn(policy: Pick<CompiledPolicy, 'rules'>): NamesOf {
  return (id) => {
    const rule = policy.rules.find((one) => one.id === id)
    if (rule === undefined) return noNames(id)
    return ownTexts(rule, rule.spec, 'names') ?? []
  }
}

function noNames(rule: string): never {
  const message = `the names that ${rule} looks for are not known any more; ask about the action again`
  throw new PolicyError('REFERENCE_UNKNOWN', message)
}

/** What becomes of each value that an obligation names as a whole, by its JSON pointer. */
function wholeChangesAt(
  action: JsonObject,
  obligations: readonly Obligation[],
): ReadonlyMap<string, Change> {
  const whole = new Map<string, Change>()
  for (const { kind, paths, detect } of obligations) {
    if (detect !== undefined) continue
    if (!isChange(kind)) throw otherKind()
    for (const { pointer } of paths.flatMap((text) =>
      readPath(action, parseObligationPath(text)),
    )) {
      whole.set(pointer, strongerChange(whole.get(pointer), kind))
    }
  }
  return whole
}

type SpanChangesAt = ReadonlyMap<string, readonly SpanChange[]>

/** What to change below each value that the obligations name, by its JSON pointer. */
function spanChangesAt(
  action: JsonObject,
  obligations: readonly Obligation[],
  namesOf: NamesOf,
): SpanChangesAt {
  const at = new Map<string, SpanChange[]>()
  for (const { kind, paths, rule, detect = [] } of obligations) {
    if (!isChange(kind)) throw otherKind()
    const detectors = detect.map((name) => {
      const detector = DETECTORS.get(name)
      if (detector !== undefined) return detector
      throw new PolicyError('VALUE_INVALID', `nothing detects ${JSON.stringify(name)}`)
    })
    const names = detect.includes('person_name') ? namesOf(rule) : []
    const change: SpanChange = { kind, detectors, names }
    for (const text of paths) {
      for (const { pointer } of readPath(action, parseObligationPath(text, { within: true }))) {
        const list = at.get(pointer) ?? []
        at.set(pointer, list)
        list.push(change)
      }
    }
  }
  return at
}

/** A copy with whole values changed, from the inside out, and where in it the changes of pieces are to be made. */
function changeWhole(
  action: JsonObject,
  {
    whole,
    spans,
    tokenise,
  }: {
    readonly whole: ReadonlyMap<string, Change>
    readonly spans: SpanChangesAt
    readonly tokenise: Tokenise
  },
): { readonly changed: JsonObject; readonly at: SpanChangesAt } {
  if (whole.size === 0) return { changed: action, at: spans }
  const at = new Map<string, readonly SpanChange[]>()
  const walk = (value: JsonValue, from: string, to: string): JsonValue | undefined => {
    const kind = whole.get(from)
    // A result is always there: what is left of one that is dropped is null.
    if (kind === 'drop') return from === '/result' ? null : undefined
    if (kind === 'redact') return MASK
    const pieces = spans.get(from)
    if (pieces !== undefined) at.set(to, pieces)
    const changed = below(value, from, to)
    return kind === 'tokenise' ? tokenise(textOf(changed), 'value') : changed
  }
  const below = (value: JsonValue, from: string, to: string): JsonValue => {
    if (typeof value !== 'object' || value === null) return value
    if (!Array.isArray(value)) {
      const members = Object.entries(value as JsonObject).flatMap(([name, member]) => {
        const after = walk(member, joinPointer(from, name), joinPointer(to, name))
        return after === undefined ? [] : [[name, after] as const]
      })
      return Object.fromEntries(members)
    }
    const elements: JsonValue[] = []
    value.forEach((element: JsonValue, i) => {
      const after = walk(element, joinPointer(from, i), joinPointer(to, elements.length))
      if (after !== undefined) elements.push(after)
    })
    return elements
  }
  return { changed: below(action, '', '') as JsonObject, at }
}

function isChange(kind: string): kind is Change {
  return kind === 'redact' || kind === 'tokenise' || kind === 'drop'
}

function otherKind(): PolicyError {
  return new PolicyError('VALUE_INVALID', 'expected the obligation redact, tokenise or drop')
}

function textOf(value: JsonValue): string {
  return typeof value === 'string' ? value : canonicalize(value)
}
