import { type Change, diffJson } from '../../base/diff.ts'
import { type ErrorCode, PolicyError } from '../../base/errors.ts'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import { assertPlainJson } from '../../base/plain-json.ts'
import { parseAction, parseActionText } from '../../model/action.ts'
import type { Action, Outcome } from '../../model/generated/types.ts'
import type { JudgedAction, Resolution } from '../../model/nouns.ts'
import type { Jwks } from '../../model/ports.ts'
import { gathersUntil } from '../approvals/batches.ts'
import { tellOnce } from '../approvals/notices.ts'
import { answerOf, ownedRequest, statusOf, waitFor, waitMs } from '../approvals/waiting.ts'
import { type ProofOptions, proveDecision } from '../receipts/decision-proof.ts'
import { type Custody, custodyOf } from './custody.ts'
import { type DecideOptions, judgeCall } from './decide.ts'
import { heldBack } from './escrow.ts'
import { claimed } from './escrow-claim.ts'
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
import { actionDocument, checkFields, openDecision, type Undoes } from './record.ts'
import type { Reloaded, Reloader } from './reload.ts'
import { findRequest } from './resolve.ts'
import { type RollbackOptions, rollBack } from './rollback.ts'
import { namesSecrets } from './secrets.ts'
import { opensTokens, openTokens } from './tokens.ts'

/** What an agent is told. `payload` is there exactly when the action may run, and is what it must run with. */
export type Answer = {
  /** ESCROWED: it may run once a delivery releases it; then `claim` tells what it runs with. */
  readonly status: 'ALLOWED' | 'DENIED' | 'PENDING' | 'ESCROWED' | Resolution
  readonly payload?: JsonObject
  /** What obligations or people changed in the payload that was asked about. */
  readonly changes: readonly Change[]
  readonly reason: string
  readonly decision: string
  readonly request?: string
  /** Where people review the request. */
  readonly where?: string
  /** With PENDING: what `wait` takes to go on waiting, also after a restart. For this credential alone. */
  readonly resume?: string
  /** What keeps the request, or word of its end, from the forge. The engine goes on trying; nothing need be done. */
  readonly note?: string
  /** Lets the action run, once, where the project makes grants. Its time begins with the first answer that has it. */
  readonly grant?: string
}

/** What is told of a call that takes another one back. */
export type RollbackAnswer = Answer & { readonly undoes: Undoes }

