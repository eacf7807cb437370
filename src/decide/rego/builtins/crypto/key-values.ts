import { encodeBase64, encodeBase64url } from '../../../../base/encoding.ts'
import { isBounded, wholeNumber } from '../../values/number.ts'
import type { RegoObject, Value } from '../../values/value.ts'
import { objectOf } from '../../values/value.ts'
import { BuiltinError } from '../builtin.ts'
import { bitLength, wholeBytes } from './bytes.ts'
import { fieldBytes } from './elliptic.ts'
import type { PrivateKey } from './private-keys.ts'
import type { PublicKey } from './public-keys.ts'

/** A public key as Go's `encoding/json` writes it: a curve says nothing of itself, an Edwards key is its base64. */
export function publicKeyValue(key: PublicKey): Value {
  switch (key.kind) {
    case 'rsa':
      return goStruct({ N: bigValue(key.n), E: bigValue(key.e) })
    case 'ec':
      return goStruct({ Curve: goStruct({}), X: bigValue(key.x), Y: bigValue(key.y) })
    case 'ed25519':
      return encodeBase64(key.x)
    case 'x25519':
      return goStruct({})
    case 'dsa':
      return goStruct({
        P: bigValue(key.p),
        Q: bigValue(key.q),
        G: bigValue(key.g),
        Y: bigValue(key.y),
      })
  }
}

/** A private key as Go's `encoding/json` writes it; one of X25519 says nothing of itself. */
export function privateKeyValue(key: PrivateKey): Value {
  switch (key.kind) {
    case 'rsa':
      return goStruct({
        N: bigValue(key.n),
        E: bigValue(key.e),
        D: bigValue(key.d),
        Primes: [bigValue(key.p), bigValue(key.q)],
        Precomputed: goStruct({
          Dp: bigValue(key.dp),
          Dq: bigValue(key.dq),
          Qinv: bigValue(key.qInverse),
          CRTValues: [],
        }),
      })
    case 'ec':
      return goStruct({
        Curve: goStruct({}),
        X: bigValue(key.x),
        Y: bigValue(key.y),
        D: bigValue(key.d),
      })
    case 'ed25519': {
      const whole = new Uint8Array(key.seed.length + key.x.length)
      whole.set(key.seed)
      whole.set(key.x, key.seed.length)
      return encodeBase64(whole)
    }
    case 'x25519':
      return goStruct({})
  }
}

/**
 * A private key as a JWK: RFC 7517, RFC 8037.
 *
 * @throws {BuiltinError} for a curve that has no name there
 */
export function jwkValue(key: PrivateKey): RegoObject {
  switch (key.kind) {
    case 'rsa':
      return goStruct({
        kty: 'RSA',
        n: urlText(key.n),
        e: urlText(key.e),
        d: urlText(key.d),
        p: urlText(key.p),
        q: urlText(key.q),
        dp: urlText(key.dp),
        dq: urlText(key.dq),
        qi: urlText(key.qInverse),
      })
    case 'ec': {
      // RFC 7518 has no name for it.
      if (key.curve === 'P-224') throw new BuiltinError('unknown elliptic curve')
      const length = fieldBytes(key.curve)
      const coordinate = (value: bigint) => encodeBase64url(wholeBytes(value, length))
      return goStruct({
        kty: 'EC',
        crv: key.curve,
        x: coordinate(key.x),
        y: coordinate(key.y),
        d: coordinate(key.d),
      })
    }
    case 'ed25519':
      return goStruct({
        kty: 'OKP',
        crv: 'Ed25519',
        x: encodeBase64url(key.x),
        d: encodeBase64url(key.seed),
      })
    case 'x25519':
      return goStruct({
        kty: 'OKP',
        crv: 'X25519',
        x: encodeBase64url(key.x),
        d: encodeBase64url(key.scalar),
      })
  }
}

/** An object with these members. */
export function goStruct(members: Readonly<Record<string, Value>>): RegoObject {
  return objectOf(Object.entries(members))
}

/** A list as Go writes it: null where nothing ever was appended. */
export function goList(members: readonly Value[]): Value {
  return members.length === 0 ? null : members
}

/** Bytes as Go writes them: null where there are none at all. */
export function goBytes(bytes: Uint8Array | undefined): Value {
  return bytes === undefined ? null : encodeBase64(bytes)
}

/** @throws {BuiltinError} beyond the digits that a number may have */
export function bigValue(value: bigint): Value {
  if (!isBounded(value)) throw new BuiltinError('a number of the key or certificate is too long')
  return wholeNumber(value)
}

/** The fewest bytes of a number. */
function urlText(value: bigint): string {
  return encodeBase64url(wholeBytes(value, Math.ceil(bitLength(value) / 8)))
}
