import type { KeyObject } from 'node:crypto'
import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { encodeSshsig, sshFingerprint, sshsigSignedData } from '../../../src/base/ssh-encoding.ts'
import { concatBytes, wireString, wireUint32 } from '../../../src/base/ssh-wire.ts'
import { verifySshsig } from '../../../src/trust/verify/sshsig.ts'

const NAMESPACE = 'countersign-review'
const vector = (name: string) =>
  readFileSync(new URL(`../../vectors/sshsig/${name}`, import.meta.url), 'utf8')
const MESSAGE = Buffer.from(vector('message.txt'))

/** The fingerprints that `ssh-keygen -lf` printed for the vectors' keys. */
const VECTORS = [
  {
    name: 'ed25519',
    keyType: 'ssh-ed25519',
    fingerprint: 'SHA256:oInh+4gEIW3ewWmlN0FEmzcSg3LurHGsMKiOCTfzcpA',
  },
  {
    name: 'ecdsa-256',
    keyType: 'ecdsa-sha2-nistp256',
    fingerprint: 'SHA256:aBmjSax0kzxHfXGOei4JWHA05pgvSkjDHSV3/sJ9EEo',
  },
  {
    name: 'ecdsa-384',
    keyType: 'ecdsa-sha2-nistp384',
    fingerprint: 'SHA256:JVqWjyKJCm4dI8Gn+99HztFLq95Uh2BX9ti5AXNkcvg',
  },
  {
    name: 'ecdsa-521',
    keyType: 'ecdsa-sha2-nistp521',
    fingerprint: 'SHA256:IZPASbcls4ruhreOyRRxmMNUc+/TvX+w+vsDKYRADMY',
  },
  {
    name: 'rsa-3072',
    keyType: 'ssh-rsa',
    fingerprint: 'SHA256:7gtb4jJu1Cr88KYJjrOP2njTc/NeeSzpYQc5qezBaCs',
  },
  {
    name: 'rsa-3072-sha256',
    keyType: 'ssh-rsa',
    fingerprint: 'SHA256:7gtb4jJu1Cr88KYJjrOP2njTc/NeeSzpYQc5qezBaCs',
  },
]

describe("OpenSSH's own signatures", () => {
  test.for(VECTORS)('$name -> $keyType', ({ name, keyType, fingerprint }) => {
    const result = verifySshsig(vector(`${name}.sig`), MESSAGE, NAMESPACE)
    expect(result).toEqual({ keyType, fingerprint })
  })

  test.for(VECTORS)('$name with CRLF line ends holds', ({ name, fingerprint }) => {
    const armour = vector(`${name}.sig`).replaceAll('\n', '\r\n')
    expect(verifySshsig(armour, MESSAGE, NAMESPACE).fingerprint).toBe(fingerprint)
  })

  test.for(VECTORS)('$name over another message -> SIGNATURE_WRONG', ({ name }) => {
    const message = Buffer.concat([MESSAGE, Buffer.from('\n')])
    expect(codeOf(() => verifySshsig(vector(`${name}.sig`), message, NAMESPACE))).toBe(
      'SIGNATURE_WRONG',
    )
  })

  test.for(VECTORS)('$name with any one bit of its bytes flipped never holds', ({ name }) => {
    const [begin = '', ...rest] = vector(`${name}.sig`).trimEnd().split('\n')
    const end = rest.pop() ?? ''
    const bytes = Buffer.from(rest.join(''), 'base64')
    for (let at = 0; at < bytes.length; at += 3) {
      const changed = Buffer.from(bytes)
      changed.writeUInt8(changed.readUInt8(at) ^ (1 << (at % 8)), at)
      const armour = [begin, changed.toString('base64'), end, ''].join('\n')
      expect(codeOf(() => verifySshsig(armour, MESSAGE, NAMESPACE))).toMatch(/^(SIGNATURE|KEY)_/)
    }
  })

  test.for([
    { name: 'made for git, asked for a review', file: 'ed25519-namespace-git.sig' },
    { name: 'made for a review, asked for git', file: 'ed25519.sig', namespace: 'git' },
    { name: 'asked for no namespace', file: 'ed25519.sig', namespace: '' },
  ])('$name -> SIGNATURE_NAMESPACE', ({ file, namespace }) => {
    const code = codeOf(() => verifySshsig(vector(file), MESSAGE, namespace ?? NAMESPACE))
    expect(code).toBe('SIGNATURE_NAMESPACE')
  })

  test('RSA of 1,024 bits -> KEY_UNSUPPORTED', () => {
    const code = codeOf(() => verifySshsig(vector('rsa-1024.sig'), MESSAGE, NAMESPACE))
    expect(code).toBe('KEY_UNSUPPORTED')
  })

  test.for([
    { name: 'nothing', armour: '' },
    { name: 'a cut end', armour: vector('ed25519.sig').slice(0, -40) },
    { name: 'words around it', armour: `see below\n${vector('ed25519.sig')}` },
    { name: 'two of them', armour: vector('ed25519.sig') + vector('ed25519.sig') },
    { name: 'a space in the base64', armour: vector('ed25519.sig').replace('U1NI', 'U1N I') },
  ])('$name -> SIGNATURE_MALFORMED', ({ armour }) => {
    expect(codeOf(() => verifySshsig(armour, MESSAGE, NAMESPACE))).toBe('SIGNATURE_MALFORMED')
  })

  test("one key's signature under another key's name -> SIGNATURE_WRONG", () => {
    const other = generateKeyPairSync('ed25519')
    const mine = generateKeyPairSync('ed25519')
    const data = signedData('sha512')
    const signature = sign(null, data, mine.privateKey)
    const armour = seal(ed25519Blob(other.publicKey), wire('ssh-ed25519', signature))
    expect(codeOf(() => verifySshsig(armour, MESSAGE, NAMESPACE))).toBe('SIGNATURE_WRONG')
  })

  test('RSA with SHA-1 -> KEY_UNSUPPORTED', () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const { n = '', e = '' } = publicKey.export({ format: 'jwk' })
    const integer = (text: string) => {
      const bytes = Buffer.from(text, 'base64url')
      return wireString(bytes.readUInt8(0) >= 0x80 ? concatBytes(Uint8Array.of(0), bytes) : bytes)
    }
    const blob = concatBytes(wireString(Buffer.from('ssh-rsa')), integer(e), integer(n))
    const signature = sign('sha1', signedData('sha512'), privateKey)
    const armour = seal(blob, wire('ssh-rsa', signature))
    expect(codeOf(() => verifySshsig(armour, MESSAGE, NAMESPACE))).toBe('KEY_UNSUPPORTED')
    const sound = sign('sha512', signedData('sha512'), privateKey)
    const good = seal(blob, wire('rsa-sha2-512', sound))
    expect(verifySshsig(good, MESSAGE, NAMESPACE).fingerprint).toBe(sshFingerprint(blob))
  })
})

