import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { join } from 'node:path'
import fc from 'fast-check'
import { calculateJwkThumbprint, compactVerify, importJWK } from 'jose'
import { describe, expect, test } from 'vitest'
import { PolicyError } from '../../../src/base/errors.ts'
import type { JsonObject } from '../../../src/base/json-value.ts'
import { openGrantSigner } from '../../../src/host/grant-key.ts'
import { openSqliteLedger } from '../../../src/host/grant-ledger.ts'
import type { GrantClaims } from '../../../src/model/generated/types.ts'
import type { GrantLedger, Jwks } from '../../../src/model/ports.ts'
import type { GrantContext } from '../../../src/trust/verify/grant.ts'
import { commitCall, openGrant, verifyGrant } from '../../../src/trust/verify/grant.ts'
import { createMemoryLedger } from '../../../src/trust/verify/grant-ledger.ts'
import { temporaryFolder } from '../../app/support.ts'

const NOW = Date.UTC(2026, 4, 1, 12)
const SECONDS = NOW / 1000
const PAYLOAD = { amount: 25, to: 'u-17', items: [{ id: 1 }, { id: 2 }] }
const AUDIENCE = 'https://tools.test/billing'

const pair = generateKeyPairSync('ed25519')
const stranger = generateKeyPairSync('ed25519')
const text = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

function xOf(key: KeyObject): string {
  return createPublicKey(key).export({ format: 'jwk' }).x ?? ''
}

async function jwkOf(key: KeyObject) {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: xOf(key) } as const
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: 'EdDSA', use: 'sig' } as const
}

const JWKS: Jwks = { keys: [await jwkOf(pair.privateKey)] }
const KID = JWKS.keys[0]?.kid ?? ''
const HEADER = { alg: 'EdDSA', typ: 'countersign-grant+jwt', kid: KID }

function claims(changes: Partial<GrantClaims> = {}, payload: JsonObject = PAYLOAD): GrantClaims {
  const call = {
    project: 'shop',
    sub: 'clerk',
    service: 'billing',
    action: 'refund',
    seed: Buffer.alloc(32, 9).toString('base64url'),
  }
  return {
    ...call,
    iss: 'log.test/shop',
    aud: AUDIENCE,
    iat: SECONDS,
    nbf: SECONDS,
    exp: SECONDS + 60,
    jti: `grt_${'0'.repeat(26)}`,
    decision: 'dec_1',
    root: commitCall(call, payload).root,
    ...changes,
  }
}

function token(
  body: unknown = claims(),
  header: object = HEADER,
  key: KeyObject = pair.privateKey,
): string {
  const signed = `${text(header)}.${text(body)}`
  return `${signed}.${sign(null, Buffer.from(signed), key).toString('base64url')}`
}

function context(changes: Partial<GrantContext> = {}): GrantContext {
  return {
    jwks: JWKS,
    audience: AUDIENCE,
    tool: { service: 'billing', action: 'refund' },
    payload: PAYLOAD,
    ledger: createMemoryLedger(),
    now: NOW,
    ...changes,
  }
}

function codeOf(work: () => unknown): string {
  try {
    work()
    return 'accepted'
  } catch (error) {
    if (error instanceof PolicyError) return error.code
    throw error
  }
}

test.for<{ name: string; changes: Partial<GrantContext>; claims?: Partial<GrantClaims> }>([
  { name: 'a grant of this moment', changes: {} },
  { name: 'a slow clock, within the skew', changes: { now: NOW - 5_000 } },
  { name: 'the last moment and the skew', changes: { now: NOW + 64_999 } },
  { name: 'a skew of a minute', changes: { now: NOW - 60_000, skewMs: 60_000 } },
  {
    name: 'a payload in another order',
    changes: { payload: { items: PAYLOAD.items, to: 'u-17', amount: 25 } },
  },
  { name: 'an hour', changes: {}, claims: { exp: SECONDS + 3600 } },
  { name: 'a request', changes: {}, claims: { request: 'req_1' } },
])('$name -> accepted', ({ changes, claims: own }) => {
  const grant = token(claims(own))
  expect(verifyGrant(grant, context(changes))).toEqual(claims(own))
})

