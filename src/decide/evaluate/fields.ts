import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import type { Path, PathSegment } from '../../base/path.ts'
import { parsePath } from '../../base/path.ts'
import type { Priority } from '../../model/generated/types.ts'
import type { JudgedAction } from '../../model/nouns.ts'
import type { RulePlace } from './settings.ts'
import { loadError } from './settings.ts'

/**
 * What paths read: the action with its raised priority. A principal or fingerprint that nobody named, and the result of
 * a call that has none yet, are missing, not null, so that leaving them out slips past no test.
 */
export function fieldsOf(action: JudgedAction, priority: Priority): JsonObject {
  return {
    project: action.project,
    agent: action.agent,
    session: action.session,
    role: action.role,
    service: action.service,
    action: action.action,
    payload: action.payload,
    context: action.context,
    priority,
    phase: action.phase ?? 'call',
    ...(action.result === undefined ? {} : { result: action.result }),
    ...(action.principal === null ? {} : { principal: action.principal }),
    ...(action.fingerprint === null ? {} : { fingerprint: action.fingerprint }),
  }
}

/** Fields that every action has. */
export const FIXED_FIELDS: ReadonlySet<string> = new Set([
  'project',
  'agent',
  'session',
  'role',
  'service',
  'action',
  'priority',
  'phase',
])

/**
 * A path of the action.
 *
 * @throws {PolicyError} PATH_INVALID when it does not parse, or starts with no field of an action: such a field would
 *   be missing for ever
 */
export function compilePath(place: RulePlace, text: string): Path {
  let path: Path
  try {
    path = parsePath(text)
  } catch (cause) {
    throw loadError('PATH_INVALID', place, `expected a path, found ${JSON.stringify(text)}`, cause)
  }
  const first = path.segments[0]
  const name = first?.kind === 'member' ? first.name : ''
  const deep = name === 'payload' || name === 'context' || name === 'result'
  const flat = FIXED_FIELDS.has(name) || name === 'principal' || name === 'fingerprint'
  if (deep || (flat && path.segments.length === 1)) return path
  throw loadError('PATH_INVALID', place, `expected a field of the action, found ${text}`)
}

/** What a path leads to. */
export type FieldRead = {
  readonly values: readonly JsonValue[]
  /**
   * Whether a part of the way is missing: a member, an index, or any element where the path asks for each. Then
   * `values` holds what the other branches lead to.
   */
  readonly missing: boolean
}

/**
 * Every value that a path leads to, and whether any branch lacks it: of `items[].id`, one item without an id is a
 * missing field however many others have one. Own members only.
 */
export function readField(fields: JsonObject, path: Path): FieldRead {
  const values: JsonValue[] = []
  const missing = !collect(values, fields, path.segments, 0)
  return { values, missing }
}

function collect(
  values: JsonValue[],
  start: JsonValue,
  segments: readonly PathSegment[],
  from: number,
): boolean {
  let value = start
  for (let depth = from; depth < segments.length; depth++) {
    const segment = segments[depth]
    if (segment === undefined || typeof value !== 'object' || value === null) return false
    if (segment.kind === 'member') {
      if (Array.isArray(value) || !Object.hasOwn(value, segment.name)) return false
      value = (value as JsonObject)[segment.name] as JsonValue
    } else if (!Array.isArray(value)) {
      return false
    } else if (segment.kind === 'index') {
      if (segment.index >= value.length) return false
      value = value[segment.index] as JsonValue
    } else {
      return collectEach(values, value, segments, depth + 1)
    }
  }
  values.push(value)
  return true
}

function collectEach(
  values: JsonValue[],
  elements: readonly JsonValue[],
  segments: readonly PathSegment[],
  depth: number,
): boolean {
  let whole = elements.length > 0
  for (const element of elements) {
    if (!collect(values, element, segments, depth)) whole = false
  }
  return whole
}
