import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { judgeChange } from '../../src/app/changes/judge-change.ts'
import { baseFiles, limit, PEOPLE, rosterOf } from '../app/changes/change-case.ts'

// Commits that stock Git signs, with stock OpenSSH and stock GnuPG.

const folder = mkdtempSync(join(tmpdir(), 'cs-sign-'))
const gnupg = join(folder, 'gnupg')
const env = {
  PATH: process.env['PATH'] ?? '',
  HOME: folder,
  GNUPGHOME: gnupg,
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'Pat',
  GIT_AUTHOR_EMAIL: 'pat@example.com',
  GIT_COMMITTER_NAME: 'Pat',
  GIT_COMMITTER_EMAIL: 'pat@example.com',
}
const run = (program: string, args: readonly string[], cwd = folder): string =>
  execFileSync(program, [...args], { cwd, env, encoding: 'utf8', stdio: 'pipe' })

const gpg = (...args: readonly string[]): string => run('gpg', ['--batch', '--quiet', ...args])
const fingerprints = new Map<string, string>()

function makeGpgKey(name: string, expires = 'never'): void {
  const identity = `${name} <${name}@example.com>`
  gpg('--passphrase', '', '--quick-generate-key', identity, 'ed25519', 'sign', expires)
  const listed = gpg('--with-colons', '--fingerprint', `${name}@example.com`)
  fingerprints.set(name, /^fpr:{9}([0-9A-F]+):/m.exec(listed)?.[1] ?? '')
}

beforeAll(() => {
  mkdirSync(gnupg, { mode: 0o700 })
  makeGpgKey('pat')
  makeGpgKey('stranger')
  for (const [name, args] of Object.entries(SSH_KEYS)) {
    run('ssh-keygen', ['-q', ...args, '-N', '', '-f', join(folder, name)])
    fingerprints.set(name, run('ssh-keygen', ['-lf', join(folder, name)]).split(' ')[1] ?? '')
  }
})

afterAll(() => {
  run('gpgconf', ['--kill', 'all'])
  rmSync(folder, { recursive: true })
})

const SSH_KEYS = {
  ed25519: ['-t', 'ed25519'],
  ecdsa: ['-t', 'ecdsa', '-b', '384'],
  rsa: ['-t', 'rsa', '-b', '3072'],
} as const

type Row = {
  /** The base branch's roster entry of pat. */
  readonly pat: string
  readonly required: string
  readonly config: readonly string[]
  readonly format?: 'sha1' | 'sha256'
  /** After the commit. */
  readonly then?: (git: (...args: readonly string[]) => string) => void
}

let count = 0

/** A repository with one signed change. @returns codes of what is wrong with it */
async function judged({ pat, required, config, format = 'sha1', then }: Row): Promise<string[]> {
  const repository = join(folder, `repository-${++count}`)
  mkdirSync(repository)
  const git = (...args: readonly string[]): string => run('git', args, repository)
  const write = (files: Readonly<Record<string, string | null>>): void => {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(repository, path)), { recursive: true })
      writeFileSync(join(repository, path), text ?? '')
    }
    git('add', '-A')
  }
  git('init', '-q', '-b', 'main', `--object-format=${format}`)
  write({
    ...baseFiles(`changes: { signed_commits: ${required} }\n`),
    'policies/roster.yaml': rosterOf({ ...PEOPLE, pat }),
  })
  git('commit', '-qm', 'Start')
  git('checkout', '-q', '-b', 'change')
  write(limit('limit: 3'))
  git(...config.flatMap((one) => ['-c', one]), 'commit', '-q', '-S', '-m', 'Be stricter')
  then?.(git)
  const { report } = await judgeChange({
    ...{ folder: repository, base: 'main', head: 'change', pull: 1 },
    ...{ clock: Date.now, environment: {} },
  })
  expect(report.verdict).toBe(report.problems.length === 0 ? 'open' : 'closed')
  if (report.problems.length === 0) expect(report.commits.signers).toEqual(['pat'])
  return report.problems.map(({ code }) => code)
}

const ssh = (name: string): readonly string[] => [
  'gpg.format=ssh',
  `user.signingKey=${join(folder, name)}`,
]
const sshEntry = (name: string): string => `keys: [{ fingerprint: "${fingerprints.get(name)}" }]`

/** The id of a rewritten head, with the signature of the old one. */
const alter = (git: (...args: readonly string[]) => string): void => {
  const text = git('cat-file', 'commit', 'HEAD').replace('Be stricter', 'Be kinder')
  const file = join(folder, 'altered')
  writeFileSync(file, text)
  const oid = git('hash-object', '-t', 'commit', '-w', file).trim()
  git('update-ref', 'refs/heads/change', oid)
}

