import type { KeyObject } from 'node:crypto'
import { createHmac, generateKeyPairSync, sign, verify } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { JWT } from '../../../../src/decide/rego/builtins/jwt.ts'
import { fromJson, toJson } from '../../../../src/decide/rego/values/json.ts'
import type { Value } from '../../../../src/decide/rego/values/value.ts'
import { caller, newCall } from './tagged-values.ts'

const call = caller(JWT)
const NOW_NS = 1_700_000_000_000_000_000n

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' })
const p521 = generateKeyPairSync('ec', { namedCurve: 'P-521' })
const edwards = generateKeyPairSync('ed25519')

const SIGNERS = [
  { alg: 'RS256', hash: 'sha256', pair: rsa },
  { alg: 'RS384', hash: 'sha384', pair: rsa },
  { alg: 'RS512', hash: 'sha512', pair: rsa },
  { alg: 'ES256', hash: 'sha256', pair: p256 },
  { alg: 'ES384', hash: 'sha384', pair: p384 },
  { alg: 'ES512', hash: 'sha512', pair: p521 },
  { alg: 'EdDSA', hash: null, pair: edwards },
]

describe('tokens of RFC 7515 and RFC 8037', () => {
  // RFC 7515, appendix A.1. https://www.rfc-editor.org/rfc/rfc7515#appendix-A.1
  const symmetric = {
    kty: 'oct',
    k: 'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow',
  }
  const payload = '{"iss":"joe",\r\n "exp":1300819380,\r\n "http://example.com/is_root":true}'
  test('A.1: HS256 -> the token of the RFC', () => {
    expect(
      call(
        'io.jwt.encode_sign_raw',
        '{"typ":"JWT",\r\n "alg":"HS256"}',
        payload,
        JSON.stringify(symmetric),
      ),
    ).toBe(
      'eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxl' +
        'LmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
    )
  })

  // RFC 7515, appendix A.3. https://www.rfc-editor.org/rfc/rfc7515#appendix-A.3
  const elliptic = {
    kty: 'EC',
    crv: 'P-256',
    x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
    y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
  }
  const token =
    'eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0' +
    'cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q'
  test('A.3: ES256 -> verified', () => {
    expect(call('io.jwt.verify_es256', token, JSON.stringify(elliptic))).toBe(true)
  })

  // RFC 8037, appendix A.4. https://www.rfc-editor.org/rfc/rfc8037#appendix-A.4
  const okp = {
    kty: 'OKP',
    crv: 'Ed25519',
    d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A',
    x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
  }
  test('A.4: EdDSA -> verified, with the public key only', () => {
    const token =
      'eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR' +
      '4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg'
    const { d: _, ...open } = okp
    expect(call('io.jwt.verify_eddsa', token, JSON.stringify(open))).toBe(true)
    expect(call('io.jwt.verify_eddsa', token, JSON.stringify(okp))).toBe(false)
  })
})

