import type { Call } from '../builtin.ts'
import { BuiltinError } from '../builtin.ts'
import { parseCertificate } from './certificate.ts'
import { explained } from './explain.ts'
import type { Jwk } from './jwk.ts'
import { checkPairs, parseJwks } from './jwk.ts'
import { JWS_ALGORITHMS } from './jws.ts'
import { nextPem } from './pem.ts'
import { parsePublicKey } from './public-keys.ts'

/** A key that tokens are verified with. That of a certificate may be unknown, and then verifies nothing. */
export type VerificationKey = Pick<Jwk, 'kid' | 'alg'> & {
  readonly material: Jwk['material'] | undefined
}

/**
 * Keys of a PEM certificate, a PEM public key, a JWK or a set of them. What a text holds is remembered.
 *
 * @throws {BuiltinError}
 */
export function verificationKeys(call: Call, text: string): readonly VerificationKey[] {
  // Charged also where it is remembered: what an evaluation may do must not depend on those before it.
  call.work(text.length * READ_UNITS)
  const pem = nextPem(text)
  if (pem === undefined) {
    const keys = remembered(call, `io.jwt.jwks:${text}`, text, keySet)
    checkPairs(call, keys)
    // A key for what tokens are never signed with is passed over.
    return keys.filter(({ alg }) => alg === '' || JWS_ALGORITHMS.has(alg))
  }
  if (pem.rest !== '') throw new BuiltinError('extra data after a PEM certificate block')
  const { type, bytes } = pem.block
  if (type === 'CERTIFICATE') {
    return remembered(call, `io.jwt.certificate:${text}`, bytes, certificateKeys)
  }
  if (type === 'PUBLIC KEY') {
    return remembered(call, `io.jwt.key:${text}`, bytes, publicKeys)
  }
  throw new BuiltinError('failed to extract a Key from the PEM certificate')
}

/**
 * The key that a token names among keys, if there is one, and otherwise those it may mean: a key that states an
 * algorithm only for tokens that name the same.
 */
export function candidates(
  keys: readonly VerificationKey[],
  { kid, alg }: { readonly kid: string; readonly alg: string },
): readonly VerificationKey[] {
  const named = kid === '' ? undefined : keys.find((key) => key.kid === kid)
  if (named !== undefined) return [named]
  return keys.filter((key) => key.alg === '' || key.alg === alg)
}

const READ_UNITS = 6 // Some 120 ns for a character: base64, DER, and whether points lie on their curves.
const REMEMBERED_MAX = 64 * 1024

function remembered<T, R>(call: Call, key: string, source: T, read: (source: T) => R): R {
  return key.length > REMEMBERED_MAX ? read(source) : call.cached(key, () => read(source))
}

function keySet(text: string): readonly Jwk[] {
  return explained('failed to parse a JWK key (set)', () => parseJwks(text))
}

function certificateKeys(bytes: Uint8Array): readonly VerificationKey[] {
  const { key } = explained('failed to parse a PEM certificate', () => parseCertificate(bytes))
  return [{ kid: '', alg: '', material: key }]
}

function publicKeys(bytes: Uint8Array): readonly VerificationKey[] {
  const key = explained('failed to parse a PEM public key', () => parsePublicKey(bytes))
  return [{ kid: '', alg: '', material: key }]
}
