import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { parentPort, workerData } from 'node:worker_threads'
import { brotliDecompressSync } from 'node:zlib'
import { createWasi } from './wasi.ts'
import type { WasmMemory, WasmModule } from './web-assembly.ts'
import { webAssembly } from './web-assembly.ts'

/** What the worker is started with: the module, where another worker of the process has compiled it. */
export type WorkerStart = { readonly module?: WasmModule }

/** What the worker is sent: the text of one JSON request. */
export type WorkerCall = { readonly id: number; readonly request: string }

/**
 * What it answers: the text of the JSON answer, with the module if it just compiled that, or why there is none. After a
 * failure the worker is not used again.
 */
export type WorkerAnswer =
  | { readonly id: number; readonly answer: string; readonly module?: WasmModule }
  | { readonly id: number; readonly failure: string }

type Artefact = { readonly sha256: string; readonly bytes: number }

/** The functions of scripts/rego-compiler/main.go. Addresses are of the module's memory, lengths in bytes. */
type Exports = {
  readonly memory: WasmMemory
  _initialize(): void
  rego_alloc(length: number): number
  rego_call(length: number): number
  rego_length(): number
}

const WASI_MODULE = 'wasi_snapshot_preview1'

/** Roughly, bytes of code that a function runs before it is compiled anew. */
const TIERING_BUDGET = 2 ** 31 - 1
/** As Node 24 has it; a flag can be set and not be asked. */
const TIERING_BUDGET_OF_V8 = 13_000_000

type Compiler = (request: string) => string

const given = (workerData as WorkerStart | null)?.module
let fresh: WasmModule | undefined
// At once, not with the first call: whoever starts a worker may have something else to do meanwhile.
const loaded = load()

parentPort?.on('message', ({ id, request }: WorkerCall) => {
  let answer: WorkerAnswer
  try {
    answer = answerTo(id, request)
  } catch (error) {
    answer = { id, failure: error instanceof Error ? error.message : String(error) }
  }
  parentPort?.postMessage(answer)
})

function answerTo(id: number, request: string): WorkerAnswer {
  if ('failure' in loaded) throw loaded.failure
  const answer = loaded.compiler(request)
  const module = fresh
  fresh = undefined
  return module === undefined ? { id, answer } : { id, answer, module }
}

function load(): { readonly compiler: Compiler } | { readonly failure: unknown } {
  try {
    if (given !== undefined) return { compiler: start(given) }
    fresh = compileOnce(unpack())
    return { compiler: start(fresh) }
  } catch (failure) {
    return { failure }
  }
}

/**
 * V8 compiles a function of the module anew, with its optimizing compiler, once it has run a while. Most policies are built
 * before that pays: it took near half of the processor time of a gate, while it saves a fifth of the time that 3,000 rules
 * take. The module keeps the budget that it was made under.
 */
function compileOnce(wasm: Uint8Array): WasmModule {
  setFlagsFromString(`--wasm-tiering-budget=${TIERING_BUDGET}`)
  try {
    return new webAssembly.Module(wasm)
  } finally {
    setFlagsFromString(`--wasm-tiering-budget=${TIERING_BUDGET_OF_V8}`)
  }
}

function start(module: WasmModule): Compiler {
  const names = webAssembly.Module.imports(module).map((i) => {
    if (i.module !== WASI_MODULE) throw new Error(`the compiler imports ${i.module}.${i.name}`)
    return i.name
  })
  const wasi = createWasi(names)
  const instance = new webAssembly.Instance(module, { [WASI_MODULE]: wasi.imports })
  const go = instance.exports as Exports
  wasi.attach(go.memory)
  go._initialize()
  return (request) => {
    const bytes = new TextEncoder().encode(request)
    const input = go.rego_alloc(bytes.length)
    new Uint8Array(go.memory.buffer, input, bytes.length).set(bytes)
    const output = go.rego_call(bytes.length)
    return new TextDecoder().decode(new Uint8Array(go.memory.buffer, output, go.rego_length()))
  }
}

/** Reads the artefact beside this file. @throws when it is not the one that `artefact.json` describes */
function unpack(): Uint8Array {
  const described = JSON.parse(
    readFileSync(new URL('./artefact.json', import.meta.url), 'utf8'),
  ) as Artefact
  const packed = readFileSync(new URL('./opa-compiler.wasm.br', import.meta.url))
  const wasm = brotliDecompressSync(packed, { maxOutputLength: described.bytes })
  const digest = createHash('sha256').update(wasm).digest('hex')
  if (digest !== described.sha256) {
    throw new Error(`opa-compiler.wasm.br holds ${digest}, expected ${described.sha256}`)
  }
  return wasm
}
