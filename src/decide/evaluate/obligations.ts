import { canonicalize } from '../../base/canonical-json.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import type { Path } from '../../base/path.ts'
import { dropPath, mapPath, parsePath, readPath } from '../../base/path.ts'
import type { CompiledPolicy, Obligation } from '../../model/generated/types.ts'
import type { SpanChange } from '../detect/changes.ts'
import { changeFound } from '../detect/changes.ts'
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
 * replaced by its token, or left out, in the order of the obligations. A path that leads to nothing changes nothing.
 * Obligations with `detect` come last and change only what is found within their fields; see {@link changeFound}.
 * The action itself stays as it was.
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
  let changed: JsonObject = { payload, ...(result === undefined ? {} : { result }) }
  const within = obligations.filter(({ detect }) => detect !== undefined)
  for (const { kind, paths, detect } of obligations) {
    if (detect !== undefined) continue
    for (const text of paths) changed = change(changed, kind, parseObligationPath(text), tokenise)
  }
  if (within.length === 0) return changed as Changeable
  // All at once: what one of them puts in must not hide from another what it would have found.
  const at = spanChangesAt(changed, within, namesOf)
  return changeFound(changed, { at, tokenise }) as Changeable
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

/** What to change below each value that the obligations name, by its JSON pointer. */
function spanChangesAt(
  action: JsonObject,
  obligations: readonly Obligation[],
  namesOf: NamesOf,
): ReadonlyMap<string, readonly SpanChange[]> {
  const at = new Map<string, SpanChange[]>()
  for (const { kind, paths, rule, detect = [] } of obligations) {
    if (!isSpanChange(kind)) throw otherKind()
    const detectors = detect.map((name) => {
      const detector = DETECTORS.get(name)
      if (detector !== undefined) return detector
      throw new PolicyError('VALUE_INVALID', `nothing detects ${JSON.stringify(name)}`)
    })
    const names = detect.includes('person_name') ? namesOf(rule) : []
    for (const text of paths) {
      for (const { pointer } of readPath(action, parseObligationPath(text, { within: true }))) {
        const list = at.get(pointer) ?? []
        at.set(pointer, list)
        list.push({ kind, detectors, names })
      }
    }
  }
  return at
}

function isSpanChange(kind: string): kind is SpanChange['kind'] {
  return kind === 'redact' || kind === 'tokenise' || kind === 'drop'
}

function otherKind(): PolicyError {
  return new PolicyError('VALUE_INVALID', 'expected the obligation redact, tokenise or drop')
}

function change(
  action: JsonObject,
  kind: Obligation['kind'],
  path: Path,
  tokenise: Tokenise,
): JsonObject {
  switch (kind) {
    case 'redact':
      return mapPath(action, path, () => MASK) as JsonObject
    case 'tokenise':
      return mapPath(action, path, (value) => tokenise(textOf(value), 'value')) as JsonObject
    case 'drop':
      // A result is always there: what is left of one that is dropped is null.
      return path.segments.length === 1
        ? { ...action, result: null }
        : (dropPath(action, path) as JsonObject)
    default:
      throw otherKind()
  }
}

function textOf(value: JsonValue): string {
  return typeof value === 'string' ? value : canonicalize(value)
}
