import { crc32, deflateRawSync, deflateSync } from 'node:zlib'

/** Small files for tests, made by hand or by Node's zlib, never by our own code. */

export const bytes = (...parts: (string | Uint8Array | number[])[]): Uint8Array =>
  Buffer.concat(
    parts.map((part) =>
      typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part),
    ),
  )

const u32 = (value: number) => {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32BE(value)
  return buffer
}

export function pngChunk(name: string, data: Uint8Array): Uint8Array {
  const body = bytes(name, data)
  return bytes(u32(data.length), body, u32(crc32(body)))
}

export function png(
  options: { width?: number; height?: number; chunks?: readonly Uint8Array[]; after?: string } = {},
): Uint8Array {
  const { width = 1, height = 1, chunks = [], after = '' } = options
  return bytes(
    '\x89PNG\r\n\x1a\n',
    pngChunk('IHDR', bytes(u32(width), u32(height), [8, 0, 0, 0, 0])),
    ...chunks,
    pngChunk('IDAT', deflateSync(Buffer.alloc(2))),
    pngChunk('IEND', new Uint8Array()),
    after,
  )
}

export const textChunk = (length: number) =>
  pngChunk('zTXt', bytes('Comment\0\0', deflateSync(Buffer.alloc(length, 0x20))))

/** GIF89a with frames of one pixel on a screen of the given size. */
export function gif({ width = 1, height = 1, frames = 1, after = '' } = {}): Uint8Array {
  const size = [width & 255, width >> 8, height & 255, height >> 8]
  const frame = [0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0]
  const head = bytes('GIF89a', size, [0x80, 0, 0], [0, 0, 0, 255, 255, 255])
  return bytes(head, ...Array.from({ length: frames }, () => frame), ';', after)
}

/** JPEG up to its scan: enough for its header. */
export function jpeg({ width = 1, height = 1 } = {}): Uint8Array {
  const frame = [
    0xff,
    0xc0,
    0,
    11,
    8,
    height >> 8,
    height & 255,
    width >> 8,
    width & 255,
    1,
    1,
    0x11,
    0,
  ]
  const app = [0xff, 0xe0, 0, 16, 0x4a, 0x46, 0x49, 0x46, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0]
  return bytes([0xff, 0xd8], app, frame, [0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 1, 2, 3, 0xff, 0xd9])
}

export type ZipPart = {
  readonly name: string
  readonly data: Uint8Array
  readonly method?: number
  readonly flags?: number
  /** What the headers claim that it unpacks to. Default: the truth. */
  readonly claim?: number
}

export function zip(parts: readonly ZipPart[], comment = ''): Uint8Array {
  const locals: Uint8Array[] = []
  const central: Uint8Array[] = []
  let at = 0
  for (const { name, data, method = 8, flags = 0, claim = data.length } of parts) {
    const packed = method === 8 ? deflateRawSync(data) : data
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt16LE(flags, 2)
    common.writeUInt16LE(method, 4)
    common.writeUInt32LE(crc32(data), 10)
    common.writeUInt32LE(packed.length, 14)
    common.writeUInt32LE(claim, 18)
    common.writeUInt16LE(name.length, 22)
    const local = bytes('PK\x03\x04', common, name, packed)
    const rest = Buffer.alloc(14)
    rest.writeUInt32LE(at, 10)
    central.push(bytes('PK\x01\x02', [20, 0], common, rest, name))
    locals.push(local)
    at += local.length
  }
  const directory = Buffer.concat(central)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(parts.length, 4)
  end.writeUInt16LE(parts.length, 6)
  end.writeUInt32LE(directory.length, 8)
  end.writeUInt32LE(at, 12)
  end.writeUInt16LE(comment.length, 16)
  return bytes(Buffer.concat(locals), directory, 'PK\x05\x06', end, comment)
}

export const SVG = '<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>'

export const base64 = (content: Uint8Array | string) =>
  Buffer.from(content as string, 'latin1').toString('base64')

export const dataUri = (type: string, content: Uint8Array | string) =>
  `data:${type};base64,${base64(content)}`
