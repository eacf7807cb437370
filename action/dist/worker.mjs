import { createRequire as createRequireOfBundle } from 'node:module'
const require = createRequireOfBundle(import.meta.url)


// src/host/rego-compiler/worker.ts
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { parentPort, workerData } from "node:worker_threads";
import { brotliDecompressSync } from "node:zlib";

// src/host/rego-compiler/wasi.ts
import { randomFillSync } from "node:crypto";
var SUCCESS = 0;
var BADF = 8;
var NOSYS = 52;
var WRITTEN_CHARS_MAX = 4096;
var FD_STDERR = 2;
var FILETYPE_CHARACTER_DEVICE = 2;
var CLOCK_REALTIME = 0;
var CLOCK_RESOLUTION_NS = 1000n;
var SUBSCRIPTION_BYTES = 48;
var EVENTTYPE_CLOCK = 0;
var SUBSCRIPTION_CLOCK_ABSTIME = 1;
function createWasi(names) {
  let memory;
  let text = "";
  const buffer = () => {
    if (memory === void 0) throw new Error("the module ran before its memory was attached");
    return memory.buffer;
  };
  const view = () => new DataView(buffer());
  const calls = {
    ...emptyLists(view),
    ...clocks(view),
    random_get: (address, length) => {
      randomFillSync(new Uint8Array(buffer(), address, length));
      return SUCCESS;
    },
    fd_write: (_fd, vectors, count, out) => {
      const { written, words } = gather(view(), vectors, count);
      text = (text + words).slice(0, WRITTEN_CHARS_MAX);
      view().setUint32(out, written, true);
      return SUCCESS;
    },
    fd_fdstat_get: (fd, out) => {
      if (fd > FD_STDERR) return BADF;
      new Uint8Array(buffer(), out, 24).fill(0);
      view().setUint8(out, FILETYPE_CHARACTER_DEVICE);
      return SUCCESS;
    },
    fd_fdstat_set_flags: () => SUCCESS,
    fd_prestat_get: () => BADF,
    fd_close: () => SUCCESS,
    sched_yield: () => SUCCESS,
    proc_exit: (code) => {
      throw new Error(`the compiler exited with ${code}: ${text}`);
    }
  };
  const imports = {};
  for (const name of names) imports[name] = Object.hasOwn(calls, name) ? calls[name] : () => NOSYS;
  return {
    imports,
    attach: (m) => {
      memory = m;
    }
  };
}
function emptyLists(view) {
  const sizes = (count, bytes) => {
    view().setUint32(count, 0, true);
    view().setUint32(bytes, 0, true);
    return SUCCESS;
  };
  return {
    args_sizes_get: sizes,
    args_get: () => SUCCESS,
    environ_sizes_get: sizes,
    environ_get: () => SUCCESS
  };
}
function clocks(view) {
  return {
    clock_res_get: (_id, out) => {
      view().setBigUint64(out, CLOCK_RESOLUTION_NS, true);
      return SUCCESS;
    },
    clock_time_get: (id, _precision, out) => {
      view().setBigUint64(out, now(id), true);
      return SUCCESS;
    },
    poll_oneoff: (subscriptions, events, count, out) => {
      const first = earliest(view(), subscriptions, count);
      if (first !== void 0) {
        sleep(first.wait);
        new Uint8Array(view().buffer, events, 32).fill(0);
        view().setBigUint64(events, first.userdata, true);
        view().setUint8(events + 10, EVENTTYPE_CLOCK);
      }
      view().setUint32(out, first === void 0 ? 0 : 1, true);
      return SUCCESS;
    }
  };
}
function now(clock) {
  return clock === CLOCK_REALTIME ? BigInt(Date.now()) * 1000000n : process.hrtime.bigint();
}
function earliest(data, subscriptions, count) {
  let best;
  for (let i = 0; i < count; i++) {
    const at = subscriptions + i * SUBSCRIPTION_BYTES;
    if (data.getUint8(at + 8) !== EVENTTYPE_CLOCK) continue;
    const timeout = data.getBigUint64(at + 24, true);
    const absolute = (data.getUint16(at + 40, true) & SUBSCRIPTION_CLOCK_ABSTIME) !== 0;
    const wait = absolute ? timeout - now(data.getUint32(at + 16, true)) : timeout;
    if (best === void 0 || wait < best.wait) {
      best = { wait, userdata: data.getBigUint64(at, true) };
    }
  }
  return best;
}
function sleep(nanoseconds) {
  if (nanoseconds <= 0n) return;
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(nanoseconds) / 1e6);
}
function gather(data, vectors, count) {
  let written = 0;
  let words = "";
  for (let i = 0; i < count; i++) {
    const address = data.getUint32(vectors + i * 8, true);
    const length = data.getUint32(vectors + i * 8 + 4, true);
    words += new TextDecoder().decode(
      new Uint8Array(data.buffer, address, Math.min(length, WRITTEN_CHARS_MAX))
    );
    written += length;
  }
  return { written, words };
}

