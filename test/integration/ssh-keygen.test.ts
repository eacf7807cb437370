import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { generateSshKey, readSshKey, writeSshKey } from '../../src/host/ssh-key.ts'
import { openReviewSigner } from '../../src/host/ssh-signer.ts'
import type { ReviewSigner } from '../../src/model/ports.ts'
import { verifyReview } from '../../src/trust/verify/review.ts'
import { verifySshsig } from '../../src/trust/verify/sshsig.ts'
import { hardwareKey } from '../fakes/hardware-key.ts'
import { CONTEXT, personOf, signedReview } from '../fakes/review-case.ts'

const folder = mkdtempSync(join(tmpdir(), 'countersign-ssh-keygen-'))
afterAll(() => rmSync(folder, { recursive: true }))

const NAMESPACE = 'countersign-review'
const MESSAGE = Buffer.from('{"statement":true}')
const keygen = (...args: string[]) => execFileSync('ssh-keygen', args, { encoding: 'utf8' })

function opensshVerifies(name: string, publicLine: string, armour: string): boolean {
  const signers = join(folder, `${name}.allowed`)
  const signature = join(folder, `${name}.sig`)
  writeFileSync(signers, `ana ${publicLine}`)
  writeFileSync(signature, armour)
  const args = ['-Y', 'verify', '-f', signers, '-I', 'ana', '-n', NAMESPACE, '-s', signature]
  return spawnSync('ssh-keygen', args, { input: MESSAGE }).status === 0
}

describe('our key file', () => {
  test('ssh-keygen reads it, and gives the same public key and fingerprint', async () => {
    const file = join(folder, 'ours')
    const pair = generateSshKey('ana')
    await writeSshKey(file, pair)
    expect(keygen('-y', '-f', file).trim()).toBe(pair.publicKey.trim())
    expect(keygen('-lf', file)).toContain(pair.fingerprint)
    expect(keygen('-lf', `${file}.pub`)).toContain(pair.fingerprint)
  })

  test('ssh-keygen verifies what it signs', async () => {
    const file = join(folder, 'signs')
    const pair = generateSshKey('ana')
    await writeSshKey(file, pair)
    const signer = await openReviewSigner({ keyFile: file })
    expect(opensshVerifies('signs', pair.publicKey, await signer.sign(MESSAGE))).toBe(true)
  })
})

const TYPES = [
  { name: 'ed25519', args: ['-t', 'ed25519'] },
  { name: 'ecdsa-256', args: ['-t', 'ecdsa', '-b', '256'] },
  { name: 'ecdsa-384', args: ['-t', 'ecdsa', '-b', '384'] },
  { name: 'ecdsa-521', args: ['-t', 'ecdsa', '-b', '521'] },
  { name: 'rsa-2048', args: ['-t', 'rsa', '-b', '2048'] },
  { name: 'rsa-3072', args: ['-t', 'rsa', '-b', '3072'] },
]

/** Signs a file with stock `ssh-keygen`. */
function opensshSigns(keyFile: string, message: Uint8Array, namespace = NAMESPACE): string {
  const file = join(folder, 'message')
  writeFileSync(file, message)
  rmSync(`${file}.sig`, { force: true })
  execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-f', keyFile, '-n', namespace, file])
  return readFileSync(`${file}.sig`, 'utf8')
}

describe("OpenSSH's own signatures", () => {
  test.for(TYPES)('$name: a whole review that it signed counts', async ({ name, args }) => {
    const file = join(folder, `stock-${name}`)
    keygen('-q', ...args, '-N', '', '-f', file)
    const fingerprint = keygen('-lf', file).split(' ')[1] ?? ''
    const signer: ReviewSigner = {
      kind: 'ssh',
      fingerprint,
      sign: async (bytes, namespace) => opensshSigns(file, bytes, namespace),
    }
    const context = { ...CONTEXT, people: [personOf('ana', { fingerprint })] }
    for (let i = 0; i < 4; i++) {
      const review = await signedReview({ signer })
      expect(verifyReview({ ...context, review })).toMatchObject({ reviewer: 'ana', fingerprint })
      const edited = { ...review, body: review.body.replace('"nonce":"c', '"nonce":"d') }
      expect(() => verifyReview({ ...context, review: edited })).toThrow(
        expect.objectContaining({ code: 'SIGNATURE_WRONG' }),
      )
    }
    const git = { ...signer, sign: async (bytes: Uint8Array) => opensshSigns(file, bytes, 'git') }
    const review = await signedReview({ signer: git })
    expect(() => verifyReview({ ...context, review })).toThrow(
      expect.objectContaining({ code: 'SIGNATURE_NAMESPACE' }),
    )
  })

  test('of a hardware key that nobody touched: ssh-keygen takes it, we refuse it', async () => {
    const untouched = hardwareKey(0)
    const armour = await untouched.sign(MESSAGE)
    expect(opensshVerifies('untouched', untouched.publicLine, armour)).toBe(true)
    expect(() => verifySshsig(armour, MESSAGE, NAMESPACE)).toThrow(
      expect.objectContaining({ code: 'SIGNATURE_NO_PRESENCE' }),
    )
    const touched = hardwareKey(1)
    const sound = await touched.sign(MESSAGE)
    expect(opensshVerifies('touched', touched.publicLine, sound)).toBe(true)
    expect(verifySshsig(sound, MESSAGE, NAMESPACE).fingerprint).toBe(touched.fingerprint)
  })
})

