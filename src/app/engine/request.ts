import { encodeHex } from '../../base/encoding.ts'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import { parsePath, readPath } from '../../base/path.ts'
import { joinPointer } from '../../base/pointer.ts'
import type { Obligation, Request, ShownField } from '../../model/generated/types.ts'
import type { Evaluation, JudgedAction } from '../../model/nouns.ts'
import { askedRoutes } from '../../trust/approve/routes.ts'
import type { Parts } from './parts.ts'
import { isoTime, newId } from './record.ts'
import { changed } from './tokens.ts'

/** What a request is made with. */
export type RequestParts = Pick<Parts, 'judge' | 'entropy' | 'evidenceKey'>

/** The request of a held action. Nonce and expiry are drawn here; a reviewer cannot change them. */
export function newRequest(
  parts: RequestParts,
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
  const hidden = parts.judge.privateFields(action)
  // Who the forge is not told of cannot be refused there.
  const gone = hidden.includes('principal') ? principalsOf(parts, action) : []
  const routes = askedRoutes(policy, evaluation.route, now, gone)
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
    fields: shownFields(parts, action, shown, evaluation.obligations),
    nonce: encodeHex(parts.entropy(16)),
    created_at: isoTime(now),
    expires_at: routes.map(({ expires_at }) => expires_at).sort()[0] ?? isoTime(now),
  }
}

/** The people on the roster on whose behalf an action is: they do not look over their own shoulders. */
export function principalsOf(
  { judge }: Pick<Parts, 'judge'>,
  { principal }: Pick<JudgedAction, 'principal'>,
): readonly string[] {
  const name = principal?.toLowerCase()
  const people = judge.bundle.policy.people.map(({ id }) => id)
  return people.filter((id) => id.toLowerCase() === name)
}

/**
 * The leaves of payload and context as people on the forge see them, in the action's order: clear where a route shows
 * them, as they would run; else only their type. The agent chooses how many there are: those that a route shows come
 * before others for the room there is, and a last entry, whose pointer is empty, counts what is left out.
 */
function shownFields(
  parts: RequestParts,
  action: JudgedAction,
  shown: readonly string[],
  obligations: readonly Obligation[],
): ShownField[] {
  const document: JsonObject = {
    payload: changed(parts, action, obligations).payload,
    context: action.context,
  }
  const clear = new Set(
    shown.flatMap((path) => readPath(document, parsePath(path)).map(({ pointer }) => pointer)),
  )
  const leaves: ShownField[] = []
  const walk = (value: JsonValue, at: Place) => {
    const open = at.open || clear.has(at.pointer)
    if (typeof value !== 'object' || value === null || Object.keys(value).length === 0) {
      leaves.push(open ? clearField(at, value) : maskedField(at.masked, value))
      return
    }
    for (const [name, member] of Object.entries(value)) {
      const word = Array.isArray(value) || WORD.test(name) ? name : HIDDEN_NAME
      walk(member, {
        open,
        pointer: joinPointer(at.pointer, name),
        masked: joinPointer(at.masked, word),
      })
    }
  }
  walk(document, { open: false, pointer: '', masked: '' })
  return fitting(leaves)
}

type Place = {
  readonly open: boolean
  readonly pointer: string
  /** The pointer without names that may themselves be values. */
  readonly masked: string
}

/** A name that is no short word, such as an address or a number, may be as private as a value. */
const WORD = /^[A-Za-z_$][\w$.-]{0,63}$/
const HIDDEN_NAME = '*'

function clearField({ pointer, masked }: Place, value: JsonValue): ShownField {
  const field: ShownField = { pointer, shown: 'clear', value }
  return JSON.stringify(field).length > FIELD_LENGTH_MAX ? maskedField(masked, value) : field
}

function maskedField(pointer: string, value: JsonValue): ShownField {
  return { pointer, shown: 'masked', type: jsonType(value) }
}

/** A request's fields, where so many requests share the room that one has. */
export function fitFields(fields: readonly ShownField[], share: number): ShownField[] {
  return fitting(fields, share)
}

function fitting(given: readonly ShownField[], share = 1): ShownField[] {
  const leaves = given.filter(({ pointer }) => pointer !== '')
  const kept = new Set<ShownField>()
  let left = FIELDS_LENGTH_MAX / share
  for (const shown of ['clear', 'masked']) {
    for (const leaf of leaves) {
      if (leaf.shown !== shown) continue
      left -= JSON.stringify(leaf).length
      if (left < 0 || kept.size >= FIELDS_MAX / share) break
      kept.add(leaf)
    }
  }
  const rest = leaves.length - kept.size + leftOut(given)
  const fields = leaves.filter((leaf) => kept.has(leaf))
  if (rest === 0) return fields
  const value = `${rest} more fields are left out; \`requests show\` has them`
  return [...fields, { pointer: '', shown: 'clear', value }]
}

/** How many fields were left out before, as the last entry says. */
function leftOut(fields: readonly ShownField[]): number {
  const last = fields.find(({ pointer }) => pointer === '')
  return Number.parseInt(String(last?.value ?? '0'), 10) || 0
}

// They keep the request readable, and far from what a forge refuses; the root still covers every field.
const FIELDS_MAX = 1_000
const FIELDS_LENGTH_MAX = 256 * 1024
const FIELD_LENGTH_MAX = 16 * 1024

function jsonType(value: JsonValue): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}
