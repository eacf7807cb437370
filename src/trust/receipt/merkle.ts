import { bytesEqual, sha256 } from '../../base/digest.ts'
import { encodeHex } from '../../base/encoding.ts'
import { PolicyError } from '../../base/errors.ts'

/**
 * The hash of a complete subtree of a Merkle tree: of the leaves `index * 2^level` up to, not including,
 * `(index + 1) * 2^level`. Readers may throw for a subtree that they do not know.
 */
export type NodeReader = (level: number, index: number) => Uint8Array

/** An append-only Merkle tree (RFC 6962 section 2.1) that remembers every complete subtree: 64 bytes a leaf. */
export type MerkleTree = {
  size(): number
  /** @returns the new leaf's index */
  append(leafHash: Uint8Array): number
  readonly node: NodeReader
  /** The root over the first `size` leaves; over all when left out. */
  root(size?: number): Uint8Array
}

/** SHA-256(0x00 || data): RFC 6962 section 2.1. */
export function hashLeaf(data: Uint8Array): Uint8Array {
  return sha256(LEAF_PREFIX, data)
}

/** The leaf hash of a log entry as hexadecimal text, as an answer to the agent carries it. */
export function encodeLeafHash(entry: Uint8Array): string {
  return encodeHex(hashLeaf(entry))
}

/** SHA-256(0x01 || left || right): RFC 6962 section 2.1. */
export function hashNode(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(NODE_PREFIX, left, right)
}

// The prefixes keep a node from posing as a leaf (second preimage).
const LEAF_PREFIX = Uint8Array.of(0x00)
const NODE_PREFIX = Uint8Array.of(0x01)

/** Bytes of one hash. */
export const HASH_BYTES = 32

/**
 * A tree over leaf hashes that lie side by side, as in level-0 tiles.
 *
 * @param leafHashes - 32 bytes a leaf; copied
 */
export function createTree(leafHashes: Uint8Array = new Uint8Array()): MerkleTree {
  if (leafHashes.length % HASH_BYTES !== 0) throw invalid('leaf hashes of 32 bytes each')
  const levels: HashList[] = [createList(leafHashes.length / HASH_BYTES)]
  const node: NodeReader = (level, index) => {
    const list = levels[level]
    if (list === undefined || index >= list.count) throw invalid('a subtree that the tree holds')
    return hashAt(list.bytes, index)
  }
  const append = (leafHash: Uint8Array): number => {
    if (leafHash.length !== HASH_BYTES) throw invalid('a leaf hash of 32 bytes')
    const index = pushHash(levels, 0, leafHash)
    // Every second node of a level completes one of the level above.
    for (let level = 0, at = index; at % 2 === 1; level++, at = (at - 1) / 2) {
      pushHash(levels, level + 1, hashNode(node(level, at - 1), node(level, at)))
    }
    return index
  }
  const size = () => levels[0]?.count ?? 0
  for (let i = 0; i < leafHashes.length / HASH_BYTES; i++) append(hashAt(leafHashes, i))
  return { size, append, node, root: (over = size()) => treeRoot(over, node) }
}

/** The hash at a place of a run of hashes; a view, not a copy. */
export function hashAt(hashes: Uint8Array, index: number): Uint8Array {
  return hashes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES)
}

type HashList = { bytes: Uint8Array; count: number }

function createList(capacity: number): HashList {
  return { bytes: new Uint8Array(Math.max(capacity, 4) * HASH_BYTES), count: 0 }
}

function pushHash(levels: HashList[], level: number, hash: Uint8Array): number {
  let list = levels[level]
  if (list === undefined) {
    list = createList(4)
    levels[level] = list
  }
  if ((list.count + 1) * HASH_BYTES > list.bytes.length) {
    const grown = new Uint8Array(list.bytes.length * 2)
    grown.set(list.bytes)
    list.bytes = grown
  }
  list.bytes.set(hash, list.count * HASH_BYTES)
  return list.count++
}

/** The root over the first `size` leaves. The root of no leaves is SHA-256 of nothing (RFC 6962 section 2.1). */
export function treeRoot(size: number, nodes: NodeReader): Uint8Array {
  checkSize(size)
  return size === 0 ? sha256() : rangeHash(0, size, nodes)
}

/**
 * The audit path of one leaf, its sibling first: RFC 6962 section 2.1.1.
 *
 * @throws {PolicyError} PROOF_INVALID when the leaf does not lie within `size`
 */
export function inclusionProof(index: number, size: number, nodes: NodeReader): Uint8Array[] {
  checkSize(size)
  if (!Number.isSafeInteger(index) || index < 0 || index >= size)
    throw invalid('a leaf of the tree')
  const proof: Uint8Array[] = []
  let from = 0
  let to = size
  while (to - from > 1) {
    const middle = from + splitOf(to - from)
    if (index < middle) {
      proof.push(rangeHash(middle, to, nodes))
      to = middle
    } else {
      proof.push(rangeHash(from, middle, nodes))
      from = middle
    }
  }
  return proof.reverse()
}

/**
 * Proof that the tree of `oldSize` leaves is the start of the tree of `size` leaves: RFC 6962 section 2.1.2. Empty
 * when the sizes are equal.
 *
 * @throws {PolicyError} PROOF_INVALID unless 0 < oldSize <= size
 */
