import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { devNull, tmpdir } from 'node:os'
import { join } from 'node:path'
import { PolicyError } from '../base/errors.ts'

export type GpgQuestion = {
  /** The repository's own folder. */
  readonly gitDir: string
  readonly oid: string
  /** Armoured public keys: the only ones that there are. */
  readonly keys: readonly string[]
}

/**
 * Whose OpenPGP key made the signature of a commit, by `git verify-commit` with a keyring of the given keys and nothing
 * else: neither the user's keys, nor their trust, nor a program that the repository's configuration names.
 *
 * @returns the fingerprint of the primary key, upper-case hexadecimal
 * @throws {PolicyError} GPG_MISSING; SIGNATURE_WRONG; KEY_NOT_PINNED when it is of another key; KEY_NOT_VALID_THEN for
 *   keys and signatures that have expired or were revoked
 */
export async function verifyGpgCommit({ gitDir, oid, keys }: GpgQuestion): Promise<string> {
  // A short path: GnuPG's sockets lie in it, and theirs are bounded.
  const home = await mkdtemp(join(tmpdir(), 'cs-gpg-'))
  const environment = environmentOf(home)
  try {
    await run('gpg', ['--version'], environment, missing)
    const ring = join(home, 'keys.asc')
    await writeFile(ring, keys.join('\n'), { mode: 0o600 })
    const quiet = ['--batch', '--no-autostart', '--no-options', '--quiet']
    await run('gpg', [...quiet, '--import', ring], environment, () => null)
    const said = await run('git', verifyArguments(gitDir, oid), environment, () => null)
    return signerOf(oid, said)
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}

function verifyArguments(gitDir: string, oid: string): string[] {
  const settings = [
    'gpg.program=gpg',
    'gpg.openpgp.program=gpg',
    'gpg.minTrustLevel=undefined', // The roster says whom to trust.
    `core.hooksPath=${devNull}`,
  ]
  const flags = settings.flatMap((setting) => ['-c', setting])
  return [`--git-dir=${gitDir}`, ...flags, 'verify-commit', '--raw', oid]
}

function environmentOf(home: string): Record<string, string> {
  const environment: Record<string, string> = {
    GNUPGHOME: home,
    GIT_CONFIG_GLOBAL: devNull,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_ALLOW_PROTOCOL: '',
    LC_ALL: 'C',
  }
  const path = process.env['PATH']
  return path === undefined ? environment : { ...environment, PATH: path }
}

/** What GnuPG says line by line: doc/DETAILS of GnuPG, "Format of the --status-fd output". */
function signerOf(oid: string, said: string): string {
  const lines = said.split('\n').flatMap((line) => {
    const [, keyword, rest = ''] = /^\[GNUPG:\] ([A-Z_]+) ?(.*)$/.exec(line.trimEnd()) ?? []
    return keyword === undefined ? [] : [{ keyword, words: rest.split(' ') }]
  })
  const has = (...keywords: readonly string[]): boolean =>
    lines.some(({ keyword }) => keywords.includes(keyword))
  if (has('BADSIG')) throw fail('SIGNATURE_WRONG', oid, 'the signature is of other bytes')
  if (has('EXPSIG', 'EXPKEYSIG', 'REVKEYSIG', 'KEYREVOKED')) {
    throw fail('KEY_NOT_VALID_THEN', oid, 'the OpenPGP key or its signature has ended')
  }
  if (has('NO_PUBKEY')) throw fail('KEY_NOT_PINNED', oid, 'no roster entry has its OpenPGP key')
  const good = lines.filter(({ keyword }) => keyword === 'GOODSIG')
  const valid = lines.filter(({ keyword }) => keyword === 'VALIDSIG')
  // The tenth word is the primary key's fingerprint; the first may be that of a subkey.
  const primary = valid[0]?.words[9] ?? ''
  if (good.length === 1 && valid.length === 1 && !has('ERRSIG') && FINGERPRINT.test(primary)) {
    return primary
  }
  throw fail('SIGNATURE_WRONG', oid, 'GnuPG finds no good signature')
}

const FINGERPRINT = /^(?:[0-9A-F]{40}|[0-9A-F]{64})$/

function fail(
  code: 'SIGNATURE_WRONG' | 'KEY_NOT_VALID_THEN' | 'KEY_NOT_PINNED',
  oid: string,
  message: string,
): PolicyError {
  return new PolicyError(code, `commit ${oid}: ${message}`)
}

function missing(cause: unknown): PolicyError {
  const message =
    'cannot run gpg, which commits signed with OpenPGP are verified with; install GnuPG'
  return new PolicyError('GPG_MISSING', message, { cause })
}

/** @returns what it wrote, to both: a bad signature is an exit code too. @param failed - the error for a failure, or null */
function run(
  program: string,
  args: readonly string[],
  env: Record<string, string>,
  failed: (cause: unknown) => PolicyError | null,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { env, timeout: TIME_MS_MAX, maxBuffer: OUTPUT_BYTES_MAX }
    execFile(program, [...args], options, (cause, stdout, stderr) => {
      const error = cause === null ? null : failed(cause)
      if (error !== null) reject(error)
      else resolve(`${stdout}\n${stderr}`)
    })
  })
}

const TIME_MS_MAX = 30_000
const OUTPUT_BYTES_MAX = 1024 * 1024
