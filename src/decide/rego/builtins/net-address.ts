/** An IP address. IPv4 within IPv6 (`::ffff:a.b.c.d`) counts as IPv4, as in Go. */
export type Address = {
  readonly family: 4 | 6
  /** 32 or 128 bits. */
  readonly value: bigint
  /** The family of its notation. */
  readonly written: 4 | 6
  /** What stands after `%`, of IPv6 only. */
  readonly zone: string
}

/** A block of addresses. Bits of `value` beyond the prefix are zero, but where a bare IPv4 address stands for its class. */
export type Network = {
  readonly family: 4 | 6
  readonly value: bigint
  /** How many leading bits the block fixes. */
  readonly prefix: number
  readonly written: 4 | 6
}

/** Reads an address as Go's netip.ParseAddr does: no leading zeros in IPv4, zones on IPv6. Undefined for all else. */
export function parseAddress(text: string): Address | undefined {
  const mark = /[.:%]/.exec(text)?.[0]
  if (mark === '.') {
    const value = parseIpv4(text)
    return value === undefined ? undefined : { family: 4, value, written: 4, zone: '' }
  }
  if (mark !== ':') return undefined
  const percent = text.indexOf('%')
  const zone = percent < 0 ? '' : text.slice(percent + 1)
  if (percent >= 0 && zone === '') return undefined
  const value = parseIpv6(percent < 0 ? text : text.slice(0, percent))
  if (value === undefined) return undefined
  const mapped = value >> 32n === MAPPED
  return { family: mapped ? 4 : 6, value: mapped ? value & IPV4_MASK : value, written: 6, zone }
}

/** Reads `address/prefix` as Go's net.ParseCIDR does, bits beyond the prefix cleared. Undefined for all else. */
export function parseNetwork(text: string): Network | undefined {
  const slash = text.indexOf('/')
  const digits = text.slice(slash + 1)
  // Go takes leading zeros here.
  if (slash < 0 || !/^0*[0-9]{1,3}$/.test(digits)) return undefined
  const address = parseAddress(text.slice(0, slash))
  const bits = Number(digits)
  if (address === undefined || address.zone !== '') return undefined
  const { family, value, written } = address
  if (bits > bitsOf(written)) return undefined
  if (family === written)
    return { family, value: masked(value, family, bits), prefix: bits, written }
  // What is IPv4 within IPv6 stays so only if the block fixes all bits that say so.
  if (bits >= 96) return { family, value: masked(value, 4, bits - 96), prefix: bits - 96, written }
  return { family: 6, value: masked((MAPPED << 32n) | value, 6, bits), prefix: bits, written }
}

export function bitsOf(family: 4 | 6): 32 | 128 {
  return family === 4 ? 32 : 128
}

/** How many addresses the block has. */
export function sizeOf({ family, prefix }: Network): bigint {
  return 1n << BigInt(bitsOf(family) - prefix)
}

/** The address with all bits beyond the prefix cleared. */
export function masked(value: bigint, family: 4 | 6, prefix: number): bigint {
  const rest = BigInt(bitsOf(family) - prefix)
  return (value >> rest) << rest
}

/** Whether the block holds the address. */
export function holds(network: Network, address: Pick<Address, 'family' | 'value'>): boolean {
  const { family, prefix } = network
  if (family !== address.family) return false
  return masked(network.value, family, prefix) === masked(address.value, family, prefix)
}

/** As Go writes it: dotted IPv4; IPv6 by RFC 5952, its longest run of zero groups as `::`. */
export function addressText({ family, value }: Pick<Address, 'family' | 'value'>): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.')
  const groups = Array.from({ length: 8 }, (_, at) => (value >> BigInt(112 - 16 * at)) & 0xffffn)
  const run = longestZeros(groups)
  const parts = groups.map((group) => group.toString(16))
  if (run === undefined) return parts.join(':')
  return `${parts.slice(0, run.from).join(':')}::${parts.slice(run.to).join(':')}`
}

export function networkText(network: Network): string {
  return `${addressText(network)}/${network.prefix}`
}

/** The upper 96 bits of IPv4 within IPv6. */
const MAPPED = 0xffffn
const IPV4_MASK = 0xffffffffn
const OCTET = /^(?:0|[1-9][0-9]{0,2})$/
const GROUP = /^[0-9A-Fa-f]{1,4}$/

function parseIpv4(text: string): bigint | undefined {
  const octets = text.length > 15 ? [] : text.split('.')
  if (octets.length !== 4) return undefined
  let value = 0n
  for (const octet of octets) {
    if (!OCTET.test(octet) || Number(octet) > 255) return undefined
    value = (value << 8n) | BigInt(octet)
  }
  return value
}

function parseIpv6(text: string): bigint | undefined {
  // The longest has eight groups, the last two of them as IPv4.
  if (text.length > 45) return undefined
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head, tail] = halves.map((half, at) => groupsOf(half, at === halves.length - 1))
  if (head === undefined) return undefined
  if (halves.length === 1) return head.length === 8 ? joined(head) : undefined
  if (tail === undefined || head.length + tail.length > 7) return undefined
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => 0n)
  return joined([...head, ...zeros, ...tail])
}

/** Groups of 16 bits; the last may be IPv4, which is two. */
function groupsOf(text: string, last: boolean): bigint[] | undefined {
  if (text === '') return []
  const parts = text.split(':')
  const groups: bigint[] = []
  for (const [at, part] of parts.entries()) {
    if (last && at === parts.length - 1 && part.includes('.')) {
      const value = parseIpv4(part)
      if (value === undefined) return undefined
      groups.push(value >> 16n, value & 0xffffn)
    } else {
      if (!GROUP.test(part)) return undefined
      groups.push(BigInt(`0x${part}`))
    }
  }
  return groups
}

function joined(groups: readonly bigint[]): bigint {
  return groups.reduce((value, group) => (value << 16n) | group, 0n)
}

/** The first of the longest runs of at least two zero groups. */
function longestZeros(
  groups: readonly bigint[],
): { readonly from: number; readonly to: number } | undefined {
  let best: { readonly from: number; readonly to: number } | undefined
  for (let from = 0; from < groups.length; from++) {
    let to = from
    while (to < groups.length && groups[to] === 0n) to += 1
    if (to - from >= 2 && to - from > (best === undefined ? 0 : best.to - best.from)) {
      best = { from, to }
    }
  }
  return best
}
