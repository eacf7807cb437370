import type { KeylessSigner } from '../../src/model/ports.ts'
import type { People } from './review-case.ts'
import { NOW, PAYMENTS, requestOf } from './review-case.ts'
import type { Name, Row } from './review-rules.ts'
import { CONTEXT, onRoster, ROSTER } from './review-rules.ts'
import { fakeSigstore, ISSUER, type Signing } from './sigstore/fake-sigstore.ts'

// The request of review-rules.ts, with ana signing through Sigstore; the others have their keys.

export const SIGSTORE = fakeSigstore(NOW)

/** What the policy pins. */
export const TRUST = { trusted_root: SIGSTORE.root }

export function addressOf(name: string): string {
  return `${name}@example.com`
}

export function keyless(name: string, signing: Signing = {}): KeylessSigner {
  const subject = addressOf(name)
  return {
    kind: 'sigstore',
    identity: async () => ({ issuer: ISSUER, subject }),
    sign: async (payload) => SIGSTORE.sign(payload, { subject, ...signing }),
  }
}

/** A roster entry with an identity, and no key. */
export function identified(
  id: Name,
  subjects: readonly string[] = [addressOf(id)],
): People[number] {
  const identities = subjects.map((subject) => ({ issuer: ISSUER, subject }))
  return { ...onRoster(id), keys: [], identities }
}

/** The same request with a route that takes either kind of signature. */
export const KEYLESS_CONTEXT = {
  ...CONTEXT,
  request: requestOf({ routes: [{ ...PAYMENTS, signature: 'signed' }] }),
  people: [identified('ana'), ...ROSTER.slice(1)],
  sigstore: TRUST,
}

/** A row of the rules with ana's signature made through Sigstore. */
export function throughSigstore(row: Partial<Row>, signing: Signing = {}): Partial<Row> {
  return {
    ...row,
    ana: { signer: keyless('ana', signing), ...row.ana },
    context: { ...KEYLESS_CONTEXT, ...row.context },
  }
}
