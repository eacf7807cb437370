import { wholeNumber } from '../values/number.ts'
import type { Value } from '../values/value.ts'
import { objectOf } from '../values/value.ts'
import type { BuiltinFamily } from './builtin.ts'
import { stringOperand } from './builtin.ts'

/** UUIDs, RFC 4122. Random ones are not supplied. */
export const UUID: BuiltinFamily = {
  'uuid.parse': (_call, text) => uuidParse(stringOperand(text, 1)),
}

/**
 * Version and variant, and of versions 1 and 2 what else their fields say. Undefined for what is no UUID: as with Go's
 * google/uuid, it may have no dashes, stand after `urn:uuid:`, or between any two characters.
 */
function uuidParse(text: string): Value | undefined {
  const digits = hexOf(text)
  if (digits === undefined) return undefined
  const fields = BigInt(`0x${digits}`)
  const byte = (at: number): number => Number.parseInt(digits.slice(2 * at, 2 * at + 2), 16)
  const version = byte(6) >> 4
  const entries: [string, Value][] = [
    ['version', version],
    ['variant', variantOf(byte(8))],
  ]
  if (version === 1 || version === 2) {
    const node = digits.slice(20)
    entries.push(
      ['time', wholeNumber(nanoseconds(fields))],
      ['nodeid', (node.match(/../g) ?? []).join('-')],
      ['macvariables', addressKind(byte(10))],
      ['clocksequence', ((byte(8) << 8) | byte(9)) & 0x3fff],
    )
  }
  if (version === 2) {
    entries.push(['id', Number.parseInt(digits.slice(0, 8), 16)], ['domain', domainOf(byte(9))])
  }
  return objectOf(entries)
}

const DASHED = /^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})/i
const PLAIN = /^[0-9a-f]{32}$/i
/** Units of 100 ns from the start of the Gregorian calendar, 15 October 1582, to 1970. */
const GREGORIAN = 0x01b21dd213814000n

/** The 32 digits in lower case. */
function hexOf(text: string): string | undefined {
  if (PLAIN.test(text)) return text.toLowerCase()
  const start = [36, 38, 45].indexOf(text.length)
  if (start < 0 || /\P{ASCII}/u.test(text)) return undefined
  if (start === 2 && !/^urn:uuid:/i.test(text)) return undefined
  return DASHED.exec(text.slice([0, 1, 9][start]))
    ?.slice(1)
    .join('')
    .toLowerCase()
}

function variantOf(byte: number): string {
  if ((byte & 0xc0) === 0x80) return 'RFC4122'
  if ((byte & 0xe0) === 0xc0) return 'Microsoft'
  return (byte & 0xe0) === 0xe0 ? 'Future' : 'Reserved'
}

function nanoseconds(fields: bigint): bigint {
  const low = fields >> 96n
  const middle = (fields >> 80n) & 0xffffn
  const high = (fields >> 64n) & 0xfffn
  const units = ((high << 48n) | (middle << 32n) | low) - GREGORIAN
  return BigInt.asIntN(64, units * 100n)
}

/** What the two lowest bits of a MAC address's first byte say (RFC 7042, section 2.1). */
function addressKind(byte: number): string {
  return `${(byte & 2) === 0 ? 'global' : 'local'}:${(byte & 1) === 0 ? 'unicast' : 'multicast'}`
}

function domainOf(byte: number): string {
  return ['Person', 'Group', 'Org'][byte] ?? `Domain${byte}`
}
