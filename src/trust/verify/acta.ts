import { canonicalize } from '../../base/canonical-json.ts'
import { utf8 } from '../../base/digest.ts'
import { decodeHex, encodeHex } from '../../base/encoding.ts'
import { PolicyError } from '../../base/errors.ts'
import { parseJson } from '../../base/json-parse.ts'
import { isJsonObject, type JsonObject, type JsonValue, ownMember } from '../../base/json-value.ts'
import { LOG_ENTRY_BYTES_MAX } from '../../base/limits.ts'
import { ACTA_GENESIS, actaDigest } from '../receipt/acta.ts'
import { verifyEd25519 } from './ed25519.ts'

/** What another gateway's signed decision receipt says, once its signature held. */
export type ActaReceipt = {
  readonly shape: 'chained' | 'passport' | 'decision_receipt'
  readonly decision: string
  /** `service.action`, or one word. */
  readonly tool: string
  /** RFC 3339. */
  readonly at: string
  readonly agent: string | null
  readonly session: string | null
  /** Digest of the arguments, as its issuer makes it. */
  readonly argsDigest: string | null
  /** Null where the shape has no chain. */
  readonly link: {
    readonly sequence: number
    readonly previous: string
    readonly digest: string
  } | null
}

/**
 * Verifies a signed decision receipt in one of the shapes that are in use: the chained envelope of sb-runtime, the
 * payload with a signature object of protect-mcp-adk, and the `decision_receipt` of protect-mcp and APS. The key is the
 * caller's: one that travels inside the receipt must be the same.
 *
 * @param publicKey - Ed25519, 32 bytes
 * @throws {PolicyError} RECEIPT_INVALID, SIGNATURE_WRONG, KEY_NOT_PINNED
 */
export function verifyActa(text: string, publicKey: Uint8Array): ActaReceipt {
  const receipt = parseReceipt(text)
  const { signed, signature } = partsOf(receipt, publicKey)
  if (!verifyEd25519(publicKey, utf8(canonicalize(signed)), signature)) {
    throw new PolicyError(
      'SIGNATURE_WRONG',
      'the signature is not one of this key over this receipt',
    )
  }
  return read(receipt)
}

/**
 * Checks that receipts follow each other: the first names none before it, each later one the digest of the one before,
 * and their numbers rise. By how much is left open: protect-mcp-adk 0.1.0 counts by two.
 *
 * @throws {PolicyError} RECEIPT_INVALID
 */
export function checkActaChain(receipts: readonly ActaReceipt[]): void {
  let [previous, number] = [ACTA_GENESIS, 0]
  for (const [at, { link }] of receipts.entries()) {
    if (link === null) throw invalid(`a chain; receipt ${at + 1} has no link`)
    if (link.previous !== previous) {
      throw invalid(`receipt ${at + 1} to name ${previous} as the one before it`)
    }
    if (!(link.sequence > number))
      throw invalid(`receipt ${at + 1} to have a number above ${number}`)
    previous = link.digest
    number = link.sequence
  }
}

function parseReceipt(text: string): JsonObject {
  let value: JsonValue
  try {
    value = parseJson(text, { bytesMax: LOG_ENTRY_BYTES_MAX, depthMax: 16 })
  } catch (cause) {
    throw new PolicyError('RECEIPT_INVALID', 'expected strict JSON', { cause })
  }
  return objectOf(value, 'a receipt')
}

/** What the signature is over, by shape. */
function partsOf(
  receipt: JsonObject,
  publicKey: Uint8Array,
): { readonly signed: JsonObject; readonly signature: Uint8Array } {
  const signature = ownMember(receipt, 'signature')
  const payload = objectOf(ownMember(receipt, 'payload'), 'a payload')
  const embedded = ownMember(receipt, 'pubkey')
  if (embedded !== undefined) {
    if (!sameKey(embedded, publicKey)) {
      throw new PolicyError('KEY_NOT_PINNED', 'the receipt carries another key than the one given')
    }
    return { signed: payload, signature: hexOf(signature) }
  }
  if (typeof signature === 'object') {
    const parts = objectOf(signature, 'a signature')
    if (ownMember(parts, 'alg') !== 'EdDSA') throw invalid('the algorithm EdDSA')
    return { signed: payload, signature: hexOf(ownMember(parts, 'sig')) }
  }
  if (
    ownMember(receipt, 'type') !== 'decision_receipt' ||
    ownMember(receipt, 'algorithm') !== 'ed25519'
  ) {
    throw invalid('a shape of receipt that is known here')
  }
  const { signature: _, ...signed } = receipt
  return { signed, signature: hexOf(signature) }
}

function read(receipt: JsonObject): ActaReceipt {
  const payload = objectOf(ownMember(receipt, 'payload'), 'a payload')
  if (ownMember(receipt, 'pubkey') !== undefined) return readChained(payload)
  if (typeof ownMember(receipt, 'signature') === 'object') return readPassport(payload)
  return {
    shape: 'decision_receipt',
    decision: textOf(payload, 'decision'),
    tool: textOf(payload, 'tool'),
    at: textOf(receipt, 'issued_at'),
    agent: optional(payload, 'agent_id'),
    session: optional(payload, 'session_id'),
    argsDigest: optional(payload, 'params_hash'),
    link: null,
  }
}

function readChained(payload: JsonObject): ActaReceipt {
  const context = ownMember(payload, 'context')
  const said = context === undefined ? {} : objectOf(context, 'a context')
  return {
    shape: 'chained',
    decision: textOf(payload, 'decision'),
    tool: textOf(objectOf(ownMember(payload, 'action'), 'an action'), 'target'),
    at: textOf(payload, 'timestamp'),
    agent: optional(said, 'agent_id'),
    session: optional(said, 'session_id'),
    argsDigest: optional(said, 'params_hash'),
    link: linkOf(payload, textOf(payload, 'prev_hash')),
  }
}

function readPassport(payload: JsonObject): ActaReceipt {
  return {
    shape: 'passport',
    decision: textOf(payload, 'decision'),
    tool: textOf(payload, 'tool_name'),
    at: textOf(payload, 'issued_at'),
    agent: optional(payload, 'agent_name'),
    session: optional(payload, 'session_id'),
    argsDigest: optional(payload, 'tool_input_hash'),
    link: linkOf(payload, optional(payload, 'previousReceiptHash') ?? ACTA_GENESIS),
  }
}

function linkOf(payload: JsonObject, previous: string): ActaReceipt['link'] {
  const sequence = ownMember(payload, 'sequence')
  if (typeof sequence !== 'number') throw invalid('a number as its sequence')
  return { sequence, previous, digest: actaDigest(payload) }
}

function sameKey(text: JsonValue, publicKey: Uint8Array): boolean {
  return typeof text === 'string' && encodeHex(publicKey) === text
}

function hexOf(value: JsonValue | undefined): Uint8Array {
  try {
    if (typeof value === 'string') return decodeHex(value)
  } catch {
    // Said below.
  }
  throw invalid('a signature in hexadecimal')
}

function textOf(object: JsonObject, name: string): string {
  const value = ownMember(object, name)
  if (typeof value === 'string' && value !== '') return value
  throw invalid(`a text as its ${name}`)
}

function optional(object: JsonObject, name: string): string | null {
  const value = ownMember(object, name)
  return typeof value === 'string' && value !== '' ? value : null
}

function objectOf(value: JsonValue | undefined, what: string): JsonObject {
  if (isJsonObject(value)) return value
  throw invalid(`${what} that is an object`)
}

function invalid(expected: string): PolicyError {
  return new PolicyError('RECEIPT_INVALID', `expected ${expected}`)
}
