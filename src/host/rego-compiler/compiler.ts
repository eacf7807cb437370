import { Worker } from 'node:worker_threads'
import { PolicyError } from '../../base/errors.ts'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import type { Diagnostic } from '../../base/position.ts'
import { sortDiagnostics } from '../../base/position.ts'
import type {
  RegoChecked,
  RegoCompiler,
  RegoCoverage,
  RegoExpression,
  RegoFiles,
  RegoPlanned,
  RegoQuery,
  RegoTestResult,
} from '../../model/rego.ts'
import type { WasmModule } from './web-assembly.ts'
import type { WorkerAnswer, WorkerCall, WorkerStart } from './worker.ts'

export type RegoCompilerOptions = {
  /**
   * Names of the built-ins that our evaluators supply, with or without the prefix `countersign.`. A policy may call
   * these and the ones that OPA compiles into the module; never one that asks a clock, chance or the network.
   */
  readonly hostBuiltins: readonly string[]
  /** Bound on one call, start of the worker included. Default: `CALL_MS_MAX`. */
  readonly callMsMax?: number
  /** How long the worker, of about 400 MiB, waits for more work. Default: `IDLE_MS_MAX`. */
  readonly idleMsMax?: number
  /** Bound on each test rule. Default: `TEST_MS_MAX`. */
  readonly testMsMax?: number
}

/** What the conformance suite needs beside what people ask. */
export type OpaQuery = RegoQuery & {
  /** Lets the query and the files call every built-in of OPA. */
  readonly allBuiltins?: boolean
  /** Lets them import keywords that OPA has not released. */
  readonly experimentalKeywords?: boolean
}

export type RegoOracleOptions = {
  readonly query: string
  readonly imports?: readonly string[]
  readonly experimentalKeywords?: boolean
  readonly data?: JsonObject
  /** Whether a built-in that errors ends the query, outside of lax packages. Otherwise it is undefined. */
  readonly strict: boolean
  /** Whether results come as Rego terms too. */
  readonly terms?: boolean
}

export type RegoOracleQuestion = RegoOracleOptions & {
  /** Undefined in the query when absent. */
  readonly input?: JsonValue
}

export type RegoOracleQuestions = RegoOracleOptions & {
  /** Texts of JSON documents, of which every digit counts; undefined where the query has no input. */
  readonly inputs: readonly (string | undefined)[]
}

export type RegoOracleResult = {
  /** The value of the query's last expression. */
  readonly value: JsonValue
  readonly bindings: JsonObject
  /** `value` as Rego writes it: sets and all digits survive. */
  readonly term?: string
  readonly bindingTerms?: Readonly<Record<string, string>>
}

export type RegoOracleError = {
  /** OPA's, such as `eval_builtin_error`; `error` where the query does not compile. */
  readonly code: string
  readonly message: string
  readonly file?: string
  readonly line?: number
  readonly column?: number
}

export type RegoOracleOutcome =
  | { readonly results: readonly RegoOracleResult[] }
  | { readonly error: RegoOracleError }

export type RegoOracleAnswer = RegoOracleOutcome | { readonly diagnostics: readonly Diagnostic[] }

export type RegoOracleAnswers =
  | { readonly answers: readonly RegoOracleOutcome[] }
  | { readonly error: RegoOracleError }
  | { readonly diagnostics: readonly Diagnostic[] }

/** OPA's compiler in a worker, with what the tests need beside the port. */
export type OpaCompiler = RegoCompiler & {
  version(): Promise<{ readonly opa: string; readonly go: string }>
  plan(files: RegoFiles, question: OpaQuery): Promise<RegoPlanned>
  /** Evaluates with OPA's own top-down evaluator: what the other evaluators are compared with. */
  oracle(files: RegoFiles, question: RegoOracleQuestion): Promise<RegoOracleAnswer>
  /** The same for many inputs, with the query compiled once. */
  oracleMany(files: RegoFiles, questions: RegoOracleQuestions): Promise<RegoOracleAnswers>
}

/** A call may have to start the worker (about 1 s) and to compile thousands of rules. */
export const CALL_MS_MAX = 120_000
/** Long enough for the calls of one command to share a worker. */
export const IDLE_MS_MAX = 30_000
/** OPA's own default. */
export const TEST_MS_MAX = 5_000

/** How long a process keeps the compiled module, of about 100 MiB, after its last worker has started. */
export const MODULE_IDLE_MS_MAX = 120_000

/** Deeply nested sources recurse in Go, whose frames lie on the engine's stack too. */
const STACK_MB = 64

/**
 * Starts a worker for the first compiler that will need one, while its program still finds out what to compile. It does not
 * keep the process.
 */
export function prepareRegoCompiler(): void {
  if (spare !== undefined) return
  const started = newWorker()
  started.once('exit', () => {
    if (spare === started) spare = undefined
  })
  spare = started
}