export function consistencyProof(oldSize: number, size: number, nodes: NodeReader): Uint8Array[] {
  checkSize(size)
  checkSize(oldSize)
  if (oldSize === 0 || oldSize > size)
    throw invalid('an older tree that is neither empty nor larger')
  const proof: Uint8Array[] = []
  let from = 0
  let to = size
  let whole = true
  while (oldSize - from !== to - from) {
    const middle = from + splitOf(to - from)
    if (oldSize <= middle) {
      proof.push(rangeHash(middle, to, nodes))
      to = middle
    } else {
      proof.push(rangeHash(from, middle, nodes))
      from = middle
      whole = false
    }
  }
  if (!whole) proof.push(rangeHash(from, to, nodes))
  return proof.reverse()
}

export type InclusionClaim = {
  readonly leafHash: Uint8Array
  readonly index: number
  readonly size: number
  readonly proof: readonly Uint8Array[]
  readonly root: Uint8Array
}

/**
 * Checks an audit path: RFC 9162 section 2.1.3.2.
 *
 * @throws {PolicyError} PROOF_INVALID
 */
export function verifyInclusion({ leafHash, index, size, proof, root }: InclusionClaim): void {
  checkSize(size)
  if (!Number.isSafeInteger(index) || index < 0 || index >= size)
    throw invalid('a leaf of the tree')
  let node = index
  let last = size - 1
  let hash = leafHash
  for (const sibling of proof) {
    if (last === 0) throw invalid('no hash beyond the root')
    checkHash(sibling)
    if (node % 2 === 1 || node === last) {
      hash = hashNode(sibling, hash)
      while (node % 2 === 0 && node !== 0) {
        node = half(node)
        last = half(last)
      }
    } else {
      hash = hashNode(hash, sibling)
    }
    node = half(node)
    last = half(last)
  }
  if (last !== 0) throw invalid('a path up to the root')
  if (!bytesEqual(hash, root)) throw invalid('a path that ends in the root')
}

export type ConsistencyClaim = {
  readonly oldSize: number
  readonly oldRoot: Uint8Array
  readonly size: number
  readonly root: Uint8Array
  readonly proof: readonly Uint8Array[]
}

/**
 * Checks that one tree is the start of another: RFC 9162 section 2.1.4.2.
 *
 * @throws {PolicyError} PROOF_INVALID
 */
export function verifyConsistency(claim: ConsistencyClaim): void {
  const { oldSize, oldRoot, size, root, proof } = claim
  checkSize(size)
  checkSize(oldSize)
  if (oldSize === 0 || oldSize > size)
    throw invalid('an older tree that is neither empty nor larger')
  if (oldSize === size) {
    if (proof.length > 0) throw invalid('no hashes between trees of one size')
    if (!bytesEqual(oldRoot, root)) throw invalid('one root for one size')
    return
  }
  // A whole older tree is a node of the newer one, so its root needs no place in the proof.
  const path = isPowerOfTwo(oldSize) ? [oldRoot, ...proof] : [...proof]
  climb(claim, path)
}

function climb(
  { oldSize, oldRoot, size, root }: ConsistencyClaim,
  path: readonly Uint8Array[],
): void {
  let node = oldSize - 1
  let last = size - 1
  while (node % 2 === 1) {
    node = half(node)
    last = half(last)
  }
  const [first, ...rest] = path
  if (first === undefined) throw invalid('at least one hash')
  checkHash(first)
  let oldHash = first
  let hash = first
  for (const sibling of rest) {
    if (last === 0) throw invalid('no hash beyond the root')
    checkHash(sibling)
    if (node % 2 === 1 || node === last) {
      oldHash = hashNode(sibling, oldHash)
      hash = hashNode(sibling, hash)
      while (node % 2 === 0 && node !== 0) {
        node = half(node)
        last = half(last)
      }
    } else {
      hash = hashNode(hash, sibling)
    }
    node = half(node)
    last = half(last)
  }
  if (last !== 0) throw invalid('a path up to the root')
  if (!bytesEqual(oldHash, oldRoot)) throw invalid('a path through the older root')
  if (!bytesEqual(hash, root)) throw invalid('a path that ends in the root')
}

/** MTH over the leaves `from` to `to`, where `from` is a multiple of the largest power of two in `to - from`. */
function rangeHash(from: number, to: number, nodes: NodeReader): Uint8Array {
  const count = to - from
  if (isPowerOfTwo(count)) return nodes(Math.log2(count), from / count)
  const middle = from + splitOf(count)
  return hashNode(rangeHash(from, middle, nodes), rangeHash(middle, to, nodes))
}

/** The largest power of two below `count`, which is at least 2. Exact: doubling loses no bits below 2^53. */
function splitOf(count: number): number {
  let split = 1
  while (split * 2 < count) split *= 2
  return split
}

function isPowerOfTwo(count: number): boolean {
  return count === 1 || splitOf(count) * 2 === count
}

// Shifts work on 32 bits only.
function half(value: number): number {
  return Math.floor(value / 2)
}

function checkSize(size: number): void {
  if (!Number.isSafeInteger(size) || size < 0) throw invalid('a size below 2^53')
}

function checkHash(hash: Uint8Array): void {
  if (hash.length !== HASH_BYTES) throw invalid('hashes of 32 bytes')
}

function invalid(expected: string): PolicyError {
  return new PolicyError('PROOF_INVALID', `expected ${expected}`)
}
