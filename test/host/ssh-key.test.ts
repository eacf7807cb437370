import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { sshFingerprint } from '../../src/base/ssh-encoding.ts'
import {
  generateSshKey,
  parsePublicKeyLine,
  readSshKey,
  readSshKeyText,
  writeSshKey,
} from '../../src/host/ssh-key.ts'
import { openReviewSigner } from '../../src/host/ssh-signer.ts'
import { verifySshsig } from '../../src/trust/verify/sshsig.ts'

const folder = mkdtempSync(join(tmpdir(), 'countersign-ssh-key-'))
afterAll(() => rmSync(folder, { recursive: true }))

const MESSAGE = Buffer.from('{"a":1}')

describe('a fresh key', () => {
  test('is written for its owner only, and signs what verifies', async () => {
    const file = join(folder, 'fresh')
    const pair = generateSshKey('ana on her laptop')
    await writeSshKey(file, pair)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(statSync(`${file}.pub`).mode & 0o777).toBe(0o644)
    const signer = await openReviewSigner({ keyFile: file })
    expect(signer.fingerprint).toBe(pair.fingerprint)
    const armour = await signer.sign(MESSAGE)
    expect(verifySshsig(armour, MESSAGE, 'countersign-review')).toEqual({
      fingerprint: pair.fingerprint,
      keyType: 'ssh-ed25519',
    })
  })

  test('has a public line with the same key and the comment', () => {
    const pair = generateSshKey('ana\non her laptop')
    expect(pair.publicKey).toMatch(/^ssh-ed25519 [A-Za-z0-9+/]+ ana on her laptop\n$/)
    expect(sshFingerprint(parsePublicKeyLine(pair.publicKey, 'x'))).toBe(pair.fingerprint)
  })

  test('follows from its entropy alone', () => {
    const fixed = (bytes: number) => new Uint8Array(bytes).fill(7)
    expect(generateSshKey('a', fixed)).toEqual(generateSshKey('a', fixed))
    expect(generateSshKey('a').fingerprint).not.toBe(generateSshKey('a').fingerprint)
  })

  test('replaces no file', async () => {
    const file = join(folder, 'twice')
    await writeSshKey(file, generateSshKey('one'))
    const before = readFileSync(file, 'utf8')
    await expect(writeSshKey(file, generateSshKey('two'))).rejects.toMatchObject({
      code: 'FILE_EXISTS',
    })
    expect(readFileSync(file, 'utf8')).toBe(before)
  })
})

describe('a key file', () => {
  const { privateKey, publicKey } = generateSshKey('x')
  test.for([
    { name: 'nothing', text: '', want: 'KEY_UNSUPPORTED' },
    { name: 'some words', text: 'hello world', want: 'KEY_UNSUPPORTED' },
    {
      name: 'a PEM key',
      text: '-----BEGIN RSA PRIVATE KEY-----\nAA==\n-----END RSA PRIVATE KEY-----\n',
      want: 'KEY_UNSUPPORTED',
    },
    { name: 'a cut key', text: privateKey.slice(0, 150), want: 'KEY_UNSUPPORTED' },
    {
      name: 'a key with a line missing',
      text: privateKey.split('\n').toSpliced(2, 1).join('\n'),
      want: 'KEY_UNSUPPORTED',
    },
    {
      name: 'a public line of another type',
      text: publicKey.replace('ssh-ed25519', 'ssh-rsa'),
      want: 'KEY_UNSUPPORTED',
    },
  ])('$name -> $want', ({ text, want }) => {
    expect(() => readSshKeyText(text, 'key')).toThrow(expect.objectContaining({ code: want }))
  })

  test('that is missing -> FILE_UNREADABLE', async () => {
    await expect(readSshKey(join(folder, 'missing'))).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
    })
  })

  test.for([0o644, 0o640, 0o604, 0o620])(
    'that others may use (mode %o) -> FILE_UNREADABLE',
    async (mode) => {
      const file = join(folder, `mode-${mode}`)
      writeFileSync(file, privateKey)
      chmodSync(file, mode)
      await expect(readSshKey(file)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' })
    },
  )

  test('that is public says which key it is', async () => {
    const file = join(folder, 'some.pub')
    writeFileSync(file, publicKey)
    expect(await readSshKey(file)).toMatchObject({ kind: 'public' })
  })
})

describe('without --key', () => {
  afterEach(() => vi.unstubAllEnvs())

  test('and without an agent the usual file signs', async () => {
    const home = join(folder, 'home')
    mkdirSync(join(home, '.ssh'), { recursive: true })
    vi.stubEnv('HOME', home)
    vi.stubEnv('SSH_AUTH_SOCK', join(home, 'no-agent'))
    await expect(openReviewSigner()).rejects.toMatchObject({
      ...{ code: 'FILE_UNREADABLE', message: expect.stringContaining('--key FILE') },
    })
    const pair = generateSshKey('ana')
    await writeSshKey(join(home, '.ssh', 'id_ed25519'), pair)
    expect((await openReviewSigner()).fingerprint).toBe(pair.fingerprint)
  })
})