describe.for(SIGNERS)('$alg', ({ alg, hash, pair }) => {
  const verifyName = `io.jwt.verify_${alg.toLowerCase()}`
  const pem = pair.publicKey.export({ format: 'pem', type: 'spki' }) as string
  const jwk = JSON.stringify(pair.publicKey.export({ format: 'jwk' }))
  const secret = fromJson(pair.privateKey.export({ format: 'jwk' }) as never)
  const claims = { iss: 'joe', n: 1 }

  test('what another library signs -> verified, with PEM and with a JWK', () => {
    const token = foreignToken({ alg }, claims, pair.privateKey, hash)
    expect(call(verifyName, token, pem)).toBe(true)
    expect(call(verifyName, token, jwk)).toBe(true)
    const answer = call('io.jwt.decode_verify', token, { cert: pem, alg, iss: 'joe' })
    expect(toJson(answer as Value)).toEqual([true, { alg }, claims])
  })

  test('what it signs -> verified by another library', () => {
    const token = call('io.jwt.encode_sign', { alg }, claims, secret) as string
    const end = token.lastIndexOf('.')
    const options = { key: pair.publicKey, dsaEncoding: 'ieee-p1363' } as const
    const signature = Buffer.from(token.slice(end + 1), 'base64url')
    expect(verify(hash, Buffer.from(token.slice(0, end)), options, signature)).toBe(true)
  })

  test('any other bit of the signature -> not verified', () => {
    const token = foreignToken({ alg }, claims, pair.privateKey, hash)
    const end = token.lastIndexOf('.')
    const signature = Buffer.from(token.slice(end + 1), 'base64url')
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 8 * signature.length - 1 }), (bit) => {
        const altered = Buffer.from(signature)
        altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        const forged = `${token.slice(0, end)}.${altered.toString('base64url')}`
        expect(call(verifyName, forged, pem)).toBe(false)
      }),
      { numRuns: 10 },
    )
  })

  test('another payload, key or kind of key -> not verified', () => {
    const token = foreignToken({ alg }, claims, pair.privateKey, hash)
    const [header, , signature] = token.split('.')
    const payload = Buffer.from('{"iss":"eve"}').toString('base64url')
    expect(call(verifyName, `${header}.${payload}.${signature}`, pem)).toBe(false)
    for (const other of SIGNERS.filter((one) => one.pair !== pair)) {
      const key = other.pair.publicKey.export({ format: 'pem', type: 'spki' }) as string
      expect(call(verifyName, token, key)).toBe(false)
      expect(verified(token, { cert: key })).toBe(false)
    }
  })
})

describe('algorithm confusion', () => {
  const pem = rsa.publicKey.export({ format: 'pem', type: 'spki' }) as string
  const header = Buffer.from('{"alg":"HS256"}').toString('base64url')
  const code = createHmac('sha256', pem).update(`${header}.e30`).digest('base64url')

  test.for([
    { name: 'a public key as the secret of HS256', token: `${header}.e30.${code}`, key: pem },
    { name: 'no algorithm and no signature', token: `${unsigned('none')}.`, key: pem },
    { name: 'no algorithm in other letters', token: `${unsigned('nOnE')}.`, key: pem },
    { name: 'an empty algorithm', token: `${unsigned('')}.`, key: pem },
    { name: 'the name of another library', token: `${unsigned('HMAC_WITH_SHA256')}.`, key: pem },
  ])('$name -> not verified', ({ token, key }) => {
    expect(verified(token, { cert: key })).toBe(false)
    expect(verified(token, { secret: 'x' })).toBe(false)
    expect(call('io.jwt.verify_rs256', token, key)).toBe(false)
  })

  test('a token of another algorithm than is asked for -> not verified', () => {
    const token = foreignToken({ alg: 'RS256' }, {}, rsa.privateKey, 'sha256')
    expect(verified(token, { cert: pem, alg: 'RS256' })).toBe(true)
    expect(verified(token, { cert: pem, alg: 'RS512' })).toBe(false)
    expect(verified(token, { cert: pem, alg: 'rs256' })).toBe(false)
  })

  test('an Ed25519 key never is a secret', () => {
    const jwk = edwards.publicKey.export({ format: 'jwk' })
    const x = Buffer.from(jwk.x ?? '', 'base64url')
    const forged = createHmac('sha256', x).update(`${header}.e30`).digest('base64url')
    expect(verified(`${header}.e30.${forged}`, { cert: JSON.stringify(jwk) })).toBe(false)
  })
})

// RFC 7515, section 4.1.11.
test.for([
  { name: 'a critical parameter that is not known', header: { crit: ['x'], x: 1 }, want: false },
  { name: 'a critical parameter that is known', header: { crit: ['kid'], kid: 'a' }, want: true },
  { name: 'a critical parameter that is not there', header: { crit: ['x'] }, want: true },
  { name: 'no algorithm', header: { alg: undefined }, want: false },
])('$name -> $want', ({ header, want }) => {
  const [head, body] = [{ alg: 'HS256', ...header }, {}].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  )
  const code = createHmac('sha256', 's').update(`${head}.${body}`).digest('base64url')
  expect(verified(`${head}.${body}.${code}`, { secret: 's' })).toBe(want)
})

