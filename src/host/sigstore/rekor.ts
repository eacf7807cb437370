import { createHash } from 'node:crypto'
import { TransparencyLogEntry } from '@sigstore/protobuf-specs'
import type { SignatureBundle, Witness } from '@sigstore/sign'
import { PolicyError } from '../../base/errors.ts'
import { ask, refused } from './http.ts'

/**
 * Puts signatures into a Rekor v2 log (github.com/sigstore/rekor-tiles). Version 2.3 takes no DSSE entries any more, so
 * what is logged is the digest of the envelope's pre-authentication encoding as a `hashedrekord`, which clients in
 * JavaScript and Go verify alike.
 */
export function rekorWitness(url: string, timeoutMs: number): Witness {
  return {
    testify: async (signed, certificate) => {
      const { digest, signature } = digestOf(signed)
      const entry = {
        hashedRekordRequestV002: {
          digest: digest.toString('base64'),
          signature: {
            content: signature.toString('base64'),
            verifier: {
              x509Certificate: { rawBytes: certificate.replaceAll(/-----[^-]+-----|\s/g, '') },
              keyDetails: 'PKIX_ECDSA_P256_SHA_256',
            },
          },
        },
      }
      const { status, body } = await ask(
        'Rekor',
        `${url}/api/v2/log/entries`,
        {
          method: 'POST',
          headers: { 'content-type': 'application/json', accept: 'application/json' },
          body: JSON.stringify(entry),
        },
        timeoutMs,
      )
      // 409 would be an entry that is there; a fresh signature never is.
      if (status !== 200 && status !== 201) throw refused('Rekor', status)
      return { tlogEntries: [entryOf(body)] as never }
    },
  }
}

/** What the DSSE signature is over: https://github.com/secure-systems-lab/dsse/blob/master/protocol.md */
function digestOf(signed: SignatureBundle): { digest: Buffer; signature: Buffer } {
  if (signed.$case !== 'dsseEnvelope') throw new Error('expected a DSSE envelope')
  const { payloadType, payload, signatures } = signed.dsseEnvelope
  const type = Buffer.from(payloadType)
  const head = Buffer.concat([Buffer.from(`DSSEv1 ${type.length} `), type])
  const digest = createHash('sha256')
    .update(head)
    .update(` ${payload.length} `)
    .update(payload)
    .digest()
  const [signature] = signatures
  if (signature === undefined) throw new Error('expected a signature')
  return { digest, signature: signature.sig }
}

function entryOf(body: unknown): TransparencyLogEntry {
  try {
    const entry = TransparencyLogEntry.fromJSON(body)
    if (entry.inclusionProof !== undefined && entry.logId !== undefined) return entry
  } catch {
    // Said below.
  }
  throw new PolicyError('SIGSTORE_REFUSED', 'Rekor answered without an entry and its proof')
}