describe('git commit -S with SSH', () => {
  test.for(Object.keys(SSH_KEYS))('%s -> open', async (name) => {
    const row = { pat: sshEntry(name), required: 'ssh', config: ssh(name) }
    expect(await judged(row)).toEqual([])
  })

  test('in a SHA-256 repository -> open', async () => {
    const row = { pat: sshEntry('rsa'), required: 'signed', config: ssh('rsa') }
    expect(await judged({ ...row, format: 'sha256' })).toEqual([])
  })

  test('altered afterwards -> SIGNATURE_WRONG', async () => {
    const row = { pat: sshEntry('ed25519'), required: 'ssh', config: ssh('ed25519') }
    expect(await judged({ ...row, then: alter })).toEqual(['SIGNATURE_WRONG'])
  })

  test('a key that no entry pins -> KEY_NOT_PINNED', async () => {
    const row = { pat: sshEntry('ed25519'), required: 'ssh', config: ssh('ecdsa') }
    expect(await judged(row)).toEqual(['KEY_NOT_PINNED'])
  })
})

const openpgp = (name: string): readonly string[] => [`user.signingKey=${fingerprints.get(name)}`]

function gpgEntry(name: string, more = '', as = name): string {
  const key = gpg('--armor', '--export', fingerprints.get(name) ?? '')
  const fingerprint = fingerprints.get(as)
  return `gpg_keys: [{ fingerprint: "${fingerprint}", public_key: ${JSON.stringify(key)}${more} }]`
}

describe('git commit -S with OpenPGP', () => {
  test.for(['gpg', 'signed'])('where %s is asked for -> open', async (required) => {
    const row = { pat: gpgEntry('pat'), required, config: openpgp('pat') }
    expect(await judged(row)).toEqual([])
  })

  test('in a SHA-256 repository -> open', async () => {
    const row = { pat: gpgEntry('pat'), required: 'gpg', config: openpgp('pat') }
    expect(await judged({ ...row, format: 'sha256' })).toEqual([])
  })

  test('altered afterwards -> SIGNATURE_WRONG', async () => {
    const row = { pat: gpgEntry('pat'), required: 'gpg', config: openpgp('pat') }
    expect(await judged({ ...row, then: alter })).toEqual(['SIGNATURE_WRONG'])
  })

  test("a key that is in the user's keyring and in no entry -> KEY_NOT_PINNED", async () => {
    const row = { pat: gpgEntry('pat'), required: 'gpg', config: openpgp('stranger') }
    expect(await judged(row)).toEqual(['KEY_NOT_PINNED'])
  })

  test("another's public key under the pinned fingerprint -> KEY_NOT_PINNED", async () => {
    const pat = gpgEntry('stranger', '', 'pat')
    const row = { pat, required: 'gpg', config: openpgp('stranger') }
    expect(await judged(row)).toEqual(['KEY_NOT_PINNED'])
  })

  test('revoked in the roster -> KEY_NOT_VALID_THEN', async () => {
    const pat = gpgEntry('pat', ', revoked_at: 2026-01-01T00:00:00Z')
    expect(await judged({ pat, required: 'gpg', config: openpgp('pat') })).toEqual([
      'KEY_NOT_VALID_THEN',
    ])
  })

  test('where SSH is asked for -> COMMIT_SIGNATURE_UNSUPPORTED', async () => {
    const row = { pat: gpgEntry('pat'), required: 'ssh', config: openpgp('pat') }
    expect(await judged(row)).toEqual(['COMMIT_SIGNATURE_UNSUPPORTED'])
  })

  test("a program that the repository's configuration names -> it is not run", async () => {
    const marker = join(folder, 'ran')
    const evil = join(folder, 'evil')
    writeFileSync(evil, `#!/bin/sh\ntouch ${marker}\n`, { mode: 0o755 })
    const then = (git: (...args: readonly string[]) => string): void => {
      const config = join(git('rev-parse', '--absolute-git-dir').trim(), 'config')
      appendFileSync(config, `[gpg]\n\tprogram = ${evil}\n[gpg "openpgp"]\n\tprogram = ${evil}\n`)
      appendFileSync(config, '[log]\n\tshowSignature = true\n')
    }
    const row = { pat: gpgEntry('pat'), required: 'gpg', config: openpgp('pat') }
    expect(await judged({ ...row, then })).toEqual([])
    expect(() => run('test', ['-e', marker])).toThrow()
  })

  test('no gpg on the PATH -> GPG_MISSING', async () => {
    const only = join(folder, 'only-git')
    mkdirSync(only)
    const git = run('which', ['git']).trim()
    run('ln', ['-s', git, join(only, 'git')])
    const path = process.env['PATH']
    const then = (): void => {
      process.env['PATH'] = only
    }
    try {
      const row = { pat: gpgEntry('pat'), required: 'gpg', config: openpgp('pat') }
      expect(await judged({ ...row, then })).toEqual(['GPG_MISSING'])
    } finally {
      process.env['PATH'] = path
    }
  })
})
