/**
 * The part of the WebAssembly JavaScript interface that the host uses. Node's types do not declare it, and the DOM
 * library would bring the whole browser.
 */
export type WasmModule = { readonly wasmModule: unique symbol }
export type WasmMemory = { readonly buffer: ArrayBuffer }
export type WasmInstance = { readonly exports: Readonly<Record<string, unknown>> }
export type WasmImports = Readonly<Record<string, Readonly<Record<string, unknown>>>>

type WebAssemblyInterface = {
  readonly Module: {
    new (bytes: Uint8Array): WasmModule
    exports(module: WasmModule): readonly { readonly name: string; readonly kind: string }[]
  }
  readonly Memory: new (limits: {
    readonly initial: number
    readonly maximum: number
  }) => WasmMemory
  readonly Instance: new (module: WasmModule, imports: WasmImports) => WasmInstance
  readonly Global: new (...options: never[]) => { readonly value: unknown }
}

export const webAssembly: WebAssemblyInterface = (
  globalThis as unknown as { readonly WebAssembly: WebAssemblyInterface }
).WebAssembly
