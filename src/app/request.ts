import { encodeHex } from '../base/encoding.ts'
import type { JsonObject, JsonValue } from '../base/json-value.ts'
import { parsePath, readPath } from '../base/path.ts'
import { toPointer } from '../base/pointer.ts'
import type { Request, ShownField } from '../model/generated/types.ts'
import type { Evaluation, JudgedAction } from '../model/nouns.ts'
import { askedRoutes } from '../trust/approve/routes.ts'
import type { Parts } from './parts.ts'
import { isoTime, newId, privateFields } from './record.ts'

/** The request of a held action. Nonce and expiry are drawn here; a reviewer cannot change them. */
export function newRequest(
  parts: Parts,
  held: {
    readonly action: JudgedAction
    readonly evaluation: Evaluation
    readonly decision: string
    readonly root: string
    readonly now: number
  },
): Request {
  const { action, evaluation, now } = held
  const policy = parts.judge.bundle.policy
  const routes = askedRoutes(policy, evaluation.route, now)
  const hidden = privateFields(parts, action)
  const shown = policy.routes
    .filter(({ id }) => evaluation.route.includes(id))
    .flatMap(({ show }) => show)
  return {
    apiVersion: 'countersign/v1',
    kind: 'Request',
    id: newId(parts, 'req'),
    decision: held.decision,
    root: held.root,
    policy: parts.judge.bundle.digest,
    project: action.project,
    agent: action.agent,
    ...(hidden.includes('session') ? {} : { session: action.session }),
    ...(hidden.includes('principal') || action.principal === null
      ? {}
      : { principal: action.principal }),
    role: action.role,
    service: action.service,
    action: action.action,
    priority: parts.judge.priorityOf(action),
    routes,
    findings: evaluation.findings,
    obligations: evaluation.obligations,
    fields: shownFields(action, shown),
    nonce: encodeHex(parts.entropy(16)),
    created_at: isoTime(now),
    expires_at: routes.map(({ expires_at }) => expires_at).sort()[0] ?? isoTime(now),
  }
}

/** Every leaf of payload and context: clear where a route shows it, else only its type. */
function shownFields(action: JudgedAction, shown: readonly string[]): ShownField[] {
  const document: JsonObject = { payload: action.payload, context: action.context }
  const clear = new Set(
    shown.flatMap((path) => readPath(document, parsePath(path)).map(({ pointer }) => pointer)),
  )
  const fields: ShownField[] = []
  const walk = (value: JsonValue, segments: readonly string[], open: boolean) => {
    const pointer = toPointer(segments)
    const visible = open || clear.has(pointer)
    if (typeof value === 'object' && value !== null && Object.keys(value).length > 0) {
      for (const [key, member] of Object.entries(value)) walk(member, [...segments, key], visible)
    } else if (visible) {
      fields.push({ pointer, shown: 'clear', value })
    } else {
      fields.push({ pointer, shown: 'masked', type: jsonType(value) })
    }
  }
  walk(action.payload, ['payload'], false)
  walk(action.context, ['context'], false)
  return fields.slice(0, FIELDS_MAX)
}

const FIELDS_MAX = 1_000 // Keeps the request readable; the root still covers every field.

function jsonType(value: JsonValue): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}