let spare: Worker | undefined

/** The compiler needs no file beside its own: one worker, started by the first call, ended when idle. */
export function createRegoCompiler(options: RegoCompilerOptions): OpaCompiler {
  const desk = createDesk(options.callMsMax ?? CALL_MS_MAX, options.idleMsMax ?? IDLE_MS_MAX)
  const host_builtins = options.hostBuiltins
  const ask = desk.ask
  // The two sides of a change are seldom different in their Rego.
  const recall = remember(ask)
  return {
    check: async (files) => {
      const request = { op: 'check', files, host_builtins }
      const answer = await recall<Diagnosed & Pick<RegoChecked, 'packages'>>(request)
      return { ...refused(answer), packages: answer.packages }
    },
    build: async (files, entrypoints, { tests = false } = {}) => {
      const request = { op: 'build', files, host_builtins, entrypoints, tests }
      const answer = await recall<Diagnosed | { wasm: string; plan: string }>(request)
      if ('diagnostics' in answer) return refused(answer)
      return { wasm: new Uint8Array(Buffer.from(answer.wasm, 'base64')), plan: answer.plan }
    },
    format: async (files) => {
      const answer = await ask<Diagnosed | { files: RegoFiles }>({ op: 'format', files })
      return 'diagnostics' in answer ? refused(answer) : { files: answer.files }
    },
    test: async (files, { data, filter }) => {
      const timeout_ms = options.testMsMax ?? TEST_MS_MAX
      const request = { op: 'test', files, host_builtins, data, filter: filter ?? '', timeout_ms }
      const answer = await ask<
        Diagnosed | { results: readonly RegoTestResult[]; coverage: RegoCoverage }
      >(request)
      return 'diagnostics' in answer ? refused(answer) : answer
    },
    plan: async (files, question) => {
      const answer = await ask<Diagnosed | Planned>(planRequest(files, host_builtins, question))
      return 'diagnostics' in answer ? refused(answer) : answer
    },
    oracle: async (files, { input, ...options }) => {
      const answer = await ask<Diagnosed | Outcome>({ ...oracleRequest(files, options), input })
      return 'diagnostics' in answer ? refused(answer) : outcome(answer)
    },
    oracleMany: async (files, { inputs, ...options }) => {
      const request = { ...oracleRequest(files, options), inputs: inputs.map((i) => i ?? null) }
      const answer = await ask<Diagnosed | Failed | { answers: readonly Outcome[] }>(request)
      if ('answers' in answer) return { answers: answer.answers.map(outcome) }
      return 'diagnostics' in answer ? refused(answer) : answer
    },
    version: () => ask<{ opa: string; go: string }>({ op: 'version' }),
    warm: desk.warm,
    close: desk.close,
  }
}

type Planned = {
  readonly plan: string
  readonly builtins: readonly string[]
  readonly expressions: readonly RegoExpression[]
}

type Failed = { readonly error: RegoOracleError }

type Outcome =
  | Failed
  | {
      readonly results: readonly (Omit<RegoOracleResult, 'bindingTerms'> & {
        readonly binding_terms?: Readonly<Record<string, string>>
      })[]
    }

function planRequest(
  files: RegoFiles,
  host_builtins: readonly string[],
  { allBuiltins, experimentalKeywords, ...query }: OpaQuery,
): object {
  const all_builtins = allBuiltins ?? false
  const experimental_keywords = experimentalKeywords ?? false
  return { op: 'plan', files, host_builtins, all_builtins, experimental_keywords, ...query }
}

function oracleRequest(
  files: RegoFiles,
  { experimentalKeywords, ...options }: RegoOracleOptions,
): object {
  const experimental_keywords = experimentalKeywords ?? false
  return { op: 'oracle', files, experimental_keywords, ...options }
}

function outcome(answer: Outcome): RegoOracleOutcome {
  if ('error' in answer) return answer
  return {
    results: answer.results.map(({ binding_terms, ...result }) =>
      binding_terms === undefined ? result : { ...result, bindingTerms: binding_terms },
    ),
  }
}

type Diagnosed = { readonly diagnostics: readonly Reported[] }

/** Go leaves the severity out of what stops a build. */
type Reported = Omit<Diagnostic, 'severity'> & Partial<Pick<Diagnostic, 'severity'>>

function refused(answer: Diagnosed): { readonly diagnostics: readonly Diagnostic[] } {
  return {
    diagnostics: sortDiagnostics(answer.diagnostics.map((d) => ({ severity: 'error', ...d }))),
  }
}

/** How many answers a compiler keeps, the latest asked for. */
const ANSWERS_MAX = 8