describe("OpenSSH's key files", () => {
  test.for(TYPES)('$name signs in this process what both verify', async ({ name, args }) => {
    const file = join(folder, name)
    keygen('-q', ...args, '-N', '', '-f', file)
    expect((await readSshKey(file)).kind).toBe('open')
    const signer = await openReviewSigner({ keyFile: file })
    for (let i = 0; i < 8; i++) {
      // Several, since ECDSA's numbers vary in length.
      const armour = await signer.sign(MESSAGE)
      expect(verifySshsig(armour, MESSAGE, NAMESPACE).fingerprint).toBe(signer.fingerprint)
      expect(opensshVerifies(name, keygen('-y', '-f', file), armour)).toBe(true)
    }
    expect(keygen('-lf', file)).toContain(signer.fingerprint)
  })

  test('an encrypted one says which key it is, and is left to ssh-keygen', async () => {
    const file = join(folder, 'encrypted')
    keygen('-q', '-t', 'ed25519', '-N', 'a passphrase', '-f', file)
    expect((await readSshKey(file)).kind).toBe('locked')
    const signer = await openReviewSigner({ keyFile: file })
    expect(keygen('-lf', file)).toContain(signer.fingerprint)
    const ask = join(folder, 'askpass')
    writeFileSync(ask, "#!/bin/sh\necho 'a passphrase'\n", { mode: 0o755 })
    vi.stubEnv('SSH_ASKPASS', ask)
    vi.stubEnv('SSH_ASKPASS_REQUIRE', 'force')
    const armour = await signer.sign(MESSAGE)
    expect(verifySshsig(armour, MESSAGE, NAMESPACE).fingerprint).toBe(signer.fingerprint)
    writeFileSync(ask, "#!/bin/sh\necho 'another'\n", { mode: 0o755 })
    await expect(signer.sign(MESSAGE)).rejects.toMatchObject({ code: 'KEY_UNSUPPORTED' })
    vi.unstubAllEnvs()
  })
})

describe('ssh-agent', () => {
  test('signs for a public key file, and for no file at all', async () => {
    const socket = join(folder, 'agent.sock')
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' })
    const before = process.env['SSH_AUTH_SOCK']
    try {
      for (let i = 0; i < 100 && !existsSync(socket); i++) await sleep(20)
      process.env['SSH_AUTH_SOCK'] = socket
      const file = join(folder, 'held')
      keygen('-q', '-t', 'ed25519', '-N', '', '-f', file)
      execFileSync('ssh-add', ['-q', file])
      rmSync(file)
      for (const options of [{ keyFile: `${file}.pub` }, {}]) {
        const signer = await openReviewSigner(options)
        const armour = await signer.sign(MESSAGE)
        expect(verifySshsig(armour, MESSAGE, NAMESPACE).fingerprint).toBe(signer.fingerprint)
        expect(keygen('-lf', `${file}.pub`)).toContain(signer.fingerprint)
      }
      execFileSync('ssh-add', ['-q', '-D'], { stdio: 'ignore' })
      const signer = await openReviewSigner({ keyFile: `${file}.pub` })
      await expect(signer.sign(MESSAGE)).rejects.toMatchObject({ code: 'KEY_UNSUPPORTED' })
    } finally {
      agent.kill()
      if (before === undefined) delete process.env['SSH_AUTH_SOCK']
      else process.env['SSH_AUTH_SOCK'] = before
    }
  })
})
