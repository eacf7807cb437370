import type { KeyObject } from 'node:crypto'
import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { canonicalize } from '../../../src/base/canonical-json.ts'
import { digestOf, sha256Hex, utf8 } from '../../../src/base/digest.ts'
import { decodeBase64url } from '../../../src/base/encoding.ts'
import type { JsonValue } from '../../../src/base/json-value.ts'
import { encodeSshsig, sshFingerprint, sshsigSignedData } from '../../../src/base/ssh-encoding.ts'
import { concatBytes, wireString } from '../../../src/base/ssh-wire.ts'
import type { ReviewStatement, Trust } from '../../../src/model/generated/types.ts'
import type { LogSigner } from '../../../src/model/ports.ts'
import { formatVerifierKey, signCheckpoint } from '../../../src/trust/receipt/checkpoint.ts'
import { createTree, hashLeaf } from '../../../src/trust/receipt/merkle.ts'
import type { DecisionFields } from '../../../src/trust/receipt/statement.ts'
import { decisionReceipt, genesisReceipt } from '../../../src/trust/receipt/statement.ts'
import { encodeBundle, tilePath, tilesOf } from '../../../src/trust/receipt/tiles.ts'

export const ORIGIN = 'countersign.test/acme'
export const POLICY = sha256Hex('policy')
const DAY = '2026-11-21'

/** An Ed25519 key from one byte: the same in every run. PKCS #8 of RFC 8410. */
function keyOf(seed: number): KeyObject {
  const prefix = Buffer.from('302e020100300506032b657004220420', 'hex')
  const der = Buffer.concat([prefix, Buffer.alloc(32, seed)])
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
}

function publicBytes(key: KeyObject): Uint8Array {
  return decodeBase64url(createPublicKey(key).export({ format: 'jwk' }).x ?? '')
}

export function logSigner(seed = 1, origin = ORIGIN): LogSigner {
  const key = keyOf(seed)
  return {
    origin,
    verifierKey: formatVerifierKey(origin, publicBytes(key)),
    sign: (message) => new Uint8Array(sign(null, message, key)),
  }
}

/** A person's key, by a byte. */
export function fingerprintOf(seed: number): string {
  return sshFingerprint(sshBlob(seed))
}

function sshBlob(seed: number): Uint8Array {
  return concatBytes(wireString(utf8('ssh-ed25519')), wireString(publicBytes(keyOf(seed))))
}

export function sshSign(seed: number, text: string, namespace = 'countersign-review'): string {
  const digest = createHash('sha512').update(text).digest()
  const signature = sign(null, sshsigSignedData(namespace, 'sha512', digest), keyOf(seed))
  return encodeSshsig({
    publicKey: sshBlob(seed),
    namespace,
    hash: 'sha512',
    signature: concatBytes(wireString(utf8('ssh-ed25519')), wireString(signature)),
  })
}

export function genesis(signer: LogSigner = logSigner()): Uint8Array {
  const { origin, verifierKey } = signer
  return genesisReceipt({ origin, verifierKey, project: 'acme', issuedAt: `${DAY}T09:00:00Z` })
}

export function verdictFields(id: string, changes: Partial<DecisionFields> = {}): DecisionFields {
  return {
    stage: 'verdict',
    id,
    decision: 'allow',
    policyDigest: { sha256: POLICY },
    issuedAt: `${DAY}T09:00:01Z`,
    issuerId: ORIGIN,
    action: { agent: 'billing-agent', service: 'billing', action: 'refund_card', id },
    findings: [],
    obligations: [],
    route: [],
    ...changes,
  }
}

export function verdict(id: string, changes: Partial<DecisionFields> = {}): Uint8Array {
  return decisionReceipt(verdictFields(id, changes))
}

/** A hold that opened the request `req_<name>`. */
export function hold(name: string, changes: Partial<DecisionFields> = {}): Uint8Array {
  const asks = { decision: 'hold', request: `req_${name}`, route: ['payments'] } as const
  return verdict(name, { ...asks, ...changes, route: changes.route ?? [...asks.route] })
}

type Approval = NonNullable<DecisionFields['resolution']>['approvals'][number]

export const PULL = {
  forge: { kind: 'local', host: 'localhost', repository: 'r1' },
  number: 1,
  headSha: 'a'.repeat(40),
}

