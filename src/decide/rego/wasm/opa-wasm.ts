import * as opaWasm from '@open-policy-agent/opa-wasm'
import { canonicalize } from '../../../base/canonical-json.ts'
import { PolicyError } from '../../../base/errors.ts'
import type { JsonObject } from '../../../base/json-value.ts'
import { BuiltinError } from '../builtins/builtin.ts'
import { BUDGET, Evaluation, EvaluationError } from '../engine/evaluation.ts'
import type { RegoOutcome, RegoProgram } from '../types.ts'
import { toJson } from '../values/json.ts'
import type { Value } from '../values/value.ts'
import { isObject, isSet, objectGet } from '../values/value.ts'
import { readDump, writeDump } from './dump.ts'
import type { Imported } from './host-builtins.ts'
import { BuiltinFailure, importedBuiltin } from './host-builtins.ts'
import type { WasmImports, WasmInstance, WasmMemory, WasmModule } from './web-assembly.ts'
import { webAssembly } from './web-assembly.ts'

export type OpaWasmOptions = {
  /** Pages of 64 KiB that one instance may hold. Default: MEMORY_PAGES_MAX. */
  readonly memoryPagesMax?: number
  /**
   * Whether the module holds lax packages, which call built-ins of ours by OPA's own names: then what is refused there is
   * undefined. Default: any refusal ends the evaluation.
   */
  readonly lax?: boolean
}

/** Enough for any policy we met; stops a runaway comprehension in about 0.1 s. */
export const MEMORY_PAGES_MAX = 512

/**
 * Loads what `opa build -t wasm` made, ABI 1.2 or later, behind a host that fails closed. The package keeps the ABI's
 * books (entry points, data, heap); imports and every crossing of values are ours, because the package's own ones
 * round numbers, cannot tell a set from an array, and pass some built-ins to JavaScript look-alikes.
 *
 * Sets come as arrays sorted by canonical text, at any depth; arrays keep their order. An integer in a result that no
 * double holds is REGO_ABORTED, never rounded.
 *
 * Compiling is synchronous: in a browser this runs in a worker only.
 *
 * @throws {PolicyError} REGO_MODULE_INVALID when the bytes are no such module, import a built-in that is not supplied
 *   or have no entry point; REGO_MEMORY_EXCEEDED when the data does not fit; VALUE_NOT_JSON and ACTION_TOO_DEEP for
 *   data that is no plain JSON
 */
export function loadOpaWasm(
  module: { readonly wasm: Uint8Array; readonly data: JsonObject },
  options: OpaWasmOptions = {},
): RegoProgram {
  const source: Source = {
    module: compileModule(module.wasm),
    data: new TextEncoder().encode(canonicalize(module.data)),
    pagesMax: options.memoryPagesMax ?? MEMORY_PAGES_MAX,
    lax: options.lax ?? false,
    // Static data lies in memory before the heap, and cannot be larger than the module.
    pagesInitial: Math.ceil(module.wasm.length / PAGE_BYTES) + PAGES_SPARE,
  }
  if (source.pagesInitial > source.pagesMax) throw memoryExceeded()
  let live: Instance | undefined = instantiate(source)
  const entrypoints = new Map(live.entrypoints)
  const evaluate = (entrypoint: string, input: JsonObject): RegoOutcome => {
    const id = entrypoints.get(entrypoint)
    if (id === undefined) return failed('REGO_UNDEFINED', 'the module has no such entry point')
    let outcome: RegoOutcome
    try {
      const bytes = new TextEncoder().encode(canonicalize(input))
      live ??= instantiate(source)
      outcome = run(live, id, bytes)
    } catch (cause) {
      outcome = outcomeOf(cause)
    }
    if (live !== undefined && isSpent(live, outcome)) live = undefined
    return outcome
  }
  return {
    entrypoints: [...entrypoints.keys()].sort(),
    evaluate,
    evaluateAll: (paths, input) => paths.map((path) => evaluate(path, input)),
  }
}

/** The package exports the class at run time by its default only; its types say otherwise. */
const { LoadedPolicy } = (
  opaWasm as unknown as {
    readonly default: {
      readonly LoadedPolicy: new (
        policy: { readonly instance: WasmInstance },
        memory: WasmMemory,
        abiMinor: number,
      ) => {
        readonly entrypoints: unknown
        readonly dataAddr: number
        readonly dataHeapPtr: number
        setData(data: ArrayBuffer): void
      }
    }
  }
).default

