// DER (X.690), as far as certificates and time stamps need it.

export type DerNode = {
  readonly tag: number
  readonly value: Uint8Array
  readonly whole: Uint8Array
}

export function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const value = Buffer.concat(parts)
  return Buffer.concat([Uint8Array.of(tag), lengthOf(value.length), value])
}

function lengthOf(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length)
  const bytes: number[] = []
  for (let rest = length; rest > 0; rest >>= 8) bytes.unshift(rest & 0xff)
  return Uint8Array.of(0x80 | bytes.length, ...bytes)
}

export function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return der(0x30, ...parts)
}

export function set(...parts: readonly Uint8Array[]): Uint8Array {
  return der(0x31, ...parts)
}

/** A positive integer from its bytes. */
export function integer(...bytes: readonly number[]): Uint8Array {
  const [first = 0] = bytes
  return der(0x02, Uint8Array.from(first >= 0x80 ? [0, ...bytes] : bytes))
}

export function octets(...parts: readonly Uint8Array[]): Uint8Array {
  return der(0x04, ...parts)
}

export function bits(bytes: Uint8Array): Uint8Array {
  return der(0x03, Uint8Array.of(0), bytes)
}

export function utf8String(text: string): Uint8Array {
  return der(0x0c, Buffer.from(text))
}

export const TRUE = der(0x01, Uint8Array.of(0xff))

export function oid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const bytes = [first * 40 + second]
  for (const number of rest) {
    const groups: number[] = []
    for (let left = number; left > 0 || groups.length === 0; left = Math.floor(left / 128)) {
      groups.unshift((left % 128) | (groups.length === 0 ? 0 : 0x80))
    }
    bytes.push(...groups)
  }
  return der(0x06, Uint8Array.from(bytes))
}

/** UTCTime for certificates; whole seconds. */
export function utcTime(ms: number): Uint8Array {
  return der(0x17, Buffer.from(`${digitsOf(ms).slice(2)}Z`))
}

/** GeneralizedTime for time stamps; whole seconds. */
export function generalizedTime(ms: number): Uint8Array {
  return der(0x18, Buffer.from(`${digitsOf(ms)}Z`))
}

function digitsOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')
}

/** The nodes that stand one after another. */
export function readDer(bytes: Uint8Array): DerNode[] {
  const nodes: DerNode[] = []
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at] ?? 0
    let length = bytes[at + 1] ?? 0
    let start = at + 2
    if (length >= 0x80) {
      const count = length & 0x7f
      length = 0
      for (let i = 0; i < count; i++) length = length * 256 + (bytes[start + i] ?? 0)
      start += count
    }
    const end = start + length
    nodes.push({ tag, value: bytes.subarray(start, end), whole: bytes.subarray(at, end) })
    at = end
  }
  return nodes
}
