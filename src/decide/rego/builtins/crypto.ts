import { bytesToHex } from '@noble/hashes/utils.js'
import type { Value } from '../values/value.ts'
import type { Builtin, BuiltinFamily, Call } from './builtin.ts'
import { BuiltinError, stringOperand } from './builtin.ts'
import { binaryText, bytesOf } from './crypto/bytes.ts'
import { decodeGoBase64 } from './crypto/go-base64.ts'
import type { HashName } from './crypto/hash.ts'
import { authenticate, digest } from './crypto/hash.ts'
import { jwkValue, privateKeyValue } from './crypto/key-values.ts'
import { nextPem } from './crypto/pem.ts'
import type { PrivateKey } from './crypto/private-keys.ts'
import { parseEcKey, parsePkcs1, parsePkcs8 } from './crypto/private-keys.ts'

/** Hashes and message authentication codes in hexadecimal, and private keys taken apart. */
export const CRYPTO: BuiltinFamily = {
  'crypto.md5': hasher('md5'),
  'crypto.sha1': hasher('sha1'),
  'crypto.sha256': hasher('sha256'),
  'crypto.hmac.md5': authenticator('md5'),
  'crypto.hmac.sha1': authenticator('sha1'),
  'crypto.hmac.sha256': authenticator('sha256'),
  'crypto.hmac.sha512': authenticator('sha512'),
  'crypto.hmac.equal': (_call, a, b) => stringOperand(a, 1) === stringOperand(b, 2),
  'crypto.parse_private_keys': (call, text) => {
    const source = stringOperand(text, 1)
    return source === '' ? null : readKeys(call, source).map(privateKeyValue)
  },
  'crypto.x509.parse_rsa_private_key': (call, text) => firstAsJwk(call, stringOperand(text, 1)),
}

function hasher(name: HashName): Builtin {
  return (call, text) => bytesToHex(digest(call, name, bytesOf(stringOperand(text, 1))))
}

function authenticator(name: HashName): Builtin {
  return (call, text, secret) => {
    const message = bytesOf(stringOperand(text, 1))
    const key = bytesOf(stringOperand(secret, 2))
    return bytesToHex(authenticate(call, name, { key, message }))
  }
}

/** The first key of PEM, or of base64 of PEM, as a JWK; null where there is none. Not of RSA only, as in OPA. */
function firstAsJwk(call: Call, text: string): Value {
  if (text === '') throw new BuiltinError('input PEM data was empty')
  const pem = text.startsWith('-----BEGIN') ? text : binaryText(decodeGoBase64(text, 'standard'))
  const [key] = readKeys(call, pem)
  return key === undefined ? null : jwkValue(key)
}

/** Keys of PEM blocks, or of base64 of such. Blocks of other types are skipped. */
function readKeys(call: Call, text: string): readonly PrivateKey[] {
  call.work(text.length * READ_UNITS)
  const keys: PrivateKey[] = []
  for (let found = nextPem(decodedOrSame(text)); found !== undefined; found = nextPem(found.rest)) {
    const { type, bytes } = found.block
    if (type === 'RSA PRIVATE KEY') keys.push(parsePkcs1(call, bytes))
    else if (type === 'PRIVATE KEY') keys.push(parsePkcs8(call, bytes))
    else if (type === 'EC PRIVATE KEY') keys.push(parseEcKey(call, bytes))
  }
  return keys
}

const READ_UNITS = 2 // Some 40 ns for a character.

function decodedOrSame(text: string): string {
  try {
    return binaryText(decodeGoBase64(text, 'standard'))
  } catch (cause) {
    if (cause instanceof BuiltinError) return text
    throw cause
  }
}