const PAGE_BYTES = 65_536
const PAGES_SPARE = 8
/** An instance is replaced after so many evaluations, whatever it may have kept (npm-opa-wasm issue 143). */
const EVALUATIONS_MAX = 4_096
/** And after it grew by so many pages: memory of WebAssembly never shrinks. */
const PAGES_GROWN_MAX = 64

type Source = {
  readonly module: WasmModule
  readonly data: Uint8Array
  readonly pagesInitial: number
  readonly pagesMax: number
  readonly lax: boolean
}

type Instance = {
  readonly memory: WasmMemory
  readonly exports: OpaExports
  readonly entrypoints: ReadonlyMap<string, number>
  readonly dataAddress: number
  readonly heapBase: number
  readonly pagesLoaded: number
  readonly calls: HostCalls
  evaluations: number
}

/** Shared with the import table, which exists before the instance does. */
type HostCalls = {
  exports: OpaExports | undefined
  builtins: ReadonlyMap<number, Imported>
  readonly kept: Map<string, unknown>
  readonly lax: boolean
  /** Bounds what the built-ins of ours do in one evaluation. */
  evaluation: Evaluation
  /** The first built-in of ours that refused in this evaluation. */
  refused: { readonly builtin: string; readonly message: string } | undefined
}

type OpaExports = {
  readonly opa_malloc: (bytes: number) => number
  readonly opa_free: (address: number) => void
  readonly opa_value_parse: (address: number, bytes: number) => number
  readonly opa_value_dump: (value: number) => number
  readonly opa_heap_ptr_get: () => number
  readonly opa_heap_ptr_set: (address: number) => void
  readonly opa_eval: (...operands: number[]) => number
  readonly builtins: () => number
}

const EXPORTS = [
  'opa_malloc',
  'opa_free',
  'opa_value_parse',
  'opa_value_dump',
  'opa_heap_ptr_get',
  'opa_heap_ptr_set',
  'opa_eval',
  'builtins',
  'entrypoints',
]

/** The message of `opa_abort`. */
class OpaAbort extends Error {}

function compileModule(wasm: Uint8Array): WasmModule {
  let module: WasmModule
  try {
    module = new webAssembly.Module(new Uint8Array(wasm))
  } catch (cause) {
    throw new PolicyError('REGO_MODULE_INVALID', 'expected a WebAssembly module', { cause })
  }
  const functions = new Set(
    webAssembly.Module.exports(module)
      .filter(({ kind }) => kind === 'function')
      .map(({ name }) => name),
  )
  const missing = EXPORTS.filter((name) => !functions.has(name))
  if (missing.length > 0) {
    throw invalid(`expected a module of OPA, found one without ${missing.join(', ')}`)
  }
  return module
}

function instantiate(source: Source): Instance {
  const memory = new webAssembly.Memory({ initial: source.pagesInitial, maximum: source.pagesMax })
  const kept = new Map<string, unknown>()
  const calls: HostCalls = {
    exports: undefined,
    builtins: new Map(),
    kept,
    lax: source.lax,
    evaluation: new Evaluation(BUDGET, kept, 0),
    refused: undefined,
  }
  try {
    const instance = new webAssembly.Instance(source.module, importsOf(memory, calls))
    const minor = checkVersion(instance.exports)
    const exports = instance.exports as unknown as OpaExports
    calls.exports = exports
    calls.builtins = importedBuiltins(memory, exports)
    const policy = new LoadedPolicy({ instance }, memory, minor)
    policy.setData(source.data.slice().buffer)
    return {
      memory,
      exports,
      entrypoints: checkedEntrypoints(policy.entrypoints),
      dataAddress: policy.dataAddr,
      heapBase: policy.dataHeapPtr,
      pagesLoaded: pagesOf(memory),
      calls,
      evaluations: 0,
    }
  } catch (cause) {
    if (cause instanceof PolicyError) throw cause
    if (outcomeCode(cause) === 'REGO_MEMORY_EXCEEDED') throw memoryExceeded()
    throw new PolicyError('REGO_MODULE_INVALID', 'the module does not start', { cause })
  }
}

