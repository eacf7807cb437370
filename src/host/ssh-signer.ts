import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeBase64 } from '../base/encoding.ts'
import { PolicyError } from '../base/errors.ts'
import { parseSshPublicKey, parseSshsig, sshFingerprint } from '../base/ssh-encoding.ts'
import { REVIEW_NAMESPACE, type ReviewSigner } from '../model/ports.ts'
import { parsePublicKeyLine, readSshKey } from './ssh-key.ts'

export type SignerOptions = {
  /**
   * A private key, or a public one whose private half ssh-agent holds. Default: the first key of ssh-agent, or
   * `~/.ssh/id_ed25519`.
   */
  readonly keyFile?: string
}

/**
 * Opens a person's SSH key for signing reviews. Keys that lie open on disk sign in this process; encrypted ones,
 * hardware keys and ssh-agent's sign through `ssh-keygen -Y sign`, which asks for a passphrase or a touch itself.
 *
 * @throws {PolicyError} FILE_UNREADABLE when there is no such key, or others may read it; KEY_UNSUPPORTED
 */
export async function openReviewSigner(options: SignerOptions = {}): Promise<ReviewSigner> {
  const { keyFile } = options
  if (keyFile !== undefined) return fileSigner(keyFile)
  const blob = await firstAgentKey()
  if (blob !== undefined) return agentSigner(blob)
  const usual = join(homedir(), '.ssh', 'id_ed25519')
  try {
    return await fileSigner(usual)
  } catch (cause) {
    if (!(cause instanceof PolicyError) || cause.code !== 'FILE_UNREADABLE') throw cause
    throw new PolicyError(
      'FILE_UNREADABLE',
      `expected a key in ssh-agent or a usable one at ${usual}; name one with --key FILE (${cause.message})`,
      { cause, file: usual },
    )
  }
}

async function fileSigner(file: string): Promise<ReviewSigner> {
  const key = await readSshKey(file)
  if (key.kind === 'open') return key.signer
  return {
    kind: 'ssh',
    fingerprint: sshFingerprint(key.blob),
    sign: (text, namespace) => signWith(file, key.blob, text, namespace),
  }
}

function agentSigner(blob: Uint8Array): ReviewSigner {
  return {
    kind: 'ssh',
    fingerprint: sshFingerprint(blob),
    sign: async (statement, namespace) => {
      // ssh-keygen takes the public half as a file and asks the agent for the rest.
      const folder = await mkdtemp(join(tmpdir(), 'countersign-key-'))
      try {
        const file = join(folder, 'key.pub')
        const { type } = parseSshPublicKey(blob)
        await writeFile(file, `${type} ${encodeBase64(blob)}\n`, { mode: 0o600 })
        return await signWith(file, blob, statement, namespace)
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    },
  }
}

/** The first key of ssh-agent that can sign reviews; undefined without an agent. */
async function firstAgentKey(): Promise<Uint8Array | undefined> {
  if (process.env['SSH_AUTH_SOCK'] === undefined) return undefined
  let lines: string[]
  try {
    lines = (await run('ssh-add', ['-L'], new Uint8Array(), 'ignore')).split('\n')
  } catch {
    return undefined // No agent answers, or it holds no keys; the caller looks for a file and says so.
  }
  for (const line of lines) {
    try {
      return parsePublicKeyLine(line, 'ssh-agent')
    } catch {
      // A certificate or an old type: the next line may do.
    }
  }
  return undefined
}

async function signWith(
  file: string,
  blob: Uint8Array,
  statement: Uint8Array,
  namespace = REVIEW_NAMESPACE,
): Promise<string> {
  const args = ['-q', '-Y', 'sign', '-n', namespace, '-f', file]
  // A prompt to touch the key goes to stderr, so the person must see it.
  const armour = await run('ssh-keygen', args, statement, 'inherit')
  if (parseSshsig(armour).fingerprint !== sshFingerprint(blob)) {
    throw new PolicyError('SIGNATURE_WRONG', 'ssh-keygen signed with another key than it was given')
  }
  return armour
}

/** Runs a program without a shell. @returns what it wrote to stdout */
function run(
  program: string,
  args: readonly string[],
  input: Uint8Array,
  stderr: 'inherit' | 'ignore',
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', stderr], windowsHide: true })
    const chunks: Buffer[] = []
    let bytes = 0
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > OUTPUT_BYTES_MAX) child.kill()
      else chunks.push(chunk)
    })
    child.once('error', (cause) => {
      const message = `cannot run ${program}; install OpenSSH or name an unencrypted key with --key FILE`
      reject(new PolicyError('KEY_UNSUPPORTED', message, { cause }))
    })
    child.once('close', (code) => {
      if (code === 0) resolve(Buffer.concat(chunks).toString('utf8'))
      else reject(new PolicyError('KEY_UNSUPPORTED', failure(program, code)))
    })
    child.stdin.on('error', () => {}) // It may end before it has read all; its exit code says so.
    child.stdin.end(input)
  })
}

function failure(program: string, code: number | null): string {
  return `${program} ended with ${code ?? 'a signal'}; is the key in ssh-agent, and the passphrase right?`
}

/** An agent may hold many RSA keys; a signature takes less. */
const OUTPUT_BYTES_MAX = 1024 * 1024
