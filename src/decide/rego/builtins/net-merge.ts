import { BuiltinError } from './builtin.ts'
import type { Network } from './net-address.ts'
import { masked, sizeOf } from './net-address.ts'

/**
 * The fewest blocks that hold the same addresses. A block that touches no other stays as it was written.
 *
 * @throws {BuiltinError} where blocks of IPv4 and IPv6 would become one
 */
export function mergeNetworks(networks: readonly Network[]): Network[] {
  const ranges = networks
    .map(rangeOf)
    .sort((a, b) => order(a.last, b.last) || order(a.first, b.first))
  const merged: Range[] = []
  // From the last down, as each may reach below any before it.
  for (const range of ranges.reverse()) {
    const above = merged.at(-1)
    if (above === undefined || previous(above.first) > range.last) {
      merged.push(range)
    } else {
      const first = range.first < above.first ? range.first : above.first
      merged[merged.length - 1] = { first, last: above.last, network: undefined }
    }
  }
  return merged.flatMap((range) =>
    range.network === undefined ? blocksOf(range) : [range.network],
  )
}

/** First and last address among those of IPv6, IPv4 at `::ffff:0:0`; the block itself where it has been merged with none. */
type Range = {
  readonly first: bigint
  readonly last: bigint
  readonly network: Network | undefined
}

const IPV4_FIRST = 0xffff00000000n
const IPV4_LAST = 0xffffffffffffn

function rangeOf(network: Network): Range {
  const base = network.family === 4 ? IPV4_FIRST : 0n
  const first = base + masked(network.value, network.family, network.prefix)
  return { first, last: first + sizeOf(network) - 1n, network }
}

/** The address before, within its family. */
function previous(address: bigint): bigint {
  return address === IPV4_FIRST || address === 0n ? address : address - 1n
}

/** Splits a range at every boundary that a block cannot cross. */
function blocksOf({ first, last }: Range): Network[] {
  const short = isShort(first)
  if (short !== isShort(last)) throw new BuiltinError('IPv4 and IPv6 cannot be merged')
  const blocks: Network[] = []
  const [family, bits, base] = short ? ([4, 32, IPV4_FIRST] as const) : ([6, 128, 0n] as const)
  for (let from = first - base; from <= last - base; ) {
    let free = 0 // Trailing bits of the block.
    while (free < bits && fits(from, free + 1, last - base)) free += 1
    blocks.push({ family, value: from, prefix: bits - free, written: family })
    from += 1n << BigInt(free)
  }
  return blocks
}

function isShort(address: bigint): boolean {
  return address >= IPV4_FIRST && address <= IPV4_LAST
}

function fits(from: bigint, free: number, last: bigint): boolean {
  const size = 1n << BigInt(free)
  return (from & (size - 1n)) === 0n && from + size - 1n <= last
}

function order(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}
