import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import type { Term } from '../terms.ts'
import { bounded, refuse, stringOperand } from './operands.ts'

/** `crypto.sha256(text)`: lower-case hexadecimal digest of the UTF-8 bytes. */
export function cryptoSha256(text?: Term): Term {
  return bytesToHex(sha256(new TextEncoder().encode(stringOperand(text, 1))))
}

/** `urlquery.encode(text)`: Go's url.QueryEscape. */
export function urlqueryEncode(text?: Term): Term {
  const out = encodeURIComponent(stringOperand(text, 1))
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+')
  return bounded(out)
}

/**
 * `urlquery.decode(text)`: Go's url.QueryUnescape. Bytes that are no UTF-8 are refused; Go would hand on a string that
 * JSON cannot carry.
 */
export function urlqueryDecode(text?: Term): Term {
  const source = stringOperand(text, 1).replaceAll('+', ' ')
  if (/%(?![0-9A-Fa-f]{2})/.test(source)) throw refuse('operand 1 has a malformed % escape')
  try {
    return decodeURIComponent(source)
  } catch {
    throw refuse('operand 1 decodes to no UTF-8')
  }
}