describe('what is refused', () => {
  const [header = '', body = '', signature = ''] = token().split('.')
  const publicPem = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const hs256 = (secret: string | Buffer) => {
    const signed = `${text({ ...HEADER, alg: 'HS256' })}.${body}`
    return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
  }
  const without = (name: keyof GrantClaims) =>
    Object.fromEntries(Object.entries(claims()).filter(([key]) => key !== name))

  test.for<{ name: string; grant: string; want: string }>([
    // Algorithm.
    {
      name: 'alg none, unsigned',
      grant: `${text({ ...HEADER, alg: 'none' })}.${body}.`,
      want: 'GRANT_MALFORMED',
    },
    {
      name: 'alg none, signed',
      grant: token(claims(), { ...HEADER, alg: 'none' }),
      want: 'GRANT_MALFORMED',
    },
    {
      name: 'alg nOnE',
      grant: token(claims(), { ...HEADER, alg: 'nOnE' }),
      want: 'GRANT_MALFORMED',
    },
    { name: 'HS256 with the public key in PEM', grant: hs256(publicPem), want: 'GRANT_MALFORMED' },
    {
      name: 'HS256 with the public key raw',
      grant: hs256(Buffer.from(xOf(pair.privateKey), 'base64url')),
      want: 'GRANT_MALFORMED',
    },
    { name: 'ES256', grant: token(claims(), { ...HEADER, alg: 'ES256' }), want: 'GRANT_MALFORMED' },
    {
      name: 'eddsa in small letters',
      grant: token(claims(), { ...HEADER, alg: 'eddsa' }),
      want: 'GRANT_MALFORMED',
    },
    {
      name: 'no alg',
      grant: token(claims(), { typ: HEADER.typ, kid: KID }),
      want: 'GRANT_MALFORMED',
    },
    // Type and key.
    {
      name: 'another typ',
      grant: token(claims(), { ...HEADER, typ: 'JWT' }),
      want: 'GRANT_MALFORMED',
    },
    { name: 'no typ', grant: token(claims(), { alg: 'EdDSA', kid: KID }), want: 'GRANT_MALFORMED' },
    {
      name: 'another kid',
      grant: token(claims(), { ...HEADER, kid: 'other' }),
      want: 'GRANT_UNTRUSTED',
    },
    {
      name: 'a kid that every object has',
      grant: token(claims(), { ...HEADER, kid: 'constructor' }),
      want: 'GRANT_UNTRUSTED',
    },
    {
      name: 'a kid that is no text',
      grant: token(claims(), { ...HEADER, kid: 1 }),
      want: 'GRANT_MALFORMED',
    },
    {
      name: 'the signature of a stranger',
      grant: token(claims(), HEADER, stranger.privateKey),
      want: 'SIGNATURE_WRONG',
    },
    ...['jwk', 'jku', 'x5u', 'x5c', 'x5t', 'crit', 'b64', 'cty', 'zip'].map((name) => ({
      name: `${name} in the header`,
      grant: token(
        claims(),
        {
          ...HEADER,
          [name]:
            name === 'jwk' ? { kty: 'OKP', crv: 'Ed25519', x: xOf(stranger.privateKey) } : 'x',
        },
        stranger.privateKey,
      ),
      want: 'GRANT_MALFORMED',
    })),
    // Form.
    { name: 'nothing', grant: '', want: 'GRANT_MALFORMED' },
    { name: 'no signature', grant: `${header}.${body}`, want: 'GRANT_MALFORMED' },
    { name: 'an empty signature', grant: `${header}.${body}.`, want: 'GRANT_MALFORMED' },
    {
      name: 'a second signature',
      grant: `${header}.${body}.${signature}.${signature}`,
      want: 'GRANT_MALFORMED',
    },
    {
      name: 'the JSON form',
      grant: JSON.stringify({ payload: body, signatures: [{ protected: header, signature }] }),
      want: 'GRANT_MALFORMED',
    },
    {
      name: 'half a signature',
      grant: `${header}.${body}.${signature.slice(0, 44)}`,
      want: 'SIGNATURE_WRONG',
    },
    {
      name: 'a longer signature',
      grant: `${header}.${body}.${signature}AAAA`,
      want: 'SIGNATURE_WRONG',
    },
    { name: 'padding', grant: `${header}.${body}.${signature}==`, want: 'GRANT_MALFORMED' },
    { name: 'white space around', grant: ` ${token()}`, want: 'GRANT_MALFORMED' },
    { name: 'a line feed after', grant: `${token()}\n`, want: 'GRANT_MALFORMED' },
    {
      name: 'a signature in other letters of base64',
      grant: `${header}.${body}.${signature.replace(/[-_]/g, '+')}=`,
      want: 'GRANT_MALFORMED',
    },
    {
      name: 'a header of a list',
      grant: `${text([HEADER])}.${body}.${signature}`,
      want: 'GRANT_MALFORMED',
    },
    { name: 'text without bound', grant: 'A'.repeat(9000), want: 'GRANT_MALFORMED' },
    {
      name: 'other claims under the signature',
      grant: `${header}.${text(claims({ aud: 'x' }))}.${signature}`,
      want: 'SIGNATURE_WRONG',
    },
    // Claims.
    ...(
      [
        'iss',
        'sub',
        'aud',
        'iat',
        'nbf',
        'exp',
        'jti',
        'decision',
        'service',
        'action',
        'root',
        'seed',
      ] as const
    ).map((name) => ({
      name: `no ${name}`,
      grant: token(without(name)),
      want: 'GRANT_MALFORMED',
    })),
    {
      name: 'an unknown claim',
      grant: token({ ...claims(), admin: true }),
      want: 'GRANT_MALFORMED',
    },
    {
      name: 'several audiences',
      grant: token({ ...claims(), aud: [AUDIENCE] }),
      want: 'GRANT_MALFORMED',
    },
    {
      name: 'an exp that is text',
      grant: token({ ...claims(), exp: '9999999999' }),
      want: 'GRANT_MALFORMED',
    },
    {
      name: 'an exp without end',
      grant: token({ ...claims(), exp: 1e300 }),
      want: 'GRANT_MALFORMED',
    },
    { name: 'claims that are a list', grant: token([claims()]), want: 'GRANT_MALFORMED' },
    {
      name: 'more than an hour',
      grant: token(claims({ exp: SECONDS + 3601 })),
      want: 'GRANT_EXPIRED',
    },
    {
      name: 'an end before its beginning',
      grant: token(claims({ exp: SECONDS - 1 })),
      want: 'GRANT_EXPIRED',
    },
    { name: 'nbf before iat', grant: token(claims({ nbf: SECONDS - 100 })), want: 'GRANT_EXPIRED' },
    { name: 'nbf after exp', grant: token(claims({ nbf: SECONDS + 61 })), want: 'GRANT_EXPIRED' },
    {
      name: 'another audience',
      grant: token(claims({ aud: `${AUDIENCE}/` })),
      want: 'GRANT_UNBOUND',
    },
    { name: 'another service', grant: token(claims({ service: 'crm' })), want: 'GRANT_UNBOUND' },
    {
      name: 'another action',
      grant: token(claims({ action: 'refund_all' })),
      want: 'GRANT_UNBOUND',
    },
    {
      name: 'another agent under the same root',
      grant: token(claims({ sub: 'other' })),
      want: 'GRANT_UNBOUND',
    },
    {
      name: 'another project under the same root',
      grant: token(claims({ project: 'other' })),
      want: 'GRANT_UNBOUND',
    },
    {
      name: 'another seed',
      grant: token(claims({ seed: Buffer.alloc(32, 8).toString('base64url') })),
      want: 'GRANT_UNBOUND',
    },
    {
      name: 'the root of another payload',
      grant: token(claims({}, { amount: 26 })),
      want: 'GRANT_UNBOUND',
    },
  ])('$name -> $want, and the ledger is left alone', ({ grant, want }) => {
    const ledger = createMemoryLedger()
    expect(codeOf(() => verifyGrant(grant, context({ ledger })))).toBe(want)
    expect(codeOf(() => verifyGrant(token(), context({ ledger })))).toBe('accepted')
  })

  test('a key twice in the claims', () => {
    const twice = JSON.stringify(claims()).replace('{', '{"aud":"x",')
    const signed = `${text(HEADER)}.${Buffer.from(twice).toString('base64url')}`
    const grant = `${signed}.${sign(null, Buffer.from(signed), pair.privateKey).toString('base64url')}`
    expect(codeOf(() => verifyGrant(grant, context()))).toBe('GRANT_MALFORMED')
  })

  test.for<{ name: string; changes: Partial<GrantContext>; want: string }>([
    { name: 'too early', changes: { now: NOW - 5_001 }, want: 'GRANT_NOT_YET_VALID' },
    { name: 'too late', changes: { now: NOW + 65_000 }, want: 'GRANT_EXPIRED' },
    { name: 'a clock that is broken', changes: { now: Number.NaN }, want: 'GRANT_NOT_YET_VALID' },
    { name: 'a skew of an hour', changes: { skewMs: 3_600_000 }, want: 'USAGE_INVALID' },
    { name: 'a skew that is no number', changes: { skewMs: Number.NaN }, want: 'USAGE_INVALID' },
    {
      name: 'a changed amount',
      changes: { payload: { ...PAYLOAD, amount: 26 } },
      want: 'GRANT_UNBOUND',
    },
    {
      name: 'another type',
      changes: { payload: { ...PAYLOAD, amount: '25' } },
      want: 'GRANT_UNBOUND',
    },
    {
      name: 'one field more',
      changes: { payload: { ...PAYLOAD, more: null } },
      want: 'GRANT_UNBOUND',
    },
    {
      name: 'one field less',
      changes: { payload: { amount: 25, to: 'u-17' } },
      want: 'GRANT_UNBOUND',
    },
    {
      name: 'a list in another order',
      changes: { payload: { ...PAYLOAD, items: [{ id: 2 }, { id: 1 }] } },
      want: 'GRANT_UNBOUND',
    },
    { name: 'no payload', changes: { payload: null as never }, want: 'GRANT_UNBOUND' },
    { name: 'a payload that is a list', changes: { payload: [] as never }, want: 'GRANT_UNBOUND' },
    {
      name: 'a payload with a reserved key',
      changes: { payload: { _sd: [] } },
      want: 'GRANT_UNBOUND',
    },
    {
      name: 'another audience',
      changes: { audience: 'https://tools.test' },
      want: 'GRANT_UNBOUND',
    },
    {
      name: 'another tool',
      changes: { tool: { service: 'billing', action: 'read' } },
      want: 'GRANT_UNBOUND',
    },
    {
      name: 'a ledger that is full',
      changes: { ledger: createMemoryLedger(0) },
      want: 'GRANT_REPLAYED',
    },
  ])('$name -> $want', ({ changes, want }) => {
    expect(codeOf(() => verifyGrant(token(), context(changes)))).toBe(want)
  })

  test('any flipped bit of a grant', () => {
    const grant = token()
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: grant.length - 1 }),
        fc.integer({ min: 0, max: 6 }),
        (at, bit) => {
          const flipped = String.fromCharCode(grant.charCodeAt(at) ^ (1 << bit))
          const changed = grant.slice(0, at) + flipped + grant.slice(at + 1)
          expect(codeOf(() => verifyGrant(changed, context()))).not.toBe('accepted')
        },
      ),
      { numRuns: 500 },
    )
  })

  test('any flipped bit of the bytes of each part, written again as base64url', () => {
    const parts = token().split('.')
    for (const [index, part] of parts.entries()) {
      const bytes = Buffer.from(part, 'base64url')
      for (let at = 0; at < bytes.length; at++) {
        const changed = Buffer.from(bytes)
        changed.writeUInt8(changed.readUInt8(at) ^ 1, at)
        const grant = parts.with(index, changed.toString('base64url')).join('.')
        expect(codeOf(() => verifyGrant(grant, context()))).not.toBe('accepted')
      }
    }
  })
})

