/** The part of the WebAssembly JavaScript interface that the compiler's worker uses: Node's types do not declare it. */
export type WasmMemory = { readonly buffer: ArrayBuffer }
export type WasmFunctions = Record<string, unknown>

/** A compiled module: other threads take it as a message. */
export type WasmModule = { readonly wasmModule: unique symbol }

type WebAssemblyInterface = {
  readonly Module: {
    new (bytes: Uint8Array): WasmModule
    imports(module: WasmModule): readonly { readonly module: string; readonly name: string }[]
  }
  readonly Instance: new (
    module: WasmModule,
    imports: Readonly<Record<string, WasmFunctions>>,
  ) => { readonly exports: unknown }
}

export const webAssembly: WebAssemblyInterface = (
  globalThis as unknown as { readonly WebAssembly: WebAssemblyInterface }
).WebAssembly