function run(instance: Instance, entrypoint: number, input: Uint8Array): RegoOutcome {
  const { exports, memory, calls } = instance
  instance.evaluations += 1
  calls.refused = undefined
  calls.evaluation = new Evaluation(BUDGET, calls.kept, 0)
  exports.opa_heap_ptr_set(instance.heapBase)
  const address = exports.opa_malloc(input.length)
  new Uint8Array(memory.buffer).set(input, address)
  const heap = exports.opa_heap_ptr_get()
  const asValue = 1 // Dumps sets as sets.
  const dumped = exports.opa_eval(
    0,
    entrypoint,
    instance.dataAddress,
    address,
    input.length,
    heap,
    asValue,
  )
  if (calls.refused !== undefined) return refusedOutcome(calls.refused)
  const results = readDump(readText(memory, dumped))
  return resultOutcome(results)
}

/** The module gives a set of one object `{"result": value}`, or an empty set where nothing is defined. */
function resultOutcome(results: Value): RegoOutcome {
  if (!isSet(results) || results.size > 1) {
    return failed('REGO_ABORTED', 'the module gave more than one result, or none of its form')
  }
  const [result] = results.values()
  if (result === undefined) return failed('REGO_UNDEFINED', 'the entry point is undefined')
  const value = isObject(result) ? objectGet(result, 'result') : undefined
  if (value === undefined) {
    return failed('REGO_ABORTED', 'the module gave a result of another form')
  }
  return { value: toJson(value) }
}

function importsOf(memory: WasmMemory, calls: HostCalls): WasmImports {
  const call = (id: number, _context: number, ...operands: number[]): number =>
    callBuiltin(memory, calls, id, operands)
  return {
    env: {
      memory,
      opa_abort: (address: number): never => {
        throw new OpaAbort(readText(memory, address))
      },
      opa_println: (): void => {},
      opa_builtin0: call,
      opa_builtin1: call,
      opa_builtin2: call,
      opa_builtin3: call,
      opa_builtin4: call,
    },
  }
}

/**
 * Runs one built-in. A refusal gives undefined, so that a module compiled with checks reports the place through
 * `countersign.fail`; the evaluation ends in REGO_BUILTIN_ERROR also where it reports none.
 */
function callBuiltin(
  memory: WasmMemory,
  calls: HostCalls,
  id: number,
  operands: readonly number[],
): number {
  const imported = calls.builtins.get(id)
  if (imported === undefined || calls.exports === undefined) {
    throw new OpaAbort('the module called a built-in that it does not import')
  }
  const { exports } = calls
  const values = operands.map((operand) => dumpValue(memory, exports, operand))
  let value: Value | undefined
  try {
    value = imported.builtin(calls.evaluation, ...values)
  } catch (cause) {
    if (cause instanceof BuiltinFailure) throw withRefusal(cause, calls)
    if (!(cause instanceof BuiltinError)) throw cause
    if (imported.strict || !calls.lax)
      calls.refused ??= { builtin: imported.name, message: cause.message }
    return 0
  }
  return value === undefined ? 0 : parseText(memory, exports, writeDump(value))
}

/** The place from the module, the reason from the built-in of ours that refused just before. */
function withRefusal(failure: BuiltinFailure, calls: HostCalls): Error {
  const refused = calls.refused
  if (refused !== undefined && refused.builtin === failure.builtin) {
    failure.message = `${refused.builtin}: ${refused.message}`
  }
  return failure
}

function dumpValue(memory: WasmMemory, exports: OpaExports, value: number): Value {
  const address = exports.opa_value_dump(value)
  const read = readDump(readText(memory, address))
  exports.opa_free(address)
  return read
}

function parseText(memory: WasmMemory, exports: OpaExports, text: string): number {
  const bytes = new TextEncoder().encode(text)
  const address = exports.opa_malloc(bytes.length)
  new Uint8Array(memory.buffer).set(bytes, address)
  const value = exports.opa_value_parse(address, bytes.length)
  exports.opa_free(address)
  if (value === 0) throw new OpaAbort('the module does not read a built-in result')
  return value
}

/** A C string. The dump escapes NUL, so the first zero byte is the end; bytes that are no UTF-8 throw. */
function readText(memory: WasmMemory, address: number): string {
  const bytes = new Uint8Array(memory.buffer)
  const end = bytes.indexOf(0, address)
  if (address <= 0 || end < 0) throw new OpaAbort('the module gave no text')
  return DECODER.decode(bytes.subarray(address, end))
}