// src/host/rego-compiler/web-assembly.ts
var webAssembly = globalThis.WebAssembly;

// src/host/rego-compiler/worker.ts
var WASI_MODULE = "wasi_snapshot_preview1";
var TIERING_BUDGET = 2 ** 31 - 1;
var TIERING_BUDGET_OF_V8 = 13e6;
var given = workerData?.module;
var fresh;
var loaded = load();
parentPort?.on("message", ({ id, request }) => {
  let answer;
  try {
    answer = answerTo(id, request);
  } catch (error) {
    answer = { id, failure: error instanceof Error ? error.message : String(error) };
  }
  parentPort?.postMessage(answer);
});
function answerTo(id, request) {
  if ("failure" in loaded) throw loaded.failure;
  const answer = loaded.compiler(request);
  const module = fresh;
  fresh = void 0;
  return module === void 0 ? { id, answer } : { id, answer, module };
}
function load() {
  try {
    if (given !== void 0) return { compiler: start(given) };
    fresh = compileOnce(unpack());
    return { compiler: start(fresh) };
  } catch (failure) {
    return { failure };
  }
}
function compileOnce(wasm) {
  setFlagsFromString(`--wasm-tiering-budget=${TIERING_BUDGET}`);
  try {
    return new webAssembly.Module(wasm);
  } finally {
    setFlagsFromString(`--wasm-tiering-budget=${TIERING_BUDGET_OF_V8}`);
  }
}
function start(module) {
  const names = webAssembly.Module.imports(module).map((i) => {
    if (i.module !== WASI_MODULE) throw new Error(`the compiler imports ${i.module}.${i.name}`);
    return i.name;
  });
  const wasi = createWasi(names);
  const instance = new webAssembly.Instance(module, { [WASI_MODULE]: wasi.imports });
  const go = instance.exports;
  wasi.attach(go.memory);
  go._initialize();
  return (request) => {
    const bytes = new TextEncoder().encode(request);
    const input = go.rego_alloc(bytes.length);
    new Uint8Array(go.memory.buffer, input, bytes.length).set(bytes);
    const output = go.rego_call(bytes.length);
    return new TextDecoder().decode(new Uint8Array(go.memory.buffer, output, go.rego_length()));
  };
}
function unpack() {
  const described = JSON.parse(
    readFileSync(new URL("./artefact.json", import.meta.url), "utf8")
  );
  const packed = readFileSync(new URL("./opa-compiler.wasm.br", import.meta.url));
  const wasm = brotliDecompressSync(packed, { maxOutputLength: described.bytes });
  const digest = createHash("sha256").update(wasm).digest("hex");
  if (digest !== described.sha256) {
    throw new Error(`opa-compiler.wasm.br holds ${digest}, expected ${described.sha256}`);
  }
  return wasm;
}
