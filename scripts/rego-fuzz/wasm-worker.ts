/** Evaluates one policy's questions by opa-wasm, and tells each answer at once. Started by wasm.ts. */
import { parentPort, workerData } from 'node:worker_threads'
import { loadOpaWasm } from '../../src/decide/rego/wasm/opa-wasm.ts'
import type { WasmTask } from './wasm.ts'

const { wasm, data, lax, questions } = workerData as WasmTask
const program = loadOpaWasm({ wasm, data }, { lax })
for (const { path, input } of questions) parentPort?.postMessage(program.evaluate(path, input))
