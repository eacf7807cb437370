import { canonicalize } from '../../base/canonical-json.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import type { Path } from '../../base/path.ts'
import { dropPath, mapPath, parsePath } from '../../base/path.ts'
import type { Obligation } from '../../model/generated/types.ts'

/** What stands where a value was redacted. */
export const MASK = '[redacted]'

/** The parts of an action that obligations change. */
export type Changeable = { readonly payload: JsonObject; readonly result?: JsonValue }

/**
 * The token of a value: the same for the same value, telling nothing about it. `kind` is what the value is, `value`
 * where nobody said.
 */
export type Tokenise = (text: string, kind: string) => string

/**
 * The payload to run with, and the result to hand on: a copy in which every value that an obligation names is masked,
 * replaced by its token, or left out, in the order of the obligations. A path that leads to nothing changes nothing.
 * The action itself stays as it was.
 *
 * @throws {PolicyError} VALUE_INVALID for an obligation of another kind; PATH_INVALID for a path that is no field of
 *   payload or result. Then the action must not run.
 */
export function applyObligations<T extends Changeable>(
  { payload, result }: T,
  obligations: readonly Obligation[],
  tokenise: Tokenise,
): Changeable {
  let changed: JsonObject = { payload, ...(result === undefined ? {} : { result }) }
  for (const { kind, paths } of obligations) {
    for (const text of paths) changed = change(changed, kind, parseObligationPath(text), tokenise)
  }
  return changed as Changeable
}

/**
 * A path that may be changed: below the payload, which as a whole must stay an object, or the result or below it.
 *
 * @throws {PolicyError} PATH_INVALID
 */
export function parseObligationPath(text: string): Path {
  const path = parsePath(text)
  const [first, second] = path.segments
  const root = first?.kind === 'member' ? first.name : ''
  if (root === 'result' || (root === 'payload' && second?.kind === 'member')) return path
  throw new PolicyError(
    'PATH_INVALID',
    'expected a path that starts with payload and a name, or with result',
  )
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
      throw new PolicyError('VALUE_INVALID', 'expected the obligation redact, tokenise or drop')
  }
}

function textOf(value: JsonValue): string {
  return typeof value === 'string' ? value : canonicalize(value)
}
