import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DETECTORS, SECRET_KINDS } from '../../../src/decide/detect/index.ts'
import { crc32, shannonEntropy } from '../../../src/decide/detect/scan.ts'
import { tokenChecksum } from '../../../src/decide/detect/secret-tokens.ts'
import { cpuMs } from '../../support/cpu.ts'
import {
  BASE32,
  BASE62,
  BASE64,
  body,
  checksummed,
  HEX,
  jwt,
  mixed,
  pem,
  SAMPLES,
  URL64,
} from './secret-samples.ts'

function find(kind: string, text: string, memberName: string | null = null): string[] {
  const detector = DETECTORS.get(kind)
  if (detector === undefined) throw new Error(`no detector ${kind}`)
  return detector
    .find(text, { memberName, names: [] })
    .map(({ start, end }) => text.slice(start, end))
}

function findAny(text: string, memberName: string | null = null): string[] {
  return SECRET_KINDS.flatMap((kind) => find(kind, text, memberName).map(() => kind))
}

describe('each format', () => {
  test('a private key is found up to its own end, whatever ends in it', () => {
    const key = pem('PRIVATE KEY')
    const [begin = '', ...rest] = key.split('\n')
    const decoyed = [begin, '-----END CERTIFICATE-----', ...rest].join('\n')
    expect(find('private_key', `a ${decoyed} b`)).toEqual([decoyed])
  })

  test.for(['pass_word', 'Pass-Phrase', 'db.pass code', 'passwords', 'PASS_WORDS'])(
    'a password in the member %s -> found',
    (memberName) => {
      expect(find('password', 'hunter2x', memberName)).toEqual(['hunter2x'])
    },
  )

  test.for(
    SAMPLES.filter(({ within, memberName }) => within === undefined && memberName === undefined),
  )('$kind, $name, with what is not seen within -> the same credential', ({ kind, text }) => {
    const hidden = `${text.slice(0, 12)}\u200b${text.slice(12, 14)}\u00ad${text.slice(14)}`
    expect(find(kind, `a\u2060 ${hidden} b`)).toEqual([hidden])
  })

  test.for(SAMPLES)('$kind, $name -> found', ({ kind, text, within, memberName }) => {
    const whole = within === undefined ? text : within(text)
    const found = find(kind, whole, memberName ?? null)
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(within === undefined || whole.includes(text) ? text : '')
  })

  test('every kind has a sample, and every sample a kind', () => {
    expect([...new Set(SAMPLES.map(({ kind }) => kind))].sort()).toEqual(SECRET_KINDS)
  })

  test.for(
    SAMPLES.filter(({ within, memberName }) => within === undefined && memberName === undefined),
  )('$kind, $name, in the middle of a text -> the credential and no more', ({ kind, text }) => {
    for (const [before, after] of [
      ['key: ', ' and more'],
      ['(', ')'],
      ['see "', '".'],
      ['a\n', '\nb'],
    ]) {
      expect(find(kind, `${before}${text}${after}`)).toEqual([text])
    }
  })

  test.for(
    SAMPLES.filter(
      ({ kind, within, memberName }) =>
        within === undefined && memberName === undefined && kind !== 'private_key',
    ),
  )('$kind, $name, twice -> both', ({ kind, text }) => {
    expect(find(kind, `${text} ${text}`)).toEqual([text, text])
  })
})