export type WaitOptions = {
  /** How long to wait for people, at most 55 seconds: callers and proxies give up after a minute. Default: 50 seconds. */
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
export interface Engine extends Custody {
  /**
   * Judges an action and answers at once; a held action becomes a request. A forge that cannot be reached, or refuses it,
   * does not fail the decision: `request.note` says so, and the request goes there once it can.
   */
  decide(action: ActionInput, options?: DecideOptions): Promise<Outcome>
  /** As `decide`, but waits for people when the action is held; PENDING, with `resume`, when that takes too long. */
  ask(action: ActionInput, options?: AskOptions): Promise<Answer>
  /** As `ask`, but answers PENDING rather than wait. */
  defer(action: ActionInput, options?: DecideOptions): Promise<Answer>
  /**
   * Waits until a request ends; PENDING when that takes too long: then call it again.
   *
   * @param request - the request's id, or the `resume` of a PENDING answer
   * @throws {PolicyError} REQUEST_UNKNOWN for what is no request of this credential's agents, and no token of its own
   */
  wait(request: string, options?: WaitOptions): Promise<Answer>
  /** How a request stands now, after one look at the forge; as it was, with a `note`, when the forge cannot be used. */
  status(request: string): Promise<Answer>
  /**
   * Judges what a call gave back, before the agent sees it: the action as it ran, and its result, which may be any
   * plain JSON; undefined counts as null. A result never waits for people.
   */
  result(action: ActionInput, result: unknown, options?: DecideOptions): Promise<ResultAnswer>
  /**
   * Wraps a tool: the wrapped function asks first, runs the tool with the payload that was allowed, and throws
   * ACTION_DENIED, ACTION_REJECTED or ACTION_EXPIRED instead of running it, or ACTION_PENDING (retryable) when people
   * take longer than it waits: the error's `resume` is for `wait`. Where the policy has a rule about results,
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
  /**
   * Takes back a call that ran: judges the call that its tool's `undo` makes of it, as any call of the same agent, and on
   * the routes on which people let it run. Answers as `defer` does; `undoes` names the receipt.
   *
   * @param receipt - a log index, or the id of a decision, a request or an execution
   * @throws {PolicyError} RECEIPT_UNKNOWN, and codes that begin with UNDO_: then nothing was written
   */
  rollback(receipt: string | number, options?: RollbackOptions): Promise<RollbackAnswer>
  /**
   * What became of a decision in escrow: once it is released, what it may run with, and its grant.
   *
   * @param decision - as it was asked for
   * @throws {PolicyError} ESCROW_HELD (retryable) until a delivery releases it, ESCROW_VOID when it never runs,
   *   ESCROW_INVALID for what is in no escrow of this credential's agents
   */
  claim(decision: string): Promise<Answer>
  /**
   * A signed proof of a decision of this credential's agents, for one counterparty.
   *
   * @throws {PolicyError} RECEIPT_UNKNOWN, USAGE_INVALID, PATH_INVALID
   */
  proveDecision(decision: string, options: ProofOptions): Promise<string>
  /** The public keys that this engine signs grants and proofs of decisions with, for tools: a JWKS document. */
  jwks(): Jwks
  /**
   * Looks for another version of the policy where `updates` says, and takes it between two actions.
   *
   * @throws {PolicyError} USAGE_INVALID without `updates`; as {@link Reloader}
   */
  reload(): Promise<Reloaded>
  /**
   * Looks at the forge now, for every request: opens and tells it what it missed, and settles what people and time have
   * decided. An engine from `open` does so by itself every poll interval.
   */
  sweep(): Promise<void>
  /** Looks at the request of this pull request now, such as when the forge's webhook names it. */
  nudge(pull: number): Promise<void>
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

  return {
    decide: async (input, options) => {
      const action = parse(input)
      return handOn(parts, action, await judge(parts, action, options))
    },
    ask: async (input, options) => {
      const action = parseCall(input)
      return handOn(parts, action, await askAndWait(parts, action, options))
    },
    defer: async (input, options) => {
      const action = parseCall(input)
      const outcome = await judge(parts, action, options)
      return handOn(parts, action, await toldNow(parts, outcome, action.payload))
    },
    wait: async (request, options) => {
      const id = await ownedRequest(parts, request)
      return handOn(parts, id, await waitFor(parts, id, options))
    },
    status: async (request) => {
      const id = await ownedRequest(parts, request)
      return handOn(parts, id, await statusOf(parts, id))
    },
    result: resultOf,
    guard: (tool, options) => async (payload) => {
      const { idempotencyKey, timeoutMs, signal, ...action } = options
      const asked = parseCall({ ...action, payload } as Action)
      const told = await askAndWait(parts, asked, {
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
    rollback: async (receipt, options) => {
      const { action, undo, outcome } = await rollBack(parts, String(receipt), options)
      const told = await toldNow(parts, await withPull(parts, outcome), action.payload)
      return { ...(await handOn(parts, action, told)), undoes: undo.undoes }
    },
    ...custodyOf(parts),
    claim: (decision) => claim(parts, decision),
    proveDecision: (decision, options) => proveDecision(parts, decision, options),
    jwks: () => parts.grants.jwks,
    reload: async () => {
      if (reloader !== null) return reloader.reload()
      throw new PolicyError('USAGE_INVALID', 'the engine was opened without `updates`')
    },
    sweep: () => parts.sweeper.sweep(),
    nudge: (pull) => parts.sweeper.nudge(pull),
    close,
  }
}

/** @throws {PolicyError} as {@link claimed} and {@link handOn} */
async function claim(parts: Parts, decision: string): Promise<Answer> {
  const { call, told } = await claimed(parts, decision)
  return handOn(parts, call, told)
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
  return withGrant(parts, call, await withClear(parts, call, await heldBack(parts, told)))
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

/** Judges an action and waits for people when it is held; the time of opening its pull request counts too. */
async function askAndWait(
  parts: Parts,
  action: JudgedAction,
  options: AskOptions = {},
): Promise<Answer> {
  const { timeoutMs, signal } = options
  signal?.throwIfAborted()
  const deadline = performance.now() + waitMs(timeoutMs)
  const limits = () => ({
    timeoutMs: deadline - performance.now(),
    ...(signal === undefined ? {} : { signal }),
  })
  const outcome = await judgeCall(parts, action, options)
  if (outcome.request === undefined) return answerAtOnce(outcome, action.payload)
  await withPull(parts, outcome, limits())
  return waitFor(parts, outcome.request.id, limits())
}

async function judge(
  parts: Parts,
  action: JudgedAction,
  options?: DecideOptions,
): Promise<Outcome> {
  const outcome = await judgeCall(parts, action, options)
  return outcome.request === undefined ? outcome : withPull(parts, outcome)
}

/** What is told of a decision without waiting for anybody. */
async function toldNow(parts: Parts, outcome: Outcome, asked: JsonObject): Promise<Answer> {
  const { request } = outcome
  if (request === undefined) return answerAtOnce(outcome, asked)
  if (request.note === undefined) return statusOf(parts, request.id)
  // A forge that has just refused is not asked again.
  return answerOf(parts, await findRequest(parts, request.id), request.note)
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

/** The payload that may run. @throws {PolicyError} ACTION_DENIED, ACTION_REJECTED, ACTION_EXPIRED, ACTION_PENDING */
function permitted(answer: Answer): JsonObject {
  if (answer.payload !== undefined) return answer.payload
  const { status, resume } = answer
  const code = Object.hasOwn(REFUSALS, status) ? REFUSALS[status] : undefined
  throw new PolicyError(
    code ?? 'ACTION_REJECTED',
    `${answer.reason} (decision ${answer.decision})`,
    status === 'PENDING' ? { retryable: true, resume } : {},
  )
}

const REFUSALS: Partial<Record<Answer['status'], ErrorCode>> = {
  DENIED: 'ACTION_DENIED',
  EXPIRED: 'ACTION_EXPIRED',
  PENDING: 'ACTION_PENDING',
  ESCROWED: 'ESCROW_HELD',
}

/** The result that the agent may see. @throws {PolicyError} ACTION_DENIED */
function seen(answer: ResultAnswer): JsonValue {
  if (answer.result !== undefined) return answer.result
  const why = `the tool ran, but its result is kept back: ${answer.reason}`
  throw new PolicyError('ACTION_DENIED', `${why} (decision ${answer.decision})`)
}

/** A held action's pull request is opened at once if the forge takes it; if not, later rounds open it. */
async function withPull(parts: Parts, outcome: Outcome, limits?: WaitOptions): Promise<Outcome> {
  if (outcome.request === undefined) return outcome
  const { request } = outcome
  const note = await parts.sweeper.open(request.id, limits)
  const found = await findRequest(parts, request.id)
  const { pull } = found
  const where = pull === null ? null : parts.forge.where(pull)
  // Of one that gathers, and of those it shares a pull request with, people are told once, when that is opened.
  const gathers = found.batch !== undefined || gathersUntil(parts, found) !== null
  if (!gathers) await tellOnce(parts, found.request, 'held', { where })
  return {
    ...outcome,
    request: {
      ...request,
      ...(pull === null || where === null ? {} : { pull, where }),
      ...(note === null ? {} : { note }),
    },
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
    const status = outcome.escrow === undefined ? 'DENIED' : 'ESCROWED'
    return { status, changes: [], reason, decision: outcome.decision }
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