describe('the JWKS document', () => {
  const key = JWKS.keys[0] as Jwks['keys'][number]
  test.for<{ name: string; jwks: unknown; want: string }>([
    { name: 'a copy of it', jwks: { keys: [{ ...key }] }, want: 'accepted' },
    {
      name: 'a key without alg and use',
      jwks: { keys: [{ kty: 'OKP', crv: 'Ed25519', x: key.x, kid: key.kid }] },
      want: 'accepted',
    },
    { name: 'no keys', jwks: { keys: [] }, want: 'JWKS_INVALID' },
    { name: 'no list', jwks: { keys: key }, want: 'JWKS_INVALID' },
    { name: 'nothing', jwks: null, want: 'JWKS_INVALID' },
    { name: 'a private key', jwks: { keys: [{ ...key, d: 'x' }] }, want: 'JWKS_INVALID' },
    {
      name: 'a kid that is no thumbprint',
      jwks: { keys: [{ ...key, kid: 'mine' }] },
      want: 'JWKS_INVALID',
    },
    {
      name: 'the key of a stranger under this kid',
      jwks: { keys: [{ ...key, x: xOf(stranger.privateKey) }] },
      want: 'JWKS_INVALID',
    },
    {
      name: 'a key for encryption',
      jwks: { keys: [{ ...key, use: 'enc' }] },
      want: 'JWKS_INVALID',
    },
    {
      name: 'a key for another algorithm',
      jwks: { keys: [{ ...key, alg: 'HS256' }] },
      want: 'JWKS_INVALID',
    },
    {
      name: 'a symmetric key',
      jwks: { keys: [{ kty: 'oct', k: 'x', kid: key.kid }] },
      want: 'JWKS_INVALID',
    },
    { name: 'another curve', jwks: { keys: [{ ...key, crv: 'X25519' }] }, want: 'JWKS_INVALID' },
    {
      name: 'a short key',
      jwks: { keys: [{ ...key, x: key.x.slice(0, 40) }] },
      want: 'JWKS_INVALID',
    },
    { name: 'keys without bound', jwks: { keys: Array(65).fill(key) }, want: 'JWKS_INVALID' },
  ])('$name -> $want', ({ jwks, want }) => {
    expect(codeOf(() => verifyGrant(token(), context({ jwks: jwks as Jwks })))).toBe(want)
  })
})

