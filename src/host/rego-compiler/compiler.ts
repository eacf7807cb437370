import { Worker } from 'node:worker_threads'
import { PolicyError } from '../../base/errors.ts'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import type { Diagnostic } from '../../base/position.ts'
import { sortDiagnostics } from '../../base/position.ts'
import type {
  RegoChecked,
  RegoCompiler,
  RegoCoverage,
  RegoFiles,
  RegoTestResult,
} from '../../model/rego.ts'
import type { WorkerAnswer, WorkerCall } from './worker.ts'

export type RegoCompilerOptions = {
  /**
   * Names of the built-ins that the host of the WebAssembly supplies, with or without the prefix `countersign.`. A
   * policy may call these and the ones that OPA compiles into the module; never a nondeterministic one.
   */
  readonly hostBuiltins: readonly string[]
  /** Bound on one call, start of the worker included. Default: `CALL_MS_MAX`. */
  readonly callMsMax?: number
  /** How long the worker, of about 400 MiB, waits for more work. Default: `IDLE_MS_MAX`. */
  readonly idleMsMax?: number
  /** Bound on each test rule. Default: `TEST_MS_MAX`. */
  readonly testMsMax?: number
}

export type RegoOracleQuestion = {
  readonly query: string
  /** Undefined in the query when absent. */
  readonly input?: JsonValue
  readonly data?: JsonObject
  /** Whether a built-in that errors ends the query. Otherwise it is undefined. */
  readonly strict: boolean
}

export type RegoOracleAnswer =
  | { readonly results: readonly { readonly value: JsonValue; readonly bindings: JsonObject }[] }
  | {
      readonly error: {
        readonly code: string
        readonly message: string
        readonly file?: string
        readonly line?: number
        readonly column?: number
      }
    }
  | { readonly diagnostics: readonly Diagnostic[] }

/** OPA's compiler in a worker, with what the tests need beside the port. */
export type OpaCompiler = RegoCompiler & {
  version(): Promise<{ readonly opa: string; readonly go: string }>
  /** Evaluates with OPA's own top-down evaluator: what the other evaluators are compared with. */
  oracle(files: RegoFiles, question: RegoOracleQuestion): Promise<RegoOracleAnswer>
}

/** A call may have to start the worker (about 1 s) and to compile thousands of rules. */
export const CALL_MS_MAX = 120_000
/** Long enough for the calls of one command to share a worker. */
export const IDLE_MS_MAX = 30_000
/** OPA's own default. */
export const TEST_MS_MAX = 5_000

/** Deeply nested sources recurse in Go, whose frames lie on the engine's stack too. */
const STACK_MB = 64

/** The compiler needs no file beside its own: one worker, started by the first call, ended when idle. */
export function createRegoCompiler(options: RegoCompilerOptions): OpaCompiler {
  const desk = createDesk(options.callMsMax ?? CALL_MS_MAX, options.idleMsMax ?? IDLE_MS_MAX)
  const host_builtins = options.hostBuiltins
  const ask = desk.ask
  return {
    check: async (files) => {
      const request = { op: 'check', files, host_builtins }
      const answer = await ask<Diagnosed & Pick<RegoChecked, 'packages'>>(request)
      return { ...refused(answer), packages: answer.packages }
    },
    build: async (files, entrypoints) => {
      const request = { op: 'build', files, host_builtins, entrypoints }
      const answer = await ask<Diagnosed | { wasm: string; plan: string }>(request)
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
    oracle: async (files, question) => {
      const answer = await ask<RegoOracleAnswer>({ op: 'oracle', files, ...question })
      return 'diagnostics' in answer ? refused(answer) : answer
    },
    version: () => ask<{ opa: string; go: string }>({ op: 'version' }),
    close: desk.close,
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

type Desk = {
  ask<T>(request: object): Promise<T>
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

  const call = async (request: string): Promise<string> => {
    clearTimeout(idle)
    const busy = worker ?? startWorker()
    if (worker === undefined) busy.on('exit', () => forget(busy))
    worker = busy
    busy.ref()
    try {
      count += 1
      return await exchange(busy, { id: count, request }, callMsMax)
    } catch (error) {
      await drop()
      throw error
    } finally {
      busy.unref()
      if (worker !== undefined) idle = setTimeout(() => void drop(), idleMsMax).unref()
    }
  }

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work, work)
    last = turn.catch(() => undefined)
    return turn
  }

  return {
    ask: <T>(request: object) => inTurn(async () => read<T>(await call(JSON.stringify(request)))),
    close: () => inTurn(drop),
  }
}

function startWorker(): Worker {
  // From source this file is compiler.ts, in dist compiler.js, in a bundle perhaps .mjs: the worker is named alike.
  const extension = /\.[cm]?[jt]s$/.exec(new URL(import.meta.url).pathname)?.[0] ?? '.js'
  const worker = new Worker(new URL(`./worker${extension}`, import.meta.url), {
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
    if ('failure' in answer) reject(broken(answer.failure))
    else resolve(answer.answer)
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