describe('near misses', () => {
  const ghp = checksummed('ghp_', 3)
  test.for([
    {
      name: 'an AWS id that is short',
      kind: 'aws_access_key_id',
      text: `AK${'IA'}${body(BASE32, 15)}`,
    },
    {
      name: 'an AWS id that is long',
      kind: 'aws_access_key_id',
      text: `AK${'IA'}${body(BASE32, 17)}`,
    },
    {
      name: 'an AWS id in lower case',
      kind: 'aws_access_key_id',
      text: `ak${'ia'}${body(BASE32, 16)}`,
    },
    { name: "AWS's own example", kind: 'aws_access_key_id', text: `AK${'IA'}IOSFODNN7EXAMPLE` },
    { name: '40 characters with nothing near', kind: 'aws_secret_key', text: mixed(BASE64, 40) },
    { name: '41 characters', kind: 'aws_secret_key', text: `aws_secret=${mixed(BASE64, 41)}` },
    { name: 'a commit near the word', kind: 'aws_secret_key', text: `aws secret ${body(HEX, 40)}` },
    {
      name: 'a GitHub token whose last character is another',
      kind: 'github_token',
      text: ghp.slice(0, -1) + (ghp.endsWith('a') ? 'b' : 'a'),
    },
    { name: 'a GitHub token that is cut', kind: 'github_token', text: ghp.slice(0, -1) },
    { name: 'a GitHub prefix alone', kind: 'github_token', text: `ghp_${'x'.repeat(36)}` },
    {
      name: 'a fine-grained token without its middle',
      kind: 'github_token',
      text: `github_${'pat'}_${body(BASE62, 82)}`,
    },
    {
      name: 'an npm token with a wrong checksum',
      kind: 'npm_token',
      text: `npm_${body(BASE62, 36)}`,
    },
    { name: 'a GitLab placeholder', kind: 'gitlab_token', text: `gl${'pat'}-${'x'.repeat(20)}` },
    { name: 'a Slack word', kind: 'slack_token', text: `xo${'xb'}-your-token-goes-in-here-please` },
    {
      name: "Stripe's publishable key",
      kind: 'stripe_key',
      text: `pk_${'live'}_${body(BASE62, 24)}`,
    },
    {
      name: 'a Google key that is short',
      kind: 'google_api_key',
      text: `AI${'za'}${body(URL64, 34)}`,
    },
    {
      name: 'a Google key that goes on',
      kind: 'google_api_key',
      text: `AI${'za'}${body(URL64, 36)}`,
    },
    { name: 'words after sk-', kind: 'openai_key', text: 'sk-learn-how-to-use-the-library-today' },
    { name: 'a word that ends in sk-', kind: 'openai_key', text: `task-${body(HEX, 32)}` },
    {
      name: 'a SendGrid key without its second dot',
      kind: 'sendgrid_key',
      text: `S${'G'}.${body(URL64, 66)}`,
    },
    { name: "a Twilio account's id", kind: 'twilio_key', text: `A${'C'}${body(HEX, 32)}` },
    { name: 'SK within a word', kind: 'twilio_key', text: `TASK${body(HEX, 32)}` },
    {
      name: 'a SHA-512 in base 64',
      kind: 'azure_storage_key',
      text: `sha512-${mixed(BASE64, 86)}==`,
    },
    { name: 'a signature of nothing', kind: 'azure_sas_token', text: `sig=${mixed(BASE62, 43)}` },
    { name: 'two parts of a token', kind: 'jwt', text: jwt().split('.').slice(0, 2).join('.') },
    { name: 'a header without an algorithm', kind: 'jwt', text: jwt({ type: 'not a token' }) },
    {
      name: 'three words in base 64',
      kind: 'jwt',
      text: 'eyJoZWxsbyB3b3JsZCBoZWxsbw.aGVsbG8.d29ybGQ',
    },
    { name: 'a public key', kind: 'private_key', text: pem('PUBLIC KEY') },
    { name: 'a certificate', kind: 'private_key', text: pem('CERTIFICATE') },
    { name: 'the words alone', kind: 'private_key', text: 'BEGIN PRIVATE KEY' },
    {
      name: 'a user without a password',
      kind: 'url_password',
      text: 'ssh://git@example.com/a.git',
    },
    { name: 'a variable', kind: 'url_password', text: `postgres://app:\${PGPASSWORD}@db/x` },
    {
      name: 'an address with an at sign later',
      kind: 'url_password',
      text: 'https://x.example/a:b@c',
    },
    {
      name: 'a time in an address',
      kind: 'url_password',
      text: 'https://x.example:8080/?at=12:30@noon',
    },
    { name: 'a password without a server', kind: 'connection_string', text: 'password=hunter2' },
    { name: 'an empty password', kind: 'connection_string', text: 'Server=db;Password=;' },
    {
      name: 'a variable in a connection string',
      kind: 'connection_string',
      text: `Server=db;Password=\${DB_PASSWORD};`,
    },
    {
      name: 'a sentence about authorization',
      kind: 'authorization_header',
      text: 'authorization: required for every call',
    },
    { name: 'a hint', kind: 'authorization_header', text: 'Authorization: Bearer <token>' },
    {
      name: 'a reference',
      kind: 'password',
      text: 'secret://env/DB_PASSWORD',
      memberName: 'password',
    },
    { name: 'an empty field', kind: 'password', text: '', memberName: 'password' },
    { name: 'a mask', kind: 'password', text: '********', memberName: 'password' },
    {
      name: 'a hint about a password',
      kind: 'password',
      text: 'your first pet',
      memberName: 'passwordHint',
    },
    {
      name: 'words near the word',
      kind: 'generic_secret',
      text: 'the secret ingredient is Worcestershire-sauce-from-1837',
    },
    {
      name: 'a cursor',
      kind: 'generic_secret',
      text: mixed(BASE62, 32),
      memberName: 'nextPageToken',
    },
    {
      name: 'a count',
      kind: 'generic_secret',
      text: 'max_tokens: 4096, total_tokens: 1234567890123456',
    },
    {
      name: 'a UUID in prose',
      kind: 'generic_secret',
      text: 'token 6f1c2d3e-4b5a-4c7d-8e9f-0a1b2c3d4e5f was used',
    },
    { name: 'random text with no word near', kind: 'generic_secret', text: mixed(BASE62, 40) },
    {
      name: 'a reference in a member',
      kind: 'generic_secret',
      text: 'secret://vault/a1b2/c3d4e5f6#g7h8',
      memberName: 'apiKey',
    },
    {
      name: 'a reference after a word',
      kind: 'generic_secret',
      text: 'token: secret://vault/a1b2/c3d4e5f6g7h8',
    },
    { name: 'a word with hf_ in it', kind: 'vendor_token', text: `half_${body(BASE62, 34)}` },
    { name: 'a time zone', kind: 'vendor_token', text: 'en-us12' },
  ])('$name -> nothing', ({ kind, text, memberName }) => {
    expect(find(kind, text, memberName ?? null)).toEqual([])
  })

  test.for([
    'The quarterly report is due on Friday; see https://intranet.example.com/reports/2026/q3?id=42.',
    'Order 550e8400-e29b-41d4-a716-446655440000 was shipped to 221B Baker Street.',
    'commit 3f786850e387550fdab836ed7e6dc881de23001b by Ana, reviewed by Bo',
    'npm install --save-dev typescript@5.9.2 vitest @types/node',
    '{"id":"u-17","amount":25,"currency":"EUR","note":"charged twice"}',
    'Meet at 12:30 @ the cafe, or write to ana@example.com',
    'Please reset my password, I forgot it. My secret question is my first pet.',
    'The token bucket refills with 100 tokens per second.',
    'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk',
  ])('everyday text %# -> nothing', (text) => {
    expect(findAny(text)).toEqual([])
  })
})

