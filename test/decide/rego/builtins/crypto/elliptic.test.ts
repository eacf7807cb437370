import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { CurveName } from '../../../../../src/decide/rego/builtins/crypto/elliptic.ts'
import {
  keyPairOf,
  publicKeyOf,
  signEcdsa,
  verifyEcdsa,
  verifyEcdsaDer,
} from '../../../../../src/decide/rego/builtins/crypto/elliptic.ts'
import { newCall } from '../tagged-values.ts'

// RFC 6979, appendices A.2.4 to A.2.7, message "sample". https://www.rfc-editor.org/rfc/rfc6979#appendix-A.2.4
const DETERMINISTIC: readonly {
  readonly curve: CurveName
  readonly hash: string
  readonly key: string
  readonly r: string
  readonly s: string
}[] = [
  {
    curve: 'P-256',
    hash: 'sha256',
    key: 'C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721',
    r: 'EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716',
    s: 'F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8',
  },
  {
    curve: 'P-384',
    hash: 'sha384',
    key: '6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5',
    r: '94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C81A648152E44ACF96E36DD1E80FABE46',
    s: '99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94FA329C145786E679E7B82C71A38628AC8',
  },
  {
    curve: 'P-521',
    hash: 'sha512',
    key:
      '00FAD06DAA62BA3B25D2FB40133DA757205DE67F5BB0018FEE8C86E1B68C7E75CAA896EB32F1F47C70855836A6D16FCC1466F6D8FBEC67DB' +
      '89EC0C08B0E996B83538',
    r:
      '00C328FAFCBD79DD77850370C46325D987CB525569FB63C5D3BC53950E6D4C5F174E25A1EE9017B5D450606ADD152B534931D7D4E8455CC9' +
      '1F9B15BF05EC36E377FA',
    s:
      '00617CCE7CF5064806C467F678D3B4080D6F1CC50AF26CA209417308281B68AF282623EAA63E5B5C0723D8B8C37FF0777B1A20F8CCB1DCCC' +
      '43997F1EE0E44DA4A67A',
  },
]

test.for(DETERMINISTIC)('$curve signs -> r and s of RFC 6979', ({ curve, hash, key, r, s }) => {
  const pair = keyPairOf(newCall(), curve, BigInt(`0x${key}`))
  const digest = createHash(hash).update('sample').digest()
  const signature = pair && signEcdsa(newCall(), pair, digest)
  expect(Buffer.from(signature ?? []).toString('hex')).toBe((r + s).toLowerCase())
})

const CURVES = ['P-224', 'P-256', 'P-384', 'P-521'] as const
const ORDERS = {
  'P-224': 0xffffffffffffffffffffffffffff16a2e0b8f03e13dd29455c5c2a3dn,
  'P-256': 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  'P-384':
    0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  'P-521': BigInt(
    `0x1${'ff'.repeat(32)}fa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409`,
  ),
}

test.for(CURVES)('%s: a signature and its mirror -> verified, any other -> not', (curve) => {
  const order = ORDERS[curve]
  const pair = keyPairOf(newCall(), curve, order - 12_345n)
  if (pair === undefined) throw new Error('no pair')
  const digest = createHash('sha256').update('x').digest()
  const signature = Buffer.from(signEcdsa(newCall(), pair, digest) ?? [])
  const half = signature.length / 2
  const [r = 0n, s = 0n] = [signature.subarray(0, half), signature.subarray(half)].map((part) =>
    BigInt(`0x${part.toString('hex')}`),
  )
  const holds = (one: bigint, two: bigint) =>
    verifyEcdsa(newCall(), pair, digest, { r: one, s: two })
  expect(holds(r, s)).toBe(true)
  expect(holds(r, order - s)).toBe(true)
  for (const [one, two] of [
    [0n, s],
    [r, 0n],
    [r + order, s],
    [r, s + order],
    [-r, s],
    [s, r],
    [r + 1n, s],
  ] as const) {
    expect(holds(one, two)).toBe(false)
  }
})

test('a signature in DER that is written otherwise than it must be -> not verified', () => {
  const pair = keyPairOf(newCall(), 'P-256', 7n)
  if (pair === undefined) throw new Error('no pair')
  const digest = createHash('sha256').update('x').digest()
  const raw = [...(signEcdsa(newCall(), pair, digest) ?? [])]
  const integer = (bytes: readonly number[]) => {
    const first = bytes.findIndex((byte) => byte !== 0)
    const short = bytes.slice(first)
    const signed = (short[0] ?? 0) > 127 ? [0, ...short] : short
    return [2, signed.length, ...signed]
  }
  const [r, s] = [integer(raw.slice(0, 32)), integer(raw.slice(32))]
  const sequence = (...parts: readonly number[]) => Uint8Array.from([0x30, parts.length, ...parts])
  const holds = (bytes: Uint8Array) => verifyEcdsaDer(newCall(), pair, digest, bytes)
  expect(holds(sequence(...r, ...s))).toBe(true)
  expect(holds(sequence(...r, ...s, 5, 0))).toBe(false)
  expect(holds(Uint8Array.from([...sequence(...r, ...s), 0]))).toBe(false)
  expect(holds(sequence(2, (r[1] ?? 0) + 1, 0, ...r.slice(2), ...s))).toBe(false)
  expect(holds(sequence(...r))).toBe(false)
  expect(holds(new Uint8Array())).toBe(false)
})

test('a point that is not on its curve, or in another form -> no key', () => {
  const pair = keyPairOf(newCall(), 'P-256', 7n)
  if (pair === undefined) throw new Error('no pair')
  const point = Buffer.from(
    `04${[pair.x, pair.y].map((part) => part.toString(16).padStart(64, '0')).join('')}`,
    'hex',
  )
  expect(publicKeyOf('P-256', point)).toMatchObject({ x: pair.x, y: pair.y })
  expect(publicKeyOf('P-384', point)).toBeUndefined()
  expect(publicKeyOf('P-256', new Uint8Array(65))).toBeUndefined()
  expect(publicKeyOf('P-256', Uint8Array.of(0))).toBeUndefined()
  expect(publicKeyOf('P-256', Uint8Array.from([2, ...point.subarray(1, 33)]))).toBeUndefined()
  expect(publicKeyOf('P-256', Uint8Array.of(4, ...new Uint8Array(64)))).toBeUndefined()
  expect(publicKeyOf('P-256', Uint8Array.of(4, ...new Uint8Array(64).fill(255)))).toBeUndefined()
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const altered = Uint8Array.from(point)
      altered[at] = (altered[at] ?? 0) ^ flip
      expect(publicKeyOf('P-256', altered)).toBeUndefined()
    }),
  )
})
