import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { brotliDecompressSync } from 'node:zlib'
import { createWasi } from './wasi.ts'
import type { WasmMemory, WasmModule } from './web-assembly.ts'
import { webAssembly } from './web-assembly.ts'

export type WorkerStart = {
  /** Where another worker of the process has compiled it. */
  readonly module?: WasmModule
  /** Whether to build something before the first call comes: the module's functions are compiled as they are first run. */
  readonly rehearse?: boolean
}

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

/** What a policy's package is like, so that its own build finds compiled what it needs. */
const REHEARSAL = JSON.stringify({
  op: 'build',
  files: {
    'rehearsal.rego':
      'package rehearsal\n\ndeny contains {"msg": input.a} if some_in(input.b)\n\nsome_in(list) if {\n\tsome one in list\n\tone.c in {"d", "e"}\n\tnot startswith(one.f, "g")\n}\n',
    'data.json': '{}',
  },
  host_builtins: [],
  entrypoints: ['rehearsal/deny'],
  tests: false,
})

const WASI_MODULE = 'wasi_snapshot_preview1'

type Compiler = (request: string) => string

const { module: given, rehearse = false } = (workerData ?? {}) as WorkerStart
let fresh: WasmModule | undefined
// At once, not with the first call: whoever starts a worker may have something else to do meanwhile.
const loaded = load()
if (rehearse && 'compiler' in loaded) loaded.compiler(REHEARSAL)

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
    fresh = new webAssembly.Module(unpack())
    return { compiler: start(fresh) }
  } catch (failure) {
    return { failure }
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
