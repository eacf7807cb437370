import { COMMITMENT_KEYS } from '../base/commitments.ts'
import type { ErrorCode } from '../base/errors.ts'
import { PolicyError } from '../base/errors.ts'
import { parseJson } from '../base/json-parse.ts'
import type { JsonObject, JsonValue } from '../base/json-value.ts'
import { ACTION_BYTES_MAX, JSON_DEPTH_MAX } from '../base/limits.ts'
import { assertPlainJson } from '../base/plain-json.ts'
import type { Action, Priority } from './generated/types.ts'
import type { Credential, JudgedAction } from './nouns.ts'
import { validate } from './validate.ts'

/**
 * An action from outside, checked and with every default filled in. Whether the credential owns what the action
 * names is another question: see {@link ownership}.
 *
 * @throws {PolicyError} ACTION_INVALID with the first problems; VALUE_NOT_JSON, ACTION_AMBIGUOUS, ACTION_TOO_DEEP
 *   or ACTION_TOO_LARGE when the value is no plain JSON within the limits
 */
export function parseAction(value: unknown, credential: Credential): JudgedAction {
  assertPlainJson(value, LIMITS)
  const problems = validate('action', value)
  if (problems.length > 0) {
    const shown = problems
      .slice(0, PROBLEMS_SHOWN)
      .map(({ pointer, message }) => `${pointer || '/'} ${message}`)
    const more = problems.length - shown.length
    throw new PolicyError(
      'ACTION_INVALID',
      `the action does not fit its schema: ${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}`,
    )
  }
  // A copy: what the caller does to its object afterwards is no part of what is judged.
  const action = JSON.parse(JSON.stringify(value)) as Readonly<Record<string, JsonValue>>
  // Own members only: what a program put on Object.prototype is no part of an action.
  const own = <T>(key: keyof Action, fallback: T): T =>
    Object.hasOwn(action, key) ? (action[key] as T) : fallback
  return {
    project: own('project', credential.project),
    agent: own('agent', ''),
    session: own('session', 'default'),
    principal: own<string | null>('principal', null),
    role: own('role', credential.role),
    service: own('service', ''),
    action: own('action', ''),
    payload: own<JsonObject>('payload', {}),
    context: own<JsonObject>('context', {}),
    priority: own<Priority>('priority', 'medium'),
    fingerprint: own<string | null>('fingerprint', null),
    ...resultOf(action),
  }
}

/**
 * An action from JSON text; strict, because two readings of one text are two actions.
 *
 * @throws {PolicyError} as {@link parseAction}, and JSON_MALFORMED
 */
export function parseActionText(text: string, credential: Credential): JudgedAction {
  return parseAction(parseJson(text, LIMITS), credential)
}

/** Why the credential may not act like this, or null when it may. Only the credential is trusted. */
export function ownership(
  action: JudgedAction,
  credential: Credential,
): { readonly code: ErrorCode; readonly message: string } | null {
  if (action.project !== credential.project) {
    return {
      code: 'PROJECT_NOT_OWNED',
      message: 'the credential is for another project than the action names; leave `project` out',
    }
  }
  if (!credential.agents.includes(action.agent) && !credential.agents.includes('*')) {
    return {
      code: 'AGENT_NOT_OWNED',
      message:
        'the credential does not own the agent that the action names; use the key of that agent',
    }
  }
  if (action.role !== credential.role) {
    return {
      code: 'ROLE_NOT_OWNED',
      message: 'the credential has another role than the action names; leave `role` out',
    }
  }
  return null
}

/** A result belongs to its phase: one beside a call, or none after one, is a mistake that must not be guessed about. */
function resultOf(
  action: Readonly<Record<string, JsonValue>>,
): Pick<JudgedAction, 'phase' | 'result'> {
  const phase = Object.hasOwn(action, 'phase') ? action['phase'] : 'call'
  const result = Object.hasOwn(action, 'result') ? action['result'] : undefined
  if ((phase === 'result') !== (result !== undefined)) {
    const message = 'expected a result with the phase `result`, and with that phase alone'
    throw new PolicyError('ACTION_INVALID', message)
  }
  return result === undefined ? {} : { phase: 'result', result }
}

const PROBLEMS_SHOWN = 5

// The parser refuses `__proto__` itself.
const LIMITS = {
  bytesMax: ACTION_BYTES_MAX,
  depthMax: JSON_DEPTH_MAX,
  reservedKeys: COMMITMENT_KEYS,
}
