import type { Command } from 'commander'
import { openKeylessSigner, openSigner, type SigningParts } from '../../app/approvals/reviewer.ts'
import type { AnySigner } from '../../model/ports.ts'
import { usage } from './options.ts'
import { type Cli, printNote } from './output.ts'

export type SignerFlags = {
  readonly key?: string
  readonly sigstore?: boolean
  readonly identityToken?: string
}

/** Adds the options that say what a person signs with. */
export function withSigner(command: Command): Command {
  return command
    .option(
      '--key <file>',
      'your SSH key, or its .pub when ssh-agent holds it (default: ssh-agent)',
    )
    .option(
      '--sigstore',
      'sign in instead of using a key: through Sigstore, as the policy sets it up',
    )
    .option('--identity-token <file>', 'with --sigstore: a file that holds your identity token')
}

/** What the flags say that the person signs with. @throws {PolicyError} USAGE_INVALID, and as each way to sign */
export async function openAnySigner(
  cli: Cli,
  parts: SigningParts,
  flags: SignerFlags,
): Promise<AnySigner> {
  const { sigstore, identityToken: tokenFile, key } = flags
  if (sigstore === undefined && tokenFile === undefined) return openSigner(cli.io.cwd, key)
  if (sigstore === undefined) throw usage('--identity-token is for --sigstore')
  if (key !== undefined) throw usage('--key and --sigstore are two ways to sign; give one of them')
  const say = (text: string): void => printNote(cli, text)
  const { cwd: folder, env: environment } = cli.io
  return openKeylessSigner(parts, { folder, tokenFile, environment, say })
}

/** Whose signature it will be, in words. */
export async function signerWords(signer: AnySigner): Promise<string> {
  if (signer.kind === 'ssh') return `with ${signer.fingerprint}`
  const { issuer, subject } = await signer.identity()
  return `as ${subject} of ${issuer}`
}