export type ReviewChanges = {
  /** Whose key signs; the reviewer's is 2. */
  readonly seed?: number
  readonly namespace?: string
  /** Changes to what is signed. */
  readonly statement?: (statement: ReviewStatement) => void
  /** Changes to what the receipt says of the review. */
  readonly approval?: Partial<Approval>
}

export function approvalOf(name: string, changes: ReviewChanges = {}): Approval {
  const seed = changes.seed ?? 2
  const { action } = verdictFields(name)
  const statement: ReviewStatement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [
      { name: `req_${name}`, digest: { sha256: sha256Hex(canonicalize(action as never)) } },
    ],
    predicateType: 'https://countersign.dev/attestation/review/v0.1',
    predicate: {
      request: `req_${name}`,
      verdict: 'approve',
      forge: PULL.forge,
      pull: { number: 1, baseRef: 'main', baseSha: 'b'.repeat(40), headSha: PULL.headSha },
      policyDigest: { sha256: POLICY },
      route: ['payments'],
      reviewer: 'ana',
      nonce: nonceOf(name),
      expiresAt: `${DAY}T10:00:00Z`,
      issuedAt: `${DAY}T09:30:00Z`,
    },
  }
  changes.statement?.(statement)
  const text = canonicalize(statement as unknown as JsonValue)
  return {
    reviewer: 'ana',
    verdict: 'approve',
    route: ['payments'],
    seats: [{ route: 'payments' }],
    fingerprint: fingerprintOf(seed),
    statement: text,
    signature: sshSign(seed, text, changes.namespace),
    ...changes.approval,
  }
}

export function nonceOf(name: string): string {
  return sha256Hex(name).slice(0, 32)
}

/** The approved end of `req_<name>`, which entry `heldAt` held. */
export function resolution(
  name: string,
  heldAt: number,
  changes: {
    readonly fields?: Partial<DecisionFields>
    readonly resolution?: Partial<NonNullable<DecisionFields['resolution']>>
    readonly review?: ReviewChanges
  } = {},
): Uint8Array {
  return decisionReceipt({
    ...verdictFields(name),
    stage: 'resolution',
    id: `req_${name}`,
    request: `req_${name}`,
    decision: 'APPROVED',
    resolution: {
      heldAt,
      heldPolicyDigest: { sha256: POLICY },
      nonce: nonceOf(name),
      reason: 'approved by ana',
      pull: PULL,
      asked: [{ id: 'payments', quorum: 1, signature: 'signed' }],
      approvals: [approvalOf(name, changes.review)],
      ...changes.resolution,
    },
    ...changes.fields,
  })
}

/** Genesis, an allow, a hold, a deny, the hold's approval. */
export function smallLog(): Uint8Array[] {
  return [
    genesis(),
    verdict('a'),
    hold('b'),
    verdict('c', { decision: 'deny' }),
    resolution('b', 2),
  ]
}

export function note(entries: readonly Uint8Array[], signer: LogSigner = logSigner()): string {
  const tree = createTree()
  for (const entry of entries) tree.append(hashLeaf(entry))
  return signCheckpoint({ origin: signer.origin, size: entries.length, root: tree.root() }, signer)
}

/** A log's files made in memory, by other code than the folder's. */
export function filesOf(
  entries: readonly Uint8Array[],
  signer: LogSigner = logSigner(),
): Map<string, Uint8Array> {
  const tree = createTree()
  for (const entry of entries) tree.append(hashLeaf(entry))
  const files = new Map([['checkpoint', utf8(note(entries, signer)) as Uint8Array]])
  for (const tile of tilesOf(entries.length)) {
    const from = tile.index * 256
    if (tile.kind === 'entries') {
      files.set(tilePath(tile), encodeBundle(entries.slice(from, from + tile.width)))
      continue
    }
    const hashes = Array.from({ length: tile.width }, (_, i) => tree.node(8 * tile.level, from + i))
    files.set(tilePath(tile), concatBytes(...hashes))
  }
  return files
}

export function trustOf(changes: Partial<Trust> = {}): Trust {
  return {
    apiVersion: 'countersign/v1',
    kind: 'Trust',
    logs: [{ origin: ORIGIN, keys: [logSigner().verifierKey] }],
    policies: [digestOf('policy')],
    reviewers: [{ id: 'ana', fingerprints: [fingerprintOf(2)] }],
    ...changes,
  }
}
