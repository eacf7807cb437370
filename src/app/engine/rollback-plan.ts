import { formatDuration, parseDuration } from '../../base/duration.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import { parsePath, readPath } from '../../base/path.ts'
import type { CompiledPolicy, CompiledUndo } from '../../model/generated/types.ts'
import type { JudgedAction } from '../../model/nouns.ts'
import type { Undoes } from './record.ts'
import type { Ran } from './rollback-ran.ts'

// What takes a call back, without the store: the engine makes a rollback of it, and so does who derives one again.

/**
 * How a policy has a call taken back, at a moment.
 *
 * @param now - Unix milliseconds
 * @throws {PolicyError} UNDO_NOT_DECLARED, UNDO_IRREVERSIBLE, UNDO_OF_UNDO, UNDO_TOO_LATE
 */
export function declaredUndo(
  { tools }: Pick<CompiledPolicy, 'tools'>,
  { action, at, undoes }: Ran,
  now: number,
): CompiledUndo {
  const name = `${action.service}.${action.action}`
  const tool = tools.find((one) => one.service === action.service && one.action === action.action)
  if (tool?.undo === undefined) {
    if (undoes) {
      const message = `it takes back another call itself, and ${name} has no undo; ask for the call anew`
      throw new PolicyError('UNDO_OF_UNDO', message)
    }
    if (tool?.effect === 'irreversible') {
      throw new PolicyError('UNDO_IRREVERSIBLE', `${name} is irreversible: nothing takes it back`)
    }
    const advice =
      tool?.effect === 'read' ? 'it changes nothing' : 'give it an `undo` in its Tools file'
    throw new PolicyError(
      'UNDO_NOT_DECLARED',
      `the policy does not say what takes ${name} back; ${advice}`,
    )
  }
  const { within } = tool.undo
  // Negated: a time that cannot be compared is too late.
  if (within !== null && !(now - at <= parseDuration(within))) {
    const passed = formatDuration(now - at)
    const message = `${name} can be taken back within ${within}, and ${passed} have passed; take it back by hand`
    throw new PolicyError('UNDO_TOO_LATE', message)
  }
  return tool.undo
}

/** Whether an undo takes a field from the result. */
export function takesResult({ payload }: CompiledUndo): boolean {
  return payload.some(({ from }) => from !== undefined && isOfResult(from))
}

/**
 * The call that takes another one back: of the same agent, session and principal, at the same priority. Its context says
 * what it takes back, and why.
 *
 * @throws {PolicyError} UNDO_RESULT_MISSING, UNDO_FIELD_MISSING
 */
export function compensation(given: {
  readonly undo: CompiledUndo
  readonly ran: Ran
  /** Undefined when none was judged. */
  readonly result: JsonValue | undefined
  readonly undoes: Undoes
  readonly role: string
  readonly reason: string | null
}): JudgedAction {
  const { undo, ran, result, undoes, role, reason } = given
  const { project, agent, session, principal, priority, fingerprint } = ran.action
  const rollback = {
    receipt: undoes.index,
    id: undoes.id,
    ...(reason === null ? {} : { reason }),
  }
  return {
    ...{ project, agent, session, principal, role },
    ...{ service: undo.service, action: undo.action },
    payload: payloadOf(undo, ran.payload, result),
    context: { rollback },
    ...{ priority, fingerprint },
  }
}

function payloadOf(
  { payload }: CompiledUndo,
  ran: JsonObject,
  result: JsonValue | undefined,
): JsonObject {
  return Object.fromEntries(
    payload.map(({ field, from, value }) => {
      if (from === undefined) return [field, value as JsonValue]
      if (isOfResult(from) && result === undefined) {
        const message = `the undo takes ${field} from ${from}, and no result of the call was judged; have results judged (\`engine.result\`), or take it back by hand`
        throw new PolicyError('UNDO_RESULT_MISSING', message)
      }
      const document: JsonObject = { payload: ran, ...(result === undefined ? {} : { result }) }
      const [found] = readPath(document, parsePath(from))
      if (found !== undefined) return [field, found.value]
      const message = `the undo takes ${field} from ${from}, which the call does not have; take it back by hand`
      throw new PolicyError('UNDO_FIELD_MISSING', message)
    }),
  )
}

function isOfResult(path: string): boolean {
  const [first] = parsePath(path).segments
  return first?.kind === 'member' && first.name === 'result'
}
