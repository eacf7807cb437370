import { CompactSign, calculateJwkThumbprint } from 'jose'
import { canonicalize } from '../base/canonical-json.ts'
import { utf8 } from '../base/digest.ts'
import type { JsonObject } from '../base/json-value.ts'
import { DECISION_PROOF_TYPE } from '../model/decision-proof.ts'
import type { DecisionProofClaims, GrantClaims } from '../model/generated/types.ts'
import type { GrantSigner, Jwk, Jwks } from '../model/ports.ts'
import { GRANT_TYPE } from '../model/ports.ts'
import { openEd25519Key } from './ed25519-key.ts'

/** Signs proofs of decisions. */
export type ProofSigner = {
  readonly kid: string
  /** @returns a JWS in the compact form; the same claims give the same text */
  readonly sign: (claims: DecisionProofClaims) => Promise<string>
}

/** The keys that sign tokens. Both stand in one JWKS document; each signs tokens of its own type. */
export type TokenSigners = { readonly grants: GrantSigner; readonly proofs: ProofSigner }

/**
 * Opens the Ed25519 keys that sign grants and proofs of decisions, making them on first use. They are others than the log's:
 * a tool that trusts grants need not trust checkpoints. A key's id is its JWK thumbprint (RFC 7638).
 *
 * @throws {PolicyError} FILE_UNREADABLE
 */
export async function openTokenSigners(files: {
  readonly grantKey: string
  readonly proofKey: string
}): Promise<TokenSigners> {
  const grant = await openToken(files.grantKey, 'the grant key', GRANT_TYPE)
  const proof = await openToken(files.proofKey, 'the proof key', DECISION_PROOF_TYPE)
  const jwks: Jwks = { keys: [grant.jwk, proof.jwk] }
  return {
    grants: { kid: grant.jwk.kid, jwks, sign: (claims: GrantClaims) => grant.sign(claims) },
    proofs: { kid: proof.jwk.kid, sign: (claims) => proof.sign(claims) },
  }
}

/**
 * Opens the key that signs grants alone.
 *
 * @throws {PolicyError} FILE_UNREADABLE
 */
export async function openGrantSigner(file: string): Promise<GrantSigner> {
  const { jwk, sign } = await openToken(file, 'the grant key', GRANT_TYPE)
  return { kid: jwk.kid, jwks: { keys: [jwk] }, sign }
}

async function openToken(file: string, what: string, typ: string) {
  const { key, x } = openEd25519Key(file, what)
  const kid = await calculateJwkThumbprint({ kty: 'OKP', crv: 'Ed25519', x })
  const jwk: Jwk = { kty: 'OKP', crv: 'Ed25519', x, kid, alg: 'EdDSA', use: 'sig' }
  const sign = (claims: object): Promise<string> =>
    new CompactSign(utf8(canonicalize(claims as JsonObject)))
      .setProtectedHeader({ alg: 'EdDSA', typ, kid })
      .sign(key)
  return { jwk, sign }
}