const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function checkVersion(exports: WasmInstance['exports']): number {
  const [major, minor] = ['opa_wasm_abi_version', 'opa_wasm_abi_minor_version'].map((name) => {
    const version: unknown = exports[name]
    return version instanceof webAssembly.Global ? Number(version.value) : Number.NaN
  })
  if (major !== 1 || minor === undefined || !(minor >= 2)) {
    throw invalid(`expected ABI 1.2 or later, found ${major}.${minor}`)
  }
  return minor
}

function importedBuiltins(memory: WasmMemory, exports: OpaExports): ReadonlyMap<number, Imported> {
  const names = numbersByName(toJson(dumpValue(memory, exports, exports.builtins())))
  const imported = new Map<number, Imported>()
  const unknown: string[] = []
  for (const [name, id] of names) {
    const found = importedBuiltin(name)
    if (found === undefined) unknown.push(name)
    else imported.set(id, found)
  }
  if (unknown.length > 0) {
    const list = unknown.sort().join(', ')
    throw invalid(`the module imports built-ins that are not supplied: ${list}`)
  }
  return imported
}

function checkedEntrypoints(found: unknown): ReadonlyMap<string, number> {
  const entrypoints = numbersByName(found)
  if (entrypoints.size === 0) throw invalid('the module has no entry point')
  return entrypoints
}

function numbersByName(found: unknown): Map<string, number> {
  if (typeof found !== 'object' || found === null) throw invalid('expected names with numbers')
  return new Map(
    Object.entries(found).map(([name, id]: [string, unknown]) => {
      if (typeof id !== 'number' || !Number.isSafeInteger(id))
        throw invalid('expected names with numbers')
      return [name, id]
    }),
  )
}

function isSpent(instance: Instance, outcome: RegoOutcome): boolean {
  const grown = pagesOf(instance.memory) - instance.pagesLoaded
  // After a failure the state of an instance is anyone's guess; an undefined result is none.
  const broken = 'failed' in outcome && outcome.failed !== 'REGO_UNDEFINED'
  return broken || grown > PAGES_GROWN_MAX || instance.evaluations >= EVALUATIONS_MAX
}

function pagesOf(memory: WasmMemory): number {
  return memory.buffer.byteLength / PAGE_BYTES
}

type FailureCode = Extract<RegoOutcome, { failed: string }>['failed']

function outcomeOf(cause: unknown): RegoOutcome {
  if (cause instanceof BuiltinFailure) {
    return failed('REGO_BUILTIN_ERROR', cause.message, placeOf(cause.site))
  }
  if (cause instanceof EvaluationError) return failed(cause.code, cause.message)
  const code = outcomeCode(cause)
  if (code === 'REGO_MEMORY_EXCEEDED') return failed(code, memoryExceeded().message)
  if (cause instanceof PolicyError) return failed(code, cause.message)
  if (cause instanceof OpaAbort) {
    const [, site = '', message = cause.message] =
      /^(.*:[0-9]+:[0-9]+): (.*)$/s.exec(cause.message) ?? []
    return failed(code, message, placeOf(site))
  }
  return failed(code, 'the module trapped')
}

function outcomeCode(cause: unknown): FailureCode {
  if (cause instanceof PolicyError) {
    return cause.code === 'REGO_MEMORY_EXCEEDED' ? 'REGO_MEMORY_EXCEEDED' : 'REGO_ABORTED'
  }
  const exhausted = cause instanceof OpaAbort && cause.message === 'opa_malloc: failed'
  return exhausted ? 'REGO_MEMORY_EXCEEDED' : 'REGO_ABORTED'
}

function refusedOutcome(refused: { builtin: string; message: string }): RegoOutcome {
  return failed('REGO_BUILTIN_ERROR', `${refused.builtin}: ${refused.message}`)
}

type Place = { readonly file?: string; readonly line?: number; readonly column?: number }

/** `file:row:column`; the file itself may hold colons. */
function placeOf(site: string): Place {
  const parts = /^(.*):([0-9]+):([0-9]+)$/s.exec(site)
  if (parts === null) return {}
  return { file: parts[1] ?? '', line: Number(parts[2]), column: Number(parts[3]) }
}

function failed(code: FailureCode, message: string, place: Place = {}): RegoOutcome {
  return { failed: code, message, ...place }
}

function invalid(message: string): PolicyError {
  return new PolicyError('REGO_MODULE_INVALID', message)
}

function memoryExceeded(): PolicyError {
  return new PolicyError('REGO_MEMORY_EXCEEDED', 'the policy needs more memory than it may have')
}
