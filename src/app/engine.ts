import { type Change, diffJson } from '../base/diff.ts'
import { PolicyError } from '../base/errors.ts'
import type { JsonObject } from '../base/json-value.ts'
import { parseAction, parseActionText } from '../model/action.ts'
import type { Action, Outcome } from '../model/generated/types.ts'
import type { JudgedAction, Resolution } from '../model/nouns.ts'
import type { RequestRecord } from '../model/ports.ts'
import { type DecideOptions, judgeCall } from './decide.ts'
import type { Parts } from './parts.ts'
import { checkFields, openDecision } from './record.ts'
import { openPull, settleRequest } from './resolve.ts'
import { changed } from './tokens.ts'

/** What an agent is told. `payload` is there exactly when the action may run, and is what it must run with. */
export type Answer = {
  readonly status: 'ALLOWED' | 'DENIED' | 'PENDING' | Resolution
  readonly payload?: JsonObject
  /** What obligations or people changed in the payload that was asked about. */
  readonly changes: readonly Change[]
  readonly reason: string
  readonly decision: string
  readonly request?: string
  /** Where people review the request. */
  readonly where?: string
}

export type WaitOptions = {
  /** Default: until the request ends, which its route's time-out bounds. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

export type AskOptions = DecideOptions & WaitOptions

/** The action to judge: an object of plain JSON values, or JSON text, which is checked more strictly. */
export type ActionInput = Action | string

export type GuardOptions<P extends JsonObject> = Omit<Action, 'payload'> & {
  /** Makes the payload from the tool's arguments. Default: the arguments themselves. */
  readonly idempotencyKey?: (payload: P) => string
} & WaitOptions

/** The engine as a library. Every method fails closed: what throws did not allow. */
export interface Engine {
  /** Judges an action and answers at once; a held action becomes a request. */
  decide(action: ActionInput, options?: DecideOptions): Promise<Outcome>
  /** As `decide`, but waits for people when the action is held. */
  ask(action: ActionInput, options?: AskOptions): Promise<Answer>
  /** As `ask`, but answers PENDING rather than wait. */
  defer(action: ActionInput, options?: DecideOptions): Promise<Answer>
  /** Waits until a request ends. @throws {PolicyError} WAIT_TIMEOUT (retryable) */
  wait(request: string, options?: WaitOptions): Promise<Answer>
  /** How a request stands now, after one look at the forge. */
  status(request: string): Promise<Answer>
  /**
   * Wraps a tool: the wrapped function asks first, runs the tool with the payload that was allowed, and throws
   * ACTION_DENIED, ACTION_REJECTED or ACTION_EXPIRED instead of running it.
   */
  guard<P extends JsonObject, R>(
    tool: (payload: P) => R | Promise<R>,
    options: GuardOptions<P>,
  ): (payload: P) => Promise<R>
  close(): Promise<void>
}

export function engineOf(parts: Parts, close: () => Promise<void>): Engine {
  const parse = (input: ActionInput) => {
    const action =
      typeof input === 'string'
        ? parseActionText(input, parts.credential)
        : parseAction(input, parts.credential)
    checkFields(action)
    return action
  }

  const judge = async (action: JudgedAction, options?: DecideOptions): Promise<Outcome> => {
    const outcome = await judgeCall(parts, action, options)
    return outcome.request === undefined ? outcome : withPull(parts, outcome)
  }
  const ask = async (input: ActionInput, options: AskOptions = {}): Promise<Answer> => {
    const action = parse(input)
    const outcome = await judge(action, options)
    if (outcome.request === undefined) return answerAtOnce(outcome, action.payload)
    return waitFor(parts, outcome.request.id, options)
  }
  return {
    decide: async (input, options) => judge(parse(input), options),
    ask,
    defer: async (input, options) => {
      const action = parse(input)
      const outcome = await judge(action, options)
      if (outcome.request === undefined) return answerAtOnce(outcome, action.payload)
      return status(parts, outcome.request.id)
    },
    wait: async (request, options) => {
      await checkOwned(parts, request)
      return waitFor(parts, request, options)
    },
    status: async (request) => {
      await checkOwned(parts, request)
      return status(parts, request)
    },
    guard: (tool, options) => async (payload) => {
      const { idempotencyKey, timeoutMs, signal, ...action } = options
      const answer = await ask({ ...action, payload } as Action, {
        ...(idempotencyKey === undefined ? {} : { idempotencyKey: idempotencyKey(payload) }),
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        ...(signal === undefined ? {} : { signal }),
      })
      return tool(permitted(answer) as typeof payload)
    },
    close,
  }
}

/** The payload that may run. @throws {PolicyError} ACTION_DENIED, ACTION_REJECTED, ACTION_EXPIRED */
function permitted(answer: Answer): JsonObject {
  if (answer.payload !== undefined) return answer.payload
  const code =
    answer.status === 'DENIED'
      ? 'ACTION_DENIED'
      : answer.status === 'EXPIRED'
        ? 'ACTION_EXPIRED'
        : 'ACTION_REJECTED'
  throw new PolicyError(code, `${answer.reason} (decision ${answer.decision})`)
}

/** A held action's pull request is opened at once if the forge can be reached; if not, later looks open it. */
async function withPull(parts: Parts, outcome: Outcome): Promise<Outcome> {
  const { request } = outcome
  const found = request === undefined ? null : await parts.store.request(request.id)
  if (request === undefined || found === null) return outcome
  try {
    const { pull } = await openPull(parts, found)
    return { ...outcome, request: { ...request, pull, where: parts.forge.where(pull) } }
  } catch (error) {
    if (error instanceof PolicyError && error.retryable) return outcome
    throw error
  }
}

function answerAtOnce(outcome: Outcome, asked: JsonObject): Answer {
  const reasons = outcome.findings
    .filter(({ mode, verdict }) => mode === 'enforce' && verdict === outcome.verdict)
    .map(({ rule, message }) => `${rule}: ${message}`)
  const reason = reasons.join('; ')
  if (outcome.payload === undefined) {
    return { status: 'DENIED', changes: [], reason, decision: outcome.decision }
  }
  const payload = outcome.payload as JsonObject
  return {
    status: 'ALLOWED',
    payload,
    changes: diffJson(asked, payload),
    reason,
    decision: outcome.decision,
  }
}

/** An answer holds the clear payload: it is for the agents of the credential. @throws {PolicyError} REQUEST_UNKNOWN */
async function checkOwned({ store, credential }: Parts, id: string): Promise<void> {
  const request = (await store.request(id))?.request
  const { project, agents } = credential
  const owned = request !== undefined && (agents.includes(request.agent) || agents.includes('*'))
  if (owned && request.project === project) return
  throw new PolicyError('REQUEST_UNKNOWN', `no request ${id} of this credential's agents`)
}

async function status(parts: Parts, request: string): Promise<Answer> {
  return answerOf(parts, await settleRequest(parts, request))
}

const POLL_MS_MIN = 150
const POLL_MS_MAX = 2_000
const POLL_GROWTH = 1.5

async function waitFor(parts: Parts, request: string, options: WaitOptions = {}): Promise<Answer> {
  const deadline =
    options.timeoutMs === undefined ? Infinity : performance.now() + options.timeoutMs
  let id = request
  for (let pause = POLL_MS_MIN; ; pause = Math.min(pause * POLL_GROWTH, POLL_MS_MAX)) {
    options.signal?.throwIfAborted()
    const found = await look(parts, id)
    if (found?.resolution?.next) id = found.resolution.next
    else if (found !== null && found.resolution !== null) return answerOf(parts, found)
    const left = deadline - performance.now()
    if (left <= 0) {
      throw new PolicyError('WAIT_TIMEOUT', `${id} still waits for people; wait for it again`, {
        retryable: true,
      })
    }
    await parts.sleep(Math.min(pause, left), options.signal)
  }
}

/** One look at the forge; null when it could not be reached this time. */
async function look(parts: Parts, id: string): Promise<RequestRecord | null> {
  try {
    return await settleRequest(parts, id)
  } catch (error) {
    if (error instanceof PolicyError && error.retryable) return null
    throw error
  }
}

async function answerOf(parts: Parts, found: RequestRecord): Promise<Answer> {
  const { request, resolution, pull } = found
  const common = {
    decision: request.decision,
    request: request.id,
    ...(pull === null ? {} : { where: parts.forge.where(pull) }),
  }
  if (resolution === null) {
    return { ...common, status: 'PENDING', changes: [], reason: 'people have not decided yet' }
  }
  const { decision, reason } = resolution
  if (decision === 'REJECTED' || decision === 'EXPIRED') {
    return { ...common, status: decision, changes: [], reason }
  }
  const asked = (await openDecision(parts.store, request.decision)).inputs.action.payload
  const approved = await openDecision(parts.store, resolution.record)
  // The obligations are those of the evaluation that confirmed the approval, under the bundle of that moment.
  const payload = changed(parts, approved.inputs.action, approved.predicate.obligations).payload
  return { ...common, status: decision, payload, changes: diffJson(asked, payload), reason }
}