describe('checksums', () => {
  test.for([
    // The check value of CRC-32/ISO-HDLC, https://reveng.sourceforge.io/crc-catalogue/17plus.htm
    { text: '123456789', want: 0xcbf43926 },
    { text: '', want: 0 },
  ])('CRC-32 of "$text" -> $want', ({ text, want }) => {
    expect(crc32(text)).toBe(want)
  })

  test('a checksum has six digits of base 62, the highest first', () => {
    // The example of https://github.com/therootcompany/base62-token.js, split so that it is no token here.
    expect(tokenChecksum('zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ')).toBe('0mLq17')
  })

  test.for([
    { text: 'aaaa', want: 0 },
    { text: 'abab', want: 1 },
    { text: 'abcd', want: 2 },
    { text: '', want: 0 },
  ])('entropy of "$text" -> $want bits', ({ text, want }) => {
    expect(shannonEntropy(text)).toBe(want)
  })
})

describe('properties', () => {
  const noise = fc.string({ unit: 'binary', maxLength: 40 })
  const spaced = fc.string({
    unit: fc.constantFrom(...' \n.,;:!?()äöü€日本'),
    minLength: 1,
    maxLength: 20,
  })

  test('what is found lies within the text, in order, apart, and has the kind', () => {
    const names = fc.constantFrom(null, 'password', 'api_key', 'Authorization', 'note', '')
    const pieces = fc.array(fc.oneof(noise, fc.constantFrom(...SAMPLES.map(({ text }) => text))), {
      maxLength: 6,
    })
    fc.assert(
      fc.property(pieces, names, (parts, memberName) => {
        const text = parts.join('')
        for (const [kind, detector] of DETECTORS) {
          if (!SECRET_KINDS.includes(kind)) continue
          const spans = detector.find(text, { memberName, names: [] })
          let end = 0
          for (const span of spans) {
            expect(span.kind).toBe(kind)
            expect(span.start).toBeGreaterThanOrEqual(end)
            expect(span.end).toBeGreaterThan(span.start)
            end = span.end
          }
          expect(end).toBeLessThanOrEqual(text.length)
          expect(detector.find(text, { memberName, names: [] })).toEqual(spans)
        }
      }),
      { numRuns: 150 },
    )
  })

  test('a credential is found whatever stands around it', () => {
    const standing = SAMPLES.filter(
      ({ within, memberName }) => within === undefined && memberName === undefined,
    )
    fc.assert(
      fc.property(fc.constantFrom(...standing), spaced, spaced, ({ kind, text }, before, after) => {
        expect(find(kind, before + text + after)).toEqual([text])
      }),
      { numRuns: 300 },
    )
  })

  test('a GitHub token with any one character changed -> nothing', () => {
    const token = checksummed('ghp_', 11)
    fc.assert(
      fc.property(
        fc.integer({ min: 4, max: token.length - 1 }),
        fc.constantFrom(...BASE62),
        (at, character) => {
          fc.pre(token.charAt(at) !== character)
          expect(
            find('github_token', token.slice(0, at) + character + token.slice(at + 1)),
          ).toEqual([])
        },
      ),
    )
  })

  test('time grows no faster than the text', () => {
    const hostile = [
      '-----BEGIN A PRIVATE KEY-----!',
      'eyJ.',
      'eyJhbGciOiJIUzI1NiJ9.',
      '://a:b@',
      'authorization: ',
      'token ',
      'token:',
      'sk-',
      'a1B2',
      'password="',
      'PuTTY-User-Key-File-',
      'sig=se=',
      'user=pwd=',
      'ghs_',
      'xoxb-',
      'token a1B2c3D4e5F6g7H8 ',
    ]
    for (const piece of hostile) {
      const text = piece.repeat(Math.ceil(400_000 / piece.length))
      const start = cpuMs()
      findAny(text)
      // Linear, it takes some 60 ms; with the square of the length it would take minutes.
      expect(cpuMs() - start, piece).toBeLessThan(12_000)
    }
  })
})
