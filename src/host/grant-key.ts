import { CompactSign, calculateJwkThumbprint } from 'jose'
import { canonicalize } from '../base/canonical-json.ts'
import { utf8 } from '../base/digest.ts'
import type { JsonObject } from '../base/json-value.ts'
import type { GrantSigner } from '../model/ports.ts'
import { GRANT_TYPE } from '../model/ports.ts'
import { openEd25519Key } from './ed25519-key.ts'

/**
 * Opens the Ed25519 key that signs grants, making it on first use. It is another one than the log's: a tool that trusts
 * grants need not trust checkpoints. Its id is its JWK thumbprint (RFC 7638).
 *
 * @throws {PolicyError} FILE_UNREADABLE
 */
export async function openGrantSigner(file: string): Promise<GrantSigner> {
  const { key, x } = openEd25519Key(file, 'the grant key')
  const jwk = { kty: 'OKP', crv: 'Ed25519', x } as const
  const kid = await calculateJwkThumbprint(jwk)
  return {
    kid,
    jwks: { keys: [{ ...jwk, kid, alg: 'EdDSA', use: 'sig' }] },
    sign: (claims) =>
      new CompactSign(utf8(canonicalize(claims as unknown as JsonObject)))
        .setProtectedHeader({ alg: 'EdDSA', typ: GRANT_TYPE, kid })
        .sign(key),
  }
}
