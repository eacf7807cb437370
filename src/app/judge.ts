import { Worker } from 'node:worker_threads'
import { hmacKey } from '../base/digest.ts'
import { PolicyError } from '../base/errors.ts'
import {
  evaluate,
  loadPolicy,
  privateFields,
  raisedPriority,
  stateKeys,
} from '../decide/evaluate/index.ts'
import type { Priority } from '../model/generated/types.ts'
import type { Evaluation, JudgedAction, StateSlice } from '../model/nouns.ts'
import type { Bundle } from '../policy/bundle/index.ts'
import { writeBundle } from '../policy/bundle/index.ts'

export type Question = {
  readonly action: JudgedAction
  readonly state: StateSlice
  /** Unix milliseconds. */
  readonly now: number
  /** Unix milliseconds of an earlier attempt that must not count: the request's own, when it resolves. */
  readonly leaveOut?: number
}

/** One bundle, ready to evaluate. */
export interface Judge {
  readonly bundle: Bundle
  /** Every state key that the evaluation will read. */
  stateKeys(action: JudgedAction): readonly string[]
  /** The priority that counts: the higher of the caller's and the policy's. */
  priorityOf(action: JudgedAction): Priority
  /** Fields beside payload and context that the tool's file marks private. */
  privateFields(action: JudgedAction): readonly string[]
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
    stateKeys: (action: JudgedAction) => stateKeys(policy, action, hmac),
    priorityOf: (action: JudgedAction) => raisedPriority(policy, action),
    privateFields: (action: JudgedAction) => privateFields(policy, action),
  }
  if (bundle.policy.rego.length > 0) return { ...names, ...inWorker(bundle, key) }
  return {
    ...names,
    evaluate: async (question) => evaluate(policy, { ...question, key: hmac }),
    close: async () => undefined,
  }
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
