import type { Value } from '../../values/value.ts'
import type { Der } from './der.ts'
import { OBJECT_IDENTIFIER, readBytes } from './der.ts'

/** An object identifier in dotted decimals. */
export type Oid = string

/** Reads an identifier whose arcs are below 2^31, as Go's `asn1.ObjectIdentifier` holds them. */
export function readOid(der: Der): Oid | undefined {
  const bytes = readBytes(der, OBJECT_IDENTIFIER)
  const arcs = bytes && arcsOf(bytes, SMALL_ARC_BYTES_MAX)
  return arcs?.every((arc) => arc < ARC_MAX) ? arcs.join('.') : undefined
}

/** Identifier of the content of its DER, its arcs of any size; undefined where the bytes are none, or too many. */
export function oidOf(bytes: Uint8Array): Oid | undefined {
  return bytes.length <= OID_BYTES_MAX ? arcsOf(bytes, OID_BYTES_MAX)?.join('.') : undefined
}

/** Whether Go's `asn1.ObjectIdentifier` can hold it. */
export function isSmallOid(oid: Oid): boolean {
  return oid.split('.').every((arc) => arc.length <= 10 && BigInt(arc) < ARC_MAX)
}

/** The identifier as Go writes it to JSON: an array of numbers. */
export function oidValue(oid: Oid): Value {
  return oid.split('.').map(Number)
}

const ARC_MAX = 2n ** 31n
const SMALL_ARC_BYTES_MAX = 5
const OID_BYTES_MAX = 1024 // The arcs of one that is longer would cost the square of its length.

function arcsOf(bytes: Uint8Array, arcBytesMax: number): bigint[] | undefined {
  const arcs: bigint[] = []
  let value = 0n
  let count = 0
  for (const byte of bytes) {
    // The first octet of an arc may not be a leading zero.
    if (count === 0 && byte === 0x80) return undefined
    count += 1
    if (count > arcBytesMax) return undefined
    value = (value << 7n) | BigInt(byte & 0x7f)
    if (byte >= 0x80) continue
    if (arcs.length > 0) arcs.push(value)
    else if (value < 80n) arcs.push(value / 40n, value % 40n)
    else arcs.push(2n, value - 80n)
    value = 0n
    count = 0
  }
  return count === 0 && arcs.length > 0 ? arcs : undefined
}
