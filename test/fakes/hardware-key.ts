import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { encodeSshsig, sshFingerprint, sshsigSignedData } from '../../src/base/ssh-encoding.ts'
import { concatBytes, wireString, wireUint32 } from '../../src/base/ssh-wire.ts'
import { REVIEW_NAMESPACE, type ReviewSigner } from '../../src/model/ports.ts'

const TYPE = 'sk-ssh-ed25519@openssh.com'
const APPLICATION = 'ssh:'

/**
 * What a hardware key does, in software: PROTOCOL.u2f, SSH U2F signatures.
 *
 * @param flags - bit 0 says that a person touched it, bit 2 that a PIN was given
 */
export function hardwareKey(flags: number): ReviewSigner & { readonly publicLine: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const x = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')
  const blob = wire(TYPE, x, Buffer.from(APPLICATION))
  const hash = (data: Uint8Array | string) => createHash('sha256').update(data).digest()
  const tail = concatBytes(Uint8Array.of(flags), wireUint32(7))
  return {
    kind: 'ssh',
    fingerprint: sshFingerprint(blob),
    publicLine: `${TYPE} ${Buffer.from(blob).toString('base64')}`,
    sign: async (message, namespace = REVIEW_NAMESPACE) => {
      const digest = createHash('sha512').update(message).digest()
      const data = hash(sshsigSignedData(namespace, 'sha512', digest))
      const made = sign(null, concatBytes(hash(APPLICATION), tail, data), privateKey)
      const signature = concatBytes(wire(TYPE, made), tail)
      return encodeSshsig({ publicKey: blob, namespace, hash: 'sha512', signature })
    },
  }
}

function wire(type: string, ...parts: Uint8Array[]): Uint8Array {
  return concatBytes(wireString(Buffer.from(type)), ...parts.map((part) => wireString(part)))
}