/** Gives the answer to a request that was just asked once more, without asking. What failed is asked again. */
function remember(ask: Desk['ask']): Desk['ask'] {
  const answers = new Map<string, Promise<unknown>>()
  return <T>(request: object): Promise<T> => {
    const key = JSON.stringify(request)
    const answer = (answers.get(key) ?? ask<T>(request)) as Promise<T>
    answers.delete(key)
    answers.set(key, answer)
    answer.catch(() => answers.delete(key))
    for (const oldest of answers.keys()) {
      if (answers.size <= ANSWERS_MAX) break
      answers.delete(oldest)
    }
    return answer
  }
}

type Desk = {
  ask<T>(request: object): Promise<T>
  warm(): void
  close(): Promise<void>
}

/** Gives the worker one call at a time, and drops it when it fails, when it is late, and when it has nothing to do. */
function createDesk(callMsMax: number, idleMsMax: number): Desk {
  let worker: Worker | undefined
  let idle: NodeJS.Timeout | undefined
  let last: Promise<unknown> = Promise.resolve()
  let count = 0

  const drop = async (): Promise<void> => {
    clearTimeout(idle)
    const ended = worker
    worker = undefined
    await ended?.terminate()
  }

  const forget = (ended: Worker): void => {
    if (worker === ended) worker = undefined
  }

  const ready = (): Worker => {
    if (worker !== undefined) return worker
    const started = startWorker()
    started.on('exit', () => forget(started))
    worker = started
    return started
  }

  const rest = (): void => {
    clearTimeout(idle)
    if (worker !== undefined) idle = setTimeout(() => void drop(), idleMsMax).unref()
  }

  const call = async (request: string): Promise<string> => {
    clearTimeout(idle)
    const busy = ready()
    busy.ref()
    try {
      count += 1
      return await exchange(busy, { id: count, request }, callMsMax)
    } catch (error) {
      await drop()
      throw error
    } finally {
      busy.unref()
      rest()
    }
  }

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work, work)
    last = turn.catch(() => undefined)
    return turn
  }

  return {
    ask: <T>(request: object) => inTurn(async () => read<T>(await call(JSON.stringify(request)))),
    // Not in turn: who warms goes on with something else before turns are taken.
    warm: () => {
      if (worker !== undefined) return
      ready()
      rest()
    },
    close: () => inTurn(drop),
  }
}

/** Compiled by the first worker of this process and lent to the next ones, which start in a fifth of the time. */
let shared: WasmModule | undefined
let unshare: NodeJS.Timeout | undefined

function share(module: WasmModule): void {
  shared = module
  clearTimeout(unshare)
  unshare = setTimeout(() => {
    shared = undefined
  }, MODULE_IDLE_MS_MAX).unref()
}

function startWorker(): Worker {
  const started = spare ?? newWorker()
  spare = undefined
  return started
}

function newWorker(): Worker {
  if (shared !== undefined) share(shared)
  // From source this file is compiler.ts, in dist compiler.js, in a bundle perhaps .mjs: the worker is named alike.
  const extension = /\.[cm]?[jt]s$/.exec(new URL(import.meta.url).pathname)?.[0] ?? '.js'
  const start: WorkerStart = shared === undefined ? {} : { module: shared }
  const worker = new Worker(new URL(`./worker${extension}`, import.meta.url), {
    workerData: start,
    env: {},
    argv: [],
    execArgv: [],
    stdin: false,
    resourceLimits: { stackSizeMb: STACK_MB },
  })
  // The call that is under way hears of an error by itself; without one, an error must not end the process.
  worker.on('error', () => undefined)
  worker.unref()
  return worker
}

function exchange(worker: Worker, call: WorkerCall, callMsMax: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const onMessage = (answer: WorkerAnswer): void => {
    if (answer.id !== call.id) return
    if ('failure' in answer) {
      reject(broken(answer.failure))
      return
    }
    if (answer.module !== undefined) share(answer.module)
    resolve(answer.answer)
  }
  const onError = (cause: unknown): void =>
    reject(broken(cause instanceof Error ? cause.message : String(cause), cause))
  const onExit = (code: number): void => reject(broken(`its worker ended with ${code}`))
  const late = setTimeout(() => reject(broken(`no answer within ${callMsMax} ms`)), callMsMax)
  worker.on('message', onMessage).on('error', onError).on('exit', onExit)
  worker.postMessage(call)
  return promise.finally(() => {
    clearTimeout(late)
    worker.off('message', onMessage).off('error', onError).off('exit', onExit)
  })
}

/** @throws {PolicyError} REGO_COMPILER_FAILED when the compiler reports a fault of its own */
function read<T>(text: string): T {
  const answer = JSON.parse(text) as T | { failure: string }
  if (typeof answer === 'object' && answer !== null && 'failure' in answer) {
    throw broken(answer.failure)
  }
  return answer as T
}

function broken(reason: string, cause?: unknown): PolicyError {
  const first = reason.split('\n', 1)[0] ?? ''
  return new PolicyError('REGO_COMPILER_FAILED', `the Rego compiler failed: ${first}`, {
    cause: cause ?? reason,
  })
}
