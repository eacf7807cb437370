import { canonicalize } from '../../base/canonical-json.ts'
import { type Digest, digestBytes, parseDigest, utf8 } from '../../base/digest.ts'
import { decodeHex, encodeHex } from '../../base/encoding.ts'
import { PolicyError } from '../../base/errors.ts'
import { BATCH_MEMBERS_MAX } from '../../base/limits.ts'
import type { BatchMember, ResolutionBatch } from '../../model/generated/types.ts'
import { createTree, hashLeaf, inclusionProof, verifyInclusion } from './merkle.ts'

/** What a batch says of one of its requests, and its root commits to. */
export type ListedMember = Pick<
  BatchMember,
  'request' | 'decision' | 'root' | 'nonce' | 'expires_at'
>

/** Where a member stands in its batch, so that the root proves it without the others. */
export type MemberPlace = Pick<ResolutionBatch, 'index' | 'size' | 'path'>

/**
 * What a review of a batch signs as its root: the Merkle tree hash (RFC 6962 section 2.1) over its members in their
 * order. A leaf is the RFC 8785 text of a member. The hash of a leaf or a node is no action's root: that is over text
 * without a prefix.
 *
 * @throws {PolicyError} BATCH_INVALID for fewer than two members, too many, or one that stands there twice
 */
export function batchRoot(members: readonly ListedMember[]): Digest {
  return `sha256:${encodeHex(treeOf(members).root())}`
}

/** @throws {PolicyError} BATCH_INVALID as {@link batchRoot}; PROOF_INVALID when there is no such member */
export function placeInBatch(members: readonly ListedMember[], index: number): MemberPlace {
  const tree = treeOf(members)
  const path = inclusionProof(index, members.length, tree.node)
  return { index, size: members.length, path: path.map(encodeHex) }
}

/** Checks that a batch's root lists a member. @throws {PolicyError} BATCH_INVALID */
export function verifyMember(root: string, member: ListedMember, place: MemberPlace): void {
  const { index, size, path } = place
  if (!(size <= BATCH_MEMBERS_MAX)) throw invalid(`at most ${BATCH_MEMBERS_MAX} requests`)
  try {
    verifyInclusion({
      ...{ leafHash: leafOf(member), index, size, proof: path.map(decodeHex) },
      root: digestBytes(parseDigest(root)),
    })
  } catch (cause) {
    if (!(cause instanceof PolicyError)) throw cause
    throw new PolicyError('BATCH_INVALID', `the signed batch does not list ${member.request}`, {
      cause,
    })
  }
}

function treeOf(members: readonly ListedMember[]): ReturnType<typeof createTree> {
  if (members.length < 2) throw invalid('at least two requests')
  if (members.length > BATCH_MEMBERS_MAX) throw invalid(`at most ${BATCH_MEMBERS_MAX} requests`)
  for (const name of ['request', 'decision', 'nonce'] as const) {
    if (new Set(members.map((member) => member[name])).size === members.length) continue
    throw invalid(`each ${name} once`)
  }
  const tree = createTree()
  for (const member of members) tree.append(leafOf(member))
  return tree
}

function leafOf({ request, decision, root, nonce, expires_at }: ListedMember): Uint8Array {
  return hashLeaf(utf8(canonicalize({ request, decision, root, nonce, expires_at })))
}

function invalid(expected: string): PolicyError {
  return new PolicyError('BATCH_INVALID', `expected ${expected} in a batch`)
}
