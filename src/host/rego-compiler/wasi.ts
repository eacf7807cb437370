import { randomFillSync } from 'node:crypto'
import type { WasmFunctions, WasmMemory } from './web-assembly.ts'

/** What a Go WebAssembly reactor finds around it. */
export type WasiHost = {
  readonly imports: WasmFunctions
  /** Must be called with the instance's memory before the instance runs. */
  attach(memory: WasmMemory): void
}

/** WASI error numbers (wasi_snapshot_preview1, `errno`). */
const SUCCESS = 0
const BADF = 8
const NOSYS = 52

/** Words of a crash that are kept. */
const WRITTEN_CHARS_MAX = 4096
const FD_STDERR = 2
const FILETYPE_CHARACTER_DEVICE = 2
const CLOCK_REALTIME = 0
const CLOCK_RESOLUTION_NS = 1000n

/** Layout of `subscription` and `event` in wasi_snapshot_preview1, in bytes. */
const SUBSCRIPTION_BYTES = 48
const EVENTTYPE_CLOCK = 0
const SUBSCRIPTION_CLOCK_ABSTIME = 1

/**
 * The least of WASI preview 1 that Go's runtime needs: clock, randomness (for hash seeds), timers and a bounded stderr.
 * No file system, network, environment or arguments: every other call answers ENOSYS.
 *
 * @param names - the functions that the module imports from `wasi_snapshot_preview1`
 */
export function createWasi(names: readonly string[]): WasiHost {
  let memory: WasmMemory | undefined
  let text = '' // The beginning of what Go wrote: its words on a crash.
  const buffer = (): ArrayBuffer => {
    if (memory === undefined) throw new Error('the module ran before its memory was attached')
    return memory.buffer
  }
  const view = (): DataView => new DataView(buffer())
  const calls: Record<string, (...args: never[]) => number> = {
    ...emptyLists(view),
    ...clocks(view),
    random_get: (address: number, length: number) => {
      randomFillSync(new Uint8Array(buffer(), address, length))
      return SUCCESS
    },
    fd_write: (_fd: number, vectors: number, count: number, out: number) => {
      const { written, words } = gather(view(), vectors, count)
      text = (text + words).slice(0, WRITTEN_CHARS_MAX)
      view().setUint32(out, written, true)
      return SUCCESS
    },
    fd_fdstat_get: (fd: number, out: number) => {
      if (fd > FD_STDERR) return BADF
      new Uint8Array(buffer(), out, 24).fill(0)
      view().setUint8(out, FILETYPE_CHARACTER_DEVICE)
      return SUCCESS
    },
    fd_fdstat_set_flags: () => SUCCESS,
    fd_prestat_get: () => BADF,
    fd_close: () => SUCCESS,
    sched_yield: () => SUCCESS,
    proc_exit: (code: number) => {
      throw new Error(`the compiler exited with ${code}: ${text}`)
    },
  }
  const imports: WasmFunctions = {}
  for (const name of names) imports[name] = Object.hasOwn(calls, name) ? calls[name] : () => NOSYS
  return {
    imports,
    attach: (m) => {
      memory = m
    },
  }
}

type Calls = Record<string, (...args: never[]) => number>

function emptyLists(view: () => DataView): Calls {
  const sizes = (count: number, bytes: number): number => {
    view().setUint32(count, 0, true)
    view().setUint32(bytes, 0, true)
    return SUCCESS
  }
  return {
    args_sizes_get: sizes,
    args_get: () => SUCCESS,
    environ_sizes_get: sizes,
    environ_get: () => SUCCESS,
  }
}

function clocks(view: () => DataView): Calls {
  return {
    clock_res_get: (_id: number, out: number) => {
      view().setBigUint64(out, CLOCK_RESOLUTION_NS, true)
      return SUCCESS
    },
    clock_time_get: (id: number, _precision: bigint, out: number) => {
      view().setBigUint64(out, now(id), true)
      return SUCCESS
    },
    poll_oneoff: (subscriptions: number, events: number, count: number, out: number) => {
      const first = earliest(view(), subscriptions, count)
      if (first !== undefined) {
        sleep(first.wait)
        new Uint8Array(view().buffer, events, 32).fill(0)
        view().setBigUint64(events, first.userdata, true)
        view().setUint8(events + 10, EVENTTYPE_CLOCK)
      }
      view().setUint32(out, first === undefined ? 0 : 1, true)
      return SUCCESS
    },
  }
}

function now(clock: number): bigint {
  return clock === CLOCK_REALTIME ? BigInt(Date.now()) * 1_000_000n : process.hrtime.bigint()
}

/** Only timers can be waited for: there is nothing else to read from. */
function earliest(
  data: DataView,
  subscriptions: number,
  count: number,
): { wait: bigint; userdata: bigint } | undefined {
  let best: { wait: bigint; userdata: bigint } | undefined
  for (let i = 0; i < count; i++) {
    const at = subscriptions + i * SUBSCRIPTION_BYTES
    if (data.getUint8(at + 8) !== EVENTTYPE_CLOCK) continue
    const timeout = data.getBigUint64(at + 24, true)
    const absolute = (data.getUint16(at + 40, true) & SUBSCRIPTION_CLOCK_ABSTIME) !== 0
    const wait = absolute ? timeout - now(data.getUint32(at + 16, true)) : timeout
    if (best === undefined || wait < best.wait) {
      best = { wait, userdata: data.getBigUint64(at, true) }
    }
  }
  return best
}

/** Go parks its only thread until the next timer; the worker has nothing else to do meanwhile. */
function sleep(nanoseconds: bigint): void {
  if (nanoseconds <= 0n) return
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(nanoseconds) / 1e6)
}

function gather(
  data: DataView,
  vectors: number,
  count: number,
): { written: number; words: string } {
  let written = 0
  let words = ''
  for (let i = 0; i < count; i++) {
    const address = data.getUint32(vectors + i * 8, true)
    const length = data.getUint32(vectors + i * 8 + 4, true)
    words += new TextDecoder().decode(
      new Uint8Array(data.buffer, address, Math.min(length, WRITTEN_CHARS_MAX)),
    )
    written += length
  }
  return { written, words }
}
