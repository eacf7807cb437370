import { PolicyError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json-value.ts'
import type { Path } from '../../base/path.ts'
import { mapPath, parsePath } from '../../base/path.ts'
import type { Obligation } from '../../model/generated/types.ts'

/** What stands where a value was redacted. */
export const MASK = '[redacted]'

/**
 * The payload to run with: a copy in which every value that an obligation names is masked. A path that leads to
 * nothing changes nothing. The payload itself stays as it was.
 *
 * @throws {PolicyError} VALUE_INVALID for an obligation of another kind; PATH_INVALID for a path that is no field of
 *   the payload. Then the action must not run.
 */
export function applyObligations(
  payload: JsonObject,
  obligations: readonly Obligation[],
): JsonObject {
  let action: JsonObject = { payload }
  for (const { kind, paths } of obligations) {
    if (kind !== 'redact') throw new PolicyError('VALUE_INVALID', 'expected the obligation redact')
    for (const text of paths) {
      action = mapPath(action, parsePayloadPath(text), () => MASK) as JsonObject
    }
  }
  return action['payload'] as JsonObject
}

/**
 * A path below the payload; the payload as a whole is none, since what is left must still be an object.
 *
 * @throws {PolicyError} PATH_INVALID
 */
export function parsePayloadPath(text: string): Path {
  const path = parsePath(text)
  const [first, second] = path.segments
  const inPayload = first?.kind === 'member' && first.name === 'payload'
  if (inPayload && second?.kind === 'member') return path
  throw new PolicyError('PATH_INVALID', 'expected a path that starts with payload and a name')
}
