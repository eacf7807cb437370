import { addressText, parseAddress } from '../net-address.ts'
import { wholeBytes, wholeOf } from './bytes.ts'

/** Bytes of an address in text, four for IPv4, also where it is written within IPv6; undefined for no address. */
export function ipBytesOf(text: string): Uint8Array | undefined {
  const address = parseAddress(text)
  if (address === undefined || address.zone !== '') return undefined
  return wholeBytes(address.value, address.family === 4 ? 4 : 16)
}

/** An address of 4 or 16 bytes as Go writes it. */
export function ipText(bytes: Uint8Array): string {
  const short = shortIp(bytes)
  return addressText({ family: short.length === 4 ? 4 : 6, value: wholeOf(short) })
}

/** IPv4 within IPv6 as IPv4. */
export function shortIp(bytes: Uint8Array): Uint8Array {
  const mapped = bytes.length === 16 && wholeOf(bytes.subarray(0, 12)) === 0xffffn
  return mapped ? bytes.subarray(12) : bytes
}
