import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeHex, encodeHex } from '../../../src/base/encoding.ts'
import {
  consistencyProof,
  createTree,
  encodeLeafHash,
  hashLeaf,
  hashNode,
  inclusionProof,
  verifyConsistency,
  verifyInclusion,
} from '../../../src/trust/receipt/merkle.ts'

type Vectors = {
  leaves: string[]
  nodes: string[][]
  roots: string[]
  inclusion: { index: number; size: number; proof: string[] }[]
  consistency: { from: number; to: number; proof: string[] }[]
}

// Source named in the file.
const vectors: Vectors = JSON.parse(
  readFileSync(new URL('../../vectors/merkle-rfc6962.json', import.meta.url), 'utf8'),
)
const leaves = vectors.leaves.map((leaf) => hashLeaf(decodeHex(leaf)))
const official = treeOf(leaves)

function treeOf(hashes: readonly Uint8Array[]) {
  const tree = createTree()
  for (const hash of hashes) tree.append(hash)
  return tree
}

test.for(vectors.roots.map((root, size) => ({ size, root })))(
  'the published root of $size leaves',
  ({ size, root }) => {
    expect(encodeHex(official.root(size))).toBe(root)
    expect(encodeHex(treeOf(leaves.slice(0, size)).root())).toBe(root)
  },
)

test('every published subtree hash', () => {
  const found = vectors.nodes.map((row, level) =>
    row.map((_, index) => encodeHex(official.node(level, index))),
  )
  expect(found).toEqual(vectors.nodes)
  expect(encodeLeafHash(decodeHex('2021'))).toBe(vectors.nodes[0]![3])
})

test.for(vectors.inclusion)(
  'the published path of leaf $index in $size',
  ({ index, size, proof }) => {
    const made = inclusionProof(index, size, official.node)
    expect(made.map(encodeHex)).toEqual(proof)
    verifyInclusion({
      leafHash: leaves[index]!,
      index,
      size,
      proof: made,
      root: official.root(size),
    })
  },
)

test.for(vectors.consistency)('the published proof from $from to $to', ({ from, to, proof }) => {
  const made = consistencyProof(from, to, official.node)
  expect(made.map(encodeHex)).toEqual(proof)
  verifyConsistency({
    oldSize: from,
    oldRoot: official.root(from),
    size: to,
    root: official.root(to),
    proof: made,
  })
})

/** 600 leaves: more than two tiles. */
const big = treeOf(Array.from({ length: 600 }, (_, i) => hashLeaf(Uint8Array.of(i >> 8, i & 255))))
const sizes = fc.integer({ min: 1, max: 600 })
const flip = fc.nat()

test('any leaf of any tree is proven, and not once a bit is flipped', () => {
  fc.assert(
    fc.property(sizes, fc.nat(), flip, (size, pick, bit) => {
      const index = pick % size
      const claim = {
        leafHash: big.node(0, index),
        index,
        size,
        proof: inclusionProof(index, size, big.node),
        root: big.root(size),
      }
      verifyInclusion(claim)
      const parts = [claim.leafHash, claim.root, ...claim.proof]
      const forged = flipped(parts, bit)
      const [leafHash, root, ...proof] = forged as [Uint8Array, Uint8Array]
      expect(() => verifyInclusion({ ...claim, leafHash, root, proof })).toThrow('expected')
    }),
  )
})

test('any older tree is proven to be the start, and not once a bit is flipped', () => {
  fc.assert(
    fc.property(sizes, sizes, flip, (a, b, bit) => {
      const [oldSize, size] = a < b ? [a, b] : [b, a]
      const claim = {
        oldSize,
        oldRoot: big.root(oldSize),
        size,
        root: big.root(size),
        proof: consistencyProof(oldSize, size, big.node),
      }
      verifyConsistency(claim)
      const forged = flipped([claim.oldRoot, claim.root, ...claim.proof], bit)
      const [oldRoot, root, ...proof] = forged as [Uint8Array, Uint8Array]
      expect(() => verifyConsistency({ ...claim, oldRoot, root, proof })).toThrow('expected')
    }),
  )
})

function flipped(parts: readonly Uint8Array[], bit: number): Uint8Array[] {
  const copies = parts.map((part) => part.slice())
  const at = bit % (copies.length * 256)
  copies[at >> 8]![(at & 255) >> 3]! ^= 1 << (at & 7)
  return copies
}

const path = inclusionProof(5, 8, official.node)
const good = { leafHash: leaves[5]!, index: 5, size: 8, proof: path, root: official.root() }

test.for([
  { name: 'another index', change: { index: 4 } },
  { name: 'an index beyond the tree', change: { index: 8 } },
  { name: 'a negative index', change: { index: -1 } },
  { name: 'a fractional index', change: { index: 0.5 } },
  { name: 'an index that is NaN', change: { index: Number.NaN } },
  { name: 'a size beyond 2^53', change: { size: 2 ** 60 } },
  { name: 'a smaller size', change: { size: 4 } },
  { name: 'a missing hash', change: { proof: path.slice(1) } },
  { name: 'an extra hash', change: { proof: [...path, leaves[0]!] } },
  { name: 'a short hash', change: { proof: [path[0]!.slice(1), ...path.slice(1)] } },
  {
    name: 'a node posing as a leaf',
    change: { leafHash: hashNode(leaves[4]!, leaves[5]!), size: 4, index: 2 },
  },
])('a path with $name is refused', ({ change }) => {
  expect(() => verifyInclusion({ ...good, ...change })).toThrow(
    expect.objectContaining({ code: 'PROOF_INVALID' }),
  )
})

test.for([
  { name: 'an empty older tree', change: { oldSize: 0 } },
  { name: 'a larger older tree', change: { oldSize: 9 } },
  { name: 'equal sizes with hashes', change: { oldSize: 8 } },
  { name: 'equal sizes with other roots', change: { oldSize: 8, proof: [] } },
  { name: 'no hashes', change: { proof: [] } },
  {
    name: 'an extra hash',
    change: { proof: [...consistencyProof(6, 8, official.node), leaves[0]!] },
  },
])('a consistency proof with $name is refused', ({ change }) => {
  const claim = {
    oldSize: 6,
    oldRoot: official.root(6),
    size: 8,
    root: official.root(8),
    proof: consistencyProof(6, 8, official.node),
  }
  verifyConsistency(claim)
  expect(() => verifyConsistency({ ...claim, ...change })).toThrow(
    expect.objectContaining({ code: 'PROOF_INVALID' }),
  )
})

test('a tree from stored leaf hashes goes on as the one they came from', () => {
  const stored = new Uint8Array(8 * 32)
  for (const [i, leaf] of leaves.entries()) stored.set(leaf, i * 32)
  const tree = createTree(stored.subarray(0, 5 * 32))
  for (const leaf of leaves.slice(5)) tree.append(leaf)
  expect(tree.root()).toEqual(official.root())
  expect(() => createTree(stored.subarray(1))).toThrow('32 bytes')
  expect(() => tree.node(0, 8)).toThrow('holds')
})
