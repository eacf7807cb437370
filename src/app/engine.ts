import { type Change, diffJson } from '../base/diff.ts'
import { PolicyError } from '../base/errors.ts'
import type { JsonObject, JsonValue } from '../base/json-value.ts'
import { assertPlainJson } from '../base/plain-json.ts'
import { parseAction, parseActionText } from '../model/action.ts'
import type { Action, Outcome } from '../model/generated/types.ts'
import type { JudgedAction, Resolution } from '../model/nouns.ts'
import type { Jwks, RequestRecord } from '../model/ports.ts'
import { type DecideOptions, judgeCall } from './decide.ts'
import {
  type Execution,
  type ExecutionReport,
  type RedeemOptions,
  redeem,
  report,
  useGrant,
  withGrant,
} from './grants.ts'
import type { Parts } from './parts.ts'
import { actionDocument, checkFields, openDecision } from './record.ts'
import type { Reloaded, Reloader } from './reload.ts'
import { findRequest, openPull, settleRequest } from './resolve.ts'
import { namesSecrets } from './secrets.ts'
import { changed, opensTokens, openTokens } from './tokens.ts'

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
  /** Lets the action run, once, where the project makes grants. Its time begins with the first answer that has it. */
  readonly grant?: string
}

export type WaitOptions = {
  /** Default: until the request ends, which its route's time-out bounds. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

export type AskOptions = DecideOptions & WaitOptions

/** What becomes of a result. `result` is there exactly when the agent may see it, and is what it may see. */
export type ResultAnswer = Pick<Answer, 'changes' | 'reason' | 'decision'> & {
  readonly status: 'ALLOWED' | 'DENIED'
  readonly result?: JsonValue
}

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
   * Judges what a call gave back, before the agent sees it: the action as it ran, and its result, which may be any
   * plain JSON; undefined counts as null. A result never waits for people.
   */
  result(action: ActionInput, result: unknown, options?: DecideOptions): Promise<ResultAnswer>
  /**
   * Wraps a tool: the wrapped function asks first, runs the tool with the payload that was allowed, and throws
   * ACTION_DENIED, ACTION_REJECTED or ACTION_EXPIRED instead of running it. Where the policy has a rule about results,
   * what the tool gave back is judged too: the wrapped function hands on what is left of it, or throws ACTION_DENIED
   * though the tool has run, or VALUE_NOT_JSON when it is nothing that can be judged.
   */
  guard<P extends JsonObject, R>(
    tool: (payload: P) => R | Promise<R>,
    options: GuardOptions<P>,
  ): (payload: P) => Promise<R>
  /**
   * Uses up the grant of an action that is about to run, and writes the receipt of its execution; with a result or cost,
   * of one that has run. The grant is used up for ever, also when this answer is lost.
   *
   * @throws {PolicyError} GRANT_REPLAYED the second time; GRANT_EXPIRED and others as `verifyGrant`: it must not run
   */
  redeem(grant: string, options?: RedeemOptions): Promise<Execution>
  /**
   * Tells what came of an execution whose grant was redeemed before it ran: its result, or what it really cost.
   *
   * @throws {PolicyError} EXECUTION_UNKNOWN when it was not redeemed, or was reported on before
   */
  report(grant: string, report: ExecutionReport): Promise<Execution>
  /** The public keys that this engine signs grants with, for tools: a JWKS document. */
  jwks(): Jwks
  /**
   * Looks for another version of the policy where `updates` says, and takes it between two actions.
   *
   * @throws {PolicyError} USAGE_INVALID without `updates`; as {@link Reloader}
   */
  reload(): Promise<Reloaded>
  close(): Promise<void>
}

export function engineOf(
  parts: Parts,
  close: () => Promise<void>,
  reloader: Reloader | null = null,
): Engine {
  const parse = (input: ActionInput) => {
    const action =
      typeof input === 'string'
        ? parseActionText(input, parts.credential)
        : parseAction(input, parts.credential)
    checkFields(action)
    return withoutSecrets(parts, action)
  }

  const parseCall = (input: ActionInput) => {
    const action = parse(input)
    if (action.phase === undefined) return action
    throw new PolicyError('ACTION_INVALID', 'expected a call; have a result judged with `result`')
  }
  const resultOf = async (
    input: ActionInput,
    result: unknown,
    options: DecideOptions = {},
  ): Promise<ResultAnswer> => {
    const call = actionDocument(parseCall(input))
    const given = result === undefined ? null : result
    const parsed = parseAction({ ...call, phase: 'result', result: given }, parts.credential)
    checkFields(parsed)
    const action = withoutSecrets(parts, parsed)
    return answerOnResult(await judgeCall(parts, action, options), action.result ?? null)
  }

  const answer = async (action: JudgedAction, options: AskOptions = {}): Promise<Answer> => {
    const outcome = await judge(parts, action, options)
    if (outcome.request === undefined) return answerAtOnce(outcome, action.payload)
    return waitFor(parts, outcome.request.id, options)
  }
  return {
    decide: async (input, options) => {
      const action = parse(input)
      return handOn(parts, action, await judge(parts, action, options))
    },
    ask: async (input, options) => {
      const action = parseCall(input)
      return handOn(parts, action, await answer(action, options))
    },
    defer: async (input, options) => {
      const action = parseCall(input)
      const outcome = await judge(parts, action, options)
      const { request } = outcome
      const told =
        request === undefined ? answerAtOnce(outcome, action.payload) : status(parts, request.id)
      return handOn(parts, action, await told)
    },
    wait: async (request, options) => {
      await checkOwned(parts, request)
      return handOn(parts, request, await waitFor(parts, request, options))
    },
    status: async (request) => {
      await checkOwned(parts, request)
      return handOn(parts, request, await status(parts, request))
    },
    result: resultOf,
    guard: (tool, options) => async (payload) => {
      const { idempotencyKey, timeoutMs, signal, ...action } = options
      const asked = parseCall({ ...action, payload } as Action)
      const told = await answer(asked, {
        ...(idempotencyKey === undefined ? {} : { idempotencyKey: idempotencyKey(payload) }),
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        ...(signal === undefined ? {} : { signal }),
      })
      const { ran, result } = await runTool(parts, asked, told, tool)
      if (!parts.judge.judgesResults) return result
      const call = { ...action, payload: ran } as Action
      return seen(await resultOf(call, result, { call: told.decision })) as typeof result
    },
    redeem: async (grant, options = {}) =>
      redeem(parts, grant, reportWithoutSecrets(parts, options)),
    report: async (grant, told) => report(parts, grant, reportWithoutSecrets(parts, told)),
    jwks: () => parts.grants.jwks,
    reload: async () => {
      if (reloader !== null) return reloader.reload()
      throw new PolicyError('USAGE_INVALID', 'the engine was opened without `updates`')
    },
    close,
  }
}