describe('key sets', () => {
  const token = foreignToken({ alg: 'RS256', kid: 'b' }, {}, rsa.privateKey, 'sha256')
  const good = rsa.publicKey.export({ format: 'jwk' })
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({
    format: 'jwk',
  })

  test.for([
    {
      name: 'the named key',
      keys: [
        { ...other, kid: 'a' },
        { ...good, kid: 'b' },
      ],
      want: true,
    },
    { name: 'the name on another key', keys: [{ ...other, kid: 'b' }, good], want: false },
    {
      name: 'no key of that name',
      keys: [
        { ...other, kid: 'x' },
        { ...good, kid: 'y' },
      ],
      want: true,
    },
    { name: 'a key of another algorithm', keys: [{ ...good, alg: 'RS512' }], want: false },
    { name: 'a key for encryption', keys: [{ ...good, alg: 'RSA-OAEP' }], want: false },
    { name: 'no key', keys: [], want: false },
  ])('$name -> $want', ({ keys, want }) => {
    const set = JSON.stringify({ keys })
    expect(call('io.jwt.verify_rs256', token, set)).toBe(want)
    expect(verified(token, { cert: set })).toBe(want)
  })

  test.for([
    { name: 'one unsound key', keys: [good, { ...good, n: '' }] },
    { name: 'a point off its curve', keys: [{ kty: 'EC', crv: 'P-256', x: good.n, y: good.n }] },
    { name: 'an algorithm that no one knows', keys: [{ ...good, alg: 'XX' }] },
    { name: 'more keys than anyone has', keys: Array.from({ length: 1001 }, () => good) },
  ])('$name -> an error', ({ keys }) => {
    const set = JSON.stringify({ keys })
    const endless = { ...newCall(), work: () => {} }
    expect(() => JWT['io.jwt.verify_rs256']?.(endless, token, set)).toThrow(/JWK key \(set\)/)
  })

  test('what a text holds is read once and charged each time', () => {
    const kept = new Map<string, unknown>()
    const set = JSON.stringify({ keys: [good] })
    const spent = [1, 2].map(() => {
      const meter = newCall(kept)
      JWT['io.jwt.verify_rs256']?.(meter, token, set)
      return meter.steps
    })
    expect(kept.size).toBe(1)
    expect(spent[0]).toBe(spent[1])
  })
})

describe('time', () => {
  const token = (claims: object) =>
    call('io.jwt.encode_sign', { alg: 'HS256' }, claims as Value, {
      kty: 'oct',
      k: Buffer.from('s').toString('base64url'),
    }) as string

  test.for([
    { name: 'before it expires', claims: { exp: 1_700_000_001 }, want: true },
    { name: 'when it expires', claims: { exp: 1_700_000_000 }, want: false },
    { name: 'after it expired', claims: { exp: 1 }, want: false },
    { name: 'before it begins', claims: { nbf: 1_700_000_001 }, want: false },
    { name: 'when it begins', claims: { nbf: 1_700_000_000 }, want: true },
  ])('$name -> $want', ({ claims, want }) => {
    expect(verified(token(claims), { secret: 's', time: NOW_NS })).toBe(want)
  })

  test('no time is given and none is needed -> verified', () => {
    expect(verified(token({ iss: 'x' }), { secret: 's' })).toBe(true)
  })

  test.for([{ exp: 99_999_999_999 }, { nbf: 1 }, { exp: 1 }])(
    'no time is given for %j -> an error that says so',
    (claims) => {
      expect(() => verified(token(claims), { secret: 's' })).toThrow(/pass the moment .* as "time"/)
      // What fails for another reason needs no time.
      expect(verified(token(claims), { secret: 'wrong' })).toBe(false)
      expect(verified(token(claims), { secret: 's', iss: 'x' })).toBe(false)
    },
  )
})

