import { Worker } from 'node:worker_threads'
import { hmacKey } from '../../base/digest.ts'
import { parseDuration } from '../../base/duration.ts'
import { PolicyError } from '../../base/errors.ts'
import type { SecretProblem, SecretUses } from '../../decide/evaluate/index.ts'
import {
  evaluate,
  judgesResults,
  loadPolicy,
  privateFields,
  raisedPriority,
  stateKeys,
  usesOfSecrets,
} from '../../decide/evaluate/index.ts'
import type { Priority } from '../../model/generated/types.ts'
import type { Evaluation, JudgedAction, StateSlice } from '../../model/nouns.ts'
import type { Bundle } from '../../policy/bundle/index.ts'
import { writeBundle } from '../../policy/bundle/index.ts'

export type Question = {
  readonly action: JudgedAction
  readonly state: StateSlice
  /** Unix milliseconds. */
  readonly now: number
  /** Unix milliseconds of an earlier attempt that must not count: the request's own, when it resolves. */
  readonly leaveOut?: number
}

export type GrantTerms = { readonly lifetimeMs: number; readonly audience: string }

/** One bundle, ready to evaluate. */
export interface Judge {
  readonly bundle: Bundle
  /** Whether a rule or Rego package is about results, so that what calls give back must be judged too. */
  readonly judgesResults: boolean
  /** Every state key that the evaluation will read. */
  stateKeys(action: JudgedAction): readonly string[]
  /** The priority that counts: the higher of the caller's and the policy's. */
  priorityOf(action: JudgedAction): Priority
  /** Fields beside payload and context that the tool's file marks private. */
  privateFields(action: JudgedAction): readonly string[]
  /** The references to secrets in a call's payload, and why they may not be followed, or null. */
  secrets(action: JudgedAction): SecretUses & { readonly problem: SecretProblem | null }
  /** How long a grant for a tool holds, and whom it is for; null where the project makes none. */
  grantTerms(tool: { readonly service: string; readonly action: string }): GrantTerms | null
  /** @throws {PolicyError} ENGINE_TIMEOUT when the bundle's time for one evaluation is over */
  evaluate(question: Question): Promise<Evaluation>
  close(): Promise<void>
}

/**
 * Opens a bundle for evaluation. Without Rego it evaluates in place. With Rego it evaluates in a worker, because a
 * runaway WebAssembly call can only be stopped from outside: `evaluate` itself has no deadline.
 *
 * @param key - 32 bytes; HMACs of values in state and evidence are made with it
 */
export function openJudge(bundle: Bundle, key: Uint8Array): Judge {
  const policy = loadPolicy(bundle)
  const hmac = hmacKey(key)
  const names = {
    bundle,
    judgesResults: judgesResults(policy),
    stateKeys: (action: JudgedAction) => stateKeys(policy, action, hmac),
    priorityOf: (action: JudgedAction) => raisedPriority(policy, action),
    privateFields: (action: JudgedAction) => privateFields(policy, action),
    secrets: (action: JudgedAction) => usesOfSecrets(policy, action),
    grantTerms: grantTermsOf(bundle),
  }
  const rego = bundle.policy.rego.length > 0 ? inWorker(bundle, key) : null
  return {
    ...names,
    evaluate: async (question) => {
      checkState(question.state, names.stateKeys(question.action))
      return rego === null ? evaluate(policy, { ...question, key: hmac }) : rego.evaluate(question)
    },
    close: async () => rego?.close(),
  }
}

/**
 * What a store gives under a key that nobody asked for may be what it should have given under another.
 *
 * @throws {PolicyError} ENGINE_FAILED
 */
function checkState(state: StateSlice, asked: readonly string[]): void {
  const keys = new Set(asked)
  if (Object.keys(state).every((key) => keys.has(key))) return
  throw new PolicyError('ENGINE_FAILED', 'the store gave state that was not asked for')
}

function grantTermsOf({ policy }: Bundle): Judge['grantTerms'] {
  const { grants, tools } = policy
  if (grants === undefined) return () => null
  const lifetimeMs = parseDuration(grants.lifetime)
  const named = new Map(
    tools.map(({ service, action, audience }) => [JSON.stringify([service, action]), audience]),
  )
  return ({ service, action }) => ({
    lifetimeMs,
    audience: named.get(JSON.stringify([service, action])) ?? grants.audience ?? service,
  })
}

export type JudgeMessage =
  | { readonly evaluation: Evaluation }
  | { readonly error: { readonly code: PolicyError['code']; readonly message: string } }

/** One question at a time goes to the worker: the engine asks in order, since each answer changes the state. */
function inWorker(bundle: Bundle, key: Uint8Array): Pick<Judge, 'evaluate' | 'close'> {
  const bytes = writeBundle(bundle)
  const deadlineMs = bundle.policy.evaluation_ms_max
  let worker: Worker | null = null
  let last: Promise<unknown> = Promise.resolve()

  const ask = async (question: Question): Promise<Evaluation> => {
    worker ??= await start(bytes, key)
    const running = worker
    try {
      return await answer(running, question, deadlineMs)
    } catch (error) {
      worker = null // A worker that failed or ran away is never asked again.
      await running.terminate()
      throw error
    }
  }
  return {
    evaluate: (question) => {
      const next = last.then(() => ask(question))
      last = next.catch(() => undefined)
      return next
    },
    close: async () => {
      await last
      await worker?.terminate()
    },
  }
}

const START_MS_MAX = 30_000 // Loading a bundle compiles its WebAssembly; an evaluation's own deadline is far shorter.

async function start(bundle: Uint8Array, key: Uint8Array): Promise<Worker> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const worker = new Worker(new URL(`./judge-worker.${extension}`, import.meta.url), {
    workerData: { bundle, key },
  })
  worker.on('error', () => undefined) // A failure between two questions surfaces at the next one, as its end.
  try {
    await message(worker, START_MS_MAX)
  } catch (error) {
    await worker.terminate()
    throw error
  }
  return worker
}

async function answer(worker: Worker, question: Question, deadlineMs: number): Promise<Evaluation> {
  worker.postMessage(question)
  const reply = (await message(worker, deadlineMs)) as JudgeMessage
  if ('evaluation' in reply) return reply.evaluation
  throw new PolicyError(reply.error.code, reply.error.message)
}

function message(worker: Worker, deadlineMs: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const finish = () => {
      clearTimeout(timer)
      worker.off('message', onMessage).off('error', onError).off('exit', onExit)
      worker.unref()
    }
    const fail = (error: PolicyError) => {
      finish()
      reject(error)
    }
    const onMessage = (value: unknown) => {
      finish()
      resolve(value)
    }
    const onError = (cause: unknown) =>
      fail(new PolicyError('ENGINE_FAILED', 'the evaluation worker failed', { cause }))
    const onExit = () => fail(new PolicyError('ENGINE_FAILED', 'the evaluation worker ended'))
    const onDeadline = () =>
      fail(
        new PolicyError(
          'ENGINE_TIMEOUT',
          `the evaluation took longer than ${deadlineMs} ms and was stopped`,
        ),
      )
    const timer = setTimeout(onDeadline, deadlineMs)
    worker.ref()
    worker.on('message', onMessage).on('error', onError).on('exit', onExit)
  })
}