/** An action, or what a tool tells, as it may be written down: what was put into a call stands as its reference again. */
function withoutSecrets(parts: Parts, action: JudgedAction): JudgedAction {
  const { payload, context, result } = action
  return {
    ...action,
    payload: parts.secrets.conceal(payload),
    context: parts.secrets.conceal(context),
    ...(result === undefined ? {} : { result: parts.secrets.conceal(result) }),
  }
}

/**
 * A result as it may be written down. The payload is only compared, with what the grant was made over.
 *
 * @throws {PolicyError} as {@link assertPlainJson}
 */
function reportWithoutSecrets<T extends RedeemOptions>(parts: Parts, told: T): T {
  const { result } = told
  if (result === undefined) return told
  assertPlainJson(result)
  return { ...told, result: parts.secrets.conceal(result) }
}

/** What is told of a call, as its caller gets it: with clear values, and the grant over them. */
async function handOn<T extends { readonly decision: string; readonly payload?: unknown }>(
  parts: Parts,
  call: JudgedAction | string,
  told: T,
): Promise<T> {
  return withGrant(parts, call, await withClear(parts, call, told))
}

/**
 * What is told of a call, with the values of the secrets that its payload names, and the clear values of tokens where
 * its tool gets them: the last step before it is handed on. No secret is looked for in what a token stands for.
 *
 * @param call - what was asked about, or the request that it became
 * @throws {PolicyError} as `inject` and `openTokens`; then the call must not run
 */
async function withClear<T extends { readonly payload?: unknown }>(
  parts: Parts,
  call: JudgedAction | string,
  told: T,
): Promise<T> {
  if (told.payload === undefined) return told
  const payload = told.payload as JsonObject
  const tool = typeof call === 'string' ? (await findRequest(parts, call)).request : call
  if (!namesSecrets(payload) && !opensTokens(parts, tool)) return told
  const action = typeof call === 'string' ? await heldAction(parts, call) : call
  const filled = namesSecrets(payload)
    ? await parts.secrets.inject(parts.judge, { ...action, payload })
    : payload
  return { ...told, payload: await openTokens(parts.store, parts, action, filled) }
}

async function heldAction(parts: Parts, request: string): Promise<JudgedAction> {
  const { decision } = (await findRequest(parts, request)).request
  return (await openDecision(parts.store, decision)).inputs.action
}

async function judge(
  parts: Parts,
  action: JudgedAction,
  options?: DecideOptions,
): Promise<Outcome> {
  const outcome = await judgeCall(parts, action, options)
  return outcome.request === undefined ? outcome : withPull(parts, outcome)
}

/** Runs a tool with what was allowed, if it was. @throws {PolicyError} as {@link permitted} and {@link handOn} */
async function runTool<P extends JsonObject, R>(
  parts: Parts,
  asked: JudgedAction,
  told: Answer,
  tool: (payload: P) => R | Promise<R>,
): Promise<{ readonly ran: JsonObject; readonly result: R }> {
  // A copy: the tool may change what it gets.
  const ran = structuredClone(permitted(told))
  // First the secrets: a provider that cannot be asked must not use up what lets the call run.
  const handed = await handOn(parts, asked, told)
  const clear = permitted(handed)
  await useGrant(parts, handed, clear)
  return { ran, result: await tool(clear as P) }
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

/** The result that the agent may see. @throws {PolicyError} ACTION_DENIED */
function seen(answer: ResultAnswer): JsonValue {
  if (answer.result !== undefined) return answer.result
  const why = `the tool ran, but its result is kept back: ${answer.reason}`
  throw new PolicyError('ACTION_DENIED', `${why} (decision ${answer.decision})`)
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

function reasonOf(outcome: Outcome): string {
  return outcome.findings
    .filter(({ mode, verdict }) => mode === 'enforce' && verdict === outcome.verdict)
    .map(({ rule, message }) => `${rule}: ${message}`)
    .join('; ')
}

function answerOnResult(outcome: Outcome, given: JsonValue): ResultAnswer {
  const { decision } = outcome
  const reason = reasonOf(outcome)
  if (outcome.result === undefined) return { status: 'DENIED', changes: [], reason, decision }
  const result = outcome.result as JsonValue
  return { status: 'ALLOWED', result, changes: diffJson(given, result), reason, decision }
}

function answerAtOnce(outcome: Outcome, asked: JsonObject): Answer {
  const reason = reasonOf(outcome)
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
  const { action } = approved.inputs
  const { payload } = changed(parts, action, approved.predicate.obligations)
  const changes = diffJson(asked, payload)
  return { ...common, status: decision, payload, changes, reason }
}
