import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { verifyLogFolder } from '../../src/app/receipts/receipts.ts'
import { readLogFiles } from '../../src/host/log-folder.ts'
import { openLogSigner } from '../../src/host/log-key.ts'
import { generateSshKey } from '../../src/host/ssh-key.ts'
import type { Trust } from '../../src/model/generated/types.ts'
import { type Ended, freshClone, run, succeed, temporaryFolder } from './support/host.ts'

// What `npm run demo -- --keep DIR` leaves behind, in an auditor's hands.

const kept = join(temporaryFolder('kept'), 'demo')
const log = join(kept, 'data', 'log')
const trust = join(kept, 'trust.json')
let clone: string
let said: string

beforeAll(() => {
  clone = freshClone()
  said = succeed('npm', ['run', 'demo', '--', '--keep', kept], { cwd: clone })
})

function verify(...args: string[]): Ended {
  return run('npx', ['countersign', 'receipts', 'verify', ...args], { cwd: clone })
}

test('the demo keeps its policy, forge, data, key and trust file', () => {
  expect(said).toContain(`Everything is in ${kept}`)
  for (const file of ['policy/countersign.yaml', 'forge.git/HEAD', 'data/log/checkpoint']) {
    expect(readFileSync(join(kept, file)).length).toBeGreaterThan(0)
  }
  expect(readFileSync(join(kept, 'reviewer_key'), 'utf8')).toMatch(
    /^-----BEGIN OPENSSH PRIVATE KEY-----\n/,
  )
  expect(readFileSync(trust, 'utf8')).toContain('"kind": "Trust"')
})

test('the approvals repository alone tells the story', () => {
  const story = succeed('git', ['log', '--format=%s', 'HEAD'], { cwd: join(kept, 'forge.git') })
  expect(story.split('\n').filter(Boolean).length).toBeGreaterThanOrEqual(3)
  succeed('git', ['fsck', '--strict', '--full'], { cwd: join(kept, 'forge.git') })
})

test('without a trust file the log is self-consistent; key not pinned', () => {
  const { code, stdout } = verify(log)
  expect(stdout).toMatch(/^self-consistent; key not pinned /)
  expect(code).toBe(0)
})

test('with the trust file it is verified', () => {
  const { code, stdout } = verify(log, '--trust', trust)
  expect(stdout).toMatch(/^verified /)
  expect(code).toBe(0)
})

test.for([
  { name: 'pins another key', code: 'CHECKPOINT_UNTRUSTED' },
  { name: 'lists another policy', code: 'RECEIPT_INVALID' },
  { name: 'lists another reviewer key', code: 'KEY_NOT_PINNED' },
])('with a trust file that $name it is refused', ({ name, code: wanted }) => {
  const pinned = JSON.parse(readFileSync(trust, 'utf8')) as Trust
  const origin = pinned.logs?.[0]?.origin ?? ''
  const { verifierKey } = openLogSigner(join(kept, 'other.pem'), origin)
  const changed: Record<string, Partial<Trust>> = {
    'pins another key': { logs: [{ origin, keys: [verifierKey] }] },
    'lists another policy': { policies: [`sha256:${'0'.repeat(64)}`] },
    'lists another reviewer key': {
      reviewers: [{ id: 'rita', fingerprints: [generateSshKey('rita').fingerprint] }],
    },
  }
  const other = join(kept, 'other.json')
  writeFileSync(other, JSON.stringify({ ...pinned, ...changed[name] }))
  const { code, stdout } = verify(log, '--trust', other)
  expect(stdout).toMatch(/^refused\b/)
  expect(stdout).toContain(wanted)
  expect(code).toBe(1)
})

test('with a file taken away it is refused, and the file is named', () => {
  for (const path of readLogFiles(log).keys()) {
    const copy = join(kept, 'short')
    cpSync(log, copy, { recursive: true })
    rmSync(join(copy, path))
    const { status, problems } = verifyLogFolder(copy)
    expect(status).toBe('refused')
    // Without its first entries a log has no key of its own, under any partial tile's name.
    expect(problems[0]?.file).toMatch(path.startsWith('tile/entries') ? /^tile\/entries/ : path)
    rmSync(copy, { recursive: true })
  }
})

describe.each([
  { name: 'without a trust file', options: {}, args: [] },
  { name: 'with the trust file', options: { trust }, args: ['--trust', trust] },
])('one flipped byte, $name', ({ options, args }) => {
  test('is refused and its file named, every byte of every file', () => {
    const copy = join(kept, 'flipped')
    cpSync(log, copy, { recursive: true })
    let flips = 0
    const missed: string[] = []
    for (const [path, bytes] of readLogFiles(log)) {
      const file = join(copy, path)
      for (let at = 0; at < bytes.length; at++) {
        const changed = Uint8Array.from(bytes)
        changed[at]! ^= 1 << (at % 8)
        writeFileSync(file, changed)
        const { status, problems } = verifyLogFolder(copy, options)
        if (status !== 'refused' || problems[0]?.file !== path) missed.push(`${path}:${at}`)
        flips += 1
      }
      writeFileSync(file, bytes)
    }
    expect(missed).toEqual([])
    expect(flips).toBeGreaterThan(10_000)
    expect(verifyLogFolder(copy, options).status).not.toBe('refused')
    rmSync(copy, { recursive: true })
  })

  test('makes the command exit 1 and print the file', () => {
    const copy = join(kept, 'flipped')
    cpSync(log, copy, { recursive: true })
    for (const [path, bytes] of readLogFiles(log)) {
      for (const at of [0, Math.floor(bytes.length / 2), bytes.length - 1]) {
        const changed = Uint8Array.from(bytes)
        changed[at]! ^= 1
        writeFileSync(join(copy, path), changed)
        const { code, stdout } = verify(copy, ...args)
        expect(stdout).toMatch(/^refused\b/)
        expect(stdout).toContain(`${path}: `)
        expect(code).toBe(1)
      }
      writeFileSync(join(copy, path), bytes)
    }
    rmSync(copy, { recursive: true })
  })
})