const SK_ED25519 = 'sk-ssh-ed25519@openssh.com'
const SK_ECDSA = 'sk-ecdsa-sha2-nistp256@openssh.com'

// PROTOCOL.u2f: the key signs SHA-256(application) || flags || counter || SHA-256(data).
describe('hardware keys after PROTOCOL.u2f', () => {
  test.for([
    { name: 'touched', flags: 0x01 },
    { name: 'touched and with a PIN', flags: 0x05 },
  ])('$name -> holds', ({ flags }) => {
    for (const make of [skEd25519, skEcdsa]) {
      const { armour, blob, keyType } = make({ flags })
      expect(verifySshsig(armour, MESSAGE, NAMESPACE)).toEqual({
        keyType,
        fingerprint: sshFingerprint(blob),
      })
    }
  })

  test.for([
    { name: 'nobody touched it', row: { flags: 0x00 }, want: 'SIGNATURE_NO_PRESENCE' },
    { name: 'PIN without a touch', row: { flags: 0x04 }, want: 'SIGNATURE_NO_PRESENCE' },
    { name: 'touch claimed later', row: { flags: 0, shown: 1 }, want: 'SIGNATURE_WRONG' },
    {
      name: 'another application',
      row: { flags: 1, application: 'web:' },
      want: 'SIGNATURE_WRONG',
    },
    { name: 'another counter', row: { flags: 1, shownCounter: 8 }, want: 'SIGNATURE_WRONG' },
  ])('$name -> $want', ({ row, want }) => {
    for (const make of [skEd25519, skEcdsa]) {
      expect(codeOf(() => verifySshsig(make(row).armour, MESSAGE, NAMESPACE))).toBe(want)
    }
  })
})

type Touch = {
  flags: number
  /** The flags in the signature, when they are not those that were signed. */
  shown?: number
  shownCounter?: number
  /** The application that was signed, when it is not the key's. */
  application?: string
}

function u2fData({ flags, application = 'ssh:' }: Touch): Uint8Array {
  const hash = (data: Uint8Array | string) => createHash('sha256').update(data).digest()
  return concatBytes(
    hash(application),
    Uint8Array.of(flags),
    wireUint32(7),
    hash(signedData('sha512')),
  )
}

function tail({ flags, shown, shownCounter }: Touch): Uint8Array {
  return concatBytes(Uint8Array.of(shown ?? flags), wireUint32(shownCounter ?? 7))
}

function skEd25519(touch: Touch) {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const x = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')
  const blob = wire(SK_ED25519, x, Buffer.from('ssh:'))
  const signature = concatBytes(
    wire(SK_ED25519, sign(null, u2fData(touch), privateKey)),
    tail(touch),
  )
  return { armour: seal(blob, signature), blob, keyType: SK_ED25519 }
}

function skEcdsa(touch: Touch) {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
  const point = concatBytes(
    Uint8Array.of(4),
    Buffer.from(x, 'base64url'),
    Buffer.from(y, 'base64url'),
  )
  const blob = wire(SK_ECDSA, Buffer.from('nistp256'), point, Buffer.from('ssh:'))
  const pair = sign('sha256', u2fData(touch), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  const numbers = concatBytes(integer(pair.subarray(0, 32)), integer(pair.subarray(32)))
  const signature = concatBytes(wire(SK_ECDSA, numbers), tail(touch))
  return { armour: seal(blob, signature), blob, keyType: SK_ECDSA }
}

function integer(bytes: Buffer): Uint8Array {
  let start = 0
  while (bytes[start] === 0) start++
  const short = bytes.subarray(start)
  return wireString(short.readUInt8(0) >= 0x80 ? concatBytes(Uint8Array.of(0), short) : short)
}

function wire(type: string, ...parts: Uint8Array[]): Uint8Array {
  return concatBytes(wireString(Buffer.from(type)), ...parts.map((part) => wireString(part)))
}

function ed25519Blob(key: KeyObject): Uint8Array {
  return wire('ssh-ed25519', Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url'))
}

function signedData(hash: 'sha256' | 'sha512'): Uint8Array {
  return sshsigSignedData(NAMESPACE, hash, createHash(hash).update(MESSAGE).digest())
}

function seal(publicKey: Uint8Array, signature: Uint8Array): string {
  return encodeSshsig({ publicKey, namespace: NAMESPACE, hash: 'sha512', signature })
}

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
  return 'held'
}
