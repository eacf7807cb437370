import type { Value } from '../values/value.ts'
import {
  compareStrings,
  isArray,
  isObject,
  isSet,
  objectEntries,
  RegoSet,
  setOf,
} from '../values/value.ts'
import type { BuiltinFamily, Call } from './builtin.ts'
import { BuiltinError, stringOperand } from './builtin.ts'
import type { Address, Network } from './net-address.ts'
import {
  addressText,
  bitsOf,
  holds,
  networkText,
  parseAddress,
  parseNetwork,
  sizeOf,
} from './net-address.ts'
import { mergeNetworks } from './net-merge.ts'

/** Blocks of IP addresses, RFC 4632, by Go's rules for their text. */
export const NET: BuiltinFamily = {
  'net.cidr_contains': cidrContains,
  'net.cidr_overlap': cidrContains, // Its old name.
  'net.cidr_contains_matches': cidrContainsMatches,
  'net.cidr_intersects': cidrIntersects,
  'net.cidr_expand': cidrExpand,
  'net.cidr_is_valid': (call, cidr) => {
    call.work(PARSE_WORK)
    return typeof cidr === 'string' && parseNetwork(cidr) !== undefined
  },
  'net.cidr_merge': cidrMerge,
}

/** Units of work that reading an address takes. */
const PARSE_WORK = 64

/** Units of work that an expanded address takes, by its family. */
const EXPAND_WORK = { 4: 24, 6: 80 }

/** Addresses that one block may be expanded to. */
const EXPANDED_MAX = 262_144

function cidrContains(call: Call, cidr?: Value, other?: Value): boolean {
  const network = networkOperand(call, cidr, 1)
  return covers(network, blockOperand(call, other, 2))
}

function cidrIntersects(call: Call, a?: Value, b?: Value): boolean {
  const [left, right] = [networkOperand(call, a, 1), networkOperand(call, b, 2)]
  return holds(left, right) || holds(right, left)
}

/**
 * All pairs of an element of the first and one of the second that it contains, each by its index, key or itself. What
 * is wrong is found in OPA's order: an element is looked at when its turn comes, and need be no address where it is
 * compared with nothing.
 */
function cidrContainsMatches(call: Call, cidrs?: Value, others?: Value): Value {
  const [left, right] = [entriesOf(call, cidrs), entriesOf(call, others)]
  call.work(3 * left.length * right.length)
  const matches = new RegoSet()
  const blocks: Network[] = []
  for (const [item, index] of left) {
    const text = elementOf(item, 1)
    let network: Network | undefined
    for (const [to, [other, key]] of right.entries()) {
      const otherText = to < blocks.length ? null : elementOf(other, 2)
      network ??= networkOperand(call, text, 1)
      if (otherText !== null) blocks.push(blockOperand(call, otherText, 2))
      if (!covers(network, blocks[to] as Network)) continue
      call.output(64)
      call.work(24)
      matches.add([index, key])
    }
  }
  return matches
}

function cidrExpand(call: Call, cidr?: Value): Value {
  const network = networkOperand(call, cidr, 1)
  const size = sizeOf(network)
  const count = Number(size)
  call.work(EXPAND_WORK[network.family] * count)
  call.output(2 * bitsOf(network.family) * count)
  if (count > EXPANDED_MAX) {
    throw new BuiltinError(`operand 1 has more than ${EXPANDED_MAX} addresses`)
  }
  const addresses = new RegoSet()
  for (let at = 0n; at < size; at++) {
    addresses.add(addressText({ family: network.family, value: network.value + at }))
  }
  return addresses
}

function cidrMerge(call: Call, list?: Value): Value {
  if (!isArray(list) && !isSet(list)) throw new BuiltinError('operand must be an array')
  const members = isArray(list) ? list : list.values()
  call.work(3 * PARSE_WORK * members.length)
  const networks = members.map((member) => {
    if (typeof member !== 'string') throw new BuiltinError('element must be string')
    return mergeable(member)
  })
  if (networks.length > 1 && networks.some(({ written, family }) => written !== family)) {
    // OPA takes the bytes of such a block apart at the wrong places.
    throw new BuiltinError('a block of IPv4 within IPv6 cannot be merged')
  }
  return setOf(mergeNetworks(networks).map(networkText).sort(compareStrings))
}

/** A block, or an IPv4 address for its whole class: that is how OPA reads it. */
function mergeable(text: string): Network {
  const address = parseAddress(text)
  if (address === undefined || address.zone !== '') {
    return parseNetwork(text) ?? invalid('an element', 'IP address or CIDR')
  }
  if (address.family === 6) throw new BuiltinError('IPv6 invalid: needs prefix length')
  const first = address.value >> 24n
  const prefix = first < 0x80n ? 8 : first < 0xc0n ? 16 : 24
  return { family: 4, value: address.value, prefix, written: 4 }
}

function networkOperand(call: Call, value: Value | undefined, position: number): Network {
  const text = stringOperand(value, position)
  call.work(PARSE_WORK)
  return parseNetwork(text) ?? invalid(`operand ${position}`, 'CIDR')
}

/** A block, or an address as a block of one. */
function blockOperand(call: Call, value: Value | undefined, position: number): Network {
  const text = stringOperand(value, position)
  call.work(PARSE_WORK)
  const address = parseAddress(text)
  if (address !== undefined && address.zone === '') return blockOf(address)
  return parseNetwork(text) ?? invalid(`operand ${position}`, 'IP address or CIDR')
}

function blockOf({ family, value, written }: Address): Network {
  return { family, value, prefix: bitsOf(family), written }
}

function covers(network: Network, block: Network): boolean {
  return network.prefix <= block.prefix && holds(network, block)
}

/** The elements of an operand, each with what stands for it in a result. */
function entriesOf(
  call: Call,
  value: Value | undefined,
): readonly (readonly [item: Value, index: Value])[] {
  if (typeof value === 'string') return [[value, value]]
  const entries: readonly (readonly [Value, Value])[] = isArray(value)
    ? value.map((item, at) => [item, at])
    : isSet(value)
      ? value.values().map((item) => [item, item])
      : isObject(value)
        ? objectEntries(value).map(([key, item]) => [item, key])
        : []
  call.work(entries.length)
  return entries
}

/** The address of an element, which may lead an array. */
function elementOf(item: Value, position: number): Value {
  if (typeof item === 'string') return item
  if (isArray(item) && item[0] !== undefined) return item[0]
  throw new BuiltinError(`operand ${position}: element must be string or non-empty array`)
}

function invalid(what: string, wanted: string): never {
  throw new BuiltinError(`${what} is no ${wanted}`)
}
