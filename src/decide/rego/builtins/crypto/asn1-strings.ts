import { binaryText } from './bytes.ts'

export const UTF8_STRING = 0x0c
export const NUMERIC_STRING = 0x12
export const PRINTABLE_STRING = 0x13
export const T61_STRING = 0x14
export const IA5_STRING = 0x16
export const BMP_STRING = 0x1e

/** Text of the content of an ASN.1 string, by the rules of Go's `crypto/x509`; undefined where it breaks them. */
export function asn1Text(tag: number, bytes: Uint8Array): string | undefined {
  switch (tag) {
    case T61_STRING:
      // Read as Latin-1, as most of the world does.
      return binaryText(bytes)
    case PRINTABLE_STRING:
      return matching(PRINTABLE, bytes)
    case NUMERIC_STRING:
      return matching(NUMERIC, bytes)
    case IA5_STRING:
      return matching(ASCII, bytes)
    case UTF8_STRING:
      return utf8Text(bytes)
    case BMP_STRING:
      return bmpText(bytes)
    default:
      return undefined
  }
}

/** Text of bytes that must be ASCII. */
export function ia5Text(bytes: Uint8Array): string | undefined {
  return matching(ASCII, bytes)
}

// `*` and `&` are not allowed, but common.
const PRINTABLE = /^[a-zA-Z0-9'()+,\-./ :=?*&]*$/
const NUMERIC = /^[0-9 ]*$/
const ASCII = /^[\0-\x7f]*$/

function matching(pattern: RegExp, bytes: Uint8Array): string | undefined {
  const text = binaryText(bytes)
  return pattern.test(text) ? text : undefined
}

function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** UCS-2 without surrogates and noncharacters; one zero at its end is dropped. */
function bmpText(bytes: Uint8Array): string | undefined {
  if (bytes.length % 2 !== 0) return undefined
  const zero = bytes.length >= 2 && bytes.at(-1) === 0 && bytes.at(-2) === 0
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length - (zero ? 2 : 0))
  let text = ''
  for (let at = 0; at < view.byteLength; at += 2) {
    const unit = view.getUint16(at)
    const reserved = unit >= 0xfffe || (unit >= 0xfdd0 && unit <= 0xfdef)
    if (reserved || (unit >= 0xd800 && unit <= 0xdfff)) return undefined
    text += String.fromCharCode(unit)
  }
  return text
}