describe('signing', () => {
  const secret = fromJson(rsa.privateKey.export({ format: 'jwk' }) as never)

  test.for(['PS256', 'PS384', 'PS512'])('%s needs random bytes -> refused', (alg) => {
    expect(() => call('io.jwt.encode_sign', { alg }, {}, secret)).toThrow(/random/)
  })

  test.for([
    { name: 'a public key', key: rsa.publicKey },
    { name: 'a key of another kind', key: p256.privateKey },
  ])('$name -> refused', ({ key }) => {
    const jwk = fromJson(key.export({ format: 'jwk' }) as never)
    expect(() => call('io.jwt.encode_sign', { alg: 'RS256' }, {}, jwk)).toThrow(/suit/)
  })

  test('a name that stands twice in the header -> refused', () => {
    const key = JSON.stringify({ kty: 'oct', k: 'cw' })
    const twice = '{"alg":"HS256","alg":"HS512"}'
    expect(() => call('io.jwt.encode_sign_raw', twice, '{}', key)).toThrow(/alg/)
  })

  test('an altered part of a private key -> refused', () => {
    const jwk = rsa.privateKey.export({ format: 'jwk' })
    for (const part of ['n', 'd', 'p', 'q', 'dp', 'dq', 'qi', 'e'] as const) {
      const bytes = Buffer.from(jwk[part] ?? '', 'base64url')
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 2
      const altered = fromJson({ ...jwk, [part]: bytes.toString('base64url') } as never)
      expect(() => call('io.jwt.encode_sign', { alg: 'RS256' }, {}, altered), part).toThrow()
    }
  })
})

describe('bounds', () => {
  test.for([
    { name: 'P-521', alg: 'ES512', pair: p521, hash: 'sha512' },
    { name: 'RSA', alg: 'RS256', pair: rsa, hash: 'sha256' },
    { name: 'Ed25519', alg: 'EdDSA', pair: edwards, hash: null },
  ])('$name is charged before it is verified', ({ alg, pair, hash }) => {
    const token = foreignToken({ alg }, {}, pair.privateKey, hash)
    const pem = pair.publicKey.export({ format: 'pem', type: 'spki' }) as string
    const meter = newCall()
    JWT[`io.jwt.verify_${alg.toLowerCase()}`]?.(meter, token, pem)
    const spent = 1_000_000 - meter.steps
    let left = spent - 1
    const poor = {
      ...newCall(),
      work(units: number) {
        left -= units
        if (left < 0) throw new RangeError('spent')
      },
    }
    expect(() => JWT[`io.jwt.verify_${alg.toLowerCase()}`]?.(poor, token, pem)).toThrow(RangeError)
  })

  test('keys of more bits than anyone has -> not verified', () => {
    const n = Buffer.alloc(2048, 0xff).toString('base64url')
    const jwk = JSON.stringify({ kty: 'RSA', n, e: 'AQAB' })
    const signature = Buffer.alloc(2048, 1).toString('base64url')
    expect(call('io.jwt.verify_rs256', `eyJhbGciOiJSUzI1NiJ9.e30.${signature}`, jwk)).toBe(false)
  })

  test('hostile texts end in an error or an answer, never in another exception', () => {
    const options = { secret: 's', time: NOW_NS }
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), fc.string(), (token, key) => {
        for (const run of [
          () => call('io.jwt.decode', token),
          () => call('io.jwt.decode_verify', `e30.${token}.`, options),
          () => call('io.jwt.verify_rs256', `e30.e30.${token}`, key),
          () => call('io.jwt.encode_sign_raw', token, key, '{"kty":"oct","k":"cw"}'),
        ]) {
          try {
            run()
          } catch (error) {
            expect(error).toMatchObject({ name: 'BuiltinError' })
          }
        }
      }),
      { numRuns: 40 },
    )
  })
})

function verified(token: string, options: Readonly<Record<string, Value>>): boolean {
  return (call('io.jwt.decode_verify', token, options) as readonly [boolean])[0]
}

function foreignToken(header: object, claims: object, key: KeyObject, hash: string | null): string {
  const [head, body] = [header, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  )
  const message = `${head}.${body}`
  const options = { key, dsaEncoding: 'ieee-p1363' } as const
  return `${message}.${sign(hash, Buffer.from(message), options).toString('base64url')}`
}

function unsigned(alg: string): string {
  return `${Buffer.from(JSON.stringify({ alg })).toString('base64url')}.e30`
}