describe('the signer', () => {
  test('jose verifies what it signs, under the key that it names by thumbprint', async () => {
    const signer = await openGrantSigner(join(temporaryFolder(), 'grant_key.pem'))
    const grant = await signer.sign(claims())
    const [jwk] = signer.jwks.keys
    const verified = await compactVerify(grant, await importJWK({ ...jwk }, 'EdDSA'))
    expect(verified.protectedHeader).toEqual({ ...HEADER, kid: signer.kid })
    expect(JSON.parse(new TextDecoder().decode(verified.payload))).toEqual(claims())
    expect(signer.kid).toBe(await calculateJwkThumbprint({ ...jwk } as never))
    expect(openGrant(grant, signer.jwks)).toEqual(claims())
    expect(await signer.sign(claims())).toBe(grant)
  })

  test('the same file gives the same key, and the document holds no private part', async () => {
    const file = join(temporaryFolder(), 'grant_key.pem')
    const [first, second] = [await openGrantSigner(file), await openGrantSigner(file)]
    expect(second.jwks).toEqual(first.jwks)
    expect(Object.keys(first.jwks.keys[0] ?? {}).sort()).toEqual([
      'alg',
      'crv',
      'kid',
      'kty',
      'use',
      'x',
    ])
  })

  test('the thumbprint is that of RFC 8037, appendix A.3', () => {
    const x = '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo'
    const kid = 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k'
    const jwks = { keys: [{ kty: 'OKP', crv: 'Ed25519', x, kid }] } as Jwks
    expect(codeOf(() => openGrant(token(), jwks))).toBe('GRANT_UNTRUSTED')
  })
})

