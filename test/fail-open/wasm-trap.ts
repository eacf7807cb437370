/**
 * Changes a WebAssembly module so that one of its functions traps. Reads no more of the format than that takes
 * (https://webassembly.github.io/spec/core/binary/modules.html).
 */

/** The functions that a module exports, sorted. */
export function exportedFunctions(wasm: Uint8Array): readonly string[] {
  return [...exportsOf(wasm).keys()].sort()
}

/** The module with `unreachable` as the whole of one exported function. */
export function withTrap(wasm: Uint8Array, name: string): Uint8Array {
  const index = exportsOf(wasm).get(name)
  const body = index === undefined ? undefined : bodiesOf(wasm)[index - importedOf(wasm)]
  if (body === undefined) throw new Error(`the module exports no function ${name} of its own`)
  const copy = wasm.slice()
  copy.fill(NOP, body.start, body.end)
  copy[body.start] = 0 // No locals.
  copy[body.start + 1] = UNREACHABLE
  copy[body.end - 1] = END
  return copy
}

const UNREACHABLE = 0x00
const NOP = 0x01
const END = 0x0b

const SECTION = { import: 2, export: 7, code: 10 } as const
const FUNCTION = 0

type Reader = { readonly bytes: Uint8Array; at: number }

function sectionOf(wasm: Uint8Array, id: number): Reader {
  const reader: Reader = { bytes: wasm, at: 8 }
  while (reader.at < wasm.length) {
    const found = wasm[reader.at]
    reader.at += 1
    const size = unsigned(reader)
    if (found === id) return reader
    reader.at += size
  }
  throw new Error(`the module has no section ${id}`)
}

function unsigned(reader: Reader): number {
  let value = 0
  for (let shift = 0; ; shift += 7) {
    const byte = reader.bytes[reader.at] ?? 0
    reader.at += 1
    value += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) return value
  }
}

function text(reader: Reader): string {
  const length = unsigned(reader)
  reader.at += length
  return new TextDecoder().decode(reader.bytes.subarray(reader.at - length, reader.at))
}

function exportsOf(wasm: Uint8Array): Map<string, number> {
  const reader = sectionOf(wasm, SECTION.export)
  const found = new Map<string, number>()
  for (let left = unsigned(reader); left > 0; left--) {
    const name = text(reader)
    const kind = reader.bytes[reader.at]
    reader.at += 1
    const index = unsigned(reader)
    if (kind === FUNCTION) found.set(name, index)
  }
  return found
}

/** How many functions come from outside: they are counted first. */
function importedOf(wasm: Uint8Array): number {
  const reader = sectionOf(wasm, SECTION.import)
  let functions = 0
  for (let left = unsigned(reader); left > 0; left--) {
    text(reader)
    text(reader)
    const kind = reader.bytes[reader.at]
    reader.at += 1
    if (kind === FUNCTION) {
      functions += 1
      unsigned(reader)
    } else skipLimits(reader, kind)
  }
  return functions
}

/** What is imported beside functions: a table, the memory or a global. */
function skipLimits(reader: Reader, kind: number | undefined): void {
  if (kind === 3) {
    reader.at += 2
    return
  }
  if (kind === 1) reader.at += 1
  const flags = unsigned(reader)
  unsigned(reader)
  if (flags % 2 === 1) unsigned(reader)
}

function bodiesOf(wasm: Uint8Array): { readonly start: number; readonly end: number }[] {
  const reader = sectionOf(wasm, SECTION.code)
  const count = unsigned(reader)
  return Array.from({ length: count }, () => {
    const size = unsigned(reader)
    const start = reader.at
    reader.at += size
    return { start, end: reader.at }
  })
}