describe.each([
  { name: 'memory', open: (): GrantLedger => createMemoryLedger() },
  {
    name: 'SQLite',
    open: (): GrantLedger => openSqliteLedger(join(temporaryFolder(), 'used.sqlite')),
  },
])('a ledger in $name', ({ open }) => {
  test('takes a grant once', () => {
    const ledger = open()
    expect(codeOf(() => verifyGrant(token(), context({ ledger })))).toBe('accepted')
    expect(codeOf(() => verifyGrant(token(), context({ ledger })))).toBe('GRANT_REPLAYED')
    const other = token(claims({ jti: `grt_${'1'.repeat(26)}` }))
    expect(codeOf(() => verifyGrant(other, context({ ledger })))).toBe('accepted')
  })

  test('never takes what it may have forgotten, though the clock goes back', () => {
    const ledger = open()
    const idOf = (n: number) => `g${n}`
    for (let n = 0; n < 3000; n++) expect(ledger.use(idOf(n), NOW + n, NOW + n)).toBe(true)
    for (let n = 0; n < 3000; n++) expect(ledger.use(idOf(n), NOW + n, NOW)).toBe(false)
    expect(ledger.use('new', NOW + 60_000, NOW)).toBe(true)
  })
})

test('a ledger in a file remembers over a restart and over processes', () => {
  const file = join(temporaryFolder(), 'used.sqlite')
  const [first, second] = [openSqliteLedger(file), openSqliteLedger(file)]
  expect(first.use('a', NOW + 1000, NOW)).toBe(true)
  expect(second.use('a', NOW + 1000, NOW)).toBe(false)
  first.close()
  second.close()
  expect(() => first.use('b', NOW + 1000, NOW)).toThrow(
    expect.objectContaining({ code: 'STORE_FAILED' }),
  )
  expect(openSqliteLedger(file).use('a', NOW + 1000, NOW)).toBe(false)
})

test('a ledger whose file cannot be opened takes nothing', () => {
  expect(() => openSqliteLedger(join(temporaryFolder(), 'no/such/folder.sqlite'))).toThrow(
    expect.objectContaining({ code: 'STORE_FAILED' }),
  )
})
